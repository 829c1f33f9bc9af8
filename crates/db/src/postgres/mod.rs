//! PostgreSQL through the synchronous client: own threads with a connection each, because that client may neither
//! connect nor drop on a runtime's worker.

mod connect;
mod later;
mod many;
mod pool;
mod session;
mod signals;

pub use connect::{connect, maintenance};
pub use pool::{Pool, Shared};
pub use session::{CommonQuestions, Session, round_trips};
