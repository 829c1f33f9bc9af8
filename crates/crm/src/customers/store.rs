use base::{Email, Id, Result};
use db::{Read, Row, Tx, Value, params};
use uuid::Uuid;

use super::CustomerRecord;

macro_rules! columns {
    () => {
        "id, email, name, phone, company, service_address, plan, internal_notes, verified_at, version, created_at, updated_at"
    };
}

db::statements! {
    INSERT = "insert into customers (tenant_id, id, email, email_key, name, internal_notes, version, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, '', 1, ?6, ?6) on conflict do nothing";
    BY_ID = concat!("select ", columns!(), " from customers where tenant_id = ?1 and id = ?2");
    LOCK = concat!("select ", columns!(), " from customers where tenant_id = ?1 and id = ?2 {lock}");
    BY_EMAIL = concat!("select ", columns!(), " from customers where tenant_id = ?1 and email_key = ?2");
    PAGE = concat!("select ", columns!(), " from customers where tenant_id = ?1 and id < ?2 order by id desc limit ?3");
    SEARCH = concat!("select ", columns!(), " from customers where tenant_id = ?1 and
        (email_key like ?2 escape '\\' or lower(name) like ?2 escape '\\' or lower(company) like ?2 escape '\\' or phone like ?2 escape '\\')
        and id < ?3 order by id desc limit ?4");
    SAVE = "update customers set name = ?3, phone = ?4, company = ?5, service_address = ?6, plan = ?7, internal_notes = ?8,
        version = version + 1, updated_at = ?9 where tenant_id = ?1 and id = ?2";
    SURVEYS_OFF = "select 1 from customers where tenant_id = ?1 and id = ?2 and surveys_off_at is not null";
    SET_SURVEYS_OFF = "update customers set surveys_off_at = ?3 where tenant_id = ?1 and id = ?2 and (surveys_off_at is null) <> (?4)";
    SET_VERIFIED = "update customers set verified_at = ?3, updated_at = ?3 where tenant_id = ?1 and id = ?2 and verified_at is null";
}

fn map(row: &Row<'_>) -> Result<CustomerRecord> {
    let mut c = row.columns();
    Ok(CustomerRecord {
        id: c.next()?,
        email: c.next()?,
        name: c.next()?,
        phone: c.next()?,
        company: c.next()?,
        service_address: c.next()?,
        plan: c.next()?,
        internal_notes: c.next()?,
        verified_at: c.next()?,
        version: c.next()?,
        created_at: c.next()?,
        updated_at: c.next()?,
    })
}

/// False when there is one with this address already.
pub fn insert(tx: &mut Tx<'_>, id: Id<CustomerRecord>, email: &Email, name: &str) -> Result<bool> {
    let now = tx.now();
    tx.execute(&INSERT, params![id, email, email.key(), name, now]).map(|n| n == 1)
}
pub fn find(read: &Read<'_>, id: Id<CustomerRecord>) -> Result<Option<CustomerRecord>> {
    read.query_one(&BY_ID, params![id], map)
}
pub fn lock(tx: &mut Tx<'_>, id: Id<CustomerRecord>) -> Result<Option<CustomerRecord>> {
    tx.query_one(&LOCK, params![id], map)
}
pub fn find_by_email(read: &Read<'_>, email: &Email) -> Result<Option<CustomerRecord>> {
    read.query_one(&BY_EMAIL, params![email.key()], map)
}
pub fn page(read: &Read<'_>, before: Option<Uuid>, limit: u32) -> Result<Vec<CustomerRecord>> {
    read.query_all(&PAGE, params![before.unwrap_or(Uuid::max()), limit], map)
}
pub fn search(
    read: &Read<'_>,
    pattern: &Value<'_>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<CustomerRecord>> {
    read.query_all(&SEARCH, params![pattern, before.unwrap_or(Uuid::max()), limit], map)
}
pub fn save(tx: &mut Tx<'_>, c: &CustomerRecord) -> Result<()> {
    let now = tx.now();
    tx.execute(
        &SAVE,
        params![c.id, c.name, c.phone, c.company, c.service_address, c.plan, c.internal_notes, now],
    )
    .map(|_| ())
}
pub fn set_verified(tx: &mut Tx<'_>, id: Id<CustomerRecord>) -> Result<()> {
    let now = tx.now();
    tx.execute(&SET_VERIFIED, params![id, now]).map(|_| ())
}
pub fn has_surveys_off(read: &Read<'_>, id: Id<CustomerRecord>) -> Result<bool> {
    Ok(read.query_one(&SURVEYS_OFF, params![id], |_| Ok(()))?.is_some())
}
/// False when it was so already.
pub fn set_surveys_off(tx: &mut Tx<'_>, id: Id<CustomerRecord>, is_off: bool) -> Result<bool> {
    let at = is_off.then(|| tx.now());
    tx.execute(&SET_SURVEYS_OFF, params![id, at, !is_off]).map(|n| n == 1)
}
