//! What a ticket counts for, kept by the changes that move it.
//!
//! A ticket counts under the channel, category, priority, team and agent it has now, so that a category that is put right
//! is right in every report. What somebody did (answer, resolve) stays with who did it. Merged, deleted and spam tickets
//! count for nothing; they do again when that is taken back.
//!
//! A change writes the difference as rows of its own; a schedule folds them. No change waits for another one's figures.

use std::collections::{BTreeMap, HashMap};

use base::{Id, Result};
use db::{Read, Sql, ToValue, Tx, Value, params};
use identity::teams::Team;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{
    cohorts,
    facts::{self, Fact, FactKind},
    fill,
    model::*,
    spans,
};
use crate::tickets::{CloseReason, Ticket, by_ids};

/// Figures by cell.
pub(super) type Figured = BTreeMap<Cell, Figures>;

db::statements! {
    ADD = "insert into report_deltas (tenant_id, id, generation, day, channel, category, priority, team_id, agent_id, slot,
        created, live, returned, finished, responded, resolved, on_time, reopened, seconds)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
    DELTAS = "select day, channel, category, priority, team_id, agent_id, slot,
        created, live, returned, finished, responded, resolved, on_time, reopened, seconds
        from report_deltas where tenant_id = ?1 and generation = ?2";
    CELLS = "select day, channel, category, priority, team_id, agent_id, slot,
        created, live, returned, finished, responded, resolved, on_time, reopened, seconds
        from report_cells where tenant_id = ?1 and generation = ?2";
    // One look at both: a fold between two would be seen by neither.
    OF_TEAM = "select day, channel, category, priority, team_id, agent_id, slot,
        created, live, returned, finished, 0, 0, 0, 0, 0
        from report_cells where tenant_id = ?1 and generation = ?2 and team_id = ?3 and slot = 0
        union all select day, channel, category, priority, team_id, agent_id, slot,
        created, live, returned, finished, 0, 0, 0, 0, 0
        from report_deltas where tenant_id = ?1 and generation = ?2 and team_id = ?3 and slot = 0";
    TICKETS_AFTER = "select id from tickets where tenant_id = ?1 and id > ?2 order by id limit 500";
}

/// Whether a ticket counts at all.
fn counts(t: &Ticket) -> bool {
    t.survivor_id.is_none() && t.deleted_at.is_none() && t.close_reason != Some(CloseReason::Spam)
}

/// The day of an instant, counted from 1970-01-01.
pub(super) fn day_of(at: base::Timestamp, zone: &TimeZone) -> i64 {
    day_number(at.to_zoned(zone.clone()).date())
}

/// A date as reports count it.
pub(super) fn day_number(date: jiff::civil::Date) -> i64 {
    // Midnight to midnight in no zone at all: whole days.
    date.to_datetime(jiff::civil::Time::midnight())
        .to_zoned(TimeZone::UTC)
        .map_or(0, |z| z.timestamp().as_second().div_euclid(86_400))
}

