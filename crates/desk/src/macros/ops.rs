//! Saving, and using.

use base::{Error, Id, OrNotFound, Result};
use db::{Read, Tx};
use identity::{Settings, Staff, teams};

use super::{model::*, placeholders, store};
use crate::{
    bulk::Changes,
    categories,
    composing::{
        drafts::{DraftFile, FILES_MAX},
        held::{self, Afterwards, Held},
    },
    tickets::{
        self, Extras, Markdown, Message, NewAttachment, NewMessage, Status, Ticket, TicketPatch, query,
    },
    views,
};

/// Of each kind that one person may own.
const MOST: i64 = 200;

/// One of those this member of staff sees.
pub fn get_visible(read: &Read<'_>, staff: &Staff, kind: Kind, id: Id<Macro>) -> Result<Macro> {
    let found = store::find(read, id)?.filter(|m| m.kind == kind).or_not_found(kind.noun())?;
    let theirs = staff.is_user(Some(found.owner_id))
        || found.is_for_all
        || match (found.team_id, staff.user_id) {
            (Some(team), Some(me)) => teams::get(read, team)?.members.contains(&me),
            _ => false,
        };
    if theirs || staff.is_admin() { Ok(found) } else { Err(Error::not_found(kind.noun())) }
}

/// What is changed has to exist; and one that does nothing is none.
fn check_whole(tx: &Tx<'_>, m: &Macro) -> Result<()> {
    if m.kind == Kind::CannedReply && m.body.is_empty() {
        return Err(Error::field("body", "text.empty", "must not be empty"));
    }
    if m.body.is_empty() && m.changes.is_empty() {
        return Err(Error::field("changes", "macro.nothing", "a text, or at least one change"));
    }
    if m.body.is_empty() && !m.files.is_empty() {
        return Err(Error::field("body", "macro.files_without_text", "files go out with a text"));
    }
    if m.files.len() > FILES_MAX {
        return Err(Error::field(
            "attachments",
            "attachments.too_many",
            format!("at most {FILES_MAX} files"),
        ));
    }
    let c = &m.changes;
    if let Some(Assign::To(user)) = c.assigned_to {
        tickets::check_assignee(tx, user).map_err(|e| e.on_field("changes.assigned_to"))?;
    }
    if let Some(Some(team)) = c.team_id {
        teams::get(tx, team)
            .map_err(|_| Error::field("changes.team_id", "team.unknown", "there is no such team"))?;
    }
    if let Some(category) = &c.category {
        categories::check(tx, category).map_err(|e| e.on_field("changes.category"))?;
    }
    Ok(())
}

fn parts(sharing: Sharing) -> (Option<Id<teams::Team>>, bool) {
    match sharing {
        Sharing::Personal => (None, false),
        Sharing::Team(team) => (Some(team), false),
        Sharing::Everybody => (None, true),
    }
}

fn stored(tx: &Tx<'_>, files: Vec<NewAttachment>) -> Vec<DraftFile> {
    files.into_iter().map(|file| DraftFile { id: tx.new_id::<DraftFile>().uuid(), file }).collect()
}

/// Saves one.
///
/// # Errors
/// `placeholder.unknown`, `macro.nothing`, `macro.status`, `view.sharing`, `macro.too_many` and those of what it changes.
pub fn save(tx: &mut Tx<'_>, staff: &Staff, new: NewMacro) -> Result<Macro> {
    if staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    let owner_id = staff.user_id.ok_or_else(|| {
        Error::forbidden("role.person_only", "a key has none of its own; a person saves and shares them")
    })?;
    let body = check_body(&new.body)?;
    let (team_id, is_for_all) = parts(new.sharing);
    let now = tx.now();
    let text_kind = (!body.is_empty()).then(|| new.text_kind.unwrap_or(TextKind::Reply));
    let made = Macro {
        id: tx.new_id(),
        kind: new.kind,
        name: check_name(&new.name)?,
        text_kind,
        body,
        files: stored(tx, new.files),
        changes: check_changes(new.changes)?,
        owner_id,
        team_id,
        is_for_all,
        created_at: now,
        updated_at: now,
        uses: 0,
        last_used_at: None,
    };
    check_whole(tx, &made)?;
    views::check_sharing(tx, staff, new.sharing)?;
    if store::owned(tx, staff, new.kind)? >= MOST {
        return Err(Error::conflict("macro.too_many", format!("at most {MOST} each")));
    }
    store::insert(tx, &made)?;
    Ok(made)
}

fn changeable(tx: &mut Tx<'_>, staff: &Staff, kind: Kind, id: Id<Macro>) -> Result<Macro> {
    get_visible(tx, staff, kind, id)?;
    store::lock(tx, id)?;
    let found = get_visible(tx, staff, kind, id)?;
    if staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    if staff.is_user(Some(found.owner_id)) || staff.is_admin() {
        return Ok(found);
    }
    Err(Error::forbidden("macro.others", "its owner or an admin may change this; save one of your own"))
}

/// Changes one. Its owner may, and admins.
pub fn change(tx: &mut Tx<'_>, staff: &Staff, kind: Kind, id: Id<Macro>, patch: MacroPatch) -> Result<Macro> {
    let mut m = changeable(tx, staff, kind, id)?;
    if let Some(name) = &patch.name {
        m.name = check_name(name)?;
    }
    if let Some(body) = &patch.body {
        m.body = check_body(body)?;
    }
    m.text_kind = patch.text_kind.unwrap_or(m.text_kind);
    m.text_kind = (!m.body.is_empty()).then(|| m.text_kind.unwrap_or(TextKind::Reply));
    if let Some(changes) = patch.changes {
        m.changes = check_changes(changes)?;
    }
    if let Some(kept) = &patch.keep_files {
        m.files.retain(|f| kept.contains(&f.id));
    }
    m.files.extend(stored(tx, patch.add_files));
    check_whole(tx, &m)?;
    if let Some(sharing) = patch.sharing {
        let (team, all) = parts(sharing);
        // Whoever leaves the sharing as it is needs no right to share.
        if (team, all) != (m.team_id, m.is_for_all) {
            views::check_sharing(tx, staff, sharing)?;
        }
        (m.team_id, m.is_for_all) = (team, all);
    }
    m.updated_at = tx.now();
    store::update(tx, &m)?;
    Ok(m)
}

