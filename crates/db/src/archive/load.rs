use std::io::{BufRead, BufReader, Read};

use base::{Error, Result};
use uuid::Uuid;

use super::{ColumnKind, SERIES, columns, names, sequence, values};
use crate::{Location, Value, errors, migrate, postgres::maintenance, sqlite};

/// Rows that go to PostgreSQL in one statement.
const BATCH: usize = 100;

/// One transaction that fills an empty, migrated database. Dropped without [`Load::commit`], it never happened.
pub struct Load(Target);

enum Target {
    Sqlite(rusqlite::Connection),
    Postgres(Box<postgres::Client>),
}

/// Whether somebody's data is there. A database without our schema has none.
pub fn has_data(location: &Location) -> Result<bool> {
    match location {
        Location::Sqlite(path) if !path.exists() => Ok(false),
        Location::Sqlite(path) => {
            let conn = sqlite::open(path, false)?;
            if !conn.table_exists(None, "tenants").map_err(errors::sqlite)? {
                return Ok(false);
            }
            conn.query_row("select exists (select 1 from tenants)", [], |row| row.get(0))
                .map_err(errors::sqlite)
        }
        Location::Postgres(url) => {
            let mut client = maintenance(url)?;
            let there = "select to_regclass('tenants') is not null";
            if !client.query_one(there, &[]).map_err(errors::postgres)?.get::<_, bool>(0) {
                return Ok(false);
            }
            let row =
                client.query_one("select exists (select 1 from tenants)", &[]).map_err(errors::postgres)?;
            Ok(row.get(0))
        }
    }
}

impl Load {
    /// Begins, and takes out what is there. Refuses a PostgreSQL database that a server works on.
    pub fn begin(location: &Location) -> Result<Self> {
        let mut load = match location {
            Location::Sqlite(path) => {
                let conn = sqlite::open(path, false)?;
                conn.execute_batch("begin immediate").map_err(errors::sqlite)?;
                Self(Target::Sqlite(conn))
            }
            Location::Postgres(url) => {
                let mut client = maintenance(url)?;
                refuse_beside_a_server(&mut client)?;
                client.batch_execute("begin").map_err(errors::postgres)?;
                drop_sequences(&mut client)?;
                Self(Target::Postgres(Box::new(client)))
            }
        };
        for table in migrate::tables().iter().rev() {
            load.batch(&format!("delete from {table}"))?;
        }
        if matches!(load.0, Target::Sqlite(_)) {
            load.batch("insert into search_words (search_words) values ('delete-all')")?;
        }
        Ok(load)
    }

    fn batch(&mut self, text: &str) -> Result<()> {
        match &mut self.0 {
            Target::Sqlite(conn) => conn.execute_batch(text).map_err(errors::sqlite),
            Target::Postgres(client) => client.batch_execute(text).map_err(errors::postgres),
        }
    }

    /// Loads a table's rows; answers how many the database holds then.
    pub fn table(&mut self, table: &str, rows: &mut dyn Read) -> Result<u64> {
        let columns = columns(table);
        let mut batch: Vec<Vec<Value<'static>>> = Vec::new();
        for line in BufReader::new(rows).lines() {
            batch.push(values(&line.map_err(Error::from_source)?, &columns)?);
            if batch.len() == BATCH {
                self.insert(table, &columns, &batch)?;
                batch.clear();
            }
        }
        for row in batch {
            self.insert(table, &columns, std::slice::from_ref(&row))?;
        }
        self.count(table)
    }

    fn insert(
        &mut self,
        table: &str,
        columns: &[(String, ColumnKind)],
        rows: &[Vec<Value<'static>>],
    ) -> Result<()> {
        match &mut self.0 {
            Target::Sqlite(conn) => {
                let text = insert_text(table, columns, 1, "?");
                let mut statement = conn.prepare_cached(&text).map_err(errors::sqlite)?;
                for row in rows {
                    statement.execute(rusqlite::params_from_iter(row)).map_err(errors::sqlite)?;
                }
                Ok(())
            }
            Target::Postgres(client) => {
                let text = insert_text(table, columns, rows.len(), "$");
                let flat: Vec<&(dyn postgres::types::ToSql + Sync)> =
                    rows.iter().flatten().map(|v| v as _).collect();
                client.execute(&text, &flat).map_err(errors::postgres)?;
                if table == SERIES {
                    rows.iter().try_for_each(|row| start_sequence(client, row))?;
                }
                Ok(())
            }
        }
    }

    fn count(&mut self, table: &str) -> Result<u64> {
        let text = format!("select count(*) from {table}");
        let count: i64 = match &mut self.0 {
            Target::Sqlite(conn) => conn.query_row(&text, [], |row| row.get(0)).map_err(errors::sqlite)?,
            Target::Postgres(client) => client.query_one(&text, &[]).map_err(errors::postgres)?.get(0),
        };
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Makes all of it real.
    pub fn commit(mut self) -> Result<()> {
        // The index of words is in no archive: the server makes it again.
        // The run is any number: the restored jobs may be of an earlier one.
        let run = match &self.0 {
            Target::Sqlite(_) => "abs(random() / 2)",
            Target::Postgres(_) => "cast(random() * 1e15 as bigint)",
        };
        self.batch(&format!(
            "insert into search_progress (tenant_id, is_complete, run) select id, false, {run} from tenants"
        ))?;
        self.batch("commit")
    }
}

fn insert_text(table: &str, columns: &[(String, ColumnKind)], rows: usize, mark: &str) -> String {
    let mut next = 0;
    let mut row = || {
        let marks: Vec<String> = columns
            .iter()
            .map(|_| {
                next += 1;
                format!("{mark}{next}")
            })
            .collect();
        format!("({})", marks.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(|_| row()).collect();
    format!("insert into {table} ({}) values {}", names(columns), rows.join(", "))
}

fn start_sequence(client: &mut postgres::Client, row: &[Value<'static>]) -> Result<()> {
    let [Value::Uuid(tenant), Value::OwnedText(series), Value::Int(next)] = row else {
        return Err(Error::bug("number_series is not as expected"));
    };
    client
        .query_one("select counterfoil_create_sequence($1, $2)", &[&sequence(*tenant, series), next])
        .map(|_| ())
        .map_err(errors::postgres)
}

fn drop_sequences(client: &mut postgres::Client) -> Result<()> {
    let rows = client.query("select tenant_id, series from number_series", &[]).map_err(errors::postgres)?;
    for row in rows {
        let name = sequence(row.get::<_, Uuid>(0), row.get(1));
        client.batch_execute(&format!("drop sequence if exists \"{name}\"")).map_err(errors::postgres)?;
    }
    Ok(())
}

/// The folder's lock tells nothing about replicas on other machines; the database does.
fn refuse_beside_a_server(client: &mut postgres::Client) -> Result<()> {
    let text = "select count(*) from pg_stat_activity where datname = current_database()
        and application_name = 'counterfoil' and pid <> pg_backend_pid()";
    let mut others = 1;
    // A connection of ours that was closed a moment ago may still be shown.
    for _ in 0..10 {
        others = client.query_one(text, &[]).map_err(errors::postgres)?.get::<_, i64>(0);
        if others == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    if others > 0 {
        return Err(Error::conflict(
            "database_url.in_use",
            "a running server works on this database; stop it first",
        ));
    }
    Ok(())
}
