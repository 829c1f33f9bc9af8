//! Saved views: lists somebody asks for again and again.

pub mod api;
pub mod pages;
