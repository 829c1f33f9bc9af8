//! The outside world as the engine sees it: traits only.
//!
//! Live adapters are in the crate `outside`, fakes in `testkit`. Nothing else in the product opens a socket or a
//! file, so a job's `perform` can be run against either and a crash can be simulated between any two calls.
//!
//! | word | what it is |
//! |---|---|
//! | [`Mailer`] | hands one composed letter to a mail server |
//! | [`Relays`] | the same to a server that a tenant names |
//! | [`HttpClient`] | calls addresses that a tenant or a setting names, and no other |
//! | [`Blobs`] | content-addressed files, one set for each tenant |
//! | [`Scanner`] | looks into files for malware |
//! | [`MailChecks`] | who really sent a mail: SPF, DKIM, DMARC |
//! | [`Mailboxes`] | where letters are collected from (IMAP) |
//! | [`Door`] | the other direction: what a mail listener asks and hands letters to |
//! | [`Outside`] | all of them together, as a job is given them |

mod blobs;
mod door;
mod http;
mod mail_checks;
mod mailboxes;
mod mailer;
mod relays;
mod scanner;

use std::sync::Arc;

pub use blobs::{BlobReader, BlobRef, BlobWriter, Blobs, Sha256};
pub use door::{Accepted, Delivered, Door, RecipientVerdict, ReturnPath};
pub use http::{HttpAnswer, HttpClient, HttpError, HttpRequest, Method};
pub use mail_checks::{Authentication, CheckedMail, MailChecks, Outcome};
pub use mailboxes::{
    Bygone, Fetched, MailCursor, Mailbox, MailboxAccess, MailboxSignIn, MailboxTls, Mailboxes, Wake,
};
pub use mailer::{Envelope, Mailer, Receipt, SendError, SendErrorClass};
pub use relays::{MailRelay, Relays};
pub use scanner::{ScanError, Scanner, Verdict};

/// Everything a job may reach outside the database.
#[derive(Clone)]
pub struct Outside {
    pub mailer: Arc<dyn Mailer>,
    pub blobs: Arc<dyn Blobs>,
    pub http: Arc<dyn HttpClient>,
    /// `None` when no scanner is configured: files then pass unlooked at, by the operator's choice.
    pub scanner: Option<Arc<dyn Scanner>>,
    pub mail_checks: Arc<dyn MailChecks>,
    pub mailboxes: Arc<dyn Mailboxes>,
    pub relays: Arc<dyn Relays>,
}
