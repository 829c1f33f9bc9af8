//! Handlers of the channel pages.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Email, Error, Id, Result, Secret};
use desk::{
    channels::{
        self, ChannelPatch, MailChannel, NewChannel, UnknownSenders,
        mailbox::{self, ChannelMailbox, NewMailbox},
    },
    tickets::Priority,
};
use identity::teams::{self, Team};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    api::{knock, who_sent},
    views,
};
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

const HOME: &str = "/admin/channels";

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list))
        .route("/admin/channels/new", get(blank).post(create))
        .route("/admin/channels/{id}", get(show))
        .route("/admin/channels/{id}/edit", get(edit).post(change))
        .route("/admin/channels/{id}/enable", post(enable))
        .route("/admin/channels/{id}/disable", post(disable))
        .route("/admin/channels/{id}/rotate", post(rotate))
        .route("/admin/channels/{id}/delete", post(delete))
        .route("/admin/channels/{id}/test", post(test))
        .route("/admin/channels/{id}/mailbox", get(edit_mailbox).post(save_mailbox))
        .route("/admin/channels/{id}/mailbox/remove", post(remove_mailbox))
}

fn team_name(all: &[Team], id: Option<Id<Team>>) -> Option<String> {
    all.iter().find(|t| Some(t.id) == id).map(|t| t.name.clone())
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let (all, teams) = app.read(who.scope(), |read| Ok((channels::all(read)?, teams::all(read)?))).await?;
    let row = |c: MailChannel| views::Row {
        id: c.id.to_string(),
        team: team_name(&teams, c.team_id),
        address: c.address.as_str().to_owned(),
        name: c.name,
        state: if c.disabled_at.is_some() { "off" } else { "on" }.into(),
    };
    who.show(&app, "channels/list.html", views::List { channels: all.into_iter().map(row).collect() }).await
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, default)]
struct Typed {
    version: String,
    address: String,
    name: String,
    team_id: String,
    priority: String,
    category: String,
    signature: String,
    reply_address: String,
    acknowledges: bool,
    unknown_senders: String,
    contact_forms: String,
    mailing_lists: String,
    forwarding_staff: bool,
    trusted_host: String,
}

impl Typed {
    fn of(c: &MailChannel) -> Self {
        Self {
            version: c.version.to_string(),
            address: c.address.as_str().to_owned(),
            name: c.name.clone(),
            team_id: c.team_id.map(|t| t.to_string()).unwrap_or_default(),
            priority: c.priority.to_string(),
            category: c.category.clone().unwrap_or_default(),
            signature: c.signature.clone(),
            reply_address: c.reply_address.as_ref().map(|a| a.as_str().to_owned()).unwrap_or_default(),
            acknowledges: c.acknowledges,
            unknown_senders: c.unknown_senders.to_string(),
            contact_forms: c.contact_forms.join("\n"),
            mailing_lists: c.mailing_lists.join("\n"),
            forwarding_staff: c.forwarding_staff,
            trusted_host: c.trusted_host.clone().unwrap_or_default(),
        }
    }

    fn patch(&self) -> Result<ChannelPatch> {
        let chosen = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let team = chosen(&self.team_id).map(|t| t.parse::<Uuid>()).transpose();
        let team = team.map_err(|_| Error::field("team_id", "team.unknown", "there is no such team"))?;
        let malformed = |_| {
            Error::field(
                "reply_address",
                "email.malformed",
                "expected an address such as support@example.org",
            )
        };
        let reply = chosen(&self.reply_address).map(|a| a.parse::<Email>().map_err(malformed)).transpose()?;
        Ok(ChannelPatch {
            name: chosen(&self.name),
            team_id: Some(team.map(Id::from_uuid)),
            priority: chosen(&self.priority).map(|p| p.parse::<Priority>()).transpose()?,
            category: Some(chosen(&self.category)),
            signature: Some(self.signature.clone()),
            reply_address: Some(reply),
            acknowledges: Some(self.acknowledges),
            unknown_senders: chosen(&self.unknown_senders)
                .map(|u| u.parse::<UnknownSenders>())
                .transpose()?,
            contact_forms: Some(self.contact_forms.lines().map(str::to_owned).collect()),
            mailing_lists: Some(self.mailing_lists.lines().map(str::to_owned).collect()),
            forwarding_staff: Some(self.forwarding_staff),
            trusted_host: Some(chosen(&self.trusted_host)),
            enabled: None,
            expected_version: self.version.parse().ok(),
        })
    }
}

