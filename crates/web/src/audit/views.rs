use base::Timestamp;
use serde::Serialize;

use crate::kit::lists::{Filter, Pager, Search};

/// `audit/list.html`, `GET /admin/audit`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub search: Search,
    pub filters: Vec<Filter>,
    pub lines: Vec<Line>,
    pub pager: Pager,
}

#[derive(Debug, Serialize)]
pub struct Line {
    pub id: String,
    pub at: Timestamp,
    pub actor_name: String,
    /// Wire name of the actor's kind.
    pub actor_kind: String,
    /// `user.role_changed`
    pub action: String,
    pub target: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub request_id: Option<String>,
}
