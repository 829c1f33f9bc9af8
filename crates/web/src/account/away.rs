//! Being away: rules give somebody who is away no ticket. Said by oneself, or by an administrator.

use aide::axum::{ApiRouter, routing::get_with};
use axum::{Json, Router, extract::State, routing::post};
use base::{Error, Id, Result, Timestamp};
use identity::{User, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    admin::api::ThingAt,
    http::{
        answer::Answer,
        app::App,
        extract::{AdminCaller, At, Payload, StaffCaller},
        failure::Outcome,
        page::form,
        person::{AdminPage, StaffPage, filled, problems},
        router::{Who, body, reads, writes},
    },
};

#[derive(Serialize, JsonSchema)]
pub struct AwayOut {
    /// Whether rules give them no ticket now.
    pub is_away: bool,
    pub since: Option<Timestamp>,
    /// Null while away: until it is switched off.
    pub until: Option<Timestamp>,
}

impl AwayOut {
    fn of(user: &User, now: Timestamp) -> Self {
        let is_away = user.is_away(now);
        let shown = |at: Option<Timestamp>| at.filter(|_| is_away);
        Self { is_away, since: shown(user.away_at), until: shown(user.away_until) }
    }
}

/// What pages show of it.
pub fn view(user: &User, now: Timestamp) -> super::views::Away {
    let out = AwayOut::of(user, now);
    super::views::Away { is_away: out.is_away, until: out.until }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwayIn {
    pub is_away: bool,
    /// Until when; until it is switched off when left out.
    pub until: Option<Timestamp>,
}

fn own(who: &StaffCaller) -> Result<Id<User>> {
    who.staff.user_id.ok_or_else(|| Error::forbidden("role.person_only", "a key is not a person"))
}

async fn show_of(app: &App, scope: db::Scope, id: Id<User>) -> Outcome<Answer<AwayOut>> {
    Ok(Answer::ok(app.read(scope, move |read| Ok(AwayOut::of(&users::get(read, id)?, read.now()))).await?))
}

async fn save_of(app: &App, scope: db::Scope, id: Id<User>, input: AwayIn) -> Outcome<Answer<AwayOut>> {
    let saved = app.write(scope, move |tx| {
        let user = users::set_away(tx, id, input.is_away, input.until)?;
        Ok(AwayOut::of(&user, tx.now()))
    });
    Ok(Answer::ok(saved.await?))
}

async fn show_own(State(app): State<App>, who: StaffCaller) -> Outcome<Answer<AwayOut>> {
    let id = own(&who)?;
    show_of(&app, who.caller.scope(), id).await
}

async fn save_own(State(app): State<App>, who: StaffCaller, payload: Payload) -> Outcome<Answer<AwayOut>> {
    let id = own(&who)?;
    let input: AwayIn = payload.json().await?;
    save_of(&app, who.caller.scope(), id, input).await
}

async fn show(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Answer<AwayOut>> {
    show_of(&app, who.caller.scope(), Id::from_uuid(at.id)).await
}

async fn save(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<AwayOut>> {
    let id: Id<User> = Id::from_uuid(at.id);
    app.read(who.caller.scope(), move |read| users::get(read, id).map(|_| ())).await?;
    let input: AwayIn = payload.json().await?;
    save_of(&app, who.caller.scope(), id, input).await
}

pub fn api() -> ApiRouter<App> {
    use Who::*;
    ApiRouter::new()
        .api_route(
            "/api/auth/me/away",
            get_with(show_own, |op| {
                reads(op, "auth.me.away", "Whether I am away", StaffPeople).response::<200, Json<AwayOut>>()
            })
            .put_with(save_own, |op| {
                body::<AwayIn>(writes(op, "auth.me.set_away", "Say that I am away, or back", StaffPeople))
                    .response::<200, Json<AwayOut>>()
            }),
        )
        .api_route(
            "/api/admin/users/{id}/away",
            get_with(show, |op| {
                reads(op, "admin.users.away", "Whether somebody is away", Admins)
                    .response::<200, Json<AwayOut>>()
            })
            .put_with(save, |op| {
                body::<AwayIn>(writes(
                    op,
                    "admin.users.set_away",
                    "Say that somebody is away, or back",
                    Admins,
                ))
                .response::<200, Json<AwayOut>>()
            }),
        )
}

pub fn routes() -> Router<App> {
    Router::new()
        .route("/desk/account/away", post(save_own_form))
        .route("/admin/users/{id}/away", post(save_form))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AwayForm {
    away: bool,
    #[serde(default)]
    until: Option<String>,
}

/// A local time of the form, in the zone of who filled it in.
fn instant(text: Option<String>, zone: &str) -> Result<Option<Timestamp>> {
    let Some(text) = filled(text) else { return Ok(None) };
    let wrong = || Error::field("until", "away.until", "a day and a time, such as 2026-03-02T09:00");
    let local: jiff::civil::DateTime = text.parse().map_err(|_| wrong())?;
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    Ok(Some(local.to_zoned(zone).map_err(|_| wrong())?.timestamp()))
}

async fn save_own_form(State(app): State<App>, who: StaffPage, payload: Payload) -> Outcome {
    let input: AwayForm = form(&app, &who.caller, payload).await?;
    let id = who.user.id;
    let saved = match instant(input.until, &who.user.time_zone) {
        Ok(until) => app.write(who.scope(), move |tx| users::set_away(tx, id, input.away, until)).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(_) => who.done("/desk/account", if input.away { "away-is-away" } else { "away-is-back" }),
        Err(error) => super::pages::refused(&app, &who.person, problems(error)?).await,
    }
}

async fn save_form(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let user: Id<User> = Id::from_uuid(id);
    app.read(who.scope(), move |read| users::get(read, user).map(|_| ())).await?;
    let input: AwayForm = form(&app, &who.caller, payload).await?;
    let saved = match instant(input.until, &who.user.time_zone) {
        Ok(until) => app.write(who.scope(), move |tx| users::set_away(tx, user, input.away, until)).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(_) => {
            who.done(format!("/admin/users/{id}"), if input.away { "away-is-away" } else { "away-is-back" })
        }
        Err(error) => crate::users::pages::refused(&app, &who, id, problems(error)?).await,
    }
}
