//! What readers do with an article. None of it names them: a reader is a digest, and no row is everybody's.

use std::collections::HashMap;

use base::{Id, Result};
use db::{Read, Tx, params};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::model::Article;

/// A reader as far as counting once needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderKey([u8; 32]);

impl ReaderKey {
    /// From what tells a reader apart: `user:{id}`, `cookie:{token}`.
    pub fn of(tenant: base::TenantId, what: &str) -> Self {
        Self(Sha256::digest(format!("reader:{tenant}:{what}").as_bytes()).into())
    }
}

/// How an article does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ArticleFigures")]
pub struct Figures {
    pub views: u32,
    pub helpful: u32,
    pub not_helpful: u32,
    /// How often somebody who was about to write to us was helped by it.
    pub deflections: u32,
}

db::statements! {
    SAY = "insert into article_feedback (tenant_id, article_id, reader, is_helpful, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?5)
        on conflict (tenant_id, article_id, reader) do update set is_helpful = excluded.is_helpful, updated_at = excluded.updated_at";
    SAID = "select is_helpful from article_feedback where tenant_id = ?1 and article_id = ?2 and reader = ?3";
    DEFLECT = "insert into article_deflections (tenant_id, article_id, on_day, reader, created_at) values (?1, ?2, ?3, ?4, ?5)
        on conflict (tenant_id, article_id, on_day, reader) do nothing";
    SEE = "insert into article_views (tenant_id, article_id, on_day, slot, views) values (?1, ?2, ?3, ?4, 1)
        on conflict (tenant_id, article_id, on_day, slot) do update set views = article_views.views + 1";
    FEEDBACK = "select article_id, count(*) filter (where is_helpful), count(*) filter (where not is_helpful)
        from article_feedback where tenant_id = ?1 group by article_id";
    DEFLECTIONS = "select article_id, count(*) from article_deflections where tenant_id = ?1 group by article_id";
    VIEWS = "select article_id, cast(sum(views) as bigint) from article_views where tenant_id = ?1 group by article_id";
}

/// A day's views are in so many rows of an article, so that readers do not wait for one another.
const SLOTS: u8 = 8;

fn day(tx: &Tx<'_>) -> i64 {
    tx.now().as_second().div_euclid(86_400)
}

/// What a reader said; saying it again changes it.
pub fn say(tx: &mut Tx<'_>, article: Id<Article>, reader: ReaderKey, is_helpful: bool) -> Result<()> {
    let now = tx.now();
    tx.execute(&SAY, params![article, reader.0, is_helpful, now]).map(|_| ())
}

pub fn said(read: &Read<'_>, article: Id<Article>, reader: ReaderKey) -> Result<Option<bool>> {
    read.query_one(&SAID, params![article, reader.0], |row| row.get(0))
}

/// A reader was about to write to us and found the answer here: once a day.
pub fn deflect(tx: &mut Tx<'_>, article: Id<Article>, reader: ReaderKey) -> Result<()> {
    let (day, now) = (day(tx), tx.now());
    tx.execute(&DEFLECT, params![article, day, reader.0, now]).map(|_| ())
}

/// Somebody opened it.
pub fn see(tx: &mut Tx<'_>, article: Id<Article>) -> Result<()> {
    let mut byte = [0u8];
    tx.entropy().fill(&mut byte);
    let day = day(tx);
    tx.execute(&SEE, params![article, day, byte[0] % SLOTS]).map(|_| ())
}

/// Figures of all articles that have any.
pub fn figures(read: &Read<'_>) -> Result<HashMap<Id<Article>, Figures>> {
    let mut out: HashMap<Id<Article>, Figures> = HashMap::new();
    for (id, helpful, not) in
        read.query_all(&FEEDBACK, params![], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?
    {
        let figures: &mut Figures = out.entry(id).or_default();
        (figures.helpful, figures.not_helpful) = (helpful, not);
    }
    for (id, n) in read.query_all(&DEFLECTIONS, params![], |r| Ok((r.get(0)?, r.get(1)?)))? {
        out.entry(id).or_default().deflections = n;
    }
    for (id, n) in read.query_all(&VIEWS, params![], |r| Ok((r.get(0)?, r.get(1)?)))? {
        out.entry(id).or_default().views = n;
    }
    Ok(out)
}
