//! The verbs of a ticket. Each is one transaction with its history, event and jobs.

mod age;
pub(crate) mod change;
mod create;
mod customer;
mod forward;
mod hold;
mod mailed;
mod merge;
mod removal;
mod reply;
mod snooze;
mod spam;
mod split;
mod thread;

use base::{Id, OrNotFound, Result};
use db::Tx;
use engine::{Event, Publish};

pub use age::{archive_old, close_resolved};
pub use change::{TicketPatch, change, change_held};
pub use create::{Filed, For, NewTicket, create, file, user_of};
pub(crate) use customer::is_past;
pub use customer::{CustomerPatch, change_own, confirm, customer_reply};
pub use forward::{
    Forward, ForwardSeen, NewForward, forward, forwarded, seen as forward_seen, take_answer, withdraw,
};
pub(in crate::tickets) use forward::{get as get_forward, new_token};
pub(crate) use hold::hold_threads;
pub(crate) use mailed::{Overheard, admit, join, overhear};
pub(crate) use merge::lock_whole;
pub use merge::{merge, merged, unmerge};
pub use removal::{purge_deleted, remove, restore};
pub(crate) use reply::answered_elsewhere;
pub use reply::{NewMessage, staff_message};
pub use snooze::{snooze, unsnooze, wake_due};
pub use spam::{BlockedSender, block, blocked, mark_spam, unblock};
pub use split::{SplitOff, split};

use super::{
    model::{Message, Ticket},
    store::{self, NewAudit},
};
use identity::{Settings, Staff};

/// Marks what is unread for this side as read. Not a change: no version, no history.
pub fn mark_read_by_staff(tx: &mut Tx<'_>, staff: &Staff, id: Id<Ticket>) -> Result<()> {
    let ticket = super::query::get_for_staff(tx, staff, id)?;
    let head = super::query::get_for_staff(tx, staff, ticket.head())?;
    if head.unread_by_agent > 0 {
        if head.merged_count > 0 {
            merge::hold_thread(tx, &head)?;
            store::mark_merged_read(tx, head.id)?;
        }
        store::mark_read(tx, head.id, false)?;
    }
    Ok(())
}

db::statements! {
    LEAVE_TEAM = "update tickets set team_id = null, version = version + 1, updated_at = ?3 where tenant_id = ?1 and team_id = ?2";
}

/// Takes every ticket from a team that is about to be deleted; that act is on record with the team.
pub fn leave_team(tx: &mut Tx<'_>, team: Id<identity::teams::Team>) -> Result<u64> {
    let now = tx.now();
    super::counts::leaving_team(tx, team)?;
    let left = tx.execute(&LEAVE_TEAM, db::params![team, now])?;
    // With all their rows held: whatever somebody else did to one of them is counted by now.
    crate::reports::left_team(tx, team)?;
    Ok(left)
}

/// Writes into the history which macro did what stands beside this line.
pub(crate) fn note_macro(tx: &mut Tx<'_>, id: Id<Ticket>, name: &str) -> Result<()> {
    audit(tx, id, staff_line("macro_applied", None, Some(name.to_owned())))
}

/// The ticket in whose thread this one is shown, with its row held, and those of what was merged into it. Nobody writes on
/// it until the commit.
pub(crate) fn lock_head(tx: &mut Tx<'_>, staff: &Staff, id: Id<Ticket>) -> Result<Ticket> {
    let ticket = super::query::get_for_staff(tx, staff, id)?;
    merge::hold_thread(tx, &ticket)?;
    store::lock(tx, ticket.head())?.or_not_found("ticket")
}

fn audit(tx: &mut Tx<'_>, id: Id<Ticket>, line: NewAudit<'_>) -> Result<()> {
    store::insert_audit(tx, id, line).map(|_| ())
}

/// A ticket this member of staff may change now, with its row held. `expected` is the version they saw.
fn changeable(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    expected: Option<i64>,
) -> Result<Ticket> {
    super::query::get_for_staff(tx, staff, id)?;
    let ticket = store::lock(tx, id)?.or_not_found("ticket")?;
    super::query::check_not_merged(tx, &ticket)?;
    ticket.check_may_change(staff, settings)?;
    change::check_version(&ticket, expected)?;
    Ok(ticket)
}

/// [`changeable`], for what is kept beside a ticket and overwrites nobody's view of it.
pub(super) fn change_of_staff(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
) -> Result<Ticket> {
    changeable(tx, settings, staff, id, None)
}

/// Raises a ticket's version for something that is kept beside it, with a line of history.
pub(super) fn note_change(
    tx: &mut Tx<'_>,
    ticket: &Ticket,
    event_type: &'static str,
    what: String,
) -> Result<Ticket> {
    settle(tx, ticket, ticket.clone(), staff_line(event_type, None, Some(what)))
}

