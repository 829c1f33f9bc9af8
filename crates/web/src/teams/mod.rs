//! Teams and who is in them.

pub mod pages;
pub mod views;
