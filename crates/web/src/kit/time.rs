//! Instants as a reader wants them: near ones relative, far ones as a date, always with the exact instant at hand.

use base::Timestamp;
use fluent::FluentArgs;
use jiff::{Zoned, tz::TimeZone};

use super::words;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The viewer's zone; a name nobody knows reads as UTC rather than failing the page.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

fn amount(locale: &str, key: &str, n: i64) -> String {
    let mut args = FluentArgs::new();
    args.set("n", n);
    words::get(locale, key, Some(&args)).unwrap_or_else(|| n.to_string())
}

/// "3 min ago", "2 h ago", "in 5 min"; beyond a week the date, with the year when it is another one.
pub fn relative(at: Timestamp, now: Timestamp, zone: &TimeZone, locale: &str) -> String {
    let ago = now.as_second() - at.as_second();
    let tense = if ago >= 0 { "ago" } else { "in" };
    let unit = |name: &str, n: i64| amount(locale, &format!("time-{tense}-{name}"), n);
    match ago.abs() {
        0..=44 if ago >= 0 => words::say(locale, "time-now"),
        s if s < HOUR => unit("minutes", (s + 30).div_euclid(MINUTE).max(1)),
        s if s < DAY => unit("hours", s / HOUR),
        s if s < 7 * DAY => unit("days", s / DAY),
        _ => date(at, now, zone),
    }
}

fn date(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let format = if at.year() == now.year() { "%-d %b" } else { "%-d %b %Y" };
    at.strftime(format).to_string()
}

/// "Sat 21 Nov 2026, 04:23:47 GMT": what the hover text says.
pub fn exact(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %-d %b %Y, %H:%M:%S %Z").to_string()
}

/// "21 Nov 2026, 04:23".
pub fn plain(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-d %b %Y, %H:%M").to_string()
}

/// A span in its two largest units: "2 h 10 min", "3 d 4 h", "45 min".
pub fn span(seconds: i64, locale: &str) -> String {
    let s = seconds.abs();
    let (days, hours, minutes) = (s / DAY, s % DAY / HOUR, s % HOUR / MINUTE);
    let part = |key: &str, n: i64| amount(locale, key, n);
    let parts = if days > 0 {
        [(days, part("span-days", days)), (hours, part("span-hours", hours))]
    } else if hours > 0 {
        // Half a day away nobody counts minutes.
        let minutes = if hours < 6 { minutes } else { 0 };
        [(hours, part("span-hours", hours)), (minutes, part("span-minutes", minutes))]
    } else {
        [(1, part("span-minutes", minutes)), (0, String::new())]
    };
    parts.into_iter().filter(|(n, _)| *n > 0).map(|(_, t)| t).collect::<Vec<_>>().join(" ")
}

/// The `<time>` element: `datetime` for machines, `title` for the exact instant, `data-relative` for `time.js`.
pub fn element(at: Timestamp, text: &str, zone: &TimeZone, relative: bool) -> String {
    let flag = if relative { " data-relative" } else { "" };
    format!(r#"<time datetime="{at}" title="{}"{flag}>{text}</time>"#, exact(at, zone))
}

/// A calendar day of the viewer, for day separators and ranges.
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    let at: Zoned = at.to_zoned(zone.clone());
    at.strftime("%A, %-d %B %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_instants_are_relative_and_far_ones_are_dates() {
        let now: Timestamp = "2026-11-21T04:23:47Z".parse().unwrap();
        let utc = TimeZone::UTC;
        let says = |at: &str| relative(at.parse().unwrap(), now, &utc, "en");
        assert_eq!(says("2026-11-21T04:23:30Z"), "just now");
        assert_eq!(says("2026-11-21T04:20:47Z"), "3 min ago");
        assert_eq!(says("2026-11-21T02:00:00Z"), "2 h ago");
        assert_eq!(says("2026-11-19T02:00:00Z"), "2 d ago");
        assert_eq!(says("2026-11-01T02:00:00Z"), "1 Nov");
        assert_eq!(says("2025-11-01T02:00:00Z"), "1 Nov 2025");
        assert_eq!(says("2026-11-21T06:23:47Z"), "in 2 h");
    }

    #[test]
    fn spans_have_two_units_at_most() {
        assert_eq!(span(7_800, "en"), "2 h 10 min");
        assert_eq!(span(6 * HOUR + 59 * MINUTE, "en"), "6 h");
        assert_eq!(span(20, "en"), "0 min");
        assert_eq!(span(2 * DAY + 3 * HOUR + 50, "en"), "2 d 3 h");
    }
}
