//! Every administrative and security act, with actor, before and after, and the request it came in.

use base::{Actor, Id, Result, Timestamp};
use db::{Read, Tx, params};
use serde::Serialize;
use uuid::Uuid;

pub enum AuditRow {}

/// One act, about to be written.
pub struct Change {
    event_type: &'static str,
    subject_kind: &'static str,
    subject_id: Option<Uuid>,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
}

impl Change {
    /// `event_type` is past tense: `user.created`, `session.revoked`.
    pub fn new(event_type: &'static str, subject_kind: &'static str, subject_id: Option<Uuid>) -> Self {
        Self { event_type, subject_kind, subject_id, before: None, after: None }
    }
    #[must_use]
    pub fn from(mut self, before: &impl Serialize) -> Self {
        self.before = serde_json::to_value(before).ok();
        self
    }
    #[must_use]
    pub fn to(mut self, after: &impl Serialize) -> Self {
        self.after = serde_json::to_value(after).ok();
        self
    }
}

/// An act as it was written.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct AuditEntry {
    pub id: Id<AuditRow>,
    pub event_type: String,
    pub subject_kind: String,
    pub subject_id: Option<Uuid>,
    pub before: Option<serde_json::Value>,
    pub after: Option<serde_json::Value>,
    pub actor: Actor,
    pub request_id: Option<String>,
    pub created_at: Timestamp,
}

db::statements! {
    INSERT = "insert into audit_log (tenant_id, id, event_type, subject_kind, subject_id, before_value, after_value,
        actor_kind, actor_id, actor_name, request_id, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    PAGE = "select id, event_type, subject_kind, subject_id, before_value, after_value, actor_kind, actor_id, actor_name, request_id, created_at
        from audit_log where tenant_id = ?1 and id < ?2 order by id desc limit ?3";
    PAGE_OF_TYPE = "select id, event_type, subject_kind, subject_id, before_value, after_value, actor_kind, actor_id, actor_name, request_id, created_at
        from audit_log where tenant_id = ?1 and event_type = ?4 and id < ?2 order by id desc limit ?3";
    SEARCH = "select id, event_type, subject_kind, subject_id, before_value, after_value, actor_kind, actor_id, actor_name, request_id, created_at
        from audit_log where tenant_id = ?1 and (lower(actor_name) like ?4 escape '\\' or event_type like ?4 escape '\\' or subject_kind like ?4 escape '\\'
        or request_id = ?5) and id < ?2 order by id desc limit ?3";
    TYPES = "select distinct event_type from audit_log where tenant_id = ?1 order by event_type";
}

pub fn record(tx: &mut Tx<'_>, change: Change) -> Result<()> {
    let (id, now): (Id<AuditRow>, _) = (tx.new_id(), tx.now());
    let (actor, request) = (tx.actor().clone(), tx.request_id().map(str::to_owned));
    tx.execute(
        &INSERT,
        params![
            id,
            change.event_type,
            change.subject_kind,
            change.subject_id,
            change.before,
            change.after,
            actor.kind,
            actor.id,
            actor.name,
            request,
            now
        ],
    )?;
    Ok(())
}

/// The newest acts before an id, of one type or of all.
pub fn page(
    read: &Read<'_>,
    event_type: Option<&str>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<AuditEntry>> {
    let before = before.unwrap_or(Uuid::max());
    match event_type {
        Some(event_type) => read.query_all(&PAGE_OF_TYPE, params![before, limit, event_type], map),
        None => read.query_all(&PAGE, params![before, limit], map),
    }
}

/// The newest acts before an id whose actor, type or kind of object contains the text, or of the request it names.
pub fn search(read: &Read<'_>, q: &str, before: Option<Uuid>, limit: u32) -> Result<Vec<AuditEntry>> {
    let pattern = db::dialect::contains_pattern(&q.to_lowercase());
    read.query_all(&SEARCH, params![before.unwrap_or(Uuid::max()), limit, pattern, q], map)
}

/// Every type of act that was recorded.
pub fn types(read: &Read<'_>) -> Result<Vec<String>> {
    read.query_all(&TYPES, params![], |row| row.get(0))
}

fn map(row: &db::Row<'_>) -> Result<AuditEntry> {
    let mut c = row.columns();
    Ok(AuditEntry {
        id: c.next()?,
        event_type: c.next()?,
        subject_kind: c.next()?,
        subject_id: c.next()?,
        before: c.next()?,
        after: c.next()?,
        actor: Actor { kind: c.next()?, id: c.next()?, name: c.next()? },
        request_id: c.next()?,
        created_at: c.next()?,
    })
}
