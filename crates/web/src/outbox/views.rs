use base::Timestamp;
use serde::Serialize;

use crate::kit::lists::{Filter, Pager, Search};

/// `outbox/list.html`, `GET /admin/outbox`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub search: Search,
    pub filters: Vec<Filter>,
    pub letters: Vec<LetterRow>,
    pub pager: Pager,
    /// No SMTP is configured: letters are kept, not sent.
    pub kept_only: bool,
}

#[derive(Debug, Serialize)]
pub struct LetterRow {
    pub id: String,
    pub to: String,
    pub subject: String,
    /// `queued, sent, failed, uncertain, kept`.
    pub state: String,
    pub created_at: Timestamp,
}

/// `outbox/letter.html`, `GET /admin/outbox/{id}`. HTML is framed from `html_src` (own address, sandboxed);
/// `raw_href` downloads the `.eml`. `POST …/resend` when it failed, or nobody knows.
#[derive(Debug, Serialize)]
pub struct Letter {
    pub id: String,
    pub from: String,
    pub to: String,
    pub subject: String,
    pub state: String,
    pub detail: Option<String>,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub attempts: u32,
    pub text: String,
    pub html_src: Option<String>,
    pub raw_href: String,
    pub ticket_href: Option<String>,
}
