//! The help centre over HTTP: what readers see, what staff write, and articles in answers.
//!
//! | file | what it holds |
//! |---|---|
//! | `reader` | who reads: reach, languages, and what they are counted by |
//! | `body` | a text as a page shows it: levels of headings, a table of contents |
//! | `pages`, `suggest` | the reader's pages; suggestions while somebody writes to us |
//! | `desk_pages`, `form`, `categories` | the pages of staff |
//! | `insert` | an article in an answer |
//! | `api`, `staff_api`, `routes` | JSON |
//! | `views` | what templates are given |

pub mod api;
pub mod body;
mod categories;
mod desk_pages;
mod form;
mod insert;
mod pages;
pub mod reader;
mod routes;
pub mod staff_api;
mod suggest;
pub mod views;

pub use routes::routes;

use axum::Router;
use base::Result;
use db::Read;
use desk::articles::portal::Reader;

use crate::http::app::App;

/// The pages of readers and of staff.
pub fn page_routes() -> Router<App> {
    pages::routes()
        .merge(suggest::routes())
        .merge(desk_pages::routes())
        .merge(form::routes())
        .merge(categories::routes())
        .merge(insert::routes())
}

/// The sections of the help centre, for its first page.
pub fn sections(read: &Read<'_>, reader: &Reader) -> Result<Vec<views::Section>> {
    pages::sections(read, reader)
}

/// What may answer a text that somebody asked about.
pub fn suggestions(read: &Read<'_>, reader: &Reader, typed: &str) -> Result<views::Suggestions> {
    suggest::suggestions(read, reader, typed, true)
}
