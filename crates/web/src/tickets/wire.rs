//! What tickets look like on the wire, and how what callers send becomes commands.

use base::{Actor, Email, Error, Id, Result, Role, Timestamp};
use crm::CustomerRecord;
use desk::tickets::{self, *};
use identity::{Staff, User, teams::Team};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// A ticket as staff and keys see it.
#[derive(Serialize, JsonSchema)]
pub struct TicketOut {
    pub id: Id<Ticket>,
    pub ticket_number: String,
    pub subject: String,
    /// The first message's text.
    pub description: String,
    pub status: Status,
    pub priority: Priority,
    pub category: String,
    pub ticket_type: TicketType,
    pub channel: Channel,
    pub customer_id: Id<CustomerRecord>,
    pub user_id: Option<Id<User>>,
    pub user_email: String,
    pub order_id: Option<Uuid>,
    pub assigned_to: Option<Id<User>>,
    pub team_id: Option<Id<Team>>,
    pub watchers: Vec<Id<User>>,
    pub tags: Vec<String>,
    pub links: Vec<Link>,
    pub origin_type: Party,
    pub target_type: Party,
    pub unread_by_agent: u32,
    pub unread_by_customer: u32,
    pub message_count: u32,
    pub last_message_at: Timestamp,
    pub due_at: Timestamp,
    pub sla_overdue: bool,
    pub first_response_at: Option<Timestamp>,
    pub resolution_time_minutes: Option<i64>,
    pub last_reminder_at: Option<Timestamp>,
    pub reminder_count: u32,
    pub escalation_level: u32,
    pub escalated_at: Option<Timestamp>,
    pub escalated_to_user_id: Option<Id<User>>,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub close_reason: Option<CloseReason>,
    pub resolution_notes: Option<String>,
    pub ai_summary: Option<String>,
    pub ai_confidence_score: Option<f64>,
    pub ai_first_response_time: Option<i64>,
    pub ai_auto_resolved: bool,
    pub context: serde_json::Value,
    pub created_by: String,
    pub updated_by: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The ticket whose thread shows this one's messages, when it was merged.
    pub merged_into: Option<Id<Ticket>>,
    pub snoozed_at: Option<Timestamp>,
    /// Null while snoozed: until somebody replies.
    pub snoozed_until: Option<Timestamp>,
    pub minutes_spent: u32,
    pub deleted_at: Option<Timestamp>,
    /// Tickets that were merged into this one. In the detail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_tickets: Option<Vec<Id<Ticket>>>,
    /// In the detail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relations: Option<Vec<tickets::relations::Relation>>,
    /// Who gets a copy of every answer. In the detail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participants: Option<Vec<tickets::participants::Participant>>,
    /// In the detail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checklist: Option<Vec<tickets::checklist::ChecklistItem>>,
    /// In the detail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<MessageOut>>,
    /// In the detail only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audits: Option<Vec<AuditOut>>,
    /// What the customer thought of it; in the detail only, once there is an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub satisfaction: Option<desk::csat::Answer>,
}

impl TicketOut {
    pub fn new(t: Ticket, extras: tickets::query::Extras, now: Timestamp) -> Self {
        let sla_overdue = t.sla_overdue(now);
        Self {
            id: t.id,
            ticket_number: t.ticket_number,
            subject: t.subject,
            description: t.description,
            status: t.status,
            priority: t.priority,
            category: t.category,
            ticket_type: t.ticket_type,
            channel: t.channel,
            customer_id: t.customer_id,
            user_id: t.user_id,
            user_email: t.user_email,
            order_id: t.order_id,
            assigned_to: t.assigned_to,
            team_id: t.team_id,
            watchers: extras.watchers,
            tags: extras.tags,
            links: extras.links,
            origin_type: t.origin_type,
            target_type: t.target_type,
            unread_by_agent: t.unread_by_agent,
            unread_by_customer: t.unread_by_customer,
            message_count: t.message_count,
            last_message_at: t.last_message_at,
            due_at: t.due_at,
            sla_overdue,
            first_response_at: t.first_response_at,
            resolution_time_minutes: t.resolution_time_minutes,
            last_reminder_at: t.last_reminder_at,
            reminder_count: t.reminder_count,
            escalation_level: t.escalation_level,
            escalated_at: t.escalated_at,
            escalated_to_user_id: t.escalated_to_user_id,
            resolved_at: t.resolved_at,
            closed_at: t.closed_at,
            close_reason: t.close_reason,
            resolution_notes: t.resolution_notes,
            ai_summary: t.ai_summary,
            ai_confidence_score: t.ai_confidence_score,
            ai_first_response_time: t.ai_first_response_time,
            ai_auto_resolved: t.ai_auto_resolved,
            context: t.context,
            created_by: t.created_by,
            updated_by: t.updated_by,
            created_at: t.created_at,
            updated_at: t.updated_at,
            merged_into: t.survivor_id,
            snoozed_at: t.snoozed_at,
            snoozed_until: t.snoozed_until,
            minutes_spent: t.minutes_spent,
            deleted_at: t.deleted_at,
            merged_tickets: None,
            relations: None,
            participants: None,
            checklist: None,
            messages: None,
            audits: None,
            satisfaction: None,
        }
    }
}

