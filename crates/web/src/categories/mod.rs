//! The tenant's ticket categories.

pub mod views;
