//! Which ticket a letter leads to, by the strongest proof it carries.

use base::{Email, Id, Result};
use db::Tx;
use identity::User;
use mail::inbound::{self, Incoming};
use notices::letters;

use super::{model::FoundBy, receive::secret_of, reply, store};
use crate::{
    Ticket,
    tickets::{self, Forward, query},
};

/// A ticket that a letter leads to.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    pub ticket: Ticket,
    pub found_by: FoundBy,
    /// The member of staff whose own reply address it came to.
    pub staff: Option<Id<User>>,
    /// The forward whose reply address it came to.
    pub forward: Option<Id<Forward>>,
    pub reason: String,
}

/// Follows the rungs from the strongest to the weakest. A ticket that is deleted leads nowhere.
pub(super) fn trace(
    tx: &mut Tx<'_>,
    letter: &Incoming,
    envelope: &[String],
    writer: Option<&Email>,
) -> Result<Option<Trace>> {
    let envelope: Vec<Email> = envelope.iter().filter_map(|a| a.parse().ok()).collect();
    let headers = letter.to.iter().chain(&letter.cc).map(|a| &a.email);
    for address in headers.chain(&letter.delivered_to).chain(&envelope) {
        let Some(secret) = secret_of(address) else { continue };
        if let Some(owner) = reply::owner(tx, &secret)?
            && let Some(ticket) = live(tx, owner.ticket)?
        {
            let reason = "it came to a reply address we gave away for this ticket".to_owned();
            let (staff, forward) = (owner.user, owner.forward);
            return Ok(Some(Trace { ticket, found_by: FoundBy::ReplyAddress, staff, forward, reason }));
        }
    }
    let plain = |ticket, found_by, reason: String| {
        Some(Trace { ticket, found_by, staff: None, forward: None, reason })
    };
    // What a mail answers stands in In-Reply-To; the conversation before it in References, the nearest last.
    let named: Vec<&String> = letter.in_reply_to.iter().chain(letter.references.iter().rev()).collect();
    let secret = letters::secret_of(tx, letters::MESSAGE_IDS)?;
    for id in &named {
        if mail::signed_letter(id, &secret).is_some()
            && let Some(ticket) = of_letter(tx, id)?
        {
            return Ok(plain(
                ticket,
                FoundBy::SignedId,
                "it answers a letter of ours, by its signed Message-ID".into(),
            ));
        }
    }
    for id in &named {
        let by_letter = of_letter(tx, id)?;
        let found = match by_letter {
            Some(ticket) => Some(ticket),
            None => referenced(tx, id, writer)?,
        };
        if let Some(ticket) = found {
            return Ok(plain(
                ticket,
                FoundBy::KnownId,
                "it refers to a Message-ID that is known here".into(),
            ));
        }
    }
    for number in inbound::numbers_in_subject(&letter.subject) {
        if let Some(id) = query::find_by_number(tx, &number)?
            && let Some(ticket) = live(tx, id)?
        {
            return Ok(plain(ticket, FoundBy::Number, format!("its subject names {number}")));
        }
    }
    // Somebody answered in a thread whose middle we never saw: what names this very mail, or the same unseen one.
    if let Some(id) = &letter.message_id
        && let Some(ticket) = referenced(tx, id, writer)?
    {
        return Ok(plain(ticket, FoundBy::KnownId, "a mail that is known here refers to it".into()));
    }
    Ok(None)
}

/// The ticket a known Message-ID leads to: of several the one the writer takes part in, else the oldest. Anybody can name
/// an id, or give one to a mail of theirs.
fn referenced(tx: &Tx<'_>, id: &str, writer: Option<&Email>) -> Result<Option<Ticket>> {
    let mut first = None;
    for ticket in store::referenced(tx, id)? {
        let Some(ticket) = live(tx, ticket)? else { continue };
        if let Some(writer) = writer
            && joins(tx, &ticket, writer)?.is_some()
        {
            return Ok(Some(ticket));
        }
        first.get_or_insert(ticket);
    }
    Ok(first)
}

/// The ticket of a letter of ours.
fn of_letter(tx: &Tx<'_>, message_id: &str) -> Result<Option<Ticket>> {
    let letter = letters::by_message_id(tx, message_id)?;
    match letter.and_then(|l| l.ticket_id) {
        Some(ticket) => live(tx, Id::from_uuid(ticket)),
        None => Ok(None),
    }
}

fn live(tx: &Tx<'_>, id: Id<Ticket>) -> Result<Option<Ticket>> {
    let ticket = tickets::by_ids(tx, &[id])?.pop();
    Ok(ticket.filter(|t| t.deleted_at.is_none() && t.close_reason != Some(tickets::CloseReason::Spam)))
}

/// The ticket in whose conversation this address takes part, of the one that was found and the one it goes on in.
pub(super) fn joins(tx: &Tx<'_>, ticket: &Ticket, email: &Email) -> Result<Option<Ticket>> {
    if takes_part(tx, ticket, email)? {
        return Ok(Some(ticket.clone()));
    }
    if ticket.head() == ticket.id {
        return Ok(None);
    }
    let Some(head) = live(tx, ticket.head())? else { return Ok(None) };
    Ok(takes_part(tx, &head, email)?.then_some(head))
}

fn takes_part(tx: &Tx<'_>, ticket: &Ticket, email: &Email) -> Result<bool> {
    let key = email.key();
    if ticket.user_email.to_lowercase() == key {
        return Ok(true);
    }
    let customer = crm::customers::get(tx, ticket.customer_id)?;
    if customer.email.key() == key {
        return Ok(true);
    }
    Ok(tickets::participants::of(tx, ticket.id)?.iter().any(|p| p.email == key))
}
