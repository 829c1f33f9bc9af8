//! The folder of a mailbox that holds what was sent from it: answers that people wrote in a mail program.
//!
//! It is read only when a business switches it on, from then on, with a place of its own.

use base::{Error, Id, OrNotFound, Result, Timestamp};
use db::{Read, Row, Tx, Wake, params};
use engine::outside::{Bygone, MailCursor};
use identity::audit;
use serde::Serialize;

use super::{
    collected::{Place, Rows, said},
    mailbox::{self, tell},
    model::MailChannel,
};
use crate::intake::Received;

/// A folder of sent mail, and how reading it stands.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct SentFolder {
    pub channel_id: Id<MailChannel>,
    /// Empty: the one the server calls its folder of sent mail.
    pub folder: String,
    /// What was written before is left alone.
    pub since: Timestamp,
    pub checked_at: Option<Timestamp>,
    /// Letters taken so far, without those that this program sent itself.
    pub collected: i64,
    pub error_code: Option<String>,
    pub error: Option<String>,
    pub paused_at: Option<Timestamp>,
    #[serde(skip)]
    #[schemars(skip)]
    pub cursor: Option<MailCursor>,
    /// The last letter that was there when the folder's numbers began anew.
    #[serde(skip)]
    #[schemars(skip)]
    pub anew_until: Option<u32>,
    #[serde(skip)]
    #[schemars(skip)]
    pub version: i64,
}

macro_rules! columns {
    () => {
        "channel_id, folder, since, checked_at, collected, error_code, error, paused_at, uidvalidity, last_uid, version, anew_until"
    };
}

db::statements! {
    OF = concat!("select ", columns!(), " from channel_sent_folders where tenant_id = ?1 and channel_id = ?2");
    ALL = concat!("select ", columns!(), " from channel_sent_folders where tenant_id = ?1 order by channel_id");
    SET = "insert into channel_sent_folders (tenant_id, channel_id, folder, since, collected, version) values (?1, ?2, ?3, ?4, 0, 1)
        on conflict (tenant_id, channel_id) do update set folder = excluded.folder, error_code = null, error = null, paused_at = null,
        version = channel_sent_folders.version + 1";
    RESET = "update channel_sent_folders set uidvalidity = null, last_uid = null, anew_until = null, version = version + 1 where tenant_id = ?1 and channel_id = ?2";
    DELETE = "delete from channel_sent_folders where tenant_id = ?1 and channel_id = ?2";
    LOCK = "select uidvalidity, last_uid from channel_sent_folders where tenant_id = ?1 and channel_id = ?2 and version = ?3 {lock}";
    MOVE = "update channel_sent_folders set uidvalidity = ?3, last_uid = ?4, checked_at = ?5, collected = collected + ?6, error_code = null, error = null
        where tenant_id = ?1 and channel_id = ?2";
    ANEW = "update channel_sent_folders set uidvalidity = ?3, last_uid = ?4, anew_until = ?5, checked_at = ?6 where tenant_id = ?1 and channel_id = ?2";
    FAILED = "update channel_sent_folders set error_code = ?4, error = ?5, paused_at = ?6, checked_at = ?7
        where tenant_id = ?1 and channel_id = ?2 and version = ?3";
}

fn map(row: &Row<'_>) -> Result<SentFolder> {
    let mut c = row.columns();
    let (channel_id, folder, since, checked_at) = (c.next()?, c.next()?, c.next()?, c.next()?);
    let (collected, error_code, error, paused_at) = (c.next()?, c.next()?, c.next()?, c.next()?);
    let (uidvalidity, last_uid): (Option<u32>, Option<u32>) = (c.next()?, c.next()?);
    let cursor =
        uidvalidity.zip(last_uid).map(|(uidvalidity, last_uid)| MailCursor { uidvalidity, last_uid });
    let (version, anew_until) = (c.next()?, c.next()?);
    Ok(SentFolder {
        channel_id,
        folder,
        since,
        checked_at,
        collected,
        error_code,
        error,
        paused_at,
        cursor,
        anew_until,
        version,
    })
}

