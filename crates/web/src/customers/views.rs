use base::Timestamp;
use serde::Serialize;

use crate::{
    kit::{
        forms::Problem,
        lists::{Pager, Search},
    },
    tickets::views::Row,
};

/// `customers/list.html`, `GET /desk/customers?q=&cursor=`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub search: Search,
    pub customers: Vec<CustomerRow>,
    pub pager: Pager,
}

#[derive(Debug, Serialize)]
pub struct CustomerRow {
    pub href: String,
    pub name: String,
    pub email: Option<String>,
    pub company: Option<String>,
    pub open_tickets: u32,
    pub last_seen_at: Option<Timestamp>,
}

/// `customers/customer.html`, `GET /desk/customers/{id}`.
/// Forms: `POST …` fields `name, email?, phone?, company?` · `POST …/notes` field `body`.
#[derive(Debug, Default, Serialize)]
pub struct Customer {
    pub id: String,
    pub name: String,
    pub email: Option<String>,
    pub verified: bool,
    pub phone: Option<String>,
    pub company: Option<String>,
    pub since: Option<Timestamp>,
    pub facts: Vec<(String, String)>,
    pub tickets: Vec<Row>,
    pub all_tickets_href: Option<String>,
    pub notes: Vec<Note>,
    pub activity: Vec<Activity>,
    pub may_change: bool,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct Note {
    pub author_name: String,
    /// Already sanitised.
    pub body_html: String,
    pub created_at: Timestamp,
}

#[derive(Debug, Serialize)]
pub struct Activity {
    pub text: String,
    pub created_at: Timestamp,
}
