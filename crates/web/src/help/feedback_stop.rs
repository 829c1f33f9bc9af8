//! "Do not ask me again": the page behind the link of a survey, and what mail programs call when somebody presses their
//! own button for it (RFC 8058).

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::Result;
use desk::csat;
use serde::Serialize;

use super::{feedback::TokenAt, pages::page_form};
use crate::http::{
    app::App,
    caller::Caller,
    extract::{At, Payload},
    failure::Outcome,
    page::{Look, page},
};

/// `help/feedback_stop.html`, `GET /help/feedback/{token}/stop`; `POST` the same stops, `POST …/ask` asks again.
#[derive(Debug, Default, Serialize)]
pub struct Stop {
    pub token: String,
    pub is_stopped: bool,
}

pub fn routes() -> Router<App> {
    Router::new()
        .route("/help/feedback/{token}/stop", get(show).post(stop))
        .route("/help/feedback/{token}/ask", post(ask))
}

async fn view(app: &App, caller: &Caller, token: String) -> Result<Stop> {
    let looked = token.clone();
    let is_stopped = app.read(caller.scope(), move |read| csat::is_stopped(read, &looked)).await?;
    Ok(Stop { token, is_stopped })
}

async fn show(State(app): State<App>, look: Look, caller: Caller, At(at): At<TokenAt>) -> Outcome {
    page(&app, &look, "help/feedback_stop.html", view(&app, &caller, at.token).await?).await
}

/// A mail program has no page of ours before it: the address it was sent is proof enough, whatever the body says. All that
/// somebody gains who makes another do this is silence.
async fn stop(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    At(at): At<TokenAt>,
    payload: Payload,
) -> Outcome {
    drop(payload.bytes().await?);
    let token = at.token.clone();
    app.write(caller.scope(), move |tx| csat::stop(tx, &token, true)).await?;
    page(&app, &look, "help/feedback_stop.html", view(&app, &caller, at.token).await?).await
}

async fn ask(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    At(at): At<TokenAt>,
    payload: Payload,
) -> Outcome {
    page_form(&app, &caller, payload).await?;
    let token = at.token.clone();
    app.write(caller.scope(), move |tx| csat::stop(tx, &token, false)).await?;
    page(&app, &look, "help/feedback_stop.html", view(&app, &caller, at.token).await?).await
}
