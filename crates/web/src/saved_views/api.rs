//! Views over JSON: `/api/admin/support/views`.

use std::collections::BTreeMap;

use aide::axum::{
    ApiRouter,
    routing::{get_with, patch_with},
};
use axum::{Json, extract::State};
use base::{Error, Id, Result};
use db::Read;
use desk::{
    tickets::{self, Sort, TicketFilter},
    views::{self, NewView, SavedView, Sharing, ViewPatch},
};
use identity::{Staff, teams::Team};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    http::{
        answer::{Answer, Created, Idempotency, Nothing, Page, once},
        app::App,
        extract::{At, Params, Payload, StaffCaller, parse_json},
        failure::Outcome,
        part::Part,
        router::{Who, body, reads, writes},
    },
    tickets::{
        api::read_json_body,
        wire::{TicketQuery, flag},
    },
};

/// A view, built in or saved.
#[derive(Serialize, JsonSchema)]
pub struct ViewOut {
    /// `inbox`, `mine`, …, or the id of a saved one: what `?view=` takes.
    pub key: String,
    pub name: Option<String>,
    pub is_built_in: bool,
    /// Tickets in it; 1000 stands for more than 999 where it is counted by looking. Null unless asked for.
    pub count: Option<u32>,
    pub saved: Option<SavedView>,
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct ViewsQuery {
    /// `true`: with counts.
    pub counts: Option<String>,
    pub cursor: Option<String>,
    /// 1 to 100; absent: the whole list.
    pub limit: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewIn {
    pub name: String,
    /// Parameters of the ticket list: `status`, `priority`, `assigned_to`, `tag`, `q`, `order`, ….
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Shares it with a team.
    pub team_id: Option<Id<Team>>,
    /// Shares it with all of the staff. Admins only.
    #[serde(default)]
    pub is_for_all: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewPatchIn {
    pub name: Option<String>,
    pub query: Option<BTreeMap<String, String>>,
    /// Null makes it personal again.
    #[serde(default, deserialize_with = "some")]
    pub team_id: Option<Option<Id<Team>>>,
    pub is_for_all: Option<bool>,
}

fn some<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Option<Option<Id<Team>>>, D::Error> {
    Option::<Id<Team>>::deserialize(d).map(Some)
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ViewAt {
    pub id: Id<SavedView>,
}

/// The filter of saved parameters, as this member of staff means it.
///
/// # Errors
/// Those of the list, on `query.<parameter>`.
pub fn filter_of(read: &Read<'_>, staff: &Staff, query: &BTreeMap<String, String>) -> Result<TicketFilter> {
    let value = serde_json::to_value(query).map_err(Error::from_source)?;
    let mut asked: TicketQuery =
        serde_json::from_value(value).map_err(|e| Error::field("query", "view.query", e.to_string()))?;
    asked.cursor = None;
    asked.limit = None;
    let snoozed = asked.snoozed.is_none() && asked.q.is_none();
    let mut filter = asked.into_filter(staff).map_err(|e| {
        match e.field_errors().first().map(|f| format!("query.{}", f.field)) {
            Some(field) => e.on_field(field),
            None => e,
        }
    })?;
    // What somebody put off is not in their way, unless they ask for it.
    if snoozed {
        filter.snoozed = Some(false);
    }
    if filter.q.is_some() {
        tickets::search::check(read, staff, &filter).map_err(|e| e.on_field("query.q"))?;
    }
    Ok(filter)
}

/// A view's filter by its key: built in, or saved and visible to this member of staff.
pub fn filter_by_key(read: &Read<'_>, staff: &Staff, key: &str) -> Result<TicketFilter> {
    if let Some(filter) = tickets::query::view_filter(key, staff) {
        return Ok(filter);
    }
    let id: Id<SavedView> = key.parse().map_err(|_| Error::not_found("view"))?;
    let view = views::get(read, staff, id)?;
    filter_of(read, staff, &view.query)
}

/// What a list is asked for: its own parameters, on top of a view's where it names one.
pub fn asked_filter(read: &Read<'_>, staff: &Staff, mut query: TicketQuery) -> Result<TicketFilter> {
    let view = query.view.take();
    let asked = query.into_filter(staff)?;
    match view {
        None => Ok(asked),
        Some(key) => Ok(narrowed(filter_by_key(read, staff, &key)?, asked)),
    }
}

/// A view's filter with parts of it asked otherwise: a part that is asked replaces the view's.
pub fn narrowed(view: TicketFilter, asked: TicketFilter) -> TicketFilter {
    fn or<T>(asked: Vec<T>, view: Vec<T>) -> Vec<T> {
        if asked.is_empty() { view } else { asked }
    }
    let sort = if asked.sort == Sort::default() { view.sort } else { asked.sort };
    TicketFilter {
        status: or(asked.status, view.status),
        priority: or(asked.priority, view.priority),
        category: or(asked.category, view.category),
        ticket_type: or(asked.ticket_type, view.ticket_type),
        channel: or(asked.channel, view.channel),
        assigned_to: or(asked.assigned_to, view.assigned_to),
        team: or(asked.team, view.team),
        customer: or(asked.customer, view.customer),
        user: or(asked.user, view.user),
        order_id: or(asked.order_id, view.order_id),
        tag: or(asked.tag, view.tag),
        link: or(asked.link, view.link),
        created_at: asked.created_at.or(view.created_at),
        last_message_at: asked.last_message_at.or(view.last_message_at),
        due_at: asked.due_at.or(view.due_at),
        sla_overdue: asked.sla_overdue || view.sla_overdue,
        snoozed: asked.snoozed.or(view.snoozed),
        by_relevance: asked.by_relevance
            || (asked.q.is_none() && view.by_relevance && asked.sort == Sort::default()),
        q: asked.q.or(view.q),
        sort,
        ..asked
    }
}

/// Who sees something that can be shared: a team, everybody, or its owner alone.
pub(crate) fn sharing(team: Option<Id<Team>>, for_all: bool) -> Result<Sharing> {
    match (team, for_all) {
        (None, false) => Ok(Sharing::Personal),
        (Some(team), false) => Ok(Sharing::Team(team)),
        (None, true) => Ok(Sharing::Everybody),
        (Some(_), true) => {
            Err(Error::field("team_id", "view.sharing_twice", "a team, or everybody; not both"))
        }
    }
}

pub async fn list(
    State(app): State<App>,
    who: StaffCaller,
    Params(query): Params<ViewsQuery>,
) -> Outcome<Answer<Page<ViewOut>>> {
    let place = Part { cursor: query.cursor, limit: query.limit }.place()?;
    let counted = flag("counts", query.counts.as_ref())?.unwrap_or(false);
    let items = app
        .read(who.caller.scope(), move |read| {
            let staff = &who.staff;
            let counts = if counted { Some(tickets::query::view_counts(read, staff)?) } else { None };
            let of = |key: &str, count: Option<u32>| ViewOut {
                key: key.into(),
                name: None,
                is_built_in: true,
                count,
                saved: None,
            };
            let mut items = vec![
                of("inbox", counts.map(|c| c.inbox)),
                of("mine", counts.map(|c| c.mine)),
                of("unassigned", counts.map(|c| c.unassigned)),
                of("overdue", counts.map(|c| c.overdue)),
                of("waiting", counts.map(|c| c.waiting)),
                of("snoozed", counts.map(|c| c.snoozed)),
                of("resolved", counts.map(|c| c.resolved)),
                of("all", None),
            ];
            for view in views::visible(read, staff)? {
                // A view whose words no longer mean anything has no count, and says why when it is opened.
                let count = if counted {
                    filter_of(read, staff, &view.query)
                        .and_then(|f| tickets::query::count(read, staff, &f, 999))
                        .ok()
                } else {
                    None
                };
                items.push(ViewOut {
                    key: view.id.to_string(),
                    name: Some(view.name.clone()),
                    is_built_in: false,
                    count,
                    saved: Some(view),
                });
            }
            Ok(items)
        })
        .await?;
    Ok(Answer::ok(place.of(items)))
}

pub async fn create(State(app): State<App>, who: StaffCaller, payload: Payload) -> Outcome<Created> {
    if who.staff.user_id.is_none() {
        let message = "a key has no views of its own; a person saves them";
        return Err(Error::forbidden("role.person_only", message).into());
    }
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), "views", &body)?;
    let input: ViewIn = parse_json(&body)?;
    let new =
        NewView { name: input.name, query: input.query, sharing: sharing(input.team_id, input.is_for_all)? };
    Ok(app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                filter_of(tx, &who.staff, &new.query)?;
                views::save(tx, &who.staff, new)
            })
        })
        .await?)
}

