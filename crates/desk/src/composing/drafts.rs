//! What one person has begun on one ticket: an answer, a note, or both beside each other. Their files are stored already;
//! only the drafts know them.

use std::collections::HashSet;

use base::{Error, Id, Result, Timestamp};
use db::{Read, Row, Sql, Tx, params};
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

impl Draft {
    fn empty(kind: &str, now: Timestamp) -> Self {
        Self { kind: kind.to_owned(), body: String::new(), status: None, files: Vec::new(), updated_at: now }
    }

    /// An empty text without files is no draft.
    fn is_empty(&self) -> bool {
        self.body.trim().is_empty() && self.files.is_empty()
    }
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
    BEGIN = "insert into drafts (tenant_id, user_id, ticket_id, kind, body, files, updated_at) values (?1, ?2, ?3, 'reply', '', ?4, ?5) on conflict do nothing";
    SAVE = "update drafts set kind = ?4, body = ?5, status = ?6, files = ?7, updated_at = ?8, aside = ?9 where tenant_id = ?1 and user_id = ?2 and ticket_id = ?3";
    FIND = "select kind, body, status, files, updated_at, aside from drafts where tenant_id = ?1 and user_id = ?2 and ticket_id = ?3";
    LOCK = "select kind, body, status, files, updated_at, aside from drafts where tenant_id = ?1 and user_id = ?2 and ticket_id = ?3 {lock}";
    MINE = "select ticket_id from drafts where tenant_id = ?1 and user_id = ?2 order by ticket_id desc limit ?3";
    ON_TICKET = "select user_id from drafts where tenant_id = ?1 and ticket_id = ?2 order by user_id";
    DROP = "delete from drafts where tenant_id = ?1 and user_id = ?2 and ticket_id = ?3";
    OF_TICKET = "delete from drafts where tenant_id = ?1 and ticket_id = ?2";
    FORGET = "delete from drafts where tenant_id = ?1 and updated_at < ?2";
}

const KINDS: [&str; 2] = ["reply", "note"];

fn other(kind: &str) -> &'static str {
    if kind == "note" { "reply" } else { "note" }
}

fn check_kind(kind: &str) -> Result<()> {
    if KINDS.contains(&kind) { Ok(()) } else { Err(Error::field("kind", "draft.kind", "reply or note")) }
}

fn check(written: &Written) -> Result<()> {
    check_kind(&written.kind)?;
    if written.body.len() > BODY_MAX {
        return Err(Error::field("body", "text.too_long", format!("at most {BODY_MAX} bytes")));
    }
    Ok(())
}

/// A file as the row has it. One without a kind is of the row's: there was one draft when it was stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    kind: Option<String>,
    #[serde(flatten)]
    file: DraftFile,
}

/// The text that was not written last.
#[derive(Serialize, Deserialize)]
struct Aside {
    body: String,
    status: Option<Status>,
    updated_at: Timestamp,
}

/// The drafts of a row, the one written last first.
fn map(row: &Row<'_>) -> Result<Vec<Draft>> {
    let mut c = row.columns();
    let (kind, body, status): (String, _, _) = (c.next()?, c.next()?, c.next()?);
    let stored: Vec<Stored> = serde_json::from_value(c.next()?).map_err(Error::from_source)?;
    let updated_at = c.next()?;
    let aside: Option<serde_json::Value> = c.next()?;
    let aside: Option<Aside> = aside.map(serde_json::from_value).transpose().map_err(Error::from_source)?;
    let beside = other(&kind);
    let mut first = Draft { kind, body, status, files: Vec::new(), updated_at };
    let mut second = match aside {
        Some(Aside { body, status, updated_at }) => {
            Draft { kind: beside.to_owned(), body, status, files: Vec::new(), updated_at }
        }
        None => Draft::empty(beside, updated_at),
    };
    for Stored { kind, file } in stored {
        let of = if kind.as_deref() == Some(beside) { &mut second } else { &mut first };
        of.files.push(file);
    }
    Ok([first, second].into_iter().filter(|d| !d.is_empty()).collect())
}

fn load(read: &Read<'_>, how: &Sql, user: Id<User>, ticket: Id<Ticket>) -> Result<Vec<Draft>> {
    Ok(read.query_one(how, params![user, ticket], map)?.unwrap_or_default())
}

/// What this person has begun on this ticket: what was written last comes first.
pub fn all(read: &Read<'_>, staff: &Staff, ticket: Id<Ticket>) -> Result<Vec<Draft>> {
    let Some(user) = staff.user_id else { return Ok(Vec::new()) };
    load(read, &FIND, user, ticket)
}

/// The draft of this kind; of any kind, the one written last.
pub fn find(read: &Read<'_>, staff: &Staff, ticket: Id<Ticket>, kind: Option<&str>) -> Result<Option<Draft>> {
    kind.map_or(Ok(()), check_kind)?;
    Ok(all(read, staff, ticket)?.into_iter().find(|d| kind.is_none_or(|k| d.kind == k)))
}

