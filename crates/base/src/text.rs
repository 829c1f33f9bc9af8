//! Checks and shapes of text that comes from outside.

use crate::Error;

/// One trimmed line of at most `max` characters, without control characters.
pub fn line(field: &'static str, text: &str, max: usize) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field(field, "text.empty", "must not be empty"));
    }
    if text.chars().count() > max {
        return Err(Error::field(field, "text.too_long", format!("at most {max} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::field(field, "text.control", "one line of text, without control characters"));
    }
    Ok(text.to_owned())
}

/// Text of several lines, at most `max` bytes; keeps line breaks and tabs, refuses NUL and other control characters.
pub fn body(field: &'static str, text: &str, max: usize) -> Result<String, Error> {
    if text.trim().is_empty() {
        return Err(Error::field(field, "text.empty", "must not be empty"));
    }
    if text.len() > max {
        return Err(Error::field(field, "text.too_long", format!("at most {} KiB of text", max / 1024)));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::field(field, "text.control", "text without control characters"));
    }
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The known word nearest to `word` within two edits, for "did you mean".
pub fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (distance(word, k), k))
        .filter(|(d, k)| *d <= 2.max(k.len() / 4))
        .min()
        .map(|(_, k)| k)
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let swap = before + usize::from(ca != *cb);
            before = row[j + 1];
            row[j + 1] = swap.min(row[j] + 1).min(before + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(suggest("lsiten", ["listen", "public_url"]), Some("listen"));
        assert_eq!(suggest("wholly_different", ["listen"]), None);
    }

    #[test]
    fn lines_and_bodies() {
        assert_eq!(line("subject", "  hi ", 10).unwrap(), "hi");
        assert!(line("subject", "a\nb", 10).is_err());
        assert_eq!(body("body", "a\r\nb", 10).unwrap(), "a\nb");
        assert!(body("body", "a\0b", 10).is_err());
        assert!(body("body", "   ", 10).is_err());
    }
}
