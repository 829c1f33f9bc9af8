//! Filing many tickets anew at once. A change of many asks for each to be filed as it goes along; what is asked meanwhile
//! is done at the end, with a few questions for all of them instead of several for each.

use std::collections::{HashMap, HashSet};

use base::{Id, Result};
use db::{Read, Row, Sql, Tx, Value, search::Document};

use super::index;
use crate::tickets::Ticket;

/// Tickets that are to be filed at the end.
struct Together {
    wanted: HashSet<Id<Ticket>>,
    /// Those whose words fill several rows: a message is filed behind them, and costs what it says.
    long: HashSet<Id<Ticket>>,
}

/// Runs a part in which tickets whose rows are held are changed one after the other, and files those anew that need it.
/// What is found meanwhile is what was found before.
pub(crate) fn filing_together<T>(
    tx: &mut Tx<'_>,
    tickets: &[Id<Ticket>],
    part: impl FnOnce(&mut Tx<'_>) -> Result<T>,
) -> Result<T> {
    let long = db::search::of_several_rows(tx, &uuids(tickets))?.into_iter().map(Id::from_uuid).collect();
    tx.look_ahead(Some(Together { wanted: HashSet::new(), long }));
    let done = part(tx);
    let waiting = tx.ahead::<Option<Together>, _>(Option::take).flatten();
    let done = done?;
    let Some(Together { wanted, long }) = waiting else { return Ok(done) };
    let mut wanted: Vec<Id<Ticket>> = wanted.into_iter().collect();
    wanted.sort();
    // Words of many long ones at once would fill the memory.
    let (long, short): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|id| long.contains(id));
    file(tx, &short)?;
    long.into_iter().try_for_each(|id| index::changed(tx, id))?;
    Ok(done)
}

/// Leaves a ticket for the end, where there is one; false where it has to be filed now.
pub(super) fn leave(read: &Read<'_>, ticket: Id<Ticket>) -> bool {
    read.ahead::<Option<Together>, _>(|t| t.as_mut().map(|t| t.wanted.insert(ticket))).flatten().is_some()
}

/// The same for a message that was added: behind a long ticket's other words it is filed now.
pub(super) fn leave_message(read: &Read<'_>, ticket: Id<Ticket>) -> bool {
    let left = |t: &mut Option<Together>| match t {
        Some(t) if !t.long.contains(&ticket) => {
            t.wanted.insert(ticket);
            true
        }
        _ => false,
    };
    read.ahead::<Option<Together>, _>(left).unwrap_or(false)
}

fn uuids(tickets: &[Id<Ticket>]) -> Vec<uuid::Uuid> {
    tickets.iter().map(|id| id.uuid()).collect()
}

/// Files tickets anew, whose rows are held.
fn file(tx: &mut Tx<'_>, tickets: &[Id<Ticket>]) -> Result<()> {
    let (mut documents, mut apart) = (Vec::new(), Vec::new());
    for some in tickets.chunks(100) {
        let mut found: HashMap<Id<Ticket>, Document> = HashMap::new();
        each(tx, some, HEADS, |id, row| {
            let mut d = Document::default();
            // What is merged, or has others merged into it, is found by more than its own.
            if row.get::<u32>(6)? > 0 || row.get::<Option<Id<Ticket>>>(7)?.is_some() {
                return Ok(());
            }
            index::name(&mut d, row)?;
            found.insert(id, d);
            Ok(())
        })?;
        let plain: Vec<Id<Ticket>> = some.iter().copied().filter(|id| found.contains_key(id)).collect();
        apart.extend(some.iter().copied().filter(|id| !found.contains_key(id)));
        each(tx, &plain, TAGS, |id, row| {
            found.get_mut(&id).map_or(Ok(()), |d| row.text(1).map(|tag| d.noted(tag)))
        })?;
        for said in [BODIES, FILES] {
            each(tx, &plain, said, |id, row| {
                let is_internal = row.get::<bool>(2)?;
                found
                    .get_mut(&id)
                    .map_or(Ok(()), |d| row.text(1).map(|text| index::message(d, text, is_internal)))
            })?;
        }
        documents.extend(plain.into_iter().filter_map(|id| Some((id.uuid(), found.remove(&id)?))));
    }
    db::search::refile_all(tx, documents)?;
    apart.into_iter().try_for_each(|id| index::changed(tx, id))
}

/// The ticket's id comes last in the first, whose columns are those of [`index::name`], and first in the others.
const HEADS: &str =
    "select t.ticket_number, t.subject, t.user_email, c.name, c.company, t.customer_id, t.merged_count, t.survivor_id, t.id
    from tickets t join customers c on c.tenant_id = t.tenant_id and c.id = t.customer_id
    where t.tenant_id = ?1 and t.deleted_at is null and t.id in ";
const TAGS: &str = "select ticket_id, tag from ticket_tags where tenant_id = ?1 and ticket_id in ";
const BODIES: &str =
    "select ticket_id, body, is_internal from messages where tenant_id = ?1 and ticket_id in ";
const FILES: &str = "select a.ticket_id, a.filename, m.is_internal from attachments a
    join messages m on m.tenant_id = a.tenant_id and m.id = a.message_id where a.tenant_id = ?1 and a.ticket_id in ";

fn each(
    read: &Read<'_>,
    tickets: &[Id<Ticket>],
    question: &'static str,
    mut look: impl FnMut(Id<Ticket>, &Row<'_>) -> Result<()>,
) -> Result<()> {
    if tickets.is_empty() {
        return Ok(());
    }
    let (id_at, order) = match question {
        HEADS => (8, ""),
        TAGS => (0, " order by ticket_id, tag"),
        BODIES => (0, " order by ticket_id, id"),
        _ => (0, " order by a.ticket_id, a.id"),
    };
    let among = db::dialect::placeholders(2, tickets.len());
    let values: Vec<Value<'_>> = tickets.iter().map(|id| Value::Uuid(id.uuid())).collect();
    read.for_each(&Sql::built(format!("{question}{among}{order}")), &values, |row| {
        look(row.get(id_at)?, row).map(|()| true)
    })
}
