/// A header such as `Authentication-Results` (RFC 8601) without its comments and quoted strings, in which a sender's own words
/// may stand.
pub fn without_words(header: &str) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) =
        (String::with_capacity(header.len()), 0u32, false, false);
    for c in header.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted || depth > 0 => escaped = true,
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            c if !quoted && depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}
