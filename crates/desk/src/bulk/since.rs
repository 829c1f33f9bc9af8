//! What happened to tickets since a change of many left them: from their lines of history, asked for a batch at once.

use std::collections::HashMap;

use base::{Actor, ActorKind, Id, Result};
use db::{Read, Sql, ToValue, Value};
use uuid::Uuid;

use super::model::{After, Item};
use crate::tickets::{Audit, Ticket};

/// A field that somebody set, as a change that is taken back names it in its line of history.
pub(super) const STATUS: &str = "status";
pub(super) const SNOOZE: &str = "snooze";
pub(super) const PRIORITY: &str = "priority";
pub(super) const DUE: &str = "due_at";
pub(super) const CATEGORY: &str = "category";
pub(super) const ASSIGNEE: &str = "assigned_to";
pub(super) const TEAM: &str = "team_id";
/// Not fields: the customer's side wrote; staff did what opens a new ticket; whose thread it is in; whether it is there at all.
pub(super) const HEARD: &str = "heard";
pub(super) const WORKED: &str = "worked";
pub(super) const MERGE: &str = "merge";
pub(super) const DELETION: &str = "deletion";

pub(super) fn tag(tag: &str) -> String {
    format!("tag:{tag}")
}

/// One line of history.
struct Line {
    id: Id<Audit>,
    event_type: String,
    from: Option<String>,
    to: Option<String>,
    metadata: serde_json::Value,
    actor: Actor,
    change: Option<Uuid>,
}

/// Lines of history of the tickets of a batch since the first of them was changed.
pub(super) struct Since(HashMap<Id<Ticket>, Vec<Line>>);

impl Since {
    pub(super) fn of(read: &Read<'_>, items: &[Item]) -> Result<Self> {
        let after = |item: &Item| item.known.as_ref()?.after.as_ref().map(|a| a.until);
        let Some(first) = items.iter().filter_map(after).min() else { return Ok(Self(HashMap::new())) };
        let among = db::dialect::placeholders(3, items.len());
        // Ordered here: with an order by id the plan is to walk what happened to all tickets since.
        let text = format!(
            "select ticket_id, id, event_type, from_value, to_value, metadata, actor_kind, actor_id, actor_name, change_id
             from ticket_audits where tenant_id = ?1 and id > ?2 and ticket_id in {among}"
        );
        let mut values: Vec<Value<'_>> = vec![first.to_value()];
        values.extend(items.iter().map(|item| Value::Uuid(item.ticket_id.uuid())));
        let mut lines: HashMap<Id<Ticket>, Vec<Line>> = HashMap::new();
        read.for_each(&Sql::built(text), &values, |row| {
            let mut c = row.columns();
            let ticket = c.next()?;
            let line = Line {
                id: c.next()?,
                event_type: c.next()?,
                from: c.next()?,
                to: c.next()?,
                metadata: c.next()?,
                actor: Actor { kind: c.next()?, id: c.next()?, name: c.next()? },
                change: c.next()?,
            };
            lines.entry(ticket).or_default().push(line);
            Ok(true)
        })?;
        lines.values_mut().for_each(|lines| lines.sort_by_key(|l| l.id));
        Ok(Self(lines))
    }

    /// What was touched on a ticket since it was changed.
    pub(super) fn touched(&self, ticket: Id<Ticket>, after: &After) -> Touched {
        let lines = self.0.get(&ticket).map(Vec::as_slice).unwrap_or_default();
        let since = lines.iter().filter(|l| l.id > after.until && l.change != Some(after.change));
        let mut touched = Touched::default();
        since.for_each(|line| touched.hear(line));
        touched
    }
}

/// Who touched which field last.
#[derive(Default)]
pub(super) struct Touched {
    touches: Vec<Touch>,
    /// What staff and rules said on the ticket itself.
    said_by_staff: u32,
}

struct Touch {
    field: String,
    by: Actor,
    change: Option<Uuid>,
}

