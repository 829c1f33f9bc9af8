//! Servers that Counterfoil meets, the real ones, each private to the test that starts it: on loopback, on ports and in a
//! folder of its own, stopped by its id.
//!
//! | file | what it holds |
//! |---|---|
//! | `process` | starting and stopping, ports, certificates |
//! | `postfix` | a mail server in between |
//! | `dovecot` | mailboxes |
//! | `oauth` | a provider of sign-ins, of our own making |

mod dovecot;
mod oauth;
mod postfix;
mod process;

pub use dovecot::Dovecot;
pub use oauth::{Behaviour, OauthServer};
pub use postfix::Postfix;
pub use process::{Owned, eventually, folder, free_port, make_certificate, program};
