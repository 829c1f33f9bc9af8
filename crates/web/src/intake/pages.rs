//! Handlers of the pages about mail that came in, and of what a ticket's page does with it.

use std::time::Duration;

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base::{Error, Id, Result};
use db::Tx;
use desk::{
    channels,
    intake::{self, Mail, MailState, Outcome as What},
    tickets,
};
use engine::outside::Sha256;
use mail::inbound::{self, Limits};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    api::{mail_of_message, raw},
    views,
};
use crate::{
    http::{
        app::App,
        extract::{At, Params, Payload, StaffCaller},
        failure::Outcome,
        page::{form, told},
        person::{AdminPage, Button, StaffPage, cut, href},
    },
    kit::{chrome::Tone, lists::Pager, words},
};

const HOME: &str = "/admin/mails";
const PAGE: usize = 50;
/// What the list can show, the first by default.
const STATES: [&str; 5] = ["quarantined", "failed", "waiting", "discarded", "all"];

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list))
        .route("/admin/mails/{id}", get(show))
        .route("/admin/mails/{id}/original", get(original))
        .route("/admin/mails/{id}/release", post(release))
        .route("/admin/mails/{id}/discard", post(discard))
        .route("/admin/mails/{id}/retry", post(retry))
        .route("/admin/mails/{id}/assign", post(assign))
        .route("/desk/messages/{id}/original", get(original_of_message))
        .route("/desk/messages/{id}/formatted", get(formatted))
        .route("/desk/messages/{id}/admit", post(admit))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Shown {
    state: String,
    cursor: String,
}

fn word_of(mail: &Mail) -> String {
    match (mail.state, mail.outcome) {
        (MailState::Done, Some(outcome)) => outcome.to_string(),
        (state, _) => state.to_string(),
    }
}

/// The name is whatever the writer wants to be called; what somebody decides by is the address.
fn from_of(mail: &Mail) -> String {
    match mail.from_name.as_str() {
        "" => mail.from_email.clone(),
        name => format!("{name} <{}>", mail.from_email),
    }
}

async fn list(State(app): State<App>, who: AdminPage, Params(shown): Params<Shown>) -> Outcome {
    let state = STATES.iter().find(|s| **s == shown.state).copied().unwrap_or(STATES[0]);
    let before = (!shown.cursor.is_empty()).then(|| shown.cursor.parse::<Uuid>()).transpose();
    let before = before.map_err(|_| Error::field("cursor", "cursor.malformed", "start over without it"))?;
    let wanted = (state != "all").then(|| state.parse::<MailState>()).transpose()?;
    let (mut found, numbers, is_unset, undecided) = app
        .read(who.scope(), move |read| {
            let found = intake::query::page(read, wanted, before, PAGE as u32 + 1)?;
            let mut numbers = std::collections::HashMap::new();
            for id in found.iter().filter_map(|m| m.ticket_id) {
                numbers.insert(id, tickets::query::get(read, id)?.ticket_number);
            }
            let undecided = intake::waiting::undecided(read)?;
            Ok((found, numbers, channels::all(read)?.is_empty(), undecided))
        })
        .await?;
    let next = cut(&mut found, PAGE, |m| m.id.to_string());
    let row = |m: Mail| views::Row {
        id: m.id.to_string(),
        outcome: word_of(&m),
        from: from_of(&m),
        subject: m.subject,
        state: m.state.to_string(),
        reason: m.reason,
        ticket_number: m.ticket_id.and_then(|id| numbers.get(&id).cloned()),
        received_at: m.received_at,
    };
    let waiting = |state: &str| match state {
        "quarantined" => Some(undecided.quarantined),
        "failed" => Some(undecided.failed),
        _ => None,
    };
    let view = views::List {
        states: STATES.iter().map(|s| ((*s).to_owned(), *s == state, waiting(s))).collect(),
        mails: found.into_iter().map(row).collect(),
        pager: Pager {
            first_href: before.map(|_| href(HOME, &[("state", state)])),
            next_href: next.map(|c| href(HOME, &[("state", state), ("cursor", &c)])),
            total: None,
        },
        retention_days: who.caller.tenant.settings.stray_mail_retention_days,
        is_unset,
    };
    who.show(&app, "mails/list.html", view).await
}

async fn find(app: &App, who: &AdminPage, id: Uuid) -> Result<Mail> {
    app.read(who.scope(), move |read| intake::query::get(read, Id::from_uuid(id))).await
}

