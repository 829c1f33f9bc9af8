//! What a rule is. It is stored as JSON and looks the same on the wire.

use std::{fmt, str::FromStr};

use base::{Error, Id, Result, Timestamp};
use identity::{User, teams::Team};
use serde::{Deserialize, Deserializer, Serialize};

use crate::tickets::{CloseReason, Priority, Status, words};

words!(
    /// Something in a ticket's history that can start a rule.
    Happening, "events", {
        TicketCreated = "ticket_created", CustomerReplied = "customer_replied", StaffAnswered = "staff_answered",
        NoteAdded = "note_added", StatusChanged = "status_changed", PriorityChanged = "priority_changed",
        AssigneeChanged = "assignee_changed", TeamChanged = "team_changed", CategoryChanged = "category_changed",
        TagsChanged = "tags_changed", Reopened = "reopened", SnoozeEnded = "snooze_ended",
    }
);
words!(
    /// What a time-based rule counts from.
    Anchor, "anchor", {
        Created = "created", CustomerMessage = "last_customer_message", StaffAnswer = "last_staff_answer",
        EnteredStatus = "entered_status", Due = "due",
    }
);
words!(
    /// What a condition looks at.
    Field, "field", {
        Status = "status", Priority = "priority", Category = "category", TicketType = "ticket_type", Channel = "channel",
        Assignee = "assignee", Team = "team", Tags = "tags", Requester = "requester", Subject = "subject", Body = "body",
        HoursSinceCreated = "hours_since_created", HoursSinceMessage = "hours_since_last_message", IsFollowUp = "is_follow_up",
    }
);
words!(
    /// How a condition compares.
    Test, "op", {
        Is = "is", IsNot = "is_not", Has = "has", HasNot = "has_not", Contains = "contains", ContainsNot = "contains_not",
        AtLeast = "at_least", LessThan = "less_than",
    }
);

impl Field {
    /// The comparisons that make sense.
    pub const fn tests(self) -> &'static [Test] {
        match self {
            Self::Status
            | Self::Priority
            | Self::Category
            | Self::TicketType
            | Self::Channel
            | Self::Assignee
            | Self::Team
            | Self::Requester => &[Test::Is, Test::IsNot],
            Self::IsFollowUp => &[Test::Is],
            Self::Tags => &[Test::Has, Test::HasNot],
            Self::Subject | Self::Body => &[Test::Contains, Test::ContainsNot],
            Self::HoursSinceCreated | Self::HoursSinceMessage => &[Test::AtLeast, Test::LessThan],
        }
    }
}

impl Test {
    /// Whether it holds when nothing of its value is there.
    pub const fn is_negative(self) -> bool {
        matches!(self, Self::IsNot | Self::HasNot | Self::ContainsNot | Self::LessThan)
    }
}

/// What starts a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// One of these happens.
    Event { events: Vec<Happening> },
    /// So many minutes after the anchor; before it, for `due` alone, when negative.
    Time {
        anchor: Anchor,
        minutes: i64,
        /// With `entered_status`: which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<Status>,
    },
}

/// One thing that has to hold. `value` is a text or a list of them, of which any will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub field: Field,
    pub op: Test,
    /// Wire words, ids or `none`, tags, addresses or domains, words or phrases, a number of hours, `yes` or `no`.
    #[serde(deserialize_with = "one_or_many")]
    pub value: Vec<String>,
}

/// Something a rule does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "action", content = "value", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    SetStatus(Status),
    /// Closes it, with the reason.
    Close(CloseReason),
    SetPriority(Priority),
    SetCategory(String),
    /// Null takes it from its team.
    SetTeam(Option<Id<Team>>),
    /// Null makes it nobody's.
    Assign(Option<Id<User>>),
    /// To the next of the team who is there; of the ticket's own team when null.
    AssignInTurn(Option<Id<Team>>),
    /// To who of the team has the fewest live tickets.
    AssignLeastBusy(Option<Id<Team>>),
    AddTags(Vec<String>),
    RemoveTags(Vec<String>),
    /// An internal note, in Markdown, with the placeholders of canned replies; `{{agent.name}}` is whoever has the ticket then.
    AddNote(String),
    /// An automatic answer to the customer, in Markdown, with the same placeholders.
    Answer(String),
    /// A notice at the bell.
    NotifyUser(Id<User>),
    NotifyTeam(Id<Team>),
    /// One level up, to somebody where one is named.
    Escalate(Option<Id<User>>),
    AddWatcher(Id<User>),
    /// No rule below looks at what started this one.
    Stop,
}

