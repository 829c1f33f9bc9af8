//! Secrets that nobody types and nobody is shown, made when they are first needed.

use base::{OrNotFound, Result};
use db::{Read, Tx, params};

/// What Message-IDs of letters are signed with.
pub const MESSAGE_IDS: &str = "message_ids";

db::statements! {
    FIND = "select secret from tenant_secrets where tenant_id = ?1 and purpose = ?2";
    MAKE = "insert into tenant_secrets (tenant_id, purpose, secret, created_at) values (?1, ?2, ?3, ?4) on conflict do nothing";
}

fn find(read: &Read<'_>, purpose: &str) -> Result<Option<Vec<u8>>> {
    // Asked again for each of many letters.
    Ok(read.recall(&FIND, params![purpose], |row| row.get(0))?.into_iter().next())
}

/// The business's secret of a purpose: 32 bytes, always the same.
pub fn of(tx: &mut Tx<'_>, purpose: &str) -> Result<Vec<u8>> {
    if let Some(known) = find(tx, purpose)? {
        return Ok(known);
    }
    let mut bytes = [0; 32];
    tx.entropy().fill(&mut bytes);
    let now = tx.now();
    tx.execute(&MAKE, params![purpose, bytes, now])?;
    // Somebody may have been faster.
    find(tx, purpose)?.or_not_found("secret")
}
