//! Figures over a range of creation times.

use std::collections::HashMap;

use base::{Result, Timestamp};
use db::{Read, params};
use serde::Serialize;
use uuid::Uuid;

use super::{Status, filter::Range};

/// One group's share of the volume.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Group {
    /// The group's name; empty for "nobody".
    pub key: String,
    pub count: i64,
}

/// Times in minutes; absent when nothing was measured.
#[derive(Clone, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Stats {
    /// Tickets created in the range.
    pub volume: i64,
    /// Of those, how many are live.
    pub open: i64,
    pub resolved: i64,
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
}

db::statements! {
    // One look at each ticket: asked for one figure after the other, they would be looked at ten times.
    CREATED_BETWEEN = "select status, priority, category, assigned_to, created_at, due_at, resolved_at, first_response_at, resolution_time_minutes
        from tickets where tenant_id = ?1 and created_at >= ?2 and created_at < ?3";
}

/// The figures of tickets created in the range; open ends mean "since ever" and "until now".
pub fn stats(read: &Read<'_>, range: Range) -> Result<Stats> {
    let from = range.after.unwrap_or(Timestamp::UNIX_EPOCH);
    let to = range.before.unwrap_or(read.now() + base::hours(1));
    let (mut out, mut on_time) = (Stats::default(), 0i64);
    let (mut responses, mut resolutions): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let (mut by_status, mut by_priority, mut by_category) =
        (HashMap::new(), HashMap::new(), HashMap::<String, i64>::new());
    let mut by_agent: HashMap<Option<Uuid>, i64> = HashMap::new();
    read.for_each(&CREATED_BETWEEN, params![from, to], |row| {
        let status: Status = row.get(0)?;
        let (created, due): (Timestamp, Timestamp) = (row.get(4)?, row.get(5)?);
        let (resolved, answered): (Option<Timestamp>, Option<Timestamp>) = (row.get(6)?, row.get(7)?);
        out.volume += 1;
        out.open += i64::from(status.is_live());
        out.overdue += i64::from(status.is_live() && due <= read.now());
        out.resolved += i64::from(resolved.is_some());
        on_time += i64::from(resolved.is_some_and(|at| at <= due));
        resolutions.extend(row.get::<Option<i64>>(8)?.map(|minutes| minutes as f64));
        responses.extend(answered.map(|at| at.duration_since(created).as_secs_f64() / 60.0));
        *by_status.entry(status).or_insert(0i64) += 1;
        *by_priority.entry(row.get::<i64>(1)?).or_insert(0i64) += 1;
        let category = row.text(2)?;
        match by_category.get_mut(category) {
            Some(count) => *count += 1,
            None => drop(by_category.insert(category.to_owned(), 1)),
        }
        *by_agent.entry(row.get(3)?).or_default() += 1;
        Ok(true)
    })?;
    (out.resolution_minutes_average, out.resolution_minutes_median) = middle(resolutions);
    (out.first_response_minutes_average, out.first_response_minutes_median) = middle(responses);
    if out.resolved > 0 {
        out.sla_share = Some(on_time as f64 / out.resolved as f64);
    }
    out.by_status = groups(by_status.into_iter().map(|(s, n)| (s.to_string(), n)));
    out.by_category = groups(by_category.into_iter());
    out.by_priority =
        groups(by_priority.into_iter().map(|(rank, n)| (super::Priority::from_rank(rank).to_string(), n)));
    out.by_agent =
        groups(by_agent.into_iter().map(|(id, n)| (id.map(|id| id.to_string()).unwrap_or_default(), n)));
    Ok(out)
}

/// Average and median; none of nothing.
fn middle(mut values: Vec<f64>) -> (Option<f64>, Option<f64>) {
    if values.is_empty() {
        return (None, None);
    }
    values.sort_by(f64::total_cmp);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    (Some(mean(&values)), Some(mean(&values[(values.len() - 1) / 2..=values.len() / 2])))
}

/// The largest first.
fn groups(counts: impl Iterator<Item = (String, i64)>) -> Vec<Group> {
    let mut out: Vec<Group> = counts.map(|(key, count)| Group { key, count }).collect();
    out.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    out
}