async fn show(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let (mail, channel, number) = app
        .read(who.scope(), move |read| {
            let mail = intake::query::get(read, Id::from_uuid(id))?;
            let channel = channels::get(read, mail.channel_id)?;
            let number = match mail.ticket_id {
                Some(ticket) => Some(tickets::query::get(read, ticket)?.ticket_number),
                None => None,
            };
            Ok((mail, channel, number))
        })
        .await?;
    let said = |check: &str| mail.authentication.get(check).and_then(|v| v.as_str()).map(str::to_owned);
    let in_ticket = mail.message_id.is_some();
    let checks = ["spf", "dkim", "dmarc"].into_iter().filter_map(|c| Some((c.to_uppercase(), said(c)?)));
    let view = views::Mail {
        id: mail.id.to_string(),
        outcome: word_of(&mail),
        channel: channel.address.as_str().to_owned(),
        channel_id: channel.id.to_string(),
        door: mail.door.to_string(),
        state: mail.state.to_string(),
        ticket_href: mail.ticket_id.map(|t| format!("/desk/tickets/{t}")),
        ticket_number: number,
        checks: checks.collect(),
        checks_detail: said("detail").unwrap_or_default(),
        may_release: matches!(mail.state, MailState::Quarantined | MailState::Discarded),
        may_discard: mail.outcome != Some(What::Duplicate)
            && !in_ticket
            && matches!(mail.state, MailState::Quarantined | MailState::Failed | MailState::Done),
        may_retry: mail.state == MailState::Failed || in_ticket,
        may_assign: !in_ticket && mail.state == MailState::Done && mail.outcome != Some(What::Duplicate),
        subject: mail.subject,
        from_email: mail.from_email,
        from_name: mail.from_name,
        reason: mail.reason,
        envelope_from: mail.envelope_from,
        envelope_to: mail.envelope_to,
        client_ip: mail.client_ip,
        header_id: mail.header_id,
        reuses_id: mail.reuses_id,
        size_bytes: mail.size_bytes,
        automated: mail.automated,
        released_by: mail.released_by,
        received_at: Some(mail.received_at),
    };
    who.show(&app, "mails/mail.html", view).await
}

async fn original(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let mail = find(&app, &who, id).await?;
    Ok(raw(&app, &who.caller, &mail).await?)
}

async fn act(
    app: &App,
    who: &AdminPage,
    id: Uuid,
    payload: Payload,
    what: fn(&mut Tx<'_>, Id<Mail>) -> Result<Mail>,
    word: &str,
) -> Outcome {
    do_to(app, who, id, payload, what).await?;
    who.done(format!("{HOME}/{id}"), word)
}

async fn do_to(
    app: &App,
    who: &AdminPage,
    id: Uuid,
    payload: Payload,
    what: fn(&mut Tx<'_>, Id<Mail>) -> Result<Mail>,
) -> Outcome<()> {
    let mail = find(app, who, id).await?;
    let Button { .. } = form(app, &who.caller, payload).await?;
    app.write(who.scope(), move |tx| what(tx, mail.id)).await?;
    settled(app, who, id).await?;
    Ok(())
}

/// Waits a moment for the letter to be read, so that the next page says what became of it and not that it waits.
async fn settled(app: &App, who: &AdminPage, id: Uuid) -> Result<()> {
    for _ in 0..20 {
        let mail = app.read(who.scope(), move |read| intake::query::get(read, Id::from_uuid(id))).await?;
        if mail.state != MailState::Waiting {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn release(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    act(&app, &who, id, payload, intake::release, "mails-is-released").await
}
async fn discard(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let days = who.caller.tenant.settings.stray_mail_retention_days;
    if days == 0 {
        return act(&app, &who, id, payload, intake::discard, "mails-is-discarded-and-stays").await;
    }
    do_to(&app, &who, id, payload, intake::discard).await?;
    let text = words::say_days(who.look.locale(), "mails-is-discarded", days);
    Ok(told(&format!("{HOME}/{id}"), Tone::Ok, &text))
}
async fn retry(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    act(&app, &who, id, payload, intake::read_again, "mails-is-read-again").await
}
async fn assign(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    act(&app, &who, id, payload, intake::assign, "mails-is-assigned").await
}

async fn original_of_message(State(app): State<App>, who: StaffCaller, At(id): At<Uuid>) -> Outcome {
    let mail = mail_of_message(&app, &who, id).await?;
    Ok(raw(&app, &who.caller, &mail).await?)
}

/// The mail's own HTML, cleaned, for a frame that can do nothing: no script, no form, nothing from elsewhere.
async fn formatted(State(app): State<App>, who: StaffCaller, At(id): At<Uuid>) -> Outcome {
    let found = mail_of_message(&app, &who, id).await?;
    let reader = app.outside().blobs.open(who.caller.tenant_id(), Sha256(found.sha256)).await?;
    let bytes = reader.collect(super::inbound::MAIL_MAX).await?;
    let read = tokio::task::spawn_blocking(move || inbound::read(&bytes, &Limits::default())).await;
    let letter = read
        .map_err(Error::from_source)?
        .map_err(|refused| Error::conflict(refused.code, refused.message))?;
    let body = match &letter.html {
        Some(html) => mail::clean(html),
        None => mail::plain_to_html(&letter.text),
    };
    Ok(framed(body.as_str()))
}

const FRAME_POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'self'; sandbox allow-popups; frame-ancestors 'self'";

fn framed(body: &str) -> Response {
    let sheet = crate::kit::assets::url("css/mail-frame.css").unwrap_or_default();
    let page = format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light\"><base target=\"_blank\">\
         <link rel=\"stylesheet\" href=\"{sheet}\"></head><body>{body}</body></html>"
    );
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FRAME_POLICY));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdmitForm {}

async fn admit(State(app): State<App>, who: StaffPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let AdmitForm {} = form(&app, &who.caller, payload).await?;
    let (settings, staff) = (who.caller.tenant.settings.clone(), who.staff.clone());
    let ticket =
        app.write(who.scope(), move |tx| intake::admit(tx, &settings, &staff, Id::from_uuid(id))).await?;
    who.done(format!("/desk/tickets/{}#message-{id}", ticket.head()), "mails-sender-admitted")
}
