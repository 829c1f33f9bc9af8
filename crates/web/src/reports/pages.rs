//! Handlers of the report page and its files.

use axum::{
    Router,
    extract::State,
    response::{Redirect, Response},
    routing::get,
};
use base::Result;
use db::Read;
use desk::{
    reports::{self, Ask, Kind, Report, Table},
    tickets::{Channel, Priority},
};
use jiff::ToSpan;
use serde_json::Value;

use super::{
    api::{ReportAt, ReportQuery, check_role, csv, named},
    charts::{Draw, chart},
    figures::{Names, shown},
    views,
};
use crate::{
    http::{
        app::App,
        extract::{At, Params},
        failure::Outcome,
        person::{StaffPage, href},
    },
    kit::forms::{Choice, Problem},
};

const HOME: &str = "/desk/reports";
/// Ranges on offer, in days up to today.
const RANGES: [i64; 4] = [1, 7, 30, 90];
/// Remarks on the page; the file has all.
const REMARKS: usize = 8;
/// The reports on the page, in order.
const SHOWN: [Report; 15] = [
    Report::Volume,
    Report::Channels,
    Report::Categories,
    Report::Priorities,
    Report::Backlog,
    Report::BacklogAge,
    Report::FirstResponse,
    Report::FirstResponseBands,
    Report::Resolution,
    Report::ResolutionBands,
    Report::Sla,
    Report::Reopens,
    Report::Satisfaction,
    Report::Teams,
    Report::Agents,
];

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(show))
        .route("/desk/reports/{report}/csv", get(file))
        // Where it was before.
        .route("/desk/stats", get(async |_: StaffPage| Redirect::permanent(HOME)))
}

async fn file(
    State(app): State<App>,
    who: StaffPage,
    At(at): At<ReportAt>,
    Params(query): Params<ReportQuery>,
) -> Outcome<Response> {
    check_role(&who.staff)?;
    let report = named(&at.report)?;
    let (ask, table) = app
        .read(who.scope(), move |read| {
            let ask = query.ask(read)?;
            let table = reports::table(read, report, &ask)?;
            Ok((ask, table))
        })
        .await?;
    Ok(csv(&ask, &table))
}

/// Everything that is on the page.
struct Found {
    ask: Ask,
    tables: Vec<Table>,
    remarks: Vec<reports::Remark>,
    is_behind: bool,
    people: Vec<(String, String)>,
    teams: Vec<(String, String)>,
    categories: Vec<(String, String)>,
}

fn find(read: &Read<'_>, ask: Ask) -> Result<Found> {
    let tables = SHOWN.iter().map(|report| reports::table(read, *report, &ask)).collect::<Result<_>>()?;
    let begin = |day: jiff::civil::Date| {
        day.to_zoned(ask.zone.clone()).map(|z| z.timestamp()).map_err(base::Error::from_source)
    };
    let (from, to) = (begin(ask.from)?, begin(ask.to.tomorrow().map_err(base::Error::from_source)?)?);
    Ok(Found {
        remarks: reports::remarks(read, &ask.filter, from, to, REMARKS as u32)?,
        tables,
        is_behind: reports::is_behind(read)?,
        people: identity::users::staff(read)?.into_iter().map(|u| (u.id.to_string(), u.name)).collect(),
        teams: identity::teams::all(read)?.into_iter().map(|t| (t.id.to_string(), t.name)).collect(),
        categories: desk::categories::all(read)?.into_iter().map(|c| (c.slug, c.name)).collect(),
        ask,
    })
}

async fn show(State(app): State<App>, who: StaffPage, Params(query): Params<ReportQuery>) -> Outcome {
    check_role(&who.staff)?;
    let asked = query.clone();
    let (found, problems) = app
        .read(who.scope(), move |read| match asked.ask(read) {
            Ok(ask) => Ok((find(read, ask)?, Vec::new())),
            // What was typed stays in its fields; beneath is the report there is without it.
            Err(error) if !error.field_errors().is_empty() => {
                let ask = ReportQuery::default().ask(read)?;
                Ok((find(read, ask)?, Problem::from_error(&error)))
            }
            Err(error) => Err(error),
        })
        .await?;
    let is_wrong = !problems.is_empty();
    let view = view(&who, &query, found, problems);
    if is_wrong {
        return who.again(&app, HOME, "reports/reports.html", view).await;
    }
    who.show(&app, "reports/reports.html", view).await
}

