//! Letters that left or are kept.

pub mod api;
pub mod pages;
pub mod views;

/// What can become of a letter, as it is stored.
const STATES: [&str; 6] = ["queued", "sent", "failed", "uncertain", "bounced", "held"];
