//! Lines and letters from bytes, answers to bytes.

use std::{borrow::Cow, io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};

use super::{limits::Held, text::Unstuffer};

/// A command line with its CRLF. RFC 5321 wants 512; MAIL's parameters and addresses outside ASCII make it longer.
const MAX_LINE: usize = 2048;
/// Of a line that is longer, this much is read in search of its end.
const MAX_OVERLONG: usize = 64 * 1024;
/// The other side has to take our answers in this time.
const WRITE_TIME: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub code: u16,
    /// RFC 3463, such as `5.1.1`.
    pub enhanced: &'static str,
    pub text: Cow<'static, str>,
}

impl Reply {
    pub fn new(code: u16, enhanced: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, enhanced, text: text.into() }
    }
}

/// One line of command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// With its CRLF, and without another CR, LF or a NUL.
    Whole(Vec<u8>),
    TooLong,
    /// Ended by a bare LF, or with a CR or NUL within.
    Malformed,
}

/// How the text of a letter came out.
pub(super) enum Text {
    Whole(Vec<u8>),
    TooLarge,
    /// All connections together hold too much.
    NoMemory,
}

/// A connection, in the clear or encrypted.
pub(super) struct Wire<S> {
    stream: S,
    input: Vec<u8>,
    /// Where in `input` the unread part begins.
    at: usize,
    output: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, input: Vec::new(), at: 0, output: Vec::new() }
    }

    /// For TLS; `None` when something was sent before it that nobody has read: whoever did may not be who will do
    /// the handshake.
    pub fn into_stream(self) -> Option<S> {
        (self.at == self.input.len()).then_some(self.stream)
    }

    /// Whether the other side has sent more already, so that an answer may wait for the next.
    pub fn has_input(&self) -> bool {
        self.at < self.input.len()
    }

    pub fn reply(&mut self, reply: &Reply) {
        let line = format!("{} {} {}", reply.code, reply.enhanced, reply.text);
        self.line(&line);
    }

    /// An answer without an enhanced code: the greetings.
    pub fn line(&mut self, line: &str) {
        // What the door says is sent as one line, whatever is in it.
        let clean = line.chars().map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' });
        self.output.extend(clean.take(500).map(|c| c as u8));
        self.output.extend_from_slice(b"\r\n");
    }

    pub async fn flush(&mut self) -> io::Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let write = async {
            self.stream.write_all(&self.output).await?;
            self.stream.flush().await
        };
        timeout(WRITE_TIME, write).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        self.output.clear();
        Ok(())
    }

    pub async fn shutdown(&mut self) {
        let _ = self.flush().await;
        let _ = timeout(Duration::from_secs(5), self.stream.shutdown()).await;
    }

    /// The next line; `None` when the other side has hung up. Safe to give up on: nothing that was read is lost.
    pub async fn read_line(&mut self) -> io::Result<Option<Line>> {
        let mut searched = 0;
        loop {
            let unread = self.input.get(self.at..).unwrap_or_default();
            if let Some(end) = unread.iter().skip(searched).position(|&byte| byte == b'\n') {
                let line = unread[..=searched + end].to_vec();
                self.at += line.len();
                return Ok(Some(judge(line)));
            }
            searched = unread.len();
            if searched > MAX_OVERLONG {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// The text after `354`, up to its end also when it is not kept, so that the next command is found.
    pub async fn read_text(&mut self, max_bytes: usize, held: &mut Held) -> io::Result<Text> {
        let (mut unstuffer, mut letter, mut dropped, mut refused) = (Unstuffer::new(), Vec::new(), 0, None);
        loop {
            let unread = self.input.get(self.at..).unwrap_or_default();
            let end = unstuffer.take(unread, &mut letter);
            self.at += end.unwrap_or(unread.len());
            if refused.is_none() {
                if letter.len() > max_bytes {
                    refused = Some(Text::TooLarge);
                } else if !held.grow_to(letter.capacity()) {
                    refused = Some(Text::NoMemory);
                }
            }
            if refused.is_some() {
                dropped += letter.len();
                letter = Vec::new();
                // Whoever goes on and on is not waiting for our answer.
                if dropped > max_bytes.saturating_mul(2).max(1024 * 1024) {
                    return Ok(refused.unwrap_or(Text::TooLarge));
                }
            }
            if end.is_some() {
                return Ok(refused.unwrap_or(Text::Whole(letter)));
            }
            if !self.fill().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads more; `false` at the end.
    async fn fill(&mut self) -> io::Result<bool> {
        self.input.drain(..self.at);
        self.at = 0;
        self.input.reserve(32 * 1024);
        Ok(self.stream.read_buf(&mut self.input).await? > 0)
    }
}

fn judge(line: Vec<u8>) -> Line {
    let Some(text) = line.strip_suffix(b"\r\n") else { return Line::Malformed };
    if text.len() > MAX_LINE - 2 {
        return Line::TooLong;
    }
    if text.iter().any(|byte| matches!(byte, b'\r' | b'\0')) { Line::Malformed } else { Line::Whole(line) }
}