impl SentFolder {
    /// What nobody asked for, where the folder's numbers began anew.
    pub fn bygone(&self) -> Option<Bygone> {
        self.anew_until.map(|until_uid| Bygone { until_uid, before: self.since })
    }
}

pub fn find(read: &Read<'_>, channel: Id<MailChannel>) -> Result<Option<SentFolder>> {
    read.query_one(&OF, params![channel], map)
}

pub fn all(read: &Read<'_>) -> Result<Vec<SentFolder>> {
    read.query_all(&ALL, params![], map)
}

/// Reads a channel's folder of sent mail from now on, or another folder than before.
///
/// # Errors
/// Not found without a mailbox.
pub fn set(tx: &mut Tx<'_>, channel: Id<MailChannel>, folder: &str) -> Result<SentFolder> {
    let box_of = mailbox::find(tx, channel)?.or_not_found("mailbox")?;
    let folder = folder.trim();
    if folder.len() > 500 || folder.chars().any(char::is_control) {
        let why = "expected a folder such as Sent, or nothing for the one the server names";
        return Err(Error::field("folder", "sent.folder", why));
    }
    if folder.eq_ignore_ascii_case(&box_of.folder) {
        let why = "expected another folder than the one letters are collected from";
        return Err(Error::field("folder", "sent.folder", why));
    }
    let before = find(tx, channel)?;
    let now = tx.now();
    tx.execute(&SET, params![channel, folder, now])?;
    if before.as_ref().is_some_and(|b| b.folder != folder) {
        reset(tx, channel)?;
    }
    tx.wake(Wake::Access);
    let after = find(tx, channel)?.or_not_found("folder")?;
    let mut line = audit::Change::new("channel.sent_folder_set", "channel", Some(channel.uuid()));
    if let Some(before) = &before {
        line = line.from(before);
    }
    audit::record(tx, line.to(&after))?;
    Ok(after)
}

/// The folder is not read any more.
pub fn remove(tx: &mut Tx<'_>, channel: Id<MailChannel>) -> Result<()> {
    let before = find(tx, channel)?.or_not_found("folder")?;
    forget(tx, channel)?;
    tx.wake(Wake::Access);
    let line = audit::Change::new("channel.sent_folder_removed", "channel", Some(channel.uuid()));
    audit::record(tx, line.from(&before))
}

/// The mailbox is another one: its folder is read from its end.
pub(super) fn reset(tx: &mut Tx<'_>, channel: Id<MailChannel>) -> Result<()> {
    tx.execute(&RESET, params![channel]).map(|_| ())
}

pub(super) fn forget(tx: &mut Tx<'_>, channel: Id<MailChannel>) -> Result<()> {
    tx.execute(&DELETE, params![channel]).map(|_| ())
}

const ROWS: Rows = Rows { lock: &LOCK, moved: &MOVE, anew: &ANEW, failed: &FAILED };

impl SentFolder {
    fn place(&self) -> Place {
        let (channel, version) = (self.channel_id, self.version);
        Place { channel, version, cursor: self.cursor, anew_until: self.anew_until }
    }
}

/// Takes letters of the folder, as [`Rows::took`].
pub fn took(
    tx: &mut Tx<'_>,
    seen: &SentFolder,
    cursor: MailCursor,
    letters: Vec<(u32, Received)>,
) -> Result<()> {
    ROWS.took(tx, &seen.place(), cursor, letters)
}

/// The folder's numbers began anew, as [`Rows::begun_anew`].
pub fn begun_anew(tx: &mut Tx<'_>, seen: &SentFolder, cursor: MailCursor, last_uid: u32) -> Result<()> {
    ROWS.begun_anew(tx, &seen.place(), cursor, last_uid)
}

/// It could not be read. `is_final`: nobody looks again until it is corrected; administrators are told.
pub fn failed(tx: &mut Tx<'_>, seen: &SentFolder, code: &str, why: &str, is_final: bool) -> Result<()> {
    ROWS.failed(tx, &seen.place(), code, why, is_final)?;
    if is_final {
        tell(tx, seen.channel_id, &format!("its folder of sent mail is not read any more: {}", said(why)))?;
    }
    Ok(())
}
