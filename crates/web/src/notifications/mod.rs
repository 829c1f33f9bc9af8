//! In-app notices of the viewer.

pub mod pages;
pub mod views;