async fn form_view(
    app: &App,
    who: &AdminPage,
    id: Option<Uuid>,
    t: Typed,
    problems: Vec<Problem>,
) -> Result<views::Form> {
    let (teams, categories) =
        app.read(who.scope(), |read| Ok((teams::all(read)?, desk::categories::all(read)?))).await?;
    let priority =
        |p: &Priority| Choice::new(p.as_str(), who.say(&format!("priority-{p}")), p.as_str() == t.priority);
    let unknown = |u: &UnknownSenders| {
        Choice::new(u.as_str(), who.say(&format!("channels-unknown-{u}")), u.as_str() == t.unknown_senders)
    };
    Ok(views::Form {
        id: id.map(|i| i.to_string()),
        version: t.version.parse().unwrap_or_default(),
        teams: teams
            .into_iter()
            .map(|team| Choice::new(team.id.to_string(), team.name, team.id.to_string() == t.team_id))
            .collect(),
        priorities: Priority::ALL.iter().map(priority).collect(),
        categories: categories
            .into_iter()
            .filter(|c| c.archived_at.is_none() || c.slug == t.category)
            .map(|c| Choice::new(c.slug.clone(), c.name, c.slug == t.category))
            .collect(),
        unknown_senders: UnknownSenders::ALL.iter().map(unknown).collect(),
        address: t.address,
        name: t.name,
        signature: t.signature,
        reply_address: t.reply_address,
        acknowledges: t.acknowledges,
        contact_forms: t.contact_forms,
        mailing_lists: t.mailing_lists,
        forwarding_staff: t.forwarding_staff,
        trusted_host: t.trusted_host,
        problems,
    })
}

async fn blank(State(app): State<App>, who: AdminPage) -> Outcome {
    let start = Typed {
        priority: Priority::Normal.to_string(),
        unknown_senders: UnknownSenders::Accept.to_string(),
        acknowledges: true,
        ..Typed::default()
    };
    let view = form_view(&app, &who, None, start, Vec::new()).await?;
    who.show(&app, "channels/form.html", view).await
}

async fn create(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let input: Typed = form(&app, &who.caller, payload).await?;
    let malformed =
        |_| Error::field("address", "email.malformed", "expected an address such as support@example.org");
    let new = input
        .address
        .parse::<Email>()
        .map_err(malformed)
        .and_then(|address| Ok(NewChannel { address, fields: input.patch()? }));
    let made = match new {
        Ok(new) => app.write(who.scope(), move |tx| channels::create(tx, new)).await,
        Err(error) => Err(error),
    };
    match made {
        Ok((key, channel)) => {
            let at = format!("{HOME}/{}", channel.id);
            let view = page(&app, &who, channel).await?;
            let view = views::Channel { key: Some(key.reveal().to_owned()), ..view };
            who.answer(&app, at, "channels/channel.html", view).await
        }
        Err(error) => {
            let view = form_view(&app, &who, None, input, problems(error)?).await?;
            who.again(&app, format!("{HOME}/new"), "channels/form.html", view).await
        }
    }
}

async fn find(app: &App, who: &AdminPage, id: Uuid) -> Result<MailChannel> {
    app.read(who.scope(), move |read| channels::get(read, Id::from_uuid(id))).await
}

