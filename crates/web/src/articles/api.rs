//! JSON for readers: the articles they can read, and whether one helped.

use axum::extract::State;
use base::{Error, Result, Timestamp};
use desk::articles::{
    self, Visibility,
    portal::{self, Heading},
    reactions, search,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::reader::Asking;
use crate::{
    http::{
        answer::{Answer, Nothing, Page},
        app::App,
        caller::Caller,
        extract::{At, Params, Payload},
        failure::Outcome,
    },
    tickets::{api::id_cursor, wire::limit},
};

/// The category of an article.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
pub struct CategoryOf {
    pub slug: String,
    pub name: String,
}

/// An article in the language the caller is shown it in.
#[derive(Serialize, JsonSchema)]
pub struct HelpArticle {
    pub id: Uuid,
    pub slug: String,
    pub category: CategoryOf,
    pub visibility: Visibility,
    pub language: String,
    pub title: String,
    /// The version that is published.
    pub version: i64,
    pub published_at: Timestamp,
    /// A piece around what was looked for, as text; only with `q`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<String>,
}

impl From<Heading> for HelpArticle {
    fn from(h: Heading) -> Self {
        Self {
            id: h.id.uuid(),
            slug: h.slug,
            category: CategoryOf { slug: h.category_slug, name: h.category_name },
            visibility: h.visibility,
            language: h.language,
            title: h.title,
            version: h.number,
            published_at: h.published_at,
            snippet: None,
        }
    }
}

/// An article with its text.
#[derive(Serialize, JsonSchema)]
pub struct HelpArticlePage {
    #[serde(flatten)]
    pub article: HelpArticle,
    /// Markdown.
    pub body: String,
    /// Cleaned: a page may show it as it is.
    pub body_html: String,
    /// Every language it can be read in.
    pub languages: Vec<String>,
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ArticlesQuery {
    /// Words, the last of which may be a beginning. Then the best comes first.
    pub q: Option<String>,
    /// The slug of a category.
    pub category: Option<String>,
    /// Read first in this language; otherwise in that of `Accept-Language`, or of the business.
    pub language: Option<String>,
    pub limit: Option<String>,
    pub cursor: Option<String>,
}

fn check(asking: &Asking) -> Result<()> {
    asking.asked().map_or(Ok(()), |code| articles::check_language(code).map(|_| ()))
}

pub async fn list(
    State(app): State<App>,
    caller: Caller,
    asking: Asking,
    Params(asked): Params<ArticlesQuery>,
) -> Outcome<Answer<Page<HelpArticle>>> {
    check(&asking)?;
    let (reader, limit, after) =
        (asking.reader(&caller), limit(asked.limit.as_ref())?, id_cursor(asked.cursor.as_ref())?);
    let q = asked.q.as_deref().map(str::trim).filter(|q| !q.is_empty()).map(str::to_owned);
    let found = app.read(caller.scope(), move |read| {
        let results = match &q {
            Some(q) => search::search(read, &reader, q)?,
            None => search::Results { headings: portal::all(read, &reader)?, ..search::Results::default() },
        };
        let mut all = results.headings.clone();
        if let Some(category) = &asked.category {
            if !portal::all(read, &reader)?.iter().any(|h| h.category_slug == *category) {
                let message = "the slug of a category that has articles you can read";
                return Err(Error::field("category", "article.category_unknown", message));
            }
            all.retain(|h| h.category_slug == *category);
        }
        let start = match after {
            None => 0,
            Some(id) => {
                let at = all.iter().position(|h| h.id.uuid() == id);
                let gone = || {
                    Error::field("cursor", "cursor.malformed", "that article is gone; start over without it")
                };
                at.ok_or_else(gone)? + 1
            }
        };
        let page: Vec<Heading> = all.iter().skip(start).take(limit as usize).cloned().collect();
        let more = all.len() > start + page.len();
        let next_cursor = page.last().filter(|_| more).map(|h| h.id.to_string());
        let items = if q.is_some() {
            search::marked(read, &reader, &results, &page)?
                .into_iter()
                .map(|f| HelpArticle {
                    snippet: Some(f.snippet.iter().map(|m| m.text.as_str()).collect()),
                    ..f.heading.into()
                })
                .collect()
        } else {
            page.into_iter().map(Into::into).collect()
        };
        Ok(Page { items, next_cursor })
    });
    Ok(Answer::ok(found.await?))
}

#[derive(Deserialize, JsonSchema)]
pub struct SlugAt {
    pub slug: String,
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct LanguageQuery {
    pub language: Option<String>,
}

pub async fn show(
    State(app): State<App>,
    caller: Caller,
    asking: Asking,
    At(at): At<SlugAt>,
    Params(_): Params<LanguageQuery>,
) -> Outcome<Answer<HelpArticlePage>> {
    let reader = asking.reader(&caller);
    let p = app.read(caller.scope(), move |read| portal::page(read, &reader, &at.slug)).await?;
    check(&asking)?;
    let version = p.heading.number;
    let page = HelpArticlePage {
        body: p.body,
        body_html: p.body_html,
        languages: p.languages,
        article: p.heading.into(),
    };
    Ok(Answer::ok(page).version(version))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackIn {
    /// Whether it helped. Saying it again changes it.
    pub helpful: bool,
}

pub async fn feedback(
    State(app): State<App>,
    caller: Caller,
    asking: Asking,
    At(at): At<SlugAt>,
    payload: Payload,
) -> Outcome<Nothing> {
    let reader = asking.reader(&caller);
    let p = app.read(caller.scope(), move |read| portal::page(read, &reader, &at.slug)).await?;
    let input: FeedbackIn = payload.json().await?;
    super::suggest::brake(&app, &caller).await?;
    let key = asking.key_of_program(&caller);
    app.write(caller.scope(), move |tx| reactions::say(tx, p.heading.id, key, input.helpful)).await?;
    Ok(Nothing)
}
