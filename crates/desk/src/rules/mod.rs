//! Rules: when something happens to a ticket, or some time after it did, and conditions hold, do something.
//!
//! Words: a *happening* is something in a ticket's history; an *anchor* is an instant that a time-based rule counts from; a
//! *change* is one commit, and the *cause* of a run is the change that started it; a *run* is one look of a rule at a ticket.
//!
//! Rules this room protects:
//! - a change queues its look in its own transaction; a rule looks once at a change, and all it does is one commit;
//! - a chain of changes made by rules never runs the same rule twice, is ten long at most, and a ticket has a budget;
//! - what a rule says is said by nobody: messages of rules and of automatic senders start no rule;
//! - what happened before a rule was switched on starts nothing;
//! - a rule looks once at each due time of a ticket, also when that moves away and comes back;
//! - every look of a rule that was started is explained: what was expected, what was there (ADR-0011).
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | what a rule is: trigger, conditions, actions |
//! | `check` | what may be saved |
//! | `conditions` | whether conditions hold, and why |
//! | `loops` | whether rules would start each other for ever |
//! | `actions`, `assign` | what a rule does; whose turn it is |
//! | `watch` | what changes of tickets leave for rules to do |
//! | `run`, `jobs` | looking, deciding, doing |
//! | `dry_run` | what a rule would have done |
//! | `log` | runs |
//! | `ops`, `query`, `store` | making and reading rules |

mod actions;
mod assign;
mod check;
mod conditions;
pub mod dry_run;
pub mod jobs;
mod log;
mod loops;
mod model;
mod ops;
pub mod query;
mod run;
mod store;
pub(crate) mod watch;

pub use check::{MINUTES_MAX, NAME_MAX};
pub use conditions::{Facts, Looked, Verdict, judge};
pub use log::{Did, Outcome, Run, forget_old};
pub use loops::find_loop;
pub use model::*;
pub use ops::{NewRule, RulePatch, change, create, delete, move_by, order};

/// Forgets what rules did with a ticket whose content goes.
pub(crate) fn forget_ticket(tx: &mut db::Tx<'_>, ticket: base::Id<crate::Ticket>) -> base::Result<()> {
    store::drop_timers_of_ticket(tx, ticket)?;
    log::forget_ticket(tx, ticket)
}
