use serde::Serialize;

use crate::kit::forms::Problem;

/// `categories/list.html`, `GET /admin/categories`. New: `POST /admin/categories` fields `label, key?`.
/// Per category: `POST …/{id}` field `label`; `…/{id}/up`, `…/{id}/down`, `…/{id}/archive`, `…/{id}/restore`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub categories: Vec<Category>,
    /// What was typed for a new one that was refused.
    pub new_label: String,
    pub new_key: String,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct Category {
    pub id: String,
    /// The wire name; does not change.
    pub key: String,
    pub label: String,
    pub archived: bool,
    pub open_tickets: u32,
}
