//! Whether rules would start each other for ever.
//!
//! Rules are followed as if they fired wherever they might, keeping what is known of the ticket after each: a rule that
//! sets what is set already starts nothing. When the same rule is reached with the same knowledge twice, it never ends.
//! What cannot be known here (words, hours) may always hold; messages of rules start no rule, so only fields matter.

use std::collections::{BTreeMap, HashSet};

use super::model::*;
use crate::tickets::Status;

/// Rules looked at before it is left to the guard at run time.
const STEPS_MAX: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Slot {
    Status,
    Priority,
    Category,
    Team,
    Assignee,
    Tag(String),
}

/// What is known of a ticket; what is not in it may be anything.
type Known = BTreeMap<Slot, String>;

/// An assignee that is chosen when the rule runs.
const SOMEBODY: &str = "somebody";

/// What a change tells other rules.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Happening(Happening),
    Entered(String),
}

/// The names of rules that would go round, in order, the first again at the end; none when it ends by itself.
///
/// `rules` are the names and definitions of those that are on; it is asked of the one at `begin`.
pub fn find_loop(rules: &[(&str, &Definition)], begin: usize) -> Option<Vec<String>> {
    let (_, first) = rules.get(begin)?;
    let mut search = Search { rules, path: Vec::new(), done: HashSet::new(), steps: 0 };
    let mut start = Known::new();
    if let Trigger::Time { status: Some(status), .. } = &first.trigger {
        start.insert(Slot::Status, status.to_string());
    }
    if !possible(first, &start) {
        return None;
    }
    search.visit(begin, assume(first, start))
}

struct Search<'a> {
    rules: &'a [(&'a str, &'a Definition)],
    path: Vec<(usize, Known)>,
    done: HashSet<(usize, Known)>,
    steps: usize,
}

impl Search<'_> {
    fn visit(&mut self, rule: usize, known: Known) -> Option<Vec<String>> {
        let here = (rule, known);
        if let Some(at) = self.path.iter().position(|p| *p == here) {
            let mut names: Vec<String> =
                self.path[at..].iter().map(|(r, _)| self.rules[*r].0.to_owned()).collect();
            names.push(self.rules[rule].0.to_owned());
            return Some(names);
        }
        self.steps += 1;
        if self.steps > STEPS_MAX || self.done.contains(&here) {
            return None;
        }
        let (after, told) = apply(self.rules[rule].1, here.1.clone());
        self.path.push(here);
        for (next, (_, definition)) in self.rules.iter().enumerate() {
            if is_started(&definition.trigger, &told) && possible(definition, &after) {
                let found = self.visit(next, assume(definition, after.clone()));
                if found.is_some() {
                    return found;
                }
            }
        }
        self.done.extend(self.path.pop());
        None
    }
}

fn is_started(trigger: &Trigger, told: &[Told]) -> bool {
    told.iter().any(|t| match (trigger, t) {
        (Trigger::Event { events }, Told::Happening(h)) => events.contains(h),
        (Trigger::Time { anchor: Anchor::EnteredStatus, status, .. }, Told::Entered(entered)) => {
            status.is_some_and(|s| s.as_str() == entered)
        }
        _ => false,
    })
}

/// Whether a condition holds: yes, no, or it cannot be said.
fn holds(c: &Condition, known: &Known) -> Option<bool> {
    let slot = match c.field {
        Field::Status => Slot::Status,
        Field::Priority => Slot::Priority,
        Field::Category => Slot::Category,
        Field::Team => Slot::Team,
        Field::Assignee => Slot::Assignee,
        Field::Tags => return tags_hold(c, known),
        _ => return None,
    };
    let value = known.get(&slot)?;
    let is = if slot == Slot::Assignee && value == SOMEBODY {
        // Somebody is not nobody; who it is, is not known.
        if c.value.iter().any(|v| v != "none") {
            return None;
        }
        false
    } else {
        c.value.contains(value)
    };
    Some(is != c.op.is_negative())
}

