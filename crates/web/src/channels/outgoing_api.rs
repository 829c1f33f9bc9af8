//! JSON handlers of the mail server that a channel's letters leave through, and trying one.

use aide::axum::{
    ApiRouter,
    routing::{get_with, post_with},
};
use axum::{Json, extract::State};
use base::{Email, Error, Id, Secret};
use db::Scope;
use desk::channels::{
    self, MailChannel,
    outgoing::{self, ChannelOutgoing, NewOutgoing},
};
use engine::outside::{Envelope, SendErrorClass};
use notices::letters;
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    admin::api::ThingAt,
    http::{
        answer::{Answer, Nothing},
        app::App,
        extract::{AdminCaller, At, Payload},
        failure::Outcome,
        router::{Who, body, reads, writes},
    },
};

pub(super) fn routes() -> ApiRouter<App> {
    use Who::Admins;
    ApiRouter::new()
        .api_route(
            "/api/admin/channels/{id}/outgoing",
            get_with(show, |op| {
                reads(op, "admin.channels.outgoing", "The mail server a channel's letters leave through", Admins)
                    .response::<200, Json<ChannelOutgoing>>()
            })
            .put_with(set, |op| {
                body::<OutgoingIn>(writes(
                    op,
                    "admin.channels.outgoing.set",
                    "Send a channel's letters through a mail server of its own; without a password the known one stays",
                    Admins,
                ))
                .response::<200, Json<ChannelOutgoing>>()
            })
            .delete_with(remove, |op| {
                writes(op, "admin.channels.outgoing.remove", "Send them through the installation's again", Admins)
                    .response::<204, ()>()
            }),
        )
        .api_route(
            "/api/admin/channels/{id}/outgoing/test",
            post_with(test, |op| {
                body::<OutgoingTestIn>(writes(
                    op,
                    "admin.channels.outgoing.test",
                    "Send one letter through it to an address; nothing is kept",
                    Admins,
                ))
                .response::<204, ()>()
            }),
        )
}

/// A mail server.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutgoingIn {
    pub host: String,
    /// Usually 587 with `starttls`, 465 with `tls`.
    #[serde(default = "submission")]
    pub port: u16,
    /// `starttls` (default), `tls`, or `none` for a server on this machine.
    #[serde(default = "by_starttls")]
    pub tls: String,
    /// `password` (default); `oauth`: as the channel's mailbox is connected; or `none`.
    #[serde(default = "by_password")]
    pub sign_in: String,
    #[serde(default)]
    pub username: String,
    pub password: Option<String>,
}

/// A mail server, and who gets the letter that tries it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutgoingTestIn {
    pub to: String,
    pub server: OutgoingIn,
}

fn submission() -> u16 {
    587
}
fn by_starttls() -> String {
    "starttls".into()
}
fn by_password() -> String {
    "password".into()
}

impl From<OutgoingIn> for NewOutgoing {
    fn from(o: OutgoingIn) -> Self {
        Self {
            host: o.host,
            port: o.port,
            tls: o.tls,
            sign_in: o.sign_in,
            username: o.username,
            password: o.password.filter(|p| !p.is_empty()).map(Secret::new),
        }
    }
}

async fn channel(app: &App, who: &AdminCaller, id: Uuid) -> base::Result<MailChannel> {
    app.read(who.caller.scope(), move |read| channels::get(read, Id::from_uuid(id))).await
}

async fn show(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
) -> Outcome<Answer<ChannelOutgoing>> {
    let channel = channel(&app, &who, at.id).await?.id;
    let found = app.read(who.caller.scope(), move |read| outgoing::find(read, channel)).await?;
    Ok(Answer::ok(found.ok_or_else(|| Error::not_found("mail server"))?))
}

async fn set(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<ChannelOutgoing>> {
    let channel = channel(&app, &who, at.id).await?.id;
    let input: NewOutgoing = payload.json::<OutgoingIn>().await?.into();
    let set = app.write(who.caller.scope(), move |tx| outgoing::set(tx, channel, &input)).await?;
    Ok(Answer::ok(set))
}

async fn remove(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Nothing> {
    let channel = channel(&app, &who, at.id).await?.id;
    app.write(who.caller.scope(), move |tx| outgoing::remove(tx, channel)).await?;
    Ok(Nothing)
}

async fn test(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Nothing> {
    let channel = channel(&app, &who, at.id).await?;
    let input: OutgoingTestIn = payload.json().await?;
    let to: Email = input
        .to
        .parse()
        .map_err(|_| Error::field("to", "email.malformed", "expected an address such as you@example.org"))?;
    try_out(&app, who.caller.scope(), &channel, input.server.into(), to).await?;
    Ok(Nothing)
}

/// Sends a letter through a server as it was described.
pub(super) async fn try_out(
    app: &App,
    scope: Scope,
    channel: &MailChannel,
    new: NewOutgoing,
    to: Email,
) -> base::Result<()> {
    let (id, from) = (channel.id, channel.address.clone());
    let made = app.write(scope.clone(), move |tx| {
        let server = outgoing::described(tx, id, &new)?;
        let secret = letters::secret_of(tx, letters::MESSAGE_IDS)?;
        let message_id = mail::message_id(tx.new_id::<letters::Letter>().uuid(), &secret, from.domain())?;
        let letter = mail::Letter {
            message_id: message_id.clone(),
            from: mail::Mailbox { name: mail::HeaderText::lossy(""), email: from.clone() },
            to: mail::Mailbox { name: mail::HeaderText::lossy(""), email: to.clone() },
            cc: Vec::new(),
            reply_to: None,
            subject: mail::HeaderText::lossy(&format!("Test of {from}")),
            text: format!("Letters from {from} leave through {}.\n", server.host),
            html: None,
            in_reply_to: Vec::new(),
            references: Vec::new(),
            automatic: true,
            date: tx.now(),
            list_unsubscribe: None,
            loop_mark: Some(tx.tenant()?.uuid().simple().to_string()),
            files: Vec::new(),
        };
        let raw = mail::compose(&letter)?.into();
        Ok((server, Envelope { from: Some(from), to, message_id, raw }))
    });
    let (server, envelope) = made.await?;
    let sent = outgoing::send_through(app.db(), app.outside(), scope, &server, envelope).await;
    // What the other server says is about what was typed, not about us.
    sent.map(drop).map_err(|e| match e.class {
        SendErrorClass::SignIn if server.sign_in == "password" => {
            Error::field("password", "smtp.refused", e.detail)
        }
        _ => Error::field("host", "smtp.refused", e.detail),
    })
}
