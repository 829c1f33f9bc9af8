//! What is to be done on a ticket, step by step.

use base::{Error, Id, OrNotFound, Result, Timestamp, text};
use db::{Read, Row, Tx, params};
use identity::{Settings, Staff};
use serde::Serialize;

use super::{
    model::*,
    ops::{change_of_staff, note_change},
};

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct ChecklistItem {
    pub id: Id<ChecklistItem>,
    pub position: u32,
    pub text: String,
    pub done_at: Option<Timestamp>,
    pub done_by: Option<String>,
}

/// What to change about an item; absent stays.
#[derive(Clone, Debug, Default)]
pub struct ItemPatch {
    pub text: Option<String>,
    pub done: Option<bool>,
    pub position: Option<u32>,
}

db::statements! {
    OF = "select id, position, text, done_at, done_by from checklist_items where tenant_id = ?1 and ticket_id = ?2 order by position, id";
    INSERT = "insert into checklist_items (tenant_id, id, ticket_id, position, text, created_at) values (?1, ?2, ?3, ?4, ?5, ?6)";
    SAVE = "update checklist_items set position = ?4, text = ?5, done_at = ?6, done_by = ?7 where tenant_id = ?1 and ticket_id = ?2 and id = ?3";
    DELETE = "delete from checklist_items where tenant_id = ?1 and ticket_id = ?2 and id = ?3";
}

const MOST: usize = 100;

fn map(row: &Row<'_>) -> Result<ChecklistItem> {
    let mut c = row.columns();
    Ok(ChecklistItem {
        id: c.next()?,
        position: c.next()?,
        text: c.next()?,
        done_at: c.next()?,
        done_by: c.next()?,
    })
}

/// The items in their order.
pub fn of(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<ChecklistItem>> {
    read.query_all(&OF, params![ticket], map)
}

/// Adds steps at the end.
pub fn add(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    texts: &[String],
) -> Result<Vec<ChecklistItem>> {
    let ticket = change_of_staff(tx, settings, staff, id)?;
    let known = of(tx, id)?;
    if known.len() + texts.len() > MOST {
        return Err(Error::conflict("checklist.too_long", format!("a checklist has at most {MOST} items")));
    }
    let mut position = known.last().map_or(0, |i| i.position);
    for item in texts {
        let item = text::line("text", item, 200)?;
        position += 1;
        let (item_id, now): (Id<ChecklistItem>, _) = (tx.new_id(), tx.now());
        tx.execute(&INSERT, params![item_id, id, position, item, now])?;
    }
    note_change(tx, &ticket, "checklist_added", texts.join("; "))?;
    of(tx, id)
}

/// Ticks, unticks, rewords or moves an item.
pub fn change(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    item: Id<ChecklistItem>,
    patch: ItemPatch,
) -> Result<Vec<ChecklistItem>> {
    let ticket = change_of_staff(tx, settings, staff, id)?;
    let mut held = of(tx, id)?.into_iter().find(|i| i.id == item).or_not_found("checklist item")?;
    if let Some(words) = &patch.text {
        held.text = text::line("text", words, 200)?;
    }
    held.position = patch.position.unwrap_or(held.position);
    match patch.done {
        Some(true) if held.done_at.is_none() => {
            held.done_at = Some(tx.now());
            held.done_by = Some(tx.actor().name.clone());
            note_change(tx, &ticket, "checklist_done", held.text.clone())?;
        }
        Some(false) if held.done_at.is_some() => {
            (held.done_at, held.done_by) = (None, None);
            note_change(tx, &ticket, "checklist_undone", held.text.clone())?;
        }
        _ => {}
    }
    tx.execute(&SAVE, params![id, item, held.position, held.text, held.done_at, held.done_by])?;
    of(tx, id)
}

/// Takes an item away.
pub fn remove(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    item: Id<ChecklistItem>,
) -> Result<Vec<ChecklistItem>> {
    let ticket = change_of_staff(tx, settings, staff, id)?;
    let held = of(tx, id)?.into_iter().find(|i| i.id == item).or_not_found("checklist item")?;
    tx.execute(&DELETE, params![id, item])?;
    note_change(tx, &ticket, "checklist_removed", held.text)?;
    of(tx, id)
}
