use serde::Serialize;

use crate::kit::forms::{Choice, Problem};

/// `teams/list.html`, `GET /admin/teams`. New: `POST /admin/teams` field `name`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub teams: Vec<TeamRow>,
    /// What was typed for a new one that was refused.
    pub new_name: String,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct TeamRow {
    pub id: String,
    pub name: String,
    pub members: Vec<String>,
}

/// `teams/team.html`, `GET|POST /admin/teams/{id}`. Fields: `name, members*` (user ids, repeated).
/// `POST …/delete` asks first.
#[derive(Debug, Default, Serialize)]
pub struct Team {
    pub id: String,
    pub name: String,
    /// Everybody of the staff; members are `selected`.
    pub people: Vec<Choice>,
    pub problems: Vec<Problem>,
}
