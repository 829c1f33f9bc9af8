//! Whether conditions hold for a ticket, and why. Total and deterministic: the same facts are always judged the same.

use base::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::*;
use crate::tickets::Ticket;

/// What is looked at.
#[derive(Clone, Debug)]
pub struct Facts {
    pub ticket: Ticket,
    pub tags: Vec<String>,
    /// The message that started the rule; the first one where no message did.
    pub body: String,
    pub now: Timestamp,
}

/// One condition with what was there. Texts of messages are not repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Looked {
    /// `all` or `any`.
    pub group: String,
    pub field: Field,
    pub op: Test,
    pub expected: Vec<String>,
    pub actual: Vec<String>,
    pub holds: bool,
}

/// Whether a rule's conditions hold, and each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub holds: bool,
    pub conditions: Vec<Looked>,
}

/// Judges every condition, also those that cannot change the outcome any more: somebody will ask why.
pub fn judge(d: &Definition, facts: &Facts) -> Verdict {
    let look = |group: &'static str| move |c: &Condition| looked(group, c, facts);
    let all: Vec<Looked> = d.all.iter().map(look("all")).collect();
    let any: Vec<Looked> = d.any.iter().map(look("any")).collect();
    let holds = all.iter().all(|l| l.holds) && (any.is_empty() || any.iter().any(|l| l.holds));
    Verdict { holds, conditions: [all, any].concat() }
}

fn looked(group: &str, c: &Condition, facts: &Facts) -> Looked {
    let (actual, holds) = evaluate(c, facts);
    Looked { group: group.into(), field: c.field, op: c.op, expected: c.value.clone(), actual, holds }
}

fn evaluate(c: &Condition, facts: &Facts) -> (Vec<String>, bool) {
    let t = &facts.ticket;
    fn or_none<T>(id: Option<base::Id<T>>) -> String {
        id.map_or_else(|| "none".into(), |i| i.to_string())
    }
    let among = |actual: String| {
        let is = c.value.contains(&actual);
        (vec![actual], is)
    };
    let (actual, positive) = match c.field {
        Field::Status => among(t.status.to_string()),
        Field::Priority => among(t.priority.to_string()),
        Field::Category => among(t.category.clone()),
        Field::TicketType => among(t.ticket_type.to_string()),
        Field::Channel => among(t.channel.to_string()),
        Field::Assignee => among(or_none(t.assigned_to)),
        Field::Team => among(or_none(t.team_id)),
        Field::IsFollowUp => among(if t.follow_up_of.is_some() { "yes" } else { "no" }.into()),
        Field::Tags => (facts.tags.clone(), facts.tags.iter().any(|tag| c.value.contains(tag))),
        Field::Requester => {
            let address = t.user_email.to_lowercase();
            let is = c.value.iter().any(|wanted| is_of(&address, wanted));
            (vec![address], is)
        }
        Field::Subject => (vec![t.subject.clone()], has_words(&t.subject, &c.value)),
        Field::Body => (Vec::new(), has_words(&facts.body, &c.value)),
        Field::HoursSinceCreated => hours(c, facts.now, t.created_at),
        Field::HoursSinceMessage => hours(c, facts.now, t.last_message_at),
    };
    (actual, positive != c.op.is_negative())
}

/// Whether an address is this one, or of this domain or one below it.
fn is_of(address: &str, wanted: &str) -> bool {
    if wanted.contains('@') {
        return address == wanted;
    }
    let domain = address.rsplit('@').next().unwrap_or_default();
    domain == wanted || domain.strip_suffix(wanted).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether one of the phrases is there: its words beside each other, as the search would find them.
fn has_words(text: &str, phrases: &[String]) -> bool {
    let words: Vec<String> = db::search::tokenize(text).into_iter().map(|t| t.text).collect();
    phrases.iter().any(|phrase| {
        // The tail of a run without spaces stands alone only where the text ends: pairs say the same.
        let wanted: Vec<db::search::Token> = db::search::tokenize(phrase);
        let pairs = wanted.iter().any(|t| !t.is_tail);
        let wanted: Vec<&str> =
            wanted.iter().filter(|t| !(t.is_tail && pairs)).map(|t| t.text.as_str()).collect();
        !wanted.is_empty() && words.windows(wanted.len()).any(|w| w.iter().zip(&wanted).all(|(a, b)| a == b))
    })
}

fn hours(c: &Condition, now: Timestamp, since: Timestamp) -> (Vec<String>, bool) {
    let passed = now.duration_since(since).as_hours();
    let least = c.value.first().and_then(|v| v.parse::<i64>().ok());
    (vec![passed.to_string()], least.is_some_and(|least| passed >= least))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_takes_those_below_it_and_no_lookalike() {
        for (address, wanted, is) in [
            ("ada@example.org", "ada@example.org", true),
            ("ada@example.org", "example.org", true),
            ("ada@mail.example.org", "example.org", true),
            ("ada@notexample.org", "example.org", false),
            ("eve@example.org", "ada@example.org", false),
        ] {
            assert_eq!(is_of(address, wanted), is, "{address} {wanted}");
        }
    }

    #[test]
    fn words_are_found_as_the_search_finds_them() {
        let has = |text: &str, phrase: &str| has_words(text, &[phrase.to_owned()]);
        assert!(has("My ROUTER is brokén", "broken"));
        assert!(has("no internet since monday", "Internet since"));
        assert!(!has("internet, and not since", "internet since"));
        assert!(!has("routers", "router"), "a word is whole");
        assert!(has("about SUP-00042", "sup-00042"));
        assert!(!has("", "x") && !has("x", "!"));
    }
}
