use base::Timestamp;
use serde::Serialize;

use crate::kit::forms::{Choice, Problem};

/// `tidying/tags.html`, `GET /admin/tags`. Per tag: `POST /admin/tags`: `tag, colour`; `grey` takes the colour away.
#[derive(Debug, Default, Serialize)]
pub struct Tags {
    pub tags: Vec<Tag>,
    pub colours: Vec<Choice>,
    /// What was typed for a tag that was refused.
    pub typed: String,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct Tag {
    pub tag: String,
    pub colour: String,
    pub colours: Vec<Choice>,
}

/// `tidying/blocked.html`, `GET /admin/blocked-senders`. `POST` the same: `email`; `POST …/unblock`: `email`.
#[derive(Debug, Default, Serialize)]
pub struct Blocked {
    pub senders: Vec<Sender>,
    pub typed: String,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct Sender {
    pub email: String,
    pub blocked_by: String,
    pub created_at: Timestamp,
}

/// `tidying/deleted.html`, `GET /admin/deleted-tickets`. Per ticket: `POST …/{id}/restore`.
#[derive(Debug, Default, Serialize)]
pub struct Deleted {
    pub tickets: Vec<Tombstone>,
    pub retention_days: u32,
    pub next_href: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Tombstone {
    pub id: String,
    pub number: String,
    pub subject: String,
    pub requester: String,
    pub deleted_at: Option<Timestamp>,
    pub deleted_by: String,
}
