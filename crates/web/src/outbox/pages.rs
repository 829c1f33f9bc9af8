//! Handlers of the outbox pages.

use axum::{
    Router,
    extract::State,
    http::{HeaderName, header},
    response::IntoResponse,
    routing::{get, post},
};
use base::{Error, Id, Result, Role};
use identity::users;
use notices::letters::{self, LetterFilter, LetterKind};
use serde::Deserialize;
use uuid::Uuid;

use super::{STATES, views};
use crate::{
    http::{
        app::App,
        extract::{At, Params, Payload},
        failure::Outcome,
        page::form,
        person::{AdminPage, Button, cut, filled, href},
    },
    kit::lists::{Filter, FilterOption, Pager, Search},
};

const HOME: &str = "/admin/outbox";
const PAGE: u32 = 50;

/// A letter's HTML is somebody else's: it runs nothing, loads nothing and belongs to no origin.
const LETTER_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'";

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list))
        .route("/admin/outbox/{id}", get(show))
        .route("/admin/outbox/{id}/html", get(html))
        .route("/admin/outbox/{id}/raw", get(raw))
        .route("/admin/outbox/{id}/resend", post(resend))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Query {
    q: String,
    state: String,
    cursor: String,
}

/// The word for a letter's status: what is "sent" without a mail server was kept.
fn shown(app: &App, status: &str) -> String {
    if status == "sent" && app.config().letters_are_kept { "kept".into() } else { status.into() }
}

async fn list(State(app): State<App>, who: AdminPage, Params(query): Params<Query>) -> Outcome {
    let before = (!query.cursor.is_empty()).then(|| query.cursor.parse::<Uuid>()).transpose();
    let before = before.map_err(|_| Error::field("cursor", "cursor.malformed", "start over without it"))?;
    let state = STATES.into_iter().find(|s| *s == query.state);
    let filter = LetterFilter { status: state.map(Into::into), q: filled(Some(query.q.clone())), before };
    let mut found = app.read(who.scope(), move |read| letters::search(read, &filter, PAGE + 1)).await?;
    let next = cut(&mut found, PAGE as usize, |l| l.id.to_string());
    let word = |s: &str| who.say(&format!("delivery-{}", shown(&app, s)));
    let option = |s: &str| FilterOption {
        label: word(s),
        href: href(HOME, &[("q", &query.q), ("state", s)]),
        selected: state == Some(s),
    };
    let here = [("q", query.q.as_str()), ("state", state.unwrap_or_default())];
    let view = views::List {
        search: Search {
            action: HOME.into(),
            q: query.q.clone(),
            keep: state.map(|s| ("state".to_owned(), s.to_owned())).into_iter().collect(),
        },
        filters: vec![Filter {
            label: who.say("users-state"),
            value: state.map(word),
            clear_href: href(HOME, &[("q", &query.q)]),
            options: STATES.map(option).into(),
        }],
        pager: Pager {
            first_href: before.map(|_| href(HOME, &here)),
            next_href: next.map(|id| href(HOME, &[here[0], here[1], ("cursor", &id)])),
            total: None,
        },
        letters: found
            .into_iter()
            .map(|l| views::LetterRow {
                id: l.id.to_string(),
                to: l.to_email.to_string(),
                subject: l.subject,
                state: shown(&app, &l.status),
                created_at: l.created_at,
            })
            .collect(),
        kept_only: app.config().letters_are_kept,
    };
    who.show(&app, "outbox/list.html", view).await
}

/// A letter this administrator may read, with all it is made of.
async fn find(app: &App, who: &AdminPage, id: Uuid) -> Result<(letters::Letter, letters::Parcel)> {
    let links = app.config().links.clone();
    let highest = who.user.role == Role::SuperAdmin;
    app.read(who.scope(), move |read| {
        let letter = letters::get(read, Id::from_uuid(id))?;
        // The links of these letters sign in: an administrator must not become a super admin by reading one.
        let signs_in = [LetterKind::MagicLink, LetterKind::PasswordReset, LetterKind::VerifyEmail]
            .into_iter()
            .any(|k| k.as_str() == letter.kind);
        let theirs = users::find_by_email(read, &letter.to_email)?;
        if signs_in && !highest && theirs.is_some_and(|u| u.role == Role::SuperAdmin) {
            return Err(Error::forbidden(
                "letter.super_admin",
                "this letter signs a super admin in; only they read it",
            ));
        }
        let parcel = letters::parcel(read, &links, &letter)?;
        Ok((letter, parcel))
    })
    .await
}

async fn show(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let (letter, parcel) = find(&app, &who, id).await?;
    let from = parcel.from.to_string();
    let view = views::Letter {
        id: letter.id.to_string(),
        from,
        to: letter.to_email.to_string(),
        subject: letter.subject,
        state: shown(&app, &letter.status),
        detail: letter.last_error,
        created_at: letter.created_at,
        sent_at: letter.sent_at,
        attempts: letter.attempts,
        text: letter.body_text,
        html_src: (!letter.body_html.is_empty()).then(|| format!("{HOME}/{id}/html")),
        raw_href: format!("{HOME}/{id}/raw"),
        ticket_href: letter.ticket_id.map(|t| format!("/desk/tickets/{t}")),
    };
    who.show(&app, "outbox/letter.html", view).await
}

const CACHE: (HeaderName, &str) = (header::CACHE_CONTROL, "private, no-store");

async fn html(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let (letter, _) = find(&app, &who, id).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, LETTER_POLICY),
        CACHE,
    ];
    Ok((headers, letter.body_html).into_response())
}

async fn raw(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let (_, parcel) = find(&app, &who, id).await?;
    let raw = parcel.bytes(&*app.outside().blobs).await?;
    let headers = [
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.eml\"")),
        (CACHE.0, CACHE.1.to_owned()),
    ];
    Ok((headers, raw).into_response())
}

async fn resend(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    find(&app, &who, id).await?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    app.write(who.scope(), move |tx| letters::resend(tx, Id::from_uuid(id))).await?;
    who.done(format!("{HOME}/{id}"), "outbox-is-resent")
}
