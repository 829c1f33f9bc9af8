use base::Timestamp;
use serde::Serialize;

use crate::kit::lists::Pager;

/// `notifications/list.html`, `GET /desk/notifications`. Form: `POST /desk/notifications/read-all`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub notices: Vec<Notice>,
    pub pager: Pager,
    pub any_unread: bool,
}

#[derive(Debug, Serialize)]
pub struct Notice {
    pub id: String,
    pub href: String,
    pub title: String,
    pub text: Option<String>,
    pub unread: bool,
    pub created_at: Timestamp,
}
