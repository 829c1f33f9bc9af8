//! `/api/admin/support/tickets/bulk` and `/api/admin/support/bulk/{id}`.

use aide::axum::{
    ApiRouter,
    routing::{get_with, post_with},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base::{Error, Id, Timestamp};
use desk::{
    bulk::{self, Bulk, Changes, Item},
    tickets::{CloseReason, Priority, Status},
};
use identity::teams::Team;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::work::{self, AT_ONCE, Which};
use crate::{
    http::{
        answer::{Answer, Idempotency},
        app::App,
        extract::{At, Params, Payload, StaffCaller, parse_json},
        failure::Outcome,
        router::{Who, body, reads, writes},
    },
    saved_views::api::asked_filter,
    tickets::{
        acts_api::{each_named, named},
        api::read_json_body,
        wire::{TicketQuery, assignee, limit},
    },
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkIn {
    /// Ids or numbers of tickets; one that nobody has fails in its place. This or `filter`.
    pub ids: Option<Vec<String>>,
    /// Parameters of the ticket list, `view` among them.
    pub filter: Option<TicketQuery>,
    pub changes: ChangesIn,
}

/// What to change on each; absent stays.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangesIn {
    pub status: Option<Status>,
    pub close_reason: Option<CloseReason>,
    pub priority: Option<Priority>,
    pub category: Option<String>,
    /// `me`, an id, or null for nobody.
    #[serde(deserialize_with = "some")]
    pub assigned_to: Option<Option<String>>,
    /// An id, or null for none.
    #[serde(deserialize_with = "some")]
    pub team_id: Option<Option<Id<Team>>>,
    pub add_tags: Vec<String>,
    pub remove_tags: Vec<String>,
    /// Id or number of the survivor; alone.
    pub merge_into: Option<String>,
    /// A macro to apply to each; alone.
    pub macro_id: Option<Id<desk::macros::Macro>>,
    /// Resolving tells the customers unless this is false.
    pub tell_customer: Option<bool>,
}

fn some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

#[derive(Serialize, JsonSchema)]
pub struct BulkOut {
    pub id: Id<Bulk>,
    /// `collecting`, `running`, `done`, `undoing`, `undone`.
    pub status: String,
    pub total: u32,
    pub done: u32,
    pub failed: u32,
    pub restored: u32,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// What became of each ticket, in order.
    pub items: Vec<Item>,
    pub next_cursor: Option<String>,
}

fn out(bulk: Bulk, mut items: Vec<Item>, limit: u32) -> BulkOut {
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next_cursor = items.last().filter(|_| more).map(|i| i.position.to_string());
    BulkOut {
        id: bulk.id,
        status: bulk.status,
        total: bulk.total,
        done: bulk.done,
        failed: bulk.failed,
        restored: bulk.restored,
        created_at: bulk.created_at,
        finished_at: bulk.finished_at,
        items,
        next_cursor,
    }
}

/// The answer to a change that was begun: whole when it is done, 202 and where to look while it is not.
async fn answer(app: &App, who: &StaffCaller, bulk: Bulk) -> Outcome {
    let (id, most) = (bulk.id, u32::try_from(AT_ONCE).unwrap_or(200));
    let items = app.read(who.caller.scope(), move |read| bulk::items(read, id, 0, most + 1)).await?;
    let finished = bulk.is_finished();
    let status = if finished { StatusCode::OK } else { StatusCode::ACCEPTED };
    let mut response = (status, Json(out(bulk, items, most))).into_response();
    if !finished && let Ok(place) = HeaderValue::from_str(&format!("/api/admin/support/bulk/{id}")) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

pub async fn create(State(app): State<App>, who: StaffCaller, payload: Payload) -> Outcome<Response> {
    if who.staff.read_only {
        return Err(Error::forbidden("key.read_only", "this key may only read").into());
    }
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), "bulk", &body)?;
    let input: BulkIn = parse_json(&body)?;
    let staff = who.staff.clone();
    let (which, changes) = app
        .read(who.caller.scope(), move |read| {
            let which = match (input.ids, input.filter) {
                (Some(ids), None) => {
                    if ids.len() > 10_000 {
                        return Err(Error::field(
                            "ids",
                            "bulk.too_many",
                            "at most 10000; use a filter for more",
                        ));
                    }
                    Which::Named(each_named(read, &ids)?)
                }
                (None, Some(query)) => Which::Filter(Box::new(asked_filter(read, &staff, query)?)),
                _ => return Err(Error::field("ids", "bulk.which", "exactly one of ids and filter")),
            };
            let c = input.changes;
            let changes = Changes {
                status: c.status,
                close_reason: c.close_reason,
                priority: c.priority,
                category: c.category,
                assigned_to: match c.assigned_to {
                    None => None,
                    Some(None) => Some(None),
                    Some(Some(name)) => {
                        Some(Some(assignee(&name, &staff).map_err(|e| e.on_field("changes.assigned_to"))?))
                    }
                },
                team_id: c.team_id,
                add_tags: c.add_tags,
                remove_tags: c.remove_tags,
                merge_into: c.merge_into.map(|n| named(read, "changes.merge_into", &n)).transpose()?,
                macro_id: c.macro_id,
                tell_customer: c.tell_customer,
            };
            Ok((which, changes))
        })
        .await?;
    let bulk = work::begin(&app, &who, key, which, changes).await?;
    answer(&app, &who, bulk).await
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct BulkAt {
    pub id: Id<Bulk>,
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ItemsQuery {
    pub cursor: Option<String>,
    pub limit: Option<String>,
}

pub async fn show(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<BulkAt>,
    Params(query): Params<ItemsQuery>,
) -> Outcome<Answer<BulkOut>> {
    let most = limit(query.limit.as_ref())?;
    let wrong = || Error::field("cursor", "cursor.malformed", "pass next_cursor unchanged");
    let after: u32 = query.cursor.map_or(Ok(0), |c| c.parse().map_err(|_| wrong()))?;
    let staff = who.staff.clone();
    let out = app
        .read(who.caller.scope(), move |read| {
            let bulk = bulk::get(read, at.id)?;
            if !staff.role.sees_all_tickets() && bulk.user_id != staff.user_id {
                return Err(Error::not_found("bulk change"));
            }
            let items = bulk::items(read, at.id, after, most + 1)?;
            Ok(out(bulk, items, most))
        })
        .await?;
    Ok(Answer::ok(out))
}

pub async fn undo(State(app): State<App>, who: StaffCaller, At(at): At<BulkAt>) -> Outcome<Response> {
    app.read(who.caller.scope(), move |read| bulk::get(read, at.id)).await?;
    let bulk = work::undo(&app, &who, at.id).await?;
    answer(&app, &who, bulk).await
}

pub fn routes() -> ApiRouter<App> {
    use Who::*;
    ApiRouter::new()
        .api_route(
            "/api/admin/support/tickets/bulk",
            post_with(create, |op| {
                body::<BulkIn>(writes(
                    op,
                    "admin.tickets.bulk",
                    "Change many tickets; 202 with Location while it is at work",
                    Staff,
                ))
                .response::<200, Json<BulkOut>>()
                .response::<202, Json<BulkOut>>()
            }),
        )
        .api_route(
            "/api/admin/support/bulk/{id}",
            get_with(show, |op| {
                reads(op, "admin.bulk.show", "How far it is, and what became of each", Staff)
                    .response::<200, Json<BulkOut>>()
            }),
        )
        .api_route(
            "/api/admin/support/bulk/{id}/undo",
            post_with(undo, |op| {
                writes(
                    op,
                    "admin.bulk.undo",
                    "Take back what nobody touched since; again where nothing could be",
                    Staff,
                )
                .response::<200, Json<BulkOut>>()
                .response::<202, Json<BulkOut>>()
            }),
        )
}
