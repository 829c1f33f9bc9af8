//! The queue's selection: `POST /desk/bulk`, and how far a large change is: `GET /desk/bulk/{id}`.

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Id, Kind, Result};
use desk::{
    bulk::{self, Bulk, Changes, Named},
    tickets,
};
use serde::{Deserialize, Serialize};

use super::work::{self, Which};
use crate::{
    help::pages::page_form,
    http::{
        answer::Idempotency,
        app::App,
        extract::{At, Payload, StaffCaller},
        failure::Outcome,
        page::{Look, local, page, told, told_with_undo},
        upload::Form,
    },
    kit::{chrome::Tone, words},
    queue::asked::Asked,
    tickets::acts_api::named,
};

/// Nobody pages through the tickets of a change; a filter has to say something.
const LIMIT: u32 = 50;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/desk/bulk", post(create))
        .route("/desk/bulk/{id}", get(show))
        .route("/desk/bulk/{id}/undo", post(undo))
}

/// `bulk/bulk.html`, `GET /desk/bulk/{id}`. Form: `POST …/undo`.
#[derive(Debug, Serialize)]
pub struct Progress {
    pub id: String,
    /// `running`, `done`, `undoing`, `undone`.
    pub status: String,
    pub total: u32,
    pub done: u32,
    pub failed: u32,
    pub restored: u32,
    pub at_work: bool,
    pub may_undo: bool,
    pub problems: Vec<Line>,
}

/// A ticket that was not changed, or not taken back, or not in all.
#[derive(Debug, Serialize)]
pub struct Line {
    pub href: String,
    pub number: String,
    pub reason: String,
}

/// An empty select leaves alone; `none` empties.
fn optional<T>(form: &Form, name: &'static str) -> Result<Option<Option<Id<T>>>> {
    match form.get(name) {
        None | Some("") => Ok(None),
        Some("none") => Ok(Some(None)),
        Some(id) => id.parse().map(|id| Some(Some(id))).map_err(|e: Error| e.on_field(name)),
    }
}

fn tags(text: &str) -> Vec<String> {
    text.split(',').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect()
}

fn read(read: &db::Read<'_>, who: &StaffCaller, form: &Form) -> Result<(Which, Changes)> {
    let text = |name: &str| form.get(name).map(str::trim).filter(|v| !v.is_empty());
    let which = if text("all") == Some("true") {
        let query: BTreeMap<String, String> = form
            .fields
            .iter()
            .filter_map(|(name, value)| name.strip_prefix("filter.").map(|n| (n.to_owned(), value.clone())))
            .filter(|(name, value)| !value.is_empty() && name != "cursor")
            .collect();
        // Read as the list reads it: what is changed is what was shown.
        let asked = serde_json::to_value(query).and_then(serde_json::from_value::<Asked>);
        let asked = asked.map_err(|e| Error::field("filter", "view.query", e.to_string()))?;
        let filter = asked.filter(read, &who.staff, LIMIT)?;
        Which::Filter(Box::new(filter))
    } else {
        let ids = form
            .fields
            .iter()
            .filter(|(name, _)| name == "ids")
            .map(|(_, id)| named(read, "ids", id).map(Named::Ticket));
        Which::Named(ids.collect::<Result<Vec<Named>>>()?)
    };
    let changes = Changes {
        status: text("status").map(str::parse).transpose()?,
        close_reason: text("close_reason").map(str::parse).transpose()?,
        priority: text("priority").map(str::parse).transpose()?,
        category: text("category").map(str::to_owned),
        assigned_to: match text("assigned_to") {
            Some("me") => Some(who.staff.user_id),
            _ => optional(form, "assigned_to")?,
        },
        team_id: optional(form, "team_id")?,
        add_tags: tags(text("add_tags").unwrap_or_default()),
        remove_tags: tags(text("remove_tags").unwrap_or_default()),
        merge_into: text("merge_into").map(|n| named(read, "merge_into", n)).transpose()?,
        macro_id: text("macro").map(str::parse).transpose().map_err(|e: Error| e.on_field("macro"))?,
        tell_customer: text("tell_customer").map(|_| true).or(Some(form.get("status") != Some("resolved"))),
    };
    // A close needs a reason; from the queue the usual one is meant unless another is chosen.
    let closes = changes.status == Some(tickets::Status::Closed) && changes.close_reason.is_none();
    let close_reason = if closes { Some(tickets::CloseReason::Solved) } else { changes.close_reason };
    Ok((
        which,
        Changes {
            close_reason: close_reason.filter(|_| changes.status == Some(tickets::Status::Closed)),
            ..changes
        },
    ))
}

