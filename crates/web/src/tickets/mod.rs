//! The desk: one ticket with its conversation, new conversations and calls.

pub mod around;
pub mod views;

pub mod acts_api;
pub mod api;
pub mod beside_api;
pub mod found;
pub mod pages;
pub mod portal_api;
pub(crate) mod ticket_page;
mod timeline;
pub mod wire;
mod work_page;
pub mod work_routes;
pub mod work_view;
