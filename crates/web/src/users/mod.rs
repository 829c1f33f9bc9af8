//! Staff accounts and their roles.

pub mod views;