/// A message, as either side sees it. Customers never get an internal one, nor `delivery`.
#[derive(Serialize, JsonSchema)]
pub struct MessageOut {
    pub id: Id<Message>,
    pub ticket_id: Id<Ticket>,
    pub direction: Direction,
    pub is_internal: bool,
    pub author: Actor,
    pub body: String,
    pub body_html: String,
    pub attachments: Vec<AttachmentOut>,
    pub delivery: String,
    pub created_at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
pub struct AttachmentOut {
    pub id: Id<Attachment>,
    pub filename: String,
    pub content_type: String,
    pub size_bytes: u64,
}

impl From<Message> for MessageOut {
    fn from(m: Message) -> Self {
        Self {
            id: m.id,
            ticket_id: m.ticket_id,
            direction: m.direction,
            is_internal: m.is_internal,
            author: m.author,
            body: m.body,
            body_html: m.body_html,
            attachments: m.attachments.into_iter().map(Into::into).collect(),
            delivery: m.delivery,
            created_at: m.created_at,
        }
    }
}
impl From<Attachment> for AttachmentOut {
    fn from(a: Attachment) -> Self {
        Self { id: a.id, filename: a.filename, content_type: a.content_type, size_bytes: a.size_bytes }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct AuditOut {
    pub id: Id<Audit>,
    pub event_type: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub metadata: serde_json::Value,
    pub actor: Actor,
    pub created_at: Timestamp,
}
impl From<Audit> for AuditOut {
    fn from(a: Audit) -> Self {
        Self {
            id: a.id,
            event_type: a.event_type,
            from: a.from,
            to: a.to,
            metadata: a.metadata,
            actor: a.actor,
            created_at: a.created_at,
        }
    }
}

/// A ticket as its customer sees it: nothing internal, and no trace of it.
#[derive(Serialize, JsonSchema)]
pub struct PortalTicketOut {
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
    pub links: Vec<Link>,
    pub unread_by_customer: u32,
    pub message_count: u32,
    pub last_message_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The request of yours that this one goes on in.
    pub merged_into: Option<Id<Ticket>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<MessageOut>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audits: Option<Vec<PortalEventOut>>,
}

#[derive(Serialize, JsonSchema)]
pub struct PortalEventOut {
    pub id: Id<Audit>,
    pub event_type: String,
    pub from: Option<String>,
    pub to: Option<String>,
    /// `customer` or `support`.
    pub by: &'static str,
    pub created_at: Timestamp,
}
impl From<portal::PortalEvent> for PortalEventOut {
    fn from(e: portal::PortalEvent) -> Self {
        Self {
            id: e.id,
            event_type: e.event_type,
            from: e.from,
            to: e.to,
            by: e.by,
            created_at: e.created_at,
        }
    }
}

impl From<portal::PortalTicket> for PortalTicketOut {
    fn from(t: portal::PortalTicket) -> Self {
        Self {
            id: t.id,
            ticket_number: t.ticket_number,
            subject: t.subject,
            description: t.description,
            status: t.status,
            priority: t.priority,
            category: t.category,
            ticket_type: t.ticket_type,
            channel: t.channel,
            customer_id: t.customer_id,
            user_id: t.user_id,
            user_email: t.user_email,
            order_id: t.order_id,
            links: Vec::new(),
            unread_by_customer: t.unread_by_customer,
            message_count: t.message_count,
            last_message_at: t.last_message_at,
            resolved_at: t.resolved_at,
            closed_at: t.closed_at,
            created_at: t.created_at,
            updated_at: t.updated_at,
            merged_into: t.merged_into,
            messages: None,
            audits: None,
        }
    }
}

/// `null` empties, absence leaves alone.
pub fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

/// A ticket that a customer or a stranger files.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketIn {
    pub subject: String,
    /// Markdown.
    pub description: String,
    pub category: Option<String>,
    pub priority: Option<Priority>,
    pub ticket_type: Option<TicketType>,
    pub order_id: Option<Uuid>,
    #[serde(default)]
    pub links: Vec<Link>,
    /// Only of somebody who is not signed in.
    pub user_email: Option<String>,
    /// How somebody who is not signed in wants to be called.
    pub name: Option<String>,
}

/// A ticket that staff or a key files for somebody.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffTicketIn {
    pub subject: String,
    pub description: String,
    pub category: Option<String>,
    pub priority: Option<Priority>,
    pub ticket_type: Option<TicketType>,
    pub channel: Option<Channel>,
    /// This or `user_email`.
    pub customer_id: Option<Id<CustomerRecord>>,
    pub user_email: Option<String>,
    pub name: Option<String>,
    pub order_id: Option<Uuid>,
    pub assigned_to: Option<String>,
    pub team_id: Option<Id<Team>>,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub links: Vec<Link>,
    pub context: Option<serde_json::Value>,
    pub origin_type: Option<Party>,
    pub target_type: Option<Party>,
    /// True when the description is the business's own first message, to be sent to the customer.
    #[serde(default)]
    pub outbound: bool,
}

/// Changes by staff. Absent fields stay.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TicketPatchIn {
    pub subject: Option<String>,
    pub status: Option<Status>,
    pub priority: Option<Priority>,
    pub category: Option<String>,
    pub ticket_type: Option<TicketType>,
    pub channel: Option<Channel>,
    pub customer_id: Option<Id<CustomerRecord>>,
    #[serde(deserialize_with = "some")]
    pub order_id: Option<Option<Uuid>>,
    /// An id, `me`, or null.
    #[serde(deserialize_with = "some")]
    pub assigned_to: Option<Option<String>>,
    #[serde(deserialize_with = "some")]
    pub team_id: Option<Option<Id<Team>>>,
    pub watchers: Option<Vec<Id<User>>>,
    pub tags: Option<Vec<String>>,
    pub links: Option<Vec<Link>>,
    pub due_at: Option<Timestamp>,
    /// With the status `closed`.
    pub close_reason: Option<CloseReason>,
    #[serde(deserialize_with = "some")]
    pub resolution_notes: Option<Option<String>>,
    pub escalation_level: Option<u32>,
    #[serde(deserialize_with = "some")]
    pub escalated_to_user_id: Option<Option<Id<User>>>,
    #[serde(deserialize_with = "some")]
    pub ai_summary: Option<Option<String>>,
    #[serde(deserialize_with = "some")]
    pub ai_confidence_score: Option<Option<f64>>,
    pub ai_auto_resolved: Option<bool>,
    pub context: Option<serde_json::Value>,
}

