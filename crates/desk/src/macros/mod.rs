//! What agents say and do again and again. A *canned reply* is text to insert into an answer; a *macro* is a reply or a
//! note together with changes, applied at once, to one ticket or to many.
//!
//! Rules this room protects:
//! - a text names only placeholders that exist, and changes name only people, teams and categories that exist: checked when
//!   it is saved, with an answer that lists what there is;
//! - applying a macro is the verbs it stands for: same rights, same history, same letters, all of it or nothing;
//! - who sees one: its owner, the team it is shared with, or everybody; as views do;
//! - counting uses makes no row everybody's.
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | types, what is checked without a database |
//! | `placeholders` | `{{ticket.number}}` and its like |
//! | `ops` | save, change, delete, apply, insert |
//! | `store` | rows and uses; reads |

mod model;
mod ops;
mod placeholders;
mod store;

pub use model::*;
pub use ops::{Applied, Means, apply, change, delete, get_visible, insert, save};
pub(crate) use ops::{apply_held, count_uses};
pub use placeholders::{KNOWN, Values, check, fill, fill_markdown, values};
pub use store::{leave_team, visible};