/// The tickets this person has drafts on.
pub fn mine(read: &Read<'_>, staff: &Staff) -> Result<HashSet<Id<Ticket>>> {
    let Some(user) = staff.user_id else { return Ok(HashSet::new()) };
    Ok(read.query_all(&MINE, params![user, MARKED_MAX], |row| row.get(0))?.into_iter().collect())
}

/// Changes the draft of one kind, without a kind the one written last; the other stays as it is. Answers what it is then, none
/// when nothing is left of it.
fn change<T>(
    tx: &mut Tx<'_>,
    user: Id<User>,
    ticket: Id<Ticket>,
    kind: Option<&str>,
    change: impl FnOnce(&Tx<'_>, &mut Draft) -> Result<T>,
) -> Result<(Option<Draft>, T)> {
    let now = tx.now();
    // There is a row to hold, so that what is written of the other kind in the same moment is not lost.
    tx.execute(&BEGIN, params![user, ticket, serde_json::json!([]), now])?;
    let mut drafts = load(tx, &LOCK, user, ticket)?;
    let last = drafts.first().map_or("reply", |d| &d.kind);
    let kind = kind.unwrap_or(last).to_owned();
    let at = drafts.iter().position(|d| d.kind == kind);
    let mut draft = at.map_or_else(|| Draft::empty(&kind, now), |at| drafts.remove(at));
    let done = change(tx, &mut draft)?;
    draft.updated_at = now;
    let kept = (!draft.is_empty()).then_some(draft);
    save(tx, user, ticket, kept.clone().into_iter().chain(drafts).collect())?;
    Ok((kept, done))
}

fn save(tx: &mut Tx<'_>, user: Id<User>, ticket: Id<Ticket>, drafts: Vec<Draft>) -> Result<()> {
    let stored: Vec<Stored> = drafts
        .iter()
        .flat_map(|d| d.files.iter().map(|f| Stored { kind: Some(d.kind.clone()), file: f.clone() }))
        .collect();
    let files = serde_json::to_value(&stored).map_err(Error::from_source)?;
    let mut drafts = drafts.into_iter();
    let Some(first) = drafts.next() else {
        return tx.execute(&DROP, params![user, ticket]).map(|_| ());
    };
    let aside = drafts.next().map(|d| Aside { body: d.body, status: d.status, updated_at: d.updated_at });
    let aside = aside.map(serde_json::to_value).transpose().map_err(Error::from_source)?;
    let Draft { kind, body, status, updated_at, .. } = first;
    tx.execute(&SAVE, params![user, ticket, kind, body, status, files, updated_at, aside]).map(|_| ())
}

/// Keeps what somebody has written so far, beside what they have written of the other kind. An empty text without files is no
/// draft: answers none.
///
/// # Errors
/// `draft.kind`, `text.too_long`.
pub fn keep(tx: &mut Tx<'_>, staff: &Staff, ticket: Id<Ticket>, written: Written) -> Result<Option<Draft>> {
    query::get_for_staff(tx, staff, ticket)?;
    let user = author(staff)?;
    check(&written)?;
    let Written { kind, body, status } = written;
    let (kept, ()) = change(tx, user, ticket, Some(&kind), |_, draft| {
        (draft.body, draft.status) = (body, status);
        Ok(())
    })?;
    Ok(kept)
}

/// Adds stored files to the draft of this kind, without a kind to the one written last. It begins with them if there was none.
///
/// # Errors
/// `draft.kind`, `attachments.too_many`.
pub fn attach(
    tx: &mut Tx<'_>,
    staff: &Staff,
    ticket: Id<Ticket>,
    kind: Option<&str>,
    new: Vec<NewAttachment>,
) -> Result<Vec<DraftFile>> {
    query::get_for_staff(tx, staff, ticket)?;
    let user = author(staff)?;
    kind.map_or(Ok(()), check_kind)?;
    add(tx, user, ticket, kind, new)
}

fn add(
    tx: &mut Tx<'_>,
    user: Id<User>,
    ticket: Id<Ticket>,
    kind: Option<&str>,
    new: Vec<NewAttachment>,
) -> Result<Vec<DraftFile>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let (_, added) = change(tx, user, ticket, kind, |tx, draft| {
        if draft.files.len() + new.len() > FILES_MAX {
            let message = format!("at most {FILES_MAX} files");
            return Err(Error::field("attachments", "attachments.too_many", message));
        }
        let added: Vec<DraftFile> =
            new.into_iter().map(|file| DraftFile { id: tx.new_id::<DraftFile>().uuid(), file }).collect();
        draft.files.extend(added.iter().cloned());
        Ok(added)
    })?;
    Ok(added)
}

