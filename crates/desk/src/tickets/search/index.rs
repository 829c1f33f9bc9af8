//! What a ticket is found by, and bringing in tickets that were there before the index was.

use base::{Id, Result};
use crm::CustomerRecord;
use db::{Read, Row, Tx, params, search::Document};
use engine::{Enqueue as _, Inside, Job};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::together;
use crate::tickets::{
    model::{Message, Ticket},
    store,
};

/// Tickets brought in by one transaction, so that it never holds the writer for long.
const BATCH: u32 = 100;

db::statements! {
    HEAD = "select t.ticket_number, t.subject, t.user_email, c.name, c.company, t.customer_id, t.merged_count, t.survivor_id
        from tickets t join customers c on c.tenant_id = t.tenant_id and c.id = t.customer_id
        where t.tenant_id = ?1 and t.id = ?2 and t.deleted_at is null";
    // A customer sees in a survivor what was merged of their own, unless it was spam.
    MERGED = "select t.id, t.ticket_number, t.subject, t.user_email, t.customer_id = ?3 and (t.close_reason is null or t.close_reason <> 'spam')
        from tickets t where t.tenant_id = ?1 and t.survivor_id = ?2 and t.deleted_at is null order by t.id";
    TAGS = "select tag from ticket_tags where tenant_id = ?1 and ticket_id = ?2 order by tag";
    BODIES = "select body, is_internal from messages where tenant_id = ?1 and ticket_id = ?2 order by id";
    FILES = "select a.filename, m.is_internal from attachments a join messages m on m.tenant_id = a.tenant_id and m.id = a.message_id
        where a.tenant_id = ?1 and a.ticket_id = ?2 order by a.id";
    BODIES_SINCE = "select body, is_internal from messages where tenant_id = ?1 and ticket_id = ?2 and id >= ?3 order by id";
    FILES_SINCE = "select a.filename, m.is_internal from messages m join attachments a on a.tenant_id = m.tenant_id and a.message_id = m.id
        where m.tenant_id = ?1 and m.ticket_id = ?2 and m.id >= ?3 order by m.id, a.id";
    NEXT = "select id from tickets where tenant_id = ?1 and id > ?2 order by id limit ?3 {lock}";
    OF_CUSTOMER = "select id from tickets where tenant_id = ?1 and customer_id = ?2 and id > ?3 order by id limit ?4 {lock}";
    PROGRESS = "select ticket_id, is_complete, run from search_progress where tenant_id = ?1";
    GO_ON = "update search_progress set ticket_id = ?2, is_complete = ?3 where tenant_id = ?1";
    BEGIN = "insert into search_progress (tenant_id, ticket_id, is_complete, run) values (?1, null, ?2, 1)
        on conflict (tenant_id) do update set ticket_id = null, is_complete = excluded.is_complete, run = search_progress.run + 1";
    MISSING = "select count(*) from tickets t where t.tenant_id = ?1 and t.deleted_at is null and not exists
        (select 1 from search_entries e where e.tenant_id = ?1 and e.ticket_id = t.id)";
}

/// What names the requester: the address is in the customer's own view, name and company are the business's.
fn head(document: &mut Document, number: &str, subject: &str, address: &str, names: [Option<&str>; 2]) {
    document.number(number);
    document.head(subject);
    document.head(address);
    names.into_iter().flatten().for_each(|name| document.noted(name));
}

pub(super) fn message(document: &mut Document, text: &str, is_internal: bool) {
    if is_internal { document.noted(text) } else { document.said(text) }
}

/// Files a ticket that was made in this transaction, without reading it back.
pub fn filed(
    tx: &mut Tx<'_>,
    ticket: &Ticket,
    first: &Message,
    customer: &CustomerRecord,
    tags: &[String],
) -> Result<()> {
    let mut d = Document::default();
    let names = [Some(customer.name.as_str()), customer.company.as_deref()];
    head(&mut d, &ticket.ticket_number, &ticket.subject, &ticket.user_email, names);
    tags.iter().for_each(|tag| d.noted(tag));
    message(&mut d, &first.body, first.is_internal);
    first.attachments.iter().for_each(|file| message(&mut d, &file.filename, first.is_internal));
    db::search::file(tx, ticket.id.uuid(), d)
}

/// Files a ticket anew after a change of anything it is found by, and with it the ticket it is merged into. Whoever
/// changes subject, requester, tags, messages, files, merges or tombstones calls it, in the same transaction and with the
/// ticket's row held.
pub fn changed(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    if together::leave(tx, ticket) {
        return Ok(());
    }
    match refile(tx, ticket)? {
        Some(survivor) => {
            // Whoever else files it waits: two at once would file it twice.
            store::lock(tx, survivor)?;
            refile(tx, survivor).map(drop)
        }
        None => Ok(()),
    }
}

