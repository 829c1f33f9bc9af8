//! Reads of rules and of what they did.

use base::{Id, Result, Timestamp};
use db::Read;
use identity::Staff;
use uuid::Uuid;

use super::{
    log::{self, Outcome, Run},
    model::Rule,
    store,
};
use crate::{Ticket, tickets};

/// All rules, in order.
pub fn all(read: &Read<'_>) -> Result<Vec<Rule>> {
    store::all(read)
}

pub fn get(read: &Read<'_>, id: Id<Rule>) -> Result<Rule> {
    store::get(read, id)
}

/// When a rule fired last, and how often in the days that runs are kept; one more than `cap` stands for more.
pub fn fired(read: &Read<'_>, id: Id<Rule>, cap: u32) -> Result<(Option<Timestamp>, u32)> {
    log::fired(read, id, cap + 1)
}

/// Runs of a rule, newest first.
pub fn runs(
    read: &Read<'_>,
    rule: Id<Rule>,
    outcome: Option<Outcome>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Run>> {
    log::of_rule(read, rule, outcome, before, limit)
}

/// Runs on a ticket that this member of staff may see, newest first: why something happened to it, or did not.
pub fn runs_of_ticket(
    read: &Read<'_>,
    staff: &Staff,
    ticket: Id<Ticket>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Run>> {
    let ticket = tickets::query::get_for_staff(read, staff, ticket)?;
    // Rules look at the survivor, which may be somebody else's.
    let head = tickets::query::get_for_staff(read, staff, ticket.head())?;
    log::of_ticket(read, head.id, before, limit)
}
