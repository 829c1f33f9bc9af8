//! Tags and their colours. A tag exists by being on a ticket or by having a colour.

use std::collections::HashMap;

use base::{Error, Id, Result};
use db::{Read, Sql, Tx, Value, params};
use identity::audit;
use serde::Serialize;

use super::{model::Ticket, ops::change::check_tags};

/// The colours there are: names of tokens, so that both schemes have their own shade of each.
pub const COLOURS: [&str; 8] = ["grey", "blue", "green", "yellow", "orange", "red", "purple", "teal"];

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Tag {
    pub tag: String,
    /// One of `grey, blue, green, yellow, orange, red, purple, teal`.
    pub colour: String,
}

db::statements! {
    COLOURED = "select tag, colour from tags where tenant_id = ?1 order by tag";
    SET = "insert into tags (tenant_id, tag, colour, updated_at) values (?1, ?2, ?3, ?4)
        on conflict (tenant_id, tag) do update set colour = excluded.colour, updated_at = excluded.updated_at";
    FORGET = "delete from tags where tenant_id = ?1 and tag = ?2";
    // From each tag to the next, so that all are found by as many steps as there are tags, not tickets.
    IN_USE = "with recursive used (tag) as (
            select min(g.tag) from ticket_tags g where g.tenant_id = ?1
            union all
            select (select min(g.tag) from ticket_tags g where g.tenant_id = ?1 and g.tag > used.tag) from used where used.tag is not null)
        select tag from used where tag is not null limit ?2";
}

/// Tags of the tickets of one page, with their colours.
pub fn of(read: &Read<'_>, tickets: &[Id<Ticket>]) -> Result<HashMap<Id<Ticket>, Vec<Tag>>> {
    let mut out: HashMap<Id<Ticket>, Vec<Tag>> = HashMap::new();
    if tickets.is_empty() {
        return Ok(out);
    }
    let values: Vec<Value<'_>> = tickets.iter().map(|id| Value::Uuid(id.uuid())).collect();
    let sql = Sql::built(format!(
        "select g.ticket_id, g.tag, coalesce(c.colour, 'grey') from ticket_tags g
            left join tags c on c.tenant_id = g.tenant_id and c.tag = g.tag
            where g.tenant_id = ?1 and g.ticket_id in {} order by g.ticket_id, g.tag",
        db::dialect::placeholders(2, tickets.len())
    ));
    read.for_each(&sql, &values, |row| {
        out.entry(row.get(0)?).or_default().push(Tag { tag: row.get(1)?, colour: row.get(2)? });
        Ok(true)
    })?;
    Ok(out)
}

/// How many different tags are looked for.
const MOST: u32 = 500;

/// Every tag in use or with a colour, in order.
pub fn all(read: &Read<'_>) -> Result<Vec<Tag>> {
    let mut out = coloured(read)?;
    for tag in read.query_all(&IN_USE, params![MOST], |row| row.get::<String>(0))? {
        if !out.iter().any(|t| t.tag == tag) {
            out.push(Tag { tag, colour: "grey".into() });
        }
    }
    out.sort_by(|a, b| a.tag.cmp(&b.tag));
    Ok(out)
}

/// Tags that were given a colour.
pub fn coloured(read: &Read<'_>) -> Result<Vec<Tag>> {
    read.query_all(&COLOURED, params![], |row| Ok(Tag { tag: row.get(0)?, colour: row.get(1)? }))
}

/// Gives a tag a colour.
///
/// # Errors
/// `tag.colour`: with the colours there are.
pub fn set_colour(tx: &mut Tx<'_>, tag: &str, colour: &str) -> Result<Tag> {
    let tag = check_tags(&[tag.to_owned()]).map_err(|e| e.on_field("tag"))?.remove(0);
    if !COLOURS.contains(&colour) {
        return Err(Error::field("colour", "tag.colour", format!("one of {}", COLOURS.join(", "))));
    }
    let now = tx.now();
    tx.execute(&SET, params![tag, colour, now])?;
    let set = Tag { tag, colour: colour.to_owned() };
    audit::record(tx, audit::Change::new("tag.coloured", "tag", None).to(&set))?;
    Ok(set)
}

/// Takes the colour away; tickets keep the tag.
pub fn forget_colour(tx: &mut Tx<'_>, tag: &str) -> Result<()> {
    if tx.execute(&FORGET, params![tag])? == 0 {
        return Err(Error::not_found("tag"));
    }
    audit::record(tx, audit::Change::new("tag.uncoloured", "tag", None).from(&tag))
}
