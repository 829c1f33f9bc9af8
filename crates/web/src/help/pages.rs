//! The customer's pages.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::IntoResponse as _,
    routing::{get, post},
};
use base::{Error, Id, Kind, Result};
use desk::{
    articles::portal as readable,
    tickets::{
        self, Markdown, NewAttachment, Status,
        portal::{self, PortalTicket, Viewer},
        search::mine,
    },
};
use identity::Settings;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    api::{ContactIn, submit},
    views,
};
use crate::{
    articles::{self, reader::Asking},
    http::{
        answer::{Idempotency, once},
        app::App,
        caller::Caller,
        extract::{At, CustomerCaller, Params, Payload},
        failure::{Outcome, status},
        page::{Look, check_form, done, encode, page, page_with},
        upload,
    },
    kit::{
        forms::{Choice, Problem},
        lists::{Pager, Search},
    },
    tickets::{
        found::{self, Searched},
        portal_api::viewer,
    },
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/help", get(home))
        .route("/help/contact", get(contact).post(submit_contact))
        .route("/help/contact/articles", post(contact_articles))
        .route("/help/tickets", get(list))
        .route("/help/tickets/{id}", get(ticket))
        .route("/help/tickets/{id}/messages", post(reply))
        .route("/help/tickets/{id}/confirm", post(confirm))
        .route("/help/status/{token}", get(status_page))
        .route("/help/status/{token}/messages", post(status_reply))
        .route("/help/status/{token}/confirm", post(status_confirm))
        .route("/help/status/{token}/attachments/{id}", get(status_attachment))
        .merge(super::feedback::routes())
        .merge(super::feedback_stop::routes())
        .merge(super::forward::routes())
}

/// A fresh key for a form, so that a double click files once.
pub fn form_key() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

async fn home(State(app): State<App>, look: Look, caller: Caller, asking: Asking) -> Outcome {
    let reader = asking.reader(&caller);
    let person =
        caller.principal.customer().map(|c| Viewer::User { user: c.user_id, customer: c.customer_id });
    let view = app
        .read(caller.scope(), move |read| {
            let topics = desk::categories::all(read)?
                .into_iter()
                .filter(|c| c.archived_at.is_none())
                .map(|c| views::Topic { key: c.slug, label: c.name })
                .collect();
            let open = match &person {
                Some(viewer) => portal::list(read, viewer, &Status::LIVE, Default::default(), None, 5)?.0,
                None => Vec::new(),
            };
            let sections = articles::sections(read, &reader)?;
            Ok(views::Home { topics, sections, open_tickets: open.iter().map(line).collect() })
        })
        .await?;
    page(&app, &look, "help/home.html", view).await
}

fn line(t: &PortalTicket) -> views::TicketLine {
    views::TicketLine {
        id: t.id.to_string(),
        number: t.ticket_number.clone(),
        subject: t.subject.clone(),
        status: t.status.to_string(),
        updated_at: t.updated_at,
        unread: t.unread_by_customer > 0,
        highlights: None,
    }
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(default)]
struct ContactQuery {
    category: Option<String>,
    article: Option<String>,
}

/// Categories of a select, with a first empty choice that asks to choose.
async fn choices(app: &App, caller: &Caller, selected: &str) -> Result<Vec<Choice>> {
    let all = app.read(caller.scope(), desk::categories::all).await?;
    Ok(all
        .into_iter()
        .filter(|c| c.archived_at.is_none())
        .map(|c| Choice::new(c.slug.clone(), c.name, c.slug == selected))
        .collect())
}

/// The form before anything is typed: the article they come from, and whether there are others to suggest; for a text
/// that was typed, which.
async fn blank_contact(
    app: &App,
    caller: &Caller,
    asking: &Asking,
    article: Option<String>,
    typed: Option<String>,
) -> Result<views::Contact> {
    let reader = asking.reader(caller);
    let (article, has_articles, suggestions) = app
        .read(caller.scope(), move |read| {
            let all = readable::all(read, &reader)?;
            let from = all.iter().find(|h| Some(&h.slug) == article.as_ref());
            let from = from.map(|h| (h.slug.clone(), h.title.clone()));
            let suggestions = typed
                .map(|typed| articles::suggestions(read, &reader, &typed))
                .transpose()?
                .unwrap_or_default();
            Ok((from, !all.is_empty(), suggestions))
        })
        .await?;
    Ok(views::Contact {
        attachment_limit_bytes: caller.tenant.settings.attachment_max_bytes,
        idempotency_key: form_key(),
        article,
        has_articles,
        suggestions,
        ..Default::default()
    })
}

