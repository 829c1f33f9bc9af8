//! Plain text as HTML and as Markdown: what somebody wrote in a mail, shown as they wrote it.

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
    for piece in pieces(line) {
        match piece {
            Piece::Words(words) => escape(out, words),
            Piece::Address(address) => {
                out.push_str("<a href=\"");
                escape(out, address);
                out.push_str("\" rel=\"noopener noreferrer nofollow\">");
                escape(out, address);
                out.push_str("</a>");
            }
        }
    }
}

/// Plain text as Markdown that shows it as it is, for words that stand among Markdown: a letter's template, a quotation.
/// Nothing in it is markup, lines and their indents stay, and web addresses can be followed. Empty lines at the ends and
/// all but one between paragraphs are left out, as are blanks at the end of a line.
pub fn plain_to_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.trim_end().split('\n') {
        let line = line.trim_end();
        if !line.is_empty() {
            write_markdown(&mut out, line);
        }
        out.push('\n');
    }
    out.trim_matches('\n').to_owned()
}

fn write_markdown(out: &mut String, line: &str) {
    let words = line.trim_start_matches([' ', '\t']);
    // Blanks at the start would be left out, or make a block of code.
    for c in line[..line.len() - words.len()].chars() {
        out.push_str(if c == '\t' { "\u{a0}\u{a0}\u{a0}\u{a0}" } else { "\u{a0}" });
    }
    // What opens a block, and only as the first on its line: headings, quotations, lists, tables.
    let digits = words.bytes().take_while(u8::is_ascii_digit).count();
    let mut opens = match words[digits..].starts_with(['.', ')']) {
        true if digits > 0 => Some(digits),
        _ => words.starts_with(['#', '>', '+', '-', '=', ':']).then_some(0),
    };
    for piece in pieces(words) {
        match piece {
            Piece::Words(words) => {
                let mut before = ' ';
                for (at, c) in words.char_indices() {
                    let follows = |next: &str| words[at + c.len_utf8()..].starts_with(next);
                    // Of `://` and `www.` the reader of Markdown would make a link that ends where it thinks.
                    let links = c == ':' && follows("//") || c == '.' && before.eq_ignore_ascii_case(&'w');
                    let marks = matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '~' | '&' | '|');
                    if opens.take_if(|opening| *opening == at).is_some() || links || marks {
                        out.push('\\');
                    }
                    out.push(c);
                    before = c;
                }
            }
            Piece::Address(address) => {
                out.push('<');
                out.push_str(address);
                out.push('>');
            }
        }
        // Whatever follows is not at the start.
        opens = None;
    }
}

enum Piece<'a> {
    Words(&'a str),
    /// A web address that can be followed: no blanks, no brackets, no double quotes.
    Address(&'a str),
}

fn pieces(line: &str) -> Vec<Piece<'_>> {
    let (mut out, mut rest) = (Vec::new(), line);
    while let Some(at) = next_address(rest) {
        let (before, from) = rest.split_at(at);
        let end =
            from.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(from.len());
        let address = from[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
        if !before.is_empty() {
            out.push(Piece::Words(before));
        }
        out.push(Piece::Address(address));
        rest = &from[address.len()..];
    }
    if !rest.is_empty() {
        out.push(Piece::Words(rest));
    }
    out
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

    #[test]
    fn nothing_in_plain_text_is_markdown() {
        for (plain, html) in [
            ("<serial>AB-1</serial> <b>", "<p>&lt;serial&gt;AB-1&lt;/serial&gt; &lt;b&gt;</p>"),
            ("# no heading\nno\n===\nno\n---", "<p># no heading<br>no<br>===<br>no<br>---</p>"),
            ("*a* _b_ **c** ~~d~~ `e`", "<p>*a* _b_ **c** ~~d~~ `e`</p>"),
            ("1. a\n2) b\n- c\n+ d\n* e", "<p>1. a<br>2) b<br>- c<br>+ d<br>* e</p>"),
            ("> quoted\n>> twice", "<p>&gt; quoted<br>&gt;&gt; twice</p>"),
            (
                "    indented\n\tmore",
                "<p>&nbsp;&nbsp;&nbsp;&nbsp;indented<br>&nbsp;&nbsp;&nbsp;&nbsp;more</p>",
            ),
            ("a|b\n-|-\n1|2\n\na\n:-:", "<p>a|b<br>-|-<br>1|2</p><p>a<br>:-:</p>"),
            ("```\ncode\n```\n~~~\nx", "<p>```<br>code<br>```<br>~~~<br>x</p>"),
            ("![x](y) [z]: w\n- [x] done", "<p>![x](y) [z]: w<br>- [x] done</p>"),
            ("a \\* b &amp; \\", "<p>a \\* b &amp;amp; \\</p>"),
            ("www.evil.example ftp://evil.example/a_b", "<p>www.evil.example ftp://evil.example/a_b</p>"),
            ("one\n\n\n\ntwo  \n", "<p>one</p><p>two</p>"),
        ] {
            let shown = crate::markdown::to_html(&plain_to_markdown(plain)).to_string();
            assert_eq!(shown.replace('\n', ""), html, "{plain}");
        }
        let link = |to: &str| format!("<a href=\"{to}\" rel=\"noopener noreferrer nofollow\">{to}</a>");
        let evil = plain_to_markdown("[Open the ticket](https://evil.example/a_b_c), http://x.example.");
        assert_eq!(
            crate::markdown::to_html(&evil).as_str().trim(),
            format!(
                "<p>[Open the ticket]({}), {}.</p>",
                link("https://evil.example/a_b_c"),
                link("http://x.example")
            ),
        );
        assert_eq!(
            crate::markdown::to_text(&evil).trim(),
            "[Open the ticket](https://evil.example/a_b_c), http://x.example."
        );
    }
}
