//! Canned replies and macros: their pages, and over JSON. Templates are in `templates/canned_replies`, since `macros` are
//! something else there.

pub mod api;
pub mod pages;
mod routes;
pub mod views;
