//! From a name to a signed-in session.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use base::{Error, Result, Secret};
use engine::outside::{Mailbox, MailboxAccess, MailboxSignIn, MailboxTls, Mailboxes};
use imap_proto::{Capability, MailboxDatum, NameAttribute, Response, Status};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::{
    net::{TcpStream, lookup_host},
    sync::OnceCell,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    ImapConfig,
    folder::Folder,
    session::{Said, Session, protocol, unavailable, words},
    wire::BoxStream,
};
use crate::http::{refusal, tls};

/// Addresses of one name that are tried, in their order.
const MAX_ADDRESSES: usize = 3;

/// Mailboxes over IMAP.
pub struct ImapMailboxes {
    config: ImapConfig,
    certificates: Vec<CertificateDer<'static>>,
    // Made at the first call over TLS: a system without certificates can still do everything else.
    tls: OnceCell<Arc<rustls::ClientConfig>>,
}

impl ImapMailboxes {
    /// Reads the certificates.
    pub fn new(config: ImapConfig) -> Result<Self> {
        let certificates = match &config.ca_file {
            Some(file) => tls::read_certificates(file, "imap.ca_file")?,
            None => Vec::new(),
        };
        Ok(Self { config, certificates, tls: OnceCell::new() })
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(self.config.timeout_seconds.max(1).into())
    }

    /// Dials an address that was looked at. Access is a tenant's to write, and our network is not a tenant's to look
    /// around in.
    async fn reach(&self, access: &MailboxAccess) -> Result<TcpStream> {
        let (host, port) = (&access.host, access.port);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let unreachable = |why: String| unavailable("imap.unreachable", why);
        let found: Vec<SocketAddr> = lookup_host((bare, port))
            .await
            .map_err(|error| unreachable(format!("the name {host} cannot be resolved: {error}")))?
            .collect();
        for address in &found {
            if let Some(reason) = refusal(address.ip(), &self.config.allow_networks) {
                let why = format!("{host} leads to {}, {reason}, which is not called", address.ip());
                return Err(unavailable("imap.refused", why));
            }
            if access.tls == MailboxTls::None && !address.ip().to_canonical().is_loopback() {
                let why = "a password travels in the clear to this machine only: choose TLS or STARTTLS";
                return Err(unavailable("imap.refused", why));
            }
        }
        let mut last = format!("the name {host} has no address");
        for address in found.iter().take(MAX_ADDRESSES) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = format!("no connection to {address}: {error}"),
            }
        }
        Err(unreachable(last))
    }

    async fn encrypt(&self, host: &str, stream: BoxStream) -> Result<BoxStream> {
        let failed = |why: String| unavailable("imap.tls", why);
        let config = self
            .tls
            .get_or_try_init(async || tls::client_config(&self.certificates))
            .await
            .map_err(|error| failed(format!("the system's certificates cannot be used: {error}")))?;
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|error| failed(format!("{host}: {error}")))?;
        let encrypted = TlsConnector::from(config.clone()).connect(name, stream).await;
        Ok(Box::new(encrypted.map_err(|error| failed(format!("no encryption with {host}: {error}")))?))
    }

    /// Connected, encrypted and greeted.
    async fn connect(&self, access: &MailboxAccess) -> Result<Session> {
        let stream = self.reach(access).await?;
        stream.set_nodelay(true).map_err(Error::from_source)?;
        let mut stream: BoxStream = Box::new(stream);
        if access.tls == MailboxTls::Tls {
            stream = self.encrypt(&access.host, stream).await?;
        }
        let mut session = Session::new(stream, self.limit());
        let greeted = session.greeting(|greeting| match greeting {
            Response::Data { status: Status::Ok, .. } => Ok(()),
            // Signed in before anybody asked: whoever says so in the clear would keep us from encrypting.
            Response::Data { status: Status::PreAuth, .. } => {
                Err(protocol("the server takes us for somebody already"))
            }
            Response::Data { status: Status::Bye, outcome } => {
                let why = format!("the server turned us away: {}", words(outcome));
                Err(unavailable("imap.unreachable", why))
            }
            _ => Err(protocol("the server does not greet like an IMAP server")),
        });
        greeted.await??;
        if access.tls != MailboxTls::Starttls {
            return Ok(session);
        }
        let refused = |why: &str| {
            unavailable("imap.tls", format!("the server does not upgrade, so nothing was sent: {why}"))
        };
        match session.run("STARTTLS", 1, |_| {}).await {
            Ok(Said::Ok) => {}
            Ok(Said::No(words)) => return Err(refused(&words)),
            Err(error) if error.code() == "imap.protocol" => return Err(refused(error.message())),
            Err(error) => return Err(error),
        }
        // What was sent along with the answer is dropped: it was said in the clear, by anybody.
        Ok(Session::new(self.encrypt(&access.host, session.into_stream()).await?, self.limit()))
    }

    async fn sign_in(&self, access: &MailboxAccess) -> Result<Session> {
        access.check()?;
        let connect = async {
            let mut session = self.connect(access).await?;
            let said = match &access.sign_in {
                MailboxSignIn::Password { username, password } => session.login(username, password).await?,
                MailboxSignIn::Token { username, access_token } => {
                    let token = access_token.reveal();
                    match mechanism(&mechanisms(&mut session).await?) {
                        Mechanism::Xoauth2 => {
                            let first = format!("user={username}\x01auth=Bearer {token}\x01\x01");
                            session.authenticate("XOAUTH2", &Secret::new(first), "").await?
                        }
                        Mechanism::Oauthbearer => {
                            // Of the name's own characters two have a meaning there (RFC 5801, 4).
                            let name = username.replace('=', "=3D").replace(',', "=2C");
                            let (host, port) = (&access.host, access.port);
                            let first = format!(
                                "n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01"
                            );
                            session.authenticate("OAUTHBEARER", &Secret::new(first), "\x01").await?
                        }
                    }
                }
            };
            match said {
                Said::Ok => Ok(session),
                Said::No(words) => {
                    Err(unavailable("imap.sign_in", format!("the sign-in was refused: {words}")))
                }
            }
        };
        timeout(self.limit() * 2, connect)
            .await
            .map_err(|_| unavailable("imap.unreachable", "no connection in time"))?
    }
}

