use super::{Limits, Refused, charset, words};

/// One header as it stands: the name without white space around it, and where the value is, folded and undecoded.
#[derive(Clone, Copy, Debug)]
struct Header<'x> {
    name: &'x [u8],
    value: (usize, usize),
    /// White space stands beside the name (RFC 5322, 4.5.8, and what is in no RFC): not every reader knows it then.
    is_padded: bool,
}

/// A block of headers, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Headers<'x> {
    raw: &'x [u8],
    list: Vec<Header<'x>>,
}

impl<'x> Headers<'x> {
    /// Reads the block that starts at `at`; answers it and where the body begins. `end` is the byte that ends lines;
    /// a line of which `stop` is true belongs to somebody else.
    ///
    /// The block ends at an empty line, as it should, or at a line that cannot be a header: mail without the empty
    /// line would else lose the start of its text.
    pub(super) fn read(
        raw: &'x [u8],
        at: usize,
        end: u8,
        stop: impl Fn(&[u8]) -> bool,
        limits: &Limits,
    ) -> Result<(Self, usize), Refused> {
        let mut list: Vec<Header<'x>> = Vec::new();
        let mut body = at;
        for line in Lines::starting_at(raw, at, end) {
            if stop(line.text) {
                break;
            }
            if line.text.is_empty() {
                body = line.end;
                break;
            }
            let folded = line.text.first().is_some_and(|c| matches!(c, b' ' | b'\t'));
            let blank = line.text.iter().all(|c| matches!(c, b' ' | b'\t'));
            let text_end = line.start + line.text.len();
            if folded && blank && !continues(raw, line.end) {
                // An empty line that some program has padded.
                body = line.end;
                break;
            }
            if let (true, Some(last)) = (folded, list.last_mut()) {
                last.value.1 = text_end;
            } else if let Some((name, value)) = split(line.text) {
                if list.len() == limits.headers {
                    return Err(Refused::new(
                        "mail.too_many_headers",
                        format!("a block has more than {} headers", limits.headers),
                    ));
                }
                let is_padded = name.len() + 1 != value;
                list.push(Header { name, value: (line.start + value, text_end), is_padded });
            } else if is_envelope_line(line.text) && list.is_empty() {
                // What mbox files write before a message.
            } else if let (true, Some(last)) = (continues(raw, line.end), list.last_mut()) {
                // A broken header in the midst of others: folded without the white space.
                last.value.1 = text_end;
            } else {
                break;
            }
            body = line.end;
            if body - at > limits.header_bytes {
                return Err(Refused::new(
                    "mail.header_too_large",
                    format!("a block of headers is larger than {} bytes", limits.header_bytes),
                ));
            }
        }
        Ok((Self { raw, list }, body))
    }

    /// The block at the start of the bytes, without any limit but its own end. For messages that are in a message:
    /// they are read for a header or two.
    pub(super) fn of(raw: &'x [u8]) -> Self {
        let raw = raw.get(..Limits::default().header_bytes).unwrap_or(raw);
        Self::read(raw, 0, line_end(raw), |_| false, &Limits::default())
            .map(|(headers, _)| headers)
            .unwrap_or_default()
    }

    /// The values of all headers of this name, in order, each on one line.
    ///
    /// RFC 5322 has them in ASCII. What is not is UTF-8, or else guessed; encoded words stay encoded.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = String> {
        self.list
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|header| unfold(self.raw.get(header.value.0..header.value.1).unwrap_or_default()))
    }

    /// The first of this name. RFC 5322 allows one of most.
    pub(super) fn first(&self, name: &str) -> Option<String> {
        self.all(name).next()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.list.iter().any(|header| header.name.eq_ignore_ascii_case(name.as_bytes()))
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.list.iter().filter(|header| header.name.eq_ignore_ascii_case(name.as_bytes())).count()
    }

    /// Whether other readers may miss a header of this name that we see.
    pub(super) fn is_padded(&self, name: &str) -> bool {
        let mut list = self.list.iter();
        list.any(|header| header.is_padded && header.name.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The first of this name as text for people: decoded, one line, at most `chars` characters.
    pub(super) fn text(&self, name: &str, chars: usize) -> Option<String> {
        self.first(name).map(|value| words::line(&words::decode(&value), chars))
    }
}

/// A line of the bytes, with and without its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'x> {
    pub(super) start: usize,
    pub(super) text: &'x [u8],
    /// Where the next line starts.
    pub(super) end: usize,
}

/// Lines that end in CRLF or LF. Where there is no LF at all CR ends them, as old programs on Macs wrote.
pub(super) struct Lines<'x> {
    raw: &'x [u8],
    at: usize,
    end: u8,
}

impl<'x> Lines<'x> {
    pub(super) fn starting_at(raw: &'x [u8], at: usize, end: u8) -> Self {
        Self { raw, at, end }
    }
}

