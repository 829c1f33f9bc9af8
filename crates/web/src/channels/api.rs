//! JSON handlers of channels. Every one is an administrator's.

use aide::axum::{
    ApiRouter,
    routing::{get_with, post_with},
};
use axum::{Json, extract::State};
use base::{Email, Id, Secret};
use desk::{
    channels::{
        self, ChannelPatch, MailChannel, NewChannel, UnknownSenders,
        mailbox::{self, ChannelMailbox, NewMailbox},
        sent::{self, SentFolder},
    },
    tickets::Priority,
};
use identity::Token;
use mail::inbound::{self, Limits, sender};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    admin::api::ThingAt,
    http::{
        answer::{Answer, Created, Idempotency, Nothing, Page, if_match, once},
        app::App,
        extract::{AdminCaller, At, Params, Payload, parse_json},
        failure::Outcome,
        part::Part,
        router::{Who, body, reads, writes},
    },
    tickets::api::read_json_body,
};

pub(crate) fn routes() -> ApiRouter<App> {
    use Who::Admins;
    ApiRouter::new()
        .api_route(
            "/api/admin/channels",
            get_with(list, |op| {
                reads(op, "admin.channels.list", "Addresses that mail comes to, without their keys", Admins)
                    .response::<200, Json<Page<MailChannel>>>()
            })
            .post_with(create, |op| {
                body::<ChannelIn>(writes(
                    op,
                    "admin.channels.create",
                    "Take mail at an address; the channel's key is answered this once",
                    Admins,
                ))
                .response::<201, Json<WithKey>>()
            }),
        )
        .api_route(
            "/api/admin/channels/{id}",
            get_with(show, |op| {
                reads(op, "admin.channels.show", "A channel", Admins).response::<200, Json<MailChannel>>()
            })
            .patch_with(change, |op| {
                body::<ChannelIn>(writes(
                    op,
                    "admin.channels.change",
                    "Change how mail of a channel is taken, or switch it on or off",
                    Admins,
                ))
                .response::<200, Json<MailChannel>>()
            })
            .delete_with(delete, |op| {
                writes(op, "admin.channels.delete", "Forget a channel that no mail came through", Admins)
                    .response::<204, ()>()
            }),
        )
        .api_route(
            "/api/admin/channels/{id}/rotate-key",
            post_with(rotate_key, |op| {
                writes(
                    op,
                    "admin.channels.rotate_key",
                    "A new key, answered this once; the old one ends",
                    Admins,
                )
                .response::<200, Json<WithKey>>()
            }),
        )
        .api_route(
            "/api/admin/channels/{id}/mailbox",
            get_with(show_mailbox, |op| {
                reads(op, "admin.channels.mailbox", "The mailbox a channel's mail is collected from", Admins)
                    .response::<200, Json<ChannelMailbox>>()
            })
            .put_with(set_mailbox, |op| {
                body::<MailboxIn>(writes(
                    op,
                    "admin.channels.mailbox.set",
                    "Collect a channel's mail from a mailbox (IMAP); without a password the known one stays",
                    Admins,
                ))
                .response::<200, Json<ChannelMailbox>>()
            })
            .delete_with(remove_mailbox, |op| {
                writes(
                    op,
                    "admin.channels.mailbox.remove",
                    "Stop collecting; what was collected stays",
                    Admins,
                )
                .response::<204, ()>()
            }),
        )
        .api_route(
            "/api/admin/channels/{id}/mailbox/test",
            post_with(test_mailbox, |op| {
                body::<MailboxIn>(writes(
                    op,
                    "admin.channels.mailbox.test",
                    "Sign in once and look whether the folder is there; nothing is kept",
                    Admins,
                ))
                .response::<204, ()>()
            }),
        )
        .api_route(
            "/api/admin/channels/{id}/sent-folder",
            get_with(show_sent, |op| {
                reads(op, "admin.channels.sent", "The folder whose letters are answers of yours", Admins)
                    .response::<200, Json<SentFolder>>()
            })
            .put_with(set_sent, |op| {
                body::<SentIn>(writes(
                    op,
                    "admin.channels.sent.set",
                    "Take answers written in a mail program from the mailbox's folder of sent mail, from now on",
                    Admins,
                ))
                .response::<200, Json<SentFolder>>()
            })
            .delete_with(remove_sent, |op| {
                writes(op, "admin.channels.sent.remove", "Leave that folder alone", Admins).response::<204, ()>()
            }),
        )
        .api_route(
            "/api/admin/channels/{id}/test-sender",
            post_with(test_sender, |op| {
                writes(
                    op,
                    "admin.channels.test_sender",
                    "Who a mail (message/rfc822) would be from, and why; nothing is kept",
                    Admins,
                )
                .response::<200, Json<SenderOut>>()
            }),
        )
        .merge(super::providers_api::routes())
        .merge(super::outgoing_api::routes())
}

