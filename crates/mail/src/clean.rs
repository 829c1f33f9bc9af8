use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::LazyLock,
};

use ammonia::{Builder, UrlRelative};

/// HTML that a page may show as it is. Made by [`clean`], [`crate::markdown::to_html`] and
/// [`crate::plain_to_html`] alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct SafeHtml(String);

impl SafeHtml {
    pub fn as_str(&self) -> &str {
        &self.0
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Markup of ours around text that was escaped.
    pub(crate) fn of_escaped(html: String) -> Self {
        Self(html)
    }

    /// Plain text as it was typed, without any markup of its own.
    pub(crate) fn verbatim(text: &str) -> Self {
        Self(format!("<pre>{}</pre>", escape(text)))
    }
}

impl fmt::Display for SafeHtml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The parser's work grows with tags times depth. Beyond these limits HTML is shown as its source, so that one
/// letter can neither occupy a core nor be lost.
const MAX_BYTES: usize = 256 * 1024;
const MAX_TAGS: usize = 2_000;
/// Each may start a character reference, and the parser copies the text so far for each.
pub(crate) const MAX_AMPERSANDS: usize = 20_000;

const TAGS: [&str; 47] = [
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "tr",
    "ul",
];

/// An allow-list: what is not named here does not pass. No `style`, `class`, `id` or `name`, so that a letter can
/// neither cover the page nor be taken for a part of it. Elements whose content is not text for a reader vanish
/// with it.
static RULES: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let attributes: HashMap<&str, HashSet<&str>> = HashMap::from([
        ("a", HashSet::from(["href", "title"])),
        ("bdo", HashSet::from(["dir"])),
        ("img", HashSet::from(["src", "alt", "width", "height"])),
        ("ol", HashSet::from(["start"])),
        ("td", HashSet::from(["align", "colspan", "rowspan"])),
        ("th", HashSet::from(["align", "colspan", "rowspan", "scope"])),
        ("col", HashSet::from(["span"])),
    ]);
    let mut rules = Builder::empty();
    rules
        .tags(HashSet::from(TAGS))
        .add_tags(["u", "thead", "tfoot"])
        .clean_content_tags(HashSet::from([
            "script", "style", "title", "noscript", "iframe", "object", "embed", "applet", "svg", "math",
            "template", "textarea", "select", "xmp", "noembed", "noframes", "audio", "video", "canvas",
        ]))
        .tag_attributes(attributes)
        .generic_attributes(HashSet::from(["dir", "lang"]))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "cid"]))
        // A relative link would point into our own pages.
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .strip_comments(true)
        .attribute_filter(|element, attribute, value| {
            // Pictures from elsewhere tell their sender who opened the letter and when; `cid:` is a part of the
            // letter itself, and makes sense nowhere but in a picture.
            let cid = value.trim_start().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid:"));
            match (element, attribute) {
                ("img", "src") => cid.then(|| value.into()),
                (_, "href") if cid => None,
                _ => Some(value.into()),
            }
        });
    rules
});

/// HTML from anybody, as HTML for everybody: no script, no style, no forms, no remote content, and links that are
/// what they seem (`http`, `https`, `mailto`, `tel`).
pub fn clean(html: &str) -> SafeHtml {
    let tags =
        html.as_bytes().windows(2).filter(|pair| pair[0] == b'<' && pair[1].is_ascii_alphabetic()).count();
    if html.len() > MAX_BYTES || tags > MAX_TAGS || ampersands(html) > MAX_AMPERSANDS {
        return SafeHtml::verbatim(html);
    }
    clean_bounded(html)
}

pub(crate) fn ampersands(html: &str) -> usize {
    html.bytes().filter(|byte| *byte == b'&').count()
}

/// For HTML whose size and depth the caller has bounded.
pub(crate) fn clean_bounded(html: &str) -> SafeHtml {
    SafeHtml(RULES.clean(html).to_string())
}

pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(html: &str) -> String {
        clean(html).to_string()
    }

    #[test]
    fn keeps_what_people_write() {
        let html = "<p>Hello <b>Ada</b>, <u>see</u></p><table><thead><tr><th scope=\"col\">A</th></tr></thead>\
                    <tbody><tr><td colspan=\"2\">b</td></tr></tbody></table>";
        assert_eq!(cleaned(html), html);
    }

    #[test]
    fn links_are_what_they_seem() {
        assert_eq!(
            cleaned("<a href=\"https://x.io/?a=1&amp;b=2\" target=_blank onclick=x()>x</a>"),
            "<a href=\"https://x.io/?a=1&amp;b=2\" rel=\"noopener noreferrer nofollow\">x</a>"
        );
        for bad in [
            "javascript:alert(1)",
            " java\nscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
            "cid:x",
            "/desk",
            "//x.io",
            "#x",
        ] {
            let html = cleaned(&format!("<a href=\"{bad}\">x</a>"));
            assert!(!html.contains("href"), "{bad}: {html}");
        }
        for good in ["tel:+4930123", "mailto:ada@example.org"] {
            assert!(cleaned(&format!("<a href=\"{good}\">x</a>")).contains(good));
        }
    }

    #[test]
    fn loads_nothing_from_elsewhere() {
        assert_eq!(cleaned("<img src=\"https://track.example/1.gif\" alt=\"logo\">"), "<img alt=\"logo\">");
        assert_eq!(cleaned("<img src=\"cid:logo@x\">"), "<img src=\"cid:logo@x\">");
        assert_eq!(
            cleaned("<div style=\"background:url(https://x.io)\" background=x>a</div>"),
            "<div>a</div>"
        );
    }

    #[test]
    fn runs_nothing() {
        for bad in [
            "<script>alert(1)</script>",
            "<svg onload=alert(1)><style><img src=x onerror=alert(1)>",
            "<math><annotation-xml encoding=\"text/html\"><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
            "<form action=x><input name=y><button>z</button></form>",
            "<iframe srcdoc=\"<script>alert(1)</script>\">",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<base href=//x.io><meta http-equiv=refresh content=0><link rel=stylesheet href=x>",
            "<p id=top name=x class=y style=position:fixed onmouseover=alert(1)>",
        ] {
            let html = cleaned(bad).to_lowercase();
            for word in [
                "<script",
                "onload",
                "onerror",
                "onmouseover",
                "<form",
                "<svg",
                "<math",
                "<style",
                "<iframe",
                "<base",
                "<meta",
                "<link",
                "style=",
                "class=",
                "id=",
            ] {
                assert!(!html.contains(word), "{bad} gave {html}");
            }
        }
    }

    #[test]
    fn a_nasty_letter_is_quick() {
        let started = std::time::Instant::now();
        for nasty in [
            "<div>".repeat(MAX_TAGS),
            "<b><p>".repeat(MAX_TAGS / 2),
            (0..MAX_TAGS / 2).map(|i| format!("<b x={i}><p>")).collect(),
            "<table><td>".repeat(MAX_TAGS / 2),
            "<a href=x>".repeat(MAX_TAGS),
            "<div>".repeat(200_000),
            "<".repeat(MAX_BYTES),
            "&".repeat(MAX_AMPERSANDS),
            "&".repeat(1_000_000),
            "</p>".repeat(MAX_BYTES / 4),
            format!("<p {}>", "a=1 ".repeat(MAX_BYTES / 4 - 4)),
            format!("<p {}>", (0..MAX_BYTES / 8).map(|i| format!("a{i} ")).collect::<String>()),
        ] {
            let one = std::time::Instant::now();
            clean(&nasty);
            eprintln!("{:>8.0?} {}", one.elapsed(), &nasty[..nasty.len().min(24)]);
        }
        // Generous: it finds what is quadratic, not what is slow.
        assert!(started.elapsed().as_secs() < 120);
    }
}
