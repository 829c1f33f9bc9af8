//! The help centre: articles that answer before anybody has to write to us.
//!
//! Words: an *article* has an address, a category and one or more *texts*, one a language. A text has *versions*, all that
//! were ever saved; the newest is its *draft*, and one of them may be *published*, which is what readers see. A reader's
//! *reach* is what they may read: strangers what is public, people signed in what is for them too.
//!
//! Rules this room protects:
//! - **What is not published reaches no reader**: all they are shown is selected from `portal_…` views (ADR-0006), and the
//!   words they search are those of what is published, so that writing a draft changes no byte they get;
//! - a version is never changed; restoring one saves it again;
//! - a save against an older state is refused, whichever text of the article changed;
//! - no counter is one row that everybody writes (views, feedback, deflections).
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | types, addresses, languages, what is checked without a database |
//! | `categories` | the sections of the help centre |
//! | `ops` | write, publish, archive, restore, order |
//! | `store` | rows of articles, texts and versions |
//! | `query` | what staff read |
//! | `portal` | what readers read |
//! | `words`, `search` | the index of words; finding and suggesting (ADR-0013) |
//! | `reactions` | helpful or not, what was answered before it was asked, how often it was read |

pub mod categories;
mod model;
mod ops;
pub mod portal;
pub mod query;
pub mod reactions;
pub mod search;
mod store;
mod words;

pub use model::*;
pub use ops::{Patch, archive, change, create, move_by, publish, restore, restore_version, save, unpublish};
