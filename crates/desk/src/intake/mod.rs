//! Intake: mail that comes in, by whatever door, and the ticket each letter lands in.
//!
//! Rules this room protects:
//! - **Nothing is lost.** The raw bytes are durable before anybody reads them; each letter is a job of its own, so one
//!   that cannot be read stops nothing and stands in a list with its cause. All else can be made of them again.
//! - **Proof finds the thread, the sender decides.** A reference leads to a ticket; whoever wrote joins it only when
//!   their address takes part in it already and the letter does not fail the checks of its sender.
//! - **A letter is filed once**, however often it is delivered.
//! - **A program is not answered**, starts no clock and no rule.
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | a letter as it came, and what became of it |
//! | `receive` | taking one at a door |
//! | `work` | the job that reads one: bytes, files, checks of the sender |
//! | `settle` | what is decided about a letter that was read |
//! | `trace` | which ticket a letter leads to, and by what proof |
//! | `file` | writing it into a ticket |
//! | `sent` | mail that left from a channel's mailbox: answers written in a mail program |
//! | `bounce` | letters of ours that came back |
//! | `reply` | what our own letters carry, so that answers find back |
//! | `gone` | deleting what led nowhere, and what was deleted stays gone |
//! | `waiting` | telling people of letters that wait for their decision |
//! | `handle` | what people do with letters: release, discard, read again, admit |
//! | `query`, `store` | reads; SQL and row mapping |

mod bounce;
mod file;
pub(crate) mod gone;
mod handle;
mod model;
pub mod query;
mod receive;
pub mod reply;
pub mod sent;
mod settle;
mod store;
mod trace;
pub mod waiting;
mod work;

pub use gone::purge_strays;
pub use handle::{admit, assign, discard, read_again, release, sweep};
pub use model::{Door, FoundBy, Mail, MailState, MessageMail, Outcome, Standing};
pub(crate) use receive::receive_collected;
pub use receive::{Received, envelope_channels, receive, recipient, return_path};
pub use store::forget_ticket;
pub use work::{MailWorker, WorkMail};
