//! Rules, what they listen to, their timers. Private.

use base::{Error, Id, OrNotFound, Result, Timestamp};
use db::{Read, Row, Tx, params};
use uuid::Uuid;

use super::model::*;
use crate::Ticket;

macro_rules! columns {
    () => {
        "id, name, position, definition, active_since, version, created_by, created_at, updated_at"
    };
}

db::statements! {
    INSERT = "insert into rules (tenant_id, id, name, position, definition, active_since, version, created_by, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?8)";
    SAVE = "update rules set name = ?3, definition = ?4, active_since = ?5, version = version + 1, updated_at = ?6
        where tenant_id = ?1 and id = ?2";
    PLACE = "update rules set position = ?3 where tenant_id = ?1 and id = ?2";
    DELETE = "delete from rules where tenant_id = ?1 and id = ?2";
    BY_ID = concat!("select ", columns!(), " from rules where tenant_id = ?1 and id = ?2");
    LOCK = "select 1 from rules where tenant_id = ?1 and id = ?2 {lock}";
    ALL = concat!("select ", columns!(), " from rules where tenant_id = ?1 order by position, id");
    ON = concat!("select ", columns!(), " from rules where tenant_id = ?1 and active_since is not null order by position, id");
    LISTEN = "insert into rule_triggers (tenant_id, event, rule_id, minutes, status) values (?1, ?2, ?3, ?4, ?5)";
    UNLISTEN = "delete from rule_triggers where tenant_id = ?1 and rule_id = ?2";
    LISTENED = "select distinct event from rule_triggers where tenant_id = ?1 and event in (?2, ?3, ?4, ?5)";
    TIMED = "select rule_id, minutes, status from rule_triggers where tenant_id = ?1 and event = ?2";
    SET_TIMER = "insert into rule_timers (tenant_id, rule_id, ticket_id, anchor_at, run_at) values (?1, ?2, ?3, ?4, ?5)
        on conflict (tenant_id, rule_id, ticket_id) do update set anchor_at = excluded.anchor_at, run_at = excluded.run_at,
        queued_at = null";
    TAKE_ON = "insert into rule_timers (tenant_id, rule_id, ticket_id, anchor_at, run_at) values (?1, ?2, ?3, ?4, ?5) on conflict do nothing";
    // Whoever holds a row of these is moving it: another run finds it where it is then.
    DUE_TIMERS = "select rule_id, ticket_id, anchor_at from rule_timers where tenant_id = ?1 and queued_at is null and run_at <= ?2
        order by run_at limit ?3 {skip_locked}";
    QUEUED = "update rule_timers set queued_at = ?4 where tenant_id = ?1 and rule_id = ?2 and ticket_id = ?3";
    TAKE_TIMER = "delete from rule_timers where tenant_id = ?1 and rule_id = ?2 and ticket_id = ?3 and anchor_at = ?4
        and queued_at is not null";
    QUEUE_AGAIN = "update rule_timers set queued_at = null where tenant_id = ?1 and ticket_id = ?2 and queued_at is not null
        and rule_id in (select t.rule_id from rule_timers t where t.tenant_id = ?1 and t.ticket_id = ?2)";
    DROP_TIMERS = "delete from rule_timers where tenant_id = ?1 and rule_id = ?2";
    DROP_TIMERS_OF_TICKET = "delete from rule_timers where tenant_id = ?1 and ticket_id = ?2
        and rule_id in (select t.rule_id from rule_timers t where t.tenant_id = ?1 and t.ticket_id = ?2)";
    // By index, from a due time on: what a rule about due times takes on when it is switched on.
    STILL_DUE = "select id, due_at from tickets where tenant_id = ?1 and (due_at, id) > (?2, ?3) and due_at > ?4
        and deleted_at is null and survivor_id is null and status in ('new', 'open', 'in_progress', 'pending_customer')
        order by due_at, id limit ?5";
}

fn map(row: &Row<'_>) -> Result<Rule> {
    let mut c = row.columns();
    let (id, name, position) = (c.next()?, c.next()?, c.next()?);
    let definition = serde_json::from_value(c.next()?).map_err(Error::from_source)?;
    let active_since: Option<Timestamp> = c.next()?;
    Ok(Rule {
        id,
        name,
        position,
        definition,
        enabled: active_since.is_some(),
        active_since,
        version: c.next()?,
        created_by: c.next()?,
        created_at: c.next()?,
        updated_at: c.next()?,
    })
}

pub fn get(read: &Read<'_>, id: Id<Rule>) -> Result<Rule> {
    read.query_one(&BY_ID, params![id], map)?.or_not_found("rule")
}

pub fn lock(tx: &mut Tx<'_>, id: Id<Rule>) -> Result<Rule> {
    tx.query_one(&LOCK, params![id], |_| Ok(()))?.or_not_found("rule")?;
    get(tx, id)
}

pub fn all(read: &Read<'_>) -> Result<Vec<Rule>> {
    read.query_all(&ALL, params![], map)
}

/// Those that are on, in order.
pub fn on(read: &Read<'_>) -> Result<Vec<Rule>> {
    read.query_all(&ON, params![], map)
}

