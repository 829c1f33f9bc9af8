//! Bytes that nothing names any more: what was attached to a purged ticket, its mails as they arrived, files of its letters;
//! mail that led nowhere and its files.
//!
//! The rule this room protects: **what is deleted for good is gone from the disk too, and nothing that anybody can still
//! open ever is.** One content has one blob however often it is attached, so a purge only writes down what it let go of.
//! Later, when whatever was under way has committed, a job looks whether something else names it. The store itself keeps
//! what was stored again since. A store that cannot tell so in one step keeps aside what it removes; later the same question is
//! asked once more, and it is put back or gone for good.

mod jobs;
mod store;

pub use jobs::{SweepLeftovers, Sweeper, sweep_due};
pub(crate) use store::{note, note_files, note_ticket};
