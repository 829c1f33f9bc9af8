//! Pages of who a business is at the providers of its mailboxes.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Result, Secret};
use desk::channels::oauth::{self, NewOauthClient, OauthClient, Provider};
use identity::TenantRecord;
use serde::Deserialize;

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

const HOME: &str = "/admin/channels/providers";

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list))
        .route("/admin/channels/providers/{provider}", get(edit).post(save))
        .route("/admin/channels/providers/{provider}/remove", post(remove))
}

/// Where a provider sends people back to. Each has an address of its own, so that none can answer for another.
pub(super) fn redirect_url(app: &App, tenant: &TenantRecord, provider: Provider) -> String {
    format!("{}/admin/channels/connected/{provider}", app.config().links.base(tenant))
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let known = app.read(who.scope(), oauth::clients).await?;
    let row = |provider: &Provider| views::ProviderRow {
        provider: provider.to_string(),
        client_id: known.iter().find(|k| k.provider == *provider).map(|k| k.client_id.clone()),
    };
    let providers = Provider::ALL.iter().map(row).collect();
    who.show(&app, "channels/providers.html", views::Providers { providers }).await
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, default)]
struct Typed {
    client_id: String,
    client_secret: String,
    directory: String,
    authorize_url: String,
    token_url: String,
    scopes: String,
    host: String,
    port: String,
    tls: String,
}

impl Typed {
    fn of(c: OauthClient) -> Self {
        Self {
            client_id: c.client_id,
            client_secret: String::new(),
            directory: c.directory,
            authorize_url: c.authorize_url,
            token_url: c.token_url,
            scopes: c.scopes,
            host: c.host,
            port: c.port.to_string(),
            tls: c.tls,
        }
    }

    fn described(&self, provider: Provider) -> Result<NewOauthClient> {
        let port = match provider {
            Provider::Other => self
                .port
                .trim()
                .parse()
                .map_err(|_| Error::field("port", "mailbox.port", "expected a port from 1 to 65535"))?,
            _ => 993,
        };
        Ok(NewOauthClient {
            client_id: self.client_id.clone(),
            client_secret: (!self.client_secret.is_empty()).then(|| Secret::new(self.client_secret.clone())),
            directory: self.directory.clone(),
            authorize_url: self.authorize_url.clone(),
            token_url: self.token_url.clone(),
            scopes: self.scopes.clone(),
            host: self.host.clone(),
            port,
            tls: self.tls.clone(),
        })
    }
}

fn view(
    app: &App,
    who: &AdminPage,
    provider: Provider,
    is_set: bool,
    t: Typed,
    problems: Vec<Problem>,
) -> views::ProviderForm {
    let tls = ["tls", "starttls", "none"];
    views::ProviderForm {
        provider: provider.to_string(),
        is_set,
        redirect_url: redirect_url(app, &who.caller.tenant, provider),
        client_id: t.client_id,
        directory: t.directory,
        authorize_url: t.authorize_url,
        token_url: t.token_url,
        scopes: t.scopes,
        host: t.host,
        port: t.port,
        tls: tls.map(|w| Choice::new(w, who.say(&format!("mailbox-tls-{w}")), w == t.tls)).into(),
        problems,
    }
}

async fn known(app: &App, who: &AdminPage, provider: Provider) -> Result<Option<OauthClient>> {
    Ok(app.read(who.scope(), oauth::clients).await?.into_iter().find(|k| k.provider == provider))
}

async fn edit(State(app): State<App>, who: AdminPage, At(provider): At<Provider>) -> Outcome {
    let known = known(&app, &who, provider).await?;
    let is_set = known.is_some();
    let start = match known {
        Some(known) => Typed::of(known),
        None => Typed { port: "993".into(), tls: "tls".into(), ..Typed::default() },
    };
    let view = view(&app, &who, provider, is_set, start, Vec::new());
    who.show(&app, "channels/provider.html", view).await
}

/// Only an address that we would call is entered.
pub(super) fn check_reachable(app: &App, provider: Provider, new: &NewOauthClient) -> Result<()> {
    match provider {
        Provider::Other => {
            app.outside().http.check(new.token_url.trim()).map_err(|e| e.on_field("token_url"))
        }
        _ => Ok(()),
    }
}

async fn save(
    State(app): State<App>,
    who: AdminPage,
    At(provider): At<Provider>,
    payload: Payload,
) -> Outcome {
    let input: Typed = form(&app, &who.caller, payload).await?;
    let new = input.described(provider).and_then(|new| check_reachable(&app, provider, &new).map(|()| new));
    let saved = match new {
        Ok(new) => app.write(who.scope(), move |tx| oauth::set_client(tx, provider, new)).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(_) => who.done(HOME, "saved"),
        Err(error) => {
            let is_set = known(&app, &who, provider).await?.is_some();
            let view = view(&app, &who, provider, is_set, input, problems(error)?);
            who.again(&app, format!("{HOME}/{provider}"), "channels/provider.html", view).await
        }
    }
}

async fn remove(
    State(app): State<App>,
    who: AdminPage,
    At(provider): At<Provider>,
    payload: Payload,
) -> Outcome {
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        let name = who.say(&format!("provider-{provider}"));
        let ask = Ask {
            question: "provider-remove-question",
            name: &name,
            button: "provider-remove",
            action: format!("{HOME}/{provider}/remove"),
            fields: Vec::new(),
            back: format!("{HOME}/{provider}"),
        };
        return who.ask(&app, ask).await;
    }
    app.write(who.scope(), move |tx| oauth::remove_client(tx, provider)).await?;
    who.done(HOME, "provider-is-removed")
}
