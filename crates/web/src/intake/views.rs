use base::Timestamp;
use serde::Serialize;

use crate::kit::lists::Pager;

/// `mails/list.html`, `GET /admin/mails`: mail that came in, by what became of it.
#[derive(Debug, Default, Serialize)]
pub struct List {
    /// Key, whether it is shown now, and how many there are where somebody has to decide; 100 may stand for more.
    pub states: Vec<(String, bool, Option<u32>)>,
    pub mails: Vec<Row>,
    pub pager: Pager,
    /// What led nowhere is deleted for good after so many days; 0: never.
    pub retention_days: u32,
    /// No address takes mail yet.
    pub is_unset: bool,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub id: String,
    pub subject: String,
    pub from: String,
    pub state: String,
    /// What became of it, or the state where that is not decided.
    pub outcome: String,
    pub reason: String,
    pub ticket_number: Option<String>,
    pub received_at: Timestamp,
}

/// `mails/mail.html`, `GET /admin/mails/{id}`. Buttons: `POST …/release`, `…/discard`, `…/retry`, `…/assign`; the original
/// at `…/original`.
#[derive(Debug, Default, Serialize)]
pub struct Mail {
    pub id: String,
    pub subject: String,
    pub from_email: String,
    pub from_name: String,
    pub channel: String,
    pub channel_id: String,
    pub door: String,
    pub state: String,
    pub outcome: String,
    pub reason: String,
    pub ticket_number: Option<String>,
    pub ticket_href: Option<String>,
    pub envelope_from: Option<String>,
    pub envelope_to: Vec<String>,
    pub client_ip: Option<String>,
    pub header_id: Option<String>,
    /// Another mail had the same Message-ID before.
    pub reuses_id: bool,
    pub size_bytes: u64,
    pub automated: Option<String>,
    /// Name of a check and what it says: `pass, fail, none`.
    pub checks: Vec<(String, String)>,
    pub checks_detail: String,
    pub released_by: Option<String>,
    pub received_at: Option<Timestamp>,
    pub may_release: bool,
    pub may_discard: bool,
    pub may_retry: bool,
    pub may_assign: bool,
}
