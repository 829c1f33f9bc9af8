//! The catalogue of events. A test holds it against what the product publishes.

use base::{Error, Result};

/// Every topic there is, and when it is told.
pub const TOPICS: [(&str, &str); 11] = [
    ("ticket.created", "A ticket was filed, by a customer, by staff or by mail."),
    ("ticket.changed", "Status, assignee, priority or another field of a ticket changed."),
    ("ticket.answered", "Staff answered the customer."),
    ("ticket.noted", "Staff left an internal note, which is sent along."),
    ("ticket.replied", "The customer wrote on a ticket."),
    ("ticket.merged", "A ticket was merged into another, its survivor."),
    ("ticket.unmerged", "A merge was taken back."),
    ("ticket.deleted", "A ticket was deleted."),
    ("csat.answered", "A customer said how they were helped, from 1 (very bad) to 5 (very good)."),
    ("article.published", "Readers see an article, or its new text, in a language."),
    ("article.unpublished", "Readers see an article no more in a language."),
];

/// What the button "send a test" sends. It needs no subscription.
pub const TEST: &str = "webhook.test";

/// Checks what a webhook wants: names of the catalogue, `ticket.*`, or `*`. Sorted, each once.
pub fn check(wanted: &[String]) -> Result<Vec<String>> {
    let mut out: Vec<String> = wanted.iter().map(|t| t.trim().to_owned()).collect();
    out.sort();
    out.dedup();
    let known: Vec<String> = known();
    for topic in &out {
        if !known.contains(topic) {
            let hint = base::text::suggest(topic, known.iter().map(String::as_str))
                .map(|s| format!("; did you mean {s}?"))
                .unwrap_or_default();
            let message = format!("{topic:?} is no event; one or more of {}{hint}", known.join(", "));
            return Err(Error::field("topics", "webhook.topic", message));
        }
    }
    if out.is_empty() {
        let message = format!("one or more of {}", known.join(", "));
        return Err(Error::field("topics", "webhook.topics", message));
    }
    Ok(out)
}

/// Everything that can be subscribed to.
pub fn known() -> Vec<String> {
    let mut out: Vec<String> = vec!["*".into()];
    for (topic, _) in TOPICS {
        let group = format!("{}.*", topic.split('.').next().unwrap_or_default());
        if !out.contains(&group) {
            out.push(group);
        }
    }
    out.extend(TOPICS.iter().map(|(topic, _)| (*topic).to_owned()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_checked_sorted_and_each_once() {
        let list = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            check(&list(&["ticket.noted", "*", "ticket.noted"])).unwrap(),
            list(&["*", "ticket.noted"])
        );
        assert!(check(&list(&["ticket.*"])).is_ok());
        let error = check(&list(&["ticket.craeted"])).unwrap_err();
        assert!(error.message().contains("did you mean ticket.created?"), "{error}");
        assert!(check(&[]).is_err() && check(&list(&["order.*"])).is_err() && check(&list(&[""])).is_err());
    }

    /// Names of topics in a piece of source: literals of the form `word.word`.
    fn literals(source: &str) -> Vec<String> {
        let is_topic = |s: &str| {
            s.split('.').count() == 2
                && s.split('.')
                    .all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        };
        source.split('"').skip(1).step_by(2).filter(|s| is_topic(s)).map(str::to_owned).collect()
    }

    #[test]
    fn every_published_topic_is_in_the_catalogue() {
        let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut found = std::collections::BTreeSet::new();
        let mut folders = vec![crates];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                if path.is_dir() && !["tests", "target", "webhooks", "node_modules"].contains(&name.as_str())
                {
                    folders.push(path);
                } else if name.ends_with(".rs") {
                    let source = std::fs::read_to_string(&path).unwrap();
                    for start in ["publish(", "publish_message(", "save(tx, ", "topic: ", "let topic = "] {
                        for part in source.split(start).skip(1) {
                            let end = part.find(';').unwrap_or(part.len()).min(400);
                            let end =
                                (end..part.len()).find(|i| part.is_char_boundary(*i)).unwrap_or(part.len());
                            found.extend(literals(&part[..end]));
                        }
                    }
                }
            }
        }
        assert!(found.contains("ticket.created") && found.contains("ticket.noted"), "{found:?}");
        let missing: Vec<_> = found.iter().filter(|t| !TOPICS.iter().any(|(n, _)| n == t)).collect();
        assert!(missing.is_empty(), "published, and not in the catalogue of webhooks: {missing:?}");
        let unused: Vec<_> = TOPICS.iter().filter(|(n, _)| !found.contains(*n)).collect();
        assert!(unused.is_empty(), "in the catalogue of webhooks, and never published: {unused:?}");
    }
}
