//! The ticket's rows. Private: others come through `ops` and `query`.

use std::collections::HashMap;

use base::{Id, Result, Timestamp};
use db::{Read, Row, Sql, ToValue, Tx, Value, params};
use identity::User;

use super::{counts, model::*};
use crate::{reports, rules};

macro_rules! columns {
    () => {
        "t.id, t.ticket_number, t.subject, m.body, t.status, t.public_status, t.priority, t.category, t.ticket_type, t.channel,
         t.customer_id, t.user_id, t.user_email, t.order_id, t.assigned_to, t.team_id, t.origin_type, t.target_type,
         t.unread_by_agent, t.unread_by_customer, t.message_count, t.public_message_count, t.last_message_at, t.due_at,
         t.first_response_at, t.resolution_time_minutes, t.last_reminder_at, t.reminder_count, t.escalation_level, t.escalated_at,
         t.escalated_to_user_id, t.resolved_at, t.closed_at, t.close_reason, t.resolution_notes, t.ai_summary,
         t.ai_confidence_score, t.ai_first_response_time, t.ai_auto_resolved, t.context, t.first_message_id, t.follow_up_of,
         t.version, t.public_version, t.public_updated_at, t.created_by_kind, t.created_by_id, t.created_by, t.updated_by,
         t.created_at, t.updated_at, t.survivor_id, t.merged_count, t.public_last_message_at, t.snoozed_at, t.snoozed_until,
         t.deleted_at, t.minutes_spent, t.mail_channel_id"
    };
}
/// The select list of a whole ticket, for lists put together at run time.
pub const COLUMNS: &str = columns!();

db::statements! {
    INSERT = "insert into tickets (tenant_id, id, ticket_number, subject, search_text, status, public_status, priority, category, ticket_type,
        channel, customer_id, user_id, user_email, order_id, assigned_to, team_id, origin_type, target_type, unread_by_agent,
        unread_by_customer, message_count, public_message_count, last_message_at, due_at, reminder_count, escalation_level, ai_auto_resolved,
        context, first_message_id, follow_up_of, version, public_version, public_updated_at, created_by_kind, created_by_id,
        created_by, updated_by, created_at, updated_at, mail_channel_id)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25,
        0, 0, ?26, ?27, ?28, ?29, 1, 1, ?24, ?30, ?31, ?32, ?33, ?24, ?24, ?34)";
    BY_ID = concat!("select ", columns!(), " from tickets t join messages m on m.tenant_id = t.tenant_id and m.id = t.first_message_id
        where t.tenant_id = ?1 and t.id = ?2");
    LOCK = "select 1 from tickets where tenant_id = ?1 and id = ?2 {lock}";
    BY_NUMBER = "select id from tickets where tenant_id = ?1 and ticket_number = ?2";
    // Reading is no change: the version stays.
    READ_BY_AGENT = "update tickets set unread_by_agent = 0 where tenant_id = ?1 and id = ?2";
    READ_MERGED = "update tickets set unread_by_agent = 0 where tenant_id = ?1 and survivor_id = ?2 and unread_by_agent > 0";
    READ_BY_CUSTOMER = "update tickets set unread_by_customer = 0 where tenant_id = ?1 and id = ?2";
    INSERT_MESSAGE = "insert into messages (tenant_id, id, ticket_id, direction, is_internal, author_kind, author_id, author_name, body, body_html,
        delivery, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    INSERT_ATTACHMENT = "insert into attachments (tenant_id, id, ticket_id, message_id, filename, content_type, size_bytes, sha256, created_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    INSERT_AUDIT = "insert into ticket_audits (tenant_id, id, ticket_id, event_type, from_value, to_value, metadata, is_public, actor_kind, actor_id,
        actor_name, created_at, change_id) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    INSERT_TAG = "insert into ticket_tags (tenant_id, ticket_id, tag) values (?1, ?2, ?3) on conflict do nothing";
    DROP_TAG = "delete from ticket_tags where tenant_id = ?1 and ticket_id = ?2 and tag = ?3";
    INSERT_WATCHER = "insert into ticket_watchers (tenant_id, ticket_id, user_id) values (?1, ?2, ?3) on conflict do nothing";
    DROP_WATCHERS = "delete from ticket_watchers where tenant_id = ?1 and ticket_id = ?2";
    INSERT_LINK = "insert into ticket_links (tenant_id, ticket_id, kind, linked_id, label, is_public) values (?1, ?2, ?3, ?4, ?5, ?6) on conflict do nothing";
    DROP_LINKS = "delete from ticket_links where tenant_id = ?1 and ticket_id = ?2";
    SHOW_MESSAGE = "update messages set is_internal = ?3 where tenant_id = ?1 and id = ?2";
    SET_DELIVERY = "update messages set delivery = ?3, letter_id = ?4 where tenant_id = ?1 and id = ?2";
    SET_DELIVERY_OF_LETTER = "update messages set delivery = ?3 where tenant_id = ?1 and letter_id = ?2";
    TO_CLOSE = "select id from tickets where tenant_id = ?1 and status = 'resolved' and survivor_id is null and deleted_at is null
        and resolved_at < ?2 order by last_message_at, id limit ?3";
    TO_ARCHIVE = "select id from tickets where tenant_id = ?1 and status = 'closed' and survivor_id is null and deleted_at is null
        and closed_at < ?2 order by last_message_at, id limit ?3";
    INSERT_STATUS_LINK = "insert into status_links (tenant_id, token_hash, ticket_id, created_at) values (?1, ?2, ?3, ?4)";
    REVOKE_STATUS_LINKS = "update status_links set revoked_at = ?3 where tenant_id = ?1 and revoked_at is null
        and token_hash in (select l.token_hash from status_links l where l.tenant_id = ?1 and l.ticket_id = ?2)";
    STATUS_LINK = "select ticket_id from status_links where tenant_id = ?1 and token_hash = ?2 and revoked_at is null";
}

