//! Sessions: server-side rows, found by the hash of a random token, listed and revocable.

use base::{Id, OrNotFound, Result, Timestamp, hours};
use db::{Read, Tx, Wake, params};
use serde::Serialize;

use crate::{Token, User, audit, users};

pub enum SessionRow {}

/// How long a session lives.
pub const LIFETIME: jiff::SignedDuration = hours(24 * 14);

#[derive(Clone, Debug, Serialize)]
pub struct Session {
    pub id: Id<SessionRow>,
    pub user_id: Id<User>,
    pub user_agent: String,
    pub client_ip: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
}

db::statements! {
    INSERT = "insert into sessions (tenant_id, id, user_id, token_hash, user_agent, client_ip, created_at, last_seen_at, expires_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)";
    BY_TOKEN = "select id, user_id, user_agent, client_ip, created_at, last_seen_at, expires_at from sessions
        where tenant_id = ?1 and token_hash = ?2 and expires_at > ?3";
    OF_USER = "select id, user_id, user_agent, client_ip, created_at, last_seen_at, expires_at from sessions
        where tenant_id = ?1 and user_id = ?2 and expires_at > ?3 order by last_seen_at desc, id";
    END = "delete from sessions where tenant_id = ?1 and id = ?2 and user_id = ?3";
    END_ALL = "delete from sessions where tenant_id = ?1 and user_id = ?2";
    END_OTHERS = "delete from sessions where tenant_id = ?1 and user_id = ?2 and id <> ?3";
    END_EXPIRED = "delete from sessions where tenant_id = ?1 and expires_at <= ?2";
    SEEN = "update sessions set last_seen_at = ?3 where tenant_id = ?1 and id = ?2";
    USER_SEEN = "update users set last_seen_at = ?3 where tenant_id = ?1
        and id = (select user_id from sessions where tenant_id = ?1 and id = ?2)";
}

fn map(row: &db::Row<'_>) -> Result<Session> {
    let mut c = row.columns();
    Ok(Session {
        id: c.next()?,
        user_id: c.next()?,
        user_agent: c.next()?,
        client_ip: c.next()?,
        created_at: c.next()?,
        last_seen_at: c.next()?,
        expires_at: c.next()?,
    })
}

/// Begins a session with a token of its own. The token is shown to the caller once and stored hashed.
pub fn begin(tx: &mut Tx<'_>, user: &User, user_agent: &str, client_ip: &str) -> Result<(Token, Session)> {
    let token = Token::random("cfs_", tx.entropy());
    let (id, now): (Id<SessionRow>, _) = (tx.new_id(), tx.now());
    let user_agent: String = user_agent.chars().filter(|c| !c.is_control()).take(200).collect();
    tx.execute(&INSERT, params![id, user.id, token.hash(), user_agent, client_ip, now, now + LIFETIME])?;
    audit::record(tx, audit::Change::new("session.began", "user", Some(user.id.uuid())))?;
    let session = find(tx, &token)?.or_not_found("session")?.1;
    Ok((token, session))
}

/// The live session of a token, with its user; nobody whose account is disabled or not verified.
pub fn find(read: &Read<'_>, token: &Token) -> Result<Option<(User, Session)>> {
    let Some(session) = read.query_one(&BY_TOKEN, params![token.hash(), read.now()], map)? else {
        return Ok(None);
    };
    let user =
        users::find(read, session.user_id)?.filter(|u| u.disabled_at.is_none() && u.verified_at.is_some());
    Ok(user.map(|user| (user, session)))
}

pub fn of_user(read: &Read<'_>, user: Id<User>) -> Result<Vec<Session>> {
    read.query_all(&OF_USER, params![user, read.now()], map)
}

/// Ends one session of a user.
pub fn end(tx: &mut Tx<'_>, user: Id<User>, session: Id<SessionRow>) -> Result<()> {
    if tx.execute(&END, params![session, user])? == 0 {
        return None.or_not_found("session");
    }
    tx.wake(Wake::Access);
    audit::record(tx, audit::Change::new("session.ended", "user", Some(user.uuid())))
}

/// Ends every session of a user.
pub fn end_all(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    tx.execute(&END_ALL, params![user])?;
    tx.wake(Wake::Access);
    Ok(())
}

/// Ends every session of a user but the one at hand.
pub fn end_others(tx: &mut Tx<'_>, user: Id<User>, keep: Id<SessionRow>) -> Result<()> {
    tx.execute(&END_OTHERS, params![user, keep])?;
    tx.wake(Wake::Access);
    audit::record(tx, audit::Change::new("session.others_ended", "user", Some(user.uuid())))
}

pub fn end_expired(tx: &mut Tx<'_>) -> Result<u64> {
    let now = tx.now();
    tx.execute(&END_EXPIRED, params![now])
}

pub fn seen(tx: &mut Tx<'_>, session: Id<SessionRow>) -> Result<()> {
    let now = tx.now();
    tx.execute(&SEEN, params![session, now])?;
    tx.execute(&USER_SEEN, params![session, now]).map(|_| ())
}
