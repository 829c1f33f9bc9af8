//! JSON for staff. Agents write and publish; administrators keep the categories.

use axum::extract::State;
use base::{Error, Id, Result};
use db::{Read, Tx};
use desk::articles::{
    self, Article, NewArticle, Patch, State as Life, Version, Visibility, Writing,
    categories::{self, ArticleCategory},
    query::{self, Filter},
    reactions::{self, Figures},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    admin::api::ThingAt,
    http::{
        answer::{Answer, Created, Idempotency, Nothing, Page, if_match, once},
        app::App,
        extract::{AdminCaller, At, Params, Payload, StaffCaller, parse_json},
        failure::Outcome,
        part::Part,
    },
    tickets::{
        api::{id_cursor, read_json_body},
        wire::{flag, limit},
    },
};

/// An article with all its texts. In lists their bodies are empty.
#[derive(Serialize, JsonSchema)]
pub struct ArticleOut {
    #[serde(flatten)]
    pub article: Article,
    /// Of the article as a whole: published when any of its texts is.
    pub state: Life,
    #[serde(flatten)]
    pub figures: Figures,
}

fn out(read: &Read<'_>, article: Article) -> Result<ArticleOut> {
    let figures = reactions::figures(read)?.remove(&article.id).unwrap_or_default();
    Ok(ArticleOut { state: article.state(), article, figures })
}

/// A technician sees the tickets that are theirs, and reads articles as a customer does.
pub fn check(who: &StaffCaller, writes: bool) -> Result<()> {
    if !who.staff.role.sees_all_tickets() {
        return Err(Error::forbidden("role.agents_only", "only those who see the whole queue may do this"));
    }
    if writes && who.staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    Ok(())
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct StaffArticlesQuery {
    /// Words of titles and addresses, of drafts too.
    pub q: Option<String>,
    /// The id of a category.
    pub category: Option<String>,
    /// `draft`, `published` or `archived`; without it all that are not archived.
    pub state: Option<String>,
    /// Only those with something saved that is not published.
    pub has_draft: Option<String>,
    pub limit: Option<String>,
    pub cursor: Option<String>,
}

pub async fn list(
    State(app): State<App>,
    who: StaffCaller,
    Params(asked): Params<StaffArticlesQuery>,
) -> Outcome<Answer<Page<ArticleOut>>> {
    check(&who, false)?;
    let category = asked.category.as_deref().map(|c| {
        c.parse::<Uuid>().map_err(|_| Error::field("category", "article.category", "the id of a category"))
    });
    let filter = Filter {
        category: category.transpose()?.map(Id::from_uuid),
        state: asked.state.as_deref().map(str::parse).transpose()?,
        has_draft: flag("has_draft", asked.has_draft.as_ref())?.unwrap_or(false),
        q: asked.q.unwrap_or_default(),
    };
    let (limit, after) = (limit(asked.limit.as_ref())?, id_cursor(asked.cursor.as_ref())?);
    let page = app.read(who.caller.scope(), move |read| {
        let all = query::list(read, &filter)?;
        let start = match after.map(|id| all.iter().position(|a| a.id.uuid() == id)) {
            None => 0,
            Some(Some(at)) => at + 1,
            Some(None) => {
                let message = "that article is not in the list any more; start over without it";
                return Err(Error::field("cursor", "cursor.malformed", message));
            }
        };
        let more = all.len() > start + limit as usize;
        let mut figures = reactions::figures(read)?;
        let items: Vec<ArticleOut> = all
            .into_iter()
            .skip(start)
            .take(limit as usize)
            .map(|article| ArticleOut {
                state: article.state(),
                figures: figures.remove(&article.id).unwrap_or_default(),
                article,
            })
            .collect();
        let next_cursor = items.last().filter(|_| more).map(|a| a.article.id.to_string());
        Ok(Page { items, next_cursor })
    });
    Ok(Answer::ok(page.await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleIn {
    pub category_id: Uuid,
    /// BCP 47: `en`, `de`, …
    pub language: String,
    pub title: String,
    /// Markdown.
    pub body: String,
    /// `public` unless it says otherwise.
    pub visibility: Option<Visibility>,
    /// Its address; made from the title when absent.
    pub slug: Option<String>,
    /// Readers see it at once.
    #[serde(default)]
    pub publish: bool,
}

pub async fn create(State(app): State<App>, who: StaffCaller, payload: Payload) -> Outcome<Created> {
    check(&who, true)?;
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), "admin.articles", &body)?;
    let i: ArticleIn = parse_json(&body)?;
    let new = NewArticle {
        category_id: Id::from_uuid(i.category_id),
        visibility: i.visibility.unwrap_or(Visibility::Public),
        slug: i.slug,
        writing: Writing::parse(&i.language, &i.title, &i.body)?,
    };
    let made = app.write(who.caller.scope(), move |tx| {
        once(tx, key.as_ref(), |tx| {
            let language = new.writing.language;
            let mut article = articles::create(tx, new)?;
            if i.publish {
                article = articles::publish(tx, article.id, language, None)?;
            }
            out(tx, article)
        })
    });
    Ok(made.await?)
}

async fn find(app: &App, who: &StaffCaller, id: Uuid) -> Result<Article> {
    app.read(who.caller.scope(), move |read| query::get(read, Id::from_uuid(id))).await
}

pub async fn show(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ThingAt>,
) -> Outcome<Answer<ArticleOut>> {
    check(&who, false)?;
    let found = app
        .read(who.caller.scope(), move |read| {
            let article = query::get(read, Id::from_uuid(at.id))?;
            out(read, article)
        })
        .await?;
    let version = found.article.version;
    Ok(Answer::ok(found).version(version))
}

/// A text is given whole: `language`, `title` and `body`.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArticlePatchIn {
    pub slug: Option<String>,
    pub category_id: Option<Uuid>,
    pub visibility: Option<Visibility>,
    /// Its place in the category, from 1.
    pub position: Option<i64>,
    pub language: Option<String>,
    pub title: Option<String>,
    /// Markdown. Readers see it once it is published.
    pub body: Option<String>,
}

impl ArticlePatchIn {
    /// Title or text alone are completed by what is there.
    fn writing(&self, article: &Article) -> Result<Option<Writing>> {
        if self.title.is_none() && self.body.is_none() {
            return Ok(None);
        }
        let language = self.language.as_deref().ok_or_else(|| {
            Error::field("language", "article.language", "the language of the text that is given")
        })?;
        let now = article.text(language);
        let missing = |field: &'static str| {
            Error::field(field, "text.empty", "a text in a new language has a title and a body")
        };
        let title =
            self.title.as_deref().or(now.map(|t| t.title.as_str())).ok_or_else(|| missing("title"))?;
        let body = self.body.as_deref().or(now.map(|t| t.body.as_str())).ok_or_else(|| missing("body"))?;
        Writing::parse(language, title, body).map(Some)
    }
}

