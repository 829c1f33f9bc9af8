//! Reports over HTTP: their API, their page, and the charts above the tables.

pub mod api;
mod charts;
mod figures;
pub mod pages;
pub mod views;

pub use api::routes;
