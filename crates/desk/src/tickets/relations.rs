//! How tickets belong together: related, duplicate, parent and child, split.

use std::str::FromStr;

use base::{Error, Id, Result};
use db::{Read, Tx, params};
use identity::{Settings, Staff, User};
use serde::Serialize;

use super::{
    model::*,
    ops::{NewMessage, change_of_staff, staff_message},
    query,
};

/// How one ticket stands to another. Stored once, in the direction it is said; read from both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Kind {
    Related,
    DuplicateOf,
    HasDuplicate,
    ChildOf,
    ParentOf,
    SplitFrom,
    SplitInto,
}

impl Kind {
    /// What callers may set; a split is set by splitting.
    pub const SETTABLE: [Self; 5] =
        [Self::Related, Self::DuplicateOf, Self::HasDuplicate, Self::ChildOf, Self::ParentOf];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Related => "related",
            Self::DuplicateOf => "duplicate_of",
            Self::HasDuplicate => "has_duplicate",
            Self::ChildOf => "child_of",
            Self::ParentOf => "parent_of",
            Self::SplitFrom => "split_from",
            Self::SplitInto => "split_into",
        }
    }

    /// The same fact, said from the other end.
    pub const fn seen_from_the_other(self) -> Self {
        match self {
            Self::Related => Self::Related,
            Self::DuplicateOf => Self::HasDuplicate,
            Self::HasDuplicate => Self::DuplicateOf,
            Self::ChildOf => Self::ParentOf,
            Self::ParentOf => Self::ChildOf,
            Self::SplitFrom => Self::SplitInto,
            Self::SplitInto => Self::SplitFrom,
        }
    }

    const fn is_stored(self) -> bool {
        matches!(self, Self::Related | Self::DuplicateOf | Self::ChildOf | Self::SplitFrom)
    }
}

impl FromStr for Kind {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        Self::SETTABLE.into_iter().find(|k| k.as_str() == s).ok_or_else(|| {
            let known: Vec<&str> = Self::SETTABLE.iter().map(|k| k.as_str()).collect();
            Error::field("kind", "relation.unknown", format!("one of {}", known.join(", ")))
        })
    }
}

/// A ticket that belongs to another, as staff see it beside that one.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Relation {
    pub kind: Kind,
    pub ticket_id: Id<Ticket>,
    pub ticket_number: String,
    pub subject: String,
    pub status: Status,
    /// Whose it is, for those who see their own tickets alone.
    #[serde(skip)]
    assigned_to: Option<Id<User>>,
}

db::statements! {
    INSERT = "insert into ticket_relations (tenant_id, from_id, kind, to_id, created_by, created_at) values (?1, ?2, ?3, ?4, ?5, ?6) on conflict do nothing";
    DELETE = "delete from ticket_relations where tenant_id = ?1 and from_id = ?2 and kind = ?3 and to_id = ?4";
    FROM = "select r.kind, t.id, t.ticket_number, t.subject, t.status, t.assigned_to from ticket_relations r
        join tickets t on t.tenant_id = r.tenant_id and t.id = r.to_id
        where r.tenant_id = ?1 and r.from_id = ?2 and t.deleted_at is null order by t.id";
    TO = "select r.kind, t.id, t.ticket_number, t.subject, t.status, t.assigned_to from ticket_relations r
        join tickets t on t.tenant_id = r.tenant_id and t.id = r.from_id
        where r.tenant_id = ?1 and r.to_id = ?2 and t.deleted_at is null order by t.id";
    // Whoever is above a ticket, however far up; `union` ends at a circle should there ever be one.
    ABOVE = "with recursive up (id) as (
            select r.to_id from ticket_relations r where r.tenant_id = ?1 and r.from_id = ?2 and r.kind = ?3
            union select r.to_id from ticket_relations r join up u on r.from_id = u.id where r.tenant_id = ?1 and r.kind = ?3)
        select id from up";
}

/// How many relations one ticket may have, so that its page stays readable.
const MOST: usize = 100;

fn stored(read: &Read<'_>, sql: &'static db::Sql, id: Id<Ticket>, other_end: bool) -> Result<Vec<Relation>> {
    let all = [Kind::Related, Kind::DuplicateOf, Kind::ChildOf, Kind::SplitFrom];
    read.query_all(sql, params![id], |row| {
        let word: String = row.get(0)?;
        let kind = all
            .into_iter()
            .find(|k| k.as_str() == word)
            .ok_or_else(|| Error::bug(format!("a relation of kind {word}")))?;
        Ok(Relation {
            kind: if other_end { kind.seen_from_the_other() } else { kind },
            ticket_id: row.get(1)?,
            ticket_number: row.get(2)?,
            subject: row.get(3)?,
            status: row.get(4)?,
            assigned_to: row.get(5)?,
        })
    })
}

/// Everything this ticket belongs to, said from its end.
fn of(read: &Read<'_>, id: Id<Ticket>) -> Result<Vec<Relation>> {
    let mut out = stored(read, &FROM, id, false)?;
    out.extend(stored(read, &TO, id, true)?);
    Ok(out)
}

/// The same, without the tickets this member of staff may not know of.
pub fn seen_by(read: &Read<'_>, staff: &Staff, id: Id<Ticket>) -> Result<Vec<Relation>> {
    let mut all = of(read, id)?;
    all.retain(|r| staff.role.sees_all_tickets() || staff.is_user(r.assigned_to));
    Ok(all)
}

