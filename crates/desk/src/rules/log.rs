//! Runs: every look of a rule that was started, with what it saw and did.

use std::{fmt, str::FromStr};

use base::{Error, Id, Result, Timestamp, hours};
use db::{Read, Row, Tx, params, text_column};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{conditions::Looked, model::Rule};
use crate::{Ticket, tickets::words};

words!(
    /// What became of a look. `stopped`: the guard against loops said no; `reason` says which.
    Outcome, "outcome", { Fired = "fired", NotFired = "not_fired", Stopped = "stopped", Failed = "failed" }
);
text_column!(Outcome);

/// What one action did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Did {
    /// Wire word of the action.
    pub action: String,
    /// `done`, `no_change`, or `nobody_available`.
    pub result: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// One look of a rule at a ticket.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Run {
    #[schemars(with = "Uuid")]
    pub id: Id<Run>,
    #[schemars(with = "Uuid")]
    pub rule_id: Id<Rule>,
    pub rule_name: String,
    #[schemars(with = "Uuid")]
    pub ticket_id: Id<Ticket>,
    pub ticket_number: String,
    /// The change that started it: the same for all rules that one change started.
    pub cause_id: Uuid,
    /// What happened, or the anchor of a timer.
    pub started_by: Vec<String>,
    pub outcome: Outcome,
    /// Why it was stopped or failed: `repeats`, `too_deep`, `budget`, `automatic_sender`, or an error's text.
    pub reason: Option<String>,
    pub conditions: Vec<Looked>,
    pub actions: Vec<Did>,
    pub created_at: Timestamp,
}

/// What is kept as JSON.
#[derive(Serialize, Deserialize, Default)]
struct Details {
    #[serde(default)]
    conditions: Vec<Looked>,
    #[serde(default)]
    actions: Vec<Did>,
}

/// A run about to be written.
pub(super) struct NewRun<'a> {
    pub id: Id<Run>,
    pub rule: &'a Rule,
    pub ticket: Id<Ticket>,
    pub cause: Uuid,
    pub started_by: &'a [&'static str],
    pub outcome: Outcome,
    pub reason: Option<String>,
    pub conditions: Vec<Looked>,
    pub actions: Vec<Did>,
}

/// Days a run is kept.
pub const KEPT_DAYS: i64 = 30;
/// Rows forgotten by one sweep.
const SWEEP: u32 = 2_000;

macro_rules! columns {
    () => {
        "r.id, r.rule_id, r.rule_name, r.ticket_id, t.ticket_number, r.cause_id, r.started_by, r.outcome, r.reason, r.details, r.created_at
         from rule_runs r join tickets t on t.tenant_id = r.tenant_id and t.id = r.ticket_id"
    };
}

