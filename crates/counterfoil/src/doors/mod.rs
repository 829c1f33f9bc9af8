//! Doors for mail besides HTTP: a listener, and mailboxes that are collected.
//!
//! | file | what it holds |
//! |---|---|
//! | `desk` | what a listener asks and hands letters to |
//! | `collect` | looking into mailboxes, each by a task of its own |

pub mod collect;
pub mod desk;
