use std::{
    future::Future,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use base::{Error, Result};
use engine::outside::{Envelope, Mailer, Receipt, SendError, SendErrorClass};
use lettre::{
    Address,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Quit, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
        response::Response,
    },
};
use mail::inbound::{Head, Limits};
use tokio::{net::ToSocketAddrs, sync::Semaphore};

use crate::{DkimSigner, SmtpConfig, SmtpTls, null_path::NullPath};

/// Connections at once. Mail servers punish more, and the engine waits happily.
const MAX_CONNECTIONS: usize = 4;
/// A connection idle for longer is closed rather than used: the server has given it up by then.
const MAX_IDLE: Duration = Duration::from_secs(45);

/// Sends letters through one mail server, keeping a few connections open.
///
/// It speaks the conversation command by command instead of through lettre's transport, because only who knows
/// which step failed can tell a letter that was not taken from one whose fate is unknown.
pub struct SmtpMailer {
    config: SmtpConfig,
    tls: Option<TlsParameters>,
    signer: Option<DkimSigner>,
    permits: Semaphore,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
    /// What it made of letters without a return path. Found out again after a restart.
    null_path: NullPath,
}

impl SmtpMailer {
    /// Checks the configuration and reads the key to sign with; connects only when there is something to send.
    pub fn new(config: SmtpConfig) -> Result<Self> {
        config.check()?;
        let tls = match config.tls {
            SmtpTls::None => None,
            SmtpTls::Starttls | SmtpTls::Tls => Some(tls_parameters(&config)?),
        };
        let signer = config.dkim.as_ref().map(DkimSigner::open).transpose()?;
        let permits = Semaphore::new(MAX_CONNECTIONS);
        let (idle, null_path) = (Mutex::new(Vec::new()), NullPath::default());
        Ok(Self { config, tls, signer, permits, idle, null_path })
    }

