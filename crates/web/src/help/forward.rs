//! What somebody outside sees who was asked for help: the words an agent chose to send, and a form for the answer.

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use base::{Id, Kind, OrNotFound as _, Result};
use desk::tickets::{self, Attachment, Markdown};
use serde::{Deserialize, Serialize};

use super::{
    pages::{form_key, page_form},
    views,
};
use crate::{
    http::{
        answer::{Idempotency, once},
        app::App,
        caller::Caller,
        extract::{At, Payload},
        failure::{Outcome, status},
        page::{Look, page, page_with},
        upload,
    },
    kit::forms::Problem,
};

/// `help/forward.html`, `GET /help/forward/{token}`; `POST …/answer` (multipart): `body, attachments*, idempotency_key`.
#[derive(Debug, Default, Serialize)]
pub struct Forward {
    pub token: String,
    pub number: String,
    pub subject: String,
    pub asked_by: String,
    pub body_html: String,
    pub attachments: Vec<views::Attachment>,
    pub answered: bool,
    pub draft: String,
    pub attachment_limit_bytes: u64,
    pub idempotency_key: String,
    pub problems: Vec<Problem>,
}

#[derive(Deserialize)]
struct TokenAt {
    token: String,
}
#[derive(Deserialize)]
struct FileAt {
    token: String,
    id: Id<Attachment>,
}

pub fn routes() -> Router<App> {
    Router::new()
        .route("/help/forward/{token}", get(show))
        .route("/help/forward/{token}/answer", post(answer))
        .route("/help/forward/{token}/attachments/{id}", get(attachment))
}

async fn load(app: &App, caller: &Caller, token: &str) -> Result<Forward> {
    let (key, limit) = (token.to_owned(), caller.tenant.settings.attachment_max_bytes);
    app.read(caller.scope(), move |read| {
        let seen = tickets::forward_seen(read, &key)?;
        let file = |a: &Attachment| views::Attachment {
            href: format!("/help/forward/{key}/attachments/{}", a.id),
            filename: a.filename.clone(),
            size_bytes: a.size_bytes,
        };
        Ok(Forward {
            number: seen.ticket_number,
            subject: seen.subject,
            asked_by: seen.message.author.name.clone(),
            attachments: seen.message.attachments.iter().map(file).collect(),
            body_html: seen.message.body_html,
            attachment_limit_bytes: limit,
            idempotency_key: form_key(),
            token: key,
            ..Forward::default()
        })
    })
    .await
}

async fn show(State(app): State<App>, look: Look, caller: Caller, At(at): At<TokenAt>) -> Outcome {
    let view = load(&app, &caller, &at.token).await?;
    page(&app, &look, "help/forward.html", view).await
}

async fn answer(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    At(at): At<TokenAt>,
    payload: Payload,
) -> Outcome {
    let mut view = load(&app, &caller, &at.token).await?;
    let form = page_form(&app, &caller, payload).await?;
    let text = form.get("body").unwrap_or_default().to_owned();
    let done = async {
        let body = Markdown::parse("body", &text)?;
        let key = Idempotency::of(&caller, form.get("idempotency_key"), "page.forward", text.as_bytes())?;
        let (token, files) = (at.token.clone(), form.files.clone());
        app.write(caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| tickets::take_answer(tx, &token, body, files))
        })
        .await
    };
    match done.await {
        Ok(_) => {
            view.answered = true;
            page(&app, &look, "help/forward.html", view).await
        }
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Conflict | Kind::TooLarge) => {
            view.draft = text;
            view.problems = Problem::from_error(&error);
            page_with(&app, &look, "help/forward.html", view, status(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A file that was sent along; no other file of the ticket.
async fn attachment(State(app): State<App>, caller: Caller, At(at): At<FileAt>) -> Outcome<Response> {
    let file = app
        .read(caller.scope(), move |read| {
            let seen = tickets::forward_seen(read, &at.token)?;
            seen.message.attachments.into_iter().find(|a| a.id == at.id).or_not_found("attachment")
        })
        .await?;
    Ok(upload::serve(&app, &caller, &file).await?)
}
