//! Figures over a range of creation times.

use base::Result;
use db::{Read, params};
use serde::Serialize;

use super::filter::Range;
use crate::reports::{self, cohorts};

/// One group's share of the volume.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Group {
    /// The group's name; empty for "nobody".
    pub key: String,
    pub count: i64,
}

/// Figures of the tickets that were created in a range and that lists show: merged and deleted ones are not among them.
/// Times in minutes; absent when nothing was measured. Medians are exact for up to 2,000 tickets, and at most 5 % off
/// (below a minute, at most a minute) for more; everything else is exact.
#[derive(Clone, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Stats {
    /// Tickets created in the range.
    pub volume: i64,
    /// Of those, how many are live.
    pub open: i64,
    pub resolved: i64,
    /// Of the live ones, how many were due by now.
    pub overdue: i64,
    pub first_response_minutes_average: Option<f64>,
    pub first_response_minutes_median: Option<f64>,
    pub resolution_minutes_average: Option<f64>,
    pub resolution_minutes_median: Option<f64>,
    /// Share (0 to 1) of resolved tickets that were resolved before they were due.
    pub sla_share: Option<f64>,
    pub by_status: Vec<Group>,
    pub by_priority: Vec<Group>,
    pub by_category: Vec<Group>,
    pub by_agent: Vec<Group>,
    /// False while older tickets are still being counted, as after an upgrade: then larger ranges miss some.
    pub is_complete: bool,
}

db::statements! {
    // From the index of live tickets by due date alone: with a condition on the creation, all of the range would be walked.
    OVERDUE = "select count(case when created_at >= ?3 and created_at < ?4 then 1 end) from tickets where tenant_id = ?1 and due_at <= ?2
        and status in ('new', 'open', 'in_progress', 'pending_customer') and survivor_id is null and deleted_at is null";
}

/// Up to so many tickets are looked at one by one.
const LOOKED_AT: u32 = 2_000;

/// The figures of tickets created in the range; open ends mean "since ever" and "until now".
pub fn stats(read: &Read<'_>, range: Range) -> Result<Stats> {
    stats_looking_at(read, range, LOOKED_AT)
}

/// The same, looking at so many tickets one by one before asking the roll-ups.
pub fn stats_looking_at(read: &Read<'_>, range: Range, looked_at: u32) -> Result<Stats> {
    let cohort = cohorts::created_between(read, range, looked_at)?;
    let (from, to) = cohorts::ends(range);
    let overdue = read.query_one(&OVERDUE, params![read.now(), from, to], |row| row.get(0))?;
    let by_status = cohort.by_status();
    let (resolved, on_time) = cohort.resolved();
    let (response, resolution) = (cohort.response(), cohort.resolution());
    Ok(Stats {
        volume: cohort.tickets(),
        open: by_status.iter().filter(|(status, _)| status.is_live()).map(|(_, count)| count).sum(),
        resolved,
        overdue: overdue.unwrap_or(0),
        first_response_minutes_average: response.0,
        first_response_minutes_median: response.1,
        resolution_minutes_average: resolution.0,
        resolution_minutes_median: resolution.1,
        sla_share: (resolved > 0).then(|| on_time as f64 / resolved as f64),
        by_status: groups(by_status.into_iter().map(|(status, n)| (status.to_string(), n))),
        by_priority: groups(cohort.by_priority().into_iter().map(|(p, n)| (p.to_string(), n))),
        by_category: groups(cohort.by_category().into_iter()),
        by_agent: groups(
            cohort
                .by_agent()
                .into_iter()
                .map(|(id, n)| (if id.is_nil() { String::new() } else { id.to_string() }, n)),
        ),
        is_complete: !reports::is_behind(read)?,
    })
}

/// The largest first.
fn groups(counts: impl Iterator<Item = (String, i64)>) -> Vec<Group> {
    let mut out: Vec<Group> = counts.map(|(key, count)| Group { key, count }).collect();
    out.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    out
}
