//! Asking the index.

use std::collections::{HashMap, HashSet};

use base::Result;
use uuid::Uuid;

use super::{
    RANKED_MAX,
    document::ROW_WORD,
    index::of_several_rows,
    tenant_word,
    wanted::{Audience, Term, Wanted, Where},
};
use crate::{EngineKind, Read, Row, Sql, Value, dialect, params};

crate::statements! {
    installation SEARCH_SQLITE_COUNT = "select count(*) from (select rowid from search_words where search_words match ?1 limit ?2) as counted";
    installation SEARCH_SQLITE_ROWS = "select rowid from search_words where search_words match ?1 limit ?2";
    SEARCH_SQLITE_ALL = "select e.no, e.ticket_id, e.segments from search_words cross join search_entries e
        on e.tenant_id = ?1 and e.no = search_words.rowid where search_words match ?2 limit ?3";
    SEARCH_SQLITE_NEWEST = "select e.no, e.ticket_id, e.segments from search_words cross join search_entries e
        on e.tenant_id = ?1 and e.no = search_words.rowid where search_words match ?2 and search_words.rowid < ?3
        order by search_words.rowid desc limit ?4";
    installation SEARCH_SQLITE_ROW = "select 1 from search_words where search_words match ?1 and rowid = ?2";
    installation SEARCH_SQLITE_STRETCH = "select rowid from search_words where search_words match ?1 and rowid between ?2 and ?3";
    SEARCH_SQLITE_BETWEEN = "select count(*) from (select 1 from search_entries where tenant_id = ?1 and no between ?2 and ?3 limit ?4) as counted";
    installation SEARCH_POSTGRES_ALL = "select no, ticket_id, segments, heads
        from counterfoil_search(cast(cast(?1 as text) as tsquery), cast(cast(?2 as text) as tsquery), ?3)";
    installation SEARCH_POSTGRES_NEWEST = "select no, ticket_id, segments
        from counterfoil_search_newest(cast(cast(?1 as text) as tsquery), ?2, ?3)";
    FIRST_NO = "select no from search_entries where tenant_id = ?1 and ticket_id = ?2 order by segment limit 1";
}

/// Tickets asked about in one statement; lists are padded, so that few statements are prepared.
pub(super) const BATCH: [usize; 3] = [8, 64, 500];

/// A ticket that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    pub ticket: Uuid,
    /// Later tickets have higher numbers.
    pub no: i64,
    /// Everything looked for stands in what names the ticket.
    pub in_head: bool,
}

struct Entry {
    hit: Hit,
    segments: i64,
}

fn entry(row: &Row<'_>) -> Result<Entry> {
    let mut c = row.columns();
    let (no, ticket, segments) = (c.next()?, c.next()?, c.next()?);
    Ok(Entry { hit: Hit { ticket, no, in_head: false }, segments })
}

