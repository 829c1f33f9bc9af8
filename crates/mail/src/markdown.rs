//! What people write: CommonMark with tables, strikethrough, task lists and bare links.

use comrak::{Arena, Options};

use crate::{
    SafeHtml,
    clean::{MAX_AMPERSANDS, ampersands, clean_bounded, escape},
    plain_text::Text,
};

/// Longer text, or text that nests deeper, is shown as it was typed: never lost, never parsed at any price.
const MAX_BYTES: usize = 256 * 1024;
/// A line of more quote marks, list marks or brackets than this is no message but an attack on the parser.
const MAX_NESTING: usize = 60;
/// Bounds the sanitizer's work, which grows with tags times depth.
const MAX_TAGS: usize = 20_000;
const MAX_DEPTH: usize = 150;

/// Markdown as HTML that a page may show as it is. Raw HTML in it is dropped.
pub fn to_html(markdown: &str) -> SafeHtml {
    if !is_bounded(markdown) {
        return SafeHtml::verbatim(markdown);
    }
    let html = comrak::markdown_to_html(markdown, &options());
    // comrak leaves `<` nowhere but in its own tags, so counting them is exact.
    let (mut tags, mut depth, mut deepest) = (0, 0usize, 0);
    for pair in html.as_bytes().windows(2).filter(|pair| pair[0] == b'<') {
        tags += 1;
        depth = if pair[1] == b'/' { depth.saturating_sub(1) } else { depth + 1 };
        deepest = deepest.max(depth);
    }
    // `<br />` and `<hr />` open nothing; forgiving them keeps long plain letters out of the limit.
    let empty = html.matches(" />").count();
    if tags > MAX_TAGS || deepest > MAX_DEPTH + empty || ampersands(&html) > MAX_AMPERSANDS {
        return SafeHtml::verbatim(markdown);
    }
    clean_bounded(&html)
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.tasklist = true;
    // People press Enter once and mean it.
    options.render.hardbreaks = true;
    options.render.r#unsafe = false;
    options
}

/// Whether the parser can be trusted with it. The marks that nest are counted for each line, before parsing,
/// because a stack that overflows ends the process and cannot be caught.
fn is_bounded(markdown: &str) -> bool {
    markdown.len() <= MAX_BYTES
        && markdown.lines().all(|line| {
            let (mut quotes, mut brackets, mut emphasis) = (0, 0, 0);
            let mut in_prefix = true;
            for c in line.bytes() {
                match c {
                    b'>' | b'-' | b'+' if in_prefix => quotes += usize::from(c == b'>' || c == b'+'),
                    b'[' | b'(' | b'!' => brackets += usize::from(c == b'['),
                    b'*' | b'_' | b'~' | b'`' => emphasis += 1,
                    _ => {}
                }
                in_prefix &=
                    matches!(c, b'>' | b' ' | b'\t' | b'-' | b'+' | b'*' | b'0'..=b'9' | b'.' | b')');
            }
            quotes <= MAX_NESTING && brackets <= 20 * MAX_NESTING && emphasis <= 40 * MAX_NESTING
        })
}

/// Markdown as plain text for the text part of a letter: marks gone, links followed by their address.
pub fn to_text(markdown: &str) -> String {
    if !is_bounded(markdown) {
        return markdown.to_owned();
    }
    let arena = Arena::new();
    let root = comrak::parse_document(&arena, markdown, &options());
    let mut text = Text::default();
    for edge in root.traverse() {
        match edge {
            comrak::arena_tree::NodeEdge::Start(node) => text.open(&node.data.borrow().value),
            comrak::arena_tree::NodeEdge::End(node) => text.close(&node.data.borrow().value),
        }
    }
    text.finish()
}

