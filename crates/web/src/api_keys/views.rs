use base::Timestamp;
use serde::Serialize;

use crate::kit::forms::{Choice, Problem};

/// `api_keys/list.html`, `GET /admin/api-keys`. New: `POST /admin/api-keys` fields `name, scope`; answers this
/// page with `created` set (not a redirect: the key is shown once). `POST …/{id}/revoke` asks first.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub keys: Vec<Key>,
    pub scopes: Vec<Choice>,
    pub name: String,
    /// The key in full, only right after it was made.
    pub created: Option<String>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct Key {
    pub id: String,
    pub name: String,
    /// The first characters, to tell keys apart.
    pub prefix: String,
    pub scope: String,
    pub created_by: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}
