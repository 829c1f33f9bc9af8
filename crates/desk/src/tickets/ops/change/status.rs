//! Moves of a ticket, with what belongs to them: times, reasons, history.

use base::{Error, Result};
use db::{Tx, Value};
use identity::{Settings, Staff};

use super::super::audit;
use crate::tickets::{model::*, store::NewAudit};

/// Moves a ticket for staff.
pub fn apply_status(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    t: &mut Ticket,
    to: Status,
    reason: Option<CloseReason>,
) -> Result<()> {
    if t.status == to {
        return Ok(());
    }
    let archive_move = t.status == Status::Archived || to == Status::Archived;
    if archive_move && !staff.is_admin() {
        return Err(Error::forbidden(
            "ticket.archive_is_admins",
            "only an admin moves tickets into and out of the archive",
        ));
    }
    t.check_may_change(staff, settings)?;
    if reason.is_some() && to != Status::Closed {
        return Err(Error::field(
            "close_reason",
            "close_reason.without_close",
            "goes with the status closed",
        ));
    }
    t.status.check_move(to)?;
    if to == Status::Closed && t.status.is_live() && reason.is_none() {
        return Err(Error::field(
            "close_reason",
            "close_reason.missing",
            "say why: one of solved, duplicate, spam, no_reply",
        ));
    }
    move_to(tx, t, to, reason)
}

/// The move itself, for staff, customers and schedules alike.
pub fn move_to(tx: &mut Tx<'_>, t: &mut Ticket, to: Status, reason: Option<CloseReason>) -> Result<()> {
    let (from, now) = (t.status, tx.now());
    match to {
        Status::Resolved => {
            t.resolved_at = Some(now);
            t.resolution_time_minutes = Some(now.duration_since(t.created_at).as_mins());
        }
        Status::Closed if from != Status::Archived => {
            t.closed_at = Some(now);
            t.close_reason = Some(reason.unwrap_or(CloseReason::Solved));
            if t.resolved_at.is_none() && matches!(t.close_reason, Some(CloseReason::Solved)) {
                t.resolved_at = Some(now);
                t.resolution_time_minutes = Some(now.duration_since(t.created_at).as_mins());
            }
        }
        Status::Open | Status::InProgress | Status::PendingCustomer if !from.is_live() => {
            t.resolved_at = None;
            t.closed_at = None;
            t.close_reason = None;
            t.resolution_time_minutes = None;
        }
        _ => {}
    }
    t.status = to;
    t.public_status = to;
    if !to.is_live() {
        t.snoozed_at = None;
        t.snoozed_until = None;
    }
    let event = if !from.is_live() && to.is_live() { "reopened" } else { "status_changed" };
    let metadata = t
        .close_reason
        .filter(|_| to == Status::Closed)
        .map_or_else(|| serde_json::json!({}), |r| serde_json::json!({ "close_reason": r }));
    let (from, to) = (Some(Value::Text(from.as_str())), Some(Value::Text(to.as_str())));
    audit(tx, t.id, NewAudit { event_type: event, from, to, metadata, is_public: true })
}

/// The line of a move that goes with another change.
pub(super) fn status_line(
    tx: &mut Tx<'_>,
    id: base::Id<Ticket>,
    from: Status,
    to: Status,
    is_public: bool,
) -> Result<()> {
    let (from, to) = (Some(Value::Text(from.as_str())), Some(Value::Text(to.as_str())));
    audit(
        tx,
        id,
        NewAudit { event_type: "status_changed", from, to, metadata: serde_json::json!({}), is_public },
    )
}
