//! What a list is asked for: a view, and the filters of the address on top of it.

use std::collections::BTreeMap;

use base::Result;
use db::Read;
use desk::{
    tickets::{self, TicketFilter},
    views::{self, SavedView},
};
use identity::Staff;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    http::page::encode,
    saved_views::api::{filter_by_key, narrowed},
    tickets::wire::TicketQuery,
};

/// Parameters of `/desk` and `/desk/board`. Without a view: the inbox, or everything when words are looked for.
#[derive(Clone, Deserialize, Default, JsonSchema)]
#[serde(default)]
pub struct Asked {
    pub view: Option<String>,
    pub status: Option<String>,
    pub priority: Option<String>,
    pub category: Option<String>,
    pub assigned_to: Option<String>,
    pub channel: Option<String>,
    pub team: Option<String>,
    pub tag: Option<String>,
    pub q: Option<String>,
    pub order: Option<String>,
    pub cursor: Option<String>,
}

impl Asked {
    /// The filters, in the order they are written into an address.
    pub fn parts(&self) -> [(&'static str, Option<&str>); 9] {
        [
            ("status", self.status.as_deref()),
            ("priority", self.priority.as_deref()),
            ("category", self.category.as_deref()),
            ("assigned_to", self.assigned_to.as_deref()),
            ("channel", self.channel.as_deref()),
            ("team", self.team.as_deref()),
            ("tag", self.tag.as_deref()),
            ("q", self.q.as_deref()),
            ("order", self.order.as_deref()),
        ]
    }

    /// What is set, without the view and the place in the list.
    pub fn set(&self) -> BTreeMap<String, String> {
        let set = self
            .parts()
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.filter(|v| !v.is_empty())?)));
        set.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub fn of(&self, name: &str) -> Option<&str> {
        self.parts().into_iter().find(|(n, _)| *n == name).and_then(|(_, value)| value)
    }

    /// The address of the list at `path` with one part replaced; the place in the list never survives a change.
    pub fn href(&self, path: &str, name: &str, value: Option<&str>) -> String {
        let mut pairs: Vec<String> = Vec::new();
        for (key, kept) in [("view", self.view.as_deref())].into_iter().chain(self.parts()) {
            let value = if key == name { value } else { kept };
            if let Some(value) = value.filter(|v| !v.is_empty()) {
                pairs.push(format!("{key}={}", encode(value)));
            }
        }
        if name == "cursor"
            && let Some(cursor) = value
        {
            pairs.push(format!("cursor={}", encode(cursor)));
        }
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }

    /// The view's key: `inbox`, …, or the id of a saved one.
    pub fn view_key(&self) -> &str {
        let searches = self.q.as_deref().is_some_and(|q| !q.trim().is_empty());
        self.view.as_deref().filter(|v| !v.is_empty()).unwrap_or(if searches { "all" } else { "inbox" })
    }

    /// The saved view it names; none for a built-in one.
    ///
    /// # Errors
    /// Not found, when it names neither.
    pub fn saved(&self, read: &Read<'_>, staff: &Staff) -> Result<Option<SavedView>> {
        let key = self.view_key();
        if tickets::query::view_filter(key, staff).is_some() {
            return Ok(None);
        }
        let id = key.parse().map_err(|_| base::Error::not_found("view"))?;
        views::get(read, staff, id).map(Some)
    }

    /// The view narrowed by the filters.
    pub fn filter(&self, read: &Read<'_>, staff: &Staff, limit: u32) -> Result<TicketFilter> {
        let asked = TicketQuery {
            status: self.status.clone(),
            priority: self.priority.clone(),
            category: self.category.clone(),
            assigned_to: self.assigned_to.clone(),
            channel: self.channel.clone(),
            team: self.team.clone(),
            tag: self.tag.clone(),
            q: self.q.clone().filter(|q| !q.trim().is_empty()),
            order: self.order.clone(),
            cursor: self.cursor.clone(),
            ..TicketQuery::default()
        };
        let filter = narrowed(filter_by_key(read, staff, self.view_key())?, asked.into_filter(staff)?);
        // A search finds what is put off, too, unless the view is about just that.
        let snoozed = if self.q.is_some() && self.view_key() != "snoozed" { None } else { filter.snoozed };
        Ok(TicketFilter { limit, snoozed, ..filter })
    }
}
