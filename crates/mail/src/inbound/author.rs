use std::{collections::HashSet, ops::Range};

use base::Email;

use super::{
    Address, Limits, address,
    headers::{self, Headers, line_end},
};

/// Who claims to have written a mail.
pub(super) struct Author {
    /// The first mailbox of the first From header that is an address at all.
    pub(super) from: Option<Address>,
    /// Another reader may see somebody else. Whoever checks a domain is one: what it says would be about that other one.
    pub(super) is_ambiguous: bool,
}

/// An address in an encoded word or in quotes, one that we do not take beside one that we do, white space before the
/// colon: we read what we can, since people's programs write such things, and say that it proves nothing.
pub(super) fn of(headers: &Headers<'_>) -> Author {
    let entries: Vec<_> = headers.all("from").flat_map(|value| address::entries(&value)).collect();
    let keys: HashSet<String> = entries
        .iter()
        .filter_map(|entry| entry.address.as_ref())
        .map(|address| address.email.key())
        .collect();
    let is_odd = headers.is_padded("from") || entries.iter().any(|entry| !entry.is_plain);
    let is_ambiguous = keys.len() > 1 || headers.count("from") > 1 || !keys.is_empty() && is_odd;
    Author { from: entries.into_iter().find_map(|entry| entry.address), is_ambiguous }
}

/// The block of headers as [`super::read`] sees it, for a check that has a reader of its own: unless both see the same
/// author in the same block, what it finds out is about another mail than people are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Where in the bytes the headers are, with the empty line that ends them: without what pipes and mailboxes write
    /// before a message.
    pub headers: Range<usize>,
    /// As [`super::Incoming::from`].
    pub from: Option<Email>,
    /// As [`super::Incoming::from_is_ambiguous`].
    pub from_is_ambiguous: bool,
}

impl Head {
    /// `None` where the headers are beyond the limits.
    pub fn of(raw: &[u8], limits: &Limits) -> Option<Self> {
        let at = headers::first(raw);
        let (headers, body) = Headers::read(raw, at, line_end(raw), |_| false, limits).ok()?;
        let author = of(&headers);
        let from = author.from.map(|from| from.email);
        Some(Self { headers: at..body, from, from_is_ambiguous: author.is_ambiguous })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(raw: &str) -> Head {
        Head::of(raw.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn what_others_may_read_otherwise_is_ambiguous() {
        let long = format!("{}@evil.example.com", "x".repeat(65));
        for (from, is_ambiguous) in [
            ("ada@example.org", false),
            ("Ada <Ada@EXAMPLE.org>", false),
            ("\"Lovelace, Ada\" <ada@example.org>", false),
            ("Lovelace, Ada <ada@example.org>", false),
            ("Ada (the (first) one) <ada@example.org>", false),
            ("ada@example.org (Ada Lovelace)", false),
            ("Friends: ada@example.org;", false),
            ("=?utf-8?q?J=C3=B6rg?= <ada@example.org>", false),
            ("=?utf-8?q?ada=40example=2Eorg?= <ada@example.org>", false),
            ("ada@example.org, ada@example.org", false),
            ("jörg@exämple.de", false),
            ("The printer in the hall", false),
            ("", false),
            (long.as_str(), false),
            ("ada@example.org, bob@example.org", true),
            (&format!("ada@example.org, <{long}>"), true),
            (&format!("=?utf-8?Q?Ada_=3Cada=40example=2Eorg=3E?=, <{long}>"), true),
            ("ada@example.org, <eve@under_score.example.com>", true),
            ("ada@example.org, <\"e\"@evil.example.com>", true),
            ("=?utf-8?Q?Ada_=3Cada=40example=2Eorg=3E?=", true),
            ("=?utf-8?Q?ada=40example=2Eorg?=", true),
            ("<\"ada@example.org\">", true),
            ("\"Ada <ada@example.org>\"", true),
        ] {
            let read = head(&format!("From: {from}\r\nSubject: x\r\n\r\n"));
            assert_eq!(read.from_is_ambiguous, is_ambiguous, "{from}");
        }
        assert!(head("From : ada@example.org\r\n\r\n").from_is_ambiguous);
        assert!(head("From: ada@example.org\r\nFrom: ada@example.org\r\n\r\n").from_is_ambiguous);
    }

    #[test]
    fn the_block_is_what_the_reader_sees() {
        for before in
            ["", "\r\n\r\n", "\u{feff}", "From ada@example.org Sat Nov 21\r\n", "\n>From x\nFrom x\n"]
        {
            let raw = format!("{before}From: ada@example.org\r\nA: 1\r\n\r\nbody");
            let head = head(&raw);
            assert_eq!(&raw[head.headers.clone()], "From: ada@example.org\r\nA: 1\r\n\r\n", "{before:?}");
            assert_eq!(head.from.unwrap().as_str(), "ada@example.org");
        }
        let raw = "From: ada@example.org\r\n \r\nTwo: words\r\n\r\n";
        assert_eq!(&raw[head(raw).headers.end..], "Two: words\r\n\r\n");
    }
}