async fn list(
    State(app): State<App>,
    who: AdminCaller,
    Params(part): Params<Part>,
) -> Outcome<Answer<Page<MailChannel>>> {
    let place = part.place()?;
    let items = app.read(who.caller.scope(), channels::all).await?;
    Ok(Answer::ok(place.of(items)))
}

/// What can be set of a channel. `null` takes a team, category, reply address or trusted host away.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelIn {
    /// Needed to make one; it cannot be changed later.
    pub address: Option<String>,
    pub enabled: Option<bool>,
    pub name: Option<String>,
    #[serde(deserialize_with = "some")]
    #[schemars(with = "Option<Uuid>")]
    pub team_id: Option<Option<Uuid>>,
    pub priority: Option<Priority>,
    #[serde(deserialize_with = "some")]
    #[schemars(with = "Option<String>")]
    pub category: Option<Option<String>>,
    /// Markdown beneath every answer.
    pub signature: Option<String>,
    #[serde(deserialize_with = "some")]
    #[schemars(with = "Option<String>")]
    pub reply_address: Option<Option<String>>,
    /// Whether a new ticket is confirmed by a letter.
    pub acknowledges: Option<bool>,
    pub unknown_senders: Option<UnknownSenders>,
    /// Addresses or `@domains` of contact forms: who wrote is in `Reply-To` there.
    pub contact_forms: Option<Vec<String>>,
    /// Mailing lists it is or belongs to, by List-Id or address: what comes through them was written by people. Behind a colon
    /// the header that names the author where the list stands in From: `support.example.org: Reply-To`; `X-Original-From`,
    /// `X-Original-Sender`, `Original-From`, `Author`, `Reply-To`, `Cc` or `Sender`. Without one the first that does.
    pub mailing_lists: Option<Vec<String>>,
    pub forwarding_staff: Option<bool>,
    #[serde(deserialize_with = "some")]
    #[schemars(with = "Option<String>")]
    pub trusted_host: Option<Option<String>>,
    /// Domains whose seals on forwarded mail are believed (ARC, RFC 8617).
    pub trusted_sealers: Option<Vec<String>>,
}

/// Tells a field that is `null` from one that is left out.
fn some<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    d: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

impl ChannelIn {
    fn patch(self) -> base::Result<ChannelPatch> {
        let reply_address = match self.reply_address {
            Some(Some(text)) => Some(Some(email("reply_address", &text)?)),
            Some(None) => Some(None),
            None => None,
        };
        Ok(ChannelPatch {
            name: self.name,
            team_id: self.team_id.map(|team| team.map(Id::from_uuid)),
            priority: self.priority,
            category: self.category,
            signature: self.signature,
            reply_address,
            acknowledges: self.acknowledges,
            unknown_senders: self.unknown_senders,
            contact_forms: self.contact_forms,
            mailing_lists: self.mailing_lists,
            forwarding_staff: self.forwarding_staff,
            trusted_host: self.trusted_host,
            trusted_sealers: self.trusted_sealers,
            enabled: self.enabled,
            expected_version: None,
        })
    }
}

fn email(field: &'static str, text: &str) -> base::Result<Email> {
    text.parse().map_err(|_| {
        base::Error::field(field, "email.malformed", "expected an address such as support@example.org")
    })
}

