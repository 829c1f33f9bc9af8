//! What happened to a ticket, remembered when its row forgets it: a ticket that was reopened was resolved once all the
//! same, by somebody, in some time.

use std::{collections::HashMap, fmt, str::FromStr};

use base::{ActorKind, Error, Id, Result, Timestamp};
use db::{Read, Row, Sql, Tx, Value, params, text_column};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::tickets::{Audit, CloseReason, Status, Ticket, words};

words!(
    /// What happened. `closed`: it ended without being resolved.
    FactKind, "kind", { Responded = "responded", Resolved = "resolved", Closed = "closed", Reopened = "reopened" }
);
text_column!(FactKind);

/// Something that happened to a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub kind: FactKind,
    pub at: Timestamp,
    /// From the ticket's creation to then.
    pub seconds: i64,
    /// Whether it was due later than that.
    pub is_on_time: bool,
    /// Who answered or had it when it was resolved; of a reopening, who had resolved it. Nil for nobody.
    pub agent_id: Uuid,
    pub team_id: Uuid,
}

db::statements! {
    OF_TICKET = "select kind, at, seconds, is_on_time, agent_id, team_id from report_facts
        where tenant_id = ?1 and ticket_id = ?2 order by position";
    INSERT = "insert into report_facts (tenant_id, ticket_id, position, kind, at, seconds, is_on_time, agent_id, team_id)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    DROP_FROM = "delete from report_facts where tenant_id = ?1 and ticket_id = ?2 and position >= ?3";
}

