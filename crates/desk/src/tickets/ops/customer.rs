//! What a customer may do with a ticket of their own, and what a reply of theirs sets in motion.

use base::{Actor, Error, Id, Kind, OrNotFound, Result, text};
use db::{Tx, params};
use identity::Settings;

use super::{
    audit,
    change::move_to,
    create::{For, NewTicket, create},
    publish,
    reply::write_inbound,
    thread::{Said, Thread},
    touch,
};
use crate::{
    categories,
    tickets::{
        jobs::{News, announce_reply},
        model::*,
        portal::{self, Viewer},
        search,
        store::{self, NewAudit},
    },
};

db::statements! {
    LIVE_FOLLOW_UP = "select id from tickets where tenant_id = ?1 and follow_up_of = ?2 and customer_id = ?3 and deleted_at is null
        and status not in ('archived') order by id desc limit 1";
}

/// What a customer may change on a ticket of their own.
#[derive(Clone, Debug, Default)]
pub struct CustomerPatch {
    pub subject: Option<String>,
    pub category: Option<String>,
    pub priority: Option<Priority>,
    pub expected_version: Option<i64>,
}

fn lock_own(tx: &mut Tx<'_>, viewer: &Viewer, id: Id<Ticket>, expected: Option<i64>) -> Result<Ticket> {
    portal::get(tx, viewer, id)?;
    let ticket = store::lock(tx, id)?.or_not_found("ticket")?;
    match expected {
        Some(expected) if expected != ticket.public_version => Err(Error::new(
            Kind::Stale,
            "ticket.stale",
            "the request has changed since you read it; nothing was changed",
        )),
        _ => Ok(ticket),
    }
}

/// A request that was joined with another one goes on there; its customer may write, and is not told where.
fn check_own(t: &Ticket) -> Result<()> {
    match t.survivor_id {
        None => Ok(()),
        Some(_) => Err(Error::conflict(
            "ticket.merged",
            "we joined this request with another one; write a reply and it will be read there",
        )),
    }
}

/// The customer corrects subject, category or priority while the ticket is live.
pub fn change_own(tx: &mut Tx<'_>, viewer: &Viewer, id: Id<Ticket>, patch: CustomerPatch) -> Result<Ticket> {
    let before = lock_own(tx, viewer, id, patch.expected_version)?;
    let mut t = before.clone();
    if let Some(subject) = &patch.subject {
        t.subject = text::line("subject", subject, 200)?;
    }
    if let Some(category) = &patch.category {
        t.category = if *category == t.category { t.category } else { categories::check(tx, category)? };
    }
    if let Some(priority) = patch.priority.filter(|p| *p != t.priority) {
        if t.due_at == t.created_at + t.priority.due_after() {
            t.due_at = t.created_at + priority.due_after();
        }
        t.priority = priority;
    }
    if t == before {
        return Ok(before);
    }
    check_own(&before)?;
    if !before.status.is_live() {
        return Err(Error::conflict(
            "ticket.not_live",
            "this request is settled; reply to it to take it up again",
        ));
    }
    let changes = [
        ("subject_changed", before.subject.clone(), t.subject.clone()),
        ("category_changed", before.category.clone(), t.category.clone()),
        ("priority_changed", before.priority.to_string(), t.priority.to_string()),
    ];
    for (event_type, from, to) in changes {
        if from != to {
            let (from, to) = (Some(db::Value::OwnedText(from)), Some(db::Value::OwnedText(to)));
            audit(
                tx,
                id,
                NewAudit { event_type, from, to, metadata: serde_json::json!({}), is_public: true },
            )?;
        }
    }
    touch(tx, &mut t, true);
    store::save(tx, &before, &t)?;
    if t.subject != before.subject {
        search::changed(tx, id)?;
    }
    publish(tx, "ticket.changed", &t, true)?;
    Ok(t)
}

/// "This solved it": resolved becomes closed. Confirming twice is harmless.
pub fn confirm(tx: &mut Tx<'_>, viewer: &Viewer, id: Id<Ticket>, expected: Option<i64>) -> Result<Ticket> {
    let before = lock_own(tx, viewer, id, expected)?;
    check_own(&before)?;
    let mut t = before.clone();
    if t.status == Status::Closed {
        return Ok(t);
    }
    if t.status != Status::Resolved {
        return Err(Error::conflict(
            "ticket.not_resolved",
            "only a resolved request can be confirmed as solved",
        ));
    }
    move_to(tx, &mut t, Status::Closed, Some(CloseReason::Solved))?;
    touch(tx, &mut t, true);
    store::save(tx, &before, &t)?;
    publish(tx, "ticket.changed", &t, true)?;
    Ok(t)
}