pub fn map(row: &Row<'_>) -> Result<Ticket> {
    let mut c = row.columns();
    Ok(Ticket {
        id: c.next()?,
        ticket_number: c.next()?,
        subject: c.next()?,
        description: c.next()?,
        status: c.next()?,
        public_status: c.next()?,
        priority: c.next()?,
        category: c.next()?,
        ticket_type: c.next()?,
        channel: c.next()?,
        customer_id: c.next()?,
        user_id: c.next()?,
        user_email: c.next()?,
        order_id: c.next()?,
        assigned_to: c.next()?,
        team_id: c.next()?,
        origin_type: c.next()?,
        target_type: c.next()?,
        unread_by_agent: c.next()?,
        unread_by_customer: c.next()?,
        message_count: c.next()?,
        public_message_count: c.next()?,
        last_message_at: c.next()?,
        due_at: c.next()?,
        first_response_at: c.next()?,
        resolution_time_minutes: c.next()?,
        last_reminder_at: c.next()?,
        reminder_count: c.next()?,
        escalation_level: c.next()?,
        escalated_at: c.next()?,
        escalated_to_user_id: c.next()?,
        resolved_at: c.next()?,
        closed_at: c.next()?,
        close_reason: c.next()?,
        resolution_notes: c.next()?,
        ai_summary: c.next()?,
        ai_confidence_score: c.next()?,
        ai_first_response_time: c.next()?,
        ai_auto_resolved: c.next()?,
        context: c.next()?,
        first_message_id: c.next()?,
        follow_up_of: c.next()?,
        version: c.next()?,
        public_version: c.next()?,
        public_updated_at: c.next()?,
        created_by_kind: c.next()?,
        created_by_id: c.next()?,
        created_by: c.next()?,
        updated_by: c.next()?,
        created_at: c.next()?,
        updated_at: c.next()?,
        survivor_id: c.next()?,
        merged_count: c.next()?,
        public_last_message_at: c.next()?,
        snoozed_at: c.next()?,
        snoozed_until: c.next()?,
        deleted_at: c.next()?,
        minutes_spent: c.next()?,
        mail_channel_id: c.next()?,
    })
}

