use base::{Email, Id, OrNotFound, Result};
use db::Read;
use uuid::Uuid;

use super::{CustomerRecord, store};

pub fn find(read: &Read<'_>, id: Id<CustomerRecord>) -> Result<Option<CustomerRecord>> {
    store::find(read, id)
}
pub fn get(read: &Read<'_>, id: Id<CustomerRecord>) -> Result<CustomerRecord> {
    store::find(read, id)?.or_not_found("customer")
}
pub fn find_by_email(read: &Read<'_>, email: &Email) -> Result<Option<CustomerRecord>> {
    store::find_by_email(read, email)
}
/// They asked not to be asked how it was.
pub fn has_surveys_off(read: &Read<'_>, id: Id<CustomerRecord>) -> Result<bool> {
    store::has_surveys_off(read, id)
}
/// Newest first, before an id.
pub fn page(read: &Read<'_>, before: Option<Uuid>, limit: u32) -> Result<Vec<CustomerRecord>> {
    store::page(read, before, limit)
}
/// Whose address, name, company or phone contains the text.
pub fn search(read: &Read<'_>, q: &str, before: Option<Uuid>, limit: u32) -> Result<Vec<CustomerRecord>> {
    store::search(read, &db::dialect::contains_pattern(&q.to_lowercase()), before, limit)
}
