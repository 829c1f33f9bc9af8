//! What changes of tickets leave for rules to do. Called by the room of tickets for each line of history, in the change's
//! own transaction; where no rule listens it costs one look-up and no write.

use base::{Id, Result, Timestamp, minutes};
use db::{Tx, params};
use engine::Enqueue as _;

use super::{
    jobs::LookAtChange,
    model::{Anchor, Happening},
    store,
};
use crate::{
    Ticket,
    tickets::{Direction, Status},
};

db::statements! {
    LAST_DIRECTION = "select direction, author_kind from messages where tenant_id = ?1 and ticket_id = ?2 and not is_internal order by id desc limit 1";
}

/// What a line of the history may mean, before its message is looked at.
fn meanings(event_type: &str) -> (&'static [Happening], &'static [Anchor]) {
    use Happening as H;
    match event_type {
        "created" => {
            (&[H::TicketCreated], &[Anchor::Created, Anchor::EnteredStatus, Anchor::CustomerMessage])
        }
        "message" => {
            (&[H::CustomerReplied, H::StaffAnswered], &[Anchor::CustomerMessage, Anchor::StaffAnswer])
        }
        "note" => (&[H::NoteAdded], &[]),
        "status_changed" => (&[H::StatusChanged], &[Anchor::EnteredStatus]),
        "reopened" => (&[H::StatusChanged, H::Reopened], &[Anchor::EnteredStatus]),
        "priority_changed" => (&[H::PriorityChanged], &[]),
        "claimed" | "assigned" | "unassigned" => (&[H::AssigneeChanged], &[]),
        "team_changed" => (&[H::TeamChanged], &[]),
        "category_changed" => (&[H::CategoryChanged], &[]),
        "tags_changed" => (&[H::TagsChanged], &[]),
        "woken" => (&[H::SnoozeEnded], &[]),
        _ => (&[], &[]),
    }
}

/// The happenings of a line; of a message those it may be.
pub(super) fn happenings(event_type: &str) -> &'static [Happening] {
    meanings(event_type).0
}

/// A line of history was written.
pub(crate) fn heard(tx: &mut Tx<'_>, ticket: Id<Ticket>, event_type: &str, to: Option<&str>) -> Result<()> {
    let (happenings, anchors) = meanings(event_type);
    if happenings.is_empty() {
        return Ok(());
    }
    let words: Vec<&str> =
        happenings.iter().map(|h| h.as_str()).chain(anchors.iter().map(|a| a.as_str())).collect();
    let listened = store::listened(tx, &words)?;
    if listened.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    for anchor in anchors.iter().filter(|a| listened.iter().any(|l| l == a.as_str())) {
        if moves(tx, ticket, *anchor)? {
            wind(tx, *anchor, ticket, now, to.and_then(|t| t.parse::<Status>().ok()))?;
        }
    }
    if happenings.iter().any(|h| listened.iter().any(|l| l == h.as_str())) {
        let change = tx.change_id();
        tx.enqueue(&LookAtChange { ticket, change })?;
    }
    Ok(())
}

/// Whether a line moves an anchor: a message does where it is a person's of the right side.
fn moves(tx: &Tx<'_>, ticket: Id<Ticket>, anchor: Anchor) -> Result<bool> {
    let wanted = match anchor {
        Anchor::CustomerMessage => Direction::Inbound,
        Anchor::StaffAnswer => Direction::Outbound,
        _ => return Ok(true),
    };
    let last = tx.query_one(&LAST_DIRECTION, params![ticket], |row| {
        Ok((row.get::<Direction>(0)?, row.get::<base::ActorKind>(1)?))
    })?;
    Ok(last.is_some_and(|(direction, by)| direction == wanted && by != base::ActorKind::System))
}

/// Sets the timers of an anchor that is now at an instant.
fn wind(
    tx: &mut Tx<'_>,
    anchor: Anchor,
    ticket: Id<Ticket>,
    at: Timestamp,
    status: Option<Status>,
) -> Result<()> {
    for (rule, after, of) in store::timed(tx, anchor)? {
        if of.is_none() || of.as_deref() == status.map(|s| s.as_str()) {
            store::set_timer(tx, rule, ticket, at, at + minutes(after))?;
        }
    }
    Ok(())
}

/// A ticket has another due time, or its first.
pub(crate) fn due_moved(tx: &mut Tx<'_>, ticket: Id<Ticket>, due: Timestamp) -> Result<()> {
    wind(tx, Anchor::Due, ticket, due, None)
}

/// A ticket that was merged, deleted or spam is none of these any more: timers that ran out meanwhile are due now.
pub(crate) fn came_back(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    store::queue_timers_again(tx, ticket)
}
