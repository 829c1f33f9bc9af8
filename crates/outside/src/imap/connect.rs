//! From a name to a signed-in session.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_imap::{
    Authenticator, Client,
    error::Error as ImapError,
    imap_proto::{MailboxDatum, NameAttribute, Response, Status},
};
use async_trait::async_trait;
use base::{Error, Result};
use engine::outside::{Mailbox, MailboxAccess, MailboxSignIn, MailboxTls, Mailboxes};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, lookup_host},
    sync::OnceCell,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    ImapConfig,
    folder::Folder,
    session::{BoxStream, Session, broken, one_line, protocol, unavailable},
};
use crate::http::{refusal, tls};

/// Addresses of one name that are tried, in their order.
const MAX_ADDRESSES: usize = 3;
/// Bytes of what a server says it can.
const MAX_CAPABILITIES: usize = 16 * 1024;

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
    async fn client(&self, access: &MailboxAccess) -> Result<Client<BoxStream>> {
        let stream = self.reach(access).await?;
        stream.set_nodelay(true).map_err(Error::from_source)?;
        let mut stream: BoxStream = Box::new(stream);
        if access.tls == MailboxTls::Tls {
            stream = self.encrypt(&access.host, stream).await?;
        }
        let mut client = Client::new(stream);
        let greeting = client.read_response().await.map_err(|error| broken(error.into()))?;
        match greeting.as_ref().map(|data| data.parsed()) {
            Some(Response::Data { status: Status::Ok, .. }) => {}
            // Signed in before anybody asked: whoever says so in the clear would keep us from encrypting.
            Some(Response::Data { status: Status::PreAuth, .. }) => {
                return Err(protocol("the server takes us for somebody already"));
            }
            Some(Response::Data { status: Status::Bye, outcome, .. }) => {
                let words = one_line(outcome.information.as_deref().unwrap_or_default());
                return Err(unavailable("imap.unreachable", format!("the server turned us away: {words}")));
            }
            _ => return Err(protocol("the server does not greet like an IMAP server")),
        }
        if access.tls != MailboxTls::Starttls {
            return Ok(client);
        }
        if let Err(error) = client.run_command_and_check_ok("STARTTLS", None).await {
            return Err(match error {
                ImapError::No(words) | ImapError::Bad(words) => {
                    let why =
                        format!("the server does not upgrade, so nothing was sent: {}", one_line(&words));
                    unavailable("imap.tls", why)
                }
                other => broken(other),
            });
        }
        // What was sent along with the answer is dropped with the client: it was said in the clear, by anybody.
        Ok(Client::new(self.encrypt(&access.host, client.into_inner()).await?))
    }
}

impl ImapMailboxes {
    async fn sign_in(&self, access: &MailboxAccess) -> Result<Session> {
        access.check()?;
        let connect = async {
            let client = self.client(access).await?;
            let signed_in = match &access.sign_in {
                MailboxSignIn::Password { username, password } => {
                    client.login(username, password.reveal()).await
                }
                MailboxSignIn::Token { username, access_token } => {
                    let token = access_token.reveal();
                    let mut stream = client.into_inner();
                    let offered = capabilities(&mut stream).await?;
                    let client = Client::new(stream);
                    match mechanism(&offered) {
                        Mechanism::Xoauth2 => {
                            let first = format!("user={username}\x01auth=Bearer {token}\x01\x01");
                            client.authenticate("XOAUTH2", Token { first: Some(first), after: "" }).await
                        }
                        Mechanism::Oauthbearer => {
                            // Of the name's own characters two have a meaning there (RFC 5801, 4).
                            let name = username.replace('=', "=3D").replace(',', "=2C");
                            let (host, port) = (&access.host, access.port);
                            let first = format!(
                                "n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01"
                            );
                            client
                                .authenticate("OAUTHBEARER", Token { first: Some(first), after: "\x01" })
                                .await
                        }
                    }
                }
            };
            signed_in.map_err(|(error, _)| match error {
                ImapError::No(words) => {
                    unavailable("imap.sign_in", format!("the sign-in was refused: {}", one_line(&words)))
                }
                other => broken(other),
            })
        };
        let wire = timeout(self.limit() * 2, connect)
            .await
            .map_err(|_| unavailable("imap.unreachable", "no connection in time"))??;
        Ok(Session::new(wire, self.limit()))
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
fn mechanism(capabilities: &str) -> Mechanism {
    let offers = |name: &str| {
        let words = capabilities.split_ascii_whitespace();
        words
            .filter_map(|w| w.get(..5).filter(|p| p.eq_ignore_ascii_case("AUTH=")).and(w.get(5..)))
            .any(|w| w.eq_ignore_ascii_case(name))
    };
    if offers("OAUTHBEARER") && !offers("XOAUTH2") { Mechanism::Oauthbearer } else { Mechanism::Xoauth2 }
}

/// What the server says it can, as lines. The library tells it after the sign-in alone.
async fn capabilities(stream: &mut BoxStream) -> Result<String> {
    let lost = |error: std::io::Error| unavailable("imap.lost", format!("the connection broke: {error}"));
    stream.write_all(b"C0 CAPABILITY\r\n").await.map_err(lost)?;
    stream.flush().await.map_err(lost)?;
    let mut said = Vec::new();
    loop {
        let byte = stream.read_u8().await.map_err(lost)?;
        said.push(byte);
        if said.len() > MAX_CAPABILITIES {
            return Err(protocol("the server says too much of what it can"));
        }
        if byte == b'\n' {
            let text = String::from_utf8_lossy(&said);
            if text.lines().next_back().is_some_and(|line| line.starts_with("C0 ")) {
                return Ok(text.into_owned());
            }
        }
    }
}

/// Says the token once. A second question holds the reason of a refusal, and is answered so that the refusal itself comes.
struct Token {
    first: Option<String>,
    after: &'static str,
}

impl Authenticator for Token {
    type Response = String;

    fn process(&mut self, _challenge: &[u8]) -> String {
        self.first.take().unwrap_or_else(|| self.after.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_is_spoken_where_only_that_is_offered() {
        let is_new = |said: &str| matches!(mechanism(said), Mechanism::Oauthbearer);
        assert!(is_new("* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=OAUTHBEARER\r\nC0 OK\r\n"));
        assert!(!is_new("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER\r\nC0 OK\r\n"));
        assert!(!is_new("* CAPABILITY IMAP4rev1\r\nC0 OK\r\n"));
    }
}
