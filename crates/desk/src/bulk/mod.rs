//! One change of many tickets: what happened to each is kept, and it can be taken back.
//!
//! Rules this room protects:
//! - each ticket changes as if somebody had changed it alone: same rights, same history, same letters;
//! - one that cannot be changed stops none of the others, and says why;
//! - work goes in batches, each a commit of its own, so that nobody waits for all of them;
//! - taking it back restores exactly what nobody touched since, field by field, and says who touched the rest.
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | what is asked, what became of it |
//! | `ops` | begin, one batch forward |
//! | `undo` | one batch back |
//! | `since` | what happened to tickets since they were changed |
//! | `jobs` | batches in the background |
//! | `store` | rows |

pub mod jobs;
mod model;
mod ops;
mod since;
mod store;
mod undo;

pub use model::*;
pub use ops::{MOST, begin, collect, collect_named, give_up_abandoned, run_batch, start};
pub use store::{get, items};
pub use undo::{undo, undo_batch};
