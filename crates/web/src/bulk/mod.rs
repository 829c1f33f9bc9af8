//! One change of many tickets, from the queue and over JSON.

pub mod api;
pub mod pages;
mod work;
