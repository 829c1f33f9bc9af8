//! What tickets are about. The tenant's own list; a slug stays, its name may change.

use base::{Error, OrNotFound, Result, Timestamp, text};
use db::{Read, Tx, params};
use identity::audit;
use serde::Serialize;

/// The list a new tenant begins with.
pub const DEFAULTS: [(&str, &str); 10] = [
    ("getting_started", "Getting started"),
    ("buying", "Buying"),
    ("selling", "Selling"),
    ("payments", "Payments"),
    ("account", "Account"),
    ("dispute", "Dispute"),
    ("bug", "Bug"),
    ("billing", "Billing"),
    ("technical", "Technical"),
    ("other", "Other"),
];

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Category {
    pub slug: String,
    pub name: String,
    pub position: i64,
    pub archived_at: Option<Timestamp>,
}

db::statements! {
    INSERT = "insert into categories (tenant_id, slug, name, position) values (?1, ?2, ?3, ?4) on conflict do nothing";
    ALL = "select slug, name, position, archived_at from categories where tenant_id = ?1 order by position, slug";
    ONE = "select slug, name, position, archived_at from categories where tenant_id = ?1 and slug = ?2";
    LAST = "select coalesce(max(position), 0) from categories where tenant_id = ?1";
    OPEN = "select category, count(*) from tickets where tenant_id = ?1
        and status in ('new', 'open', 'in_progress', 'pending_customer') group by category";
    SAVE = "update categories set name = ?3, position = ?4, archived_at = ?5 where tenant_id = ?1 and slug = ?2";
}

fn map(row: &db::Row<'_>) -> Result<Category> {
    Ok(Category { slug: row.get(0)?, name: row.get(1)?, position: row.get(2)?, archived_at: row.get(3)? })
}

pub fn seed(tx: &mut Tx<'_>) -> Result<()> {
    for (i, (slug, name)) in (1i64..).zip(DEFAULTS) {
        tx.execute(&INSERT, params![slug, name, i * 10])?;
    }
    Ok(())
}

/// All, archived ones too, in the tenant's order.
pub fn all(read: &Read<'_>) -> Result<Vec<Category>> {
    read.recall(&ALL, params![], map)
}

/// How many live tickets each has.
pub fn open_tickets(read: &Read<'_>) -> Result<Vec<(String, u32)>> {
    read.query_all(&OPEN, params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// A category a ticket may be given; otherwise the error names those there are.
pub fn check(read: &Read<'_>, slug: &str) -> Result<String> {
    if read.recall(&ONE, params![slug], map)?.iter().any(|c| c.archived_at.is_none()) {
        return Ok(slug.to_owned());
    }
    let known: Vec<String> =
        all(read)?.into_iter().filter(|c| c.archived_at.is_none()).map(|c| c.slug).collect();
    Err(Error::field("category", "category.unknown", format!("one of {}", known.join(", "))))
}

/// What a ticket without a category gets: `other`, or the last one of the list.
pub fn fallback(read: &Read<'_>) -> Result<String> {
    let live: Vec<String> =
        all(read)?.into_iter().filter(|c| c.archived_at.is_none()).map(|c| c.slug).collect();
    let found = live.iter().find(|s| *s == "other").or(live.last()).cloned();
    found.ok_or_else(|| {
        Error::conflict("category.none", "the business has no category yet; an admin makes one")
    })
}

pub fn create(tx: &mut Tx<'_>, slug: &str, name: &str) -> Result<Category> {
    let name = text::line("name", name, 60)?;
    let ok = !slug.is_empty()
        && slug.len() <= 40
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !ok {
        return Err(Error::field(
            "slug",
            "category.slug",
            "lower-case letters, digits and underscores, at most 40",
        ));
    }
    let last: i64 = tx.query_one(&LAST, params![], |row| row.get(0))?.unwrap_or(0);
    if tx.execute(&INSERT, params![slug, name, last + 10])? == 0 {
        return Err(Error::conflict("category.exists", "there is a category with this slug already"));
    }
    let made = tx.query_one(&ONE, params![slug], map)?.or_not_found("category")?;
    audit::record(tx, audit::Change::new("category.created", "category", None).to(&made))?;
    Ok(made)
}

/// Renames, reorders, archives or brings back.
pub fn change(
    tx: &mut Tx<'_>,
    slug: &str,
    name: Option<&str>,
    position: Option<i64>,
    archived: Option<bool>,
) -> Result<Category> {
    let before = tx.query_one(&ONE, params![slug], map)?.or_not_found("category")?;
    let mut after = before.clone();
    if let Some(name) = name {
        after.name = text::line("name", name, 60)?;
    }
    after.position = position.unwrap_or(after.position);
    match archived {
        Some(true) if after.archived_at.is_none() => after.archived_at = Some(tx.now()),
        Some(false) => after.archived_at = None,
        _ => {}
    }
    tx.execute(&SAVE, params![slug, after.name, after.position, after.archived_at])?;
    audit::record(tx, audit::Change::new("category.changed", "category", None).from(&before).to(&after))?;
    Ok(after)
}
