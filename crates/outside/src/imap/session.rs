//! Commands, each run to its tagged answer.

use std::{fmt, io, time::Duration};

use async_imap::{
    Session as Wire,
    imap_proto::{MailboxDatum, Response, Status},
};
use base::{Error, Kind, Result};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

/// A connection of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Stream for T {}
pub(super) type BoxStream = Box<dyn Stream>;

pub(super) struct Session {
    wire: Wire<BoxStream>,
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
    pub fn new(wire: Wire<BoxStream>, limit: Duration) -> Self {
        Self { wire, limit, exists: 0, grown: false }
    }

    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Runs a command; what comes before its answer goes to `each`.
    pub async fn run(
        &mut self,
        command: &str,
        patience: u32,
        mut each: impl FnMut(&Response<'_>),
    ) -> Result<Said> {
        let limit = self.limit * patience;
        let id = in_time(limit, self.wire.run_command(command)).await?.map_err(broken)?;
        loop {
            let ended = self.next(limit, |response| match response {
                Response::Done { tag, status, outcome, .. } if tag == &id => {
                    let words = one_line(outcome.information.as_deref().unwrap_or_default());
                    Some(match status {
                        Status::Ok => Ok(Said::Ok),
                        Status::No => Ok(Said::No(words)),
                        _ => Err(protocol(format!("the server does not understand us: {words}"))),
                    })
                }
                response => {
                    each(response);
                    None
                }
            });
            if let Some(said) = ended.await? {
                return said;
            }
        }
    }

    /// Sends a line that is no command of its own, such as `DONE`.
    pub async fn say(&mut self, line: &str) -> Result<()> {
        in_time(self.limit, self.wire.run_command_untagged(line)).await?.map_err(broken)
    }

    /// Sends `IDLE` and waits for the `+`; `false` when the server refuses.
    pub async fn begin_idle(&mut self) -> Result<bool> {
        in_time(self.limit, self.wire.run_command("IDLE")).await?.map_err(broken)?;
        loop {
            let begun = self.next(self.limit, |response| match response {
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
        self.say("DONE").await?;
        while !self.next(self.limit, |response| matches!(response, Response::Done { .. })).await? {}
        Ok(())
    }

    /// The next thing the server says, within `limit`. Safe to give up on.
    pub async fn next<T>(&mut self, limit: Duration, look: impl FnOnce(&Response<'_>) -> T) -> Result<T> {
        let read = in_time(limit, self.wire.read_response()).await?;
        let data = read.map_err(|error| broken(error.into()))?.ok_or_else(lost)?;
        let response = data.parsed();
        match response {
            Response::MailboxData(MailboxDatum::Exists(count)) => {
                self.grown |= *count > self.exists;
                self.exists = *count;
            }
            Response::Expunge(_) => self.exists = self.exists.saturating_sub(1),
            Response::Data { status: Status::Bye, outcome, .. } => {
                let words = one_line(outcome.information.as_deref().unwrap_or_default());
                return Err(unavailable("imap.lost", format!("the server said goodbye: {words}")));
            }
            _ => {}
        }
        Ok(look(response))
    }
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T> {
    timeout(limit, work).await.map_err(|_| unavailable("imap.lost", "no answer in time"))
}

/// What the library reports of an answer it cannot read holds that answer, which may be a mail: it is left out.
pub(super) fn broken(error: async_imap::error::Error) -> Error {
    use async_imap::error::Error as Imap;
    match error {
        Imap::Io(error) if error.kind() == io::ErrorKind::Other => {
            protocol("the server said something that is not IMAP")
        }
        Imap::Io(error) => unavailable("imap.lost", format!("the connection broke: {error}")),
        Imap::ConnectionLost => lost(),
        Imap::No(words) | Imap::Bad(words) => protocol(format!("the server refuses: {}", one_line(&words))),
        _ => protocol("the server said something unexpected"),
    }
}

#[track_caller]
fn lost() -> Error {
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

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_sent_is_not_logged() {
        // See the manifest: async-imap logs commands at `trace`, and LOGIN is one.
        const { assert!((log::STATIC_MAX_LEVEL as usize) < log::LevelFilter::Trace as usize) }
    }
}
