//! The engine's jobs: waiting, running, dead.

pub mod pages;
pub mod views;
