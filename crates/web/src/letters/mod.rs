//! Letter templates: wording per language, a preview while it is typed, a test to oneself.

pub mod api;
mod ops;
pub mod pages;
pub mod views;
