//! Holding the rows of threads: whoever takes more than one ticket takes them in one order, so that two of them cannot wait
//! for each other.
//!
//! The order: what is merged before what it is merged into, the deepest first, survivors last, and of one depth by id. A
//! message takes its ticket and then those above it ([`super::thread`]), which is the same order.

use std::collections::{BTreeMap, BTreeSet};

use base::{Error, Id, Result};
use db::{Read, Sql, Tx, Value};

use crate::tickets::{model::Ticket, store};

/// Holds the rows of these tickets, and of all that is shown in their threads, until the commit.
///
/// What is merged while it waits makes it begin again.
pub fn hold_threads(tx: &mut Tx<'_>, ids: &[Id<Ticket>]) -> Result<()> {
    tx.hold(|tx| {
        let wanted = threads(tx, ids)?;
        for (_, of_one_depth) in wanted.iter().rev() {
            let of_one_depth: Vec<Id<Ticket>> = of_one_depth.iter().copied().collect();
            for some in of_one_depth.chunks(500) {
                store::hold_rows(tx, some)?;
            }
        }
        if threads(tx, ids)? == wanted {
            return Ok(());
        }
        Err(Error::unavailable(db::BUSY, "these tickets are being merged by somebody else; try again"))
    })
}

/// The tickets of these tickets' threads, by how far below their survivor they are.
fn threads(read: &Read<'_>, ids: &[Id<Ticket>]) -> Result<BTreeMap<i64, BTreeSet<Id<Ticket>>>> {
    let mut out: BTreeMap<i64, BTreeSet<Id<Ticket>>> = BTreeMap::new();
    for some in ids.chunks(500) {
        let among = db::dialect::placeholders(2, some.len());
        let text = format!(
            "with recursive thread (id, depth) as (
                select coalesce(t.survivor_id, t.id), 0 from tickets t where t.tenant_id = ?1 and t.id in {among}
                union select g.ticket_id, h.depth + 1 from ticket_merges g join thread h on g.into_id = h.id where g.tenant_id = ?1)
             select id, cast(max(depth) as bigint) from thread group by id"
        );
        let values: Vec<Value<'_>> = some.iter().map(|id| Value::Uuid(id.uuid())).collect();
        read.for_each(&Sql::built(text), &values, |row| {
            out.entry(row.get(1)?).or_default().insert(row.get(0)?);
            Ok(true)
        })?;
    }
    Ok(out)
}
