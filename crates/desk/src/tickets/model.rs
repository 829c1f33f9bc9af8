//! Types and pure rules of a ticket.

use std::{fmt, str::FromStr};

use base::{Email, Error, Id, Result, Role, Timestamp, hours};
use crm::CustomerRecord;
use db::text_column;
use identity::{Settings, Staff, User, teams::Team};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An enum of wire words: parsed strictly, with aliases, naming what would be accepted.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident, $field:literal, { $($variant:ident = $word:literal),* $(,)? } $(, aliases { $($alias:literal => $target:ident),* })?) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
        #[schemars(inline)]
        pub enum $name { $(#[serde(rename = $word)] $variant),* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
        impl FromStr for $name {
            type Err = Error;
            fn from_str(s: &str) -> Result<Self> {
                match s {
                    $($word => Ok(Self::$variant),)*
                    $($($alias => Ok(Self::$target),)*)?
                    _ => Err(Error::field($field, concat!($field, ".unknown"), format!("one of {}", [$($word),*].join(", ")))),
                }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(|e: Error| serde::de::Error::custom(e.plain_message()))
            }
        }
    };
}
pub(crate) use words;

words!(
    /// Where a ticket is in its life. See [`Status::moves`].
    Status, "status", {
        New = "new", Open = "open", InProgress = "in_progress", PendingCustomer = "pending_customer",
        Resolved = "resolved", Closed = "closed", Archived = "archived",
    }, aliases { "waiting_on_user" => PendingCustomer }
);
words!(
    /// Ordered: `Low < Urgent`.
    Priority, "priority", { Low = "low", Normal = "normal", High = "high", Urgent = "urgent" }, aliases { "medium" => Normal }
);
words!(TicketType, "ticket_type", {
    GeneralInquiry = "general_inquiry", BillingIssue = "billing_issue", TechnicalSupport = "technical_support",
    InstallationRequest = "installation_request", OutageReport = "outage_report", ServiceUpgrade = "service_upgrade",
    ServiceDowngrade = "service_downgrade", CancellationRequest = "cancellation_request", EquipmentIssue = "equipment_issue",
    SpeedIssue = "speed_issue", NetworkIssue = "network_issue", ConnectivityIssue = "connectivity_issue",
});
words!(
    /// The door a ticket came through.
    Channel, "channel", { Portal = "portal", Email = "email", Phone = "phone", System = "system", Api = "api", Ai = "ai" }
);
words!(CloseReason, "close_reason", { Solved = "solved", Duplicate = "duplicate", Spam = "spam", NoReply = "no_reply" });
words!(
    /// Who a ticket comes from or goes to.
    Party, "origin_type", { Customer = "customer", Tenant = "tenant", Partner = "partner", Platform = "platform" }
);
words!(Direction, "direction", { Inbound = "inbound", Outbound = "outbound" });
text_column!(Status, TicketType, Channel, CloseReason, Party, Direction);

impl Status {
    pub const LIVE: [Self; 4] = [Self::New, Self::Open, Self::InProgress, Self::PendingCustomer];

    pub const fn is_live(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::InProgress | Self::PendingCustomer)
    }

    /// Where staff may move a ticket from here. Nothing leads back to `new`.
    pub const fn moves(self) -> &'static [Self] {
        match self {
            Self::New => &[Self::Open, Self::InProgress, Self::PendingCustomer, Self::Resolved, Self::Closed],
            Self::Open => &[Self::InProgress, Self::PendingCustomer, Self::Resolved, Self::Closed],
            Self::InProgress => &[Self::Open, Self::PendingCustomer, Self::Resolved, Self::Closed],
            Self::PendingCustomer => &[Self::Open, Self::InProgress, Self::Resolved, Self::Closed],
            Self::Resolved => &[Self::Open, Self::Closed],
            Self::Closed => &[Self::Open, Self::Archived],
            Self::Archived => &[Self::Closed],
        }
    }

    /// Anything that is not a move is a conflict that names the moves there are.
    pub fn check_move(self, to: Self) -> Result<()> {
        if self.moves().contains(&to) {
            return Ok(());
        }
        let possible: Vec<&str> = self.moves().iter().map(|s| s.as_str()).collect();
        Err(Error::conflict(
            "ticket.move_not_possible",
            format!(
                "a ticket that is {self} cannot become {to}; possible from here: {}",
                possible.join(", ")
            ),
        ))
    }
}

