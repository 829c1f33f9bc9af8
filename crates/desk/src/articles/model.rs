//! What an article is.

use std::{fmt, str::FromStr};

use base::{Error, Id, Result, Timestamp, text};
use serde::{Deserialize, Serialize};

use super::categories::ArticleCategory;
use crate::tickets::words;

words!(
    /// Who may read an article that is published.
    Visibility, "visibility", { Public = "public", SignedIn = "signed_in" }
);
words!(
    /// Where a text is in its life. `draft` also when it was published and is no more.
    State, "state", { Draft = "draft", Published = "published", Archived = "archived" }
);
db::text_column!(Visibility);

/// The longest title, in characters, and the longest text, in bytes.
pub const TITLE_MAX: usize = 150;
pub const BODY_MAX: usize = 128 * 1024;
/// The longest address, in bytes.
pub const SLUG_MAX: usize = 80;

/// The languages a text can be in: BCP 47 and how its speakers call it.
pub const LANGUAGES: [(&str, &str); 24] = [
    ("ar", "العربية"),
    ("cs", "Čeština"),
    ("da", "Dansk"),
    ("de", "Deutsch"),
    ("el", "Ελληνικά"),
    ("en", "English"),
    ("es", "Español"),
    ("fi", "Suomi"),
    ("fr", "Français"),
    ("he", "עברית"),
    ("hi", "हिन्दी"),
    ("hu", "Magyar"),
    ("it", "Italiano"),
    ("ja", "日本語"),
    ("ko", "한국어"),
    ("nb", "Norsk"),
    ("nl", "Nederlands"),
    ("pl", "Polski"),
    ("pt", "Português"),
    ("ro", "Română"),
    ("sv", "Svenska"),
    ("tr", "Türkçe"),
    ("uk", "Українська"),
    ("zh", "中文"),
];

/// How a language calls itself; the code of one that we do not know.
pub fn language_name(code: &str) -> &str {
    LANGUAGES.iter().find(|(c, _)| *c == code).map_or(code, |(_, name)| name)
}

/// Whether it is written from right to left.
pub fn is_right_to_left(code: &str) -> bool {
    matches!(code, "ar" | "he")
}

/// A language a text can be in.
pub fn check_language(code: &str) -> Result<&'static str> {
    LANGUAGES.iter().find(|(c, _)| *c == code).map(|(c, _)| *c).ok_or_else(|| {
        let known: Vec<&str> = LANGUAGES.iter().map(|(c, _)| *c).collect();
        Error::field("language", "article.language", format!("one of {}", known.join(", ")))
    })
}

/// The language meant by a tag such as `de-AT`, where we have it.
pub fn language_of(tag: &str) -> Option<&'static str> {
    let short = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    let short = if matches!(short.as_str(), "no" | "nn") { "nb" } else { &short };
    LANGUAGES.iter().find(|(c, _)| *c == short).map(|(c, _)| *c)
}

/// An article as staff see it, with its texts.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Article {
    #[schemars(with = "uuid::Uuid")]
    pub id: Id<Article>,
    /// Its address: `/help/articles/{slug}`.
    pub slug: String,
    #[schemars(with = "uuid::Uuid")]
    pub category_id: Id<ArticleCategory>,
    pub visibility: Visibility,
    /// Its place in the category, from 1.
    pub position: i64,
    pub archived_at: Option<Timestamp>,
    pub version: i64,
    pub created_by: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub texts: Vec<Text>,
}

/// An article in one language: the newest that was saved.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ArticleText")]
pub struct Text {
    pub language: String,
    pub state: State,
    pub title: String,
    /// Markdown.
    pub body: String,
    /// As a page may show it.
    pub body_html: String,
    /// The number of this version.
    pub number: i64,
    pub saved_by: String,
    pub saved_at: Timestamp,
    /// The version readers see; another than `number` when there is a draft beside.
    pub published_number: Option<i64>,
    pub published_at: Option<Timestamp>,
}

impl Text {
    /// What was saved last is not what readers see.
    pub fn has_draft(&self) -> bool {
        self.published_number != Some(self.number)
    }
}

impl Article {
    pub fn text(&self, language: &str) -> Option<&Text> {
        self.texts.iter().find(|t| t.language == language)
    }
    /// The text to name it by: in this language, or the first.
    pub fn named_in(&self, language: &str) -> Option<&Text> {
        self.text(language).or_else(|| self.texts.first())
    }
    pub fn is_published(&self) -> bool {
        self.archived_at.is_none() && self.texts.iter().any(|t| t.published_number.is_some())
    }
    /// Of the article as a whole: published when any of its texts is.
    pub fn state(&self) -> State {
        match (self.archived_at, self.is_published()) {
            (Some(_), _) => State::Archived,
            (None, true) => State::Published,
            (None, false) => State::Draft,
        }
    }
}