#[async_trait]
impl Mailboxes for ImapMailboxes {
    async fn open(&self, access: &MailboxAccess) -> Result<Box<dyn Mailbox>> {
        let session = self.sign_in(access).await?;
        Ok(Box::new(Folder::open(session, access.folder.clone(), &self.config).await?))
    }

    async fn sent_folder(&self, access: &MailboxAccess) -> Result<Option<String>> {
        let mut session = self.sign_in(access).await?;
        let mut found = None;
        session
            .run("LIST \"\" \"*\"", 5, |response| {
                if let Response::MailboxData(MailboxDatum::List(folder)) = response
                    && folder.name_attributes.contains(&NameAttribute::Sent)
                {
                    found.get_or_insert_with(|| folder.name.to_string());
                }
            })
            .await?;
        // The answer is a goodbye, which is an error anywhere else.
        let _ = timeout(Duration::from_secs(5), session.run("LOGOUT", 1, |_| {})).await;
        Ok(found)
    }
}

/// How a token is said.
enum Mechanism {
    Xoauth2,
    Oauthbearer,
}

/// XOAUTH2, as Microsoft and Google speak it, or the standard where only that is offered (RFC 7628). A server that names
/// neither may know the older one all the same, and says so if not.
fn mechanism(offered: &[String]) -> Mechanism {
    let offers = |name: &str| offered.iter().any(|one| one.eq_ignore_ascii_case(name));
    if offers("OAUTHBEARER") && !offers("XOAUTH2") { Mechanism::Oauthbearer } else { Mechanism::Xoauth2 }
}

/// The ways to sign in that a server offers.
async fn mechanisms(session: &mut Session) -> Result<Vec<String>> {
    let mut offered = Vec::new();
    session
        .run("CAPABILITY", 1, |response| {
            if let Response::Capabilities(list) = response {
                offered.extend(list.iter().filter_map(|one| match one {
                    Capability::Auth(name) => Some(name.to_string()),
                    Capability::Atom(_) | Capability::Imap4rev1 => None,
                }));
            }
        })
        .await?;
    Ok(offered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_is_spoken_where_only_that_is_offered() {
        let is_new = |said: &[&str]| {
            let offered: Vec<String> = said.iter().map(|name| (*name).to_owned()).collect();
            matches!(mechanism(&offered), Mechanism::Oauthbearer)
        };
        assert!(is_new(&["PLAIN", "OAuthBearer"]));
        assert!(!is_new(&["XOAUTH2", "OAUTHBEARER"]));
        assert!(!is_new(&[]));
    }
}
