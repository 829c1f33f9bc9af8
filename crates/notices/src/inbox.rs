//! Notices inside the product.

use base::{Id, Result, Timestamp};
use db::{Read, Tx, params};
use identity::User;
use serde::Serialize;
use uuid::Uuid;

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Notice {
    pub id: Id<Notice>,
    pub kind: String,
    pub title: String,
    pub ticket_id: Option<Uuid>,
    pub created_at: Timestamp,
    pub read_at: Option<Timestamp>,
}

db::statements! {
    INSERT = "insert into notices (tenant_id, id, user_id, kind, title, ticket_id, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    TOLD = "select 1 from notices where tenant_id = ?1 and user_id = ?2 and id >= ?3 and kind = ?4 and title = ?5 limit 1";
    LATEST = "select id, kind, title, ticket_id, created_at, read_at from notices where tenant_id = ?1 and user_id = ?2 order by id desc limit ?3";
    UNREAD = "select count(*) from (select 1 as one from notices where tenant_id = ?1 and user_id = ?2 and read_at is null limit 100) as counted";
    READ_ALL = "update notices set read_at = ?3 where tenant_id = ?1 and user_id = ?2 and read_at is null";
    READ_OF_TICKET = "update notices set read_at = ?4 where tenant_id = ?1 and user_id = ?2 and ticket_id = ?3 and read_at is null";
}

pub fn notify(tx: &mut Tx<'_>, user: Id<User>, kind: &str, title: &str, ticket: Option<Uuid>) -> Result<()> {
    let (id, now): (Id<Notice>, _) = (tx.new_id(), tx.now());
    tx.execute_later(&INSERT, params![id, user, kind, title, ticket, now])
}

/// The same, unless they were told in these words since an instant.
pub fn notify_unless_told(
    tx: &mut Tx<'_>,
    user: Id<User>,
    kind: &str,
    title: &str,
    since: Timestamp,
) -> Result<()> {
    let after = Id::<Notice>::first_of(since);
    match tx.query_one(&TOLD, params![user, after, kind, title], |_| Ok(()))? {
        Some(()) => Ok(()),
        None => notify(tx, user, kind, title, None),
    }
}

pub fn latest(read: &Read<'_>, user: Id<User>, limit: u32) -> Result<Vec<Notice>> {
    read.query_all(&LATEST, params![user, limit], |row| {
        let mut c = row.columns();
        Ok(Notice {
            id: c.next()?,
            kind: c.next()?,
            title: c.next()?,
            ticket_id: c.next()?,
            created_at: c.next()?,
            read_at: c.next()?,
        })
    })
}

/// How many are unread; 100 means "100 or more".
pub fn unread(read: &Read<'_>, user: Id<User>) -> Result<u32> {
    Ok(read.query_one(&UNREAD, params![user], |row| row.get(0))?.unwrap_or(0))
}

pub fn mark_all_read(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    let now = tx.now();
    tx.execute(&READ_ALL, params![user, now]).map(|_| ())
}

pub fn mark_read_of_ticket(tx: &mut Tx<'_>, user: Id<User>, ticket: Uuid) -> Result<()> {
    let now = tx.now();
    tx.execute(&READ_OF_TICKET, params![user, ticket, now]).map(|_| ())
}