    /// Connects, upgrades and signs in. Every failure here is temporary: it says something about the server or
    /// the configuration and nothing about the letter, which must survive until an operator has corrected either.
    pub(crate) async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let config = &self.config;
        let mut connection = self.open((config.host.as_str(), config.port)).await?;
        if !config.username.is_empty() {
            let credentials = Credentials::new(config.username.clone(), config.password.reveal().to_owned());
            self.early("AUTH", connection.auth(DEFAULT_MECHANISMS, &credentials)).await?;
        }
        Ok(connection)
    }

    /// Connects and upgrades.
    pub(crate) async fn open(&self, server: impl ToSocketAddrs) -> Result<AsyncSmtpConnection, SendError> {
        let config = &self.config;
        let hello = ClientId::Domain(config.hello_name.clone());
        let wrapper = self.tls.clone().filter(|_| config.tls == SmtpTls::Tls);
        let connecting =
            AsyncSmtpConnection::connect_tokio1(server, Some(config.timeout()), &hello, wrapper, None);
        let mut connection = self.early("connecting", connecting).await?;
        if config.tls == SmtpTls::Starttls
            && let Some(tls) = self.tls.clone()
        {
            if !connection.can_starttls() {
                return Err(SendError::temporary(
                    "STARTTLS: the server does not offer it, so nothing was sent",
                ));
            }
            self.early("STARTTLS", connection.starttls(tls, &hello)).await?;
        }
        Ok(connection)
    }

    /// For a step of the conversation.
    pub(crate) fn patience(&self) -> Duration {
        self.config.timeout()
    }

    /// Says goodbye, and does not wait for long.
    pub(crate) async fn hang_up(&self, mut connection: AsyncSmtpConnection) {
        drop(tokio::time::timeout(Duration::from_secs(1), connection.command(Quit)).await);
    }

    async fn early<T>(
        &self,
        step: &str,
        call: impl Future<Output = Result<T, SmtpError>>,
    ) -> Result<T, SendError> {
        match tokio::time::timeout(self.config.timeout(), call).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(SendError::temporary(detail(step, &error))),
            Err(_) => Err(SendError::temporary(format!("{step}: no answer in time"))),
        }
    }

    async fn command(
        &self,
        step: &str,
        call: impl Future<Output = Result<Response, SmtpError>>,
    ) -> Result<Response, SendError> {
        match tokio::time::timeout(self.config.timeout(), call).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_permanent() => Err(SendError::permanent(detail(step, &error))),
            Ok(Err(error)) => Err(SendError::temporary(detail(step, &error))),
            Err(_) => Err(SendError::temporary(format!("{step}: no answer in time"))),
        }
    }

    /// A connection that was used before and still answers.
    async fn reuse(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if since.elapsed() < MAX_IDLE
                && tokio::time::timeout(self.config.timeout(), connection.test_connected()).await == Ok(true)
            {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
    }

    pub(crate) async fn transact(
        &self,
        connection: &mut AsyncSmtpConnection,
        letter: &Wire,
    ) -> Result<Receipt, SendError> {
        let offers = |extension| connection.server_info().supports_feature(extension);
        let mut parameters = Vec::new();
        if letter.is_utf8_address {
            if !offers(Extension::SmtpUtfEight) {
                return Err(SendError::permanent(
                    "the mail server takes no addresses outside ASCII (SMTPUTF8)",
                ));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !letter.raw.is_ascii() && offers(Extension::EightBitMime) {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.command("MAIL", connection.command(Mail::new(letter.from.clone(), parameters))).await?;
        self.command("RCPT", connection.command(Rcpt::new(letter.to.clone(), vec![]))).await?;
        self.command("DATA", connection.command(Data)).await?;

        // The iterator ends right before the final dot is written. Until then the server cannot have taken the
        // letter; from then on only its answer tells.
        let dotted = AtomicBool::new(false);
        let pieces = letter.raw.chunks(64 * 1024).map(Some).chain([None]).map_while(|piece| {
            dotted.store(piece.is_none(), Ordering::Relaxed);
            piece
        });
        let answer = tokio::time::timeout(self.config.timeout() * 5, connection.message_iter(pieces)).await;
        match answer {
            Ok(Ok(response)) => Ok(Receipt { detail: receipt(&response) }),
            Ok(Err(error)) if error.is_permanent() => {
                Err(SendError::permanent(detail("end of data", &error)))
            }
            Ok(Err(error)) if error.is_transient() || !dotted.load(Ordering::Relaxed) => {
                Err(SendError::temporary(detail("end of data", &error)))
            }
            Ok(Err(error)) => Err(SendError::uncertain(detail("the answer to the letter was lost", &error))),
            Err(_) if dotted.load(Ordering::Relaxed) => {
                Err(SendError::uncertain("the server did not answer the letter in time"))
            }
            Err(_) => Err(SendError::temporary("the server did not take the letter's text in time")),
        }
    }
}

impl SmtpMailer {
    /// Sends a letter as it is described, once.
    async fn hand_over(&self, envelope: &Envelope) -> Result<Receipt, SendError> {
        let letter = Wire::new(envelope, self.signer.as_ref())?;
        let _permit =
            self.permits.acquire().await.map_err(|_| SendError::temporary("the mailer is closed"))?;
        let mut connection = match self.reuse().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let outcome = self.transact(&mut connection, &letter).await;
        match &outcome {
            Ok(_) => self.keep(connection),
            // What the server makes of the next command is anybody's guess; a new connection costs little.
            Err(_) => drop(tokio::time::timeout(Duration::from_secs(1), connection.command(Quit)).await),
        }
        outcome
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    /// A letter without a return path that is refused for good goes once more in the name of its author: services that one
    /// signs in to, such as SES, take none without, and refuse it at whatever step. It was not taken, so it leaves once.
    async fn send(&self, mut envelope: Envelope) -> Result<Receipt, SendError> {
        if envelope.from.is_some() {
            return self.hand_over(&envelope).await;
        }
        let author = Head::of(&envelope.raw, &Limits::default()).and_then(|head| head.from);
        let Some(author) = author else { return self.hand_over(&envelope).await };
        if !self.null_path.is_refused(Instant::now()) {
            match self.hand_over(&envelope).await {
                Err(refused) if refused.class == SendErrorClass::Permanent => {}
                said => return said,
            }
            envelope.from = Some(author);
            let receipt = self.hand_over(&envelope).await?;
            self.null_path.note(envelope.to.domain(), Instant::now());
            return Ok(receipt);
        }
        envelope.from = Some(author);
        self.hand_over(&envelope).await
    }
}

/// A letter that is fit for the wire.
pub(crate) struct Wire {
    from: Option<Address>,
    to: Address,
    is_utf8_address: bool,
    raw: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(envelope: &Envelope, signer: Option<&DkimSigner>) -> Result<Self, SendError> {
        let address = |email| {
            let text = mail::wire_address(email).map_err(|error| SendError::permanent(error.message()))?;
            text.parse::<Address>()
                .map_err(|_| SendError::permanent("the address is not one a mail server takes"))
        };
        let from = envelope.from.as_ref().map(address).transpose()?;
        let to = address(&envelope.to)?;
        let is_utf8_address = [from.as_ref(), Some(&to)].into_iter().flatten().any(|address| {
            let text: &str = address.as_ref();
            !text.is_ascii()
        });
        // A bare CR or LF is read as a line end by some servers and not by others; between two such, a line with
        // a dot ends the letter early and what follows is read as commands.
        let raw = &envelope.raw;
        let bare = raw.iter().enumerate().any(|(i, byte)| match byte {
            b'\r' => raw.get(i + 1) != Some(&b'\n'),
            b'\n' => i == 0 || raw.get(i - 1) != Some(&b'\r'),
            _ => false,
        });
        if bare {
            return Err(SendError::permanent("the letter has a line end that is not CRLF; it was not sent"));
        }
        // Signed on the way and not when it was written: a key may have changed since, and a signature ages.
        let mut raw = match signer {
            Some(signer) => signer
                .sign(raw)
                .map_err(|error| SendError::temporary(format!("the letter could not be signed: {error}")))?,
            None => raw.to_vec(),
        };
        // The client ends the text with a line end of its own.
        if raw.ends_with(b"\r\n") {
            raw.truncate(raw.len() - 2);
        }
        Ok(Self { from, to, is_utf8_address, raw })
    }
}

fn tls_parameters(config: &SmtpConfig) -> Result<TlsParameters> {
    let refuse = |error: &dyn std::fmt::Display| {
        Error::field("smtp.ca_file", "smtp.ca_file", format!("cannot be used as a certificate: {error}"))
    };
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.ca_file {
        let pem = std::fs::read(path).map_err(|error| refuse(&error))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| refuse(&error))?);
    }
    builder.build().map_err(Error::from_source)
}

fn receipt(response: &Response) -> String {
    one_line(&format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" ")))
}

pub(crate) fn detail(step: &str, error: &SmtpError) -> String {
    one_line(&format!("{step}: {error}"))
}

/// What a server answers goes into logs and pages: one line, and not all of it.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(400)
        .collect::<String>()
        .trim_end()
        .to_owned()
}