/// Every ticket that is found, by falling rank: what names it before what is in it, then the newest first. None when
/// there are more than [`RANKED_MAX`].
pub fn find(read: &Read<'_>, wanted: &Wanted, audience: Audience) -> Result<Option<Vec<Hit>>> {
    let (tenant, place) = (tenant_word(read)?, Where::Anywhere(audience));
    let most = i64::try_from(RANKED_MAX).unwrap_or(i64::MAX) + 1;
    let found: Vec<Entry> = match read.engine() {
        EngineKind::Sqlite => {
            let question = wanted.fts5(Some(&tenant), place);
            let count = read.query_one(&SEARCH_SQLITE_COUNT, params![question, most], |row| row.get(0))?;
            if count.unwrap_or(0) >= most {
                return Ok(None);
            }
            let mut found = read.query_all(&SEARCH_SQLITE_ALL, params![question, most], entry)?;
            if !wanted.all.is_empty() && !found.is_empty() {
                let heads: HashSet<i64> = read
                    .query_all(
                        &SEARCH_SQLITE_ROWS,
                        params![wanted.fts5(Some(&tenant), Where::Head), most],
                        |row| row.get(0),
                    )?
                    .into_iter()
                    .collect();
                found.iter_mut().for_each(|e| e.hit.in_head = heads.contains(&e.hit.no));
            }
            found
        }
        EngineKind::Postgres => {
            let question = wanted.tsquery(&tenant, place);
            // A full-text index of PostgreSQL answers all or nothing; what was too much a moment ago still is.
            if read.is_known_common(&question) {
                return Ok(None);
            }
            let heads = wanted.tsquery(&tenant, Where::Head);
            let found = read.query_all(&SEARCH_POSTGRES_ALL, params![question, heads, most], |row| {
                let mut e = entry(row)?;
                e.hit.in_head = row.get::<bool>(3)? && !wanted.all.is_empty();
                Ok(e)
            })?;
            if found.len() > RANKED_MAX {
                read.remember_common(question);
                return Ok(None);
            }
            found
        }
    };
    let mut hits = settled(read, wanted, audience, found)?;
    let apart = apart(read, wanted, audience, &tenant, &hits)?;
    hits.extend(apart);
    if hits.len() > RANKED_MAX {
        return Ok(None);
    }
    hits.sort_unstable_by_key(|h| (!h.in_head, std::cmp::Reverse(h.no)));
    Ok(Some(hits))
}

/// How many rows of long tickets are looked at for the rarest of the terms: few first, since one of them mostly is rare.
const APART: [usize; 2] = [100, 2_000];

/// Tickets of several rows whose words stand in different ones of them. Where each of the words stands in more rows of those
/// than are looked at, only what stands in one row is found.
fn apart(
    read: &Read<'_>,
    wanted: &Wanted,
    audience: Audience,
    tenant: &str,
    found: &[Hit],
) -> Result<Vec<Hit>> {
    if wanted.all.len() < 2 {
        return Ok(Vec::new());
    }
    for most in APART {
        for term in &wanted.all {
            let rows = long_rows(read, term, audience, tenant, most + 1)?;
            if rows.len() > most {
                continue;
            }
            let known: HashSet<Uuid> = found.iter().map(|h| h.ticket).collect();
            let mut tickets: Vec<Uuid> =
                rows.into_iter().map(|e| e.hit.ticket).filter(|ticket| !known.contains(ticket)).collect();
            tickets.sort_unstable();
            tickets.dedup();
            return term_by_term(read, wanted, audience, tickets);
        }
    }
    Ok(Vec::new())
}

/// Up to so many rows of tickets that have several, with this term in them.
fn long_rows(
    read: &Read<'_>,
    term: &Term,
    audience: Audience,
    tenant: &str,
    most: usize,
) -> Result<Vec<Entry>> {
    let (place, most) = (Where::Anywhere(audience), i64::try_from(most).unwrap_or(i64::MAX));
    match read.engine() {
        EngineKind::Sqlite => {
            let question = Wanted::long_fts5(term, tenant, place);
            read.query_all(&SEARCH_SQLITE_ALL, params![question, most], entry)
        }
        EngineKind::Postgres => {
            let question = Wanted::long_tsquery(term, tenant, place);
            read.query_all(&SEARCH_POSTGRES_ALL, params![question, question, most], entry)
        }
    }
}

/// Those of some tickets that hold each of the terms, in whichever of their rows.
fn term_by_term(
    read: &Read<'_>,
    wanted: &Wanted,
    audience: Audience,
    mut tickets: Vec<Uuid>,
) -> Result<Vec<Hit>> {
    let mut hits = Vec::new();
    for term in &wanted.all {
        if tickets.is_empty() {
            return Ok(Vec::new());
        }
        let one = Wanted { all: vec![term.clone()], none: wanted.none.clone() };
        hits = which(read, &one, audience, &tickets)?;
        tickets = hits.iter().map(|h| h.ticket).collect();
    }
    Ok(hits.into_iter().map(|h| Hit { in_head: false, ..h }).collect())
}

