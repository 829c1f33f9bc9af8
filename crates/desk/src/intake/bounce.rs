//! Letters of ours that came back. Only a report that names one of ours by its Message-ID is believed.

use base::{Id, Result};
use db::Tx;
use notices::{inbox, letters};

use super::settle::Case;
use crate::{
    Ticket,
    tickets::{self, query},
};

/// Marks the letter that a report is about, and warns whoever wrote it. Answers the letter's ticket.
pub(super) fn take(tx: &mut Tx<'_>, case: &Case<'_>) -> Result<Option<Ticket>> {
    let letter = case.letter();
    let Some(report) = &letter.bounce else { return Ok(None) };
    let named = report.original_message_id.iter().chain(&letter.in_reply_to);
    let mut of = None;
    for id in named {
        of = letters::by_message_id(tx, id)?;
        if of.is_some() {
            break;
        }
    }
    let Some(of) = of else { return Ok(None) };
    let ticket = match of.ticket_id {
        Some(id) => tickets::by_ids(tx, &[Id::from_uuid(id)])?.pop().filter(|t| t.deleted_at.is_none()),
        None => None,
    };
    let is_final = match (&report.action, &report.status) {
        (Some(action), _) => action == "failed",
        (None, Some(status)) => status.starts_with('5'),
        (None, None) => true,
    };
    // Whoever got a letter knows its id. A report about somebody else is about another letter.
    let is_about_it = report.recipient.as_ref().is_none_or(|r| r.key() == of.to_email.key());
    if !is_final || !is_about_it || !matches!(of.status.as_str(), "sent" | "uncertain") {
        return Ok(ticket);
    }
    let why: Vec<&str> =
        [&report.status, &report.diagnostic].into_iter().flatten().map(String::as_str).collect();
    let why = if why.is_empty() { "returned by the receiving side".to_owned() } else { why.join(" ") };
    let why: String = why.chars().take(500).collect();
    if letters::bounced(tx, of.id, &why)? {
        tickets::letter_settled(tx, of.id.uuid(), "bounced")?;
        if let Some(ticket) = &ticket {
            warn(tx, ticket, of.to_email.as_str(), of.id)?;
        }
    }
    Ok(ticket)
}

/// The author of the answer that came back, and whoever has the ticket.
fn warn(tx: &mut Tx<'_>, ticket: &Ticket, to: &str, letter: Id<letters::Letter>) -> Result<()> {
    let head = query::get(tx, ticket.head())?;
    let mut told: Vec<_> = query::authors_of_letter(tx, letter.uuid())?;
    told.extend(head.assigned_to);
    told.sort();
    told.dedup();
    let title = format!("{}: a letter to {to} came back", ticket.ticket_number);
    for user in told {
        inbox::notify(tx, user, "letter_bounced", &title, Some(head.id.uuid()))?;
    }
    Ok(())
}
