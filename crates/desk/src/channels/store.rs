//! Rows of channels.

use base::{Email, Error, Id, OrNotFound, Result, TenantId};
use db::{Read, Row, Tx, params};
use identity::Token;

use super::model::MailChannel;
use crate::tickets::Priority;

macro_rules! columns {
    () => {
        "id, address, name, team_id, priority, category, signature, reply_address, acknowledges, unknown_senders, contact_forms,
         forwarding_staff, trusted_host, key_prefix, disabled_at, version, created_at, updated_at, mailing_lists, trusted_sealers"
    };
}

db::statements! {
    INSERT = "insert into channels (tenant_id, id, address, address_key, name, team_id, priority, category, signature, reply_address, acknowledges,
        unknown_senders, contact_forms, forwarding_staff, trusted_host, key_hash, key_prefix, disabled_at, version, created_at, updated_at,
        mailing_lists, trusted_sealers) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?20, ?21, ?22) on conflict do nothing";
    SAVE = "update channels set name = ?3, team_id = ?4, priority = ?5, category = ?6, signature = ?7, reply_address = ?8, acknowledges = ?9,
        unknown_senders = ?10, contact_forms = ?11, forwarding_staff = ?12, trusted_host = ?13, disabled_at = ?14, version = ?15, updated_at = ?16,
        mailing_lists = ?17, trusted_sealers = ?18
        where tenant_id = ?1 and id = ?2";
    SET_KEY = "update channels set key_hash = ?3, key_prefix = ?4, version = version + 1, updated_at = ?5 where tenant_id = ?1 and id = ?2";
    TAKE_ADDRESS = "insert into channel_addresses (tenant_id, address_key, channel_id) values (?1, ?2, ?3) on conflict do nothing";
    HAS_ADDRESS = "select 1 from channel_addresses where tenant_id = ?1 and address_key = ?2 and channel_id = ?3";
    LET_ADDRESS_GO = "delete from channel_addresses where tenant_id = ?1 and address_key = ?2 and channel_id = ?3";
    LET_ADDRESSES_GO = "delete from channel_addresses where tenant_id = ?1 and channel_id = ?2";
    LEAVE_TEAM = "update channels set team_id = null, version = version + 1, updated_at = ?3 where tenant_id = ?1 and team_id = ?2";
    DELETE_MAILBOX = "delete from channel_mailboxes where tenant_id = ?1 and channel_id = ?2";
    DELETE = "delete from channels where tenant_id = ?1 and id = ?2";
    LOCK = "select 1 from channels where tenant_id = ?1 and id = ?2 {lock}";
    BY_ID = concat!("select ", columns!(), " from channels where tenant_id = ?1 and id = ?2");
    BY_ADDRESS = concat!("select ", columns!(), " from channels where tenant_id = ?1 and address_key = ?2");
    ALL = concat!("select ", columns!(), " from channels where tenant_id = ?1 order by address_key");
    HAS_MAIL = "select 1 from mails where tenant_id = ?1 and channel_id = ?2 limit 1";
    // A door knows an address or a key, and not yet whose it is.
    installation ADDRESS_ANYWHERE = "select c.tenant_id, c.id from channel_addresses a join channels c on c.tenant_id = a.tenant_id and c.id = a.channel_id
        where a.address_key = ?1 and c.disabled_at is null";
    installation KEY_ANYWHERE = "select tenant_id, id from channels where key_hash = ?1 and disabled_at is null";
}

fn map(row: &Row<'_>) -> Result<MailChannel> {
    let mut c = row.columns();
    let (id, address, name, team_id) = (c.next()?, c.next()?, c.next()?, c.next()?);
    Ok(MailChannel {
        id,
        address,
        name,
        team_id,
        priority: c.next::<Priority>()?,
        category: c.next()?,
        signature: c.next()?,
        reply_address: c.next()?,
        acknowledges: c.next()?,
        unknown_senders: c.next()?,
        contact_forms: serde_json::from_value(c.next()?).map_err(Error::from_source)?,
        forwarding_staff: c.next()?,
        trusted_host: c.next()?,
        key_prefix: c.next()?,
        disabled_at: c.next()?,
        version: c.next()?,
        created_at: c.next()?,
        updated_at: c.next()?,
        mailing_lists: serde_json::from_value(c.next()?).map_err(Error::from_source)?,
        trusted_sealers: serde_json::from_value(c.next()?).map_err(Error::from_source)?,
    })
}

/// False when the address is taken, here or by somebody else.
pub(super) fn insert(tx: &mut Tx<'_>, c: &MailChannel, key_hash: [u8; 32]) -> Result<bool> {
    let inserted = tx.execute(
        &INSERT,
        params![
            c.id,
            c.address,
            c.address.key(),
            c.name,
            c.team_id,
            c.priority,
            c.category,
            c.signature,
            c.reply_address,
            c.acknowledges,
            c.unknown_senders,
            serde_json::json!(c.contact_forms),
            c.forwarding_staff,
            c.trusted_host,
            key_hash,
            c.key_prefix,
            c.disabled_at,
            c.version,
            c.created_at,
            serde_json::json!(c.mailing_lists),
            serde_json::json!(c.trusted_sealers)
        ],
    )?;
    Ok(inserted == 1)
}

