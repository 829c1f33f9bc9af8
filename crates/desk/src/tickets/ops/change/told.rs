//! Who hears of a change.

use base::Result;
use db::Tx;
use engine::Enqueue as _;
use identity::{Settings, Staff};

use crate::tickets::{
    jobs::{Announce, News},
    model::*,
    query,
};

/// Queues what people are told of a change.
pub(super) fn told(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    before: &Ticket,
    ticket: &Ticket,
    tells_customer: bool,
) -> Result<()> {
    if let Some(assignee) =
        ticket.assigned_to.filter(|a| before.assigned_to != Some(*a) && !staff.is_user(Some(*a)))
    {
        tx.enqueue(&Announce {
            ticket: ticket.id,
            news: News::Assigned { to: assignee.uuid(), version: ticket.version },
        })?;
    }
    // Whoever escalates to themselves knows it.
    let escalated = (ticket.escalation_level > before.escalation_level
        || ticket.escalated_to_user_id != before.escalated_to_user_id)
        && ticket.escalation_level > 0;
    if let Some(to) = ticket.escalated_to_user_id.filter(|to| escalated && !staff.is_user(Some(*to))) {
        let news = News::Escalated { to: to.uuid(), version: ticket.version };
        tx.enqueue(&Announce { ticket: ticket.id, news })?;
    }
    let closed_as_solved = before.status.is_live() && ticket.close_reason == Some(CloseReason::Solved);
    if closed_as_solved && tells_customer {
        crate::csat::jobs::ask_later(tx, settings, ticket)?;
    }
    if ticket.status == Status::Resolved && before.status != Status::Resolved && tells_customer {
        tx.enqueue(&Announce { ticket: ticket.id, news: News::Resolved { version: ticket.version } })?;
        tell_merged(tx, ticket)?;
    }
    Ok(())
}

/// Customers whose tickets were merged into another customer's hear of its resolution too.
fn tell_merged(tx: &mut Tx<'_>, survivor: &Ticket) -> Result<()> {
    if survivor.merged_count == 0 {
        return Ok(());
    }
    let mut told = vec![survivor.customer_id];
    for id in super::super::merge::merged(tx, survivor.id)? {
        let t = query::get(tx, id)?;
        if !told.contains(&t.customer_id) {
            told.push(t.customer_id);
            tx.enqueue(&Announce { ticket: id, news: News::Resolved { version: survivor.version } })?;
        }
    }
    Ok(())
}