fn view(who: &StaffPage, query: &ReportQuery, found: Found, problems: Vec<Problem>) -> views::Reports {
    let ask = &found.ask;
    let (from, to) = (ask.from.to_string(), ask.to.to_string());
    let set = |value: &Option<String>| value.clone().unwrap_or_default();
    let filters = [
        ("team", set(&query.team)),
        ("assigned_to", set(&query.assigned_to)),
        ("channel", set(&query.channel)),
        ("category", set(&query.category)),
        ("priority", set(&query.priority)),
    ];
    // The page with another range, or with one filter set.
    let with = |path: &str, from: &str, to: &str, change: Option<(&str, &str)>| {
        let mut values = vec![("from", from), ("to", to)];
        for (name, value) in &filters {
            values.push((name, change.filter(|(n, _)| n == name).map_or(value.as_str(), |(_, v)| v)));
        }
        href(path, &values)
    };
    let narrowed = |name: &str, value: &str| with(HOME, &from, &to, Some((name, value)));
    let say = |key: &str| who.say(key);
    let names = Names { locale: &who.user.locale, say: &say, narrowed: &narrowed };
    let sections = found
        .tables
        .iter()
        .map(|table| {
            let csv = with(&format!("{HOME}/{}/csv", table.report), &from, &to, None);
            section(&names, ask, table, csv)
        })
        .collect();
    let ranges = RANGES.map(|days| {
        let first = ask.today.checked_sub((days - 1).days()).unwrap_or(ask.today);
        views::Link {
            href: with(HOME, &first.to_string(), &ask.today.to_string(), None),
            label: who.say(&format!("report-days-{days}")),
            current: ask.to == ask.today && ask.from == first,
        }
    });
    let choices = |any: &str, none: Option<&str>, selected: &str, known: Vec<(String, String)>| {
        let mut out = vec![Choice::new("", who.say(any), selected.is_empty())];
        out.extend(none.map(|none| Choice::new("none", who.say(none), selected == "none")));
        out.extend(known.into_iter().map(|(value, label)| {
            let is_selected = value == selected;
            Choice::new(value, label, is_selected)
        }));
        out
    };
    let words = |kind: &str, all: Vec<&str>| {
        all.into_iter().map(|w| (w.to_owned(), who.say(&format!("{kind}-{w}")))).collect::<Vec<_>>()
    };
    let [team, agent, channel, category, priority] = filters.each_ref().map(|(_, value)| value.as_str());
    let filter = |name: &str, choices| views::Filter {
        name: name.into(),
        label: who.say(&format!("report-by-{name}")),
        choices,
    };
    let channels = words("channel", Channel::ALL.iter().map(|c| c.as_str()).collect());
    let priorities = words("priority", Priority::ALL.iter().rev().map(|p| p.as_str()).collect());
    let has_filter = filters.iter().any(|(_, value)| !value.is_empty());
    views::Reports {
        ranges: ranges.into(),
        today: ask.today.to_string(),
        zone: ask.zone.iana_name().unwrap_or("UTC").to_owned(),
        filters: vec![
            filter("team", choices("report-any-team", Some("report-no-team"), team, found.teams)),
            filter("assigned_to", choices("report-any-agent", Some("nobody"), agent, found.people)),
            filter("channel", choices("report-any-channel", None, channel, channels)),
            filter("category", choices("report-any-category", None, category, found.categories)),
            filter("priority", choices("report-any-priority", None, priority, priorities)),
        ],
        reset_href: has_filter.then(|| href(HOME, &[("from", &from), ("to", &to)])),
        is_behind: found.is_behind,
        summary: summary(&names, &found.tables),
        sections,
        remarks: found
            .remarks
            .into_iter()
            .map(|r| views::Remark {
                href: format!("/desk/tickets/{}", r.ticket_id),
                number: r.ticket_number,
                subject: r.subject,
                score: r.score,
                comment: r.comment,
                at: r.answered_at,
            })
            .collect(),
        remarks_csv_href: with(&format!("{HOME}/{}/csv", Report::Remarks), &from, &to, None),
        from: if problems.is_empty() { from.clone() } else { set(&query.from) },
        to: if problems.is_empty() { to.clone() } else { set(&query.to) },
        problems,
    }
}

