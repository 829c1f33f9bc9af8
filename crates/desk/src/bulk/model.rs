use base::{Actor, Error, Id, Result, Timestamp};
use db::Tx;
use identity::{User, teams::Team};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

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

impl Changes {
    /// The tags a ticket has after the change that had these.
    pub fn tags_after(&self, tags: &[String]) -> Result<Vec<String>> {
        self.patch(tags).tags.map_or_else(|| Ok(tags.to_vec()), |after| check_tags(&after))
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

    /// Whether there is something to take back: also where a first try found everything touched since.
    pub fn may_be_undone(&self) -> bool {
        self.done > 0 && (self.status == "done" || (self.status == "undone" && self.restored == 0))
    }
}

/// Stands for the ticket where there is none of the number that was named.
pub(super) const NO_TICKET: Id<Ticket> = Id::from_uuid(Uuid::nil());

fn unless_none<S: Serializer>(ticket: &Id<Ticket>, s: S) -> std::result::Result<S::Ok, S::Error> {
    Some(ticket).filter(|t| **t != NO_TICKET).serialize(s)
}

/// One of the tickets a change is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    Ticket(Id<Ticket>),
    /// What was written is nobody's number.
    Unknown(String),
}

/// What became of one ticket.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Item {
    pub position: u32,
    /// Null where what was named is no ticket's number.
    #[serde(serialize_with = "unless_none")]
    #[schemars(with = "Option<Id<Ticket>>")]
    pub ticket_id: Id<Ticket>,
    /// `waiting`, `changed`, `unchanged`, `failed`, `restored`, `kept` (all of it was touched since, so none was taken back).
    pub outcome: String,
    /// Why it failed; after an undo, what stays as it is and who changed it since, also on one that was otherwise restored.
    pub reason: Option<String>,
    #[serde(skip)]
    pub known: Option<Known>,
    #[serde(skip)]
    pub version: Option<i64>,
}

/// What is kept of a ticket that was changed, to be able to take it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    #[serde(flatten)]
    pub before: Fields,
    /// Absent on what was changed before this was kept.
    pub after: Option<After>,
}

/// How a change left a ticket, and which change it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct After {
    #[serde(flatten)]
    pub fields: Fields,
    /// What its lines of history share.
    pub change: Uuid,
    /// Lines of history after this one are of what happened since.
    pub until: Id<Audit>,
    /// How much had been said in its thread.
    pub message_count: u32,
}

impl Known {
    pub fn of(tx: &Tx<'_>, was: Ticket, tags: Vec<String>, now: Ticket, tags_now: Vec<String>) -> Self {
        let (change, until, message_count) = (tx.change_id(), tx.new_id(), now.message_count);
        let after = After { fields: Fields::of(&now, tags_now), change, until, message_count };
        Self { before: Fields::of(&was, tags), after: Some(after) }
    }
}

/// The fields that a change can touch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fields {
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

impl Fields {
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

    /// Whether the status, with what a move of it sets, is the same.
    pub fn stands_as(&self, other: &Self) -> bool {
        let of = |f: &Self| {
            let times = (f.resolved_at, f.closed_at, f.resolution_time_minutes);
            (f.status, f.public_status, f.close_reason, times)
        };
        of(self) == of(other)
    }

    /// Gives a ticket the status these have, with its times.
    pub fn stand(&self, t: &mut Ticket) {
        t.status = self.status;
        t.public_status = self.public_status;
        t.resolved_at = self.resolved_at;
        t.closed_at = self.closed_at;
        t.close_reason = self.close_reason;
        t.resolution_time_minutes = self.resolution_time_minutes;
    }

    pub fn sleeps_as(&self, other: &Self) -> bool {
        (self.snoozed_at, self.snoozed_until) == (other.snoozed_at, other.snoozed_until)
    }
}
