//! The words of letters: a default for each kind, and the tenant's own where it has one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use base::{Error, Result, Timestamp};
use db::{Read, Tx, params};
use identity::{audit, tenants};
use minijinja::{Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use super::{LetterKind, layout, words};

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Template {
    pub kind: String,
    pub locale: String,
    pub subject: String,
    /// Markdown with minijinja placeholders.
    pub body: String,
    /// When the tenant changed it; absent for the default.
    pub updated_at: Option<Timestamp>,
}

db::statements! {
    OWN = "select locale, subject, body, updated_at from letter_templates where tenant_id = ?1 and kind = ?2 order by locale";
    SAVE = "insert into letter_templates (tenant_id, kind, locale, subject, body, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6)
        on conflict (tenant_id, kind, locale) do update set subject = excluded.subject, body = excluded.body, updated_at = excluded.updated_at";
    CHANGED = "select kind, locale from letter_templates where tenant_id = ?1 order by kind, locale";
    RESET = "delete from letter_templates where tenant_id = ?1 and kind = ?2 and locale = ?3";
}

/// The templates of a kind that the tenant wrote itself, in whatever languages.
fn own(read: &Read<'_>, kind: LetterKind) -> Result<Vec<Template>> {
    read.recall(&OWN, params![kind.as_str()], |row| {
        let (locale, subject, body, at) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(Template { kind: kind.as_str().into(), locale, subject, body, updated_at: Some(at) })
    })
}

/// What we say where the tenant has no words of its own; English where we have none in that language.
pub fn default_of(kind: LetterKind, locale: &str) -> Template {
    let language = words::language(locale);
    let text = language.text(kind);
    Template {
        kind: kind.as_str().into(),
        locale: language.code.into(),
        subject: text.subject.into(),
        body: text.body.into(),
        updated_at: None,
    }
}

/// The words a reader gets: the tenant's own in the reader's language; else its own in the language of the business,
/// else its own English; else the default in the reader's language.
///
/// Its own words in another language go before our default in the right one. Who rewrites a letter does so because
/// the default is wrong for them: it promises what they do not keep, or lacks what they must say. A default that they
/// never read would then go out in their name, and would contradict what their other customers are told. The page of
/// the letter says whom this concerns, and saving our default there, as it is or changed, ends it.
pub fn template_of(read: &Read<'_>, kind: LetterKind, locale: &str) -> Result<Template> {
    let language = words::language(locale);
    let mut own = own(read, kind)?;
    if own.is_empty() {
        return Ok(default_of(kind, locale));
    }
    let business = tenants::get(read, read.tenant()?)?.settings.locale;
    for code in [language.code, words::language(&business).code, "en"] {
        if let Some(at) = own.iter().position(|t| t.locale == code) {
            return Ok(own.swap_remove(at));
        }
    }
    Ok(default_of(kind, locale))
}

/// A template as its page shows it.
pub struct Edited {
    /// Of this very language: the tenant's own, or the default.
    pub template: Template,
    /// The language that readers of this one get it in, while the tenant has words of its own only there.
    pub stand_in: Option<String>,
}

pub fn edited(read: &Read<'_>, kind: LetterKind, locale: &str) -> Result<Edited> {
    let language = words::language(locale);
    let sent = template_of(read, kind, locale)?;
    Ok(if sent.locale == language.code {
        Edited { template: sent, stand_in: None }
    } else {
        Edited { template: default_of(kind, locale), stand_in: Some(sent.locale) }
    })
}

/// Kind and language of every template the tenant changed.
pub fn changed(read: &Read<'_>) -> Result<Vec<(String, String)>> {
    read.query_all(&CHANGED, params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// What a rendered letter says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rendered {
    pub locale: String,
    pub subject: String,
    pub text: String,
    /// What stands in the body of the HTML.
    pub content: String,
}

impl Rendered {
    /// The whole HTML document.
    pub fn html(&self) -> String {
        layout::document(&self.locale, &self.subject, &self.content)
    }
}

/// Puts the values in. Values that go into Markdown are escaped there unless they are Markdown themselves (`body`).
pub fn render(template: &Template, values: &serde_json::Value) -> Result<Rendered> {
    let mut values = values.clone();
    if let Some(priority) = values.get_mut("priority") {
        let word = priority.as_str().and_then(|p| words::language(&template.locale).priority(p));
        if let Some(word) = word {
            *priority = word.into();
        }
    }
    let subject = fill("subject", &template.subject, &values)?;
    let subject: String = subject
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(250)
        .collect();
    if let Some(map) = values.as_object_mut() {
        for (name, value) in map.iter_mut() {
            if let Some(text) =
                value.as_str().filter(|_| !matches!(name.as_str(), "body" | "link" | "desk_link"))
            {
                *value = escape_markdown(text).into();
            }
        }
    }
    let body = fill("body", &template.body, &values)?;
    Ok(Rendered {
        locale: template.locale.clone(),
        subject,
        text: mail::markdown::to_text(&body),
        content: layout::dress(&mail::markdown::to_html(&body)),
    })
}

fn fill(field: &'static str, source: &str, values: &serde_json::Value) -> Result<String> {
    compiled(source)
        .and_then(|env| env.get_template("letter")?.render(Serde(values)))
        .map_err(|e| Error::field(field, "template.wrong", format!("{e:#}")))
}

/// Templates kept compiled; few are in use at a time.
const COMPILED_MAX: usize = 200;

/// A ticket's letters to a team are one template many times.
fn compiled(source: &str) -> std::result::Result<Arc<Environment<'static>>, minijinja::Error> {
    static COMPILED: Mutex<BTreeMap<String, Arc<Environment<'static>>>> = Mutex::new(BTreeMap::new());
    let kept = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(env) = kept().get(source) {
        return Ok(env.clone());
    }
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_fuel(Some(100_000));
    env.add_template_owned("letter", source.to_owned())?;
    let env = Arc::new(env);
    let mut kept = kept();
    if kept.len() >= COMPILED_MAX {
        kept.clear();
    }
    kept.insert(source.to_owned(), env.clone());
    Ok(env)
}

/// Text of others stays text: what would be Markdown or HTML in it is escaped.
fn escape_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ':' | '/' | '@' | '-' | '\'' | '?' | '%') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// What a template is previewed and tested with.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The name of the business.
    pub business: String,
    /// Its notice, perhaps empty.
    pub banner: String,
    /// Where its pages are, without a slash at the end.
    pub base: String,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            business: "Northwind Fiber".into(),
            banner: String::new(),
            base: "https://help.example.org".into(),
        }
    }
}

