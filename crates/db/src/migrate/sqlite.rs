use std::path::{Path, PathBuf};

use base::{Error, Result, Timestamp};
use rusqlite::{Connection, TransactionBehavior};

use super::{Migration, Outcome, pending};
use crate::{EngineKind, errors, sqlite::open};

const VERSIONS: &str = "create table if not exists schema_migrations (
    version integer primary key, name text not null, checksum text not null, applied_at integer not null) strict";

pub fn run(path: &Path, now: Timestamp) -> Result<Outcome> {
    let existed = path.exists();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::from_source)?;
    }
    let mut conn = open(path, false)?;
    let todo = pending(&applied(&conn)?)?;
    if todo.is_empty() {
        return Ok(Outcome { applied: Vec::new(), snapshot: None });
    }
    let snapshot =
        if existed && !applied(&conn)?.is_empty() { Some(snapshot(&conn, path, todo[0])?) } else { None };
    let tx = conn.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(errors::sqlite)?;
    tx.execute_batch(VERSIONS).map_err(errors::sqlite)?;
    // Another process may have been faster while we waited for the lock.
    let todo = pending(&applied(&tx)?)?;
    for migration in &todo {
        for statement in migration.statements(EngineKind::Sqlite) {
            tx.execute_batch(&statement)
                .map_err(|e| Error::bug(format!("{}: {e} in: {statement}", migration.name)))?;
        }
        tx.execute(
            "insert into schema_migrations values (?1, ?2, ?3, ?4)",
            rusqlite::params![migration.version, migration.name, migration.checksum(), now.as_microsecond()],
        )
        .map_err(errors::sqlite)?;
    }
    tx.commit().map_err(errors::sqlite)?;
    Ok(Outcome { applied: todo.iter().map(|m| m.name).collect(), snapshot })
}

pub fn applied_at(path: &Path) -> Result<Vec<(i64, String)>> {
    applied(&open(path, true)?)
}

fn applied(conn: &Connection) -> Result<Vec<(i64, String)>> {
    let there = conn.table_exists(None, "schema_migrations").map_err(errors::sqlite)?;
    if !there {
        return Ok(Vec::new());
    }
    let mut statement = conn
        .prepare("select version, checksum from schema_migrations order by version")
        .map_err(errors::sqlite)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(errors::sqlite)?;
    rows.collect::<rusqlite::Result<_>>().map_err(errors::sqlite)
}

/// A whole copy beside the database, made before the first change.
fn snapshot(conn: &Connection, path: &Path, first: &Migration) -> Result<PathBuf> {
    let copy = path.with_extension(format!("before-{}.sqlite3", first.name));
    if copy.exists() {
        std::fs::remove_file(&copy).map_err(Error::from_source)?;
    }
    let name = copy
        .to_str()
        .ok_or_else(|| Error::invalid("data_dir.name", "the data folder's path must be UTF-8"))?;
    conn.execute("vacuum into ?1", [name]).map_err(errors::sqlite)?;
    Ok(copy)
}
