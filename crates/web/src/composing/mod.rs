//! What agents are writing: drafts, held answers, presence, mentions and previews.

pub mod api;
pub mod pages;
pub mod views;
