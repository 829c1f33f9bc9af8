//! Figures over a range of creation times.

use base::{Result, Timestamp};
use db::{Read, Sql, Value, params};
use serde::Serialize;

use super::filter::Range;

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
    TOTALS = "select count(*), sum(case when status in ('new', 'open', 'in_progress', 'pending_customer') then 1 else 0 end),
        sum(case when resolved_at is not null then 1 else 0 end),
        sum(case when due_at <= ?4 and status in ('new', 'open', 'in_progress', 'pending_customer') then 1 else 0 end),
        sum(case when resolved_at is not null and resolved_at <= due_at then 1 else 0 end),
        cast(avg(resolution_time_minutes) as {float}),
        count(resolution_time_minutes), count(first_response_at)
        from tickets where tenant_id = ?1 and created_at >= ?2 and created_at < ?3";
    RESOLUTION_AT = "select resolution_time_minutes from tickets where tenant_id = ?1 and created_at >= ?2 and created_at < ?3
        and resolution_time_minutes is not null order by resolution_time_minutes limit ?4 offset ?5";
    RESPONSES = "select created_at, first_response_at from tickets where tenant_id = ?1 and created_at >= ?2 and created_at < ?3
        and first_response_at is not null";
}

/// The figures of tickets created in the range; open ends mean "since ever" and "until now".
pub fn stats(read: &Read<'_>, range: Range) -> Result<Stats> {
    let from = range.after.unwrap_or(Timestamp::UNIX_EPOCH);
    let to = range.before.unwrap_or(read.now() + base::hours(1));
    let mut out = Stats::default();
    let mut on_time = 0i64;
    let mut resolutions = 0i64;
    read.query_one(&TOTALS, params![from, to, read.now()], |row| {
        let mut c = row.columns();
        out.volume = c.next()?;
        out.open = c.next::<Option<i64>>()?.unwrap_or(0);
        out.resolved = c.next::<Option<i64>>()?.unwrap_or(0);
        out.overdue = c.next::<Option<i64>>()?.unwrap_or(0);
        on_time = c.next::<Option<i64>>()?.unwrap_or(0);
        out.resolution_minutes_average = c.next()?;
        resolutions = c.next()?;
        Ok(())
    })?;
    if resolutions > 0 {
        let (skip, take) = ((resolutions - 1) / 2, if resolutions % 2 == 0 { 2i64 } else { 1 });
        let middle: Vec<i64> =
            read.query_all(&RESOLUTION_AT, params![from, to, take, skip], |row| row.get(0))?;
        out.resolution_minutes_median = Some(mean(&middle.iter().map(|n| *n as f64).collect::<Vec<_>>()));
    }
    let mut responses: Vec<f64> = read.query_all(&RESPONSES, params![from, to], |row| {
        let (created, answered): (Timestamp, Timestamp) = (row.get(0)?, row.get(1)?);
        Ok(answered.duration_since(created).as_secs_f64() / 60.0)
    })?;
    if !responses.is_empty() {
        responses.sort_by(f64::total_cmp);
        out.first_response_minutes_average = Some(mean(&responses));
        let middle = &responses[(responses.len() - 1) / 2..=responses.len() / 2];
        out.first_response_minutes_median = Some(mean(middle));
    }
    if out.resolved > 0 {
        out.sla_share = Some(on_time as f64 / out.resolved as f64);
    }
    out.by_status = groups(read, "status", from, to)?;
    out.by_category = groups(read, "category", from, to)?;
    out.by_priority = groups(read, "priority", from, to)?
        .into_iter()
        .map(|g| Group { key: super::Priority::from_rank(g.key.parse().unwrap_or(1)).to_string(), ..g })
        .collect();
    out.by_agent = groups(read, "assigned_to", from, to)?;
    Ok(out)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn groups(read: &Read<'_>, column: &'static str, from: Timestamp, to: Timestamp) -> Result<Vec<Group>> {
    let text = format!(
        "select {column}, count(*) from tickets where tenant_id = ?1 and created_at >= ?2 and created_at < ?3 group by {column} order by 2 desc, 1"
    );
    read.query_all(&Sql::built(text), &[Value::Time(from), Value::Time(to)], |row| {
        let key = match column {
            "assigned_to" => row.get::<Option<uuid::Uuid>>(0)?.map(|id| id.to_string()).unwrap_or_default(),
            "priority" => row.get::<i64>(0)?.to_string(),
            _ => row.get(0)?,
        };
        Ok(Group { key, count: row.get(1)? })
    })
}
