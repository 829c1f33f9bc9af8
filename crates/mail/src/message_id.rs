use base::{Error, Result};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The Message-ID of a letter, without angle brackets: `<id of the letter>@<domain>`.
///
/// It is made of nothing else, so a letter that is composed again after a crash has the same one: the receiving
/// side, or our own outbox, then recognises the second copy.
pub fn message_id(letter: Uuid, domain: &str) -> Result<String> {
    let domain = idna::domain_to_ascii(domain).unwrap_or_default();
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
    };
    if domain.len() > 253 || !domain.split('.').all(label) {
        return Err(Error::field("domain", "domain.malformed", "expected a domain such as example.org"));
    }
    Ok(format!("{}@{domain}", letter.simple()))
}

/// Whether the text may stand between angle brackets in a Message-ID, In-Reply-To or References header.
///
/// Wider than RFC 5322's `msg-id`, because what mail programs really send is; still nothing that could leave the
/// brackets or the line.
pub(crate) fn is_message_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 900
        && text.bytes().all(|c| c.is_ascii_graphic() && !matches!(c, b'<' | b'>'))
}

/// The boundary between a letter's parts. `=_` can occur in no base64 line, so no body can hold it.
pub(crate) fn boundary(message_id: &str) -> String {
    let hash = Sha256::digest(message_id.as_bytes());
    let hex: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("=_{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_same_every_time() {
        let id = message_id(Uuid::from_u128(7), "Exämple.de").unwrap();
        assert_eq!(id, "00000000000000000000000000000007@xn--exmple-cua.de");
        assert!(is_message_id(&id));
        assert!(message_id(Uuid::nil(), "a\r\nb").is_err());
        assert!(message_id(Uuid::nil(), "").is_err());
        assert_eq!(
            message_id(Uuid::nil(), "localhost").unwrap(),
            "00000000000000000000000000000000@localhost"
        );
    }

    #[test]
    fn nothing_leaves_the_brackets() {
        for bad in ["", "a b", "a>b", "<a", "a\r\nb", "ä@b", &"a".repeat(901)] {
            assert!(!is_message_id(bad), "{bad}");
        }
        assert_ne!(boundary("a@b"), boundary("a@c"));
    }
}
