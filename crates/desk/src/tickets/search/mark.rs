//! Where the words stand: texts in pieces, some of which are hits. Escaping is left to whoever shows them.

use db::search::{Wanted, tokenize};
use serde::Serialize;

/// About how many characters a snippet has, and how many of them before the first hit.
const SNIPPET_CHARS: usize = 180;
const BEFORE_CHARS: usize = 50;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Mark {
    pub text: String,
    /// It is what was looked for.
    pub is_hit: bool,
}
pub type Marked = Vec<Mark>;

/// What of a thread is looked through for a snippet, at most, in bytes: a page of long threads must not hold up everybody's
/// reading. A hit that stands further back has none.
const WORDS_MAX: usize = 128 * 1024;

/// The words of a thread, as many as a snippet is looked for in.
#[derive(Default)]
pub struct Words {
    bodies: Vec<String>,
    bytes: usize,
}

impl Words {
    /// Takes a message; false when there is no room for another.
    pub fn take(&mut self, mut body: String) -> bool {
        body.truncate(body.floor_char_boundary(WORDS_MAX - self.bytes));
        self.bytes += body.len();
        self.bodies.push(body);
        self.bytes + 4 < WORDS_MAX
    }
    pub fn bodies(&self) -> impl Iterator<Item = &str> {
        self.bodies.iter().map(String::as_str)
    }
}

/// Where hits begin and end, in bytes.
type Places = Vec<(usize, usize)>;

/// The hits in a text, and how many different terms are among them.
fn places(text: &str, wanted: &Wanted) -> (Places, usize) {
    let tokens = tokenize(text);
    let words: Vec<&str> = tokens.iter().map(|t| t.text.as_str()).collect();
    let (mut places, mut terms) = (Vec::new(), 0);
    for term in &wanted.all {
        let count = places.len();
        for at in 0..tokens.len() {
            if term.begins(&words[at..]) {
                places.push((tokens[at].start, tokens[at + term.words().len() - 1].end));
            }
        }
        terms += usize::from(places.len() > count);
    }
    places.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(places.len());
    for (start, end) in places {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    (merged, terms)
}

fn pieces(text: &str, from: usize, to: usize, places: &[(usize, usize)]) -> Marked {
    let (mut out, mut at) = (Marked::new(), from);
    let mut piece = |start: usize, end: usize, is_hit: bool| {
        if start < end {
            out.push(Mark { text: text[start..end].to_owned(), is_hit });
        }
    };
    for (start, end) in places.iter().filter(|(start, end)| *end <= to && *start >= from) {
        piece(at, *start, false);
        piece(*start, *end, true);
        at = *end;
    }
    piece(at, to, false);
    out
}

/// A whole text with its hits.
pub fn marks(text: &str, wanted: &Wanted) -> Marked {
    pieces(text, 0, text.len(), &places(text, wanted).0)
}

/// The piece of the best of several texts: the one with most of what was looked for, the first of equals. None when
/// nothing of it is in any.
pub fn snippet<'t>(texts: impl IntoIterator<Item = &'t str>, wanted: &Wanted) -> Option<Marked> {
    let mut best: Option<(usize, &str, Places)> = None;
    for text in texts {
        let (places, terms) = places(text, wanted);
        if terms > best.as_ref().map_or(0, |b| b.0) {
            let is_all = terms == wanted.all.len();
            best = Some((terms, text, places));
            if is_all {
                break;
            }
        }
    }
    let (_, text, places) = best?;
    let first = places.first()?;
    let from = text[..first.0]
        .char_indices()
        .rev()
        .nth(BEFORE_CHARS - 1)
        .map_or(0, |(at, _)| word_start(text, at, first.0));
    let to = text[first.0..]
        .char_indices()
        .nth(SNIPPET_CHARS - BEFORE_CHARS)
        .map_or(text.len(), |(at, _)| first.0 + at);
    let to = to.max(first.1);
    // A hit that reaches over the end is taken whole.
    let to = places.iter().find(|(start, end)| *start < to && *end > to).map_or(to, |(_, end)| *end);
    let to = word_end(text, to, first.1);
    let to = places.iter().find(|(start, end)| *start < to && *end > to).map_or(to, |(_, end)| *end);
    let mut out = pieces(text, from, to, &places);
    for mark in &mut out {
        mark.text = one_line(&mark.text);
    }
    if from > 0
        && let Some(mark) = out.first_mut()
    {
        if mark.is_hit {
            out.insert(0, Mark { text: "… ".into(), is_hit: false });
        } else {
            mark.text.insert_str(0, "… ");
        }
    }
    if to < text.len() {
        out.push(Mark { text: " …".into(), is_hit: false });
    }
    Some(out)
}

