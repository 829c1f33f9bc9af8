//! Counting tickets that were there before figures were kept, and all of them anew when the tenant's days change: from the
//! newest to the oldest, in small commits, while the desk works. A change of a ticket whose turn has not come is left to
//! that turn, which holds the ticket's row; whoever holds it first, the other sees what it did.

use base::{Id, Result, Timestamp};
use db::{Read, Tx, params};
use engine::{Enqueue, Inside, Job};
use jiff::{SignedDuration, tz::TimeZone};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    cohorts, facts, fold,
    rollups::{Figured, contribution},
};
use crate::tickets::{Ticket, lock_all, query};

db::statements! {
    STATE = "select generation, time_zone, low from report_state where tenant_id = ?1";
    START = "insert into report_state (tenant_id, generation, time_zone, low) values (?1, 1, ?2, ?3) on conflict do nothing";
    BEGIN = "update report_state set generation = generation + 1, time_zone = ?2, low = ?3 where tenant_id = ?1";
    HOLD = "select 1 from report_state where tenant_id = ?1 {lock}";
    GO_ON = "update report_state set low = ?2 where tenant_id = ?1";
    BELOW = "select id from tickets where tenant_id = ?1 and id < ?2 order by id desc limit ?3";
}

/// Tickets counted by one commit.
const BATCH: u32 = 150;

/// How far a beginning looks ahead: more than machines' clocks differ, and than a transaction takes.
const AHEAD: SignedDuration = SignedDuration::from_secs(5);

/// How far the figures go.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub generation: i64,
    pub time_zone: String,
    low: Uuid,
}

impl State {
    /// Whether the figures include this ticket.
    pub fn counts(&self, ticket: Id<Ticket>) -> bool {
        self.generation > 0 && ticket.uuid() >= self.low
    }

    /// Whether tickets that are not counted yet have never been.
    pub fn is_first(&self) -> bool {
        self.generation <= 1
    }

    fn is_complete(&self) -> bool {
        self.generation > 0 && self.low.is_nil()
    }

    /// Whether every ticket below `low` that is not counted has been written: ids of one millisecond have no order, and
    /// machines' clocks differ, so a beginning looks ahead and waits.
    fn is_settled(&self, now: Timestamp) -> bool {
        let millis = self.low.as_bytes()[..6].iter().fold(0i64, |n, b| (n << 8) | i64::from(*b));
        self.low.is_nil() || now.as_millisecond() >= millis + AHEAD.as_millis() as i64
    }

    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }
}

pub(super) fn state_of(read: &Read<'_>) -> Result<Option<State>> {
    read.query_one(&STATE, params![], |row| {
        Ok(State { generation: row.get(0)?, time_zone: row.get(1)?, low: row.get(2)? })
    })
}

/// The same; a tenant without one has no ticket that would have to be counted later.
pub(super) fn state(tx: &mut Tx<'_>) -> Result<State> {
    if let Some(state) = state_of(tx)? {
        return Ok(state);
    }
    let zone = settings_zone(tx)?;
    tx.execute(&START, params![zone, Uuid::nil()])?;
    Ok(state_of(tx)?.unwrap_or(State { generation: 1, time_zone: zone, low: Uuid::nil() }))
}

fn settings_zone(read: &Read<'_>) -> Result<String> {
    Ok(identity::tenants::get(read, read.tenant()?)?.settings.time_zone)
}

/// The zone whose days the figures are kept in.
pub fn time_zone(read: &Read<'_>) -> Result<TimeZone> {
    let name = match state_of(read)? {
        Some(state) if state.generation > 0 => state.time_zone,
        _ => settings_zone(read)?,
    };
    Ok(TimeZone::get(&name).unwrap_or(TimeZone::UTC))
}

/// Whether tickets are still to be counted, or are about to be counted anew because the tenant's zone is another now.
pub fn is_behind(read: &Read<'_>) -> Result<bool> {
    Ok(match state_of(read)? {
        Some(state) => !state.is_complete() || state.time_zone != settings_zone(read)?,
        None => false,
    })
}

/// Counts the next tickets; the next job goes on where it ended.
#[derive(Serialize, Deserialize)]
pub struct FillReports {
    pub generation: i64,
    pub low: Uuid,
}
impl Job for FillReports {
    const KIND: &'static str = "desk.fill_reports";
    fn key(&self) -> String {
        format!("{}:{}", self.generation, self.low)
    }
}

/// Works [`FillReports`].
pub struct Filler;
impl Inside for Filler {
    type Job = FillReports;
    fn run(&self, tx: &mut Tx<'_>, _: &FillReports) -> Result<()> {
        step(tx)?.map_or(Ok(()), |next| tx.enqueue(&next))
    }
}

/// The schedule: begins where it is due, and sees to it that a job is under way while tickets are to be counted.
///
/// A beginning and its first job are two runs with some time between: whatever was being written when it began is there
/// when tickets are counted.
pub fn catch_up(tx: &mut Tx<'_>) -> Result<()> {
    let Some(state) = state_of(tx)? else { return Ok(()) };
    if state.generation > 0 && !state.is_complete() {
        if !state.is_settled(tx.now()) {
            return Ok(());
        }
        return tx.enqueue(&FillReports { generation: state.generation, low: state.low });
    }
    let zone = settings_zone(tx)?;
    if zone != state.time_zone {
        // Tickets made from now on are counted by their own change if their id is above, and found by the filling if below.
        let low = Id::<Ticket>::new(tx.now() + AHEAD, tx.entropy());
        tx.execute(&BEGIN, params![zone, low])?;
    }
    Ok(())
}

/// One batch; answers where the next begins, none when all are counted.
fn step(tx: &mut Tx<'_>) -> Result<Option<FillReports>> {
    tx.query_one(&HOLD, params![], |_| Ok(()))?;
    let Some(state) = state_of(tx)?.filter(|s| !s.is_complete() && s.is_settled(tx.now())) else {
        return Ok(None);
    };
    let ids: Vec<Id<Ticket>> = tx.query_all(&BELOW, params![state.low, BATCH], |row| row.get(0))?;
    let (zone, mut change, mut standings) = (state.zone(), Figured::new(), cohorts::Standings::new());
    // One whose messages were removed for good is not among them, and counts for nothing.
    for t in lock_all(tx, &ids)? {
        let old = facts::of(tx, t.id)?;
        let known = if state.is_first() {
            let told = facts::from_history(&t, &query::audits(tx, t.id)?);
            facts::write(tx, t.id, &old, &told)?;
            told
        } else {
            old
        };
        for (cell, figures) in contribution(&t, &known, &zone) {
            *change.entry(cell).or_default() += figures;
        }
        cohorts::count(&mut standings, &t, &zone);
    }
    fold::apply(tx, state.generation, &change)?;
    cohorts::apply(tx, state.generation, &standings)?;
    let is_last = ids.len() < BATCH as usize;
    let low = ids.last().filter(|_| !is_last).map_or(Uuid::nil(), |id| id.uuid());
    tx.execute(&GO_ON, params![low])?;
    Ok((!is_last).then_some(FillReports { generation: state.generation, low }))
}
