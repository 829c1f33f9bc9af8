//! Connecting a channel to a mailbox at its provider: the way there, and the way back.

use axum::{Router, extract::State, routing::get};
use base::{Error, Result, Secret};
use desk::channels::{
    self, MailChannel, mailbox,
    oauth::{self, Attempt, Begin, Provider, Tokens},
};
use engine::outside::{MailboxAccess, MailboxSignIn};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    pages::{HOME, find},
    provider_pages::redirect_url,
    views,
};
use crate::{
    http::{
        app::App,
        extract::{At, Payload},
        failure::Outcome,
        page::form,
        person::{AdminPage, problems},
    },
    kit::forms::{Choice, Problem},
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/channels/{id}/connect", get(blank).post(leave))
        .route("/admin/channels/connected/{provider}", get(come_back))
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, default)]
struct Typed {
    provider: String,
    username: String,
    folder: String,
    from_beginning: bool,
}

async fn view(
    app: &App,
    who: &AdminPage,
    c: &MailChannel,
    t: Typed,
    problems: Vec<Problem>,
) -> Result<views::Connect> {
    let known = app.read(who.scope(), oauth::clients).await?;
    let choice = |provider: Provider| {
        let word = provider.as_str();
        Choice::new(word, who.say(&format!("provider-{word}")), word == t.provider)
    };
    Ok(views::Connect {
        id: c.id.to_string(),
        address: c.address.as_str().to_owned(),
        // In the order they are listed everywhere, not in that of the alphabet.
        providers: Provider::ALL
            .iter()
            .filter(|p| known.iter().any(|k| k.provider == **p))
            .map(|p| choice(*p))
            .collect(),
        username: t.username,
        folder: t.folder,
        from_beginning: t.from_beginning,
        problems,
    })
}

async fn blank(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let at = channel.id;
    let (known, grant) =
        app.read(who.scope(), move |read| Ok((mailbox::find(read, at)?, oauth::find(read, at)?))).await?;
    let known = known.filter(mailbox::ChannelMailbox::is_by_oauth);
    let start = Typed {
        provider: grant.map(|g| g.provider.to_string()).unwrap_or_default(),
        username: known.as_ref().map_or(channel.address.as_str(), |m| &m.username).to_owned(),
        folder: known.as_ref().map_or("INBOX", |m| &m.folder).to_owned(),
        from_beginning: known.is_some_and(|m| m.from_beginning),
    };
    let view = view(&app, &who, &channel, start, Vec::new()).await?;
    who.show(&app, "channels/connect.html", view).await
}

/// Begins a sign-in. The answer is a page that leads on, and not a redirect: a form of ours leads to pages of ours alone.
async fn leave(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let input: Typed = form(&app, &who.caller, payload).await?;
    let at = format!("{HOME}/{id}/connect");
    let begun = match input.provider.parse::<Provider>() {
        Ok(provider) => {
            let begin = Begin {
                channel: channel.id,
                provider,
                session: who.session.uuid(),
                redirect_url: redirect_url(&app, &who.caller.tenant, provider),
                username: input.username.clone(),
                folder: input.folder.clone(),
                from_beginning: input.from_beginning,
            };
            app.write(who.scope(), move |tx| oauth::begin(tx, &begin)).await
        }
        Err(error) => Err(error),
    };
    match begun {
        Ok(url) => {
            let rest = url.split_once("://").map_or("", |(_, rest)| rest);
            let view = views::Leaving {
                id: channel.id.to_string(),
                address: channel.address.as_str().to_owned(),
                username: input.username,
                host: rest.split(['/', '?']).next().unwrap_or_default().to_owned(),
                url,
            };
            who.answer(&app, at, "channels/leaving.html", view).await
        }
        Err(error) => {
            let view = view(&app, &who, &channel, input, problems(error)?).await?;
            who.again(&app, at, "channels/connect.html", view).await
        }
    }
}