/// "See articles about this", for readers without JavaScript: the form as it was typed, with suggestions.
async fn contact_articles(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    asking: Asking,
    payload: Payload,
) -> Outcome {
    let form = page_form(&app, &caller, payload).await?;
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let typed = format!("{} {}", text("subject"), text("description"));
    let blank = blank_contact(&app, &caller, &asking, Some(text("article")), Some(typed)).await?;
    let view = views::Contact {
        categories: choices(&app, &caller, &text("category")).await?,
        name: text("name"),
        email: text("email"),
        subject: text("subject"),
        description: text("description"),
        ..blank
    };
    let mut look = look;
    look.path = "/help/contact".into();
    page(&app, &look, "help/contact.html", view).await
}

async fn contact(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    asking: Asking,
    Params(query): Params<ContactQuery>,
) -> Outcome {
    let view = views::Contact {
        categories: choices(&app, &caller, query.category.as_deref().unwrap_or("other")).await?,
        ..blank_contact(&app, &caller, &asking, query.article, None).await?
    };
    page(&app, &look, "help/contact.html", view).await
}

/// A multipart form of a page: token checked, files stored, fields at hand.
pub async fn page_form(app: &App, caller: &Caller, payload: Payload) -> Result<upload::Form> {
    let headers = payload.0.headers().clone();
    let form = if upload::is_multipart(&payload) {
        // Before a byte is stored, whoever sends must be on a page of ours.
        crate::http::caller::check_same_origin(app, &caller.tenant, &headers)?;
        upload::read_form(app, caller, payload).await?
    } else {
        let fields: Vec<(String, String)> = payload.form().await?;
        upload::Form { fields, files: Vec::new() }
    };
    check_form(app, caller, &headers, form.get("csrf").unwrap_or_default())?;
    Ok(form)
}

