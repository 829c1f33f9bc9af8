//! A ticket's words as they are filed: in three columns, cut into segments where they are many.
//!
//! Both engines are given the same segments. The limits come from PostgreSQL, where a word keeps at most 256 places in
//! a row of at most 1 MiB; the segments make that never cut anything off.

use std::{collections::HashMap, fmt::Write as _};

use super::tokenize::tokenize;

/// Words of one column in one segment.
const SEGMENT_WORDS: usize = 3000;
/// The same word in one column of one segment. Three columns stay below PostgreSQL's 256 places.
const SAME_WORD: u16 = 100;
const HEAD_SAME_WORD: u16 = 50;
const HEAD_WORDS: usize = 1000;
/// Words that a long text's next segment begins with again, so that a phrase across the cut is found.
pub(super) const OVERLAP: usize = 16;
/// Nobody reads further; a ticket of more segments is found by what is in these.
pub(super) const SEGMENTS_MAX: usize = 1000;

/// What a ticket is found by.
#[derive(Clone, Debug, Default)]
pub struct Document {
    head: Words,
    said: Words,
    noted: Words,
    is_unlisted: bool,
}

/// Stands in every row, also of tickets that are found only when they are asked about.
pub(super) const ROW_WORD: &str = "~row";

/// Stands in the rows of tickets that have several, so that what stands in different rows of one is looked for among them
/// alone.
pub(super) const LONG_WORD: &str = "~long";

/// Words in their order; `None` parts texts, so that no phrase reaches from one into the next.
#[derive(Clone, Debug, Default)]
struct Words(Vec<Option<String>>);

impl Words {
    fn part(&mut self) {
        if !self.0.is_empty() {
            self.0.push(None);
        }
    }
    fn text(&mut self, text: &str) {
        self.part();
        self.0.extend(tokenize(text).into_iter().map(|t| Some(t.text)));
    }
    fn number(&mut self, number: &str) {
        self.text(number);
        if let Some((_, digits)) = number.rsplit_once('-')
            && !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
        {
            self.text(digits);
            let bare = digits.trim_start_matches('0');
            if bare != digits && !bare.is_empty() {
                self.text(bare);
            }
        }
    }
}

impl Document {
    /// A text that a customer may know and that names the ticket: subject, address.
    pub fn head(&mut self, text: &str) {
        self.head.text(text);
    }

    /// The ticket's number: whole, and its digits with and without zeros in front, as people type them.
    pub fn number(&mut self, number: &str) {
        self.head.number(number);
    }

    /// Another ticket's number, by which staff find this one.
    pub fn noted_number(&mut self, number: &str) {
        self.noted.number(number);
    }

    /// The ticket is found only among tickets that are named: for one that shows in another's place.
    pub fn unlisted(&mut self) {
        self.is_unlisted = true;
    }

    /// A text that the customer can read.
    pub fn said(&mut self, text: &str) {
        self.said.text(text);
    }

    /// A text for staff alone.
    pub fn noted(&mut self, text: &str) {
        self.noted.text(text);
    }

    /// Whether all of it goes into one row.
    pub fn is_one_segment(&self) -> bool {
        [&self.said, &self.noted].into_iter().all(|words| cut(words.0.clone()).len() <= 1)
    }

    /// The rows to file. What the customer can read is cut without regard to what they cannot.
    pub fn segments(self) -> Vec<Segment> {
        let is_unlisted = self.is_unlisted;
        let head = bounded(self.head.0);
        let (said, noted) = (cut(self.said.0), cut(self.noted.0));
        let count = said.len().max(noted.len()).clamp(1, SEGMENTS_MAX);
        let (mut said, mut noted) = (said.into_iter(), noted.into_iter());
        (0..count)
            .map(|_| Segment {
                head: head.clone(),
                said: said.next().unwrap_or_default(),
                noted: noted.next().unwrap_or_default(),
                is_unlisted,
            })
            .collect()
    }
}

/// The head stands in every segment, so it must be short.
fn bounded(mut words: Vec<Option<String>>) -> Vec<Option<String>> {
    words.truncate(HEAD_WORDS);
    if words.len() > usize::from(HEAD_SAME_WORD) {
        let mut seen: HashMap<String, u16> = HashMap::new();
        for word in &mut words {
            let Some(text) = word else { continue };
            let count = seen.entry(text.clone()).or_default();
            *count += 1;
            if *count > HEAD_SAME_WORD {
                *word = None;
            }
        }
    }
    words
}

fn cut(words: Vec<Option<String>>) -> Vec<Vec<Option<String>>> {
    if words.is_empty() {
        return Vec::new();
    }
    if words.len() <= usize::from(SAME_WORD) {
        return vec![words];
    }
    let (mut out, mut start, mut i) = (Vec::new(), 0, 0);
    let mut seen: HashMap<&str, u16> = HashMap::new();
    while i < words.len() {
        let full = words[i].as_deref().is_some_and(|w| {
            let count = seen.entry(w).or_default();
            *count += 1;
            *count > SAME_WORD
        });
        if full || i - start >= SEGMENT_WORDS {
            out.push(words[start..i].to_vec());
            // Back to the beginning of the text, but no further than a phrase is long.
            let back = words[start..i].iter().rev().take(OVERLAP).take_while(|w| w.is_some()).count();
            start = i - back;
            i = start;
            seen.clear();
            continue;
        }
        i += 1;
    }
    out.push(words[start..].to_vec());
    out
}