/// Plain text as HTML: escaped, with paragraphs and line breaks. For bodies that are not Markdown.
pub fn from_plain_text(text: &str) -> SafeHtml {
    let paragraphs = text.replace("\r\n", "\n");
    let html: String = paragraphs
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .map(|paragraph| format!("<p>{}</p>\n", escape(paragraph.trim_matches('\n')).replace('\n', "<br>")))
        .collect();
    if html.len() > 2 * MAX_BYTES
        || html.matches('<').count() > MAX_TAGS
        || ampersands(&html) > MAX_AMPERSANDS
    {
        return SafeHtml::verbatim(text);
    }
    clean_bounded(&html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_what_people_write() {
        let html =
            to_html("Hi **Ada**,\nsee https://example.org and ~~this~~\n\n- [x] done\n\n|a|b|\n|-|-|\n|1|2|");
        let html = html.as_str();
        assert!(html.contains("<strong>Ada</strong>,<br>"), "{html}");
        assert!(
            html.contains("<a href=\"https://example.org\" rel=\"noopener noreferrer nofollow\">"),
            "{html}"
        );
        assert!(html.contains("<del>this</del>") && html.contains("<td>2</td>"), "{html}");
    }

    #[test]
    fn raw_html_is_dropped() {
        let html =
            to_html("<script>alert(1)</script>\n\nhi <b onclick=x>there</b>\n\n[x](javascript:alert(1))");
        assert!(!html.as_str().contains("script") && !html.as_str().contains("onclick"), "{html}");
        assert!(html.as_str().contains("hi there"), "{html}");
    }

    #[test]
    fn reads_well_as_text() {
        let text = to_text(
            "# Hello\n\nSee [the manual](https://example.org/m) or <https://example.org>.\nSecond *line*.\n\n\
             > quoted\n> more\n\n1. one\n2. two\n   - nested\n\n```\ncode\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n- [x] done",
        );
        assert_eq!(
            text,
            "Hello\n\nSee the manual (https://example.org/m) or https://example.org.\nSecond line.\n\n> quoted\n> more\n\n\
             1. one\n2. two\n  - nested\n\n    code\n\na | b\n1 | 2\n\n- [x] done\n"
        );
    }

    #[test]
    fn nasty_text_neither_overflows_nor_stalls() {
        let quarter = MAX_BYTES / 8;
        for nasty in [
            ">".repeat(1_000_000),
            "> ".repeat(100_000),
            ">".repeat(MAX_NESTING),
            format!("{}\n", ">".repeat(MAX_NESTING)).repeat(2000),
            "[".repeat(1_000_000),
            "[".repeat(1000),
            format!("{}\n", "[".repeat(1000)).repeat(200),
            format!("{}a{}", "[".repeat(1000), "](b)".repeat(1000)),
            "[a](".repeat(300),
            "[a](\n".repeat(quarter / 3),
            "![[]()\n".repeat(quarter / 3),
            "*a ".repeat(2000),
            "**a *a\n".repeat(quarter / 3),
            "*a **a\n\n".repeat(quarter / 3),
            "a**b_".repeat(100_000),
            (1..2000).map(|i| format!("e{}", "`".repeat(i % 60))).collect(),
            format!("{}\n", "`".repeat(100)).repeat(2000),
            "- ".repeat(1000),
            (0..2000).map(|i| format!("{}- a\n", " ".repeat(i % 500))).collect(),
            "1. ".repeat(1000),
            "<".repeat(200_000),
            "<a".repeat(100_000),
            "<!--".repeat(50_000),
            "&".repeat(200_000),
            "\\".repeat(200_000),
            format!("|{}\n|{}\n{}", "a|".repeat(1000), "-|".repeat(1000), "|\n".repeat(2000)),
            "a@b.c ".repeat(20_000),
            "http://a.b ".repeat(10_000),
            "[a]: b\n".repeat(20_000),
            "[a]\n".repeat(20_000),
            "\0".repeat(100_000),
            "a\n".repeat(100_000),
        ] {
            let started = std::time::Instant::now();
            to_html(&nasty);
            to_text(&nasty);
            let took = started.elapsed();
            eprintln!("{took:>8.0?} {:?}", nasty.chars().take(24).collect::<String>());
            assert!(took.as_secs() < 30, "{:?} took {took:?}", nasty.chars().take(24).collect::<String>());
        }
    }
}
