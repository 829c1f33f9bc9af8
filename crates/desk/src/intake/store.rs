//! Rows of letters and what ties them to tickets.

use base::{Error, Id, Result};
use db::{Read, Row, Tx, Wake, params};
use identity::User;
use sha2::{Digest, Sha256};

use super::{
    model::{Mail, MailState, MessageMail, Outcome},
    receive::Received,
};
use crate::{
    Ticket,
    tickets::{Forward, Message},
};

macro_rules! columns {
    () => {
        "id, channel_id, door, envelope_from, envelope_to, client_ip, helo, sha256, size_bytes, state, outcome, reason, ticket_id, message_id,
         header_id, subject, from_email, from_name, automated, authentication, released_by, run, received_at, settled_at, reuses_id"
    };
}

db::statements! {
    INSERT = "insert into mails (tenant_id, id, channel_id, door, envelope_from, envelope_to, client_ip, helo, sha256, size_bytes, state, reason,
        subject, from_email, from_name, authentication, run, received_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'waiting', '', '', '', '', ?11, 1, ?12)";
    HERE = "select 1 from mails where tenant_id = ?1 and sha256 = ?2 and channel_id = ?3 and door = ?4 and state <> 'forgotten' limit 1";
    BY_ID = concat!("select ", columns!(), " from mails where tenant_id = ?1 and id = ?2");
    LOCK = "select 1 from mails where tenant_id = ?1 and id = ?2 {lock}";
    SETTLE = "update mails set state = ?3, outcome = ?4, reason = ?5, ticket_id = ?6, message_id = ?7, header_id = ?8, subject = ?9,
        from_email = ?10, from_name = ?11, automated = ?12, authentication = ?13, settled_at = ?14, reuses_id = ?15 where tenant_id = ?1 and id = ?2";
    SET_STATE = "update mails set state = ?3, reason = ?4, settled_at = ?5 where tenant_id = ?1 and id = ?2";
    FAIL_WAITING = "update mails set state = 'failed', reason = ?4, settled_at = ?5 where tenant_id = ?1 and id = ?2 and run = ?3 and state = 'waiting'";
    SAY = "update mails set reason = ?3 where tenant_id = ?1 and id = ?2";
    RUN_AGAIN = "update mails set state = ?3, run = run + 1, released_by = coalesce(?4, released_by) where tenant_id = ?1 and id = ?2 returning run";
    PAGE = concat!("select ", columns!(), " from mails where tenant_id = ?1 and state = ?2 and id < ?3 order by id desc limit ?4");
    ALL = concat!("select ", columns!(), " from mails where tenant_id = ?1 and id < ?2 order by id desc limit ?3");
    FROM = "select id from mails where tenant_id = ?1 and id > ?2 order by id limit ?3";
    STUCK = concat!("select ", columns!(), " from mails where tenant_id = ?1 and state = 'waiting' and id < ?2 order by id limit ?3");
    OF_TICKET = concat!("select ", columns!(), " from mails where tenant_id = ?1 and ticket_id = ?2 order by id");
    ADD_KEY = "insert into mail_keys (tenant_id, mail_key, mail_id) values (?1, ?2, ?3) on conflict (tenant_id, mail_key) do nothing";
    KEY = "select mail_id from mail_keys where tenant_id = ?1 and mail_key = ?2";
    TAKE_OVER_KEY = "update mail_keys set mail_id = ?4 where tenant_id = ?1 and mail_key = ?2 and mail_id = ?3";
    DROP_KEYS = "delete from mail_keys where tenant_id = ?1 and mail_id = ?2";
    ADD_REFERENCE = "insert into mail_references (tenant_id, header_hash, ticket_id, is_seen, created_at) values (?1, ?2, ?3, ?4, ?5)
        on conflict (tenant_id, header_hash, ticket_id) do update set is_seen = mail_references.is_seen or excluded.is_seen";
    REFERENCED = "select ticket_id from mail_references where tenant_id = ?1 and header_hash = ?2 order by is_seen desc, created_at limit 10";
    SEEN = "select 1 from mail_references where tenant_id = ?1 and header_hash = ?2 and is_seen limit 1";
    REPLY_ADDRESS = "select ticket_id, user_id, forward_id from reply_addresses where tenant_id = ?1 and token_hash = ?2";
    ADD_MESSAGE = "insert into message_mails (tenant_id, message_id, ticket_id, mail_id, from_email, from_name, found_by, reason, standing,
        automated, is_authentic, has_html, copied, withheld, follows_id) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    OF_MESSAGES = "select message_id, mail_id, from_email, from_name, found_by, reason, standing, automated, is_authentic, has_html, copied, withheld,
        follows_id from message_mails where tenant_id = ?1 and ticket_id = ?2 order by message_id";
    OF_MESSAGE = "select message_id, mail_id, from_email, from_name, found_by, reason, standing, automated, is_authentic, has_html, copied, withheld,
        follows_id from message_mails where tenant_id = ?1 and message_id = ?2";
    SET_STANDING = "update message_mails set standing = ?3 where tenant_id = ?1 and message_id = ?2";
    REWRITE = "update messages set body = ?3, body_html = ?4 where tenant_id = ?1 and id = ?2";
    // What goes with a ticket whose words are deleted for good. The raw bytes are named by nothing that hands them out.
    DROP_REFERENCES = "delete from mail_references where tenant_id = ?1 and ticket_id = ?2";
    DROP_REPLY_ADDRESSES = "delete from reply_addresses where tenant_id = ?1 and ticket_id = ?2";
    DROP_MESSAGES = "delete from message_mails where tenant_id = ?1 and ticket_id = ?2";
    DELETE = "delete from mails where tenant_id = ?1 and id = ?2";
    EMPTY_ONE = "update mails set subject = '', from_email = '', from_name = '', header_id = null, reason = '', state = 'forgotten', message_id = null, envelope_from = null,
        envelope_to = ?3, client_ip = null, helo = null, authentication = ?4 where tenant_id = ?1 and id = ?2";
    EMPTY = "update mails set subject = '', from_email = '', from_name = '', header_id = null, reason = '', state = 'forgotten', message_id = null, envelope_from = null,
        envelope_to = ?3, client_ip = null, helo = null, authentication = ?4
        where tenant_id = ?1 and ticket_id = ?2";
}

