//! The desk: the queue, one ticket with its conversation, new conversations and calls.

pub mod views;

pub mod api;
pub mod portal_api;
pub mod wire;
