//! What the pages of canned replies and macros are given.

use base::Timestamp;
use serde::Serialize;

use crate::{
    composing::views::DraftFile,
    kit::forms::{Choice, Problem},
};

/// `canned_replies/list.html`, `GET /desk/canned-replies` and `GET /desk/macros`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    /// `canned` or `macros`.
    pub tab: String,
    pub rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub href: String,
    pub name: String,
    /// What it says or does, in one line.
    pub about: String,
    /// Who sees it, where that is not its owner alone.
    pub shared: Option<String>,
    pub owner: Option<String>,
    pub uses: u32,
    pub last_used_at: Option<Timestamp>,
}

/// `canned_replies/form.html`, `GET|POST /desk/canned-replies/new`, `GET|POST /desk/canned-replies/{id}`; the same under
/// `/desk/macros`. Fields (multipart): `name, body, attachments*, kept*, sharing` (`personal`, `all`, or a team's id),
/// and of a macro `text_kind` (`reply|note`), `status, close_reason, priority, category, assigned_to, team_id, add_tags,
/// remove_tags`. `do`: `save` (or nothing), `preview`. `POST …/{id}/delete`.
#[derive(Debug, Default, Serialize)]
pub struct Edit {
    /// `canned` or `macros`.
    pub tab: String,
    /// Absent of a new one.
    pub id: Option<String>,
    pub title: String,
    pub name: String,
    pub body: String,
    pub files: Vec<DraftFile>,
    pub sharing: Vec<Choice>,
    pub text_kind: String,
    pub statuses: Vec<Choice>,
    pub reasons: Vec<Choice>,
    pub priorities: Vec<Choice>,
    pub categories: Vec<Choice>,
    pub assignees: Vec<Choice>,
    pub teams: Vec<Choice>,
    pub add_tags: String,
    pub remove_tags: String,
    /// Whether the viewer may change it.
    pub may_change: bool,
    pub placeholders: Vec<String>,
    /// The text as it reads on a ticket, with that ticket's number.
    pub preview: Option<Preview>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct Preview {
    pub html: String,
    /// The ticket whose values it shows; absent where there is none yet.
    pub number: Option<String>,
}
