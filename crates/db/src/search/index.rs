//! Writing the index.

use std::collections::HashMap;

use base::{Error, Result};
use rusqlite::Connection;
use uuid::Uuid;

use super::{
    document::{Document, SEGMENTS_MAX, Segment},
    find::{BATCH, padded},
    tenant_word,
};
use crate::{EngineKind, Row, Sql, Tx, Value, errors, params};

crate::statements! {
    INSERT_ENTRY = "insert into search_entries (tenant_id, no, ticket_id, segment, segments, words, since)
        values (?1, ?2, ?3, ?4, ?5, cast(cast(?6 as text) as {words_type}), ?7) on conflict do nothing";
    // Of which many can be one, as the type is named by itself.
    SEARCH_POSTGRES_AGAIN = "insert into search_entries (tenant_id, no, ticket_id, segment, segments, words, since)
        values (?1, ?2, ?3, ?4, ?5, cast(cast(?6 as text) as tsvector), ?7)";
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

/// Files many tickets anew, each in the place of what was filed of it.
pub fn refile_all(tx: &mut Tx<'_>, documents: Vec<(Uuid, Document)>) -> Result<()> {
    let tickets: Vec<Uuid> = documents.iter().map(|(ticket, _)| *ticket).collect();
    let mut places: HashMap<Uuid, Vec<i64>> = HashMap::new();
    for some in tickets.chunks(BATCH[BATCH.len() - 1]) {
        ask_many(
            tx,
            "select ticket_id, no from search_entries",
            some,
            " order by ticket_id, segment",
            |row| {
                places.entry(row.get(0)?).or_default().push(row.get(1)?);
                Ok(true)
            },
        )?;
    }
    for no in places.values().flatten() {
        if tx.engine() == EngineKind::Sqlite {
            tx.put_words(Words::Drop { no: *no });
        }
        tx.execute_later(&DROP_ENTRY, params![*no])?;
    }
    let mut further = Vec::new();
    for (ticket, document) in documents {
        let mut segments = document.segments();
        let (known, count) = (places.remove(&ticket).unwrap_or_default(), segments.len());
        let behind = segments.split_off(known.len().min(count));
        put_again(tx, ticket, segments, &known, count)?;
        if !behind.is_empty() {
            let no = known.last().map_or_else(|| first_no(ticket), |last| last + 1);
            further.push((ticket, behind, Place { no, segment: known.len(), segments: count, since: None }));
        }
    }
    // Where there is room has to be asked.
    further.into_iter().try_for_each(|(ticket, segments, place)| put(tx, ticket, segments, place))
}

/// Puts segments into places that were just left by the same ticket: nobody else can have taken them.
fn put_again(
    tx: &mut Tx<'_>,
    ticket: Uuid,
    segments: Vec<Segment>,
    places: &[i64],
    count: usize,
) -> Result<()> {
    let tenant = tenant_word(tx)?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    for ((i, segment), no) in (0i64..).zip(segments).zip(places) {
        if tx.engine() == EngineKind::Sqlite {
            tx.execute(&INSERT_ENTRY, params![*no, ticket, i, count, Value::Null, None::<Uuid>])?;
            tx.put_words(Words::Put { no: *no, columns: segment.columns(&tenant, count > 1) });
        } else {
            let words = Value::OwnedText(segment.vector(&tenant, count > 1));
            tx.execute_later(&SEARCH_POSTGRES_AGAIN, params![*no, ticket, i, count, words, None::<Uuid>])?;
        }
    }
    Ok(())
}

/// Of some tickets, those whose words fill several rows.
pub fn of_several_rows(read: &crate::Read<'_>, tickets: &[Uuid]) -> Result<Vec<Uuid>> {
    let mut out = Vec::new();
    for some in tickets.chunks(BATCH[BATCH.len() - 1]) {
        ask_many(read, "select ticket_id from search_entries", some, " and segment = 1", |row| {
            out.push(row.get(0)?);
            Ok(true)
        })?;
    }
    Ok(out)
}

fn ask_many(
    read: &crate::Read<'_>,
    what: &str,
    tickets: &[Uuid],
    how: &str,
    each: impl FnMut(&Row<'_>) -> Result<bool>,
) -> Result<()> {
    if tickets.is_empty() {
        return Ok(());
    }
    let (among, values) = padded(tickets, 2);
    let sql = Sql::built(format!("{what} where tenant_id = ?1 and ticket_id in {among}{how}"));
    read.for_each(&sql, &values, each)
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
