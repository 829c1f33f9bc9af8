//! Customers as agents see them.

pub mod views;
