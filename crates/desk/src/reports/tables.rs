//! The reports, each one table: what the page shows, the JSON says and the CSV holds.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    str::FromStr,
};

use base::{Error, Result};
use db::Read;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    ask::Ask,
    model::*,
    query::{Key, Want, figures},
    rollups::day_number,
    satisfaction::{self, Answers},
    spans,
};
use crate::{
    categories,
    tickets::{Channel, Priority, words},
};

words!(
    /// The reports there are.
    Report, "report", {
        Volume = "volume", Channels = "channels", Categories = "categories", Priorities = "priorities",
        Backlog = "backlog", BacklogAge = "backlog_age",
        FirstResponse = "first_response", FirstResponseBands = "first_response_bands",
        Resolution = "resolution", ResolutionBands = "resolution_bands",
        Sla = "sla", Teams = "teams", Agents = "agents", Reopens = "reopens",
        Satisfaction = "satisfaction", Remarks = "remarks",
    }
);

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first day of the row's period, `2026-11-21`.
    Day,
    /// A wire word.
    Word,
    /// An id; null for nobody.
    Id,
    /// A name; null where there is none any more.
    Text,
    /// How many.
    Count,
    /// Minutes, to a tenth; null where nothing was measured.
    Minutes,
    /// 0 to 1; null where there is nothing to have a share of.
    Share,
    /// 1 to 5; null without answers.
    Score,
    /// An instant.
    Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub key: &'static str,
    pub kind: Kind,
}

/// One report's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub report: Report,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Value>>,
    /// Of the whole range; a median of all is not a sum of medians.
    pub total: Option<Vec<Value>>,
}

/// Remarks in one answer.
const REMARKS: u32 = 500;
/// From how many days on an open ticket is in the next age: younger than one, three, seven, thirty days, and older.
const AGES: [(&str, i64); 5] =
    [("under_1_day", 0), ("1_to_3_days", 1), ("3_to_7_days", 3), ("7_to_30_days", 7), ("over_30_days", 30)];
/// Names of [`spans::BANDS`] and of what is above.
const BANDS: [&str; 8] = [
    "under_15_minutes",
    "15_to_60_minutes",
    "1_to_4_hours",
    "4_to_8_hours",
    "8_to_24_hours",
    "1_to_3_days",
    "3_to_7_days",
    "over_7_days",
];

