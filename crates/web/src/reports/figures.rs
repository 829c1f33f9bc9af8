//! Values as a reader wants them, and a table's cells.

use desk::reports::{Ask, Interval, Kind, Table};
use serde_json::Value;

use super::views;
use crate::kit::time;

/// What a value says in words: "2 h 10 min", "91 %", "–" for nothing.
pub fn shown(kind: Kind, value: &Value, locale: &str) -> String {
    let number = value.as_f64();
    match (kind, number) {
        (_, None) if value.is_null() => "–".to_owned(),
        (Kind::Minutes, Some(n)) => time::span((n * 60.0).round() as i64, locale),
        (Kind::Share, Some(n)) => format!("{:.0} %", n * 100.0),
        (Kind::Score, Some(n)) => format!("{n:.1}"),
        (_, Some(n)) => grouped(n.round() as i64),
        _ => value.as_str().unwrap_or_default().to_owned(),
    }
}

/// Thousands apart: 12 345.
fn grouped(n: i64) -> String {
    let digits = n.abs().to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    if n < 0 { format!("−{out}") } else { out }
}

/// The name of a period.
pub fn period(ask: &Ask, value: &Value) -> String {
    let Some(day) = value.as_str().and_then(|d| d.parse::<jiff::civil::Date>().ok()) else {
        return String::new();
    };
    let other_year = day.year() != ask.today.year();
    match ask.interval {
        Interval::Month => day.strftime("%b %Y").to_string(),
        _ if other_year => day.strftime("%-d %b %Y").to_string(),
        _ => day.strftime("%-d %b").to_string(),
    }
}

/// What the page adds to a table.
pub struct Names<'n> {
    pub locale: &'n str,
    /// Words of a key.
    pub say: &'n dyn Fn(&str) -> String,
    /// Where the page is narrowed to a parameter's value.
    pub narrowed: &'n dyn Fn(&str, &str) -> String,
}

impl Names<'_> {
    fn t(&self, key: &str) -> String {
        (self.say)(key)
    }

    /// The name of a row, and where it leads.
    fn first(&self, ask: &Ask, table: &Table, row: &[Value]) -> views::Cell {
        let (Some(column), Some(value)) = (table.columns.first(), row.first()) else {
            return views::Cell::default();
        };
        let text = value.as_str().unwrap_or_default();
        let name = || row.get(1).and_then(Value::as_str);
        let (text, parameter) = match column.key {
            "channel" => (self.t(&format!("channel-{text}")), Some(("channel", text))),
            "priority" => (self.t(&format!("priority-{text}")), Some(("priority", text))),
            "category" => (name().unwrap_or(text).to_owned(), Some(("category", text))),
            "team_id" if value.is_null() => (self.t("report-no-team"), Some(("team", "none"))),
            "agent_id" if value.is_null() => (self.t("nobody"), Some(("assigned_to", "none"))),
            "team_id" => (name().map_or_else(|| self.t("report-gone"), str::to_owned), Some(("team", text))),
            "agent_id" => {
                (name().map_or_else(|| self.t("report-gone"), str::to_owned), Some(("assigned_to", text)))
            }
            "band" | "age" => (self.t(&format!("report-span-{text}")), None),
            _ => (period(ask, value), None),
        };
        let href = parameter.map(|(name, value)| (self.narrowed)(name, value));
        views::Cell { text, href, bar: None }
    }

    /// How many columns name the row.
    fn names_of(table: &Table) -> usize {
        1 + usize::from(table.columns.get(1).is_some_and(|c| c.kind == Kind::Text))
    }

    /// Names of the rows, for a chart.
    pub fn labels(&self, ask: &Ask, table: &Table) -> Vec<String> {
        table.rows.iter().map(|row| self.first(ask, table, row).text).collect()
    }

    /// The table as it is shown; `bar`: the column that is drawn beside its number.
    pub fn table(&self, ask: &Ask, table: &Table, bar: Option<&str>) -> views::Table {
        let skip = Self::names_of(table);
        let bar = bar.and_then(|key| table.columns.iter().position(|c| c.key == key));
        let largest =
            bar.map_or(0.0, |i| table.rows.iter().filter_map(|row| row.get(i)?.as_f64()).fold(0.0, f64::max));
        let cells = |row: &Vec<Value>, is_total: bool| {
            let mut first = self.first(ask, table, row);
            if is_total {
                first = views::Cell { text: self.t("report-total"), ..views::Cell::default() };
            }
            let rest = table.columns.iter().zip(row).enumerate().skip(skip).map(|(i, (column, value))| {
                let is_drawn = !is_total && bar == Some(i) && largest > 0.0;
                views::Cell {
                    text: shown(column.kind, value, self.locale),
                    href: None,
                    bar: value.as_f64().filter(|_| is_drawn).map(|n| n / largest * 100.0),
                }
            });
            std::iter::once(first).chain(rest).collect::<Vec<_>>()
        };
        let heads = table.columns.iter().enumerate().filter(|(i, _)| *i == 0 || *i >= skip);
        views::Table {
            heads: heads.map(|(_, c)| self.t(&format!("report-col-{}", c.key))).collect(),
            rows: table.rows.iter().map(|row| cells(row, false)).collect(),
            total: table.total.as_ref().map(|row| cells(row, true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_people_write_them() {
        assert_eq!(shown(Kind::Count, &12_345.into(), "en"), "12\u{202f}345");
        assert_eq!(shown(Kind::Share, &0.914.into(), "en"), "91 %");
        assert_eq!(shown(Kind::Minutes, &Value::Null, "en"), "–");
        assert_eq!(shown(Kind::Score, &4.25.into(), "en"), "4.2");
    }
}
