use base::{Error, Result};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The Message-ID of a letter, without angle brackets: `<id of the letter>.<signature>@<domain>`.
///
/// It is made of nothing else, so a letter that is composed again after a crash has the same one: the receiving
/// side, or our own outbox, then recognises the second copy. The signature is 16 hexadecimal digits of an HMAC-SHA256
/// under a secret of the business: whoever names such an id was shown a letter of ours.
pub fn message_id(letter: Uuid, secret: &[u8], domain: &str) -> Result<String> {
    let domain = idna::domain_to_ascii(domain).unwrap_or_default();
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
    };
    if domain.len() > 253 || !domain.split('.').all(label) {
        return Err(Error::field("domain", "domain.malformed", "expected a domain such as example.org"));
    }
    Ok(format!("{}.{}@{domain}", letter.simple(), signature(letter, secret)?))
}

/// The letter of a Message-ID that was made with this secret; None for any other. The domain takes no part: mail systems
/// on the way, and businesses, change theirs.
pub fn signed_letter(id: &str, secret: &[u8]) -> Option<Uuid> {
    let (local, _) = id.split_once('@')?;
    let (letter, signed) = local.split_once('.')?;
    let letter = (letter.len() == 32).then(|| Uuid::try_parse(letter).ok())??;
    // Both are of one length, and each byte is looked at: how long this takes tells nobody how much was right.
    let right = signature(letter, secret).ok()?;
    let differs = right.bytes().zip(signed.bytes()).fold(0, |seen, (a, b)| seen | (a ^ b));
    (right.len() == signed.len() && differs == 0).then_some(letter)
}

fn signature(letter: Uuid, secret: &[u8]) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(Error::from_source)?;
    mac.update(b"message-id:");
    mac.update(letter.as_bytes());
    Ok(mac.finalize().into_bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
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
        let letter = Uuid::from_u128(7);
        let id = message_id(letter, b"secret", "Exämple.de").unwrap();
        assert_eq!(id, message_id(letter, b"secret", "Exämple.de").unwrap());
        assert!(
            id.starts_with("00000000000000000000000000000007.") && id.ends_with("@xn--exmple-cua.de"),
            "{id}"
        );
        assert!(is_message_id(&id));
        assert!(message_id(Uuid::nil(), b"s", "a\r\nb").is_err());
        assert!(message_id(Uuid::nil(), b"s", "").is_err());
        assert!(message_id(Uuid::nil(), b"s", "localhost").unwrap().ends_with("@localhost"));
    }

    #[test]
    fn only_its_own_secret_signs_a_letter() {
        let letter = Uuid::from_u128(0x0193_6fef_6830_7197_8000_0000_0000_0001);
        let id = message_id(letter, b"secret", "example.org").unwrap();
        assert_eq!(signed_letter(&id, b"secret"), Some(letter));
        assert_eq!(signed_letter(&id, b"another"), None);
        let (local, _) = id.split_once('@').unwrap();
        assert_eq!(signed_letter(&format!("{local}@elsewhere.example"), b"secret"), Some(letter));
        let forged = id.replacen("0001.", "0002.", 1);
        for bad in ["", "a@b", &forged, &id[1..], &format!("{}.@example.org", letter.simple())] {
            assert_eq!(signed_letter(bad, b"secret"), None, "{bad}");
        }
    }

    #[test]
    fn nothing_leaves_the_brackets() {
        for bad in ["", "a b", "a>b", "<a", "a\r\nb", "ä@b", &"a".repeat(901)] {
            assert!(!is_message_id(bad), "{bad}");
        }
        assert_ne!(boundary("a@b"), boundary("a@c"));
    }
}
