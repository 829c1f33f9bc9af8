//! The desk's pages: new conversations and calls, and what rows of tickets are made of. One ticket is in
//! [`super::ticket_page`], the queue in [`crate::queue`].

use std::collections::HashMap;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Id, Kind, Result, Timestamp};
use db::Read;
use desk::tickets::{self, *};
use identity::{User, users};

use super::{
    ticket_page,
    views::{self, Row, Sla},
    wire::email,
};
use crate::{
    help::pages::{form_key, page_form},
    http::{
        answer::{Idempotency, once},
        app::App,
        extract::{Payload, StaffCaller},
        failure::{Outcome, status},
        page::{Look, done, local, page, page_with},
    },
    kit::{
        forms::{Choice, Problem},
        words,
    },
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/desk/tickets/new", get(new_ticket).post(submit_new))
        .route("/desk/calls/new", get(new_call).post(submit_call))
        .route("/desk/tickets/{id}", get(ticket_page::show).post(ticket_page::save))
        .route("/desk/tickets/{id}/{act}", post(ticket_page::act))
        .layer(axum::middleware::from_fn(super::around::keep))
}

/// Names of the people and categories that rows speak of.
pub struct Names {
    pub staff: Vec<User>,
    pub categories: Vec<desk::categories::Category>,
    /// When it was read, for who is away.
    pub now: Timestamp,
}

impl Names {
    pub fn read(read: &Read<'_>) -> Result<Self> {
        Ok(Self { staff: users::staff(read)?, categories: desk::categories::all(read)?, now: read.now() })
    }
    /// A name in a list of people to give a ticket to, with a word when they are away.
    pub fn with_away(&self, user: &User, locale: &str) -> String {
        if user.is_away(self.now) {
            format!("{} ({})", user.name, words::say(locale, "away-mark"))
        } else {
            user.name.clone()
        }
    }
    pub fn of(&self, id: Option<Id<User>>) -> Option<String> {
        let id = id?;
        Some(self.staff.iter().find(|u| u.id == id).map_or_else(|| "?".to_owned(), |u| u.name.clone()))
    }
    pub fn category(&self, slug: &str) -> String {
        self.categories.iter().find(|c| c.slug == slug).map_or_else(|| slug.to_owned(), |c| c.name.clone())
    }
}

/// Rows of a list, with their customers' names read at once.
pub fn rows(read: &Read<'_>, found: &[Ticket], names: &Names) -> Result<Vec<Row>> {
    let mut customers: HashMap<_, String> = HashMap::new();
    for t in found {
        if let std::collections::hash_map::Entry::Vacant(slot) = customers.entry(t.customer_id) {
            slot.insert(crm::customers::get(read, t.customer_id)?.name);
        }
    }
    Ok(found
        .iter()
        .map(|t| row(t, names, customers.get(&t.customer_id).cloned().unwrap_or_default(), read.now()))
        .collect())
}

/// The rows with those marked that this member of staff has a draft on.
pub fn marked(read: &Read<'_>, staff: &identity::Staff, mut rows: Vec<Row>) -> Result<Vec<Row>> {
    let drafts = desk::composing::drafts::mine(read, staff)?;
    for row in &mut rows {
        row.draft = row.id.parse().is_ok_and(|id| drafts.contains(&id));
    }
    Ok(rows)
}

fn row(t: &Ticket, names: &Names, requester_name: String, now: Timestamp) -> Row {
    Row {
        id: t.id.to_string(),
        href: format!("/desk/tickets/{}", t.id),
        number: t.ticket_number.clone(),
        subject: t.subject.clone(),
        requester_name,
        requester_email: Some(t.user_email.clone()),
        category: names.category(&t.category),
        priority: t.priority.to_string(),
        status: t.status.to_string(),
        sla: sla(t, now),
        last_activity_at: t.last_message_at,
        assignee: names.of(t.assigned_to),
        unread: t.unread_by_agent > 0,
        message_count: t.message_count,
        draft: false,
        highlights: None,
    }
}

/// The clock of a ticket; none for one that was closed without being resolved.
pub fn sla(t: &Ticket, now: Timestamp) -> Option<Sla> {
    if !t.status.is_live() && t.resolved_at.is_none() {
        return None;
    }
    Some(Sla::new(t.created_at, t.due_at, t.resolved_at, now))
}

/// What the forms for new conversations and calls offer.
async fn blank(app: &App, who: &StaffCaller, locale: &str) -> Result<views::New> {
    let categories = app.read(who.caller.scope(), desk::categories::all).await?;
    let words_of = |prefix: &str, word: &str| words::say(locale, &format!("{prefix}-{}", word));
    Ok(views::New {
        categories: categories
            .into_iter()
            .filter(|c| c.archived_at.is_none())
            .map(|c| Choice::new(c.slug.clone(), c.name, c.slug == "other"))
            .collect(),
        priorities: Priority::ALL
            .iter()
            .map(|p| Choice::new(p.as_str(), words_of("priority", p.as_str()), *p == Priority::Normal))
            .collect(),
        types: TicketType::ALL
            .iter()
            .map(|t| Choice::new(t.as_str(), words_of("type", t.as_str()), *t == TicketType::GeneralInquiry))
            .collect(),
        assign_to_me: true,
        attachment_limit_bytes: who.caller.tenant.settings.attachment_max_bytes,
        idempotency_key: form_key(),
        ..views::New::default()
    })
}

