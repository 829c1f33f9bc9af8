//! Handlers of the report page.

use std::collections::BTreeMap;

use axum::{Router, extract::State, routing::get};
use base::{Error, Result, Timestamp};
use desk::tickets::{Range, Status, TicketFilter, query, stats};
use jiff::{Span, civil::Date, tz::TimeZone};
use serde::Deserialize;

use super::views;
use crate::{
    http::{
        app::App,
        extract::Params,
        failure::Outcome,
        person::{StaffPage, href},
    },
    kit::{forms::Choice, time},
    tickets::pages::Names,
};

const HOME: &str = "/desk/stats";
/// Ranges on offer, in days up to today.
const RANGES: [i64; 3] = [7, 30, 90];
/// A chart of more days than this would be unreadable.
const DAYS_MAX: i32 = 366;

pub fn routes() -> Router<App> {
    Router::new().route(HOME, get(show))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Query {
    range: String,
    from: String,
    to: String,
}

/// First and last day, both included, and the range they were chosen by.
fn days_of(query: &Query, today: Date) -> Result<(Date, Date, Option<i64>)> {
    let date = |field: &'static str, text: &str| {
        text.parse::<Date>().map_err(|_| Error::field(field, "stats.date", "a date such as 2026-11-21"))
    };
    if !query.from.is_empty() || !query.to.is_empty() {
        let to = if query.to.is_empty() { today } else { date("to", &query.to)? };
        let from = if query.from.is_empty() { to } else { date("from", &query.from)? };
        let length = from.until(to).map_err(Error::from_source)?.get_days();
        if !(0..DAYS_MAX).contains(&length) {
            return Err(Error::field("from", "stats.range", "from a day to a later one, at most a year"));
        }
        return Ok((from, to, None));
    }
    let days = query.range.parse().ok().filter(|d| RANGES.contains(d)).unwrap_or(30);
    let from = today.checked_sub(Span::new().days(days - 1)).map_err(Error::from_source)?;
    Ok((from, today, Some(days)))
}

async fn show(State(app): State<App>, who: StaffPage, Params(query): Params<Query>) -> Outcome {
    if !who.staff.role.sees_all_tickets() {
        let message = "figures of the whole queue are for those who see all of it";
        return Err(Error::forbidden("role.no_stats", message).into());
    }
    let zone = time::zone(&who.user.time_zone);
    let now = app.db().now();
    let (from, to, range) = days_of(&query, now.to_zoned(zone.clone()).date())?;
    let start = |day: Date| -> Result<Timestamp> {
        day.to_zoned(zone.clone()).map(|z| z.timestamp()).map_err(Error::from_source)
    };
    let (begin, end) = (start(from)?, start(to.tomorrow().map_err(Error::from_source)?)?);
    let staff = who.staff.clone();
    let (figures, moments, open, names) = app
        .read(who.scope(), move |read| {
            let figures = stats::stats(read, Range { after: Some(begin), before: Some(end) })?;
            let live = TicketFilter { status: Status::LIVE.to_vec(), ..TicketFilter::default() };
            let open = query::count(read, &staff, &live, 1_000_000)?;
            Ok((figures, stats::moments(read, begin, end)?, open, Names::read(read)?))
        })
        .await?;
    let days = by_day(from, to, &zone, &moments);
    let seconds = |minutes: Option<f64>| minutes.map(|m| (m * 60.0).round() as i64);
    let view = views::Stats {
        ranges: RANGES
            .map(|d| Choice::new(d.to_string(), who.say(&format!("stats-days-{d}")), range == Some(d)))
            .into(),
        from: from.to_string(),
        to: to.to_string(),
        created: small(figures.volume),
        resolved: u32::try_from(moments.1.len()).unwrap_or(u32::MAX),
        open_now: open,
        first_response: views::Spread {
            average_seconds: seconds(figures.first_response_minutes_average),
            median_seconds: seconds(figures.first_response_minutes_median),
        },
        resolution: views::Spread {
            average_seconds: seconds(figures.resolution_minutes_average),
            median_seconds: seconds(figures.resolution_minutes_median),
        },
        within_sla: figures.sla_share,
        day_max: days.iter().map(|d| d.created.max(d.resolved)).max().unwrap_or(0),
        days,
        breakdowns: breakdowns(&who, &figures, &names),
    };
    who.show(&app, "stats/stats.html", view).await
}

fn small(n: i64) -> u32 {
    u32::try_from(n).unwrap_or(0)
}

fn by_day(
    from: Date,
    to: Date,
    zone: &TimeZone,
    (created, resolved): &(Vec<Timestamp>, Vec<Timestamp>),
) -> Vec<views::Day> {
    let mut days: BTreeMap<Date, (u32, u32)> = BTreeMap::new();
    let mut day = from;
    while day <= to {
        days.insert(day, (0, 0));
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    for at in created {
        if let Some(counts) = days.get_mut(&at.to_zoned(zone.clone()).date()) {
            counts.0 += 1;
        }
    }
    for at in resolved {
        if let Some(counts) = days.get_mut(&at.to_zoned(zone.clone()).date()) {
            counts.1 += 1;
        }
    }
    days.into_iter()
        .map(|(day, (created, resolved))| views::Day {
            label: day.strftime("%-d %b").to_string(),
            created,
            resolved,
        })
        .collect()
}

fn breakdowns(who: &StaffPage, figures: &stats::Stats, names: &Names) -> Vec<views::Breakdown> {
    let table = |key: &str, filter: &str, groups: &[stats::Group], label: &dyn Fn(&str) -> String| {
        let sum = groups.iter().map(|g| g.count).sum::<i64>().max(1);
        let row = |g: &stats::Group| views::Count {
            label: label(&g.key),
            count: small(g.count),
            share: g.count as f64 / sum as f64,
            href: Some(href(
                "/desk",
                &[("view", "all"), (filter, if g.key.is_empty() { "none" } else { &g.key })],
            )),
        };
        views::Breakdown { key: key.into(), rows: groups.iter().map(row).collect() }
    };
    let agent = |key: &str| match key.parse().ok().map(base::Id::from_uuid) {
        Some(id) => names.of(Some(id)).unwrap_or_default(),
        None => who.say("nobody"),
    };
    vec![
        table("status", "status", &figures.by_status, &|k| who.say(&format!("status-{k}"))),
        table("priority", "priority", &figures.by_priority, &|k| who.say(&format!("priority-{k}"))),
        table("category", "category", &figures.by_category, &|k| names.category(k)),
        table("agent", "assigned_to", &figures.by_agent, &agent),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_today_and_dates_are_checked() {
        let today: Date = "2026-03-02".parse().unwrap();
        let of = |range: &str, from: &str, to: &str| {
            days_of(&Query { range: range.into(), from: from.into(), to: to.into() }, today)
        };
        assert_eq!(of("7", "", "").unwrap(), ("2026-02-24".parse().unwrap(), today, Some(7)));
        assert_eq!(of("nonsense", "", "").unwrap().2, Some(30));
        assert_eq!(of("", "2026-01-01", "").unwrap().1, today);
        assert!(of("", "2026-03-03", "2026-03-01").is_err());
        assert!(of("", "2020-01-01", "2026-03-01").is_err());
        assert!(of("", "tomorrow", "").is_err());
    }
}