fn tags_hold(c: &Condition, known: &Known) -> Option<bool> {
    let each: Vec<Option<bool>> =
        c.value.iter().map(|tag| known.get(&Slot::Tag(tag.clone())).map(|v| v == "yes")).collect();
    let has = if each.contains(&Some(true)) {
        true
    } else if each.iter().all(|e| *e == Some(false)) {
        false
    } else {
        return None;
    };
    Some(has != c.op.is_negative())
}

fn possible(d: &Definition, known: &Known) -> bool {
    d.all.iter().all(|c| holds(c, known) != Some(false))
        && (d.any.is_empty() || d.any.iter().any(|c| holds(c, known) != Some(false)))
}

/// What is known once the conditions held.
fn assume(d: &Definition, mut known: Known) -> Known {
    for c in &d.all {
        let slot = match c.field {
            Field::Status => Slot::Status,
            Field::Priority => Slot::Priority,
            Field::Category => Slot::Category,
            Field::Team => Slot::Team,
            Field::Assignee => Slot::Assignee,
            Field::Tags => {
                if c.op == Test::HasNot {
                    known.extend(c.value.iter().map(|tag| (Slot::Tag(tag.clone()), "no".into())));
                } else if let [tag] = c.value.as_slice() {
                    known.insert(Slot::Tag(tag.clone()), "yes".into());
                }
                continue;
            }
            _ => continue,
        };
        if let (Test::Is, [value]) = (c.op, c.value.as_slice()) {
            known.insert(slot, value.clone());
        } else if c.field == Field::Assignee && c.op == Test::IsNot && c.value == ["none"] {
            known.entry(slot).or_insert_with(|| SOMEBODY.into());
        }
    }
    known
}

/// What is known after the actions, and what they tell.
fn apply(d: &Definition, mut known: Known) -> (Known, Vec<Told>) {
    let mut told = Vec::new();
    for action in &d.actions {
        match action {
            Action::SetStatus(s) => set_status(&mut known, *s, &mut told),
            Action::Close(_) => set_status(&mut known, Status::Closed, &mut told),
            Action::SetPriority(p) => {
                set(&mut known, Slot::Priority, p.to_string(), Happening::PriorityChanged, &mut told);
            }
            Action::SetCategory(c) => {
                set(&mut known, Slot::Category, c.clone(), Happening::CategoryChanged, &mut told);
            }
            Action::SetTeam(_) => {
                set(&mut known, Slot::Team, action.value(), Happening::TeamChanged, &mut told);
            }
            Action::Assign(_) => {
                set(&mut known, Slot::Assignee, action.value(), Happening::AssigneeChanged, &mut told);
            }
            Action::AssignInTurn(_) | Action::AssignLeastBusy(_) => {
                known.insert(Slot::Assignee, SOMEBODY.into());
                told.push(Told::Happening(Happening::AssigneeChanged));
            }
            Action::AddTags(tags) | Action::RemoveTags(tags) => {
                let value = if matches!(action, Action::AddTags(_)) { "yes" } else { "no" };
                for tag in tags {
                    let slot = Slot::Tag(tag.clone());
                    set(&mut known, slot, value.into(), Happening::TagsChanged, &mut told);
                }
            }
            _ => {}
        }
    }
    (known, told)
}

fn set(known: &mut Known, slot: Slot, value: String, happening: Happening, told: &mut Vec<Told>) {
    if known.insert(slot, value.clone()).as_ref() != Some(&value) {
        told.push(Told::Happening(happening));
    }
}

