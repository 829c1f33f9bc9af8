//! The installation's tenants, for its super admins.

pub mod pages;
pub mod views;
