//! The one way out for calls to addresses that a tenant named.
//!
//! A name is resolved once. Every address it has is looked at, and only an address that was looked at is dialled, so a
//! name that answers differently the second time gains nothing. Redirects are answers, not followed. Time, header and
//! body are capped.
//!
//! | file | what it holds |
//! |---|---|
//! | `address` | which addresses are not called |
//! | `target` | what an URL may be |
//! | `client` | the call |
//! | `tls` | whose certificates are believed |

mod address;
mod client;
mod target;
pub(crate) mod tls;

use std::path::PathBuf;

use base::IpNet;

pub use address::refusal;
pub use client::{Dial, Outgoing, Resolve};

/// What an operator allows beyond the public internet.
#[derive(Clone, Debug, Default)]
pub struct OutgoingConfig {
    /// Networks that may be called although they are private.
    pub allow_networks: Vec<IpNet>,
    /// Certificates (PEM) that are believed besides the system's.
    pub ca_file: Option<PathBuf>,
}
