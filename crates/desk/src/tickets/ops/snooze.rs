//! Snoozing: out of the queue until a time, or until somebody replies. Nothing of it shows outside.

use base::{Error, Id, Result, Timestamp};
use db::{Tx, params};
use identity::{Settings, Staff};

use super::{changeable, settle, staff_line};
use crate::tickets::{model::*, store};

db::statements! {
    // A merged or deleted one sleeps on; it is due when it comes back.
    DUE = "select id from tickets where tenant_id = ?1 and snoozed_at is not null and survivor_id is null and deleted_at is null
        and snoozed_until <= ?2 order by snoozed_until limit ?3";
}

/// The farthest a ticket can be put off, in days.
const FARTHEST_DAYS: i64 = 366;
/// Woken by one run; the next one goes on.
const BATCH: u32 = 200;

/// Puts a live ticket off. `until`: absent means until somebody replies; a reply wakes it in any case.
///
/// # Errors
/// `snooze.past`, `snooze.too_far`, `ticket.not_live`.
pub fn snooze(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    until: Option<Timestamp>,
    expected: Option<i64>,
) -> Result<Ticket> {
    let before = changeable(tx, settings, staff, id, expected)?;
    let now = tx.now();
    if let Some(until) = until {
        if until <= now {
            return Err(Error::field("until", "snooze.past", "a time that is still to come"));
        }
        if until > now + base::hours(24 * FARTHEST_DAYS) {
            return Err(Error::field(
                "until",
                "snooze.too_far",
                format!("at most {FARTHEST_DAYS} days from now"),
            ));
        }
    }
    if !before.status.is_live() {
        return Err(Error::conflict(
            "ticket.not_live",
            "only a live ticket can be put off; this one is settled",
        ));
    }
    if before.snoozed_at.is_some() && before.snoozed_until == until {
        return Ok(before);
    }
    let mut t = before.clone();
    t.snoozed_at = Some(now);
    t.snoozed_until = until;
    settle(tx, &before, t, staff_line("snoozed", None, until.map(|u| u.to_string())))
}

/// Puts it back into the queue now.
pub fn unsnooze(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    expected: Option<i64>,
) -> Result<Ticket> {
    let before = changeable(tx, settings, staff, id, expected)?;
    if before.snoozed_at.is_none() {
        return Ok(before);
    }
    let t = awake(&before);
    settle(tx, &before, t, staff_line("woken", None, None))
}

pub(super) fn awake(t: &Ticket) -> Ticket {
    Ticket { snoozed_at: None, snoozed_until: None, ..t.clone() }
}

/// Wakes a ticket somebody replied on; the caller saves it.
pub(super) fn wake(tx: &mut Tx<'_>, t: &mut Ticket) -> Result<()> {
    if t.snoozed_at.is_some() {
        *t = awake(t);
        super::audit(tx, t.id, staff_line("woken", None, None))?;
    }
    Ok(())
}

/// Wakes what is due, in batches.
pub fn wake_due(tx: &mut Tx<'_>) -> Result<()> {
    let now = tx.now();
    let mut due = tx.query_all(&DUE, params![now, BATCH], |row| row.get::<Id<Ticket>>(0))?;
    // In the order in which rows are held.
    due.sort();
    for id in due {
        let is_due = |t: &Ticket| !t.is_aside() && t.snoozed_until.is_some_and(|u| u <= now);
        if let Some(before) = store::lock(tx, id)?.filter(is_due) {
            let mut t = awake(&before);
            // It comes back as something to look at.
            t.unread_by_agent = t.unread_by_agent.max(1);
            settle(tx, &before, t, staff_line("woken", None, None))?;
        }
    }
    Ok(())
}