/// The customer writes. On a settled ticket this takes it up again, or, when that is too long ago, begins a linked one;
/// the answer names the ticket the message is in.
pub fn customer_reply(
    tx: &mut Tx<'_>,
    settings: &Settings,
    viewer: &Viewer,
    id: Id<Ticket>,
    body: Markdown,
    files: Vec<NewAttachment>,
    expected: Option<i64>,
) -> Result<(Ticket, Message)> {
    lock_own(tx, viewer, id, expected)?;
    let thread = Thread::lock(tx, id)?;
    let author = viewer.author(thread.addressed());
    said(tx, settings, thread, author, viewer.is_stranger(), body, files)
}

/// A message from the customer's side, by whatever door it came.
pub(super) fn said(
    tx: &mut Tx<'_>,
    settings: &Settings,
    mut thread: Thread,
    author: Option<Actor>,
    is_stranger: bool,
    body: Markdown,
    files: Vec<NewAttachment>,
) -> Result<(Ticket, Message)> {
    let id = thread.addressed().id;
    let now = tx.now();
    if is_too_late(settings, thread.head_before(), now) {
        let own = thread.addressed().clone();
        // Who goes on writing to the old one goes on in what followed it.
        if let Some(next) =
            tx.query_one(&LIVE_FOLLOW_UP, params![own.id, own.customer_id], |row| row.get(0))?
        {
            let thread = Thread::lock(tx, next)?;
            if !is_too_late(settings, thread.head_before(), now) {
                return said(tx, settings, thread, author, is_stranger, body, files);
            }
        }
        return follow_up(tx, settings, author, is_stranger, &own, body, files);
    }
    let message = write_inbound(tx, thread.addressed(), body, files, author)?;
    thread.count(Said::ByCustomer, now);
    thread.wake(tx)?;
    let head = thread.head();
    if let Some(to) = taken_up(head) {
        move_to(tx, head, to, None)?;
    }
    let metadata = serde_json::json!({ "message_id": message.id });
    audit(tx, id, NewAudit { event_type: "message", from: None, to: None, metadata, is_public: true })?;
    let head = thread.save(tx, "ticket.replied", message.id, true)?;
    announce_reply(tx, id, &head, News::CustomerReplied { message: message.id.uuid() })?;
    let t = store::find(tx, id)?.or_not_found("ticket")?;
    Ok((t, message))
}

/// Where a ticket moves when its customer's side speaks.
pub(super) fn taken_up(head: &Ticket) -> Option<Status> {
    match head.status {
        Status::PendingCustomer if head.assigned_to.is_some() => Some(Status::InProgress),
        Status::PendingCustomer | Status::Resolved | Status::Closed => Some(Status::Open),
        _ => None,
    }
}

/// Whether a message would take nothing up again: it is in the archive, or was closed too long ago.
fn is_too_late(settings: &Settings, head: &Ticket, now: base::Timestamp) -> bool {
    let window = base::hours(24 * i64::from(settings.reopen_days));
    head.status == Status::Archived
        || (head.status == Status::Closed && head.closed_at.is_none_or(|at| at + window < now))
}

/// The same of a ticket, or the one it goes on in.
pub(crate) fn is_past(read: &db::Read<'_>, settings: &Settings, ticket: &Ticket) -> Result<bool> {
    let head = store::find(read, ticket.head())?.or_not_found("ticket")?;
    Ok(is_too_late(settings, &head, read.now()))
}

fn follow_up(
    tx: &mut Tx<'_>,
    settings: &Settings,
    author: Option<Actor>,
    is_stranger: bool,
    old: &Ticket,
    body: Markdown,
    files: Vec<NewAttachment>,
) -> Result<(Ticket, Message)> {
    // One that was archived since is no reason to turn somebody away.
    let category = categories::check(tx, &old.category).ok();
    let is_confirmed = match old.mail_channel_id {
        Some(channel) => crate::channels::find(tx, channel)?.is_none_or(|c| c.acknowledges),
        None => true,
    };
    let new = NewTicket {
        description: body,
        attachments: files,
        category,
        is_confirmed,
        is_proved: !is_stranger,
        priority: old.priority,
        ticket_type: old.ticket_type,
        order_id: old.order_id,
        links: vec![Link {
            kind: "follow_up_of".into(),
            id: old.ticket_number.clone(),
            label: old.subject.clone(),
        }],
        follow_up_of: Some(old.id),
        mail_channel_id: old.mail_channel_id,
        // Whoever wrote may be somebody else than the customer: a person in copy, by mail.
        author,
        ..NewTicket::new(&old.subject, "-", old.channel)?
    };
    let email = old.user_email.parse()?;
    let requester = Requester { email, name: String::new(), user_id: old.user_id };
    let whom = if is_stranger { For::Stranger(requester) } else { For::Themselves(requester) };
    let ticket = create(tx, settings, None, whom, new)?;
    let message = crate::tickets::query::message(tx, ticket.first_message_id)?.or_not_found("message")?;
    Ok((ticket, message))
}