pub async fn change(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ViewAt>,
    payload: Payload,
) -> Outcome<Answer<SavedView>> {
    let staff = who.staff.clone();
    app.read(who.caller.scope(), move |read| views::get(read, &staff, at.id)).await?;
    let input: ViewPatchIn = payload.json().await?;
    let sharing = match (input.team_id, input.is_for_all) {
        (None, None) => None,
        (team, for_all) => Some(sharing(team.flatten(), for_all.unwrap_or(false))?),
    };
    let patch = ViewPatch { name: input.name, query: input.query, sharing };
    let view = app
        .write(who.caller.scope(), move |tx| {
            if let Some(query) = &patch.query {
                filter_of(tx, &who.staff, query)?;
            }
            views::change(tx, &who.staff, at.id, patch)
        })
        .await?;
    Ok(Answer::ok(view))
}

pub async fn delete(State(app): State<App>, who: StaffCaller, At(at): At<ViewAt>) -> Outcome<Nothing> {
    app.write(who.caller.scope(), move |tx| views::delete(tx, &who.staff, at.id)).await?;
    Ok(Nothing)
}

pub fn routes() -> ApiRouter<App> {
    use Who::*;
    ApiRouter::new()
        .api_route(
            "/api/admin/support/views",
            get_with(list, |op| {
                reads(op, "admin.views.list", "Built-in and saved views, with counts where asked", Staff)
                    .response::<200, Json<Page<ViewOut>>>()
            })
            .post_with(create, |op| {
                body::<ViewIn>(writes(op, "admin.views.create", "Save a view", StaffPeople))
                    .response::<201, Json<SavedView>>()
            }),
        )
        .api_route(
            "/api/admin/support/views/{id}",
            patch_with(change, |op| {
                body::<ViewPatchIn>(writes(op, "admin.views.change", "Rename, ask otherwise, share", Staff))
                    .response::<200, Json<SavedView>>()
            })
            .delete_with(delete, |op| {
                writes(op, "admin.views.delete", "Delete a view", Staff).response::<204, ()>()
            }),
        )
}