fn map(row: &Row<'_>) -> Result<Mail> {
    let mut c = row.columns();
    Ok(Mail {
        id: c.next()?,
        channel_id: c.next()?,
        door: c.next()?,
        envelope_from: c.next()?,
        envelope_to: list(c.next()?)?,
        client_ip: c.next()?,
        helo: c.next()?,
        sha256: c.next()?,
        size_bytes: c.next()?,
        state: c.next()?,
        outcome: c.next()?,
        reason: c.next()?,
        ticket_id: c.next()?,
        message_id: c.next()?,
        header_id: c.next()?,
        subject: c.next()?,
        from_email: c.next()?,
        from_name: c.next()?,
        automated: c.next()?,
        authentication: c.next()?,
        released_by: c.next()?,
        run: c.next()?,
        received_at: c.next()?,
        settled_at: c.next()?,
        reuses_id: c.next()?,
    })
}

fn list(value: serde_json::Value) -> Result<Vec<String>> {
    serde_json::from_value(value).map_err(Error::from_source)
}

pub(super) fn insert(tx: &mut Tx<'_>, id: Id<Mail>, letter: &Received) -> Result<()> {
    let now = tx.now();
    tx.execute(
        &INSERT,
        params![
            id,
            letter.channel,
            letter.door,
            letter.envelope_from,
            serde_json::json!(letter.envelope_to),
            letter.client_ip,
            letter.helo,
            letter.blob.sha256.0,
            letter.blob.size_bytes,
            serde_json::json!({}),
            now
        ],
    )
    .map(|_| ())
}

pub(super) fn is_here(read: &Read<'_>, letter: &Received) -> Result<bool> {
    let found =
        read.query_one(&HERE, params![letter.blob.sha256.0, letter.channel, letter.door], |_| Ok(()))?;
    Ok(found.is_some())
}

pub(super) fn find(read: &Read<'_>, id: Id<Mail>) -> Result<Option<Mail>> {
    read.query_one(&BY_ID, params![id], map)
}