/// One row of the index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    pub(super) head: Vec<Option<String>>,
    pub(super) said: Vec<Option<String>>,
    pub(super) noted: Vec<Option<String>>,
    is_unlisted: bool,
}

impl Segment {
    /// Head, said and noted as texts for SQLite. `~` parts texts and is no word.
    pub(super) fn columns(&self, tenant: &str, is_of_several: bool) -> [String; 3] {
        let line = |words: &[Option<String>], begin: &str| {
            let mut out = String::with_capacity(words.len() * 7 + begin.len());
            out.push_str(begin);
            for word in words {
                if !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(word.as_deref().unwrap_or("~"));
            }
            out
        };
        let mut begin = if self.is_unlisted { String::new() } else { format!("{tenant} ") };
        write!(begin, "{ROW_WORD} {}~", if is_of_several { format!("{LONG_WORD} ") } else { String::new() })
            .ok();
        [line(&self.head, &begin), line(&self.said, ""), line(&self.noted, "")]
    }

    /// The same for PostgreSQL: every word with its places, weighed `A`, `B` or `C` by its column.
    pub(super) fn vector(&self, tenant: &str, is_of_several: bool) -> String {
        let mut places: HashMap<&str, String> = HashMap::new();
        let mut at = 1;
        for (words, weight) in [(&self.head, 'A'), (&self.said, 'B'), (&self.noted, 'C')] {
            for word in words {
                if let Some(word) = word {
                    let list = places.entry(word).or_default();
                    write!(list, "{}{at}{weight}", if list.is_empty() { "" } else { "," }).ok();
                }
                at += 1;
            }
            at += 1;
        }
        let mut out = format!("'{ROW_WORD}'");
        if !self.is_unlisted {
            write!(out, " '{tenant}'").ok();
        }
        if is_of_several {
            write!(out, " '{LONG_WORD}'").ok();
        }
        for (word, list) in places {
            write!(out, " '{word}':{list}").ok();
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(count: usize) -> String {
        (0..count).map(|n| format!("w{n} ")).collect()
    }

    #[test]
    fn a_short_ticket_is_one_row() {
        let mut d = Document::default();
        d.number("SUP-00042");
        d.head("Kein Netz");
        d.said("seit gestern");
        d.noted("kennen wir");
        let segments = d.segments();
        assert_eq!(segments.len(), 1);
        assert_eq!(
            segments[0].columns("~t", false),
            ["~t ~row ~ sup-00042 ~ 00042 ~ 42 ~ kein netz", "seit gestern", "kennen wir"]
        );
        let vector = segments[0].vector("~t", false);
        for part in ["'~t'", "'kein':7A", "'seit':10B", "'gestern':11B", "'kennen':13C"] {
            assert!(vector.contains(part), "{part} in {vector}");
        }
    }

    #[test]
    fn a_long_text_is_cut_with_an_overlap_and_parted_texts_are_not() {
        let mut d = Document::default();
        d.said(&long(SEGMENT_WORDS + 10));
        let segments = d.segments();
        assert_eq!(segments.len(), 2);
        assert_eq!(segments[0].said.len(), SEGMENT_WORDS);
        assert_eq!(segments[1].said[0], segments[0].said[SEGMENT_WORDS - OVERLAP]);
        let mut d = Document::default();
        d.said(&long(SEGMENT_WORDS - 1));
        d.said("begins here");
        let segments = d.segments();
        assert_eq!(segments[1].said, [Some("begins".to_owned()), Some("here".to_owned())]);
    }

    #[test]
    fn no_word_has_more_places_than_postgresql_keeps() {
        let mut d = Document::default();
        let same = "la ".repeat(5000);
        d.head(&same);
        d.said(&same);
        d.noted(&same);
        for s in d.segments() {
            let all = s.head.iter().chain(&s.said).chain(&s.noted);
            assert!(all.filter(|w| w.is_some()).count() <= 255);
            assert!(s.vector("~t", false).len() < 1024 * 1024);
        }
    }

    #[test]
    fn notes_do_not_move_what_was_said() {
        let mut with = Document::default();
        let mut without = Document::default();
        for d in [&mut with, &mut without] {
            d.head("x");
            d.said(&long(7000));
        }
        with.noted(&long(20_000));
        let (with, without) = (with.segments(), without.segments());
        assert!(with.len() > without.len());
        assert!(without.iter().zip(&with).all(|(a, b)| a.said == b.said && a.head == b.head));
        assert!(with[without.len()..].iter().all(|s| s.said.is_empty()));
    }
}
