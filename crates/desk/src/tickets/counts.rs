//! How many tickets are in the queue, by status, assignee and team: kept by the change that moves them.
//!
//! On SQLite, where one writer takes turns anyway, a change adds to a row. On PostgreSQL it inserts what it adds, and a
//! schedule folds that: measured, one shared row per queue would hold all writers up.

use std::collections::BTreeMap;

use base::{Id, Result};
use db::{Read, Tx, params};
use identity::{User, teams::Team};
use uuid::Uuid;

use super::model::*;

db::statements! {
    ADD = "insert into ticket_counts (tenant_id, status, is_snoozed, assigned_to, team_id, part, count) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        on conflict (tenant_id, status, is_snoozed, assigned_to, team_id, part) do update set count = ticket_counts.count + excluded.count";
    ADD_PART = "insert into ticket_counts (tenant_id, status, is_snoozed, assigned_to, team_id, part, count) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    SUMS = "select status, is_snoozed, assigned_to, team_id, cast(sum(count) as bigint) from ticket_counts where tenant_id = ?1
        group by status, is_snoozed, assigned_to, team_id";
    PARTS = "select status, is_snoozed, assigned_to, team_id, part, count from ticket_counts where tenant_id = ?1 and part <> ?2 limit ?3";
    DROP_PART = "delete from ticket_counts where tenant_id = ?1 and status = ?2 and is_snoozed = ?3 and assigned_to = ?4 and team_id = ?5 and part = ?6";
    DROP_EMPTY = "delete from ticket_counts where tenant_id = ?1 and part = ?2 and count = 0";
    // By the primary key of what the team's index found: in the order in which rows are held.
    HOLD_TEAM = "select id from tickets where tenant_id = ?1 and id in (select t.id from tickets t where t.tenant_id = ?1 and t.team_id = ?2)
        order by survivor_id is null, id {lock}";
    LEAVING = "select status, snoozed_at is not null, assigned_to, count(*) from tickets
        where tenant_id = ?1 and team_id = ?2 and survivor_id is null and deleted_at is null and (close_reason is null or close_reason <> 'spam')
        group by status, snoozed_at is not null, assigned_to";
    RECOUNT = "select status, snoozed_at is not null, assigned_to, team_id, count(*) from tickets
        where tenant_id = ?1 and survivor_id is null and deleted_at is null and (close_reason is null or close_reason <> 'spam')
        group by status, snoozed_at is not null, assigned_to, team_id";
}

/// What a ticket is counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bucket {
    pub status: Status,
    pub is_snoozed: bool,
    pub assigned_to: Option<Id<User>>,
    pub team_id: Option<Id<Team>>,
}

impl Bucket {
    /// None for what no list shows: merged, deleted, spam.
    pub fn of(t: &Ticket) -> Option<Self> {
        let shown =
            t.survivor_id.is_none() && t.deleted_at.is_none() && t.close_reason != Some(CloseReason::Spam);
        shown.then_some(Self {
            status: t.status,
            is_snoozed: t.snoozed_at.is_some(),
            assigned_to: t.assigned_to,
            team_id: t.team_id,
        })
    }
}

fn key<T>(id: Option<Id<T>>) -> Uuid {
    id.map_or(Uuid::nil(), Id::uuid)
}
fn unkey<T>(id: Uuid) -> Option<Id<T>> {
    (!id.is_nil()).then(|| Id::from_uuid(id))
}

fn add(tx: &mut Tx<'_>, bucket: &Bucket, change: i64) -> Result<()> {
    let part = db::dialect::part_of_sum(tx);
    let (assigned_to, team) = (key(bucket.assigned_to), key(bucket.team_id));
    let values = params![bucket.status, bucket.is_snoozed, assigned_to, team, part, change];
    // A part is nobody else's.
    if part.is_nil() { tx.execute(&ADD, values).map(|_| ()) } else { tx.execute_later(&ADD_PART, values) }
}

