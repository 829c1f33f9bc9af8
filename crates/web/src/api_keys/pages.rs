//! Handlers of the API keys page.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Id, OrNotFound, Result};
use identity::{ApiKey, KeyScope, api_keys, audit};
use serde::Deserialize;
use uuid::Uuid;

use super::views;
use crate::{
    http::{
        app::App,
        extract::{At, Payload},
        failure::Outcome,
        page::form,
        person::{AdminPage, Ask, Button, problems},
    },
    kit::forms::{Choice, Problem},
};

const HOME: &str = "/admin/api-keys";

pub fn routes() -> Router<App> {
    Router::new().route(HOME, get(list).post(create)).route("/admin/api-keys/{id}/revoke", post(revoke))
}

async fn view(app: &App, who: &AdminPage, scope: &str, problems: Vec<Problem>) -> Result<views::List> {
    // Who made a key stands in the audit log only.
    let (keys, made) = app
        .read(who.scope(), |read| {
            Ok((api_keys::all(read)?, audit::page(read, Some("api_key.created"), None, 1000)?))
        })
        .await?;
    let row = |k: ApiKey| views::Key {
        created_by: made
            .iter()
            .find(|a| a.subject_id == Some(k.id.uuid()))
            .map_or_else(|| "–".to_owned(), |a| a.actor.name.clone()),
        id: k.id.to_string(),
        name: k.name,
        prefix: k.prefix,
        scope: k.scope.as_str().into(),
        created_at: k.created_at,
        last_used_at: k.last_used_at,
        revoked_at: k.revoked_at,
    };
    let choice =
        |s: KeyScope| Choice::new(s.as_str(), who.say(&format!("scope-{}", s.as_str())), s.as_str() == scope);
    Ok(views::List {
        keys: keys.into_iter().map(row).collect(),
        scopes: [KeyScope::Read, KeyScope::Write, KeyScope::Admin].map(choice).into(),
        name: String::new(),
        created: None,
        problems,
    })
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let view = view(&app, &who, "read", Vec::new()).await?;
    who.show(&app, "api_keys/list.html", view).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewForm {
    name: String,
    scope: String,
}

async fn create(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let input: NewForm = form(&app, &who.caller, payload).await?;
    let made = match input.scope.parse::<KeyScope>() {
        Ok(scope) => {
            let name = input.name.clone();
            app.write(who.scope(), move |tx| api_keys::create(tx, &name, scope)).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok((token, _)) => {
            let view = views::List {
                created: Some(token.reveal().to_owned()),
                ..view(&app, &who, "read", Vec::new()).await?
            };
            who.answer(&app, HOME, "api_keys/list.html", view).await
        }
        Err(error) => {
            let view =
                views::List { name: input.name, ..view(&app, &who, &input.scope, problems(error)?).await? };
            who.again(&app, HOME, "api_keys/list.html", view).await
        }
    }
}

async fn revoke(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let id: Id<ApiKey> = Id::from_uuid(id);
    let all = app.read(who.scope(), api_keys::all).await?;
    let key = all.into_iter().find(|k| k.id == id).or_not_found("API key")?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        let ask = Ask {
            question: "keys-revoke-question",
            name: &key.name,
            button: "keys-revoke",
            action: format!("{HOME}/{id}/revoke"),
            fields: Vec::new(),
            back: HOME.into(),
        };
        return who.ask(&app, ask).await;
    }
    app.write(who.scope(), move |tx| api_keys::revoke(tx, id)).await?;
    who.done(HOME, "keys-is-revoked")
}
