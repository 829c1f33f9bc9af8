//! Rules over HTTP: their API, the editor that works without JavaScript, dry runs, and the log that explains.

pub mod api;
mod draft;
pub mod pages;
mod routes;
pub mod views;
mod wording;

pub use routes::routes;