/// What is found among tickets filed before a number, the newest first; at most so many. The other answer is the
/// number to go on below, when there may be more.
pub fn newest(read: &Read<'_>, wanted: &Wanted, below: i64, most: usize) -> Result<(Vec<Hit>, Option<i64>)> {
    let (tenant, place) = (tenant_word(read)?, Where::Anywhere(Audience::Staff));
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let found = match read.engine() {
        EngineKind::Sqlite => read.query_all(
            &SEARCH_SQLITE_NEWEST,
            params![wanted.fts5(Some(&tenant), place), below, limit],
            entry,
        )?,
        EngineKind::Postgres => read.query_all(
            &SEARCH_POSTGRES_NEWEST,
            params![wanted.tsquery(&tenant, place), below, limit],
            entry,
        )?,
    };
    let next = match found.last() {
        // Below all segments of the last ticket, so that it is not met again.
        Some(last) if found.len() == most => {
            read.query_one(&FIRST_NO, params![last.hit.ticket], |row| row.get::<Option<i64>>(0))?.flatten()
        }
        _ => None,
    };
    let mut hits = settled(read, wanted, Audience::Staff, found)?;
    hits.sort_unstable_by_key(|h| std::cmp::Reverse(h.no));
    Ok((hits, next))
}

/// Which of these tickets hold all of it in one row.
fn among(read: &Read<'_>, wanted: &Wanted, audience: Audience, tickets: &[Uuid]) -> Result<Vec<Hit>> {
    let mut hits = which(read, wanted, audience, tickets)?;
    if !wanted.all.is_empty() && !hits.is_empty() {
        let ids: Vec<Uuid> = hits.iter().map(|h| h.ticket).collect();
        let heads = rows_among(read, &ids, &Question::new(read, wanted, Where::Head))?;
        let heads: HashSet<Uuid> = heads.into_iter().map(|e| e.hit.ticket).collect();
        hits.iter_mut().for_each(|h| h.in_head = heads.contains(&h.ticket));
    }
    Ok(hits)
}

/// Which of these tickets hold all of it in one row, without looking where in the ticket it stands.
pub fn which(read: &Read<'_>, wanted: &Wanted, audience: Audience, tickets: &[Uuid]) -> Result<Vec<Hit>> {
    let found = rows_among(read, tickets, &Question::new(read, wanted, Where::Anywhere(audience)))?;
    settled(read, wanted, audience, found)
}

/// Which of these tickets are found; the words may stand in different rows of one. How a long thread is cut into rows depends on all
/// that is in it; whether somebody finds it must not.
pub fn across(read: &Read<'_>, wanted: &Wanted, audience: Audience, tickets: &[Uuid]) -> Result<Vec<Hit>> {
    let mut hits = among(read, wanted, audience, tickets)?;
    if wanted.all.len() < 2 {
        return Ok(hits);
    }
    let found: HashSet<Uuid> = hits.iter().map(|h| h.ticket).collect();
    let mut left = of_several_rows(read, tickets)?;
    left.retain(|ticket| !found.contains(ticket));
    hits.extend(term_by_term(read, wanted, audience, left)?);
    Ok(hits)
}

/// A question about known rows, in the engine's language. The rows are the tenant's already, so it need not name the
/// tenant, unless it would ask for nothing else.
struct Question(String);

impl Question {
    fn new(read: &Read<'_>, wanted: &Wanted, place: Where) -> Self {
        Self(match (read.engine(), wanted.all.is_empty()) {
            (EngineKind::Sqlite, true) => wanted.fts5(Some(ROW_WORD), place),
            (EngineKind::Sqlite, false) => wanted.fts5(None, place),
            (EngineKind::Postgres, _) => wanted.tsquery(ROW_WORD, place),
        })
    }
    fn any_unwanted(read: &Read<'_>, wanted: &Wanted, place: Where) -> Self {
        Self(match read.engine() {
            EngineKind::Sqlite => wanted.any_unwanted_fts5(place),
            EngineKind::Postgres => wanted.any_unwanted_tsquery(place),
        })
    }
}

