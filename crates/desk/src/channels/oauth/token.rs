//! Fetching tokens: the calls, between transactions.

use std::sync::Arc;

use base::{Error, Id, Result, Secret};
use db::{Db, Scope};
use engine::outside::{HttpClient, HttpRequest};

use super::{
    attempt::Attempt,
    grant::{self, Turn},
    wire::{self, Tokens},
};
use crate::channels::MailChannel;

async fn call(http: &dyn HttpClient, request: HttpRequest) -> Result<Tokens> {
    let answer = http.call(request).await;
    wire::read(&answer.map_err(|e| wire::unavailable(format!("the provider does not answer: {}", e.detail)))?)
}

/// Ends a sign-in at the provider: its code for tokens. They are not kept here.
///
/// # Errors
/// On the field `provider`, for whoever signed in: what the provider says, what it did not grant, or that it gives
/// nothing to go on with.
pub async fn exchange(http: &dyn HttpClient, attempt: &Attempt, code: &str) -> Result<Tokens> {
    let refuse = |code: &'static str, why: String| Error::field("provider", code, why);
    let client = &attempt.client;
    let tokens = call(http, wire::exchange(client, code, &attempt.verifier, &attempt.redirect_url)).await;
    let tokens = tokens.map_err(|e| refuse("oauth.refused", e.message().to_owned()))?;
    if let Some(scope) = client.missing_scope(tokens.scope.as_deref()) {
        let why = format!(
            "it was not allowed to read the mailbox ({scope}); connect again and allow all that is asked for"
        );
        return Err(refuse("oauth.scope", why));
    }
    if tokens.refresh_token.is_none() {
        let why = "the provider gives nothing to stay connected with (no refresh token); take this program's access away in the account \
             at the provider, check that offline access is asked for, and connect again";
        return Err(refuse("oauth.no_refresh_token", why.into()));
    }
    Ok(tokens)
}

/// The token that signs in to a channel's mailbox now. One that is about to end is replaced first.
///
/// # Errors
/// `oauth.ended`, `oauth.client`: somebody has to look after it. `oauth.unavailable`: later.
pub async fn token(
    db: &Db,
    http: Arc<dyn HttpClient>,
    scope: Scope,
    channel: Id<MailChannel>,
) -> Result<Secret> {
    fetch(db, http, scope, channel, None).await
}

/// Another token than one that the mailbox refused although its time is not over.
pub async fn renewed(
    db: &Db,
    http: Arc<dyn HttpClient>,
    scope: Scope,
    channel: Id<MailChannel>,
    refused: Secret,
) -> Result<Secret> {
    fetch(db, http, scope, channel, Some(refused)).await
}

async fn fetch(
    db: &Db,
    http: Arc<dyn HttpClient>,
    scope: Scope,
    channel: Id<MailChannel>,
    refused: Option<Secret>,
) -> Result<Secret> {
    let turn = db.write(scope.clone(), move |tx| grant::claim(tx, channel, refused.as_ref())).await?;
    let (run, client, refresh_token) = match turn {
        Turn::Good(token) => return Ok(token),
        Turn::Mine { run, client, refresh_token } => (run, client, refresh_token),
    };
    let db = db.clone();
    // A task of its own: whoever asked may be told to stop, and a refresh token that replaces ours must not be lost then.
    let fetching = tokio::spawn(async move {
        let fetched = call(&*http, wire::refresh(&client, &refresh_token)).await;
        let kept = fetched.as_ref().map(Clone::clone).map_err(Error::duplicate);
        db.write(scope, move |tx| grant::settle(tx, channel, run, &kept)).await?;
        fetched.map(|tokens| tokens.access_token)
    });
    fetching.await.map_err(Error::from_source)?
}