pub fn find(read: &Read<'_>, id: Id<Ticket>) -> Result<Option<Ticket>> {
    read.query_one(&BY_ID, params![id], map)
}

/// Those of some tickets that are there, in the order of the ids.
pub fn by_ids(read: &Read<'_>, ids: &[Id<Ticket>]) -> Result<Vec<Ticket>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let among = db::dialect::placeholders(2, ids.len());
    let text = format!(
        "select {COLUMNS} from tickets t join messages m on m.tenant_id = t.tenant_id and m.id = t.first_message_id
         where t.tenant_id = ?1 and t.id in {among}"
    );
    let values: Vec<Value<'_>> = ids.iter().map(|id| Value::Uuid(id.uuid())).collect();
    let found = read.query_all(&Sql::built(text), &values, map)?;
    let mut of: HashMap<Id<Ticket>, Ticket> = found.into_iter().map(|t| (t.id, t)).collect();
    Ok(ids.iter().filter_map(|id| of.remove(id)).collect())
}

/// Holds the rows of tickets until the commit, in one order for all, and answers those that are there. What is merged comes
/// before survivors, as in a thread ([`super::ops::hold_threads`]); then the id counts.
pub fn lock_all(tx: &mut Tx<'_>, ids: &[Id<Ticket>]) -> Result<Vec<Ticket>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    tx.hold(|tx| hold_rows(tx, ids))?;
    by_ids(tx, ids)
}

/// Holds the rows of tickets, at least one.
pub fn hold_rows(tx: &mut Tx<'_>, ids: &[Id<Ticket>]) -> Result<()> {
    let among = db::dialect::placeholders(2, ids.len());
    let text = format!(
        "select id from tickets where tenant_id = ?1 and id in {among} order by survivor_id is null, id {{lock}}"
    );
    let values: Vec<Value<'_>> = ids.iter().map(|id| Value::Uuid(id.uuid())).collect();
    tx.for_each(&Sql::built(text), &values, |_| Ok(true))
}

