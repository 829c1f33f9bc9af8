//! Mail that led nowhere does not stay for ever, and what was deleted for good stays gone.
//!
//! The rule this part protects: **what waits for somebody's decision is never deleted**, however long it waits. What was not
//! taken, thrown away, written by a program about no ticket, here already or sent from here to nobody we know goes with its
//! row, its bytes and its files, so many days after that was decided as the business says.
//!
//! A mailbox hands out again what it holds: after it was renumbered, restored, or set to be read from its beginning. A letter
//! that went leaves marks there, made with a secret of the business, and one that bears a mark is not kept.

use base::{Id, Result, Timestamp, hours};
use db::{Tx, params};
use identity::{audit, tenants};
use notices::letters;
use sha2::{Digest, Sha256};

use super::{
    model::{Door, Mail, MailState},
    receive::Received,
    store,
};
use crate::{channels::MailChannel, leftovers};

/// Deleted in one transaction.
const BATCH: u32 = 200;
/// What marks are made with.
const SECRET: &str = "gone_mails";

db::statements! {
    DUE = "select id, channel_id, door, sha256 from mails where tenant_id = ?1 and settled_at < ?2 and message_id is null
        and state in ('done', 'discarded') order by settled_at limit ?3 {skip_locked}";
    FORGOTTEN = "select 1 from mails where tenant_id = ?1 and sha256 = ?2 and channel_id = ?3 and door = ?4 and state = 'forgotten' limit 1";
    KEYS = "select mail_key from mail_keys where tenant_id = ?1 and mail_id = ?2";
    MARK = "insert into gone_mails (tenant_id, channel_id, mark, gone_at) values (?1, ?2, ?3, ?4) on conflict do nothing";
    IS_MARKED = "select 1 from gone_mails where tenant_id = ?1 and channel_id = ?2 and mark = ?3";
    FORGET_MARKS = "delete from gone_mails where tenant_id = ?1 and channel_id = ?2";
}

/// A letter that may be deleted.
struct Stray {
    id: Id<Mail>,
    channel: Id<MailChannel>,
    door: Door,
    sha256: [u8; 32],
}

/// Deletes some of what led nowhere longer ago than the business's setting says; whether there may be more. A schedule's piece.
pub fn purge_strays(tx: &mut Tx<'_>) -> Result<bool> {
    let days = tenants::get(tx, tx.tenant()?)?.settings.stray_mail_retention_days;
    if days == 0 {
        return Ok(false);
    }
    let before: Timestamp = tx.now() - hours(24 * i64::from(days));
    // Held: whoever lets one out meanwhile does so before, or finds it gone.
    let due = tx.query_all(&DUE, params![before, BATCH], |row| {
        Ok(Stray { id: row.get(0)?, channel: row.get(1)?, door: row.get(2)?, sha256: row.get(3)? })
    })?;
    let secret = letters::secret_of(tx, SECRET)?;
    for stray in &due {
        if is_of_mailbox(stray.door) {
            mark(tx, stray, &secret)?;
        }
        leftovers::note(tx, stray.sha256)?;
        store::delete(tx, stray.id)?;
    }
    if !due.is_empty() {
        let many = serde_json::json!({ "count": due.len(), "after_days": days });
        audit::record(tx, audit::Change::new("mail.purged", "mail", None).to(&many))?;
    }
    Ok(due.len() == BATCH as usize)
}

/// Other doors bring a letter when somebody sends it.
fn is_of_mailbox(door: Door) -> bool {
    matches!(door, Door::Imap | Door::Sent)
}

fn mark(tx: &mut Tx<'_>, stray: &Stray, secret: &[u8]) -> Result<()> {
    let now = tx.now();
    let keys = tx.query_all(&KEYS, params![stray.id], |row| row.get::<[u8; 32]>(0))?;
    for known in keys.into_iter().map(Known::Letter).chain([Known::Bytes(stray.sha256)]) {
        tx.execute_later(&MARK, params![stray.channel, known.mark(secret), now])?;
    }
    Ok(())
}

/// What a letter is known by: the key of its Message-ID and body, or all of its bytes.
#[derive(Clone, Copy)]
enum Known {
    Letter([u8; 32]),
    Bytes([u8; 32]),
}

impl Known {
    fn mark(self, secret: &[u8]) -> [u8; 32] {
        let (kind, hash) = match self {
            Self::Letter(key) => (b'l', key),
            Self::Bytes(sha256) => (b'b', sha256),
        };
        Sha256::new().chain_update(secret).chain_update([kind]).chain_update(hash).finalize().into()
    }
}

fn is_marked(tx: &mut Tx<'_>, channel: Id<MailChannel>, known: Known) -> Result<bool> {
    let mark = known.mark(&letters::secret_of(tx, SECRET)?);
    Ok(tx.query_one(&IS_MARKED, params![channel, mark], |_| Ok(()))?.is_some())
}

/// Whether these very bytes were in a letter of this channel that is gone.
pub(super) fn are_its_bytes(tx: &mut Tx<'_>, letter: &Received) -> Result<bool> {
    let with_ticket =
        tx.query_one(&FORGOTTEN, params![letter.blob.sha256.0, letter.channel, letter.door], |_| Ok(()))?;
    Ok(with_ticket.is_some() || is_marked(tx, letter.channel, Known::Bytes(letter.blob.sha256.0))?)
}

/// Whether a mailbox handed a letter out of itself: nobody sent it again, and nobody here asked to have it read again. Only
/// such a letter can be one that is gone; what a person sends, or has before them, is deleted by no likeness.
pub(super) fn is_handed_out(mail: &Mail) -> bool {
    is_of_mailbox(mail.door) && mail.run == 1
}

/// Whether a letter of a mailbox is one that is gone, in other bytes: servers write lines above it. Of its ticket, whose
/// words were deleted; or by itself. It is forgotten then, like that one.
pub(super) fn returns(tx: &mut Tx<'_>, mail: &mut Mail, key: [u8; 32]) -> Result<bool> {
    if !is_handed_out(mail) {
        return Ok(false);
    }
    if is_marked(tx, mail.channel_id, Known::Letter(key))? {
        mail.state = MailState::Forgotten;
        return Ok(true);
    }
    // Of what came in, whoever takes the key is asked the same.
    let holder = if mail.door == Door::Sent { store::holder(tx, key)? } else { None };
    let first = match holder.filter(|first| *first != mail.id) {
        Some(first) => store::find(tx, first)?,
        None => None,
    };
    Ok(first.is_some_and(|first| is_gone_like(mail, &first)))
}

/// Forgets a letter whose first copy was forgotten with its ticket.
pub(super) fn is_gone_like(mail: &mut Mail, first: &Mail) -> bool {
    if first.state != MailState::Forgotten || !is_handed_out(mail) {
        return false;
    }
    mail.state = MailState::Forgotten;
    mail.outcome = first.outcome;
    mail.ticket_id = first.ticket_id;
    true
}

/// The rest of it: nothing that it says is kept. Beside its ticket's other letters its row stays, as theirs do.
pub(super) fn forget(tx: &mut Tx<'_>, mail: &Mail) -> Result<()> {
    leftovers::note(tx, mail.sha256)?;
    match mail.ticket_id {
        Some(_) => store::empty(tx, mail.id),
        None => store::delete(tx, mail.id),
    }
}

/// The channel goes.
pub(crate) fn forget_channel(tx: &mut Tx<'_>, channel: Id<MailChannel>) -> Result<()> {
    tx.execute(&FORGET_MARKS, params![channel]).map(|_| ())
}