/// What a ticket counts for.
pub(super) fn contribution(t: &Ticket, facts: &[Fact], zone: &TimeZone) -> Figured {
    let mut out = Figured::new();
    if !counts(t) {
        return out;
    }
    let now = Cell {
        day: day_of(t.created_at, zone),
        channel: t.channel.as_str().to_owned(),
        category: t.category.clone(),
        priority: t.priority.rank(),
        team_id: t.team_id.map(Id::uuid).unwrap_or_default(),
        agent_id: t.assigned_to.map(Id::uuid).unwrap_or_default(),
        slot: 0,
    };
    let mut add = |cell: Cell, figures: Figures| *out.entry(cell).or_default() += figures;
    let live = i64::from(t.status.is_live());
    add(now.clone(), Figures { created: 1, live, ..Figures::default() });
    for f in facts {
        let day = day_of(f.at, zone);
        let under_now = Cell { day, ..now.clone() };
        let under_then = Cell { day, team_id: f.team_id, agent_id: f.agent_id, ..now.clone() };
        let slot = spans::slot_of(f.seconds);
        match f.kind {
            FactKind::Responded => add(
                Cell { slot, ..under_then },
                Figures { responded: 1, seconds: f.seconds, ..Figures::default() },
            ),
            FactKind::Resolved => {
                add(under_now, Figures { finished: 1, ..Figures::default() });
                let on_time = i64::from(f.is_on_time);
                add(
                    Cell { slot: spans::RESOLUTION + slot, ..under_then },
                    Figures { resolved: 1, on_time, seconds: f.seconds, ..Figures::default() },
                );
            }
            FactKind::Closed => add(under_now, Figures { finished: 1, ..Figures::default() }),
            FactKind::Reopened => {
                add(under_now, Figures { returned: 1, ..Figures::default() });
                add(under_then, Figures { reopened: 1, ..Figures::default() });
            }
        }
    }
    out
}

/// Whether a change can move any figure: most do not, and cost nothing then.
fn matters(before: &Ticket, t: &Ticket) -> bool {
    let seen = |t: &Ticket| {
        (counts(t), t.status.is_live(), t.first_response_at, t.priority, t.channel, t.team_id, t.assigned_to)
    };
    seen(before) != seen(t) || before.category != t.category
}

/// What is known of tickets that are about to be changed one after the other, looked up for all of them at once.
struct Ahead {
    state: fill::State,
    facts: HashMap<Id<Ticket>, Vec<Fact>>,
}

/// Looks up what [`moved`] will ask of these tickets. Their rows are held: so the state is as of then or later, and nobody
/// else writes what is remembered of them.
pub(crate) fn look_ahead(tx: &mut Tx<'_>, tickets: &[Id<Ticket>]) -> Result<()> {
    let (state, facts) = (fill::state(tx)?, facts::of_all(tx, tickets)?);
    tx.look_ahead(Ahead { state, facts });
    Ok(())
}

/// Counts what a change moved, with the ticket's row held. `is_undo`: the change takes an earlier one back.
pub(crate) fn moved(tx: &mut Tx<'_>, before: Option<&Ticket>, t: &Ticket, is_undo: bool) -> Result<()> {
    let stands_elsewhere = cohorts::matters(before, t);
    if before.is_some_and(|before| !matters(before, t)) {
        if !stands_elsewhere {
            return Ok(());
        }
        let state = match tx.ahead::<Ahead, _>(|a| a.state.clone()) {
            Some(state) => state,
            None => fill::state(tx)?,
        };
        return if state.counts(t.id) { cohorts::moved(tx, &state, before, t) } else { Ok(()) };
    }
    let ahead =
        tx.ahead::<Ahead, _>(|a| a.facts.remove(&t.id).map(|facts| (a.state.clone(), facts))).flatten();
    let (state, known) = match ahead {
        Some((state, facts)) => (state, Some(facts)),
        None => (fill::state(tx)?, None),
    };
    let is_counted = state.counts(t.id);
    if !is_counted && state.is_first() {
        // Its history tells it all when its turn comes.
        return Ok(());
    }
    let old = match known {
        Some(facts) => facts,
        None if before.is_some() => facts::of(tx, t.id)?,
        None => Vec::new(),
    };
    let new = facts::after(&old, t, tx.now(), tx.actor(), is_undo);
    facts::write(tx, t.id, &old, &new)?;
    if !is_counted {
        return Ok(());
    }
    if stands_elsewhere {
        cohorts::moved(tx, &state, before, t)?;
    }
    let mut change = contribution(t, &new, &state.zone());
    if let Some(before) = before {
        for (cell, figures) in contribution(before, &old, &state.zone()) {
            *change.entry(cell).or_default() += -figures;
        }
    }
    add(tx, state.generation, change)
}

