//! Handlers of one's own account. Customers have it on the portal, staff at the desk.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect},
    routing::{get, post},
};
use base::{Error, Id, OrNotFound, Result, Secret};
use identity::{
    User, passwords,
    sessions::{self, SessionRow},
    throttle::{self, Limit},
    totp, users,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{device, second_factor, views};
use crate::{
    auth::{
        api::{SignedIn, begin},
        pages::session_cookie,
    },
    http::{
        app::App,
        extract::{At, Payload},
        failure::Outcome,
        page::{form, set_cookie},
        person::{Button, PersonPage, problems, problems_as},
    },
    kit::{
        forms::{Choice, Problem},
        words,
    },
};

const PORTAL: &str = "/account";
const DESK: &str = "/desk/account";

/// Guesses of one's own password, by somebody who found an open session.
const PASSWORDS: Limit = Limit { name: "own_password", most: 10, window_seconds: 900 };

pub fn routes() -> Router<App> {
    Router::new().merge(below(PORTAL)).merge(below(DESK)).merge(second_factor::routes())
}

fn below(base: &str) -> Router<App> {
    let at = |rest: &str| format!("{base}{rest}");
    Router::new()
        .route(base, get(show).post(save_profile))
        .route(&at("/password"), post(save_password))
        .route(&at("/sessions/{id}/revoke"), post(revoke))
        .route(&at("/sessions/revoke-others"), post(revoke_others))
}

pub(super) fn home(who: &PersonPage) -> &'static str {
    if who.user.role.is_staff() { DESK } else { PORTAL }
}

/// Customers may not look at the desk's side.
pub(super) fn check_side(who: &PersonPage) -> Result<()> {
    if who.look.path.starts_with("/desk") && !who.user.role.is_staff() {
        return Err(Error::forbidden("role.staff_only", "only staff may do this"));
    }
    Ok(())
}

/// The page as it stands in the database; what the session remembers may be minutes old.
pub(super) async fn view(app: &App, who: &PersonPage) -> Result<views::Account> {
    let (id, current) = (who.user.id, who.session);
    let (user, sessions, codes_left) = app
        .read(who.scope(), move |read| {
            Ok((users::get(read, id)?, sessions::of_user(read, id)?, totp::codes_left(read, id)?))
        })
        .await?;
    let languages = words::languages().map(str::to_owned);
    let mut languages: Vec<String> = languages.collect();
    // Somebody's language may be one for which there are letters but no pages yet.
    if !languages.contains(&user.locale) {
        languages.push(user.locale.clone());
    }
    let pending = totp::pending(&user, &who.caller.tenant.name);
    let second_factor = user.role.is_staff().then(|| views::Totp {
        enabled: user.has_second_factor(),
        recovery_codes_left: codes_left,
        enrolment: pending.map(|e| views::Enrolment { secret: e.secret_base32, otpauth_url: e.address }),
        recovery_codes: Vec::new(),
    });
    let away = user.role.is_staff().then(|| super::away::view(&user, app.db().now()));
    Ok(views::Account {
        base_path: home(who).into(),
        name: user.name,
        email: user.email.to_string(),
        locales: languages
            .into_iter()
            .map(|l| Choice::new(l.clone(), who.say(&format!("language-{l}")), l == user.locale))
            .collect(),
        zone: user.time_zone,
        sessions: sessions
            .into_iter()
            .map(|s| views::Session {
                is_current: s.id == current,
                id: s.id.to_string(),
                device: device::name(&s.user_agent).unwrap_or_else(|| who.say("sessions-unknown-device")),
                address: s.client_ip,
                created_at: s.created_at,
                last_seen_at: s.last_seen_at,
            })
            .collect(),
        totp: second_factor,
        away,
        problems: Vec::new(),
    })
}

async fn again(app: &App, who: &PersonPage, view: views::Account) -> Outcome {
    who.again(app, home(who), "account/account.html", view).await
}

pub(super) async fn refused(app: &App, who: &PersonPage, problems: Vec<Problem>) -> Outcome {
    let view = views::Account { problems, ..view(app, who).await? };
    again(app, who, view).await
}

