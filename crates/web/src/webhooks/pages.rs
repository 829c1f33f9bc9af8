//! Handlers of the webhook pages.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Id, Result, hours};
use notices::webhooks::{
    self, Delivery, DeliveryState, NewWebhook, Range, Webhook, WebhookPatch, query, topics as catalogue,
};
use serde::Deserialize;
use uuid::Uuid;

use super::views;
use crate::{
    http::{
        app::App,
        extract::{At, Params, Payload},
        failure::Outcome,
        page::form,
        person::{AdminPage, Ask, Button, cut, href, problems},
    },
    kit::{
        forms::{Choice, Problem},
        lists::Pager,
    },
};

const HOME: &str = "/admin/webhooks";
const PAGE: u32 = 50;
/// How far back the button for a range reaches, in hours.
const SPANS: [i64; 4] = [1, 24, 72, 720];

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list))
        .route("/admin/webhooks/new", get(blank).post(create))
        .route("/admin/webhooks/{id}", get(show))
        .route("/admin/webhooks/{id}/edit", get(edit).post(change))
        .route("/admin/webhooks/{id}/enable", post(enable))
        .route("/admin/webhooks/{id}/disable", post(disable))
        .route("/admin/webhooks/{id}/test", post(test))
        .route("/admin/webhooks/{id}/rotate", post(rotate))
        .route("/admin/webhooks/{id}/delete", post(delete))
        .route("/admin/webhooks/{id}/replay", post(replay_range))
        .route("/admin/webhooks/{id}/deliveries/{delivery}", get(delivery))
        .route("/admin/webhooks/{id}/deliveries/{delivery}/replay", post(replay))
}

fn state(w: &Webhook) -> String {
    match (w.disabled_at, w.failing_since) {
        (Some(_), _) => "off",
        (None, Some(_)) => "failing",
        (None, None) => "on",
    }
    .into()
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let all = app.read(who.scope(), query::all).await?;
    let row = |w: Webhook| views::Row {
        state: state(&w),
        id: w.id.to_string(),
        name: w.name,
        url: w.url,
        topics: w.topics,
    };
    who.show(&app, "webhooks/list.html", views::List { webhooks: all.into_iter().map(row).collect() }).await
}

fn choices(who: &AdminPage, chosen: &[String]) -> Vec<Choice> {
    let of = |topic: String| {
        let label = match catalogue::TOPICS.iter().find(|(name, _)| *name == topic) {
            Some((_, text)) => format!("{topic}: {text}"),
            None if topic == "*" => who.say("hooks-every-event"),
            None => format!("{topic}: {}", who.say("hooks-every-of-group")),
        };
        let selected = chosen.contains(&topic);
        Choice::new(topic, label, selected)
    };
    catalogue::known().into_iter().map(of).collect()
}

async fn blank(State(app): State<App>, who: AdminPage) -> Outcome {
    let view = views::Form { topics: choices(&who, &["*".into()]), ..Default::default() };
    who.show(&app, "webhooks/form.html", view).await
}

/// What the form holds; topics are one field many times, which a struct cannot hold.
struct Typed {
    name: String,
    url: String,
    topics: Vec<String>,
    version: Option<i64>,
}

async fn typed(app: &App, who: &AdminPage, payload: Payload) -> Result<Typed> {
    let pairs: Vec<(String, String)> = form(app, &who.caller, payload).await?;
    if let Some((name, _)) =
        pairs.iter().find(|(n, _)| !["name", "url", "topics", "version"].contains(&n.as_str()))
    {
        return Err(Error::field(name.clone(), "request.form", "is no field of this form"));
    }
    let one = |field: &str| pairs.iter().find(|(n, _)| n == field).map(|(_, v)| v.clone());
    Ok(Typed {
        name: one("name").unwrap_or_default(),
        url: one("url").unwrap_or_default().trim().to_owned(),
        topics: pairs.iter().filter(|(n, _)| n == "topics").map(|(_, v)| v.clone()).collect(),
        version: one("version").and_then(|v| v.parse().ok()),
    })
}

fn form_view(who: &AdminPage, id: Option<Uuid>, t: Typed, problems: Vec<Problem>) -> views::Form {
    views::Form {
        id: id.map(|i| i.to_string()),
        version: t.version.unwrap_or_default(),
        name: t.name,
        url: t.url,
        topics: choices(who, &t.topics),
        problems,
    }
}

