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

/// `customers/customer.html`, `GET /desk/customers/{id}`. Forms, both with `version`:
/// `POST …` fields `name, phone?, company?, service_address?, plan?` · `POST …/notes` field `notes?`.
#[derive(Debug, Default, Serialize)]
pub struct Customer {
    pub id: String,
    /// Goes back as it was given, so that nothing is overwritten unseen.
    pub version: i64,
    /// What the page is called: the name as it is stored.
    pub title: String,
    pub name: String,
    pub email: Option<String>,
    pub verified: bool,
    pub phone: Option<String>,
    pub company: Option<String>,
    pub service_address: Option<String>,
    pub plan: Option<String>,
    pub since: Option<Timestamp>,
    pub tickets: Vec<Row>,
    pub all_tickets_href: Option<String>,
    /// Markdown, for staff only.
    pub notes: String,
    pub problems: Vec<Problem>,
}
