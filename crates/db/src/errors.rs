//! What the engines' errors mean to a caller.

use base::{Error, Kind};
use postgres::error::SqlState;
use rusqlite::ErrorCode;

pub const STORAGE_FULL: &str = "storage.full";
/// Others were in the way: the same again may succeed.
pub const BUSY: &str = "db.busy";

#[track_caller]
fn storage_full() -> Error {
    Error::new(
        Kind::StorageFull,
        STORAGE_FULL,
        "the disk is full: nothing was changed, reading goes on, and writing resumes when there is room",
    )
}

#[track_caller]
pub fn sqlite(e: rusqlite::Error) -> Error {
    match e.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => storage_full(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::unavailable(BUSY, "the database is busy; try again")
        }
        // A full disk also shows as a failed write or a failed growth of the shared-memory file.
        Some(ErrorCode::SystemIoFailure) if e.to_string().contains("disk I/O") && disk_is_full(&e) => {
            storage_full()
        }
        _ => Error::from_source(e),
    }
}

fn disk_is_full(e: &rusqlite::Error) -> bool {
    // SQLITE_IOERR_WRITE, _FSYNC, _TRUNCATE, _SHMSIZE: what the kernel's ENOSPC and EDQUOT surface as.
    matches!(e, rusqlite::Error::SqliteFailure(code, _) if matches!(code.extended_code, 778 | 1034 | 1546 | 4874))
}

#[track_caller]
pub fn postgres(e: postgres::Error) -> Error {
    let Some(state) = e.code() else {
        // Also where the network says so itself, as when the server's machine goes in the middle of an answer.
        let is_broken = std::error::Error::source(&e).is_some_and(|source| source.is::<std::io::Error>());
        if e.is_closed() || is_broken {
            return Error::unavailable("db.connection_lost", "the database connection was lost; try again");
        }
        return Error::from_source(e);
    };
    if *state == SqlState::DISK_FULL {
        return storage_full();
    }
    let retry = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::LOCK_NOT_AVAILABLE,
    ];
    if retry.contains(state) {
        return Error::unavailable(BUSY, "the database is busy; try again");
    }
    let detail =
        e.as_db_error().map_or_else(|| e.to_string(), |d| format!("{} ({:?})", d.message(), d.constraint()));
    let mut error = Error::bug(detail);
    if state.code().starts_with("08") {
        error = Error::unavailable("db.connection_lost", "the database connection was lost; try again");
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_is_cut_is_nobodys_mistake() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Closed with something unread in it, a connection is reset and not ended.
        let server = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            while stream.peek(&mut [0; 1]).unwrap() == 0 {}
        });
        let connected =
            postgres::Client::connect(&format!("postgres://a@127.0.0.1:{port}/a"), postgres::NoTls);
        server.join().unwrap();
        let Err(error) = connected else { panic!("nobody is there") };
        assert_eq!(postgres(error).kind(), Kind::Unavailable);
    }
}
