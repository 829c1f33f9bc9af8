//! API keys: shown once, stored hashed.

pub mod views;
