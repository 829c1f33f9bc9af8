//! A door for mail: a listener that speaks SMTP or LMTP and hands letters to a [`Door`](engine::outside::Door).
//!
//! It promises what an MX promises and nothing more: it relays nothing, so every recipient is one the door knows, and
//! `250` after a letter means the door has committed it. Rules that hold everywhere:
//!
//! - A letter ends at CRLF `.` CRLF and at nothing else, and a command ends at CRLF. Two servers that disagree about
//!   this let a stranger put a second letter into the first (SMTP smuggling, CVE-2023-51764 and its kin).
//! - Nothing said before TLS counts after it, and what was sent along with `STARTTLS` ends the connection
//!   (command injection, CVE-2011-0411).
//! - Everything is bounded: time, line, letter, recipients, errors, connections, and bytes held by all sessions.
//!
//! | file | what it holds |
//! |---|---|
//! | `config` | what an operator says |
//! | `listener` | connections: taking, counting, ending them |
//! | `limits` | who may connect, and how many bytes all may hold |
//! | `session` | one conversation |
//! | `command` | one line read strictly |
//! | `wire` | lines and letters from bytes, answers to bytes |
//! | `text` | where a letter ends |
//! | `tls` | the certificate, read again when it is renewed |
//!
//! RFC 5321, 2033 (LMTP), 1870 (SIZE), 6152 (8BITMIME), 6531 (SMTPUTF8), 2920 (PIPELINING), 2034, 3207 (STARTTLS).

mod command;
mod config;
mod limits;
mod listener;
mod session;
mod text;
mod tls;
mod wire;

pub use config::{Protocol, SmtpServerConfig, TlsFiles};
pub use listener::SmtpServer;

/// Returns when the server is to stop, also when nobody is left who could say so.
async fn stopped(stop: &mut tokio::sync::watch::Receiver<bool>) {
    // The guard that comes with the answer must not be held across an await.
    let _ = stop.wait_for(|stop| *stop).await;
}
