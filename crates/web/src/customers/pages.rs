//! Handlers of the customer pages.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Id, Kind, Result};
use crm::{
    CustomerRecord,
    customers::{self, CustomerPatch},
};
use db::{Read, Tx};
use desk::tickets::{TicketFilter, query};
use identity::{Staff, users};
use serde::Deserialize;
use uuid::Uuid;

use super::views;
use crate::{
    http::{
        app::App,
        extract::{At, Params, Payload},
        failure::Outcome,
        page::form,
        person::{StaffPage, cut, filled, href, problems_as},
    },
    kit::lists::{Pager, Search},
    tickets::{
        pages::{Names, rows},
        views::Row,
    },
};

const HOME: &str = "/desk/customers";
const PAGE: u32 = 50;
/// Tickets shown on the page of a customer.
const TICKETS: u32 = 20;

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list))
        .route("/desk/customers/{id}", get(show).post(change))
        .route("/desk/customers/{id}/notes", post(set_notes))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Query {
    q: String,
    cursor: String,
}

async fn list(State(app): State<App>, who: StaffPage, Params(query): Params<Query>) -> Outcome {
    if !who.staff.role.sees_all_tickets() {
        let message = "the list of customers is for agents and administrators";
        return Err(Error::forbidden("role.no_customers", message).into());
    }
    let before = (!query.cursor.is_empty()).then(|| query.cursor.parse::<Uuid>()).transpose();
    let before = before.map_err(|_| Error::field("cursor", "cursor.malformed", "start over without it"))?;
    let q = filled(Some(query.q.clone()));
    let (customers, next) = app.read(who.scope(), move |read| page_of(read, q.as_deref(), before)).await?;
    let view = views::List {
        search: Search { action: HOME.into(), q: query.q.clone(), keep: Vec::new() },
        customers,
        pager: Pager {
            first_href: before.map(|_| href(HOME, &[("q", &query.q)])),
            next_href: next.map(|id| href(HOME, &[("q", &query.q), ("cursor", &id)])),
            total: None,
        },
    };
    who.show(&app, "customers/list.html", view).await
}

fn page_of(
    read: &Read<'_>,
    q: Option<&str>,
    before: Option<Uuid>,
) -> Result<(Vec<views::CustomerRow>, Option<String>)> {
    let mut found = match q {
        Some(q) => customers::search(read, q, before, PAGE + 1)?,
        None => customers::page(read, before, PAGE + 1)?,
    };
    let next = cut(&mut found, PAGE as usize, |c| c.id.to_string());
    let ids: Vec<_> = found.iter().map(|c| c.id).collect();
    let emails: Vec<_> = found.iter().map(|c| c.email.clone()).collect();
    let open = query::open_by_customer(read, &ids)?;
    let seen = users::last_seen(read, &emails)?;
    let row = |c: CustomerRecord| views::CustomerRow {
        href: format!("{HOME}/{}", c.id),
        open_tickets: open.get(&c.id.uuid()).copied().unwrap_or(0),
        last_seen_at: seen.iter().find(|(e, _)| e.key() == c.email.key()).map(|(_, at)| *at),
        name: c.name,
        email: Some(c.email.to_string()),
        company: c.company,
    };
    Ok((found.into_iter().map(row).collect(), next))
}

/// A customer this member of staff may see. Technicians have their tickets and nothing more.
fn find(read: &Read<'_>, staff: &Staff, id: Uuid) -> Result<CustomerRecord> {
    if !staff.role.sees_all_tickets() {
        return Err(Error::not_found("customer"));
    }
    customers::get(read, Id::from_uuid(id))
}

async fn view(app: &App, who: &StaffPage, id: Uuid) -> Result<views::Customer> {
    let staff = who.staff.clone();
    let (c, tickets, more) = app
        .read(who.scope(), move |read| {
            let customer = find(read, &staff, id)?;
            let filter =
                TicketFilter { customer: vec![customer.id], limit: TICKETS, ..TicketFilter::default() };
            let (found, more) = query::list(read, &staff, &filter)?;
            let tickets: Vec<Row> = rows(read, &found, &Names::read(read)?)?;
            Ok((customer, tickets, more))
        })
        .await?;
    Ok(views::Customer {
        id: c.id.to_string(),
        version: c.version,
        title: c.name.clone(),
        name: c.name,
        verified: c.verified_at.is_some(),
        phone: c.phone,
        company: c.company,
        service_address: c.service_address,
        plan: c.plan,
        since: Some(c.created_at),
        tickets,
        all_tickets_href: more.then(|| href("/desk", &[("view", "all"), ("q", c.email.as_str())])),
        email: Some(c.email.to_string()),
        notes: c.internal_notes,
        problems: Vec::new(),
    })
}

async fn show(State(app): State<App>, who: StaffPage, At(id): At<Uuid>) -> Outcome {
    let view = view(&app, &who, id).await?;
    who.show(&app, "customers/customer.html", view).await
}

/// Refuses a form that was opened before somebody else changed the record.
fn unchanged(tx: &Tx<'_>, id: Id<CustomerRecord>, version: i64) -> Result<()> {
    if customers::get(tx, id)?.version == version {
        return Ok(());
    }
    let message = "somebody changed this customer after you opened the page; what you typed is not saved yet, look and save again";
    Err(Error::new(Kind::Stale, "customer.stale", message))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeForm {
    version: i64,
    name: String,
    #[serde(default)]
    phone: String,
    #[serde(default)]
    company: String,
    #[serde(default)]
    service_address: String,
    #[serde(default)]
    plan: String,
}

async fn change(State(app): State<App>, who: StaffPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let before = view(&app, &who, id).await?;
    let input: ChangeForm = form(&app, &who.caller, payload).await?;
    let optional = |text: &String| Some(filled(Some(text.clone())));
    let patch = CustomerPatch {
        name: Some(input.name.clone()),
        phone: optional(&input.phone),
        company: optional(&input.company),
        service_address: optional(&input.service_address),
        plan: optional(&input.plan),
    };
    let saved = app
        .write(who.scope(), move |tx| {
            let id = Id::from_uuid(id);
            unchanged(tx, id, input.version)?;
            let before = customers::get(tx, id)?;
            let after = customers::update(tx, id, patch)?;
            desk::tickets::search::customer_changed(tx, &before, &after)?;
            Ok(after)
        })
        .await;
    match saved {
        Ok(_) => who.done(format!("{HOME}/{id}"), "saved"),
        Err(error) => {
            let view = views::Customer {
                name: input.name,
                phone: Some(input.phone),
                company: Some(input.company),
                service_address: Some(input.service_address),
                plan: Some(input.plan),
                problems: problems_as(error, &[])?,
                ..before
            };
            who.again(&app, format!("{HOME}/{id}"), "customers/customer.html", view).await
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotesForm {
    version: i64,
    #[serde(default)]
    notes: String,
}

async fn set_notes(State(app): State<App>, who: StaffPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let before = view(&app, &who, id).await?;
    let input: NotesForm = form(&app, &who.caller, payload).await?;
    let notes = input.notes.clone();
    let saved = app
        .write(who.scope(), move |tx| {
            let id = Id::from_uuid(id);
            unchanged(tx, id, input.version)?;
            customers::set_notes(tx, id, &notes)
        })
        .await;
    match saved {
        Ok(_) => who.done(format!("{HOME}/{id}"), "saved"),
        Err(error) => {
            let problems = problems_as(error, &[("internal_notes", "notes")])?;
            let view = views::Customer { notes: input.notes, problems, ..before };
            who.again(&app, format!("{HOME}/{id}"), "customers/customer.html", view).await
        }
    }
}
