//! The form of a mailbox that is signed in to by a password.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Result, Secret};
use desk::channels::{
    MailChannel,
    mailbox::{self, ChannelMailbox, NewMailbox},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    api::knock,
    pages::{HOME, ask, find},
    views,
};
use crate::{
    http::{
        app::App,
        extract::{At, Payload},
        failure::Outcome,
        page::form,
        person::{AdminPage, Button, problems},
    },
    kit::forms::{Choice, Problem},
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin/channels/{id}/mailbox", get(edit).post(save))
        .route("/admin/channels/{id}/mailbox/remove", post(remove))
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, default)]
struct Typed {
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

impl Typed {
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

fn view(
    who: &AdminPage,
    c: &MailChannel,
    is_set: bool,
    t: Typed,
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

async fn known(app: &App, who: &AdminPage, c: &MailChannel) -> Result<Option<ChannelMailbox>> {
    let id = c.id;
    app.read(who.scope(), move |read| mailbox::find(read, id)).await
}

async fn edit(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let known = known(&app, &who, &channel).await?;
    let is_set = known.is_some();
    let start = match known {
        Some(m) => Typed {
            host: m.host,
            port: m.port.to_string(),
            tls: m.tls,
            username: m.username,
            folder: m.folder,
            from_beginning: m.from_beginning,
            ..Typed::default()
        },
        None => Typed {
            port: "993".into(),
            tls: "tls".into(),
            username: channel.address.as_str().to_owned(),
            folder: "INBOX".into(),
            ..Typed::default()
        },
    };
    who.show(&app, "channels/mailbox.html", view(&who, &channel, is_set, start, Vec::new())).await
}

async fn save(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let input: Typed = form(&app, &who.caller, payload).await?;
    let is_set = known(&app, &who, &channel).await?.is_some();
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
            let shown = view(&who, &channel, is_set, input, Vec::new());
            let shown = views::MailboxForm { is_tested: true, ..shown };
            who.answer(&app, at, "channels/mailbox.html", shown).await
        }
        Ok(()) => who.done(format!("{HOME}/{id}"), "mailbox-is-set"),
        Err(error) => {
            let shown = view(&who, &channel, is_set, input, problems(error)?);
            who.again(&app, at, "channels/mailbox.html", shown).await
        }
    }
}

async fn remove(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        return ask(&app, &who, &channel, "mailbox/remove", "mailbox-remove-question", "mailbox-remove")
            .await;
    }
    app.write(who.scope(), move |tx| mailbox::remove(tx, channel.id)).await?;
    who.done(format!("{HOME}/{id}"), "mailbox-is-removed")
}