async fn submit_contact(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    asking: Asking,
    payload: Payload,
) -> Outcome {
    let form = page_form(&app, &caller, payload).await?;
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let person = caller.principal.customer();
    let email = person.as_ref().map_or_else(|| text("email"), |p| p.email.to_string());
    // An article that is gone meanwhile is no reason not to be heard.
    let blank = blank_contact(&app, &caller, &asking, Some(text("article")), None).await?;
    let input = ContactIn {
        article: blank.article.as_ref().map(|(slug, _)| slug.clone()),
        name: Some(text("name")),
        email: email.clone(),
        category: Some(text("category")).filter(|c| !c.is_empty()),
        subject: Some(text("subject")),
        description: text("description"),
        website: Some(text("website")),
    };
    let key = Idempotency::of(
        &caller,
        form.get("idempotency_key").filter(|k| !k.is_empty()),
        "page.contact",
        text("description").as_bytes(),
    )?;
    match submit(&app, &caller, input, form.files.clone(), key).await {
        Ok(created) => {
            let answer: serde_json::Value = serde_json::from_str(&created.1).map_err(Error::from_source)?;
            let number = answer["ticket_number"].as_str().unwrap_or_default().to_owned();
            let found = number.clone();
            let href = match &person {
                Some(_) => app
                    .read(caller.scope(), move |read| tickets::query::find_by_number(read, &found))
                    .await?
                    .map(|id| format!("/help/tickets/{id}")),
                None => None,
            };
            page(&app, &look, "help/thanks.html", views::Thanks { ticket_number: number, ticket_href: href })
                .await
        }
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Limited | Kind::TooLarge) => {
            let view = views::Contact {
                name: text("name"),
                email: text("email"),
                categories: choices(&app, &caller, &text("category")).await?,
                subject: text("subject"),
                description: text("description"),
                problems: Problem::from_error(&error),
                ..blank
            };
            page_with(&app, &look, "help/contact.html", view, status(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(default)]
struct ListQuery {
    filter: Option<String>,
    q: Option<String>,
    cursor: Option<String>,
}

/// Where a list of the customer's goes on, or begins.
fn list_href(filter: &str, q: &str, cursor: Option<String>) -> String {
    let mut href = format!("/help/tickets?filter={filter}");
    if !q.is_empty() {
        href.push_str(&format!("&q={}", encode(q)));
    }
    if let Some(cursor) = cursor {
        href.push_str(&format!("&cursor={cursor}"));
    }
    href
}

/// A search goes through open and settled ones alike.
async fn search(app: App, look: Look, who: CustomerCaller, q: String, cursor: Option<String>) -> Outcome {
    let cursor: Option<base::Cursor> = cursor.as_deref().map(str::parse).transpose()?;
    let (viewer, locale, at_top) = (viewer(&who), look.locale().to_owned(), cursor.is_none());
    let filter = mine::MyFilter { q: q.clone(), status: Vec::new(), sort: None, cursor, limit: 25 };
    let (lines, next, searched) = app
        .read(who.caller.scope(), move |read| {
            let found = match mine::search(read, &viewer, &filter) {
                Ok(found) => found,
                Err(error) => return Ok((Vec::new(), None, Searched::refused(error)?)),
            };
            let highlights = found::of_customer(read, &found)?;
            let lines = found.tickets.iter().zip(highlights);
            let lines = lines.map(|(t, h)| views::TicketLine { highlights: Some(h), ..line(t) }).collect();
            Ok((lines, found.next.map(|c| c.to_string()), Searched::of(&found.facts, &locale)))
        })
        .await?;
    let code = if searched.problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let view = views::Tickets {
        filter: "search".into(),
        search: Search { action: "/help/tickets".into(), q: q.clone(), keep: Vec::new() },
        tickets: lines,
        pager: Pager {
            first_href: (!at_top).then(|| list_href("all", &q, None)),
            next_href: next.map(|c| list_href("all", &q, Some(c))),
            total: None,
        },
        searched: Some(searched),
    };
    page_with(&app, &look, "help/tickets.html", view, code).await
}

async fn list(
    State(app): State<App>,
    look: Look,
    who: CustomerCaller,
    Params(query): Params<ListQuery>,
) -> Outcome {
    if let Some(q) = query.q.filter(|q| !q.trim().is_empty()) {
        return search(app, look, who, q, query.cursor).await;
    }
    let all = query.filter.as_deref() == Some("all");
    let status: Vec<Status> =
        if all { Vec::new() } else { Status::LIVE.iter().copied().chain([Status::Resolved]).collect() };
    let cursor = query.cursor.as_deref().map(str::parse).transpose()?;
    let at_top = cursor.is_none();
    let viewer = viewer(&who);
    let (found, more) = app
        .read(who.caller.scope(), move |read| {
            portal::list(read, &viewer, &status, Default::default(), cursor.as_ref(), 25)
        })
        .await?;
    let filter = if all { "all" } else { "open" };
    let next = found.last().filter(|_| more).map(|t| {
        let cursor = tickets::Sort::default().cursor_of(t.last_message_at.as_microsecond(), t.id.uuid());
        list_href(filter, "", Some(cursor.to_string()))
    });
    let pager =
        Pager { first_href: (!at_top).then(|| list_href(filter, "", None)), next_href: next, total: None };
    let view = views::Tickets {
        filter: filter.into(),
        search: Search { action: "/help/tickets".into(), ..Search::default() },
        tickets: found.iter().map(line).collect(),
        pager,
        searched: None,
    };
    page(&app, &look, "help/tickets.html", view).await
}

#[derive(Deserialize)]
struct TicketAt {
    id: Id<tickets::Ticket>,
}
#[derive(Deserialize)]
struct TokenAt {
    token: String,
}

/// What a ticket's page needs, from the customer's read model alone.
fn ticket_view(
    read: &db::Read<'_>,
    viewer: &Viewer,
    id: Id<tickets::Ticket>,
    token: &str,
    settings: &Settings,
) -> Result<views::Ticket> {
    let t = portal::get(read, viewer, id)?;
    let me = match viewer {
        Viewer::User { user, .. } => Some(user.uuid()),
        Viewer::Link { .. } => None,
    };
    let href = |file: &tickets::Attachment| match viewer {
        Viewer::User { .. } => format!("/api/attachments/{}", file.id),
        Viewer::Link { .. } => format!("/help/status/{token}/attachments/{}", file.id),
    };
    let messages = portal::messages(read, &t)?
        .into_iter()
        .map(|m| {
            let from_customer = m.direction == tickets::Direction::Inbound;
            let is_viewer = from_customer && (me.is_none() || m.author.id == me);
            let file = |a: &tickets::Attachment| views::Attachment {
                filename: a.filename.clone(),
                size_bytes: a.size_bytes,
                href: href(a),
            };
            views::Message {
                id: m.id.to_string(),
                from_customer,
                is_viewer,
                author_name: m.author.name.clone(),
                attachments: m.attachments.iter().map(file).collect(),
                body_html: m.body_html,
                created_at: m.created_at,
            }
        })
        .collect();
    let events = portal::events(read, &t)?;
    let reached =
        |status: &str| events.iter().rev().find(|e| e.to.as_deref() == Some(status)).map(|e| e.created_at);
    let step = |key: &str, at, current| views::Step { key: key.into(), at, current };
    let mut steps = vec![
        step("received", Some(t.created_at), matches!(t.status, Status::New | Status::Open)),
        step("in_progress", reached("in_progress"), t.status == Status::InProgress),
    ];
    if t.status == Status::PendingCustomer {
        steps.push(step("waiting", reached("pending_customer"), true));
    }
    steps.push(step("resolved", t.resolved_at, t.status == Status::Resolved));
    if !t.status.is_live() && t.status != Status::Resolved {
        steps.push(step("closed", t.closed_at, true));
    }
    let window = base::hours(24 * i64::from(settings.reopen_days));
    let late = t.status == Status::Archived
        || (t.status == Status::Closed && t.closed_at.is_none_or(|at| at + window < read.now()));
    Ok(views::Ticket {
        id: if token.is_empty() { t.id.to_string() } else { String::new() },
        token: token.to_owned(),
        number: t.ticket_number,
        subject: t.subject,
        status: t.status.to_string(),
        created_at: t.created_at,
        steps,
        messages,
        can_reply: true,
        reopens: !late && matches!(t.status, Status::Resolved | Status::Closed),
        follows_up: late,
        can_confirm: t.status == Status::Resolved,
        draft: String::new(),
        attachment_limit_bytes: settings.attachment_max_bytes,
        idempotency_key: form_key(),
        problems: Vec::new(),
    })
}

async fn ticket(
    State(app): State<App>,
    look: Look,
    who: CustomerCaller,
    At(at): At<TicketAt>,
    headers: axum::http::HeaderMap,
) -> Outcome {
    let (viewer, settings) = (viewer(&who), who.caller.tenant.settings.clone());
    let shown = viewer.clone();
    // What went into another request of theirs is read there.
    let goes_on_in = app
        .read(who.caller.scope(), move |read| {
            let t = portal::get(read, &shown, at.id)?;
            Ok(t.merged_into.filter(|into| portal::get(read, &shown, *into).is_ok()))
        })
        .await?;
    if let Some(into) = goes_on_in {
        return Ok(axum::response::Redirect::to(&format!("/help/tickets/{into}")).into_response());
    }
    let shown = viewer.clone();
    let view =
        app.read(who.caller.scope(), move |read| ticket_view(read, &shown, at.id, "", &settings)).await?;
    // Fetched ahead because a link was pointed at: nobody reads it yet.
    if !headers.contains_key("sec-purpose") {
        app.write(who.caller.scope(), move |tx| portal::mark_read(tx, &viewer, at.id)).await?;
    }
    page(&app, &look, "help/ticket.html", view).await
}

async fn reply(
    State(app): State<App>,
    look: Look,
    who: CustomerCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome {
    let viewer = viewer(&who);
    let seen = viewer.clone();
    app.read(who.caller.scope(), move |read| portal::get(read, &seen, at.id)).await?;
    write_reply(app, look, who.caller, viewer, at.id, String::new(), payload).await
}

async fn confirm(
    State(app): State<App>,
    look: Look,
    who: CustomerCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome {
    page_form(&app, &who.caller, payload).await?;
    let viewer = viewer(&who);
    app.write(who.caller.scope(), move |tx| tickets::confirm(tx, &viewer, at.id, None)).await?;
    Ok(done(&format!("/help/tickets/{}", at.id), "flash-confirmed", look.locale()))
}

async fn by_link(app: &App, caller: &Caller, token: &str) -> Result<(Viewer, Id<tickets::Ticket>)> {
    let token = token.to_owned();
    let viewer = app.read(caller.scope(), move |read| portal::by_status_link(read, &token)).await?;
    match &viewer {
        Viewer::Link { ticket } => {
            let id = *ticket;
            Ok((viewer, id))
        }
        Viewer::User { .. } => Err(Error::bug("a link that is a user")),
    }
}

async fn status_page(State(app): State<App>, look: Look, caller: Caller, At(at): At<TokenAt>) -> Outcome {
    let (viewer, id) = by_link(&app, &caller, &at.token).await?;
    let (settings, token) = (caller.tenant.settings.clone(), at.token);
    let view =
        app.read(caller.scope(), move |read| ticket_view(read, &viewer, id, &token, &settings)).await?;
    page(&app, &look, "help/status.html", view).await
}

async fn status_reply(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    At(at): At<TokenAt>,
    payload: Payload,
) -> Outcome {
    let (viewer, id) = by_link(&app, &caller, &at.token).await?;
    write_reply(app, look, caller, viewer, id, at.token, payload).await
}

async fn status_confirm(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    At(at): At<TokenAt>,
    payload: Payload,
) -> Outcome {
    page_form(&app, &caller, payload).await?;
    let (viewer, id) = by_link(&app, &caller, &at.token).await?;
    app.write(caller.scope(), move |tx| tickets::confirm(tx, &viewer, id, None)).await?;
    Ok(done(&format!("/help/status/{}", at.token), "flash-confirmed", look.locale()))
}

#[derive(Deserialize)]
struct FileAt {
    token: String,
    id: Id<tickets::Attachment>,
}

async fn status_attachment(State(app): State<App>, caller: Caller, At(at): At<FileAt>) -> Outcome {
    let (viewer, _) = by_link(&app, &caller, &at.token).await?;
    let file = app.read(caller.scope(), move |read| portal::attachment(read, &viewer, at.id)).await?;
    Ok(upload::serve(&app, &caller, &file).await?)
}

async fn write_reply(
    app: App,
    look: Look,
    caller: Caller,
    viewer: Viewer,
    id: Id<tickets::Ticket>,
    token: String,
    payload: Payload,
) -> Outcome {
    let form = page_form(&app, &caller, payload).await?;
    let body = form.get("body").unwrap_or_default().to_owned();
    let key = Idempotency::of(
        &caller,
        form.get("idempotency_key").filter(|k| !k.is_empty()),
        &format!("page.reply:{id}"),
        body.as_bytes(),
    )?;
    let settings = caller.tenant.settings.clone();
    match send(&app, &caller, &viewer, id, &body, form.files.clone(), key).await {
        Ok(other) if token.is_empty() => {
            Ok(done(&format!("/help/tickets/{other}"), "flash-sent", look.locale()))
        }
        Ok(_) => Ok(done(&format!("/help/status/{token}"), "flash-sent", look.locale())),
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::TooLarge) => {
            let shown = token.clone();
            let mut view = app
                .read(caller.scope(), move |read| ticket_view(read, &viewer, id, &shown, &settings))
                .await?;
            view.draft = body;
            view.problems = Problem::from_error(&error);
            let template = if token.is_empty() { "help/ticket.html" } else { "help/status.html" };
            page_with(&app, &look, template, view, status(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes the message; answers the ticket it is in, which is another one when the old is long closed.
async fn send(
    app: &App,
    caller: &Caller,
    viewer: &Viewer,
    id: Id<tickets::Ticket>,
    body: &str,
    files: Vec<NewAttachment>,
    key: Option<Idempotency>,
) -> Result<Id<tickets::Ticket>> {
    let (body, viewer, settings) =
        (Markdown::parse("body", body)?, viewer.clone(), caller.tenant.settings.clone());
    let created = app
        .write(caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                let (ticket, _) = tickets::customer_reply(tx, &settings, &viewer, id, body, files, None)?;
                Ok(ticket.id)
            })
        })
        .await?;
    serde_json::from_str(&created.1).map_err(Error::from_source)
}