/// A text as it was saved once.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ArticleVersion")]
pub struct Version {
    pub language: String,
    pub number: i64,
    pub title: String,
    /// Markdown.
    pub body: String,
    pub body_html: String,
    /// The version it says again.
    pub restored_from: Option<i64>,
    pub saved_by: String,
    pub saved_at: Timestamp,
    /// When readers saw it first.
    pub published_at: Option<Timestamp>,
}

/// What is written in one language, checked and rendered.
#[derive(Clone, Debug)]
pub struct Writing {
    pub language: &'static str,
    pub title: String,
    pub body: String,
    pub body_html: String,
}

impl Writing {
    /// Renders Markdown, which takes its time: call it outside of a transaction.
    pub fn parse(language: &str, title: &str, body: &str) -> Result<Self> {
        let language = check_language(language)?;
        let title = text::line("title", title, TITLE_MAX)?;
        let body = text::body("body", body, BODY_MAX)?;
        let body_html = mail::markdown::to_html(&body).as_str().to_owned();
        Ok(Self { language, title, body, body_html })
    }
}

/// An article about to be made.
#[derive(Clone, Debug)]
pub struct NewArticle {
    pub category_id: Id<ArticleCategory>,
    pub visibility: Visibility,
    /// Made from the title when there is none.
    pub slug: Option<String>,
    pub writing: Writing,
}

/// An address as somebody wrote it.
pub fn check_slug(field: &'static str, slug: &str) -> Result<String> {
    let slug = slug.trim();
    let ok = !slug.is_empty()
        && slug.len() <= SLUG_MAX
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-');
    if ok {
        return Ok(slug.to_owned());
    }
    let message = format!("lower-case letters, digits and hyphens between them, at most {SLUG_MAX}");
    Err(Error::field(field, "article.slug", message))
}

/// An address out of a name: `Größe & Länge` is `grosse-lange`. `otherwise` when no letter of it can stand in one.
pub fn slug_of(name: &str, otherwise: &str) -> String {
    let mut slug = String::new();
    for token in db::search::tokenize(name) {
        let word: String = token.text.chars().filter(char::is_ascii_alphanumeric).collect();
        // A suffix that keeps it apart has to fit too.
        if word.is_empty() || slug.len() + word.len() + 1 > SLUG_MAX - 8 {
            continue;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word);
    }
    if slug.is_empty() { otherwise.to_owned() } else { slug }
}

/// The first of `slug`, `slug-2`, `slug-3`, … that is not taken.
pub fn free_slug(slug: &str, is_taken: impl Fn(&str) -> Result<bool>) -> Result<String> {
    if !is_taken(slug)? {
        return Ok(slug.to_owned());
    }
    for n in 2..10_000 {
        let next = format!("{slug}-{n}");
        if !is_taken(&next)? {
            return Ok(next);
        }
    }
    Err(Error::conflict("article.slug_taken", "there are too many articles of this name; give it an address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_made_from_titles() {
        for (title, slug) in [
            ("What do the lights on my router mean?", "what-do-the-lights-on-my-router-mean"),
            ("Größe & Länge", "grosse-lange"),
            ("Wi-Fi: slow?!", "wi-fi-slow"),
            ("速度が遅い", "article"),
            ("…", "article"),
        ] {
            assert_eq!(slug_of(title, "article"), slug);
            check_slug("slug", slug).unwrap();
        }
        let long = slug_of(&"word ".repeat(60), "article");
        assert!(long.len() <= SLUG_MAX - 8 && check_slug("slug", &long).is_ok(), "{long}");
        for bad in ["", "A", "a b", "-a", "a-", "ä", "a/b", &"a".repeat(81)] {
            assert!(check_slug("slug", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_taken_address_gets_a_number() {
        let taken = ["a", "a-2"];
        assert_eq!(free_slug("a", |s| Ok(taken.contains(&s))).unwrap(), "a-3");
        assert_eq!(free_slug("b", |s| Ok(taken.contains(&s))).unwrap(), "b");
        assert!(free_slug("a", |_| Ok(true)).is_err());
    }

    #[test]
    fn languages_are_known_by_their_tags() {
        for (tag, code) in [("de-AT", Some("de")), ("EN_gb", Some("en")), ("nn", Some("nb")), ("tlh", None)] {
            assert_eq!(language_of(tag), code, "{tag}");
        }
        assert!(check_language("xx").unwrap_err().message().contains("en, es"));
        assert!(LANGUAGES.windows(2).all(|w| w[0].0 < w[1].0), "in order, each once");
    }
}
