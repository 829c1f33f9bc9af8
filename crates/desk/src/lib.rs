//! The desk: tickets, their conversation, history and queues; saved views; rules; changes of many tickets at once; what
//! agents are writing; macros and canned replies; satisfaction; reports.

pub mod articles;
pub mod bulk;
pub mod categories;
pub mod channels;
pub mod composing;
pub mod csat;
pub mod intake;
pub mod leftovers;
pub mod macros;
pub mod reports;
pub mod rules;
pub mod tickets;
pub mod views;

pub use tickets::Ticket;

use db::Tx;

/// What a new tenant needs before its first ticket.
pub fn prepare_tenant(tx: &mut Tx<'_>) -> base::Result<()> {
    db::dialect::start_series(tx, "ticket", 1)?;
    categories::seed(tx)
}
