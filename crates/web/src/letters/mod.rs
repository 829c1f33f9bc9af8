//! Letter templates: wording per language, preview.

pub mod pages;
pub mod views;
