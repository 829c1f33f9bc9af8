//! `GET /desk/find`: what the command palette finds while somebody types. Without words: what is theirs to do next.

use axum::{Json, extract::State, response::IntoResponse};
use base::Result;
use db::Read;
use desk::tickets::{self, TicketFilter};
use identity::Staff;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::{
    app::App,
    extract::{Params, StaffCaller},
    failure::Outcome,
};

/// Of each kind.
const MOST: u32 = 6;

#[derive(Deserialize, Default, JsonSchema)]
#[serde(default)]
pub struct Words {
    q: String,
}

/// A thing to go to.
#[derive(Serialize)]
struct Found {
    /// `ticket` or `customer`.
    kind: &'static str,
    label: String,
    detail: String,
    href: String,
}

pub async fn find(State(app): State<App>, who: StaffCaller, Params(words): Params<Words>) -> Outcome {
    let staff = who.staff.clone();
    let found = app
        .read(who.caller.scope(), move |read| {
            let mut found = tickets(read, &staff, words.q.trim())?;
            found.extend(customers(read, &staff, words.q.trim())?);
            Ok(found)
        })
        .await?;
    Ok(Json(found).into_response())
}

fn tickets(read: &Read<'_>, staff: &Staff, q: &str) -> Result<Vec<Found>> {
    let found = if q.is_empty() {
        let Some(mine) = tickets::query::view_filter("mine", staff) else { return Ok(Vec::new()) };
        tickets::query::list(read, staff, &TicketFilter { limit: MOST, ..mine })?.0
    } else {
        let filter = TicketFilter {
            q: Some(beginning(q)),
            by_relevance: true,
            limit: MOST,
            ..TicketFilter::default()
        };
        match tickets::search::search(read, staff, &filter) {
            Ok(found) => found.tickets,
            // Half an operator is no mistake yet: the next letter may finish it.
            Err(error) if error.code().starts_with("request.search_") => Vec::new(),
            Err(error) => return Err(error),
        }
    };
    let of = |t: tickets::Ticket| -> Result<Found> {
        let requester = crm::customers::get(read, t.customer_id)?.name;
        Ok(Found {
            kind: "ticket",
            label: t.subject,
            detail: format!("{requester} · {}", t.ticket_number),
            href: format!("/desk/tickets/{}", t.id),
        })
    };
    found.into_iter().map(of).collect()
}

/// The last word is still being typed. A search by beginnings wants three letters; fewer are a word as they are.
fn beginning(q: &str) -> String {
    let last = q.chars().rev().take_while(|c| c.is_alphanumeric()).count();
    if last >= 3 { format!("{q}*") } else { q.to_owned() }
}

fn customers(read: &Read<'_>, staff: &Staff, q: &str) -> Result<Vec<Found>> {
    if q.chars().count() < 2 || !staff.role.sees_all_tickets() {
        return Ok(Vec::new());
    }
    let of = |c: crm::CustomerRecord| Found {
        kind: "customer",
        label: c.name,
        detail: c.email.to_string(),
        href: format!("/desk/customers/{}", c.id),
    };
    Ok(crm::customers::search(read, q, None, MOST)?.into_iter().map(of).collect())
}
