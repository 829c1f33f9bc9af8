//! The words every other crate speaks. No I/O, no async, no globals.
//!
//! | word | what it is |
//! |---|---|
//! | [`Id`] | a typed UUIDv7: an `Id<Ticket>` cannot be passed where an `Id<User>` is meant |
//! | [`Timestamp`], [`Clock`] | instants in whole microseconds, and the only place they come from |
//! | [`Entropy`] | the only place randomness comes from, so that a test can repeat a run |
//! | [`Actor`], [`Role`] | who does something, and what they are |
//! | [`Email`] | an address that is safe to put into a header |
//! | [`Error`] | the one error type: kind, stable code, message, field errors, place |
//! | [`Cursor`] | where a list goes on, opaque and URL-safe |
//! | [`IpNet`] | a range of addresses |
//! | [`Secret`] | a text that does not print |

mod actor;
mod clock;
mod cursor;
mod email;
mod entropy;
mod error;
pub mod files;
mod id;
mod network;
mod secret;
pub mod text;

pub use actor::{Actor, ActorKind, Role};
pub use clock::{Clock, FakeClock, SystemClock, Timestamp, hours, minutes, seconds};
pub use cursor::Cursor;
pub use email::Email;
pub use entropy::{Entropy, SeededEntropy, SystemEntropy};
pub use error::{Error, FieldError, Kind, OrNotFound, Result};
pub use id::{Id, Tenant, TenantId};
pub use network::IpNet;
pub use secret::Secret;
