use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Email, Error, Result};
use desk::tickets;
use serde::Deserialize;

use super::views;
use crate::{
    http::{
        app::App,
        extract::Payload,
        failure::Outcome,
        page::form,
        person::{AdminPage, problems_as},
    },
    kit::forms::Problem,
};

const HOME: &str = "/admin/blocked-senders";
/// Shown at most; the newest.
const MOST: u32 = 1_000;

pub fn routes() -> Router<App> {
    Router::new().route(HOME, get(list).post(block)).route("/admin/blocked-senders/unblock", post(unblock))
}

async fn view(app: &App, who: &AdminPage, problems: Vec<Problem>) -> Result<views::Blocked> {
    let all = app.read(who.scope(), |read| tickets::blocked(read, MOST)).await?;
    let sender = |b: tickets::BlockedSender| views::Sender {
        email: b.email,
        blocked_by: b.blocked_by,
        created_at: b.created_at,
    };
    Ok(views::Blocked { senders: all.into_iter().map(sender).collect(), typed: String::new(), problems })
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let view = view(&app, &who, Vec::new()).await?;
    who.show(&app, "tidying/blocked.html", view).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    email: String,
}

fn address(text: &str) -> Result<Email> {
    text.trim().parse().map_err(|e: Error| e.on_field("email"))
}

async fn block(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let input: Form = form(&app, &who.caller, payload).await?;
    let done = match address(&input.email) {
        Ok(email) => app.write(who.scope(), move |tx| tickets::block(tx, &email)).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => who.done(HOME, "blocked-done"),
        Err(error) => {
            let view =
                views::Blocked { typed: input.email, ..view(&app, &who, problems_as(error, &[])?).await? };
            who.again(&app, HOME, "tidying/blocked.html", view).await
        }
    }
}

async fn unblock(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let input: Form = form(&app, &who.caller, payload).await?;
    let email = address(&input.email)?;
    app.write(who.scope(), move |tx| tickets::unblock(tx, &email)).await?;
    who.done(HOME, "blocked-heard")
}
