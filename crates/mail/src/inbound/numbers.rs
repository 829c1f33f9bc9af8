/// The letters and digits of a `TCK-` number: Crockford's base 32, which has no I, L, O and U.
const CROCKFORD: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The ticket numbers in a subject, in upper case, each once, in order, at most 10: `SUP-` and five or more digits, or
/// `TCK-` and twelve characters of Crockford's base 32.
///
/// Anybody can write a number into a subject, so a number finds a ticket and proves nothing.
pub fn numbers_in_subject(subject: &str) -> Vec<String> {
    let upper = subject.to_ascii_uppercase();
    let bytes = upper.as_bytes();
    let mut found: Vec<String> = Vec::new();
    for (start, _) in upper.match_indices("SUP-").chain(upper.match_indices("TCK-")) {
        // Inside a word it is a part of something else.
        if start.checked_sub(1).and_then(|i| bytes.get(i)).is_some_and(|c| is_word(*c)) {
            continue;
        }
        let rest = bytes.get(start + 4..).unwrap_or_default();
        let is_part: fn(&u8) -> bool = match bytes.get(start) {
            Some(b'S') => |c| c.is_ascii_digit(),
            _ => |c| CROCKFORD.contains(c),
        };
        let length = rest.iter().take_while(|c| is_part(c)).count();
        let fits = if bytes.get(start) == Some(&b'S') { (5..=18).contains(&length) } else { length == 12 };
        if !fits || rest.get(length).is_some_and(|c| is_word(*c)) {
            continue;
        }
        if let Some(number) = upper.get(start..start + 4 + length)
            && !found.iter().any(|one| one == number)
            && found.len() < 10
        {
            found.push(number.to_owned());
        }
    }
    // By their place in the subject, which the two passes above have mixed.
    found.sort_by_key(|number| upper.find(number.as_str()));
    found
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_numbers_and_nothing_else() {
        let cases: [(&str, &[&str]); 10] = [
            ("Re: [SUP-00042] router", &["SUP-00042"]),
            ("re: sup-00042 and SUP-00042 again", &["SUP-00042"]),
            ("TCK-0123456789AB, then SUP-123456", &["TCK-0123456789AB", "SUP-123456"]),
            ("tck-zzzzzzzzzzzz", &["TCK-ZZZZZZZZZZZZ"]),
            ("SUP-0042", &[]),
            ("TCK-0123456789A", &[]),
            ("TCK-0123456789ABC", &[]),
            ("TCK-0123456789AU", &[]),
            ("XSUP-00042 SUP-00042x", &[]),
            ("", &[]),
        ];
        for (subject, numbers) in cases {
            assert_eq!(numbers_in_subject(subject), numbers, "{subject}");
        }
    }
}
