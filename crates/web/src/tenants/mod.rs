//! The installation's tenants, for its super admins.

pub mod views;
