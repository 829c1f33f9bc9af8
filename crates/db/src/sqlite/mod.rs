//! The embedded engine: one writer thread with group commit, reader threads, checkpoints off the writer.
//!
//! Numbers and the reasons are in ADR-0002. `synchronous = FULL` in WAL mode: an acknowledged write survives power loss.

mod readers;
mod statement;
mod writer;

use std::{path::Path, time::Duration};

use base::Result;
use rusqlite::{Connection, OpenFlags, config::DbConfig};

pub use readers::Readers;
pub use statement::{execute, for_each};
pub use writer::Writer;

use crate::errors;

/// How long a write waits for another process, such as the command line, to finish its own.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);
/// SQLite has no queue of those who wait. It asks every millisecond instead of ever less often, so that the pauses of a
/// server that writes without end are noticed.
fn wait_for_others(times: i32) -> bool {
    const EVERY: Duration = Duration::from_millis(1);
    std::thread::sleep(EVERY);
    EVERY * times.unsigned_abs() < BUSY_TIMEOUT
}

/// Statements kept prepared by each connection.
const STATEMENT_CACHE: usize = 256;

pub fn open(path: &Path, read_only: bool) -> Result<Connection> {
    let access = if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    };
    let mut conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(errors::sqlite)?;
    conn.busy_handler(Some(wait_for_others)).map_err(errors::sqlite)?;
    // A statement keeps its plan: without this it is prepared anew whenever a value that the statistics know of changes.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(errors::sqlite)?;
    conn.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    let pragmas = if read_only {
        "pragma query_only = on; pragma cache_size = -4096; pragma temp_store = memory;"
    } else {
        "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma cache_size = -16384;
         pragma temp_store = memory; pragma wal_autocheckpoint = 0; pragma trusted_schema = off;"
    };
    conn.execute_batch(pragmas).map_err(errors::sqlite)?;
    Ok(conn)
}
