//! The SQL room: the only crate that names `rusqlite` or `postgres` (ADR-0002).
//!
//! ```ignore
//! let ticket = db.write(scope, |tx| tickets::resolve(tx, id)).await?;   // commits, then answers
//! let page = db.read(scope, |read| tickets::list(read, &filter)).await?;
//! ```
//!
//! Rules it protects:
//! - **Domain code is synchronous**: it gets `&mut Tx` or `&Read` and cannot await inside a transaction.
//! - **Acknowledged means on disk**: `write` answers after the commit with fsync.
//! - **Tenants cannot touch each other**: a statement on a tenant's table must bind `tenant_id` to `?1`, and `?1` is
//!   bound by this room from the [`Scope`], not by the caller. Statements that do not are refused when first prepared.
//! - **Nothing grows without bound**: a full queue answers "unavailable", with a time to try again.
//!
//! | file | what it holds |
//! |---|---|
//! | `scope` | for whom a piece of work runs: tenant, actor, request, lane |
//! | `sql` | statements, their registry and the tenant check |
//! | `value`, `row` | what goes in and comes out |
//! | `tx` | `Read` and `Tx` |
//! | `memory` | what a piece of work was told already |
//! | `dialect` | every difference between the engines, by name |
//! | `queue` | the bounded two-lane queue in front of the threads |
//! | `sqlite/`, `postgres/` | the two engines |
//! | `archive/` | every row out of one engine and into either, for backups |
//! | `migrate/` | versioned migrations from one portable text |
//! | `statistics` | what the planner knows of the data |
//! | `search/` | finding by words, with one tokenizer for both engines |
//! | `signals` | what a commit wakes, here and in other replicas |

pub mod archive;
pub mod conformance;
pub mod dialect;
mod errors;
mod handle;
mod memory;
pub mod migrate;
mod postgres;
mod queue;
mod row;
mod scope;
pub mod search;
mod signals;
pub mod sql;
mod sqlite;
pub mod statistics;
mod tx;
mod value;

pub use errors::BUSY;
pub use handle::{Db, EngineKind, Location, Options};
#[doc(hidden)]
pub use inventory;
pub use postgres::round_trips;
pub use queue::Lane;
pub use row::{Columns, FromColumn, Row};
pub use scope::Scope;
pub use signals::{Signals, Wake};
pub use sql::{Reach, Sql};
pub use tx::{Read, Tx};
pub use value::{ToValue, Value};