async fn show(State(app): State<App>, who: PersonPage) -> Outcome {
    check_side(&who)?;
    if who.look.path.starts_with(PORTAL) && who.user.role.is_staff() {
        return Ok(Redirect::to(DESK).into_response());
    }
    let view = view(&app, &who).await?;
    who.show(&app, "account/account.html", view).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileForm {
    name: String,
    locale: String,
    zone: String,
}

async fn save_profile(State(app): State<App>, who: PersonPage, payload: Payload) -> Outcome {
    check_side(&who)?;
    let input: ProfileForm = form(&app, &who.caller, payload).await?;
    let (id, name, locale, zone) =
        (who.user.id, input.name.clone(), input.locale.clone(), input.zone.trim().to_owned());
    let saved = app.write(who.scope(), move |tx| users::set_profile(tx, id, &name, &locale, &zone)).await;
    match saved {
        Ok(_) => who.done(home(&who), "saved"),
        Err(error) => {
            let problems = problems_as(error, &[("time_zone", "zone")])?;
            let mut view =
                views::Account { name: input.name, zone: input.zone, problems, ..view(&app, &who).await? };
            for choice in &mut view.locales {
                choice.selected = choice.value == input.locale;
            }
            again(&app, &who, view).await
        }
    }
}

/// Whether this is the person's password now. Guesses are counted.
pub(super) async fn prove(
    app: &App,
    who: &PersonPage,
    password: Secret,
    field: &'static str,
) -> Result<User> {
    let id = who.user.id;
    // Committed by itself: a guess counts also when it is wrong.
    app.write(who.scope(), move |tx| throttle::hit(tx, &PASSWORDS, &id.to_string())).await??;
    let user = app.read(who.scope(), move |read| users::get(read, id)).await?;
    let Some(stored) = user.password_hash.clone() else {
        let message = "this account has no password yet; ask for a link to set one on the sign-in page";
        return Err(Error::field(field, "password.none", message));
    };
    if !app.blocking(move || passwords::verify(&password, Some(&stored))).await? {
        return Err(Error::field(field, "password.wrong", "that is not your present password"));
    }
    app.write(who.scope(), move |tx| throttle::clear(tx, &PASSWORDS, &id.to_string())).await?;
    Ok(user)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    current_password: Secret,
    password: Secret,
    /// For password managers only.
    #[serde(default, rename = "username")]
    _username: Option<String>,
}

async fn save_password(State(app): State<App>, who: PersonPage, payload: Payload) -> Outcome {
    check_side(&who)?;
    let PasswordForm { current_password, password, .. } = form(&app, &who.caller, payload).await?;
    match change_password(&app, &who, current_password, password).await {
        Ok((token, session)) => {
            let mut response = who.done(home(&who), "account-password-is-changed")?;
            set_cookie(&mut response, &session_cookie(&app, &token, &session, app.db().now()));
            Ok(response)
        }
        Err(error) => refused(&app, &who, problems(error)?).await,
    }
}

/// Every session ends with the old password; whoever changed it goes on in a new one.
async fn change_password(
    app: &App,
    who: &PersonPage,
    current: Secret,
    password: Secret,
) -> Result<(identity::Token, sessions::Session)> {
    passwords::check(&password)?;
    let user = prove(app, who, current, "current_password").await?;
    let hash = app.blocking(move || passwords::hash(&password)).await??;
    let id = user.id;
    app.write(who.scope(), move |tx| users::set_password(tx, id, &hash)).await?;
    match begin(app, &who.caller, user).await? {
        SignedIn::Yes(token, session, _) => Ok((token, session)),
        SignedIn::NeedsCode => Err(Error::bug("a session that is begun asks for no code")),
    }
}

async fn revoke(State(app): State<App>, who: PersonPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    check_side(&who)?;
    let id: Id<SessionRow> = Id::from_uuid(id);
    let user = who.user.id;
    let mine = app.read(who.scope(), move |read| sessions::of_user(read, user)).await?;
    mine.iter().find(|s| s.id == id).or_not_found("session")?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    app.write(who.scope(), move |tx| sessions::end(tx, user, id)).await?;
    who.done(home(&who), "sessions-is-revoked")
}

async fn revoke_others(State(app): State<App>, who: PersonPage, payload: Payload) -> Outcome {
    check_side(&who)?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    let (user, keep) = (who.user.id, who.session);
    app.write(who.scope(), move |tx| sessions::end_others(tx, user, keep)).await?;
    who.done(home(&who), "sessions-others-are-revoked")
}
