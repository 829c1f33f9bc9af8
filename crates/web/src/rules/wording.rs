//! Rules in words: what they say, what they saw, what they did.

use std::collections::HashMap;

use base::Result;
use db::Read;
use desk::{
    categories,
    rules::{Action, Anchor, Condition, Definition, Did, Field, Looked, Rule, Run, Trigger, dry_run},
};
use identity::{User, teams, teams::Team, users};

use super::views;
use crate::kit::{lists::Pager, words};

/// The names that stand for ids, and the reader's language.
pub struct Wording {
    pub staff: Vec<User>,
    pub teams: Vec<Team>,
    pub categories: Vec<categories::Category>,
    names: HashMap<String, String>,
    locale: String,
}

impl Wording {
    pub fn load(read: &Read<'_>, locale: &str) -> Result<Self> {
        let (staff, teams, categories) = (users::staff(read)?, teams::all(read)?, categories::all(read)?);
        let mut names: HashMap<String, String> =
            staff.iter().map(|u| (u.id.to_string(), u.name.clone())).collect();
        names.extend(teams.iter().map(|t| (t.id.to_string(), t.name.clone())));
        Ok(Self { staff, teams, categories, names, locale: locale.to_owned() })
    }

    pub fn say(&self, key: &str) -> String {
        words::say(&self.locale, key)
    }
    pub fn with(&self, key: &str, args: &[(&'static str, &str)]) -> String {
        words::say_with(&self.locale, key, args)
    }

    fn name(&self, id: &str) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| self.say("rules-somebody-gone"))
    }

    fn or(&self, texts: Vec<String>) -> String {
        texts.join(&format!(" {} ", self.say("rules-or")))
    }

    pub fn value(&self, field: Field, value: &str) -> String {
        match field {
            Field::Status => self.say(&format!("status-{value}")),
            Field::Priority => self.say(&format!("priority-{value}")),
            Field::TicketType => self.say(&format!("type-{value}")),
            Field::Channel => self.say(&format!("channel-{value}")),
            Field::Category => self.category(value),
            Field::Assignee if value == "none" => self.say("rules-nobody"),
            Field::Team if value == "none" => self.say("rules-no-team"),
            Field::Assignee | Field::Team => self.name(value),
            Field::IsFollowUp => self.say(&format!("rules-{value}")),
            Field::Subject | Field::Body => format!("\u{201c}{value}\u{201d}"),
            Field::HoursSinceCreated | Field::HoursSinceMessage => self.with("rules-hours", &[("n", value)]),
            Field::Tags | Field::Requester => value.to_owned(),
        }
    }

    fn category(&self, slug: &str) -> String {
        self.categories.iter().find(|c| c.slug == slug).map_or_else(|| slug.to_owned(), |c| c.name.clone())
    }

    pub fn condition(&self, c: &Condition) -> String {
        let values = self.or(c.value.iter().map(|v| self.value(c.field, v)).collect());
        let field = self.say(&format!("rules-field-{}", c.field));
        let op = self.say(&format!("rules-op-{}", c.op));
        self.with("rules-condition", &[("field", &field), ("op", &op), ("value", &values)])
    }

    pub fn span(&self, minutes: i64) -> String {
        let minutes = minutes.abs();
        let (n, unit) = if minutes % 1440 == 0 {
            (minutes / 1440, "days")
        } else if minutes % 60 == 0 {
            (minutes / 60, "hours")
        } else {
            (minutes, "minutes")
        };
        self.with(&format!("rules-span-{unit}{}", if n == 1 { "-one" } else { "" }), &[("n", &n.to_string())])
    }

    pub fn trigger(&self, t: &Trigger) -> String {
        match t {
            Trigger::Event { events } => {
                self.or(events.iter().map(|e| self.say(&format!("rules-event-{e}"))).collect())
            }
            Trigger::Time { anchor, minutes, status } => {
                let anchor = match (anchor, status) {
                    (Anchor::EnteredStatus, Some(status)) => {
                        let status = self.say(&format!("status-{status}"));
                        self.with("rules-anchor-entered", &[("status", &status)])
                    }
                    (anchor, _) => self.say(&format!("rules-anchor-{anchor}")),
                };
                let key = match minutes {
                    0 => return anchor,
                    1.. => "rules-time-after",
                    _ => "rules-time-before",
                };
                self.with(key, &[("span", &self.span(*minutes)), ("anchor", &anchor)])
            }
        }
    }

