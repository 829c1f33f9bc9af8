//! The verbs of a ticket. Each is one transaction with its history, event and jobs.

mod age;
pub(crate) mod change;
mod create;
mod customer;
mod reply;

use base::{Id, Result};
use db::Tx;
use engine::{Event, Publish};

pub use age::{archive_old, close_resolved};
pub use change::{TicketPatch, change};
pub use create::{Filed, For, NewTicket, create, file, user_of};
pub use customer::{CustomerPatch, change_own, confirm, customer_reply};
pub use reply::{NewMessage, staff_message};

use super::{
    model::Ticket,
    store::{self, NewAudit},
};
use identity::Staff;

/// Marks what is unread for this side as read. Not a change: no version, no history.
pub fn mark_read_by_staff(tx: &mut Tx<'_>, staff: &Staff, id: Id<Ticket>) -> Result<()> {
    let ticket = super::query::get_for_staff(tx, staff, id)?;
    if ticket.unread_by_agent > 0 {
        store::mark_read(tx, id, false)?;
    }
    Ok(())
}

db::statements! {
    LEAVE_TEAM = "update tickets set team_id = null, version = version + 1, updated_at = ?3 where tenant_id = ?1 and team_id = ?2";
}

/// Takes every ticket from a team that is about to be deleted; that act is on record with the team.
pub fn leave_team(tx: &mut Tx<'_>, team: Id<identity::teams::Team>) -> Result<u64> {
    let now = tx.now();
    tx.execute(&LEAVE_TEAM, db::params![team, now])
}

fn audit(tx: &mut Tx<'_>, id: Id<Ticket>, line: NewAudit<'_>) -> Result<()> {
    store::insert_audit(tx, id, line).map(|_| ())
}

/// Tells live streams that a ticket changed; the customer's only when they may know.
fn publish(tx: &mut Tx<'_>, topic: &'static str, ticket: &Ticket, is_public: bool) -> Result<()> {
    tx.publish(Event {
        topic,
        ticket_id: Some(ticket.id.uuid()),
        customer_id: Some(ticket.customer_id.uuid()),
        is_public,
        payload: serde_json::json!({ "ticket_number": ticket.ticket_number }),
    })
}

/// Raises the version after a change; the customer's too when the change is one they can see.
fn touch(tx: &Tx<'_>, ticket: &mut Ticket, is_public: bool) {
    let now = tx.now();
    ticket.version += 1;
    ticket.updated_at = now;
    ticket.updated_by.clone_from(&tx.actor().name);
    if is_public {
        ticket.public_version += 1;
        ticket.public_updated_at = now;
    }
}
