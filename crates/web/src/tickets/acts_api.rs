//! What staff do to tickets besides answering, over JSON: merge, split, snooze, forward, spam, delete.

use axum::extract::State;
use base::{Error, Id, Result, Timestamp};
use desk::{
    bulk::Named,
    tickets::{self, *},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    api::{TicketAt, detail, must_exist, read_json_body},
    wire::*,
};
use crate::http::{
    answer::{Answer, Created, Idempotency, Nothing, Page, if_match, once},
    app::App,
    extract::{AdminCaller, At, Params, Payload, StaffCaller, parse_json},
    failure::Outcome,
    part::Part,
};

/// A ticket that exists for this caller, who may write.
pub async fn acting(app: &App, who: &StaffCaller, id: Id<Ticket>) -> Result<()> {
    must_exist(app, who, id).await?;
    if who.staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    Ok(())
}

/// The id of a ticket that was named by id or by number.
pub fn named(read: &db::Read<'_>, field: &'static str, text: &str) -> Result<Id<Ticket>> {
    match text.trim().parse::<Id<Ticket>>() {
        Ok(id) => Ok(id),
        Err(_) => tickets::query::find_by_number(read, text.trim())?.ok_or_else(|| unknown(field)),
    }
}

/// The same of many; what is nobody's number is said to be that.
pub fn each_named(read: &db::Read<'_>, texts: &[String]) -> Result<Vec<Named>> {
    let is_number = |text: &&str| text.parse::<Id<Ticket>>().is_err();
    let numbers: Vec<&str> = texts.iter().map(|t| t.trim()).filter(is_number).collect();
    let known = tickets::query::find_by_numbers(read, &numbers)?;
    let one = |text: &String| {
        let id = text.trim().parse::<Id<Ticket>>().ok().or_else(|| known.get(text.trim()).copied());
        id.map_or_else(|| Named::Unknown(text.trim().to_owned()), Named::Ticket)
    };
    Ok(texts.iter().map(one).collect())
}

fn unknown(field: &'static str) -> Error {
    Error::field(field, "ticket.unknown", "there is no such ticket; give its number or its id")
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeIn {
    /// Id or number of the ticket that survives.
    pub into: String,
}

/// Answers the survivor.
pub async fn merge(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Answer<TicketOut>> {
    acting(&app, &who, at.id).await?;
    let input: MergeIn = payload.json().await?;
    let settings = who.caller.tenant.settings.clone();
    let (out, version) = app
        .write(who.caller.scope(), move |tx| {
            let into = named(tx, "into", &input.into)?;
            let survivor = tickets::merge(tx, &settings, &who.staff, at.id, into)?;
            detail(tx, &who.staff, survivor)
        })
        .await?;
    Ok(Answer::ok(out).version(version))
}

/// Answers the ticket as it is again.
pub async fn unmerge(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
) -> Outcome<Answer<TicketOut>> {
    acting(&app, &who, at.id).await?;
    let settings = who.caller.tenant.settings.clone();
    let (out, version) = app
        .write(who.caller.scope(), move |tx| {
            let ticket = tickets::unmerge(tx, &settings, &who.staff, at.id)?;
            detail(tx, &who.staff, ticket)
        })
        .await?;
    Ok(Answer::ok(out).version(version))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitIn {
    /// A message of the conversation, not the first and not a note.
    pub message_id: Id<Message>,
    /// What the new ticket is called; absent: as the old one.
    pub subject: Option<String>,
}

/// Answers the new ticket.
pub async fn split(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Created> {
    acting(&app, &who, at.id).await?;
    let (key, expected) = (payload.header("idempotency-key").map(str::to_owned), if_match(&payload));
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), &format!("split:{}", at.id), &body)?;
    let input: SplitIn = parse_json(&body)?;
    let what = SplitOff { message: input.message_id, subject: input.subject, expected_version: expected? };
    let settings = who.caller.tenant.settings.clone();
    Ok(app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                let made = tickets::split(tx, &settings, &who.staff, at.id, what)?;
                detail(tx, &who.staff, made).map(|(out, _)| out)
            })
        })
        .await?)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnoozeIn {
    /// An instant that is still to come, at most a year ahead. Null: until somebody replies.
    #[serde(deserialize_with = "present")]
    #[schemars(required)]
    pub until: Option<String>,
}

/// A field that must be there, though it may be null.
fn present<'de, D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Option<String>, D::Error> {
    Option::<String>::deserialize(d)
}

