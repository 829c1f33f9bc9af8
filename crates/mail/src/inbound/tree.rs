use super::{
    Limits, Refused,
    content_type::ContentType,
    headers::{self, Headers, Lines, line_end},
};

/// A part that holds no other part of this message: text, a file, or a whole message.
#[derive(Clone, Debug)]
pub(super) struct Leaf<'x> {
    pub(super) headers: Headers<'x>,
    pub(super) kind: ContentType,
    /// Still in its transfer encoding.
    pub(super) body: &'x [u8],
    /// Which outermost multipart/alternative it is in: of each only one version is shown.
    pub(super) alternative: Option<usize>,
}

/// A message taken apart.
#[derive(Clone, Debug)]
pub(super) struct Tree<'x> {
    pub(super) headers: Headers<'x>,
    /// What the message as a whole is.
    pub(super) kind: ContentType,
    pub(super) leaves: Vec<Leaf<'x>>,
}

/// What is open around the present line.
enum Frame<'x> {
    Multipart {
        boundary: Vec<u8>,
        digest: bool,
        alternative: Option<usize>,
        headers: Headers<'x>,
        body: usize,
        has_parts: bool,
    },
    /// A message in the message: looked through so that its depth and its parts are counted, kept as one leaf.
    Message { headers: Headers<'x>, kind: ContentType, alternative: Option<usize>, body: usize },
}

struct Walk<'x, 'l> {
    raw: &'x [u8],
    end: u8,
    limits: &'l Limits,
    frames: Vec<Frame<'x>>,
    /// The leaf that the present line belongs to; none before the first part and after the last.
    open: Option<(Leaf<'x>, usize)>,
    parts: usize,
    alternatives: usize,
    leaves: Vec<Leaf<'x>>,
}

/// Takes a message apart in one pass over its lines (RFC 2046, 5.1).
///
/// The stack is at most [`Limits::depth`] high and a line is compared with at most so many boundaries, so the work is
/// bounded by the number of bytes. A boundary of an outer part ends the inner ones, as RFC 2046 wants; a part whose
/// end is missing goes on to the end.
pub(super) fn split<'x>(raw: &'x [u8], limits: &Limits) -> Result<Tree<'x>, Refused> {
    let end = line_end(raw);
    let start = headers::start(raw);
    let (headers, _) = Headers::read(raw, start, end, |_| false, limits)?;
    let kind = ContentType::of(&headers, "text/plain");
    let mut walk = Walk {
        raw,
        end,
        limits,
        frames: Vec::new(),
        open: None,
        parts: 0,
        alternatives: 0,
        leaves: Vec::new(),
    };
    let mut at = walk.begin(start)?;
    while let Some(line) = Lines::starting_at(raw, at, end).next() {
        at = line.end;
        if walk.frames.is_empty() {
            break;
        }
        let Some((frame, is_last)) = boundary(&walk.frames, line.text) else { continue };
        let before = walk.before(line.start);
        if is_last {
            walk.close_to(frame, before);
        } else {
            walk.close_to(frame + 1, before);
            if let Some(Frame::Multipart { has_parts, .. }) = walk.frames.last_mut() {
                *has_parts = true;
            }
            at = walk.begin(line.end)?;
        }
    }
    walk.close_to(0, raw.len());
    Ok(Tree { headers, kind, leaves: walk.leaves })
}

/// The innermost multipart whose delimiter the line is, and whether it is the last one.
fn boundary(frames: &[Frame<'_>], line: &[u8]) -> Option<(usize, bool)> {
    let line = line.strip_prefix(b"--")?;
    frames.iter().enumerate().rev().find_map(|(i, frame)| {
        let Frame::Multipart { boundary, .. } = frame else { return None };
        let rest = line.strip_prefix(boundary.as_slice())?;
        if rest.starts_with(b"--") {
            Some((i, true))
        } else {
            // Another boundary may begin with this one.
            rest.iter().all(|c| matches!(c, b' ' | b'\t' | b'\r')).then_some((i, false))
        }
    })
}

impl<'x> Walk<'x, '_> {
    /// A part begins at `at`. Reads its headers, and those of what it holds at once; answers where content begins.
    fn begin(&mut self, mut at: usize) -> Result<usize, Refused> {
        loop {
            self.parts += 1;
            if self.parts > self.limits.parts {
                return Err(Refused::new(
                    "mail.too_many_parts",
                    format!("the message has more than {} parts", self.limits.parts),
                ));
            }
            let frames = &self.frames;
            let stop = |line: &[u8]| boundary(frames, line).is_some();
            let (headers, body) = Headers::read(self.raw, at, self.end, stop, self.limits)?;
            let (digest, mut alternative) = match self.frames.last() {
                Some(Frame::Multipart { digest, alternative, .. }) => (*digest, *alternative),
                _ => (false, None),
            };
            let mut kind = ContentType::of(&headers, if digest { "message/rfc822" } else { "text/plain" });
            if kind.is_multipart() {
                if let Some(boundary) = kind.boundary.take() {
                    if kind.kind == "multipart/alternative" && alternative.is_none() {
                        alternative = Some(self.alternatives);
                        self.alternatives += 1;
                    }
                    self.push(Frame::Multipart {
                        boundary: boundary.into_bytes(),
                        digest: kind.kind == "multipart/digest",
                        alternative,
                        headers,
                        body,
                        has_parts: false,
                    })?;
                    return Ok(body);
                }
                // Without a boundary nobody can tell the parts, but a person can read the whole.
                kind = ContentType::plain();
            }
            if kind.is_message() && !is_encoded(&headers) {
                self.push(Frame::Message { headers, kind, alternative, body })?;
                at = body;
                continue;
            }
            self.open = Some((Leaf { headers, kind, body: &[], alternative }, body));
            return Ok(body);
        }
    }

    fn push(&mut self, frame: Frame<'x>) -> Result<(), Refused> {
        if self.frames.len() >= self.limits.depth {
            return Err(Refused::new(
                "mail.too_deep",
                format!("parts are nested more than {} deep", self.limits.depth),
            ));
        }
        self.frames.push(frame);
        Ok(())
    }

    /// Ends what is open above this height of the stack; its content ends before `at`.
    fn close_to(&mut self, height: usize, at: usize) {
        if let Some((leaf, body)) = self.open.take() {
            self.keep(leaf, body, at);
        }
        while self.frames.len() > height {
            match self.frames.pop() {
                // Not one of the boundaries came: the whole of it is text.
                Some(Frame::Multipart { headers, body, has_parts: false, alternative, .. }) => {
                    let kind = ContentType::plain();
                    self.keep(Leaf { headers, kind, body: &[], alternative }, body, at);
                }
                Some(Frame::Message { headers, kind, alternative, body }) => {
                    self.keep(Leaf { headers, kind, body: &[], alternative }, body, at);
                }
                _ => {}
            }
        }
    }

    fn keep(&mut self, leaf: Leaf<'x>, body: usize, end: usize) {
        // What is in a message in the message is kept with that message.
        if !self.frames.iter().any(|frame| matches!(frame, Frame::Message { .. })) {
            self.leaves.push(Leaf { body: self.raw.get(body..end).unwrap_or_default(), ..leaf });
        }
    }

    /// Where the content before a delimiter ends: the line end before it belongs to the delimiter.
    fn before(&self, delimiter: usize) -> usize {
        let content = self.raw.get(..delimiter).unwrap_or_default();
        let content = content.strip_suffix(&[self.end]).unwrap_or(content);
        let content =
            if self.end == b'\n' { content.strip_suffix(b"\r").unwrap_or(content) } else { content };
        content.len()
    }
}

