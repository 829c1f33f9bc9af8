//! Reports: volume, answers, resolution.

pub mod views;
