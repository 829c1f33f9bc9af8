//! Finding articles by words, and suggesting some for what a customer is typing. Its statements select from the
//! `portal_…` views; a test holds this file to that. Why a table of words of its own: ADR-0013.
//!
//! A word is looked for as it is and as a beginning; rows come from an index of bytes, and everything else is arithmetic on
//! whole numbers here, so that both engines answer the same articles in the same order.

use std::collections::{BTreeMap, HashMap, HashSet};

use base::{Id, Result};
use db::{
    Read, params,
    search::{Term, Wanted, tokenize},
};

use super::{
    model::Article,
    portal::{self, Heading, Reader},
};
use crate::tickets::search::{Marked, marks, snippet};

db::statements! {
    // No byte of UTF-8 is 0xff: what begins with a word is below it.
    PUBLIC = "select word, article_id, language, in_title, hits from portal_article_words where tenant_id = ?1 and word >= ?2 and word < ?3";
    MEMBER = "select word, article_id, language, in_title, hits from portal_member_article_words where tenant_id = ?1 and word >= ?2 and word < ?3";
}

/// More words than these are not looked for.
const WORDS_MAX: usize = 24;
/// A word in the title counts as much as many in the text.
const IN_TITLE: u32 = 100;
const EXACT: u32 = 20;
const HITS_MAX: u32 = 10;

/// An article that was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub heading: Heading,
    pub title: Marked,
    /// A piece of the text around what was looked for; its beginning when that stands in the title alone.
    pub snippet: Marked,
}

/// What a search answers.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// All of them, best first.
    pub headings: Vec<Heading>,
    /// No article holds all of the words: these hold some.
    pub is_partial: bool,
    /// For marking where the words stand.
    pub wanted: Wanted,
}

/// The words of a line, each once, in order. The last one may be the beginning of a word.
fn asked(line: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for token in tokenize(line) {
        // The last character of a run of Han, Kana or Hangul is in the pair before it.
        if !token.is_tail && !out.contains(&token.text) {
            out.push(token.text);
        }
    }
    out.truncate(WORDS_MAX);
    out
}

/// How much each text has of a word or of what begins with it: points by article, of the language it is shown in.
fn points(
    read: &Read<'_>,
    reader: &Reader,
    shown: &HashMap<Id<Article>, &Heading>,
    word: &str,
    is_prefix: bool,
) -> Result<BTreeMap<Id<Article>, u32>> {
    let from = word.as_bytes();
    let to: Vec<u8> = from.iter().copied().chain([if is_prefix { 0xff } else { 0x00 }]).collect();
    let mut out = BTreeMap::new();
    read.for_each(reader.reach.of(&PUBLIC, &MEMBER), params![from, to], |row| {
        let (article, language): (Id<Article>, &str) = (row.get(1)?, row.text(2)?);
        if shown.get(&article).is_none_or(|h| h.language != language) {
            return Ok(true);
        }
        let (found, in_title, hits): (Vec<u8>, bool, u32) = (row.get(0)?, row.get(3)?, row.get(4)?);
        let exact = if found == from { EXACT } else { 0 };
        let points = hits.min(HITS_MAX) + exact + if in_title { IN_TITLE } else { 0 };
        let best = out.entry(article).or_insert(0);
        *best = points.max(*best);
        Ok(true)
    })?;
    Ok(out)
}

/// Articles with all the words of a line, the last of which may be a beginning; where there are none, those with some.
pub fn search(read: &Read<'_>, reader: &Reader, line: &str) -> Result<Results> {
    let words = asked(line);
    let Some(last) = words.len().checked_sub(1) else { return Ok(Results::default()) };
    let all = portal::all(read, reader)?;
    let shown: HashMap<Id<Article>, &Heading> = all.iter().map(|h| (h.id, h)).collect();
    // Words found, and their points.
    let mut scores: HashMap<Id<Article>, (usize, u32)> = HashMap::new();
    for (i, word) in words.iter().enumerate() {
        for (article, points) in points(read, reader, &shown, word, i == last || begins_a_pair(word))? {
            let score = scores.entry(article).or_default();
            *score = (score.0 + 1, score.1 + points);
        }
    }
    let is_partial = !scores.values().any(|(n, _)| *n == words.len());
    let mut headings: Vec<Heading> = all
        .iter()
        .filter(|h| scores.get(&h.id).is_some_and(|(n, _)| is_partial || *n == words.len()))
        .cloned()
        .collect();
    // Stable: equals stay in the order of the help centre.
    headings.sort_by_key(|h| std::cmp::Reverse(scores.get(&h.id).copied().unwrap_or_default()));
    let is_partial = is_partial && !headings.is_empty();
    Ok(Results { headings, is_partial, wanted: wanted(&words) })
}

