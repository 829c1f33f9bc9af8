//! Making, changing, ordering and deleting rules.

use base::{Error, Id, Kind, Result, text};
use db::Tx;
use engine::Enqueue as _;
use identity::audit::{self, Change};
use uuid::Uuid;

use super::{check, jobs::TakeOnDue, loops, model::*, store};

/// A rule about to be made.
#[derive(Clone, Debug)]
pub struct NewRule {
    pub name: String,
    pub definition: Definition,
    pub enabled: bool,
}

/// What to change; absent fields stay.
#[derive(Clone, Debug, Default)]
pub struct RulePatch {
    pub name: Option<String>,
    pub trigger: Option<Trigger>,
    pub all: Option<Vec<Condition>>,
    pub any: Option<Vec<Condition>>,
    pub actions: Option<Vec<Action>>,
    pub enabled: Option<bool>,
    pub expected_version: Option<i64>,
}

/// A tenant has so many rules at most: each change looks at all that listen.
const RULES_MAX: usize = 200;

/// Makes a rule, last in order. One that is on looks at what happens from now on.
///
/// # Errors
/// Those of its parts, by path; `rule.loop` when it and others would start each other for ever.
pub fn create(tx: &mut Tx<'_>, new: NewRule) -> Result<Rule> {
    let name = text::line("name", &new.name, check::NAME_MAX)?;
    let definition = check::definition(tx, &new.definition)?;
    let all = store::all(tx)?;
    if all.len() >= RULES_MAX {
        return Err(Error::conflict(
            "rule.too_many",
            format!("there are {RULES_MAX} rules, which is the most"),
        ));
    }
    let now = tx.now();
    let rule = Rule {
        id: tx.new_id(),
        name,
        position: all.last().map_or(0, |r| r.position) + 1,
        definition,
        enabled: new.enabled,
        active_since: new.enabled.then_some(now),
        version: 1,
        created_by: tx.actor().name.clone(),
        created_at: now,
        updated_at: now,
    };
    check_loops(&all, &rule)?;
    store::insert(tx, &rule)?;
    begin(tx, &rule)?;
    audit::record(tx, Change::new("rule.created", "rule", Some(rule.id.uuid())).to(&rule))?;
    store::get(tx, rule.id)
}

/// Changes a rule. Another trigger, or switching it on, begins anew: what happened before starts nothing.
pub fn change(tx: &mut Tx<'_>, id: Id<Rule>, patch: RulePatch) -> Result<Rule> {
    let before = store::get(tx, id)?;
    let mut rule = before.clone();
    if let Some(name) = &patch.name {
        rule.name = text::line("name", name, check::NAME_MAX)?;
    }
    let d = &mut rule.definition;
    d.trigger = patch.trigger.unwrap_or_else(|| d.trigger.clone());
    d.all = patch.all.unwrap_or_else(|| d.all.clone());
    d.any = patch.any.unwrap_or_else(|| d.any.clone());
    d.actions = patch.actions.unwrap_or_else(|| d.actions.clone());
    // What a rule names may be gone by the time it is switched off.
    if rule.definition != before.definition || patch.enabled == Some(true) {
        rule.definition = check::definition(tx, &rule.definition)?;
    }
    rule.enabled = patch.enabled.unwrap_or(before.enabled);
    let all = store::all(tx)?;
    check_loops(&all, &rule)?;
    let locked = store::lock(tx, id)?;
    if patch.expected_version.is_some_and(|expected| expected != locked.version) {
        let message = "the rule has changed since you read it; nothing was changed";
        return Err(Error::new(Kind::Stale, "rule.stale", message));
    }
    if locked.version != before.version {
        return Err(Error::unavailable("rule.in_use", "somebody is changing this rule; try again"));
    }
    if rule == before {
        return Ok(before);
    }
    let anew = rule.enabled != before.enabled || rule.definition.trigger != before.definition.trigger;
    if anew {
        rule.active_since = rule.enabled.then(|| tx.now());
        store::drop_timers(tx, id)?;
    }
    rule.updated_at = tx.now();
    store::save(tx, &rule)?;
    if anew {
        begin(tx, &rule)?;
    }
    let event = match (before.enabled, rule.enabled) {
        (false, true) => "rule.enabled",
        (true, false) => "rule.disabled",
        _ => "rule.changed",
    };
    audit::record(tx, Change::new(event, "rule", Some(id.uuid())).from(&before).to(&rule))?;
    store::get(tx, id)
}

/// Due times that are still to come are anchors of a rule that begins now.
fn begin(tx: &mut Tx<'_>, rule: &Rule) -> Result<()> {
    match (&rule.definition.trigger, rule.active_since) {
        (Trigger::Time { anchor: Anchor::Due, .. }, Some(since)) => {
            tx.enqueue(&TakeOnDue { rule: rule.id, since, after: (since, Uuid::nil()) })
        }
        _ => Ok(()),
    }
}

/// Refuses a rule that would go round with those that are on.
fn check_loops(all: &[Rule], rule: &Rule) -> Result<()> {
    if !rule.enabled {
        return Ok(());
    }
    let mut on: Vec<(&str, &Definition)> = vec![(&rule.name, &rule.definition)];
    on.extend(all.iter().filter(|r| r.enabled && r.id != rule.id).map(|r| (r.name.as_str(), &r.definition)));
    match loops::find_loop(&on, 0) {
        None => Ok(()),
        Some(names) => {
            let names: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
            let message = format!(
                "these rules would start each other for ever: {}; add a condition that ends it",
                names.join(", then ")
            );
            Err(Error::field("actions", "rule.loop", message))
        }
    }
}

/// Deletes a rule. What it did stays, and so does the log of it for its time.
pub fn delete(tx: &mut Tx<'_>, id: Id<Rule>) -> Result<()> {
    let before = store::lock(tx, id)?;
    store::delete(tx, id)?;
    audit::record(tx, Change::new("rule.deleted", "rule", Some(id.uuid())).from(&before))
}

/// Puts the rules into an order, all of them.
pub fn order(tx: &mut Tx<'_>, ids: &[Id<Rule>]) -> Result<Vec<Rule>> {
    let all = store::all(tx)?;
    let mut given: Vec<_> = ids.to_vec();
    given.sort();
    let mut known: Vec<_> = all.iter().map(|r| r.id).collect();
    known.sort();
    if given != known {
        return Err(Error::field("ids", "rule.order", "the id of every rule, once each"));
    }
    for (position, id) in (1i64..).zip(ids) {
        store::place(tx, *id, position)?;
    }
    let before: Vec<String> = all.iter().map(|r| r.name.clone()).collect();
    let after = store::all(tx)?;
    let names: Vec<String> = after.iter().map(|r| r.name.clone()).collect();
    if names != before {
        audit::record(tx, Change::new("rules.ordered", "rule", None).from(&before).to(&names))?;
    }
    Ok(after)
}

/// Moves a rule up (-1) or down (1), where there is room.
pub fn move_by(tx: &mut Tx<'_>, id: Id<Rule>, by: i64) -> Result<()> {
    let mut ids: Vec<Id<Rule>> = store::all(tx)?.iter().map(|r| r.id).collect();
    let at = ids.iter().position(|i| *i == id).ok_or_else(|| Error::not_found("rule"))?;
    let to = i64::try_from(at).unwrap_or(0) + by;
    match usize::try_from(to) {
        Ok(to) if to < ids.len() => {
            ids.swap(at, to);
            order(tx, &ids).map(|_| ())
        }
        _ => Ok(()),
    }
}