/// Counts what a change moved.
pub(super) fn moved(tx: &mut Tx<'_>, before: Option<&Ticket>, after: &Ticket) -> Result<()> {
    let (from, to) = (before.and_then(Bucket::of), Bucket::of(after));
    if from == to {
        return Ok(());
    }
    // In one order for all, so that two changes cannot wait for each other.
    let mut changes: Vec<(Bucket, i64)> =
        from.map(|b| (b, -1)).into_iter().chain(to.map(|b| (b, 1))).collect();
    changes.sort();
    for (bucket, change) in changes {
        add(tx, &bucket, change)?;
    }
    Ok(())
}

/// Counts tickets that are about to leave their team all at once.
pub(super) fn leaving_team(tx: &mut Tx<'_>, team: Id<Team>) -> Result<()> {
    // Counted is what leaves, not what was there a moment earlier.
    tx.hold(|tx| tx.for_each(&HOLD_TEAM, params![team], |_| Ok(true)))?;
    let found = tx.query_all(&LEAVING, params![team], |row| {
        Ok((row.get::<Status>(0)?, row.get::<bool>(1)?, row.get::<Option<Id<User>>>(2)?, row.get::<i64>(3)?))
    })?;
    for (status, is_snoozed, assigned_to, count) in found {
        let bucket = Bucket { status, is_snoozed, assigned_to, team_id: Some(team) };
        add(tx, &bucket, -count)?;
        add(tx, &Bucket { team_id: None, ..bucket }, count)?;
    }
    Ok(())
}

/// The counters, of states that have any.
pub fn sums(read: &Read<'_>) -> Result<BTreeMap<Bucket, i64>> {
    let rows = read.query_all(&SUMS, params![], |row| {
        let mut c = row.columns();
        let (status, is_snoozed, assigned_to, team_id): (_, _, Uuid, Uuid) =
            (c.next()?, c.next()?, c.next()?, c.next()?);
        let bucket = Bucket { status, is_snoozed, assigned_to: unkey(assigned_to), team_id: unkey(team_id) };
        Ok((bucket, c.next::<i64>()?))
    })?;
    Ok(rows.into_iter().filter(|(_, count)| *count != 0).collect())
}

/// The same by looking at every ticket: what the counters are held against.
pub fn recount(read: &Read<'_>) -> Result<BTreeMap<Bucket, i64>> {
    let rows = read.query_all(&RECOUNT, params![], |row| {
        let mut c = row.columns();
        let bucket =
            Bucket { status: c.next()?, is_snoozed: c.next()?, assigned_to: c.next()?, team_id: c.next()? };
        Ok((bucket, c.next::<i64>()?))
    })?;
    Ok(rows.into_iter().collect())
}

/// Parts folded by one run.
const FOLD: u32 = 2_000;

/// Folds what changes added into the standing rows, which nobody else writes.
pub fn fold(tx: &mut Tx<'_>) -> Result<()> {
    let parts = tx.query_all(&PARTS, params![Uuid::nil(), FOLD], |row| {
        let mut c = row.columns();
        let key: (Status, bool, Uuid, Uuid) = (c.next()?, c.next()?, c.next()?, c.next()?);
        Ok((key, c.next::<Uuid>()?, c.next::<i64>()?))
    })?;
    let mut folded: BTreeMap<(Status, bool, Uuid, Uuid), i64> = BTreeMap::new();
    for ((status, is_snoozed, assigned_to, team), part, count) in parts {
        // A part that somebody else folded meanwhile is not counted twice.
        if tx.execute(&DROP_PART, params![status, is_snoozed, assigned_to, team, part])? == 1 {
            *folded.entry((status, is_snoozed, assigned_to, team)).or_default() += count;
        }
    }
    for ((status, is_snoozed, assigned_to, team), count) in folded {
        tx.execute(&ADD, params![status, is_snoozed, assigned_to, team, Uuid::nil(), count])?;
    }
    tx.execute(&DROP_EMPTY, params![Uuid::nil()]).map(|_| ())
}
