//! Signing in and everything before it: register, magic link, reset, first run.

pub mod views;

pub mod api;
pub mod first_run;
pub mod pages;
