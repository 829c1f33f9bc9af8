//! What became of tickets created in a range: whole days from the sums and from what is not folded yet, the pieces of days
//! at its ends from their tickets.

use std::collections::BTreeMap;

use base::{Error, Result, Timestamp};
use db::{Read, params};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use uuid::Uuid;

use super::{
    Standing,
    fold::{BLOCK, figures},
    read_standing,
};
use crate::{
    reports::{fill, rollups::day_of, spans},
    tickets::{Priority, Range, Status},
};

db::statements! {
    SUMS = "select figure, value, cast(sum(tickets) as bigint), cast(sum(total) as bigint) from cohort_sums
        where tenant_id = ?1 and generation = ?2 and days = ?3 and day >= ?4 and day <= ?5 group by figure, value";
    UNFOLDED = "select status, priority, category, agent_id, response_seconds, resolution_minutes, is_resolved, is_on_time, change
        from cohort_deltas where tenant_id = ?1 and generation = ?2 and day >= ?3 and day <= ?4";
    TICKETS = "select status, priority, category, assigned_to, created_at, first_response_at, resolution_time_minutes, resolved_at, due_at,
        survivor_id is null and deleted_at is null
        from tickets where tenant_id = ?1 and created_at >= ?2 and created_at < ?3 order by created_at, id limit ?4";
}

/// Days before and after all others, at the ends of blocks.
const FIRST: i64 = -BLOCK * 1_000_000;
const LAST: i64 = BLOCK * 1_000_000 - 1;

/// Tickets, added up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cohort {
    /// By figure and value, how many tickets, and their total.
    sums: BTreeMap<(String, String), (i64, i64)>,
    /// Lengths of time where every ticket was looked at: then a median is exact.
    responses: Vec<i64>,
    resolutions: Vec<i64>,
    is_exact: bool,
}

/// Average and median, in minutes.
pub type Middle = (Option<f64>, Option<f64>);

impl Cohort {
    fn add(&mut self, s: &Standing, change: i64) {
        for (figure, value, total) in figures(s) {
            let sum = self.sums.entry((figure.to_owned(), value)).or_default();
            sum.0 += change;
            sum.1 += change * total;
        }
    }

    /// The values of a figure, how many tickets each, and their totals.
    fn of<'a>(&'a self, figure: &'a str) -> impl Iterator<Item = (&'a str, i64, i64)> {
        self.sums
            .iter()
            .filter(move |((of, _), (tickets, total))| of == figure && (*tickets, *total) != (0, 0))
            .map(|((_, value), (tickets, total))| (value.as_str(), *tickets, *total))
    }

    pub fn by_status(&self) -> Vec<(Status, i64)> {
        self.of("status").filter_map(|(value, tickets, _)| Some((value.parse().ok()?, tickets))).collect()
    }
    pub fn by_priority(&self) -> Vec<(Priority, i64)> {
        let rank = |value: &str| value.parse().map(Priority::from_rank).ok();
        self.of("priority").filter_map(|(value, tickets, _)| Some((rank(value)?, tickets))).collect()
    }
    pub fn by_category(&self) -> Vec<(String, i64)> {
        self.of("category").map(|(value, tickets, _)| (value.to_owned(), tickets)).collect()
    }
    /// Nil: nobody's.
    pub fn by_agent(&self) -> Vec<(Uuid, i64)> {
        self.of("agent").filter_map(|(value, tickets, _)| Some((value.parse().ok()?, tickets))).collect()
    }
    pub fn tickets(&self) -> i64 {
        self.of("status").map(|(_, tickets, _)| tickets).sum()
    }
    /// How many are resolved, and how many of them before they were due.
    pub fn resolved(&self) -> (i64, i64) {
        self.of("resolved").fold((0, 0), |sum, (_, tickets, total)| (sum.0 + tickets, sum.1 + total))
    }
    pub fn response(&self) -> Middle {
        self.middle("response", 60.0, &self.responses)
    }
    pub fn resolution(&self) -> Middle {
        self.middle("resolution", 1.0, &self.resolutions)
    }

    /// `unit`: how many of a total's units are a minute.
    fn middle(&self, figure: &str, unit: f64, exact: &[i64]) -> Middle {
        let (tickets, total) = self.of(figure).fold((0, 0), |sum, (_, n, total)| (sum.0 + n, sum.1 + total));
        if tickets <= 0 {
            return (None, None);
        }
        let average = total as f64 / tickets as f64 / unit;
        if self.is_exact {
            let mut exact = exact.to_vec();
            exact.sort_unstable();
            let both = exact.get((exact.len() - 1) / 2..=exact.len() / 2).unwrap_or_default();
            return (Some(average), Some(both.iter().sum::<i64>() as f64 / both.len() as f64 / unit));
        }
        let mut slots: Vec<(i64, i64)> =
            self.of(figure).filter_map(|(slot, n, _)| Some((slot.parse().ok()?, n))).collect();
        slots.sort_unstable();
        (Some(average), spans::quantile(&slots, 0.5).map(|seconds| seconds / 60.0))
    }
}