/// A channel with its key, this once.
#[derive(Serialize, JsonSchema)]
pub struct WithKey {
    #[serde(flatten)]
    pub channel: MailChannel,
    /// `cfm_…`, for `POST /api/mail/inbound`.
    pub key: String,
}

impl From<(Token, MailChannel)> for WithKey {
    fn from((key, channel): (Token, MailChannel)) -> Self {
        Self { channel, key: key.reveal().to_owned() }
    }
}

async fn create(State(app): State<App>, who: AdminCaller, payload: Payload) -> Outcome<Created> {
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), "admin.channels", &body)?;
    let input: ChannelIn = parse_json(&body)?;
    let address = input.address.clone().ok_or_else(|| {
        base::Error::field("address", "channel.address", "expected an address such as support@example.org")
    })?;
    let new = NewChannel { address: email("address", &address)?, fields: input.patch()? };
    let made = app.write(who.caller.scope(), move |tx| {
        once(tx, key.as_ref(), |tx| channels::create(tx, new).map(WithKey::from))
    });
    Ok(made.await?)
}

async fn find(app: &App, who: &AdminCaller, id: Uuid) -> base::Result<MailChannel> {
    app.read(who.caller.scope(), move |read| channels::get(read, Id::from_uuid(id))).await
}

async fn show(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Answer<MailChannel>> {
    let found = find(&app, &who, at.id).await?;
    let version = found.version;
    Ok(Answer::ok(found).version(version))
}

async fn change(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<MailChannel>> {
    let found = find(&app, &who, at.id).await?;
    let expected_version = if_match(&payload)?;
    let input: ChannelIn = payload.json().await?;
    if input.address.is_some() {
        let hint = "an address cannot be changed; make another channel, and switch this one off";
        return Err(base::Error::field("address", "channel.address_stays", hint).into());
    }
    let patch = ChannelPatch { expected_version, ..input.patch()? };
    let changed = app.write(who.caller.scope(), move |tx| channels::change(tx, found.id, patch)).await?;
    let version = changed.version;
    Ok(Answer::ok(changed).version(version))
}

async fn delete(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Nothing> {
    app.write(who.caller.scope(), move |tx| channels::delete(tx, Id::from_uuid(at.id))).await?;
    Ok(Nothing)
}

async fn rotate_key(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
) -> Outcome<Answer<WithKey>> {
    let made =
        app.write(who.caller.scope(), move |tx| channels::rotate_key(tx, Id::from_uuid(at.id))).await?;
    Ok(Answer::ok(made.into()))
}

/// Where a mailbox is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailboxIn {
    pub host: String,
    /// Usually 993 with `tls`, 143 with `starttls`.
    #[serde(default = "imaps")]
    pub port: u16,
    /// `tls` (default), `starttls`, or `none` for a server on this machine.
    #[serde(default = "by_tls")]
    pub tls: String,
    pub username: String,
    pub password: Option<String>,
    #[serde(default = "inbox")]
    pub folder: String,
    /// Collect what is there already, too.
    #[serde(default)]
    pub from_beginning: bool,
}

fn imaps() -> u16 {
    993
}
fn by_tls() -> String {
    "tls".into()
}
fn inbox() -> String {
    "INBOX".into()
}

impl From<MailboxIn> for NewMailbox {
    fn from(m: MailboxIn) -> Self {
        Self {
            host: m.host,
            port: m.port,
            tls: m.tls,
            username: m.username,
            password: m.password.filter(|p| !p.is_empty()).map(Secret::new),
            folder: m.folder,
            from_beginning: m.from_beginning,
        }
    }
}

async fn show_mailbox(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
) -> Outcome<Answer<ChannelMailbox>> {
    let channel = find(&app, &who, at.id).await?.id;
    let found = app.read(who.caller.scope(), move |read| mailbox::find(read, channel)).await?;
    Ok(Answer::ok(found.ok_or_else(|| base::Error::not_found("mailbox"))?))
}

async fn set_mailbox(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<ChannelMailbox>> {
    let channel = find(&app, &who, at.id).await?.id;
    let input: NewMailbox = payload.json::<MailboxIn>().await?.into();
    let set = app.write(who.caller.scope(), move |tx| mailbox::set(tx, channel, &input)).await?;
    Ok(Answer::ok(set))
}

async fn remove_mailbox(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Nothing> {
    let channel = find(&app, &who, at.id).await?.id;
    app.write(who.caller.scope(), move |tx| mailbox::remove(tx, channel)).await?;
    Ok(Nothing)
}

async fn test_mailbox(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Nothing> {
    let channel = find(&app, &who, at.id).await?.id;
    let input: NewMailbox = payload.json::<MailboxIn>().await?.into();
    knock(&app, &who.caller.scope(), channel, input).await?;
    Ok(Nothing)
}

/// A folder of sent mail.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SentIn {
    /// Left out or empty: the one the server calls its folder of sent mail.
    #[serde(default)]
    pub folder: String,
}

async fn show_sent(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
) -> Outcome<Answer<SentFolder>> {
    let channel = find(&app, &who, at.id).await?.id;
    let found = app.read(who.caller.scope(), move |read| sent::find(read, channel)).await?;
    Ok(Answer::ok(found.ok_or_else(|| base::Error::not_found("folder"))?))
}

async fn set_sent(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<SentFolder>> {
    let channel = find(&app, &who, at.id).await?.id;
    let input: SentIn = payload.json().await?;
    let set = app.write(who.caller.scope(), move |tx| sent::set(tx, channel, &input.folder)).await?;
    Ok(Answer::ok(set))
}

async fn remove_sent(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Nothing> {
    let channel = find(&app, &who, at.id).await?.id;
    app.write(who.caller.scope(), move |tx| sent::remove(tx, channel)).await?;
    Ok(Nothing)
}

/// Signs in once and opens the folder.
pub(crate) async fn knock(
    app: &App,
    scope: &db::Scope,
    channel: Id<MailChannel>,
    new: NewMailbox,
) -> base::Result<()> {
    let described = app.read(scope.clone(), move |read| mailbox::described(read, channel, &new)).await?;
    let opened = app.outside().mailboxes.open(&described.access(None)?).await;
    // What the other server says is about what was typed, not about us.
    let mut open =
        opened.map_err(|e| base::Error::field("host", "mailbox.refused", e.message().to_owned()))?;
    open.end().await.map_err(|e| base::Error::field("folder", "mailbox.refused", e.message().to_owned()))?;
    open.close().await;
    Ok(())
}

/// Who a mail would be from.
#[derive(Serialize, JsonSchema)]
pub struct SenderOut {
    /// Absent when nobody is named.
    pub email: Option<String>,
    pub name: Option<String>,
    /// They are named elsewhere than in From, which is what the checks of a sender are about: nobody vouches for them, and they
    /// join no ticket by it.
    pub is_claim: bool,
    /// Which rule decided, for people.
    pub reason: String,
    /// What shows that a program wrote it; absent for a person.
    pub automated: Option<String>,
}

async fn test_sender(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<SenderOut>> {
    let channel = find(&app, &who, at.id).await?;
    let raw = payload.bytes().await?;
    Ok(Answer::ok(who_sent(&app, &who.caller.scope(), &channel, &raw).await?))
}

/// The channel's rules, held against a mail.
pub(crate) async fn who_sent(
    app: &App,
    scope: &db::Scope,
    channel: &MailChannel,
    raw: &[u8],
) -> base::Result<SenderOut> {
    let letter = inbound::read(raw, &Limits::default())
        .map_err(|refused| base::Error::field("mail", refused.code, refused.message))?;
    let staff = app.read(scope.clone(), identity::users::staff).await?;
    let resolved = sender::resolve(&letter, &channel.sender_rules(staff));
    let is_list = channel.is_through_list(&letter);
    let program = if is_list { letter.automated_besides_list } else { letter.automated };
    Ok(SenderOut {
        email: resolved.person.as_ref().map(|p| p.email.as_str().to_owned()),
        name: resolved.person.map(|p| p.name),
        is_claim: resolved.via != sender::Via::From,
        reason: resolved.reason,
        automated: program.map(|a| a.reason),
    })
}
