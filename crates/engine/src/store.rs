//! The queue's rows. A job is `queued`, `running` under a lease, `done`, or `dead`.

use base::{Id, Result, TenantId, Timestamp};
use db::{Read, Row, Sql, Tx, params};

use crate::Lane;

/// Marker of a job's id.
pub enum JobRow {}

/// A claimed job: ours until the lease ends. The fence says which claim it is; a settle under an older fence is refused.
#[derive(Clone, Debug)]
pub struct Claim {
    pub tenant: TenantId,
    pub id: Id<JobRow>,
    pub kind: String,
    pub lane: Lane,
    pub payload: String,
    pub attempts: u32,
    pub fence: i64,
    pub run_at: Timestamp,
    /// An attempt before this one went outside with what must not happen twice, and its end was not recorded.
    pub was_begun: bool,
}

db::statements! {
    INSERT = "insert into jobs (tenant_id, id, kind, job_key, payload, state, run_at, attempts, fence, cause, created_at, lane)
        values (?1, ?2, ?3, ?4, ?5, 'queued', ?6, 0, 0, ?7, ?8, ?9) on conflict (tenant_id, kind, job_key) do nothing";
    IS_WAITING = "select 1 from jobs where tenant_id = ?1 and kind = ?2 and job_key = ?3 and state in ('queued', 'running')";
    // Expired leases first: somebody waits longest for those.
    installation EXPIRED = "select tenant_id, id, kind, attempts from jobs where state = 'running' and lease_until <= ?1 order by lease_until limit ?2 {skip_locked}";
    installation DUE = "select tenant_id, id, kind, attempts from jobs where state = 'queued' and lane = ?3 and run_at <= ?1 order by run_at limit ?2 {skip_locked}";
    // By the ids, which are few; by the kind as it stands, SQLite would walk all of it that was done in a day.
    installation ALIKE = "select id from jobs where tenant_id = ?3 and kind || '' = ?4 and state = 'queued' and attempts = 0
        and id in (select id from jobs where state = 'queued' and lane = ?5 and run_at <= ?1 order by run_at limit ?2)
        order by run_at limit ?6 {skip_locked}";
    // In the order of the index: for any one at all, PostgreSQL reads the table from its beginning, past all that is done.
    installation ANY_DUE = "select 1 from jobs where state = 'queued' and lane = ?2 and run_at <= ?1 order by run_at limit 1";
    installation ANY_EXPIRED = "select 1 from jobs where state = 'running' and lease_until <= ?1 order by lease_until limit 1";
    HOLDS = "select 1 from jobs where tenant_id = ?1 and id = ?2 and fence = ?3 and state = 'running' {lock}";
    DONE = "update jobs set state = 'done', lease_until = null, finished_at = ?4, last_error = null
        where tenant_id = ?1 and id = ?2 and fence = ?3 and state = 'running'";
    // Of a row that is locked and was seen to be this claim's.
    DONE_HELD = "update jobs set state = 'done', lease_until = null, finished_at = ?4, last_error = null
        where tenant_id = ?1 and id = ?2 and fence = ?3";
    BEGIN = "update jobs set is_begun = ?4 where tenant_id = ?1 and id = ?2 and fence = ?3 and state = 'running'";
    AGAIN = "update jobs set state = 'queued', lease_until = null, run_at = ?4, last_error = ?5
        where tenant_id = ?1 and id = ?2 and fence = ?3 and state = 'running'";
    POSTPONE = "update jobs set state = 'queued', lease_until = null, run_at = ?4, attempts = attempts - 1
        where tenant_id = ?1 and id = ?2 and fence = ?3 and state = 'running'";
    DEAD = "update jobs set state = 'dead', lease_until = null, finished_at = ?4, last_error = ?5
        where tenant_id = ?1 and id = ?2 and fence = ?3 and state = 'running'";
    EXTEND = "update jobs set lease_until = ?4 where tenant_id = ?1 and id = ?2 and fence = ?3 and state = 'running'";
    LIST = "select id, kind, job_key, state, run_at, attempts, last_error, created_at, finished_at from jobs
        where tenant_id = ?1 and state = ?2 and id < ?3 order by id desc limit ?4";
    DEAD_JOB = "select id, kind, job_key, state, run_at, attempts, last_error, created_at, finished_at from jobs
        where tenant_id = ?1 and id = ?2 and state = 'dead'";
    COUNTS = "select state, count(*) from jobs where tenant_id = ?1 and state <> 'done' group by state";
    RERUN = "update jobs set state = 'queued', run_at = ?3, attempts = 0, finished_at = null, is_begun = false where tenant_id = ?1 and id = ?2 and state = 'dead'";
    RERUN_KEY = "update jobs set state = 'queued', run_at = ?4, attempts = 0, finished_at = null, is_begun = false
        where tenant_id = ?1 and kind = ?2 and job_key = ?3 and state in ('dead', 'done')";
    HURRY = "update jobs set run_at = ?4 where tenant_id = ?1 and kind = ?2 and job_key = ?3 and state = 'queued' and run_at > ?4";
    DISCARD = "delete from jobs where tenant_id = ?1 and id = ?2 and state = 'dead'";
    installation RELEASE = "update jobs set lease_until = ?1 where state = 'running' and lease_until > ?1";
    installation FORGET_DONE = "delete from jobs where state = 'done' and finished_at < ?1";
}

