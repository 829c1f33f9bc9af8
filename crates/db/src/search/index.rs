//! Writing the index.

use base::{Error, Result};
use rusqlite::Connection;
use uuid::Uuid;

use super::{
    document::{Document, SEGMENTS_MAX, Segment},
    tenant_word,
};
use crate::{EngineKind, Tx, Value, errors, params};

crate::statements! {
    INSERT_ENTRY = "insert into search_entries (tenant_id, no, ticket_id, segment, segments, words, since)
        values (?1, ?2, ?3, ?4, ?5, cast(cast(?6 as text) as {words_type}), ?7) on conflict do nothing";
    END = "select no, segment, since from search_entries where tenant_id = ?1 and ticket_id = ?2 order by segment desc limit 1";
    SINCE = "select no from search_entries where tenant_id = ?1 and ticket_id = ?2 and since = ?3 order by segment";
    ENTRIES = "select no from search_entries where tenant_id = ?1 and ticket_id = ?2 order by segment";
    ALL_ENTRIES = "select no from search_entries where tenant_id = ?1 order by no limit ?2";
    DROP_ENTRY = "delete from search_entries where tenant_id = ?1 and no = ?2";
    COUNT = "select count(*) from search_entries where tenant_id = ?1 and segment = 0";
    FILED = "select 1 from search_entries where tenant_id = ?1 and ticket_id = ?2 limit 1";
}

/// A change of SQLite's full-text table that waits for the end of its group.
#[derive(Debug)]
pub(crate) enum Words {
    Put { no: i64, columns: [String; 3] },
    Drop { no: i64 },
}

/// Files a ticket that is not in the index yet.
pub fn file(tx: &mut Tx<'_>, ticket: Uuid, document: Document) -> Result<()> {
    let segments = document.segments();
    let count = segments.len();
    put(tx, ticket, segments, Place { no: first_no(ticket), segment: 0, segments: count, since: None })
}

/// Where rows of a ticket go.
struct Place {
    no: i64,
    /// The first one's number among the ticket's rows.
    segment: usize,
    /// How many the ticket has then. One is told from many; further ones do not write the earlier ones anew.
    segments: usize,
    since: Option<Uuid>,
}

fn put(tx: &mut Tx<'_>, ticket: Uuid, segments: Vec<Segment>, place: Place) -> Result<()> {
    let (tenant, mut no) = (tenant_word(tx)?, place.no);
    let count = i64::try_from(place.segments).unwrap_or(i64::MAX);
    for (i, segment) in segments.into_iter().enumerate() {
        let i = i64::try_from(place.segment + i).unwrap_or(i64::MAX);
        let words = match tx.engine() {
            EngineKind::Sqlite => Value::Null,
            EngineKind::Postgres => Value::OwnedText(segment.vector(&tenant, count > 1)),
        };
        // Two tickets of one millisecond may begin at the same place; the later one moves up.
        let mut tries = 0;
        while tx.execute(&INSERT_ENTRY, params![no, ticket, i, count, words, place.since])? == 0 {
            tries += 1;
            if tries > 100_000 {
                return Err(Error::bug("the index has no room for a ticket"));
            }
            no += 1;
        }
        if tx.engine() == EngineKind::Sqlite {
            tx.put_words(Words::Put { no, columns: segment.columns(&tenant, count > 1) });
        }
        no += 1;
    }
    Ok(())
}

/// The last row of a ticket whose words fill several.
#[derive(Clone, Copy, Debug)]
pub struct End {
    last: i64,
    segment: usize,
    /// The message from which on its words stand in rows of their own; none when they were cut from the middle.
    pub since: Option<Uuid>,
}

/// Where a ticket of several rows goes on; none for one that is short, or not filed.
pub fn end(read: &crate::Read<'_>, ticket: Uuid) -> Result<Option<End>> {
    let found = read.query_one(&END, params![ticket], |row| {
        Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<Option<Uuid>>(2)?))
    })?;
    Ok(found.filter(|(_, segment, _)| *segment > 0).map(|(last, segment, since)| End {
        last,
        segment: usize::try_from(segment).unwrap_or(usize::MAX),
        since,
    }))
}

