use base::Email;
use mail_parser::{HeaderValue, parsers::MessageStream};

use super::{Address, headers::Headers, words};

const MAX_NAME: usize = 200;

/// The mailboxes of all headers of this name, in order, each address once. Groups are opened, comments and what is no
/// address are left out.
pub(super) fn all(headers: &Headers<'_>, name: &str) -> Vec<Address> {
    let mut seen = std::collections::HashSet::new();
    headers
        .all(name)
        .flat_map(|value| parse(&value))
        .filter(|address| seen.insert(address.email.key()))
        .collect()
}

/// The first header of this name that holds an address.
pub(super) fn first(headers: &Headers<'_>, name: &str) -> Option<Address> {
    headers.all(name).find_map(|value| parse(&value).into_iter().next())
}

/// Addresses without names, from headers that servers write.
pub(super) fn emails(headers: &Headers<'_>, names: &[&str]) -> Vec<Email> {
    let mut found: Vec<Email> = Vec::new();
    for address in names.iter().flat_map(|name| all(headers, name)) {
        if found.len() < 100 && !found.iter().any(|email| email.key() == address.email.key()) {
            found.push(address.email);
        }
    }
    found
}

/// No fewer than the addresses that [`all`] finds in these headers, counted without reading them.
pub(super) fn at_most(headers: &Headers<'_>, names: &[&str]) -> usize {
    let separators = |value: &str| value.bytes().filter(|c| matches!(c, b',' | b';' | b':')).count() + 1;
    let signs = |value: &str| value.bytes().filter(|c| *c == b'@').count();
    names
        .iter()
        .flat_map(|name| headers.all(name))
        .map(|value| separators(&value).min(signs(&value) + encoded_signs(&value)))
        .sum()
}

/// An address inside an encoded word is none (RFC 2047, 5), but some programs encode the whole of it.
fn encoded_signs(value: &str) -> usize {
    value.matches("=?").count()
}

/// The mailboxes of one header value (RFC 5322, 3.4).
pub(super) fn parse(value: &str) -> Vec<Address> {
    entries(value).into_iter().filter_map(|entry| entry.address).collect()
}

/// What stands between two commas.
pub(super) struct Entry {
    /// `None` for what is no address that we take.
    pub(super) address: Option<Address>,
    /// Every reader sees the same in it: the address stands where the grammar has it, as it is; or there is nothing in
    /// it that anybody could take for one.
    pub(super) is_plain: bool,
}

pub(super) fn entries(value: &str) -> Vec<Entry> {
    let line = format!("{}\n", words::normalise(&separate(value)));
    let HeaderValue::Address(parsed) = MessageStream::new(line.as_bytes()).parse_address() else {
        return Vec::new();
    };
    let entry = |name: Option<&str>, at: Option<&str>| {
        let address = mailbox(name, at);
        let is_plain = match &address {
            Some(address) => at.is_some_and(|at| at.trim().to_lowercase() == address.email.key()),
            None => ![name, at].into_iter().flatten().any(|text| words::decode(text).contains('@')),
        };
        Entry { address, is_plain }
    };
    parsed.iter().map(|one| entry(one.name(), one.address())).collect()
}

/// A semicolon ends a group; some programs write it between addresses instead of a comma.
fn separate(value: &str) -> String {
    if value.contains(';') && !value.contains(':') && !value.contains('"') && !value.contains("=?") {
        value.replace(';', ",")
    } else {
        value.to_owned()
    }
}

fn mailbox(name: Option<&str>, address: Option<&str>) -> Option<Address> {
    let name = words::line(&words::decode(name.unwrap_or_default()), MAX_NAME);
    let plain = |text: &str| {
        let text = text.trim().trim_matches(['<', '>', '\'', '"']).trim();
        let text = text.strip_prefix("mailto:").unwrap_or(text);
        text.parse::<Email>().ok()
    };
    if let Some(email) = address.and_then(plain) {
        // A name that only repeats the address says nothing.
        let bare = name.trim_matches(['<', '>', '\'', '"']);
        let name = if bare.eq_ignore_ascii_case(email.as_str()) { String::new() } else { name };
        return Some(Address { name: unquoted(&name).to_owned(), email });
    }
    // The whole mailbox in an encoded word or in quotes: `"Ada <ada@example.org>"`.
    if address.is_none()
        && let Some((name, rest)) = name.rsplit_once('<')
        && let Some(email) = plain(rest)
    {
        return Some(Address { name: unquoted(name).to_owned(), email });
    }
    address.is_none().then(|| plain(&name)).flatten().map(|email| Address { name: String::new(), email })
}

/// Some programs put quotes around a name that has quotes already.
fn unquoted(name: &str) -> &str {
    let name = name.trim();
    let inside =
        |quote: char| name.strip_prefix(quote)?.strip_suffix(quote).filter(|rest| !rest.contains(quote));
    inside('\'').or_else(|| inside('"')).unwrap_or(name).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_mailboxes() {
        for (value, expected) in [
            ("ada@example.org", "<ada@example.org>"),
            ("Ada <Ada@EXAMPLE.org>", "Ada<Ada@example.org>"),
            (
                "\"Lovelace, Ada\" <ada@example.org>, Bob <bob@example.net>",
                "Lovelace, Ada<ada@example.org> Bob<bob@example.net>",
            ),
            ("ada@example.org (Ada Lovelace)", "Ada Lovelace<ada@example.org>"),
            ("Ada (the (first) one) <ada@example.org>", "Ada (the (first) one)<ada@example.org>"),
            ("Friends: ada@example.org, bob@example.net;", "<ada@example.org> <bob@example.net>"),
            ("undisclosed-recipients:;", ""),
            ("=?utf-8?q?J=C3=B6rg?= <j@example.org>", "Jörg<j@example.org>"),
            ("\"=?utf-8?q?J=C3=B6rg?=\" <j@example.org>", "Jörg<j@example.org>"),
            ("=?utf-8?B?SsO2cmcgPGpAZXhhbXBsZS5vcmc+?=", "Jörg<j@example.org>"),
            ("a@example.org; b@example.org", "<a@example.org> <b@example.org>"),
            ("<ada@example.org>", "<ada@example.org>"),
            ("'ada@example.org' <ada@example.org>", "<ada@example.org>"),
            ("Ada", ""),
            ("Ada <>", ""),
            ("<a@b@c>", ""),
            ("", ""),
        ] {
            let found: Vec<String> =
                parse(value).iter().map(|a| format!("{}<{}>", a.name, a.email.as_str())).collect();
            assert_eq!(found.join(" "), expected, "{value}");
        }
    }

    #[test]
    fn a_name_cannot_mislead() {
        let found = parse("\"a\u{202e}b\tc\" <a@example.org>");
        assert_eq!(found[0].name, "ab c");
    }
}
