//! Reads for staff. What a member of staff may not see does not exist.

use std::collections::HashMap;

use base::{Error, Id, OrNotFound, Result};
use db::{Read, Row, Sql, Value, params};
use identity::{Staff, User};
use uuid::Uuid;

use super::{
    counts,
    filter::{Assignee, Clause, Range, TicketFilter, page_of},
    model::*,
    store,
};

/// What belongs to a ticket besides its row.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    pub tags: Vec<String>,
    pub watchers: Vec<Id<User>>,
    pub links: Vec<Link>,
    pub public_links: Vec<(String, String)>,
}

db::statements! {
    AUTHORS_OF_LETTER = "select author_id from messages where tenant_id = ?1 and letter_id = ?2 and  author_id is not null";
    MESSAGES = "select id, ticket_id, direction, is_internal, author_kind, author_id, author_name, body, body_html, delivery, created_at
        from messages where tenant_id = ?1 and ticket_id = ?2 order by id";
    MESSAGE = "select id, ticket_id, direction, is_internal, author_kind, author_id, author_name, body, body_html, delivery, created_at
        from messages where tenant_id = ?1 and id = ?2";
    ATTACHMENTS = "select id, ticket_id, message_id, filename, content_type, size_bytes, sha256 from attachments where tenant_id = ?1 and ticket_id = ?2 order by id";
    ATTACHMENTS_OF_MESSAGE = "select id, ticket_id, message_id, filename, content_type, size_bytes, sha256 from attachments where tenant_id = ?1 and message_id = ?2 order by id";
    ATTACHMENT = "select id, ticket_id, message_id, filename, content_type, size_bytes, sha256 from attachments where tenant_id = ?1 and id = ?2";
    AUDITS = "select id, event_type, from_value, to_value, metadata, actor_kind, actor_id, actor_name, created_at from ticket_audits
        where tenant_id = ?1 and ticket_id = ?2 order by id";
}

/// A ticket this member of staff may see, or none at all.
pub fn get_for_staff(read: &Read<'_>, staff: &Staff, id: Id<Ticket>) -> Result<Ticket> {
    store::find(read, id)?.filter(|t| t.is_visible_to(staff)).or_not_found("ticket")
}

pub fn find_by_number(read: &Read<'_>, number: &str) -> Result<Option<Id<Ticket>>> {
    store::find_by_number(read, number)
}

/// The same for many at once; a number nobody has is left out.
pub fn find_by_numbers(read: &Read<'_>, numbers: &[&str]) -> Result<HashMap<String, Id<Ticket>>> {
    store::find_by_numbers(read, numbers)
}

/// A merged ticket takes no change of its own; its survivor does.
///
/// # Errors
/// `ticket.merged`, with the survivor's number.
pub fn check_not_merged(read: &Read<'_>, ticket: &Ticket) -> Result<()> {
    let Some(survivor) = ticket.survivor_id else { return Ok(()) };
    let number = store::find(read, survivor)?.or_not_found("ticket")?.ticket_number;
    Err(Error::conflict(
        "ticket.merged",
        format!("this ticket was merged into {number}; change that one, or take the merge back first"),
    ))
}

/// Any ticket of the tenant, for jobs.
pub fn get(read: &Read<'_>, id: Id<Ticket>) -> Result<Ticket> {
    store::find(read, id)?.or_not_found("ticket")
}

/// One page of the queue, and whether there is more.
pub fn list(read: &Read<'_>, staff: &Staff, filter: &TicketFilter) -> Result<(Vec<Ticket>, bool)> {
    without_words(filter)?;
    let mut clause = filter.clause(read.now());
    only_visible(&mut clause, staff);
    page_of(&mut clause, "t", filter.sort, filter.cursor.as_ref(), filter.limit + 1)?;
    let text = format!(
        "select {} from tickets t join messages m on m.tenant_id = t.tenant_id and m.id = t.first_message_id where {}",
        store::COLUMNS,
        clause.text
    );
    let mut tickets = read.query_all(&Sql::built(text), &clause.values, store::map)?;
    let more = tickets.len() > filter.limit as usize;
    tickets.truncate(filter.limit as usize);
    Ok((tickets, more))
}

