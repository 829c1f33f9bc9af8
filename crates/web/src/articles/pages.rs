//! The reader's pages.

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use base::{Error, Kind, OrNotFound, Result};
use db::Read;
use desk::articles::{
    self, Visibility, is_right_to_left, language_name,
    portal::{self, Heading, Reader},
    reactions, search,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    body::outlined,
    reader::{Asking, remember},
    views,
};
use crate::http::{
    app::App,
    caller::Caller,
    extract::{At, Params, Payload},
    failure::Outcome,
    page::{Look, form, page, page_with},
    person::href,
};

/// Articles of a category on the first page.
const FIRST_FEW: usize = 5;
/// Articles on a page of what was found.
const FOUND: usize = 20;
/// More of the category beneath an article.
const MORE: usize = 5;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/help/search", get(search_page))
        .route("/help/categories/{slug}", get(category))
        .route("/help/articles/{slug}", get(article))
        .route("/help/articles/{slug}/feedback", post(feedback))
}

/// A link that leads to the text it names, in its language.
pub fn link(reader: &Reader, h: &Heading) -> views::Link {
    views::Link {
        href: article_href(reader, &h.slug, &h.language),
        title: h.title.clone(),
        language: (!reader.reads_first(&h.language)).then(|| h.language.clone()),
        for_members: h.visibility == Visibility::SignedIn,
    }
}

fn article_href(reader: &Reader, slug: &str, language: &str) -> String {
    // The address alone leads to the same text, unless it was chosen by its language.
    let language = if reader.reads_first(language) { "" } else { language };
    href(&format!("/help/articles/{slug}"), &[("language", language)])
}

/// The sections of the help centre that hold something this reader can read.
pub fn sections(read: &Read<'_>, reader: &Reader) -> Result<Vec<views::Section>> {
    let mut out: Vec<(String, views::Section)> = Vec::new();
    for h in portal::all(read, reader)? {
        if out.last().is_none_or(|(slug, _)| *slug != h.category_slug) {
            let section = views::Section {
                name: h.category_name.clone(),
                href: format!("/help/categories/{}", h.category_slug),
                articles: Vec::new(),
                count: 0,
            };
            out.push((h.category_slug.clone(), section));
        }
        if let Some((_, section)) = out.last_mut() {
            section.count += 1;
            if section.articles.len() < FIRST_FEW {
                section.articles.push(link(reader, &h));
            }
        }
    }
    Ok(out.into_iter().map(|(_, s)| s).collect())
}

/// Something found, as a page shows it.
pub fn found(reader: &Reader, f: search::Found) -> views::Found {
    let link = link(reader, &f.heading);
    views::Found {
        slug: f.heading.slug,
        href: link.href,
        name: link.title,
        title: f.title,
        snippet: f.snippet,
        category: f.heading.category_name,
        language: link.language,
    }
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(default)]
struct Asked {
    q: String,
    from: usize,
    language: String,
}

/// A line is cut rather than refused: whoever pasted a letter is looking for help.
pub fn line(q: &str) -> String {
    q.chars().take(400).collect::<String>().trim().to_owned()
}

async fn search_page(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    asking: Asking,
    Params(asked): Params<Asked>,
) -> Outcome {
    let (reader, q) = (asking.reader(&caller), line(&asked.q));
    let view = app
        .read(caller.scope(), move |read| {
            let results = search::search(read, &reader, &q)?;
            let end = asked.from.saturating_add(FOUND);
            let shown: Vec<Heading> = results.headings.iter().skip(asked.from).take(FOUND).cloned().collect();
            let next = (end < results.headings.len()).then(|| end.to_string());
            Ok(views::SearchPage {
                found: search::marked(read, &reader, &results, &shown)?
                    .into_iter()
                    .map(|f| found(&reader, f))
                    .collect(),
                count: results.headings.len(),
                is_partial: results.is_partial,
                next_href: next
                    .map(|n| href("/help/search", &[("q", &q), ("from", &n), ("language", &asked.language)])),
                q,
            })
        })
        .await?;
    page(&app, &look, "articles/search.html", view).await
}