async fn page(app: &App, who: &AdminPage, c: MailChannel) -> Result<views::Channel> {
    let id = c.id;
    let (teams, mailbox) =
        app.read(who.scope(), move |read| Ok((teams::all(read)?, mailbox::find(read, id)?))).await?;
    Ok(views::Channel {
        mailbox: mailbox.map(|m| views::Mailbox {
            place: format!("{} @ {}, {}", m.username, m.host, m.folder),
            state: match (&m.paused_at, &m.error_code, &m.checked_at) {
                (Some(_), _, _) => "paused",
                (None, Some(_), _) => "failing",
                (None, None, Some(_)) => "on",
                (None, None, None) => "new",
            }
            .into(),
            error: m.error,
            checked_at: m.checked_at,
            collected: m.collected,
        }),
        id: c.id.to_string(),
        team: team_name(&teams, c.team_id),
        address: c.address.as_str().to_owned(),
        name: c.name,
        priority: c.priority.to_string(),
        acknowledges: c.acknowledges,
        unknown_senders: c.unknown_senders.to_string(),
        key_prefix: c.key_prefix,
        disabled_at: c.disabled_at,
        inbound_url: format!("{}/api/mail/inbound", app.config().links.base(&who.caller.tenant)),
        ..views::Channel::default()
    })
}

async fn show(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let view = page(&app, &who, channel).await?;
    who.show(&app, "channels/channel.html", view).await
}

async fn edit(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let view = form_view(&app, &who, Some(id), Typed::of(&channel), Vec::new()).await?;
    who.show(&app, "channels/form.html", view).await
}

async fn change(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let found = find(&app, &who, id).await?;
    let input: Typed = form(&app, &who.caller, payload).await?;
    let changed = match input.patch() {
        Ok(patch) => app.write(who.scope(), move |tx| channels::change(tx, found.id, patch)).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => who.done(format!("{HOME}/{id}"), "saved"),
        Err(error) => {
            let view = form_view(&app, &who, Some(id), input, problems(error)?).await?;
            who.again(&app, format!("{HOME}/{id}/edit"), "channels/form.html", view).await
        }
    }
}

async fn set_enabled(app: &App, who: &AdminPage, id: Uuid, payload: Payload, enabled: bool) -> Outcome {
    let channel = find(app, who, id).await?;
    let Button { .. } = form(app, &who.caller, payload).await?;
    let patch = ChannelPatch { enabled: Some(enabled), ..Default::default() };
    app.write(who.scope(), move |tx| channels::change(tx, channel.id, patch)).await?;
    who.done(format!("{HOME}/{id}"), if enabled { "channels-is-on" } else { "channels-is-off" })
}

async fn enable(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    set_enabled(&app, &who, id, payload, true).await
}

async fn disable(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    set_enabled(&app, &who, id, payload, false).await
}

/// Asks before something that cannot be undone.
async fn ask(
    app: &App,
    who: &AdminPage,
    c: &MailChannel,
    verb: &str,
    question: &str,
    button: &str,
) -> Outcome {
    let back = format!("{HOME}/{}", c.id);
    let name = c.address.as_str();
    let ask = Ask { question, name, button, action: format!("{back}/{verb}"), fields: Vec::new(), back };
    who.ask(app, ask).await
}

async fn rotate(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        return ask(&app, &who, &channel, "rotate", "channels-rotate-question", "channels-rotate").await;
    }
    let (key, channel) = app.write(who.scope(), move |tx| channels::rotate_key(tx, channel.id)).await?;
    let view = page(&app, &who, channel).await?;
    let view = views::Channel { key: Some(key.reveal().to_owned()), ..view };
    who.answer(&app, format!("{HOME}/{id}"), "channels/channel.html", view).await
}

async fn delete(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        return ask(&app, &who, &channel, "delete", "channels-delete-question", "channels-delete").await;
    }
    app.write(who.scope(), move |tx| channels::delete(tx, channel.id)).await?;
    who.done(HOME, "channels-is-deleted")
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, default)]
struct TypedMailbox {
    host: String,
    port: String,
    tls: String,
    username: String,
    password: String,
    folder: String,
    from_beginning: bool,
    /// The button that was pressed: `test`, or none for saving.
    then: String,
}

impl TypedMailbox {
    fn described(&self) -> Result<NewMailbox> {
        let port = self.port.trim().parse();
        Ok(NewMailbox {
            host: self.host.clone(),
            port: port
                .map_err(|_| Error::field("port", "mailbox.port", "expected a port from 1 to 65535"))?,
            tls: self.tls.clone(),
            username: self.username.clone(),
            password: (!self.password.is_empty()).then(|| Secret::new(self.password.clone())),
            folder: self.folder.clone(),
            from_beginning: self.from_beginning,
        })
    }
}

