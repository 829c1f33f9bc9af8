//! Webhooks over HTTP: their API, their pages, and what an event's `data` looks like on the wire.

pub mod api;
mod describe;
pub mod pages;
pub mod views;

pub use describe::describe;