async fn category(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    asking: Asking,
    At(slug): At<String>,
) -> Outcome {
    let reader = asking.reader(&caller);
    let view = app
        .read(caller.scope(), move |read| {
            let all = portal::all(read, &reader)?;
            // A category with nothing to read is not there: its name may be of what is to come.
            let name = all.iter().find(|h| h.category_slug == slug).map(|h| h.category_name.clone());
            let mut others: Vec<(String, String)> = Vec::new();
            for h in all.iter().filter(|h| h.category_slug != slug) {
                let other = (h.category_name.clone(), format!("/help/categories/{}", h.category_slug));
                if !others.contains(&other) {
                    others.push(other);
                }
            }
            Ok(views::CategoryPage {
                name: name.or_not_found("category")?,
                articles: all.iter().filter(|h| h.category_slug == slug).map(|h| link(&reader, h)).collect(),
                others,
            })
        })
        .await;
    match view {
        Ok(view) => page(&app, &look, "articles/category.html", view).await,
        Err(error) => missing(&app, &look, error).await,
    }
}

/// The page of an address with nothing for this reader: the same whether there is something for others or not.
async fn missing(app: &App, look: &Look, error: Error) -> Outcome {
    if error.kind() != Kind::NotFound {
        return Err(error.into());
    }
    page_with(app, look, "articles/missing.html", views::Missing {}, StatusCode::NOT_FOUND).await
}

async fn article(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    asking: Asking,
    At(slug): At<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Outcome {
    let (reader, key) = (asking.reader(&caller), asking.key(&caller));
    let asked = slug.clone();
    let found = app
        .read(caller.scope(), move |read| {
            let p = portal::page(read, &reader, &slug)?;
            let said = key.map(|key| reactions::said(read, p.heading.id, key)).transpose()?.flatten();
            let mut more = portal::all(read, &reader)?;
            more.retain(|h| h.category_id == p.heading.category_id && h.id != p.heading.id);
            more.truncate(MORE);
            let id = p.heading.id;
            Ok((id, article_view(&reader, p, said, more.iter().map(|h| link(&reader, h)).collect())))
        })
        .await;
    let (id, view) = match found {
        Ok(found) => found,
        Err(error) => return missing(&app, &look, error).await,
    };
    if view.slug != asked {
        // It had this address once. Not for ever: another article may get it.
        let query = query.map(|q| format!("?{q}")).unwrap_or_default();
        return Ok(Redirect::temporary(&format!("/help/articles/{}{query}", view.slug)).into_response());
    }
    // Not what was fetched ahead because a link was pointed at, and not what staff look up. Nobody waits for it.
    if !headers.contains_key("sec-purpose") && caller.principal.staff().is_none() {
        let (db, scope) = (app.db().clone(), caller.scope().background());
        tokio::spawn(async move { db.write(scope, move |tx| reactions::see(tx, id)).await.ok() });
    }
    page(&app, &look, "articles/article.html", view).await
}

fn article_view(
    reader: &Reader,
    p: portal::Page,
    said: Option<bool>,
    more: Vec<views::Link>,
) -> views::ArticlePage {
    let (body_html, parts) = outlined(&p.body_html);
    let h = p.heading;
    let wanted = reader.languages.first().filter(|l| **l != h.language);
    views::ArticlePage {
        category_href: format!("/help/categories/{}", h.category_slug),
        category: h.category_name,
        is_right_to_left: is_right_to_left(&h.language),
        body_html,
        parts,
        published_at: Some(h.published_at),
        for_members: h.visibility == Visibility::SignedIn,
        instead: wanted.map(|w| (language_name(w).to_owned(), language_name(&h.language).to_owned())),
        languages: p
            .languages
            .iter()
            .filter(|l| **l != h.language)
            .map(|l| {
                (l.clone(), language_name(l).to_owned(), format!("/help/articles/{}?language={l}", h.slug))
            })
            .collect(),
        said,
        more,
        slug: h.slug,
        title: h.title,
        language: h.language,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    helpful: String,
    #[serde(default)]
    language: String,
}

async fn feedback(
    State(app): State<App>,
    caller: Caller,
    mut asking: Asking,
    At(slug): At<String>,
    payload: Payload,
) -> Outcome {
    let reader = asking.reader(&caller);
    let at = slug.clone();
    let found = app.read(caller.scope(), move |read| portal::page(read, &reader, &at)).await?;
    let input: Said = form(&app, &caller, payload).await?;
    let is_helpful = match input.helpful.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(Error::field("helpful", "article.helpful", "yes or no").into()),
    };
    super::suggest::brake(&app, &caller).await?;
    let (key, token) = asking.key_or_new(&caller);
    app.write(caller.scope(), move |tx| reactions::say(tx, found.heading.id, key, is_helpful)).await?;
    let language = articles::language_of(&input.language).unwrap_or_default();
    let to = format!("{}#feedback", href(&format!("/help/articles/{slug}"), &[("language", language)]));
    let mut response = Redirect::to(&to).into_response();
    remember(&app, &mut response, token);
    Ok(response)
}
