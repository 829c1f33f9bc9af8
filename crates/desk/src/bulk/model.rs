use base::{Actor, Error, Id, Result, Timestamp};
use identity::{User, teams::Team};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{macros::Macro, tickets::*};

/// What is to be changed on every ticket; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Changes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<CloseReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Null takes the assignee away.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub assigned_to: Option<Option<Id<User>>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub team_id: Option<Option<Id<Team>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add_tags: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_tags: Vec<String>,
    /// Alone: the tickets go into this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_into: Option<Id<Ticket>>,
    /// Alone: this macro is applied to each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub macro_id: Option<Id<Macro>>,
    /// Resolving tells the customers unless this is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tell_customer: Option<bool>,
}

fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

impl Changes {
    /// The changes with their tags in one spelling.
    ///
    /// # Errors
    /// `bulk.nothing`, `bulk.merge_alone`, `bulk.macro_alone`, `tags.…`.
    pub fn checked(mut self) -> Result<Self> {
        self.add_tags = check_tags(&self.add_tags).map_err(|e| e.on_field("add_tags"))?;
        self.remove_tags = check_tags(&self.remove_tags).map_err(|e| e.on_field("remove_tags"))?;
        let told = self.tell_customer.take();
        let nothing = self == Self::default();
        let merges_only =
            self.merge_into.is_none() || self == Self { merge_into: self.merge_into, ..Self::default() };
        let macro_only =
            self.macro_id.is_none() || self == Self { macro_id: self.macro_id, ..Self::default() };
        self.tell_customer = told;
        if nothing {
            return Err(Error::field(
                "changes",
                "bulk.nothing",
                "at least one of status, priority, category, assigned_to, team_id, add_tags, remove_tags, merge_into, macro_id",
            ));
        }
        if !merges_only {
            return Err(Error::field(
                "changes.merge_into",
                "bulk.merge_alone",
                "merge, or change; not both at once",
            ));
        }
        if !macro_only {
            let message = "a macro says itself what changes; apply it alone";
            return Err(Error::field("changes.macro_id", "bulk.macro_alone", message));
        }
        Ok(self)
    }

    /// The change of one ticket that has these tags.
    pub fn patch(&self, tags: &[String]) -> TicketPatch {
        let mut after: Vec<String> = tags.iter().filter(|t| !self.remove_tags.contains(t)).cloned().collect();
        after.extend(self.add_tags.iter().cloned());
        let tagged = !self.add_tags.is_empty() || !self.remove_tags.is_empty();
        TicketPatch {
            status: self.status,
            close_reason: self.close_reason,
            priority: self.priority,
            category: self.category.clone(),
            assigned_to: self.assigned_to,
            team_id: self.team_id,
            tags: tagged.then_some(after),
            tell_customer: self.tell_customer,
            ..TicketPatch::default()
        }
    }
}

/// One change of many tickets, and how far it is.
#[derive(Clone, Debug, Serialize)]
pub struct Bulk {
    pub id: Id<Bulk>,
    pub changes: Changes,
    /// `collecting`, `running`, `done`, `undoing`, `undone`.
    pub status: String,
    pub total: u32,
    pub done: u32,
    pub failed: u32,
    /// Taken back.
    pub restored: u32,
    pub user_id: Option<Id<User>>,
    pub actor: Actor,
    /// Who takes it back, or did.
    #[serde(skip)]
    pub undone_by: Option<Actor>,
    #[serde(skip)]
    pub role: base::Role,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl Bulk {
    pub fn is_finished(&self) -> bool {
        matches!(self.status.as_str(), "done" | "undone")
    }
}

/// What became of one ticket.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Item {
    pub position: u32,
    pub ticket_id: Id<Ticket>,
    /// `waiting`, `changed`, `unchanged`, `failed`, `restored`, `kept` (touched since, so not taken back).
    pub outcome: String,
    pub reason: Option<String>,
    #[serde(skip)]
    pub before: Option<Before>,
    #[serde(skip)]
    pub version: Option<i64>,
}

/// What the fields that a change can touch were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Before {
    pub status: Status,
    pub public_status: Status,
    pub priority: Priority,
    pub category: String,
    pub assigned_to: Option<Id<User>>,
    pub team_id: Option<Id<Team>>,
    pub tags: Vec<String>,
    pub due_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub close_reason: Option<CloseReason>,
    pub resolution_time_minutes: Option<i64>,
    pub snoozed_at: Option<Timestamp>,
    pub snoozed_until: Option<Timestamp>,
}

impl Before {
    pub fn of(t: &Ticket, tags: Vec<String>) -> Self {
        Self {
            status: t.status,
            public_status: t.public_status,
            priority: t.priority,
            category: t.category.clone(),
            assigned_to: t.assigned_to,
            team_id: t.team_id,
            tags,
            due_at: t.due_at,
            resolved_at: t.resolved_at,
            closed_at: t.closed_at,
            close_reason: t.close_reason,
            resolution_time_minutes: t.resolution_time_minutes,
            snoozed_at: t.snoozed_at,
            snoozed_until: t.snoozed_until,
        }
    }

    pub fn onto(&self, t: &mut Ticket) {
        t.status = self.status;
        t.public_status = self.public_status;
        t.priority = self.priority;
        t.category.clone_from(&self.category);
        t.assigned_to = self.assigned_to;
        t.team_id = self.team_id;
        t.due_at = self.due_at;
        t.resolved_at = self.resolved_at;
        t.closed_at = self.closed_at;
        t.close_reason = self.close_reason;
        t.resolution_time_minutes = self.resolution_time_minutes;
        t.snoozed_at = self.snoozed_at;
        t.snoozed_until = self.snoozed_until;
    }
}
