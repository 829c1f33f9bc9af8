//! Commands, each run to its tagged answer.

use std::time::Duration;

use base::{Error, Kind, Result, Secret};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use imap_proto::{MailboxDatum, Outcome, Response, Status};
use tokio::time::{Instant, timeout};

use super::wire::{BoxStream, Wire, parse};

/// Bytes that may come in answer to a command that asks for no mail: two million UIDs.
const ROOM: u64 = 16 * 1024 * 1024;
/// All of a command's answers together may take so many times as long as one.
const ALL_PATIENCE: u32 = 4;
/// Questions in a sign-in.
const MAX_QUESTIONS: usize = 4;

pub(super) struct Session {
    wire: Wire,
    /// For an answer.
    limit: Duration,
    /// Mails in the folder, as far as we were told.
    pub exists: u32,
    /// More have come since somebody looked.
    pub grown: bool,
}

/// How a command ended that the server understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Ok,
    /// With the server's words.
    No(String),
}

impl Session {
    pub fn new(stream: BoxStream, limit: Duration) -> Self {
        Self { wire: Wire::new(stream), limit, exists: 0, grown: false }
    }

    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// The stream alone. What came and was not read is dropped.
    pub fn into_stream(self) -> BoxStream {
        self.wire.into_stream()
    }

    /// What the server says first.
    pub async fn greeting<T>(&mut self, look: impl FnOnce(&Response<'_>) -> T) -> Result<T> {
        self.wire.allow(ROOM);
        let answer = in_time(self.limit, self.wire.answer()).await?;
        Ok(look(&parse(&answer)?))
    }

    /// Runs a command; what comes before its answer goes to `each`.
    pub async fn run(
        &mut self,
        command: &str,
        patience: u32,
        each: impl FnMut(&Response<'_>),
    ) -> Result<Said> {
        self.run_within(ROOM, command, patience, each).await
    }

    /// The same, where all answers together have at most so many bytes more than others.
    pub async fn run_within(
        &mut self,
        bytes: u64,
        command: &str,
        patience: u32,
        mut each: impl FnMut(&Response<'_>),
    ) -> Result<Said> {
        let limit = self.limit * patience;
        let until = Instant::now() + limit * ALL_PATIENCE;
        self.wire.allow(bytes);
        let tag = in_time(limit, self.wire.command(&Secret::new(command))).await?;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let ended = self.read(limit.min(left), |response| {
                let said = ending(response, &tag);
                if said.is_none() {
                    each(response);
                }
                said
            });
            if let Some(said) = ended.await? {
                return said;
            }
        }
    }

    /// Signs in with a name and a password.
    pub async fn login(&mut self, username: &str, password: &Secret) -> Result<Said> {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let command = format!("LOGIN {} {}", quoted(username), quoted(password.reveal()));
        self.run(&command, 1, |_| {}).await
    }

    /// Signs in by a mechanism: the first question is answered with `first`, any other with `after`. Of a refusal the reason is a
    /// question too, and is answered so that the refusal itself comes.
    pub async fn authenticate(&mut self, mechanism: &str, first: &Secret, after: &str) -> Result<Said> {
        self.wire.allow(ROOM);
        let command = Secret::new(format!("AUTHENTICATE {mechanism}"));
        let tag = in_time(self.limit, self.wire.command(&command)).await?;
        let mut answers = [first.reveal()].into_iter().chain([after; MAX_QUESTIONS]);
        loop {
            let ended = self.read(self.limit, |response| match response {
                Response::Continue(_) => Some(None),
                response => ending(response, &tag).map(Some),
            });
            match ended.await? {
                None => {}
                Some(Some(said)) => return said,
                Some(None) => {
                    let answer = answers.next().ok_or_else(|| protocol("the server asks on and on"))?;
                    let line = Secret::new(STANDARD.encode(answer));
                    in_time(self.limit, self.wire.line(&line)).await?;
                }
            }
        }
    }

    /// Sends `IDLE` and waits for the `+`; `false` when the server refuses.
    pub async fn begin_idle(&mut self) -> Result<bool> {
        self.wire.allow(ROOM);
        in_time(self.limit, self.wire.command(&Secret::new("IDLE"))).await?;
        loop {
            let begun = self.read(self.limit, |response| match response {
                Response::Continue { .. } => Some(true),
                Response::Done { .. } => Some(false),
                _ => None,
            });
            if let Some(begun) = begun.await? {
                return Ok(begun);
            }
        }
    }

    /// Sends `DONE` and waits until idling has ended.
    pub async fn end_idle(&mut self) -> Result<()> {
        self.wire.allow(ROOM);
        in_time(self.limit, self.wire.line(&Secret::new("DONE"))).await?;
        let until = Instant::now() + self.limit * ALL_PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now()).min(self.limit);
            if self.read(left, |response| matches!(response, Response::Done { .. })).await? {
                return Ok(());
            }
        }
    }

    /// The next thing the server tells while nothing is asked, within `limit`. Safe to give up on.
    pub async fn next(&mut self, limit: Duration) -> Result<()> {
        self.read(limit, |_| ()).await
    }

    async fn read<T>(&mut self, limit: Duration, look: impl FnOnce(&Response<'_>) -> T) -> Result<T> {
        let answer = in_time(limit, self.wire.answer()).await?;
        let response = parse(&answer)?;
        match &response {
            Response::MailboxData(MailboxDatum::Exists(count)) => {
                self.grown |= *count > self.exists;
                self.exists = *count;
            }
            Response::Expunge(_) => self.exists = self.exists.saturating_sub(1),
            Response::Data { status: Status::Bye, outcome, .. } => {
                let why = format!("the server said goodbye: {}", words(outcome));
                return Err(unavailable("imap.lost", why));
            }
            _ => {}
        }
        Ok(look(&response))
    }
}

/// How the command of a tag ended, if this is its end.
fn ending(response: &Response<'_>, ours: &str) -> Option<Result<Said>> {
    match response {
        Response::Done { tag, status, outcome } if tag.0 == ours => Some(match status {
            Status::Ok => Ok(Said::Ok),
            Status::No => Ok(Said::No(words(outcome))),
            _ => Err(protocol(format!("the server does not understand us: {}", words(outcome)))),
        }),
        _ => None,
    }
}

pub(super) fn words(outcome: &Outcome<'_>) -> String {
    one_line(outcome.information.as_deref().unwrap_or_default())
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(limit, work).await.map_err(|_| unavailable("imap.lost", "no answer in time"))?
}

#[track_caller]
pub(super) fn lost() -> Error {
    unavailable("imap.lost", "the server closed the connection")
}

#[track_caller]
pub(super) fn protocol(why: impl Into<String>) -> Error {
    unavailable("imap.protocol", why)
}

#[track_caller]
pub(super) fn unavailable(code: &'static str, why: impl Into<String>) -> Error {
    Error::new(Kind::Unavailable, code, why.into())
}

pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect::<String>().trim().to_owned()
}