impl Priority {
    pub fn rank(self) -> i64 {
        match self {
            Self::Low => 0,
            Self::Normal => 1,
            Self::High => 2,
            Self::Urgent => 3,
        }
    }
    pub fn from_rank(rank: i64) -> Self {
        match rank {
            i64::MIN..=0 => Self::Low,
            1 => Self::Normal,
            2 => Self::High,
            _ => Self::Urgent,
        }
    }
    /// How long after its creation a ticket is due.
    pub const fn due_after(self) -> jiff::SignedDuration {
        match self {
            Self::Urgent => hours(2),
            Self::High => hours(4),
            Self::Normal => hours(24),
            Self::Low => hours(48),
        }
    }
}
impl db::ToValue for Priority {
    fn to_value(&self) -> db::Value<'_> {
        db::Value::Int(self.rank())
    }
}
impl db::FromColumn for Priority {
    fn from_column(row: &db::Row<'_>, index: usize) -> Result<Self> {
        row.get(index).map(Self::from_rank)
    }
}

/// A ticket as staff see it. `description` is the first message's text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ticket {
    pub id: Id<Ticket>,
    pub ticket_number: String,
    pub subject: String,
    pub description: String,
    pub status: Status,
    pub public_status: Status,
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
    pub origin_type: Party,
    pub target_type: Party,
    pub unread_by_agent: u32,
    pub unread_by_customer: u32,
    pub message_count: u32,
    pub public_message_count: u32,
    pub last_message_at: Timestamp,
    pub due_at: Timestamp,
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
    pub first_message_id: Id<Message>,
    pub follow_up_of: Option<Id<Ticket>>,
    pub version: i64,
    pub public_version: i64,
    pub public_updated_at: Timestamp,
    pub created_by_kind: base::ActorKind,
    pub created_by_id: Option<Uuid>,
    pub created_by: String,
    pub updated_by: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Set on a merged ticket: the one whose thread shows its messages.
    pub survivor_id: Option<Id<Ticket>>,
    /// How many tickets are merged into this one, directly or through others.
    pub merged_count: u32,
    /// When its own customer last saw something, where that is not `last_message_at`.
    pub public_last_message_at: Option<Timestamp>,
    pub snoozed_at: Option<Timestamp>,
    /// Absent while snoozed: until somebody replies.
    pub snoozed_until: Option<Timestamp>,
    /// Set on a tombstone: kept for a while, shown to nobody but admins.
    pub deleted_at: Option<Timestamp>,
    /// The sum of its time entries.
    pub minutes_spent: u32,
    /// The address it was mailed to; absent where it came by another door.
    pub mail_channel_id: Option<Id<crate::channels::MailChannel>>,
}

impl Ticket {
    /// The ticket in whose thread its messages are shown: itself, unless it was merged.
    pub fn head(&self) -> Id<Ticket> {
        self.survivor_id.unwrap_or(self.id)
    }

    /// Merged into another, deleted, or spam: nothing happens to it by itself, until that is taken back.
    pub fn is_aside(&self) -> bool {
        self.survivor_id.is_some()
            || self.deleted_at.is_some()
            || self.close_reason == Some(CloseReason::Spam)
    }

    /// Due and nobody has resolved it.
    pub fn sla_overdue(&self, now: Timestamp) -> bool {
        self.due_at <= now && self.status.is_live()
    }

    /// Whether this member of staff may change it: the assignee or an admin; anybody when it is nobody's.
    pub fn check_may_change(&self, staff: &Staff, settings: &Settings) -> Result<()> {
        if staff.read_only {
            return Err(Error::forbidden("key.read_only", "this key may only read"));
        }
        if staff.is_admin() || staff.is_user(self.assigned_to) {
            return Ok(());
        }
        let own_of_key =
            staff.user_id.is_none() && self.created_by_id.is_some() && self.created_by_id == staff.actor.id;
        let agent = matches!(staff.role, Role::Agent | Role::SalesManager);
        if agent && (self.assigned_to.is_none() || own_of_key || settings.agents_change_any_ticket) {
            return Ok(());
        }
        Err(Error::forbidden(
            "ticket.assigned_to_other",
            "the ticket is assigned to somebody else; its assignee or an admin may change it",
        ))
    }

