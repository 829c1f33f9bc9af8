//! What every feature's pages share. Knows nothing of the database and nothing of any one feature.
//!
//! | file | what it gives |
//! |---|---|
//! | [`render`] | templates: `render("help/contact.html", &chrome, view)` |
//! | [`chrome`] | what is around every page: tenant, viewer, counts, flash message, scheme, CSRF token |
//! | [`forms`] | problems with fields, choices of a select |
//! | [`lists`] | filters as chips, sort, keyset paging |
//! | [`words`] | Fluent: every word a reader sees |
//! | [`time`] | instants as a reader wants them |
//! | [`assets`] | CSS and modules, fingerprinted |

pub mod assets;
pub mod chrome;
mod embedded;
pub mod forms;
pub mod lists;
pub mod render;
pub mod time;
pub mod words;
