//! A connection: commands out, answers in, each answer whole.
//!
//! A mailbox's server may be anybody's: hosts are a tenant's to write. So where an answer ends is found by ourselves, within an
//! allowance of bytes, and only a whole answer of a harmless shape is given to the grammar, which reads nested brackets by calling
//! itself.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use base::{Result, Secret};
use bytes::{Buf as _, Bytes, BytesMut};
use imap_proto::Response;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::session::{lost, protocol, unavailable};

/// A connection of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Stream for T {}
pub(super) type BoxStream = Box<dyn Stream>;

/// Read from the connection in one go.
const CHUNK: usize = 64 * 1024;
/// Brackets in brackets, in what we ask for and what servers tell unasked.
const DEEP: i64 = 8;

pub(super) struct Wire {
    stream: BoxStream,
    /// What came and was not given out.
    read: BytesMut,
    /// Bytes that may still come.
    room: u64,
    answer: Scan,
    commands: u64,
}

/// How far the answer at the front of the buffer was looked at. What came is not looked at twice.
#[derive(Default)]
struct Scan {
    /// Where the line begins that is being looked at; the content before it is passed over.
    line: usize,
    /// No line end before.
    seen: usize,
    depth: i64,
}

impl Wire {
    pub fn new(stream: BoxStream) -> Self {
        Self { stream, read: BytesMut::new(), room: 0, answer: Scan::default(), commands: 0 }
    }

    /// From now on so many bytes may come, in however many answers.
    pub fn allow(&mut self, bytes: u64) {
        self.room = bytes;
    }

    /// The stream alone. What came and was not read is dropped.
    pub fn into_stream(self) -> BoxStream {
        self.stream
    }

    /// Sends a command and answers its tag.
    pub async fn command(&mut self, command: &Secret) -> Result<String> {
        self.commands += 1;
        let tag = format!("C{}", self.commands);
        self.line(&Secret::new(format!("{tag} {}", command.reveal()))).await?;
        Ok(tag)
    }

    /// Sends a line that is no command of its own.
    pub async fn line(&mut self, line: &Secret) -> Result<()> {
        self.stream.write_all(format!("{}\r\n", line.reveal()).as_bytes()).await.map_err(broke)?;
        self.stream.flush().await.map_err(broke)
    }

    /// The next answer. Safe to give up on: what came of it is kept.
    ///
    /// # Errors
    /// `imap.protocol` when more is said, or announced, than is allowed. Nothing is reserved for what is only announced.
    pub async fn answer(&mut self) -> Result<Bytes> {
        loop {
            if let Some(length) = self.whole()? {
                self.answer = Scan::default();
                self.room -= length as u64;
                let answer = self.read.split_to(length).freeze();
                if self.read.is_empty() {
                    self.read = BytesMut::new();
                }
                return Ok(answer);
            }
            if self.read.len() as u64 >= self.room {
                return Err(too_much());
            }
            if self.read.capacity() - self.read.len() < CHUNK / 4 {
                self.read.reserve(CHUNK);
            }
            if self.stream.read_buf(&mut self.read).await.map_err(broke)? == 0 {
                return Err(lost());
            }
        }
    }

    /// The length of the answer at the front, when all of it is there.
    fn whole(&mut self) -> Result<Option<usize>> {
        let scan = &mut self.answer;
        loop {
            let from = scan.seen.max(scan.line);
            let Some(rest) = self.read.get(from..) else { return Ok(None) };
            let Some(end) = rest.iter().position(|b| *b == b'\n') else {
                scan.seen = self.read.len();
                return Ok(None);
            };
            let end = from + end + 1;
            let line = self.read[scan.line..end].trim_ascii_end();
            // Where an answer is words for people, brackets and numbers in them mean nothing.
            let is_text = is_text(&self.read[..end]);
            if !is_text {
                scan.depth += depth(line, scan.depth)?;
            }
            match announced(line).filter(|_| !is_text) {
                Some(literal) => {
                    let after = (end as u64).saturating_add(literal?);
                    if after > self.room {
                        return Err(too_much());
                    }
                    scan.line = usize::try_from(after).map_err(|_| too_much())?;
                }
                None if end as u64 > self.room => return Err(too_much()),
                None => return Ok(Some(end)),
            }
        }
    }
}

/// What an answer says.
pub(super) fn parse(answer: &[u8]) -> Result<Response<'_>> {
    // The grammar's reader stops the whole task over some answers, such as a date that is NIL.
    let parsed = catch_unwind(AssertUnwindSafe(|| Response::parse(answer)));
    match parsed {
        Ok(Ok((rest, response))) if !rest.has_remaining() => Ok(response),
        _ => Err(not_imap()),
    }
}

/// How much deeper a line ends than it began. A string in quotes is one word, whatever brackets are in it: the name of a folder
/// may be of nothing else. It begins where a word begins, and what is written otherwise is no string to the grammar either.
fn depth(line: &[u8], before: i64) -> Result<i64> {
    let (mut now, mut quoted, mut escaped, mut previous) = (0, false, false, b' ');
    for byte in line {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if quoted => quoted = false,
            b'"' if matches!(previous, b' ' | b'(' | b')') => quoted = true,
            b'(' if !quoted => now += 1,
            b')' if !quoted => now -= 1,
            _ => {}
        }
        previous = *byte;
        if before + now > DEEP {
            return Err(not_imap());
        }
    }
    if quoted { Err(not_imap()) } else { Ok(now) }
}

#[track_caller]
fn not_imap() -> base::Error {
    protocol("the server said something that is not IMAP")
}