pub(super) fn lock(tx: &mut Tx<'_>, id: Id<Mail>) -> Result<Option<Mail>> {
    if tx.query_one(&LOCK, params![id], |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    find(tx, id)
}

pub(super) fn settle(tx: &mut Tx<'_>, mail: &Mail) -> Result<()> {
    let now = tx.now();
    tx.execute(
        &SETTLE,
        params![
            mail.id,
            mail.state,
            mail.outcome,
            mail.reason,
            mail.ticket_id,
            mail.message_id,
            mail.header_id,
            mail.subject,
            mail.from_email,
            mail.from_name,
            mail.automated,
            mail.authentication,
            now,
            mail.reuses_id
        ],
    )?;
    tx.wake(Wake::Settled(mail.id.uuid()));
    Ok(())
}

pub(super) fn set_state(tx: &mut Tx<'_>, id: Id<Mail>, state: MailState, reason: &str) -> Result<()> {
    let settled = (state != MailState::Waiting).then(|| tx.now());
    if settled.is_some() {
        tx.wake(Wake::Settled(id.uuid()));
    }
    tx.execute(&SET_STATE, params![id, state, reason, settled]).map(|_| ())
}

/// A letter that still waits in this attempt has failed.
pub(super) fn fail_waiting(tx: &mut Tx<'_>, id: Id<Mail>, run: u32, reason: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(&FAIL_WAITING, params![id, run, reason, now]).map(|_| ())
}

pub(super) fn say(tx: &mut Tx<'_>, id: Id<Mail>, reason: &str) -> Result<()> {
    tx.execute(&SAY, params![id, reason]).map(|_| ())
}

/// Another attempt; answers its number.
pub(super) fn run_again(
    tx: &mut Tx<'_>,
    id: Id<Mail>,
    state: MailState,
    released_by: Option<&str>,
) -> Result<u32> {
    Ok(tx.query_one(&RUN_AGAIN, params![id, state, released_by], |row| row.get(0))?.unwrap_or(1))
}

pub(super) fn page(
    read: &Read<'_>,
    state: Option<MailState>,
    before: Option<uuid::Uuid>,
    limit: u32,
) -> Result<Vec<Mail>> {
    let before = before.unwrap_or(uuid::Uuid::max());
    match state {
        Some(state) => read.query_all(&PAGE, params![state, before, limit], map),
        None => read.query_all(&ALL, params![before, limit], map),
    }
}

/// Ids after one, oldest first.
pub(super) fn after(read: &Read<'_>, after: uuid::Uuid, limit: u32) -> Result<Vec<Id<Mail>>> {
    read.query_all(&FROM, params![after, limit], |row| row.get(0))
}

/// Letters that wait and came before an id.
pub(super) fn stuck(read: &Read<'_>, before: uuid::Uuid, limit: u32) -> Result<Vec<Mail>> {
    read.query_all(&STUCK, params![before, limit], map)
}

pub(super) fn of_ticket(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<Mail>> {
    read.query_all(&OF_TICKET, params![ticket], map)
}

/// Takes a key for a letter; answers the letter that has it when that is another one.
pub(super) fn take_key(tx: &mut Tx<'_>, key: [u8; 32], id: Id<Mail>) -> Result<Option<Id<Mail>>> {
    if tx.execute(&ADD_KEY, params![key, id])? == 1 {
        return Ok(None);
    }
    let holder: Option<Id<Mail>> = tx.query_one(&KEY, params![key], |row| row.get(0))?;
    Ok(holder.filter(|holder| *holder != id))
}

/// Takes a key from the letter that has it; whether it still had it.
pub(super) fn take_over_key(tx: &mut Tx<'_>, key: [u8; 32], from: Id<Mail>, id: Id<Mail>) -> Result<bool> {
    Ok(tx.execute(&TAKE_OVER_KEY, params![key, from, id])? == 1)
}

/// The letter that has a key.
pub(super) fn holder(read: &Read<'_>, key: [u8; 32]) -> Result<Option<Id<Mail>>> {
    read.query_one(&KEY, params![key], |row| row.get(0))
}

/// Deletes a letter that is in no ticket.
pub(super) fn delete(tx: &mut Tx<'_>, id: Id<Mail>) -> Result<()> {
    // At once: they refer to the letter.
    drop_keys(tx, id)?;
    tx.execute_later(&DELETE, params![id])?;
    tx.wake(Wake::Settled(id.uuid()));
    Ok(())
}

/// Forgets what a letter of a deleted ticket said.
pub(super) fn empty(tx: &mut Tx<'_>, id: Id<Mail>) -> Result<()> {
    tx.execute(&EMPTY_ONE, params![id, serde_json::json!([]), serde_json::json!({})]).map(|_| ())
}

pub(super) fn drop_keys(tx: &mut Tx<'_>, id: Id<Mail>) -> Result<()> {
    tx.execute(&DROP_KEYS, params![id]).map(|_| ())
}

fn header_hash(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

/// From now on this Message-ID leads to the ticket.
pub(super) fn refer(tx: &mut Tx<'_>, header_id: &str, ticket: Id<Ticket>, is_seen: bool) -> Result<()> {
    let now = tx.now();
    tx.execute(&ADD_REFERENCE, params![header_hash(header_id), ticket, is_seen, now]).map(|_| ())
}

/// Whether a mail of this Message-ID was filed before.
pub(super) fn is_seen(read: &Read<'_>, header_id: &str) -> Result<bool> {
    Ok(read.query_one(&SEEN, params![header_hash(header_id)], |_| Ok(()))?.is_some())
}

pub(super) fn referenced(read: &Read<'_>, header_id: &str) -> Result<Vec<Id<Ticket>>> {
    read.query_all(&REFERENCED, params![header_hash(header_id)], |row| row.get(0))
}

/// What a reply address was given away for.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyAddress {
    pub ticket: Id<Ticket>,
    pub user: Option<Id<User>>,
    pub forward: Option<Id<Forward>>,
}

pub(super) fn reply_address(read: &Read<'_>, hash: [u8; 32]) -> Result<Option<ReplyAddress>> {
    read.query_one(&REPLY_ADDRESS, params![hash], |row| {
        Ok(ReplyAddress { ticket: row.get(0)?, user: row.get(1)?, forward: row.get(2)? })
    })
}

pub(super) fn add_message(tx: &mut Tx<'_>, ticket: Id<Ticket>, m: &MessageMail) -> Result<()> {
    tx.execute(
        &ADD_MESSAGE,
        params![
            m.message_id,
            ticket,
            m.mail_id,
            m.from_email,
            m.from_name,
            m.found_by,
            m.reason,
            m.standing,
            m.automated,
            m.is_authentic,
            m.has_html,
            serde_json::json!(m.copied),
            serde_json::json!(m.withheld),
            m.follows_id
        ],
    )
    .map(|_| ())
}

fn map_message(row: &Row<'_>) -> Result<MessageMail> {
    let mut c = row.columns();
    Ok(MessageMail {
        message_id: c.next()?,
        mail_id: c.next()?,
        from_email: c.next()?,
        from_name: c.next()?,
        found_by: c.next()?,
        reason: c.next()?,
        standing: c.next()?,
        automated: c.next()?,
        is_authentic: c.next()?,
        has_html: c.next()?,
        copied: list(c.next()?)?,
        withheld: list(c.next()?)?,
        follows_id: c.next()?,
    })
}

pub(super) fn of_messages(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<MessageMail>> {
    read.query_all(&OF_MESSAGES, params![ticket], map_message)
}

pub(super) fn of_message(read: &Read<'_>, message: Id<Message>) -> Result<Option<MessageMail>> {
    read.query_one(&OF_MESSAGE, params![message], map_message)
}

pub(super) fn set_standing(
    tx: &mut Tx<'_>,
    message: Id<Message>,
    standing: super::model::Standing,
) -> Result<()> {
    tx.execute(&SET_STANDING, params![message, standing]).map(|_| ())
}

pub(super) fn rewrite(tx: &mut Tx<'_>, message: Id<Message>, body: &str, html: &str) -> Result<()> {
    tx.execute(&REWRITE, params![message, body, html]).map(|_| ())
}

/// Forgets what a deleted ticket's letters said.
pub fn forget_ticket(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    for drop in [&DROP_MESSAGES, &DROP_REFERENCES, &DROP_REPLY_ADDRESSES] {
        tx.execute(drop, params![ticket])?;
    }
    tx.execute(&EMPTY, params![ticket, serde_json::json!([]), serde_json::json!({})]).map(|_| ())
}

impl Mail {
    /// Decided: this became of it.
    pub(super) fn come_to(&mut self, outcome: Outcome, reason: impl Into<String>) {
        self.state = match outcome {
            Outcome::Quarantined => MailState::Quarantined,
            _ => MailState::Done,
        };
        self.outcome = Some(outcome);
        self.reason = reason.into();
    }
}