/// The beginning of the next word after a place, but not beyond the limit.
fn word_start(text: &str, at: usize, limit: usize) -> usize {
    text[at..limit].find(char::is_whitespace).map_or(at, |n| at + n + 1).min(limit).max(at)
}

/// The end of the last whole word before a place, but not before the limit. A text without spaces is cut where it is.
fn word_end(text: &str, at: usize, limit: usize) -> usize {
    if text[at..].starts_with(char::is_whitespace) || at == text.len() {
        return at;
    }
    text[limit..at].rfind(char::is_whitespace).map_or(at, |n| limit + n)
}

/// Line breaks and runs of spaces become one space; those at the ends stay one. Signs that only make text bold or a
/// piece of code are left out.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.replace("**", "").replace('`', "").chars() {
        let is_space = c.is_whitespace() || c.is_control();
        if !is_space {
            out.push(c);
        } else if !space {
            out.push(' ');
        }
        space = is_space;
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::language::{Key, Query};
    use super::*;

    fn wanted(line: &str) -> Wanted {
        Query::parse(line, Key::ALL).unwrap().wanted
    }
    fn shown(marked: &Marked) -> String {
        marked.iter().map(|m| if m.is_hit { format!("[{}]", m.text) } else { m.text.clone() }).collect()
    }

    #[test]
    fn no_more_words_are_looked_through_than_there_is_room_for() {
        let mut words = Words::default();
        assert!(words.take("ä".repeat(30_000)));
        assert!(!words.take("€".repeat(100_000)));
        assert!(!words.take("nothing of it".into()));
        let taken: usize = words.bodies().map(str::len).sum();
        assert!((WORDS_MAX - 4..=WORDS_MAX).contains(&taken), "{taken}");
    }

    #[test]
    fn hits_are_marked_as_they_were_written() {
        for (text, line, expected) in [
            ("Crème brûlée, crème!", "creme", "[Crème] brûlée, [crème]!"),
            ("Internet interrupted", "inter*", "[Internet] [interrupted]"),
            ("the red light is red", "\"red light\"", "the [red light] is red"),
            ("日本語のルーター", "本語", "日[本語]のルーター"),
            ("<b>bold</b> & co", "bold", "<b>[bold]</b> & co"),
            ("nothing here", "else", "nothing here"),
            ("see SUP-00042", "sup-00042", "see [SUP-00042]"),
        ] {
            assert_eq!(shown(&marks(text, &wanted(line))), expected);
        }
    }

    #[test]
    fn the_best_text_gives_the_snippet() {
        let w = wanted("router light");
        let shown = |texts: &[&str]| snippet(texts.iter().copied(), &w).map(|m| shown(&m));
        assert_eq!(shown(&["a router", "router and light", "light"]).unwrap(), "[router] and [light]");
        assert_eq!(shown(&["nothing"]), None);
        assert_eq!(shown(&["the **router's** `light`"]).unwrap(), "the [router]'s [light]");
        let long = format!("{}\n\n  router  {}", "früh ".repeat(100), "spät ".repeat(100));
        let text = shown(&[&long]).unwrap();
        assert!(
            text.starts_with("… früh") && text.contains("früh [router] spät") && text.ends_with(" …"),
            "{text}"
        );
        assert!(text.chars().count() < 220, "{text}");
        for spread in 0..6 {
            // Wherever the end falls, it falls between words.
            let text =
                shown(&[&format!("router {}{}", "x".repeat(spread), " light-blue".repeat(60))]).unwrap();
            let last = text.strip_suffix(" …").unwrap().rsplit(' ').next().unwrap();
            assert_eq!(last.replace(['[', ']'], ""), "light-blue", "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_make_the_text_again(text in "[a-cé日本 <\"&]{0,60}", line in "[a-cé日本]{1,4}\\*?") {
            let Ok(q) = Query::parse(&line, Key::ALL) else { return Ok(()) };
            let marked = marks(&text, &q.wanted);
            prop_assert_eq!(marked.iter().map(|m| m.text.as_str()).collect::<String>(), text.clone());
            snippet([text.as_str()], &q.wanted);
        }
    }
}
