//! Who did what, with before and after.

pub mod pages;
pub mod views;
