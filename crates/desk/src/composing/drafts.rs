//! One draft for each person and ticket. Its files are stored already; only the draft knows them.

use std::collections::HashSet;

use base::{Error, Id, Result, Timestamp};
use db::{Read, Row, Tx, params};
use identity::{Staff, User};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::author;
use crate::tickets::{BODY_MAX, NewAttachment, Status, Ticket, query};

/// A file of a draft.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DraftFile {
    pub id: Uuid,
    #[serde(flatten)]
    pub file: NewAttachment,
}

#[derive(Clone, Debug)]
pub struct Draft {
    /// `reply` or `note`.
    pub kind: String,
    pub body: String,
    /// The status to be set with the answer.
    pub status: Option<Status>,
    pub files: Vec<DraftFile>,
    pub updated_at: Timestamp,
}

/// What is kept of the text; files come and go by themselves.
#[derive(Clone, Debug)]
pub struct Written {
    pub kind: String,
    pub body: String,
    pub status: Option<Status>,
}

/// Files of a draft at most: as many as a message may have.
pub const FILES_MAX: usize = 20;
/// Drafts of one person that the queue marks.
const MARKED_MAX: u32 = 500;

db::statements! {
    SAVE = "insert into drafts (tenant_id, user_id, ticket_id, kind, body, status, files, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        on conflict (tenant_id, user_id, ticket_id) do update set kind = excluded.kind, body = excluded.body, status = excluded.status, updated_at = excluded.updated_at";
    BEGIN = "insert into drafts (tenant_id, user_id, ticket_id, kind, body, files, updated_at) values (?1, ?2, ?3, 'reply', '', ?4, ?5) on conflict do nothing";
    SET_FILES = "update drafts set files = ?4, updated_at = ?5 where tenant_id = ?1 and user_id = ?2 and ticket_id = ?3";
    FIND = "select kind, body, status, files, updated_at from drafts where tenant_id = ?1 and user_id = ?2 and ticket_id = ?3";
    LOCK = "select kind, body, status, files, updated_at from drafts where tenant_id = ?1 and user_id = ?2 and ticket_id = ?3 {lock}";
    MINE = "select ticket_id from drafts where tenant_id = ?1 and user_id = ?2 order by ticket_id desc limit ?3";
    ON_TICKET = "select user_id from drafts where tenant_id = ?1 and ticket_id = ?2 order by user_id";
    DROP = "delete from drafts where tenant_id = ?1 and user_id = ?2 and ticket_id = ?3";
    OF_TICKET = "delete from drafts where tenant_id = ?1 and ticket_id = ?2";
    FORGET = "delete from drafts where tenant_id = ?1 and updated_at < ?2";
}

fn map(row: &Row<'_>) -> Result<Draft> {
    let mut c = row.columns();
    let (kind, body, status) = (c.next()?, c.next()?, c.next()?);
    let files = serde_json::from_value(c.next()?).map_err(Error::from_source)?;
    Ok(Draft { kind, body, status, files, updated_at: c.next()? })
}

/// This person's draft on this ticket.
pub fn find(read: &Read<'_>, staff: &Staff, ticket: Id<Ticket>) -> Result<Option<Draft>> {
    let Some(user) = staff.user_id else { return Ok(None) };
    read.query_one(&FIND, params![user, ticket], map)
}

/// The tickets this person has drafts on.
pub fn mine(read: &Read<'_>, staff: &Staff) -> Result<HashSet<Id<Ticket>>> {
    let Some(user) = staff.user_id else { return Ok(HashSet::new()) };
    Ok(read.query_all(&MINE, params![user, MARKED_MAX], |row| row.get(0))?.into_iter().collect())
}

/// Keeps what somebody has written so far. An empty text without files is no draft: answers none.
///
/// # Errors
/// `draft.kind`, `text.too_long`.
pub fn keep(tx: &mut Tx<'_>, staff: &Staff, ticket: Id<Ticket>, written: Written) -> Result<Option<Draft>> {
    query::get_for_staff(tx, staff, ticket)?;
    let user = author(staff)?;
    if !["reply", "note"].contains(&written.kind.as_str()) {
        return Err(Error::field("kind", "draft.kind", "reply or note"));
    }
    if written.body.len() > BODY_MAX {
        return Err(Error::field("body", "text.too_long", format!("at most {BODY_MAX} bytes")));
    }
    let before = tx.query_one(&LOCK, params![user, ticket], map)?;
    let has_files = before.is_some_and(|d| !d.files.is_empty());
    if written.body.trim().is_empty() && !has_files {
        tx.execute(&DROP, params![user, ticket])?;
        return Ok(None);
    }
    write(tx, user, ticket, &written)?;
    find(tx, staff, ticket)
}

fn write(tx: &mut Tx<'_>, user: Id<User>, ticket: Id<Ticket>, w: &Written) -> Result<()> {
    let (now, none) = (tx.now(), serde_json::json!([]));
    tx.execute(&SAVE, params![user, ticket, w.kind, w.body, w.status, none, now]).map(|_| ())
}

