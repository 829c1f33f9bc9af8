//! API keys: shown once, stored hashed.

pub mod pages;
pub mod views;
