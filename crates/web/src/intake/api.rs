//! What staff and programs do with letters that came in.

use aide::axum::{
    ApiRouter,
    routing::{get_with, post_with},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use base::{Error, Id, Result};
use desk::{
    intake::{self, Mail, MailState},
    tickets,
};
use engine::outside::Sha256;
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    inbound::{self, InboundOut, WaitingOut},
    relays,
};
use crate::{
    admin::api::ThingAt,
    http::{
        answer::{Answer, Page},
        app::App,
        caller::Caller,
        extract::{AdminCaller, At, Params, StaffCaller},
        failure::Outcome,
        router::{Op, Who, reads, writes},
    },
    tickets::{
        api::{detail, id_cursor},
        wire::{TicketOut, limit},
    },
};

pub(crate) fn routes() -> ApiRouter<App> {
    use Who::{Admins, ChannelKey, Staff};
    fn mail<'t>(op: Op<'t>, id: &'static str, summary: &'static str) -> Op<'t> {
        writes(op, id, summary, Admins).response::<200, Json<Mail>>()
    }
    ApiRouter::new()
        .api_route(
            "/api/mail/inbound",
            post_with(inbound::receive, |op| {
                writes(
                    op,
                    "mail.inbound",
                    "Hand in a raw mail (message/rfc822) with the key of its channel; X-Envelope-From, X-Envelope-To and X-Client-IP tell what the envelope said",
                    ChannelKey,
                )
                .response::<200, Json<InboundOut>>()
                .response::<202, Json<WaitingOut>>()
            }),
        )
        .api_route(
            "/api/mail/inbound/{id}",
            get_with(inbound::show, |op| {
                reads(op, "mail.inbound.show", "What became of a mail that was handed in", ChannelKey)
                    .response::<200, Json<InboundOut>>()
                    .response::<202, Json<WaitingOut>>()
            }),
        )
        .api_route(
            "/api/mail/sendgrid/{key}",
            post_with(relays::sendgrid, |op| {
                writes(op, "mail.sendgrid", "For Inbound Parse of SendGrid, with the raw message", ChannelKey)
                    .response::<200, ()>()
            }),
        )
        .api_route(
            "/api/mail/ses/{key}",
            post_with(relays::ses, |op| {
                writes(
                    op,
                    "mail.ses",
                    "For an SNS topic of Amazon SES; messages have to be signed, and a subscription is confirmed",
                    ChannelKey,
                )
                .response::<200, ()>()
            }),
        )
        .api_route(
            "/api/admin/mails",
            get_with(list, |op| {
                reads(op, "admin.mails.list", "Mail that came in, newest first", Admins)
                    .response::<200, Json<Page<Mail>>>()
            }),
        )
        .api_route(
            "/api/admin/mails/{id}",
            get_with(show, |op| {
                reads(op, "admin.mails.show", "A mail, and what became of it", Admins).response::<200, Json<Mail>>()
            }),
        )
        .api_route(
            "/api/admin/mails/{id}/original",
            get_with(original, |op| {
                reads(op, "admin.mails.original", "The mail as it arrived, byte for byte", Admins)
            }),
        )
        .api_route(
            "/api/admin/mails/{id}/release",
            post_with(release, |op| mail(op, "admin.mails.release", "Let a mail out of quarantine")),
        )
        .api_route(
            "/api/admin/mails/{id}/discard",
            post_with(discard, |op| mail(op, "admin.mails.discard", "Throw a mail away; it can be released again")),
        )
        .api_route(
            "/api/admin/mails/{id}/retry",
            post_with(retry, |op| mail(op, "admin.mails.retry", "Read a mail again from its bytes")),
        )
        .api_route(
            "/api/admin/mails/{id}/assign",
            post_with(assign, |op| {
                mail(op, "admin.mails.assign", "Make a ticket of a mail that a program wrote and that led nowhere")
            }),
        )
        .api_route(
            "/api/admin/support/messages/{id}/admit",
            post_with(admit, |op| {
                writes(
                    op,
                    "admin.messages.admit",
                    "Let somebody new into the ticket they wrote to by mail",
                    Staff,
                )
                .response::<200, Json<TicketOut>>()
            }),
        )
        .api_route(
            "/api/admin/support/messages/{id}/original",
            get_with(original_of_message, |op| {
                reads(op, "admin.messages.original", "The mail a message came in, byte for byte", Staff)
            }),
        )
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct MailQuery {
    /// `waiting`, `done`, `failed`, `quarantined` or `discarded`.
    pub state: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<String>,
}

