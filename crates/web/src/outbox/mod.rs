//! Letters that left or are kept.

pub mod pages;
pub mod views;