    /// The value of an action, by its wire word.
    fn done_to(&self, action: &str, value: &str) -> String {
        match action {
            "set_status" => self.say(&format!("status-{value}")),
            "close" => self.say(&format!("rules-close-{value}")),
            "set_priority" => self.say(&format!("priority-{value}")),
            "set_category" => self.category(value),
            "set_team" if value == "none" => self.say("rules-no-team"),
            "assign" if value == "none" => self.say("rules-nobody"),
            "assign_in_turn" | "assign_least_busy" if value == "none" => self.say("rules-own-team"),
            "set_team" | "assign" | "assign_in_turn" | "assign_least_busy" | "notify_user"
            | "notify_team" | "add_watcher" => self.name(value),
            "escalate" if value == "none" => self.say("rules-one-level"),
            "escalate" => self.name(value),
            "add_note" | "answer" => {
                let line = value.lines().next().unwrap_or_default();
                let short: String = line.chars().take(80).collect();
                let more = short.len() < value.len();
                format!("\u{201c}{short}{}\u{201d}", if more { "\u{2026}" } else { "" })
            }
            _ => value.to_owned(),
        }
    }

    pub fn action(&self, a: &Action) -> String {
        self.with(&format!("rules-does-{}", a.word()), &[("value", &self.done_to(a.word(), &a.value()))])
    }

    pub fn did(&self, d: &Did) -> String {
        let what = self.say(&format!("rules-do-{}", d.action));
        // What was there before and after, where both can be said.
        let shown = |value: &String| match d.action.as_str() {
            "close" => self.say(&format!("status-{value}")),
            "assign_in_turn" | "assign_least_busy" => self.name(value),
            "escalate" => self.with("rules-level", &[("n", value)]),
            "add_tags" | "remove_tags" if value.is_empty() => self.say("rules-no-tags"),
            word => self.done_to(word, value),
        };
        match (d.result.as_str(), &d.from, &d.to) {
            ("nobody_available", ..) => self.with("rules-did-nobody", &[("what", &what)]),
            ("no_change", ..) => self.with("rules-did-nothing", &[("what", &what)]),
            (_, Some(from), Some(to)) => {
                let (from, to) = (shown(from), shown(to));
                self.with("rules-did-from-to", &[("what", &what), ("from", &from), ("to", &to)])
            }
            (_, None, Some(to)) if !to.is_empty() => {
                self.with("rules-did-to", &[("what", &what), ("to", &shown(to))])
            }
            _ => what,
        }
    }

    pub fn looked(&self, l: &Looked) -> views::Looked {
        let c = Condition { field: l.field, op: l.op, value: l.expected.clone() };
        let actual = match l.field {
            Field::Body => None,
            Field::Tags if l.actual.is_empty() => Some(self.say("rules-no-tags")),
            _ => {
                let all: Vec<String> = l.actual.iter().map(|v| self.value(l.field, v)).collect();
                Some(all.join(", "))
            }
        };
        views::Looked { holds: l.holds, text: self.condition(&c), actual }
    }

    pub fn sentence(&self, d: &Definition) -> views::Sentence {
        views::Sentence {
            when: self.trigger(&d.trigger),
            all: d.all.iter().map(|c| self.condition(c)).collect(),
            any: d.any.iter().map(|c| self.condition(c)).collect(),
            then: d.actions.iter().map(|a| self.action(a)).collect(),
        }
    }

    pub fn run(&self, r: Run) -> views::Run {
        let started = r.started_by.iter().map(|s| match s.parse::<Anchor>() {
            Ok(anchor) => self.say(&format!("rules-clock-{anchor}")),
            Err(_) => self.say(&format!("rules-event-{s}")),
        });
        let reason = r.reason.map(|reason| {
            let key = format!("rules-stopped-{reason}");
            words::get(&self.locale, &key, None).unwrap_or(reason)
        });
        views::Run {
            rule_href: format!("/admin/rules/{}", r.rule_id),
            rule_name: r.rule_name,
            ticket_href: format!("/desk/tickets/{}", r.ticket_id),
            ticket_number: r.ticket_number,
            outcome: r.outcome.to_string(),
            reason,
            started_by: self.or(started.collect()),
            conditions: r.conditions.iter().map(|l| self.looked(l)).collect(),
            actions: r.actions.iter().map(|d| self.did(d)).collect(),
            created_at: r.created_at,
        }
    }

    pub fn tried(&self, d: dry_run::DryRun, pager: Pager) -> views::Tried {
        let would = |w: dry_run::Would| views::Would {
            href: format!("/desk/tickets/{}", w.ticket_id),
            number: w.ticket_number,
            subject: w.subject,
            created_at: w.created_at,
            matches: w.matches,
            conditions: w.conditions.iter().map(|l| self.looked(l)).collect(),
            actions: w.actions.iter().map(|a| self.did(a)).collect(),
        };
        views::Tried {
            looked_at: d.looked_at,
            matched: d.matched,
            is_capped: d.is_capped,
            items: d.items.into_iter().map(would).collect(),
            pager,
        }
    }

    pub fn row(&self, r: &Rule) -> views::Row {
        views::Row {
            id: r.id.to_string(),
            name: r.name.clone(),
            sentence: self.sentence(&r.definition),
            enabled: r.enabled,
            ..views::Row::default()
        }
    }
}
