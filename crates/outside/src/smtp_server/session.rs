//! One conversation.

use std::{
    io,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use base::Email;
use engine::outside::{Accepted, Delivered, Door, RecipientVerdict, ReturnPath};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::timeout,
};

use super::{
    Protocol, SmtpServerConfig,
    command::{self, Command},
    limits::Limits,
    stopped,
    wire::{Line, Reply, Text, Wire},
};

/// Refusals in one conversation after which we hang up: whoever tries names until one fits needs more.
const MAX_REFUSALS: usize = 20;
/// A conversation that is longer is no delivery.
const MAX_TIME: Duration = Duration::from_secs(3600);

/// What a conversation needs beside its connection.
pub(super) struct Session<'a> {
    pub config: &'a SmtpServerConfig,
    pub door: &'a Arc<dyn Door>,
    pub limits: &'a Arc<Limits>,
    pub client_ip: IpAddr,
    pub stop: watch::Receiver<bool>,
    /// Whether this connection is encrypted.
    pub tls: bool,
    pub can_start_tls: bool,
    /// What the other side called itself, since the last upgrade.
    helo: Option<String>,
    transaction: Option<Transaction>,
    refusals: usize,
    since: Instant,
}

struct Transaction {
    from: ReturnPath,
    /// Each address once.
    recipients: Vec<Email>,
    /// For each RCPT that was accepted, which of the recipients it named: LMTP answers each.
    asked: Vec<usize>,
}

/// Why a conversation on one stream is over.
pub(super) enum End {
    Closed,
    /// `220` was sent: the next bytes are a handshake.
    StartTls,
}

/// What to do after a command.
enum Next {
    Go,
    HangUp,
    StartTls,
}

impl<'a> Session<'a> {
    pub fn new(
        config: &'a SmtpServerConfig,
        door: &'a Arc<dyn Door>,
        limits: &'a Arc<Limits>,
        client_ip: IpAddr,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let can_start_tls = config.tls.is_some();
        Self {
            config,
            door,
            limits,
            client_ip,
            stop,
            tls: false,
            can_start_tls,
            helo: None,
            transaction: None,
            refusals: 0,
            since: Instant::now(),
        }
    }

    /// The connection is encrypted now, and nothing that was said before counts (RFC 3207 4.2).
    pub fn upgraded(&mut self) {
        (self.tls, self.can_start_tls) = (true, false);
        (self.helo, self.transaction) = (None, None);
    }

