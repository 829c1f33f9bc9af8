//! The index of words: those of what readers see, written with what publishes it. Private.

use std::collections::BTreeMap;

use base::{Id, Result};
use db::{Tx, params, search::tokenize};

use super::model::Article;

db::statements! {
    FORGET = "delete from article_words where tenant_id = ?1 and article_id = ?2 and language = ?3";
    FILE = "insert into article_words (tenant_id, word, article_id, language, in_title, hits) values (?1, ?2, ?3, ?4, ?5, ?6)";
}

/// The words of a text, whether each stands in the title, and how often it stands in all.
pub fn words_of(title: &str, body: &str) -> BTreeMap<String, (bool, u32)> {
    let mut words: BTreeMap<String, (bool, u32)> = BTreeMap::new();
    // Marks of Markdown are no words, but the addresses of its links are, and nobody looks for them.
    let body = mail::markdown::to_text(body);
    for (text, in_title) in [(title, true), (body.as_str(), false)] {
        for token in tokenize(text) {
            let entry = words.entry(token.text).or_default();
            entry.0 |= in_title;
            entry.1 += 1;
        }
    }
    words
}

/// Nobody finds this text any more.
pub fn forget(tx: &mut Tx<'_>, id: Id<Article>, language: &str) -> Result<()> {
    tx.execute(&FORGET, params![id, language]).map(|_| ())
}

/// Readers find the text by these words from this commit on.
pub fn file(tx: &mut Tx<'_>, id: Id<Article>, language: &str, title: &str, body: &str) -> Result<()> {
    forget(tx, id, language)?;
    for (word, (in_title, hits)) in words_of(title, body) {
        tx.execute(&FILE, params![word.as_bytes(), id, language, in_title, hits])?;
    }
    Ok(())
}
