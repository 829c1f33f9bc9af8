//! The tenant's settings.

pub mod views;