db::statements! {
    INSERT = "insert into rule_runs (tenant_id, id, rule_id, rule_name, ticket_id, cause_id, started_by, outcome, reason, details, change_id, created_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    HAS_RUN = "select 1 from rule_runs where tenant_id = ?1 and rule_id = ?2 and ticket_id = ?3 and cause_id = ?4";
    HAS_LOOKED = "select 1 from rule_runs where tenant_id = ?1 and rule_id = ?2 and ticket_id = ?3 and created_at > ?4 limit 1";
    OF_RULE = concat!("select ", columns!(), " where r.tenant_id = ?1 and r.rule_id = ?2 and r.id < ?3 order by r.id desc limit ?4");
    OF_RULE_AND_OUTCOME = concat!("select ", columns!(), " where r.tenant_id = ?1 and r.rule_id = ?2 and r.outcome = ?5 and r.id < ?3
        order by r.id desc limit ?4");
    OF_TICKET = concat!("select ", columns!(), " where r.tenant_id = ?1 and r.ticket_id = ?2 and r.id < ?3 order by r.id desc limit ?4");
    LAST_FIRED = "select created_at from rule_runs where tenant_id = ?1 and rule_id = ?2 and outcome = 'fired' order by id desc limit 1";
    FIRED = "select count(*) from (select 1 as one from rule_runs where tenant_id = ?1 and rule_id = ?2 and outcome = 'fired' limit ?3) as counted";
    FIRED_ON = "select count(*) from rule_runs where tenant_id = ?1 and ticket_id = ?2 and outcome = 'fired' and created_at > ?3";
    MADE = "select rule_id, cause_id from rule_runs where tenant_id = ?1 and change_id = ?2";
    OLD = "select id from rule_runs where tenant_id = ?1 and created_at < ?2 order by created_at limit ?3";
    DROP_RUN = "delete from rule_runs where tenant_id = ?1 and id = ?2";
    DROP_OF_TICKET = "delete from rule_runs where tenant_id = ?1 and ticket_id = ?2";
}

fn map(row: &Row<'_>) -> Result<Run> {
    let mut c = row.columns();
    let (id, rule_id, rule_name, ticket_id, ticket_number, cause_id) =
        (c.next()?, c.next()?, c.next()?, c.next()?, c.next()?, c.next()?);
    let started_by: String = c.next()?;
    let (outcome, reason) = (c.next()?, c.next()?);
    let details: Details = serde_json::from_value(c.next()?).map_err(Error::from_source)?;
    Ok(Run {
        id,
        rule_id,
        rule_name,
        ticket_id,
        ticket_number,
        cause_id,
        started_by: started_by.split(',').map(str::to_owned).collect(),
        outcome,
        reason,
        conditions: details.conditions,
        actions: details.actions,
        created_at: c.next()?,
    })
}

pub(super) fn write(tx: &mut Tx<'_>, run: NewRun<'_>) -> Result<()> {
    let details = Details { conditions: run.conditions, actions: run.actions };
    let details = serde_json::to_value(details).map_err(Error::from_source)?;
    let change = (run.outcome == Outcome::Fired).then(|| tx.change_id());
    let (now, started_by) = (tx.now(), run.started_by.join(","));
    let values = params![
        run.id,
        run.rule.id,
        run.rule.name,
        run.ticket,
        run.cause,
        started_by,
        run.outcome,
        run.reason,
        details,
        change,
        now
    ];
    tx.execute(&INSERT, values).map(|_| ())
}

/// Whether a rule looked at a ticket for this cause already.
pub(super) fn has_run(read: &Read<'_>, rule: Id<Rule>, ticket: Id<Ticket>, cause: Uuid) -> Result<bool> {
    Ok(read.query_one(&HAS_RUN, params![rule, ticket, cause], |_| Ok(()))?.is_some())
}

/// Whether a rule looked at a ticket after an instant.
pub(super) fn has_looked_since(
    read: &Read<'_>,
    rule: Id<Rule>,
    ticket: Id<Ticket>,
    since: Timestamp,
) -> Result<bool> {
    Ok(read.query_one(&HAS_LOOKED, params![rule, ticket, since], |_| Ok(()))?.is_some())
}

/// How often rules fired on a ticket in the last hour.
pub(super) fn fired_lately(read: &Read<'_>, ticket: Id<Ticket>) -> Result<u32> {
    let since = read.now() - hours(1);
    Ok(read.query_one(&FIRED_ON, params![ticket, since], |row| row.get(0))?.unwrap_or(0))
}

/// Rules whose doing led to a change, and how many changes lie between the first cause and it.
pub(super) fn chain(read: &Read<'_>, change: Uuid, most: usize) -> Result<(Vec<Id<Rule>>, usize)> {
    let (mut rules, mut depth) = (Vec::new(), 0);
    let mut causes = vec![change];
    while !causes.is_empty() && depth <= most {
        let mut above = Vec::new();
        for cause in causes {
            for (rule, cause) in
                read.query_all(&MADE, params![cause], |row| Ok((row.get(0)?, row.get::<Uuid>(1)?)))?
            {
                rules.push(rule);
                if !above.contains(&cause) {
                    above.push(cause);
                }
            }
        }
        depth += usize::from(!above.is_empty());
        causes = above;
    }
    Ok((rules, depth))
}

pub(super) fn of_rule(
    read: &Read<'_>,
    rule: Id<Rule>,
    outcome: Option<Outcome>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Run>> {
    let before = before.unwrap_or(Uuid::max());
    match outcome {
        Some(outcome) => read.query_all(&OF_RULE_AND_OUTCOME, params![rule, before, limit, outcome], map),
        None => read.query_all(&OF_RULE, params![rule, before, limit], map),
    }
}

pub(super) fn of_ticket(
    read: &Read<'_>,
    ticket: Id<Ticket>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Run>> {
    read.query_all(&OF_TICKET, params![ticket, before.unwrap_or(Uuid::max()), limit], map)
}

/// When a rule fired last, and how often while runs are kept, up to a number.
pub(super) fn fired(read: &Read<'_>, rule: Id<Rule>, cap: u32) -> Result<(Option<Timestamp>, u32)> {
    let last = read.query_one(&LAST_FIRED, params![rule], |row| row.get(0))?;
    let count = read.query_one(&FIRED, params![rule, cap], |row| row.get(0))?;
    Ok((last, count.unwrap_or(0)))
}

pub(super) fn forget_ticket(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    tx.execute(&DROP_OF_TICKET, params![ticket]).map(|_| ())
}

/// The schedule that forgets old runs.
pub fn forget_old(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now() - hours(24 * KEPT_DAYS);
    for id in tx.query_all(&OLD, params![before, SWEEP], |row| row.get::<Id<Run>>(0))? {
        tx.execute(&DROP_RUN, params![id])?;
    }
    Ok(())
}
