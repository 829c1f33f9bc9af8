//! JSON handlers. Every one is an administrator's.

use axum::extract::State;
use base::{Id, Secret, Timestamp};
use notices::webhooks::{
    self, Attempt, Delivery, DeliveryState, NewWebhook, Range, Webhook, WebhookPatch, query,
    topics as catalogue,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    admin::api::ThingAt,
    http::{
        answer::{Answer, Created, Idempotency, Nothing, Page, if_match, once},
        app::App,
        extract::{AdminCaller, At, Params, Payload, parse_json},
        failure::Outcome,
        part::Part,
    },
    tickets::{
        api::{id_cursor, read_json_body},
        wire::limit,
    },
};

#[derive(Serialize, JsonSchema)]
pub struct TopicOut {
    /// What to subscribe to; `ticket.*` and `*` take several.
    pub topic: String,
    pub description: String,
}

pub async fn topics(_: AdminCaller) -> Answer<Page<TopicOut>> {
    let items = catalogue::TOPICS
        .iter()
        .map(|(topic, text)| TopicOut { topic: (*topic).into(), description: (*text).into() })
        .collect();
    Answer::ok(Page { items, next_cursor: None })
}

pub async fn list(
    State(app): State<App>,
    who: AdminCaller,
    Params(part): Params<Part>,
) -> Outcome<Answer<Page<Webhook>>> {
    let place = part.place()?;
    let items = app.read(who.caller.scope(), query::all).await?;
    Ok(Answer::ok(place.of(items)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookIn {
    pub name: String,
    /// `https://…` or `http://…`, of the public internet unless the operator allows more.
    pub url: String,
    /// Names of events, `ticket.*`, or `*`.
    pub topics: Vec<String>,
}

/// A webhook with its secret, this once.
#[derive(Serialize, JsonSchema)]
pub struct WithSecret {
    #[serde(flatten)]
    pub webhook: Webhook,
    /// `whsec_…`
    pub secret: String,
}
impl From<(Secret, Webhook)> for WithSecret {
    fn from((secret, webhook): (Secret, Webhook)) -> Self {
        Self { webhook, secret: secret.reveal().to_owned() }
    }
}

pub async fn create(State(app): State<App>, who: AdminCaller, payload: Payload) -> Outcome<Created> {
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), "admin.webhooks", &body)?;
    let input: WebhookIn = parse_json(&body)?;
    app.outside().http.check(&input.url)?;
    let new = NewWebhook { name: input.name, url: input.url, topics: input.topics };
    let made = app.write(who.caller.scope(), move |tx| {
        once(tx, key.as_ref(), |tx| webhooks::create(tx, new).map(WithSecret::from))
    });
    Ok(made.await?)
}

async fn find(app: &App, who: &AdminCaller, id: Uuid) -> base::Result<Webhook> {
    app.read(who.caller.scope(), move |read| query::get(read, Id::from_uuid(id))).await
}

pub async fn show(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Answer<Webhook>> {
    let found = find(&app, &who, at.id).await?;
    let version = found.version;
    Ok(Answer::ok(found).version(version))
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookPatchIn {
    pub name: Option<String>,
    pub url: Option<String>,
    pub topics: Option<Vec<String>>,
    pub enabled: Option<bool>,
}

pub async fn change(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<Webhook>> {
    let found = find(&app, &who, at.id).await?;
    let expected_version = if_match(&payload)?;
    let input: WebhookPatchIn = payload.json().await?;
    if let Some(url) = &input.url {
        app.outside().http.check(url)?;
    }
    let patch = WebhookPatch {
        name: input.name,
        url: input.url,
        topics: input.topics,
        enabled: input.enabled,
        expected_version,
    };
    let changed = app.write(who.caller.scope(), move |tx| webhooks::change(tx, found.id, patch)).await?;
    let version = changed.version;
    Ok(Answer::ok(changed).version(version))
}

pub async fn delete(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Nothing> {
    app.write(who.caller.scope(), move |tx| webhooks::delete(tx, Id::from_uuid(at.id))).await?;
    Ok(Nothing)
}

pub async fn rotate_secret(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
) -> Outcome<Answer<WithSecret>> {
    let made =
        app.write(who.caller.scope(), move |tx| webhooks::rotate_secret(tx, Id::from_uuid(at.id))).await?;
    Ok(Answer::ok(made.into()))
}

fn accepted<T>(body: T) -> Answer<T> {
    Answer { status: axum::http::StatusCode::ACCEPTED, version: None, body }
}

pub async fn test(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
) -> Outcome<Answer<Delivery>> {
    let made = app.write(who.caller.scope(), move |tx| webhooks::send_test(tx, Id::from_uuid(at.id))).await?;
    Ok(accepted(made))
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct DeliveryQuery {
    /// `pending`, `delivered`, `failed` or `cancelled`.
    pub state: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<String>,
}

pub async fn deliveries(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    Params(asked): Params<DeliveryQuery>,
) -> Outcome<Answer<Page<Delivery>>> {
    let id = find(&app, &who, at.id).await?.id;
    let (before, limit) = (id_cursor(asked.cursor.as_ref())?, limit(asked.limit.as_ref())?);
    let state = asked.state.as_deref().map(str::parse::<DeliveryState>).transpose()?;
    let mut items = app
        .read(who.caller.scope(), move |read| query::deliveries(read, id, state, before, limit + 1))
        .await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next_cursor = items.last().filter(|_| more).map(|d| d.id.to_string());
    Ok(Answer::ok(Page { items, next_cursor }))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct DeliveryAt {
    pub id: Uuid,
    pub delivery_id: Uuid,
}

/// A delivery with everything that was said on either side.
#[derive(Serialize, JsonSchema)]
pub struct DeliveryOut {
    #[serde(flatten)]
    pub delivery: Delivery,
    /// The body of the call, byte for byte.
    pub body: String,
    pub log: Vec<Attempt>,
}

pub async fn delivery(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<DeliveryAt>,
) -> Outcome<Answer<DeliveryOut>> {
    let (delivery, body, log) = app
        .read(who.caller.scope(), move |read| {
            query::delivery(read, Id::from_uuid(at.id), Id::from_uuid(at.delivery_id))
        })
        .await?;
    Ok(Answer::ok(DeliveryOut { delivery, body, log }))
}

pub async fn replay(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<DeliveryAt>,
) -> Outcome<Answer<Delivery>> {
    let again = app
        .write(who.caller.scope(), move |tx| {
            webhooks::replay(tx, Id::from_uuid(at.id), Id::from_uuid(at.delivery_id))
        })
        .await?;
    Ok(accepted(again))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeIn {
    /// Deliveries that began then or later.
    pub after: Timestamp,
    /// Deliveries that began earlier than this; now when it is left out.
    pub before: Option<Timestamp>,
    /// `failed` and `cancelled` when it is left out; `delivered` may be asked for too.
    pub states: Option<Vec<DeliveryState>>,
}

#[derive(Serialize, JsonSchema)]
pub struct Replayed {
    pub replayed: u32,
    /// There are more than one call takes: call again.
    pub more: bool,
}

pub async fn replay_range(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<Replayed>> {
    let id = find(&app, &who, at.id).await?.id;
    let input: RangeIn = payload.json().await?;
    let (replayed, more) = app
        .write(who.caller.scope(), move |tx| {
            let range = Range {
                after: input.after,
                before: input.before.unwrap_or_else(|| tx.now()),
                states: input.states.unwrap_or_else(|| vec![DeliveryState::Failed, DeliveryState::Cancelled]),
            };
            webhooks::replay_range(tx, id, &range)
        })
        .await?;
    Ok(accepted(Replayed { replayed, more }))
}
