use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// How much of a text the guess is made from. More does not make it better, only slower.
const SAMPLE: usize = 64 * 1024;

/// Bytes as text: by a byte order mark, by what is declared, by what they look like, and at last as windows-1252,
/// in which every byte is something. Never empty unless the bytes are.
///
/// A declaration that the bytes contradict is not believed: much mail declares UTF-8 and is not.
pub(super) fn decode(bytes: &[u8], declared: Option<&str>) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let rest = bytes.get(mark..).unwrap_or_default();
        // Lossy only here: a mark is never there by accident.
        return encoding.decode_without_bom_handling(rest).0.into_owned();
    }
    if let Some(text) = iso_2022_jp(bytes) {
        return text;
    }
    let label = declared.map(|label| label.trim().trim_matches(['"', '\'']).trim()).filter(|l| !l.is_empty());
    if let Some(label) = label {
        match Encoding::for_label_no_replacement(label.as_bytes()) {
            // Declared as 16 bits, yet plain ASCII: gateways rewrite bodies and leave the label.
            Some(encoding)
                if (encoding == UTF_16LE || encoding == UTF_16BE)
                    && bytes.is_ascii()
                    && !bytes.contains(&0) => {}
            // The label says nothing about the order of the bytes; the zeros of Latin letters do.
            Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => {
                return utf_16(bytes, encoding).decode_without_bom_handling(bytes).0.into_owned();
            }
            Some(encoding) => {
                if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
                    // ASCII is declared by default and by mistake; encoding_rs reads it as windows-1252, which
                    // accepts everything.
                    let believable = encoding != WINDOWS_1252 || !looks_like_utf_8(bytes);
                    if believable {
                        return text.into_owned();
                    }
                } else if std::str::from_utf8(bytes).is_err()
                    && let Some(text) = nearly(bytes, encoding)
                {
                    return text;
                }
            }
            // What browsers never knew, such as UTF-7 and the code pages of DOS.
            None => {
                if let Some(decoder) = charset_decoder(label.to_ascii_lowercase().as_bytes()) {
                    let text = decoder(bytes);
                    if !text.is_empty() && !text.contains('\u{fffd}') {
                        return text;
                    }
                }
            }
        }
    }
    guess(bytes).into_owned()
}

/// A header value. Its bytes are ASCII by the standard, UTF-8 by the newer one, and anything in practice.
pub(super) fn header(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => iso_2022_jp(bytes).map_or(Cow::Borrowed(text), Cow::Owned),
        Err(_) => guess(bytes),
    }
}

/// Japanese in seven bits is plain ASCII to look at, and often declared as that. Its escapes give it away.
fn iso_2022_jp(bytes: &[u8]) -> Option<String> {
    let escapes =
        bytes.is_ascii() && bytes.windows(3).any(|three| matches!(three, [0x1b, b'$', b'B' | b'@']));
    if !escapes {
        return None;
    }
    ISO_2022_JP.decode_without_bom_handling_and_without_replacement(bytes).map(Cow::into_owned)
}

fn guess(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    if let Some(encoding) = zeros(bytes) {
        return Cow::Owned(encoding.decode_without_bom_handling(bytes).0.into_owned());
    }
    if let Some(text) = nearly(bytes, UTF_8) {
        return Cow::Owned(text);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes.get(..SAMPLE).unwrap_or(bytes), bytes.len() <= SAMPLE);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => text,
        // windows-1252 as the WHATWG has it gives every byte a character.
        None => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// The text, if only a place or two in it are broken: a mail that was cut, a footer in another encoding, a letter of
/// a vendor's. That is better than any guess. Of one-byte charsets every byte would be a guess.
fn nearly(bytes: &[u8], encoding: &'static Encoding) -> Option<String> {
    if encoding.is_single_byte() {
        return None;
    }
    let text = encoding.decode_without_bom_handling(bytes).0;
    let (mut good, mut bad) = (0usize, 0usize);
    for c in text.chars() {
        good += usize::from(!c.is_ascii() && c != '\u{fffd}');
        bad += usize::from(c == '\u{fffd}');
    }
    (bad * 20 <= good).then(|| text.into_owned())
}

fn looks_like_utf_8(bytes: &[u8]) -> bool {
    !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok()
}

fn utf_16(bytes: &[u8], declared: &'static Encoding) -> &'static Encoding {
    zeros(bytes).unwrap_or(declared)
}

/// Text in two bytes a letter has a zero in every other byte, if it is in a Latin script.
fn zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = bytes.get(..1024).unwrap_or(bytes);
    let (mut even, mut odd) = (0, 0);
    for (i, _) in sample.iter().enumerate().filter(|(_, c)| **c == 0) {
        if i % 2 == 0 { even += 1 } else { odd += 1 }
    }
    let most = sample.len() / 3;
    match (even > most, odd > most) {
        (true, false) => Some(UTF_16BE),
        (false, true) => Some(UTF_16LE),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_charsets_are_believed_when_they_can_be() {
        assert_eq!(decode(b"gr\xfc\xdfe", Some("iso-8859-1")), "grüße");
        assert_eq!(decode("grüße".as_bytes(), Some("utf-8")), "grüße");
        assert_eq!(decode(b"\xd0\xd2\xc9\xd7\xc5\xd4", Some("KOI8-R")), "привет");
        assert_eq!(decode(b"\x1b$B$3$s\x1b(B", Some("iso-2022-jp")), "こん");
        assert_eq!(decode(b"Hi +AOQ-!", Some("utf-7")), "Hi ä!");
    }

    #[test]
    fn wrong_charsets_are_not() {
        let german = b"Sch\xf6ne Gr\xfc\xdfe aus M\xfcnchen";
        assert_eq!(decode(german, Some("utf-8")), "Schöne Grüße aus München");
        assert_eq!(decode("Schöne Grüße".as_bytes(), Some("us-ascii")), "Schöne Grüße");
        assert_eq!(decode(german, Some("x-unknown-thing")), "Schöne Grüße aus München");
        assert_eq!(decode(german, None), "Schöne Grüße aus München");
        assert_eq!(decode(b"plain", Some("utf-16")), "plain");
    }

    #[test]
    fn marks_and_zeros_tell() {
        assert_eq!(decode(b"\xef\xbb\xbfhi", Some("windows-1252")), "hi");
        assert_eq!(decode(b"\xff\xfeh\0i\0", None), "hi");
        assert_eq!(decode(b"h\0i\0 \0t\0o\0", Some("utf-16")), "hi to");
        assert_eq!(decode(b"\0h\0i\0 \0t\0o", Some("utf-16le")), "hi to");
    }

    #[test]
    fn nothing_is_ever_empty() {
        for declared in
            [None, Some("utf-8"), Some("shift_jis"), Some("gb18030"), Some("utf-7"), Some("hz-gb-2312")]
        {
            for bytes in [&b"\xff"[..], b"\x81", b"a\x80\xfe\xffb", b"\x1b$"] {
                assert!(!decode(bytes, declared).is_empty(), "{declared:?} {bytes:?}");
            }
        }
    }
}
