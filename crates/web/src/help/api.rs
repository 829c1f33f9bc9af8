//! The contact form over JSON.

use axum::extract::State;
use base::{Error, Kind, Result};
use desk::{
    articles::portal,
    tickets::{self, *},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    articles::reader::Asking,
    http::{
        answer::{Created, Idempotency, once},
        app::App,
        caller::Caller,
        extract::{Payload, parse_json},
        failure::Outcome,
    },
    tickets::{
        api::read_json_body,
        portal_api::{RECEIVED, Received, brake},
        wire::email,
    },
};

/// What a contact form sends. The answer is the same whether the address is known or not.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct ContactIn {
    pub name: Option<String>,
    pub email: String,
    pub category: Option<String>,
    pub subject: Option<String>,
    /// Markdown.
    pub description: String,
    /// The slug of an article that did not answer it; the ticket is linked with it.
    pub article: Option<String>,
    /// Left empty by people; robots fill it in.
    pub website: Option<String>,
}

pub async fn contact(State(app): State<App>, caller: Caller, payload: Payload) -> Outcome<Created> {
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&caller, key.as_deref(), "help.contact", &body)?;
    let input: ContactIn = parse_json(&body)?;
    Ok(submit(&app, &caller, input, Vec::new(), key).await?)
}

/// The article somebody read before they wrote, as a link of the ticket.
async fn read_before(app: &App, caller: &Caller, slug: &str) -> Result<Link> {
    let (reader, at) = (Asking::default().reader(caller), slug.to_owned());
    let found = app.read(caller.scope(), move |read| portal::page(read, &reader, &at)).await;
    let page = found.map_err(|error| match error.kind() {
        Kind::NotFound => Error::field("article", "article.unknown", "the slug of an article you can read"),
        _ => error,
    })?;
    Ok(Link { kind: "article".into(), id: page.heading.slug, label: page.heading.title })
}

/// Files the ticket of a contact form. A robot is answered like a person, and nothing is kept.
pub async fn submit(
    app: &App,
    caller: &Caller,
    input: ContactIn,
    files: Vec<NewAttachment>,
    key: Option<Idempotency>,
) -> Result<Created> {
    let address = email("email", &input.email)?;
    let category = input.category.clone().unwrap_or_else(|| "other".into());
    let subject =
        input.subject.filter(|s| !s.trim().is_empty()).unwrap_or_else(|| format!("Contact form: {category}"));
    let mut new = NewTicket::new(&subject, &input.description, Channel::Portal)?;
    new.category = input.category;
    new.attachments = files;
    if let Some(slug) = &input.article {
        new.links.push(read_before(app, caller, slug).await?);
    }
    let person = caller.principal.customer().filter(|p| p.email.key() == address.key());
    if person.is_none() {
        brake(app, caller, &address).await?;
    }
    if input.website.is_some_and(|w| !w.trim().is_empty()) {
        let answer = Received { ticket_number: "SUP-00000".into(), message: RECEIVED };
        let body = serde_json::to_string(&answer).map_err(base::Error::from_source)?;
        return Ok(Created(axum::http::StatusCode::CREATED, body));
    }
    let name = input.name.unwrap_or_default();
    let settings = caller.tenant.settings.clone();
    app.write(caller.scope(), move |tx| {
        once(tx, key.as_ref(), |tx| {
            let whom = match person {
                Some(p) => {
                    For::Themselves(Requester { email: p.email, name: p.name, user_id: Some(p.user_id) })
                }
                None => For::Stranger(Requester { email: address, name, user_id: None }),
            };
            let ticket = tickets::create(tx, &settings, None, whom, new)?;
            Ok(Received { ticket_number: ticket.ticket_number, message: RECEIVED })
        })
    })
    .await
}
