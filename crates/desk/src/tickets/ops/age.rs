//! What time does to a ticket: resolved ones close, closed ones go to the archive.

use base::{Id, OrNotFound, Result, hours};
use db::Tx;
use identity::tenants;

use super::{change::move_to, publish, touch};
use crate::tickets::{model::*, store};

/// Tickets changed by one run, so that a run never holds the writer for long; the next one goes on.
const BATCH: u32 = 200;

/// Closes what has been resolved for longer than the setting says.
pub fn close_resolved(tx: &mut Tx<'_>) -> Result<()> {
    let settings = tenants::get(tx, tx.tenant()?)?.settings;
    let before = tx.now() - hours(24 * i64::from(settings.auto_close_days));
    for id in store::to_close(tx, before, BATCH)? {
        aged(tx, id, Status::Resolved, Status::Closed, Some(CloseReason::Solved))?;
    }
    Ok(())
}

/// Archives what has been closed for longer than the setting says, where it says so.
pub fn archive_old(tx: &mut Tx<'_>) -> Result<()> {
    let settings = tenants::get(tx, tx.tenant()?)?.settings;
    if settings.archive_days == 0 {
        return Ok(());
    }
    let before = tx.now() - hours(24 * i64::from(settings.archive_days));
    for id in store::to_archive(tx, before, BATCH)? {
        aged(tx, id, Status::Closed, Status::Archived, None)?;
    }
    Ok(())
}

fn aged(
    tx: &mut Tx<'_>,
    id: Id<Ticket>,
    from: Status,
    to: Status,
    reason: Option<CloseReason>,
) -> Result<()> {
    let mut t = store::lock(tx, id)?.or_not_found("ticket")?;
    // The customer may have written between the look and the lock.
    if t.status == from {
        let before = t.clone();
        move_to(tx, &mut t, to, reason)?;
        touch(tx, &mut t, true);
        store::save(tx, &before, &t)?;
        publish(tx, "ticket.changed", &t, true)?;
    }
    Ok(())
}
