//! In-app notices of the viewer.

pub mod views;
