//! The mailbox a channel's letters are collected from: where it is, and how far it was read.
//!
//! A server may number a folder anew (another UIDVALIDITY): it was moved, or restored. All of it is read again then. What is
//! older than our interest is passed over, unless the mailbox is collected from its beginning; what came before byte for byte
//! is not taken again; the rest is known by its Message-ID and body, as ever.

use base::{Error, Id, OrNotFound, Result, Secret, Timestamp};
use db::{Read, Row, Tx, Wake, params};
use engine::outside::{Bygone, MailCursor, MailboxAccess, MailboxSignIn, MailboxTls};
use identity::{User, audit, users};
use notices::inbox;
use serde::Serialize;

use super::{
    collected::{Place, Rows, said},
    model::MailChannel,
    oauth, sent, store,
};
use crate::intake::Received;

/// A mailbox, without its password.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct ChannelMailbox {
    pub channel_id: Id<MailChannel>,
    pub host: String,
    pub port: u16,
    /// `tls`, `starttls`, or `none` for a server on this machine.
    pub tls: String,
    pub username: String,
    /// `password`, or `oauth`: somebody signed in at the provider.
    pub sign_in: String,
    pub folder: String,
    pub from_beginning: bool,
    /// When collecting began.
    pub since: Timestamp,
    /// When it was last looked into.
    pub checked_at: Option<Timestamp>,
    /// Letters collected so far.
    pub collected: i64,
    pub error_code: Option<String>,
    pub error: Option<String>,
    /// Nobody knocks until the access is corrected.
    pub paused_at: Option<Timestamp>,
    pub version: i64,
    #[serde(skip)]
    #[schemars(skip)]
    pub cursor: Option<MailCursor>,
    /// The last letter that was there when the folder's numbers began anew.
    #[serde(skip)]
    #[schemars(skip)]
    pub anew_until: Option<u32>,
    #[serde(skip)]
    #[schemars(skip)]
    pub password: Secret,
}

/// Where a mailbox is. No password: the one that is known stays.
#[derive(Clone, Debug)]
pub struct NewMailbox {
    pub host: String,
    pub port: u16,
    pub tls: String,
    pub username: String,
    pub password: Option<Secret>,
    pub folder: String,
    pub from_beginning: bool,
}

const PASSWORD: &str = "password";
const OAUTH: &str = "oauth";

macro_rules! columns {
    () => {
        "channel_id, host, port, tls, username, password, folder, uidvalidity, last_uid, from_beginning, checked_at, collected, error_code, error,
         paused_at, version, sign_in, coalesce(since, created_at), anew_until"
    };
}

db::statements! {
    OF = concat!("select ", columns!(), " from channel_mailboxes where tenant_id = ?1 and channel_id = ?2");
    ALL = concat!("select ", columns!(), " from channel_mailboxes where tenant_id = ?1 order by channel_id");
    INSERT = "insert into channel_mailboxes (tenant_id, channel_id, host, port, tls, username, password, folder, from_beginning, collected, version,
        created_at, updated_at, sign_in, since) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 1, ?10, ?10, ?11, ?10)
        on conflict (tenant_id, channel_id) do update set host = excluded.host, port = excluded.port, tls = excluded.tls, username = excluded.username,
        password = excluded.password, folder = excluded.folder, from_beginning = excluded.from_beginning, sign_in = excluded.sign_in, error_code = null, error = null,
        paused_at = null, version = channel_mailboxes.version + 1, updated_at = excluded.updated_at";
    RESET = "update channel_mailboxes set uidvalidity = null, last_uid = null, anew_until = null, since = ?3 where tenant_id = ?1 and channel_id = ?2";
    DELETE = "delete from channel_mailboxes where tenant_id = ?1 and channel_id = ?2";
    LOCK = "select uidvalidity, last_uid from channel_mailboxes where tenant_id = ?1 and channel_id = ?2 and version = ?3 {lock}";
    MOVE = "update channel_mailboxes set uidvalidity = ?3, last_uid = ?4, checked_at = ?5, collected = collected + ?6, error_code = null, error = null
        where tenant_id = ?1 and channel_id = ?2";
    ANEW = "update channel_mailboxes set uidvalidity = ?3, last_uid = ?4, anew_until = ?5, checked_at = ?6 where tenant_id = ?1 and channel_id = ?2";
    FAILED = "update channel_mailboxes set error_code = ?4, error = ?5, paused_at = ?6, checked_at = ?7
        where tenant_id = ?1 and channel_id = ?2 and version = ?3";
}

