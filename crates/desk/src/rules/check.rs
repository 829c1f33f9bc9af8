//! What may be saved. Every error names the path of what is wrong, such as `all[1].value`.

use base::{Email, Error, Id, Result};
use db::Read;
use identity::{User, teams, teams::Team, users};

use super::model::*;
use crate::{
    categories, macros,
    tickets::{self, Channel, CloseReason, Markdown, Priority, Status, TicketType},
};

/// Characters of a name.
pub const NAME_MAX: usize = 100;
/// The longest wait of a time-based rule: 90 days.
pub const MINUTES_MAX: i64 = 90 * 24 * 60;
const CONDITIONS_MAX: usize = 20;
const ACTIONS_MAX: usize = 20;
const VALUES_MAX: usize = 50;
const HOURS_MAX: i64 = 8760;

/// Checks all of a definition and brings values into one spelling.
pub(super) fn definition(read: &Read<'_>, d: &Definition) -> Result<Definition> {
    trigger(&d.trigger)?;
    for (name, group) in [("all", &d.all), ("any", &d.any)] {
        if group.len() > CONDITIONS_MAX {
            let message = format!("at most {CONDITIONS_MAX} conditions");
            return Err(Error::field(name, "rule.too_many_conditions", message));
        }
    }
    let group = |name: &str, conditions: &[Condition]| {
        let each = conditions.iter().enumerate();
        each.map(|(i, c)| condition(read, &format!("{name}[{i}]"), c)).collect::<Result<Vec<_>>>()
    };
    if d.actions.is_empty() {
        return Err(Error::field("actions", "rule.no_action", "at least one action"));
    }
    if d.actions.len() > ACTIONS_MAX {
        return Err(Error::field(
            "actions",
            "rule.too_many_actions",
            format!("at most {ACTIONS_MAX} actions"),
        ));
    }
    let actions = d.actions.iter().enumerate().map(|(i, a)| action(read, &format!("actions[{i}].value"), a));
    let (all, any) = (group("all", &d.all)?, group("any", &d.any)?);
    Ok(Definition { trigger: d.trigger.clone(), all, any, actions: actions.collect::<Result<_>>()? })
}

fn trigger(t: &Trigger) -> Result<()> {
    match t {
        Trigger::Event { events } if events.is_empty() => {
            let known: Vec<_> = Happening::ALL.iter().map(|h| h.as_str()).collect();
            let message = format!("at least one of {}", known.join(", "));
            Err(Error::field("trigger.events", "rule.no_event", message))
        }
        Trigger::Event { .. } => Ok(()),
        Trigger::Time { anchor, minutes, status } => {
            let least = if *anchor == Anchor::Due { -MINUTES_MAX } else { 1 };
            if !(least..=MINUTES_MAX).contains(minutes) {
                let message = format!("from {least} to {MINUTES_MAX} minutes");
                return Err(Error::field("trigger.minutes", "rule.minutes", message));
            }
            match (anchor, status) {
                (Anchor::EnteredStatus, None) => {
                    let message = "the status it counts from, such as pending_customer";
                    Err(Error::field("trigger.status", "rule.status_missing", message))
                }
                (Anchor::EnteredStatus, Some(_)) | (_, None) => Ok(()),
                (_, Some(_)) => {
                    let message = "goes with the anchor entered_status";
                    Err(Error::field("trigger.status", "rule.status_without_anchor", message))
                }
            }
        }
    }
}

fn condition(read: &Read<'_>, path: &str, c: &Condition) -> Result<Condition> {
    if !c.field.tests().contains(&c.op) {
        let possible: Vec<_> = c.field.tests().iter().map(|t| t.as_str()).collect();
        let message = format!("{} is compared by {}", c.field, possible.join(" or "));
        return Err(Error::field(format!("{path}.op"), "rule.op", message));
    }
    let at = format!("{path}.value");
    let values: Vec<&str> = c.value.iter().map(|v| v.trim()).filter(|v| !v.is_empty()).collect();
    if values.is_empty() {
        return Err(Error::field(at, "rule.no_value", "at least one value"));
    }
    if values.len() > VALUES_MAX {
        return Err(Error::field(at, "rule.too_many_values", format!("at most {VALUES_MAX} values")));
    }
    let single = matches!(c.field, Field::HoursSinceCreated | Field::HoursSinceMessage | Field::IsFollowUp);
    if single && values.len() > 1 {
        return Err(Error::field(at, "rule.one_value", "one value"));
    }
    let mut value: Vec<String> = values
        .iter()
        .map(|v| one_value(read, c.field, v).map_err(|e| e.on_field(at.clone())))
        .collect::<Result<_>>()?;
    if value.len() > 1 {
        let mut seen = std::collections::HashSet::new();
        value.retain(|v| seen.insert(v.clone()));
    }
    Ok(Condition { field: c.field, op: c.op, value })
}

