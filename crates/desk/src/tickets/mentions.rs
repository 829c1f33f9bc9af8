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

/// The active members of staff a note calls: by their name's handle, by the part of their address before the `@`, or as
/// members of a team. Each once; a word that names nobody is only a word.
pub fn find(read: &Read<'_>, text: &str) -> Result<Vec<Id<User>>> {
    let words = words(text);
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let staff = users::staff(read)?;
    let active = |id: Id<User>| staff.iter().any(|u| u.id == id && u.disabled_at.is_none());
    let mut out = Vec::new();
    for user in staff.iter().filter(|u| u.disabled_at.is_none()) {
        let local = user.email.key().split('@').next().unwrap_or_default().to_owned();
        if words.contains(&handle(&user.name)) || words.contains(&local) {
            out.push(user.id);
        }
    }
    for team in teams::all(read)? {
        if words.contains(&handle(&team.name)) {
            out.extend(team.members.iter().copied().filter(|m| active(*m)));
        }
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// Makes the called ones watchers and queues their notices. Whoever wrote the note needs none.
pub fn tell(tx: &mut Tx<'_>, ticket: &Ticket, note: &Message, called: Vec<Id<User>>) -> Result<()> {
    let others: Vec<Id<User>> = called.into_iter().filter(|u| note.author.id != Some(u.uuid())).collect();
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
