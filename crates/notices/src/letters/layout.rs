//! A letter as HTML: one column of text. No pictures, no colours of its own but grey lines, no style sheet: mail programs
//! drop those, and what is not coloured is right in the dark as well.

use mail::SafeHtml;

const FONT: &str =
    "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Noto Sans',sans-serif";
const MONOSPACE: &str = "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace";
/// Grey enough to be seen on white and on black. For lines, never for text.
const LINE: &str = "#8a8a8a";

/// In the colour of links, which is the reader's.
const BUTTON: &str = "display:inline-block;padding:10px 18px;border:1px solid;border-radius:6px;font-weight:600;text-decoration:none";

/// A whole document around content that is safe already.
pub fn document(language: &str, subject: &str, content: &str) -> String {
    let (language, title) = (escape(language), escape(subject));
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n</head>\n\
         <body style=\"margin:0;padding:0\">\n\
         <div lang=\"{language}\" style=\"max-width:600px;margin:0 auto;padding:24px 20px;font-family:{FONT};font-size:16px;\
         line-height:1.5;overflow-wrap:break-word;word-break:break-word\">\n{content}</div>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Gives the elements of clean HTML their style, each on the element itself.
pub(super) fn dress(html: &SafeHtml) -> String {
    let html = html.as_str();
    let mut out = String::with_capacity(html.len() * 2);
    let mut rest = html;
    let mut stands_alone = false;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = tag_end(rest);
        let (tag, after) = rest.split_at(end);
        let name_end = tag[1..].find(|c: char| !c.is_ascii_alphanumeric()).map_or(tag.len(), |n| n + 1);
        let name = &tag[1..name_end];
        let style = match name {
            "a" if stands_alone => Some(BUTTON.into()),
            "strong" if is_one_word(after) => Some("white-space:nowrap".into()),
            name => style_of(name),
        };
        match style {
            Some(style) => {
                out.push_str(&tag[..name_end]);
                out.push_str(" style=\"");
                out.push_str(&style);
                out.push('"');
                out.push_str(&tag[name_end..]);
            }
            None => out.push_str(tag),
        }
        stands_alone = name == "p" && is_one_link(after);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where the tag that a text begins with ends. A `>` in quotes ends none: a value of somebody else's may hold one.
fn tag_end(text: &str) -> usize {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether a paragraph goes on as one link with words of its own and nothing else. An address that is shown as it is
/// stays one: it is there to be read.
fn is_one_link(after: &str) -> bool {
    if !after.starts_with("<a ") {
        return false;
    }
    let (tag, rest) = after.split_at(tag_end(after));
    let Some((label, rest)) = rest.split_once("</a>") else { return false };
    let is_address = tag.contains(&format!("\"{label}\"")) || label.contains("://");
    rest.starts_with("</p>") && !label.contains('<') && !label.is_empty() && !is_address
}

/// A number such as SUP-00042 does not break at its hyphen.
fn is_one_word(after: &str) -> bool {
    let word = after.split('<').next().unwrap_or_default();
    word.len() <= 20 && !word.contains(char::is_whitespace)
}

fn style_of(name: &str) -> Option<String> {
    let style = match name {
        "p" | "dl" => "margin:0 0 16px".into(),
        "ul" | "ol" => "margin:0 0 16px;padding:0 0 0 26px".into(),
        "li" => "margin:0 0 6px".into(),
        "h1" => "margin:0 0 12px;font-size:22px;line-height:1.3".into(),
        "h2" => "margin:0 0 10px;font-size:19px;line-height:1.3".into(),
        "h3" | "h4" | "h5" | "h6" => "margin:0 0 8px;font-size:16px;line-height:1.4".into(),
        "hr" => format!("margin:24px 0;border:0;border-top:1px solid {LINE}"),
        "blockquote" => format!("margin:0 0 16px;padding:0 0 0 14px;border-left:3px solid {LINE}"),
        "pre" => format!("margin:0 0 16px;font-family:{MONOSPACE};font-size:14px;white-space:pre-wrap"),
        "code" => format!("font-family:{MONOSPACE};font-size:14px"),
        "table" => "margin:0 0 16px;border-collapse:collapse".into(),
        "th" | "td" => {
            format!("padding:6px 10px;border:1px solid {LINE};text-align:left;vertical-align:top")
        }
        "img" => "max-width:100%;height:auto".into(),
        _ => return None,
    };
    Some(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dressed(markdown: &str) -> String {
        dress(&mail::markdown::to_html(markdown))
    }

    #[test]
    fn elements_have_their_style_on_themselves() {
        let html = dressed("# Hi\n\nOne **two**.\n\n> said\n\n---\n\n- a\n- b\n\n|a|b|\n|-|-|\n|1|2|\n\n`x`");
        for tag in [
            "<h1 style",
            "<p style",
            "<blockquote style",
            "<hr style",
            "<ul style",
            "<td style",
            "<code style",
        ] {
            assert!(html.contains(tag), "{tag}: {html}");
        }
        assert!(
            html.contains("<strong style=\"white-space:nowrap\">two</strong>")
                && html.contains("</blockquote>"),
            "{html}"
        );
    }

    #[test]
    fn a_link_with_words_that_stands_alone_is_a_button_and_an_address_stays_an_address() {
        let is_button = |markdown: &str| dressed(markdown).contains("inline-block");
        assert!(is_button("Hi\n\n[Open it](https://example.org/a?b=1&c=2)\n\nBye"));
        for plain in [
            "https://example.org/a?b=1&c=2",
            "See [it](https://example.org)",
            "[it](https://example.org) there",
            "[a](https://example.org) [b](https://example.org)",
            "- [a](https://example.org)",
            "[https://bank.example](https://example.org)",
        ] {
            assert!(!is_button(plain), "{plain}");
        }
    }

    #[test]
    fn a_value_that_looks_like_a_tag_stays_a_value() {
        let html = dressed("[a](https://example.org '<p> <hr> x=\"')\n\n<p> `<p>` a > b");
        let cleaned = mail::markdown::to_html("[a](https://example.org '<p> <hr> x=\"')\n\n<p> `<p>` a > b");
        // What the styles added taken away again, it is what it was.
        let mut bare = String::new();
        let mut rest = html.as_str();
        while let Some((before, after)) = rest.split_once(" style=\"") {
            bare.push_str(before);
            rest = after.split_once('"').unwrap().1;
        }
        bare.push_str(rest);
        assert_eq!(bare, cleaned.as_str());
        assert_eq!(mail::clean(&html).as_str(), cleaned.as_str(), "a browser reads it so, too");
    }

    #[test]
    fn the_document_says_its_language_and_schemes_and_escapes_the_subject() {
        let html = document("de", "a < b & \"c\"", "<p>x</p>");
        assert!(html.contains("<html lang=\"de\">") && html.contains("content=\"light dark\""));
        assert!(html.contains("<title>a &lt; b &amp; &quot;c&quot;</title>"));
        let colours = html.replace(LINE, "");
        assert!(!colours.contains("color:") && !colours.contains("background"), "{colours}");
    }
}