    /// Talks until one side has enough.
    pub async fn talk<S>(&mut self, wire: &mut Wire<S>) -> io::Result<End>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            if !wire.has_input() {
                wire.flush().await?;
            }
            let line = tokio::select! {
                // Between commands is where a server that stops may go; a letter at hand is finished.
                biased;
                () = stopped(&mut self.stop) => {
                    return Ok(goodbye(wire, Reply::new(421, "4.3.2", "going down, try again")).await);
                }
                line = timeout(self.config.command_time(), wire.read_line()) => line,
            };
            let Ok(line) = line else {
                return Ok(goodbye(wire, Reply::new(421, "4.4.2", "nothing was said for long")).await);
            };
            let next = match line {
                Ok(None) => return Ok(End::Closed),
                // A line without an end.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Ok(goodbye(wire, Reply::new(500, "5.5.6", "line too long")).await);
                }
                Err(error) => return Err(error),
                Ok(Some(Line::TooLong)) => self.refuse(wire, &Reply::new(500, "5.5.6", "line too long")),
                Ok(Some(Line::Malformed)) => {
                    self.refuse(wire, &Reply::new(500, "5.5.2", "a line ends in CRLF and has no other"))
                }
                Ok(Some(Line::Whole(line))) => {
                    match command::parse(&line, self.config.protocol, &self.config.hostname) {
                        Ok(command) => self.obey(wire, command).await?,
                        Err(refused) => match self.refuse(wire, &refused.reply) {
                            Next::Go if !refused.hang_up => Next::Go,
                            _ => Next::HangUp,
                        },
                    }
                }
            };
            match next {
                Next::Go if self.refusals < MAX_REFUSALS && self.since.elapsed() < MAX_TIME => {}
                Next::Go => {
                    return Ok(
                        goodbye(wire, Reply::new(421, "4.7.0", "too many refusals, or too long")).await
                    );
                }
                Next::HangUp => {
                    wire.shutdown().await;
                    return Ok(End::Closed);
                }
                Next::StartTls => {
                    wire.flush().await?;
                    return Ok(End::StartTls);
                }
            }
        }
    }

    fn refuse<S>(&mut self, wire: &mut Wire<S>, reply: &Reply) -> Next
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.refusals += 1;
        wire.reply(reply);
        Next::Go
    }

    async fn obey<S>(&mut self, wire: &mut Wire<S>, command: Command) -> io::Result<Next>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let ok = |text: &'static str| Reply::new(250, "2.0.0", text);
        match command {
            Command::Hello { name } => {
                (self.helo, self.transaction) = (Some(name), None);
                self.greet(wire);
            }
            Command::OldHello { name } => {
                (self.helo, self.transaction) = (Some(name), None);
                wire.line(&format!("250 {}", self.config.hostname));
            }
            Command::Mail { from, size_bytes } => return Ok(self.mail(wire, from, size_bytes)),
            Command::Rcpt { to } => return Ok(self.rcpt(wire, to).await),
            Command::Data => return self.data(wire).await,
            Command::StartTls if self.can_start_tls => {
                if wire.has_input() {
                    wire.reply(&Reply::new(554, "5.5.1", "nothing is sent along with STARTTLS"));
                    return Ok(Next::HangUp);
                }
                wire.reply(&Reply::new(220, "2.0.0", "go ahead"));
                return Ok(Next::StartTls);
            }
            Command::StartTls => {
                return Ok(self.refuse(wire, &Reply::new(503, "5.5.1", "not offered, or done already")));
            }
            Command::Reset => {
                self.transaction = None;
                wire.reply(&ok("forgotten"));
            }
            Command::Noop => wire.reply(&ok("here")),
            Command::Verify => wire.reply(&Reply::new(252, "2.5.0", "send a letter and see")),
            Command::Help => wire.reply(&Reply::new(214, "2.0.0", "RFC 5321")),
            Command::Quit => {
                wire.reply(&Reply::new(221, "2.0.0", "bye"));
                return Ok(Next::HangUp);
            }
        }
        Ok(Next::Go)
    }

    fn greet<S>(&self, wire: &mut Wire<S>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let size = format!("SIZE {}", self.config.max_message_bytes);
        let tls = self.can_start_tls.then_some("STARTTLS");
        let offers = [self.config.hostname.as_str(), "PIPELINING", &size, "8BITMIME", "SMTPUTF8"];
        for line in offers.into_iter().chain(tls) {
            wire.line(&format!("250-{line}"));
        }
        wire.line("250 ENHANCEDSTATUSCODES");
    }

    fn mail<S>(&mut self, wire: &mut Wire<S>, from: ReturnPath, size_bytes: usize) -> Next
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let refusal = if self.config.tls_required && !self.tls {
            Reply::new(530, "5.7.0", "say STARTTLS first")
        } else if self.helo.is_none() {
            Reply::new(503, "5.5.1", "say hello first")
        } else if self.transaction.is_some() {
            Reply::new(503, "5.5.1", "one letter after the other")
        } else if size_bytes > self.config.max_message_bytes {
            too_large()
        } else {
            self.transaction = Some(Transaction { from, recipients: Vec::new(), asked: Vec::new() });
            wire.reply(&Reply::new(250, "2.1.0", "sender ok"));
            return Next::Go;
        };
        self.refuse(wire, &refusal)
    }

    async fn rcpt<S>(&mut self, wire: &mut Wire<S>, to: Email) -> Next
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(transaction) = &mut self.transaction else {
            return self.refuse(wire, &Reply::new(503, "5.5.1", "say MAIL first"));
        };
        if transaction.asked.len() >= self.config.max_recipients {
            // Not a refusal to count: RFC 5321 4.5.3.1.10 has a client go on with a second letter.
            wire.reply(&Reply::new(452, "4.5.3", "too many recipients, send another letter for the rest"));
            return Next::Go;
        }
        let known = transaction.recipients.iter().position(|one| one.key() == to.key());
        let verdict = match known {
            Some(_) => RecipientVerdict::Known,
            None => self.door.recipient(&to).await,
        };
        match verdict {
            RecipientVerdict::Known => {
                let index = known.unwrap_or(transaction.recipients.len());
                if known.is_none() {
                    transaction.recipients.push(to);
                }
                transaction.asked.push(index);
                wire.reply(&Reply::new(250, "2.1.5", "recipient ok"));
                Next::Go
            }
            RecipientVerdict::Unknown => {
                self.refuse(wire, &Reply::new(550, "5.1.1", "nobody here has that address"))
            }
            RecipientVerdict::Later => {
                wire.reply(&Reply::new(451, "4.3.0", "cannot be said now, try again"));
                Next::Go
            }
        }
    }

    async fn data<S>(&mut self, wire: &mut Wire<S>) -> io::Result<Next>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let transaction = match self.transaction.take() {
            Some(transaction) if !transaction.recipients.is_empty() => transaction,
            Some(transaction) => {
                self.transaction = Some(transaction);
                return Ok(self.refuse(wire, &Reply::new(503, "5.5.1", "no recipient was accepted")));
            }
            None => return Ok(self.refuse(wire, &Reply::new(503, "5.5.1", "say MAIL first"))),
        };
        wire.line("354 end with <CRLF>.<CRLF>");
        wire.flush().await?;
        let mut held = self.limits.held();
        let reading = wire.read_text(self.config.max_message_bytes, &mut held);
        let Ok(text) = timeout(self.config.letter_time(), reading).await else {
            wire.reply(&Reply::new(421, "4.4.2", "the letter took too long"));
            return Ok(Next::HangUp);
        };
        let answers = transaction.asked.len();
        let raw = match text? {
            Text::Whole(raw) => raw,
            Text::TooLarge => return Ok(self.refuse_letter(wire, answers, &too_large())),
            Text::NoMemory => {
                let reply = Reply::new(452, "4.3.1", "too many letters at once, try again");
                return Ok(self.refuse_letter(wire, answers, &reply));
            }
        };
        let Transaction { from, recipients, asked } = transaction;
        let count = recipients.len();
        let letter = Delivered {
            client_ip: self.client_ip,
            helo: self.helo.clone().unwrap_or_default(),
            tls: self.tls,
            envelope_from: from,
            recipients,
            raw: raw.into(),
        };
        let mut accepted = self.door.accept(letter).await;
        if accepted.len() != count {
            tracing::error!(answers = accepted.len(), recipients = count, "the mail door miscounted");
            accepted.resize(count, Accepted::Later("try again".into()));
        }
        match self.config.protocol {
            Protocol::Smtp => wire.reply(&answer(worst(&accepted))),
            Protocol::Lmtp => {
                for index in asked {
                    wire.reply(&answer(accepted.get(index).unwrap_or(&Accepted::Taken)));
                }
            }
        }
        Ok(Next::Go)
    }

    fn refuse_letter<S>(&mut self, wire: &mut Wire<S>, answers: usize, reply: &Reply) -> Next
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        // RFC 2033 4.2: also a letter refused as a whole has one answer for each recipient.
        let count = if self.config.protocol == Protocol::Lmtp { answers } else { 1 };
        for _ in 1..count {
            wire.reply(reply);
        }
        self.refuse(wire, reply)
    }
}

async fn goodbye<S>(wire: &mut Wire<S>, reply: Reply) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    wire.reply(&reply);
    wire.shutdown().await;
    End::Closed
}

fn too_large() -> Reply {
    Reply::new(552, "5.3.4", "the letter is larger than we take")
}

fn answer(accepted: &Accepted) -> Reply {
    match accepted {
        Accepted::Taken => Reply::new(250, "2.0.0", "taken"),
        Accepted::Later(why) => Reply::new(451, "4.3.0", why.clone()),
        Accepted::Refused(why) => Reply::new(554, "5.7.1", why.clone()),
    }
}

/// SMTP has one answer for all. "Later" outweighs "refused": what is sent again can still be refused, what was
/// refused for everybody is lost for those who could have had it later.
fn worst(accepted: &[Accepted]) -> &Accepted {
    let rank = |one: &&Accepted| match one {
        Accepted::Taken => 0,
        Accepted::Refused(_) => 1,
        Accepted::Later(_) => 2,
    };
    accepted.iter().max_by_key(rank).unwrap_or(&Accepted::Taken)
}