pub async fn snooze(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Answer<TicketOut>> {
    acting(&app, &who, at.id).await?;
    let expected = if_match(&payload);
    let input: SnoozeIn = payload.json().await?;
    let until: Option<Timestamp> = instant("until", input.until.as_ref())?;
    let expected = expected?;
    changed(&app, &who, at.id, move |tx, settings, staff, id| {
        tickets::snooze(tx, settings, staff, id, until, expected)
    })
    .await
}

pub async fn unsnooze(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Answer<TicketOut>> {
    acting(&app, &who, at.id).await?;
    let expected = if_match(&payload)?;
    changed(&app, &who, at.id, move |tx, settings, staff, id| {
        tickets::unsnooze(tx, settings, staff, id, expected)
    })
    .await
}

/// Does something to a ticket and answers it whole.
async fn changed(
    app: &App,
    who: &StaffCaller,
    id: Id<Ticket>,
    act: impl FnOnce(&mut db::Tx<'_>, &identity::Settings, &identity::Staff, Id<Ticket>) -> Result<Ticket>
    + Send
    + 'static,
) -> Outcome<Answer<TicketOut>> {
    let (settings, staff) = (who.caller.tenant.settings.clone(), who.staff.clone());
    let (out, version) = app
        .write(who.caller.scope(), move |tx| {
            let ticket = act(tx, &settings, &staff, id)?;
            detail(tx, &staff, ticket)
        })
        .await?;
    Ok(Answer::ok(out).version(version))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardIn {
    /// Somebody outside who is to help; not the customer.
    pub to: String,
    /// Markdown: what you say to them.
    pub body: String,
    /// Whether the conversation so far goes with it. Notes never do.
    #[serde(default = "yes")]
    pub with_conversation: bool,
}

fn yes() -> bool {
    true
}

pub async fn forward(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Created> {
    acting(&app, &who, at.id).await?;
    let (key, expected) = (payload.header("idempotency-key").map(str::to_owned), if_match(&payload));
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), &format!("forward:{}", at.id), &body)?;
    let input: ForwardIn = parse_json(&body)?;
    let new = NewForward {
        to: email("to", &input.to)?,
        body: Markdown::parse("body", &input.body)?,
        with_conversation: input.with_conversation,
        attachments: Vec::new(),
        expected_version: expected?,
    };
    let settings = who.caller.tenant.settings.clone();
    Ok(app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| tickets::forward(tx, &settings, &who.staff, at.id, new))
        })
        .await?)
}

pub async fn forwards(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
) -> Outcome<Answer<Page<Forward>>> {
    must_exist(&app, &who, at.id).await?;
    let items = app.read(who.caller.scope(), move |read| tickets::forwarded(read, at.id)).await?;
    Ok(Answer::ok(Page { items, next_cursor: None }))
}

/// A ticket's forward.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ForwardAt {
    pub id: Id<Ticket>,
    pub forward_id: Id<tickets::Forward>,
}

pub async fn withdraw(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ForwardAt>,
) -> Outcome<Answer<tickets::Forward>> {
    acting(&app, &who, at.id).await?;
    let settings = who.caller.tenant.settings.clone();
    let taken = app.write(who.caller.scope(), move |tx| {
        tickets::withdraw(tx, &settings, &who.staff, at.id, at.forward_id)
    });
    Ok(Answer::ok(taken.await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpamIn {
    /// What this address files from now on is closed as spam on arrival.
    #[serde(default)]
    pub block_sender: bool,
}

pub async fn spam(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Answer<TicketOut>> {
    acting(&app, &who, at.id).await?;
    let expected = if_match(&payload);
    let input: SpamIn = payload.json().await?;
    let expected = expected?;
    changed(&app, &who, at.id, move |tx, settings, staff, id| {
        tickets::mark_spam(tx, settings, staff, id, input.block_sender, expected)
    })
    .await
}

pub async fn remove(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Nothing> {
    acting(&app, &who, at.id).await?;
    let expected = if_match(&payload)?;
    app.write(who.caller.scope(), move |tx| tickets::remove(tx, &who.staff, at.id, expected)).await?;
    Ok(Nothing)
}

pub async fn restore(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<TicketAt>,
) -> Outcome<Answer<TicketOut>> {
    let (out, version) = app
        .write(who.caller.scope(), move |tx| {
            let ticket = tickets::restore(tx, &who.staff, at.id)?;
            detail(tx, &who.staff, ticket)
        })
        .await?;
    Ok(Answer::ok(out).version(version))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SenderIn {
    pub email: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SenderAt {
    pub email: String,
}

#[derive(Serialize, JsonSchema)]
pub struct SenderOut {
    pub email: String,
}

/// The newest thousand.
pub async fn blocked_senders(
    State(app): State<App>,
    who: StaffCaller,
    Params(part): Params<Part>,
) -> Outcome<Answer<Page<tickets::BlockedSender>>> {
    if !who.staff.role.sees_all_tickets() {
        return Err(Error::forbidden(
            "role.no_blocking",
            "blocked senders are for those who see the whole queue",
        )
        .into());
    }
    let place = part.place()?;
    let items = app.read(who.caller.scope(), |read| tickets::blocked(read, 1000)).await?;
    Ok(Answer::ok(place.of(items)))
}

pub async fn block_sender(State(app): State<App>, who: AdminCaller, payload: Payload) -> Outcome<Created> {
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), "blocked-senders", &body)?;
    let input: SenderIn = parse_json(&body)?;
    let address = email("email", &input.email)?;
    Ok(app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                tickets::block(tx, &address)?;
                Ok(SenderOut { email: address.key() })
            })
        })
        .await?)
}

pub async fn unblock_sender(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<SenderAt>,
) -> Outcome<Nothing> {
    let address = email("email", &at.email)?;
    let found = app.write(who.caller.scope(), move |tx| tickets::unblock(tx, &address)).await?;
    if found { Ok(Nothing) } else { Err(Error::not_found("blocked sender").into()) }
}