async fn list(
    State(app): State<App>,
    who: AdminCaller,
    Params(asked): Params<MailQuery>,
) -> Outcome<Answer<Page<Mail>>> {
    let (before, limit) = (id_cursor(asked.cursor.as_ref())?, limit(asked.limit.as_ref())?);
    let state = asked.state.as_deref().map(str::parse::<MailState>).transpose()?;
    let mut items =
        app.read(who.caller.scope(), move |read| intake::query::page(read, state, before, limit + 1)).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next_cursor = items.last().filter(|_| more).map(|m| m.id.to_string());
    Ok(Answer::ok(Page { items, next_cursor }))
}

async fn show(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Answer<Mail>> {
    let found =
        app.read(who.caller.scope(), move |read| intake::query::get(read, Id::from_uuid(at.id))).await?;
    Ok(Answer::ok(found))
}

async fn original(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Response> {
    let found =
        app.read(who.caller.scope(), move |read| intake::query::get(read, Id::from_uuid(at.id))).await?;
    Ok(raw(&app, &who.caller, &found).await?)
}

async fn original_of_message(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ThingAt>,
) -> Outcome<Response> {
    let found = mail_of_message(&app, &who, at.id).await?;
    Ok(raw(&app, &who.caller, &found).await?)
}

/// The letter a message came in, for staff who may see its ticket.
pub(crate) async fn mail_of_message(app: &App, who: &StaffCaller, message: Uuid) -> Result<Mail> {
    let staff = who.staff.clone();
    app.read(who.caller.scope(), move |read| {
        let id = Id::from_uuid(message);
        let found = tickets::query::message(read, id)?.ok_or_else(|| Error::not_found("message"))?;
        tickets::query::get_for_staff(read, &staff, found.ticket_id)?;
        let mail = intake::query::of_message(read, id)?.ok_or_else(|| Error::not_found("mail"))?;
        intake::query::get(read, mail.mail_id)
    })
    .await
}

/// The bytes as they arrived, which no browser shows: always a download.
pub(crate) async fn raw(app: &App, caller: &Caller, mail: &Mail) -> Result<Response> {
    if mail.state == MailState::Forgotten {
        return Err(Error::not_found("mail"));
    }
    let reader = app.outside().blobs.open(caller.tenant_id(), Sha256(mail.sha256)).await?;
    let size = reader.size_bytes;
    let mut response = axum::body::Body::from_stream(reader.stream).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("message/rfc822"));
    headers.insert(header::CONTENT_LENGTH, size.into());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let name = format!("attachment; filename=\"{}.eml\"", mail.id);
    if let Ok(value) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

async fn release(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Answer<Mail>> {
    let changed = app.write(who.caller.scope(), move |tx| intake::release(tx, Id::from_uuid(at.id))).await?;
    Ok(Answer::ok(changed))
}
async fn discard(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Answer<Mail>> {
    let changed = app.write(who.caller.scope(), move |tx| intake::discard(tx, Id::from_uuid(at.id))).await?;
    Ok(Answer::ok(changed))
}
async fn retry(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Answer<Mail>> {
    let changed =
        app.write(who.caller.scope(), move |tx| intake::read_again(tx, Id::from_uuid(at.id))).await?;
    Ok(Answer::ok(changed))
}
async fn assign(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Answer<Mail>> {
    let changed = app.write(who.caller.scope(), move |tx| intake::assign(tx, Id::from_uuid(at.id))).await?;
    Ok(Answer::ok(changed))
}

async fn admit(State(app): State<App>, who: StaffCaller, At(at): At<ThingAt>) -> Outcome<Answer<TicketOut>> {
    if who.staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read").into());
    }
    let (settings, staff) = (who.caller.tenant.settings.clone(), who.staff.clone());
    let (out, version) = app
        .write(who.caller.scope(), move |tx| {
            let ticket = intake::admit(tx, &settings, &staff, Id::from_uuid(at.id))?;
            detail(tx, &staff, ticket)
        })
        .await?;
    Ok(Answer::ok(out).version(version))
}
