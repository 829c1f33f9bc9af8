//! The form of the mail server that a channel's letters leave through.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Result, Secret};
use desk::channels::{
    MailChannel,
    outgoing::{self, NewOutgoing},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    outgoing_api::try_out,
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
        .route("/admin/channels/{id}/outgoing", get(edit).post(save))
        .route("/admin/channels/{id}/outgoing/remove", post(remove))
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, default)]
struct Typed {
    host: String,
    port: String,
    tls: String,
    sign_in: String,
    username: String,
    password: String,
    /// The button that was pressed: `test`, or none for saving.
    then: String,
}

impl Typed {
    fn described(&self) -> Result<NewOutgoing> {
        let port = self.port.trim().parse();
        Ok(NewOutgoing {
            host: self.host.clone(),
            port: port.map_err(|_| Error::field("port", "smtp.port", "expected a port from 1 to 65535"))?,
            tls: self.tls.clone(),
            sign_in: self.sign_in.clone(),
            username: self.username.clone(),
            password: (!self.password.is_empty()).then(|| Secret::new(self.password.clone())),
        })
    }
}

fn view(
    who: &AdminPage,
    c: &MailChannel,
    is_set: bool,
    t: Typed,
    problems: Vec<Problem>,
) -> views::OutgoingForm {
    let choices = |words: [&str; 3], prefix: &str, chosen: &str| {
        words.map(|w| Choice::new(w, who.say(&format!("{prefix}{w}")), w == chosen)).into()
    };
    views::OutgoingForm {
        id: c.id.to_string(),
        address: c.address.as_str().to_owned(),
        is_set,
        tls: choices(["starttls", "tls", "none"], "mailbox-tls-", &t.tls),
        sign_ins: choices(["password", "oauth", "none"], "outgoing-by-", &t.sign_in),
        host: t.host,
        port: t.port,
        username: t.username,
        tested: None,
        problems,
    }
}

async fn edit(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let at = channel.id;
    let known = app.read(who.scope(), move |read| outgoing::find(read, at)).await?;
    let is_set = known.is_some();
    let start = match known {
        Some(o) => Typed {
            host: o.host,
            port: o.port.to_string(),
            tls: o.tls,
            sign_in: o.sign_in,
            username: o.username,
            ..Typed::default()
        },
        None => Typed {
            port: "587".into(),
            tls: "starttls".into(),
            sign_in: "password".into(),
            username: channel.address.as_str().to_owned(),
            ..Typed::default()
        },
    };
    who.show(&app, "channels/outgoing.html", view(&who, &channel, is_set, start, Vec::new())).await
}

async fn save(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let input: Typed = form(&app, &who.caller, payload).await?;
    let at = format!("{HOME}/{id}/outgoing");
    let (channel_id, tests) = (channel.id, input.then == "test");
    let is_set = app.read(who.scope(), move |read| outgoing::find(read, channel_id)).await?.is_some();
    let to = who.user.email.clone();
    let done = match input.described() {
        // What was typed is tried as it stands.
        Ok(new) if tests => try_out(&app, who.scope(), &channel, new, to.clone()).await,
        Ok(new) => app.write(who.scope(), move |tx| outgoing::set(tx, channel_id, &new)).await.map(drop),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) if tests => {
            let shown = view(&who, &channel, is_set, input, Vec::new());
            let shown = views::OutgoingForm { tested: Some(to.as_str().to_owned()), ..shown };
            who.answer(&app, at, "channels/outgoing.html", shown).await
        }
        Ok(()) => who.done(format!("{HOME}/{id}"), "outgoing-is-set"),
        Err(error) => {
            let shown = view(&who, &channel, is_set, input, problems(error)?);
            who.again(&app, at, "channels/outgoing.html", shown).await
        }
    }
}

async fn remove(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let channel = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        return ask(&app, &who, &channel, "outgoing/remove", "outgoing-remove-question", "outgoing-remove")
            .await;
    }
    app.write(who.scope(), move |tx| outgoing::remove(tx, channel.id)).await?;
    who.done(format!("{HOME}/{id}"), "outgoing-is-removed")
}
