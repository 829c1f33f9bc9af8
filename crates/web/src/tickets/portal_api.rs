//! Tickets over JSON, for those whose they are: `/api/support/…`. Staff and keys may use the same addresses; they then
//! see what staff see.

use axum::{extract::State, response::Response};
use base::{Error, Id, Result};
use desk::tickets::{
    self,
    portal::{self, Viewer},
    *,
};
use identity::{Principal, throttle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    api::{Incoming, TicketAt, incoming, message_page, read_json_body},
    found::{self, Found, FoundPage},
    wire::*,
};
use crate::http::{
    answer::{Answer, Created, Idempotency, Nothing, Page, if_match, once},
    app::App,
    caller::Caller,
    extract::{At, CustomerCaller, Params, Payload, StaffCaller, parse_json},
    failure::Outcome,
    part::Part,
    upload,
};

/// Whose side a caller is on for one ticket.
pub enum Side {
    Staff(StaffCaller),
    Customer(CustomerCaller),
}

/// Staff look as staff; anybody else signed in as the customer they are.
pub fn side(caller: Caller) -> Result<Side> {
    if let Some(staff) = caller.principal.staff() {
        return Ok(Side::Staff(StaffCaller { caller, staff }));
    }
    match caller.principal.customer() {
        Some(customer) => Ok(Side::Customer(CustomerCaller { caller, customer })),
        None => Err(Error::unauthenticated(
            "credential.missing",
            "sign in, or send Authorization: Bearer with a key",
        )),
    }
}