impl Sample {
    /// The names of the values every letter has.
    pub const NAMES: [&str; 13] = [
        "name",
        "ticket_number",
        "subject",
        "business",
        "link",
        "desk_link",
        "body",
        "author",
        "requester",
        "priority",
        "category",
        "banner",
        "count",
    ];

    /// A value for each name, in a language.
    pub fn values(&self, locale: &str) -> serde_json::Value {
        let language = words::language(locale);
        serde_json::json!({
            "name": "Ada Byron", "ticket_number": "SUP-00042", "subject": language.sample_subject,
            "business": self.business, "link": format!("{}/help/tickets/42", self.base),
            "desk_link": format!("{}/desk/tickets/42", self.base), "body": language.sample_body, "author": "Ben",
            "requester": "ada@example.org", "priority": "high", "category": "internet", "banner": self.banner,
            "count": 7,
        })
    }
}

/// Whether a template works: both parts must render with the values every letter has.
pub fn check(kind: LetterKind, locale: &str, subject: &str, body: &str, sample: &Sample) -> Result<Rendered> {
    let subject = base::text::line("subject", subject, 250)?;
    let body = base::text::body("body", body, 64 * 1024)?;
    let locale = words::language(locale).code.to_owned();
    let values = sample.values(&locale);
    render(&Template { kind: kind.as_str().into(), locale, subject, body, updated_at: None }, &values)
}

