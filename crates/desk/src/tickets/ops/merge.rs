//! Merging: an overlay that can be taken back. Messages stay with the ticket they were addressed to; the survivor's
//! thread shows both. Only counters move, and they move back.

use base::{Error, Id, OrNotFound, Result};
use db::{Read, Tx, Value, params};
use identity::{Settings, Staff};

use super::{audit, hold::hold_threads, publish, thread::merged_into, touch};
use crate::{
    composing,
    tickets::{
        model::*,
        query, search,
        store::{self, NewAudit},
    },
};

db::statements! {
    JOIN = "insert into ticket_merges (tenant_id, ticket_id, into_id, merged_by, merged_at) values (?1, ?2, ?3, ?4, ?5)";
    PART = "delete from ticket_merges where tenant_id = ?1 and ticket_id = ?2";
    SURVIVOR_OF_ALL = "update tickets set survivor_id = ?3 where tenant_id = ?1 and survivor_id = ?2";
    // Itself and all that was merged into it, directly or through others.
    LATEST = "with recursive below (id) as (
            select t.id from tickets t where t.tenant_id = ?1 and t.id = ?2
            union all select g.ticket_id from ticket_merges g join below b on g.into_id = b.id where g.tenant_id = ?1)
        select max(m.created_at), max(case when t.customer_id = ?3 then m.created_at end)
        from below b join tickets t on t.tenant_id = ?1 and t.id = b.id
        join messages m on m.tenant_id = ?1 and m.ticket_id = b.id where not m.is_internal";
    BELOW = "with recursive below (id) as (
            select g.ticket_id from ticket_merges g where g.tenant_id = ?1 and g.into_id = ?2
            union all select g.ticket_id from ticket_merges g join below b on g.into_id = b.id where g.tenant_id = ?1)
        select id from below";
    SET_SURVIVOR = "update tickets set survivor_id = ?3 where tenant_id = ?1 and id = ?2";
}

/// The tickets merged into this one, directly or through others.
pub fn merged(read: &Read<'_>, survivor: Id<Ticket>) -> Result<Vec<Id<Ticket>>> {
    read.query_all(&BELOW, params![survivor], |row| row.get(0))
}

/// Holds the rows of a ticket that was just read and of all of its thread. Of a thread of one there is nothing to ask.
pub(super) fn hold_thread(tx: &mut Tx<'_>, seen: &Ticket) -> Result<()> {
    if seen.survivor_id.is_some() || seen.merged_count > 0 { hold_threads(tx, &[seen.id]) } else { Ok(()) }
}

/// A ticket that was just read, with its row held, and those of what was merged into it.
pub(crate) fn lock_whole(tx: &mut Tx<'_>, seen: &Ticket) -> Result<Ticket> {
    hold_thread(tx, seen)?;
    store::lock(tx, seen.id)?.or_not_found("ticket")
}

/// Puts a ticket into another and answers the survivor. Merging into a merged ticket means into its survivor.
///
/// # Errors
/// `ticket.merge_into_itself`, `ticket.merge_cycle`, `ticket.merged` (it is merged already), `ticket.merge_into_settled`,
/// `ticket.archived`.
pub fn merge(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    into: Id<Ticket>,
) -> Result<Ticket> {
    query::get_for_staff(tx, staff, id)?;
    let unknown = |_| Error::field("into", "ticket.unknown", "there is no such ticket");
    query::get_for_staff(tx, staff, into).map_err(unknown)?;
    if id == into {
        return Err(Error::field(
            "into",
            "ticket.merge_into_itself",
            "a ticket does not go into itself; name another one",
        ));
    }
    // Whoever merges the other way round, at the same time, takes the same rows in the same order.
    hold_threads(tx, &[id, into])?;
    let named = store::find(tx, into)?.or_not_found("ticket")?;
    if named.head() == id {
        return Err(Error::conflict(
            "ticket.merge_cycle",
            format!("{} is merged into this ticket; take that back first", named.ticket_number),
        ));
    }
    let before = store::find(tx, id)?.or_not_found("ticket")?;
    let head_before = store::find(tx, named.head())?.or_not_found("ticket")?;
    query::check_not_merged(tx, &before)?;
    query::check_not_merged(tx, &head_before)?;
    before.check_may_change(staff, settings)?;
    head_before.check_may_change(staff, settings)?;
    for t in [&before, &head_before] {
        if t.status == Status::Archived {
            return Err(Error::conflict(
                "ticket.archived",
                format!("{} is archived; an admin may move it back to closed", t.ticket_number),
            ));
        }
    }
    if before.status.is_live() && !head_before.status.is_live() {
        return Err(Error::conflict(
            "ticket.merge_into_settled",
            format!(
                "{} is {}, and a live ticket would disappear in it; reopen it first, or merge the other way round",
                head_before.ticket_number, head_before.status
            ),
        ));
    }
    let (mut t, mut head) = (before.clone(), head_before.clone());
    composing::follow(tx, id, head.id)?;
    let (now, by) = (tx.now(), tx.actor().name.clone());
    tx.execute(&JOIN, params![id, head.id, by, now])?;
    tx.execute(&SURVIVOR_OF_ALL, params![id, head.id])?;
    t.survivor_id = Some(head.id);
    head.merged_count += 1 + t.merged_count;
    let theirs = t.customer_id == head.customer_id;
    add(&mut head, &t);
    times(tx, &mut head)?;
    history(tx, &t, "merged", &head.ticket_number, theirs)?;
    history(tx, &head, "merged_in", &t.ticket_number, theirs)?;
    // The version a customer sees of a merged ticket is its own plus its survivor's: it must never go back.
    head.public_version = head.public_version.max(t.public_version);
    touch(tx, &mut t, true);
    touch(tx, &mut head, true);
    store::save(tx, &before, &t)?;
    store::save(tx, &head_before, &head)?;
    search::changed(tx, id)?;
    publish(tx, "ticket.merged", &t, true)?;
    publish(tx, "ticket.changed", &head, theirs)?;
    Ok(head)
}

