//! Live adapters of the engine's [`Outside`](engine::outside::Outside) traits. Known to the binary alone.
//!
//! | word | what it is |
//! |---|---|
//! | [`SmtpMailer`] | hands letters to a mail server |
//! | [`SmtpRelays`] | the same to servers that tenants named |
//! | [`DkimSigner`] | signs letters on their way out |
//! | [`EmlFolder`] | keeps letters as `.eml` files, for an installation without a mail server |
//! | [`LocalBlobs`] | attachments and other files in the data folder |
//! | [`S3Blobs`] | the same in a bucket |
//! | [`Outgoing`] | calls addresses that tenants named, and none that is private |
//! | [`SmtpServer`] | takes letters over SMTP or LMTP |
//! | [`ImapMailboxes`] | collects letters from mailboxes |
//! | [`ClamAv`] | has files looked into by clamd |
//! | [`MailAuth`] | SPF, DKIM, DMARC and seals (ARC) by asking name servers |
//! | [`NoMailChecks`] | for an installation that may not ask name servers |
//! | [`smtp_check`] | what `doctor` says about the mail server |

mod arc;
mod checks;
mod clamav;
mod disk;
mod dkim;
mod eml_folder;
mod http;
mod imap;
mod local_blobs;
mod mail_auth;
mod no_mail_checks;
mod null_path;
mod relays;
mod s3_blobs;
mod smtp;
mod smtp_config;
mod smtp_server;

pub use checks::smtp_check;
pub use clamav::{ClamAv, ClamAvConfig};
pub use dkim::{DkimConfig, DkimSigner};
pub use eml_folder::EmlFolder;
pub use http::{Dial, Outgoing, OutgoingConfig, Resolve, refusal};
pub use imap::{ImapConfig, ImapMailboxes};
pub use local_blobs::LocalBlobs;
pub use mail_auth::{Dns, MailAuth};
pub use no_mail_checks::NoMailChecks;
pub use relays::SmtpRelays;
pub use s3_blobs::{S3Blobs, S3Config};
pub use smtp::SmtpMailer;
pub use smtp_config::{SmtpConfig, SmtpTls};
pub use smtp_server::{Protocol, SmtpServer, SmtpServerConfig, TlsFiles};
