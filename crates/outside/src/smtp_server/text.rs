//! Where a letter ends, and its dots unstuffed (RFC 5321 4.5.2).

/// Reads a letter's text from pieces of any size.
///
/// The end is CRLF `.` CRLF alone. A bare CR or LF is content like any other byte: it is kept, it does not begin a line,
/// and a dot after it is a dot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unstuffer(At);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// After CRLF, and at the very beginning: the line of `DATA` ended in CRLF.
    LineStart,
    Within,
    AfterCr,
    /// After a dot that began a line. The dot is not content, whatever follows.
    AfterDot,
    AfterDotCr,
}

impl Unstuffer {
    pub fn new() -> Self {
        Self(At::LineStart)
    }

    /// Appends the content of `piece` to `letter`. `Some(n)` when the letter ended with the `n`th byte; what follows are
    /// commands.
    pub fn take(&mut self, piece: &[u8], letter: &mut Vec<u8>) -> Option<usize> {
        let mut i = 0;
        while let Some(&byte) = piece.get(i) {
            if self.0 == At::Within && byte != b'\r' {
                let rest = &piece[i..];
                let length = rest.iter().position(|&b| b == b'\r').unwrap_or(rest.len());
                letter.extend_from_slice(&rest[..length]);
                i += length;
                continue;
            }
            i += 1;
            self.0 = match (self.0, byte) {
                (At::AfterDotCr, b'\n') => return Some(i),
                (At::LineStart, b'.') => {
                    self.0 = At::AfterDot;
                    continue;
                }
                (At::AfterDot, b'\r') => {
                    self.0 = At::AfterDotCr;
                    continue;
                }
                (At::AfterDotCr, b'\r') => {
                    letter.push(b'\r');
                    At::AfterCr
                }
                (At::AfterDotCr, _) => {
                    letter.push(b'\r');
                    At::Within
                }
                (At::AfterCr, b'\n') => At::LineStart,
                (_, b'\r') => At::AfterCr,
                _ => At::Within,
            };
            letter.push(byte);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The letter and what follows it, whatever the pieces are.
    fn read(wire: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let results: Vec<_> = [1, 2, 3, wire.len().max(1)]
            .into_iter()
            .map(|size| {
                let (mut unstuffer, mut letter, mut seen) = (Unstuffer::new(), Vec::new(), 0);
                for piece in wire.chunks(size) {
                    if let Some(length) = unstuffer.take(piece, &mut letter) {
                        return Some((letter, wire[seen + length..].to_vec()));
                    }
                    seen += piece.len();
                }
                None
            })
            .collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        results.into_iter().next().unwrap()
    }

    #[test]
    fn a_letter_is_what_was_sent() {
        for (wire, letter) in [
            (".\r\n", ""),
            ("\r\n.\r\n", "\r\n"),
            ("a\r\n.\r\n", "a\r\n"),
            ("a\r\n..\r\n.\r\n", "a\r\n.\r\n"),
            ("..a\r\n...\r\n.b\r\n.\r\n", ".a\r\n..\r\nb\r\n"),
            ("a.\r\n.\r\n", "a.\r\n"),
            ("\r\r\n.\r\n", "\r\r\n"),
            (".\rx\r\n.\r\n", "\rx\r\n"),
            (".\r\r\n.\r\n", "\r\r\n"),
        ] {
            let (read, rest) = read(format!("{wire}QUIT\r\n").as_bytes()).unwrap();
            assert_eq!(String::from_utf8(read).unwrap(), letter, "{wire:?}");
            assert_eq!(rest, b"QUIT\r\n");
        }
    }

    #[test]
    fn nothing_but_a_dot_between_line_ends_is_an_end() {
        for lookalike in [
            "\n.\n",
            "\n.\r\n",
            "\r\n.\n",
            "\r.\r",
            "\r.\r\n",
            "\r\n.\r",
            "\r\n.\0\r\n",
            "\r\n. \r\n",
            "\n\n.\r\n",
            "\r\n.\r\r\n",
            "\r\r.\r\n",
            "\n\r.\r\n",
            "\r\n\n.\r\n",
        ] {
            let wire = format!("one{lookalike}MAIL FROM:<evil@example.org>\r\n.\r\nNOOP\r\n");
            let (letter, rest) = read(wire.as_bytes()).unwrap();
            assert_eq!(rest, b"NOOP\r\n", "{lookalike:?}");
            assert!(letter.ends_with(b"MAIL FROM:<evil@example.org>\r\n"), "{lookalike:?}");
        }
        assert_eq!(read(b"a\r\n."), None);
        assert_eq!(read(b"a\r\n.\r"), None);
    }
}