async fn new_ticket(State(app): State<App>, look: Look, who: StaffCaller) -> Outcome {
    let view = blank(&app, &who, look.locale()).await?;
    page(&app, &look, "tickets/new.html", view).await
}
async fn new_call(State(app): State<App>, look: Look, who: StaffCaller) -> Outcome {
    let view = blank(&app, &who, look.locale()).await?;
    page(&app, &look, "tickets/call.html", view).await
}
async fn submit_new(State(app): State<App>, look: Look, who: StaffCaller, payload: Payload) -> Outcome {
    submit(app, look, who, payload, false).await
}
async fn submit_call(State(app): State<App>, look: Look, who: StaffCaller, payload: Payload) -> Outcome {
    submit(app, look, who, payload, true).await
}

async fn submit(app: App, look: Look, who: StaffCaller, payload: Payload, call: bool) -> Outcome {
    if who.staff.role == base::Role::Technician {
        return Err(Error::forbidden(
            "role.no_creation",
            "technicians work on tickets that are assigned to them",
        )
        .into());
    }
    let form = page_form(&app, &who.caller, payload).await?;
    match file(&app, &who, &form, call).await {
        Ok(id) => {
            // Made on the board, one stays on the board.
            let to = local(form.get("next"), &format!("/desk/tickets/{id}"));
            Ok(done(&to, "flash-ticket-created", look.locale()))
        }
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::TooLarge) => {
            let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
            let mut view = blank(&app, &who, look.locale()).await?;
            view.name = text("name");
            view.email = text("email");
            view.phone = text("phone");
            view.subject = text("subject");
            view.body = text("body");
            view.note = text("note");
            view.assign_to_me = form.get("assign_to_me").is_some();
            for (choices, name) in [
                (&mut view.categories, "category"),
                (&mut view.priorities, "priority"),
                (&mut view.types, "ticket_type"),
            ] {
                if let Some(value) = form.get(name) {
                    choices.iter_mut().for_each(|c| c.selected = c.value == value);
                }
            }
            view.problems = Problem::from_error(&error);
            let template = if call { "tickets/call.html" } else { "tickets/new.html" };
            page_with(&app, &look, template, view, status(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn file(
    app: &App,
    who: &StaffCaller,
    form: &crate::http::upload::Form,
    call: bool,
) -> Result<Id<Ticket>> {
    let text = |name: &str| form.get(name).map(str::trim).filter(|v| !v.is_empty());
    let channel = if call { Channel::Phone } else { Channel::Portal };
    let mut new =
        NewTicket::new(text("subject").unwrap_or_default(), text("body").unwrap_or_default(), channel)
            .map_err(|e| {
                // The page calls it "body".
                if e.field_errors().first().is_some_and(|f| f.field == "description") {
                    e.on_field("body")
                } else {
                    e
                }
            })?;
    new.category = text("category").map(str::to_owned);
    new.priority = text("priority").map(str::parse).transpose()?.unwrap_or(Priority::Normal);
    new.ticket_type = text("ticket_type").map(str::parse).transpose()?.unwrap_or(TicketType::GeneralInquiry);
    new.attachments = form.files.clone();
    if form.get("assign_to_me").is_some() {
        new.assigned_to = who.staff.user_id;
    }
    let address = match text("email") {
        Some(address) => email("email", address)?,
        None if call => caller_address(text("phone"))?,
        None => return Err(Error::field("email", "email.missing", "say to whom")),
    };
    let note = text("note").map(|n| Markdown::parse("note", n)).transpose()?;
    let (name, phone) = (text("name").unwrap_or_default().to_owned(), text("phone").map(str::to_owned));
    let key = Idempotency::of(&who.caller, text("idempotency_key"), "page.new", new.subject.as_bytes())?;
    let (settings, staff) = (who.caller.tenant.settings.clone(), who.staff.clone());
    let created = app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                let user_id = user_of(tx, &address)?;
                let requester = Requester { email: address, name, user_id };
                let ticket = tickets::create(
                    tx,
                    &settings,
                    Some(&staff),
                    For::Address { requester, spoke_first: !call },
                    new,
                )?;
                if let Some(phone) = phone {
                    let known = crm::customers::get(tx, ticket.customer_id)?;
                    if known.phone.is_none() {
                        let patch =
                            crm::customers::CustomerPatch { phone: Some(Some(phone)), ..Default::default() };
                        crm::customers::update(tx, known.id, patch)?;
                    }
                }
                if let Some(body) = note {
                    let note = NewMessage {
                        body,
                        is_internal: true,
                        attachments: Vec::new(),
                        status: None,
                        expected_version: None,
                        addressed_to: None,
                    };
                    tickets::staff_message(tx, &settings, &staff, ticket.id, note)?;
                }
                Ok(ticket.id)
            })
        })
        .await?;
    serde_json::from_str(&created.1).map_err(Error::from_source)
}

/// A caller who gave no address is known by their number, under a name that can never receive mail (RFC 2606).
fn caller_address(phone: Option<&str>) -> Result<base::Email> {
    let digits: String = phone.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 4 {
        return Err(Error::field(
            "phone",
            "call.nobody",
            "give a phone number or an address, so that the caller can be found again",
        ));
    }
    format!("phone-{digits}@caller.invalid").parse()
}