/// Makes a report.
pub fn table(read: &Read<'_>, report: Report, ask: &Ask) -> Result<Table> {
    use Kind::*;
    let by = |dimension, columns: &[(&'static str, Kind)]| grouped(read, ask, report, dimension, columns);
    let time = |columns: &[(&'static str, Kind)]| over_time(read, ask, report, columns);
    let shares = &[
        ("created", Count),
        ("created_share", Share),
        ("resolved", Count),
        ("resolution_median_minutes", Minutes),
    ];
    let people = &[
        ("created", Count),
        ("resolved", Count),
        ("first_response_median_minutes", Minutes),
        ("resolution_median_minutes", Minutes),
        ("on_time_share", Share),
        ("reopened", Count),
        ("reopened_share", Share),
        ("answered", Count),
        ("satisfied_share", Share),
    ];
    match report {
        Report::Volume => time(&[("created", Count), ("resolved", Count), ("finished", Count)]),
        Report::Channels => by(Dimension::Channel, shares),
        Report::Categories => by(Dimension::Category, shares),
        Report::Priorities => by(Dimension::Priority, shares),
        Report::Teams => by(Dimension::Team, people),
        Report::Agents => by(Dimension::Agent, people),
        Report::FirstResponse => time(&[
            ("responded", Count),
            ("first_response_median_minutes", Minutes),
            ("first_response_p90_minutes", Minutes),
            ("first_response_average_minutes", Minutes),
        ]),
        Report::Resolution => time(&[
            ("resolved", Count),
            ("resolution_median_minutes", Minutes),
            ("resolution_p90_minutes", Minutes),
            ("resolution_average_minutes", Minutes),
        ]),
        Report::Sla => {
            time(&[("resolved", Count), ("on_time", Count), ("late", Count), ("on_time_share", Share)])
        }
        Report::Reopens => time(&[("resolved", Count), ("reopened", Count), ("reopened_share", Share)]),
        Report::FirstResponseBands => bands(read, ask, report, "responded"),
        Report::ResolutionBands => bands(read, ask, report, "resolved"),
        Report::Backlog => backlog(read, ask),
        Report::BacklogAge => ages(read, ask),
        Report::Satisfaction => satisfied(read, ask),
        Report::Remarks => remarks(read, ask),
    }
}

/// What happened in a period or a group, with the slots of its lengths of time.
#[derive(Clone, Debug, Default)]
struct Line {
    figures: Figures,
    responses: BTreeMap<i64, i64>,
    resolutions: BTreeMap<i64, i64>,
    response_seconds: i64,
    resolution_seconds: i64,
    answers: Answers,
}

impl Line {
    fn add(&mut self, slot: i64, f: &Figures) {
        self.figures += *f;
        if slot > spans::RESOLUTION {
            *self.resolutions.entry(slot - spans::RESOLUTION).or_default() += f.resolved;
            self.resolution_seconds += f.seconds;
        } else if slot > 0 {
            *self.responses.entry(slot).or_default() += f.responded;
            self.response_seconds += f.seconds;
        }
    }

    /// The value of a column; `created` is that of all.
    fn value(&self, key: &str, created: i64) -> Value {
        let f = &self.figures;
        match key {
            "created" => f.created.into(),
            "created_share" => share(f.created, created),
            "resolved" => f.resolved.into(),
            "finished" => f.finished.into(),
            "responded" => f.responded.into(),
            "on_time" => f.on_time.into(),
            "late" => (f.resolved - f.on_time).into(),
            "on_time_share" => share(f.on_time, f.resolved),
            "reopened" => f.reopened.into(),
            "reopened_share" => share(f.reopened, f.resolved),
            "first_response_median_minutes" => quantile(&self.responses, 0.5),
            "first_response_p90_minutes" => quantile(&self.responses, 0.9),
            "first_response_average_minutes" => average(self.response_seconds, f.responded),
            "resolution_median_minutes" => quantile(&self.resolutions, 0.5),
            "resolution_p90_minutes" => quantile(&self.resolutions, 0.9),
            "resolution_average_minutes" => average(self.resolution_seconds, f.resolved),
            "asked" => self.answers.asked.into(),
            "answered" => self.answers.answered.into(),
            "satisfied" => self.answers.satisfied.into(),
            "satisfied_share" => share(self.answers.satisfied, self.answers.answered),
            "average_score" if self.answers.answered > 0 => {
                rounded(self.answers.points as f64 / self.answers.answered as f64, 100.0)
            }
            _ => Value::Null,
        }
    }
}

fn rounded(value: f64, parts: f64) -> Value {
    ((value * parts).round() / parts).into()
}

/// Null where there is nothing to have a share of.
fn share(part: i64, whole: i64) -> Value {
    if whole > 0 { rounded(part as f64 / whole as f64, 10_000.0) } else { Value::Null }
}

fn average(seconds: i64, count: i64) -> Value {
    if count > 0 { rounded(seconds as f64 / count as f64 / 60.0, 10.0) } else { Value::Null }
}

fn quantile(slots: &BTreeMap<i64, i64>, share: f64) -> Value {
    let slots: Vec<(i64, i64)> = slots.iter().map(|(slot, count)| (*slot, *count)).collect();
    spans::quantile(&slots, share).map_or(Value::Null, |seconds| rounded(seconds / 60.0, 10.0))
}

fn columns(first: &[(&'static str, Kind)], rest: &[(&'static str, Kind)]) -> Vec<Column> {
    first.iter().chain(rest).map(|(key, kind)| Column { key, kind: *kind }).collect()
}

/// Days of the range, put together into rows.
fn lines(read: &Read<'_>, ask: &Ask) -> Result<Vec<(Date, Line)>> {
    let want = Want { days: Some(ask.days()), by_day: true, by_slot: true, ..Want::default() };
    let found = figures(read, &ask.filter, want)?;
    let mut out = Vec::new();
    for (first, last) in ask.periods()? {
        let mut line = Line::default();
        let from = Key { day: day_number(first), value: String::new(), slot: 0 };
        let to = Key { day: day_number(last) + 1, value: String::new(), slot: 0 };
        for (key, figures) in found.range(from..to) {
            line.add(key.slot, figures);
        }
        out.push((first, line));
    }
    Ok(out)
}

fn all<'l>(lines: impl Iterator<Item = &'l Line>) -> Line {
    let mut out = Line::default();
    for line in lines {
        out.figures += line.figures;
        out.response_seconds += line.response_seconds;
        out.resolution_seconds += line.resolution_seconds;
        line.responses.iter().for_each(|(slot, n)| *out.responses.entry(*slot).or_default() += n);
        line.resolutions.iter().for_each(|(slot, n)| *out.resolutions.entry(*slot).or_default() += n);
        out.answers.asked += line.answers.asked;
        out.answers.answered += line.answers.answered;
        out.answers.satisfied += line.answers.satisfied;
        out.answers.points += line.answers.points;
    }
    out
}

fn over_time(read: &Read<'_>, ask: &Ask, report: Report, keys: &[(&'static str, Kind)]) -> Result<Table> {
    Ok(timed(ask, report, keys, &lines(read, ask)?))
}

fn timed(ask: &Ask, report: Report, keys: &[(&'static str, Kind)], lines: &[(Date, Line)]) -> Table {
    let row = |first: Value, line: &Line| {
        let created = line.figures.created;
        std::iter::once(first).chain(keys.iter().map(|(key, _)| line.value(key, created))).collect::<Vec<_>>()
    };
    Table {
        report,
        columns: columns(&[(ask.interval.as_str(), Kind::Day)], keys),
        rows: lines.iter().map(|(day, line)| row(day.to_string().into(), line)).collect(),
        total: Some(row(Value::Null, &all(lines.iter().map(|(_, line)| line)))),
    }
}

/// One row for each group that occurred, the largest first; priorities and channels in their own order.
fn grouped(
    read: &Read<'_>,
    ask: &Ask,
    report: Report,
    dimension: Dimension,
    keys: &[(&'static str, Kind)],
) -> Result<Table> {
    let want = Want { by: Some(dimension), days: Some(ask.days()), by_slot: true, ..Want::default() };
    let mut groups: BTreeMap<String, Line> = BTreeMap::new();
    for (key, figures) in figures(read, &ask.filter, want)? {
        groups.entry(key.value).or_default().add(key.slot, &figures);
    }
    if matches!(dimension, Dimension::Team | Dimension::Agent) {
        let (from, to) = (ask.begin(ask.from)?, ask.end(ask.to)?);
        for (value, answers) in satisfaction::by(read, dimension, &ask.filter, from, to)? {
            groups.entry(value).or_default().answers = answers;
        }
    }
    let names = names(read, dimension)?;
    let total = all(groups.values());
    let mut groups: Vec<(String, Line)> = groups.into_iter().collect();
    match dimension {
        Dimension::Priority => groups.reverse(),
        _ => groups.sort_by_key(|(_, line)| {
            std::cmp::Reverse((line.figures.created.max(line.figures.resolved), line.figures.resolved))
        }),
    }
    let head: &[(&'static str, Kind)] = match dimension {
        Dimension::Channel => &[("channel", Kind::Word)],
        Dimension::Priority => &[("priority", Kind::Word)],
        Dimension::Category => &[("category", Kind::Word), ("category_name", Kind::Text)],
        Dimension::Team => &[("team_id", Kind::Id), ("team_name", Kind::Text)],
        Dimension::Agent => &[("agent_id", Kind::Id), ("agent_name", Kind::Text)],
    };
    let row = |mut first: Vec<Value>, line: &Line| {
        first.extend(keys.iter().map(|(key, _)| line.value(key, total.figures.created)));
        first
    };
    let nil = Uuid::nil().to_string();
    let rows = groups
        .iter()
        .map(|(value, line)| {
            let name = || names.get(value).map_or(Value::Null, |name| name.as_str().into());
            let first = match dimension {
                Dimension::Channel => vec![value.as_str().into()],
                Dimension::Priority => vec![Priority::from_rank(value.parse().unwrap_or(1)).as_str().into()],
                _ if *value == nil => vec![Value::Null, Value::Null],
                _ => vec![value.as_str().into(), name()],
            };
            row(first, line)
        })
        .collect();
    let total = row(vec![Value::Null; head.len()], &total);
    Ok(Table { report, columns: columns(head, keys), rows, total: Some(total) })
}

/// Names of what a report is broken down by.
fn names(read: &Read<'_>, dimension: Dimension) -> Result<HashMap<String, String>> {
    Ok(match dimension {
        Dimension::Category => categories::all(read)?.into_iter().map(|c| (c.slug, c.name)).collect(),
        Dimension::Team => {
            identity::teams::all(read)?.into_iter().map(|t| (t.id.to_string(), t.name)).collect()
        }
        Dimension::Agent => {
            identity::users::staff(read)?.into_iter().map(|u| (u.id.to_string(), u.name)).collect()
        }
        Dimension::Channel => Channel::ALL.iter().map(|c| (c.to_string(), c.to_string())).collect(),
        Dimension::Priority => HashMap::new(),
    })
}

/// How a length of time is spread.
fn bands(read: &Read<'_>, ask: &Ask, report: Report, count: &'static str) -> Result<Table> {
    let want = Want { days: Some(ask.days()), by_slot: true, ..Want::default() };
    let mut line = Line::default();
    for (key, figures) in figures(read, &ask.filter, want)? {
        line.add(key.slot, &figures);
    }
    let slots = if report == Report::FirstResponseBands { &line.responses } else { &line.resolutions };
    let mut counts = [0i64; BANDS.len()];
    for (slot, n) in slots {
        if let Some(count) = counts.get_mut(spans::band_of(*slot)) {
            *count += n;
        }
    }
    Ok(spread(report, "band", count, BANDS.iter().copied().zip(counts)))
}

fn spread(
    report: Report,
    what: &'static str,
    count: &'static str,
    counts: impl Iterator<Item = (&'static str, i64)> + Clone,
) -> Table {
    let sum: i64 = counts.clone().map(|(_, n)| n).sum();
    Table {
        report,
        columns: columns(&[(what, Kind::Word), (count, Kind::Count), ("share", Kind::Share)], &[]),
        rows: counts.map(|(name, n)| vec![name.into(), n.into(), share(n, sum)]).collect(),
        total: Some(vec![Value::Null, sum.into(), share(sum, sum)]),
    }
}

/// Live tickets at the end of each row's last day, reckoned back from how many there are now.
fn backlog(read: &Read<'_>, ask: &Ask) -> Result<Table> {
    let live = figures(read, &ask.filter, Want { live: true, ..Want::default() })?;
    let mut open: i64 = live.values().map(|f| f.live).sum();
    let days = Some((day_number(ask.from), i64::from(i32::MAX)));
    let flows = figures(read, &ask.filter, Want { days, by_day: true, flows: true, ..Want::default() })?;
    let net = |first: i64, last: i64| -> i64 {
        let key = |day| Key { day, value: String::new(), slot: 0 };
        flows.range(key(first)..key(last + 1)).map(|(_, f)| f.created + f.returned - f.finished).sum()
    };
    let mut rows = Vec::new();
    open -= net(day_number(ask.to) + 1, i64::from(i32::MAX));
    for (first, last) in ask.periods()?.into_iter().rev() {
        let (from, to) = (day_number(first), day_number(last));
        let sum = |of: fn(&Figures) -> i64| -> i64 {
            let key = |day| Key { day, value: String::new(), slot: 0 };
            flows.range(key(from)..key(to + 1)).map(|(_, f)| of(f)).sum()
        };
        let (came, left) = (sum(|f| f.created + f.returned), sum(|f| f.finished));
        rows.push(vec![first.to_string().into(), came.into(), left.into(), open.into()]);
        open -= net(from, to);
    }
    rows.reverse();
    let keys = [("came_in", Kind::Count), ("finished", Kind::Count), ("open", Kind::Count)];
    let columns = columns(&[(ask.interval.as_str(), Kind::Day)], &keys);
    Ok(Table { report: Report::Backlog, columns, rows, total: None })
}

/// How old the tickets are that are live now, in calendar days of the tenant.
fn ages(read: &Read<'_>, ask: &Ask) -> Result<Table> {
    let live = figures(read, &ask.filter, Want { live: true, by_day: true, ..Want::default() })?;
    let (today, mut counts) = (day_number(ask.today), [0i64; AGES.len()]);
    for (key, figures) in &live {
        let age = AGES.partition_point(|(_, from)| *from <= (today - key.day).max(0));
        if let Some(count) = counts.get_mut(age.saturating_sub(1)) {
            *count += figures.live;
        }
    }
    Ok(spread(Report::BacklogAge, "age", "open", AGES.iter().map(|(name, _)| *name).zip(counts)))
}

fn satisfied(read: &Read<'_>, ask: &Ask) -> Result<Table> {
    let mut lines = Vec::new();
    for (first, last) in ask.periods()? {
        let answers = satisfaction::answers(read, &ask.filter, ask.begin(first)?, ask.end(last)?)?;
        lines.push((first, Line { answers, ..Line::default() }));
    }
    let keys = [
        ("asked", Kind::Count),
        ("answered", Kind::Count),
        ("satisfied", Kind::Count),
        ("satisfied_share", Kind::Share),
        ("average_score", Kind::Score),
    ];
    Ok(timed(ask, Report::Satisfaction, &keys, &lines))
}

fn remarks(read: &Read<'_>, ask: &Ask) -> Result<Table> {
    let (from, to) = (ask.begin(ask.from)?, ask.end(ask.to)?);
    let rows = satisfaction::remarks(read, &ask.filter, from, to, REMARKS)?
        .into_iter()
        .map(|r| {
            vec![
                r.ticket_number.into(),
                r.subject.into(),
                r.score.into(),
                r.comment.into(),
                r.answered_at.to_string().into(),
            ]
        })
        .collect();
    let keys = [
        ("ticket_number", Kind::Text),
        ("subject", Kind::Text),
        ("score", Kind::Score),
        ("comment", Kind::Text),
        ("answered_at", Kind::Instant),
    ];
    Ok(Table { report: Report::Remarks, columns: columns(&keys, &[]), rows, total: None })
}