fn map(row: &Row<'_>) -> Result<ChannelMailbox> {
    let mut c = row.columns();
    let (channel_id, host, port) = (c.next()?, c.next()?, c.next::<u32>()?);
    let (tls, username, password) = (c.next()?, c.next()?, Secret::new(c.next::<String>()?));
    let folder = c.next()?;
    let (uidvalidity, last_uid): (Option<u32>, Option<u32>) = (c.next()?, c.next()?);
    Ok(ChannelMailbox {
        channel_id,
        host,
        port: u16::try_from(port).unwrap_or(993),
        tls,
        username,
        password,
        folder,
        cursor: uidvalidity.zip(last_uid).map(|(uidvalidity, last_uid)| MailCursor { uidvalidity, last_uid }),
        from_beginning: c.next()?,
        checked_at: c.next()?,
        collected: c.next()?,
        error_code: c.next()?,
        error: c.next()?,
        paused_at: c.next()?,
        version: c.next()?,
        sign_in: c.next()?,
        since: c.next()?,
        anew_until: c.next()?,
    })
}

/// How a word means encryption.
pub fn tls_of(word: &str) -> Result<MailboxTls> {
    match word {
        "tls" => Ok(MailboxTls::Tls),
        "starttls" => Ok(MailboxTls::Starttls),
        "none" => Ok(MailboxTls::None),
        _ => Err(Error::field("tls", "mailbox.tls", "one of tls, starttls, none")),
    }
}

impl ChannelMailbox {
    /// What nobody asked for, where the folder's numbers began anew.
    pub fn bygone(&self) -> Option<Bygone> {
        let until_uid = self.anew_until.filter(|_| !self.from_beginning)?;
        Some(Bygone { until_uid, before: self.since })
    }

    pub fn is_by_oauth(&self) -> bool {
        self.sign_in == OAUTH
    }

    /// What it is opened with: the password that is known, or a token.
    pub fn access(&self, token: Option<Secret>) -> Result<MailboxAccess> {
        let tls = tls_of(&self.tls)?;
        let (username, password) = (self.username.clone(), self.password.clone());
        Ok(MailboxAccess {
            host: self.host.clone(),
            port: self.port,
            tls,
            sign_in: match token {
                Some(access_token) => MailboxSignIn::Token { username, access_token },
                None => MailboxSignIn::Password { username, password },
            },
            folder: self.folder.clone(),
        })
    }
}

pub fn find(read: &Read<'_>, channel: Id<MailChannel>) -> Result<Option<ChannelMailbox>> {
    read.query_one(&OF, params![channel], map)
}

/// Every mailbox of a business whose channel takes mail.
pub fn all(read: &Read<'_>) -> Result<Vec<ChannelMailbox>> {
    let open: Vec<Id<MailChannel>> = store::enabled(read)?.into_iter().map(|c| c.id).collect();
    let all = read.query_all(&ALL, params![], map)?;
    Ok(all.into_iter().filter(|m| open.contains(&m.channel_id)).collect())
}

/// What a mailbox would be, with the password that is known where none is given. Nothing is kept.
pub fn described(read: &Read<'_>, channel: Id<MailChannel>, new: &NewMailbox) -> Result<ChannelMailbox> {
    let before = find(read, channel)?;
    let password = match (&new.password, &before) {
        (Some(given), _) => given.clone(),
        // Another server is not given the password of this one.
        (None, Some(known)) if known.host == new.host.trim() && known.username == new.username.trim() => {
            known.password.clone()
        }
        _ => Secret::new(""),
    };
    let mailbox = ChannelMailbox {
        channel_id: channel,
        host: new.host.trim().to_owned(),
        port: new.port,
        tls: new.tls.clone(),
        username: new.username.trim().to_owned(),
        password,
        sign_in: PASSWORD.into(),
        folder: new.folder.trim().to_owned(),
        from_beginning: new.from_beginning,
        since: read.now(),
        cursor: None,
        anew_until: None,
        checked_at: None,
        collected: 0,
        error_code: None,
        error: None,
        paused_at: None,
        version: before.map_or(0, |b| b.version),
    };
    mailbox.access(None)?.check()?;
    Ok(mailbox)
}

/// Sets where a channel's letters are collected. Another server or folder is read from its own beginning, or its end.
pub fn set(tx: &mut Tx<'_>, channel: Id<MailChannel>, new: &NewMailbox) -> Result<ChannelMailbox> {
    store::lock(tx, channel)?.or_not_found("channel")?;
    let m = described(tx, channel, new)?;
    oauth::forget_grant(tx, channel)?;
    save(tx, &m)
}

/// Where the mailbox is that an administrator signed in to.
pub(super) struct SignedIn {
    pub host: String,
    pub port: u16,
    pub tls: String,
    pub username: String,
    pub folder: String,
    pub from_beginning: bool,
}

/// Sets a mailbox whose tokens are kept in the same transaction.
pub(super) fn set_signed_in(
    tx: &mut Tx<'_>,
    channel: Id<MailChannel>,
    new: SignedIn,
) -> Result<ChannelMailbox> {
    store::lock(tx, channel)?.or_not_found("channel")?;
    let SignedIn { host, port, tls, username, folder, from_beginning } = new;
    let m = ChannelMailbox {
        channel_id: channel,
        host,
        port,
        tls,
        username,
        folder,
        from_beginning,
        sign_in: OAUTH.into(),
        password: Secret::new(""),
        since: tx.now(),
        cursor: None,
        anew_until: None,
        checked_at: None,
        collected: 0,
        error_code: None,
        error: None,
        paused_at: None,
        version: 0,
    };
    save(tx, &m)
}

