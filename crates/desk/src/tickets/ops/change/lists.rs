//! What a ticket has several of: tags, watchers, links.

use base::{Error, Id, Result, text};
use db::Tx;

use super::{TicketPatch, line, people::check_assignee};
use crate::tickets::{Extras, model::*, store};

/// Tags, watchers and links; true when one of them changed.
pub(super) fn lists(tx: &mut Tx<'_>, id: Id<Ticket>, now: &Extras, patch: &TicketPatch) -> Result<bool> {
    let mut changed = false;
    if let Some(tags) = &patch.tags {
        let tags = check_tags(tags)?;
        if tags != now.tags {
            line(tx, id, "tags_changed", Some(now.tags.join(", ")), Some(tags.join(", ")), true, false)?;
            store::set_tags(tx, id, &now.tags, &tags)?;
            changed = true;
        }
    }
    if let Some(watchers) = &patch.watchers {
        let mut watchers = watchers.clone();
        watchers.sort();
        watchers.dedup();
        for user in &watchers {
            check_assignee(tx, *user).map_err(|e| e.on_field("watchers"))?;
        }
        if watchers != now.watchers {
            line(
                tx,
                id,
                "watchers_changed",
                Some(now.watchers.len().to_string()),
                Some(watchers.len().to_string()),
                true,
                false,
            )?;
            store::set_watchers(tx, id, &watchers)?;
            changed = true;
        }
    }
    if let Some(links) = &patch.links {
        let links = check_links(links)?;
        if links != now.links {
            line(
                tx,
                id,
                "links_changed",
                Some(now.links.len().to_string()),
                Some(links.len().to_string()),
                true,
                false,
            )?;
            let public = now.public_links.clone();
            store::set_links(tx, id, &links, |l| public.contains(&(l.kind.clone(), l.id.clone())))?;
            changed = true;
        }
    }
    Ok(changed)
}

/// Tags in one spelling: lower case, sorted, once each.
pub fn check_tags(tags: &[String]) -> Result<Vec<String>> {
    if tags.len() > 50 {
        return Err(Error::field("tags", "tags.too_many", "at most 50 tags"));
    }
    let mut out =
        tags.iter().map(|t| Ok(text::line("tags", t, 50)?.to_lowercase())).collect::<Result<Vec<_>>>()?;
    if out.iter().any(|t| t.contains(',')) {
        return Err(Error::field("tags", "tags.comma", "a tag has no comma in it"));
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// Links in one order, once each.
pub fn check_links(links: &[Link]) -> Result<Vec<Link>> {
    if links.len() > 50 {
        return Err(Error::field("links", "links.too_many", "at most 50 links"));
    }
    let mut out = Vec::with_capacity(links.len());
    for (i, link) in links.iter().enumerate() {
        let kind = text::line("kind", &link.kind, 40).map_err(|e| e.on_field(format!("links[{i}].kind")))?;
        if !kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            let message = "lower-case letters, digits and underscores, such as merchant";
            return Err(Error::field(format!("links[{i}].kind"), "link.kind", message));
        }
        let id = text::line("id", &link.id, 200).map_err(|e| e.on_field(format!("links[{i}].id")))?;
        let label = if link.label.trim().is_empty() {
            String::new()
        } else {
            text::line("label", &link.label, 200).map_err(|e| e.on_field(format!("links[{i}].label")))?
        };
        out.push(Link { kind, id, label });
    }
    out.sort_by(|a, b| (&a.kind, &a.id).cmp(&(&b.kind, &b.id)));
    out.dedup_by(|a, b| a.kind == b.kind && a.id == b.id);
    Ok(out)
}

/// Free JSON of at most 16 KiB.
pub fn check_context(context: serde_json::Value) -> Result<serde_json::Value> {
    if !context.is_object() {
        return Err(Error::field("context", "context.object", "a JSON object"));
    }
    if context.to_string().len() > 16 * 1024 {
        return Err(Error::field("context", "context.too_large", "at most 16 KiB of JSON"));
    }
    Ok(context)
}
