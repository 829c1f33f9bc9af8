//! The customer's side: contact form, their tickets, the public status link.

pub mod views;

pub mod api;
pub mod feedback;
pub mod feedback_stop;
pub mod forward;
pub mod pages;
