use super::{headers::Headers, words};
use crate::message_id::is_message_id;

/// More than a conversation has; what is longer was made to be.
const MAX_IDS: usize = 100;

/// The one valid id of a Message-ID header.
pub(super) fn own(headers: &Headers<'_>) -> Option<String> {
    headers.all("message-id").find_map(|value| parse(&value).into_iter().next())
}

/// The valid ids of all headers of this name, each once, in order. Of too many the first and the last are kept: where
/// the conversation began, and what this mail answers (RFC 5322, 3.6.4).
pub(super) fn all(headers: &Headers<'_>, name: &str) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut ids: Vec<String> =
        headers.all(name).flat_map(|value| parse(&value)).filter(|id| seen.insert(id.clone())).collect();
    if ids.len() > MAX_IDS {
        ids.drain(1..=ids.len() - MAX_IDS);
    }
    ids
}

/// The ids in a header value: between angle brackets, or, where there are none, words with an `@`.
///
/// In-Reply-To once was a sentence (`Message of Tuesday from ada@example.org <1@example.org>`): what is outside the
/// brackets is then not an id.
pub(super) fn parse(value: &str) -> Vec<String> {
    let mut ids = Vec::new();
    // Some servers break a long header by writing it in encoded words, which RFC 2047 forbids here.
    let decoded = if value.contains("=?") { words::decode(value) } else { value.to_owned() };
    let value = decoded.as_str();
    if value.contains('<') {
        for piece in value.split('<').skip(1) {
            // A line that was folded within an id has left white space in it.
            let id: String = piece.split_once('>').map_or("", |(id, _)| id).split_whitespace().collect();
            if is_id(&id) {
                ids.push(id);
            }
        }
    } else {
        ids.extend(value.split([' ', '\t', ',']).filter(|word| is_id(word)).map(str::to_owned));
    }
    ids
}

/// An id that could be anybody's, such as `@` or `<no-id>`, would thread strangers together.
fn is_id(text: &str) -> bool {
    is_message_id(text)
        && text.len() >= 5
        && text.split_once('@').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_ids() {
        for (value, ids) in [
            ("<a1@example.org>", &["a1@example.org"][..]),
            (
                "<a1@example.org><b1@example.org>\t<c1@example.org>",
                &["a1@example.org", "b1@example.org", "c1@example.org"],
            ),
            ("Your message of Monday, ada@example.org <a1@example.org>", &["a1@example.org"]),
            ("a1@example.org", &["a1@example.org"]),
            ("<a1@exam ple.org>", &["a1@example.org"]),
            ("<> <@> <a> <\"@\"> <a@> <@b>", &[]),
            (
                "=?us-ascii?Q?=3Ca1=40example=2Eorg=3E_?= =?us-ascii?Q?=3Cb1=40example=2Eorg=3E?=",
                &["a1@example.org", "b1@example.org"],
            ),
            ("<a1@example.org", &[]),
            ("", &[]),
            ("none", &[]),
        ] {
            assert_eq!(parse(value), ids, "{value}");
        }
    }

    #[test]
    fn the_first_and_the_last_are_kept() {
        let many: String = (0..500).map(|i| format!(" <{i}@example.org>")).collect();
        let raw = format!("References:{many}\n\n");
        let ids = all(&Headers::of(raw.as_bytes()), "references");
        assert_eq!(ids.len(), 100);
        assert_eq!(
            (ids[0].as_str(), ids[1].as_str(), ids[99].as_str()),
            ("0@example.org", "401@example.org", "499@example.org")
        );
    }
}
