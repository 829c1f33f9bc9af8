//! `POST /api/mail/inbound`: the door for programs that have a mail in hand. A channel's key opens it, and nothing else; the
//! key says whose mail it is, whatever host was called.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base::{Actor, Error, Id, Kind, Result, TenantId};
use bytes::Bytes;
use db::Scope;
use desk::{
    channels::{self, MailChannel},
    intake::{self, Door, Mail, MailState, Outcome as What, Received},
};
use engine::outside::BlobRef;
use futures::StreamExt as _;
use identity::Token;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use uuid::Uuid;

use crate::{
    admin::api::ThingAt,
    http::{
        app::App,
        extract::{At, Payload},
        failure::Outcome,
    },
};

/// The largest mail that is taken.
pub const MAIL_MAX: u64 = 30 * 1024 * 1024;
/// How long the caller is kept waiting to hear what became of it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is looked at without a hint.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What became of a mail.
#[derive(Serialize, JsonSchema)]
pub struct InboundOut {
    pub id: Uuid,
    pub outcome: What,
    pub ticket_id: Option<Uuid>,
    pub ticket_number: Option<String>,
    pub message_id: Option<Uuid>,
    /// Why, for people.
    pub reason: String,
}

/// A mail that is here, and is not read yet.
#[derive(Serialize, JsonSchema)]
pub struct WaitingOut {
    pub id: Uuid,
    /// `waiting`; `failed` when it cannot be read, and somebody has to look.
    pub state: MailState,
    pub reason: String,
}

/// What a key opens.
pub(super) struct Key {
    pub tenant: TenantId,
    pub channel: Id<MailChannel>,
}

impl Key {
    pub fn scope(&self) -> Scope {
        Scope::tenant(self.tenant, Actor::system())
    }
}

async fn opened(app: &App, headers: &HeaderMap) -> Result<Key> {
    let refuse = || {
        Error::unauthenticated("channel.key_unknown", "send Authorization: Bearer with the key of a channel")
    };
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer "))
        .and_then(|v| Token::parse(v.trim()))
        .ok_or_else(refuse)?;
    by_key(app, token).await?.ok_or_else(refuse)
}

pub(super) async fn by_key(app: &App, token: Token) -> Result<Option<Key>> {
    let scope = Scope::installation(Actor::system());
    let found = app.read(scope, move |read| channels::by_key_anywhere(read, &token)).await?;
    Ok(found.map(|(tenant, channel)| Key { tenant, channel }))
}

pub async fn receive(State(app): State<App>, payload: Payload) -> Outcome<Response> {
    let (head, body) = payload.0.into_parts();
    let key = opened(&app, &head.headers).await?;
    let header = |name: &str| head.headers.get(name).and_then(|v| v.to_str().ok());
    // Addresses may be in UTF-8; of any other charset what is not ASCII is lost, and the mail is not.
    let text =
        |name: &str| head.headers.get(name).map(|v| String::from_utf8_lossy(v.as_bytes()).trim().to_owned());
    let (from, to, ip) = (text("x-envelope-from"), text("x-envelope-to"), text("x-client-ip"));
    let envelope_from = from.map(|from| intake::return_path(&from).ok_or_else(wrong_sender)).transpose()?;
    let envelope_to = to
        .iter()
        .flat_map(|list| list.split(','))
        .filter(|one| !one.trim().is_empty())
        .map(|one| intake::recipient(one).ok_or_else(wrong_recipient))
        .collect::<Result<Vec<_>>>()?;
    if let Some(ip) = &ip
        && ip.parse::<std::net::IpAddr>().is_err()
    {
        return Err(Error::field("X-Client-IP", "mail.client_ip", "expected an IP address").into());
    }
    let kind = header("content-type").unwrap_or_default().to_ascii_lowercase();
    if !kind.is_empty()
        && !kind.starts_with("message/rfc822")
        && !kind.starts_with("application/octet-stream")
    {
        return Err(Error::invalid("request.content_type", "send the raw mail as message/rfc822").into());
    }
    let blob = store(&app, key.tenant, body).await?;
    let letter = Received {
        channel: key.channel,
        door: Door::Api,
        envelope_from,
        envelope_to,
        client_ip: ip,
        helo: None,
        blob,
    };
    let settled = app.db().signals().settled();
    let id = app.write(key.scope(), move |tx| intake::receive(tx, letter)).await?;
    answer(&app, &key, id, settled, PATIENCE).await
}

