//! Keys for programs: shown once, stored hashed, with a scope.

use std::str::FromStr;

use base::{Error, Id, OrNotFound, Result, Timestamp, text};
use db::{Read, Tx, Wake, params};
use serde::{Deserialize, Serialize};

use crate::{Token, audit};

#[derive(Clone, Debug, Serialize)]
pub struct ApiKey {
    pub id: Id<ApiKey>,
    pub name: String,
    /// The beginning of the key, to recognise it by.
    pub prefix: String,
    pub scope: KeyScope,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// What a key may do: read (GET only), write (as an agent), admin (as an administrator).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum KeyScope {
    Read,
    Write,
    Admin,
}

impl KeyScope {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}
impl FromStr for KeyScope {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        [Self::Read, Self::Write, Self::Admin]
            .into_iter()
            .find(|k| k.as_str() == s)
            .ok_or_else(|| Error::field("scope", "scope.unknown", "one of read, write, admin"))
    }
}
db::text_column!(KeyScope);

db::statements! {
    INSERT = "insert into api_keys (tenant_id, id, name, prefix, key_hash, scope, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    BY_HASH = "select id, name, prefix, scope, created_at, last_used_at, revoked_at from api_keys where tenant_id = ?1 and key_hash = ?2 and revoked_at is null";
    BY_ID = "select id, name, prefix, scope, created_at, last_used_at, revoked_at from api_keys where tenant_id = ?1 and id = ?2";
    ALL = "select id, name, prefix, scope, created_at, last_used_at, revoked_at from api_keys where tenant_id = ?1 order by id desc";
    REVOKE = "update api_keys set revoked_at = ?3 where tenant_id = ?1 and id = ?2 and revoked_at is null";
    USED = "update api_keys set last_used_at = ?3 where tenant_id = ?1 and id = ?2";
}

fn map(row: &db::Row<'_>) -> Result<ApiKey> {
    let mut c = row.columns();
    Ok(ApiKey {
        id: c.next()?,
        name: c.next()?,
        prefix: c.next()?,
        scope: c.next()?,
        created_at: c.next()?,
        last_used_at: c.next()?,
        revoked_at: c.next()?,
    })
}

/// Makes a key. The text is answered here and never again.
pub fn create(tx: &mut Tx<'_>, name: &str, scope: KeyScope) -> Result<(Token, ApiKey)> {
    let name = text::line("name", name, 100)?;
    let token = Token::random("cfk_", tx.entropy());
    let (id, now): (Id<ApiKey>, _) = (tx.new_id(), tx.now());
    let prefix = &token.reveal()[..12];
    tx.execute(&INSERT, params![id, name, prefix, token.hash(), scope, now])?;
    let key = tx.query_one(&BY_ID, params![id], map)?.or_not_found("API key")?;
    audit::record(tx, audit::Change::new("api_key.created", "api_key", Some(id.uuid())).to(&key))?;
    Ok((token, key))
}

pub fn find(read: &Read<'_>, token: &Token) -> Result<Option<ApiKey>> {
    read.query_one(&BY_HASH, params![token.hash()], map)
}

pub fn all(read: &Read<'_>) -> Result<Vec<ApiKey>> {
    read.query_all(&ALL, params![], map)
}

pub fn revoke(tx: &mut Tx<'_>, id: Id<ApiKey>) -> Result<ApiKey> {
    let before = tx.query_one(&BY_ID, params![id], map)?.or_not_found("API key")?;
    let now = tx.now();
    tx.execute(&REVOKE, params![id, now])?;
    tx.wake(Wake::Access);
    let after = tx.query_one(&BY_ID, params![id], map)?.or_not_found("API key")?;
    audit::record(
        tx,
        audit::Change::new("api_key.revoked", "api_key", Some(id.uuid())).from(&before).to(&after),
    )?;
    Ok(after)
}

pub fn used(tx: &mut Tx<'_>, id: Id<ApiKey>) -> Result<()> {
    let now = tx.now();
    tx.execute(&USED, params![id, now]).map(|_| ())
}
