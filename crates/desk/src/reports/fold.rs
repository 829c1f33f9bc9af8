//! Deltas into cells and sums. Nobody else writes those two, but for the filling of what was there before, in the same order.

use std::collections::BTreeMap;

use base::Result;
use db::{Tx, Value, params};

use super::{
    adding::Sums,
    fill,
    model::*,
    rollups::{Figured, cell_values, read_cell},
};

db::statements! {
    TAKE = "delete from report_deltas where tenant_id = ?1 and id in (select id from report_deltas where tenant_id = ?1 order by id limit ?2)
        returning day, channel, category, priority, team_id, agent_id, slot,
        created, live, returned, finished, responded, resolved, on_time, reopened, seconds, generation";
    DROP_EMPTY_CELL = "delete from report_cells where tenant_id = ?1 and generation = ?2 and day = ?3 and channel = ?4 and category = ?5
        and priority = ?6 and team_id = ?7 and agent_id = ?8 and slot = ?9 and created = 0 and live = 0 and returned = 0
        and finished = 0 and responded = 0 and resolved = 0 and on_time = 0 and reopened = 0 and seconds = 0";
    OLD_CELLS = "select generation, day from report_cells where tenant_id = ?1 and generation < ?2 order by generation, day limit 1";
    DROP_OLD_CELLS = "delete from report_cells where tenant_id = ?1 and generation = ?2 and day = ?3";
    OLD_SUMS = "select generation, dimension, day from report_sums where tenant_id = ?1 and generation < ?2
        order by generation, dimension, day limit 1";
    DROP_OLD_SUMS = "delete from report_sums where tenant_id = ?1 and generation = ?2 and dimension = ?3 and day = ?4";
}

/// Deltas folded by one run: few enough that others wait for milliseconds.
const BATCH: u32 = 1_000;

/// Folds what changes added, and answers whether there may be more. The schedule.
pub fn fold(tx: &mut Tx<'_>) -> Result<bool> {
    let Some(state) = fill::state_of(tx)? else { return Ok(false) };
    let deltas = tx.query_all(&TAKE, params![BATCH], |row| Ok((read_cell(row)?, row.get::<i64>(7 + 9)?)))?;
    let is_full = deltas.len() >= BATCH as usize;
    let mut change = Figured::new();
    // What was counted for an earlier generation is counted anew in this one.
    for ((cell, figures), _) in deltas.into_iter().filter(|(_, generation)| *generation == state.generation) {
        *change.entry(cell).or_default() += figures;
    }
    apply(tx, state.generation, &change)?;
    forget_old(tx, state.generation)?;
    Ok(is_full)
}

const FIGURES: &str = "created, live, returned, finished, responded, resolved, on_time, reopened, seconds";
const CELLS: Sums = Sums {
    table: "report_cells",
    key: "day, channel, category, priority, team_id, agent_id, slot",
    figures: FIGURES,
};
const SUMS: Sums = Sums { table: "report_sums", key: "dimension, value, day, slot", figures: FIGURES };

/// Adds figures to cells and sums, in one order for all, so that two such changes cannot wait for each other.
pub(super) fn apply(tx: &mut Tx<'_>, generation: i64, change: &Figured) -> Result<()> {
    let change = || change.iter().filter(|(_, figures)| !figures.is_zero());
    let row =
        |(cell, figures): (_, &Figures)| cell_values(cell).into_iter().chain(figures.values()).collect();
    CELLS.add(tx, generation, change().map(row).collect())?;
    let takes_away = |f: &Figures| f.values().iter().any(|v| matches!(v, Value::Int(n) if *n < 0));
    for (cell, _) in change().filter(|(_, figures)| takes_away(figures)) {
        let mut key = vec![Value::Int(generation)];
        key.extend(cell_values(cell));
        tx.execute_later(&DROP_EMPTY_CELL, &key)?;
    }
    let mut by_one: BTreeMap<(&'static str, i64, String, i64), Figures> = BTreeMap::new();
    for (cell, figures) in change() {
        let mut add = |name, value| {
            *by_one.entry((name, cell.day, value, cell.slot)).or_default() += *figures;
        };
        add("all", String::new());
        for dimension in Dimension::ALL {
            add(dimension.as_str(), dimension.value(cell));
        }
    }
    let rows = by_one.iter().filter(|(_, f)| !f.is_zero()).map(|((dimension, day, value, slot), figures)| {
        let key = [Value::Text(dimension), Value::Text(value), Value::Int(*day), Value::Int(*slot)];
        key.into_iter().chain(figures.values()).collect()
    });
    SUMS.add(tx, generation, rows.collect())
}

/// Drops a piece of what an earlier generation left.
fn forget_old(tx: &mut Tx<'_>, generation: i64) -> Result<()> {
    let cells =
        tx.query_one(&OLD_CELLS, params![generation], |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))?;
    if let Some((old, day)) = cells {
        tx.execute(&DROP_OLD_CELLS, params![old, day])?;
    }
    let sums = tx.query_one(&OLD_SUMS, params![generation], |row| {
        Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?))
    })?;
    if let Some((old, dimension, day)) = sums {
        tx.execute(&DROP_OLD_SUMS, params![old, dimension, day])?;
    }
    Ok(())
}