pub fn insert(tx: &mut Tx<'_>, r: &Rule) -> Result<()> {
    let definition = serde_json::to_value(&r.definition).map_err(Error::from_source)?;
    let values = params![r.id, r.name, r.position, definition, r.active_since, r.created_by, r.created_at];
    tx.execute(&INSERT, values)?;
    listen(tx, r)
}

/// Writes what a rule is. Its place among the others is not the rule's: somebody may be moving it at the same time.
pub fn save(tx: &mut Tx<'_>, r: &Rule) -> Result<()> {
    let definition = serde_json::to_value(&r.definition).map_err(Error::from_source)?;
    tx.execute(&SAVE, params![r.id, r.name, definition, r.active_since, r.updated_at])?;
    listen(tx, r)
}

pub fn place(tx: &mut Tx<'_>, id: Id<Rule>, position: i64) -> Result<()> {
    tx.execute(&PLACE, params![id, position]).map(|_| ())
}

pub fn delete(tx: &mut Tx<'_>, id: Id<Rule>) -> Result<()> {
    for statement in [&DROP_TIMERS, &UNLISTEN, &DELETE] {
        tx.execute(statement, params![id])?;
    }
    Ok(())
}

/// Writes down what it listens to while it is on.
fn listen(tx: &mut Tx<'_>, r: &Rule) -> Result<()> {
    tx.execute(&UNLISTEN, params![r.id])?;
    if !r.enabled {
        return Ok(());
    }
    match &r.definition.trigger {
        Trigger::Event { events } => {
            let mut words: Vec<&str> = events.iter().map(|e| e.as_str()).collect();
            words.sort_unstable();
            words.dedup();
            for word in words {
                tx.execute(&LISTEN, params![word, r.id, 0i64, None::<&str>])?;
            }
            Ok(())
        }
        Trigger::Time { anchor, minutes, status } => {
            let status = status.map(|s| s.as_str());
            tx.execute(&LISTEN, params![anchor.as_str(), r.id, *minutes, status]).map(|_| ())
        }
    }
}

/// Which of up to four words somebody listens to.
pub fn listened(read: &Read<'_>, words: &[&str]) -> Result<Vec<String>> {
    let word = |i: usize| words.get(i).copied().unwrap_or_default();
    read.recall(&LISTENED, params![word(0), word(1), word(2), word(3)], |row| row.get(0))
}

/// A rule, its minutes after the anchor, and its status.
type Timed = (Id<Rule>, i64, Option<String>);
/// A rule, a ticket, and the instant of the anchor.
type Due = (Id<Rule>, Id<Ticket>, Timestamp);

/// Time-based rules of an anchor: which, after how many minutes, of which status.
pub fn timed(read: &Read<'_>, anchor: Anchor) -> Result<Vec<Timed>> {
    read.recall(&TIMED, params![anchor.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

pub fn set_timer(
    tx: &mut Tx<'_>,
    rule: Id<Rule>,
    ticket: Id<Ticket>,
    anchor: Timestamp,
    at: Timestamp,
) -> Result<()> {
    tx.execute(&SET_TIMER, params![rule, ticket, anchor, at]).map(|_| ())
}

/// The same for an anchor from before the rule began: a timer that is there was set since, by what moved the anchor.
pub fn take_on(
    tx: &mut Tx<'_>,
    rule: Id<Rule>,
    ticket: Id<Ticket>,
    anchor: Timestamp,
    at: Timestamp,
) -> Result<()> {
    tx.execute(&TAKE_ON, params![rule, ticket, anchor, at]).map(|_| ())
}

/// Timers that ran out, longest first. They are due no more: a look is queued for each in the same transaction.
pub fn queue_due_timers(tx: &mut Tx<'_>, most: u32) -> Result<Vec<Due>> {
    let now = tx.now();
    let due: Vec<Due> =
        tx.query_all(&DUE_TIMERS, params![now, most], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for (rule, ticket, _) in &due {
        tx.execute_later(&QUEUED, params![rule, ticket, now])?;
    }
    Ok(due)
}

/// Takes a timer away that a look was queued for; false when it was set anew since, or it was taken.
pub fn take_timer(tx: &mut Tx<'_>, rule: Id<Rule>, ticket: Id<Ticket>, anchor: Timestamp) -> Result<bool> {
    Ok(tx.execute(&TAKE_TIMER, params![rule, ticket, anchor])? == 1)
}

/// Timers of a ticket whose looks found it put aside are due once more. A look that is still to come finds nothing to take.
pub fn queue_timers_again(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    tx.execute(&QUEUE_AGAIN, params![ticket]).map(|_| ())
}

pub fn drop_timers(tx: &mut Tx<'_>, rule: Id<Rule>) -> Result<()> {
    tx.execute(&DROP_TIMERS, params![rule]).map(|_| ())
}

pub fn drop_timers_of_ticket(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    tx.execute(&DROP_TIMERS_OF_TICKET, params![ticket]).map(|_| ())
}

/// Live tickets due after an instant, from a place on, in the order of their due times.
pub fn still_due(
    read: &Read<'_>,
    from: (Timestamp, Uuid),
    after: Timestamp,
    most: u32,
) -> Result<Vec<(Id<Ticket>, Timestamp)>> {
    read.query_all(&STILL_DUE, params![from.0, from.1, after, most], |row| Ok((row.get(0)?, row.get(1)?)))
}
