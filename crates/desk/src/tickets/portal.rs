//! The customer's read model. Every statement here selects from the `portal_…` views, which hold no internal row and no
//! staff field; a test holds this file to that.

use base::{Actor, ActorKind, Cursor, Id, OrNotFound, Result, Timestamp};
use db::{Read, Row, Sql, ToValue, Value, params};
use identity::User;
use serde::Serialize;
use uuid::Uuid;

use super::{
    filter::{Clause, Sort, page_of},
    model::*,
    ops::Filed,
    query::{MessageFilter, message_page},
    store,
};

/// Who looks at a ticket from the customer's side.
#[derive(Clone, Debug)]
pub enum Viewer {
    /// Somebody signed in: their own tickets and those of their verified address.
    User { user: Id<User>, customer: Option<Uuid> },
    /// Whoever holds the ticket's link, which went to its address alone.
    Link { ticket: Id<Ticket> },
}

impl Viewer {
    pub fn is_stranger(&self) -> bool {
        matches!(self, Self::Link { .. })
    }
    /// Who a message through a link is by: the ticket's address, as far as anybody knows.
    pub fn author(&self, t: &Ticket) -> Option<Actor> {
        self.is_stranger().then(|| Actor { kind: ActorKind::Anonymous, id: None, name: t.user_email.clone() })
    }
    pub(super) fn restrict<'a>(&self, c: &mut Clause<'a>) {
        match self {
            // With what was merged into it, which shows there.
            Self::Link { ticket } => {
                let first = c.bind(Value::Uuid(ticket.uuid()));
                c.text.push_str(&format!(" and (t.id = {first} or t.merged_into = {first})"));
            }
            Self::User { user, customer: None } => c.and("t.user_id = {}", Value::Uuid(user.uuid())),
            Self::User { user, customer: Some(customer) } => {
                c.values.push(Value::Uuid(user.uuid()));
                let first = c.values.len() + 1;
                c.values.push(Value::Uuid(*customer));
                c.text.push_str(&format!(" and (t.user_id = ?{first} or t.customer_id = ?{})", first + 1));
            }
        }
    }
}

/// A ticket as its customer sees it.
#[derive(Clone, Debug, Serialize)]
pub struct PortalTicket {
    pub id: Id<Ticket>,
    pub ticket_number: String,
    pub subject: String,
    pub description: String,
    pub status: Status,
    pub priority: Priority,
    pub category: String,
    pub ticket_type: TicketType,
    pub channel: Channel,
    pub customer_id: Uuid,
    pub user_id: Option<Uuid>,
    pub user_email: String,
    pub order_id: Option<Uuid>,
    pub unread_by_customer: u32,
    pub message_count: u32,
    pub last_message_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// How many tickets are merged into it.
    #[serde(skip)]
    pub merged_count: u32,
    /// The customer's other ticket that this one goes on in.
    pub merged_into: Option<Id<Ticket>>,
}

const COLUMNS: &str = "t.id, t.ticket_number, t.subject, m.body, t.status, t.priority, t.category, t.ticket_type, t.channel, t.customer_id,
    t.user_id, t.user_email, t.order_id, t.unread_by_customer, t.message_count, t.last_message_at, t.resolved_at, t.closed_at, t.version,
    t.created_at, t.updated_at, t.merged_count, t.merged_into";
const FROM: &str =
    "portal_tickets t join portal_messages m on m.tenant_id = t.tenant_id and m.id = t.first_message_id";

fn map(row: &Row<'_>) -> Result<PortalTicket> {
    let mut c = row.columns();
    Ok(PortalTicket {
        id: c.next()?,
        ticket_number: c.next()?,
        subject: c.next()?,
        description: c.next()?,
        status: c.next()?,
        priority: c.next()?,
        category: c.next()?,
        ticket_type: c.next()?,
        channel: c.next()?,
        customer_id: c.next()?,
        user_id: c.next()?,
        user_email: c.next()?,
        order_id: c.next()?,
        unread_by_customer: c.next()?,
        message_count: c.next()?,
        last_message_at: c.next()?,
        resolved_at: c.next()?,
        closed_at: c.next()?,
        version: c.next()?,
        created_at: c.next()?,
        updated_at: c.next()?,
        merged_count: c.next()?,
        merged_into: c.next()?,
    })
}

db::statements! {
    // What is merged into a customer's ticket and shows there is theirs: that finds it.
    MERGED = "select id from portal_tickets where tenant_id = ?1 and merged_into = ?2
        and customer_id = (select p.customer_id from portal_tickets p where p.tenant_id = ?1 and p.id = ?2)";
    MESSAGES = "select id, ticket_id, direction, author_kind, author_id, author_name, body, body_html, created_at from portal_messages
        where tenant_id = ?1 and ticket_id = ?2 order by id";
    BODIES = "select body from portal_messages where tenant_id = ?1 and ticket_id = ?2 order by id desc limit 100";
    ATTACHMENTS = "select id, ticket_id, message_id, filename, content_type, size_bytes, sha256 from portal_attachments
        where tenant_id = ?1 and ticket_id = ?2 order by id";
    ATTACHMENT = "select id, ticket_id, message_id, filename, content_type, size_bytes, sha256 from portal_attachments where tenant_id = ?1 and id = ?2";
    LINKS = "select kind, linked_id, label from portal_links where tenant_id = ?1 and ticket_id = ?2 order by kind, linked_id";
    EVENTS = "select id, event_type, from_value, to_value, actor_kind, created_at from portal_audits where tenant_id = ?1 and ticket_id = ?2 order by id";
}