pub(super) fn save(tx: &mut Tx<'_>, c: &MailChannel) -> Result<()> {
    tx.execute(
        &SAVE,
        params![
            c.id,
            c.name,
            c.team_id,
            c.priority,
            c.category,
            c.signature,
            c.reply_address,
            c.acknowledges,
            c.unknown_senders,
            serde_json::json!(c.contact_forms),
            c.forwarding_staff,
            c.trusted_host,
            c.disabled_at,
            c.version,
            c.updated_at,
            serde_json::json!(c.mailing_lists),
            serde_json::json!(c.trusted_sealers)
        ],
    )
    .map(|_| ())
}

/// Makes mail to an address this channel's. False when it is another one's, here or of another business.
pub(super) fn take_address(tx: &mut Tx<'_>, id: Id<MailChannel>, address: &Email) -> Result<bool> {
    if tx.execute(&TAKE_ADDRESS, params![address.key(), id])? == 1 {
        return Ok(true);
    }
    Ok(tx.query_one(&HAS_ADDRESS, params![address.key(), id], |_| Ok(()))?.is_some())
}

pub(super) fn let_address_go(tx: &mut Tx<'_>, id: Id<MailChannel>, address: &Email) -> Result<()> {
    tx.execute(&LET_ADDRESS_GO, params![address.key(), id]).map(|_| ())
}

pub(super) fn set_key(tx: &mut Tx<'_>, id: Id<MailChannel>, hash: [u8; 32], prefix: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(&SET_KEY, params![id, hash, prefix, now]).map(|_| ())
}

pub(super) fn delete(tx: &mut Tx<'_>, id: Id<MailChannel>) -> Result<()> {
    tx.execute(&DELETE_MAILBOX, params![id])?;
    super::oauth::forget_channel(tx, id)?;
    super::sent::forget(tx, id)?;
    super::outgoing::forget(tx, id)?;
    crate::intake::waiting::forget_channel(tx, id)?;
    crate::intake::gone::forget_channel(tx, id)?;
    tx.execute(&LET_ADDRESSES_GO, params![id])?;
    tx.execute(&DELETE, params![id]).map(|_| ())
}

/// Takes every channel from a team that is about to be deleted.
pub fn leave_team(tx: &mut Tx<'_>, team: Id<identity::teams::Team>) -> Result<()> {
    let now = tx.now();
    tx.execute(&LEAVE_TEAM, params![team, now]).map(|_| ())
}

pub(super) fn has_mail(read: &Read<'_>, id: Id<MailChannel>) -> Result<bool> {
    Ok(read.query_one(&HAS_MAIL, params![id], |_| Ok(()))?.is_some())
}

pub(super) fn lock(tx: &mut Tx<'_>, id: Id<MailChannel>) -> Result<Option<MailChannel>> {
    if tx.query_one(&LOCK, params![id], |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    find(tx, id)
}

pub fn find(read: &Read<'_>, id: Id<MailChannel>) -> Result<Option<MailChannel>> {
    read.query_one(&BY_ID, params![id], map)
}

pub fn get(read: &Read<'_>, id: Id<MailChannel>) -> Result<MailChannel> {
    find(read, id)?.or_not_found("channel")
}

/// All channels, by address.
pub fn all(read: &Read<'_>) -> Result<Vec<MailChannel>> {
    // Whatever writes many letters asks for each of them.
    read.recall(&ALL, params![], map)
}

/// Those that take mail.
pub fn enabled(read: &Read<'_>) -> Result<Vec<MailChannel>> {
    Ok(all(read)?.into_iter().filter(|c| c.disabled_at.is_none()).collect())
}

/// The channel of an address of this business, without a secret part.
pub fn by_address(read: &Read<'_>, address: &Email) -> Result<Option<MailChannel>> {
    read.query_one(&BY_ADDRESS, params![address.key()], map)
}

/// The channel of this business that mail to an address comes in by: its own address or where its answers go, also with a
/// secret part.
pub fn own(read: &Read<'_>, address: &Email) -> Result<Option<MailChannel>> {
    let plain = address.key();
    let without_secret = match plain.split_once('@') {
        Some((local, domain)) => local.split_once('+').map(|(name, _)| format!("{name}@{domain}")),
        None => None,
    };
    let is_it = |own: &Email| own.key() == plain || Some(own.key()) == without_secret;
    Ok(all(read)?.into_iter().find(|c| is_it(&c.address) || c.reply_address.as_ref().is_some_and(is_it)))
}

/// Refuses an address of this business where somebody else's is meant: mail to it would come back in here. Another
/// business's is an address like any other.
///
/// # Errors
/// `address.own_channel`, on the field.
pub fn check_not_own(read: &Read<'_>, field: &'static str, address: &Email) -> Result<()> {
    match own(read, address)? {
        None => Ok(()),
        Some(channel) => Err(Error::field(
            field,
            "address.own_channel",
            format!(
                "{} is an address of your own channel {}, and mail to it comes back in here; name somebody else's",
                address.as_str(),
                channel.address.as_str()
            ),
        )),
    }
}

/// Which business takes mail at this address, in a scope of the installation.
pub fn by_address_anywhere(read: &Read<'_>, address: &Email) -> Result<Option<(TenantId, Id<MailChannel>)>> {
    read.query_one(&ADDRESS_ANYWHERE, params![address.key()], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Whose key this is, in a scope of the installation.
pub fn by_key_anywhere(read: &Read<'_>, key: &Token) -> Result<Option<(TenantId, Id<MailChannel>)>> {
    read.query_one(&KEY_ANYWHERE, params![key.hash()], |row| Ok((row.get(0)?, row.get(1)?)))
}
