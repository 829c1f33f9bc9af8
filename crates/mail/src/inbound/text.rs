/// Text as it is kept: `\n` ends lines, and of the other control characters only the tab is left. Empty lines at the
/// start and at the end are gone.
pub(super) fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\t' => out.push('\t'),
            '\u{feff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    let blank = out.len() - out.trim_start_matches('\n').len();
    out.drain(..blank);
    out
}

/// At most so many characters, and whether something is missing.
pub(super) fn cut(mut text: String, chars: usize) -> (String, bool) {
    match text.char_indices().nth(chars) {
        Some((at, _)) => {
            text.truncate(at);
            (text, true)
        }
        None => (text, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_normal() {
        assert_eq!(normalise("\u{feff}\r\na\r\nb\rc\0\u{7}d\te \r\n\r\n"), "a\nb\ncd\te");
        assert_eq!(normalise(" \0 "), "");
        assert_eq!(cut("äöü".into(), 2), ("äö".into(), true));
        assert_eq!(cut("äö".into(), 2), ("äö".into(), false));
    }
}
