//! One change of many tickets: what happened to each is kept, and it can be taken back.
//!
//! Rules this room protects:
//! - each ticket changes as if somebody had changed it alone: same rights, same history, same letters;
//! - one that cannot be changed stops none of the others, and says why;
//! - work goes in batches, each a commit of its own, so that nobody waits for all of them;
//! - taking it back restores exactly what nobody touched since, and leaves the rest.
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | what is asked, what became of it |
//! | `ops` | begin, one batch forward, one batch back |
//! | `jobs` | batches in the background |
//! | `store` | rows |

pub mod jobs;
mod model;
mod ops;
mod store;

pub use model::*;
pub use ops::{MOST, begin, collect, give_up_abandoned, run_batch, start, undo, undo_batch};
pub use store::{get, items};
