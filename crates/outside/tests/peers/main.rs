//! The adapters against the servers they will meet: each test starts its own on loopback and stops it.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod clamd;
mod doors;
mod imap;
mod mail_auth;
mod names;
mod postfix;
mod s3;
mod smtp_server;
