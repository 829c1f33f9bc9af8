//! What the desk's pages are given. Keys (status, priority, …) are wire names; templates put words to them.

use base::Timestamp;
use serde::Serialize;

use super::found::Highlights;
use crate::{
    composing::views::{Begun, CameIn, Held, Present},
    kit::forms::{Choice, Problem},
};

/// A ticket in a list.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub id: String,
    pub href: String,
    pub number: String,
    pub subject: String,
    pub requester_name: String,
    pub requester_email: Option<String>,
    /// The category's label, since tenants name their own.
    pub category: String,
    pub priority: String,
    pub status: String,
    pub sla: Option<Sla>,
    pub last_activity_at: Timestamp,
    pub assignee: Option<String>,
    pub unread: bool,
    pub message_count: u32,
    /// The viewer has a draft on it.
    pub draft: bool,
    /// Only in a search.
    pub highlights: Option<Highlights>,
}

/// How a deadline stands: `ok`, `soon` (under a quarter left), `overdue`, `met`, `missed`.
#[derive(Clone, Debug, Serialize)]
pub struct Sla {
    pub state: String,
    pub seconds_left: i64,
    pub due_at: Timestamp,
}

impl Sla {
    /// `done_at`: when the ticket was resolved; none while the clock runs.
    pub fn new(created_at: Timestamp, due_at: Timestamp, done_at: Option<Timestamp>, now: Timestamp) -> Self {
        let left = due_at.as_second() - done_at.unwrap_or(now).as_second();
        let whole = due_at.as_second() - created_at.as_second();
        let state = match (done_at, left) {
            (Some(_), 0..) => "met",
            (Some(_), _) => "missed",
            (None, ..0) => "overdue",
            (None, _) if left * 4 < whole => "soon",
            (None, _) => "ok",
        };
        Self { state: state.into(), seconds_left: left, due_at }
    }
}

/// `tickets/ticket.html`, `GET /desk/tickets/{id}`. Forms, all `POST /desk/tickets/{id}…`, all with `version`:
///
/// - `` (the ticket itself): `status, priority, assigned_to` (id or empty), `category, team_id`
/// - `/claim` · `/reopen` · `/archive`, no further fields
/// - `/messages` (multipart): `kind` (`reply|note`), `body`, `then` (empty or a status), `answer_to?`, `attachments*`,
///   `kept*` (ids of the draft's files), `seen`, `idempotency_key`; the same form goes to `/draft` · `/preview` ·
///   `/insert` (`canned`) · `/apply` (`macro`)
/// - `/discard`; `/take-back`: `held`
/// - `/resolve`: `resolution_notes, tell_customer?` (`true`)
/// - `/close`: `reason` (`solved|duplicate|spam|no_reply`)
/// - `/escalate`: `user_id`
/// - `/tags`: `tags` (comma-separated, the whole set)
/// - `/watch`: `watch` (`true|false`)
#[derive(Debug, Serialize)]
pub struct Ticket {
    pub id: String,
    /// Goes back as it was given: the ETag.
    pub version: String,
    pub number: String,
    pub subject: String,
    pub status: String,
    pub priority: String,
    pub created_at: Timestamp,
    pub assignee: Option<String>,
    pub escalated_to: Option<String>,
    pub escalation_level: u32,
    pub close_reason: Option<String>,
    pub resolution_notes: Option<String>,
    pub sla: Option<Sla>,
    pub first_response_at: Option<Timestamp>,
    pub back_href: String,
    /// What links and forms of the page add to its address, so that the list stays beside it.
    pub from: String,
    /// The list beside the conversation, where it was come from.
    pub list: Vec<Row>,
    /// Statuses this ticket may move to, and the present one.
    pub statuses: Vec<Choice>,
    pub priorities: Vec<Choice>,
    pub assignees: Vec<Choice>,
    pub categories: Vec<Choice>,
    /// Empty when the tenant has no teams.
    pub teams: Vec<Choice>,
    pub escalation_targets: Vec<Choice>,
    pub may: May,
    pub timeline: Vec<Entry>,
    pub composer: Composer,
    pub requester: Requester,
    pub tags: Vec<String>,
    pub watchers: Vec<String>,
    pub is_watching: bool,
    pub links: Vec<Link>,
    pub origin: Origin,
    /// Problems of the controls, not of the composer.
    pub problems: Vec<Problem>,
    pub work: super::work_view::Work,
}

/// What the viewer may do now; what is false is not drawn.
#[derive(Debug, Default, Serialize)]
pub struct May {
    pub claim: bool,
    pub change: bool,
    pub resolve: bool,
    pub close: bool,
    pub reopen: bool,
    pub archive: bool,
    pub escalate: bool,
}

/// One thing of the timeline, in time's order.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Entry {
    Message(Box<Message>),
    Event(Event),
    /// Between the read and the unread part.
    UnreadMark {
        count: u32,
    },
}

impl Entry {
    /// When it happened.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Message(m) => Some(m.created_at),
            Self::Event(e) => Some(e.created_at),
            Self::UnreadMark { .. } => None,
        }
    }
}

/// A piece of a mail's text.
#[derive(Debug, Serialize)]
pub struct Part {
    /// `said, quoted, signature`.
    pub kind: &'static str,
    /// Already escaped.
    pub html: String,
}

