//! The customer record: one for each address that ever wrote, verified or not.

pub mod customers;

pub use customers::CustomerRecord;