/// The ticket, with its row held until the commit.
pub fn lock(tx: &mut Tx<'_>, id: Id<Ticket>) -> Result<Option<Ticket>> {
    if tx.query_one(&LOCK, params![id], |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    find(tx, id)
}

pub fn find_by_number(read: &Read<'_>, number: &str) -> Result<Option<Id<Ticket>>> {
    read.query_one(&BY_NUMBER, params![number], |row| row.get(0))
}

/// The ids of tickets by their numbers; a number nobody has is left out.
pub fn find_by_numbers(read: &Read<'_>, numbers: &[&str]) -> Result<HashMap<String, Id<Ticket>>> {
    let mut out = HashMap::with_capacity(numbers.len());
    for some in numbers.chunks(500) {
        let among = db::dialect::placeholders(2, some.len());
        let text = format!(
            "select ticket_number, id from tickets where tenant_id = ?1 and ticket_number in {among}"
        );
        let values: Vec<Value<'_>> = some.iter().map(|n| Value::Text(n)).collect();
        read.for_each(&Sql::built(text), &values, |row| {
            out.insert(row.get(0)?, row.get(1)?);
            Ok(true)
        })?;
    }
    Ok(out)
}

pub fn insert(tx: &mut Tx<'_>, t: &Ticket) -> Result<()> {
    let search = search_text(&t.ticket_number, &t.subject, &t.user_email);
    tx.execute(
        &INSERT,
        params![
            t.id,
            t.ticket_number,
            t.subject,
            search,
            t.status,
            t.public_status,
            t.priority,
            t.category,
            t.ticket_type,
            t.channel,
            t.customer_id,
            t.user_id,
            t.user_email,
            t.order_id,
            t.assigned_to,
            t.team_id,
            t.origin_type,
            t.target_type,
            t.unread_by_agent,
            t.unread_by_customer,
            t.message_count,
            t.public_message_count,
            t.created_at,
            t.due_at,
            t.ai_auto_resolved,
            t.context,
            t.first_message_id,
            t.follow_up_of,
            t.created_by_kind,
            t.created_by_id,
            t.created_by,
            t.updated_by,
            t.mail_channel_id
        ],
    )?;
    counts::moved(tx, None, t)?;
    reports::moved(tx, None, t, false)?;
    rules::watch::due_moved(tx, t.id, t.due_at)
}

/// Every column that can change, with its value.
fn changeable(t: &Ticket) -> Vec<(&'static str, Value<'_>)> {
    vec![
        ("subject", ToValue::to_value(&t.subject)),
        ("user_email", ToValue::to_value(&t.user_email)),
        ("status", ToValue::to_value(&t.status)),
        ("public_status", ToValue::to_value(&t.public_status)),
        ("priority", ToValue::to_value(&t.priority)),
        ("category", ToValue::to_value(&t.category)),
        ("ticket_type", ToValue::to_value(&t.ticket_type)),
        ("customer_id", ToValue::to_value(&t.customer_id)),
        ("user_id", ToValue::to_value(&t.user_id)),
        ("order_id", ToValue::to_value(&t.order_id)),
        ("assigned_to", ToValue::to_value(&t.assigned_to)),
        ("team_id", ToValue::to_value(&t.team_id)),
        ("unread_by_agent", ToValue::to_value(&t.unread_by_agent)),
        ("unread_by_customer", ToValue::to_value(&t.unread_by_customer)),
        ("message_count", ToValue::to_value(&t.message_count)),
        ("public_message_count", ToValue::to_value(&t.public_message_count)),
        ("last_message_at", ToValue::to_value(&t.last_message_at)),
        ("due_at", ToValue::to_value(&t.due_at)),
        ("first_response_at", ToValue::to_value(&t.first_response_at)),
        ("resolution_time_minutes", ToValue::to_value(&t.resolution_time_minutes)),
        ("escalation_level", ToValue::to_value(&t.escalation_level)),
        ("escalated_at", ToValue::to_value(&t.escalated_at)),
        ("escalated_to_user_id", ToValue::to_value(&t.escalated_to_user_id)),
        ("resolved_at", ToValue::to_value(&t.resolved_at)),
        ("closed_at", ToValue::to_value(&t.closed_at)),
        ("close_reason", ToValue::to_value(&t.close_reason)),
        ("resolution_notes", ToValue::to_value(&t.resolution_notes)),
        ("ai_summary", ToValue::to_value(&t.ai_summary)),
        ("ai_confidence_score", ToValue::to_value(&t.ai_confidence_score)),
        ("ai_first_response_time", ToValue::to_value(&t.ai_first_response_time)),
        ("ai_auto_resolved", ToValue::to_value(&t.ai_auto_resolved)),
        ("context", ToValue::to_value(&t.context)),
        ("version", ToValue::to_value(&t.version)),
        ("public_version", ToValue::to_value(&t.public_version)),
        ("public_updated_at", ToValue::to_value(&t.public_updated_at)),
        ("updated_by", ToValue::to_value(&t.updated_by)),
        ("updated_at", ToValue::to_value(&t.updated_at)),
        ("channel", ToValue::to_value(&t.channel)),
        ("survivor_id", ToValue::to_value(&t.survivor_id)),
        ("merged_count", ToValue::to_value(&t.merged_count)),
        ("public_last_message_at", ToValue::to_value(&t.public_last_message_at)),
        ("snoozed_at", ToValue::to_value(&t.snoozed_at)),
        ("snoozed_until", ToValue::to_value(&t.snoozed_until)),
        ("deleted_at", ToValue::to_value(&t.deleted_at)),
        ("minutes_spent", ToValue::to_value(&t.minutes_spent)),
    ]
}

/// Writes what differs from before.
pub fn save(tx: &mut Tx<'_>, before: &Ticket, t: &Ticket) -> Result<()> {
    write(tx, before, t, false)
}

/// The same where a change takes an earlier one back: what that one made happen did not happen.
pub fn save_undone(tx: &mut Tx<'_>, before: &Ticket, t: &Ticket) -> Result<()> {
    write(tx, before, t, true)
}

/// Naming a column that kept its value would rewrite every index it is in.
fn write(tx: &mut Tx<'_>, before: &Ticket, t: &Ticket, is_undo: bool) -> Result<()> {
    let old = changeable(before);
    let mut changed: Vec<(&str, Value<'_>)> = changeable(t)
        .into_iter()
        .zip(old)
        .filter(|((_, new), (_, old))| new != old)
        .map(|(new, _)| new)
        .collect();
    if t.subject != before.subject || t.user_email != before.user_email {
        changed.push((
            "search_text",
            Value::OwnedText(search_text(&t.ticket_number, &t.subject, &t.user_email)),
        ));
    }
    if changed.is_empty() {
        return Ok(());
    }
    counts::moved(tx, Some(before), t)?;
    reports::moved(tx, Some(before), t, is_undo)?;
    let set: Vec<String> =
        changed.iter().enumerate().map(|(i, (column, _))| format!("{column} = ?{}", i + 3)).collect();
    let text = format!("update tickets set {} where tenant_id = ?1 and id = ?2", set.join(", "));
    let mut values = vec![t.id.to_value()];
    values.extend(changed.into_iter().map(|(_, value)| value));
    tx.execute_later(&Sql::built(text), &values)?;
    if t.due_at != before.due_at {
        rules::watch::due_moved(tx, t.id, t.due_at)?;
    }
    if before.is_aside() && !t.is_aside() {
        rules::watch::came_back(tx, t.id)?;
    }
    Ok(())
}

pub fn mark_read(tx: &mut Tx<'_>, id: Id<Ticket>, by_customer: bool) -> Result<()> {
    tx.execute(if by_customer { &READ_BY_CUSTOMER } else { &READ_BY_AGENT }, params![id]).map(|_| ())
}

/// What was merged into a ticket is read with it.
pub fn mark_merged_read(tx: &mut Tx<'_>, survivor: Id<Ticket>) -> Result<()> {
    tx.execute(&READ_MERGED, params![survivor]).map(|_| ())
}

pub fn insert_message(tx: &mut Tx<'_>, m: &Message) -> Result<()> {
    tx.execute(
        &INSERT_MESSAGE,
        params![
            m.id,
            m.ticket_id,
            m.direction,
            m.is_internal,
            m.author.kind,
            m.author.id,
            m.author.name,
            m.body,
            m.body_html,
            m.delivery,
            m.created_at
        ],
    )?;
    for a in &m.attachments {
        tx.execute(
            &INSERT_ATTACHMENT,
            params![
                a.id,
                a.ticket_id,
                a.message_id,
                a.filename,
                a.content_type,
                a.size_bytes,
                a.sha256,
                m.created_at
            ],
        )?;
    }
    Ok(())
}

/// A line of history about to be written.
pub struct NewAudit<'a> {
    pub event_type: &'static str,
    pub from: Option<Value<'a>>,
    pub to: Option<Value<'a>>,
    pub metadata: serde_json::Value,
    pub is_public: bool,
}

pub fn insert_audit(tx: &mut Tx<'_>, ticket: Id<Ticket>, a: NewAudit<'_>) -> Result<Id<Audit>> {
    let (id, now, actor): (Id<Audit>, Timestamp, _) = (tx.new_id(), tx.now(), tx.actor().clone());
    let change = tx.change_id();
    let to = match &a.to {
        Some(Value::Text(word)) => Some((*word).to_owned()),
        Some(Value::OwnedText(word)) => Some(word.clone()),
        _ => None,
    };
    tx.execute_later(
        &INSERT_AUDIT,
        params![
            id,
            ticket,
            a.event_type,
            a.from,
            a.to,
            a.metadata,
            a.is_public,
            actor.kind,
            actor.id,
            actor.name,
            now,
            change
        ],
    )?;
    rules::watch::heard(tx, ticket, a.event_type, to.as_deref())?;
    Ok(id)
}

/// Writes which tags a ticket has, where it had `before`.
pub fn set_tags(tx: &mut Tx<'_>, ticket: Id<Ticket>, before: &[String], tags: &[String]) -> Result<()> {
    for tag in before.iter().filter(|t| !tags.contains(t)) {
        tx.execute_later(&DROP_TAG, params![ticket, tag])?;
    }
    let new: Vec<String> = tags.iter().filter(|t| !before.contains(t)).cloned().collect();
    set_tags_of_new(tx, ticket, &new)
}

pub fn set_watchers(tx: &mut Tx<'_>, ticket: Id<Ticket>, watchers: &[Id<User>]) -> Result<()> {
    tx.execute(&DROP_WATCHERS, params![ticket])?;
    for user in watchers {
        tx.execute(&INSERT_WATCHER, params![ticket, user])?;
    }
    Ok(())
}

/// Replaces the links. Those the customer gave stay visible to them.
pub fn set_links(
    tx: &mut Tx<'_>,
    ticket: Id<Ticket>,
    links: &[Link],
    public: impl Fn(&Link) -> bool,
) -> Result<()> {
    tx.execute(&DROP_LINKS, params![ticket])?;
    for link in links {
        tx.execute(&INSERT_LINK, params![ticket, link.kind, link.id, link.label, public(link)])?;
    }
    Ok(())
}

/// A message that was kept from the customer is shown to them.
pub fn show_message(tx: &mut Tx<'_>, message: Id<Message>) -> Result<()> {
    tx.execute(&SHOW_MESSAGE, params![message, false]).map(|_| ())
}

pub fn set_delivery(tx: &mut Tx<'_>, message: Id<Message>, delivery: &str, letter: uuid::Uuid) -> Result<()> {
    tx.execute(&SET_DELIVERY, params![message, delivery, letter]).map(|_| ())
}

/// In the order in which rows are held.
pub fn to_close(read: &Read<'_>, before: Timestamp, most: u32) -> Result<Vec<Id<Ticket>>> {
    let mut ids = read.query_all(&TO_CLOSE, params![before, most], |row| row.get(0))?;
    ids.sort();
    Ok(ids)
}
/// The same.
pub fn to_archive(read: &Read<'_>, before: Timestamp, most: u32) -> Result<Vec<Id<Ticket>>> {
    let mut ids = read.query_all(&TO_ARCHIVE, params![before, most], |row| row.get(0))?;
    ids.sort();
    Ok(ids)
}

pub fn insert_status_link(tx: &mut Tx<'_>, hash: [u8; 32], ticket: Id<Ticket>) -> Result<()> {
    let now = tx.now();
    tx.execute(&INSERT_STATUS_LINK, params![hash, ticket, now]).map(|_| ())
}
/// Nobody opens the ticket by a link any more that was given out so far.
pub fn revoke_status_links(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    let now = tx.now();
    tx.execute(&REVOKE_STATUS_LINKS, params![ticket, now]).map(|_| ())
}

pub fn find_status_link(read: &Read<'_>, hash: [u8; 32]) -> Result<Option<Id<Ticket>>> {
    read.query_one(&STATUS_LINK, params![hash], |row| row.get(0))
}
pub fn set_delivery_of_letter(tx: &mut Tx<'_>, letter: uuid::Uuid, delivery: &str) -> Result<()> {
    tx.execute(&SET_DELIVERY_OF_LETTER, params![letter, delivery]).map(|_| ())
}

/// Tags of a ticket that was just made, so has none.
pub fn set_tags_of_new(tx: &mut Tx<'_>, ticket: Id<Ticket>, tags: &[String]) -> Result<()> {
    for tag in tags {
        tx.execute_later(&INSERT_TAG, params![ticket, tag])?;
    }
    Ok(())
}
/// Links of a ticket that was just made.
pub fn set_links_of_new(tx: &mut Tx<'_>, ticket: Id<Ticket>, links: &[Link], public: bool) -> Result<()> {
    for link in links {
        tx.execute(&INSERT_LINK, params![ticket, link.kind, link.id, link.label, public])?;
    }
    Ok(())
}
