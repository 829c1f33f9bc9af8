//! Writing an article: one form for a new one, a text, and another language; with a preview, and with both texts when
//! somebody else saved first.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use base::{Error, Id, Kind, Result};
use desk::articles::{
    self, Article, LANGUAGES, NewArticle, Patch, Text, Visibility, Writing,
    categories::{self, ArticleCategory},
    is_right_to_left, language_name, query,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    desk_pages::{HOME, check, edit_href, language as language_of},
    views::{Edit, Theirs},
};
use crate::{
    http::{
        app::App,
        extract::{At, Params, Payload},
        failure::Outcome,
        page::{form, page_with},
        person::{StaffPage, href, problems},
    },
    kit::forms::{Choice, Problem},
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/desk/articles/new", get(blank).post(create))
        .route("/desk/articles/{id}", get(edit).post(save))
}

pub async fn find(app: &App, who: &StaffPage, id: Uuid) -> Result<Article> {
    app.read(who.scope(), move |read| query::get(read, Id::from_uuid(id))).await
}

/// What the form sends.
#[derive(Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Typed {
    language: String,
    title: String,
    body: String,
    category_id: String,
    visibility: String,
    slug: String,
    version: Option<i64>,
    #[serde(rename = "do")]
    verb: String,
}

impl Typed {
    fn writing(&self) -> Result<Writing> {
        Writing::parse(&self.language, &self.title, &self.body)
    }
    fn category(&self) -> Result<Id<ArticleCategory>> {
        let id = self.category_id.parse::<Uuid>();
        id.map(Id::from_uuid).map_err(|_| Error::field("category_id", "article.category", "choose one"))
    }
    fn visibility(&self) -> Result<Visibility> {
        self.visibility.parse()
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    language: String,
    category: String,
}

/// The form with what is typed in it; `article` is none of a new one.
async fn view(app: &App, who: &StaffPage, article: Option<&Article>, typed: &Typed) -> Result<Edit> {
    let all = app.read(who.scope(), categories::all).await?;
    let now = article.and_then(|a| a.text(&typed.language));
    let says = |key: &str| who.say(key);
    let visibilities = Visibility::ALL.iter().map(|v| {
        Choice::new(v.as_str(), says(&format!("articles-visibility-{v}")), typed.visibility == v.as_str())
    });
    let has = |code: &str| article.is_some_and(|a| a.text(code).is_some());
    let free = LANGUAGES.iter().filter(|(code, _)| !has(code));
    let languages = free.map(|(code, name)| Choice::new(*code, *name, *code == typed.language)).collect();
    let (heading, public_href) = match (article, now) {
        (None, _) => (says("articles-new"), None),
        (Some(a), None) => (a.named_in(&language_of(who)).map(|t| t.title.clone()).unwrap_or_default(), None),
        (Some(a), Some(t)) => {
            let shown = a.archived_at.is_none() && t.published_number.is_some();
            (t.title.clone(), shown.then(|| format!("/help/articles/{}?language={}", a.slug, t.language)))
        }
    };
    Ok(Edit {
        id: article.map(|a| a.id.to_string()),
        heading,
        version: typed.version.or(article.map(|a| a.version)).unwrap_or_default().to_string(),
        language_name: language_name(&typed.language).to_owned(),
        is_right_to_left: is_right_to_left(&typed.language),
        tabs: article.map(|a| tabs(a, &typed.language)).unwrap_or_default(),
        languages,
        title: typed.title.clone(),
        body: typed.body.clone(),
        slug: typed.slug.clone(),
        categories: all
            .into_iter()
            .map(|c| {
                let id = c.id.to_string();
                Choice::new(id.clone(), c.name, id == typed.category_id)
            })
            .collect(),
        visibilities: visibilities.collect(),
        state: now.map(|t| t.state.to_string()).unwrap_or_default(),
        has_draft: now.is_some_and(|t| t.published_number.is_some() && t.has_draft()),
        is_archived: article.is_some_and(|a| a.archived_at.is_some()),
        saved_by: now.map(|t| t.saved_by.clone()).unwrap_or_default(),
        saved_at: now.map(|t| t.saved_at),
        published_at: now.and_then(|t| t.published_at),
        public_href,
        preview_html: None,
        theirs: None,
        problems: Vec::new(),
        versions_href: now
            .zip(article)
            .map(|(t, a)| href(&format!("{HOME}/{}/versions", a.id), &[("language", &t.language)])),
        language: typed.language.clone(),
    })
}

fn tabs(article: &Article, current: &str) -> Vec<(String, String, String, bool)> {
    let tab = |t: &Text| {
        (
            t.language.clone(),
            language_name(&t.language).to_owned(),
            t.state.to_string(),
            t.language == current,
        )
    };
    article.texts.iter().map(tab).collect()
}

/// What is there, as the form would send it.
fn stored(article: &Article, language: &str) -> Typed {
    let text = article.text(language);
    Typed {
        language: language.to_owned(),
        title: text.map(|t| t.title.clone()).unwrap_or_default(),
        body: text.map(|t| t.body.clone()).unwrap_or_default(),
        category_id: article.category_id.to_string(),
        visibility: article.visibility.to_string(),
        slug: article.slug.clone(),
        version: Some(article.version),
        verb: String::new(),
    }
}

async fn blank(State(app): State<App>, who: StaffPage, Params(asked): Params<Asked>) -> Outcome {
    check(&who)?;
    let own = articles::language_of(&who.caller.tenant.settings.locale).unwrap_or("en");
    let language = articles::language_of(&asked.language).unwrap_or(own).to_owned();
    let typed = Typed {
        language,
        category_id: asked.category,
        visibility: Visibility::Public.to_string(),
        ..Typed::default()
    };
    let view = view(&app, &who, None, &typed).await?;
    who.show(&app, "articles/form.html", view).await
}

async fn edit(
    State(app): State<App>,
    who: StaffPage,
    At(id): At<Uuid>,
    Params(asked): Params<Asked>,
) -> Outcome {
    check(&who)?;
    let article = find(&app, &who, id).await?;
    // The one that lists name it by.
    let named = article.named_in(&language_of(&who)).map(|t| t.language.clone()).unwrap_or_default();
    let language = articles::language_of(&asked.language).map_or(named, str::to_owned);
    let view = view(&app, &who, Some(&article), &stored(&article, &language)).await?;
    who.show(&app, "articles/form.html", view).await
}

/// The form again, as it was typed, with a preview.
async fn previewed(app: &App, who: &StaffPage, article: Option<&Article>, typed: &Typed) -> Outcome {
    let written = match typed.writing() {
        Ok(written) => written,
        Err(error) => return again(app, who, article, typed, error).await,
    };
    let mut view = view(app, who, article, typed).await?;
    view.preview_html = Some(super::body::outlined(&written.body_html).0);
    who.answer(app, address(article), "articles/form.html", view).await
}

fn address(article: Option<&Article>) -> String {
    article.map_or_else(|| format!("{HOME}/new"), |a| format!("{HOME}/{}", a.id))
}

async fn again(
    app: &App,
    who: &StaffPage,
    article: Option<&Article>,
    typed: &Typed,
    error: Error,
) -> Outcome {
    let problems: Vec<Problem> = problems(error)?;
    let view = Edit { problems, ..view(app, who, article, typed).await? };
    who.again(app, address(article), "articles/form.html", view).await
}

async fn create(State(app): State<App>, who: StaffPage, payload: Payload) -> Outcome {
    check(&who)?;
    let typed: Typed = form(&app, &who.caller, payload).await?;
    if typed.verb == "preview" {
        return previewed(&app, &who, None, &typed).await;
    }
    let new = (|| {
        Ok(NewArticle {
            writing: typed.writing()?,
            category_id: typed.category()?,
            visibility: typed.visibility()?,
            slug: Some(typed.slug.clone()),
        })
    })();
    let publishes = typed.verb == "publish";
    let made = match new {
        Ok(new) => {
            app.write(who.scope(), move |tx| {
                let language = new.writing.language;
                let made = articles::create(tx, new)?;
                if publishes { articles::publish(tx, made.id, language, None) } else { Ok(made) }
            })
            .await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => {
            let word = if publishes { "articles-is-published" } else { "articles-is-saved" };
            who.done(edit_href(made.id, &typed.language), word)
        }
        Err(error) => again(&app, &who, None, &typed, error).await,
    }
}

async fn save(State(app): State<App>, who: StaffPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    check(&who)?;
    let article = find(&app, &who, id).await?;
    let typed: Typed = form(&app, &who.caller, payload).await?;
    if typed.verb == "preview" {
        return previewed(&app, &who, Some(&article), &typed).await;
    }
    let patch = (|| {
        Ok(Patch {
            writing: Some(typed.writing()?),
            category_id: Some(typed.category()?),
            visibility: Some(typed.visibility()?),
            slug: Some(typed.slug.clone()),
            position: None,
            expected_version: typed.version,
        })
    })();
    let (publishes, article_id) = (typed.verb == "publish", article.id);
    let saved = match patch {
        Ok(patch) => {
            let language = typed.language.clone();
            app.write(who.scope(), move |tx| {
                let saved = articles::change(tx, article_id, patch)?;
                if publishes { articles::publish(tx, article_id, &language, None) } else { Ok(saved) }
            })
            .await
        }
        Err(error) => Err(error),
    };
    match saved {
        Ok(_) => {
            let word = if publishes { "articles-is-published" } else { "articles-is-saved" };
            who.done(edit_href(id, &typed.language), word)
        }
        Err(error) if error.kind() == Kind::Stale => stale(&app, &who, id, typed).await,
        Err(error) => again(&app, &who, Some(&article), &typed, error).await,
    }
}

/// Somebody saved first: theirs is shown beside, and saving once more is done knowing it.
async fn stale(app: &App, who: &StaffPage, id: Uuid, typed: Typed) -> Outcome {
    let now = find(app, who, id).await?;
    let typed = Typed { version: Some(now.version), ..typed };
    let mut view = view(app, who, Some(&now), &typed).await?;
    view.theirs = now.text(&typed.language).map(|t| Theirs {
        title: t.title.clone(),
        body: t.body.clone(),
        saved_by: t.saved_by.clone(),
        saved_at: t.saved_at,
    });
    let mut look = who.look.clone();
    look.path = address(Some(&now));
    page_with(app, &look, "articles/form.html", view, StatusCode::PRECONDITION_FAILED).await
}