fn one_value(read: &Read<'_>, field: Field, v: &str) -> Result<String> {
    Ok(match field {
        Field::Status => v.parse::<Status>()?.to_string(),
        Field::Priority => v.parse::<Priority>()?.to_string(),
        Field::TicketType => v.parse::<TicketType>()?.to_string(),
        Field::Channel => v.parse::<Channel>()?.to_string(),
        Field::Category if categories::all(read)?.iter().any(|c| c.slug == v) => v.to_owned(),
        Field::Category => return Err(unknown("category")),
        Field::Assignee | Field::Team if v == "none" => v.to_owned(),
        Field::Assignee => {
            let id = v.parse().map_err(|_| unknown("member of the staff, or none"))?;
            person(read, id)?.to_string()
        }
        Field::Team => {
            let id = v.parse().map_err(|_| unknown("team, or none"))?;
            team(read, id)?.to_string()
        }
        Field::Tags => tickets::check_tags(&[v.to_owned()])?.remove(0),
        Field::Requester => requester(v)?,
        Field::Subject | Field::Body => {
            if db::search::tokenize(v).is_empty() || v.len() > 200 {
                return Err(Error::field("value", "rule.words", "a word or a phrase of at most 200 bytes"));
            }
            v.to_owned()
        }
        Field::HoursSinceCreated | Field::HoursSinceMessage => match v.parse::<i64>() {
            Ok(hours) if (0..=HOURS_MAX).contains(&hours) => hours.to_string(),
            _ => {
                let message = format!("a whole number of hours from 0 to {HOURS_MAX}");
                return Err(Error::field("value", "rule.hours", message));
            }
        },
        Field::IsFollowUp => match v {
            "yes" | "no" => v.to_owned(),
            "true" => "yes".into(),
            "false" => "no".into(),
            _ => return Err(Error::field("value", "rule.yes_or_no", "yes or no")),
        },
    })
}

/// An address, or a domain, of which `@` in front is left out.
fn requester(v: &str) -> Result<String> {
    let v = v.to_lowercase();
    let wrong = || Error::field("value", "rule.requester", "an address, or a domain such as example.org");
    match v.trim_start_matches('@') {
        domain if !domain.contains('@') => {
            let whole = format!("x@{domain}");
            whole.parse::<Email>().map(|_| domain.to_owned()).map_err(|_| wrong())
        }
        address => address.parse::<Email>().map(|e| e.key()).map_err(|_| wrong()),
    }
}

fn unknown(what: &str) -> Error {
    Error::field("value", "rule.unknown_value", format!("there is no such {what}"))
}

fn person(read: &Read<'_>, id: Id<User>) -> Result<Id<User>> {
    match users::find(read, id)? {
        Some(user) if user.role.is_staff() => Ok(id),
        _ => Err(unknown("member of the staff")),
    }
}

fn active_person(read: &Read<'_>, id: Id<User>) -> Result<()> {
    match users::find(read, id)? {
        Some(user) if user.role.is_staff() && user.disabled_at.is_none() => Ok(()),
        _ => Err(unknown("active member of the staff")),
    }
}

fn team(read: &Read<'_>, id: Id<Team>) -> Result<Id<Team>> {
    teams::get(read, id).map(|t| t.id).map_err(|_| unknown("team"))
}

fn action(read: &Read<'_>, path: &str, a: &Action) -> Result<Action> {
    let checked = match a {
        Action::SetStatus(Status::New | Status::Closed | Status::Archived) => Err(Error::field(
            "value",
            "rule.status",
            "one of open, in_progress, pending_customer, resolved; to close it use the action close",
        )),
        Action::Close(CloseReason::Spam) => {
            Err(Error::field("value", "rule.close_reason", "one of solved, duplicate, no_reply"))
        }
        Action::SetCategory(slug) => categories::check(read, slug).map(Action::SetCategory),
        Action::SetTeam(Some(id))
        | Action::AssignInTurn(Some(id))
        | Action::AssignLeastBusy(Some(id))
        | Action::NotifyTeam(id) => team(read, *id).map(|_| a.clone()),
        Action::Assign(Some(id))
        | Action::Escalate(Some(id))
        | Action::NotifyUser(id)
        | Action::AddWatcher(id) => active_person(read, *id).map(|()| a.clone()),
        Action::AddTags(tags) => some_tags(tags).map(Action::AddTags),
        Action::RemoveTags(tags) => some_tags(tags).map(Action::RemoveTags),
        Action::AddNote(text) => text_of(text).map(Action::AddNote),
        Action::Answer(text) => text_of(text).map(Action::Answer),
        other => Ok(other.clone()),
    };
    checked.map_err(|e| e.on_field(path))
}

fn some_tags(tags: &[String]) -> Result<Vec<String>> {
    if tags.is_empty() {
        return Err(Error::field("value", "rule.no_value", "at least one tag"));
    }
    tickets::check_tags(tags)
}

/// A text as it is kept; placeholders are named now, not when nobody looks.
fn text_of(text: &str) -> Result<String> {
    let source = Markdown::parse("value", text)?.source;
    macros::check("value", &source).map(|()| source)
}
