//! Staff accounts and their roles.

pub mod pages;
pub mod views;