/// How many tickets match, counted by index up to a cap; `cap + 1` means "more".
pub fn count(read: &Read<'_>, staff: &Staff, filter: &TicketFilter, cap: u32) -> Result<u32> {
    if filter.q.is_some() {
        return Ok(u32::try_from(ids(read, staff, filter, cap as usize + 1)?.len()).unwrap_or(u32::MAX));
    }
    let mut clause = filter.clause(read.now());
    only_visible(&mut clause, staff);
    clause.values.push(Value::Int(i64::from(cap) + 1));
    let limit = clause.values.len() + 1;
    let text = format!(
        "select count(*) from (select 1 as one from tickets t where {}{} limit ?{limit}) as counted",
        clause.text,
        counted_along(filter)
    );
    Ok(read.query_one(&Sql::built(text), &clause.values, |row| row.get(0))?.unwrap_or(0))
}

/// The index a count goes along, as its condition and its order. Without an order PostgreSQL reads the table from its
/// beginning where it expects to meet enough soon, and tickets that live lie at its end, behind all that are closed.
fn counted_along(filter: &TicketFilter) -> &'static str {
    let only_live = !filter.status.is_empty() && filter.status.iter().all(|s| s.is_live());
    if filter.sla_overdue || only_live {
        " and t.status in ('new', 'open', 'in_progress', 'pending_customer') order by t.due_at"
    } else if filter.snoozed == Some(true) {
        " order by t.snoozed_until"
    } else {
        ""
    }
}

/// The ids a filter finds, in its order, up to a number.
pub fn ids(read: &Read<'_>, staff: &Staff, filter: &TicketFilter, most: usize) -> Result<Vec<Id<Ticket>>> {
    if filter.q.is_some() {
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        return super::search::ids(read, staff, &TicketFilter { limit, cursor: None, ..filter.clone() });
    }
    let mut clause = filter.clause(read.now());
    only_visible(&mut clause, staff);
    page_of(&mut clause, "t", filter.sort, None, u32::try_from(most).unwrap_or(u32::MAX))?;
    let text = format!("select t.id from tickets t where {}", clause.text);
    read.query_all(&Sql::built(text), &clause.values, |row| row.get(0))
}

/// A list that took no notice of the words would answer everything.
fn without_words(filter: &TicketFilter) -> Result<()> {
    match filter.q {
        Some(_) => Err(base::Error::bug("a filter with words goes to search::search")),
        None => Ok(()),
    }
}

/// A technician's queue is what is assigned to them.
pub(super) fn only_visible(clause: &mut Clause<'_>, staff: &Staff) {
    if !staff.role.sees_all_tickets() {
        clause.and("t.assigned_to = {}", Value::Uuid(staff.user_id.map_or(Uuid::nil(), Id::uuid)));
    }
}

/// Tags, watchers and links of several tickets, in three statements.
pub fn extras(read: &Read<'_>, ids: &[Id<Ticket>]) -> Result<HashMap<Id<Ticket>, Extras>> {
    let mut out: HashMap<Id<Ticket>, Extras> = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(out);
    }
    let values: Vec<Value<'_>> = ids.iter().map(|id| Value::Uuid(id.uuid())).collect();
    let among = db::dialect::placeholders(2, ids.len());
    let sql = |what: &str, from: &str, order: &str| {
        Sql::built(format!(
            "select ticket_id, {what} from {from} where tenant_id = ?1 and ticket_id in {among} order by ticket_id, {order}"
        ))
    };
    read.for_each(&sql("tag", "ticket_tags", "tag"), &values, |row| {
        out.entry(row.get(0)?).or_default().tags.push(row.get(1)?);
        Ok(true)
    })?;
    read.for_each(&sql("user_id", "ticket_watchers", "user_id"), &values, |row| {
        out.entry(row.get(0)?).or_default().watchers.push(row.get(1)?);
        Ok(true)
    })?;
    read.for_each(
        &sql("kind, linked_id, label, is_public", "ticket_links", "kind, linked_id"),
        &values,
        |row| {
            let link = Link { kind: row.get(1)?, id: row.get(2)?, label: row.get(3)? };
            let extras = out.entry(row.get(0)?).or_default();
            if row.get::<bool>(4)? {
                extras.public_links.push((link.kind.clone(), link.id.clone()));
            }
            extras.links.push(link);
            Ok(true)
        },
    )?;
    Ok(out)
}