/// How a message came by mail.
#[derive(Debug, Serialize)]
pub struct MessageMail {
    pub from_email: String,
    pub reason: String,
    /// `joined, stranger, admitted, automated`.
    pub standing: String,
    /// `bounce, out_of_office, list, loop, other` where a program wrote it.
    pub automated: Option<String>,
    pub is_authentic: bool,
    pub has_html: bool,
    /// Got a copy and take no part.
    pub copied: Vec<String>,
    pub withheld: Vec<String>,
    /// Id and number of the ticket it may go on with.
    pub follows: Option<(String, String)>,
}

#[derive(Debug, Serialize)]
pub struct Message {
    pub id: String,
    /// `inbound` (customer), `outbound` (answer) or `note`.
    pub kind: String,
    pub author_name: String,
    /// `portal`, `email`, …; shown when it is not the desk itself.
    pub channel: Option<String>,
    /// Already sanitised.
    pub body_html: String,
    /// The beginning of its text.
    pub excerpt: String,
    /// What came by mail, in its parts: quotes and signatures are folded. Empty where it did not.
    pub parts: Vec<Part>,
    pub mail: Option<MessageMail>,
    pub attachments: Vec<Attachment>,
    /// `queued, sent, failed, kept, uncertain, bounced, held, deferred` for letters to customers.
    pub delivery: Option<String>,
    pub delivery_detail: Option<String>,
    pub created_at: Timestamp,
    /// The number of the merged ticket it was addressed to.
    pub addressed_to: Option<String>,
    /// Whether it can become a ticket of its own.
    pub may_split: bool,
}

#[derive(Debug, Serialize)]
pub struct Attachment {
    pub filename: String,
    pub size_bytes: u64,
    pub href: String,
}

/// A line such as "Ben Okafor set the status to In progress"; handlers make the sentence from words `event-…`.
#[derive(Debug, Serialize)]
pub struct Event {
    pub id: String,
    pub text: String,
    pub created_at: Timestamp,
}

#[derive(Debug, Default, Serialize)]
pub struct Composer {
    /// What the field holds.
    pub begun: Begun,
    /// What is begun of the other kind. It waits beside the field, with its files, until somebody turns to it.
    pub aside: Option<Begun>,
    /// What "send and …" offers: statuses, the first is to leave it.
    pub then: Vec<Choice>,
    pub can_reply: bool,
    pub to: String,
    pub attachment_limit_bytes: u64,
    pub idempotency_key: String,
    /// The thread moved on since it was opened: these came in, the draft is kept, nothing was sent.
    pub came_in: Vec<CameIn>,
    /// When the last thing of the timeline happened; goes back with the form.
    pub seen: Option<Timestamp>,
    /// Answers that are about to go out.
    pub held: Vec<Held>,
    /// Colleagues on this page.
    pub present: Vec<Present>,
    /// For readers without JavaScript; others get it by the API.
    pub preview_html: Option<String>,
    pub canned: Vec<Choice>,
    pub macros: Vec<Choice>,
    pub problems: Vec<Problem>,
}

impl Composer {
    /// Shows what is begun of this kind; what was shown waits beside it.
    pub fn turn_to(&mut self, kind: &str) {
        if self.begun.kind == kind {
            return;
        }
        let next = self.aside.take().filter(|a| a.kind == kind);
        let next = next.unwrap_or_else(|| Begun { kind: kind.to_owned(), ..Begun::default() });
        let before = std::mem::replace(&mut self.begun, next);
        self.aside = Some(before).filter(|b| b.saved_at.is_some());
    }
}

#[derive(Debug, Serialize)]
pub struct Requester {
    /// None when the address belongs to nobody known.
    pub customer_href: Option<String>,
    pub name: String,
    pub email: Option<String>,
    pub verified: bool,
    pub phone: Option<String>,
    pub company: Option<String>,
    pub since: Option<Timestamp>,
    /// Rows of label and value ("Plan", "Fiber 500"), whatever the customer record has.
    pub facts: Vec<(String, String)>,
    pub notes: Vec<String>,
    pub other_tickets: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub struct Link {
    pub kind: String,
    pub label: String,
    pub href: Option<String>,
}

#[derive(Debug, Default, Serialize)]
pub struct Origin {
    pub channel: String,
    pub ticket_type: String,
    pub order_id: Option<String>,
    /// Pretty-printed JSON.
    pub context: Option<String>,
}

/// `tickets/new.html`, `GET|POST /desk/tickets/new` (multipart). Fields: `email, name?, subject, body, category,
/// priority, ticket_type, assign_to_me?` (`true`)`, attachments*, idempotency_key`.
///
/// And `tickets/call.html`, `GET|POST /desk/calls/new`. Fields: `name, phone?, email?, subject, body` (what was
/// said), `note?, category, priority, assign_to_me?, idempotency_key`; the channel is `phone`.
#[derive(Debug, Default, Serialize)]
pub struct New {
    pub name: String,
    pub email: String,
    pub phone: String,
    pub subject: String,
    pub body: String,
    pub note: String,
    pub categories: Vec<Choice>,
    pub priorities: Vec<Choice>,
    pub types: Vec<Choice>,
    pub assign_to_me: bool,
    pub attachment_limit_bytes: u64,
    pub idempotency_key: String,
    pub problems: Vec<Problem>,
}
