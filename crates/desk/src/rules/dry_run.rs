//! What a rule would have done. Reads alone: nothing is written, no turn is taken.
//!
//! Tickets are judged as they stand now, whatever started the rule: how they stood at each change is not kept.

use base::{Error, Id, Result, Timestamp, hours};
use db::{Read, params};
use serde::Serialize;
use uuid::Uuid;

use super::{
    actions, check,
    conditions::{Facts, Looked, judge},
    log::Did,
    model::Definition,
};
use crate::{
    Ticket,
    tickets::{self, Extras},
};

/// Tickets looked at, newest first; older ones of the range are left out, and that is said.
pub const LOOKED_AT_MAX: u32 = 2_000;
pub const DAYS_MAX: u32 = 90;
const BATCH: u32 = 200;

/// What is looked at.
#[derive(Clone, Debug)]
pub enum Which {
    /// Tickets that were created in the last days.
    Days(u32),
    /// One ticket, by its number.
    Ticket(String),
}

/// A ticket the rule would have acted on; or the one that was asked for, whether or not.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Would {
    #[schemars(with = "Uuid")]
    pub ticket_id: Id<Ticket>,
    pub ticket_number: String,
    pub subject: String,
    pub created_at: Timestamp,
    pub matches: bool,
    pub conditions: Vec<Looked>,
    /// What it would do; empty where it does not match.
    pub actions: Vec<Did>,
}

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct DryRun {
    /// `now`: tickets were judged as they stand now.
    pub judged: &'static str,
    pub looked_at: u32,
    pub matched: u32,
    /// There were more tickets in the range than are looked at.
    pub is_capped: bool,
    pub items: Vec<Would>,
    pub next_cursor: Option<String>,
}

db::statements! {
    NEWEST = "select id from tickets where tenant_id = ?1 and created_at >= ?2 and (created_at, id) < (?3, ?4)
        and deleted_at is null and survivor_id is null and (close_reason is null or close_reason <> 'spam')
        order by created_at desc, id desc limit ?5";
}

/// Judges tickets by a definition, saved or not, and says what would change. `after` is a page's cursor.
///
/// # Errors
/// Those of the definition's parts; `days` out of range; a number that is no ticket's.
pub fn dry_run(
    read: &Read<'_>,
    definition: &Definition,
    which: &Which,
    after: Option<Uuid>,
    limit: u32,
) -> Result<DryRun> {
    let d = check::definition(read, definition)?;
    let mut out = DryRun {
        judged: "now",
        looked_at: 0,
        matched: 0,
        is_capped: false,
        items: Vec::new(),
        next_cursor: None,
    };
    match which {
        Which::Ticket(number) => {
            let number = number.trim().to_uppercase();
            let found = tickets::query::find_by_number(read, &number)?;
            let found = match found {
                Some(id) => Some(tickets::query::get(read, id)?).filter(|t| t.deleted_at.is_none()),
                None => None,
            };
            let ticket = found.ok_or_else(|| {
                Error::field("ticket", "rule.no_ticket", "the number of a ticket, such as SUP-00042")
            })?;
            let would = one(read, &d, &[ticket])?;
            out.looked_at = 1;
            out.matched = u32::from(would.iter().any(|w| w.matches));
            out.items = would;
            Ok(out)
        }
        Which::Days(days) => {
            if !(1..=DAYS_MAX).contains(days) {
                let message = format!("from 1 to {DAYS_MAX} days");
                return Err(Error::field("days", "rule.days", message));
            }
            range(read, &d, *days, after, limit, &mut out)?;
            Ok(out)
        }
    }
}

fn range(
    read: &Read<'_>,
    d: &Definition,
    days: u32,
    after: Option<Uuid>,
    limit: u32,
    out: &mut DryRun,
) -> Result<()> {
    let since = read.now() - hours(24 * i64::from(days));
    let mut from = (Timestamp::MAX.min(read.now() + hours(24)), Uuid::max());
    let mut is_past_cursor = after.is_none();
    loop {
        let wanted = BATCH.min(LOOKED_AT_MAX - out.looked_at + 1);
        let ids: Vec<Id<Ticket>> =
            read.query_all(&NEWEST, params![since, from.0, from.1, wanted], |row| row.get(0))?;
        let tickets = tickets::by_ids(read, &ids)?;
        let ended = ids.len() < wanted as usize;
        let Some(last) = tickets.last() else { return Ok(()) };
        from = (last.created_at, last.id.uuid());
        let room = (LOOKED_AT_MAX - out.looked_at) as usize;
        out.is_capped = tickets.len() > room;
        let looked = &tickets[..tickets.len().min(room)];
        out.looked_at += u32::try_from(looked.len()).unwrap_or(0);
        for would in one(read, d, looked)?.into_iter().filter(|w| w.matches) {
            out.matched += 1;
            if !is_past_cursor {
                is_past_cursor = after == Some(would.ticket_id.uuid());
            } else if out.items.len() < limit as usize {
                out.items.push(would);
            } else {
                out.next_cursor = out.items.last().map(|w| w.ticket_id.to_string());
            }
        }
        if ended || out.is_capped {
            return Ok(());
        }
    }
}

fn one(read: &Read<'_>, d: &Definition, tickets: &[Ticket]) -> Result<Vec<Would>> {
    let ids: Vec<Id<Ticket>> = tickets.iter().map(|t| t.id).collect();
    let mut extras = tickets::query::extras(read, &ids)?;
    let mut out = Vec::with_capacity(tickets.len());
    for t in tickets {
        let of = extras.remove(&t.id).unwrap_or_default();
        let facts =
            Facts { ticket: t.clone(), tags: of.tags.clone(), body: t.description.clone(), now: read.now() };
        let verdict = judge(d, &facts);
        out.push(would(read, d, t, &of, verdict.holds, verdict.conditions)?);
    }
    Ok(out)
}

fn would(
    read: &Read<'_>,
    d: &Definition,
    t: &Ticket,
    extras: &Extras,
    matches: bool,
    conditions: Vec<Looked>,
) -> Result<Would> {
    let actions = if matches { actions::foresee(read, d, t, extras)? } else { Vec::new() };
    Ok(Would {
        ticket_id: t.id,
        ticket_number: t.ticket_number.clone(),
        subject: t.subject.clone(),
        created_at: t.created_at,
        matches,
        conditions,
        actions,
    })
}
