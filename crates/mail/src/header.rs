use std::fmt;

use base::{Error, Result};

/// Text that may stand in a header: one line, no control characters, single spaces, at most 998 bytes.
///
/// A value of this type cannot end the header it is written into, so it cannot add another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct HeaderText(String);

/// RFC 5322 §2.1.1 lets no line be longer. Ours are folded; the limit keeps a subject a subject.
const MAX_BYTES: usize = 998;

impl HeaderText {
    /// Refuses what is not one line of at most 998 bytes. For values an administrator types.
    pub fn new(text: &str) -> Result<Self> {
        if text.chars().any(breaks_lines) {
            return Err(Error::invalid("header.control", "one line of text, without control characters"));
        }
        if text.len() > MAX_BYTES {
            return Err(Error::invalid("header.too_long", format!("at most {MAX_BYTES} bytes")));
        }
        Ok(Self::lossy(text))
    }

    /// Makes any text fit: control characters and runs of white space become one space, the rest is cut off.
    /// For values that come from strangers, such as the subject of a ticket.
    pub fn lossy(text: &str) -> Self {
        let mut line = String::with_capacity(text.len().min(MAX_BYTES));
        for word in text.split(|c: char| c.is_whitespace() || breaks_lines(c)).filter(|word| !word.is_empty())
        {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            if line.len() > MAX_BYTES {
                line.truncate(line.floor_char_boundary(MAX_BYTES));
                break;
            }
        }
        line.truncate(line.trim_end().len());
        Self(line)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Unicode's line and paragraph separators are no control characters, yet some readers break lines at them.
fn breaks_lines(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

impl fmt::Display for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_one_line() {
        assert!(HeaderText::new("a\r\nBcc: b@x.io").is_err());
        assert!(HeaderText::new("a\0").is_err());
        assert!(HeaderText::new(&"a".repeat(999)).is_err());
        assert_eq!(HeaderText::lossy(" a\r\n\tBcc:\u{2028}b\0c ").as_str(), "a Bcc: b c");
        let long = HeaderText::lossy(&"ä".repeat(600));
        assert_eq!(long.as_str().len(), 998);
    }
}
