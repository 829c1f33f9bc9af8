//! Finding tickets: by their words and by what is known of them, in one line of text.
//!
//! Words: an *operator* is `status:open`; a *hit* is a ticket that was found; a *snippet* is the piece of a message
//! around what was looked for.
//!
//! Rules this room protects:
//! - the index is written in the change's own transaction ([`index`]);
//! - a customer's search is put to what the customer can read, and to nothing else ([`mine`]);
//! - what somebody typed and we do not understand is said, never quietly read as something else ([`language`]).
//!
//! | file | what it holds |
//! |---|---|
//! | `language` | the line of text: words, phrases, prefixes, operators |
//! | `condition` | operators as conditions on tickets |
//! | `index` | what a ticket is found by; bringing in what was there before |
//! | `together` | filing many tickets anew at once |
//! | `find` | the desk's search |
//! | `mine` | the customer's search |
//! | `mark` | where the words stand: highlights and snippets |

mod condition;
mod find;
mod index;
mod language;
mod mark;
pub mod mine;
mod together;

pub use condition::Condition;
pub use find::{Facts, Results, SearchOrder, check, highlights, ids, search};
pub use index::{
    CustomerIndexer, Indexer, Step, catch_up, changed, customer_changed, is_behind, missing, rebuild,
};
pub(super) use index::{added, filed};
pub use language::{Key, Query};
pub use mark::{Mark, Marked, marks, snippet};
pub(crate) use together::filing_together;
