//! Deltas of cohorts into sums, of days and of 32 days at a time: a range of years is told from few rows. Nobody else
//! writes those, but for the filling of what was there before, in the same order.

use std::collections::BTreeMap;

use base::Result;
use db::{Tx, Value, params};

use super::{Standing, Standings, read_standing};
use crate::reports::{adding::Sums, fill, spans};

/// Days that are added up at once where a range holds all of them.
pub(super) const BLOCK: i64 = 32;

db::statements! {
    TAKE = "delete from cohort_deltas where tenant_id = ?1 and id in (select id from cohort_deltas where tenant_id = ?1 order by id limit ?2)
        returning generation, day, change, status, priority, category, agent_id, response_seconds, resolution_minutes, is_resolved, is_on_time";
    OLD = "select generation, days, day from cohort_sums where tenant_id = ?1 and generation < ?2 order by generation, days, day limit 1";
    DROP_OLD = "delete from cohort_sums where tenant_id = ?1 and generation = ?2 and days = ?3 and day = ?4";
}

/// Deltas folded by one run: few enough that others wait for milliseconds.
const BATCH: u32 = 1_000;

/// What one ticket adds to: the figure, its value, and what is added to its total.
pub(super) fn figures(s: &Standing) -> impl Iterator<Item = (&'static str, String, i64)> {
    let plain = [
        ("status", s.status.to_string(), 0),
        ("priority", s.priority.rank().to_string(), 0),
        ("category", s.category.clone(), 0),
        ("agent", s.agent_id.to_string(), 0),
    ];
    let measured = [
        s.response_seconds.map(|seconds| ("response", spans::slot_of(seconds).to_string(), seconds)),
        s.resolution_minutes.map(|minutes| ("resolution", spans::slot_of(minutes * 60).to_string(), minutes)),
        s.is_resolved.then(|| ("resolved", String::new(), i64::from(s.is_on_time))),
    ];
    plain.into_iter().chain(measured.into_iter().flatten())
}

/// Folds what changes added, and answers whether there may be more. The schedule.
pub fn fold(tx: &mut Tx<'_>) -> Result<bool> {
    let Some(state) = fill::state_of(tx)? else { return Ok(false) };
    let taken = tx.query_all(&TAKE, params![BATCH], |row| {
        let (generation, day, change) = (row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?);
        Ok((generation, (day, read_standing(row, 3)?), change))
    })?;
    let is_full = taken.len() >= BATCH as usize;
    let mut standings = Standings::new();
    // What was counted for an earlier generation is counted anew in this one.
    for (_, at, change) in taken.into_iter().filter(|(generation, ..)| *generation == state.generation) {
        *standings.entry(at).or_default() += change;
    }
    apply(tx, state.generation, &standings)?;
    forget_old(tx, state.generation)?;
    Ok(is_full)
}

/// A row of the sums: how many days, the first of them, figure, value.
type Key = (i64, i64, &'static str, String);

/// Adds to the sums, in one order for all, so that two such changes cannot wait for each other.
pub(in crate::reports) fn apply(tx: &mut Tx<'_>, generation: i64, standings: &Standings) -> Result<()> {
    let mut sums: BTreeMap<Key, (i64, i64)> = BTreeMap::new();
    for ((day, standing), change) in standings.iter().filter(|(_, change)| **change != 0) {
        for (figure, value, total) in figures(standing) {
            for (days, first) in [(1, *day), (BLOCK, day.div_euclid(BLOCK) * BLOCK)] {
                let sum = sums.entry((days, first, figure, value.clone())).or_default();
                sum.0 += change;
                sum.1 += change * total;
            }
        }
    }
    sums.retain(|_, sum| *sum != (0, 0));
    let rows = sums.into_iter().map(|((days, day, figure, value), (tickets, total))| {
        vec![
            Value::Int(days),
            Value::Int(day),
            Value::Text(figure),
            Value::OwnedText(value),
            Value::Int(tickets),
            Value::Int(total),
        ]
    });
    SUMS.add(tx, generation, rows.collect())
}

const SUMS: Sums = Sums { table: "cohort_sums", key: "days, day, figure, value", figures: "tickets, total" };

/// Drops a piece of what an earlier generation left.
fn forget_old(tx: &mut Tx<'_>, generation: i64) -> Result<()> {
    let old = tx.query_one(&OLD, params![generation], |row| {
        Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?))
    })?;
    if let Some((old, days, day)) = old {
        tx.execute(&DROP_OLD, params![old, days, day])?;
    }
    Ok(())
}
