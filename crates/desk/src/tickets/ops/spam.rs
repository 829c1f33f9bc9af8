//! Spam: out of every list and out of the portal, with no letter; and senders who are not heard any more.

use base::{Email, Id, Result, Timestamp};
use db::{Read, Tx, params};
use identity::{Settings, Staff, audit};
use serde::Serialize;

use super::{change::move_to, changeable, settle, staff_line};
use crate::tickets::{model::*, store};

db::statements! {
    BLOCK = "insert into blocked_senders (tenant_id, email, blocked_by, created_at) values (?1, ?2, ?3, ?4) on conflict do nothing";
    UNBLOCK = "delete from blocked_senders where tenant_id = ?1 and email = ?2";
    IS_BLOCKED = "select 1 from blocked_senders where tenant_id = ?1 and email = ?2";
    ALL = "select email, blocked_by, created_at from blocked_senders where tenant_id = ?1 order by created_at desc, email limit ?2";
}

/// Somebody whose requests are closed as spam on arrival.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct BlockedSender {
    pub email: String,
    pub blocked_by: String,
    pub created_at: Timestamp,
}

/// Closes a ticket as spam, and blocks its sender where asked.
pub fn mark_spam(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    block_sender: bool,
    expected: Option<i64>,
) -> Result<Ticket> {
    let before = changeable(tx, settings, staff, id, expected)?;
    if block_sender {
        block(tx, &before.user_email.parse()?).map_err(|e| match e.field_errors().is_empty() {
            true => e,
            false => e.on_field("block_sender"),
        })?;
    }
    if before.close_reason == Some(CloseReason::Spam) {
        return Ok(before);
    }
    let mut t = before.clone();
    if t.status == Status::Resolved || t.status.is_live() {
        move_to(tx, &mut t, Status::Closed, Some(CloseReason::Spam))?;
    }
    t.close_reason = Some(CloseReason::Spam);
    // Nobody waits for it.
    t.resolved_at = None;
    t.resolution_time_minutes = None;
    t.unread_by_agent = 0;
    settle(tx, &before, t, staff_line("spam", None, Some(before.user_email.clone())))
}

/// From now on what this address files is closed as spam on arrival.
///
/// # Errors
/// `address.own_channel`.
pub fn block(tx: &mut Tx<'_>, email: &Email) -> Result<()> {
    crate::channels::check_not_own(tx, "email", email)?;
    let (by, now) = (tx.actor().name.clone(), tx.now());
    if tx.execute(&BLOCK, params![email.key(), by, now])? == 1 {
        audit::record(tx, audit::Change::new("sender.blocked", "sender", None).to(&email.key()))?;
    }
    Ok(())
}

/// Hears an address again. False when it was not blocked.
pub fn unblock(tx: &mut Tx<'_>, email: &Email) -> Result<bool> {
    let found = tx.execute(&UNBLOCK, params![email.key()])? == 1;
    if found {
        audit::record(tx, audit::Change::new("sender.unblocked", "sender", None).from(&email.key()))?;
    }
    Ok(found)
}

/// Blocked senders, newest first.
pub fn blocked(read: &Read<'_>, limit: u32) -> Result<Vec<BlockedSender>> {
    read.query_all(&ALL, params![limit], |row| {
        Ok(BlockedSender { email: row.get(0)?, blocked_by: row.get(1)?, created_at: row.get(2)? })
    })
}

/// Whether what this address files is to be put aside.
pub(super) fn is_blocked(read: &Read<'_>, email: &Email) -> Result<bool> {
    Ok(read.query_one(&IS_BLOCKED, params![email.key()], |_| Ok(()))?.is_some())
}

/// Puts a ticket aside that a blocked sender just filed.
pub(super) fn put_aside(tx: &mut Tx<'_>, t: &mut Ticket) -> Result<()> {
    let before = t.clone();
    move_to(tx, t, Status::Closed, Some(CloseReason::Spam))?;
    t.unread_by_agent = 0;
    super::audit(tx, t.id, staff_line("blocked_sender", None, Some(t.user_email.clone())))?;
    store::save(tx, &before, t)
}
