//! Plain text as HTML: what somebody wrote in a mail, shown as they wrote it.

use crate::SafeHtml;

/// Everything is text: nothing in it can be markup. Empty lines part paragraphs, other line ends stay, and web addresses
/// can be followed.
pub fn plain_to_html(text: &str) -> SafeHtml {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for paragraph in text.split("\n\n").map(|p| p.trim_matches('\n')).filter(|p| !p.is_empty()) {
        out.push_str("<p>");
        for (n, line) in paragraph.split('\n').enumerate() {
            if n > 0 {
                out.push_str("<br>");
            }
            write_line(&mut out, line);
        }
        out.push_str("</p>");
    }
    SafeHtml::of_escaped(out)
}

fn write_line(out: &mut String, line: &str) {
    let mut rest = line;
    while let Some(at) = next_address(rest) {
        let (before, from) = rest.split_at(at);
        let end =
            from.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(from.len());
        let address = from[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
        escape(out, before);
        out.push_str("<a href=\"");
        escape(out, address);
        out.push_str("\" rel=\"noopener noreferrer nofollow\">");
        escape(out, address);
        out.push_str("</a>");
        rest = &from[address.len()..];
    }
    escape(out, rest);
}

fn next_address(text: &str) -> Option<usize> {
    ["https://", "http://"]
        .into_iter()
        // A scheme alone is no address.
        .filter_map(|scheme| {
            let at = text.find(scheme)?;
            text[at + scheme.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '[').then_some(at)
        })
        .min()
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_addresses_can_be_followed() {
        let html = plain_to_html("<b>Hi</b> & bye\nsecond\n\n\nsee https://example.org/a?b=1&c=\"x\".");
        assert_eq!(
            html.as_str(),
            "<p>&lt;b&gt;Hi&lt;/b&gt; &amp; bye<br>second</p><p>see <a href=\"https://example.org/a?b=1&amp;c=\" \
             rel=\"noopener noreferrer nofollow\">https://example.org/a?b=1&amp;c=</a>&quot;x&quot;.</p>"
        );
        assert_eq!(plain_to_html("").as_str(), "");
        assert_eq!(plain_to_html("http:// alone").as_str(), "<p>http:// alone</p>");
        assert!(!plain_to_html("javascript:alert(1)").as_str().contains("href"));
    }
}
