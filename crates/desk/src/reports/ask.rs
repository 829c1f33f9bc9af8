//! What a report is asked for: days in the tenant's zone, what it is narrowed to, and how days are put together.

use std::{fmt, str::FromStr};

use base::{Error, Result, Timestamp};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{query::Filter, rollups::day_number};
use crate::tickets::words;

/// The longest range of a report: two years.
pub const DAYS_MAX: i64 = 731;
/// A report without a range is of these many days up to today.
const DAYS: i64 = 30;

words!(
    /// What one row of a report over time is of. Weeks begin on Monday.
    Interval, "interval", { Day = "day", Week = "week", Month = "month" }
);

/// A checked question.
#[derive(Clone, Debug)]
pub struct Ask {
    /// First and last day, both included.
    pub from: Date,
    pub to: Date,
    pub interval: Interval,
    pub filter: Filter,
    pub zone: TimeZone,
    pub today: Date,
}

impl Ask {
    /// Checks a range; without one it is the last 30 days.
    ///
    /// # Errors
    /// `report.range`, naming `from` or `to`.
    pub fn new(
        from: Option<Date>,
        to: Option<Date>,
        interval: Option<Interval>,
        filter: Filter,
        zone: TimeZone,
        now: Timestamp,
    ) -> Result<Self> {
        let today = now.to_zoned(zone.clone()).date();
        let wrong = |field: &'static str, message: String| Error::field(field, "report.range", message);
        let to = to.unwrap_or(today);
        if to > today {
            return Err(wrong("to", format!("a day up to today, {today}")));
        }
        let from = match from {
            Some(from) => from,
            None => to.checked_sub((DAYS - 1).days()).map_err(Error::from_source)?,
        };
        if from > to {
            return Err(wrong("from", format!("a day up to {to}, which the range ends with")));
        }
        let days = day_number(to) - day_number(from) + 1;
        if days > DAYS_MAX {
            return Err(wrong("from", format!("at most {DAYS_MAX} days, which is two years, up to {to}")));
        }
        let interval = interval.unwrap_or(match days {
            ..=92 => Interval::Day,
            93..=366 => Interval::Week,
            _ => Interval::Month,
        });
        Ok(Self { from, to, interval, filter, zone, today })
    }

    /// A date as it is written in a query: `2026-11-21`.
    pub fn date(field: &'static str, text: &str) -> Result<Date> {
        let wrong = || Error::field(field, "report.date", "a date such as 2026-11-21");
        // Nothing but a date: no time, no zone.
        if text.len() != 10 {
            return Err(wrong());
        }
        text.parse().map_err(|_| wrong())
    }

    /// Its days as reports count them.
    pub(super) fn days(&self) -> (i64, i64) {
        (day_number(self.from), day_number(self.to))
    }

    /// First and last day of each row, cut to the range.
    pub(super) fn periods(&self) -> Result<Vec<(Date, Date)>> {
        let mut out = Vec::new();
        let mut first = self.from;
        while first <= self.to {
            let last = match self.interval {
                Interval::Day => Ok(first),
                Interval::Week => {
                    first.checked_add((7 - i64::from(first.weekday().to_monday_one_offset())).days())
                }
                Interval::Month => Ok(first.last_of_month()),
            }
            .map_err(Error::from_source)?
            .min(self.to);
            out.push((first, last));
            first = last.tomorrow().map_err(Error::from_source)?;
        }
        Ok(out)
    }

    /// When a day begins.
    pub(super) fn begin(&self, day: Date) -> Result<Timestamp> {
        day.to_zoned(self.zone.clone()).map(|z| z.timestamp()).map_err(Error::from_source)
    }

    /// When a day has ended.
    pub(super) fn end(&self, day: Date) -> Result<Timestamp> {
        self.begin(day.tomorrow().map_err(Error::from_source)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(from: &str, to: &str, interval: Option<Interval>) -> Result<Ask> {
        let date = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        let now = "2026-03-02T23:30:00Z".parse().unwrap();
        let zone = TimeZone::get("Asia/Kathmandu").unwrap();
        Ask::new(date(from), date(to), interval, Filter::default(), zone, now)
    }

    #[test]
    fn ranges_end_today_in_the_tenants_zone_and_are_checked() {
        let plain = ask("", "", None).unwrap();
        assert_eq!(
            (plain.from.to_string(), plain.to.to_string()),
            ("2026-02-02".into(), "2026-03-03".into())
        );
        assert!(ask("", "2026-03-04", None).unwrap_err().message().contains("2026-03-03"));
        assert!(ask("2026-03-02", "2026-03-01", None).is_err());
        assert!(ask("2024-03-01", "2026-03-01", None).is_ok());
        assert!(ask("2024-02-28", "2026-03-01", None).is_err());
        assert!(Ask::date("from", "2026-02-30").is_err());
        assert!(Ask::date("from", "2026-02-20T10:00").is_err());
    }

    #[test]
    fn rows_cover_the_range_once() {
        let of = |interval| {
            let periods = ask("2026-01-01", "2026-02-10", Some(interval)).unwrap().periods().unwrap();
            periods.iter().map(|(a, b)| format!("{a} {b}")).collect::<Vec<_>>()
        };
        assert_eq!(of(Interval::Month), ["2026-01-01 2026-01-31", "2026-02-01 2026-02-10"]);
        assert_eq!(of(Interval::Week)[..2], ["2026-01-01 2026-01-04", "2026-01-05 2026-01-11"]);
        assert_eq!(of(Interval::Week).last().unwrap(), "2026-02-09 2026-02-10");
        assert_eq!(of(Interval::Day).len(), 41);
    }

    #[test]
    fn days_that_are_longer_or_shorter_begin_and_end_where_the_clock_says() {
        let now = "2026-11-25T12:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let ask = Ask::new(None, None, None, Filter::default(), zone, now).unwrap();
        let hours = |day: &str| {
            let day = day.parse().unwrap();
            ask.end(day).unwrap().duration_since(ask.begin(day).unwrap()).as_hours()
        };
        assert_eq!((hours("2026-03-29"), hours("2026-10-25"), hours("2026-06-01")), (23, 25, 24));
    }
}
