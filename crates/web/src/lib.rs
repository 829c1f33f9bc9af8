//! Pages over HTTP. One folder per feature; what they share is in [`kit`].
//!
//! `views.rs` of a feature holds what its templates are given: plain data, no database types. The doc comment of
//! each view names its template, its address, and the fields of the forms on it, which is the contract of the
//! handlers that read them. Every form carries `csrf`; it is not repeated there.

pub mod account;
pub mod auth;
pub mod errors;
pub mod help;
pub mod kit;
