use mail_parser::decoders::html::add_html_token;

/// Elements whose content is no text for a reader.
const UNSEEN: [&str; 6] = ["script", "style", "title", "template", "noembed", "xml"];
/// Longer links are for machines.
const MAX_LINK: usize = 200;
const MAX_QUOTES: usize = 30;

/// HTML as plain text, in one pass: blocks on lines of their own, `>` before quotations, `- ` before list items, and
/// where a link goes when its words do not say it.
///
/// It is read for search and for folding, never shown as HTML, so it need not be right about every nesting: it only
/// has to lose no words.
pub(super) fn html_to_text(html: &str) -> String {
    let mut writer = Writer::default();
    let mut reader =
        Reader { html, at: 0, unclosed_quote: false, unclosed: [false; UNSEEN.len()], no_comment_end: false };
    while let Some(token) = reader.next() {
        match token {
            Token::Text(text) => writer.text(text),
            Token::Tag(tag) => writer.tag(&tag),
        }
    }
    writer.out
}

enum Token<'x> {
    Text(&'x str),
    Tag(Tag<'x>),
}

struct Tag<'x> {
    name: String,
    closes: bool,
    attributes: &'x str,
}

/// Every search for an end that failed once is not made again, or many beginnings would each walk to the end.
struct Reader<'x> {
    html: &'x str,
    at: usize,
    unclosed_quote: bool,
    unclosed: [bool; UNSEEN.len()],
    no_comment_end: bool,
}

impl<'x> Reader<'x> {
    fn next(&mut self) -> Option<Token<'x>> {
        loop {
            let rest = self.html.get(self.at..).filter(|rest| !rest.is_empty())?;
            if !starts_tag(rest) {
                // A `<` that starts no tag is text.
                let first = rest.chars().next().map_or(0, char::len_utf8);
                let end =
                    rest.get(first..).and_then(|rest| rest.find('<')).map_or(rest.len(), |end| first + end);
                self.at += end;
                return Some(Token::Text(rest.get(..end).unwrap_or_default()));
            }
            if rest.starts_with("<!--") && !self.no_comment_end {
                match rest.get(4..).and_then(|rest| rest.find("-->")) {
                    Some(end) => {
                        self.at += 4 + end + 3;
                        continue;
                    }
                    None => self.no_comment_end = true,
                }
            }
            let Some(end) = self.tag_end(rest) else {
                // A tag that never ends: what is left is text.
                self.at = self.html.len();
                return Some(Token::Text(rest));
            };
            let inside = rest.get(1..end).unwrap_or_default();
            self.at += end + 1;
            let closes = inside.starts_with('/');
            let inside = inside.strip_prefix('/').unwrap_or(inside);
            let length = inside.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(inside.len()).min(20);
            let Some((name, attributes)) = inside.split_at_checked(length) else { continue };
            let name = name.to_ascii_lowercase();
            if !closes && let Some(i) = UNSEEN.iter().position(|unseen| *unseen == name) {
                self.skip(i);
                continue;
            }
            return Some(Token::Tag(Tag { name, closes, attributes }));
        }
    }

    /// Where the `>` of a tag is. One in quotes does not end it.
    fn tag_end(&mut self, rest: &str) -> Option<usize> {
        if !self.unclosed_quote {
            let mut quote = None;
            let mut before = b' ';
            for (i, c) in rest.bytes().enumerate() {
                match (quote, c) {
                    (None, b'>') => return Some(i),
                    // Only a value is quoted; elsewhere an apostrophe is a mistake and would swallow the text.
                    (None, b'"' | b'\'') if before == b'=' => quote = Some(c),
                    (Some(open), c) if open == c => quote = None,
                    _ => {}
                }
                if !c.is_ascii_whitespace() {
                    before = c;
                }
            }
            self.unclosed_quote = true;
        }
        rest.find('>')
    }

    /// Passes over the content of an element that is not seen, if it has an end.
    fn skip(&mut self, which: usize) {
        let Some(unclosed) = self.unclosed.get_mut(which) else { return };
        let name = UNSEEN.get(which).copied().unwrap_or_default();
        if *unclosed {
            return;
        }
        let mut from = self.at;
        while let Some(found) = self.html.get(from..).and_then(|rest| rest.find("</")) {
            let start = from + found + 2;
            let end = self.html.get(start..start + name.len());
            if end.is_some_and(|end| end.eq_ignore_ascii_case(name)) {
                self.at = start - 2;
                return;
            }
            from = start;
        }
        *unclosed = true;
    }
}

