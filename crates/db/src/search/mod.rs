//! Finding by words: FTS5 and `tsvector` behind one interface (ADR-0009).
//!
//! The engines are given words, not text: one tokenizer in Rust decides what a word is, so both find the same. A row of
//! the index is a ticket, or a segment of a very long one; its words stand in three columns: what names the ticket
//! (`head`), what was `said` to the customer's face, and what was `noted` among staff.
//!
//! Rules it protects:
//! - **The index is written in the change's own transaction.** On SQLite the words of a group of writes go into the
//!   full-text table together, just before their common commit: every savepoint would flush it.
//! - **Nobody finds a neighbour's ticket**: the tenant is a word of every row and of every question, and a condition
//!   of every statement besides.
//! - **A customer's question cannot see a note**: it is put to two of the three columns, whose words and segments do
//!   not depend on the third.
//!
//! | file | what it holds |
//! |---|---|
//! | `tokenize` | text as words |
//! | `document` | a ticket's words in columns and segments |
//! | `wanted` | what is looked for, in either engine's language |
//! | `index` | writing rows |
//! | `find` | asking for them |

mod document;
mod find;
mod index;
pub mod tokenize;
mod wanted;

pub use document::{Document, Segment};
pub use find::{Hit, across, find, newest, which};
pub use index::{
    End, count, end, file, forget, forget_all, is_filed, of_several_rows, put_behind, put_last, refile,
    refile_all,
};
pub(crate) use index::{Words, flush};
pub use tokenize::{Token, tokenize};
pub use wanted::{Audience, Term, Wanted};

use base::Result;

/// More tickets than these are not ranked, and not counted to the end.
pub const RANKED_MAX: usize = 10_000;

/// The word that stands for the tenant in every row. No text can hold it.
fn tenant_word(read: &crate::Read<'_>) -> Result<String> {
    Ok(format!("~{}", read.tenant()?.uuid().simple()))
}