pub fn insert(
    tx: &mut Tx<'_>,
    kind: &str,
    lane: Lane,
    key: &str,
    payload: String,
    at: Timestamp,
) -> Result<()> {
    let (id, now): (Id<JobRow>, _) = (tx.new_id(), tx.now());
    let cause = tx.request_id().map(str::to_owned);
    tx.execute_later(&INSERT, params![id, kind, key, db::Value::Json(payload), at, cause, now, lane as i64])
}

pub fn is_waiting(read: &Read<'_>, kind: &str, key: &str) -> Result<bool> {
    Ok(read.query_one(&IS_WAITING, params![kind, key], |_| Ok(()))?.is_some())
}

/// How many jobs of each lane may be taken.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub awaited: usize,
    pub background: usize,
}

/// How far into the queue the likes of a due job are looked for.
const ALIKE_AMONG: u64 = 200;

/// Jobs of one tenant and kind that are worked as one, or a single one.
pub type Group = Vec<Claim>;

/// A job that may be taken.
struct Due {
    tenant: TenantId,
    id: Id<JobRow>,
    kind: String,
    /// Not an attempt before: what failed among others, or took its process with it, is tried by itself.
    is_fresh: bool,
}

fn due(row: &Row<'_>) -> Result<Due> {
    let mut c = row.columns();
    Ok(Due { tenant: c.next()?, id: c.next()?, kind: c.next()?, is_fresh: c.next::<i64>()? == 0 })
}

/// Takes due jobs under a lease, in the transaction's name. Of kinds of which several can share a transaction
/// (`together` says how many), those that are due at once are one group and take one place.
pub fn claim(
    tx: &mut Tx<'_>,
    room: Room,
    lease_until: Timestamp,
    together: impl Fn(&str) -> usize,
) -> Result<Vec<Group>> {
    let now = tx.now();
    let mut groups: Vec<(TenantId, Vec<Id<JobRow>>)> = Vec::new();
    let expired = tx.query_all(&EXPIRED, params![now, room.background as u64], due)?;
    let taken = expired.len();
    groups.extend(expired.into_iter().map(|due| (due.tenant, vec![due.id])));
    for lane in Lane::ALL {
        let most = match lane {
            Lane::Awaited => room.awaited,
            Lane::Background => room.background.saturating_sub(taken),
        };
        if most == 0 {
            continue;
        }
        let mut gathered: Vec<(TenantId, String)> = Vec::new();
        for due in tx.query_all(&DUE, params![now, most as u64, lane as i64], due)? {
            let likes = together(&due.kind);
            if !due.is_fresh || likes < 2 {
                groups.push((due.tenant, vec![due.id]));
                continue;
            }
            // The first of them took all of them along.
            if gathered.iter().any(|(tenant, kind)| *tenant == due.tenant && *kind == due.kind) {
                continue;
            }
            let (lane, likes) = (lane as i64, likes as u64);
            let alike = params![now, ALIKE_AMONG, due.tenant, due.kind, lane, likes];
            groups.push((due.tenant, tx.query_all(&ALIKE, alike, |row| row.get(0))?));
            gathered.push((due.tenant, due.kind));
        }
    }
    groups.into_iter().map(|(tenant, ids)| lease(tx, tenant, &ids, lease_until)).collect()
}

