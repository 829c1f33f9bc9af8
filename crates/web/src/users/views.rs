use base::Timestamp;
use serde::Serialize;

use crate::kit::{
    forms::{Choice, Problem},
    lists::{Filter, Pager, Search},
};

/// `users/list.html`, `GET /admin/users`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub search: Search,
    pub filters: Vec<Filter>,
    pub users: Vec<UserRow>,
    pub pager: Pager,
}

#[derive(Debug, Serialize)]
pub struct UserRow {
    pub id: String,
    pub name: String,
    pub email: String,
    pub role: String,
    pub disabled: bool,
    pub has_totp: bool,
    pub last_seen_at: Option<Timestamp>,
}

/// `users/form.html`: `GET|POST /admin/users/new` (no `id`) and `GET|POST /admin/users/{id}`.
///
/// Fields: `name, role`, and for a new one `email`. For an existing one also `POST …/disable`, `…/enable`, `…/reset-password`,
/// `…/reset-2fa`; disable and reset-2fa answer with `errors/confirm.html` unless `confirmed=true`.
#[derive(Debug, Default, Serialize)]
pub struct Form {
    pub id: Option<String>,
    pub name: String,
    pub email: String,
    pub roles: Vec<Choice>,
    pub disabled: bool,
    pub has_totp: bool,
    pub created_at: Option<Timestamp>,
    pub last_seen_at: Option<Timestamp>,
    /// One cannot disable oneself.
    pub is_self: bool,
    /// Of staff. `POST …/away` fields `away` (`true`, `false`), `until` (local time, may be empty).
    pub away: Option<crate::account::views::Away>,
    pub problems: Vec<Problem>,
}