fn starts_tag(rest: &str) -> bool {
    let mut bytes = rest.bytes();
    bytes.next() == Some(b'<')
        && match bytes.next() {
            Some(b'/') => bytes.next().is_some_and(|c| c.is_ascii_alphabetic()),
            Some(c) => c.is_ascii_alphabetic() || matches!(c, b'!' | b'?'),
            None => false,
        }
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Line ends that are owed before the next word.
    breaks: usize,
    space: bool,
    quotes: usize,
    /// In `pre`, where white space counts.
    pre: usize,
    /// The link that is open, and where its words begin.
    link: Option<(String, usize)>,
    mark: bool,
}

impl Writer {
    fn tag(&mut self, tag: &Tag<'_>) {
        match tag.name.as_str() {
            "br" => {
                // Line ends that are written by hand add up.
                self.space = false;
                self.breaks = if self.out.is_empty() { 0 } else { (self.breaks + 1).min(3) };
            }
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" | "ul" | "ol" | "dl" | "form" => {
                self.block(2)
            }
            "blockquote" => {
                self.block(if tag.closes { 2 } else { 1 });
                self.quotes = if tag.closes {
                    self.quotes.saturating_sub(1)
                } else {
                    (self.quotes + 1).min(MAX_QUOTES)
                };
            }
            "div" | "tr" | "dt" | "dd" | "section" | "article" | "header" | "footer" | "address"
            | "center" | "body" | "html" | "head" | "caption" | "fieldset" | "option" => self.block(1),
            "li" => {
                self.block(1);
                self.mark = !tag.closes;
            }
            "td" | "th" => self.space = true,
            "hr" => {
                self.block(1);
                self.word("________________________________");
                self.block(1);
            }
            "pre" => {
                self.block(2);
                self.pre = if tag.closes { self.pre.saturating_sub(1) } else { self.pre + 1 };
            }
            "img" => {
                if let Some(alt) = attribute(tag.attributes, "alt").filter(|alt| !alt.trim().is_empty()) {
                    self.text(&format!("[{}]", alt.trim()));
                }
            }
            "a" => {
                self.end_link();
                if !tag.closes
                    && let Some(href) = attribute(tag.attributes, "href")
                {
                    self.link = Some((href, self.out.len()));
                }
            }
            _ => {}
        }
    }

    fn block(&mut self, breaks: usize) {
        self.space = false;
        if !self.out.is_empty() {
            self.breaks = self.breaks.max(breaks);
        }
    }

    fn end_link(&mut self) {
        let Some((href, start)) = self.link.take() else { return };
        let mut target = String::new();
        entities(href.trim(), &mut target);
        let shown = self.out.get(start..).unwrap_or_default().trim();
        let plain = target.split_once("://").map_or(target.as_str(), |(_, rest)| rest).trim_end_matches('/');
        let says_it = shown.trim_end_matches('/').ends_with(plain);
        let is_web = ["http://", "https://"]
            .iter()
            .any(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
        let plain_ascii = target.bytes().all(|c| c.is_ascii_graphic());
        if is_web && plain_ascii && !shown.is_empty() && !says_it && target.len() <= MAX_LINK {
            self.space = true;
            self.word(&format!("({target})"));
        }
    }

    fn text(&mut self, text: &str) {
        let mut decoded = String::with_capacity(text.len());
        entities(text, &mut decoded);
        if self.pre > 0 {
            for (i, line) in decoded.split('\n').enumerate() {
                if i > 0 {
                    self.breaks += 1;
                }
                let line = line.trim_end_matches('\r');
                if !line.is_empty() {
                    self.word(line);
                }
            }
            return;
        }
        let mut rest = decoded.as_str();
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if !word.is_empty() {
                self.word(word);
            }
            rest = after.trim_start_matches(|c: char| c.is_ascii_whitespace());
            self.space |= rest.len() < after.len();
        }
    }

    fn word(&mut self, word: &str) {
        let starts = self.out.is_empty() || self.breaks > 0;
        for _ in 0..self.breaks {
            self.out.push('\n');
        }
        if starts {
            for _ in 0..self.quotes {
                self.out.push('>');
            }
            if self.quotes > 0 {
                self.out.push(' ');
            }
            if std::mem::take(&mut self.mark) {
                self.out.push_str("- ");
            }
        } else if self.space {
            self.out.push(' ');
        }
        self.breaks = 0;
        self.space = false;
        self.out.push_str(word);
    }
}