/// `{12}` at the end of a line: so many bytes follow that are content.
fn announced(line: &[u8]) -> Option<Result<u64>> {
    let digits = line.strip_suffix(b"}")?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    let start = digits.iter().rposition(|b| *b == b'{')? + 1;
    let digits = digits.get(start..)?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    Some(number.ok_or_else(too_much))
}

/// Words for people, in which brackets are words too: an answer's end, a greeting, a goodbye, a `+`.
fn is_text(answer: &[u8]) -> bool {
    let mut words = answer.split(|b| b.is_ascii_whitespace());
    if words.next() != Some(b"*") {
        return true;
    }
    let second = words.next().unwrap_or_default();
    [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].iter().any(|word| second.eq_ignore_ascii_case(word))
}

fn broke(error: io::Error) -> base::Error {
    unavailable("imap.lost", format!("the connection broke: {error}"))
}

#[track_caller]
fn too_much() -> base::Error {
    protocol("the server says more than it was asked for")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of an input that comes in pieces.
    async fn answers(input: &[u8], piece: usize, room: u64) -> (Vec<Bytes>, &'static str) {
        let (ours, mut theirs) = tokio::io::duplex(piece);
        let mut wire = Wire::new(Box::new(ours));
        wire.allow(room);
        let input = input.to_vec();
        let send = async move {
            let _ = theirs.write_all(&input).await;
        };
        let receive = async move {
            let mut all = Vec::new();
            loop {
                match wire.answer().await {
                    Ok(answer) => all.push(answer),
                    Err(error) => return (all, error.code()),
                }
            }
        };
        tokio::join!(receive, send).0
    }

    #[tokio::test]
    async fn an_answer_is_whole_however_it_comes() {
        let input = b"* OK see {3}\r\n* 1 FETCH (UID 7 BODY[] {10}\r\nab {2}\r\n\r\n)\r\n* 2 FETCH (BODY[] {0}\r\n X {1}\r\n\n)\r\nC1 OK {9}\r\n";
        for piece in [1, 2, 7, 1000] {
            let (all, ended) = answers(input, piece, 1000).await;
            let lengths: Vec<usize> = all.iter().map(Bytes::len).collect();
            assert_eq!(
                (lengths.len(), lengths.iter().sum(), ended),
                (4, input.len(), "imap.lost"),
                "{piece}: {all:?}"
            );
            let Ok(Response::Fetch(1, values)) = parse(&all[1]) else { panic!("{:?}", all[1]) };
            assert_eq!(values.len(), 2);
        }
    }

    #[tokio::test]
    async fn nobody_says_or_announces_more_than_is_allowed() {
        let long = format!("* OK {}\r\n", "x".repeat(2000));
        let many = "* 1 EXISTS\r\n".repeat(100);
        for input in [
            &long,
            &many,
            "* 1 FETCH (BODY[] {1000}\r\n",
            "* 1 FETCH (BODY[] {99999999999999999999999999}\r\n",
            "* 1 FETCH (BODY[] {18446744073709551615}\r\n",
            "* 1 FETCH (A {1}\r\nx B {900}\r\n",
        ] {
            assert_eq!(answers(input.as_bytes(), 64, 900).await.1, "imap.protocol", "{input}");
        }
        assert_eq!(answers(long.as_bytes(), 64, 3000).await.0.len(), 1);
    }

    #[tokio::test]
    async fn brackets_in_names_and_in_words_for_people_are_no_nesting() {
        let many = "(".repeat(40);
        for (input, said) in [
            (format!("* LIST (\\HasNoChildren) \"/\" \"{many}\"\r\n"), true),
            (format!("* LIST (\\Sent) \"/\" \"a\\\"{many}\\\\\"\r\n"), true),
            (format!("* LIST () \"/\" {{40}}\r\n{many}\r\n"), true),
            (format!("* OK see {many}\r\n"), true),
            (format!("C1 NO there is no {many}\r\n"), true),
            // No string, though there are quotes.
            (format!("* 1 FETCH (BODYSTRUCTURE x\"{many}\"\r\n"), false),
            (format!("* 1 FETCH (BODYSTRUCTURE \"x\"{many}\r\n"), false),
            (format!("* 1 FETCH (BODYSTRUCTURE \"x\\\" \"{many}\r\n"), false),
            (format!("* LIST () \"/\" \"{many}\r\n"), false),
        ] {
            let (all, ended) = answers(input.as_bytes(), 4096, 10_000).await;
            let ended_as = if said { "imap.lost" } else { "imap.protocol" };
            assert_eq!((all.len(), ended), (usize::from(said), ended_as), "{input}");
            if said {
                parse(&all[0]).unwrap();
            }
        }
        let listed = format!("* LIST () \"/\" \"x{many}\"\r\n");
        let (all, _) = answers(listed.as_bytes(), 7, 10_000).await;
        let Ok(Response::MailboxData(imap_proto::MailboxDatum::List(folder))) = parse(&all[0]) else {
            panic!("{:?}", all[0])
        };
        assert_eq!(folder.name, format!("x{many}"));
    }

    #[tokio::test]
    async fn what_would_break_the_reader_of_the_grammar_is_no_imap() {
        let nested = format!("* 1 FETCH (BODYSTRUCTURE {}\r\n", "(".repeat(200_000));
        assert_eq!(answers(nested.as_bytes(), 4096, 1_000_000).await.1, "imap.protocol");
        for odd in ["* 1 FETCH (INTERNALDATE NIL)\r\n", "\r\n", "* nonsense\u{1}\r\n", "* 1 FETCH (UID 1\r\n"]
        {
            assert_eq!(parse(odd.as_bytes()).unwrap_err().code(), "imap.protocol", "{odd}");
        }
    }
}
