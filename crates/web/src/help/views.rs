//! What the customer's pages are given. Nothing here can hold a note or a staff field.

use base::Timestamp;
use serde::Serialize;

use crate::{
    articles::views::{Section, Suggestions},
    kit::{
        forms::{Choice, Problem},
        lists::{Pager, Search},
    },
    tickets::found::{Highlights, Searched},
};

/// `help/home.html`, `GET /help`.
#[derive(Debug, Default, Serialize)]
pub struct Home {
    pub topics: Vec<Topic>,
    /// Categories of articles that the viewer can read something in.
    pub sections: Vec<Section>,
    /// The viewer's open tickets, the newest few; empty for strangers.
    pub open_tickets: Vec<TicketLine>,
}

#[derive(Debug, Serialize)]
pub struct Topic {
    /// The category's wire name.
    pub key: String,
    pub label: String,
}

/// `help/contact.html`, `GET|POST /help/contact` (multipart).
/// Fields: `name?, email` (both only when nobody is signed in), `category, subject, description, attachments*,
/// website` (honeypot: must be empty), `idempotency_key`, `article?`. `GET ?category=` preselects, `?article=` says what was
/// read. `POST /help/contact/articles` shows suggestions; `POST /help/answered` field `article` says that one was it.
#[derive(Debug, Default, Serialize)]
pub struct Contact {
    pub name: String,
    pub email: String,
    pub categories: Vec<Choice>,
    pub subject: String,
    pub description: String,
    pub attachment_limit_bytes: u64,
    pub idempotency_key: String,
    /// Address and title of the article they come from.
    pub article: Option<(String, String)>,
    /// There is something to suggest.
    pub has_articles: bool,
    pub suggestions: Suggestions,
    pub problems: Vec<Problem>,
}

/// `help/thanks.html`: after the contact form. A stranger gets the number only; the link goes to the address.
#[derive(Debug, Default, Serialize)]
pub struct Thanks {
    pub ticket_number: String,
    /// Only for somebody signed in.
    pub ticket_href: Option<String>,
}

/// `help/tickets.html`, `GET /help/tickets?filter=open|all&q=&cursor=`.
#[derive(Debug, Default, Serialize)]
pub struct Tickets {
    /// `open` (default), `all`, or `search`.
    pub filter: String,
    pub search: Search,
    pub tickets: Vec<TicketLine>,
    pub pager: Pager,
    /// Only of a search.
    pub searched: Option<Searched>,
}

#[derive(Debug, Serialize)]
pub struct TicketLine {
    pub id: String,
    pub number: String,
    pub subject: String,
    pub status: String,
    pub updated_at: Timestamp,
    /// There is an answer the customer has not opened.
    pub unread: bool,
    /// Only in a search.
    pub highlights: Option<Highlights>,
}

/// `help/ticket.html`, `GET /help/tickets/{id}`, and `help/status.html`, `GET /help/status/{token}`.
///
/// Reply: `POST /help/tickets/{id}/messages` or `/help/status/{token}/messages` (multipart).
/// Fields: `body, attachments*, idempotency_key`. Solved: `POST …/confirm`, no fields.
#[derive(Debug, Serialize)]
pub struct Ticket {
    /// Empty on the status link.
    pub id: String,
    /// Of the status link; empty otherwise.
    pub token: String,
    pub number: String,
    pub subject: String,
    pub status: String,
    pub created_at: Timestamp,
    pub steps: Vec<Step>,
    pub messages: Vec<Message>,
    pub can_reply: bool,
    /// The reply will open the ticket again.
    pub reopens: bool,
    /// Too late to reopen: the reply starts a new, linked ticket.
    pub follows_up: bool,
    pub can_confirm: bool,
    pub draft: String,
    pub attachment_limit_bytes: u64,
    pub idempotency_key: String,
    pub problems: Vec<Problem>,
}

/// One step of the status timeline. Keys in order: `received`, `in_progress`, `waiting` (only while it is),
/// `resolved`, `closed`.
#[derive(Debug, Serialize)]
pub struct Step {
    pub key: String,
    /// When it was reached; none when not yet.
    pub at: Option<Timestamp>,
    pub current: bool,
}

#[derive(Debug, Serialize)]
pub struct Message {
    pub id: String,
    /// Written from the customer's side; otherwise by the business.
    pub from_customer: bool,
    /// Written by the reader of this page.
    pub is_viewer: bool,
    pub author_name: String,
    /// Already sanitised.
    pub body_html: String,
    pub attachments: Vec<Attachment>,
    pub created_at: Timestamp,
}

#[derive(Debug, Serialize)]
pub struct Attachment {
    pub filename: String,
    pub size_bytes: u64,
    pub href: String,
}