/// Text with its character references decoded. Padding that no reader sees is left out.
fn entities(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        push_seen(rest.get(..at).unwrap_or_default(), out);
        rest = rest.get(at..).unwrap_or_default();
        let end = rest.bytes().take(40).position(|c| c == b';');
        let name = end.and_then(|end| rest.get(1..end));
        let is_reference = name.is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'#')
        });
        match end.filter(|_| is_reference).and_then(|end| rest.split_at_checked(end + 1)) {
            Some((reference, after)) => {
                let mut decoded = String::new();
                add_html_token(&mut decoded, reference.as_bytes(), false);
                push_seen(&decoded, out);
                rest = after;
            }
            None => {
                out.push('&');
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    push_seen(rest, out);
}

fn push_seen(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\u{a0}' => out.push('\u{20}'),
            '\u{34f}' | '\u{ad}' | '\u{200b}' | '\u{feff}' => {}
            c => out.push(c),
        }
    }
}

/// The value of an attribute, without its quotes.
fn attribute(attributes: &str, name: &str) -> Option<String> {
    let mut rest = attributes;
    while let Some(at) = rest.find('=') {
        let (before, after) = rest.split_at_checked(at)?;
        let is_it = before.trim_end().rsplit(|c: char| c.is_whitespace()).next()?.eq_ignore_ascii_case(name);
        let after = after.get(1..)?.trim_start();
        let (value, next) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => after.get(1..)?.split_once(quote)?,
            _ => {
                let end = after.find(|c: char| c.is_whitespace()).unwrap_or(after.len());
                after.split_at_checked(end)?
            }
        };
        if is_it {
            return Some(value.to_owned());
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_see() {
        for (html, text) in [
            ("<p>Hello <b>Ada</b>,</p><p>bye</p>", "Hello Ada,\n\nbye"),
            ("a<br>b<br/>c<div>d</div>e", "a\nb\nc\nd\ne"),
            ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
            ("<style>x{}</style><title>t</title>a<!-- no --><script>alert('</b>')</script>b", "ab"),
            ("x<blockquote>a<br>b<blockquote>c</blockquote></blockquote>y", "x\n> a\n> b\n>> c\n\ny"),
            ("<ul><li>one<li>two</ul>", "- one\n- two"),
            ("<a href=\"https://x.example/\">here</a>", "here (https://x.example/)"),
            ("<a href=\"https://x.example/\">x.example</a>", "x.example"),
            ("<a href='javascript:x'>here</a>", "here"),
            ("a &lt;b&gt; &amp; &eacute;&nbsp;&#8364; &x; &", "a <b> & é € &x; &"),
            ("<img src=\"cid:x\" alt=\"Logo\">", "[Logo]"),
            ("<td>a</td><td>b</td>", "a b"),
            ("<pre>a\n  b\n</pre>", "a\n  b"),
            ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
            ("<p title=\"a>b\">c", "c"),
            ("a<p broken", "a<p broken"),
            ("<p>it's <a title='x>y' href=z>ok</a></p>", "it's ok"),
            ("<!--[if mso]><p>no</p><![endif]--><![if !mso]>yes<![endif]>", "yes"),
            ("", ""),
        ] {
            assert_eq!(html_to_text(html).trim(), text, "{html}");
        }
    }

    #[test]
    fn nasty_html_is_quick() {
        let started = std::time::Instant::now();
        for nasty in [
            "<",
            "<a \"",
            "<a href=\"",
            "<!--",
            "<style>",
            "<script></",
            "&",
            "&amp",
            "<blockquote>",
            "<a href=x>",
            "<![",
            "ä<",
            "</",
        ] {
            html_to_text(&nasty.repeat(2_000_000 / nasty.len()));
        }
        assert!(started.elapsed().as_secs() < 60);
    }
}
