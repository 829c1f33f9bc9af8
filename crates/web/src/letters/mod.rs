//! Letter templates: wording per language, preview.

pub mod views;
