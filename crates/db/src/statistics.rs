//! What the planner knows of the data. Both engines gather it by themselves as rows come and go; after many rows at once
//! (a restore, a large import) they would plan blindly until then.

use base::Result;

use crate::{Location, errors, handle, postgres, sqlite};

/// Gathers the planner's statistics of the whole database now.
///
/// # Errors
/// `db.unreachable`, or what the engine says.
pub fn refresh(location: &Location) -> Result<()> {
    match location {
        Location::Sqlite(path) => sqlite::open(path, false)?
            .execute_batch("pragma analysis_limit = 1000; analyze")
            .map_err(errors::sqlite),
        Location::Postgres(url) => handle::off_the_runtime(|| {
            postgres::maintenance(url)?.batch_execute("analyze").map_err(errors::postgres)
        }),
    }
}
