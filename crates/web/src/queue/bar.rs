//! The bar under a selection, and the forms that keep a view.

use std::collections::BTreeMap;

use base::{Result, Role};
use db::Read;
use desk::{
    macros,
    tickets::{Priority, Status},
    views::SavedView,
};
use identity::Staff;

use super::{
    asked::Asked,
    filters::Offers,
    views::{Bar, Saved, Saving},
};
use crate::{
    help::pages::form_key,
    kit::{forms::Choice, words},
};

/// What may be done with a selection; none for whom nothing may.
pub fn bar(
    read: &Read<'_>,
    staff: &Staff,
    asked: &Asked,
    offers: &Offers,
    all: Option<String>,
    locale: &str,
) -> Result<Option<Bar>> {
    if staff.read_only || staff.role == Role::Technician {
        return Ok(None);
    }
    let macros = macros::visible(read, staff, macros::Kind::Macro)?;
    let word = |prefix: &str, value: &str| {
        Choice::new(value, words::say(locale, &format!("{prefix}-{value}")), false)
    };
    let mut assignees = vec![
        Choice::new("me", words::say(locale, "filter-me"), false),
        Choice::new("none", words::say(locale, "filter-nobody"), false),
    ];
    let names = offers.names.staff.iter();
    assignees.extend(names.map(|u| Choice::new(u.id.to_string(), offers.names.with_away(u, locale), false)));
    let mut teams = Vec::new();
    if !offers.teams.is_empty() {
        teams.push(Choice::new("none", words::say(locale, "filter-no-team"), false));
        teams.extend(offers.teams.iter().map(|t| Choice::new(t.id.to_string(), &t.name, false)));
    }
    let mut query: Vec<(String, String)> = asked.set().into_iter().collect();
    query.push(("view".into(), asked.view_key().to_owned()));
    Ok(Some(Bar {
        // Nothing goes back to `new`, and the archive takes what is closed.
        statuses: Status::ALL
            .iter()
            .filter(|s| **s != Status::New)
            .map(|s| word("status", s.as_str()))
            .collect(),
        priorities: Priority::ALL.iter().map(|p| word("priority", p.as_str())).collect(),
        assignees,
        teams,
        macros: macros.into_iter().map(|m| Choice::new(m.id.to_string(), m.name, false)).collect(),
        query,
        all,
        back: asked.href("/desk", "cursor", asked.cursor.as_deref()),
        idempotency_key: form_key(),
    }))
}

fn sharing(staff: &Staff, offers: &Offers, chosen: &str, locale: &str) -> Vec<Choice> {
    let mut out = vec![Choice::new("personal", words::say(locale, "view-personal"), chosen == "personal")];
    let mine = |t: &&identity::teams::Team| {
        staff.is_admin() || staff.user_id.is_some_and(|me| t.members.contains(&me))
    };
    for team in offers.teams.iter().filter(mine) {
        let id = team.id.to_string();
        let is_chosen = chosen == id;
        out.push(Choice::new(id, words::say_with(locale, "view-team", &[("team", &team.name)]), is_chosen));
    }
    if staff.is_admin() {
        out.push(Choice::new("all", words::say(locale, "view-everybody"), chosen == "all"));
    }
    out
}

/// What the list asks for, on top of what a saved view does.
fn merged(saved: Option<&SavedView>, asked: &Asked) -> BTreeMap<String, String> {
    let mut query = saved.map(|v| v.query.clone()).unwrap_or_default();
    query.extend(asked.set());
    query
}

pub fn saved(staff: &Staff, view: &SavedView, asked: &Asked, offers: &Offers, locale: &str) -> Saved {
    let chosen = match (view.team_id, view.is_for_all) {
        (Some(team), _) => team.to_string(),
        (None, true) => "all".into(),
        (None, false) => "personal".into(),
    };
    Saved {
        id: view.id.to_string(),
        name: view.name.clone(),
        may_change: staff.is_user(Some(view.owner_id)) || staff.is_admin(),
        is_changed: asked.set().iter().any(|(name, value)| view.query.get(name) != Some(value)),
        sharing: sharing(staff, offers, &chosen, locale),
        query: merged(Some(view), asked).into_iter().collect(),
    }
}

/// The form that saves what is shown as a view of one's own.
pub fn saving(
    staff: &Staff,
    view: Option<&SavedView>,
    asked: &Asked,
    offers: &Offers,
    locale: &str,
) -> Saving {
    let mut query = merged(view, asked);
    // On a built-in view its own conditions go along, in words a view can hold.
    if view.is_none() {
        for (name, value) in built_in(asked.view_key()) {
            query.entry((*name).to_owned()).or_insert_with(|| (*value).to_owned());
        }
    }
    Saving {
        is_offered: staff.user_id.is_some() && !asked.set().is_empty(),
        sharing: sharing(staff, offers, "personal", locale),
        query: query.into_iter().collect(),
        back: asked.href("/desk", "", None),
    }
}

/// A built-in view as parameters of a list.
fn built_in(key: &str) -> &'static [(&'static str, &'static str)] {
    match key {
        "inbox" => &[("status", "new,open,in_progress")],
        "mine" => &[("status", "new,open,in_progress,pending_customer"), ("assigned_to", "me")],
        "unassigned" => &[("status", "new,open,in_progress,pending_customer"), ("assigned_to", "none")],
        "overdue" => &[("sla_overdue", "true")],
        "waiting" => &[("status", "pending_customer")],
        "snoozed" => &[("snoozed", "true")],
        "resolved" => &[("status", "resolved")],
        _ => &[],
    }
}