impl Touched {
    fn hear(&mut self, line: &Line) {
        if line.event_type == "undone" {
            return self.forget(&line.metadata);
        }
        let fields = fields(line);
        self.said_by_staff += u32::from(is_said(line) && fields.is_empty());
        for field in fields {
            self.touches.push(Touch { field, by: line.actor.clone(), change: line.change });
        }
        if is_work(line) {
            // What was said stays said, whatever else of that change is taken back.
            let change = line.change.filter(|_| !is_said(line));
            self.touches.push(Touch { field: WORKED.into(), by: line.actor.clone(), change });
        }
    }

    /// What another change of many set and what was taken back of it is as if that one had not been.
    fn forget(&mut self, undone: &serde_json::Value) {
        let of = undone["change"].as_str().and_then(|c| c.parse::<Uuid>().ok());
        let names: Vec<&str> =
            undone["fields"].as_array().into_iter().flatten().filter_map(|f| f.as_str()).collect();
        let is_undone = |t: &Touch| t.field == WORKED || names.contains(&t.field.as_str());
        self.touches.retain(|t| of.is_none() || t.change != of || !is_undone(t));
    }

    /// Whether more was said since than the ticket's own lines of staff tell: by its customer, in a thread that was merged into
    /// it, or by somebody who had begun before and waited for their turn.
    pub(super) fn is_more_said(&self, before: u32, now: u32) -> bool {
        now.saturating_sub(before) > self.said_by_staff
    }

    /// Who touched this last, if somebody did.
    pub(super) fn by(&self, field: &str) -> Option<&Actor> {
        self.touches.iter().rev().find(|t| t.field == field).map(|t| &t.by)
    }
}

fn fields(line: &Line) -> Vec<String> {
    let one = |field: &str| vec![field.to_owned()];
    match line.event_type.as_str() {
        "status_changed" | "reopened" | "spam" | "blocked_sender" => one(STATUS),
        "snoozed" | "woken" => one(SNOOZE),
        "priority_changed" => one(PRIORITY),
        "due_changed" => one(DUE),
        "category_changed" => one(CATEGORY),
        "claimed" | "assigned" | "unassigned" => one(ASSIGNEE),
        "team_changed" => one(TEAM),
        "tags_changed" => {
            let (from, to) = (tags(line.from.as_deref()), tags(line.to.as_deref()));
            let gone = from.iter().filter(|t| !to.contains(t));
            gone.chain(to.iter().filter(|t| !from.contains(t))).map(|t| tag(t)).collect()
        }
        "merged" | "unmerged" => one(MERGE),
        "deleted" | "restored" => one(DELETION),
        // Whoever was let in said something.
        "sender_admitted" => one(HEARD),
        "message" | "note" if matches!(line.actor.kind, ActorKind::Customer | ActorKind::Anonymous) => {
            one(HEARD)
        }
        _ => Vec::new(),
    }
}

fn is_said(line: &Line) -> bool {
    matches!(line.event_type.as_str(), "message" | "note")
}

/// Whether staff did something by which a new ticket is open.
fn is_work(line: &Line) -> bool {
    let event = line.event_type.as_str();
    let opens = is_said(line)
        || event.ends_with("_changed")
        || matches!(event, "claimed" | "assigned" | "unassigned" | "escalated" | "forwarded");
    opens && matches!(line.actor.kind, ActorKind::Agent | ActorKind::ApiKey | ActorKind::Operator)
}

/// Tags as a line of history has them; none has a comma in it.
fn tags(text: Option<&str>) -> Vec<&str> {
    text.unwrap_or_default().split(", ").filter(|t| !t.is_empty()).collect()
}

/// A person, or which rule, for a sentence.
pub(super) fn name(actor: &Actor) -> String {
    match actor.kind {
        ActorKind::System => match actor.name.strip_prefix("Rule: ") {
            Some(rule) => format!("the rule \u{201c}{rule}\u{201d}"),
            None => format!("{} by itself", actor.name),
        },
        _ => actor.name.clone(),
    }
}
