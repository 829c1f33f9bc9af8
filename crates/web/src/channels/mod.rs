//! Mail channels over HTTP: their API and their pages.

pub mod api;
pub mod pages;
pub mod views;

pub(crate) use api::routes;
