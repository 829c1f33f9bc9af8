//! A text as a page shows it. The page's own heading is the article's title, so those of the text begin one below.

use serde::Serialize;

/// A line of the table of contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    pub id: String,
    pub text: String,
}

/// A table of contents is a help where there is much to scroll over, and in the way where there is not.
const LONG_BYTES: usize = 2_500;
const PARTS_MIN: usize = 3;

/// One heading in cleaned HTML: where it begins and ends, its level, where its content begins and ends.
struct Heading {
    start: usize,
    end: usize,
    level: u8,
    content: (usize, usize),
}

fn headings(html: &str) -> Vec<Heading> {
    let (mut out, mut from) = (Vec::new(), 0);
    while let Some(at) = html[from..].find("<h").map(|n| n + from) {
        from = at + 2;
        let level = html.as_bytes().get(at + 2).filter(|b| (b'1'..=b'6').contains(b)).map(|b| b - b'0');
        let (Some(level), Some(open)) = (level, html[at..].find('>').map(|n| at + n + 1)) else { continue };
        let close = format!("</h{level}>");
        let Some(end) = html[open..].find(&close).map(|n| open + n) else { continue };
        out.push(Heading { start: at, end: end + close.len(), level, content: (open, end) });
        from = end + close.len();
    }
    out
}

/// The text of a piece of HTML, its entities as they are.
fn stripped(html: &str) -> String {
    let (mut out, mut in_tag) = (String::new(), false);
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ if !in_tag => out.push(c),
            _ => {}
        }
    }
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];
    entities.into_iter().fold(out, |text, (entity, c)| text.replace(entity, c))
}

/// The HTML with headings from `<h2>` on that can be linked to, and the table of contents of a long text.
pub fn outlined(html: &str) -> (String, Vec<Part>) {
    let found = headings(html);
    let highest = found.iter().map(|h| h.level).min().unwrap_or(2);
    let (mut out, mut parts, mut at) = (String::with_capacity(html.len() + 200), Vec::new(), 0);
    for (n, h) in (1..).zip(&found) {
        let level = (h.level - highest + 2).min(6);
        let (id, inner) = (format!("part-{n}"), &html[h.content.0..h.content.1]);
        out.push_str(&html[at..h.start]);
        out.push_str(&format!("<h{level} id=\"{id}\">{inner}</h{level}>"));
        at = h.end;
        if level == 2 {
            parts.push(Part { id, text: stripped(inner) });
        }
    }
    out.push_str(&html[at..]);
    if html.len() < LONG_BYTES || parts.len() < PARTS_MIN {
        parts.clear();
    }
    (out, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_begin_below_the_title_and_can_be_linked_to() {
        let (html, parts) = outlined("<h1>A</h1><p>x</p><h2>B</h2><hr><h3>C</h3>");
        assert_eq!(
            html,
            "<h2 id=\"part-1\">A</h2><p>x</p><h3 id=\"part-2\">B</h3><hr><h4 id=\"part-3\">C</h4>"
        );
        assert!(parts.is_empty(), "it is short");
        assert_eq!(outlined("<h3>A</h3>").0, "<h2 id=\"part-1\">A</h2>");
        assert_eq!(outlined("<p>no <em>heading</em></p>").0, "<p>no <em>heading</em></p>");
        assert_eq!(outlined("<h2>open").0, "<h2>open");
    }

    #[test]
    fn long_texts_get_a_table_of_contents() {
        let text =
            format!("<h2>A &amp; <em>b</em></h2><p>{}</p><h3>in</h3><h2>C</h2><h2>D</h2>", "x".repeat(3000));
        let (_, parts) = outlined(&text);
        assert_eq!(parts.iter().map(|p| p.text.as_str()).collect::<Vec<_>>(), ["A & b", "C", "D"]);
        assert_eq!(parts[1].id, "part-3");
    }
}