/// Writes differences down, to be folded.
fn add(tx: &mut Tx<'_>, generation: i64, change: Figured) -> Result<()> {
    for (cell, figures) in change.into_iter().filter(|(_, f)| !f.is_zero()) {
        let id = tx.new_id::<Cell>();
        let mut values = vec![id.to_value(), Value::Int(generation)];
        values.extend(cell_values(&cell));
        values.extend(figures.values());
        tx.execute_later(&ADD, &values)?;
    }
    Ok(())
}

pub(super) fn cell_values(cell: &Cell) -> [Value<'_>; 7] {
    [
        Value::Int(cell.day),
        Value::Text(&cell.channel),
        Value::Text(&cell.category),
        Value::Int(cell.priority),
        Value::Uuid(cell.team_id),
        Value::Uuid(cell.agent_id),
        Value::Int(cell.slot),
    ]
}

pub(super) fn read_cell(row: &db::Row<'_>) -> Result<(Cell, Figures)> {
    let mut c = row.columns();
    let cell = Cell {
        day: c.next()?,
        channel: c.next()?,
        category: c.next()?,
        priority: c.next()?,
        team_id: c.next()?,
        agent_id: c.next()?,
        slot: c.next()?,
    };
    Ok((cell, Figures::read(row, 7)?))
}

/// Counts tickets that have just left their team all at once. What the team did stays the team's.
pub(crate) fn left_team(tx: &mut Tx<'_>, team: Id<Team>) -> Result<()> {
    let generation = fill::state(tx)?.generation;
    let mut change = Figured::new();
    for (cell, figures) in tx.query_all(&OF_TEAM, params![generation, team], read_cell)? {
        *change.entry(Cell { team_id: Uuid::nil(), ..cell.clone() }).or_default() += figures;
        *change.entry(cell).or_default() += -figures;
    }
    add(tx, generation, change)
}

/// All figures there are, folded or not: for the proof that they are right.
pub fn sums(read: &Read<'_>) -> Result<BTreeMap<Cell, Figures>> {
    let generation = fill::state_of(read)?.map_or(0, |s| s.generation);
    let mut out = Figured::new();
    for statement in [&CELLS, &DELTAS] {
        for (cell, figures) in read.query_all(statement, params![generation], read_cell)? {
            *out.entry(cell).or_default() += figures;
        }
    }
    out.retain(|_, figures| !figures.is_zero());
    Ok(out)
}

/// What is kept by one dimension, or by none, added up over its values: each must say the same as the cells.
pub fn totals(
    read: &Read<'_>,
    dimension: Option<Dimension>,
) -> Result<BTreeMap<(String, i64, i64), Figures>> {
    let generation = fill::state_of(read)?.map_or(0, |s| s.generation);
    let text = format!(
        "select value, day, slot, {} from report_sums where tenant_id = ?1 and generation = ?2 and dimension = ?3",
        Figures::NAMES.join(", ")
    );
    let name = dimension.map_or("all", Dimension::as_str);
    let rows = read.query_all(&Sql::built(text), params![generation, name], |row| {
        Ok(((row.get::<String>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?), Figures::read(row, 3)?))
    })?;
    Ok(rows.into_iter().filter(|(_, figures)| !figures.is_zero()).collect())
}

/// The same as [`sums`] by looking at every ticket and what is remembered of it: what the figures are held against.
pub fn recount(read: &Read<'_>, zone: &TimeZone) -> Result<BTreeMap<Cell, Figures>> {
    let (mut out, mut after) = (Figured::new(), Uuid::nil());
    loop {
        let ids: Vec<Id<Ticket>> = read.query_all(&TICKETS_AFTER, params![after], |row| row.get(0))?;
        let Some(last) = ids.last() else { break };
        after = last.uuid();
        for t in by_ids(read, &ids)? {
            for (cell, figures) in contribution(&t, &facts::of(read, t.id)?, zone) {
                *out.entry(cell).or_default() += figures;
            }
        }
    }
    Ok(out)
}