async fn create(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let input = typed(&app, &who, payload).await?;
    let made = match app.outside().http.check(&input.url) {
        Ok(()) => {
            let new =
                NewWebhook { name: input.name.clone(), url: input.url.clone(), topics: input.topics.clone() };
            app.write(who.scope(), move |tx| webhooks::create(tx, new)).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok((secret, webhook)) => {
            let at = format!("{HOME}/{}", webhook.id);
            let view = page(&app, &who, webhook, &Shown::default()).await?;
            let view = views::Webhook { secret: Some(secret.reveal().to_owned()), ..view };
            who.answer(&app, at, "webhooks/webhook.html", view).await
        }
        Err(error) => {
            let view = form_view(&who, None, input, problems(error)?);
            who.again(&app, format!("{HOME}/new"), "webhooks/form.html", view).await
        }
    }
}

async fn find(app: &App, who: &AdminPage, id: Uuid) -> Result<Webhook> {
    app.read(who.scope(), move |read| query::get(read, Id::from_uuid(id))).await
}

async fn edit(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let w = find(&app, &who, id).await?;
    let stored = Typed { name: w.name, url: w.url, topics: w.topics, version: Some(w.version) };
    let view = form_view(&who, Some(id), stored, Vec::new());
    who.show(&app, "webhooks/form.html", view).await
}

async fn change(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let found = find(&app, &who, id).await?;
    let input = typed(&app, &who, payload).await?;
    let changed = match app.outside().http.check(&input.url) {
        Ok(()) => {
            let patch = WebhookPatch {
                name: Some(input.name.clone()),
                url: Some(input.url.clone()),
                topics: Some(input.topics.clone()),
                enabled: None,
                expected_version: input.version,
            };
            app.write(who.scope(), move |tx| webhooks::change(tx, found.id, patch)).await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => who.done(format!("{HOME}/{id}"), "saved"),
        Err(error) => {
            let view = form_view(&who, Some(id), input, problems(error)?);
            who.again(&app, format!("{HOME}/{id}/edit"), "webhooks/form.html", view).await
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Shown {
    state: String,
    cursor: String,
}

fn row(d: Delivery) -> views::Delivery {
    views::Delivery {
        id: d.id.to_string(),
        topic: d.topic,
        state: d.state.as_str().into(),
        status: d.last_status,
        error: d.last_error,
        attempts: d.attempts,
        created_at: d.created_at,
        next_attempt_at: d.next_attempt_at,
    }
}

async fn page(app: &App, who: &AdminPage, w: Webhook, shown: &Shown) -> Result<views::Webhook> {
    let before = (!shown.cursor.is_empty()).then(|| shown.cursor.parse::<Uuid>()).transpose();
    let before = before.map_err(|_| Error::field("cursor", "cursor.malformed", "start over without it"))?;
    let wanted = DeliveryState::ALL.into_iter().find(|s| s.as_str() == shown.state);
    let id = w.id;
    let mut found =
        app.read(who.scope(), move |read| query::deliveries(read, id, wanted, before, PAGE + 1)).await?;
    let next = cut(&mut found, PAGE as usize, |d| d.id.to_string());
    let here = format!("{HOME}/{id}");
    let state_word = wanted.map_or("", DeliveryState::as_str);
    let span = |h: i64| Choice::new(h.to_string(), who.say(&format!("hooks-span-{h}")), h == 24);
    Ok(views::Webhook {
        state: state(&w),
        id: w.id.to_string(),
        name: w.name,
        url: w.url,
        topics: w.topics,
        reason: w.disabled_reason,
        failing_since: w.failing_since,
        previous_secret_until: w.previous_secret_until,
        secret: None,
        states: std::iter::once(("all".to_owned(), wanted.is_none()))
            .chain(DeliveryState::ALL.into_iter().map(|s| (s.as_str().to_owned(), wanted == Some(s))))
            .collect(),
        deliveries: found.into_iter().map(row).collect(),
        pager: Pager {
            first_href: before.map(|_| href(&here, &[("state", state_word)])),
            next_href: next.map(|c| href(&here, &[("state", state_word), ("cursor", &c)])),
            total: None,
        },
        spans: SPANS.map(span).into(),
    })
}

async fn show(
    State(app): State<App>,
    who: AdminPage,
    At(id): At<Uuid>,
    Params(shown): Params<Shown>,
) -> Outcome {
    let webhook = find(&app, &who, id).await?;
    let view = page(&app, &who, webhook, &shown).await?;
    who.show(&app, "webhooks/webhook.html", view).await
}

async fn set_enabled(app: &App, who: &AdminPage, id: Uuid, payload: Payload, enabled: bool) -> Outcome {
    let webhook = find(app, who, id).await?;
    let Button { .. } = form(app, &who.caller, payload).await?;
    let patch = WebhookPatch { enabled: Some(enabled), ..Default::default() };
    app.write(who.scope(), move |tx| webhooks::change(tx, webhook.id, patch)).await?;
    who.done(format!("{HOME}/{id}"), if enabled { "hooks-is-on" } else { "hooks-is-off" })
}

async fn enable(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    set_enabled(&app, &who, id, payload, true).await
}

async fn disable(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    set_enabled(&app, &who, id, payload, false).await
}

async fn test(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let webhook = find(&app, &who, id).await?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    let sent = app.write(who.scope(), move |tx| webhooks::send_test(tx, webhook.id)).await?;
    who.done(format!("{HOME}/{id}/deliveries/{}", sent.id), "hooks-test-is-sent")
}

/// Asks before something that cannot be undone; the answer when nothing was confirmed yet.
async fn ask(app: &App, who: &AdminPage, w: &Webhook, verb: &str, question: &str, button: &str) -> Outcome {
    let back = format!("{HOME}/{}", w.id);
    let ask =
        Ask { question, name: &w.name, button, action: format!("{back}/{verb}"), fields: Vec::new(), back };
    who.ask(app, ask).await
}

async fn rotate(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let webhook = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        return ask(&app, &who, &webhook, "rotate", "hooks-rotate-question", "hooks-rotate").await;
    }
    let (secret, webhook) = app.write(who.scope(), move |tx| webhooks::rotate_secret(tx, webhook.id)).await?;
    let view = page(&app, &who, webhook, &Shown::default()).await?;
    let view = views::Webhook { secret: Some(secret.reveal().to_owned()), ..view };
    who.answer(&app, format!("{HOME}/{id}"), "webhooks/webhook.html", view).await
}

async fn delete(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let webhook = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        return ask(&app, &who, &webhook, "delete", "hooks-delete-question", "hooks-delete").await;
    }
    app.write(who.scope(), move |tx| webhooks::delete(tx, webhook.id)).await?;
    who.done(HOME, "hooks-is-deleted")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeForm {
    hours: i64,
}

async fn replay_range(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let webhook = find(&app, &who, id).await?;
    let input: RangeForm = form(&app, &who.caller, payload).await?;
    if !SPANS.contains(&input.hours) {
        return Err(Error::field("hours", "webhook.hours", "one of 1, 24, 72, 720").into());
    }
    let (replayed, _) = app
        .write(who.scope(), move |tx| {
            let (after, before) = (tx.now() - hours(input.hours), tx.now());
            let states = vec![DeliveryState::Failed, DeliveryState::Cancelled];
            webhooks::replay_range(tx, webhook.id, &Range { after, before, states })
        })
        .await?;
    let word = if replayed == 0 { "hooks-none-replayed" } else { "hooks-are-replayed" };
    who.done(format!("{HOME}/{id}"), word)
}

async fn delivery(State(app): State<App>, who: AdminPage, At((id, delivery)): At<(Uuid, Uuid)>) -> Outcome {
    let webhook = find(&app, &who, id).await?;
    let (found, body, log) = app
        .read(who.scope(), move |read| query::delivery(read, Id::from_uuid(id), Id::from_uuid(delivery)))
        .await?;
    let waits = found.next_attempt_at.is_some_and(|at| at > app.db().now());
    let view = views::DeliveryPage {
        webhook_id: id.to_string(),
        webhook_name: webhook.name,
        can_replay: webhook.disabled_at.is_none() && (found.state != DeliveryState::Pending || waits),
        message_id: found.message_id.clone(),
        delivery: row(found),
        body,
        log: log
            .into_iter()
            .map(|a| views::Attempt {
                number: a.number,
                started_at: a.started_at,
                duration_ms: a.duration_ms,
                status: a.status,
                error: a.error,
                answer: a.answer_excerpt,
            })
            .collect(),
    };
    who.show(&app, "webhooks/delivery.html", view).await
}

async fn replay(
    State(app): State<App>,
    who: AdminPage,
    At((id, delivery)): At<(Uuid, Uuid)>,
    payload: Payload,
) -> Outcome {
    find(&app, &who, id).await?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    app.write(who.scope(), move |tx| webhooks::replay(tx, Id::from_uuid(id), Id::from_uuid(delivery)))
        .await?;
    who.done(format!("{HOME}/{id}/deliveries/{delivery}"), "hooks-is-replayed")
}