/// The large numbers: totals of the tables beneath.
fn summary(names: &Names<'_>, tables: &[Table]) -> Vec<views::Figure> {
    let of = |report: Report, key: &str| {
        let table = tables.iter().find(|t| t.report == report)?;
        let at = table.columns.iter().position(|c| c.key == key)?;
        let value = table.total.as_ref()?.get(at)?;
        Some(shown(table.columns.get(at)?.kind, value, names.locale))
    };
    let p90 = |report, key| {
        of(report, key).filter(|v| v != "–").map(|v| format!("{} {v}", (names.say)("report-p90")))
    };
    [
        ("created", of(Report::Volume, "created"), None),
        ("resolved", of(Report::Volume, "resolved"), None),
        ("open", of(Report::BacklogAge, "open"), Some((names.say)("report-now"))),
        (
            "first_response",
            of(Report::FirstResponse, "first_response_median_minutes"),
            p90(Report::FirstResponse, "first_response_p90_minutes"),
        ),
        (
            "resolution",
            of(Report::Resolution, "resolution_median_minutes"),
            p90(Report::Resolution, "resolution_p90_minutes"),
        ),
        ("sla", of(Report::Sla, "on_time_share"), None),
        ("reopens", of(Report::Reopens, "reopened_share"), None),
        ("satisfaction", of(Report::Satisfaction, "satisfied_share"), None),
    ]
    .into_iter()
    .map(|(key, value, note)| views::Figure {
        label: (names.say)(&format!("report-figure-{key}")),
        value: value.unwrap_or_else(|| "–".into()),
        note: note.unwrap_or_default(),
    })
    .collect()
}

fn section(names: &Names<'_>, ask: &Ask, table: &Table, csv_href: String) -> views::Section {
    let key = table.report.as_str();
    let (draw, columns, bar): (Option<Draw>, &[&str], Option<&str>) = match table.report {
        Report::Volume => (Some(Draw::Beside), &["created", "resolved"], None),
        Report::Backlog => (Some(Draw::Lines), &["open"], None),
        Report::FirstResponse => {
            (Some(Draw::Lines), &["first_response_median_minutes", "first_response_p90_minutes"], None)
        }
        Report::Resolution => {
            (Some(Draw::Lines), &["resolution_median_minutes", "resolution_p90_minutes"], None)
        }
        Report::Sla => (Some(Draw::Stacked), &["on_time", "late"], None),
        Report::Reopens => (Some(Draw::Stacked), &["reopened"], None),
        Report::Satisfaction => (Some(Draw::Beside), &["answered", "satisfied"], None),
        Report::BacklogAge => (None, &[], Some("open")),
        Report::FirstResponseBands => (None, &[], Some("responded")),
        Report::ResolutionBands => (None, &[], Some("resolved")),
        _ => (None, &[], Some("created")),
    };
    let title = (names.say)(&format!("report-{key}"));
    let columns: Vec<(&str, String)> =
        columns.iter().map(|c| (*c, (names.say)(&format!("report-col-{c}")))).collect();
    let picture = draw.and_then(|draw| {
        let alt = format!("{title}. {}", (names.say)("report-alt"));
        chart(table, draw, &columns, &names.labels(ask, table), alt, |kind: Kind, value: &Value| {
            shown(kind, value, names.locale)
        })
    });
    views::Section {
        key: key.to_owned(),
        title,
        note: (names.say)(&format!("report-note-{key}")),
        csv_href,
        is_open: draw.is_none(),
        chart: picture,
        table: names.table(ask, table, bar),
    }
}
