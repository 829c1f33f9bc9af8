use base::{Error, Id, Kind, OrNotFound, Result, Timestamp, text};
use crm::{CustomerRecord, customers};
use db::{Tx, Value};
use engine::Enqueue;
use identity::{Settings, Staff, User, teams, teams::Team, users};
use uuid::Uuid;

use super::{audit, publish, touch};
use crate::{
    categories,
    tickets::{
        jobs::{Announce, News},
        model::*,
        query, search,
        store::{self, NewAudit},
    },
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
    before.check_not_merged()?;
    check_claim(tx, staff, &before, &patch)?;
    before.check_may_change(staff, settings)?;
    check_version(&before, patch.expected_version)?;
    let mut ticket = before.clone();
    fields(tx, &mut ticket, &patch)?;
    let claimed = assignment(tx, staff, &mut ticket, &patch)?;
    escalation(tx, &mut ticket, &patch)?;
    let lists = lists(tx, id, &patch)?;
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
    if let Some(assignee) =
        ticket.assigned_to.filter(|a| before.assigned_to != Some(*a) && !staff.is_user(Some(*a)))
    {
        tx.enqueue(&Announce {
            ticket: id,
            news: News::Assigned { to: assignee.uuid(), version: ticket.version },
        })?;
    }
    // Whoever escalates to themselves knows it.
    let escalated = (ticket.escalation_level > before.escalation_level
        || ticket.escalated_to_user_id != before.escalated_to_user_id)
        && ticket.escalation_level > 0;
    if let Some(to) = ticket.escalated_to_user_id.filter(|to| escalated && !staff.is_user(Some(*to))) {
        let news = News::Escalated { to: to.uuid(), version: ticket.version };
        tx.enqueue(&Announce { ticket: id, news })?;
    }
    let closed_as_solved = before.status.is_live() && ticket.close_reason == Some(CloseReason::Solved);
    if closed_as_solved && patch.tell_customer != Some(false) {
        crate::csat::jobs::ask_later(tx, settings, &ticket)?;
    }
    if ticket.status == Status::Resolved
        && before.status != Status::Resolved
        && patch.tell_customer != Some(false)
    {
        tx.enqueue(&Announce { ticket: id, news: News::Resolved { version: ticket.version } })?;
        tell_merged(tx, &ticket)?;
    }
    Ok(ticket)
}

