//! Reports: volume, answers, resolution.

pub mod pages;
pub mod views;
