//! A rule while it is being written: what the form holds, right or not.

use base::{Error, Result};
use desk::{
    rules::{Action, Anchor, Condition, Definition, Field, Happening, Rule, Test, Trigger},
    tickets::{Channel, Priority, Status, TicketType},
};

use super::{views, wording::Wording};
use crate::kit::forms::{Choice, Problem};

/// A condition or an action as typed.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The field of a condition, the word of an action.
    pub word: String,
    pub op: String,
    pub values: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub name: String,
    pub version: Option<i64>,
    pub enabled: bool,
    pub kind: String,
    pub events: Vec<String>,
    pub anchor: String,
    pub amount: String,
    pub unit: String,
    pub side: String,
    pub status: String,
    pub all: Vec<Part>,
    pub any: Vec<Part>,
    pub actions: Vec<Part>,
    pub days: String,
    /// What the button meant.
    pub verb: String,
}

const PLAIN: [&str; 16] = [
    "name",
    "version",
    "enabled",
    "kind",
    "events",
    "anchor",
    "amount",
    "unit",
    "side",
    "status",
    "days",
    "do",
    "new_all",
    "new_any",
    "new_action",
    "confirmed",
];

impl Draft {
    /// A new rule's form.
    pub fn blank() -> Self {
        Self {
            enabled: true,
            kind: "event".into(),
            amount: "4".into(),
            unit: "hours".into(),
            side: "after".into(),
            days: "30".into(),
            ..Self::default()
        }
    }

    pub fn of(rule: &Rule) -> Self {
        let mut draft = Self {
            name: rule.name.clone(),
            version: Some(rule.version),
            enabled: rule.enabled,
            ..Self::blank()
        };
        match &rule.definition.trigger {
            Trigger::Event { events } => draft.events = events.iter().map(ToString::to_string).collect(),
            Trigger::Time { anchor, minutes, status } => {
                draft.kind = "time".into();
                draft.anchor = anchor.to_string();
                draft.status = status.map(|s| s.to_string()).unwrap_or_default();
                draft.side = if *minutes < 0 { "before" } else { "after" }.into();
                let (amount, unit) = match minutes.abs() {
                    m if m % 1440 == 0 => (m / 1440, "days"),
                    m if m % 60 == 0 => (m / 60, "hours"),
                    m => (m, "minutes"),
                };
                draft.amount = amount.to_string();
                draft.unit = unit.into();
            }
        }
        let part = |c: &Condition| Part {
            word: c.field.to_string(),
            op: c.op.to_string(),
            values: if is_listed(c.field) { vec![c.value.join(", ")] } else { c.value.clone() },
        };
        draft.all = rule.definition.all.iter().map(part).collect();
        draft.any = rule.definition.any.iter().map(part).collect();
        let action = |a: &Action| Part { word: a.word().into(), op: String::new(), values: vec![a.value()] };
        draft.actions = rule.definition.actions.iter().map(action).collect();
        draft
    }