fn set_status(known: &mut Known, to: Status, told: &mut Vec<Told>) {
    let before = known.insert(Slot::Status, to.to_string());
    if before.as_deref() == Some(to.as_str()) {
        return;
    }
    told.push(Told::Happening(Happening::StatusChanged));
    told.push(Told::Entered(to.to_string()));
    let was_live = before.and_then(|b| b.parse::<Status>().ok()).is_some_and(Status::is_live);
    if to.is_live() && !was_live {
        told.push(Told::Happening(Happening::Reopened));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(json: serde_json::Value) -> Definition {
        serde_json::from_value(json).unwrap()
    }
    fn on(event: &str, all: serde_json::Value, actions: serde_json::Value) -> Definition {
        rule(
            serde_json::json!({ "trigger": { "kind": "event", "events": [event] }, "all": all, "actions": actions }),
        )
    }
    fn goes_round(rules: &[&Definition]) -> Option<Vec<String>> {
        let names = ["a", "b", "c"];
        let named: Vec<(&str, &Definition)> = names.into_iter().zip(rules.iter().copied()).collect();
        find_loop(&named, 0)
    }

    #[test]
    fn two_that_undo_each_other_go_round_and_are_named() {
        let a = on(
            "status_changed",
            serde_json::json!([{ "field": "status", "op": "is", "value": "open" }]),
            serde_json::json!([{ "action": "set_status", "value": "pending_customer" }]),
        );
        let b = on(
            "status_changed",
            serde_json::json!([{ "field": "status", "op": "is", "value": "pending_customer" }]),
            serde_json::json!([{ "action": "set_status", "value": "open" }]),
        );
        assert_eq!(goes_round(&[&a, &b]).unwrap(), ["a", "b", "a"]);
        assert_eq!(goes_round(&[&a]), None);
    }

    #[test]
    fn setting_what_is_set_ends() {
        let a = on(
            "status_changed",
            serde_json::json!([]),
            serde_json::json!([{ "action": "set_status", "value": "open" }]),
        );
        assert_eq!(goes_round(&[&a]), None);
        let tags = on(
            "tags_changed",
            serde_json::json!([]),
            serde_json::json!([{ "action": "add_tags", "value": ["x"] }, { "action": "add_note", "value": "tagged" }]),
        );
        assert_eq!(goes_round(&[&tags]), None);
    }

    #[test]
    fn a_turn_that_starts_the_next_turn_goes_round_unless_somebody_has_it() {
        let turn = serde_json::json!([{ "action": "assign_in_turn", "value": null }]);
        let a = on("assignee_changed", serde_json::json!([]), turn.clone());
        assert_eq!(goes_round(&[&a]).unwrap(), ["a", "a"]);
        let b = on(
            "assignee_changed",
            serde_json::json!([{ "field": "assignee", "op": "is", "value": "none" }]),
            turn,
        );
        assert_eq!(goes_round(&[&b]), None);
    }

    #[test]
    fn what_comes_by_the_clock_goes_round_too() {
        let timed = |status: &str, to: &str| {
            rule(serde_json::json!({
                "trigger": { "kind": "time", "anchor": "entered_status", "minutes": 60, "status": status },
                "actions": [{ "action": "set_status", "value": to }],
            }))
        };
        assert!(
            goes_round(&[&timed("open", "pending_customer"), &timed("pending_customer", "open")]).is_some()
        );
        assert!(goes_round(&[&timed("open", "pending_customer"), &timed("resolved", "open")]).is_none());
    }

    #[test]
    fn three_by_way_of_tags_and_team() {
        let a = on(
            "tags_changed",
            serde_json::json!([{ "field": "tags", "op": "has", "value": "vip" }]),
            serde_json::json!([{ "action": "set_priority", "value": "urgent" }]),
        );
        let b = on(
            "priority_changed",
            serde_json::json!([{ "field": "priority", "op": "is", "value": "urgent" }]),
            serde_json::json!([{ "action": "remove_tags", "value": ["vip"] }, { "action": "set_priority", "value": "low" }]),
        );
        let c = on(
            "tags_changed",
            serde_json::json!([{ "field": "tags", "op": "has_not", "value": "vip" }]),
            serde_json::json!([{ "action": "add_tags", "value": ["vip"] }]),
        );
        assert!(goes_round(&[&a, &b, &c]).is_some());
        assert!(goes_round(&[&a, &b]).is_none());
    }
}
