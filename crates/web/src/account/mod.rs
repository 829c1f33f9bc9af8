//! One's own profile, for customers (`/account`) and staff (`/desk/account`).

pub(crate) mod away;
mod device;
pub mod pages;
pub mod preferences;
mod second_factor;
pub mod views;
