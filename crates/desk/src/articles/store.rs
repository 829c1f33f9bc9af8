//! Rows of articles, their texts and versions. Private.

use base::{Id, OrNotFound, Result, Timestamp};
use db::{Read, Row, Tx, params};

use super::{categories::ArticleCategory, model::*};

macro_rules! article {
    () => {
        "a.id, a.slug, a.category_id, a.visibility, a.position, a.archived_at, a.version, a.created_by, a.created_at, a.updated_at"
    };
}
macro_rules! text {
    () => {
        "t.article_id, t.language, v.title, v.body, v.body_html, v.number, v.saved_by, v.saved_at, t.published_number, t.published_at"
    };
}
macro_rules! text_from {
    () => {
        " from article_texts t join article_versions v on v.tenant_id = t.tenant_id and v.article_id = t.article_id
        and v.language = t.language and v.number = t.draft_number"
    };
}

db::statements! {
    INSERT = "insert into articles (tenant_id, id, slug, category_id, visibility, position, version, created_by, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?8)";
    SAVE = "update articles set slug = ?3, category_id = ?4, visibility = ?5, position = ?6, archived_at = ?7, version = version + 1, updated_at = ?8
        where tenant_id = ?1 and id = ?2";
    PLACE = "update articles set position = ?3 where tenant_id = ?1 and id = ?2";
    LOCK = "select 1 from articles where tenant_id = ?1 and id = ?2 {lock}";
    CLAIM = "delete from article_addresses where tenant_id = ?1 and slug = ?2";
    REMEMBER = "insert into article_addresses (tenant_id, slug, article_id) values (?1, ?2, ?3)";
    IS_TAKEN = "select 1 from articles where tenant_id = ?1 and slug = ?2";
    LAST_PLACE = "select max(position) from articles where tenant_id = ?1 and category_id = ?2";
    BY_ID = concat!("select ", article!(), " from articles a where a.tenant_id = ?1 and a.id = ?2");
    BY_SLUG = concat!("select ", article!(), " from articles a where a.tenant_id = ?1 and a.slug = ?2");
    ALL = concat!("select ", article!(), " from articles a join article_categories c on c.tenant_id = a.tenant_id and c.id = a.category_id
        where a.tenant_id = ?1 order by c.position, c.id, a.position, a.id");
    OF_CATEGORY = "select id from articles where tenant_id = ?1 and category_id = ?2 and archived_at is null order by position, id";
    TEXTS = concat!("select ", text!(), text_from!(), " where t.tenant_id = ?1 and t.article_id = ?2 order by t.language");
    // Without their bodies, which a list does not show.
    ALL_TEXTS = concat!("select t.article_id, t.language, v.title, '', '', v.number, v.saved_by, v.saved_at, t.published_number, t.published_at",
        text_from!(), " where t.tenant_id = ?1 order by t.article_id, t.language");
    LAST_NUMBER = "select max(number) from article_versions where tenant_id = ?1 and article_id = ?2 and language = ?3";
    INSERT_VERSION = "insert into article_versions (tenant_id, article_id, language, number, title, body, body_html, restored_from, saved_by, saved_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    SEEN_FIRST = "update article_versions set published_at = ?5
        where tenant_id = ?1 and article_id = ?2 and language = ?3 and number = ?4 and published_at is null";
    SET_DRAFT = "insert into article_texts (tenant_id, article_id, language, draft_number) values (?1, ?2, ?3, ?4)
        on conflict (tenant_id, article_id, language) do update set draft_number = excluded.draft_number";
    SET_PUBLISHED = "update article_texts set published_number = ?4, published_at = ?5
        where tenant_id = ?1 and article_id = ?2 and language = ?3";
    VERSIONS = "select language, number, title, body, body_html, restored_from, saved_by, saved_at, published_at from article_versions
        where tenant_id = ?1 and article_id = ?2 and language = ?3 and number < ?4 order by number desc limit ?5";
    VERSION = "select language, number, title, body, body_html, restored_from, saved_by, saved_at, published_at from article_versions
        where tenant_id = ?1 and article_id = ?2 and language = ?3 and number = ?4";
}

fn map(row: &Row<'_>) -> Result<Article> {
    let mut c = row.columns();
    Ok(Article {
        id: c.next()?,
        slug: c.next()?,
        category_id: c.next()?,
        visibility: c.next()?,
        position: c.next()?,
        archived_at: c.next()?,
        version: c.next()?,
        created_by: c.next()?,
        created_at: c.next()?,
        updated_at: c.next()?,
        texts: Vec::new(),
    })
}

fn map_text(row: &Row<'_>) -> Result<(Id<Article>, Text)> {
    let mut c = row.columns();
    let id = c.next()?;
    let mut text = Text {
        language: c.next()?,
        state: State::Draft,
        title: c.next()?,
        body: c.next()?,
        body_html: c.next()?,
        number: c.next()?,
        saved_by: c.next()?,
        saved_at: c.next()?,
        published_number: c.next()?,
        published_at: c.next()?,
    };
    if text.published_number.is_some() {
        text.state = State::Published;
    }
    Ok((id, text))
}

fn map_version(row: &Row<'_>) -> Result<Version> {
    let mut c = row.columns();
    Ok(Version {
        language: c.next()?,
        number: c.next()?,
        title: c.next()?,
        body: c.next()?,
        body_html: c.next()?,
        restored_from: c.next()?,
        saved_by: c.next()?,
        saved_at: c.next()?,
        published_at: c.next()?,
    })
}

/// Puts its texts into an article. What is archived is published to nobody, whatever it was.
fn with_texts(mut article: Article, texts: impl IntoIterator<Item = Text>) -> Article {
    article.texts = texts.into_iter().collect();
    if article.archived_at.is_some() {
        for text in &mut article.texts {
            text.state = State::Archived;
        }
    }
    article
}

fn full(read: &Read<'_>, article: Option<Article>) -> Result<Article> {
    let article = article.or_not_found("article")?;
    let texts = read.query_all(&TEXTS, params![article.id], map_text)?;
    Ok(with_texts(article, texts.into_iter().map(|(_, t)| t)))
}

pub fn get(read: &Read<'_>, id: Id<Article>) -> Result<Article> {
    full(read, read.query_one(&BY_ID, params![id], map)?)
}

pub fn by_slug(read: &Read<'_>, slug: &str) -> Result<Article> {
    full(read, read.query_one(&BY_SLUG, params![slug], map)?)
}

/// Nobody else changes it until the commit.
pub fn lock(tx: &mut Tx<'_>, id: Id<Article>) -> Result<Article> {
    tx.query_one(&LOCK, params![id], |_| Ok(()))?.or_not_found("article")?;
    get(tx, id)
}

/// All articles in the order of the help centre, their texts without bodies.
pub fn all(read: &Read<'_>) -> Result<Vec<Article>> {
    let mut texts: std::collections::HashMap<Id<Article>, Vec<Text>> = std::collections::HashMap::new();
    for (id, text) in read.query_all(&ALL_TEXTS, params![], map_text)? {
        texts.entry(id).or_default().push(text);
    }
    let articles = read.query_all(&ALL, params![], map)?;
    Ok(articles
        .into_iter()
        .map(|a| (texts.remove(&a.id).unwrap_or_default(), a))
        .map(|(t, a)| with_texts(a, t))
        .collect())
}

pub fn is_taken(read: &Read<'_>, slug: &str) -> Result<bool> {
    Ok(read.query_one(&IS_TAKEN, params![slug], |_| Ok(()))?.is_some())
}

/// An address becomes an article's: nothing else is found at it any more.
pub fn claim(tx: &mut Tx<'_>, slug: &str) -> Result<()> {
    tx.execute(&CLAIM, params![slug]).map(|_| ())
}

/// The article leaves an address that others may have written down.
pub fn leave(tx: &mut Tx<'_>, id: Id<Article>, slug: &str) -> Result<()> {
    tx.execute(&REMEMBER, params![slug, id]).map(|_| ())
}

pub fn last_place(read: &Read<'_>, category: Id<ArticleCategory>) -> Result<i64> {
    let last: Option<Option<i64>> = read.query_one(&LAST_PLACE, params![category], |row| row.get(0))?;
    Ok(last.flatten().unwrap_or(0))
}

pub fn of_category(read: &Read<'_>, category: Id<ArticleCategory>) -> Result<Vec<Id<Article>>> {
    read.query_all(&OF_CATEGORY, params![category], |row| row.get(0))
}

pub fn insert(tx: &mut Tx<'_>, a: &Article) -> Result<()> {
    let values = params![a.id, a.slug, a.category_id, a.visibility, a.position, a.created_by, a.created_at];
    tx.execute(&INSERT, values).map(|_| ())
}

/// Writes the article's own columns and raises its version.
pub fn save(tx: &mut Tx<'_>, a: &Article) -> Result<()> {
    let now = tx.now();
    let values = params![a.id, a.slug, a.category_id, a.visibility, a.position, a.archived_at, now];
    tx.execute(&SAVE, values).map(|_| ())
}

pub fn place(tx: &mut Tx<'_>, id: Id<Article>, position: i64) -> Result<()> {
    tx.execute(&PLACE, params![id, position]).map(|_| ())
}

/// Adds a version, which is the draft then. Answers its number.
pub fn add_version(tx: &mut Tx<'_>, id: Id<Article>, w: &Writing, restored_from: Option<i64>) -> Result<i64> {
    let last: Option<Option<i64>> = tx.query_one(&LAST_NUMBER, params![id, w.language], |row| row.get(0))?;
    let number = last.flatten().unwrap_or(0) + 1;
    let (by, now) = (tx.actor().name.clone(), tx.now());
    let values = params![id, w.language, number, w.title, w.body, w.body_html, restored_from, by, now];
    tx.execute(&INSERT_VERSION, values)?;
    tx.execute(&SET_DRAFT, params![id, w.language, number])?;
    Ok(number)
}

pub fn set_published(tx: &mut Tx<'_>, id: Id<Article>, language: &str, number: Option<i64>) -> Result<()> {
    let now = tx.now();
    let at: Option<Timestamp> = number.map(|_| now);
    tx.execute(&SET_PUBLISHED, params![id, language, number, at])?;
    if let Some(number) = number {
        tx.execute(&SEEN_FIRST, params![id, language, number, now])?;
    }
    Ok(())
}

/// Versions of a text before a number, newest first.
pub fn versions(
    read: &Read<'_>,
    id: Id<Article>,
    language: &str,
    before: i64,
    limit: u32,
) -> Result<Vec<Version>> {
    read.query_all(&VERSIONS, params![id, language, before, limit], map_version)
}

pub fn version(read: &Read<'_>, id: Id<Article>, language: &str, number: i64) -> Result<Version> {
    read.query_one(&VERSION, params![id, language, number], map_version)?.or_not_found("version")
}