/// What is remembered of a ticket, in the order in which it was written down.
pub fn of(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<Fact>> {
    read.query_all(&OF_TICKET, params![ticket], map)
}

fn map(row: &Row<'_>) -> Result<Fact> {
    let mut c = row.columns();
    Ok(Fact {
        kind: c.next()?,
        at: c.next()?,
        seconds: c.next()?,
        is_on_time: c.next()?,
        agent_id: c.next()?,
        team_id: c.next()?,
    })
}

/// The same of many. One of which nothing is remembered has an empty list.
pub(super) fn of_all(read: &Read<'_>, tickets: &[Id<Ticket>]) -> Result<HashMap<Id<Ticket>, Vec<Fact>>> {
    let mut out: HashMap<Id<Ticket>, Vec<Fact>> = tickets.iter().map(|id| (*id, Vec::new())).collect();
    if tickets.is_empty() {
        return Ok(out);
    }
    let among = db::dialect::placeholders(2, tickets.len());
    let text = format!(
        "select kind, at, seconds, is_on_time, agent_id, team_id, ticket_id from report_facts
         where tenant_id = ?1 and ticket_id in {among} order by ticket_id, position"
    );
    let values: Vec<Value<'_>> = tickets.iter().map(|id| Value::Uuid(id.uuid())).collect();
    read.for_each(&Sql::built(text), &values, |row| {
        out.entry(row.get(6)?).or_default().push(map(row)?);
        Ok(true)
    })?;
    Ok(out)
}

/// Writes what differs; what happened earlier mostly stays.
pub(super) fn write(tx: &mut Tx<'_>, ticket: Id<Ticket>, old: &[Fact], new: &[Fact]) -> Result<()> {
    let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    if same < old.len() {
        tx.execute(&DROP_FROM, params![ticket, same as i64])?;
    }
    for (position, f) in new.iter().enumerate().skip(same) {
        let position = position as i64;
        tx.execute_later(
            &INSERT,
            params![ticket, position, f.kind, f.at, f.seconds, f.is_on_time, f.agent_id, f.team_id],
        )?;
    }
    Ok(())
}

/// Who is credited: whose it is, or else the member of staff who acts.
fn agent(t: &Ticket, actor: &base::Actor) -> Uuid {
    let acting = (actor.kind == ActorKind::Agent).then_some(actor.id).flatten();
    t.assigned_to.map(Id::uuid).or(acting).unwrap_or_default()
}

fn fact(kind: FactKind, t: &Ticket, at: Timestamp, agent_id: Uuid) -> Fact {
    Fact {
        kind,
        at,
        seconds: at.duration_since(t.created_at).as_secs().max(0),
        is_on_time: at <= t.due_at,
        agent_id,
        team_id: t.team_id.map(Id::uuid).unwrap_or_default(),
    }
}

fn is_spam(t: &Ticket) -> bool {
    t.close_reason == Some(CloseReason::Spam)
}

/// Whether a ticket of which this is remembered is live.
fn is_live(facts: &[Fact]) -> bool {
    facts.iter().rev().find(|f| f.kind != FactKind::Responded).is_none_or(|f| f.kind == FactKind::Reopened)
}

/// A reopening belongs to whoever had resolved it.
fn reopening(t: &Ticket, at: Timestamp, facts: &[Fact]) -> Fact {
    let mut reopened = fact(FactKind::Reopened, t, at, Uuid::nil());
    if let Some(end) = facts.iter().rev().find(|f| matches!(f.kind, FactKind::Resolved | FactKind::Closed)) {
        (reopened.agent_id, reopened.team_id) = (end.agent_id, end.team_id);
    }
    reopened
}

/// What is to be remembered after a change.
///
/// Spam is none of it: a ticket that was taken for spam and is not is as live as it was before. `is_undo`: the change takes
/// an earlier one back, and with it what that one made happen.
pub(super) fn after(
    old: &[Fact],
    t: &Ticket,
    now: Timestamp,
    actor: &base::Actor,
    is_undo: bool,
) -> Vec<Fact> {
    let mut facts = old.to_vec();
    let answered = facts.iter().find(|f| f.kind == FactKind::Responded).map(|f| f.at);
    if answered != t.first_response_at {
        facts.retain(|f| f.kind != FactKind::Responded);
        if let Some(at) = t.first_response_at {
            // The one who answers is at work here, whoever has the ticket.
            let acting = (actor.kind == ActorKind::Agent).then_some(actor.id).flatten();
            let by = acting.or(t.assigned_to.map(Id::uuid)).unwrap_or_default();
            facts.push(fact(FactKind::Responded, t, at, by));
        }
    }
    if is_spam(t) || is_live(&facts) == t.status.is_live() {
        return facts;
    }
    if is_undo && let Some(last) = facts.iter().rposition(|f| f.kind != FactKind::Responded) {
        facts.remove(last);
    } else if t.status.is_live() {
        facts.push(reopening(t, now, &facts));
    } else {
        let kind = if t.resolved_at.is_some() { FactKind::Resolved } else { FactKind::Closed };
        facts.push(fact(kind, t, now, agent(t, actor)));
    }
    facts
}

/// The same from a ticket's history, for tickets that were there before any of this was remembered. Who had it then, and
/// when it was due then, is not in the history: the ticket's own are taken.
pub fn from_history(t: &Ticket, audits: &[Audit]) -> Vec<Fact> {
    let holder = t.assigned_to.map(Id::uuid).unwrap_or_default();
    let (mut facts, mut was_spam): (Vec<Fact>, bool) = (Vec::new(), false);
    for audit in audits {
        let is_undo = audit.event_type == "undone";
        if !is_undo && audit.event_type != "status_changed" && audit.event_type != "reopened" {
            continue;
        }
        let Some(to) = audit.to.as_deref().and_then(|to| to.parse::<Status>().ok()) else { continue };
        let reason = audit.metadata.get("close_reason").and_then(serde_json::Value::as_str);
        // What was taken for spam stays that, wherever it is moved, until it is live.
        was_spam = (was_spam || reason == Some(CloseReason::Spam.as_str())) && !to.is_live();
        if was_spam || is_live(&facts) == to.is_live() {
            continue;
        }
        if is_undo {
            facts.pop();
        } else if to.is_live() {
            facts.push(reopening(t, audit.created_at, &facts));
        } else {
            let is_solved = to == Status::Resolved || reason == Some(CloseReason::Solved.as_str());
            let kind = if is_solved { FactKind::Resolved } else { FactKind::Closed };
            facts.push(fact(kind, t, audit.created_at, holder));
        }
    }
    // A ticket that was brought in has no history of its moves; its row says where it stands.
    if !is_spam(t) && is_live(&facts) != t.status.is_live() {
        if t.status.is_live() {
            facts.push(reopening(t, t.updated_at, &facts));
        } else {
            let kind = if t.resolved_at.is_some() { FactKind::Resolved } else { FactKind::Closed };
            let at = t.resolved_at.or(t.closed_at).unwrap_or(t.updated_at);
            facts.push(fact(kind, t, at, holder));
        }
    }
    if let Some(at) = t.first_response_at {
        facts.push(fact(FactKind::Responded, t, at, holder));
    }
    facts
}