pub fn viewer(who: &CustomerCaller) -> Viewer {
    Viewer::User { user: who.customer.user_id, customer: who.customer.customer_id }
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct MineQuery {
    pub status: Option<String>,
    /// Words, `"phrases"`, `begin*`, and the operators `status: before: after:`; `-` in front turns one around.
    pub q: Option<String>,
    /// `created_at, last_message_at, priority`, `-` for descending.
    pub order: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<String>,
}

/// The caller's own tickets, also for staff: those they filed themselves.
pub async fn list(
    State(app): State<App>,
    who: CustomerCaller,
    Params(query): Params<MineQuery>,
) -> Outcome<Answer<FoundPage<PortalTicketOut>>> {
    let status: Vec<Status> = super::wire::list("status", query.status.as_ref())?;
    let asked = query.order.as_deref().map(Sort::parse).transpose()?;
    let sort = asked.unwrap_or_default();
    if sort.by == Order::DueAt {
        return Err(Error::field(
            "order",
            "order.unknown",
            "one of created_at, last_message_at, priority, with - in front for descending",
        )
        .into());
    }
    let (cursor, limit) = (query.cursor.map(|c| c.parse()).transpose()?, limit(query.limit.as_ref())?);
    let viewer = viewer(&who);
    if let Some(q) = query.q.filter(|q| !q.trim().is_empty()) {
        let filter = search::mine::MyFilter { q, status, sort: asked, cursor, limit };
        let page = app
            .read(who.caller.scope(), move |read| {
                let found = search::mine::search(read, &viewer, &filter)?;
                let highlights = found::of_customer(read, &found)?;
                let mut items = Vec::with_capacity(found.tickets.len());
                for (ticket, highlights) in found.tickets.into_iter().zip(highlights) {
                    let links = portal::links(read, &ticket)?;
                    let ticket = PortalTicketOut { links, ..ticket.into() };
                    items.push(Found { ticket, highlights: Some(highlights) });
                }
                let next_cursor = found.next.map(|c| c.to_string());
                Ok(FoundPage { items, next_cursor, facts: Some(found.facts) })
            })
            .await?;
        return Ok(Answer::ok(page));
    }
    let page = app
        .read(who.caller.scope(), move |read| {
            let (found, more) = portal::list(read, &viewer, &status, sort, cursor.as_ref(), limit)?;
            let next_cursor = found.last().filter(|_| more).map(|t| {
                let value = match sort.by {
                    Order::CreatedAt => t.created_at.as_microsecond(),
                    Order::Priority => t.priority.rank(),
                    _ => t.last_message_at.as_microsecond(),
                };
                sort.cursor_of(value, t.id.uuid()).to_string()
            });
            let mut items = Vec::with_capacity(found.len());
            for ticket in found {
                let links = portal::links(read, &ticket)?;
                items.push(Found::plain(PortalTicketOut { links, ..ticket.into() }));
            }
            Ok(FoundPage { items, next_cursor, facts: None })
        })
        .await?;
    Ok(Answer::ok(page))
}

/// The whole of a ticket as its customer sees it.
pub fn portal_detail(read: &db::Read<'_>, viewer: &Viewer, id: Id<Ticket>) -> Result<(PortalTicketOut, i64)> {
    let ticket = portal::get(read, viewer, id)?;
    let version = ticket.version;
    let links = portal::links(read, &ticket)?;
    let messages = portal::messages(read, &ticket)?.into_iter().map(Into::into).collect();
    let events = portal::events(read, &ticket)?.into_iter().map(Into::into).collect();
    Ok((PortalTicketOut { links, messages: Some(messages), audits: Some(events), ..ticket.into() }, version))
}

pub async fn show(State(app): State<App>, caller: Caller, at: At<TicketAt>) -> Outcome<Response> {
    use axum::response::IntoResponse as _;
    match side(caller)? {
        Side::Staff(who) => Ok(super::api::show(State(app), who, at).await?.into_response()),
        Side::Customer(who) => {
            let viewer = viewer(&who);
            let (out, version) =
                app.read(who.caller.scope(), move |read| portal_detail(read, &viewer, at.0.id)).await?;
            Ok(Answer::ok(out).version(version).into_response())
        }
    }
}

/// What somebody who is not signed in is told.
#[derive(Serialize, JsonSchema)]
pub struct Received {
    pub ticket_number: String,
    pub message: &'static str,
}

/// How often somebody without an account may file, by address and by client.
pub const STRANGER_BY_ADDRESS: throttle::Limit =
    throttle::Limit { name: "contact_address", most: 10, window_seconds: 3600 };
pub const STRANGER_BY_CLIENT: throttle::Limit =
    throttle::Limit { name: "contact_client", most: 30, window_seconds: 3600 };

pub async fn brake(app: &App, caller: &Caller, email: &base::Email) -> Result<()> {
    let (client, address) = (caller.client.to_string(), email.key());
    app.write(caller.scope(), move |tx| {
        let by_client = throttle::hit(tx, &STRANGER_BY_CLIENT, &client)?;
        let by_address = throttle::hit(tx, &STRANGER_BY_ADDRESS, &address)?;
        Ok(by_client.and(by_address))
    })
    .await?
}

pub async fn create(State(app): State<App>, caller: Caller, payload: Payload) -> Outcome<Created> {
    if matches!(&caller.principal, Principal::Key(_)) {
        return Err(Error::forbidden(
            "role.person_only",
            "a key files tickets for customers at /api/admin/support/tickets",
        )
        .into());
    }
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&caller, key.as_deref(), "support.tickets", &body)?;
    let input: TicketIn = parse_json(&body)?;
    let signed_in = caller.principal.customer();
    let channel = if caller.by_cookie || signed_in.is_none() { Channel::Portal } else { Channel::Api };
    let mut new = NewTicket::new(&input.subject, &input.description, channel)?;
    new.category = input.category;
    new.priority = input.priority.unwrap_or(Priority::Normal);
    new.ticket_type = input.ticket_type.unwrap_or(TicketType::GeneralInquiry);
    new.order_id = input.order_id;
    new.links = check_links(&input.links)?;
    let settings = caller.tenant.settings.clone();
    let Some(person) = signed_in else {
        let address = input.user_email.ok_or_else(|| {
            Error::field(
                "user_email",
                "user_email.missing",
                "somebody who is not signed in gives an address to answer to",
            )
        })?;
        let address = email("user_email", &address)?;
        brake(&app, &caller, &address).await?;
        let requester = Requester { email: address, name: input.name.unwrap_or_default(), user_id: None };
        let created = app
            .write(caller.scope(), move |tx| {
                once(tx, key.as_ref(), |tx| {
                    let ticket = tickets::create(tx, &settings, None, For::Stranger(requester), new)?;
                    Ok(Received { ticket_number: ticket.ticket_number, message: RECEIVED })
                })
            })
            .await?;
        return Ok(created);
    };
    if let Some(address) = &input.user_email
        && email("user_email", address)?.key() != person.email.key()
    {
        return Err(Error::field(
            "user_email",
            "user_email.signed_in",
            "you are signed in; the ticket is filed under your own address, so leave this out",
        )
        .into());
    }
    let created = app
        .write(caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                let requester = Requester {
                    email: person.email.clone(),
                    name: person.name.clone(),
                    user_id: Some(person.user_id),
                };
                let filed = tickets::file(tx, &settings, None, For::Themselves(requester), new)?;
                let (ticket, messages, links, event) = portal::of_filed(filed);
                let messages = Some(messages.into_iter().map(Into::into).collect());
                Ok(PortalTicketOut { links, messages, audits: Some(vec![event.into()]), ..ticket.into() })
            })
        })
        .await?;
    Ok(created)
}

