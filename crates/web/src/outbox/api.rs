//! The outbox for programs: what became of each letter. Their words stay in the pages, since some of them sign people in.

use aide::axum::{
    ApiRouter,
    routing::{get_with, post_with},
};
use axum::{Json, extract::State};
use base::{Email, Error, Id, Result, Timestamp};
use notices::letters::{self, Letter, LetterFilter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::STATES;
use crate::{
    admin::api::ThingAt,
    http::{
        answer::{Answer, Page},
        app::App,
        extract::{AdminCaller, At, Params},
        failure::Outcome,
        router::{Who, reads, writes},
    },
    tickets::{api::id_cursor, wire::limit},
};

pub(crate) fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/api/admin/outbox",
            get_with(list, |op| {
                reads(op, "admin.outbox.list", "Letters, newest first, and what became of them", Who::Admins)
                    .response::<200, Json<Page<LetterOut>>>()
            }),
        )
        .api_route(
            "/api/admin/outbox/{id}",
            get_with(show, |op| {
                reads(op, "admin.outbox.show", "What became of a letter", Who::Admins)
                    .response::<200, Json<LetterOut>>()
            }),
        )
        .api_route(
            "/api/admin/outbox/{id}/resend",
            post_with(resend, |op| {
                writes(
                    op,
                    "admin.outbox.resend",
                    "Send a letter that failed, came back, is uncertain or held, under the Message-ID it has",
                    Who::Admins,
                )
                .response::<200, Json<LetterOut>>()
            }),
        )
}

/// A letter without its words.
#[derive(Serialize, JsonSchema)]
pub struct LetterOut {
    pub id: Uuid,
    pub kind: String,
    pub ticket_id: Option<Uuid>,
    pub to: Email,
    pub to_name: String,
    pub subject: String,
    /// Without angle brackets.
    pub message_id: String,
    /// Nobody pressed "send" for it.
    pub automatic: bool,
    /// `queued`, `sent`, `failed`, `uncertain` (it may have left or not), `bounced`, or `held` (too many went to the same place).
    pub status: String,
    pub attempts: u32,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
}

impl From<Letter> for LetterOut {
    fn from(l: Letter) -> Self {
        Self {
            id: l.id.uuid(),
            kind: l.kind,
            ticket_id: l.ticket_id,
            to: l.to_email,
            to_name: l.to_name,
            subject: l.subject,
            message_id: l.message_id,
            automatic: l.automatic,
            status: l.status,
            attempts: l.attempts,
            last_error: l.last_error,
            created_at: l.created_at,
            sent_at: l.sent_at,
        }
    }
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct OutboxQuery {
    /// `queued`, `sent`, `failed`, `uncertain`, `bounced` or `held`.
    pub status: Option<String>,
    /// Contained in address or subject.
    pub q: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<String>,
}

fn state(given: String) -> Result<String> {
    if STATES.contains(&given.as_str()) {
        return Ok(given);
    }
    Err(Error::field("status", "letter.status", format!("one of {}", STATES.join(", "))))
}

async fn list(
    State(app): State<App>,
    who: AdminCaller,
    Params(asked): Params<OutboxQuery>,
) -> Outcome<Answer<Page<LetterOut>>> {
    let (before, limit) = (id_cursor(asked.cursor.as_ref())?, limit(asked.limit.as_ref())?);
    let q = asked.q.filter(|q| !q.trim().is_empty());
    let filter = LetterFilter { status: asked.status.map(state).transpose()?, q, before };
    let mut found =
        app.read(who.caller.scope(), move |read| letters::search(read, &filter, limit + 1)).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|l| l.id.to_string());
    Ok(Answer::ok(Page { items: found.into_iter().map(LetterOut::from).collect(), next_cursor }))
}

async fn show(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Answer<LetterOut>> {
    let letter = app.read(who.caller.scope(), move |read| letters::get(read, Id::from_uuid(at.id))).await?;
    Ok(Answer::ok(letter.into()))
}

async fn resend(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Answer<LetterOut>> {
    let letter = app
        .write(who.caller.scope(), move |tx| {
            let id = Id::from_uuid(at.id);
            letters::resend(tx, id)?;
            letters::get(tx, id)
        })
        .await?;
    Ok(Answer::ok(letter.into()))
}
