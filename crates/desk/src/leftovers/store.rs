use std::collections::HashSet;

use base::{Error, Id, Result, Timestamp};
use db::{Read, Tx, params};

use crate::tickets::{NewAttachment, Ticket};

db::statements! {
    OF_ATTACHMENTS = "select distinct sha256 from attachments where tenant_id = ?1 and ticket_id = ?2";
    OF_MAILS = "select distinct sha256 from mails where tenant_id = ?1 and ticket_id = ?2";
    OF_LETTERS = "select distinct f.sha256 from letter_files f join letters l on l.tenant_id = f.tenant_id and l.id = f.letter_id
        where l.tenant_id = ?1 and l.ticket_id = ?2";
    NOTE = "insert into dropped_blobs (tenant_id, sha256, dropped_at) values (?1, ?2, ?3)
        on conflict (tenant_id, sha256) do update set dropped_at = excluded.dropped_at";
    DUE = "select sha256, dropped_at from dropped_blobs where tenant_id = ?1 and dropped_at < ?2 and aside_at is null order by dropped_at limit ?3";
    IS_DUE = "select 1 from dropped_blobs where tenant_id = ?1 and dropped_at < ?2 and aside_at is null limit 1";
    ASIDE = "select sha256, dropped_at from dropped_blobs where tenant_id = ?1 and aside_at < ?2 order by aside_at limit ?3";
    IS_ASIDE = "select 1 from dropped_blobs where tenant_id = ?1 and aside_at < ?2 limit 1";
    SET_ASIDE = "update dropped_blobs set aside_at = ?3 where tenant_id = ?1 and sha256 = ?2";
    FORGET = "delete from dropped_blobs where tenant_id = ?1 and sha256 = ?2 and dropped_at = ?3";
    IN_ATTACHMENTS = "select 1 from attachments where tenant_id = ?1 and sha256 = ?2 limit 1";
    IN_MAILS = "select 1 from mails where tenant_id = ?1 and sha256 = ?2 and state <> 'forgotten' limit 1";
    IN_LETTERS = "select 1 from letter_files where tenant_id = ?1 and sha256 = ?2 limit 1";
    OF_DRAFTS_ON = "select files from drafts where tenant_id = ?1 and ticket_id = ?2";
    OF_HELD_ON = "select attachments from held_answers where tenant_id = ?1 and ticket_id = ?2";
    OF_DRAFTS = "select files from drafts where tenant_id = ?1";
    OF_HELD = "select attachments from held_answers where tenant_id = ?1";
    OF_MACROS = "select files from macros where tenant_id = ?1";
}

/// Writes down what a ticket names, before its rows go.
pub(crate) fn note_ticket(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    let now = tx.now();
    for of in [&OF_ATTACHMENTS, &OF_MAILS, &OF_LETTERS] {
        for sha256 in tx.query_all(of, params![ticket], |row| row.get::<[u8; 32]>(0))? {
            tx.execute(&NOTE, params![sha256, now])?;
        }
    }
    for of in [&OF_DRAFTS_ON, &OF_HELD_ON] {
        for file in files_of(tx.query_all(of, params![ticket], |row| row.get(0))?)? {
            tx.execute(&NOTE, params![file.sha256, now])?;
        }
    }
    Ok(())
}

/// Writes down content that a row let go of.
pub(crate) fn note(tx: &mut Tx<'_>, sha256: [u8; 32]) -> Result<()> {
    let now = tx.now();
    tx.execute(&NOTE, params![sha256, now]).map(|_| ())
}

/// Writes down files that were stored for a message, and are in none.
pub(crate) fn note_files(tx: &mut Tx<'_>, files: &[NewAttachment]) -> Result<()> {
    files.iter().try_for_each(|file| note(tx, file.sha256))
}

/// Files that rows hold in themselves.
fn files_of(rows: Vec<serde_json::Value>) -> Result<Vec<NewAttachment>> {
    let lists = rows.into_iter().map(|files| serde_json::from_value(files).map_err(Error::from_source));
    Ok(lists.collect::<Result<Vec<Vec<NewAttachment>>>>()?.into_iter().flatten().collect())
}

/// Content that was let go of at an instant.
#[derive(Clone, Copy, Debug)]
pub struct Dropped {
    pub sha256: [u8; 32],
    pub at: Timestamp,
}

/// Whether there is something to remove that was dropped before, or to decide about that was put aside before.
pub(super) fn is_due(read: &Read<'_>, dropped: Timestamp, aside: Timestamp) -> Result<bool> {
    Ok(read.query_one(&IS_DUE, params![dropped], |_| Ok(()))?.is_some()
        || read.query_one(&IS_ASIDE, params![aside], |_| Ok(()))?.is_some())
}

fn map(row: &db::Row<'_>) -> Result<Dropped> {
    Ok(Dropped { sha256: row.get(0)?, at: row.get(1)? })
}

pub(super) fn due(read: &Read<'_>, before: Timestamp, limit: u32) -> Result<Vec<Dropped>> {
    read.query_all(&DUE, params![before, limit], map)
}

/// What was put aside before an instant.
pub(super) fn aside(read: &Read<'_>, before: Timestamp, limit: u32) -> Result<Vec<Dropped>> {
    read.query_all(&ASIDE, params![before, limit], map)
}

/// It is put aside from now on, or is to be removed like any other again.
pub(super) fn set_aside(tx: &mut Tx<'_>, dropped: &Dropped, at: Option<Timestamp>) -> Result<()> {
    tx.execute(&SET_ASIDE, params![dropped.sha256, at]).map(|_| ())
}

/// Not to be removed any more; unless it was let go of again meanwhile.
pub(super) fn forget(tx: &mut Tx<'_>, dropped: &Dropped) -> Result<()> {
    tx.execute(&FORGET, params![dropped.sha256, dropped.at]).map(|_| ())
}

/// What is named by drafts, answers that wait and macros: few rows, each with its files in it.
pub(super) fn named_in_drafts(read: &Read<'_>) -> Result<HashSet<[u8; 32]>> {
    let mut named = HashSet::new();
    for of in [&OF_DRAFTS, &OF_HELD, &OF_MACROS] {
        let files = files_of(read.query_all(of, params![], |row| row.get(0))?)?;
        named.extend(files.into_iter().map(|f| f.sha256));
    }
    Ok(named)
}

/// Whether a message, a mail or a letter names it.
pub(super) fn is_named(read: &Read<'_>, sha256: [u8; 32]) -> Result<bool> {
    for place in [&IN_ATTACHMENTS, &IN_MAILS, &IN_LETTERS] {
        if read.query_one(place, params![sha256], |_| Ok(()))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
