//! Saving, changing and deleting a view from the queue.

use std::collections::BTreeMap;

use axum::{Router, extract::State, routing::post};
use base::{Error, Id, Kind, Result};
use desk::views::{self, NewView, SavedView, Sharing, ViewPatch};
use serde::Deserialize;

use super::api::filter_of;
use crate::{
    help::pages::page_form,
    http::{
        app::App,
        extract::{At, Payload, StaffCaller},
        failure::Outcome,
        page::{Look, done, told},
        upload::Form,
    },
    kit::chrome::Tone,
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/desk/views", post(create))
        .route("/desk/views/{id}", post(change))
        .route("/desk/views/{id}/delete", post(delete))
}

#[derive(Deserialize)]
struct ViewAt {
    id: Id<SavedView>,
}

/// The parameters of the list that the form was drawn on.
fn query(form: &Form) -> BTreeMap<String, String> {
    form.fields
        .iter()
        .filter_map(|(name, value)| name.strip_prefix("filter.").map(|n| (n.to_owned(), value.clone())))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// `personal`, `all`, or the id of a team.
fn sharing(form: &Form) -> Result<Sharing> {
    match form.get("sharing").unwrap_or("personal") {
        "" | "personal" => Ok(Sharing::Personal),
        "all" => Ok(Sharing::Everybody),
        team => team.parse().map(Sharing::Team).map_err(|e: Error| e.on_field("sharing")),
    }
}

fn tell(error: Error, back: &str) -> Outcome {
    if matches!(error.kind(), Kind::Invalid | Kind::Conflict | Kind::Forbidden) {
        return Ok(told(back, Tone::Bad, error.plain_message()));
    }
    Err(error.into())
}

async fn create(State(app): State<App>, look: Look, who: StaffCaller, payload: Payload) -> Outcome {
    let form = page_form(&app, &who.caller, payload).await?;
    let back = crate::http::page::local(form.get("back"), "/desk");
    let new = match sharing(&form) {
        Ok(sharing) => {
            NewView { name: form.get("name").unwrap_or_default().to_owned(), query: query(&form), sharing }
        }
        Err(error) => return tell(error, &back),
    };
    let saved = app
        .write(who.caller.scope(), move |tx| {
            filter_of(tx, &who.staff, &new.query)?;
            views::save(tx, &who.staff, new)
        })
        .await;
    match saved {
        Ok(view) => Ok(done(&format!("/desk?view={}", view.id), "flash-view-saved", look.locale())),
        Err(error) => tell(error, &back),
    }
}

async fn change(
    State(app): State<App>,
    look: Look,
    who: StaffCaller,
    At(at): At<ViewAt>,
    payload: Payload,
) -> Outcome {
    let form = page_form(&app, &who.caller, payload).await?;
    let here = format!("/desk?view={}", at.id);
    let asked = query(&form);
    let patch = match sharing(&form) {
        Ok(sharing) => ViewPatch {
            name: form.get("name").map(str::to_owned),
            query: (!asked.is_empty()).then_some(asked),
            sharing: Some(sharing),
        },
        Err(error) => return tell(error, &here),
    };
    match app.write(who.caller.scope(), move |tx| views::change(tx, &who.staff, at.id, patch)).await {
        Ok(_) => Ok(done(&here, "flash-view-saved", look.locale())),
        Err(error) => tell(error, &here),
    }
}

async fn delete(
    State(app): State<App>,
    look: Look,
    who: StaffCaller,
    At(at): At<ViewAt>,
    payload: Payload,
) -> Outcome {
    page_form(&app, &who.caller, payload).await?;
    match app.write(who.caller.scope(), move |tx| views::delete(tx, &who.staff, at.id)).await {
        Ok(()) => Ok(done("/desk", "flash-view-deleted", look.locale())),
        Err(error) => tell(error, &format!("/desk?view={}", at.id)),
    }
}
