//! Tickets over JSON, for staff and keys: `/api/admin/support/…`.

use axum::extract::State;
use base::{Error, Id, Result};
use desk::tickets::{self, *};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    found::{self, Found, FoundPage},
    wire::*,
};
use crate::http::{
    answer::{Answer, Created, Idempotency, Page, if_match, once},
    app::App,
    caller::Caller,
    extract::{At, Params, Payload, StaffCaller, parse_json},
    failure::Outcome,
    upload,
};
use crate::saved_views::api::asked_filter;

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct TicketAt {
    pub id: Id<Ticket>,
}

pub async fn list(
    State(app): State<App>,
    who: StaffCaller,
    Params(query): Params<TicketQuery>,
) -> Outcome<Answer<FoundPage<TicketOut>>> {
    let page = app
        .read(who.caller.scope(), move |read| {
            let filter = asked_filter(read, &who.staff, query)?;
            let (found, next_cursor, facts, mut highlights) = if filter.q.is_some() {
                let found = tickets::search::search(read, &who.staff, &filter)?;
                let highlights = found::of_staff(read, &found)?;
                (found.tickets, found.next, Some(found.facts), highlights)
            } else {
                let (found, more) = tickets::query::list(read, &who.staff, &filter)?;
                let next = found.last().filter(|_| more).map(|t| filter.sort.cursor_after(t));
                (found, next, None, Vec::new())
            };
            let ids: Vec<_> = found.iter().map(|t| t.id).collect();
            let mut extras = tickets::query::extras(read, &ids)?;
            let now = read.now();
            let mut highlights = highlights.drain(..);
            let items = found
                .into_iter()
                .map(|t| {
                    let extras = extras.remove(&t.id).unwrap_or_default();
                    Found { ticket: TicketOut::new(t, extras, now), highlights: highlights.next() }
                })
                .collect();
            Ok(FoundPage { items, next_cursor: next_cursor.map(|c| c.to_string()), facts })
        })
        .await?;
    Ok(Answer::ok(page))
}

/// A ticket with all that is beside it and that this member of staff may see.
pub fn detail(read: &db::Read<'_>, staff: &identity::Staff, ticket: Ticket) -> Result<(TicketOut, i64)> {
    let (id, version, merged_count) = (ticket.id, ticket.version, ticket.merged_count);
    let thread = tickets::query::thread(read, &ticket)?;
    let extras = tickets::query::extras(read, &[id])?.remove(&id).unwrap_or_default();
    let mut out = TicketOut::new(ticket, extras, read.now());
    out.merged_tickets = Some(if merged_count > 0 { tickets::merged(read, id)? } else { Vec::new() });
    out.relations = Some(tickets::relations::seen_by(read, staff, id)?);
    out.participants = Some(tickets::participants::of(read, id)?);
    out.checklist = Some(tickets::checklist::of(read, id)?);
    out.messages = Some(thread.into_iter().map(Into::into).collect());
    out.satisfaction = desk::csat::query::of_ticket(read, id)?;
    out.audits = Some(tickets::query::audits(read, id)?.into_iter().map(Into::into).collect());
    Ok((out, version))
}

pub async fn show(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
) -> Outcome<Answer<TicketOut>> {
    let (out, version) = app
        .read(who.caller.scope(), move |read| {
            let ticket = tickets::query::get_for_staff(read, &who.staff, at.id)?;
            detail(read, &who.staff, ticket)
        })
        .await?;
    Ok(Answer::ok(out).version(version))
}