/// Files a message that was just added to a ticket, with the ticket's row held. What was said before in a long thread
/// stays as it is filed.
pub fn added(tx: &mut Tx<'_>, ticket: Id<Ticket>, message: Id<Message>) -> Result<()> {
    if together::leave_message(tx, ticket) {
        return Ok(());
    }
    let Some(end) = db::search::end(tx, ticket.uuid())? else { return changed(tx, ticket) };
    let Some((_, _, None)) = named(tx, &mut Document::default(), ticket)? else {
        // Deleted, or merged into another, which is found by it too.
        return changed(tx, ticket);
    };
    if let Some(since) = end.since {
        if message.uuid() < since {
            // The clock of whoever wrote the last one was ahead.
            return changed(tx, ticket);
        }
        let d = said_since(tx, ticket, since)?;
        if d.is_one_segment() {
            return db::search::put_last(tx, ticket.uuid(), end, d);
        }
    }
    let d = said_since(tx, ticket, message.uuid())?;
    db::search::put_behind(tx, ticket.uuid(), end, message.uuid(), d)
}

/// What names the ticket, and what is said in it from a message on.
fn said_since(read: &Read<'_>, ticket: Id<Ticket>, since: Uuid) -> Result<Document> {
    let mut d = Document::default();
    named(read, &mut d, ticket)?;
    for statement in [&BODIES_SINCE, &FILES_SINCE] {
        read.for_each(statement, params![ticket, since], |row| {
            message(&mut d, row.text(0)?, row.get::<bool>(1)?);
            Ok(true)
        })?;
    }
    Ok(d)
}

/// Adds what names a ticket that is not deleted. Answers its customer, how many are merged into it, and the one it is
/// merged into.
fn named(read: &Read<'_>, d: &mut Document, ticket: Id<Ticket>) -> Result<Option<Named>> {
    read.query_one(&HEAD, params![ticket], |row| {
        name(d, row)?;
        Ok((row.get(5)?, row.get(6)?, row.get(7)?))
    })
}

/// The same from a row: number, subject, address, name and company of the customer.
pub(super) fn name(d: &mut Document, row: &Row<'_>) -> Result<()> {
    let company: Option<String> = row.get(4)?;
    head(d, row.text(0)?, row.text(1)?, row.text(2)?, [Some(row.text(3)?), company.as_deref()]);
    Ok(())
}

type Named = (Id<CustomerRecord>, u32, Option<Id<Ticket>>);

