//! The tenant's settings.

pub mod pages;
pub mod views;
