//! Who is here and what they may do.
//!
//! | room | what it holds |
//! |---|---|
//! | `tenants` | businesses, found by host; their settings |
//! | `users` | people with a role; passwords are hashed outside any transaction |
//! | `principal` | proofs: [`Staff`], [`Customer`] — a handler that takes one cannot be reached by anybody else |
//! | `sessions`, `api_keys` | credentials, stored hashed, listed and revocable |
//! | `tokens` | one-time links: verify, magic link, reset |
//! | `totp` | the second factor of staff, with recovery codes |
//! | `throttle` | how often something may be tried |
//! | `teams` | groups tickets are given to |
//! | `audit` | every administrative and security act: who, what, before, after, request |

pub mod api_keys;
pub mod audit;
mod links;
pub mod passwords;
mod principal;
pub mod sessions;
pub mod teams;
pub mod tenants;
pub mod throttle;
pub mod token;
pub mod tokens;
pub mod totp;
pub mod users;

pub use api_keys::{ApiKey, KeyScope};
pub use links::Links;
pub use principal::{Customer, Principal, Staff};
pub use tenants::{NumberStyle, Settings, TenantRecord};
pub use token::Token;
pub use users::User;
