//! People who get a copy of every answer. Staff adds them; an address in somebody's mail adds nobody.

use base::{Email, Error, Id, Result, Timestamp, text};
use db::{Read, Tx, params};
use identity::{Settings, Staff};
use serde::Serialize;

use super::{
    model::*,
    ops::{change_of_staff, note_change},
};
use crate::channels;

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Participant {
    pub email: String,
    pub name: String,
    /// The others are not told that they get one.
    pub hidden: bool,
    pub added_by: String,
    pub created_at: Timestamp,
}

db::statements! {
    INSERT = "insert into ticket_participants (tenant_id, ticket_id, email, name, added_by, created_at, is_hidden) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        on conflict (tenant_id, ticket_id, email) do nothing";
    DELETE = "delete from ticket_participants where tenant_id = ?1 and ticket_id = ?2 and email = ?3";
    SET_HIDDEN = "update ticket_participants set is_hidden = ?4 where tenant_id = ?1 and ticket_id = ?2 and email = ?3 and is_hidden <> ?4";
    OF = "select email, name, is_hidden, added_by, created_at from ticket_participants where tenant_id = ?1 and ticket_id = ?2 order by created_at, email";
}

/// Copies of one answer at most.
const MOST: usize = 20;

/// Who gets a copy, in the order they were added.
pub fn of(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<Participant>> {
    read.query_all(&OF, params![ticket], |row| {
        let mut c = row.columns();
        Ok(Participant {
            email: c.next()?,
            name: c.next()?,
            hidden: c.next()?,
            added_by: c.next()?,
            created_at: c.next()?,
        })
    })
}

/// From the next answer on this address gets a copy, `hidden` from the others or not. Adding twice is harmless; the second
/// time decides whether it is hidden.
///
/// # Errors
/// `participant.is_customer`, `participant.too_many`, `address.own_channel`.
pub fn add(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    email: &Email,
    name: &str,
    hidden: bool,
) -> Result<Vec<Participant>> {
    let ticket = change_of_staff(tx, settings, staff, id)?;
    if email.key() == ticket.user_email.to_lowercase() {
        return Err(Error::field(
            "email",
            "participant.is_customer",
            "the customer gets every answer anyway",
        ));
    }
    channels::check_not_own(tx, "email", email)?;
    let name = if name.trim().is_empty() { String::new() } else { text::line("name", name, 100)? };
    let known = of(tx, id)?;
    if known.len() >= MOST && !known.iter().any(|p| p.email == email.key()) {
        return Err(Error::conflict("participant.too_many", format!("at most {MOST} people get a copy")));
    }
    let (by, now) = (tx.actor().name.clone(), tx.now());
    if tx.execute(&INSERT, params![id, email.key(), name, by, now, hidden])? == 1 {
        note_change(tx, &ticket, "participant_added", email.key())?;
    } else if tx.execute(&SET_HIDDEN, params![id, email.key(), hidden])? == 1 {
        let what = if hidden { "participant_hidden" } else { "participant_shown" };
        note_change(tx, &ticket, what, email.key())?;
    }
    of(tx, id)
}

/// Somebody whose mail was let into the conversation. Whoever decided it may change the ticket; that was checked.
pub(crate) fn admit(tx: &mut Tx<'_>, ticket: &Ticket, email: &str, name: &str) -> Result<()> {
    if ticket.user_email.to_lowercase() == email || of(tx, ticket.id)?.len() >= MOST {
        return Ok(());
    }
    if let Ok(email) = email.parse()
        && channels::own(tx, &email)?.is_some()
    {
        return Ok(());
    }
    let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
    let (by, now) = (tx.actor().name.clone(), tx.now());
    tx.execute(&INSERT, params![ticket.id, email, name, by, now, false])?;
    Ok(())
}

/// No more copies to this address.
pub fn remove(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    email: &Email,
) -> Result<Vec<Participant>> {
    let ticket = change_of_staff(tx, settings, staff, id)?;
    if tx.execute(&DELETE, params![id, email.key()])? == 0 {
        return Err(Error::not_found("participant"));
    }
    note_change(tx, &ticket, "participant_removed", email.key())?;
    of(tx, id)
}