pub async fn create(State(app): State<App>, who: StaffCaller, payload: Payload) -> Outcome<Created> {
    if who.staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read").into());
    }
    if who.staff.role == base::Role::Technician {
        return Err(Error::forbidden(
            "role.no_creation",
            "technicians work on tickets that are assigned to them; an agent files new ones",
        )
        .into());
    }
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), "admin.tickets", &body)?;
    let input: StaffTicketIn = parse_json(&body)?;
    let staff = who.staff.clone();
    let mut new =
        NewTicket::new(&input.subject, &input.description, input.channel.unwrap_or_else(|| door(&staff)))?;
    new.category = input.category;
    new.priority = input.priority.unwrap_or(Priority::Normal);
    new.ticket_type = input.ticket_type.unwrap_or(TicketType::GeneralInquiry);
    new.order_id = input.order_id;
    new.assigned_to = input.assigned_to.as_deref().map(|a| assignee(a, &staff)).transpose()?;
    new.team_id = input.team_id;
    new.tags = check_tags(&input.tags)?;
    new.links = check_links(&input.links)?;
    new.context = input.context.map(check_context).transpose()?.unwrap_or_else(|| serde_json::json!({}));
    new.origin_type = input.origin_type.unwrap_or(Party::Customer);
    new.target_type = input.target_type.unwrap_or(Party::Tenant);
    let (customer, address, name, outbound) =
        (input.customer_id, input.user_email, input.name.unwrap_or_default(), input.outbound);
    let address = address.as_deref().map(|e| email("user_email", e)).transpose()?;
    let settings = who.caller.tenant.settings.clone();
    let created = app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                if let Some(team) = new.team_id {
                    identity::teams::get(tx, team)
                        .map_err(|_| Error::field("team_id", "team.unknown", "there is no such team"))?;
                }
                let whom = match (customer, address) {
                    (Some(customer), None) => For::Customer { customer, spoke_first: outbound },
                    (None, Some(email)) => {
                        let user_id = user_of(tx, &email)?;
                        For::Address { requester: Requester { email, name, user_id }, spoke_first: outbound }
                    }
                    _ => {
                        return Err(Error::field(
                            "user_email",
                            "requester.missing",
                            "say for whom: exactly one of user_email and customer_id",
                        ));
                    }
                };
                let ticket = tickets::create(tx, &settings, Some(&staff), whom, new)?;
                detail(tx, &staff, ticket).map(|(out, _)| out)
            })
        })
        .await?;
    Ok(created)
}

pub async fn read_json_body(payload: Payload) -> Result<axum::body::Bytes> {
    if !payload.content_type().to_ascii_lowercase().starts_with("application/json") {
        return Err(Error::invalid("request.content_type", "send Content-Type: application/json"));
    }
    payload.bytes().await
}

/// Whether it exists for this caller, before anything of the body is looked at.
pub async fn must_exist(app: &App, who: &StaffCaller, id: Id<Ticket>) -> Result<Ticket> {
    let staff = who.staff.clone();
    app.read(who.caller.scope(), move |read| tickets::query::get_for_staff(read, &staff, id)).await
}

pub async fn change(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Answer<TicketOut>> {
    must_exist(&app, &who, at.id).await?;
    if who.staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read").into());
    }
    let expected = if_match(&payload);
    let input: TicketPatchIn = payload.json().await?;
    let patch = input.into_patch(&who.staff, expected?)?;
    let settings = who.caller.tenant.settings.clone();
    let (out, version) = app
        .write(who.caller.scope(), move |tx| {
            let ticket = tickets::change(tx, &settings, &who.staff, at.id, patch)?;
            detail(tx, &who.staff, ticket)
        })
        .await?;
    Ok(Answer::ok(out).version(version))
}

/// A message as it came: JSON or multipart.
pub struct Incoming {
    pub input: MessageIn,
    pub files: Vec<NewAttachment>,
    pub key: Option<Idempotency>,
}