/// Takes a file off the draft that has it.
pub fn detach(tx: &mut Tx<'_>, staff: &Staff, ticket: Id<Ticket>, file: Uuid) -> Result<()> {
    query::get_for_staff(tx, staff, ticket)?;
    let user = author(staff)?;
    let drafts = load(tx, &LOCK, user, ticket)?;
    let of = drafts.into_iter().find(|d| d.files.iter().any(|f| f.id == file));
    let kind = of.ok_or_else(|| Error::not_found("file"))?.kind;
    change(tx, user, ticket, Some(&kind), |_, draft| {
        draft.files.retain(|f| f.id != file);
        Ok(())
    })
    .map(|_| ())
}

/// Keeps these of the draft's files, as they were ticked on the page, and answers them.
pub fn retain(
    tx: &mut Tx<'_>,
    staff: &Staff,
    ticket: Id<Ticket>,
    kind: &str,
    kept: &[Uuid],
) -> Result<Vec<NewAttachment>> {
    let user = author(staff)?;
    if find(tx, staff, ticket, Some(kind))?.is_none_or(|draft| draft.files.is_empty()) {
        return Ok(Vec::new());
    }
    let (_, files) = change(tx, user, ticket, Some(kind), |_, draft| {
        draft.files.retain(|f| kept.contains(&f.id));
        Ok(draft.files.iter().map(|f| f.file.clone()).collect())
    })?;
    Ok(files)
}

/// Throws away the draft of this kind, without a kind whatever is begun.
///
/// # Errors
/// `draft.kind`.
pub fn forget(tx: &mut Tx<'_>, staff: &Staff, ticket: Id<Ticket>, kind: Option<&str>) -> Result<()> {
    let Some(user) = staff.user_id else { return Ok(()) };
    let Some(kind) = kind else { return tx.execute(&DROP, params![user, ticket]).map(|_| ()) };
    check_kind(kind)?;
    let mut drafts = load(tx, &LOCK, user, ticket)?;
    if !drafts.iter().any(|d| d.kind == kind) {
        return Ok(());
    }
    drafts.retain(|d| d.kind != kind);
    save(tx, user, ticket, drafts)
}

/// Makes a draft of what was begun as the other kind, with its files, and goes on from there. What is begun of this kind already
/// stays below it.
///
/// # Errors
/// `draft.kind`, `text.too_long`, `attachments.too_many`.
pub fn turn(tx: &mut Tx<'_>, staff: &Staff, ticket: Id<Ticket>, written: Written) -> Result<()> {
    query::get_for_staff(tx, staff, ticket)?;
    let user = author(staff)?;
    check(&written)?;
    let begun = find(tx, staff, ticket, Some(other(&written.kind)))?;
    forget(tx, staff, ticket, Some(other(&written.kind)))?;
    let files = begun.map(|d| d.files.into_iter().map(|f| f.file).collect()).unwrap_or_default();
    put_back(tx, user, ticket, written, files)
}

/// Makes a draft of an answer that did not go out. What was begun meanwhile stays below it.
pub(super) fn put_back(
    tx: &mut Tx<'_>,
    user: Id<User>,
    ticket: Id<Ticket>,
    written: Written,
    files: Vec<NewAttachment>,
) -> Result<()> {
    let Written { kind, body, status } = written;
    let (_, room) = change(tx, user, ticket, Some(&kind), |_, draft| {
        draft.body = match (body.trim(), draft.body.trim()) {
            (_, "") => body,
            ("", _) => std::mem::take(&mut draft.body),
            _ => format!("{body}\n\n{}", draft.body),
        };
        draft.status = status;
        Ok(FILES_MAX.saturating_sub(draft.files.len()))
    })?;
    add(tx, user, ticket, Some(&kind), files.into_iter().take(room).collect()).map(|_| ())
}

/// A ticket is merged: what is begun on it is begun on the survivor, above what is begun there already.
pub(super) fn follow(tx: &mut Tx<'_>, from: Id<Ticket>, to: Id<Ticket>) -> Result<()> {
    for user in tx.query_all(&ON_TICKET, params![from], |row| row.get::<Id<User>>(0))? {
        let there = load(tx, &LOCK, user, to)?;
        let fits = |d: &Draft| {
            let files = there.iter().find(|t| t.kind == d.kind).map_or(0, |t| t.files.len());
            files + d.files.len() <= FILES_MAX
        };
        // Too many for one message stay whole where they are, to be had over the API or after the merge is undone.
        let (goes, stays): (Vec<Draft>, Vec<Draft>) =
            load(tx, &LOCK, user, from)?.into_iter().partition(|d| fits(d));
        if goes.is_empty() {
            continue;
        }
        save(tx, user, from, stays)?;
        // What was written last is put down last, so that it comes first there too.
        for draft in goes.into_iter().rev() {
            let written = Written { kind: draft.kind, body: draft.body, status: draft.status };
            put_back(tx, user, to, written, draft.files.into_iter().map(|f| f.file).collect())?;
        }
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
