//! Cohorts: what tickets created on one day are now. A report tells what happened on a day; the figures of a range of
//! creation times ([`crate::tickets::stats`]) tell what became of those that came in then.
//!
//! A ticket *stands* somewhere: status, priority, category, whose it is, how long its answer and its resolution took. A
//! change that moves it writes that it stands there no more and where it stands instead, as rows of its own that a
//! schedule folds ([`fold()`]). Merged and deleted tickets stand nowhere, as no list shows them. Generations, days and the
//! counting of what was there before are those of the other figures ([`super::fill`]).

mod fold;
mod query;

use std::collections::BTreeMap;

use base::{Id, Result};
use db::{Row, Tx, params};
use jiff::tz::TimeZone;
use uuid::Uuid;

pub(super) use fold::apply;
pub use fold::fold;
pub use query::{Cohort, created_between, ends};

use super::{fill, rollups::day_of};
use crate::tickets::{Priority, Status, Ticket};

/// Where a ticket stands, in what its figures are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    pub status: Status,
    pub priority: Priority,
    pub category: String,
    /// Nil for nobody.
    pub agent_id: Uuid,
    /// From its creation to the first answer.
    pub response_seconds: Option<i64>,
    pub resolution_minutes: Option<i64>,
    pub is_resolved: bool,
    /// Resolved before it was due.
    pub is_on_time: bool,
}

/// How many tickets stand where, by the day of their creation.
pub(super) type Standings = BTreeMap<(i64, Standing), i64>;

db::statements! {
    ADD = "insert into cohort_deltas (tenant_id, id, generation, day, status, priority, category, agent_id, response_seconds, resolution_minutes,
        is_resolved, is_on_time, change) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
}

/// Where a ticket stands; none for what no list shows.
pub fn standing(t: &Ticket) -> Option<Standing> {
    (t.survivor_id.is_none() && t.deleted_at.is_none()).then(|| Standing {
        status: t.status,
        priority: t.priority,
        category: t.category.clone(),
        agent_id: t.assigned_to.map(Id::uuid).unwrap_or_default(),
        response_seconds: t.first_response_at.map(|at| at.duration_since(t.created_at).as_secs()),
        resolution_minutes: t.resolution_time_minutes,
        is_resolved: t.resolved_at.is_some(),
        is_on_time: t.resolved_at.is_some_and(|at| at <= t.due_at),
    })
}

/// Read from a row, the first column at `first`.
fn read_standing(row: &Row<'_>, first: usize) -> Result<Standing> {
    Ok(Standing {
        status: row.get(first)?,
        priority: Priority::from_rank(row.get(first + 1)?),
        category: row.get(first + 2)?,
        agent_id: row.get(first + 3)?,
        response_seconds: row.get(first + 4)?,
        resolution_minutes: row.get(first + 5)?,
        is_resolved: row.get(first + 6)?,
        is_on_time: row.get(first + 7)?,
    })
}

/// Counts a ticket of the time before, whose turn it is to be counted.
pub(super) fn count(into: &mut Standings, t: &Ticket, zone: &TimeZone) {
    if let Some(standing) = standing(t) {
        *into.entry((day_of(t.created_at, zone), standing)).or_default() += 1;
    }
}

/// Whether a change moves a ticket.
pub(super) fn matters(before: Option<&Ticket>, t: &Ticket) -> bool {
    before.is_none_or(|before| standing(before) != standing(t))
}

/// Writes down what a change moved, of a ticket that is counted.
pub(super) fn moved(tx: &mut Tx<'_>, state: &fill::State, before: Option<&Ticket>, t: &Ticket) -> Result<()> {
    let day = day_of(t.created_at, &state.zone());
    for (standing, change) in
        before.and_then(standing).map(|s| (s, -1)).into_iter().chain(standing(t).map(|s| (s, 1)))
    {
        let id = tx.new_id::<Standing>();
        let (generation, priority) = (state.generation, standing.priority.rank());
        tx.execute_later(
            &ADD,
            params![
                id,
                generation,
                day,
                standing.status,
                priority,
                standing.category,
                standing.agent_id,
                standing.response_seconds,
                standing.resolution_minutes,
                standing.is_resolved,
                standing.is_on_time,
                change
            ],
        )?;
    }
    Ok(())
}
