//! Customer satisfaction: after a ticket was resolved its customer is asked once how it went.
//!
//! Rules this room protects:
//! - one question a ticket, however often it is resolved; none for spam and duplicates, and none while it is open again;
//! - the link is unguessable, kept hashed, and good for this one question; whoever holds it sees number and subject;
//! - an answer may be changed for [`CHANGEABLE_DAYS`] days, then it stands.
//!
//! | file | what |
//! |---|---|
//! | `model` | types and pure rules |
//! | `ops` | asking and answering |
//! | `query` | the answer on a ticket, figures over a range |
//! | `jobs` | the letter, some time after the resolution |

pub mod jobs;
mod model;
mod ops;
pub mod query;

pub use model::*;
pub use ops::{answer, ask, asked, forget_ticket, is_stopped, leave_team, stop};
