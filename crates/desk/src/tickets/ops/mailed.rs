//! What comes by mail: a participant goes on in the thread; anybody else is overheard, until an agent admits them.

use base::{Actor, Error, Id, OrNotFound, Result};
use db::Tx;
use identity::{Settings, Staff};

use super::{
    audit,
    change::move_to,
    staff_line,
    thread::{Said, Thread},
};
use crate::tickets::{
    jobs::{News, announce_reply},
    model::*,
    query, search,
    store::{self, NewAudit},
};

/// Somebody who takes part in the ticket writes. The answer names the ticket the message is in: a settled one may have
/// been followed by another.
pub(crate) fn join(
    tx: &mut Tx<'_>,
    settings: &Settings,
    id: Id<Ticket>,
    author: Actor,
    body: Markdown,
    files: Vec<NewAttachment>,
) -> Result<(Ticket, Message)> {
    let thread = Thread::lock(tx, id)?;
    super::customer::said(tx, settings, thread, Some(author), true, body, files)
}

/// A mail that belongs to a ticket and is not shown to its customer.
pub(crate) struct Overheard {
    pub author: Actor,
    pub body: Markdown,
    pub files: Vec<NewAttachment>,
    /// A program wrote it: it wakes nobody, and no rule hears of it.
    pub is_automated: bool,
}

/// Keeps a mail in a ticket for staff alone.
pub(crate) fn overhear(tx: &mut Tx<'_>, id: Id<Ticket>, mail: Overheard) -> Result<(Ticket, Message)> {
    let mut thread = Thread::lock(tx, id)?;
    let (message_id, now): (Id<Message>, _) = (tx.new_id(), tx.now());
    let message = Message {
        id: message_id,
        ticket_id: id,
        direction: Direction::Inbound,
        is_internal: true,
        author: mail.author,
        body: mail.body.source,
        body_html: mail.body.html,
        delivery: "none".into(),
        attachments: super::reply::attachments(tx, id, message_id, mail.files),
        created_at: now,
    };
    store::insert_message(tx, &message)?;
    thread.count(Said::AsNote, now);
    if !mail.is_automated {
        thread.heard();
        thread.wake(tx)?;
        let metadata = serde_json::json!({ "message_id": message_id });
        let line = NewAudit { event_type: "note", from: None, to: None, metadata, is_public: false };
        audit(tx, id, line)?;
    }
    let ticket = thread.save(tx, "ticket.noted", message_id, false)?;
    if !mail.is_automated {
        announce_reply(tx, id, &ticket, News::ForwardAnswered { message: message_id.uuid() })?;
    }
    Ok((ticket, message))
}

/// Lets somebody new into a ticket: what they wrote becomes part of the conversation.
///
/// # Errors
/// `message.not_waiting`: it was admitted before, or never had to be.
pub(crate) fn admit(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    message: Id<Message>,
) -> Result<Ticket> {
    let held = query::message(tx, message)?.or_not_found("message")?;
    let seen = query::get_for_staff(tx, staff, held.ticket_id)?;
    query::get_for_staff(tx, staff, seen.head())?.check_may_change(staff, settings)?;
    if staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    let mut thread = Thread::lock(tx, held.ticket_id)?;
    // With the rows held: of two who let them in the second finds it done.
    let held = query::message(tx, message)?.or_not_found("message")?;
    if !held.is_internal || held.direction != Direction::Inbound {
        let hint = "this message is part of the conversation already";
        return Err(Error::conflict("message.not_waiting", hint));
    }
    store::show_message(tx, message)?;
    let now = tx.now();
    thread.admit(now);
    thread.wake(tx)?;
    let head = thread.head();
    if let Some(to) = super::customer::taken_up(head) {
        move_to(tx, head, to, None)?;
    }
    audit(tx, held.ticket_id, staff_line("sender_admitted", None, Some(held.author.name)))?;
    let head = thread.save(tx, "ticket.replied", message, true)?;
    search::changed(tx, held.ticket_id)?;
    announce_reply(tx, held.ticket_id, &head, News::CustomerReplied { message: message.uuid() })?;
    query::get(tx, held.ticket_id)
}
