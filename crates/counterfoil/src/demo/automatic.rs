//! Rules of an internet provider, with a few tickets that they looked at.

use base::{Actor, ActorKind, Error, Result, hours, minutes};
use db::Tx;
use desk::{
    rules::{self, Definition, NewRule, jobs},
    tickets::{self, Channel, For, NewTicket, Requester},
};
use engine::Inside as _;
use identity::teams;
use serde_json::{Value, json};

use super::month::Month;

/// Name, and the rule as the API takes it.
fn wanted(network: &str, billing: &str) -> Vec<(&'static str, Value)> {
    vec![
        (
            "Outages go to the network team",
            json!({
                "trigger": { "kind": "event", "events": ["ticket_created"] },
                "any": [
                    { "field": "subject", "op": "contains", "value": ["no internet", "internet is down", "outage"] },
                    { "field": "ticket_type", "op": "is", "value": "outage_report" },
                ],
                "actions": [
                    { "action": "set_priority", "value": "urgent" },
                    { "action": "set_team", "value": network },
                    { "action": "add_tags", "value": ["outage"] },
                    { "action": "answer", "value": "We are looking at your line now. You hear from us within two hours." },
                ],
            }),
        ),
        (
            "Invoices in turn",
            json!({
                "trigger": { "kind": "event", "events": ["ticket_created", "category_changed"] },
                "all": [
                    { "field": "category", "op": "is", "value": ["billing", "payments"] },
                    { "field": "assignee", "op": "is", "value": "none" },
                ],
                "actions": [{ "action": "set_team", "value": billing }, { "action": "assign_in_turn", "value": null }],
            }),
        ),
        (
            "Tell the team what is urgent",
            json!({
                "trigger": { "kind": "event", "events": ["priority_changed"] },
                "all": [{ "field": "priority", "op": "is", "value": "urgent" }],
                "actions": [
                    { "action": "notify_team", "value": network },
                    { "action": "add_note", "value": "Urgent: look at the **line card** before calling back." },
                ],
            }),
        ),
        (
            "Nobody waits longer than a day",
            json!({
                "trigger": { "kind": "time", "anchor": "last_customer_message", "minutes": 1440 },
                "all": [{ "field": "status", "op": "is", "value": ["new", "open"] }],
                "actions": [{ "action": "add_tags", "value": ["waiting"] }, { "action": "escalate", "value": null }],
            }),
        ),
        (
            "Close what stays unanswered",
            json!({
                "trigger": { "kind": "time", "anchor": "entered_status", "status": "pending_customer", "minutes": 20160 },
                "actions": [{ "action": "close", "value": "no_reply" }],
            }),
        ),
    ]
}

/// Subject, text, category, address, name, hours ago.
const FILED: [(&str, &str, &str, &str, &str, i64); 4] = [
    (
        "No internet in the whole street",
        "The light is red since this morning, at the neighbours' too.",
        "technical",
        "iris.holm@mail.example",
        "Iris Holm",
        5,
    ),
    (
        "Two months on one invoice",
        "Invoice 2041 has February on it twice.",
        "billing",
        "paul.engel@mail.example",
        "Paul Engel",
        4,
    ),
    (
        "Which router do I need for fibre?",
        "I have the old one from 2019.",
        "buying",
        "nora.lindt@mail.example",
        "Nora Lindt",
        3,
    ),
    (
        "Direct debit came back",
        "My bank says you took it twice.",
        "payments",
        "sam.okoro@mail.example",
        "Sam Okoro",
        2,
    ),
];

pub fn rules(tx: &mut Tx<'_>, month: &Month<'_>) -> Result<usize> {
    let all = teams::all(tx)?;
    let id_of = |word: &str| {
        let found = all.iter().find(|t| t.name.to_lowercase().contains(word)).or_else(|| all.first());
        found.map(|t| t.id.to_string()).ok_or_else(|| Error::bug("the demo has no teams"))
    };
    let (network, billing) = (id_of("network")?, id_of("billing")?);
    let admin = month.cast.staff.iter().find(|c| c.staff.is_admin()).map(|c| c.staff.actor.clone());
    tx.as_of(admin.unwrap_or_else(Actor::operator), month.now - hours(72), |tx| {
        for (name, rule) in wanted(&network, &billing) {
            let definition: Definition = serde_json::from_value(rule).map_err(Error::from_source)?;
            rules::create(tx, NewRule { name: name.into(), definition, enabled: true })?;
        }
        Ok(())
    })?;
    for (subject, text, category, email, name, ago) in FILED {
        let at = month.now - hours(ago);
        let actor = Actor { kind: ActorKind::Anonymous, id: None, name: name.into() };
        let (ticket, change) = tx.as_of(actor, at, |tx| {
            let requester = Requester { email: email.parse()?, name: name.into(), user_id: None };
            let new = NewTicket {
                category: Some(category.into()),
                is_quiet: true,
                ..NewTicket::new(subject, text, Channel::Portal)?
            };
            let ticket = tickets::create(tx, &month.settings, None, For::Stranger(requester), new)?;
            Ok((ticket.id, tx.change_id()))
        })?;
        // The look that was queued, a moment later; its repetition finds that it was done.
        tx.as_of(Actor::system(), at + minutes(1), |tx| {
            jobs::ChangeLooker.run(tx, &jobs::LookAtChange { ticket, change })
        })?;
    }
    Ok(FILED.len())
}
