//! Signing in to mailboxes by OAuth 2: a business registers with a provider, an administrator connects a channel, and
//! tokens are fetched anew before they end.
//!
//! Rules this room protects:
//! - a sign-in ends in the session that began it, once, and within minutes;
//! - tokens are kept when the mailbox they are for lets us in with them, and told to nobody;
//! - a refresh token is used by one server at a time, and one that replaces it is kept in the same moment.
//!
//! | file | what it holds |
//! |---|---|
//! | `provider` | the providers: where they are, and what we ask them for |
//! | `client` | a business's registrations |
//! | `attempt` | a sign-in that was begun |
//! | `wire` | what is said to a provider, and what its answers mean |
//! | `grant` | what a provider gave us; whose turn it is to fetch the next token |
//! | `token` | fetching tokens: the calls, between transactions |

mod attempt;
mod client;
mod grant;
mod provider;
mod token;
mod wire;

pub use attempt::{Attempt, Begin, begin, take};
pub use client::{NewOauthClient, OauthClient, clients, remove_client, set_client};
pub use grant::{Grant, find, keep};
pub use provider::Provider;
pub use token::{exchange, renewed, token};
pub use wire::Tokens;

pub(super) use grant::{forget_channel, forget_grant};