fn change_files<T>(
    tx: &mut Tx<'_>,
    user: Id<User>,
    ticket: Id<Ticket>,
    change: impl FnOnce(&Tx<'_>, &mut Vec<DraftFile>) -> Result<T>,
) -> Result<T> {
    let now = tx.now();
    tx.execute(&BEGIN, params![user, ticket, serde_json::json!([]), now])?;
    let mut draft =
        tx.query_one(&LOCK, params![user, ticket], map)?.ok_or_else(|| Error::not_found("draft"))?;
    let done = change(tx, &mut draft.files)?;
    if draft.files.is_empty() && draft.body.trim().is_empty() {
        tx.execute(&DROP, params![user, ticket])?;
        return Ok(done);
    }
    let files = serde_json::to_value(&draft.files).map_err(Error::from_source)?;
    tx.execute(&SET_FILES, params![user, ticket, files, now])?;
    Ok(done)
}

/// Adds stored files to the draft, which begins with them if there was none.
///
/// # Errors
/// `attachments.too_many`.
pub fn attach(
    tx: &mut Tx<'_>,
    staff: &Staff,
    ticket: Id<Ticket>,
    new: Vec<NewAttachment>,
) -> Result<Vec<DraftFile>> {
    query::get_for_staff(tx, staff, ticket)?;
    let user = author(staff)?;
    add(tx, user, ticket, new)
}

fn add(
    tx: &mut Tx<'_>,
    user: Id<User>,
    ticket: Id<Ticket>,
    new: Vec<NewAttachment>,
) -> Result<Vec<DraftFile>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    change_files(tx, user, ticket, |tx, files| {
        if files.len() + new.len() > FILES_MAX {
            let message = format!("at most {FILES_MAX} files");
            return Err(Error::field("attachments", "attachments.too_many", message));
        }
        let added: Vec<DraftFile> =
            new.into_iter().map(|file| DraftFile { id: tx.new_id::<DraftFile>().uuid(), file }).collect();
        files.extend(added.iter().cloned());
        Ok(added)
    })
}

/// Takes a file off the draft.
pub fn detach(tx: &mut Tx<'_>, staff: &Staff, ticket: Id<Ticket>, file: Uuid) -> Result<()> {
    query::get_for_staff(tx, staff, ticket)?;
    let user = author(staff)?;
    change_files(tx, user, ticket, |_, files| {
        let before = files.len();
        files.retain(|f| f.id != file);
        if files.len() == before { Err(Error::not_found("file")) } else { Ok(()) }
    })
}

/// Keeps these of the draft's files, as they were ticked on the page, and answers them.
pub fn retain(
    tx: &mut Tx<'_>,
    staff: &Staff,
    ticket: Id<Ticket>,
    kept: &[Uuid],
) -> Result<Vec<NewAttachment>> {
    let user = author(staff)?;
    let Some(draft) = find(tx, staff, ticket)? else { return Ok(Vec::new()) };
    if draft.files.is_empty() {
        return Ok(Vec::new());
    }
    change_files(tx, user, ticket, |_, files| {
        files.retain(|f| kept.contains(&f.id));
        Ok(files.iter().map(|f| f.file.clone()).collect())
    })
}

/// Throws a draft away.
pub fn forget(tx: &mut Tx<'_>, staff: &Staff, ticket: Id<Ticket>) -> Result<()> {
    let Some(user) = staff.user_id else { return Ok(()) };
    tx.execute(&DROP, params![user, ticket]).map(|_| ())
}

/// Makes a draft of an answer that did not go out. What was begun meanwhile stays below it.
pub(super) fn put_back(
    tx: &mut Tx<'_>,
    user: Id<User>,
    ticket: Id<Ticket>,
    written: Written,
    files: Vec<NewAttachment>,
) -> Result<()> {
    let begun = tx.query_one(&LOCK, params![user, ticket], map)?;
    let room = begun.as_ref().map_or(FILES_MAX, |d| FILES_MAX.saturating_sub(d.files.len()));
    let body = match begun.filter(|d| !d.body.trim().is_empty()) {
        Some(draft) => format!("{}\n\n{}", written.body, draft.body),
        None => written.body.clone(),
    };
    write(tx, user, ticket, &Written { body, ..written })?;
    add(tx, user, ticket, files.into_iter().take(room).collect()).map(|_| ())
}

/// A ticket is merged: what is begun on it is begun on the survivor, above what is begun there already.
pub(super) fn follow(tx: &mut Tx<'_>, from: Id<Ticket>, to: Id<Ticket>) -> Result<()> {
    for user in tx.query_all(&ON_TICKET, params![from], |row| row.get::<Id<User>>(0))? {
        let Some(draft) = tx.query_one(&LOCK, params![user, from], map)? else { continue };
        let there = tx.query_one(&LOCK, params![user, to], map)?.map_or(0, |d| d.files.len());
        if there + draft.files.len() > FILES_MAX {
            // Too many for one message. It stays whole where it is, to be had over the API or after the merge is undone.
            continue;
        }
        tx.execute(&DROP, params![user, from])?;
        let written = Written { kind: draft.kind, body: draft.body, status: draft.status };
        put_back(tx, user, to, written, draft.files.into_iter().map(|f| f.file).collect())?;
    }
    Ok(())
}

pub(super) fn forget_ticket(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    tx.execute(&OF_TICKET, params![ticket]).map(|_| ())
}

/// Drafts nobody touched for a quarter of a year.
pub(super) fn forget_old(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now() - base::hours(24 * 90);
    tx.execute(&FORGET, params![before]).map(|_| ())
}
