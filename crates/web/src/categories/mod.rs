//! The tenant's ticket categories.

pub mod pages;
pub mod views;
