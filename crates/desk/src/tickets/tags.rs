//! Tags and their colours. A tag exists by being on a ticket or by having a colour.

use base::{Error, Result};
use db::{Read, Tx, params};
use identity::audit;
use serde::Serialize;

use super::ops::change::check_tags;

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
    // The next tag after one, so that all tags are found by as many steps as there are tags, not tickets.
    NEXT = "select tag from ticket_tags where tenant_id = ?1 and tag > ?2 order by tag limit 1";
}

/// How many different tags are looked for.
const MOST: usize = 500;

/// Every tag in use or with a colour, in order.
pub fn all(read: &Read<'_>) -> Result<Vec<Tag>> {
    let mut out = coloured(read)?;
    let (mut last, mut steps) = (String::new(), 0);
    while let Some(tag) = read.query_one(&NEXT, params![last], |row| row.get::<String>(0))? {
        if !out.iter().any(|t| t.tag == tag) {
            out.push(Tag { tag: tag.clone(), colour: "grey".into() });
        }
        last = tag;
        steps += 1;
        if steps == MOST {
            break;
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
