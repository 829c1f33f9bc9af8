//! JSON handlers of who a business is at the providers of its mailboxes.

use aide::axum::{ApiRouter, routing::get_with};
use axum::{Json, extract::State};
use base::Secret;
use desk::channels::oauth::{self, NewOauthClient, OauthClient, Provider};
use schemars::JsonSchema;
use serde::Deserialize;

use super::provider_pages::check_reachable;
use crate::http::{
    answer::{Answer, Nothing, Page},
    app::App,
    extract::{AdminCaller, At, Payload},
    failure::Outcome,
    router::{Who, body, reads, writes},
};

pub(super) fn routes() -> ApiRouter<App> {
    use Who::Admins;
    ApiRouter::new()
        .api_route(
            "/api/admin/mail-providers",
            get_with(list, |op| {
                reads(op, "admin.mail_providers.list", "Who you are at providers of mailboxes", Admins)
                    .response::<200, Json<Page<OauthClient>>>()
            }),
        )
        .api_route(
            "/api/admin/mail-providers/{provider}",
            aide::axum::routing::put_with(set, |op| {
                body::<OauthClientIn>(writes(
                    op,
                    "admin.mail_providers.set",
                    "Enter your registration at a provider; without a secret the known one stays",
                    Admins,
                ))
                .response::<200, Json<OauthClient>>()
            })
            .delete_with(remove, |op| {
                writes(
                    op,
                    "admin.mail_providers.remove",
                    "Forget a registration; what is connected by it stops when its token ends",
                    Admins,
                )
                .response::<204, ()>()
            }),
        )
}

#[derive(Deserialize, JsonSchema)]
pub struct ProviderAt {
    pub provider: Provider,
}

/// A registration at a provider.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OauthClientIn {
    pub client_id: String,
    pub client_secret: Option<String>,
    /// Microsoft's directory, by id or domain; left out: accounts of any.
    #[serde(default)]
    pub directory: String,
    /// For `other`: where people sign in, and where tokens are fetched.
    #[serde(default)]
    pub authorize_url: String,
    #[serde(default)]
    pub token_url: String,
    /// For `other`: what is asked for, with spaces between.
    #[serde(default)]
    pub scopes: String,
    /// For `other`: where its mailboxes are.
    #[serde(default)]
    pub host: String,
    #[serde(default = "imaps")]
    pub port: u16,
    #[serde(default = "by_tls")]
    pub tls: String,
}

fn imaps() -> u16 {
    993
}
fn by_tls() -> String {
    "tls".into()
}

async fn list(State(app): State<App>, who: AdminCaller) -> Outcome<Answer<Page<OauthClient>>> {
    let items = app.read(who.caller.scope(), oauth::clients).await?;
    Ok(Answer::ok(Page { items, next_cursor: None }))
}

async fn set(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ProviderAt>,
    payload: Payload,
) -> Outcome<Answer<OauthClient>> {
    let input: OauthClientIn = payload.json().await?;
    let new = NewOauthClient {
        client_id: input.client_id,
        client_secret: input.client_secret.filter(|s| !s.is_empty()).map(Secret::new),
        directory: input.directory,
        authorize_url: input.authorize_url,
        token_url: input.token_url,
        scopes: input.scopes,
        host: input.host,
        port: input.port,
        tls: input.tls,
    };
    check_reachable(&app, at.provider, &new)?;
    let set = app.write(who.caller.scope(), move |tx| oauth::set_client(tx, at.provider, new)).await?;
    Ok(Answer::ok(set))
}

async fn remove(State(app): State<App>, who: AdminCaller, At(at): At<ProviderAt>) -> Outcome<Nothing> {
    app.write(who.caller.scope(), move |tx| oauth::remove_client(tx, at.provider)).await?;
    Ok(Nothing)
}
