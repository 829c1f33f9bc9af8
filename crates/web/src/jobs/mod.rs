//! The engine's jobs: waiting, running, dead.

pub mod views;