/// What a customer is shown of a ticket they filed a moment ago: the same as a look at it would answer, which a test
/// holds it to, without the look.
pub fn of_filed(filed: Filed) -> (PortalTicket, Vec<Message>, Vec<Link>, PortalEvent) {
    let t = filed.ticket;
    let event = PortalEvent {
        id: filed.created,
        event_type: "created".into(),
        from: None,
        to: Some(t.public_status.to_string()),
        by: "customer",
        created_at: t.created_at,
    };
    let ticket = PortalTicket {
        id: t.id,
        ticket_number: t.ticket_number,
        subject: t.subject,
        description: t.description,
        status: t.public_status,
        priority: t.priority,
        category: t.category,
        ticket_type: t.ticket_type,
        channel: t.channel,
        customer_id: t.customer_id.uuid(),
        user_id: t.user_id.map(Id::uuid),
        user_email: t.user_email,
        order_id: t.order_id,
        unread_by_customer: t.unread_by_customer,
        message_count: t.public_message_count,
        last_message_at: t.last_message_at,
        resolved_at: t.resolved_at,
        closed_at: t.closed_at,
        version: t.public_version,
        created_at: t.created_at,
        updated_at: t.public_updated_at,
        merged_count: 0,
        merged_into: None,
    };
    (ticket, vec![filed.message], filed.links, event)
}

/// One page of somebody's own tickets, and whether there is more.
pub fn list(
    read: &Read<'_>,
    viewer: &Viewer,
    status: &[Status],
    sort: Sort,
    cursor: Option<&Cursor>,
    limit: u32,
) -> Result<(Vec<PortalTicket>, bool)> {
    let mut c = Clause::tenant("t");
    viewer.restrict(&mut c);
    c.text.push_str(" and t.merged_into is null");
    if !status.is_empty() {
        let list: Vec<String> = status
            .iter()
            .map(|s| {
                c.values.push(s.to_value());
                format!("?{}", c.values.len() + 1)
            })
            .collect();
        c.text.push_str(&format!(" and t.status in ({})", list.join(", ")));
    }
    page_of(&mut c, "t", sort, cursor, limit + 1)?;
    let text = format!("select {COLUMNS} from {FROM} where {}", c.text);
    let mut tickets = read.query_all(&Sql::built(text), &c.values, map)?;
    let more = tickets.len() > limit as usize;
    tickets.truncate(limit as usize);
    Ok((tickets, more))
}

/// Those of these tickets that are theirs, in this order.
pub fn by_ids(read: &Read<'_>, viewer: &Viewer, ids: &[Uuid]) -> Result<Vec<PortalTicket>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut c = Clause::tenant("t");
    viewer.restrict(&mut c);
    let list: Vec<String> = ids.iter().map(|id| c.bind(Value::Uuid(*id))).collect();
    let text = format!("select {COLUMNS} from {FROM} where {} and t.id in ({})", c.text, list.join(", "));
    let mut found = read.query_all(&Sql::built(text), &c.values, map)?;
    found.sort_by_key(|t| ids.iter().position(|id| *id == t.id.uuid()));
    Ok(found)
}

/// A ticket that is theirs, or none at all.
pub fn get(read: &Read<'_>, viewer: &Viewer, id: Id<Ticket>) -> Result<PortalTicket> {
    let mut c = Clause::tenant("t");
    c.and("t.id = {}", Value::Uuid(id.uuid()));
    viewer.restrict(&mut c);
    let text = format!("select {COLUMNS} from {FROM} where {}", c.text);
    read.query_one(&Sql::built(text), &c.values, map)?.or_not_found("ticket")
}