pub async fn incoming(app: &App, caller: &Caller, payload: Payload, route: &str) -> Result<Incoming> {
    let key = payload.header("idempotency-key").map(str::to_owned);
    if !upload::is_multipart(&payload) {
        let body = read_json_body(payload).await?;
        let key = Idempotency::of(caller, key.as_deref(), route, &body)?;
        return Ok(Incoming { input: parse_json(&body)?, files: Vec::new(), key });
    }
    let form = upload::read_form(app, caller, payload).await?;
    form.only(&["body", "is_internal", "status", "ticket_id", "answer_to"])?;
    let input = MessageIn {
        body: form
            .get("body")
            .ok_or_else(|| Error::field("body", "text.empty", "must not be empty"))?
            .to_owned(),
        is_internal: flag("is_internal", form.get("is_internal").map(str::to_owned).as_ref())?
            .unwrap_or(false),
        status: form.get("status").map(str::parse).transpose()?,
        ticket_id: form.get("ticket_id").map(str::parse).transpose()?,
        answer_to: form.get("answer_to").map(str::parse).transpose()?,
    };
    // The boundary differs between two sends of the same form, so the parts are what is compared.
    let mut same = format!("{}\0{}\0{:?}", input.body, input.is_internal, input.status);
    same.push_str(&format!("\0{:?}\0{:?}", input.ticket_id, input.answer_to));
    for file in &form.files {
        same.push_str(&format!("\0{}\0{:?}", file.filename, file.sha256));
    }
    let key = Idempotency::of(caller, key.as_deref(), route, same.as_bytes())?;
    Ok(Incoming { input, files: form.files, key })
}

pub async fn answer(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Created> {
    must_exist(&app, &who, at.id).await?;
    Ok(staff_message(&app, who, Some(at.id), payload).await?)
}

/// Shared with `/api/support/messages`, where the body names the ticket.
pub async fn staff_message(
    app: &App,
    who: StaffCaller,
    id: Option<Id<Ticket>>,
    payload: Payload,
) -> Result<Created> {
    if who.staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    let expected = if_match(&payload);
    let route = format!("message:{}", id.map(|i| i.to_string()).unwrap_or_default());
    let Incoming { input, files, key } = incoming(app, &who.caller, payload, &route).await?;
    let id = match (id, input.ticket_id) {
        (Some(id), None) => id,
        (Some(id), Some(other)) if id == other => id,
        (Some(_), Some(_)) => {
            return Err(Error::field(
                "ticket_id",
                "ticket_id.other",
                "is not the ticket of the path; leave it out",
            ));
        }
        (None, Some(id)) => id,
        (None, None) => return Err(Error::field("ticket_id", "ticket_id.missing", "say which ticket")),
    };
    let new = NewMessage {
        body: Markdown::parse("body", &input.body)?,
        is_internal: input.is_internal,
        attachments: files,
        status: input.status,
        expected_version: expected?,
        addressed_to: input.answer_to,
    };
    let settings = who.caller.tenant.settings.clone();
    app.write(who.caller.scope(), move |tx| {
        once(tx, key.as_ref(), |tx| {
            let (_, message) = tickets::staff_message(tx, &settings, &who.staff, id, new)?;
            Ok(MessageOut::from(message))
        })
    })
    .await
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct StatsQuery {
    pub created_at_after: Option<String>,
    pub created_at_before: Option<String>,
}

pub async fn stats(
    State(app): State<App>,
    who: StaffCaller,
    Params(query): Params<StatsQuery>,
) -> Outcome<Answer<tickets::stats::Stats>> {
    if !who.staff.role.sees_all_tickets() {
        return Err(Error::forbidden(
            "role.no_stats",
            "figures of the whole queue are for those who see all of it",
        )
        .into());
    }
    let range = Range {
        after: instant("created_at_after", query.created_at_after.as_ref())?,
        before: instant("created_at_before", query.created_at_before.as_ref())?,
    };
    Ok(Answer::ok(app.read(who.caller.scope(), move |read| tickets::stats::stats(read, range)).await?))
}

/// Where a page of messages goes on.
pub fn message_page(mut found: Vec<Message>, limit: u32) -> Page<MessageOut> {
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|m| m.id.to_string());
    Page { items: found.into_iter().map(Into::into).collect(), next_cursor }
}

/// A cursor that is an id.
pub fn id_cursor(text: Option<&String>) -> Result<Option<Uuid>> {
    text.map(|c| {
        c.parse().map_err(|_| Error::field("cursor", "cursor.malformed", "pass next_cursor unchanged"))
    })
    .transpose()
}
