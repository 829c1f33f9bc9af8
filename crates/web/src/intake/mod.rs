//! Mail that comes in, over HTTP: the door for programs, and what people do with letters.

pub mod api;
pub mod inbound;
pub mod pages;
pub mod views;

pub(crate) use api::routes;
