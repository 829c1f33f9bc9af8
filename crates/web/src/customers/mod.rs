//! Customers as agents see them.

pub mod pages;
pub mod views;
