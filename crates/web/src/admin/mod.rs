//! Administration: people, words, keys, and what the machine is doing.

pub mod api;
