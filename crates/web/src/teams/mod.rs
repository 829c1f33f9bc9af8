//! Teams and who is in them.

pub mod views;
