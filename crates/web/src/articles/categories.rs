//! The page of the help centre's categories.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Id, Result};
use desk::articles::categories::{self, ArticleCategory};
use serde::Deserialize;
use uuid::Uuid;

use super::views;
use crate::http::{
    app::App,
    extract::{At, Payload},
    failure::Outcome,
    page::form,
    person::{AdminPage, Ask, Button, problems},
};

const HOME: &str = "/admin/article-categories";

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list).post(create))
        .route("/admin/article-categories/{id}", post(rename))
        .route("/admin/article-categories/{id}/up", post(up))
        .route("/admin/article-categories/{id}/down", post(down))
        .route("/admin/article-categories/{id}/delete", post(delete))
}

async fn view(app: &App, who: &AdminPage) -> Result<views::Categories> {
    let all = app.read(who.scope(), categories::all).await?;
    let last = all.len().saturating_sub(1);
    let rows = all.into_iter().enumerate().map(|(i, c)| views::Category {
        id: c.id.to_string(),
        slug: c.slug,
        name: c.name,
        count: c.article_count,
        is_first: i == 0,
        is_last: i == last,
    });
    Ok(views::Categories { rows: rows.collect(), ..views::Categories::default() })
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let view = view(&app, &who).await?;
    who.show(&app, "articles/categories.html", view).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewForm {
    name: String,
    #[serde(default)]
    slug: String,
}

async fn create(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let input: NewForm = form(&app, &who.caller, payload).await?;
    let (name, slug) = (input.name.clone(), input.slug.clone());
    match app.write(who.scope(), move |tx| categories::create(tx, &name, Some(&slug))).await {
        Ok(_) => who.done(HOME, "saved"),
        Err(error) => {
            let problems = problems(error)?;
            let base = view(&app, &who).await?;
            let view = views::Categories { new_name: input.name, new_slug: input.slug, problems, ..base };
            who.again(&app, HOME, "articles/categories.html", view).await
        }
    }
}

async fn find(app: &App, who: &AdminPage, id: Uuid) -> Result<ArticleCategory> {
    app.read(who.scope(), move |read| categories::get(read, Id::from_uuid(id))).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameForm {
    name: String,
}

async fn rename(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let found = find(&app, &who, id).await?;
    let input: NameForm = form(&app, &who.caller, payload).await?;
    let changed = app
        .write(who.scope(), move |tx| categories::change(tx, found.id, Some(&input.name), None, None))
        .await;
    match changed {
        Ok(_) => who.done(HOME, "saved"),
        Err(error) => {
            let view = views::Categories { problems: problems(error)?, ..view(&app, &who).await? };
            who.again(&app, HOME, "articles/categories.html", view).await
        }
    }
}

async fn moved(app: App, who: AdminPage, id: Uuid, payload: Payload, by: i64) -> Outcome {
    let found = find(&app, &who, id).await?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    app.write(who.scope(), move |tx| categories::move_by(tx, found.id, by)).await?;
    who.done(HOME, "saved")
}
async fn up(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    moved(app, who, id, payload, -1).await
}
async fn down(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    moved(app, who, id, payload, 1).await
}

async fn delete(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let found = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        let ask = Ask {
            question: "article-categories-delete-question",
            name: &found.name,
            button: "article-categories-delete",
            action: format!("{HOME}/{id}/delete"),
            fields: Vec::new(),
            back: HOME.into(),
        };
        return who.ask(&app, ask).await;
    }
    match app.write(who.scope(), move |tx| categories::delete(tx, found.id)).await {
        Ok(()) => who.done(HOME, "article-categories-is-deleted"),
        Err(error) => {
            let view = views::Categories { problems: problems(error)?, ..view(&app, &who).await? };
            who.again(&app, HOME, "articles/categories.html", view).await
        }
    }
}
