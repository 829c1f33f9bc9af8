//! Every row, out of one engine and into either, in values that belong to none: what a backup is made of (ADR-0003).
//!
//! A table is a text of one JSON array a line, its columns in the order of [`columns`]: ids as UUID text, instants as
//! RFC 3339 with microseconds, bytes as base64, JSON as itself. Rows are streamed; no table is held in memory.
//!
//! Rules it protects:
//! - **A dump is one moment**: one read transaction, also while the server writes.
//! - **A load is all or nothing**: one transaction; foreign keys hold at every row, because tables come in the order
//!   they were made.

mod dump;
mod load;

use base::{Error, Result, Timestamp};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use uuid::Uuid;

pub use dump::{Dump, sqlite_problems};
pub use load::{Load, has_data};

use crate::{Row, Value, migrate};

/// What a column holds, by its token in the migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    Id,
    Time,
    Json,
    Bool,
    Int,
    Float,
    Bytes,
    Text,
}

/// The version and checksum of the newest migration: archives are loaded by the schema they were made under.
pub fn schema() -> (i64, String) {
    migrate::ALL.last().map_or((0, String::new()), |m| (m.version, m.checksum()))
}

/// Name and kind of every column of a table, in the order they were made.
pub fn columns(table: &str) -> Vec<(String, ColumnKind)> {
    let mut out = Vec::new();
    for migration in migrate::ALL {
        let text: String =
            migration.text.lines().map(|l| l.split("--").next().unwrap_or(l)).collect::<Vec<_>>().join("\n");
        for statement in text.split(';') {
            let statement = statement.trim();
            if let Some(rest) = statement.strip_prefix(&format!("create table {table} ("))
                && let Some((body, _)) = rest.rsplit_once(')')
            {
                out.extend(top_level(body).into_iter().filter_map(column));
            } else if let Some(rest) = statement.strip_prefix(&format!("alter table {table} add column ")) {
                out.extend(column(rest));
            } else if let Some(gone) = statement.strip_prefix(&format!("alter table {table} drop column ")) {
                out.retain(|(name, _)| name != gone.trim());
            }
        }
    }
    out
}

/// Parts between the commas that are in no parentheses.
fn top_level(body: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (i, c) in body.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&body[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&body[start..]);
    parts
}

fn column(part: &str) -> Option<(String, ColumnKind)> {
    let mut words = part.split_whitespace();
    let (name, kind) = (words.next()?, words.next()?);
    let kind = match kind {
        "{id}" => ColumnKind::Id,
        "{time}" => ColumnKind::Time,
        "{json}" => ColumnKind::Json,
        "{bool}" => ColumnKind::Bool,
        "{int}" | "{money}" => ColumnKind::Int,
        "{float}" => ColumnKind::Float,
        "{bytes}" => ColumnKind::Bytes,
        "text" => ColumnKind::Text,
        // A constraint of the table, not a column.
        _ => return None,
    };
    Some((name.to_owned(), kind))
}

fn names(columns: &[(String, ColumnKind)]) -> String {
    columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

/// One row as a line.
fn line(row: &Row<'_>, columns: &[(String, ColumnKind)]) -> Result<Vec<serde_json::Value>> {
    use serde_json::Value as Json;
    let mut out = Vec::with_capacity(columns.len());
    for (i, (_, kind)) in columns.iter().enumerate() {
        if row.is_null(i)? {
            out.push(Json::Null);
            continue;
        }
        out.push(match kind {
            ColumnKind::Id => Json::from(row.get::<Uuid>(i)?.to_string()),
            ColumnKind::Time => Json::from(row.get::<Timestamp>(i)?.to_string()),
            ColumnKind::Json => row.get(i)?,
            ColumnKind::Bool => Json::from(row.get::<bool>(i)?),
            ColumnKind::Int => Json::from(row.get::<i64>(i)?),
            ColumnKind::Float => Json::from(row.get::<f64>(i)?),
            ColumnKind::Bytes => Json::from(STANDARD.encode(row.bytes(i)?)),
            ColumnKind::Text => Json::from(row.text(i)?),
        });
    }
    Ok(out)
}

/// A line as the values of one row; an error when a value is not what its column holds.
fn values(text: &str, columns: &[(String, ColumnKind)]) -> Result<Vec<Value<'static>>> {
    use serde_json::Value as Json;
    let wrong =
        |what: &str| Error::invalid("backup.row", format!("a row of the backup is not readable: {what}"));
    let cells: Vec<Json> = serde_json::from_str(text).map_err(|e| wrong(&e.to_string()))?;
    if cells.len() != columns.len() {
        return Err(wrong("another number of columns"));
    }
    let parse = |cell: Json, kind: ColumnKind| -> Option<Value<'static>> {
        Some(match (kind, cell) {
            (_, Json::Null) => Value::Null,
            (ColumnKind::Json, cell) => Value::Json(cell.to_string()),
            (ColumnKind::Id, Json::String(s)) => Value::Uuid(Uuid::try_parse(&s).ok()?),
            (ColumnKind::Time, Json::String(s)) => Value::Time(s.parse().ok()?),
            (ColumnKind::Bool, Json::Bool(b)) => Value::Bool(b),
            (ColumnKind::Int, Json::Number(n)) => Value::Int(n.as_i64()?),
            (ColumnKind::Float, Json::Number(n)) => Value::Float(n.as_f64()?),
            (ColumnKind::Bytes, Json::String(s)) => Value::OwnedBytes(STANDARD.decode(s).ok()?),
            (ColumnKind::Text, Json::String(s)) => Value::OwnedText(s),
            _ => return None,
        })
    };
    let cells = cells.into_iter().zip(columns);
    cells.map(|(cell, (name, kind))| parse(cell, *kind).ok_or_else(|| wrong(name))).collect()
}

/// The PostgreSQL sequence behind a number series; see `dialect`.
fn sequence(tenant: Uuid, series: &str) -> String {
    format!("series_{series}_{}", tenant.simple())
}

/// The table whose positions PostgreSQL keeps in sequences.
const SERIES: &str = "number_series";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_its_columns() {
        for table in migrate::archived_tables() {
            assert!(!columns(&table).is_empty(), "{table}");
        }
        let found = columns("attachments");
        assert_eq!(found.len(), 9);
        assert!(found.contains(&("sha256".to_owned(), ColumnKind::Bytes)));
    }
}
