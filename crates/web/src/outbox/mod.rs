//! Letters that left or are kept.

pub mod views;