pub(super) fn map_message(row: &Row<'_>) -> Result<Message> {
    let mut c = row.columns();
    Ok(Message {
        id: c.next()?,
        ticket_id: c.next()?,
        direction: c.next()?,
        is_internal: c.next()?,
        author: base::Actor { kind: c.next()?, id: c.next()?, name: c.next()? },
        body: c.next()?,
        body_html: c.next()?,
        delivery: c.next()?,
        attachments: Vec::new(),
        created_at: c.next()?,
    })
}

fn map_attachment(row: &Row<'_>) -> Result<Attachment> {
    let mut c = row.columns();
    Ok(Attachment {
        id: c.next()?,
        ticket_id: c.next()?,
        message_id: c.next()?,
        filename: c.next()?,
        content_type: c.next()?,
        size_bytes: c.next()?,
        sha256: c.next()?,
    })
}

/// The whole conversation with notes and files, oldest first.
pub fn messages(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<Message>> {
    let mut messages = read.query_all(&MESSAGES, params![ticket], map_message)?;
    for file in read.query_all(&ATTACHMENTS, params![ticket], map_attachment)? {
        if let Some(message) = messages.iter_mut().find(|m| m.id == file.message_id) {
            message.attachments.push(file);
        }
    }
    Ok(messages)
}

/// The conversation a ticket shows: its own messages and those of what was merged into it, in the order they were said.
pub fn thread(read: &Read<'_>, ticket: &Ticket) -> Result<Vec<Message>> {
    let mut all = messages(read, ticket.id)?;
    if ticket.merged_count > 0 {
        for merged in super::merged(read, ticket.id)? {
            all.extend(messages(read, merged)?);
        }
        all.sort_by_key(|m| (m.created_at, m.id));
    }
    Ok(all)
}

pub fn message(read: &Read<'_>, id: Id<Message>) -> Result<Option<Message>> {
    let Some(mut message) = read.query_one(&MESSAGE, params![id], map_message)? else { return Ok(None) };
    message.attachments = read.query_all(&ATTACHMENTS_OF_MESSAGE, params![id], map_attachment)?;
    Ok(Some(message))
}

/// Members of staff whose message went out as a letter.
pub fn authors_of_letter(read: &Read<'_>, letter: Uuid) -> Result<Vec<Id<User>>> {
    read.query_all(&AUTHORS_OF_LETTER, params![letter], |row| row.get(0))
}

pub fn audits(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<Audit>> {
    read.query_all(&AUDITS, params![ticket], |row| {
        let mut c = row.columns();
        Ok(Audit {
            id: c.next()?,
            event_type: c.next()?,
            from: c.next()?,
            to: c.next()?,
            metadata: c.next()?,
            actor: base::Actor { kind: c.next()?, id: c.next()?, name: c.next()? },
            created_at: c.next()?,
        })
    })
}

/// A file this member of staff may read.
pub fn attachment_for_staff(read: &Read<'_>, staff: &Staff, id: Id<Attachment>) -> Result<Attachment> {
    let file = read.query_one(&ATTACHMENT, params![id], map_attachment)?.or_not_found("attachment")?;
    get_for_staff(read, staff, file.ticket_id).map(|_| file)
}

/// Filters of a list of messages across tickets.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    pub ticket: Option<Id<Ticket>>,
    pub direction: Option<Direction>,
    pub is_internal: Option<bool>,
    pub created_at: Range,
    pub before: Option<Uuid>,
    pub limit: u32,
}

/// Messages newest first, of tickets this member of staff may see.
pub fn list_messages(read: &Read<'_>, staff: &Staff, f: &MessageFilter) -> Result<Vec<Message>> {
    let mut c = Clause::tenant("m");
    if let Some(ticket) = f.ticket {
        get_for_staff(read, staff, ticket)?;
        c.and("m.ticket_id = {}", Value::Uuid(ticket.uuid()));
    }
    if let Some(direction) = f.direction {
        c.and("m.direction = {}", Value::Text(direction.as_str()));
    }
    if let Some(internal) = f.is_internal {
        c.and("m.is_internal = {}", Value::Bool(internal));
    }
    message_page(&mut c, "m", f);
    if !staff.role.sees_all_tickets() {
        // A technician reads by ticket only.
        f.ticket.or_not_found("ticket")?;
    }
    let text = format!(
        "select m.id, m.ticket_id, m.direction, m.is_internal, m.author_kind, m.author_id, m.author_name, m.body, m.body_html, m.delivery, m.created_at
         from messages m where {}",
        c.text
    );
    let mut list = read.query_all(&Sql::built(text), &c.values, map_message)?;
    for message in &mut list {
        message.attachments = read.query_all(&ATTACHMENTS_OF_MESSAGE, params![message.id], map_attachment)?;
    }
    Ok(list)
}

pub(super) fn message_page(c: &mut Clause<'_>, table: &str, f: &MessageFilter) {
    if let Some(after) = f.created_at.after {
        c.and(&format!("{table}.created_at > {{}}"), Value::Time(after));
    }
    if let Some(before) = f.created_at.before {
        c.and(&format!("{table}.created_at < {{}}"), Value::Time(before));
    }
    if let Some(before) = f.before {
        c.and(&format!("{table}.id < {{}}"), Value::Uuid(before));
    }
    c.values.push(Value::Int(i64::from(f.limit) + 1));
    c.text.push_str(&format!(" order by {table}.id desc limit ?{}", c.values.len() + 1));
}

/// How many live tickets each of these customers has.
pub fn open_by_customer(read: &Read<'_>, ids: &[Id<crm::CustomerRecord>]) -> Result<HashMap<Uuid, u32>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let among = db::dialect::placeholders(2, ids.len());
    let text = format!(
        "select customer_id, count(*) from tickets where tenant_id = ?1 and customer_id in {among}
         and status in ('new', 'open', 'in_progress', 'pending_customer') and deleted_at is null and survivor_id is null
         group by customer_id"
    );
    let values: Vec<Value<'_>> = ids.iter().map(|id| Value::Uuid(id.uuid())).collect();
    let found = read.query_all(&Sql::built(text), &values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(found.into_iter().collect())
}

/// The counts beside the built-in views, each capped.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct ViewCounts {
    pub inbox: u32,
    pub mine: u32,
    pub unassigned: u32,
    pub overdue: u32,
    pub waiting: u32,
    pub snoozed: u32,
    pub resolved: u32,
}

/// The filter of a built-in view.
pub fn view_filter(name: &str, staff: &Staff) -> Option<TicketFilter> {
    let live = Status::LIVE.to_vec();
    let base = TicketFilter { limit: 50, snoozed: Some(false), ..TicketFilter::default() };
    Some(match name {
        "inbox" => TicketFilter { status: vec![Status::New, Status::Open, Status::InProgress], ..base },
        "mine" => TicketFilter { status: live, assigned_to: vec![Assignee::User(staff.user_id?)], ..base },
        "unassigned" => TicketFilter { status: live, assigned_to: vec![Assignee::Nobody], ..base },
        "overdue" => TicketFilter { sla_overdue: true, ..base },
        "snoozed" => TicketFilter { snoozed: Some(true), ..base },
        "waiting" => TicketFilter { status: vec![Status::PendingCustomer], ..base },
        "resolved" => TicketFilter { status: vec![Status::Resolved], ..base },
        "all" => TicketFilter { snoozed: None, ..base },
        _ => return None,
    })
}

/// The counts beside the built-in views. All but `overdue`, which time changes, are sums of counters.
pub fn view_counts(read: &Read<'_>, staff: &Staff) -> Result<ViewCounts> {
    let mut out = ViewCounts::default();
    for (bucket, count) in counts::sums(read)? {
        let mine = staff.is_user(bucket.assigned_to);
        if !staff.role.sees_all_tickets() && !mine {
            continue;
        }
        let count = u32::try_from(count).unwrap_or(0);
        let to = |slot: &mut u32, matches: bool| *slot += if matches { count } else { 0 };
        let (live, awake) = (bucket.status.is_live(), !bucket.is_snoozed);
        let waiting = bucket.status == Status::PendingCustomer;
        to(&mut out.inbox, live && awake && !waiting);
        to(&mut out.mine, live && awake && mine);
        to(&mut out.unassigned, live && awake && bucket.assigned_to.is_none());
        to(&mut out.waiting, awake && waiting);
        to(&mut out.snoozed, bucket.is_snoozed);
        to(&mut out.resolved, bucket.status == Status::Resolved);
    }
    if let Some(overdue) = view_filter("overdue", staff) {
        out.overdue = count(read, staff, &overdue, 999)?;
    }
    Ok(out)
}
