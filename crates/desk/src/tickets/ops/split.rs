//! Splitting: a message that is about something else becomes a ticket of its own. The message stays where it was said.

use base::{Error, Id, OrNotFound, Result};
use db::Tx;
use identity::{Settings, Staff};

use super::{
    changeable,
    create::{For, NewTicket, file},
    settle, staff_line,
};
use crate::tickets::{model::*, query, relations, search, store};

/// What to split off, and what the new ticket is called.
#[derive(Clone, Debug)]
pub struct SplitOff {
    pub message: Id<Message>,
    /// Absent: the old ticket's.
    pub subject: Option<String>,
    pub expected_version: Option<i64>,
}

/// Makes a ticket of one message and relates the two. Answers the new ticket.
///
/// # Errors
/// `message.unknown`, `message.is_note`: a note is nobody's request.
pub fn split(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    what: SplitOff,
) -> Result<Ticket> {
    let old = changeable(tx, settings, staff, id, what.expected_version)?;
    let message = query::message(tx, what.message)?
        .filter(|m| m.ticket_id == id)
        .ok_or_else(|| Error::field("message_id", "message.unknown", "expected a message of this ticket"))?;
    if message.is_internal {
        let hint = "a note is for your team; split off a message of the conversation";
        return Err(Error::field("message_id", "message.is_note", hint));
    }
    if message.id == old.first_message_id {
        let hint = "the first message is the ticket itself; change its subject, or file a new ticket";
        return Err(Error::field("message_id", "message.is_first", hint));
    }
    let of = if message.ticket_id == id { old.clone() } else { query::get(tx, message.ticket_id)? };
    let subject = what.subject.as_deref().unwrap_or(&old.subject);
    let attachments = message
        .attachments
        .iter()
        .map(|a| NewAttachment {
            filename: a.filename.clone(),
            content_type: a.content_type.clone(),
            size_bytes: a.size_bytes,
            sha256: a.sha256,
        })
        .collect();
    let new = NewTicket {
        subject: base::text::line("subject", subject, 200)?,
        description: Markdown { source: message.body.clone(), html: message.body_html.clone() },
        category: Some(old.category.clone()),
        priority: old.priority,
        ticket_type: old.ticket_type,
        team_id: old.team_id,
        order_id: old.order_id,
        attachments,
        author: Some(message.author.clone()),
        is_quiet: true,
        // Answers go on leaving from the address it was written to.
        mail_channel_id: of.mail_channel_id,
        ..NewTicket::new("-", "-", old.channel)?
    };
    let spoke_first = message.direction == Direction::Outbound;
    let whom = For::Customer { customer: of.customer_id, spoke_first };
    let filed = file(tx, settings, Some(staff), whom, new)?;
    relations::insert(tx, filed.ticket.id, relations::Kind::SplitFrom, id)?;
    let mut made = filed.ticket;
    let before = made.clone();
    made.user_id = of.user_id;
    made.user_email = of.user_email;
    let made = settle(tx, &before, made, staff_line("split_from", None, Some(old.ticket_number.clone())))?;
    search::changed(tx, made.id)?;
    let line = staff_line("split", None, Some(made.ticket_number.clone()));
    settle(tx, &old, old.clone(), line)?;
    store::find(tx, made.id)?.or_not_found("ticket")
}
