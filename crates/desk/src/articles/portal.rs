//! What readers are shown. Every statement here selects from the `portal_…` views, which hold nothing that is not
//! published; a test holds this file to that.

use std::collections::HashMap;

use base::{Id, OrNotFound, Result, Timestamp};
use db::{Read, Row, Sql, params};
use serde::Serialize;

use super::{
    categories::ArticleCategory,
    model::{Article, Visibility},
};

/// What a reader may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Strangers: what is public.
    Public,
    /// Whoever is signed in, and keys: what is for them too.
    Member,
}

/// Who reads: how far they reach, and which languages they read, best first; the tenant's is the last of them.
#[derive(Clone, Debug)]
pub struct Reader {
    pub reach: Reach,
    pub languages: Vec<String>,
}

/// An article's title and place, in the language a reader is shown it in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heading {
    pub id: Id<Article>,
    pub slug: String,
    pub category_id: Id<ArticleCategory>,
    pub category_slug: String,
    pub category_name: String,
    pub category_position: i64,
    pub visibility: Visibility,
    pub position: i64,
    pub language: String,
    pub number: i64,
    pub title: String,
    pub published_at: Timestamp,
}

/// A whole article in the language a reader is shown it in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page {
    #[serde(flatten)]
    pub heading: Heading,
    /// Markdown.
    pub body: String,
    pub body_html: String,
    /// All languages it can be read in.
    pub languages: Vec<String>,
}

macro_rules! heading {
    () => {
        "select id, slug, category_id, category_slug, category_name, category_position, visibility, position, language, number, title, published_at"
    };
}

db::statements! {
    PUBLIC = concat!(heading!(), " from portal_articles where tenant_id = ?1 order by category_position, category_id, position, id, language");
    MEMBER = concat!(heading!(), " from portal_member_articles where tenant_id = ?1 order by category_position, category_id, position, id, language");
    PUBLIC_BY_SLUG = concat!(heading!(), ", body, body_html from portal_articles where tenant_id = ?1 and slug = ?2 order by language");
    MEMBER_BY_SLUG = concat!(heading!(), ", body, body_html from portal_member_articles where tenant_id = ?1 and slug = ?2 order by language");
    // Where an address leads now; whether the reader may read what is there is asked of the views above.
    MOVED = "select leads_to from portal_article_addresses where tenant_id = ?1 and slug = ?2";
    PUBLIC_BODY = "select body from portal_articles where tenant_id = ?1 and slug = ?2 and language = ?3";
    MEMBER_BODY = "select body from portal_member_articles where tenant_id = ?1 and slug = ?2 and language = ?3";
}

impl Reach {
    pub(super) fn of<'s>(self, public: &'s Sql, member: &'s Sql) -> &'s Sql {
        match self {
            Self::Public => public,
            Self::Member => member,
        }
    }
}

fn map(row: &Row<'_>) -> Result<Heading> {
    let mut c = row.columns();
    Ok(Heading {
        id: c.next()?,
        slug: c.next()?,
        category_id: c.next()?,
        category_slug: c.next()?,
        category_name: c.next()?,
        category_position: c.next()?,
        visibility: c.next()?,
        position: c.next()?,
        language: c.next()?,
        number: c.next()?,
        title: c.next()?,
        published_at: c.next()?,
    })
}

impl Reader {
    /// How far down a language is in what they read; beyond the list all are alike.
    fn rank(&self, language: &str) -> usize {
        self.languages.iter().position(|l| l == language).unwrap_or(self.languages.len())
    }
    /// Whether they asked for this language above all.
    pub fn reads_first(&self, language: &str) -> bool {
        self.rank(language) == 0
    }
}

/// Every article the reader can read, once, in the language they are shown it in, in the order of the help centre.
pub fn all(read: &Read<'_>, reader: &Reader) -> Result<Vec<Heading>> {
    let rows = read.query_all(reader.reach.of(&PUBLIC, &MEMBER), params![], map)?;
    let mut at: HashMap<Id<Article>, usize> = HashMap::with_capacity(rows.len());
    let mut out: Vec<Heading> = Vec::with_capacity(rows.len());
    for row in rows {
        match at.get(&row.id) {
            // Of equal ranks the first stays: rows come by language.
            Some(known) if reader.rank(&row.language) < reader.rank(&out[*known].language) => {
                out[*known] = row
            }
            Some(_) => {}
            None => {
                at.insert(row.id, out.len());
                out.push(row);
            }
        }
    }
    Ok(out)
}

/// An article at its address, or at one it had: its own is in the answer. What the reader may not read is not there.
pub fn page(read: &Read<'_>, reader: &Reader, slug: &str) -> Result<Page> {
    match at(read, reader, slug)? {
        Some(page) => Ok(page),
        None => {
            let moved: Option<String> = read.query_one(&MOVED, params![slug], |row| row.get(0))?;
            let page = moved.map(|slug| at(read, reader, &slug)).transpose()?;
            page.flatten().or_not_found("article")
        }
    }
}

fn at(read: &Read<'_>, reader: &Reader, slug: &str) -> Result<Option<Page>> {
    let statement = reader.reach.of(&PUBLIC_BY_SLUG, &MEMBER_BY_SLUG);
    let mut rows = read.query_all(statement, params![slug], |row| {
        Ok(Page { heading: map(row)?, body: row.get(12)?, body_html: row.get(13)?, languages: Vec::new() })
    })?;
    let languages: Vec<String> = rows.iter().map(|p| p.heading.language.clone()).collect();
    rows.sort_by_key(|p| reader.rank(&p.heading.language));
    Ok(rows.into_iter().next().map(|page| Page { languages, ..page }))
}

/// The Markdown of a text, for a snippet of it.
pub fn body(read: &Read<'_>, reader: &Reader, heading: &Heading) -> Result<String> {
    let statement = reader.reach.of(&PUBLIC_BODY, &MEMBER_BODY);
    let found = read.query_one(statement, params![heading.slug, heading.language], |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}
