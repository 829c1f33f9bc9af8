//! Taking a change back, field by field: what somebody or a rule touched since stays, and the item says who it was.

use base::{Actor, Error, Id, OrNotFound, Result};
use db::Tx;
use engine::Enqueue;
use identity::{Settings, Staff, teams, tenants};

use super::{
    jobs::UndoBulk,
    model::*,
    ops::{Held, batch_size, is_its_own},
    since::{self, Since, Touched, name},
    store::{self, lock},
};
use crate::tickets::{self, Extras, Status, Ticket, query, restore_held};

/// Begins taking it back, in the background. Whoever asked for it may, and admins. One that could take nothing back, since
/// all of it was touched, may be tried again.
///
/// # Errors
/// `bulk.not_done`, `bulk.undone`, `bulk.others`.
pub fn undo(tx: &mut Tx<'_>, staff: &Staff, id: Id<Bulk>) -> Result<Bulk> {
    let mut bulk = lock(tx, id)?;
    // Names are not theirs alone, of keys in particular.
    let own =
        staff.actor.id.is_some() && (bulk.actor.kind, bulk.actor.id) == (staff.actor.kind, staff.actor.id);
    if staff.read_only || !(own || staff.is_admin()) {
        return Err(Error::forbidden(
            "bulk.others",
            "whoever made this change may take it back, or an admin",
        ));
    }
    let is_first = bulk.status == "done";
    match bulk.status.as_str() {
        "done" => {}
        "undone" if bulk.may_be_undone() => {}
        "undone" | "undoing" => return Err(Error::conflict("bulk.undone", "this was taken back already")),
        _ => return Err(Error::conflict("bulk.not_done", "this is still at work; wait until it is done")),
    }
    bulk.status = "undoing".into();
    bulk.finished_at = None;
    store::save(tx, &bulk)?;
    store::save_undoer(tx, id, &staff.actor)?;
    let attempt = (!is_first).then(|| tx.new_id::<Bulk>().uuid());
    tx.enqueue(&UndoBulk { bulk: id, after: 0, attempt })?;
    Ok(bulk)
}

/// Takes the next tickets back; answers the last position looked at, or none at the end.
pub fn undo_batch(tx: &mut Tx<'_>, id: Id<Bulk>, after: u32) -> Result<Option<u32>> {
    let mut bulk = lock(tx, id)?;
    if bulk.status != "undoing" {
        return Ok(None);
    }
    let settings = tenants::get(tx, tx.tenant()?)?.settings;
    let actor = bulk.undone_by.clone().unwrap_or_else(|| bulk.actor.clone());
    // What was done by right is taken back by right, also when rights changed since.
    let user_id = actor.id.filter(|_| actor.kind == base::ActorKind::Agent).map(Id::from_uuid);
    let staff = Staff { user_id, role: base::Role::Admin, actor: actor.clone(), read_only: false };
    let batch = store::items(tx, id, after, batch_size(tx))?;
    let last = batch.last().map(|i| i.position);
    let (now, merges) = (tx.now(), bulk.changes.merge_into.is_some());
    // What an earlier try left is looked at anew.
    let changed: Vec<Item> =
        batch.into_iter().filter(|i| matches!(i.outcome.as_str(), "changed" | "kept")).collect();
    if merges {
        tickets::hold_threads(tx, &changed.iter().map(|item| item.ticket_id).collect::<Vec<_>>())?;
    }
    let held = Held::of(tx, if merges { &[] } else { &changed })?;
    let ids = held.ids();
    let mut batch =
        Batch { settings: &settings, staff: &staff, merges, since: Since::of(tx, &changed)?, held };
    let outcomes = tickets::filing_together(tx, &ids, |tx| {
        changed
            .into_iter()
            .map(|item| tx.as_of(actor.clone(), now, |tx| batch.backward(tx, item)))
            .collect::<Result<Vec<Item>>>()
    })?;
    for done in outcomes {
        bulk.restored += u32::from(done.outcome == "restored");
        store::save_item(tx, id, &done)?;
    }
    let end = last.is_none_or(|p| p >= bulk.total);
    if end {
        bulk.status = "undone".into();
        bulk.finished_at = Some(now);
    }
    store::save(tx, &bulk)?;
    Ok(last.filter(|_| !end))
}

/// Tickets that are taken back together, with what happened to them since.
struct Batch<'a> {
    settings: &'a Settings,
    staff: &'a Staff,
    merges: bool,
    since: Since,
    held: Held,
}