fn save(tx: &mut Tx<'_>, m: &ChannelMailbox) -> Result<ChannelMailbox> {
    let (channel, now) = (m.channel_id, tx.now());
    let before = find(tx, channel)?;
    tx.execute(
        &INSERT,
        params![
            channel,
            m.host,
            i64::from(m.port),
            m.tls,
            m.username,
            m.password.reveal(),
            m.folder,
            m.from_beginning,
            now,
            m.sign_in
        ],
    )?;
    let is_another =
        |b: &ChannelMailbox| (&b.host, &b.username, &b.folder) != (&m.host, &m.username, &m.folder);
    if before.as_ref().is_some_and(is_another) {
        tx.execute(&RESET, params![channel, now])?;
        sent::reset(tx, channel)?;
    }
    tx.wake(Wake::Access);
    let after = find(tx, channel)?.or_not_found("mailbox")?;
    let mut line = audit::Change::new("channel.mailbox_set", "channel", Some(channel.uuid()));
    if let Some(before) = &before {
        line = line.from(before);
    }
    audit::record(tx, line.to(&after))?;
    Ok(after)
}

/// Letters are not collected any more. What was collected stays.
pub fn remove(tx: &mut Tx<'_>, channel: Id<MailChannel>) -> Result<()> {
    let before = find(tx, channel)?.or_not_found("mailbox")?;
    tx.execute(&DELETE, params![channel])?;
    oauth::forget_grant(tx, channel)?;
    sent::forget(tx, channel)?;
    tx.wake(Wake::Access);
    audit::record(
        tx,
        audit::Change::new("channel.mailbox_removed", "channel", Some(channel.uuid())).from(&before),
    )
}

const ROWS: Rows = Rows { lock: &LOCK, moved: &MOVE, anew: &ANEW, failed: &FAILED };

impl ChannelMailbox {
    fn place(&self) -> Place {
        let (channel, version) = (self.channel_id, self.version);
        Place { channel, version, cursor: self.cursor, anew_until: self.anew_until }
    }
}

/// Takes letters that were collected, as [`Rows::took`].
pub fn took(
    tx: &mut Tx<'_>,
    seen: &ChannelMailbox,
    cursor: MailCursor,
    letters: Vec<(u32, Received)>,
) -> Result<()> {
    ROWS.took(tx, &seen.place(), cursor, letters)
}

/// The folder's numbers began anew, as [`Rows::begun_anew`].
pub fn begun_anew(tx: &mut Tx<'_>, seen: &ChannelMailbox, cursor: MailCursor, last_uid: u32) -> Result<()> {
    ROWS.begun_anew(tx, &seen.place(), cursor, last_uid)
}

/// It could not be looked into. `is_final`: nobody knocks again until the access is corrected; administrators are told.
pub fn failed(tx: &mut Tx<'_>, seen: &ChannelMailbox, code: &str, why: &str, is_final: bool) -> Result<()> {
    ROWS.failed(tx, &seen.place(), code, why, is_final)?;
    if is_final {
        tell(tx, seen.channel_id, &format!("its mailbox is not read any more: {}", said(why)))?;
    }
    Ok(())
}

/// Tells the administrators what stays behind in a mailbox: too large, or not handed out.
pub fn left_behind(tx: &mut Tx<'_>, seen: &ChannelMailbox, what: &str) -> Result<()> {
    tell(tx, seen.channel_id, what)
}

pub(super) fn tell(tx: &mut Tx<'_>, channel: Id<MailChannel>, what: &str) -> Result<()> {
    for (user, title) in admins_of(tx, channel, what)? {
        inbox::notify(tx, user, "mailbox", &title, None)?;
    }
    Ok(())
}

/// Tells the administrators of something that keeps letters waiting, once in half a day while it lasts.
pub(crate) fn tell_of_outage(tx: &mut Tx<'_>, channel: Id<MailChannel>, what: &str) -> Result<()> {
    let since = tx.now() - base::hours(12);
    for (user, title) in admins_of(tx, channel, what)? {
        inbox::notify_unless_told(tx, user, "mailbox", &title, since)?;
    }
    Ok(())
}

/// Who is told of a channel, and in what words.
fn admins_of(tx: &Tx<'_>, channel: Id<MailChannel>, what: &str) -> Result<Vec<(Id<User>, String)>> {
    let channel = store::get(tx, channel)?;
    let title: String = format!("{}: {what}", channel.address).chars().take(250).collect();
    let admins = users::staff(tx)?.into_iter().filter(|u| u.role.is_admin() && u.disabled_at.is_none());
    Ok(admins.map(|user| (user.id, title.clone())).collect())
}