/// Two letters are mostly glue (`is`, `it`, `zu`); not so pairs of Han and their like, or what has a digit (`5g`).
fn says_something(word: &str) -> bool {
    word.chars().count() >= 3 || word.chars().any(|c| c as u32 >= 0x3005 || c.is_ascii_digit())
}

/// One such character alone begins a pair.
fn begins_a_pair(word: &str) -> bool {
    word.chars().count() == 1 && word.chars().all(|c| c as u32 >= 0x3005)
}

fn wanted(words: &[String]) -> Wanted {
    let last = words.len().saturating_sub(1);
    let terms = words.iter().enumerate().flat_map(|(i, w)| Term::of(w, i == last || begins_a_pair(w)));
    Wanted { all: terms.collect(), none: Vec::new() }
}

/// Some of what was found, with where the words stand.
pub fn marked(
    read: &Read<'_>,
    reader: &Reader,
    results: &Results,
    headings: &[Heading],
) -> Result<Vec<Found>> {
    headings
        .iter()
        .map(|heading| {
            let body = mail::markdown::to_text(&portal::body(read, reader, heading)?);
            Ok(Found {
                title: marks(&heading.title, &results.wanted),
                snippet: snippet([body.as_str()], &results.wanted).unwrap_or_else(|| beginning(&body)),
                heading: heading.clone(),
            })
        })
        .collect()
}

const BEGINNING_CHARS: usize = 150;

/// The beginning of a text, on one line.
fn beginning(text: &str) -> Marked {
    let mut out: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = out.char_indices().nth(BEGINNING_CHARS) {
        let at = out[..at].rfind(' ').unwrap_or(at);
        out.truncate(at);
        out.push_str(" …");
    }
    vec![crate::tickets::search::Mark { text: out, is_hit: false }]
}

/// Articles that may answer what a customer is typing, best first. Words that many articles hold say little, and one
/// weak word in common is no answer: nothing is suggested rather than anything.
pub fn suggest(read: &Read<'_>, reader: &Reader, typed: &str, most: usize) -> Result<Vec<Found>> {
    let words = asked(typed);
    let all = portal::all(read, reader)?;
    let shown: HashMap<Id<Article>, &Heading> = all.iter().map(|h| (h.id, h)).collect();
    let mut scores: HashMap<Id<Article>, u64> = HashMap::new();
    // Hit by a word that says something by itself.
    let mut is_meant: HashSet<Id<Article>> = HashSet::new();
    for word in words.iter().filter(|w| w.chars().count() >= 2) {
        // Whoever types has not finished the word perhaps; short beginnings mean nothing yet.
        let is_prefix = word.chars().count() >= 4;
        let found = points(read, reader, &shown, word, is_prefix)?;
        // In whole numbers, so that no engine or machine counts otherwise.
        let rarity = (all.len() * 8 / (found.len() + 1)) as u64;
        let is_common = found.len() * 4 > all.len() && all.len() >= 8;
        for (article, points) in found.into_iter().filter(|_| !is_common) {
            if says_something(word) {
                is_meant.insert(article);
            }
            *scores.entry(article).or_default() += u64::from(points) * rarity.clamp(1, 64);
        }
    }
    let best = scores.values().copied().max().unwrap_or(0);
    let is_worth = |score: u64| score * 4 >= best && score >= u64::from(HITS_MAX);
    let mut headings: Vec<Heading> = all
        .iter()
        .filter(|h| is_meant.contains(&h.id) && scores.get(&h.id).is_some_and(|s| is_worth(*s)))
        .cloned()
        .collect();
    headings.sort_by_key(|h| std::cmp::Reverse(scores.get(&h.id).copied().unwrap_or(0)));
    headings.truncate(most);
    let results = Results { headings: Vec::new(), is_partial: false, wanted: wanted(&words) };
    marked(read, reader, &results, &headings)
}
