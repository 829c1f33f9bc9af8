//! Time spent on a ticket, in whole minutes, by whom and on what.

use base::{Error, Id, OrNotFound, Result, Timestamp, text};
use db::{Read, Row, Tx, params};
use identity::{Settings, Staff, User};
use serde::Serialize;

use super::{
    model::*,
    ops::{change_of_staff, set_minutes},
};

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct TimeEntry {
    pub id: Id<TimeEntry>,
    pub user_id: Option<Id<User>>,
    pub user_name: String,
    pub minutes: u32,
    pub note: String,
    pub created_at: Timestamp,
}

db::statements! {
    OF = "select id, user_id, user_name, minutes, note, created_at from time_entries where tenant_id = ?1 and ticket_id = ?2 order by id";
    INSERT = "insert into time_entries (tenant_id, id, ticket_id, user_id, user_name, minutes, note, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    DELETE = "delete from time_entries where tenant_id = ?1 and ticket_id = ?2 and id = ?3";
}

/// The longest single entry: a day.
const MINUTES_MAX: u32 = 24 * 60;

fn map(row: &Row<'_>) -> Result<TimeEntry> {
    let mut c = row.columns();
    Ok(TimeEntry {
        id: c.next()?,
        user_id: c.next()?,
        user_name: c.next()?,
        minutes: c.next()?,
        note: c.next()?,
        created_at: c.next()?,
    })
}

/// Entries in the order they were made.
pub fn of(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<TimeEntry>> {
    read.query_all(&OF, params![ticket], map)
}

/// Books minutes.
///
/// # Errors
/// `time.minutes`: from 1 to 1440.
pub fn book(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    minutes: u32,
    note: &str,
) -> Result<Vec<TimeEntry>> {
    let ticket = change_of_staff(tx, settings, staff, id)?;
    if !(1..=MINUTES_MAX).contains(&minutes) {
        return Err(Error::field(
            "minutes",
            "time.minutes",
            format!("whole minutes from 1 to {MINUTES_MAX}"),
        ));
    }
    let note = if note.trim().is_empty() { String::new() } else { text::line("note", note, 200)? };
    let (entry, now, name): (Id<TimeEntry>, _, _) = (tx.new_id(), tx.now(), tx.actor().name.clone());
    tx.execute(&INSERT, params![entry, id, staff.user_id, name, minutes, note, now])?;
    set_minutes(tx, &ticket, ticket.minutes_spent.saturating_add(minutes), format!("+{minutes}"))?;
    of(tx, id)
}

/// Takes an entry back. Whoever made it may, and admins.
pub fn remove(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    entry: Id<TimeEntry>,
) -> Result<Vec<TimeEntry>> {
    let ticket = change_of_staff(tx, settings, staff, id)?;
    let held = of(tx, id)?.into_iter().find(|e| e.id == entry).or_not_found("time entry")?;
    if !staff.is_admin() && !staff.is_user(held.user_id) {
        return Err(Error::forbidden(
            "time.others",
            "somebody else booked this; they or an admin may take it back",
        ));
    }
    tx.execute(&DELETE, params![id, entry])?;
    let left = ticket.minutes_spent.saturating_sub(held.minutes);
    set_minutes(tx, &ticket, left, format!("-{}", held.minutes))?;
    of(tx, id)
}
