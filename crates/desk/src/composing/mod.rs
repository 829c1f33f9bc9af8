//! What agents are writing: drafts that outlive a tab, answers that can still be taken back, and who else is looking.
//!
//! Rules this room protects:
//! - a draft is its author's alone, and is gone when what it became was sent;
//! - a note begun for the team never becomes an answer to the customer: each kind has a draft of its own;
//! - an answer that is held is no message: the customer, the clocks and the letters know of it when it is released;
//! - what cannot be released is a draft again, and its author is told: nothing that was written is lost;
//! - two people never answer over each other: an answer held by one is news to the other.
//!
//! | file | what it holds |
//! |---|---|
//! | `drafts` | an answer and a note for each person and ticket, with files that were stored already |
//! | `held` | undo send: hold, take back, release |
//! | `presence` | who is looking, who is writing |

pub mod drafts;
pub mod held;
pub mod presence;

use base::{Error, Id, Result};
use db::Tx;
use identity::{Staff, User};

use crate::tickets::Ticket;

/// Whoever writes: a person. A key has no desk.
fn author(staff: &Staff) -> Result<Id<User>> {
    if staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    staff
        .user_id
        .ok_or_else(|| Error::forbidden("role.person_only", "drafts and presence are people's, not a key's"))
}

/// What is being written on a ticket that is merged goes on in the survivor, whose page is the one that shows.
pub(crate) fn follow(tx: &mut Tx<'_>, from: Id<Ticket>, to: Id<Ticket>) -> Result<()> {
    drafts::follow(tx, from, to)?;
    held::follow(tx, from, to)
}

/// Removes what is being written on a ticket whose content is removed.
pub(crate) fn forget_ticket(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    drafts::forget_ticket(tx, ticket)?;
    held::forget_ticket(tx, ticket)
}

/// Forgets what is of no use any more: rows of people long gone, drafts nobody touched for a quarter of a year.
pub fn forget_old(tx: &mut Tx<'_>) -> Result<()> {
    presence::forget_old(tx)?;
    drafts::forget_old(tx)
}
