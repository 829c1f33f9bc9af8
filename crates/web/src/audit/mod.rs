//! Who did what, with before and after.

pub mod views;
