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
/// button `act` (`save|test`). `POST …/preview` takes the same and answers what stands in the frame.
/// `POST …/reset` field `locale`.
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
    /// The language that readers of this one get it in, while the tenant has words of its own only there.
    pub stand_in: Option<String>,
    /// Name and meaning of what the template may use.
    pub variables: Vec<(String, String)>,
    /// Who signs in, and would get the test.
    pub own_address: String,
    /// What became of the test that was asked for.
    pub tested: Option<Tested>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct Tested {
    /// It waits: too many letters went to the same place.
    pub is_held: bool,
    /// Where its state is seen.
    pub href: String,
}