/// Lists of ids are padded, so that few statements are prepared.
const LEASED: [usize; 3] = [1, 16, 64];

fn size_of(count: usize) -> usize {
    LEASED.into_iter().find(|n| *n >= count).unwrap_or(count)
}

/// A list of parameters for so many ids, the first being this one.
fn listed(first: usize, count: usize) -> String {
    db::dialect::placeholders(first, size_of(count))
}

fn padded<'v>(ids: &[Id<JobRow>]) -> impl Iterator<Item = db::Value<'v>> {
    let last = ids.last().copied().unwrap_or(Id::from_uuid(uuid::Uuid::nil()));
    let ids = ids.iter().copied().chain(std::iter::repeat(last)).take(size_of(ids.len()));
    ids.map(|id| db::Value::Uuid(id.uuid())).collect::<Vec<_>>().into_iter()
}

fn lease(tx: &mut Tx<'_>, tenant: TenantId, ids: &[Id<JobRow>], until: Timestamp) -> Result<Group> {
    let mut group = Vec::with_capacity(ids.len());
    for ids in ids.chunks(LEASED[LEASED.len() - 1]) {
        let text = format!(
            "update jobs set state = 'running', lease_until = ?2, fence = fence + 1, attempts = attempts + 1
             where tenant_id = ?1 and id in {} returning id, kind, lane, payload, attempts, fence, run_at, is_begun",
            listed(3, ids.len())
        );
        let mut values = params![tenant, until].to_vec();
        values.extend(padded(ids));
        group.extend(tx.query_all(&Sql::built_for_all(text), &values, |row| {
            let mut c = row.columns();
            let (id, kind, lane) = (c.next()?, c.next()?, Lane::from_i64(c.next()?));
            let payload = c.next::<serde_json::Value>()?.to_string();
            let (attempts, fence, run_at, was_begun) = (c.next()?, c.next()?, c.next()?, c.next()?);
            Ok(Claim { tenant, id, kind, lane, payload, attempts, fence, run_at, was_begun })
        })?);
    }
    group.sort_by_key(|claim| (claim.run_at, claim.id));
    Ok(group)
}

pub fn anything_due(read: &Read<'_>, now: Timestamp) -> Result<bool> {
    for lane in Lane::ALL {
        if read.query_one(&ANY_DUE, params![now, lane as i64], |_| Ok(()))?.is_some() {
            return Ok(true);
        }
    }
    Ok(read.query_one(&ANY_EXPIRED, params![now], |_| Ok(()))?.is_some())
}

/// Whether this claim still holds, with the row locked until the commit.
pub fn holds(read: &Read<'_>, claim: &Claim) -> Result<bool> {
    Ok(read.query_one(&HOLDS, params![claim.id, claim.fence], |_| Ok(()))?.is_some())
}

/// Those of a group that still hold, with their rows locked until the commit.
pub fn holding(read: &Read<'_>, group: &[Claim]) -> Result<Vec<Claim>> {
    let mut held = Vec::with_capacity(group.len());
    for claims in group.chunks(LEASED[LEASED.len() - 1]) {
        let text = format!(
            "select id, fence from jobs where tenant_id = ?1 and state = 'running' and id in {} order by id {{lock}}",
            listed(2, claims.len())
        );
        let ids: Vec<Id<JobRow>> = claims.iter().map(|c| c.id).collect();
        let ids: Vec<db::Value<'_>> = padded(&ids).collect();
        held.extend(
            read.query_all(&Sql::built(text), &ids, |row| {
                Ok((row.get::<Id<JobRow>>(0)?, row.get::<i64>(1)?))
            })?,
        );
    }
    let holds = |claim: &&Claim| held.contains(&(claim.id, claim.fence));
    Ok(group.iter().filter(holds).cloned().collect())
}

/// [`done`] of a group whose rows are locked.
pub fn done_together(tx: &mut Tx<'_>, group: &[Claim]) -> Result<()> {
    let now = tx.now();
    group.iter().try_for_each(|claim| tx.execute_later(&DONE_HELD, params![claim.id, claim.fence, now]))
}