/// Takes a merge back and answers the ticket as it is again: its own messages, also those that came while it was merged.
///
/// # Errors
/// `ticket.not_merged`.
pub fn unmerge(tx: &mut Tx<'_>, settings: &Settings, staff: &Staff, id: Id<Ticket>) -> Result<Ticket> {
    let seen = query::get_for_staff(tx, staff, id)?;
    let before = lock_whole(tx, &seen)?;
    let Some(survivor) = before.survivor_id else {
        return Err(Error::conflict("ticket.not_merged", "this ticket is not merged into another"));
    };
    let (mut above, mut next) = (Vec::new(), merged_into(tx, id)?);
    while let Some(id) = next {
        above.push(store::lock(tx, id)?.or_not_found("ticket")?);
        next = merged_into(tx, id)?;
    }
    if let Some(head) = above.last() {
        head.check_may_change(staff, settings)?;
    }
    tx.execute(&PART, params![id])?;
    let mut t = before.clone();
    t.survivor_id = None;
    for below in merged(tx, id)? {
        tx.execute(&SET_SURVIVOR, params![below, id])?;
    }
    for held in above {
        let next = held.id;
        let mut counted = held.clone();
        let theirs = t.customer_id == counted.customer_id;
        counted.merged_count = counted.merged_count.saturating_sub(1 + t.merged_count);
        subtract(&mut counted, &t);
        times(tx, &mut counted)?;
        if next == survivor {
            history(tx, &counted, "unmerged_from", &t.ticket_number, theirs)?;
            history(tx, &t, "unmerged", &counted.ticket_number, theirs)?;
            t.public_version += counted.public_version;
        }
        touch(tx, &mut counted, theirs);
        store::save(tx, &held, &counted)?;
        if next == survivor {
            publish(tx, "ticket.changed", &counted, theirs)?;
        }
    }
    touch(tx, &mut t, true);
    store::save(tx, &before, &t)?;
    search::changed(tx, id)?;
    search::changed(tx, survivor)?;
    publish(tx, "ticket.unmerged", &t, true)?;
    Ok(t)
}

fn add(head: &mut Ticket, t: &Ticket) {
    head.message_count += t.message_count;
    head.unread_by_agent += t.unread_by_agent;
}

fn subtract(head: &mut Ticket, t: &Ticket) {
    head.message_count = head.message_count.saturating_sub(t.message_count);
    head.unread_by_agent = head.unread_by_agent.saturating_sub(t.unread_by_agent);
}

/// When something was last said in the thread, and when by or to its own customer.
fn times(tx: &Tx<'_>, t: &mut Ticket) -> Result<()> {
    let latest = tx.query_one(&LATEST, params![t.id, t.customer_id], |row| {
        Ok((row.get::<Option<base::Timestamp>>(0)?, row.get::<Option<base::Timestamp>>(1)?))
    })?;
    let (all, own) = latest.unwrap_or_default();
    t.last_message_at = all.unwrap_or(t.last_message_at);
    t.public_last_message_at = own.filter(|own| *own != t.last_message_at);
    Ok(())
}

fn history(
    tx: &mut Tx<'_>,
    t: &Ticket,
    event_type: &'static str,
    number: &str,
    is_public: bool,
) -> Result<()> {
    let to = Some(Value::OwnedText(number.to_owned()));
    audit(tx, t.id, NewAudit { event_type, from: None, to, metadata: serde_json::json!({}), is_public })
}