fn map_message(row: &Row<'_>) -> Result<Message> {
    let mut c = row.columns();
    let (id, ticket_id, direction) = (c.next()?, c.next()?, c.next()?);
    let author = Actor { kind: c.next()?, id: c.next()?, name: c.next()? };
    let (body, body_html, created_at) = (c.next()?, c.next()?, c.next()?);
    let (is_internal, delivery, attachments) = (false, "none".into(), Vec::new());
    Ok(Message {
        id,
        ticket_id,
        direction,
        is_internal,
        author,
        body,
        body_html,
        delivery,
        attachments,
        created_at,
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

/// The conversation, for a ticket that [`get`] answered.
pub fn messages(read: &Read<'_>, ticket: &PortalTicket) -> Result<Vec<Message>> {
    let mut messages = messages_of(read, ticket.id)?;
    if ticket.merged_count > 0 {
        // What was merged into it of the same customer; the view says of nobody else's that it was.
        for merged in read.query_all(&MERGED, params![ticket.id], |row| row.get::<Id<Ticket>>(0))? {
            messages.extend(messages_of(read, merged)?);
        }
        messages.sort_by_key(|m| (m.created_at, m.id));
    }
    Ok(messages)
}

/// What was said in it and in what was merged into it, the newest first, until `take` answers false.
pub fn newest_bodies(
    read: &Read<'_>,
    ticket: &PortalTicket,
    mut take: impl FnMut(String) -> bool,
) -> Result<()> {
    let mut threads = vec![ticket.id];
    if ticket.merged_count > 0 {
        threads.extend(read.query_all(&MERGED, params![ticket.id], |row| row.get::<Id<Ticket>>(0))?);
    }
    let mut goes_on = true;
    for thread in threads {
        if goes_on {
            read.for_each(&BODIES, params![thread], |row| {
                goes_on = take(row.get(0)?);
                Ok(goes_on)
            })?;
        }
    }
    Ok(())
}

fn messages_of(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<Message>> {
    let mut messages = read.query_all(&MESSAGES, params![ticket], map_message)?;
    for file in read.query_all(&ATTACHMENTS, params![ticket], map_attachment)? {
        if let Some(message) = messages.iter_mut().find(|m| m.id == file.message_id) {
            message.attachments.push(file);
        }
    }
    Ok(messages)
}

/// Their own messages across tickets, newest first.
pub fn list_messages(read: &Read<'_>, viewer: &Viewer, f: &MessageFilter) -> Result<Vec<Message>> {
    if f.is_internal == Some(true) {
        return Ok(Vec::new());
    }
    let mut c = Clause::tenant("m");
    viewer.restrict(&mut c);
    if let Some(ticket) = f.ticket {
        get(read, viewer, ticket)?;
        c.and("m.ticket_id = {}", Value::Uuid(ticket.uuid()));
    }
    if let Some(direction) = f.direction {
        c.and("m.direction = {}", Value::Text(direction.as_str()));
    }
    message_page(&mut c, "m", f);
    let text = format!(
        "select m.id, m.ticket_id, m.direction, m.author_kind, m.author_id, m.author_name, m.body, m.body_html, m.created_at
         from portal_messages m join portal_tickets t on t.tenant_id = m.tenant_id and t.id = m.ticket_id where {}",
        c.text
    );
    read.query_all(&Sql::built(text), &c.values, map_message)
}

pub fn links(read: &Read<'_>, ticket: &PortalTicket) -> Result<Vec<Link>> {
    read.query_all(&LINKS, params![ticket.id], |row| {
        Ok(Link { kind: row.get(0)?, id: row.get(1)?, label: row.get(2)? })
    })
}

/// One line of the status timeline: what happened and when, and only which side did it.
#[derive(Clone, Debug, Serialize)]
pub struct PortalEvent {
    pub id: Id<Audit>,
    pub event_type: String,
    pub from: Option<String>,
    pub to: Option<String>,
    /// `customer` or `support`.
    pub by: &'static str,
    pub created_at: Timestamp,
}

pub fn events(read: &Read<'_>, ticket: &PortalTicket) -> Result<Vec<PortalEvent>> {
    read.query_all(&EVENTS, params![ticket.id], |row| {
        let kind: ActorKind = row.get(4)?;
        let by =
            if matches!(kind, ActorKind::Customer | ActorKind::Anonymous) { "customer" } else { "support" };
        Ok(PortalEvent {
            id: row.get(0)?,
            event_type: row.get(1)?,
            from: row.get(2)?,
            to: row.get(3)?,
            by,
            created_at: row.get(5)?,
        })
    })
}

/// A file of a message that was meant for them.
pub fn attachment(read: &Read<'_>, viewer: &Viewer, id: Id<Attachment>) -> Result<Attachment> {
    let file = read.query_one(&ATTACHMENT, params![id], map_attachment)?.or_not_found("attachment")?;
    get(read, viewer, file.ticket_id).map(|_| file)
}

/// Marks the customer's side as read, with what was merged into it.
pub fn mark_read(tx: &mut db::Tx<'_>, viewer: &Viewer, id: Id<Ticket>) -> Result<()> {
    let ticket = get(tx, viewer, id)?;
    if ticket.unread_by_customer > 0 {
        store::mark_read(tx, id, true)?;
        if ticket.merged_count > 0 {
            for merged in tx.query_all(&MERGED, params![id], |row| row.get::<Id<Ticket>>(0))? {
                store::mark_read(tx, merged, true)?;
            }
        }
    }
    Ok(())
}

/// The viewer a status link makes, if the link is one of ours.
pub fn by_status_link(read: &Read<'_>, token: &str) -> Result<Viewer> {
    let token = identity::Token::parse(token).or_not_found("request")?;
    let ticket = store::find_status_link(read, token.hash())?.or_not_found("request")?;
    let viewer = Viewer::Link { ticket };
    // The view says so only where both are of one customer.
    let goes_on_in = get(read, &viewer, ticket).ok().and_then(|t| t.merged_into);
    Ok(goes_on_in.map_or(viewer, |ticket| Viewer::Link { ticket }))
}