/// Deletes one. Its owner may, and admins.
pub fn delete(tx: &mut Tx<'_>, staff: &Staff, kind: Kind, id: Id<Macro>) -> Result<()> {
    changeable(tx, staff, kind, id)?;
    store::delete(tx, id)
}

/// A canned reply's text for one ticket, and its files. Counts the use.
pub fn insert(
    tx: &mut Tx<'_>,
    staff: &Staff,
    id: Id<Macro>,
    ticket: Id<Ticket>,
) -> Result<(String, Vec<NewAttachment>)> {
    let ticket = query::get_for_staff(tx, staff, ticket)?;
    let found = get_visible(tx, staff, Kind::CannedReply, id)?;
    if staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    let text = placeholders::fill(&found.body, &placeholders::values(tx, staff, &ticket)?);
    store::used(tx, staff, id, 1)?;
    Ok((text, found.files.into_iter().map(|f| f.file).collect()))
}

/// How a macro is applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct Means {
    /// The version of the ticket that was seen; an older one is refused.
    pub expected_version: Option<i64>,
    /// A reply waits so long that it can be taken back, as one from the composer does, and what the macro changes with it.
    pub held: bool,
}

/// What applying did.
#[derive(Debug)]
pub struct Applied {
    pub ticket: Ticket,
    pub message: Option<Message>,
    pub held: Option<Held>,
}

/// Applies a macro: its text first, then its changes, with all the checks of both. All of it, or nothing.
pub fn apply(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Macro>,
    ticket: Id<Ticket>,
    means: Means,
) -> Result<Applied> {
    let seen = query::get_for_staff(tx, staff, ticket)?;
    tickets::lock_whole(tx, &seen)?;
    let before = query::get_for_staff(tx, staff, ticket)?;
    let found = get_visible(tx, staff, Kind::Macro, id)?;
    let applied = apply_held(tx, settings, staff, &found, before, None, means)?;
    count_uses(tx, staff, id, 1)?;
    Ok(applied)
}

/// Counts uses of a macro by this member of staff.
pub(crate) fn count_uses(tx: &mut Tx<'_>, staff: &Staff, id: Id<Macro>, uses: u32) -> Result<()> {
    if uses == 0 { Ok(()) } else { store::used(tx, staff, id, uses) }
}

/// The same for a macro that was looked up and a ticket whose row is held, as it is now, with what is beside it now where
/// that is known. Whoever applies it to many counts its uses once.
pub(crate) fn apply_held(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    found: &Macro,
    before: Ticket,
    extras: Option<&Extras>,
    means: Means,
) -> Result<Applied> {
    let ticket = before.id;
    if staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read"));
    }
    query::check_not_merged(tx, &before)?;
    let mut changes = found.changes.of(staff.user_id)?;
    // What is known of the ticket as it goes along: its row is held.
    let (mut now, mut message) = (before.clone(), None);
    let mut expected = means.expected_version;
    if let Some(kind) = found.text_kind {
        let is_internal = kind == TextKind::Note;
        let values = if found.body.contains("{{") {
            placeholders::values(tx, staff, &before)?
        } else {
            placeholders::Values::default()
        };
        let text = placeholders::fill_markdown(&found.body, &values);
        // A status goes with the answer, so that its customer gets one letter, not two. A close has a reason and goes after.
        let with_answer =
            changes.status.filter(|s| !is_internal && !matches!(s, Status::Closed | Status::Archived));
        if with_answer.is_some() {
            changes.status = None;
        }
        let new = NewMessage {
            body: Markdown::parse("body", &text)?,
            is_internal,
            attachments: found.files.iter().map(|f| f.file.clone()).collect(),
            status: with_answer.filter(|s| *s != before.status),
            expected_version: expected.take().filter(|_| !is_internal),
            addressed_to: None,
        };
        if means.held && !is_internal && settings.undo_send_seconds > 0 {
            // What it changes waits with its answer: all of it is taken back, or all of it happens.
            let then = Afterwards { macro_name: found.name.clone(), changes };
            let held = Some(held::hold_macro(tx, settings, staff, ticket, new, Some(then))?);
            return Ok(Applied { ticket: query::get(tx, ticket)?, message: None, held });
        }
        let (after, said) = tickets::staff_message(tx, settings, staff, ticket, new)?;
        (now, message) = (after, Some(said));
    }
    // A note alone may be left by whoever may not change the ticket.
    let ticket = if changes == Changes::default() {
        now
    } else if let Some(extras) = extras {
        let patch = TicketPatch { expected_version: expected, ..changes.patch(&extras.tags) };
        tickets::change_held(tx, settings, staff, now, extras, patch)?
    } else {
        let tags = query::extras(tx, &[ticket])?.remove(&ticket).unwrap_or_default().tags;
        let patch = TicketPatch { expected_version: expected, ..changes.patch(&tags) };
        tickets::change(tx, settings, staff, ticket, patch)?
    };
    tickets::note_macro(tx, ticket.id, &found.name)?;
    Ok(Applied { ticket, message, held: None })
}
