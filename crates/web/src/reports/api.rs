//! Reports as JSON and CSV.

use aide::axum::{ApiRouter, routing::get_with};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use base::{Error, Result};
use db::Read;
use desk::reports::{self, Ask, Filter, Interval, Report, Table};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::http::{
    answer::{Answer, Page},
    app::App,
    extract::{At, Params, StaffCaller},
    failure::Outcome,
    part::Part,
    router::{Who, reads},
};

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/api/admin/support/reports",
            get_with(index, |op| {
                reads(op, "admin.reports.list", "Which reports there are, and what they take", Who::Agents)
                    .response::<200, Json<Page<ReportAbout>>>()
            }),
        )
        .api_route(
            "/api/admin/support/reports/{report}",
            get_with(show, |op| {
                reads(op, "admin.reports", "A report over a range of days, as JSON or CSV", Who::Agents)
                    .response::<200, Json<ReportOut>>()
            }),
        )
}

/// A report there is.
#[derive(Serialize, JsonSchema)]
pub struct ReportAbout {
    pub name: Report,
    /// Where it is asked for.
    pub path: String,
    pub parameters: Vec<ParameterAbout>,
}

/// A query parameter of a report.
#[derive(Clone, Serialize, JsonSchema)]
pub struct ParameterAbout {
    pub name: String,
    pub description: String,
}

/// What every report takes, as its schema has it.
fn parameters() -> Vec<ParameterAbout> {
    let schema = schemars::schema_for!(ReportQuery);
    let known = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let about = |of: &Value| of.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    known.map(|(name, of)| ParameterAbout { name: name.clone(), description: about(of) }).collect()
}

pub async fn index(who: StaffCaller, Params(part): Params<Part>) -> Outcome<Answer<Page<ReportAbout>>> {
    check_role(&who.staff)?;
    let parameters = parameters();
    let of = |name: &Report| ReportAbout {
        name: *name,
        path: format!("/api/admin/support/reports/{name}"),
        parameters: parameters.clone(),
    };
    Ok(Answer::ok(part.place()?.of(Report::ALL.iter().map(of).collect())))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ReportAt {
    #[schemars(with = "Report")]
    pub report: String,
}

/// What a report is asked for. Empty is absent.
#[derive(Clone, Debug, Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ReportQuery {
    /// First day, `2026-11-01`, in the tenant's zone; absent: 29 days before `to`.
    pub from: Option<String>,
    /// Last day, included; absent: today.
    pub to: Option<String>,
    /// `day`, `week` (from Monday) or `month`; absent: by the length of the range.
    pub interval: Option<String>,
    /// A team's id, or `none`.
    pub team: Option<String>,
    /// An agent's id, or `none`.
    pub assigned_to: Option<String>,
    /// `email`, `portal`, `phone`, `api`, `ai` or `system`.
    pub channel: Option<String>,
    /// A category's slug.
    pub category: Option<String>,
    /// `low`, `normal`, `high` or `urgent`.
    pub priority: Option<String>,
    /// `json` or `csv`; absent: what `Accept` asks for.
    pub format: Option<String>,
}

/// A report.
#[derive(Serialize, JsonSchema)]
pub struct ReportOut {
    pub report: Report,
    /// First and last day, both included.
    pub from: String,
    pub to: String,
    /// The zone whose days these are.
    pub time_zone: String,
    pub interval: Interval,
    /// False while tickets are still being counted, after an upgrade or a change of the zone.
    pub is_complete: bool,
    /// Names of columns, in order; the unit is in the name.
    pub columns: Vec<String>,
    /// One object a row, by column.
    pub rows: Vec<Map<String, Value>>,
    /// The same over the whole range, where that makes sense.
    pub total: Option<Map<String, Value>>,
}

fn text(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|v| !v.is_empty())
}

/// Somebody's id, or nobody (nil).
fn whom(field: &'static str, value: &Option<String>) -> Result<Option<Uuid>> {
    match text(value) {
        None => Ok(None),
        Some("none") => Ok(Some(Uuid::nil())),
        Some(id) => id.parse().map(Some).map_err(|_| Error::field(field, "report.whom", "an id, or none")),
    }
}

impl ReportQuery {
    /// The checked question.
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn ask(&self, read: &Read<'_>) -> Result<Ask> {
        let date = |field, value: &Option<String>| text(value).map(|v| Ask::date(field, v)).transpose();
        let category = text(&self.category).map(str::to_owned);
        if let Some(slug) = &category {
            let known = desk::categories::all(read)?;
            if !known.iter().any(|c| c.slug == *slug) {
                let names: Vec<&str> = known.iter().map(|c| c.slug.as_str()).collect();
                return Err(Error::field(
                    "category",
                    "category.unknown",
                    format!("one of {}", names.join(", ")),
                ));
            }
        }
        let filter = Filter {
            channel: text(&self.channel).map(str::parse).transpose()?,
            category,
            priority: text(&self.priority).map(str::parse).transpose()?,
            team: whom("team", &self.team)?,
            agent: whom("assigned_to", &self.assigned_to)?,
        };
        let interval = text(&self.interval).map(str::parse).transpose()?;
        let zone = reports::time_zone(read)?;
        Ask::new(date("from", &self.from)?, date("to", &self.to)?, interval, filter, zone, read.now())
    }
}

/// Reports are of the whole queue.
pub fn check_role(staff: &identity::Staff) -> Result<()> {
    if staff.role.sees_all_tickets() {
        return Ok(());
    }
    Err(Error::forbidden("role.no_stats", "figures of the whole queue are for those who see all of it"))
}

/// The report of that name.
pub fn named(name: &str) -> Result<Report> {
    name.parse().map_err(|_| Error::not_found("report"))
}

pub async fn show(
    State(app): State<App>,
    who: StaffCaller,
    headers: HeaderMap,
    At(at): At<ReportAt>,
    Params(query): Params<ReportQuery>,
) -> Outcome<Response> {
    let report = named(&at.report)?;
    check_role(&who.staff)?;
    let accepts = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let is_csv = match text(&query.format) {
        None => accepts.trim_start().starts_with("text/csv"),
        Some("csv") => true,
        Some("json") => false,
        Some(_) => return Err(Error::field("format", "report.format", "json or csv").into()),
    };
    let (ask, table, is_behind) = app
        .read(who.caller.scope(), move |read| {
            let ask = query.ask(read)?;
            let table = reports::table(read, report, &ask)?;
            Ok((ask, table, reports::is_behind(read)?))
        })
        .await?;
    if is_csv {
        return Ok(csv(&ask, &table));
    }
    let row = |row: &Vec<Value>| -> Map<String, Value> {
        table.columns.iter().zip(row).map(|(c, v)| (c.key.to_owned(), v.clone())).collect()
    };
    Ok(Json(ReportOut {
        report,
        from: ask.from.to_string(),
        to: ask.to.to_string(),
        time_zone: ask.zone.iana_name().unwrap_or("UTC").to_owned(),
        interval: ask.interval,
        is_complete: !is_behind,
        columns: table.columns.iter().map(|c| c.key.to_owned()).collect(),
        rows: table.rows.iter().map(row).collect(),
        total: table.total.as_ref().map(row),
    })
    .into_response())
}

/// A table as a file.
pub fn csv(ask: &Ask, table: &Table) -> Response {
    let mut response = reports::csv::write(table).into_response();
    let name = format!("attachment; filename=\"{}-{}-{}.csv\"", table.report, ask.from, ask.to);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}
