//! Handlers of the channel pages.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Email, Error, Id, Result, Timestamp};
use desk::{
    channels::{self, ChannelPatch, MailChannel, NewChannel, UnknownSenders, mailbox, oauth, outgoing, sent},
    tickets::Priority,
};
use identity::teams::{self, Team};
use serde::Deserialize;
use uuid::Uuid;

use super::{api::who_sent, views};
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

pub(super) const HOME: &str = "/admin/channels";

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
        .merge(super::mailbox_pages::routes())
        .merge(super::connect_pages::routes())
        .merge(super::sent_pages::routes())
        .merge(super::outgoing_pages::routes())
        .merge(super::provider_pages::routes())
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
    trusted_sealers: String,
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
            trusted_sealers: c.trusted_sealers.join("\n"),
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
            trusted_sealers: Some(self.trusted_sealers.lines().map(str::to_owned).collect()),
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
        trusted_sealers: t.trusted_sealers,
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

pub(super) async fn find(app: &App, who: &AdminPage, id: Uuid) -> Result<MailChannel> {
    app.read(who.scope(), move |read| channels::get(read, Id::from_uuid(id))).await
}

/// How reading a folder stands.
fn state_of(paused: Option<Timestamp>, error: Option<&str>, checked: Option<Timestamp>) -> &'static str {
    match (paused, error, checked) {
        (Some(_), _, _) => "paused",
        (None, Some(_), _) => "failing",
        (None, None, Some(_)) => "on",
        (None, None, None) => "new",
    }
}

async fn page(app: &App, who: &AdminPage, c: MailChannel) -> Result<views::Channel> {
    let id = c.id;
    let found = app.read(who.scope(), move |read| {
        Ok((teams::all(read)?, mailbox::find(read, id)?, oauth::find(read, id)?, sent::find(read, id)?))
    });
    let (teams, mailbox, grant, sent) = found.await?;
    let outgoing = app.read(who.scope(), move |read| outgoing::find(read, id)).await?;
    Ok(views::Channel {
        outgoing: outgoing.map(|o| views::Outgoing {
            place: if o.username.is_empty() { o.host } else { format!("{} @ {}", o.username, o.host) },
            is_paused: o.paused_at.is_some(),
            has_no_null_path: o.null_path_refused_at.is_some(),
            error: o.error,
        }),
        mailbox: mailbox.map(|m| views::Mailbox {
            place: format!("{} @ {}, {}", m.username, m.host, m.folder),
            state: state_of(m.paused_at, m.error_code.as_deref(), m.checked_at).into(),
            is_by_oauth: m.is_by_oauth(),
            provider: grant.as_ref().map(|g| g.provider.to_string()),
            account: grant.and_then(|g| g.account).filter(|a| !a.eq_ignore_ascii_case(&m.username)),
            sent: sent.map(|s| views::Sent {
                state: state_of(s.paused_at, s.error_code.as_deref(), s.checked_at).into(),
                folder: s.folder,
                error: s.error,
                collected: s.collected,
            }),
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
pub(super) async fn ask(
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
                is_claim: found.is_claim,
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
