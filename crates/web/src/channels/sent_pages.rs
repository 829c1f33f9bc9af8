//! The form of a mailbox's folder of sent mail.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use desk::channels::sent;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    pages::{HOME, find},
    views,
};
use crate::http::{
    app::App,
    extract::{At, Payload},
    failure::Outcome,
    page::form,
    person::{AdminPage, Button, problems},
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/channels/{id}/sent", get(edit).post(save))
        .route("/admin/channels/{id}/sent/remove", post(remove))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Typed {
    folder: String,
}

async fn edit(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let at = channel.id;
    let known = app.read(who.scope(), move |read| sent::find(read, at)).await?;
    let view = views::SentForm {
        id: channel.id.to_string(),
        address: channel.address.as_str().to_owned(),
        is_set: known.is_some(),
        folder: known.map(|k| k.folder).unwrap_or_default(),
        problems: Vec::new(),
    };
    who.show(&app, "channels/sent.html", view).await
}

async fn save(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let input: Typed = form(&app, &who.caller, payload).await?;
    let (at, folder) = (channel.id, input.folder.clone());
    match app.write(who.scope(), move |tx| sent::set(tx, at, &folder)).await {
        Ok(_) => who.done(format!("{HOME}/{id}"), "sent-is-set"),
        Err(error) => {
            let view = views::SentForm {
                id: channel.id.to_string(),
                address: channel.address.as_str().to_owned(),
                is_set: false,
                folder: input.folder,
                problems: problems(error)?,
            };
            who.again(&app, format!("{HOME}/{id}/sent"), "channels/sent.html", view).await
        }
    }
}

async fn remove(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    app.write(who.scope(), move |tx| sent::remove(tx, channel.id)).await?;
    who.done(format!("{HOME}/{id}"), "sent-is-removed")
}
