//! The sections of the help centre. An address stays when the name changes.

use base::{Error, Id, OrNotFound, Result, text};
use db::{Read, Row, Tx, params};
use identity::audit::{self, Change};
use serde::Serialize;

use super::model::{check_slug, free_slug, slug_of};

/// A section of the help centre.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ArticleCategory {
    #[schemars(with = "uuid::Uuid")]
    pub id: Id<ArticleCategory>,
    /// Its address: `/help/categories/{slug}`.
    pub slug: String,
    pub name: String,
    /// Its place, from 1.
    pub position: i64,
    /// Articles in it, archived ones too.
    pub article_count: u32,
}

db::statements! {
    INSERT = "insert into article_categories (tenant_id, id, slug, name, position, created_at) values (?1, ?2, ?3, ?4, ?5, ?6)";
    SAVE = "update article_categories set slug = ?3, name = ?4, position = ?5 where tenant_id = ?1 and id = ?2";
    DELETE = "delete from article_categories where tenant_id = ?1 and id = ?2";
    IS_TAKEN = "select 1 from article_categories where tenant_id = ?1 and slug = ?2";
    LOCK = "select 1 from article_categories where tenant_id = ?1 and id = ?2 {lock}";
    ALL = "select c.id, c.slug, c.name, c.position,
        (select count(*) from articles a where a.tenant_id = c.tenant_id and a.category_id = c.id)
        from article_categories c where c.tenant_id = ?1 order by c.position, c.id";
}

/// A tenant has so many at most: all of them are drawn on the first page of the help centre.
pub const MOST: usize = 50;
const NAME_MAX: usize = 60;

fn map(row: &Row<'_>) -> Result<ArticleCategory> {
    let mut c = row.columns();
    Ok(ArticleCategory {
        id: c.next()?,
        slug: c.next()?,
        name: c.next()?,
        position: c.next()?,
        article_count: c.next()?,
    })
}

/// All of them, in the tenant's order.
pub fn all(read: &Read<'_>) -> Result<Vec<ArticleCategory>> {
    read.query_all(&ALL, params![], map)
}

pub fn get(read: &Read<'_>, id: Id<ArticleCategory>) -> Result<ArticleCategory> {
    all(read)?.into_iter().find(|c| c.id == id).or_not_found("category")
}

/// A category an article may be put into; otherwise the error names those there are.
pub fn check(read: &Read<'_>, id: Id<ArticleCategory>) -> Result<ArticleCategory> {
    let all = all(read)?;
    let names: Vec<String> = all.iter().map(|c| format!("{} ({})", c.id, c.name)).collect();
    all.into_iter().find(|c| c.id == id).ok_or_else(|| {
        let known = if names.is_empty() { "there is none yet".into() } else { names.join(", ") };
        Error::field("category_id", "article.category", format!("the id of a category: {known}"))
    })
}

fn is_taken(read: &Read<'_>, slug: &str) -> Result<bool> {
    Ok(read.query_one(&IS_TAKEN, params![slug], |_| Ok(()))?.is_some())
}

fn taken() -> Error {
    Error::field("slug", "article_category.slug_taken", "there is a category with this address already")
}

/// Makes a category, last in order. Its address is made from its name when none is given.
pub fn create(tx: &mut Tx<'_>, name: &str, slug: Option<&str>) -> Result<ArticleCategory> {
    let name = text::line("name", name, NAME_MAX)?;
    let slug = match slug.filter(|s| !s.trim().is_empty()) {
        Some(given) => {
            let slug = check_slug("slug", given)?;
            if is_taken(tx, &slug)? {
                return Err(taken());
            }
            slug
        }
        None => free_slug(&slug_of(&name, "category"), |s| is_taken(tx, s))?,
    };
    let before = all(tx)?;
    if before.len() >= MOST {
        let message = format!("there are {MOST} categories, which is the most");
        return Err(Error::conflict("article_category.too_many", message));
    }
    let (id, now): (Id<ArticleCategory>, _) = (tx.new_id(), tx.now());
    tx.execute(&INSERT, params![id, slug, name, before.last().map_or(0, |c| c.position) + 1, now])?;
    let made = get(tx, id)?;
    audit::record(
        tx,
        Change::new("article_category.created", "article_category", Some(id.uuid())).to(&made),
    )?;
    Ok(made)
}

/// Renames it, or gives it another address or place.
pub fn change(
    tx: &mut Tx<'_>,
    id: Id<ArticleCategory>,
    name: Option<&str>,
    slug: Option<&str>,
    position: Option<i64>,
) -> Result<ArticleCategory> {
    let before = get(tx, id)?;
    let mut after = before.clone();
    if let Some(name) = name {
        after.name = text::line("name", name, NAME_MAX)?;
    }
    if let Some(slug) = slug {
        after.slug = check_slug("slug", slug)?;
        if after.slug != before.slug && is_taken(tx, &after.slug)? {
            return Err(taken());
        }
    }
    if let Some(position) = position {
        let most = i64::try_from(MOST).unwrap_or(i64::MAX);
        if !(1..=most).contains(&position) {
            return Err(Error::field("position", "article_category.position", format!("from 1 to {most}")));
        }
        place(tx, id, position)?;
        after.position = get(tx, id)?.position;
    }
    tx.execute(&SAVE, params![id, after.slug, after.name, after.position])?;
    if after != before {
        let change = Change::new("article_category.changed", "article_category", Some(id.uuid()));
        audit::record(tx, change.from(&before).to(&after))?;
    }
    get(tx, id)
}

/// Puts it at a place and deals all places anew, from 1.
fn place(tx: &mut Tx<'_>, id: Id<ArticleCategory>, position: i64) -> Result<()> {
    let mut order = all(tx)?;
    let at = order.iter().position(|c| c.id == id).or_not_found("category")?;
    let moved = order.remove(at);
    let to = usize::try_from(position - 1).unwrap_or(0).min(order.len());
    order.insert(to, moved);
    for (position, c) in (1i64..).zip(&order) {
        if c.position != position {
            tx.execute(&SAVE, params![c.id, c.slug, c.name, position])?;
        }
    }
    Ok(())
}

/// Moves it up (-1) or down (1), where there is room.
pub fn move_by(tx: &mut Tx<'_>, id: Id<ArticleCategory>, by: i64) -> Result<()> {
    let all = all(tx)?;
    let at = all.iter().position(|c| c.id == id).or_not_found("category")?;
    let to = i64::try_from(at).unwrap_or(0) + 1 + by;
    if (1..=i64::try_from(all.len()).unwrap_or(0)).contains(&to) { place(tx, id, to) } else { Ok(()) }
}

/// Deletes a category that holds no article.
///
/// # Errors
/// `article_category.in_use`.
pub fn delete(tx: &mut Tx<'_>, id: Id<ArticleCategory>) -> Result<()> {
    tx.query_one(&LOCK, params![id], |_| Ok(()))?.or_not_found("category")?;
    let before = get(tx, id)?;
    if before.article_count > 0 {
        let message = "there are articles in it, or archived ones; put them into another category first";
        return Err(Error::conflict("article_category.in_use", message));
    }
    tx.execute(&DELETE, params![id])?;
    let change = Change::new("article_category.deleted", "article_category", Some(id.uuid()));
    audit::record(tx, change.from(&before))
}