    /// What was sent. Names of rows are paths, such as `all[0].op`; their order counts, their numbers do not.
    pub fn read(pairs: &[(String, String)]) -> Result<Self> {
        let mut draft = Self::default();
        let mut rows: Vec<(String, Part)> = Vec::new();
        let mut new = std::collections::HashMap::new();
        for (name, value) in pairs {
            match name.as_str() {
                "name" => draft.name.clone_from(value),
                "version" => draft.version = value.parse().ok(),
                "enabled" => draft.enabled = value == "true",
                "kind" => draft.kind.clone_from(value),
                "events" => draft.events.push(value.clone()),
                "anchor" => draft.anchor.clone_from(value),
                "amount" => draft.amount.clone_from(value),
                "unit" => draft.unit.clone_from(value),
                "side" => draft.side.clone_from(value),
                "status" => draft.status.clone_from(value),
                "days" => draft.days.clone_from(value),
                "do" => draft.verb.clone_from(value),
                "new_all" | "new_any" | "new_action" => {
                    new.insert(name.as_str(), value.clone());
                }
                other => {
                    let split = other.split_once("].").filter(|(at, _)| at.contains('['));
                    let Some((at, what)) = split else {
                        if PLAIN.contains(&other) {
                            continue;
                        }
                        return Err(Error::field(other, "request.form", "is no field of this form"));
                    };
                    let index = rows.iter().position(|(known, _)| known == at).unwrap_or_else(|| {
                        rows.push((at.to_owned(), Part::default()));
                        rows.len() - 1
                    });
                    let part = &mut rows[index].1;
                    match what {
                        "field" | "action" => part.word.clone_from(value),
                        "op" => part.op.clone_from(value),
                        "value" => part.values.push(value.clone()),
                        _ => return Err(Error::field(other, "request.form", "is no field of this form")),
                    }
                }
            }
        }
        let removed = draft.verb.strip_prefix("remove ").map(|at| at.trim_end_matches(']').to_owned());
        for (at, part) in rows.into_iter().filter(|(at, _)| removed.as_ref() != Some(at)) {
            match at.split('[').next() {
                Some("all") => draft.all.push(part),
                Some("any") => draft.any.push(part),
                Some("actions") => draft.actions.push(part),
                _ => return Err(Error::field(at, "request.form", "is no field of this form")),
            }
        }
        let mut add = |select: &str| Part { word: new.remove(select).unwrap_or_default(), ..Part::default() };
        match draft.verb.as_str() {
            "add_all" => draft.all.push(add("new_all")),
            "add_any" => draft.any.push(add("new_any")),
            "add_action" => draft.actions.push(add("new_action")),
            _ => {}
        }
        Ok(draft)
    }

    pub fn days(&self) -> u32 {
        self.days.parse().unwrap_or(30)
    }

    /// The rule it means.
    pub fn definition(&self) -> Result<Definition> {
        let group = |name: &str, parts: &[Part]| {
            parts
                .iter()
                .enumerate()
                .map(|(i, p)| condition(&format!("{name}[{i}]"), p))
                .collect::<Result<Vec<_>>>()
        };
        let actions = self.actions.iter().enumerate().map(|(i, p)| action(&format!("actions[{i}]"), p));
        Ok(Definition {
            trigger: self.trigger()?,
            all: group("all", &self.all)?,
            any: group("any", &self.any)?,
            actions: actions.collect::<Result<_>>()?,
        })
    }

    fn trigger(&self) -> Result<Trigger> {
        if self.kind != "time" {
            let events = self.events.iter().map(|e| e.parse::<Happening>()).collect::<Result<_>>();
            return Ok(Trigger::Event { events: events? });
        }
        let anchor = self.anchor.parse::<Anchor>()?;
        let wrong = || Error::field("amount", "rule.minutes", "a whole number");
        let amount = self.amount.trim().parse::<i64>().map_err(|_| wrong())?;
        let unit = match self.unit.as_str() {
            "days" => 1440,
            "hours" => 60,
            _ => 1,
        };
        let minutes = amount.checked_mul(unit).ok_or_else(wrong)?;
        let minutes = if self.side == "before" { -minutes } else { minutes };
        let status = match anchor {
            Anchor::EnteredStatus => Some(self.status.parse::<Status>()?),
            _ => None,
        };
        Ok(Trigger::Time { anchor, minutes, status })
    }