/// What became of tickets created in a range. When there are at most so many each is looked at, so that medians are exact;
/// of more they are at most [`spans::ERROR_PERCENT`] off. All else is exact in both.
pub fn created_between(read: &Read<'_>, range: Range, looked_at: u32) -> Result<Cohort> {
    // No ticket is of another time, and there is no need for calendars at the ends of time.
    let tomorrow = read.now() + base::hours(24);
    let range = Range {
        after: range.after.filter(|from| *from > Timestamp::UNIX_EPOCH).map(|from| from.min(tomorrow)),
        before: range.before.filter(|to| *to < tomorrow).map(|to| to.max(Timestamp::UNIX_EPOCH)),
    };
    let state = fill::state_of(read)?;
    let mut rolled = Cohort::default();
    if let Some(state) = &state {
        roll(read, state, range, &mut rolled)?;
    }
    if rolled.tickets() <= i64::from(looked_at) {
        let (from, to) = ends(range);
        let mut each = Cohort { is_exact: true, ..Cohort::default() };
        // Some of them may be merged or deleted; and where not all are counted yet there may be many more.
        let most = looked_at.saturating_mul(2);
        if look(read, from, to, most.saturating_add(1), &mut each)? <= most {
            return Ok(each);
        }
    }
    Ok(rolled)
}

/// The instants of a range; an open end is before or after all tickets.
pub fn ends(range: Range) -> (Timestamp, Timestamp) {
    let later = |at: Timestamp| at.max(Timestamp::UNIX_EPOCH);
    (range.after.map_or(Timestamp::UNIX_EPOCH, later), range.before.map_or(Timestamp::MAX, later))
}

fn roll(read: &Read<'_>, state: &fill::State, range: Range, out: &mut Cohort) -> Result<()> {
    let zone = state.zone();
    // The whole days of the range, and the instants where they begin and end.
    let (mut first, mut last) = (FIRST, LAST);
    let (mut begin, mut end) = (None, None);
    if let Some(from) = range.after {
        let day = day_of(from, &zone);
        first = if begin_of(day, &zone)? == from { day } else { day + 1 };
        begin = Some((from, begin_of(first, &zone)?));
    }
    if let Some(to) = range.before {
        let day = day_of(to, &zone);
        last = day - 1;
        end = Some((begin_of(day, &zone)?, to));
    }
    if first > last {
        // Within a day, or across midnight with no whole day in it.
        let (from, to) = ends(range);
        return look(read, from, to, u32::MAX, out).map(drop);
    }
    for (from, to) in begin.into_iter().chain(end) {
        look(read, from, to, u32::MAX, out)?;
    }
    let (block, behind) = (-(-first).div_euclid(BLOCK), (last + 1).div_euclid(BLOCK));
    let pieces = if block < behind {
        vec![
            (1, first, block * BLOCK - 1),
            (BLOCK, block * BLOCK, behind * BLOCK - 1),
            (1, behind * BLOCK, last),
        ]
    } else {
        vec![(1, first, last)]
    };
    for (days, from, to) in pieces.into_iter().filter(|(_, from, to)| from <= to) {
        read.for_each(&SUMS, params![state.generation, days, from, to], |row| {
            let sum = out.sums.entry((row.get(0)?, row.get(1)?)).or_default();
            sum.0 += row.get::<i64>(2)?;
            sum.1 += row.get::<i64>(3)?;
            Ok(true)
        })?;
    }
    read.for_each(&UNFOLDED, params![state.generation, first, last], |row| {
        out.add(&read_standing(row, 0)?, row.get(8)?);
        Ok(true)
    })
}

/// Looks at each ticket created between two instants, up to `limit`; answers how many that were.
fn look(read: &Read<'_>, from: Timestamp, to: Timestamp, limit: u32, out: &mut Cohort) -> Result<u32> {
    let mut seen = 0;
    if from >= to {
        return Ok(0);
    }
    read.for_each(&TICKETS, params![from, to, limit], |row| {
        seen += 1;
        if !row.get::<bool>(9)? {
            return Ok(true);
        }
        let (created, due): (Timestamp, Timestamp) = (row.get(4)?, row.get(8)?);
        let (answered, resolved): (Option<Timestamp>, Option<Timestamp>) = (row.get(5)?, row.get(7)?);
        let standing = Standing {
            status: row.get(0)?,
            priority: Priority::from_rank(row.get(1)?),
            category: row.get(2)?,
            agent_id: row.get::<Option<Uuid>>(3)?.unwrap_or_default(),
            response_seconds: answered.map(|at| at.duration_since(created).as_secs()),
            resolution_minutes: row.get(6)?,
            is_resolved: resolved.is_some(),
            is_on_time: resolved.is_some_and(|at| at <= due),
        };
        out.add(&standing, 1);
        if out.is_exact {
            out.responses.extend(standing.response_seconds);
            out.resolutions.extend(standing.resolution_minutes);
        }
        Ok(true)
    })?;
    Ok(seen)
}

/// When a day begins.
fn begin_of(day: i64, zone: &TimeZone) -> Result<Timestamp> {
    let date = Date::constant(1970, 1, 1).checked_add(day.days()).map_err(Error::from_source)?;
    date.to_zoned(zone.clone()).map(|z| z.timestamp()).map_err(Error::from_source)
}
