//! Beginning, and going on.

use std::collections::HashMap;

use base::{Error, Id, Kind, OrNotFound, Result};
use db::{Read, Tx};
use engine::Enqueue;
use identity::{Settings, Staff, tenants, users};

use super::{
    jobs::RunBulk,
    model::*,
    store::{self, lock},
};
use crate::{
    macros, reports,
    tickets::{self, Extras, Ticket, query},
};

/// Tickets changed in one commit: few enough that whoever waits for it waits for milliseconds, enough that the commit and
/// the way to the server are worth it.
pub(super) fn batch_size(read: &Read<'_>) -> u32 {
    if db::dialect::writers_take_turns(read) { 50 } else { 100 }
}
/// Tickets of one change at most.
pub const MOST: usize = 50_000;

/// Writes down what is to be changed. Tickets follow by [`collect`]; nothing happens before [`start`] or [`run_batch`].
pub fn begin(tx: &mut Tx<'_>, staff: &Staff, changes: Changes, total: usize) -> Result<Bulk> {
    if staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    let changes = changes.checked()?;
    if total == 0 {
        return Err(Error::field("ids", "bulk.no_tickets", "at least one ticket"));
    }
    if total > MOST {
        return Err(Error::field(
            "filter",
            "bulk.too_many",
            format!("at most {MOST} tickets at once; narrow it down"),
        ));
    }
    if let Some(into) = changes.merge_into {
        query::get_for_staff(tx, staff, into)
            .map_err(|_| Error::field("changes.merge_into", "ticket.unknown", "there is no such ticket"))?;
    }
    if let Some(r#macro) = changes.macro_id {
        macros::get_visible(tx, staff, macros::Kind::Macro, r#macro)
            .map_err(|_| Error::field("changes.macro_id", "macro.unknown", "there is no such macro"))?;
    }
    if let Some(Some(user)) = changes.assigned_to {
        tickets::check_assignee(tx, user).map_err(|e| e.on_field("changes.assigned_to"))?;
    }
    let id = store::insert(tx, staff, &changes, u32::try_from(total).unwrap_or(u32::MAX))?;
    store::get(tx, id)
}

/// Adds tickets; `from` is the position of the first, counting from 1. Places that are taken stay: the same request again.
pub fn collect(tx: &mut Tx<'_>, id: Id<Bulk>, from: u32, tickets: &[Id<Ticket>]) -> Result<()> {
    store::insert_items(tx, id, from, tickets)
}

/// The same of what somebody named: what is no ticket's number has its place too, and fails there.
pub fn collect_named(tx: &mut Tx<'_>, id: Id<Bulk>, from: u32, named: &[Named]) -> Result<()> {
    let mut unknown = Vec::new();
    for (position, named) in (from..).zip(named) {
        match named {
            Named::Ticket(ticket) => store::insert_items(tx, id, position, &[*ticket])?,
            Named::Unknown(name) => unknown.push((position, name.clone())),
        }
    }
    store::insert_unknown(tx, id, &unknown)
}

/// Lets it run in the background.
pub fn start(tx: &mut Tx<'_>, id: Id<Bulk>) -> Result<Bulk> {
    let mut bulk = lock(tx, id)?;
    if bulk.status != "collecting" {
        return Ok(bulk);
    }
    bulk.status = "running".into();
    store::save(tx, &bulk)?;
    tx.enqueue(&RunBulk { bulk: id, after: 0 })?;
    Ok(bulk)
}

/// How long a request may take to say which tickets it is about.
const COLLECTING_MINUTES: i64 = 10;

/// Ends changes whose request died before it had said which tickets they are of. None of them was changed.
pub fn give_up_abandoned(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now() - base::minutes(COLLECTING_MINUTES);
    for id in store::abandoned(tx, before)? {
        let mut bulk = lock(tx, id)?;
        if bulk.status != "collecting" {
            continue;
        }
        let left =
            store::give_up_items(tx, id, "the request ended before it was complete; nothing was changed")?;
        // Beside those whose number nobody has, which failed when they were named.
        bulk.failed += u32::try_from(left).unwrap_or(0);
        bulk.total = bulk.failed;
        bulk.status = "done".into();
        bulk.finished_at = Some(tx.now());
        store::save(tx, &bulk)?;
    }
    Ok(())
}

/// Whoever asked, with the rights they have now.
fn asker(tx: &Tx<'_>, bulk: &Bulk) -> Result<Staff> {
    let role = match bulk.user_id {
        Some(user) => {
            let user = users::get(tx, user)?;
            if user.disabled_at.is_some() {
                return Err(Error::forbidden(
                    "user.disabled",
                    "whoever asked for this was switched off since",
                ));
            }
            user.role
        }
        None => bulk.role,
    };
    Ok(Staff { user_id: bulk.user_id, role, actor: bulk.actor.clone(), read_only: false })
}

/// Changes the next tickets after a position; answers the last position looked at, or none at the end.
pub fn run_batch(tx: &mut Tx<'_>, id: Id<Bulk>, after: u32) -> Result<Option<u32>> {
    let mut bulk = lock(tx, id)?;
    if bulk.status != "running" {
        // The request and the job both work at a small one; the other was first.
        return Ok(None);
    }
    let settings = tenants::get(tx, tx.tenant()?)?.settings;
    let staff = asker(tx, &bulk);
    let batch = store::items(tx, id, after, batch_size(tx))?;
    let last = batch.last().map(|i| i.position);
    let (now, actor, changes) = (tx.now(), bulk.actor.clone(), bulk.changes.clone());
    let waiting: Vec<Item> = batch.into_iter().filter(|i| i.outcome == "waiting").collect();
    let outcomes = tx.as_of(actor, now, |tx| {
        // A merge and a macro take more than the ticket's row: all of them are taken before the first is.
        if changes.merge_into.is_some() || changes.macro_id.is_some() {
            let ids = waiting.iter().map(|item| item.ticket_id).chain(changes.merge_into).collect::<Vec<_>>();
            tickets::hold_threads(tx, &ids)?;
        }
        let mut held = Held::of(tx, if changes.merge_into.is_none() { &waiting } else { &[] })?;
        // What a macro is, is the same for all.
        let known = match (&staff, changes.macro_id) {
            (Ok(staff), Some(id)) => macros::get_visible(tx, staff, macros::Kind::Macro, id).map(Some),
            _ => Ok(None),
        };
        let ready = staff.and_then(|staff| Ok((staff, known?)));
        let ids = held.ids();
        let outcomes = tickets::filing_together(tx, &ids, |tx| {
            waiting
                .into_iter()
                .map(|item| match &ready {
                    Ok((staff, known)) => {
                        forward(tx, &settings, staff, &changes, known.as_ref(), &mut held, item)
                    }
                    Err(e) => Ok(failed(item, e)),
                })
                .collect::<Result<Vec<Item>>>()
        })?;
        if let Ok((staff, Some(known))) = &ready {
            let uses = outcomes.iter().filter(|item| item.outcome != "failed").count();
            macros::count_uses(tx, staff, known.id, u32::try_from(uses).unwrap_or(u32::MAX))?;
        }
        Ok(outcomes)
    })?;
    for item in &outcomes {
        if item.outcome == "failed" {
            bulk.failed += 1
        } else {
            bulk.done += 1
        }
        store::save_item(tx, id, item)?;
    }
    let end = last.is_none_or(|p| p >= bulk.total);
    bulk.status = if end { "done" } else { "running" }.into();
    bulk.finished_at = end.then_some(now);
    store::save(tx, &bulk)?;
    Ok(last.filter(|_| !end))
}

fn failed(item: Item, error: &Error) -> Item {
    Item { outcome: "failed".into(), reason: Some(error.plain_message().to_owned()), ..item }
}

/// Whether an error is the ticket's, to be told beside it, and not the whole change's.
pub(super) fn is_its_own(error: &Error) -> bool {
    matches!(error.kind(), Kind::NotFound | Kind::Invalid | Kind::Conflict | Kind::Forbidden | Kind::Stale)
}

/// The tickets of a batch, their rows held until the commit, as they are then: asked for all at once, since on a
/// connection each question costs the way there and back.
pub(super) struct Held {
    tickets: HashMap<Id<Ticket>, Ticket>,
    extras: HashMap<Id<Ticket>, Extras>,
}

impl Held {
    pub(super) fn of(tx: &mut Tx<'_>, items: &[Item]) -> Result<Self> {
        let ids: Vec<Id<Ticket>> = items.iter().map(|item| item.ticket_id).collect();
        let tickets = tickets::lock_all(tx, &ids)?;
        let extras = query::extras(tx, &ids)?;
        reports::look_ahead(tx, &ids)?;
        Ok(Self { tickets: tickets.into_iter().map(|t| (t.id, t)).collect(), extras })
    }

    pub(super) fn ids(&self) -> Vec<Id<Ticket>> {
        self.tickets.keys().copied().collect()
    }

    /// A ticket with what is beside it; each is handed out once, before it is changed.
    pub(super) fn take(&mut self, id: Id<Ticket>) -> Option<(Ticket, Extras)> {
        Some((self.tickets.remove(&id)?, self.extras.remove(&id).unwrap_or_default()))
    }
}

fn forward(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    changes: &Changes,
    known: Option<&macros::Macro>,
    held: &mut Held,
    item: Item,
) -> Result<Item> {
    let id = item.ticket_id;
    let done = tx.attempt_one_of_many(|tx| {
        if let Some(into) = changes.merge_into {
            let was = query::get_for_staff(tx, staff, id)?;
            let tags = query::extras(tx, &[id])?.remove(&id).unwrap_or_default().tags;
            tickets::merge(tx, settings, staff, id, into)?;
            let now = query::get(tx, id)?;
            return Ok((was.version, now.version, Known::of(tx, was, tags.clone(), now, tags)));
        }
        // What was read when its row was taken is what an undo restores.
        let (was, extras) = held.take(id).filter(|(t, _)| t.is_visible_to(staff)).or_not_found("ticket")?;
        let (now, tags) = match known {
            Some(known) => {
                let (means, before) = (macros::Means::default(), was.clone());
                let now =
                    macros::apply_held(tx, settings, staff, known, before, Some(&extras), means)?.ticket;
                (now, known.changes.of(staff.user_id)?.tags_after(&extras.tags)?)
            }
            None => {
                let patch = changes.patch(&extras.tags);
                let now = tickets::change_held(tx, settings, staff, was.clone(), &extras, patch)?;
                (now, changes.tags_after(&extras.tags)?)
            }
        };
        Ok((was.version, now.version, Known::of(tx, was, extras.tags, now, tags)))
    });
    match done {
        Ok((was, now, _)) if was == now => Ok(Item { outcome: "unchanged".into(), ..item }),
        Ok((_, now, known)) => {
            Ok(Item { outcome: "changed".into(), known: Some(known), version: Some(now), ..item })
        }
        Err(e) if is_its_own(&e) => Ok(failed(item, &e)),
        Err(e) => Err(e),
    }
}