/// The byte that ends the lines of this mail.
pub(super) fn line_end(raw: &[u8]) -> u8 {
    if raw.contains(&b'\n') || !raw.contains(&b'\r') { b'\n' } else { b'\r' }
}

impl<'x> Iterator for Lines<'x> {
    type Item = Line<'x>;

    fn next(&mut self) -> Option<Line<'x>> {
        let start = self.at;
        let rest = self.raw.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|c| *c == self.end);
        let text = rest.get(..length.unwrap_or(rest.len())).unwrap_or_default();
        self.at = start + length.map_or(rest.len(), |length| length + 1);
        let text = if self.end == b'\n' { text.strip_suffix(b"\r").unwrap_or(text) } else { text };
        Some(Line { start, text, end: self.at })
    }
}

/// The name, and where in the line the value begins.
fn split(line: &[u8]) -> Option<(&[u8], usize)> {
    let colon = line.iter().position(|c| *c == b':')?;
    let name = line.get(..colon)?.trim_ascii();
    let fits = !name.is_empty() && name.len() <= 100 && name.iter().all(u8::is_ascii_graphic);
    fits.then_some((name, colon + 1))
}

/// `From ada@example.org Sat Nov 21 …`, as mbox files have it, sometimes quoted.
fn is_envelope_line(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

/// Where the message begins: some pipes write an empty line or a byte order mark before it.
pub(super) fn start(raw: &[u8]) -> usize {
    let rest = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let rest = rest.trim_ascii_start();
    let at = raw.len() - rest.len();
    if continues(raw, at) || is_envelope_line(rest) { at } else { 0 }
}

/// Where the first header begins: after what [`start`] and [`Headers::read`] pass over.
pub(super) fn first(raw: &[u8]) -> usize {
    let lines = Lines::starting_at(raw, start(raw), line_end(raw));
    let passed = |line: &Line<'_>| is_envelope_line(line.text) && split(line.text).is_none();
    lines.take_while(passed).last().map_or(start(raw), |line| line.end)
}

/// Whether headers go on at this place: one that every mail program knows stands there.
fn continues(raw: &[u8], at: usize) -> bool {
    const KNOWN: [&[u8]; 17] = [
        b"from",
        b"to",
        b"cc",
        b"subject",
        b"date",
        b"message-id",
        b"received",
        b"return-path",
        b"reply-to",
        b"sender",
        b"mime-version",
        b"content-type",
        b"content-transfer-encoding",
        b"content-disposition",
        b"in-reply-to",
        b"references",
        b"dkim-signature",
    ];
    let rest = raw.get(at..).unwrap_or_default();
    // No known name is longer, so the look ahead is short however long the line is.
    let Some(colon) = rest.iter().take(30).position(|c| *c == b':') else { return false };
    let name = rest.get(..colon).unwrap_or_default();
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn unfold(value: &[u8]) -> String {
    let mut line = String::with_capacity(value.len());
    for c in charset::header(value).chars() {
        // Nothing in a value may end the line: neither a fold nor a bare CR or NUL.
        match c {
            '\r' | '\n' | '\0' => {}
            c => line.push(c),
        }
    }
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> (Headers<'_>, &str) {
        let raw = raw.as_bytes();
        let (headers, at) = Headers::read(raw, 0, line_end(raw), |_| false, &Limits::default()).unwrap();
        (headers, std::str::from_utf8(&raw[at..]).unwrap())
    }

    #[test]
    fn reads_a_block() {
        let (headers, body) = read("From : ada\r\nSubject: one\r\n\ttwo\r\n  three\r\n\r\nbody");
        assert_eq!(headers.first("from").as_deref(), Some("ada"));
        assert_eq!(headers.first("SUBJECT").as_deref(), Some("one\ttwo  three"));
        assert_eq!(body, "body");
    }

    #[test]
    fn a_missing_empty_line_loses_no_text() {
        let (headers, body) = read("Subject: x\nHello there, all is broken\nbye\n");
        assert_eq!((headers.count("subject"), body), (1, "Hello there, all is broken\nbye\n"));
        assert_eq!(read("just text").1, "just text");
        assert_eq!(read("\nbody").1, "body");
    }

    #[test]
    fn a_broken_header_does_not_end_the_block() {
        let (headers, body) = read("X-Long: a\nbroken fold\nFrom: ada\n\nbody");
        assert_eq!(headers.first("from").as_deref(), Some("ada"));
        assert_eq!(headers.first("x-long").as_deref(), Some("abroken fold"));
        assert_eq!(body, "body");
    }

    #[test]
    fn lines_may_end_in_anything() {
        for end in ["\n", "\r\n", "\r"] {
            let raw = ["From a@b Sat", "A: 1", "B: 2", " 3", "", "x"].join(end);
            let (headers, body) = read(&raw);
            assert_eq!(headers.first("b").as_deref(), Some("2 3"), "{end:?}");
            assert_eq!((headers.count("a"), body), (1, "x"), "{end:?}");
        }
    }
}
