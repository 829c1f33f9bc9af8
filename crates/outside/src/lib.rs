//! Live adapters of the engine's [`Outside`](engine::outside::Outside) traits. Known to the binary alone.
//!
//! | word | what it is |
//! |---|---|
//! | [`SmtpMailer`] | hands letters to a mail server |
//! | [`EmlFolder`] | keeps letters as `.eml` files, for an installation without a mail server |
//! | [`LocalBlobs`] | attachments and other files in the data folder |
//! | [`Outgoing`] | calls addresses that tenants named, and none that is private |
//! | [`SmtpServer`] | takes letters over SMTP or LMTP |
//! | [`NoMailChecks`] | for an installation that may not ask name servers |
//! | [`smtp_check`] | what `doctor` says about the mail server |

mod checks;
mod disk;
mod eml_folder;
mod http;
mod local_blobs;
mod no_mail_checks;
mod smtp;
mod smtp_config;
mod smtp_server;

pub use checks::smtp_check;
pub use eml_folder::EmlFolder;
pub use http::{Dial, Outgoing, OutgoingConfig, Resolve, refusal};
pub use local_blobs::LocalBlobs;
pub use no_mail_checks::NoMailChecks;
pub use smtp::SmtpMailer;
pub use smtp_config::{SmtpConfig, SmtpTls};
pub use smtp_server::{Protocol, SmtpServer, SmtpServerConfig, TlsFiles};
