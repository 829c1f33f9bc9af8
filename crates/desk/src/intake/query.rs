//! Reads of letters.

use base::{Id, OrNotFound, Result};
use db::Read;
use uuid::Uuid;

use super::{
    model::{Mail, MailState, MessageMail},
    store,
};
use crate::{Ticket, tickets::Message};

pub fn get(read: &Read<'_>, id: Id<Mail>) -> Result<Mail> {
    store::find(read, id)?.or_not_found("mail")
}

/// Newest first, before an id; of one state, or all.
pub fn page(
    read: &Read<'_>,
    state: Option<MailState>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Mail>> {
    store::page(read, state, before, limit)
}

/// Ids of letters that came after one, oldest first: for reading many again.
pub fn after(read: &Read<'_>, after: Uuid, limit: u32) -> Result<Vec<Id<Mail>>> {
    store::after(read, after, limit)
}

/// How messages of a ticket came by mail, oldest first.
pub fn of_ticket(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<MessageMail>> {
    store::of_messages(read, ticket)
}

/// How one message came by mail, when it did.
pub fn of_message(read: &Read<'_>, message: Id<Message>) -> Result<Option<MessageMail>> {
    store::of_message(read, message)
}

/// Letters of a ticket, oldest first.
pub fn letters_of(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<Mail>> {
    store::of_ticket(read, ticket)
}
