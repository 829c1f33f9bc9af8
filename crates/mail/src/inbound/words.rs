use std::fmt::Write as _;

use super::{charset, transfer};

/// A longer encoded word than any program writes is taken as text (RFC 2047 allows 75 characters).
const MAX_WORD: usize = 2_000;

/// A stretch of a header value: text as it stands, or what encoded words say.
enum Stretch<'x> {
    Plain(&'x str),
    Decoded(String),
}

/// An encoded word's parts (RFC 2047, 2): its charset without the language (RFC 2231, 5), and its bytes.
struct Word<'x> {
    charset: &'x str,
    bytes: Vec<u8>,
}

/// A header value with its encoded words decoded.
pub(super) fn decode(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for stretch in stretches(value) {
        match stretch {
            Stretch::Plain(text) => out.push_str(text),
            Stretch::Decoded(text) => out.push_str(&text),
        }
    }
    out
}

/// A header value whose encoded words are all in UTF-8 and complete, for a parser that decodes them itself where its
/// grammar has them. What only looks like one is broken apart, so that nothing is searched for its end.
pub(super) fn normalise(value: &str) -> String {
    if !value.contains("=?") {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len() * 2);
    for stretch in stretches(value) {
        match stretch {
            Stretch::Plain(text) => out.push_str(&text.replace("=?", "= ?")),
            Stretch::Decoded(text) => {
                out.push_str("=?utf-8?Q?");
                for byte in text.bytes() {
                    match byte {
                        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
                        byte => {
                            let _ = write!(out, "={byte:02X}");
                        }
                    }
                }
                out.push_str("?=");
            }
        }
    }
    out
}

/// Splits a value. The bytes of neighbouring words in one charset are put together before they are decoded: many
/// programs cut a word in the middle of a character.
fn stretches(value: &str) -> Vec<Stretch<'_>> {
    let mut out = Vec::new();
    let mut pending: Option<Word<'_>> = None;
    let (mut plain, mut at) = (0, 0);
    while let Some(found) = value.get(at..).and_then(|rest| rest.find("=?")) {
        let start = at + found;
        let Some((word, length)) = value.get(start..).and_then(word) else {
            at = start + 2;
            continue;
        };
        let between = value.get(plain..start).unwrap_or_default();
        match &mut pending {
            // White space between two words is not meant (RFC 2047, 6.2).
            Some(last) if between.trim().is_empty() && last.charset.eq_ignore_ascii_case(word.charset) => {
                last.bytes.extend_from_slice(&word.bytes);
            }
            _ => {
                let next_to_each_other = pending.is_some() && between.trim().is_empty();
                out.extend(pending.take().map(finish));
                if !between.is_empty() && !next_to_each_other {
                    out.push(Stretch::Plain(between));
                }
                pending = Some(word);
            }
        }
        at = start + length;
        plain = at;
    }
    out.extend(pending.map(finish));
    if let Some(rest) = value.get(plain..).filter(|rest| !rest.is_empty()) {
        out.push(Stretch::Plain(rest));
    }
    out
}

fn finish(word: Word<'_>) -> Stretch<'static> {
    Stretch::Decoded(charset::decode(&word.bytes, Some(word.charset)))
}

/// The word at the start of the text and its length there.
fn word(text: &str) -> Option<(Word<'_>, usize)> {
    let text = text.get(..text.floor_char_boundary(MAX_WORD)).unwrap_or(text);
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    if charset.is_empty() || !charset.bytes().all(|c| c.is_ascii_graphic()) {
        return None;
    }
    let (kind, rest) = rest.split_once('?')?;
    // Payloads with blanks are against the standard and in the wild.
    let (payload, _) = rest.split_once("?=")?;
    let bytes = match kind {
        "b" | "B" => transfer::base64(payload.as_bytes()),
        "q" | "Q" => transfer::q(payload.as_bytes()),
        _ => return None,
    };
    let length = 2 + charset.len() + 1 + kind.len() + 1 + payload.len() + 2;
    let charset = charset.split_once('*').map_or(charset, |(charset, _)| charset);
    Some((Word { charset, bytes }, length))
}

/// Text from a stranger as one line: no control or direction characters, single spaces, at most `chars` characters.
pub(super) fn line(text: &str, chars: usize) -> String {
    let mut line = String::with_capacity(text.len().min(chars.saturating_mul(4)));
    let mut length = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
            length += 1;
        }
        for c in word.chars().filter(|c| !misleads(*c)) {
            if length >= chars {
                return line.trim().to_owned();
            }
            line.push(c);
            length += 1;
        }
    }
    line.trim().to_owned()
}

/// Characters that change the direction of what follows or are not seen: with them a name or a file's ending can
/// look like another. The joiners that scripts and emoji need are not among them.
pub(super) fn misleads(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_words() {
        for (value, text) in [
            ("plain", "plain"),
            ("=?utf-8?q?Gr=C3=BC=C3=9Fe?= from =?iso-8859-1?Q?M=FCnchen?=", "Grüße from München"),
            ("=?utf-8?B?w7w=?= =?utf-8?B?w58=?=", "üß"),
            // A character cut in two.
            ("=?UTF-8?Q?=C3?= =?utf-8?Q?=BC?=", "ü"),
            ("=?utf-8*de?Q?a_b?=", "a b"),
            ("=?us-ascii?Q?a b?=", "a b"),
            ("a =?b", "a =?b"),
            ("=??Q?x?=", "=??Q?x?="),
            ("=?utf-8?X?x?=", "=?utf-8?X?x?="),
            ("=?utf-8?q?x?=y", "xy"),
            ("=?utf-8?q?a?= =?iso-8859-1?q?b?=", "ab"),
        ] {
            assert_eq!(decode(value), text, "{value}");
        }
        assert_eq!(normalise("=?iso-8859-1?Q?M=FC,?= <a@b> =?x"), "=?utf-8?Q?M=C3=BC=2C?= <a@b> = ?x");
    }

    #[test]
    fn many_beginnings_are_quick() {
        let started = std::time::Instant::now();
        for nasty in ["=?", "=?a?q?", "=?a?q?b", "=?a?q?b?= "] {
            decode(&nasty.repeat(256 * 1024 / nasty.len()));
        }
        assert!(started.elapsed().as_secs() < 20);
    }

    #[test]
    fn a_line_is_a_line() {
        assert_eq!(line(" a\r\nBcc: b\0c\u{202e}d ", 99), "a Bcc: b cd");
        assert_eq!(line("äöü", 2), "äö");
    }
}
