//! What both doors do: collect the tickets, change few of them at once or many in the background.

use base::{Id, Result};
use desk::{
    bulk::{self, Bulk, Changes, Named},
    tickets::{self, TicketFilter},
};

use crate::http::{answer::Idempotency, answer::once, app::App, extract::StaffCaller};

/// Up to so many are changed before the answer; more go on behind it.
pub const AT_ONCE: usize = 200;
/// Rows written in one commit while collecting.
const CHUNK: usize = 1_000;

/// Which tickets.
pub enum Which {
    Named(Vec<Named>),
    Filter(Box<TicketFilter>),
}

/// Begins a change; few tickets are changed when this returns, many are at work.
pub async fn begin(
    app: &App,
    who: &StaffCaller,
    key: Option<Idempotency>,
    which: Which,
    changes: Changes,
) -> Result<Bulk> {
    let changes = changes.checked()?;
    let staff = who.staff.clone();
    let ids = match which {
        Which::Named(mut named) => {
            // Each once, in the order they were named.
            let mut seen = std::collections::HashSet::new();
            named.retain(|n| seen.insert(n.clone()));
            named
        }
        Which::Filter(filter) => {
            let staff = staff.clone();
            let found = app.read(who.caller.scope(), move |read| {
                tickets::query::ids(read, &staff, &filter, bulk::MOST + 1)
            });
            found.await?.into_iter().map(Named::Ticket).collect()
        }
    };
    // The survivor of a merge is not merged into itself.
    let survivor = changes.merge_into.map(Named::Ticket);
    let ids: Vec<Named> = ids.into_iter().filter(|named| Some(named) != survivor.as_ref()).collect();
    let total = ids.len();
    let few: Vec<Named> = ids.iter().take(AT_ONCE).cloned().collect();
    let made = app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                let id = bulk::begin(tx, &staff, changes, total)?.id;
                if total <= AT_ONCE {
                    // A job is behind a small one too: whoever asked may hang up, and a server may stop.
                    bulk::collect_named(tx, id, 1, &few)?;
                    bulk::start(tx, id)?;
                }
                Ok(id)
            })
        })
        .await?;
    let id: Id<Bulk> = serde_json::from_str(&made.1).map_err(base::Error::from_source)?;
    let held = app.read(who.caller.scope(), move |read| bulk::get(read, id)).await?;
    if total <= AT_ONCE && held.status == "running" {
        let mut after = Some(0);
        while let Some(position) = after {
            after = app.write(who.caller.scope(), move |tx| bulk::run_batch(tx, id, position)).await?;
        }
        return app.read(who.caller.scope(), move |read| bulk::get(read, id)).await;
    }
    if held.status != "collecting" {
        // The same request again: what became of the first.
        return Ok(held);
    }
    let mut from = 1;
    for chunk in ids.chunks(CHUNK) {
        let chunk = chunk.to_vec();
        let next = from + u32::try_from(chunk.len()).unwrap_or(0);
        app.write(who.caller.scope(), move |tx| bulk::collect_named(tx, id, from, &chunk)).await?;
        from = next;
    }
    app.write(who.caller.scope(), move |tx| bulk::start(tx, id)).await
}

/// Takes a change back: a small one before the answer, a large one behind it.
pub async fn undo(app: &App, who: &StaffCaller, id: Id<Bulk>) -> Result<Bulk> {
    let staff = who.staff.clone();
    let begun = app.write(who.caller.scope(), move |tx| bulk::undo(tx, &staff, id)).await?;
    if begun.total as usize <= AT_ONCE {
        let mut after = Some(0);
        while let Some(position) = after {
            after = app.write(who.caller.scope(), move |tx| bulk::undo_batch(tx, id, position)).await?;
        }
    }
    app.read(who.caller.scope(), move |read| bulk::get(read, id)).await
}
