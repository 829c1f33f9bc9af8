//! Tickets: somebody needs something, and somebody answers.
//!
//! Words: a *message* is what customer and staff say to each other; a *note* is internal; an *audit* is a line of the
//! history; a *claim* is taking a ticket that is nobody's.
//!
//! Rules this room protects:
//! - what a customer is shown comes from `portal`, whose statements cannot select an internal row;
//! - a change is one commit: row, history, event, job;
//! - nothing is overwritten unseen: `version` for staff, `public_version` for customers;
//! - whoever takes the rows of several tickets takes them in one order (`ops/hold`), so that nobody waits in a circle.
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | types and pure rules: lifecycle, priorities, who may change what |
//! | `ops/` | the verbs: create, staff_message, change, customer_reply, file, confirm, close_resolved … |
//! | `query`, `filter` | reads for staff: queue, counts, conversation, history |
//! | `portal` | the customer's read model |
//! | `relations`, `participants`, `checklist`, `time_entries`, `tags`, `mentions` | what is kept beside a ticket |
//! | `counts` | counters of the queue, kept by the changes that move them |
//! | `search/` | finding by words and operators, for staff and for customers |
//! | `stats` | figures over a range |
//! | `jobs`, `announce`, `letter_files`, `words` | telling people: the job, who gets which letter or notice, its files and words |
//! | `store` | SQL and row mapping, private |

mod announce;
pub mod checklist;
pub mod counts;
mod filter;
pub mod jobs;
mod letter_files;
pub mod mentions;
mod model;
mod ops;
pub mod participants;
pub mod portal;
pub mod query;
pub mod relations;
pub mod search;
pub mod stats;
mod store;
pub mod tags;
mod team_news;
pub mod time_entries;
mod words;

pub(crate) use announce::write_to_customer;
pub use filter::{Assignee, Order, Range, Sort, TicketFilter};
pub use model::*;
pub use ops::change::{check_assignee, check_context, check_links, check_tags};
pub use ops::{
    BlockedSender, CustomerPatch, Filed, For, Forward, ForwardSeen, NewForward, NewMessage, NewTicket,
    SplitOff, TicketPatch, archive_old, block, blocked, change, change_held, change_own, close_resolved,
    confirm, create, customer_reply, file, forward, forward_seen, forwarded, leave_team, mark_read_by_staff,
    mark_spam, merge, merged, purge_deleted, rated, remove, restore, snooze, split, staff_message,
    take_answer, unblock, unmerge, unsnooze, user_of, wake_due, withdraw,
};
pub(crate) use ops::{
    Overheard, admit, answered_elsewhere, hold_threads, is_past, join, lock_head, lock_whole, note_macro,
    overhear, restore_held,
};
pub use query::Extras;
pub(crate) use search::filing_together;
pub(crate) use store::{by_ids, lock, lock_all};

/// Everybody of a team watches a ticket from now on.
pub(crate) fn watch_as_team(
    tx: &mut db::Tx<'_>,
    ticket: base::Id<Ticket>,
    team: &identity::teams::Team,
) -> base::Result<()> {
    let mut watchers = query::extras(tx, &[ticket])?.remove(&ticket).unwrap_or_default().watchers;
    let before = watchers.len();
    watchers.extend(team.members.iter().copied());
    watchers.sort();
    watchers.dedup();
    watchers.truncate(WATCHERS_MAX);
    if watchers.len() > before { store::set_watchers(tx, ticket, &watchers) } else { Ok(()) }
}

/// Watchers that a team brings at most.
const WATCHERS_MAX: usize = 100;

/// Records what became of a letter on the message it carried.
pub fn letter_settled(tx: &mut db::Tx<'_>, letter: uuid::Uuid, status: &str) -> base::Result<()> {
    store::set_delivery_of_letter(tx, letter, status)
}
