//! Rows of changes of many tickets. Private but for reads.

use base::{Actor, Error, Id, OrNotFound, Result};
use db::{Read, Row, Tx, params};
use identity::Staff;

use super::model::*;
use crate::tickets::Ticket;

db::statements! {
    INSERT = "insert into bulk_changes (tenant_id, id, changes, status, total, done, failed, restored, user_id, actor_kind, actor_id, actor_name, role, created_at)
        values (?1, ?2, ?3, 'collecting', ?4, 0, 0, 0, ?5, ?6, ?7, ?8, ?9, ?10)";
    BY_ID = "select id, changes, status, total, done, failed, restored, user_id, actor_kind, coalesce(actor_id, user_id), actor_name, undone_by_kind,
        undone_by_id, undone_by_name, role, created_at, finished_at
        from bulk_changes where tenant_id = ?1 and id = ?2";
    LOCK = "select 1 from bulk_changes where tenant_id = ?1 and id = ?2 {lock}";
    SAVE = "update bulk_changes set status = ?3, done = ?4, failed = ?5, restored = ?6, finished_at = ?7 where tenant_id = ?1 and id = ?2";
    SAVE_UNDOER = "update bulk_changes set undone_by_kind = ?3, undone_by_id = ?4, undone_by_name = ?5 where tenant_id = ?1 and id = ?2";
    ABANDONED = "select id from bulk_changes where tenant_id = ?1 and status = 'collecting' and created_at < ?2 order by created_at limit 100";
    GIVE_UP_ITEMS = "update bulk_items set outcome = 'failed', reason = ?3 where tenant_id = ?1 and bulk_id = ?2 and outcome = 'waiting'";
    INSERT_ITEM = "insert into bulk_items (tenant_id, bulk_id, position, ticket_id, outcome) values (?1, ?2, ?3, ?4, 'waiting') on conflict do nothing";
    SAVE_ITEM = "update bulk_items set outcome = ?4, reason = ?5, before = ?6, version = ?7 where tenant_id = ?1 and bulk_id = ?2 and position = ?3";
    INSERT_UNKNOWN = "insert into bulk_items (tenant_id, bulk_id, position, ticket_id, outcome, reason) values (?1, ?2, ?3, ?4, 'failed', ?5) on conflict do nothing";
    COUNT_FAILED = "update bulk_changes set failed = failed + ?3 where tenant_id = ?1 and id = ?2";
    ITEMS = "select position, ticket_id, outcome, reason, before, version from bulk_items where tenant_id = ?1 and bulk_id = ?2 and position > ?3
        order by position limit ?4";
}

fn map(row: &Row<'_>) -> Result<Bulk> {
    let mut c = row.columns();
    let id = c.next()?;
    let changes = serde_json::from_value(c.next()?).map_err(Error::from_source)?;
    let (status, total, done, failed, restored) = (c.next()?, c.next()?, c.next()?, c.next()?, c.next()?);
    let user_id: Option<Id<identity::User>> = c.next()?;
    let actor = Actor { kind: c.next()?, id: c.next()?, name: c.next()? };
    let (kind, by, name): (Option<base::ActorKind>, _, Option<String>) = (c.next()?, c.next()?, c.next()?);
    let undone_by = kind.zip(name).map(|(kind, name)| Actor { kind, id: by, name });
    let role: String = c.next()?;
    Ok(Bulk {
        id,
        changes,
        status,
        total,
        done,
        failed,
        restored,
        user_id,
        actor,
        undone_by,
        role: role.parse()?,
        created_at: c.next()?,
        finished_at: c.next()?,
    })
}

pub fn get(read: &Read<'_>, id: Id<Bulk>) -> Result<Bulk> {
    read.query_one(&BY_ID, params![id], map)?.or_not_found("bulk change")
}

/// Changes that began before an instant and never heard which tickets they are of.
pub(super) fn abandoned(read: &Read<'_>, before: base::Timestamp) -> Result<Vec<Id<Bulk>>> {
    read.query_all(&ABANDONED, params![before], |row| row.get(0))
}

/// Says of every ticket that waits why it is not changed; answers how many those are.
pub(super) fn give_up_items(tx: &mut Tx<'_>, id: Id<Bulk>, why: &str) -> Result<u64> {
    tx.execute(&GIVE_UP_ITEMS, params![id, why])
}

pub(super) fn lock(tx: &mut Tx<'_>, id: Id<Bulk>) -> Result<Bulk> {
    tx.query_one(&LOCK, params![id], |_| Ok(()))?;
    get(tx, id)
}

pub(super) fn insert(tx: &mut Tx<'_>, staff: &Staff, changes: &Changes, total: u32) -> Result<Id<Bulk>> {
    let (id, now, actor): (Id<Bulk>, _, _) = (tx.new_id(), tx.now(), tx.actor().clone());
    let changes = serde_json::to_value(changes).map_err(Error::from_source)?;
    tx.execute(
        &INSERT,
        params![
            id,
            changes,
            total,
            staff.user_id,
            actor.kind,
            actor.id,
            actor.name,
            staff.role.as_str(),
            now
        ],
    )?;
    Ok(id)
}

pub(super) fn save(tx: &mut Tx<'_>, b: &Bulk) -> Result<()> {
    tx.execute(&SAVE, params![b.id, b.status, b.done, b.failed, b.restored, b.finished_at]).map(|_| ())
}

/// Writes down who takes it back.
pub(super) fn save_undoer(tx: &mut Tx<'_>, id: Id<Bulk>, by: &Actor) -> Result<()> {
    tx.execute(&SAVE_UNDOER, params![id, by.kind, by.id, by.name]).map(|_| ())
}

pub(super) fn insert_items(tx: &mut Tx<'_>, id: Id<Bulk>, from: u32, tickets: &[Id<Ticket>]) -> Result<()> {
    for (position, ticket) in (from..).zip(tickets) {
        tx.execute_later(&INSERT_ITEM, params![id, position, ticket])?;
    }
    Ok(())
}

/// Names of which there is no ticket, each at its place. Places that are taken stay.
pub(super) fn insert_unknown(tx: &mut Tx<'_>, id: Id<Bulk>, names: &[(u32, String)]) -> Result<()> {
    let mut new = 0;
    for (position, name) in names {
        let name: String = name.chars().take(60).collect();
        let reason = format!("there is no ticket {name}; give its number or its id");
        new += tx.execute(&INSERT_UNKNOWN, params![id, position, NO_TICKET, reason])?;
    }
    if new > 0 {
        tx.execute(&COUNT_FAILED, params![id, i64::try_from(new).unwrap_or(i64::MAX)])?;
    }
    Ok(())
}

pub(super) fn save_item(tx: &mut Tx<'_>, id: Id<Bulk>, item: &Item) -> Result<()> {
    let known = item.known.as_ref().map(serde_json::to_value).transpose().map_err(Error::from_source)?;
    tx.execute_later(&SAVE_ITEM, params![id, item.position, item.outcome, item.reason, known, item.version])
}

/// Items after a position, in order; positions begin at 1.
pub fn items(read: &Read<'_>, id: Id<Bulk>, after: u32, limit: u32) -> Result<Vec<Item>> {
    read.query_all(&ITEMS, params![id, after, limit], |row| {
        let mut c = row.columns();
        let (position, ticket_id, outcome, reason) = (c.next()?, c.next()?, c.next()?, c.next()?);
        let known: Option<serde_json::Value> = c.next()?;
        let known = known.map(serde_json::from_value).transpose().map_err(Error::from_source)?;
        Ok(Item { position, ticket_id, outcome, reason, known, version: c.next()? })
    })
}
