use base::Timestamp;
use serde::Serialize;

/// `tenants/list.html`, `GET /admin/tenants`: super admins only, to look; tenants are made on the command line.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub tenants: Vec<TenantRow>,
}

#[derive(Debug, Serialize)]
pub struct TenantRow {
    pub slug: String,
    pub name: String,
    pub host: Option<String>,
    pub created_at: Timestamp,
}
