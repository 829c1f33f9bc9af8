use std::str::FromStr;

use crate::Error;

/// Where a list goes on: the sort value and the id of the last row, as URL-safe text.
///
/// Opaque to callers. A cursor that was cut or edited is refused, never read as "from the start".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The sort column's value of the last row (microseconds, rank, …).
    pub value: i64,
    pub id: uuid::Uuid,
    /// Which order it belongs to, so that a cursor cannot be used with another one.
    pub order: u8,
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Cursor {
    fn bytes(&self) -> [u8; 27] {
        let mut out = [0; 27];
        out[0] = self.order;
        out[1..9].copy_from_slice(&self.value.to_be_bytes());
        out[9..25].copy_from_slice(self.id.as_bytes());
        let check = checksum(&out[..25]);
        out[25..].copy_from_slice(&check);
        out
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::with_capacity(36);
        for chunk in self.bytes().chunks(3) {
            let word = (u32::from(chunk[0]) << 16) | (u32::from(chunk[1]) << 8) | u32::from(chunk[2]);
            for shift in [18, 12, 6, 0] {
                text.push(char::from(ALPHABET[(word >> shift) as usize & 63]));
            }
        }
        f.write_str(&text)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let refuse = || {
            Error::field(
                "cursor",
                "cursor.malformed",
                "pass `next_cursor` of the page before, unchanged, or leave it out to start over",
            )
        };
        if s.len() != 36 {
            return Err(refuse());
        }
        let mut bytes = [0u8; 27];
        for (i, chunk) in s.as_bytes().chunks(4).enumerate() {
            let mut word = 0u32;
            for c in chunk {
                let digit = ALPHABET.iter().position(|a| a == c).ok_or_else(refuse)?;
                word = (word << 6) | u32::try_from(digit).map_err(|_| refuse())?;
            }
            bytes[i * 3..i * 3 + 3].copy_from_slice(&word.to_be_bytes()[1..]);
        }
        if checksum(&bytes[..25]) != bytes[25..] {
            return Err(refuse());
        }
        let mut value = [0; 8];
        value.copy_from_slice(&bytes[1..9]);
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[9..25]);
        Ok(Self { order: bytes[0], value: i64::from_be_bytes(value), id: uuid::Uuid::from_bytes(id) })
    }
}

/// Fletcher-16: finds cut and mistyped cursors. It is no proof of origin; a cursor grants nothing.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let (mut a, mut b) = (1u16, 0u16);
    for byte in bytes {
        a = (a + u16::from(*byte)) % 251;
        b = (b + a) % 251;
    }
    [a as u8, b as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_text_and_refuses_edits() {
        let cursor = Cursor { value: -5, id: uuid::Uuid::from_u128(42), order: 3 };
        let text = cursor.to_string();
        assert_eq!(text.parse::<Cursor>().unwrap(), cursor);
        assert!(text[1..].parse::<Cursor>().is_err());
        assert!(text.replace('A', "B").parse::<Cursor>().is_err());
        assert!("ä".repeat(18).parse::<Cursor>().is_err());
    }
}
