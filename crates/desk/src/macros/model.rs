use base::{Error, Id, Result, Timestamp, text};
use identity::{User, teams::Team};
use serde::{Deserialize, Deserializer, Serialize};

use super::placeholders;
pub use crate::views::Sharing;
use crate::{
    bulk::Changes,
    composing::drafts::DraftFile,
    tickets::{CloseReason, NewAttachment, Priority, Status, check_tags},
};

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    CannedReply,
    Macro,
}

impl Kind {
    pub const fn noun(self) -> &'static str {
        match self {
            Self::CannedReply => "canned reply",
            Self::Macro => "macro",
        }
    }
}

/// What a text becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum TextKind {
    Reply,
    Note,
}

impl TextKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Note => "note",
        }
    }
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "reply" => Some(Self::Reply),
            "note" => Some(Self::Note),
            _ => None,
        }
    }
}

/// Whom a macro gives a ticket to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assign {
    /// Whoever applies it.
    Me,
    To(Id<User>),
    Nobody,
}

impl Serialize for Assign {
    fn serialize<S: serde::Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Me => s.serialize_str("me"),
            Self::To(user) => user.serialize(s),
            Self::Nobody => s.serialize_none(),
        }
    }
}
impl<'de> Deserialize<'de> for Assign {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        match Option::<String>::deserialize(d)?.as_deref() {
            None => Ok(Self::Nobody),
            Some("me") => Ok(Self::Me),
            Some(id) => id
                .parse()
                .map(Self::To)
                .map_err(|_| serde::de::Error::custom("expected me, the id of a member of staff, or null")),
        }
    }
}
impl schemars::JsonSchema for Assign {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Assign".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "null"], "description": "`me`, an id, or null for nobody." })
    }
}

/// What a macro changes; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MacroChanges {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// With `closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<CloseReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// `me`, an id, or null for nobody.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub assigned_to: Option<Assign>,
    /// An id, or null for none.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    pub team_id: Option<Option<Id<Team>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add_tags: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_tags: Vec<String>,
}

fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

impl MacroChanges {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same as a change of tickets, by whoever applies it.
    ///
    /// # Errors
    /// `macro.me`: a key is nobody to give a ticket to.
    pub fn of(&self, me: Option<Id<User>>) -> Result<Changes> {
        let assigned_to = match self.assigned_to {
            None => None,
            Some(Assign::Nobody) => Some(None),
            Some(Assign::To(user)) => Some(Some(user)),
            Some(Assign::Me) if me.is_none() => {
                let message = "this macro gives the ticket to whoever applies it; a key is nobody";
                return Err(Error::field("macro_id", "macro.me", message));
            }
            Some(Assign::Me) => Some(me),
        };
        Ok(Changes {
            status: self.status,
            close_reason: self.close_reason,
            priority: self.priority,
            category: self.category.clone(),
            assigned_to,
            team_id: self.team_id,
            add_tags: self.add_tags.clone(),
            remove_tags: self.remove_tags.clone(),
            ..Changes::default()
        })
    }
}

/// A canned reply or a macro.
#[derive(Clone, Debug)]
pub struct Macro {
    pub id: Id<Macro>,
    pub kind: Kind,
    pub name: String,
    /// None where there is no text.
    pub text_kind: Option<TextKind>,
    /// Markdown with placeholders.
    pub body: String,
    pub files: Vec<DraftFile>,
    pub changes: MacroChanges,
    pub owner_id: Id<User>,
    pub team_id: Option<Id<Team>>,
    pub is_for_all: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// By everybody.
    pub uses: u32,
    pub last_used_at: Option<Timestamp>,
}

/// One about to be saved.
#[derive(Clone, Debug)]
pub struct NewMacro {
    pub kind: Kind,
    pub name: String,
    pub text_kind: Option<TextKind>,
    pub body: String,
    pub changes: MacroChanges,
    pub sharing: Sharing,
    pub files: Vec<NewAttachment>,
}

/// What to change; absent stays.
#[derive(Clone, Debug, Default)]
pub struct MacroPatch {
    pub name: Option<String>,
    /// With a body that is not empty.
    pub text_kind: Option<Option<TextKind>>,
    pub body: Option<String>,
    pub changes: Option<MacroChanges>,
    pub sharing: Option<Sharing>,
    pub add_files: Vec<NewAttachment>,
    /// Keeps these and takes the others off.
    pub keep_files: Option<Vec<uuid::Uuid>>,
}

/// The longest text, in bytes.
pub const TEXT_MAX: usize = 20_000;

pub(super) fn check_name(name: &str) -> Result<String> {
    text::line("name", name, 80)
}

/// The text, with placeholders that exist.
pub(super) fn check_body(body: &str) -> Result<String> {
    if body.trim().is_empty() {
        return Ok(String::new());
    }
    let body = text::body("body", body, TEXT_MAX)?;
    placeholders::check("body", &body)?;
    Ok(body)
}

/// Changes that make sense in themselves; whether people and places exist is asked of the database.
pub(super) fn check_changes(mut changes: MacroChanges) -> Result<MacroChanges> {
    changes.add_tags = check_tags(&changes.add_tags).map_err(|e| e.on_field("changes.add_tags"))?;
    changes.remove_tags = check_tags(&changes.remove_tags).map_err(|e| e.on_field("changes.remove_tags"))?;
    if let Some(both) = changes.add_tags.iter().find(|t| changes.remove_tags.contains(t)) {
        let message = format!("{both} is added already; a tag is added or removed");
        return Err(Error::field("changes.remove_tags", "macro.tag_twice", message));
    }
    match (changes.status, changes.close_reason) {
        (Some(Status::New), _) => {
            let message = "nothing leads back to new; one of open, in_progress, pending_customer, resolved, closed, archived";
            Err(Error::field("changes.status", "macro.status", message))
        }
        (Some(Status::Closed), None) => Err(Error::field(
            "changes.close_reason",
            "close_reason.missing",
            "say why: one of solved, duplicate, spam, no_reply",
        )),
        (status, Some(_)) if status != Some(Status::Closed) => Err(Error::field(
            "changes.close_reason",
            "close_reason.without_close",
            "goes with the status closed",
        )),
        _ => Ok(changes),
    }
}
