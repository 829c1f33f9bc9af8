//! What the composer of a ticket's page is given besides its text.

use base::Timestamp;
use serde::Serialize;

/// A file that was stored already; its box is ticked until it is taken off.
#[derive(Clone, Debug, Serialize)]
pub struct DraftFile {
    pub id: String,
    pub filename: String,
    pub size_bytes: u64,
}

/// What is written so far of one kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Begun {
    /// `reply` or `note`.
    pub kind: String,
    pub body: String,
    /// In the form as ticked boxes `kept`.
    pub files: Vec<DraftFile>,
    /// None where nothing is kept yet.
    pub saved_at: Option<Timestamp>,
    /// Something came in since it was written.
    pub is_old: bool,
}

/// An answer that is about to go out. Form, where `is_mine`: `POST …/take-back`, field `held`.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    pub id: String,
    pub name: String,
    pub is_mine: bool,
    pub body_html: String,
    pub files: Vec<String>,
    /// The status that is set when it goes.
    pub status: Option<String>,
    pub release_at: Timestamp,
}

/// Something that came in while an answer was written.
#[derive(Clone, Debug, Serialize)]
pub struct CameIn {
    /// Absent where `text` says who.
    pub who: Option<String>,
    pub text: String,
    pub is_note: bool,
    pub created_at: Timestamp,
}

/// Somebody else on the page: `looking`, `writing` or `sending`.
#[derive(Clone, Debug, Serialize)]
pub struct Present {
    pub name: String,
    pub doing: String,
}