/// RFC 2046, 5.2.1 allows a message no encoding; some programs use one all the same.
fn is_encoded(headers: &Headers<'_>) -> bool {
    headers.first("content-transfer-encoding").is_some_and(|encoding| {
        let encoding = encoding.to_ascii_lowercase();
        encoding.starts_with("base64") || encoding.starts_with("quoted-printable")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(raw: &str) -> Vec<String> {
        split(raw.as_bytes(), &Limits::default())
            .unwrap()
            .leaves
            .iter()
            .map(|leaf| format!("{} {:?}", leaf.kind.kind, String::from_utf8_lossy(leaf.body)))
            .collect()
    }

    const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n\n";

    #[test]
    fn takes_apart() {
        assert_eq!(shape("A: b\n\nhello\n"), ["text/plain \"hello\\n\""]);
        assert_eq!(
            shape(&format!(
                "{MIXED}preamble\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n\n--b--\nend\n"
            )),
            ["text/plain \"one\"", "text/html \"two\\n\""]
        );
        // The outer boundary ends the inner part, and a boundary may begin with another.
        assert_eq!(
            shape(&format!(
                "{MIXED}--b\nContent-Type: multipart/alternative; boundary=bb\n\n--bb\n\none\n--b\n\ntwo"
            )),
            ["text/plain \"one\"", "text/plain \"two\""]
        );
        assert_eq!(
            shape(
                "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\n\
                 Content-Type: multipart/mixed; boundary=i\n\n--i\n\nx\n--i--\n\n--o--\n"
            ),
            ["message/rfc822 \"Content-Type: multipart/mixed; boundary=i\\n\\n--i\\n\\nx\\n--i--\\n\""]
        );
    }

    #[test]
    fn what_is_broken_is_kept() {
        assert_eq!(shape(&format!("{MIXED}no boundary at all")), ["text/plain \"no boundary at all\""]);
        assert_eq!(shape(&format!("{MIXED}--b\n\nno end")), ["text/plain \"no end\""]);
        assert_eq!(shape("Content-Type: multipart/mixed\n\ntext"), ["text/plain \"text\""]);
        assert_eq!(shape(&format!("{MIXED}--b\nContent-Type: text/html\n--b--\n")), ["text/html \"\""]);
        assert_eq!(shape(&format!("{MIXED}--b")), ["text/plain \"\""]);
    }

    #[test]
    fn limits_end_it() {
        let refused = |raw: &str| split(raw.as_bytes(), &Limits::default()).unwrap_err().code;
        let nested: String = (0..100_000)
            .map(|i| format!("Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n"))
            .collect();
        assert_eq!(refused(&nested), "mail.too_deep");
        assert_eq!(refused(&"Content-Type: message/rfc822\n\n".repeat(100_000)), "mail.too_deep");
        assert_eq!(refused(&format!("{MIXED}{}", "--b\n\nx\n".repeat(100_000))), "mail.too_many_parts");
        assert_eq!(refused(&format!("{MIXED}{}", "--b\n".repeat(100_000))), "mail.too_many_parts");
        assert_eq!(refused(&format!("A: {}\n", "b".repeat(1_000)).repeat(999)), "mail.header_too_large");
        assert_eq!(refused(&"A: b\n".repeat(2_000)), "mail.too_many_headers");
        assert_eq!(refused(&format!("A: {}", "b".repeat(1 << 20))), "mail.header_too_large");
        assert_eq!(refused(&format!("{MIXED}--b\n{}", "A: b\n".repeat(2_000))), "mail.too_many_headers");
    }
}
