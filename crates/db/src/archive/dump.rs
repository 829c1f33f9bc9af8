use std::{io::Write, path::Path};

use base::{Error, Result};
use postgres::fallible_iterator::FallibleIterator as _;
use uuid::Uuid;

use super::{ColumnKind, SERIES, columns, line, names, sequence};
use crate::{Location, Row, errors, migrate, postgres::maintenance, sqlite};

/// Everything as it is at one moment. Blocks; belongs on a thread that is no runtime's worker.
pub struct Dump(Source);

enum Source {
    Sqlite(rusqlite::Connection),
    Postgres(Box<postgres::Client>),
}

impl Dump {
    /// Opens the moment. Refuses a database whose schema is not this program's.
    pub fn begin(location: &Location) -> Result<Self> {
        if !migrate::pending_names(location)?.is_empty() {
            return Err(Error::conflict(
                "schema.older",
                "the database's schema is not up to date; run `counterfoil migrate` first",
            ));
        }
        match location {
            Location::Sqlite(path) => {
                let conn = sqlite::open(path, true)?;
                // The first read fixes the moment; `begin` alone does not.
                conn.execute_batch("begin; select count(*) from schema_migrations")
                    .map_err(errors::sqlite)?;
                Ok(Self(Source::Sqlite(conn)))
            }
            Location::Postgres(url) => {
                let mut client = maintenance(url)?;
                client
                    .batch_execute("begin isolation level repeatable read read only")
                    .map_err(errors::postgres)?;
                Ok(Self(Source::Postgres(Box::new(client))))
            }
        }
    }

    /// Writes a table's rows, in the order of its first columns; answers how many.
    pub fn table(&mut self, table: &str, out: &mut dyn Write) -> Result<u64> {
        let columns = columns(table);
        let order: Vec<String> = (1..=columns.len().min(4)).map(|n| n.to_string()).collect();
        let select = format!("select {} from {table} order by {}", names(&columns), order.join(", "));
        let mut count = 0;
        let mut write = |cells: Vec<serde_json::Value>| -> Result<()> {
            serde_json::to_writer(&mut *out, &cells).map_err(Error::from_source)?;
            out.write_all(b"\n").map_err(written)?;
            count += 1;
            Ok(())
        };
        match &mut self.0 {
            Source::Sqlite(conn) => {
                let mut statement = conn.prepare(&select).map_err(errors::sqlite)?;
                let mut rows = statement.raw_query();
                while let Some(row) = rows.next().map_err(errors::sqlite)? {
                    write(line(&Row::Sqlite(row), &columns)?)?;
                }
            }
            Source::Postgres(client) if table == SERIES => {
                for mut cells in series(client, &select, &columns)? {
                    position(client, &mut cells)?;
                    write(cells)?;
                }
            }
            Source::Postgres(client) => {
                let none: [&(dyn postgres::types::ToSql + Sync); 0] = [];
                let mut rows = client.query_raw(&select, none).map_err(errors::postgres)?;
                while let Some(row) = rows.next().map_err(errors::postgres)? {
                    write(line(&Row::Postgres(&row), &columns)?)?;
                }
            }
        }
        Ok(count)
    }
}

fn series(
    client: &mut postgres::Client,
    select: &str,
    columns: &[(String, ColumnKind)],
) -> Result<Vec<Vec<serde_json::Value>>> {
    let rows = client.query(select, &[]).map_err(errors::postgres)?;
    rows.iter().map(|row| line(&Row::Postgres(row), columns)).collect()
}

/// Puts the sequence's position where SQLite keeps it. A sequence may be ahead of the moment, never behind it.
fn position(client: &mut postgres::Client, cells: &mut [serde_json::Value]) -> Result<()> {
    let [tenant, name, next] = cells else { return Err(Error::bug("number_series has three columns")) };
    let (Some(tenant), Some(name)) = (tenant.as_str().and_then(|t| Uuid::try_parse(t).ok()), name.as_str())
    else {
        return Err(Error::bug("number_series is not as expected"));
    };
    let sequence = sequence(tenant, name);
    let there =
        client.query_one("select to_regclass($1) is not null", &[&sequence]).map_err(errors::postgres)?;
    if there.get::<_, bool>(0) {
        // The name is made of our own word and a UUID's digits.
        let row = client
            .query_one(&format!("select last_value, is_called from \"{sequence}\""), &[])
            .map_err(errors::postgres)?;
        *next = (row.get::<_, i64>(0) + i64::from(row.get::<_, bool>(1))).into();
    }
    Ok(())
}

#[track_caller]
fn written(e: std::io::Error) -> Error {
    if e.kind() == std::io::ErrorKind::StorageFull {
        return Error::new(
            base::Kind::StorageFull,
            errors::STORAGE_FULL,
            "the disk is full: nothing was kept",
        );
    }
    Error::from_source(e)
}

/// What SQLite itself says about a file; empty when all is well. For `doctor`.
pub fn sqlite_problems(path: &Path) -> Result<Vec<String>> {
    let conn = sqlite::open(path, true)?;
    let mut statement = conn.prepare("pragma quick_check(20)").map_err(errors::sqlite)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).map_err(errors::sqlite)?;
    let all: Vec<String> = rows.collect::<rusqlite::Result<_>>().map_err(errors::sqlite)?;
    Ok(all.into_iter().filter(|line| line != "ok").collect())
}
