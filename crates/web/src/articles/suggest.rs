//! Articles suggested to somebody who is about to write to us, and being told that one of them was the answer.

use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse as _},
    routing::{get, post},
};
use base::Result;
use db::Read;
use desk::articles::{portal, portal::Reader, reactions, search};
use identity::throttle;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    pages::{found, line},
    reader::{Asking, remember},
    views::Suggestions,
};
use crate::{
    http::{
        app::App,
        caller::Caller,
        extract::{Params, Payload},
        failure::Outcome,
        page::{Look, chrome, done, form},
    },
    kit::render::render,
};

const MOST: usize = 4;
/// What one client says about articles in an hour.
const REACTIONS: throttle::Limit =
    throttle::Limit { name: "article_reaction", most: 60, window_seconds: 3600 };

pub fn routes() -> Router<App> {
    Router::new().route("/help/suggest", get(suggest)).route("/help/answered", post(answered))
}

/// Strangers are many behind one address, and programs are many too.
pub async fn brake(app: &App, caller: &Caller) -> Result<()> {
    if caller.principal.customer().is_some() {
        return Ok(());
    }
    let client = caller.client.to_string();
    app.write(caller.scope(), move |tx| throttle::hit(tx, &REACTIONS, &client)).await?
}

/// What may answer a text that somebody is writing to us.
pub fn suggestions(read: &Read<'_>, reader: &Reader, typed: &str, asked: bool) -> Result<Suggestions> {
    let all = search::suggest(read, reader, &line(typed), MOST)?;
    Ok(Suggestions { found: all.into_iter().map(|f| found(reader, f)).collect(), asked })
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(default)]
struct Typed {
    q: String,
}

/// A piece of a page: the list that stands under the subject.
async fn suggest(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    asking: Asking,
    Params(typed): Params<Typed>,
) -> Outcome {
    let reader = asking.reader(&caller);
    let view = app.read(caller.scope(), move |read| suggestions(read, &reader, &typed.q, false)).await?;
    let html =
        render("articles/_suggestions.html", &chrome(&app, &look).await?, Piece { suggestions: view })?;
    Ok(([("cache-control", "private, no-store")], Html(html)).into_response())
}

#[derive(serde::Serialize)]
struct Piece {
    suggestions: Suggestions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    article: String,
}

/// "This answers my question": counted, and thanked for, on the article itself.
async fn answered(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    mut asking: Asking,
    payload: Payload,
) -> Outcome {
    let input: Answered = form(&app, &caller, payload).await?;
    let (reader, slug) = (asking.reader(&caller), input.article.clone());
    let found = app.read(caller.scope(), move |read| portal::page(read, &reader, &slug)).await?;
    brake(&app, &caller).await?;
    let (key, token) = asking.key_or_new(&caller);
    app.write(caller.scope(), move |tx| reactions::deflect(tx, found.heading.id, key)).await?;
    let mut response = done(&format!("/help/articles/{}", input.article), "articles-answered", look.locale());
    remember(&app, &mut response, token);
    Ok(response)
}
