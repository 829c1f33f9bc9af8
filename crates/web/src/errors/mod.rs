//! What a page says when something went wrong, and the page that asks before something is destroyed.

pub mod views;