    /// The form as it stands.
    pub fn view(&self, w: &Wording, id: Option<String>, problems: Vec<Problem>) -> views::Form {
        let say = |key: &str| w.say(key);
        let units = ["minutes", "hours", "days"];
        let sides = ["after", "before"];
        let group = |key: &str, parts: &[Part]| views::Group {
            key: key.into(),
            conditions: parts
                .iter()
                .enumerate()
                .filter_map(|(i, p)| condition_view(w, format!("{key}[{i}]"), p))
                .collect(),
            fields: Field::ALL
                .iter()
                .map(|f| Choice::new(f.as_str(), say(&format!("rules-field-{f}")), false))
                .collect(),
        };
        views::Form {
            id,
            version: self.version.unwrap_or_default(),
            name: self.name.clone(),
            enabled: self.enabled,
            kind: if self.kind == "time" { "time" } else { "event" }.into(),
            events: Happening::ALL
                .iter()
                .map(|h| {
                    let chosen = self.events.iter().any(|e| e == h.as_str());
                    Choice::new(h.as_str(), say(&format!("rules-event-{h}")), chosen)
                })
                .collect(),
            anchors: Anchor::ALL
                .iter()
                .map(|a| {
                    Choice::new(a.as_str(), say(&format!("rules-anchor-{a}")), self.anchor == a.as_str())
                })
                .collect(),
            amount: self.amount.clone(),
            units: units.map(|u| Choice::new(u, say(&format!("rules-unit-{u}")), self.unit == u)).into(),
            sides: sides.map(|s| Choice::new(s, say(&format!("rules-side-{s}")), self.side == s)).into(),
            statuses: Status::ALL
                .iter()
                .map(|s| Choice::new(s.as_str(), say(&format!("status-{s}")), self.status == s.as_str()))
                .collect(),
            groups: vec![group("all", &self.all), group("any", &self.any)],
            actions: self
                .actions
                .iter()
                .enumerate()
                .filter_map(|(i, p)| action_view(w, format!("actions[{i}]"), p))
                .collect(),
            new_actions: Action::WORDS.map(|a| Choice::new(a, say(&format!("rules-do-{a}")), false)).into(),
            days: super::pages::days(w, self.days()),
            problems,
            tried: None,
        }
    }
}

/// Whether several values are typed with commas between them.
fn is_listed(field: Field) -> bool {
    matches!(field, Field::Tags | Field::Requester | Field::Subject | Field::Body)
}

fn listed(values: &[String]) -> Vec<String> {
    values.iter().flat_map(|v| v.split(',')).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).collect()
}

fn condition(at: &str, p: &Part) -> Result<Condition> {
    let field = p.word.parse::<Field>().map_err(|e| e.on_field(format!("{at}.field")))?;
    let op = match p.op.as_str() {
        "" => field.tests()[0],
        op => op.parse::<Test>().map_err(|e| e.on_field(format!("{at}.op")))?,
    };
    let value = if is_listed(field) { listed(&p.values) } else { p.values.clone() };
    Ok(Condition { field, op, value })
}

fn action(at: &str, p: &Part) -> Result<Action> {
    let typed = p.values.first().map(|v| v.trim()).unwrap_or_default();
    let value = match p.word.as_str() {
        "stop" => None,
        "add_tags" | "remove_tags" => Some(serde_json::json!(listed(&p.values))),
        "set_team" | "assign" | "assign_in_turn" | "assign_least_busy" | "escalate"
            if ["", "none"].contains(&typed) =>
        {
            Some(serde_json::Value::Null)
        }
        "add_note" | "answer" => Some(serde_json::json!(p.values.first())),
        _ if typed.is_empty() => {
            return Err(Error::field(format!("{at}.value"), "rule.no_value", "choose one"));
        }
        _ => Some(serde_json::json!(typed)),
    };
    let mut json = serde_json::json!({ "action": p.word });
    if let Some(value) = value {
        json["value"] = value;
    }
    serde_json::from_value(json)
        .map_err(|e| Error::field(format!("{at}.value"), "rule.action", e.to_string()))
}

fn condition_view(w: &Wording, at: String, p: &Part) -> Option<views::Part> {
    let field: Field = p.word.parse().ok()?;
    let words = |all: Vec<&'static str>| all.into_iter().map(|v| (v.to_owned(), w.value(field, v))).collect();
    let (control, options): (&str, Vec<(String, String)>) = match field {
        Field::Status => ("chips", words(Status::ALL.iter().map(|s| s.as_str()).collect())),
        Field::Priority => ("chips", words(Priority::ALL.iter().map(|s| s.as_str()).collect())),
        Field::Channel => ("chips", words(Channel::ALL.iter().map(|s| s.as_str()).collect())),
        Field::TicketType => ("chips", words(TicketType::ALL.iter().map(|s| s.as_str()).collect())),
        Field::Category => ("chips", w.categories.iter().map(|c| (c.slug.clone(), c.name.clone())).collect()),
        Field::Assignee => ("chips", people(w, Some("rules-nobody"))),
        Field::Team => ("chips", team_choices(w, Some("rules-no-team"))),
        Field::IsFollowUp => ("select", words(vec!["yes", "no"])),
        Field::HoursSinceCreated | Field::HoursSinceMessage => ("number", Vec::new()),
        Field::Tags | Field::Requester | Field::Subject | Field::Body => ("text", Vec::new()),
    };
    Some(views::Part {
        at,
        word: field.to_string(),
        label: w.say(&format!("rules-field-{field}")),
        ops: field
            .tests()
            .iter()
            .map(|t| Choice::new(t.as_str(), w.say(&format!("rules-op-{t}")), p.op == t.as_str()))
            .collect(),
        control: control.into(),
        choices: chosen(options, &p.values),
        value: p.values.join(", "),
        hint: if is_listed(field) { w.say(&format!("rules-hint-{field}")) } else { String::new() },
    })
}

