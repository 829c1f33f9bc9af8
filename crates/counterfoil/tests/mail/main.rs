//! Mail through the real binary, by every door, beside real mail servers. Everything listens on the loopback, on ports of
//! the test's own.
//!
//! | file | what it holds |
//! |---|---|
//! | `command` | channels, the pipe and reading again, on the command line |
//! | `listener` | strangers who speak SMTP to us |
//! | `relay` | Postfix in between, in and out; two businesses that write to each other |
//! | `collect` | a mailbox on Dovecot, across restarts |
//! | `connect` | the same, signed in to at a provider |
//! | `crash` | kill -9 under load |
//! | `attack` | letters that mean harm |
//! | `letters` | letters and what became of them |
//! | `sent` | its folder of sent mail |
//! | `talk` | a client of SMTP that says what it is told |
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

#[path = "../support/mod.rs"]
mod support;

mod attack;
mod collect;
mod command;
mod connect;
mod crash;
mod letters;
mod listener;
mod relay;
mod sent;
mod talk;