pub fn done(tx: &mut Tx<'_>, claim: &Claim) -> Result<()> {
    let now = tx.now();
    tx.execute(&DONE, params![claim.id, claim.fence, now]).map(|_| ())
}
/// Records that an attempt goes outside, or that its end is known.
pub fn begun(tx: &mut Tx<'_>, claim: &Claim, is_begun: bool) -> Result<()> {
    tx.execute(&BEGIN, params![claim.id, claim.fence, is_begun]).map(|_| ())
}
pub fn again(tx: &mut Tx<'_>, claim: &Claim, at: Timestamp, error: &str) -> Result<()> {
    tx.execute(&AGAIN, params![claim.id, claim.fence, at, error]).map(|_| ())
}
pub fn postpone(tx: &mut Tx<'_>, claim: &Claim, at: Timestamp) -> Result<()> {
    tx.execute(&POSTPONE, params![claim.id, claim.fence, at]).map(|_| ())
}
pub fn dead(tx: &mut Tx<'_>, claim: &Claim, error: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(&DEAD, params![claim.id, claim.fence, now, error]).map(|_| ())
}
pub fn extend(tx: &mut Tx<'_>, claim: &Claim, until: Timestamp) -> Result<bool> {
    tx.execute(&EXTEND, params![claim.id, claim.fence, until]).map(|n| n == 1)
}

/// A job as the admin pages show it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct JobView {
    pub id: Id<JobRow>,
    pub kind: String,
    pub key: String,
    pub state: String,
    pub run_at: Timestamp,
    pub attempts: u32,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// The newest jobs of a state before an id: `queued`, `running`, `dead` or `done`.
pub fn list(read: &Read<'_>, state: &str, before: Option<uuid::Uuid>, limit: u32) -> Result<Vec<JobView>> {
    read.query_all(&LIST, params![state, before.unwrap_or(uuid::Uuid::max()), limit], view)
}

/// A job that is dead, if it is.
pub fn dead_job(read: &Read<'_>, id: Id<JobRow>) -> Result<Option<JobView>> {
    read.query_one(&DEAD_JOB, params![id], view)
}

fn view(row: &Row<'_>) -> Result<JobView> {
    let mut c = row.columns();
    Ok(JobView {
        id: c.next()?,
        kind: c.next()?,
        key: c.next()?,
        state: c.next()?,
        run_at: c.next()?,
        attempts: c.next()?,
        last_error: c.next()?,
        created_at: c.next()?,
        finished_at: c.next()?,
    })
}

/// How many jobs are queued, running and dead.
pub fn counts(read: &Read<'_>) -> Result<Vec<(String, i64)>> {
    read.query_all(&COUNTS, params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Gives a dead job a new set of attempts. False when it is not dead.
pub fn rerun(tx: &mut Tx<'_>, id: Id<JobRow>) -> Result<bool> {
    let now = tx.now();
    let found = tx.execute(&RERUN, params![id, now])? == 1;
    if found {
        tx.wake(db::Wake::Jobs);
    }
    Ok(found)
}

/// Lets a job that waits for its next attempt begin it now.
pub fn hurry(tx: &mut Tx<'_>, kind: &str, key: &str) -> Result<()> {
    let now = tx.now();
    if tx.execute(&HURRY, params![kind, key, now])? > 0 {
        tx.wake(db::Wake::Jobs);
    }
    Ok(())
}

/// Does again what ended, well or not. False when there is no such job, or it is still to come.
pub fn rerun_key(tx: &mut Tx<'_>, kind: &str, key: &str) -> Result<bool> {
    let now = tx.now();
    let found = tx.execute(&RERUN_KEY, params![kind, key, now])? == 1;
    if found {
        tx.wake(db::Wake::Jobs);
    }
    Ok(found)
}

/// Forgets a dead job. False when it is not dead.
pub fn discard(tx: &mut Tx<'_>, id: Id<JobRow>) -> Result<bool> {
    tx.execute(&DISCARD, params![id]).map(|n| n == 1)
}

/// Ends every lease. For a start that knows that no other worker lives: the folder of an embedded database is locked by
/// one process, so whoever held a lease there is gone.
pub fn release_leases(tx: &mut Tx<'_>) -> Result<u64> {
    let now = tx.now();
    tx.execute(&RELEASE, params![now])
}

pub fn forget_done(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute(&FORGET_DONE, params![before])
}