/// Customers whose tickets were merged into another customer's hear of its resolution too.
fn tell_merged(tx: &mut Tx<'_>, survivor: &Ticket) -> Result<()> {
    if survivor.merged_count == 0 {
        return Ok(());
    }
    let mut told = vec![survivor.customer_id];
    for id in super::merge::merged(tx, survivor.id)? {
        let t = query::get(tx, id)?;
        if !told.contains(&t.customer_id) {
            told.push(t.customer_id);
            tx.enqueue(&Announce { ticket: id, news: News::Resolved { version: survivor.version } })?;
        }
    }
    Ok(())
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

/// Of two who claim at once one wins; the other learns who.
fn check_claim(tx: &Tx<'_>, staff: &Staff, ticket: &Ticket, patch: &TicketPatch) -> Result<()> {
    let claims = patch.assigned_to.is_some_and(|to| staff.is_user(to)) && !staff.is_admin();
    match ticket.assigned_to {
        Some(holder) if claims && !staff.is_user(Some(holder)) => {
            let name = users::find(tx, holder)?.map_or_else(|| "somebody else".into(), |u| u.name);
            Err(Error::conflict("ticket.already_assigned", format!("{name} took this ticket already")))
        }
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

fn fields(tx: &mut Tx<'_>, t: &mut Ticket, patch: &TicketPatch) -> Result<()> {
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
        // A due time nobody set by hand follows the priority.
        if t.due_at == t.created_at + t.priority.due_after() {
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
    }
    if let Some(due) = patch.due_at.filter(|d| *d != t.due_at) {
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

/// True when it was a claim: nobody's ticket, taken by the one who asks.
fn assignment(tx: &mut Tx<'_>, staff: &Staff, t: &mut Ticket, patch: &TicketPatch) -> Result<bool> {
    let mut claimed = false;
    if let Some(to) = patch.assigned_to.filter(|to| *to != t.assigned_to) {
        if let Some(user) = to {
            check_assignee(tx, user)?;
        }
        claimed = t.assigned_to.is_none() && staff.is_user(to);
        let event = if claimed {
            "claimed"
        } else if to.is_some() {
            "assigned"
        } else {
            "unassigned"
        };
        line(tx, t.id, event, t.assigned_to.map(|u| u.to_string()), to.map(|u| u.to_string()), true, false)?;
        t.assigned_to = to;
    }
    if let Some(team) = patch.team_id.filter(|team| *team != t.team_id) {
        if let Some(team) = team {
            teams::get(tx, team)
                .map_err(|_| Error::field("team_id", "team.unknown", "there is no such team"))?;
        }
        line(
            tx,
            t.id,
            "team_changed",
            t.team_id.map(|x| x.to_string()),
            team.map(|x| x.to_string()),
            true,
            false,
        )?;
        t.team_id = team;
    }
    Ok(claimed)
}

pub fn check_assignee(tx: &Tx<'_>, user: Id<User>) -> Result<()> {
    match users::find(tx, user)? {
        Some(u) if u.role.is_staff() && u.disabled_at.is_none() => Ok(()),
        _ => Err(Error::field(
            "assigned_to",
            "assignee.unknown",
            "expected the id of an active member of staff, or null",
        )),
    }
}

fn escalation(tx: &mut Tx<'_>, t: &mut Ticket, patch: &TicketPatch) -> Result<()> {
    let level = patch.escalation_level.unwrap_or(t.escalation_level);
    let to = patch.escalated_to_user_id.unwrap_or(t.escalated_to_user_id);
    if level == t.escalation_level && to == t.escalated_to_user_id {
        return Ok(());
    }
    if level > 9 {
        return Err(Error::field("escalation_level", "escalation_level.range", "a level from 0 to 9"));
    }
    if let Some(user) = to {
        check_assignee(tx, user).map_err(|e| e.on_field("escalated_to_user_id"))?;
    }
    // Naming a person without a level is the next level up.
    let level = if patch.escalation_level.is_none() && to.is_some() && to != t.escalated_to_user_id {
        (level + 1).min(9)
    } else {
        level
    };
    line(tx, t.id, "escalated", Some(t.escalation_level.to_string()), Some(level.to_string()), true, false)?;
    t.escalation_level = level;
    t.escalated_to_user_id = to;
    t.escalated_at = (level > 0).then(|| tx.now());
    Ok(())
}

/// Tags, watchers and links; true when one of them changed.
fn lists(tx: &mut Tx<'_>, id: Id<Ticket>, patch: &TicketPatch) -> Result<bool> {
    let mut changed = false;
    let now = query::extras(tx, &[id])?.remove(&id).unwrap_or_default();
    if let Some(tags) = &patch.tags {
        let tags = check_tags(tags)?;
        if tags != now.tags {
            line(tx, id, "tags_changed", Some(now.tags.join(", ")), Some(tags.join(", ")), true, false)?;
            store::set_tags(tx, id, &tags)?;
            changed = true;
        }
    }
    if let Some(watchers) = &patch.watchers {
        let mut watchers = watchers.clone();
        watchers.sort();
        watchers.dedup();
        for user in &watchers {
            check_assignee(tx, *user).map_err(|e| e.on_field("watchers"))?;
        }
        if watchers != now.watchers {
            line(
                tx,
                id,
                "watchers_changed",
                Some(now.watchers.len().to_string()),
                Some(watchers.len().to_string()),
                true,
                false,
            )?;
            store::set_watchers(tx, id, &watchers)?;
            changed = true;
        }
    }
    if let Some(links) = &patch.links {
        let links = check_links(links)?;
        if links != now.links {
            line(
                tx,
                id,
                "links_changed",
                Some(now.links.len().to_string()),
                Some(links.len().to_string()),
                true,
                false,
            )?;
            let public = now.public_links.clone();
            store::set_links(tx, id, &links, |l| public.contains(&(l.kind.clone(), l.id.clone())))?;
            changed = true;
        }
    }
    Ok(changed)
}

/// Tags in one spelling: lower case, sorted, once each.
pub fn check_tags(tags: &[String]) -> Result<Vec<String>> {
    if tags.len() > 50 {
        return Err(Error::field("tags", "tags.too_many", "at most 50 tags"));
    }
    let mut out =
        tags.iter().map(|t| Ok(text::line("tags", t, 50)?.to_lowercase())).collect::<Result<Vec<_>>>()?;
    if out.iter().any(|t| t.contains(',')) {
        return Err(Error::field("tags", "tags.comma", "a tag has no comma in it"));
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// Links in one order, once each.
pub fn check_links(links: &[Link]) -> Result<Vec<Link>> {
    if links.len() > 50 {
        return Err(Error::field("links", "links.too_many", "at most 50 links"));
    }
    let mut out = Vec::with_capacity(links.len());
    for (i, link) in links.iter().enumerate() {
        let kind = text::line("kind", &link.kind, 40).map_err(|e| e.on_field(format!("links[{i}].kind")))?;
        if !kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            let message = "lower-case letters, digits and underscores, such as merchant";
            return Err(Error::field(format!("links[{i}].kind"), "link.kind", message));
        }
        let id = text::line("id", &link.id, 200).map_err(|e| e.on_field(format!("links[{i}].id")))?;
        let label = if link.label.trim().is_empty() {
            String::new()
        } else {
            text::line("label", &link.label, 200).map_err(|e| e.on_field(format!("links[{i}].label")))?
        };
        out.push(Link { kind, id, label });
    }
    out.sort_by(|a, b| (&a.kind, &a.id).cmp(&(&b.kind, &b.id)));
    out.dedup_by(|a, b| a.kind == b.kind && a.id == b.id);
    Ok(out)
}

/// Free JSON of at most 16 KiB.
pub fn check_context(context: serde_json::Value) -> Result<serde_json::Value> {
    if !context.is_object() {
        return Err(Error::field("context", "context.object", "a JSON object"));
    }
    if context.to_string().len() > 16 * 1024 {
        return Err(Error::field("context", "context.too_large", "at most 16 KiB of JSON"));
    }
    Ok(context)
}

/// Moves a ticket, with what belongs to the move: times, reasons, history.
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

fn status_line(tx: &mut Tx<'_>, id: Id<Ticket>, from: Status, to: Status, is_public: bool) -> Result<()> {
    let (from, to) = (Some(Value::Text(from.as_str())), Some(Value::Text(to.as_str())));
    audit(
        tx,
        id,
        NewAudit { event_type: "status_changed", from, to, metadata: serde_json::json!({}), is_public },
    )
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
