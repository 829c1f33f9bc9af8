//! Tickets: somebody needs something, and somebody answers.
//!
//! Words: a *message* is what customer and staff say to each other; a *note* is internal; an *audit* is a line of the
//! history; a *claim* is taking a ticket that is nobody's.
//!
//! Rules this room protects:
//! - what a customer is shown comes from `portal`, whose statements cannot select an internal row;
//! - a change is one commit: row, history, event, job;
//! - nothing is overwritten unseen: `version` for staff, `public_version` for customers.
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | types and pure rules: lifecycle, priorities, who may change what |
//! | `ops/` | the verbs: create, staff_message, change, customer_reply, file, confirm, close_resolved … |
//! | `query`, `filter` | reads for staff: queue, counts, conversation, history |
//! | `portal` | the customer's read model |
//! | `stats` | figures over a range |
//! | `jobs` | telling people: letters and notices |
//! | `store` | SQL and row mapping, private |

mod filter;
pub mod jobs;
mod model;
mod ops;
pub mod portal;
pub mod query;
pub mod stats;
mod store;

pub use filter::{Assignee, Order, Range, Sort, TicketFilter};
pub use model::*;
pub use ops::change::{check_context, check_links, check_tags};
pub use ops::{
    CustomerPatch, Filed, For, NewMessage, NewTicket, TicketPatch, archive_old, change, change_own,
    close_resolved, confirm, create, customer_reply, file, leave_team, mark_read_by_staff, staff_message,
    user_of,
};

/// Records what became of a letter on the message it carried.
pub fn letter_settled(tx: &mut db::Tx<'_>, letter: uuid::Uuid, status: &str) -> base::Result<()> {
    store::set_delivery_of_letter(tx, letter, status)
}