/// Runs a change and answers the article with its new version.
async fn changed(
    app: &App,
    who: &StaffCaller,
    change: impl FnOnce(&mut Tx<'_>) -> Result<Article> + Send + 'static,
) -> Outcome<Answer<ArticleOut>> {
    let found = app
        .write(who.caller.scope(), move |tx| {
            let article = change(tx)?;
            out(tx, article)
        })
        .await?;
    let version = found.article.version;
    Ok(Answer::ok(found).version(version))
}

pub async fn change(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<ArticleOut>> {
    check(&who, true)?;
    let found = find(&app, &who, at.id).await?;
    let expected_version = if_match(&payload)?;
    let i: ArticlePatchIn = payload.json().await?;
    let patch = Patch {
        writing: i.writing(&found)?,
        slug: i.slug,
        category_id: i.category_id.map(Id::from_uuid),
        visibility: i.visibility,
        position: i.position,
        expected_version,
    };
    changed(&app, &who, move |tx| articles::change(tx, found.id, patch)).await
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WhichTextIn {
    /// Needed where the article has texts in several languages.
    pub language: Option<String>,
}

fn which(article: &Article, asked: Option<String>) -> Result<String> {
    match (asked, article.texts.as_slice()) {
        (Some(language), _) => Ok(language),
        (None, [only]) => Ok(only.language.clone()),
        (None, texts) => {
            let known: Vec<&str> = texts.iter().map(|t| t.language.as_str()).collect();
            Err(Error::field("language", "article.which", format!("one of {}", known.join(", "))))
        }
    }
}

type Publishing = fn(&mut Tx<'_>, Id<Article>, &str, Option<i64>) -> Result<Article>;

async fn set_published(
    app: App,
    who: StaffCaller,
    id: Uuid,
    payload: Payload,
    act: Publishing,
) -> Outcome<Answer<ArticleOut>> {
    check(&who, true)?;
    let found = find(&app, &who, id).await?;
    let expected = if_match(&payload)?;
    let i: WhichTextIn = payload.json().await?;
    let language = which(&found, i.language)?;
    changed(&app, &who, move |tx| act(tx, found.id, &language, expected)).await
}

pub async fn publish(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<ArticleOut>> {
    set_published(app, who, at.id, payload, articles::publish).await
}
pub async fn unpublish(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<ArticleOut>> {
    set_published(app, who, at.id, payload, articles::unpublish).await
}

pub async fn archive(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<ArticleOut>> {
    check(&who, true)?;
    let (found, expected) = (find(&app, &who, at.id).await?, if_match(&payload)?);
    changed(&app, &who, move |tx| articles::archive(tx, found.id, expected)).await
}
pub async fn restore(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<ArticleOut>> {
    check(&who, true)?;
    let (found, expected) = (find(&app, &who, at.id).await?, if_match(&payload)?);
    changed(&app, &who, move |tx| articles::restore(tx, found.id, expected)).await
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct VersionsQuery {
    /// Needed where the article has texts in several languages.
    pub language: Option<String>,
    pub limit: Option<String>,
    pub cursor: Option<String>,
}

pub async fn versions(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ThingAt>,
    Params(asked): Params<VersionsQuery>,
) -> Outcome<Answer<Page<Version>>> {
    check(&who, false)?;
    let found = find(&app, &who, at.id).await?;
    let language = which(&found, asked.language)?;
    let limit = limit(asked.limit.as_ref())?;
    let before = asked.cursor.as_deref().map(str::parse::<i64>).transpose();
    let before =
        before.map_err(|_| Error::field("cursor", "cursor.malformed", "pass next_cursor unchanged"))?;
    let mut items = app
        .read(who.caller.scope(), move |read| query::versions(read, found.id, &language, before, limit + 1))
        .await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next_cursor = items.last().filter(|_| more).map(|v| v.number.to_string());
    Ok(Answer::ok(Page { items, next_cursor }))
}

#[derive(Deserialize, JsonSchema)]
pub struct VersionAt {
    pub id: Uuid,
    pub number: i64,
}

pub async fn restore_version(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<VersionAt>,
    payload: Payload,
) -> Outcome<Answer<ArticleOut>> {
    check(&who, true)?;
    let (found, expected) = (find(&app, &who, at.id).await?, if_match(&payload)?);
    let i: WhichTextIn = payload.json().await?;
    let language = which(&found, i.language)?;
    changed(&app, &who, move |tx| articles::restore_version(tx, found.id, &language, at.number, expected))
        .await
}

pub async fn list_categories(
    State(app): State<App>,
    who: StaffCaller,
    Params(part): Params<Part>,
) -> Outcome<Answer<Page<ArticleCategory>>> {
    check(&who, false)?;
    let place = part.place()?;
    let items = app.read(who.caller.scope(), categories::all).await?;
    Ok(Answer::ok(place.of(items)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleCategoryIn {
    pub name: String,
    /// Its address; made from the name when absent.
    pub slug: Option<String>,
}

pub async fn create_category(State(app): State<App>, who: AdminCaller, payload: Payload) -> Outcome<Created> {
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), "admin.article_categories", &body)?;
    let i: ArticleCategoryIn = parse_json(&body)?;
    let made = app.write(who.caller.scope(), move |tx| {
        once(tx, key.as_ref(), |tx| categories::create(tx, &i.name, i.slug.as_deref()))
    });
    Ok(made.await?)
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArticleCategoryPatchIn {
    pub name: Option<String>,
    pub slug: Option<String>,
    /// Its place, from 1; the others move.
    pub position: Option<i64>,
}

pub async fn change_category(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<ArticleCategory>> {
    let id: Id<ArticleCategory> = Id::from_uuid(at.id);
    app.read(who.caller.scope(), move |read| categories::get(read, id).map(|_| ())).await?;
    let i: ArticleCategoryPatchIn = payload.json().await?;
    let changed = app.write(who.caller.scope(), move |tx| {
        categories::change(tx, id, i.name.as_deref(), i.slug.as_deref(), i.position)
    });
    Ok(Answer::ok(changed.await?))
}

pub async fn delete_category(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
) -> Outcome<Nothing> {
    app.write(who.caller.scope(), move |tx| categories::delete(tx, Id::from_uuid(at.id))).await?;
    Ok(Nothing)
}