fn mailbox_view(
    who: &AdminPage,
    c: &MailChannel,
    is_set: bool,
    t: TypedMailbox,
    problems: Vec<Problem>,
) -> views::MailboxForm {
    let tls = ["tls", "starttls", "none"];
    views::MailboxForm {
        id: c.id.to_string(),
        address: c.address.as_str().to_owned(),
        is_set,
        host: t.host,
        port: t.port,
        tls: tls.map(|w| Choice::new(w, who.say(&format!("mailbox-tls-{w}")), w == t.tls)).into(),
        username: t.username,
        folder: t.folder,
        from_beginning: t.from_beginning,
        is_tested: false,
        problems,
    }
}

async fn known_mailbox(app: &App, who: &AdminPage, c: &MailChannel) -> Result<Option<ChannelMailbox>> {
    let id = c.id;
    app.read(who.scope(), move |read| mailbox::find(read, id)).await
}

async fn edit_mailbox(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let known = known_mailbox(&app, &who, &channel).await?;
    let is_set = known.is_some();
    let start = match known {
        Some(m) => TypedMailbox {
            host: m.host,
            port: m.port.to_string(),
            tls: m.tls,
            username: m.username,
            folder: m.folder,
            from_beginning: m.from_beginning,
            ..TypedMailbox::default()
        },
        None => TypedMailbox {
            port: "993".into(),
            tls: "tls".into(),
            username: channel.address.as_str().to_owned(),
            folder: "INBOX".into(),
            ..TypedMailbox::default()
        },
    };
    who.show(&app, "channels/mailbox.html", mailbox_view(&who, &channel, is_set, start, Vec::new())).await
}

async fn save_mailbox(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let input: TypedMailbox = form(&app, &who.caller, payload).await?;
    let is_set = known_mailbox(&app, &who, &channel).await?.is_some();
    let at = format!("{HOME}/{id}/mailbox");
    let (channel_id, tests) = (channel.id, input.then == "test");
    let done = match input.described() {
        // What was typed is tried as it stands.
        Ok(new) if tests => knock(&app, &who.scope(), channel_id, new).await,
        Ok(new) => app.write(who.scope(), move |tx| mailbox::set(tx, channel_id, &new)).await.map(drop),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) if tests => {
            let view = mailbox_view(&who, &channel, is_set, input, Vec::new());
            let view = views::MailboxForm { is_tested: true, ..view };
            who.answer(&app, at, "channels/mailbox.html", view).await
        }
        Ok(()) => who.done(format!("{HOME}/{id}"), "mailbox-is-set"),
        Err(error) => {
            let view = mailbox_view(&who, &channel, is_set, input, problems(error)?);
            who.again(&app, at, "channels/mailbox.html", view).await
        }
    }
}

async fn remove_mailbox(
    State(app): State<App>,
    who: AdminPage,
    At(id): At<Uuid>,
    payload: Payload,
) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        return ask(&app, &who, &channel, "mailbox/remove", "mailbox-remove-question", "mailbox-remove")
            .await;
    }
    app.write(who.scope(), move |tx| mailbox::remove(tx, channel.id)).await?;
    who.done(format!("{HOME}/{id}"), "mailbox-is-removed")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TestForm {
    mail: String,
}

/// Who a mail would be from: it is read and nothing is kept.
async fn test(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let input: TestForm = form(&app, &who.caller, payload).await?;
    let found = who_sent(&app, &who.scope(), &channel, input.mail.trim_start().as_bytes()).await;
    let mut view = page(&app, &who, channel).await?;
    view.mail = input.mail;
    let at = format!("{HOME}/{id}");
    match found {
        Ok(found) => {
            view.tested = Some(views::Tested {
                email: found.email,
                name: found.name.filter(|n| !n.is_empty()),
                reason: found.reason,
                automated: found.automated,
            });
            who.answer(&app, at, "channels/channel.html", view).await
        }
        Err(error) => {
            view.problems = problems(error)?;
            who.again(&app, at, "channels/channel.html", view).await
        }
    }
}
