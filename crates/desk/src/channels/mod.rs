//! Channels: the addresses a business takes mail at, and how mail of each is taken.
//!
//! Rules this room protects:
//! - an address is one door of the whole installation: two businesses cannot both have it;
//! - the key of a channel is shown once and stored hashed; it lets mail in and reads nothing.
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | what a channel is |
//! | `collected` | how far a folder was read, and moving on |
//! | `mailbox` | the mailbox its letters are collected from |
//! | `oauth` | signing in to it by OAuth 2 (Microsoft 365, Google) |
//! | `outgoing` | the mail server its letters leave through |
//! | `sent` | the folder of it that holds answers people wrote in a mail program |
//! | `ops` | making and changing one, its key |
//! | `store` | SQL and row mapping, private; finding the business of an address or a key |

mod collected;
pub mod mailbox;
mod model;
pub mod oauth;
mod ops;
pub mod outgoing;
pub mod sent;
mod store;

pub use model::{ChannelPatch, MailChannel, NewChannel, UnknownSenders};
pub use ops::{change, create, delete, rotate_key};
pub use store::{
    all, by_address, by_address_anywhere, by_key_anywhere, check_not_own, enabled, find, get, leave_team, own,
};
