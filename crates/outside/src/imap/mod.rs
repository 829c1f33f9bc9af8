//! Mailboxes that letters are collected from, over IMAP.
//!
//! Where we are in a folder is a cursor of UIDVALIDITY and UID that the caller keeps. Flags and dates are neither looked
//! at nor set: a person who reads the mailbox in a mail program changes nothing for us, and we change nothing for them.
//!
//! `imap-proto` brings the grammar. The rest is ours: commands are run to their tagged answer, since a mail that was refused
//! must not look like one that is not there, or the cursor would pass it for ever; and no server makes us hold more than we
//! asked for.
//!
//! | file | what it holds |
//! |---|---|
//! | `connect` | from a name to a signed-in session; which addresses are not called |
//! | `folder` | reading on from a cursor |
//! | `session` | commands and their answers |
//! | `wire` | answers out of bytes, within bounds |

mod connect;
mod folder;
mod session;
mod wire;

use std::path::PathBuf;

use base::IpNet;

pub use connect::ImapMailboxes;

/// What an operator says about all mailboxes.
#[derive(Clone, Debug)]
pub struct ImapConfig {
    /// Networks that may be called although they are private, loopback among them. Access is written by tenants.
    pub allow_networks: Vec<IpNet>,
    /// Certificates (PEM) that are believed besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For connecting and for each answer; a mail's text may take five times as long.
    pub timeout_seconds: u32,
    /// The largest mail that is collected.
    pub max_mail_bytes: u64,
    /// How often a server that cannot tell of new mail is asked.
    pub poll_seconds: u32,
}

impl Default for ImapConfig {
    fn default() -> Self {
        Self {
            allow_networks: Vec::new(),
            ca_file: None,
            timeout_seconds: 60,
            max_mail_bytes: 50 * 1024 * 1024,
            poll_seconds: 60,
        }
    }
}