/// `me` or an id of a user.
pub fn assignee(text: &str, staff: &Staff) -> Result<Id<User>> {
    if text == "me" {
        return staff.user_id.ok_or_else(|| {
            Error::field(
                "assigned_to",
                "assignee.me",
                "a key is nobody a ticket can be assigned to; name a user's id",
            )
        });
    }
    text.parse().map_err(|_| Error::field("assigned_to", "assignee.unknown", "a user's id, me, or null"))
}

impl TicketPatchIn {
    pub fn into_patch(self, staff: &Staff, expected_version: Option<i64>) -> Result<TicketPatch> {
        let assigned_to = match self.assigned_to {
            None => None,
            Some(None) => Some(None),
            Some(Some(text)) => Some(Some(assignee(&text, staff)?)),
        };
        Ok(TicketPatch {
            subject: self.subject,
            status: self.status,
            priority: self.priority,
            category: self.category,
            ticket_type: self.ticket_type,
            channel: self.channel,
            customer_id: self.customer_id,
            order_id: self.order_id,
            assigned_to,
            team_id: self.team_id,
            watchers: self.watchers,
            tags: self.tags,
            links: self.links,
            due_at: self.due_at,
            close_reason: self.close_reason,
            resolution_notes: self.resolution_notes,
            escalation_level: self.escalation_level,
            escalated_to_user_id: self.escalated_to_user_id,
            ai_summary: self.ai_summary,
            ai_confidence_score: self.ai_confidence_score,
            ai_auto_resolved: self.ai_auto_resolved,
            context: self.context.map(check_context).transpose()?,
            tell_customer: None,
            expected_version,
        })
    }
}

/// What a customer may change on their own ticket.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PortalPatchIn {
    pub subject: Option<String>,
    pub category: Option<String>,
    pub priority: Option<Priority>,
}