/// The direction a fact is stored in. What has none is stored from the older ticket.
fn as_stored(from: Id<Ticket>, kind: Kind, to: Id<Ticket>) -> (Id<Ticket>, Kind, Id<Ticket>) {
    if !kind.is_stored() {
        return (to, kind.seen_from_the_other(), from);
    }
    if kind == Kind::Related && to < from { (to, kind, from) } else { (from, kind, to) }
}

pub(super) fn insert(tx: &mut Tx<'_>, from: Id<Ticket>, kind: Kind, to: Id<Ticket>) -> Result<bool> {
    let (from, kind, to) = as_stored(from, kind, to);
    let (by, now) = (tx.actor().name.clone(), tx.now());
    Ok(tx.execute(&INSERT, params![from, kind.as_str(), to, by, now])? == 1)
}

/// Says that a ticket belongs to another. Saying it twice is harmless.
///
/// # Errors
/// `relation.to_itself`, `relation.cycle` (a parent below its own child, a duplicate of its own duplicate),
/// `relation.too_many`.
pub fn relate(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    kind: Kind,
    other: Id<Ticket>,
) -> Result<Vec<Relation>> {
    let (from, stored_kind, to) = as_stored(id, kind, other);
    let mut above = Vec::new();
    if stored_kind != Kind::Related
        && id != other
        && query::get_for_staff(tx, staff, id).and_then(|_| query::get_for_staff(tx, staff, other)).is_ok()
    {
        // Before the row of this one alone: who relates the two the other way round takes the same first.
        above = tx.hold(|tx| hold_above(tx, from, stored_kind, to))?;
    }
    let ticket = change_of_staff(tx, settings, staff, id)?;
    let unknown = |_| Error::field("ticket", "ticket.unknown", "there is no such ticket");
    let named = query::get_for_staff(tx, staff, other).map_err(unknown)?;
    if id == other {
        return Err(Error::field("ticket", "relation.to_itself", "another ticket than this one"));
    }
    if above.contains(&from) {
        let what = if stored_kind == Kind::ChildOf { "parent" } else { "original" };
        return Err(Error::conflict(
            "relation.cycle",
            format!("{} would become its own {what}; nothing was changed", ticket.ticket_number),
        ));
    }
    if of(tx, id)?.len() >= MOST || of(tx, other)?.len() >= MOST {
        return Err(Error::conflict("relation.too_many", format!("a ticket has at most {MOST} relations")));
    }
    if insert(tx, id, kind, other)? {
        super::ops::note_change(
            tx,
            &ticket,
            "related",
            format!("{} {}", kind.as_str(), named.ticket_number),
        )?;
    }
    seen_by(tx, staff, id)
}

/// Whoever is above a ticket, with their rows and those of both ends held: until the commit nobody else says of any of
/// them whose child or duplicate it is.
fn hold_above(tx: &mut Tx<'_>, from: Id<Ticket>, kind: Kind, to: Id<Ticket>) -> Result<Vec<Id<Ticket>>> {
    let mut held = Vec::new();
    loop {
        let above: Vec<Id<Ticket>> = tx.query_all(&ABOVE, params![to, kind.as_str()], |row| row.get(0))?;
        let mut wanted: Vec<Id<Ticket>> = above.iter().copied().chain([from, to]).collect();
        wanted.retain(|id| !held.contains(id));
        if wanted.is_empty() {
            return Ok(above);
        }
        super::store::hold_rows(tx, &wanted)?;
        held.extend(wanted);
    }
}

/// Takes it back.
pub fn unrelate(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    kind: Kind,
    other: Id<Ticket>,
) -> Result<Vec<Relation>> {
    let ticket = change_of_staff(tx, settings, staff, id)?;
    let (from, stored_kind, to) = as_stored(id, kind, other);
    if tx.execute(&DELETE, params![from, stored_kind.as_str(), to])? == 0 {
        return Err(Error::not_found("relation"));
    }
    super::ops::note_change(tx, &ticket, "unrelated", kind.as_str().to_owned())?;
    seen_by(tx, staff, id)
}

/// What became of one child of a parent that was answered.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct ChildAnswered {
    pub ticket_id: Id<Ticket>,
    pub ticket_number: String,
    pub answered: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// Says the same to the customer of every live child, and resolves them where asked. Those this member of staff may not
/// change are left, with the reason.
pub fn answer_children(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    parent: Id<Ticket>,
    body: &Markdown,
    resolve: bool,
) -> Result<Vec<ChildAnswered>> {
    query::get_for_staff(tx, staff, parent)?;
    let children =
        seen_by(tx, staff, parent)?.into_iter().filter(|r| r.kind == Kind::ParentOf && r.status.is_live());
    let mut out = Vec::new();
    for child in children {
        let new = NewMessage {
            body: body.clone(),
            is_internal: false,
            attachments: Vec::new(),
            status: resolve.then_some(Status::Resolved),
            expected_version: None,
            addressed_to: None,
        };
        let may = query::get(tx, child.ticket_id)?;
        let done = tx.attempt(|tx| {
            query::check_not_merged(tx, &may)?;
            may.check_may_change(staff, settings)?;
            staff_message(tx, settings, staff, child.ticket_id, new)
        });
        let (answered, reason) = match done {
            Ok(_) => (true, None),
            Err(e) if matches!(e.kind(), base::Kind::Conflict | base::Kind::Forbidden) => {
                (false, Some(e.message().to_owned()))
            }
            Err(e) => return Err(e),
        };
        out.push(ChildAnswered {
            ticket_id: child.ticket_id,
            ticket_number: child.ticket_number,
            answered,
            reason,
        });
    }
    Ok(out)
}