fn chosen(options: Vec<(String, String)>, values: &[String]) -> Vec<Choice> {
    let mut out: Vec<Choice> = options
        .into_iter()
        .map(|(value, label)| {
            let selected = values.contains(&value);
            Choice::new(value, label, selected)
        })
        .collect();
    // What was chosen and is gone stays visible, so that it can be taken away.
    for value in values.iter().filter(|v| !v.is_empty()) {
        if !out.is_empty() && !out.iter().any(|c| c.value == *value) {
            out.push(Choice::new(value.clone(), value.clone(), true));
        }
    }
    out
}

fn people(w: &Wording, none: Option<&str>) -> Vec<(String, String)> {
    let none = none.map(|key| ("none".to_owned(), w.say(key)));
    let active = w.staff.iter().filter(|u| u.disabled_at.is_none());
    none.into_iter().chain(active.map(|u| (u.id.to_string(), u.name.clone()))).collect()
}

fn team_choices(w: &Wording, none: Option<&str>) -> Vec<(String, String)> {
    let none = none.map(|key| ("none".to_owned(), w.say(key)));
    none.into_iter().chain(w.teams.iter().map(|t| (t.id.to_string(), t.name.clone()))).collect()
}

fn action_view(w: &Wording, at: String, p: &Part) -> Option<views::Part> {
    let word = p.word.as_str();
    if !Action::WORDS.contains(&word) {
        return None;
    }
    let words = |prefix: &str, all: &[&str]| -> Vec<(String, String)> {
        all.iter().map(|v| ((*v).to_owned(), w.say(&format!("{prefix}-{v}")))).collect()
    };
    let (control, options) = match word {
        "set_status" => ("select", words("status", &["open", "in_progress", "pending_customer", "resolved"])),
        "close" => ("select", words("rules-close", &["solved", "no_reply", "duplicate"])),
        "set_priority" => ("select", words("priority", &["low", "normal", "high", "urgent"])),
        "set_category" => {
            let open = w.categories.iter().filter(|c| c.archived_at.is_none());
            ("select", open.map(|c| (c.slug.clone(), c.name.clone())).collect())
        }
        "set_team" => ("select", team_choices(w, Some("rules-no-team"))),
        "assign_in_turn" | "assign_least_busy" => ("select", team_choices(w, Some("rules-own-team"))),
        "notify_team" => ("select", team_choices(w, None)),
        "assign" => ("select", people(w, Some("rules-nobody"))),
        "escalate" => ("select", people(w, Some("rules-one-level"))),
        "notify_user" | "add_watcher" => ("select", people(w, None)),
        "add_note" | "answer" => ("markdown", Vec::new()),
        "stop" => ("nothing", Vec::new()),
        _ => ("text", Vec::new()),
    };
    Some(views::Part {
        at,
        word: word.to_owned(),
        label: w.say(&format!("rules-do-{word}")),
        ops: Vec::new(),
        control: control.into(),
        choices: chosen(options, &p.values),
        value: p.values.first().cloned().unwrap_or_default(),
        hint: match word {
            "add_tags" | "remove_tags" => w.say("rules-hint-tags"),
            "add_note" => w.with("rules-hint-note", &[("example", "{{ticket.number}}")]),
            "answer" => w.with("rules-hint-answer", &[("example", "{{customer.first_name}}")]),
            _ => String::new(),
        },
    })
}