/// What a provider sends back. It may send more than we know.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Back {
    state: String,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Back {
    fn parse(query: &str) -> Self {
        let mut back = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "state" => back.state = value,
                "code" => back.code = Some(value),
                "error" => back.error = Some(value),
                "error_description" => back.error_description = Some(value),
                _ => {}
            }
        }
        back
    }

    /// # Errors
    /// The person said no, or the provider did.
    fn code(self) -> Result<String> {
        let refuse = |code: &'static str, why: String| Err(Error::field("provider", code, why));
        match (self.error.as_deref(), self.code) {
            (Some("access_denied"), _) => {
                refuse("oauth.denied", "the access was not allowed; nothing was changed".into())
            }
            (Some(error), _) => {
                let words = self.error_description.unwrap_or_default();
                let said: String =
                    format!("{error}: {words}").chars().filter(|c| !c.is_control()).take(250).collect();
                refuse("oauth.refused", format!("the provider says {}", said.trim_end_matches(": ")))
            }
            (None, Some(code)) if !code.is_empty() && code.len() <= 4_000 => Ok(code),
            (None, _) => refuse("oauth.refused", "the provider sent no code; nothing was changed".into()),
        }
    }
}

async fn come_back(
    State(app): State<App>,
    who: AdminPage,
    At(provider): At<Provider>,
    uri: axum::http::Uri,
) -> Outcome {
    let back = Back::parse(uri.query().unwrap_or_default());
    let (state, session) = (back.state.clone(), who.session.uuid());
    let attempt = app.write(who.scope(), move |tx| oauth::take(tx, provider, &state, session)).await?;
    let channel = attempt.channel;
    match finish(&app, &who, &attempt, back).await {
        Ok(()) => who.done(format!("{HOME}/{channel}"), "connect-done"),
        Err(error) => {
            let typed = Typed {
                provider: provider.to_string(),
                username: attempt.username,
                folder: attempt.folder,
                from_beginning: attempt.from_beginning,
            };
            let found = app.read(who.scope(), move |read| channels::get(read, channel)).await?;
            let view = view(&app, &who, &found, typed, problems(error)?).await?;
            // The address of the answer would hold a code that is used up.
            who.again(&app, format!("{HOME}/{channel}/connect"), "channels/connect.html", view).await
        }
    }
}

async fn finish(app: &App, who: &AdminPage, attempt: &Attempt, back: Back) -> Result<()> {
    let code = back.code()?;
    let tokens = oauth::exchange(&*app.outside().http, attempt, &code).await?;
    knock(app, attempt, &tokens).await?;
    let attempt = attempt.clone();
    app.write(who.scope(), move |tx| oauth::keep(tx, &attempt, &tokens)).await.map(drop)
}

/// Whether the mailbox lets us in with what was granted. One that cannot be reached now is tried again by the collector.
async fn knock(app: &App, attempt: &Attempt, tokens: &Tokens) -> Result<()> {
    let place = attempt.client.place();
    let access = MailboxAccess {
        tls: mailbox::tls_of(&place.tls)?,
        host: place.host,
        port: place.port,
        sign_in: MailboxSignIn::Token {
            username: attempt.username.clone(),
            access_token: Secret::new(tokens.access_token.reveal()),
        },
        folder: attempt.folder.clone(),
    };
    let said = match app.outside().mailboxes.open(&access).await {
        Ok(open) => {
            open.close().await;
            return Ok(());
        }
        Err(said) => said,
    };
    match said.code() {
        "imap.sign_in" => {
            let account = tokens.account.as_deref().unwrap_or("the account you signed in with");
            let why = format!(
                "{account} is not let into this mailbox ({}); sign in as the mailbox itself",
                said.message()
            );
            Err(Error::field("username", "mailbox.refused", why))
        }
        "imap.folder" => Err(Error::field("folder", "mailbox.refused", said.message().to_owned())),
        "imap.refused" | "imap.access" => {
            Err(Error::field("provider", "mailbox.refused", said.message().to_owned()))
        }
        _ => Ok(()),
    }
}
