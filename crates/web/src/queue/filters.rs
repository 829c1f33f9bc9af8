//! The chips and the column heads of a list.

use db::Read;
use desk::tickets::{Channel, Priority, Status, tags};
use identity::teams;

use super::asked::Asked;
use crate::{
    kit::{
        lists::{Filter, FilterOption, SortLink},
        words,
    },
    tickets::pages::Names,
};

/// What chips offer besides fixed words.
pub struct Offers {
    pub names: Names,
    pub teams: Vec<teams::Team>,
    pub tags: Vec<tags::Tag>,
}

impl Offers {
    pub fn read(read: &Read<'_>) -> base::Result<Self> {
        Ok(Self { names: Names::read(read)?, teams: teams::all(read)?, tags: tags::all(read)? })
    }
}

/// Values and their words.
type Options = Vec<(String, String)>;

/// The chips of the list at `path`. `saved` is what a saved view asks for where the address says nothing.
pub fn chips(
    path: &str,
    asked: &Asked,
    saved: impl Fn(&str) -> Option<String>,
    offers: &Offers,
    locale: &str,
    with_status: bool,
) -> Vec<Filter> {
    let said = |prefix: &str, word: &str| (word.to_owned(), words::say(locale, &format!("{prefix}-{word}")));
    let mut people = vec![
        ("me".to_owned(), words::say(locale, "filter-me")),
        ("none".to_owned(), words::say(locale, "filter-nobody")),
    ];
    people.extend(offers.names.staff.iter().map(|u| (u.id.to_string(), u.name.clone())));
    let mut all: Vec<(&str, &str, Options)> = Vec::new();
    if with_status {
        all.push((
            "status",
            "filter-status",
            Status::ALL.iter().map(|s| said("status", s.as_str())).collect(),
        ));
    }
    all.push((
        "priority",
        "filter-priority",
        Priority::ALL.iter().map(|p| said("priority", p.as_str())).collect(),
    ));
    all.push((
        "category",
        "filter-category",
        offers.names.categories.iter().map(|c| (c.slug.clone(), c.name.clone())).collect(),
    ));
    all.push(("assigned_to", "filter-assignee", people));
    if !offers.teams.is_empty() {
        all.push((
            "team",
            "filter-team",
            offers.teams.iter().map(|t| (t.id.to_string(), t.name.clone())).collect(),
        ));
    }
    if !offers.tags.is_empty() {
        all.push(("tag", "filter-tag", offers.tags.iter().map(|t| (t.tag.clone(), t.tag.clone())).collect()));
    }
    all.push((
        "channel",
        "filter-channel",
        Channel::ALL.iter().map(|c| said("channel", c.as_str())).collect(),
    ));
    all.into_iter()
        .map(|(name, label, options)| {
            let chosen = asked.of(name).map(str::to_owned).or_else(|| saved(name)).filter(|c| !c.is_empty());
            chip(path, asked, name, words::say(locale, label), chosen, options)
        })
        .collect()
}

fn chip(
    path: &str,
    asked: &Asked,
    name: &str,
    label: String,
    chosen: Option<String>,
    options: Vec<(String, String)>,
) -> Filter {
    let worded = |value: &str| {
        options.iter().find(|(v, _)| v == value).map_or_else(|| value.to_owned(), |(_, l)| l.clone())
    };
    // Several by comma, as in an address somebody wrote by hand or a view saved over the API.
    let value =
        chosen.as_ref().map(|c| c.split(',').map(|v| worded(v.trim())).collect::<Vec<_>>().join(", "));
    Filter {
        label,
        value,
        clear_href: asked.href(path, name, None),
        options: options
            .iter()
            .map(|(value, label)| FilterOption {
                label: label.clone(),
                href: asked.href(path, name, Some(value)),
                selected: chosen.as_deref() == Some(value.as_str()),
            })
            .collect(),
    }
}

pub fn sorts(asked: &Asked, saved_order: Option<&str>, locale: &str) -> Vec<SortLink> {
    let ranked = asked.q.as_deref().is_some_and(|q| !q.trim().is_empty());
    let otherwise = saved_order.unwrap_or(if ranked { "" } else { "-last_message_at" });
    let now = asked.order.as_deref().unwrap_or(otherwise);
    ["priority", "due_at", "last_message_at"]
        .into_iter()
        .map(|key| {
            let (down, up) = (format!("-{key}"), key.to_owned());
            let direction = match now {
                n if n == down => Some("descending"),
                n if n == up => Some("ascending"),
                _ => None,
            };
            // Deadlines are read soonest first, everything else largest first.
            let first = if key == "due_at" { &up } else { &down };
            let next = match direction {
                None => first,
                Some("descending") => &up,
                Some(_) => &down,
            };
            SortLink {
                key: key.into(),
                label: words::say(locale, &format!("sort-{key}")),
                href: asked.href("/desk", "order", Some(next)),
                direction: direction.map(str::to_owned),
            }
        })
        .collect()
}
