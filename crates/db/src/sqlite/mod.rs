//! The embedded engine: one writer thread with group commit, reader threads, checkpoints off the writer.
//!
//! Numbers and the reasons are in ADR-0002. `synchronous = FULL` in WAL mode: an acknowledged write survives power loss.

mod readers;
mod statement;
mod writer;

use std::{path::Path, time::Duration};

use base::Result;
use rusqlite::{Connection, OpenFlags};

pub use readers::Readers;
pub use statement::{execute, for_each};
pub use writer::Writer;

use crate::errors;

/// How long a write waits for another process, such as the command line, to finish its own.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);
/// Statements kept prepared by each connection.
const STATEMENT_CACHE: usize = 256;

pub fn open(path: &Path, read_only: bool) -> Result<Connection> {
    let access = if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    };
    let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(errors::sqlite)?;
    conn.busy_timeout(BUSY_TIMEOUT).map_err(errors::sqlite)?;
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
