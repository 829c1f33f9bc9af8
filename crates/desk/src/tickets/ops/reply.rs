use base::{Error, Id, OrNotFound, Result};
use db::Tx;
use engine::Enqueue;
use identity::{Settings, Staff};

use super::{audit, change::apply_status, publish, touch};
use crate::tickets::{
    jobs::{Announce, News},
    model::*,
    query,
    store::{self, NewAudit},
};

/// An answer or a note about to be written.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub body: Markdown,
    pub is_internal: bool,
    pub attachments: Vec<NewAttachment>,
    /// Set with an answer: `pending_customer` when it asks for something, `resolved` when it settles it.
    pub status: Option<Status>,
    /// The version the writer saw; an older one is refused.
    pub expected_version: Option<i64>,
}

/// Staff answers the customer, or leaves a note for the team. Any agent may.
pub fn staff_message(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    new: NewMessage,
) -> Result<(Ticket, Message)> {
    query::get_for_staff(tx, staff, id)?;
    let stored = store::lock(tx, id)?.or_not_found("ticket")?;
    let mut ticket = stored.clone();
    if staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    super::change::check_version(&ticket, new.expected_version)?;
    if new.is_internal && new.status.is_some() {
        return Err(Error::field(
            "status",
            "message.status_with_note",
            "a note does not change the status; leave it out or send an answer",
        ));
    }
    if new.status.is_some() {
        ticket.check_may_change(staff, settings)?;
    }
    if ticket.status == Status::Archived {
        return Err(Error::conflict(
            "ticket.archived",
            "an archived ticket takes no messages; an admin may move it back to closed",
        ));
    }
    let is_public = !new.is_internal;
    let message = write(tx, &ticket, Direction::Outbound, new)?;
    let now = tx.now();
    ticket.message_count += 1;
    let before = ticket.status;
    if is_public {
        ticket.public_message_count += 1;
        ticket.unread_by_customer += 1;
        ticket.unread_by_agent = 0;
        ticket.last_message_at = now;
        let first = ticket.first_response_at.is_none() && ticket.origin_type != Party::Tenant;
        if first {
            ticket.first_response_at = Some(now);
        }
        if ticket.status == Status::New || (first && ticket.status == Status::Open) {
            ticket.status = Status::InProgress;
            ticket.public_status = Status::InProgress;
        }
    } else if ticket.status == Status::New {
        // The customer keeps seeing `new`: a note leaves no trace there.
        ticket.status = Status::Open;
    }
    if ticket.status != before {
        let (from, to) = (db::Value::Text(before.as_str()), db::Value::Text(ticket.status.as_str()));
        let line = NewAudit {
            event_type: "status_changed",
            from: Some(from),
            to: Some(to),
            metadata: serde_json::json!({}),
            is_public,
        };
        audit(tx, id, line)?;
    }
    if let Some(status) = message.1 {
        apply_status(tx, settings, staff, &mut ticket, status, None)?;
    }
    let event_type = if is_public { "message" } else { "note" };
    let metadata = serde_json::json!({ "message_id": message.0.id });
    audit(tx, id, NewAudit { event_type, from: None, to: None, metadata, is_public })?;
    touch(tx, &mut ticket, is_public);
    store::save(tx, &stored, &ticket)?;
    publish(tx, if is_public { "ticket.answered" } else { "ticket.noted" }, &ticket, is_public)?;
    if is_public {
        tx.enqueue(&Announce { ticket: id, news: News::Answered { message: message.0.id.uuid() } })?;
    }
    Ok((ticket, message.0))
}

fn write(
    tx: &mut Tx<'_>,
    ticket: &Ticket,
    direction: Direction,
    new: NewMessage,
) -> Result<(Message, Option<Status>)> {
    let id: Id<Message> = tx.new_id();
    let sends = direction == Direction::Outbound && !new.is_internal;
    let message = Message {
        id,
        ticket_id: ticket.id,
        direction,
        is_internal: new.is_internal,
        author: tx.actor().clone(),
        body: new.body.source,
        body_html: new.body.html,
        delivery: if sends { "queued" } else { "none" }.into(),
        attachments: attachments(tx, ticket.id, id, new.attachments),
        created_at: tx.now(),
    };
    store::insert_message(tx, &message)?;
    Ok((message, new.status))
}

/// The customer's message itself; what it does to the ticket is the caller's.
pub fn write_inbound(
    tx: &mut Tx<'_>,
    ticket: &Ticket,
    body: Markdown,
    files: Vec<NewAttachment>,
    author: Option<base::Actor>,
) -> Result<Message> {
    let id: Id<Message> = tx.new_id();
    let message = Message {
        id,
        ticket_id: ticket.id,
        direction: Direction::Inbound,
        is_internal: false,
        author: author.unwrap_or_else(|| tx.actor().clone()),
        body: body.source,
        body_html: body.html,
        delivery: "none".into(),
        attachments: attachments(tx, ticket.id, id, files),
        created_at: tx.now(),
    };
    store::insert_message(tx, &message)?;
    Ok(message)
}

pub fn attachments(
    tx: &Tx<'_>,
    ticket_id: Id<Ticket>,
    message_id: Id<Message>,
    files: Vec<NewAttachment>,
) -> Vec<Attachment> {
    let attach = |f: NewAttachment| Attachment {
        id: tx.new_id(),
        ticket_id,
        message_id,
        filename: f.filename,
        content_type: f.content_type,
        size_bytes: f.size_bytes,
        sha256: f.sha256,
    };
    files.into_iter().map(attach).collect()
}
