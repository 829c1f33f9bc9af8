//! `@name` in a note: a colleague or a team is called. Called people watch the ticket from then on.

use base::{Id, Result};
use db::{Read, Tx};
use engine::Enqueue;
use identity::{User, teams, users};

use super::{
    jobs::{Announce, News},
    model::*,
    query, store,
};

/// The word somebody is called by: their name in lower case, its parts joined by points. `Ben Okafor` is `ben.okafor`.
pub fn handle(name: &str) -> String {
    name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(".")
}

/// The words after an `@` that begins a word, in order, once each. An address is no mention.
pub fn words(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        if c == '@' && !before.is_alphanumeric() && before != '@' {
            let word: String = text[at + 1..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
                .collect();
            let word = word.trim_end_matches(['.', '-', '_']).to_lowercase();
            if !word.is_empty() && !out.contains(&word) {
                out.push(word);
            }
        }
        before = c;
    }
    out
}

/// Who a note calls, and by which of its words.
#[derive(Debug, Default)]
pub struct Called {
    pub people: Vec<Id<User>>,
    pub words: Vec<String>,
}

/// The active members of staff a note calls: by their name's handle, by the part of their address before the `@`, or as
/// members of a team. Each once; a word that names nobody is only a word.
pub fn find(read: &Read<'_>, text: &str) -> Result<Called> {
    let words = words(text);
    if words.is_empty() {
        return Ok(Called::default());
    }
    let mut known: Vec<String> = Vec::new();
    let staff = users::staff(read)?;
    let active = |id: Id<User>| staff.iter().any(|u| u.id == id && u.disabled_at.is_none());
    let mut out = Vec::new();
    for user in staff.iter().filter(|u| u.disabled_at.is_none()) {
        let local = user.email.key().split('@').next().unwrap_or_default().to_owned();
        for name in [handle(&user.name), local] {
            if words.contains(&name) {
                out.push(user.id);
                known.push(name);
            }
        }
    }
    for team in teams::all(read)? {
        let name = handle(&team.name);
        if words.contains(&name) {
            known.push(name);
            out.extend(team.members.iter().copied().filter(|m| active(*m)));
        }
    }
    out.sort();
    out.dedup();
    Ok(Called { people: out, words: known })
}

/// Somebody or some team that can be called.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Callable {
    /// What is written after the `@`.
    pub handle: String,
    pub name: String,
    pub is_team: bool,
}

/// Who can be called, people first, by name; those whose name, handle or a word of it begins with what was typed.
pub fn callable(read: &Read<'_>, typed: &str, most: usize) -> Result<Vec<Callable>> {
    let typed = typed.trim_start_matches('@').to_lowercase();
    let fits = |c: &Callable| {
        c.handle.starts_with(&typed) || c.handle.split(['.', '-']).any(|part| part.starts_with(&typed))
    };
    let of = |name: &str, is_team| Callable { handle: handle(name), name: name.to_owned(), is_team };
    let mut people: Vec<Callable> =
        users::staff(read)?.iter().filter(|u| u.disabled_at.is_none()).map(|u| of(&u.name, false)).collect();
    people.sort_by(|a, b| a.name.cmp(&b.name));
    let groups = teams::all(read)?;
    let all = people.into_iter().chain(groups.iter().map(|t| of(&t.name, true)));
    // A name with other signs in it cannot be written after an `@`; its address's first part can.
    Ok(all
        .filter(|c| words(&format!("@{}", c.handle)) == [c.handle.clone()])
        .filter(fits)
        .take(most)
        .collect())
}

/// A note's HTML with the mentions that call somebody marked as such. Only text is looked at: no tag, no code, no link.
///
/// `html` has to be clean already; what is added are spans around words that stand in it.
pub fn mark(html: &str, known: &[String]) -> String {
    let mut out = String::with_capacity(html.len() + 64);
    let (mut rest, mut inside) = (html, 0usize);
    while !rest.is_empty() {
        if let Some(tag) = rest.strip_prefix('<') {
            let end = tag.find('>').map_or(rest.len(), |at| at + 2);
            let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next();
            if matches!(name, Some("code" | "pre" | "a")) {
                inside = if tag.starts_with('/') { inside.saturating_sub(1) } else { inside + 1 };
            }
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let end = rest.find('<').unwrap_or(rest.len());
        if inside > 0 {
            out.push_str(&rest[..end])
        } else {
            mark_text(&rest[..end], known, &mut out)
        }
        rest = &rest[end..];
    }
    out
}

fn mark_text(text: &str, known: &[String], out: &mut String) {
    let (mut from, mut before) = (0, ' ');
    for (at, c) in text.char_indices() {
        if c == '@' && at >= from && !before.is_alphanumeric() && before != '@' {
            let length: usize = text[at + 1..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
                .map(char::len_utf8)
                .sum();
            let word = text[at + 1..at + 1 + length].trim_end_matches(['.', '-', '_']);
            if known.contains(&word.to_lowercase()) {
                let end = at + 1 + word.len();
                out.push_str(&text[from..at]);
                out.push_str("<span class=\"mention\">");
                out.push_str(&text[at..end]);
                out.push_str("</span>");
                from = end;
            }
        }
        before = c;
    }
    out.push_str(&text[from..]);
}

/// Makes the called ones watchers and queues their notices. Whoever wrote the note needs none.
pub fn tell(tx: &mut Tx<'_>, ticket: &Ticket, note: &Message, called: Vec<Id<User>>) -> Result<()> {
    let mut others: Vec<Id<User>> = called.into_iter().filter(|u| note.author.id != Some(u.uuid())).collect();
    // A technician reads tickets that are theirs; being called opens none.
    let staff = users::staff(tx)?;
    others.retain(|id| staff.iter().any(|u| u.id == *id && ticket.is_visible_to_user(u)));
    if others.is_empty() {
        return Ok(());
    }
    let mut watchers = query::extras(tx, &[ticket.id])?.remove(&ticket.id).unwrap_or_default().watchers;
    watchers.extend(others.iter().copied());
    watchers.sort();
    watchers.dedup();
    store::set_watchers(tx, ticket.id, &watchers)?;
    let to = others.iter().map(|u| u.uuid()).collect();
    tx.enqueue(&Announce { ticket: ticket.id, news: News::Mentioned { message: note.id.uuid(), to } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_marked_in_text_alone() {
        let known = ["ben.okafor".to_owned(), "billing".to_owned()];
        let marked = mark(
            "<p>Hi @Ben.Okafor, ask (@billing). <code>@billing</code> <a href=\"https://x.io/@billing\">@billing</a> me@billing @nobody</p>",
            &known,
        );
        assert_eq!(
            marked,
            "<p>Hi <span class=\"mention\">@Ben.Okafor</span>, ask (<span class=\"mention\">@billing</span>). <code>@billing</code> <a href=\"https://x.io/@billing\">@billing</a> me@billing @nobody</p>"
        );
    }

    #[test]
    fn words_after_an_at_are_mentions_and_addresses_are_not() {
        assert_eq!(
            words("@ben.okafor, see ada@example.org. (@billing) @Ben.Okafor @@x @"),
            ["ben.okafor", "billing"]
        );
        assert_eq!(words("@ben.okafor."), ["ben.okafor"]);
        assert_eq!(handle("Ben  Okafor"), "ben.okafor");
        assert!(words("no mention").is_empty());
    }
}