/// A message. As multipart: the same names, `is_internal` as `true` or `false`, and files named `attachments`.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageIn {
    /// Markdown.
    pub body: String,
    #[serde(default)]
    pub is_internal: bool,
    /// Set with an answer, for instance `pending_customer`. Staff only.
    pub status: Option<Status>,
    /// On `/api/support/messages` only, where the ticket is not in the path.
    pub ticket_id: Option<Id<Ticket>>,
    /// A ticket merged into this one whose customer the answer is for; absent: this one's. Staff only.
    pub answer_to: Option<Id<Ticket>>,
}

/// Every filter of the ticket list, as callers write it.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct TicketQuery {
    /// A view's key, built in or saved; other parameters ask parts of it otherwise.
    pub view: Option<String>,
    /// Several by comma, as for the other words.
    pub status: Option<String>,
    pub priority: Option<String>,
    pub category: Option<String>,
    pub ticket_type: Option<String>,
    pub channel: Option<String>,
    /// Ids, `me`, `none`.
    pub assigned_to: Option<String>,
    pub team: Option<String>,
    pub customer_id: Option<String>,
    /// The same as `customer_id`.
    pub contact: Option<String>,
    pub user_id: Option<String>,
    pub order_id: Option<String>,
    /// With an id: the same as `order_id`. Otherwise: `created_at, last_message_at, priority, due_at`, `-` for descending.
    pub order: Option<String>,
    pub tag: Option<String>,
    /// `kind:id`
    pub link: Option<String>,
    pub created_at_after: Option<String>,
    pub created_at_before: Option<String>,
    pub last_message_at_after: Option<String>,
    pub last_message_at_before: Option<String>,
    pub due_at_after: Option<String>,
    pub due_at_before: Option<String>,
    pub sla_due_at_after: Option<String>,
    pub sla_due_at_before: Option<String>,
    pub sla_overdue: Option<String>,
    /// `true`: put off; `false`: not. Absent: both.
    pub snoozed: Option<String>,
    /// `true`: deleted tickets that can be restored. Admins only.
    pub deleted: Option<String>,
    /// Words, `"phrases"`, `begin*`, and operators such as `status:open`; `-` in front turns one around.
    pub q: Option<String>,
    pub cursor: Option<String>,
    /// 1 to 100; 50 when absent.
    pub limit: Option<String>,
}

/// `a,b` as a list of words.
pub fn list<T: std::str::FromStr<Err = Error>>(field: &'static str, text: Option<&String>) -> Result<Vec<T>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    text.split(',')
        .map(str::trim)
        .filter(|w| !w.is_empty())
        .map(|w| w.parse().map_err(|e: Error| e.on_field(field)))
        .collect()
}
fn words(text: Option<&String>) -> Vec<String> {
    text.map(|t| t.split(',').map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect())
        .unwrap_or_default()
}
fn uuids(field: &'static str, text: Option<&String>) -> Result<Vec<Uuid>> {
    words(text)
        .iter()
        .map(|w| w.parse().map_err(|_| Error::field(field, "id.malformed", "expected an id")))
        .collect()
}

/// An instant (RFC 3339) or a date, which means its first moment in UTC.
pub fn instant(field: &'static str, text: Option<&String>) -> Result<Option<Timestamp>> {
    let Some(text) = text else { return Ok(None) };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Some(at));
    }
    // A plus sign in a query is a space unless it was encoded; people forget.
    if let Ok(at) = text.replace(' ', "+").parse::<Timestamp>() {
        return Ok(Some(at));
    }
    let date = text.parse::<jiff::civil::Date>().ok().and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC).ok());
    date.map(|d| Some(d.timestamp())).ok_or_else(|| {
        Error::field(field, "time.malformed", "expected an instant such as 2026-03-02T12:00:00Z")
    })
}

pub fn limit(text: Option<&String>) -> Result<u32> {
    let Some(text) = text else { return Ok(50) };
    match text.parse() {
        Ok(n) if (1..=100).contains(&n) => Ok(n),
        _ => Err(Error::field("limit", "limit.range", "a number from 1 to 100")),
    }
}

pub fn flag(field: &'static str, text: Option<&String>) -> Result<Option<bool>> {
    match text.map(String::as_str) {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(_) => Err(Error::field(field, "flag.malformed", "true or false")),
    }
}

