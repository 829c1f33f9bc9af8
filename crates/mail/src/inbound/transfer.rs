use std::borrow::Cow;

/// A part's bytes out of their Content-Transfer-Encoding (RFC 2045, 6). What does not fit the encoding is taken as it
/// stands; nothing is refused.
pub(super) fn decode<'x>(bytes: &'x [u8], encoding: Option<&str>) -> Cow<'x, [u8]> {
    let encoding = encoding.unwrap_or_default().trim();
    // A comment or a stray parameter after the word is not rare.
    let encoding = encoding.split([';', ' ', '(', '\t']).next().unwrap_or_default().trim_matches('"');
    if encoding.eq_ignore_ascii_case("base64") {
        let (decoded, foreign) = base64_with_foreign(bytes);
        // Declared as base64 but plainly something else: a gateway that decoded a body and kept the header.
        if foreign * 20 <= bytes.len() { Cow::Owned(decoded) } else { Cow::Borrowed(bytes) }
    } else if encoding.eq_ignore_ascii_case("quoted-printable") {
        Cow::Owned(quoted_printable(bytes))
    } else if ["uuencode", "x-uuencode", "x-uue", "uue"]
        .iter()
        .any(|name| encoding.eq_ignore_ascii_case(name))
    {
        uuencoded(bytes).map_or(Cow::Borrowed(bytes), Cow::Owned)
    } else {
        Cow::Borrowed(bytes)
    }
}

/// What each byte stands for in base64, in either alphabet (RFC 4648, 4 and 5).
const SEXTETS: [u8; 256] = sextets();
const PADDING: u8 = 64;
const LINE_END: u8 = 65;
const FOREIGN: u8 = 66;

const fn sextets() -> [u8; 256] {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [FOREIGN; 256];
    let mut i = 0;
    while i < letters.len() {
        table[letters[i] as usize] = i as u8;
        i += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table[b'=' as usize] = PADDING;
    table[b'\r' as usize] = LINE_END;
    table[b'\n' as usize] = LINE_END;
    table
}

/// Base64 of any quality: what is not in the alphabet is passed over, padding may stand in the middle where two
/// pieces were joined, and a last incomplete group gives what it holds.
pub(super) fn base64(bytes: &[u8]) -> Vec<u8> {
    base64_with_foreign(bytes).0
}

/// The bytes, and how many of the input's are neither base64 nor a line end.
fn base64_with_foreign(bytes: &[u8]) -> (Vec<u8>, usize) {
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3 + 3);
    let (mut group, mut bits, mut foreign) = (0u32, 0u32, 0);
    for &c in bytes {
        match SEXTETS[usize::from(c)] {
            LINE_END => {}
            FOREIGN => foreign += 1,
            PADDING => (group, bits) = (0, 0),
            value => {
                group = (group << 6 | u32::from(value)) & 0x00ff_ffff;
                bits += 6;
                if bits >= 8 {
                    bits -= 8;
                    out.push((group >> bits) as u8);
                }
            }
        }
    }
    (out, foreign)
}

/// Quoted-printable (RFC 2045, 6.7). An escape that is none stays as it is.
pub(super) fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [c, after @ ..] = rest {
        rest = after;
        if *c != b'=' {
            out.push(*c);
        } else if let Some((byte, after)) = escape(after) {
            out.push(byte);
            rest = after;
        } else if let Some(after) = soft_break(after) {
            rest = after;
        } else {
            out.push(b'=');
        }
    }
    out
}

/// The Q encoding of encoded words (RFC 2047, 4.2).
pub(super) fn q(bytes: &[u8]) -> Vec<u8> {
    // An underscore that is meant is written `=5F`, so no underscore here is.
    quoted_printable(&bytes.iter().map(|c| if *c == b'_' { b' ' } else { *c }).collect::<Vec<_>>())
}

fn escape(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, rest @ ..] = bytes else { return None };
    let digit = |c: u8| char::from(c).to_digit(16);
    let byte = digit(*high)? * 16 + digit(*low)?;
    Some((u8::try_from(byte).ok()?, rest))
}

/// What follows a soft line break; blanks that a gateway added before the line's end are part of it.
fn soft_break(bytes: &[u8]) -> Option<&[u8]> {
    // A line of 76 characters has no room for more; without a bound every `=` in a row of blanks would walk it.
    let blanks = bytes.iter().take(80).take_while(|c| matches!(c, b' ' | b'\t')).count();
    match bytes.get(blanks..)? {
        [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] | [b'\r', rest @ ..] => Some(rest),
        [] => Some(&[]),
        _ => None,
    }
}

/// The old Unix encoding, between `begin 644 name` and `end`.
fn uuencoded(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut lines = bytes.split(|c| *c == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.find(|line| line.starts_with(b"begin "))?;
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    for line in lines {
        let Some((length, digits)) = line.split_first() else { continue };
        if line == b"end" {
            break;
        }
        let value = |c: u8| u32::from(c.wrapping_sub(b' ') & 0x3f);
        let mut left = usize::try_from(value(*length)).unwrap_or(0);
        for group in digits.chunks(4) {
            let bits = (0..4).fold(0, |bits, i| bits << 6 | group.get(i).map_or(0, |c| value(*c)));
            for byte in bits.to_be_bytes().into_iter().skip(1).take(left) {
                out.push(byte);
                left -= 1;
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_any_quality() {
        assert_eq!(base64(b"aGVsbG8="), b"hello");
        assert_eq!(base64(b"aGVs\r\nbG8"), b"hello");
        assert_eq!(base64(b"aGVsbG8=aGVsbG8="), b"hellohello");
        assert_eq!(base64(b"aGV!sbG8=***"), b"hello");
        assert_eq!(base64(b""), b"");
        assert_eq!(*decode(b"Hello, this is no base64.", Some("base64")), *b"Hello, this is no base64.");
        assert_eq!(*decode(b"aGVs\nbG8=\n", Some("BASE64 (x)")), *b"hello");
    }

    #[test]
    fn quoted_printable_of_any_quality() {
        assert_eq!(quoted_printable(b"a=3Db=\r\nc= \nd=e=f=C3=bc="), b"a=bcd=e=f\xc3\xbc");
        assert_eq!(q(b"a_b=5Fc"), b"a b_c");
    }

    #[test]
    fn uuencode() {
        assert_eq!(*decode(b"begin 644 a\n#0V%T\n`\nend\n", Some("x-uuencode")), *b"Cat");
        assert_eq!(*decode(b"nothing", Some("x-uuencode")), *b"nothing");
    }
}