pub const RECEIVED: &str = "We have received your message and have mailed you the link to follow it.";

pub async fn change(
    State(app): State<App>,
    caller: Caller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Response> {
    use axum::response::IntoResponse as _;
    match side(caller)? {
        Side::Staff(who) => Ok(super::api::change(State(app), who, At(at), payload).await?.into_response()),
        Side::Customer(who) => {
            must_be_theirs(&app, &who, at.id).await?;
            let expected = if_match(&payload);
            let input: PortalPatchIn = payload.json().await?;
            let patch = CustomerPatch {
                subject: input.subject,
                category: input.category,
                priority: input.priority,
                expected_version: expected?,
            };
            let viewer = viewer(&who);
            let (out, version) = app
                .write(who.caller.scope(), move |tx| {
                    tickets::change_own(tx, &viewer, at.id, patch)?;
                    portal_detail(tx, &viewer, at.id)
                })
                .await?;
            Ok(Answer::ok(out).version(version).into_response())
        }
    }
}

async fn must_be_theirs(app: &App, who: &CustomerCaller, id: Id<Ticket>) -> Result<()> {
    let viewer = viewer(who);
    app.read(who.caller.scope(), move |read| portal::get(read, &viewer, id)).await.map(|_| ())
}

pub async fn reply(
    State(app): State<App>,
    caller: Caller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Created> {
    match side(caller)? {
        Side::Staff(who) => Ok(super::api::answer(State(app), who, At(at), payload).await?),
        Side::Customer(who) => {
            must_be_theirs(&app, &who, at.id).await?;
            Ok(customer_message(&app, who, Some(at.id), payload).await?)
        }
    }
}

async fn customer_message(
    app: &App,
    who: CustomerCaller,
    id: Option<Id<Ticket>>,
    payload: Payload,
) -> Result<Created> {
    let expected = if_match(&payload);
    let route = format!("reply:{}", id.map(|i| i.to_string()).unwrap_or_default());
    let Incoming { input, files, key } = incoming(app, &who.caller, payload, &route).await?;
    if input.is_internal {
        return Err(Error::field(
            "is_internal",
            "message.internal_by_customer",
            "only staff leave internal notes",
        ));
    }
    if input.answer_to.is_some() {
        return Err(Error::field("answer_to", "message.answer_to_by_customer", "is for staff; leave it out"));
    }
    if input.status.is_some() {
        return Err(Error::field(
            "status",
            "message.status_by_customer",
            "only staff set a status with an answer",
        ));
    }
    let id = id
        .or(input.ticket_id)
        .ok_or_else(|| Error::field("ticket_id", "ticket_id.missing", "say which ticket"))?;
    must_be_theirs(app, &who, id).await?;
    let (body, viewer, expected) = (Markdown::parse("body", &input.body)?, viewer(&who), expected?);
    let settings = who.caller.tenant.settings.clone();
    app.write(who.caller.scope(), move |tx| {
        once(tx, key.as_ref(), |tx| {
            let (_, message) = tickets::customer_reply(tx, &settings, &viewer, id, body, files, expected)?;
            Ok(MessageOut::from(message))
        })
    })
    .await
}

pub async fn mark_read(State(app): State<App>, caller: Caller, At(at): At<TicketAt>) -> Outcome<Nothing> {
    match side(caller)? {
        Side::Staff(who) => {
            if who.staff.read_only {
                must_exist(&app, &who, at.id).await?;
                return Err(Error::forbidden("key.read_only", "this key may only read").into());
            }
            app.write(who.caller.scope(), move |tx| {
                tickets::mark_read_by_staff(tx, &who.staff, at.id)?;
                match who.staff.user_id {
                    Some(user) => notices::inbox::mark_read_of_ticket(tx, user, at.id.uuid()),
                    None => Ok(()),
                }
            })
            .await?;
        }
        Side::Customer(who) => {
            let viewer = viewer(&who);
            app.write(who.caller.scope(), move |tx| portal::mark_read(tx, &viewer, at.id)).await?;
        }
    }
    Ok(Nothing)
}

async fn must_exist(app: &App, who: &StaffCaller, id: Id<Ticket>) -> Result<Ticket> {
    let staff = who.staff.clone();
    app.read(who.caller.scope(), move |read| tickets::query::get_for_staff(read, &staff, id)).await
}

pub async fn confirm(
    State(app): State<App>,
    who: CustomerCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Answer<PortalTicketOut>> {
    must_be_theirs(&app, &who, at.id).await?;
    let expected = if_match(&payload)?;
    let viewer = viewer(&who);
    let (out, version) = app
        .write(who.caller.scope(), move |tx| {
            tickets::confirm(tx, &viewer, at.id, expected)?;
            portal_detail(tx, &viewer, at.id)
        })
        .await?;
    Ok(Answer::ok(out).version(version))
}

pub async fn messages(
    State(app): State<App>,
    caller: Caller,
    Params(query): Params<MessageQuery>,
) -> Outcome<Answer<Page<MessageOut>>> {
    let side = side(caller)?;
    let filter = query.into_filter()?;
    let limit = filter.limit;
    let found = match side {
        Side::Staff(who) => {
            app.read(who.caller.scope(), move |read| tickets::query::list_messages(read, &who.staff, &filter))
                .await?
        }
        Side::Customer(who) => {
            let viewer = viewer(&who);
            app.read(who.caller.scope(), move |read| portal::list_messages(read, &viewer, &filter)).await?
        }
    };
    Ok(Answer::ok(message_page(found, limit)))
}

pub async fn post_message(State(app): State<App>, caller: Caller, payload: Payload) -> Outcome<Created> {
    match side(caller)? {
        Side::Staff(who) => Ok(super::api::staff_message(&app, who, None, payload).await?),
        Side::Customer(who) => Ok(customer_message(&app, who, None, payload).await?),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct EventsQuery {
    pub ticket: String,
    pub cursor: Option<String>,
    /// 1 to 100; absent: the whole list.
    pub limit: Option<String>,
}

/// The history of a ticket: all of it for staff, the public part for its customer.
pub async fn events(
    State(app): State<App>,
    caller: Caller,
    Params(query): Params<EventsQuery>,
) -> Outcome<Response> {
    use axum::response::IntoResponse as _;
    let side = side(caller)?;
    let id: Id<Ticket> = query.ticket.parse().map_err(|_| Error::not_found("ticket"))?;
    let place = Part { cursor: query.cursor, limit: query.limit }.place();
    match side {
        Side::Staff(who) => {
            let items: Vec<AuditOut> = app
                .read(who.caller.scope(), move |read| {
                    tickets::query::get_for_staff(read, &who.staff, id)?;
                    Ok(tickets::query::audits(read, id)?.into_iter().map(Into::into).collect())
                })
                .await?;
            Ok(Answer::ok(place?.of(items)).into_response())
        }
        Side::Customer(who) => {
            let viewer = viewer(&who);
            let items: Vec<PortalEventOut> = app
                .read(who.caller.scope(), move |read| {
                    let ticket = portal::get(read, &viewer, id)?;
                    Ok(portal::events(read, &ticket)?.into_iter().map(Into::into).collect())
                })
                .await?;
            Ok(Answer::ok(place?.of(items)).into_response())
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AttachmentAt {
    pub id: Id<Attachment>,
}

pub async fn attachment(
    State(app): State<App>,
    caller: Caller,
    At(at): At<AttachmentAt>,
) -> Outcome<Response> {
    let side = side(caller)?;
    let (caller, file) = match side {
        Side::Staff(who) => {
            let staff = who.staff.clone();
            let file = app
                .read(who.caller.scope(), move |read| {
                    tickets::query::attachment_for_staff(read, &staff, at.id)
                })
                .await?;
            (who.caller, file)
        }
        Side::Customer(who) => {
            let viewer = viewer(&who);
            (
                who.caller.clone(),
                app.read(who.caller.scope(), move |read| portal::attachment(read, &viewer, at.id)).await?,
            )
        }
    };
    Ok(upload::serve(&app, &caller, &file).await?)
}