impl Batch<'_> {
    fn backward(&mut self, tx: &mut Tx<'_>, item: Item) -> Result<Item> {
        let done = tx.attempt_one_of_many(|tx| {
            let known = item
                .known
                .as_ref()
                .ok_or_else(|| Error::conflict("bulk.unknown", "what it was before is not known"))?;
            if self.merges { self.part(tx, &item, known) } else { self.restore(tx, &item, known) }
        });
        match done {
            Ok(stays) => {
                let reason = (!stays.is_empty()).then(|| format!("stays as it is: {}", stays.join("; ")));
                Ok(Item { outcome: "restored".into(), reason, ..item })
            }
            Err(e) if is_its_own(&e) => {
                Ok(Item { outcome: "kept".into(), reason: Some(e.plain_message().to_owned()), ..item })
            }
            Err(e) => Err(e),
        }
    }

    /// Takes a merge back, as long as the ticket is where it was put. What was said meanwhile is with whom it was said to.
    fn part(&self, tx: &mut Tx<'_>, item: &Item, known: &Known) -> Result<Vec<String>> {
        let t = query::get(tx, item.ticket_id)?;
        match &known.after {
            None => check_untouched(item, &t)?,
            Some(after) => {
                let touched = self.since.touched(t.id, after);
                if let Some(by) = touched.by(since::MERGE) {
                    let message = format!("{} took the merge back since", name(by));
                    return Err(Error::conflict("ticket.touched", message));
                }
            }
        }
        tickets::unmerge(tx, self.settings, self.staff, t.id).map(|_| Vec::new())
    }

    /// Restores what nobody touched since; answers what stays, and why.
    fn restore(&mut self, tx: &mut Tx<'_>, item: &Item, known: &Known) -> Result<Vec<String>> {
        let (t, extras) = self.held.take(item.ticket_id).or_not_found("ticket")?;
        let (after, touched) = match &known.after {
            Some(after) => (after.clone(), self.since.touched(t.id, after)),
            // Of a change from before this was kept, only that something happened since is known.
            None => {
                check_untouched(item, &t)?;
                let fields = Fields::of(&t, extras.tags.clone());
                let (until, message_count) = (tx.new_id(), t.message_count);
                let after = After { fields, change: uuid::Uuid::nil(), until, message_count };
                (after, Touched::default())
            }
        };
        check_there(&t, &touched)?;
        let mut back = Back::new(&t, &extras, &known.before, &after, &touched);
        back.standing();
        back.words();
        back.people(tx)?;
        back.tags();
        let Back { next, tags, fields, stays, .. } = back;
        if fields.is_empty() {
            let message = match stays.as_slice() {
                [] => "there is nothing to take back: what was said stays".to_owned(),
                stays => format!("nothing is taken back: {}", stays.join("; ")),
            };
            return Err(Error::conflict("ticket.touched", message));
        }
        let what = serde_json::json!({ "change": after.change, "fields": fields });
        restore_held(tx, &t, next, &extras.tags, &tags, what)?;
        Ok(stays)
    }
}

fn check_untouched(item: &Item, t: &Ticket) -> Result<()> {
    if item.version == Some(t.version) {
        return Ok(());
    }
    let message = format!("{} changed this ticket since, or somebody before them", t.updated_by);
    Err(Error::conflict("ticket.touched", message))
}

/// A ticket that is in another's thread, or under a tombstone, takes no change of its own.
fn check_there(t: &Ticket, touched: &Touched) -> Result<()> {
    let by = |field| touched.by(field).map(|by| format!(" by {}", name(by))).unwrap_or_default();
    let message = if t.deleted_at.is_some() {
        format!("it was deleted since{}", by(since::DELETION))
    } else if t.survivor_id.is_some() {
        format!("it was merged into another ticket since{}", by(since::MERGE))
    } else {
        return Ok(());
    };
    Err(Error::conflict("ticket.touched", message))
}

/// One ticket on its way back.
struct Back<'a> {
    now: Fields,
    before: &'a Fields,
    after: &'a Fields,
    touched: &'a Touched,
    /// Somebody wrote to the business since.
    is_heard: bool,
    next: Ticket,
    tags: Vec<String>,
    /// What is restored, by name.
    fields: Vec<String>,
    /// What is not, and why.
    stays: Vec<String>,
}

impl<'a> Back<'a> {
    fn new(t: &Ticket, extras: &Extras, before: &'a Fields, after: &'a After, touched: &'a Touched) -> Self {
        Self {
            now: Fields::of(t, extras.tags.clone()),
            before,
            after: &after.fields,
            touched,
            is_heard: touched.by(since::HEARD).is_some()
                || touched.is_more_said(after.message_count, t.message_count),
            next: t.clone(),
            tags: extras.tags.clone(),
            fields: Vec::new(),
            stays: Vec::new(),
        }
    }

    fn stays(&mut self, what: &str, by: Option<&Actor>, did: &str) {
        let who = by.map_or_else(|| if did == "wrote" { "somebody" } else { "it was" }.to_owned(), name);
        let did = if by.is_none() && did == "changed it" { "changed" } else { did };
        self.stays.push(format!("{what} ({who} {did} since)"));
    }

    /// Whether a field is as the change left it and nobody set it since, to the same or for a while; says so where not.
    fn is_untouched(&mut self, field: &str, what: &str, is_same: bool) -> bool {
        let by = self.touched.by(field).cloned();
        let untouched = by.is_none() && is_same;
        if !untouched {
            self.stays(what, by.as_ref(), "changed it");
        }
        untouched
    }

