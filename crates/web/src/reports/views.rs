use serde::Serialize;

use crate::kit::forms::{Choice, Problem};

/// `reports/reports.html`, `GET /desk/reports?from=&to=&team=&assigned_to=&channel=&category=&priority=` (dates, ids,
/// words; `none` for nobody and no team).
#[derive(Debug, Default, Serialize)]
pub struct Reports {
    pub ranges: Vec<Link>,
    /// Dates `2026-11-21`, the tenant's zone.
    pub from: String,
    pub to: String,
    pub today: String,
    pub zone: String,
    pub filters: Vec<Filter>,
    /// Where all filters are off; none when none is on.
    pub reset_href: Option<String>,
    pub problems: Vec<Problem>,
    /// Tickets are still being counted.
    pub is_behind: bool,
    pub summary: Vec<Figure>,
    pub sections: Vec<Section>,
    pub remarks: Vec<Remark>,
    pub remarks_csv_href: String,
}

#[derive(Debug, Serialize)]
pub struct Link {
    pub href: String,
    pub label: String,
    pub current: bool,
}

/// One select: `name` is the parameter.
#[derive(Debug, Serialize)]
pub struct Filter {
    pub name: String,
    pub label: String,
    pub choices: Vec<Choice>,
}

/// A large number on top.
#[derive(Debug, Serialize)]
pub struct Figure {
    pub label: String,
    pub value: String,
    pub note: String,
}

/// One report: chart, table, CSV.
#[derive(Debug, Default, Serialize)]
pub struct Section {
    pub key: String,
    pub title: String,
    pub note: String,
    pub csv_href: String,
    pub chart: Option<Chart>,
    pub table: Table,
    /// Whether the table is shown without asking: where it is short, or the only thing there is.
    pub is_open: bool,
}

/// A picture of a table, which says the same in numbers. `width` by 100, stretched to whatever there is.
#[derive(Debug, Default, Serialize)]
pub struct Chart {
    pub width: u32,
    pub alt: String,
    pub bars: Vec<Bar>,
    pub lines: Vec<Line>,
    /// From the top: largest, half, nothing.
    pub scale: Vec<String>,
    /// First, middle, last.
    pub axis: Vec<String>,
    pub legend: Vec<Legend>,
}

#[derive(Debug, Serialize)]
pub struct Bar {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    /// `a`, `b`, `bad`: see the CSS.
    pub ink: &'static str,
    pub title: String,
}

/// `points` as SVG reads them.
#[derive(Debug, Serialize)]
pub struct Line {
    pub points: String,
    pub ink: &'static str,
}

#[derive(Debug, Serialize)]
pub struct Legend {
    pub ink: &'static str,
    pub label: String,
}

#[derive(Debug, Default, Serialize)]
pub struct Table {
    pub heads: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    pub total: Option<Vec<Cell>>,
}

/// The first of a row is its name.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cell {
    pub text: String,
    pub href: Option<String>,
    /// 0 to 100, drawn beside the number.
    pub bar: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct Remark {
    pub href: String,
    pub number: String,
    pub subject: String,
    pub score: u8,
    pub comment: String,
    pub at: base::Timestamp,
}
