use serde::Serialize;

use crate::kit::forms::{Choice, Problem};

/// `letters/list.html`, `GET /admin/letters`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub letters: Vec<LetterRow>,
}

#[derive(Debug, Serialize)]
pub struct LetterRow {
    pub key: String,
    pub title: String,
    pub description: String,
    /// Languages in which the tenant changed it.
    pub changed_in: Vec<String>,
}

/// `letters/letter.html`, `GET|POST /admin/letters/{key}?locale=`. Fields: `locale, subject, body`, and the
/// button `act` (`save|preview`). `POST …/reset` field `locale`.
#[derive(Debug, Default, Serialize)]
pub struct Letter {
    pub key: String,
    pub title: String,
    pub description: String,
    pub locale: String,
    pub locales: Vec<Choice>,
    pub subject: String,
    pub body: String,
    pub is_changed: bool,
    /// Name and meaning of what the template may use.
    pub variables: Vec<(String, String)>,
    pub preview: Option<Preview>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct Preview {
    pub subject: String,
    pub text: String,
}
