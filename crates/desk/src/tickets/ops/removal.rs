//! Deleting: a tombstone first, which an admin can lift; after the time that the settings give, what was said is gone.

use base::{Error, Id, OrNotFound, Result};
use db::{Tx, params};
use identity::{Settings, Staff, audit, tenants};

use super::{change::check_version, publish, settle, staff_line, touch};
use crate::tickets::{model::*, search, store};

db::statements! {
    OLD = "select id from tickets where tenant_id = ?1 and deleted_at is not null and deleted_at < ?2 and search_text <> '' order by deleted_at limit ?3";
    DROP_ATTACHMENTS = "delete from attachments where tenant_id = ?1 and ticket_id = ?2";
    DROP_FORWARDS = "delete from forwards where tenant_id = ?1 and ticket_id = ?2";
    DROP_MESSAGES = "delete from messages where tenant_id = ?1 and ticket_id = ?2";
    DROP_AUDITS = "delete from ticket_audits where tenant_id = ?1 and ticket_id = ?2";
    DROP_LINKS = "delete from ticket_links where tenant_id = ?1 and ticket_id = ?2";
    DROP_TAGS = "delete from ticket_tags where tenant_id = ?1 and ticket_id = ?2";
    DROP_WATCHERS = "delete from ticket_watchers where tenant_id = ?1 and ticket_id = ?2";
    DROP_RELATIONS = "delete from ticket_relations where tenant_id = ?1 and from_id = ?2";
    // Found by their index first: SQLite looks for rows to delete by the primary key alone.
    DROP_RELATIONS_TO = "delete from ticket_relations where tenant_id = ?1 and to_id = ?2
        and from_id in (select r.from_id from ticket_relations r where r.tenant_id = ?1 and r.to_id = ?2)";
    DROP_PARTICIPANTS = "delete from ticket_participants where tenant_id = ?1 and ticket_id = ?2";
    DROP_CHECKLIST = "delete from checklist_items where tenant_id = ?1 and ticket_id = ?2";
    DROP_TIME = "delete from time_entries where tenant_id = ?1 and ticket_id = ?2";
    DROP_STATUS_LINKS = "delete from status_links where tenant_id = ?1
        and token_hash in (select l.token_hash from status_links l where l.tenant_id = ?1 and l.ticket_id = ?2)";
    DROP_FACTS = "delete from report_facts where tenant_id = ?1 and ticket_id = ?2";
    // The number stays taken, the row stays for whoever counts; nothing of its content does.
    EMPTY = "update tickets set subject = '', search_text = '', user_email = '', context = ?3, resolution_notes = null, ai_summary = null,
        version = version + 1 where tenant_id = ?1 and id = ?2";
}

/// Purged by one run; the next one goes on.
const BATCH: u32 = 20;

fn admins_only(staff: &Staff) -> Result<()> {
    if staff.is_admin() && !staff.read_only {
        return Ok(());
    }
    Err(Error::forbidden(
        "ticket.delete_is_admins",
        "only an admin deletes tickets; close it instead, or mark it as spam",
    ))
}

/// Deletes a ticket: it is in no list and no search, and its customer does not find it any more.
///
/// # Errors
/// `ticket.merged`, `ticket.has_merged`: a merge is taken back first, so that nobody's messages vanish with another's.
pub fn remove(tx: &mut Tx<'_>, staff: &Staff, id: Id<Ticket>, expected: Option<i64>) -> Result<Ticket> {
    super::super::query::get_for_staff(tx, staff, id)?;
    admins_only(staff)?;
    let before = store::lock(tx, id)?.or_not_found("ticket")?;
    super::super::query::check_not_merged(tx, &before)?;
    check_version(&before, expected)?;
    if before.merged_count > 0 {
        return Err(Error::conflict(
            "ticket.has_merged",
            "other tickets are merged into this one; take those merges back first",
        ));
    }
    let mut t = before.clone();
    t.deleted_at = Some(tx.now());
    super::audit(tx, id, staff_line("deleted", None, None))?;
    touch(tx, &mut t, true);
    store::save(tx, &before, &t)?;
    search::changed(tx, id)?;
    publish(tx, "ticket.deleted", &t, true)?;
    audit::record(
        tx,
        audit::Change::new("ticket.deleted", "ticket", Some(id.uuid())).from(&t.ticket_number),
    )?;
    Ok(t)
}

/// Lifts a tombstone, while there is something under it.
///
/// # Errors
/// `ticket.purged`.
pub fn restore(tx: &mut Tx<'_>, staff: &Staff, id: Id<Ticket>) -> Result<Ticket> {
    admins_only(staff)?;
    let before = store::lock(tx, id)?.filter(|t| t.deleted_at.is_some()).or_not_found("ticket")?;
    let mut t = before.clone();
    t.deleted_at = None;
    t.public_version += 1;
    audit::record(tx, audit::Change::new("ticket.restored", "ticket", Some(id.uuid())).to(&t.ticket_number))?;
    let t = settle(tx, &before, t, staff_line("restored", None, None))?;
    search::changed(tx, id)?;
    Ok(t)
}

/// Removes what was said on tickets that were deleted longer ago than the setting says.
pub fn purge_deleted(tx: &mut Tx<'_>) -> Result<()> {
    let settings: Settings = tenants::get(tx, tx.tenant()?)?.settings;
    let before = tx.now() - base::hours(24 * i64::from(settings.deleted_retention_days));
    let mut old = tx.query_all(&OLD, params![before, BATCH], |row| row.get::<Id<Ticket>>(0))?;
    // In the order in which rows are held.
    old.sort();
    for id in old {
        // Before the rows that name them.
        crate::leftovers::note_ticket(tx, id)?;
        // Before the messages that its rows name.
        crate::intake::forget_ticket(tx, id)?;
        for drop in [
            &DROP_ATTACHMENTS,
            &DROP_FORWARDS,
            &DROP_MESSAGES,
            &DROP_AUDITS,
            &DROP_LINKS,
            &DROP_TAGS,
            &DROP_WATCHERS,
            &DROP_RELATIONS,
            &DROP_RELATIONS_TO,
            &DROP_PARTICIPANTS,
            &DROP_CHECKLIST,
            &DROP_TIME,
            &DROP_STATUS_LINKS,
            &DROP_FACTS,
        ] {
            tx.execute(drop, params![id])?;
        }
        notices::letters::forget_ticket(tx, id.uuid())?;
        crate::csat::forget_ticket(tx, id)?;
        crate::rules::forget_ticket(tx, id)?;
        crate::composing::forget_ticket(tx, id)?;
        tx.execute(&EMPTY, params![id, serde_json::json!({})])?;
    }
    Ok(())
}
