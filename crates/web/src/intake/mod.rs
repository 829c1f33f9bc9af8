//! Mail that comes in, over HTTP: the door for programs, and what people do with letters.

pub mod api;
pub mod inbound;
pub mod pages;
mod relays;
mod sns;
pub mod views;

pub(crate) use api::routes;