fn check_locale(locale: &str) -> Result<()> {
    if words::LANGUAGES.contains(&locale) {
        Ok(())
    } else {
        Err(Error::field("locale", "locale.unknown", format!("one of {}", words::LANGUAGES.join(", "))))
    }
}

pub fn save(tx: &mut Tx<'_>, kind: LetterKind, locale: &str, subject: &str, body: &str) -> Result<Template> {
    check_locale(locale)?;
    check(kind, locale, subject, body, &Sample::default())?;
    let before = edited(tx, kind, locale)?.template;
    let now = tx.now();
    tx.execute(&SAVE, params![kind.as_str(), locale, subject, body, now])?;
    let after = edited(tx, kind, locale)?.template;
    audit::record(
        tx,
        audit::Change::new("letter_template.changed", "letter_template", None).from(&before).to(&after),
    )?;
    Ok(after)
}

/// Goes back to the default.
pub fn reset(tx: &mut Tx<'_>, kind: LetterKind, locale: &str) -> Result<Template> {
    check_locale(locale)?;
    let before = edited(tx, kind, locale)?.template;
    tx.execute(&RESET, params![kind.as_str(), locale])?;
    let after = edited(tx, kind, locale)?.template;
    audit::record(
        tx,
        audit::Change::new("letter_template.reset", "letter_template", None).from(&before).to(&after),
    )?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_renders_with_the_sample() {
        for kind in LetterKind::ALL {
            for code in words::LANGUAGES {
                let text = words::language(code).text(kind);
                let sample = Sample { banner: "Storm in the north.".into(), ..Sample::default() };
                let rendered = check(kind, code, text.subject, text.body, &sample)
                    .unwrap_or_else(|e| panic!("{code} {}: {e}", kind.as_str()));
                let all = format!("{}\n{}\n{}", rendered.subject, rendered.text, rendered.html());
                for mark in ["{{", "{%", "**"] {
                    assert!(!all.contains(mark), "{code} {}: {mark} in {all}", kind.as_str());
                }
                assert!(rendered.html().contains(&format!("<html lang=\"{code}\">")));
                // The text stands alone: every link of the HTML is written out in it.
                for link in rendered.content.split("href=\"").skip(1) {
                    let link = link.split('"').next().unwrap().replace("&amp;", "&");
                    let link = link.strip_prefix("mailto:").unwrap_or(&link);
                    assert!(rendered.text.contains(link), "{code} {}: {link}", kind.as_str());
                }
            }
        }
    }

    #[test]
    fn a_letter_without_a_name_greets_nobody_by_name() {
        let mut values = Sample::default().values("es");
        values["name"] = "".into();
        let template = default_of(LetterKind::TicketResolved, "es");
        assert!(render(&template, &values).unwrap().text.starts_with("Hola:\n"));
    }

    #[test]
    fn the_sample_has_the_values_that_are_named() {
        let values = Sample::default().values("en");
        let mut names = Sample::NAMES.map(str::to_owned);
        names.sort();
        let mut there: Vec<String> = values.as_object().unwrap().keys().cloned().collect();
        there.sort();
        assert_eq!(there, names);
    }

    #[test]
    fn a_template_that_names_a_missing_field_is_refused_with_its_name() {
        let error = check(LetterKind::TicketNew, "en", "x", "{{ nmae }}", &Sample::default()).unwrap_err();
        assert_eq!(error.field_errors()[0].field, "body");
    }

    #[test]
    fn values_of_others_stay_text() {
        let values =
            serde_json::json!({ "subject": "<img src=x onerror=alert(1)> **bold** [a](javascript:x)" });
        let template = Template {
            kind: "x".into(),
            locale: "en".into(),
            subject: "{{ subject }}".into(),
            body: "{{ subject }}".into(),
            updated_at: None,
        };
        let rendered = render(&template, &values).unwrap();
        assert!(
            !rendered.content.contains("<img")
                && !rendered.content.contains("<strong")
                && !rendered.content.contains("<a "),
            "{}",
            rendered.content
        );
    }
}