    /// The status with its times, and the sleep a move ended.
    fn standing(&mut self) {
        let (before, after) = (self.before, self.after);
        if before.stands_as(after) {
            return;
        }
        let is_same = self.now.stands_as(after);
        if !self.is_untouched(since::STATUS, "status", is_same) {
            return;
        }
        let heard = self.touched.by(since::HEARD).cloned();
        // A message takes such a ticket up: back there nobody would see that it waits for an answer.
        let is_taken_up = matches!(
            before.status,
            Status::PendingCustomer | Status::Resolved | Status::Closed | Status::Archived
        );
        if is_taken_up && self.is_heard {
            self.stays("status", heard.as_ref(), "wrote");
            return;
        }
        let worked = self.touched.by(since::WORKED).cloned();
        if before.status == Status::New && worked.is_some() {
            // What staff did since would have opened it, if nothing else had.
            self.stays("open", worked.as_ref(), "worked on it");
            if after.status == Status::Open {
                return;
            }
            let open = Fields { status: Status::Open, public_status: Status::Open, ..before.clone() };
            open.stand(&mut self.next);
        } else {
            before.stand(&mut self.next);
        }
        self.fields.push(since::STATUS.into());
        if before.sleeps_as(after) {
            return;
        }
        let is_same = self.now.sleeps_as(after);
        if self.is_heard {
            self.stays("awake", heard.as_ref(), "wrote");
        } else if self.is_untouched(since::SNOOZE, "snooze", is_same) {
            (self.next.snoozed_at, self.next.snoozed_until) = (before.snoozed_at, before.snoozed_until);
            self.fields.push(since::SNOOZE.into());
        }
    }

    /// Priority, with the due time that follows it, and category.
    fn words(&mut self) {
        let (before, after) = (self.before, self.after);
        let is_same = self.now.priority == after.priority;
        let mut is_due_its_own = true;
        if before.priority != after.priority {
            is_due_its_own = self.is_untouched(since::PRIORITY, "priority", is_same);
            if is_due_its_own {
                self.next.priority = before.priority;
                self.fields.push(since::PRIORITY.into());
            }
        }
        let is_same = self.now.due_at == after.due_at;
        if before.due_at != after.due_at
            && is_due_its_own
            && self.is_untouched(since::DUE, "due time", is_same)
        {
            if after.status.is_live() && !self.next.status.is_live() {
                // By what it was in time or late is settled.
                let by = self.touched.by(since::STATUS).cloned();
                self.stays("due time", by.as_ref(), "settled the ticket");
            } else {
                self.next.due_at = before.due_at;
                self.fields.push(since::DUE.into());
            }
        }
        let is_same = self.now.category == after.category;
        if before.category != after.category && self.is_untouched(since::CATEGORY, "category", is_same) {
            self.next.category.clone_from(&before.category);
            self.fields.push(since::CATEGORY.into());
        }
    }

    /// Assignee and team, where they are still there.
    fn people(&mut self, tx: &Tx<'_>) -> Result<()> {
        let (before, after) = (self.before, self.after);
        let is_same = self.now.assigned_to == after.assigned_to;
        if before.assigned_to != after.assigned_to && self.is_untouched(since::ASSIGNEE, "assignee", is_same)
        {
            match before.assigned_to.map_or(Ok(()), |user| tickets::check_assignee(tx, user)) {
                Ok(()) => {
                    self.next.assigned_to = before.assigned_to;
                    self.fields.push(since::ASSIGNEE.into());
                }
                Err(e) if is_its_own(&e) => {
                    self.stays.push("assignee (whoever had it is not on the staff any more)".into());
                }
                Err(e) => return Err(e),
            }
        }
        let is_same = self.now.team_id == after.team_id;
        if before.team_id != after.team_id && self.is_untouched(since::TEAM, "team", is_same) {
            match before.team_id.map_or(Ok(()), |team| teams::check_there(tx, team)) {
                Ok(()) => {
                    self.next.team_id = before.team_id;
                    self.fields.push(since::TEAM.into());
                }
                Err(e) if is_its_own(&e) => self.stays.push("team (the team it had is gone)".into()),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Each tag by itself.
    fn tags(&mut self) {
        let (before, after) = (self.before, self.after);
        let gone = before.tags.iter().filter(|t| !after.tags.contains(t)).map(|t| (t, false));
        let come = after.tags.iter().filter(|t| !before.tags.contains(t)).map(|t| (t, true));
        for (tag, was_added) in gone.chain(come) {
            let is_same = self.now.tags.contains(tag) == was_added;
            if !self.is_untouched(&since::tag(tag), &format!("tag {tag}"), is_same) {
                continue;
            }
            if was_added {
                self.tags.retain(|t| t != tag);
            } else {
                self.tags.push(tag.clone());
            }
            self.fields.push(since::tag(tag));
        }
        self.tags.sort();
    }
}