impl TicketQuery {
    pub fn into_filter(self, staff: &Staff) -> Result<TicketFilter> {
        let mut order_id = uuids("order_id", self.order_id.as_ref())?;
        let mut sort = Sort::default();
        if let Some(order) = &self.order {
            match order.parse::<Uuid>() {
                Ok(id) => order_id.push(id),
                Err(_) => sort = Sort::parse(order)?,
            }
        }
        let mut assigned_to = Vec::new();
        for word in words(self.assigned_to.as_ref()) {
            assigned_to.push(match word.as_str() {
                "none" | "null" => Assignee::Nobody,
                other => Assignee::User(assignee(other, staff)?),
            });
        }
        let mut customer: Vec<Id<CustomerRecord>> = list("customer_id", self.customer_id.as_ref())?;
        customer.extend(list::<Id<CustomerRecord>>("contact", self.contact.as_ref())?);
        let mut link = Vec::new();
        for word in words(self.link.as_ref()) {
            let (kind, id) = word
                .split_once(':')
                .ok_or_else(|| Error::field("link", "link.malformed", "kind:id, such as merchant:42"))?;
            link.push((kind.to_owned(), id.to_owned()));
        }
        let due_after = instant("due_at_after", self.due_at_after.as_ref())?
            .or(instant("sla_due_at_after", self.sla_due_at_after.as_ref())?);
        let due_before = instant("due_at_before", self.due_at_before.as_ref())?
            .or(instant("sla_due_at_before", self.sla_due_at_before.as_ref())?);
        let q = self.q.filter(|q| !q.trim().is_empty());
        Ok(TicketFilter {
            status: list("status", self.status.as_ref())?,
            priority: list("priority", self.priority.as_ref())?,
            category: words(self.category.as_ref()),
            ticket_type: list("ticket_type", self.ticket_type.as_ref())?,
            channel: list("channel", self.channel.as_ref())?,
            assigned_to,
            team: list("team", self.team.as_ref())?,
            customer,
            user: list("user_id", self.user_id.as_ref())?,
            order_id,
            tag: words(self.tag.as_ref()).iter().map(|t| t.to_lowercase()).collect(),
            link,
            created_at: Range {
                after: instant("created_at_after", self.created_at_after.as_ref())?,
                before: instant("created_at_before", self.created_at_before.as_ref())?,
            },
            last_message_at: Range {
                after: instant("last_message_at_after", self.last_message_at_after.as_ref())?,
                before: instant("last_message_at_before", self.last_message_at_before.as_ref())?,
            },
            due_at: Range { after: due_after, before: due_before },
            sla_overdue: flag("sla_overdue", self.sla_overdue.as_ref())?.unwrap_or(false),
            snoozed: flag("snoozed", self.snoozed.as_ref())?,
            deleted: match flag("deleted", self.deleted.as_ref())?.unwrap_or(false) {
                true if !staff.is_admin() => {
                    return Err(Error::forbidden(
                        "ticket.delete_is_admins",
                        "deleted tickets are for admins",
                    ));
                }
                deleted => deleted,
            },
            by_relevance: q.is_some() && self.order.as_deref().is_none_or(|o| o.parse::<Uuid>().is_ok()),
            q,
            conditions: Vec::new(),
            sort,
            cursor: self.cursor.map(|c| c.parse()).transpose()?,
            limit: limit(self.limit.as_ref())?,
        })
    }
}

/// Filters of `/api/support/messages`.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct MessageQuery {
    pub ticket: Option<String>,
    pub direction: Option<String>,
    pub is_internal: Option<String>,
    pub created_at_after: Option<String>,
    pub created_at_before: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<String>,
}

impl MessageQuery {
    pub fn into_filter(self) -> Result<tickets::query::MessageFilter> {
        Ok(tickets::query::MessageFilter {
            ticket: self.ticket.map(|t| t.parse().map_err(|_| Error::not_found("ticket"))).transpose()?,
            direction: self.direction.map(|d| d.parse()).transpose()?,
            is_internal: flag("is_internal", self.is_internal.as_ref())?,
            created_at: Range {
                after: instant("created_at_after", self.created_at_after.as_ref())?,
                before: instant("created_at_before", self.created_at_before.as_ref())?,
            },
            before: self
                .cursor
                .map(|c| c.parse())
                .transpose()
                .map_err(|_| Error::field("cursor", "cursor.malformed", "pass next_cursor unchanged"))?,
            limit: limit(self.limit.as_ref())?,
        })
    }
}

/// An address somebody typed.
pub fn email(field: &'static str, text: &str) -> Result<Email> {
    text.parse().map_err(|e: Error| e.on_field(field))
}

/// The door a ticket came through when nobody names it.
pub fn door(staff: &Staff) -> Channel {
    if staff.user_id.is_none() { Channel::Api } else { Channel::Portal }
}

/// Roles in the words of `x-roles`.
pub fn staff_roles() -> Vec<&'static str> {
    Role::ALL.into_iter().filter(|r| r.is_staff()).map(Role::as_str).collect()
}
