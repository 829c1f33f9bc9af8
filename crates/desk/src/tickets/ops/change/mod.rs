//! Changing a ticket.
//!
//! | file | what it holds |
//! |---|---|
//! | `fields` | what a ticket has one of |
//! | `people` | whose it is: claims, assignment, escalation |
//! | `lists` | tags, watchers, links |
//! | `status` | moves |
//! | `told` | who hears of it |

mod fields;
mod lists;
mod people;
mod status;
mod told;

use base::{Error, Id, Kind, OrNotFound, Result, Timestamp};
use crm::CustomerRecord;
use db::{Tx, Value};
use identity::{Settings, Staff, User, teams::Team};
use uuid::Uuid;

use self::{
    fields::fields,
    lists::lists,
    people::{assignment, check_claim, escalation},
    status::status_line,
    told::told,
};
pub use self::{
    lists::{check_context, check_links, check_tags},
    people::check_assignee,
    status::{apply_status, move_to},
};
use super::{audit, publish, touch};
use crate::tickets::{
    Extras,
    model::*,
    query, search,
    store::{self, NewAudit},
};

/// Fields to change; absent ones stay. Equal values are no change.
#[derive(Clone, Debug, Default)]
pub struct TicketPatch {
    pub subject: Option<String>,
    pub status: Option<Status>,
    pub priority: Option<Priority>,
    pub category: Option<String>,
    pub ticket_type: Option<TicketType>,
    pub channel: Option<Channel>,
    pub customer_id: Option<Id<CustomerRecord>>,
    pub order_id: Option<Option<Uuid>>,
    pub assigned_to: Option<Option<Id<User>>>,
    pub team_id: Option<Option<Id<Team>>>,
    pub watchers: Option<Vec<Id<User>>>,
    pub tags: Option<Vec<String>>,
    pub links: Option<Vec<Link>>,
    pub due_at: Option<Timestamp>,
    pub close_reason: Option<CloseReason>,
    pub resolution_notes: Option<Option<String>>,
    pub escalation_level: Option<u32>,
    pub escalated_to_user_id: Option<Option<Id<User>>>,
    pub ai_summary: Option<Option<String>>,
    pub ai_confidence_score: Option<Option<f64>>,
    pub ai_auto_resolved: Option<bool>,
    pub context: Option<serde_json::Value>,
    /// Resolving tells the customer unless this is false.
    pub tell_customer: Option<bool>,
    pub expected_version: Option<i64>,
}

/// Changes a ticket: all of it in one commit, or nothing with the reason.
pub fn change(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    patch: TicketPatch,
) -> Result<Ticket> {
    query::get_for_staff(tx, staff, id)?;
    let before = store::lock(tx, id)?.or_not_found("ticket")?;
    let extras = query::extras(tx, &[id])?.remove(&id).unwrap_or_default();
    change_held(tx, settings, staff, before, &extras, patch)
}

/// The same for a ticket whose row is held, as it is now, with what is beside it now.
pub fn change_held(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    before: Ticket,
    extras: &Extras,
    patch: TicketPatch,
) -> Result<Ticket> {
    let id = before.id;
    if !before.is_visible_to(staff) {
        return Err(Error::not_found("ticket"));
    }
    query::check_not_merged(tx, &before)?;
    check_claim(tx, staff, &before, &patch)?;
    before.check_may_change(staff, settings)?;
    check_version(&before, patch.expected_version)?;
    let mut ticket = before.clone();
    fields(tx, &mut ticket, &patch)?;
    let claimed = assignment(tx, staff, &mut ticket, &patch)?;
    escalation(tx, &mut ticket, &patch)?;
    let lists = lists(tx, id, extras, &patch)?;
    let status_asked = patch.status.filter(|s| *s != ticket.status);
    let starts = claimed && matches!(ticket.status, Status::New | Status::Open);
    // What the product itself does opens nothing, unless it gives the ticket to somebody.
    let opens = !staff.is_product() || ticket.assigned_to.is_some();
    let touched = opens && ticket.status == Status::New && (ticket != before || lists);
    if status_asked.is_none() && (starts || touched) {
        // The first act of staff opens it; a claim starts it.
        let from = ticket.status;
        ticket.status = if claimed { Status::InProgress } else { Status::Open };
        if visible(&before, &ticket) || claimed {
            ticket.public_status = ticket.status;
        }
        status_line(tx, id, from, ticket.status, ticket.public_status == ticket.status)?;
    }
    if let Some(status) = status_asked {
        apply_status(tx, settings, staff, &mut ticket, status, patch.close_reason)?;
    }
    if ticket == before && !lists {
        return Ok(before);
    }
    let is_public = visible(&before, &ticket);
    touch(tx, &mut ticket, is_public);
    store::save(tx, &before, &ticket)?;
    let renamed = ticket.subject != before.subject || ticket.customer_id != before.customer_id;
    if renamed || (lists && patch.tags.is_some()) {
        search::changed(tx, id)?;
    }
    publish(tx, "ticket.changed", &ticket, is_public)?;
    told(tx, settings, staff, &before, &ticket, patch.tell_customer != Some(false))?;
    Ok(ticket)
}

pub fn check_version(ticket: &Ticket, expected: Option<i64>) -> Result<()> {
    match expected {
        Some(expected) if expected != ticket.version => Err(Error::new(
            Kind::Stale,
            "ticket.stale",
            format!(
                "the ticket has changed since you read it (it is at version {}, you have {expected}); nothing was changed",
                ticket.version
            ),
        )),
        _ => Ok(()),
    }
}

fn visible(before: &Ticket, after: &Ticket) -> bool {
    let seen = |t: &Ticket| {
        (
            t.subject.clone(),
            t.public_status,
            t.priority,
            t.category.clone(),
            t.ticket_type,
            t.channel,
            t.order_id,
            t.resolved_at,
            t.closed_at,
        )
    };
    seen(before) != seen(after)
}

fn line(
    tx: &mut Tx<'_>,
    id: Id<Ticket>,
    event_type: &'static str,
    from: Option<String>,
    to: Option<String>,
    changed: bool,
    is_public: bool,
) -> Result<()> {
    if !changed {
        return Ok(());
    }
    let (from, to) = (from.map(Value::OwnedText), to.map(Value::OwnedText));
    audit(tx, id, NewAudit { event_type, from, to, metadata: serde_json::json!({}), is_public })
}
