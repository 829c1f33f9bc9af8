use base::Timestamp;
use serde::Serialize;

use crate::kit::lists::Pager;

/// `jobs/list.html`, `GET /admin/jobs?state=queued|running|dead`. `POST /admin/jobs/{id}/rerun`, `…/discard`
/// (discard asks first).
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub state: String,
    pub counts: Vec<(String, u32)>,
    pub jobs: Vec<Job>,
    pub pager: Pager,
}

#[derive(Debug, Serialize)]
pub struct Job {
    pub id: String,
    pub kind: String,
    pub key: String,
    pub attempts: u32,
    pub due_at: Timestamp,
    pub last_error: Option<String>,
}