/// Sets the sum of the time spent.
pub(super) fn set_minutes(tx: &mut Tx<'_>, ticket: &Ticket, minutes: u32, what: String) -> Result<Ticket> {
    let after = Ticket { minutes_spent: minutes, ..ticket.clone() };
    settle(tx, ticket, after, staff_line("time_booked", None, Some(what)))
}

/// Sets fields of a ticket whose row is held back to what they were, with its tags, in one change. Its line of history says
/// `what`.
pub(crate) fn restore_held(
    tx: &mut Tx<'_>,
    before: &Ticket,
    mut t: Ticket,
    tags_now: &[String],
    tags: &[String],
    what: serde_json::Value,
) -> Result<Ticket> {
    if tags_now != tags {
        store::set_tags(tx, t.id, tags_now, tags)?;
        super::search::changed(tx, t.id)?;
    }
    let (from, to) = (Some(before.status.to_string()), Some(t.status.to_string()));
    let is_public = before.public_status != t.public_status;
    audit(tx, t.id, NewAudit { is_public, metadata: what, ..staff_line("undone", from, to) })?;
    touch(tx, &mut t, true);
    store::save_undone(tx, before, &t)?;
    publish(tx, "ticket.changed", &t, true)?;
    Ok(t)
}

/// Writes a change that only staff can see, with its line of history, and tells the desk.
fn settle(tx: &mut Tx<'_>, before: &Ticket, mut t: Ticket, line: NewAudit<'_>) -> Result<Ticket> {
    audit(tx, t.id, line)?;
    touch(tx, &mut t, false);
    store::save(tx, before, &t)?;
    publish(tx, "ticket.changed", &t, false)?;
    Ok(t)
}

/// A line of history with a word before and a word after, for staff.
fn staff_line<'a>(event_type: &'static str, from: Option<String>, to: Option<String>) -> NewAudit<'a> {
    let (from, to) = (from.map(db::Value::OwnedText), to.map(db::Value::OwnedText));
    NewAudit { event_type, from, to, metadata: serde_json::json!({}), is_public: false }
}

/// Notes on a ticket what its customer thought of it.
pub fn rated(tx: &mut Tx<'_>, ticket: &Ticket, before: Option<u8>, score: u8) -> Result<()> {
    let held = store::lock(tx, ticket.id)?.or_not_found("ticket")?;
    audit(tx, held.id, staff_line("rated", before.map(|s| s.to_string()), Some(score.to_string())))?;
    let mut t = held.clone();
    touch(tx, &mut t, false);
    store::save(tx, &held, &t)?;
    let payload =
        serde_json::json!({ "ticket_number": t.ticket_number, "version": t.version, "score": score });
    tx.publish(event("csat.answered", &t, false, payload))
}

/// Tells live streams that a ticket changed; the customer's only when they may know.
fn publish(tx: &mut Tx<'_>, topic: &'static str, ticket: &Ticket, is_public: bool) -> Result<()> {
    let payload = serde_json::json!({ "ticket_number": ticket.ticket_number, "version": ticket.version });
    let payload = with_cause(tx, payload);
    tx.publish(event(topic, ticket, is_public, payload))
}

/// The same where a message is what happened.
fn publish_message(
    tx: &mut Tx<'_>,
    topic: &'static str,
    ticket: &Ticket,
    is_public: bool,
    message: Id<Message>,
) -> Result<()> {
    let payload = serde_json::json!({
        "ticket_number": ticket.ticket_number, "version": ticket.version, "message_id": message,
    });
    let payload = with_cause(tx, payload);
    tx.publish(event(topic, ticket, is_public, payload))
}

/// What a rule did says so: `cause_id` is the run it did it in.
fn with_cause(tx: &Tx<'_>, mut payload: serde_json::Value) -> serde_json::Value {
    if let Some(run) = tx.request_id().and_then(|id| id.strip_prefix("rule:")) {
        payload["cause_id"] = run.into();
    }
    payload
}

fn event(topic: &'static str, ticket: &Ticket, is_public: bool, payload: serde_json::Value) -> Event {
    Event {
        topic,
        ticket_id: Some(ticket.id.uuid()),
        customer_id: Some(ticket.customer_id.uuid()),
        is_public,
        payload,
    }
}

/// Raises the version after a change; the customer's too when the change is one they can see.
fn touch(tx: &Tx<'_>, ticket: &mut Ticket, is_public: bool) {
    let now = tx.now();
    ticket.version += 1;
    ticket.updated_at = now;
    ticket.updated_by.clone_from(&tx.actor().name);
    if is_public {
        ticket.public_version += 1;
        ticket.public_updated_at = now;
    }
}