    /// [`Ticket::is_visible_to`], of somebody who is not asking: whether they may be told of it.
    pub fn is_visible_to_user(&self, user: &User) -> bool {
        self.deleted_at.is_none() && (user.role.sees_all_tickets() || self.assigned_to == Some(user.id))
    }

    /// Whether this member of staff may know that it exists.
    pub fn is_visible_to(&self, staff: &Staff) -> bool {
        self.deleted_at.is_none() && (staff.role.sees_all_tickets() || staff.is_user(self.assigned_to))
    }
}

/// One message of the conversation, or an internal note.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    pub id: Id<Message>,
    pub ticket_id: Id<Ticket>,
    pub direction: Direction,
    pub is_internal: bool,
    pub author: base::Actor,
    pub body: String,
    pub body_html: String,
    /// `none` (nothing to send), `queued`, `sent`, `failed`.
    pub delivery: String,
    pub attachments: Vec<Attachment>,
    pub created_at: Timestamp,
}

/// A file of a message. Its content is a blob of the tenant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attachment {
    pub id: Id<Attachment>,
    pub ticket_id: Id<Ticket>,
    pub message_id: Id<Message>,
    pub filename: String,
    pub content_type: String,
    pub size_bytes: u64,
    #[serde(skip)]
    pub sha256: [u8; 32],
}

/// A file that was stored and is about to be attached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewAttachment {
    pub filename: String,
    pub content_type: String,
    pub size_bytes: u64,
    pub sha256: [u8; 32],
}

/// Something the ticket is about: `merchant:42`, `row:7`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub kind: String,
    pub id: String,
    #[serde(default)]
    pub label: String,
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Audit {
    pub id: Id<Audit>,
    pub event_type: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub metadata: serde_json::Value,
    pub actor: base::Actor,
    pub created_at: Timestamp,
}

/// Text somebody wrote in Markdown, with the safe HTML it becomes. Made before the transaction.
#[derive(Clone, Debug)]
pub struct Markdown {
    pub source: String,
    pub html: String,
}

/// The longest message, in bytes.
pub const BODY_MAX: usize = 256 * 1024;

impl Markdown {
    pub fn parse(field: &'static str, source: &str) -> Result<Self> {
        let source = base::text::body(field, source, BODY_MAX)?;
        let html = mail::markdown::to_html(&source).as_str().to_owned();
        Ok(Self { source, html })
    }
}

/// Where a message comes from, for the words of letters.
#[derive(Clone, Debug)]
pub struct Requester {
    pub email: Email,
    pub name: String,
    pub user_id: Option<Id<User>>,
}

/// What a list row and a lookup are found by besides its columns: subject, number and address, folded.
pub fn search_text(number: &str, subject: &str, email: &str) -> String {
    format!("{number} {subject} {email}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_back_to_new_and_conflicts_name_the_moves() {
        for status in Status::ALL {
            assert!(!status.moves().contains(&Status::New));
            assert!(!status.moves().contains(status), "equal is a no-op, not a move");
        }
        let error = Status::Archived.check_move(Status::Open).unwrap_err();
        assert!(error.message().contains("closed"), "{error}");
    }

    #[test]
    fn aliases_are_read_and_unknown_words_are_answered_with_the_known_ones() {
        assert_eq!("waiting_on_user".parse::<Status>().unwrap(), Status::PendingCustomer);
        assert_eq!("medium".parse::<Priority>().unwrap(), Priority::Normal);
        let error = "hgih".parse::<Priority>().unwrap_err();
        assert!(error.message().contains("low, normal, high, urgent"), "{error}");
    }

    #[test]
    fn ranks_survive() {
        for p in Priority::ALL {
            assert_eq!(Priority::from_rank(p.rank()), *p);
        }
    }
}
