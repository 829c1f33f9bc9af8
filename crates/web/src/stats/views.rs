use serde::Serialize;

use crate::kit::forms::Choice;

/// `stats/stats.html`, `GET /desk/stats?range=` or `?from=&to=` (dates).
#[derive(Debug, Default, Serialize)]
pub struct Stats {
    pub ranges: Vec<Choice>,
    /// Dates `2026-11-21`, the viewer's zone.
    pub from: String,
    pub to: String,
    pub created: u32,
    pub resolved: u32,
    pub open_now: u32,
    pub first_response: Spread,
    pub resolution: Spread,
    /// 0..=1; none when nothing was due.
    pub within_sla: Option<f64>,
    /// Volume by day for the bars and the table beneath; the largest is `day_max`.
    pub days: Vec<Day>,
    pub day_max: u32,
    pub breakdowns: Vec<Breakdown>,
}

/// In seconds; none when there was nothing to measure.
#[derive(Debug, Default, Serialize)]
pub struct Spread {
    pub average_seconds: Option<i64>,
    pub median_seconds: Option<i64>,
}

#[derive(Debug, Serialize)]
pub struct Day {
    pub label: String,
    pub created: u32,
    pub resolved: u32,
}

/// One table: key `status`, `priority`, `category` or `agent`; labels are already words.
#[derive(Debug, Serialize)]
pub struct Breakdown {
    pub key: String,
    pub rows: Vec<Count>,
}

#[derive(Debug, Serialize)]
pub struct Count {
    pub label: String,
    pub count: u32,
    /// 0..=1 of the table's sum.
    pub share: f64,
    pub href: Option<String>,
}