/// One hit a ticket, without those whose other segments hold what must not be in them.
fn settled(read: &Read<'_>, wanted: &Wanted, audience: Audience, found: Vec<Entry>) -> Result<Vec<Hit>> {
    let many: Vec<Uuid> = found.iter().filter(|e| e.segments > 1).map(|e| e.hit.ticket).collect();
    if many.is_empty() {
        return Ok(found.into_iter().map(|e| e.hit).collect());
    }
    let mut refused = HashSet::new();
    if !wanted.none.is_empty() {
        let question = Question::any_unwanted(read, wanted, Where::Anywhere(audience));
        refused.extend(rows_among(read, &many, &question)?.into_iter().map(|e| e.hit.ticket));
    }
    let mut hits: HashMap<Uuid, Hit> = HashMap::with_capacity(found.len());
    for Entry { hit, .. } in found.into_iter().filter(|e| !refused.contains(&e.hit.ticket)) {
        let kept = hits.entry(hit.ticket).or_insert(hit);
        kept.no = kept.no.min(hit.no);
        kept.in_head |= hit.in_head;
    }
    Ok(hits.into_values().collect())
}

fn rows_among(read: &Read<'_>, tickets: &[Uuid], question: &Question) -> Result<Vec<Entry>> {
    let mut out = Vec::new();
    for batch in tickets.chunks(BATCH[BATCH.len() - 1]) {
        match read.engine() {
            EngineKind::Sqlite => sqlite_rows_among(read, batch, question, &mut out)?,
            EngineKind::Postgres => {
                let (ids, mut values) = padded(batch, 3);
                values.insert(0, Value::Text(&question.0));
                let text = format!(
                    "select e.no, e.ticket_id, e.segments from search_entries e
                     where e.tenant_id = ?1 and e.words @@ cast(cast(?2 as text) as tsquery) and e.ticket_id in {ids}"
                );
                out.extend(read.query_all(&Sql::built(text), &values, entry)?);
            }
        }
    }
    Ok(out)
}

/// Asking the full-text table about one row costs as much as asking it for a stretch of rows; so rows that lie close
/// together, as those of a list by time do, are asked for by their stretch.
fn sqlite_rows_among(
    read: &Read<'_>,
    batch: &[Uuid],
    question: &Question,
    out: &mut Vec<Entry>,
) -> Result<()> {
    let (ids, values) = padded(batch, 2);
    let text = format!(
        "select no, ticket_id, segments from search_entries where tenant_id = ?1 and ticket_id in {ids}"
    );
    let mut rows = read.query_all(&Sql::built(text), &values, entry)?;
    rows.sort_unstable_by_key(|e| e.hit.no);
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
    let (first, last, few) = (first.hit.no, last.hit.no, rows.len() as u64 * 20);
    let between =
        read.query_one(&SEARCH_SQLITE_BETWEEN, params![first, last, few], |row| row.get::<u64>(0))?;
    if between.unwrap_or(few) < few {
        let found: HashSet<i64> = read
            .query_all(&SEARCH_SQLITE_STRETCH, params![question.0, first, last], |row| row.get(0))?
            .into_iter()
            .collect();
        out.extend(rows.into_iter().filter(|e| found.contains(&e.hit.no)));
        return Ok(());
    }
    for entry in rows {
        if read.query_one(&SEARCH_SQLITE_ROW, params![question.0, entry.hit.no], |_| Ok(()))?.is_some() {
            out.push(entry);
        }
    }
    Ok(())
}

/// A list of tickets for `in`, as long as one of a few lengths.
pub(super) fn padded<'v>(batch: &[Uuid], first: usize) -> (String, Vec<Value<'v>>) {
    let size = BATCH.into_iter().find(|n| *n >= batch.len()).unwrap_or(batch.len());
    let last = batch.last().copied().unwrap_or_default();
    let ids = batch.iter().copied().chain(std::iter::repeat(last)).take(size);
    (dialect::placeholders(first, size), ids.map(Value::Uuid).collect())
}
