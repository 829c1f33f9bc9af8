//! What a ticket has one of.

use base::{Error, Result, Timestamp, text};
use crm::customers;
use db::Tx;

use super::{TicketPatch, line};
use crate::{
    categories,
    tickets::{model::*, store},
};

/// How far from now a due time may be, in days.
const DUE_DAYS: i64 = 3_660;

/// A due time that somebody sets: ten years either way are enough for anything that was brought in or is planned.
fn check_due(due: Timestamp, now: Timestamp) -> Result<()> {
    let most = base::hours(24 * DUE_DAYS);
    if (now - most..=now + most).contains(&due) {
        return Ok(());
    }
    Err(Error::field("due_at", "due_at.range", "a time within ten years of now"))
}

pub(super) fn fields(tx: &mut Tx<'_>, t: &mut Ticket, patch: &TicketPatch) -> Result<()> {
    let id = t.id;
    if let Some(subject) = &patch.subject {
        let subject = text::line("subject", subject, 200)?;
        line(
            tx,
            id,
            "subject_changed",
            Some(t.subject.clone()),
            Some(subject.clone()),
            t.subject != subject,
            true,
        )?;
        t.subject = subject;
    }
    if let Some(priority) = patch.priority.filter(|p| *p != t.priority) {
        line(
            tx,
            id,
            "priority_changed",
            Some(t.priority.to_string()),
            Some(priority.to_string()),
            true,
            true,
        )?;
        // A due time nobody set by hand follows the priority, until by what it was in time or late is settled.
        let is_settled = !patch.status.unwrap_or(t.status).is_live() && !t.status.is_live();
        if !is_settled && t.due_at == t.created_at + t.priority.due_after() {
            t.due_at = t.created_at + priority.due_after();
        }
        t.priority = priority;
    }
    if let Some(category) = &patch.category {
        let category =
            if *category == t.category { category.clone() } else { categories::check(tx, category)? };
        line(
            tx,
            id,
            "category_changed",
            Some(t.category.clone()),
            Some(category.clone()),
            t.category != category,
            true,
        )?;
        t.category = category;
    }
    if let Some(kind) = patch.ticket_type.filter(|k| *k != t.ticket_type) {
        line(tx, id, "type_changed", Some(t.ticket_type.to_string()), Some(kind.to_string()), true, true)?;
        t.ticket_type = kind;
    }
    if let Some(channel) = patch.channel.filter(|c| *c != t.channel) {
        line(tx, id, "channel_changed", Some(t.channel.to_string()), Some(channel.to_string()), true, false)?;
        t.channel = channel;
    }
    if let Some(customer) = patch.customer_id.filter(|c| *c != t.customer_id) {
        let found = customers::find(tx, customer)?;
        let found = found
            .ok_or_else(|| Error::field("customer_id", "customer.unknown", "there is no such customer"))?;
        line(
            tx,
            id,
            "customer_changed",
            Some(t.customer_id.to_string()),
            Some(customer.to_string()),
            true,
            false,
        )?;
        t.customer_id = customer;
        t.user_id = None;
        t.user_email = found.email.as_str().to_owned();
        // What was given to somebody else shows nothing of whose it is now; the next letter carries a link of theirs.
        store::revoke_status_links(tx, id)?;
    }
    if let Some(due) = patch.due_at.filter(|d| *d != t.due_at) {
        check_due(due, tx.now())?;
        line(tx, id, "due_changed", Some(t.due_at.to_string()), Some(due.to_string()), true, false)?;
        t.due_at = due;
    }
    if let Some(order) = patch.order_id {
        line(
            tx,
            id,
            "order_changed",
            t.order_id.map(|o| o.to_string()),
            order.map(|o| o.to_string()),
            t.order_id != order,
            true,
        )?;
        t.order_id = order;
    }
    if let Some(notes) = &patch.resolution_notes {
        t.resolution_notes =
            notes.as_deref().map(|n| text::body("resolution_notes", n, BODY_MAX)).transpose()?;
    }
    if let Some(summary) = &patch.ai_summary {
        t.ai_summary = summary.as_deref().map(|s| text::body("ai_summary", s, 16 * 1024)).transpose()?;
    }
    if let Some(score) = patch.ai_confidence_score {
        if score.is_some_and(|s| !(0.0..=1.0).contains(&s)) {
            return Err(Error::field(
                "ai_confidence_score",
                "ai_confidence_score.range",
                "a number from 0 to 1",
            ));
        }
        t.ai_confidence_score = score;
    }
    t.ai_auto_resolved = patch.ai_auto_resolved.unwrap_or(t.ai_auto_resolved);
    if let Some(context) = &patch.context {
        t.context = context.clone();
    }
    Ok(())
}
