use async_trait::async_trait;
use base::{Error, Result};

use super::{Envelope, MailboxSignIn, MailboxTls, Receipt, SendError};

/// Mail servers that a tenant names for letters of its own. Their addresses are looked at as those of mailboxes are.
#[async_trait]
pub trait Relays: Send + Sync + 'static {
    /// As [`super::Mailer::send`]. A sign-in that is refused is [`super::SendErrorClass::SignIn`].
    async fn send(&self, relay: &MailRelay, envelope: Envelope) -> Result<Receipt, SendError>;
}

/// Where a mail server is and who we are there.
#[derive(Clone, Debug)]
pub struct MailRelay {
    pub host: String,
    /// Usually 587 with `Starttls`, 465 with `Tls`.
    pub port: u16,
    pub tls: MailboxTls,
    /// None: it asks nobody who they are.
    pub sign_in: Option<MailboxSignIn>,
}

impl MailRelay {
    /// Refuses what cannot work. The field names are those of the form.
    pub fn check(&self) -> Result<()> {
        let refuse = |field: &str, why: &str| Err(Error::field(field, "smtp.access", why));
        let host = &self.host;
        if host.is_empty() || host.len() > 253 || !host.chars().all(|c| c.is_ascii_graphic()) {
            return refuse("host", "expected a host name or an IP address");
        }
        if self.port == 0 {
            return refuse("port", "expected a port from 1 to 65535");
        }
        let Some(
            MailboxSignIn::Password { username, password: secret }
            | MailboxSignIn::Token { username, access_token: secret },
        ) = &self.sign_in
        else {
            return Ok(());
        };
        if username.is_empty() || username.len() > 500 || username.chars().any(char::is_control) {
            return refuse("username", "expected a name on one line");
        }
        if secret.is_empty() || secret.reveal().chars().any(char::is_control) {
            return refuse("password", "expected a password on one line");
        }
        Ok(())
    }
}
