use base::{Email, Id, Timestamp};
use serde::Serialize;

/// Who somebody is to the business.
#[derive(Clone, Debug, Serialize)]
pub struct CustomerRecord {
    pub id: Id<CustomerRecord>,
    pub email: Email,
    pub name: String,
    pub phone: Option<String>,
    pub company: Option<String>,
    pub service_address: Option<String>,
    pub plan: Option<String>,
    /// Markdown, for staff only.
    pub internal_notes: String,
    /// When the address was proved to be theirs.
    pub verified_at: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Fields to change; absent ones stay, `Some(None)` empties.
#[derive(Clone, Debug, Default)]
pub struct CustomerPatch {
    pub name: Option<String>,
    pub phone: Option<Option<String>>,
    pub company: Option<Option<String>>,
    pub service_address: Option<Option<String>>,
    pub plan: Option<Option<String>>,
}
