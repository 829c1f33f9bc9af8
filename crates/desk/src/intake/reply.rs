//! What our letters carry so that answers find back: the channel's address as sender, a reply address of their own, and the
//! Message-ID they answer.

use base::{Email, Id, Result};
use db::{Read, Tx, params};
use identity::{User, tenants};
use sha2::{Digest, Sha256};

use super::store;
use crate::{
    Ticket,
    channels::{self, MailChannel},
    tickets::Forward,
};

/// Whose answer a reply address is for.
#[derive(Clone, Copy, Debug)]
pub enum Replier {
    Customer,
    Staff(Id<User>),
    Forward(Id<Forward>),
    /// It is answered at the desk.
    Nobody,
}

/// Headers of a letter about a ticket.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    pub from: Option<Email>,
    pub reply_to: Option<Email>,
    pub in_reply_to: Option<String>,
}

db::statements! {
    ADD = "insert into reply_addresses (tenant_id, token_hash, ticket_id, user_id, forward_id, created_at) values (?1, ?2, ?3, ?4, ?5, ?6)";
    LAST_FROM = "select m.header_id from message_mails mm join mails m on m.tenant_id = mm.tenant_id and m.id = mm.mail_id
        where mm.tenant_id = ?1 and mm.ticket_id = ?2 and mm.from_email = ?3 and m.header_id is not null
        order by mm.message_id desc limit 1";
}

/// 100 random bits as 20 characters of base32 in lower case: local parts lose their case on the way.
const SECRET_CHARS: usize = 20;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The address mail of a ticket goes out from: the one it was mailed to, else the business's first.
fn channel_of(read: &Read<'_>, ticket: &Ticket) -> Result<Option<MailChannel>> {
    let own = match ticket.mail_channel_id {
        Some(id) => channels::find(read, id)?.filter(|c| c.disabled_at.is_none()),
        None => None,
    };
    if own.is_some() {
        return Ok(own);
    }
    // The oldest: a business that adds an address does not move its letters to it.
    Ok(channels::enabled(read)?.into_iter().min_by_key(|c| c.id))
}

/// What stands beneath answers of a ticket.
pub fn signature(read: &Read<'_>, ticket: &Ticket) -> Result<Option<String>> {
    Ok(channel_of(read, ticket)?.map(|c| c.signature).filter(|s| !s.is_empty()))
}

/// Headers for a letter about a ticket to somebody. Each letter has a reply address of its own.
pub fn headers(tx: &mut Tx<'_>, ticket: &Ticket, to: &Email, replier: Replier) -> Result<Headers> {
    let Some(channel) = channel_of(tx, ticket)? else { return Ok(Headers::default()) };
    let from = Some(channel.address.clone());
    let takes_staff = || tenants::get(tx, tx.tenant()?).map(|t| t.settings.agents_answer_by_mail);
    let is_answered = match replier {
        Replier::Nobody => false,
        // An address that lets nobody answer would promise what is not done.
        Replier::Staff(_) => takes_staff()?,
        Replier::Customer | Replier::Forward(_) => true,
    };
    if !is_answered {
        return Ok(Headers { from, ..Headers::default() });
    }
    let secret = new_secret(tx);
    let (user, forward) = match replier {
        Replier::Customer => (None, None),
        Replier::Staff(user) => (Some(user), None),
        Replier::Forward(forward) => (None, Some(forward)),
        Replier::Nobody => (None, None),
    };
    let now = tx.now();
    tx.execute(&ADD, params![hash(&secret), ticket.id, user, forward, now])?;
    let in_reply_to = tx.query_one(&LAST_FROM, params![ticket.id, to.key()], |row| row.get(0))?;
    Ok(Headers { from, reply_to: Some(channel.reply_address_with(&secret)?), in_reply_to })
}

fn new_secret(tx: &Tx<'_>) -> String {
    let mut bytes = [0; SECRET_CHARS];
    tx.entropy().fill(&mut bytes);
    bytes.iter().map(|b| char::from(ALPHABET[usize::from(*b & 31)])).collect()
}

pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// What a reply address is for, when it is one of ours.
pub(super) fn owner(read: &Read<'_>, secret: &str) -> Result<Option<store::ReplyAddress>> {
    if secret.len() != SECRET_CHARS || !secret.bytes().all(|b| ALPHABET.contains(&b)) {
        return Ok(None);
    }
    store::reply_address(read, hash(secret))
}