/// Writes a long ticket's last row anew, with what is said since its message.
pub fn put_last(tx: &mut Tx<'_>, ticket: Uuid, end: End, document: Document) -> Result<()> {
    let rows = tx.query_all(&SINCE, params![ticket, end.since], |row| row.get::<i64>(0))?;
    for no in &rows {
        drop_row(tx, *no)?;
    }
    let no = rows.first().copied().unwrap_or(end.last + 1);
    let segment = (end.segment + 1).saturating_sub(rows.len());
    put(tx, ticket, document.segments(), Place { no, segment, segments: segment + 1, since: end.since })
}

/// Files what is said from a message on behind a long ticket's other rows.
pub fn put_behind(tx: &mut Tx<'_>, ticket: Uuid, end: End, since: Uuid, document: Document) -> Result<()> {
    let (segment, mut segments) = (end.segment + 1, document.segments());
    // Nobody reads further.
    segments.truncate(SEGMENTS_MAX.saturating_sub(segment));
    let count = segment + segments.len();
    put(tx, ticket, segments, Place { no: end.last + 1, segment, segments: count, since: Some(since) })
}

/// Files a ticket anew, in the place of what was filed of it.
pub fn refile(tx: &mut Tx<'_>, ticket: Uuid, document: Document) -> Result<()> {
    forget(tx, ticket)?;
    file(tx, ticket, document)
}

/// Takes a ticket out of the index.
pub fn forget(tx: &mut Tx<'_>, ticket: Uuid) -> Result<()> {
    for no in tx.query_all(&ENTRIES, params![ticket], |row| row.get::<i64>(0))? {
        drop_row(tx, no)?;
    }
    Ok(())
}

/// Takes up to so many rows of the tenant out of the index; false when none was left.
pub fn forget_all(tx: &mut Tx<'_>, most: u32) -> Result<bool> {
    let all = tx.query_all(&ALL_ENTRIES, params![most], |row| row.get::<i64>(0))?;
    for no in &all {
        drop_row(tx, *no)?;
    }
    Ok(!all.is_empty())
}

fn drop_row(tx: &mut Tx<'_>, no: i64) -> Result<()> {
    if tx.engine() == EngineKind::Sqlite {
        tx.put_words(Words::Drop { no });
    }
    tx.execute(&DROP_ENTRY, params![no]).map(|_| ())
}

pub fn is_filed(read: &crate::Read<'_>, ticket: Uuid) -> Result<bool> {
    Ok(read.query_one(&FILED, params![ticket], |_| Ok(()))?.is_some())
}

/// How many tickets are in the index.
pub fn count(read: &crate::Read<'_>) -> Result<u64> {
    Ok(read.query_one(&COUNT, params![], |row| row.get(0))?.unwrap_or(0))
}

/// The place of a ticket by the moment in its id: 43 bits of milliseconds, 20 of chance, in the order of filing.
fn first_no(ticket: Uuid) -> i64 {
    let bytes = ticket.as_bytes();
    let millis = bytes[..6].iter().fold(0u64, |n, b| (n << 8) | u64::from(*b)) & ((1 << 43) - 1);
    let chance = bytes[10..13].iter().fold(0u64, |n, b| (n << 8) | u64::from(*b)) & 0xf_ffff;
    i64::try_from((millis << 20) | chance).unwrap_or(i64::MAX)
}

/// Brings the words of a group of writes into the full-text table, inside their common transaction.
pub(crate) fn flush(conn: &Connection, words: Vec<Words>) -> Result<()> {
    let mut put =
        conn.prepare_cached("insert into search_words (rowid, head, said, noted) values (?1, ?2, ?3, ?4)");
    let mut drop = conn.prepare_cached("delete from search_words where rowid = ?1");
    for change in words {
        match (&change, &mut put, &mut drop) {
            (Words::Put { no, columns: [head, said, noted] }, Ok(put), _) => {
                put.execute((no, head, said, noted)).map_err(errors::sqlite)?;
            }
            (Words::Drop { no }, _, Ok(drop)) => {
                drop.execute([no]).map_err(errors::sqlite)?;
            }
            _ => return Err(Error::bug("the full-text table is not there")),
        }
    }
    Ok(())
}
