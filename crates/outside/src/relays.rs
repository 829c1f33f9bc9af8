//! Mail servers that tenants name: SMTP with submission's sign-in, to addresses that were looked at.

use std::net::SocketAddr;

use async_trait::async_trait;
use base::IpNet;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::outside::{
    Envelope, MailRelay, MailboxSignIn, MailboxTls, Receipt, Relays, SendError, SendErrorClass,
};
use lettre::transport::smtp::{
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::AsyncSmtpConnection,
};
use tokio::{net::lookup_host, time::timeout};

use crate::{
    ImapConfig, SmtpConfig, SmtpMailer, SmtpTls,
    http::refusal,
    smtp::{Wire, detail},
};

/// Sends letters through servers of tenants, by a connection for each: they are many and letters to each are few.
pub struct SmtpRelays {
    allowed: Vec<IpNet>,
    /// What of a server's does not belong to the tenant: our name, patience, certificates that are believed.
    base: SmtpConfig,
}

impl SmtpRelays {
    /// With the operator's word on mailboxes, which are called under the same rules.
    pub fn new(config: &ImapConfig, hello_name: &str) -> Self {
        let base = SmtpConfig {
            host: String::new(),
            port: 0,
            tls: SmtpTls::None,
            username: String::new(),
            password: base::Secret::default(),
            hello_name: hello_name.to_owned(),
            timeout_seconds: config.timeout_seconds.clamp(1, 600),
            ca_file: config.ca_file.clone(),
            dkim: None,
        };
        Self { allowed: config.allow_networks.clone(), base }
    }

    /// The server's addresses, every one of them looked at: one bad address refuses the name.
    async fn addresses(&self, relay: &MailRelay) -> Result<Vec<SocketAddr>, SendError> {
        let bare = relay.host.trim_start_matches('[').trim_end_matches(']');
        let unknown = |e| SendError::temporary(format!("the name {} cannot be resolved: {e}", relay.host));
        let found: Vec<SocketAddr> = lookup_host((bare, relay.port)).await.map_err(unknown)?.collect();
        for address in &found {
            if let Some(reason) = refusal(address.ip(), &self.allowed) {
                let why = format!("{} leads to {}, {reason}, which is not called", relay.host, address.ip());
                return Err(refused(why));
            }
            let is_here = address.ip().to_canonical().is_loopback();
            if relay.tls == MailboxTls::None && relay.sign_in.is_some() && !is_here {
                return Err(refused(
                    "a password travels in the clear to this machine only: choose TLS or STARTTLS".into(),
                ));
            }
        }
        Ok(found)
    }
}

fn refused(detail: String) -> SendError {
    SendError { class: SendErrorClass::SignIn, detail }
}

#[async_trait]
impl Relays for SmtpRelays {
    async fn send(&self, relay: &MailRelay, envelope: Envelope) -> Result<Receipt, SendError> {
        relay.check().map_err(|e| refused(e.message().to_owned()))?;
        let letter = Wire::new(&envelope, None)?;
        let addresses = self.addresses(relay).await?;
        let tls = match relay.tls {
            MailboxTls::Tls => SmtpTls::Tls,
            MailboxTls::Starttls => SmtpTls::Starttls,
            MailboxTls::None => SmtpTls::None,
        };
        let config = SmtpConfig { host: relay.host.clone(), port: relay.port, tls, ..self.base.clone() };
        let mailer = SmtpMailer::new(config).map_err(|e| refused(e.message().to_owned()))?;
        let mut connection = mailer.open(&addresses[..]).await?;
        if let Some(sign_in) = &relay.sign_in {
            let signing = self::sign_in(&mut connection, sign_in);
            let late = |_| SendError::temporary("AUTH: no answer in time");
            timeout(mailer.patience(), signing).await.map_err(late)??;
        }
        let sent = mailer.transact(&mut connection, &letter).await;
        mailer.hang_up(connection).await;
        sent
    }
}

async fn sign_in(connection: &mut AsyncSmtpConnection, sign_in: &MailboxSignIn) -> Result<(), SendError> {
    let said = match sign_in {
        MailboxSignIn::Password { username, password } => {
            let credentials = Credentials::new(username.clone(), password.reveal().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await
        }
        MailboxSignIn::Token { username, access_token } => {
            let token = format!("user={username}\x01auth=Bearer {}\x01\x01", access_token.reveal());
            match connection.command(format!("AUTH XOAUTH2 {}\r\n", STANDARD.encode(token))).await {
                // The reason of a refusal, which is answered with nothing, so that the refusal itself comes.
                Ok(reason) if reason.has_code(334) => connection.command("\r\n").await,
                said => said,
            }
        }
    };
    match said {
        Ok(answer) if answer.is_positive() => Ok(()),
        Ok(_) => Err(refused("the sign-in was refused".into())),
        // Full, or too many of us at once: it may pass. A connection that broke says nothing about the password.
        Err(error) if error.is_transient() || !(error.is_permanent() || error.is_client()) => {
            Err(SendError::temporary(detail("AUTH", &error)))
        }
        Err(error) => Err(refused(format!("the sign-in was refused: {}", detail("AUTH", &error)))),
    }
}