fn wrong_sender() -> Error {
    let expected =
        "expected one address such as ada@example.org, of at most 320 bytes, or nothing for the null path";
    Error::field("X-Envelope-From", "email.malformed", expected)
}

fn wrong_recipient() -> Error {
    let expected = "expected addresses such as support@example.org, with commas between them";
    Error::field("X-Envelope-To", "email.malformed", expected)
}

/// The raw bytes, durable, before anybody looks at them.
async fn store(app: &App, tenant: TenantId, body: axum::body::Body) -> Result<BlobRef> {
    let broken =
        || Error::invalid("request.broken", "the body could not be read to its end; nothing was taken");
    let mut writer = app.outside().blobs.begin(tenant).await?;
    let mut body = body.into_data_stream();
    let mut size = 0u64;
    while let Some(piece) = body.next().await {
        let piece: Bytes = piece.map_err(|_| broken())?;
        size += piece.len() as u64;
        if size > MAIL_MAX {
            writer.abort().await;
            let message = format!("a mail of at most {} MiB", MAIL_MAX / 1024 / 1024);
            return Err(Error::new(Kind::TooLarge, "mail.too_large", message));
        }
        writer.write(piece).await?;
    }
    if size == 0 {
        writer.abort().await;
        return Err(Error::invalid("mail.empty", "the body is empty; send the raw mail"));
    }
    writer.finish().await
}

pub async fn show(State(app): State<App>, At(at): At<ThingAt>, payload: Payload) -> Outcome<Response> {
    let key = opened(&app, payload.0.headers()).await?;
    let settled = app.db().signals().settled();
    answer(&app, &key, Id::from_uuid(at.id), settled, Duration::ZERO).await
}

/// What became of it, waiting for that as long as `patience`; then 202 with the place to ask.
async fn answer(
    app: &App,
    key: &Key,
    id: Id<Mail>,
    mut settled: Receiver<Uuid>,
    patience: Duration,
) -> Outcome<Response> {
    let until = tokio::time::Instant::now() + patience;
    let channel = key.channel;
    if !patience.is_zero() {
        // Nobody has read it yet: looking now would be in vain.
        heard(&mut settled, id).await;
    }
    loop {
        let (mail, number) = app
            .read(key.scope(), move |read| {
                let mail = intake::query::get(read, id)?;
                let number = match mail.ticket_id {
                    Some(ticket) => Some(desk::tickets::query::get(read, ticket)?.ticket_number),
                    None => None,
                };
                Ok((mail, number))
            })
            .await?;
        if mail.channel_id != channel {
            return Err(Error::not_found("mail").into());
        }
        if let Some(outcome) = mail.outcome.filter(|_| mail.state != MailState::Waiting) {
            let out = InboundOut {
                id: mail.id.uuid(),
                outcome,
                ticket_id: mail.ticket_id.map(|t| t.uuid()),
                ticket_number: number,
                message_id: mail.message_id.map(|m| m.uuid()),
                reason: mail.reason,
            };
            return Ok(Json(out).into_response());
        }
        if mail.state != MailState::Waiting || tokio::time::Instant::now() >= until {
            let location = format!("/api/mail/inbound/{id}");
            let out = WaitingOut { id: mail.id.uuid(), state: mail.state, reason: mail.reason };
            let mut response = (StatusCode::ACCEPTED, Json(out)).into_response();
            if let Ok(value) = HeaderValue::from_str(&location) {
                response.headers_mut().insert(header::LOCATION, value);
            }
            return Ok(response);
        }
        heard(&mut settled, id).await;
    }
}

/// Waits until this mail is said to be settled, or for a while: a hint may be lost.
async fn heard(settled: &mut Receiver<Uuid>, id: Id<Mail>) {
    let its = async {
        // Who lags behind has missed some, perhaps this one.
        while settled.recv().await.is_ok_and(|heard| heard != id.uuid()) {}
    };
    tokio::time::timeout(LOOK_EVERY, its).await.ok();
}