/// Files one ticket; answers the one it is merged into. Staff find its words in the survivor; its customer, to whom it
/// is a ticket still, finds both.
fn refile(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<Option<Id<Ticket>>> {
    let mut d = Document::default();
    let Some((customer, merged, survivor)) = named(tx, &mut d, ticket)? else {
        return db::search::forget(tx, ticket.uuid()).map(|()| None);
    };
    content(tx, &mut d, ticket, true)?;
    if merged > 0 {
        let below = tx.query_all(&MERGED, params![ticket, customer], |row| {
            d.noted_number(row.text(1)?);
            (2..4).try_for_each(|column| row.text(column).map(|text| d.noted(text)))?;
            Ok((row.get::<Id<Ticket>>(0)?, row.get::<bool>(4)?))
        })?;
        for (id, is_theirs) in below {
            content(tx, &mut d, id, is_theirs)?;
        }
    }
    if survivor.is_some() {
        d.unlisted();
    }
    db::search::refile(tx, ticket.uuid(), d)?;
    Ok(survivor)
}

/// Tags, messages and files of a ticket. `is_theirs`: its customer is the reader of what is public in it.
fn content(read: &Read<'_>, d: &mut Document, ticket: Id<Ticket>, is_theirs: bool) -> Result<()> {
    read.for_each(&TAGS, params![ticket], |row| {
        d.noted(row.text(0)?);
        Ok(true)
    })?;
    for statement in [&BODIES, &FILES] {
        read.for_each(statement, params![ticket], |row| {
            message(d, row.text(0)?, row.get::<bool>(1)? || !is_theirs);
            Ok(true)
        })?;
    }
    Ok(())
}

/// Brings in tickets after the given one; the next goes on where it ended.
#[derive(Serialize, Deserialize)]
pub struct IndexTickets {
    pub after: Uuid,
    pub run: i64,
}
impl Job for IndexTickets {
    const KIND: &'static str = "desk.index_tickets";
    fn key(&self) -> String {
        format!("{}:{}", self.run, self.after)
    }
}

/// Files a customer's tickets anew after their name changed.
#[derive(Serialize, Deserialize)]
pub struct IndexCustomer {
    pub customer: Uuid,
    pub version: i64,
    pub after: Uuid,
}
impl Job for IndexCustomer {
    const KIND: &'static str = "desk.index_customer";
    fn key(&self) -> String {
        format!("{}:{}:{}", self.customer, self.version, self.after)
    }
}

/// Works [`IndexTickets`].
pub struct Indexer;
impl Inside for Indexer {
    type Job = IndexTickets;
    fn run(&self, tx: &mut Tx<'_>, _: &IndexTickets) -> Result<()> {
        step(tx)?.map_or(Ok(()), |next| tx.enqueue(&next))
    }
}

/// Works [`IndexCustomer`].
pub struct CustomerIndexer;
impl Inside for CustomerIndexer {
    type Job = IndexCustomer;
    fn run(&self, tx: &mut Tx<'_>, job: &IndexCustomer) -> Result<()> {
        let ids: Vec<Id<Ticket>> =
            tx.query_all(&OF_CUSTOMER, params![job.customer, job.after, BATCH], |row| row.get(0))?;
        for id in &ids {
            changed(tx, *id)?;
        }
        if let Some(last) = ids.last().filter(|_| ids.len() == BATCH as usize) {
            let after = last.uuid();
            tx.enqueue(&IndexCustomer { customer: job.customer, version: job.version, after })?;
        }
        Ok(())
    }
}

/// Has a customer's tickets filed anew, soon, when what they are found by differs.
pub fn customer_changed(tx: &mut Tx<'_>, before: &CustomerRecord, after: &CustomerRecord) -> Result<()> {
    if (&before.name, &before.company) == (&after.name, &after.company) {
        return Ok(());
    }
    tx.enqueue(&IndexCustomer { customer: after.id.uuid(), version: after.version, after: Uuid::nil() })
}

/// One batch; answers where the next begins, none when all is in.
fn step(tx: &mut Tx<'_>) -> Result<Option<IndexTickets>> {
    let Some(IndexTickets { after, run }) = progress(tx)? else { return Ok(None) };
    let ids: Vec<Id<Ticket>> = tx.query_all(&NEXT, params![after, BATCH], |row| row.get(0))?;
    for id in &ids {
        if !db::search::is_filed(tx, id.uuid())? {
            changed(tx, *id)?;
        }
    }
    let last = ids.last().map_or(after, |id| id.uuid());
    let is_complete = ids.len() < BATCH as usize;
    tx.execute(&GO_ON, params![last, is_complete])?;
    Ok((!is_complete).then_some(IndexTickets { after: last, run }))
}

/// What is to be brought in next; none when all is in.
fn progress(read: &Read<'_>) -> Result<Option<IndexTickets>> {
    let found = read.query_one(&PROGRESS, params![], |row| {
        let after = row.get::<Option<Uuid>>(0)?.unwrap_or(Uuid::nil());
        Ok((!row.get::<bool>(1)?).then_some(IndexTickets { after, run: row.get(2)? }))
    })?;
    Ok(found.flatten())
}

/// Whether older tickets are still being brought in.
pub fn is_behind(read: &Read<'_>) -> Result<bool> {
    Ok(progress(read)?.is_some())
}

/// How many tickets are not in the index. Looks at all of them.
pub fn missing(read: &Read<'_>) -> Result<u64> {
    Ok(read.query_one(&MISSING, params![], |row| row.get(0))?.unwrap_or(0))
}

/// The schedule: sees to it that a job is under way while something is missing.
pub fn catch_up(tx: &mut Tx<'_>) -> Result<()> {
    match progress(tx)? {
        Some(next) => tx.enqueue(&next),
        None => Ok(()),
    }
}

/// Makes the tenant's index anew, in transactions that `write` runs one after the other; answers how many there were.
/// Searches find less until it is through; it may be stopped and goes on by itself when a server runs.
pub fn rebuild(write: &dyn Fn(Step) -> Result<bool>) -> Result<()> {
    while write(Box::new(|tx| db::search::forget_all(tx, 500)))? {}
    write(Box::new(|tx| tx.execute(&BEGIN, params![false]).map(|_| false)))?;
    while write(Box::new(|tx| Ok(step(tx)?.is_some())))? {}
    Ok(())
}

/// One transaction of [`rebuild`]; true when there is more to do.
pub type Step = Box<dyn FnOnce(&mut Tx<'_>) -> Result<bool> + Send>;