impl Action {
    /// Wire words of all of them.
    pub const WORDS: [&'static str; 17] = [
        "set_status",
        "close",
        "set_priority",
        "set_category",
        "set_team",
        "assign",
        "assign_in_turn",
        "assign_least_busy",
        "add_tags",
        "remove_tags",
        "add_note",
        "answer",
        "notify_user",
        "notify_team",
        "escalate",
        "add_watcher",
        "stop",
    ];

    pub const fn word(&self) -> &'static str {
        match self {
            Self::SetStatus(_) => "set_status",
            Self::Close(_) => "close",
            Self::SetPriority(_) => "set_priority",
            Self::SetCategory(_) => "set_category",
            Self::SetTeam(_) => "set_team",
            Self::Assign(_) => "assign",
            Self::AssignInTurn(_) => "assign_in_turn",
            Self::AssignLeastBusy(_) => "assign_least_busy",
            Self::AddTags(_) => "add_tags",
            Self::RemoveTags(_) => "remove_tags",
            Self::AddNote(_) => "add_note",
            Self::Answer(_) => "answer",
            Self::NotifyUser(_) => "notify_user",
            Self::NotifyTeam(_) => "notify_team",
            Self::Escalate(_) => "escalate",
            Self::AddWatcher(_) => "add_watcher",
            Self::Stop => "stop",
        }
    }

    /// Its value as text: a word, an id or `none`, tags with commas, Markdown.
    pub fn value(&self) -> String {
        fn or_none<T>(id: Option<Id<T>>) -> String {
            id.map_or_else(|| "none".into(), |i| i.to_string())
        }
        match self {
            Self::SetStatus(s) => s.to_string(),
            Self::Close(r) => r.to_string(),
            Self::SetPriority(p) => p.to_string(),
            Self::SetCategory(text) | Self::AddNote(text) | Self::Answer(text) => text.clone(),
            Self::SetTeam(team) | Self::AssignInTurn(team) | Self::AssignLeastBusy(team) => or_none(*team),
            Self::Assign(user) | Self::Escalate(user) => or_none(*user),
            Self::AddTags(tags) | Self::RemoveTags(tags) => tags.join(", "),
            Self::NotifyUser(user) | Self::AddWatcher(user) => user.to_string(),
            Self::NotifyTeam(team) => team.to_string(),
            Self::Stop => String::new(),
        }
    }
}

/// When, if, then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    pub trigger: Trigger,
    /// Every one of these has to hold.
    #[serde(default)]
    pub all: Vec<Condition>,
    /// And one of these, where there are any.
    #[serde(default)]
    pub any: Vec<Condition>,
    pub actions: Vec<Action>,
}

/// A rule as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Rule {
    #[schemars(with = "uuid::Uuid")]
    pub id: Id<Rule>,
    pub name: String,
    /// Rules look in this order, from 1.
    pub position: i64,
    #[serde(flatten)]
    pub definition: Definition,
    pub enabled: bool,
    /// What happened earlier starts nothing. Null while it is off.
    pub active_since: Option<Timestamp>,
    pub version: i64,
    pub created_by: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

fn one_or_many<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text, a number, true or false, or a list of texts")]
    enum Given {
        Yes(bool),
        Number(i64),
        One(String),
        Many(Vec<String>),
    }
    Ok(match Given::deserialize(d)? {
        Given::Yes(yes) => vec![if yes { "yes" } else { "no" }.into()],
        Given::Number(n) => vec![n.to_string()],
        Given::One(text) => vec![text],
        Given::Many(all) => all,
    })
}