async fn create(State(app): State<App>, look: Look, who: StaffCaller, payload: Payload) -> Outcome {
    let form = page_form(&app, &who.caller, payload).await?;
    let back = local(form.get("back"), "/desk");
    let seen: Vec<u8> = form.fields.iter().flat_map(|(n, v)| format!("{n}={v}\0").into_bytes()).collect();
    let key = Idempotency::of(&who.caller, form.get("idempotency_key"), "page.bulk", &seen)?;
    let asker = who.clone();
    let done = async {
        let (which, changes) = app.read(who.caller.scope(), move |r| read(r, &asker, &form)).await?;
        work::begin(&app, &who, key, which, changes).await
    };
    match done.await {
        Ok(bulk) if !bulk.is_finished() => Ok(told(
            &format!("/desk/bulk/{}", bulk.id),
            Tone::Info,
            &words::say(look.locale(), "bulk-at-work"),
        )),
        Ok(bulk) if bulk.failed > 0 => {
            Ok(told(&format!("/desk/bulk/{}", bulk.id), Tone::Warn, &summary(&bulk, look.locale())))
        }
        Ok(bulk) => {
            Ok(told_with_undo(&back, &summary(&bulk, look.locale()), &format!("/desk/bulk/{}/undo", bulk.id)))
        }
        // The page speaks of its own fields, not of the API's.
        Err(error) if error.code() == "bulk.nothing" => {
            Ok(told(&back, Tone::Bad, &words::say(look.locale(), "bulk-nothing")))
        }
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Conflict | Kind::Forbidden) => {
            Ok(told(&back, Tone::Bad, error.plain_message()))
        }
        Err(error) => Err(error.into()),
    }
}

fn summary(bulk: &Bulk, locale: &str) -> String {
    let (done, failed) = (bulk.done.to_string(), bulk.failed.to_string());
    words::say_with(locale, "bulk-done", &[("done", &done), ("failed", &failed)])
}

#[derive(Deserialize)]
struct BulkAt {
    id: Id<Bulk>,
}

async fn show(State(app): State<App>, look: Look, who: StaffCaller, At(at): At<BulkAt>) -> Outcome {
    let staff = who.staff.clone();
    let view = app
        .read(who.caller.scope(), move |read| {
            let b = bulk::get(read, at.id)?;
            let own = b.user_id == staff.user_id;
            if !own && !staff.role.sees_all_tickets() {
                return Err(Error::not_found("bulk change"));
            }
            let mut problems = Vec::new();
            let mut after = 0;
            while problems.len() < 100 {
                let items = bulk::items(read, at.id, after, 1_000)?;
                let Some(last) = items.last() else { break };
                after = last.position;
                // What failed, and what stays of what was taken back.
                for item in items.into_iter().filter(|i| i.reason.is_some()).take(100) {
                    let number = tickets::query::get(read, item.ticket_id)
                        .map_or_else(|_| "?".into(), |t| t.ticket_number);
                    problems.push(Line {
                        href: format!("/desk/tickets/{}", item.ticket_id),
                        number,
                        reason: item.reason.unwrap_or_default(),
                    });
                }
            }
            Ok(Progress {
                id: b.id.to_string(),
                at_work: !b.is_finished(),
                may_undo: b.may_be_undone() && (own || staff.is_admin()),
                status: b.status,
                total: b.total,
                done: b.done,
                failed: b.failed,
                restored: b.restored,
                problems,
            })
        })
        .await?;
    page(&app, &look, "bulk/bulk.html", view).await
}

async fn undo(
    State(app): State<App>,
    look: Look,
    who: StaffCaller,
    At(at): At<BulkAt>,
    payload: Payload,
) -> Outcome {
    page_form(&app, &who.caller, payload).await?;
    let here = format!("/desk/bulk/{}", at.id);
    match work::undo(&app, &who, at.id).await {
        Ok(b) if b.status == "undone" && b.restored == b.done => {
            let restored = b.restored.to_string();
            Ok(told(
                "/desk",
                Tone::Ok,
                &words::say_with(look.locale(), "bulk-undone", &[("restored", &restored)]),
            ))
        }
        Ok(_) => Ok(told(&here, Tone::Info, &words::say(look.locale(), "bulk-undoing"))),
        Err(error) if matches!(error.kind(), Kind::Conflict | Kind::Forbidden) => {
            Ok(told(&here, Tone::Bad, error.plain_message()))
        }
        Err(error) => Err(error.into()),
    }
}
