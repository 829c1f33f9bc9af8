use base::{Error, Id, Result};
use db::Tx;
use engine::Enqueue;
use identity::{Settings, Staff};

use super::{
    audit,
    change::apply_status,
    thread::{Said, Thread},
};
use crate::tickets::{
    jobs::{Announce, News},
    mentions,
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
    /// The version of the survivor that the writer saw; an older one is refused.
    pub expected_version: Option<i64>,
    /// A ticket merged into this one whose customer the answer is for. Absent: this one's.
    pub addressed_to: Option<Id<Ticket>>,
}

/// Staff answers the customer, or leaves a note for the team. Any agent may.
pub fn staff_message(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    new: NewMessage,
) -> Result<(Ticket, Message)> {
    say(tx, settings, staff, id, new, Way::Letter)
}

/// The same for what staff wrote in a mail program: it has left, so no letter is sent, and all else follows from it as from
/// any answer.
pub(crate) fn answered_elsewhere(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    new: NewMessage,
) -> Result<(Ticket, Message)> {
    say(tx, settings, staff, id, new, Way::HasLeft)
}

/// How an answer gets to its customer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Letter,
    HasLeft,
}

fn say(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    new: NewMessage,
    way: Way,
) -> Result<(Ticket, Message)> {
    let seen = query::get_for_staff(tx, staff, id)?;
    if staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    if !new.is_internal {
        // An answer marks as read what was merged into the survivor, whose rows come before its own.
        super::merge::hold_thread(tx, &seen)?;
    }
    let mut thread = Thread::lock(tx, new.addressed_to.unwrap_or(id))?;
    let of_this_thread = [thread.addressed().id, thread.head_before().id].contains(&id);
    if !of_this_thread {
        return Err(Error::field(
            "answer_to",
            "message.other_thread",
            "expected this ticket or one that was merged into it",
        ));
    }
    // What the writer saw is the thread, so its version is the survivor's.
    super::change::check_version(thread.head_before(), new.expected_version)?;
    if new.expected_version.is_some() && !new.is_internal {
        crate::composing::held::check_nobody_is_sending(tx, thread.head_before().id, staff.user_id)?;
    }
    if new.is_internal && new.status.is_some() {
        return Err(Error::field(
            "status",
            "message.status_with_note",
            "a note does not change the status; leave it out or send an answer",
        ));
    }
    if new.status.is_some() {
        thread.head_before().check_may_change(staff, settings)?;
    }
    if thread.head_before().status == Status::Archived {
        return Err(Error::conflict(
            "ticket.archived",
            "an archived ticket takes no messages; an admin may move it back to closed",
        ));
    }
    let is_public = !new.is_internal;
    let addressed = thread.addressed().id;
    let mut new = new;
    let called = if is_public { mentions::Called::default() } else { mentions::find(tx, &new.body.source)? };
    if !called.words.is_empty() {
        new.body.html = mentions::mark(&new.body.html, &called.words);
    }
    let message = write(tx, thread.addressed(), way, new)?;
    let now = tx.now();
    // What a rule says is no answer of a person: nobody has looked at the ticket yet.
    let by_rule = staff.is_product();
    let said = match (is_public, by_rule) {
        (true, false) => Said::ByStaff,
        (true, true) => Said::ByRule,
        (false, _) => Said::AsNote,
    };
    thread.count(said, now);
    let merged = thread.is_merged();
    let head = thread.head();
    let (id, before) = (head.id, head.status);
    if by_rule {
        // The status stays.
    } else if is_public {
        let first = head.first_response_at.is_none() && head.origin_type != Party::Tenant;
        if first {
            head.first_response_at = Some(now);
        }
        if head.status == Status::New || (first && head.status == Status::Open) {
            head.status = Status::InProgress;
            head.public_status = Status::InProgress;
        }
    } else if head.status == Status::New {
        // The customer keeps seeing `new`: a note leaves no trace there.
        head.status = Status::Open;
    }
    if head.status != before {
        let (from, to) = (db::Value::Text(before.as_str()), db::Value::Text(head.status.as_str()));
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
        apply_status(tx, settings, staff, thread.head(), status, None)?;
    }
    let event_type = if is_public { "message" } else { "note" };
    let metadata = serde_json::json!({ "message_id": message.0.id });
    audit(
        tx,
        addressed,
        NewAudit { event_type, from: None, to: None, metadata: metadata.clone(), is_public },
    )?;
    if merged && is_public {
        audit(tx, id, NewAudit { event_type, from: None, to: None, metadata, is_public: false })?;
    }
    let topic = if is_public { "ticket.answered" } else { "ticket.noted" };
    let head = thread.save(tx, topic, message.0.id, is_public)?;
    if is_public && way == Way::Letter {
        tx.enqueue(&Announce { ticket: addressed, news: News::Answered { message: message.0.id.uuid() } })?;
    }
    mentions::tell(tx, &head, &message.0, called.people)?;
    Ok((head, message.0))
}

fn write(tx: &mut Tx<'_>, ticket: &Ticket, way: Way, new: NewMessage) -> Result<(Message, Option<Status>)> {
    let id: Id<Message> = tx.new_id();
    let delivery = match (new.is_internal, way) {
        (true, _) => "none",
        (false, Way::Letter) => "queued",
        (false, Way::HasLeft) => "sent",
    };
    let message = Message {
        id,
        ticket_id: ticket.id,
        direction: Direction::Outbound,
        is_internal: new.is_internal,
        author: tx.actor().clone(),
        body: new.body.source,
        body_html: new.body.html,
        delivery: delivery.into(),
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
