//! One's own profile, for customers (`/account`) and staff (`/desk/account`).

pub mod pages;
pub mod views;
