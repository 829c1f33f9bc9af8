//! Sign-in, sign-up and the links of letters.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use base::{Error, Kind, Secret};
use identity::{Principal, User, sessions::Session, token::Token, tokens::Purpose};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    api::{self, RegisterIn, SignedIn},
    views,
};
use crate::{
    http::{
        app::App,
        caller::{Caller, SESSION_COOKIE, SESSION_COOKIE_SECURE},
        extract::{At, Params, Payload},
        failure::{Outcome, status},
        page::{Look, form, local, page, page_with, set_cookie},
    },
    kit::forms::Problem,
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route("/login", get(login).post(submit_login))
        .route("/logout", axum::routing::post(logout))
        .route("/register", get(register).post(submit_register))
        .route("/verify/{token}", get(verify).post(submit_verify))
        .route("/login/link", get(ask_link).post(submit_ask_link))
        .route("/login/link/{token}", get(use_link).post(submit_link))
        .route("/login/reset", get(ask_reset).post(submit_ask_reset))
        .route("/login/reset/{token}", get(new_password).post(submit_new_password))
}

/// Where somebody belongs.
pub fn home_of(principal: &Principal) -> &'static str {
    match principal {
        Principal::User { user, .. } if user.role.is_staff() => "/desk",
        _ => "/help",
    }
}

async fn home(caller: Caller) -> Redirect {
    Redirect::to(home_of(&caller.principal))
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(default)]
struct NextQuery {
    next: Option<String>,
}

async fn login(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    Params(query): Params<NextQuery>,
) -> Outcome {
    if matches!(caller.principal, Principal::User { .. }) {
        return Ok(Redirect::to(&local(query.next.as_deref(), home_of(&caller.principal))).into_response());
    }
    let next = local(query.next.as_deref(), "");
    page(&app, &look, "auth/login.html", views::Login { next, ..Default::default() }).await
}

#[derive(Deserialize)]
struct LoginForm {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    next: String,
    code: Option<Secret>,
    challenge: Option<String>,
}

/// The cookie of a session: for this host, this site and, where people come by https, for https alone.
pub fn session_cookie(app: &App, token: &Token, session: &Session, now: base::Timestamp) -> String {
    let age = session.expires_at.as_second() - now.as_second();
    if app.config().links.is_https() {
        format!(
            "{SESSION_COOKIE_SECURE}={}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax; Secure",
            token.reveal()
        )
    } else {
        format!("{SESSION_COOKIE}={}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax", token.reveal())
    }
}

/// Goes on as the one who just proved who they are.
fn signed_in(app: &App, token: &Token, session: &Session, user: &User, next: &str) -> Response {
    let home = if user.role.is_staff() { "/desk" } else { "/help/tickets" };
    let mut response = Redirect::to(&local(Some(next), home)).into_response();
    set_cookie(&mut response, &session_cookie(app, token, session, app.db().now()));
    response
}

async fn submit_login(State(app): State<App>, look: Look, caller: Caller, payload: Payload) -> Outcome {
    let input: LoginForm = form(&app, &caller, payload).await?;
    let again = |ask_code: bool, challenge: Option<String>, problems: Vec<Problem>| views::Login {
        email: input.email.clone(),
        next: local(Some(&input.next), ""),
        ask_code,
        challenge,
        problems,
    };
    // In the second step the challenge stands for the password, which is not sent around twice.
    let (email, outcome) = match (&input.challenge, input.code.clone()) {
        (Some(challenge), Some(code)) => {
            (input.email.clone(), api::sign_in_with_code(&app, &caller, challenge, code).await)
        }
        _ => (
            input.email.clone(),
            api::sign_in(&app, &caller, &input.email, input.password.clone(), None).await,
        ),
    };
    match outcome {
        Ok(SignedIn::Yes(token, session, user)) => Ok(signed_in(&app, &token, &session, &user, &input.next)),
        Ok(SignedIn::NeedsCode) => {
            let challenge = api::challenge(&app, &caller, &email).await?;
            page(&app, &look, "auth/login.html", again(true, Some(challenge), Vec::new())).await
        }
        Err(error) if matches!(error.kind(), Kind::Unauthenticated | Kind::Invalid | Kind::Limited) => {
            let second_step = input.challenge.clone().filter(|_| error.code() == "login.code");
            let view = again(second_step.is_some(), second_step, Problem::from_error(&error));
            let mut answer =
                page_with(&app, &look, "auth/login.html", view, axum::http::StatusCode::UNPROCESSABLE_ENTITY)
                    .await?;
            if let Some(seconds) = error.retry_after_seconds() {
                answer.headers_mut().insert(axum::http::header::RETRY_AFTER, seconds.into());
            }
            Ok(answer)
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
struct NoFields {}

async fn logout(State(app): State<App>, caller: Caller, payload: Payload) -> Outcome {
    let _: NoFields = form(&app, &caller, payload).await?;
    api::end(&app, &caller).await?;
    let mut response = Redirect::to("/login").into_response();
    let secure = app.config().links.is_https();
    let name = if secure { SESSION_COOKIE_SECURE } else { SESSION_COOKIE };
    let tail = if secure { "; Secure" } else { "" };
    set_cookie(&mut response, &format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{tail}"));
    Ok(response)
}

async fn register(State(app): State<App>, look: Look, caller: Caller) -> Outcome {
    if !caller.tenant.settings.signup_allowed {
        return Err(Error::not_found("page").into());
    }
    page(&app, &look, "auth/register.html", views::Register::default()).await
}

async fn submit_register(State(app): State<App>, look: Look, caller: Caller, payload: Payload) -> Outcome {
    let input: RegisterIn = form(&app, &caller, payload).await?;
    let (name, email) = (input.name.clone(), input.email.clone());
    match api::sign_up(&app, &caller, input).await {
        Ok(()) => {
            let view = views::Message { kind: "register-sent".into(), email, continue_href: None };
            page(&app, &look, "auth/message.html", view).await
        }
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Limited) => {
            let view = views::Register { name, email, problems: Problem::from_error(&error) };
            page_with(&app, &look, "auth/register.html", view, status(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
struct TokenAt {
    token: String,
}

async fn confirm_page(app: &App, look: &Look, kind: &str, action: String) -> Outcome {
    page(app, look, "auth/confirm_link.html", views::ConfirmLink { kind: kind.into(), action }).await
}

async fn message(app: &App, look: &Look, kind: &str, continue_href: Option<&str>) -> Outcome {
    let view = views::Message {
        kind: kind.into(),
        email: String::new(),
        continue_href: continue_href.map(str::to_owned),
    };
    page(app, look, "auth/message.html", view).await
}

async fn verify(State(app): State<App>, look: Look, At(at): At<TokenAt>) -> Outcome {
    confirm_page(&app, &look, "verify", format!("/verify/{}", at.token)).await
}

async fn submit_verify(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    At(at): At<TokenAt>,
    payload: Payload,
) -> Outcome {
    let _: NoFields = form(&app, &caller, payload).await?;
    match api::redeem(&app, &caller, Purpose::Verify, at.token).await {
        Ok(_) => message(&app, &look, "verified", Some("/login")).await,
        Err(error) if error.kind() == Kind::Invalid => {
            message(&app, &look, "verify-failed", Some("/register")).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn use_link(State(app): State<App>, look: Look, At(at): At<TokenAt>) -> Outcome {
    confirm_page(&app, &look, "use-link", format!("/login/link/{}", at.token)).await
}

async fn submit_link(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    At(at): At<TokenAt>,
    payload: Payload,
) -> Outcome {
    let _: NoFields = form(&app, &caller, payload).await?;
    let user = match api::redeem(&app, &caller, Purpose::MagicLink, at.token).await {
        Ok(user) => user,
        Err(error) if error.kind() == Kind::Invalid => {
            return message(&app, &look, "link-failed", Some("/login/link")).await;
        }
        Err(error) => return Err(error.into()),
    };
    // The link stands for the password, not for the second factor.
    if user.has_second_factor() {
        let challenge = api::challenge(&app, &caller, user.email.as_str()).await?;
        let view = views::Login {
            email: user.email.to_string(),
            ask_code: true,
            challenge: Some(challenge),
            ..Default::default()
        };
        return page(&app, &look, "auth/login.html", view).await;
    }
    match api::begin(&app, &caller, user).await? {
        SignedIn::Yes(token, session, user) => Ok(signed_in(&app, &token, &session, &user, "")),
        SignedIn::NeedsCode => Err(Error::bug("a session that began asks for a code").into()),
    }
}

#[derive(Deserialize)]
struct EmailForm {
    #[serde(default)]
    email: String,
}

async fn ask(app: &App, look: &Look, kind: &str) -> Outcome {
    page(app, look, "auth/ask_email.html", views::AskEmail { kind: kind.into(), ..Default::default() }).await
}
async fn ask_link(State(app): State<App>, look: Look) -> Outcome {
    ask(&app, &look, "link").await
}
async fn ask_reset(State(app): State<App>, look: Look) -> Outcome {
    ask(&app, &look, "reset").await
}

async fn mail(
    app: App,
    look: Look,
    caller: Caller,
    payload: Payload,
    kind: &str,
    purpose: Purpose,
) -> Outcome {
    let input: EmailForm = form(&app, &caller, payload).await?;
    match api::mail_link(&app, &caller, &input.email, purpose).await {
        Ok(()) => {
            let view =
                views::Message { kind: format!("{kind}-sent"), email: input.email, continue_href: None };
            page(&app, &look, "auth/message.html", view).await
        }
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Limited) => {
            let view = views::AskEmail {
                kind: kind.into(),
                email: input.email,
                problems: Problem::from_error(&error),
            };
            page_with(&app, &look, "auth/ask_email.html", view, status(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}
async fn submit_ask_link(State(app): State<App>, look: Look, caller: Caller, payload: Payload) -> Outcome {
    mail(app, look, caller, payload, "link", Purpose::MagicLink).await
}
async fn submit_ask_reset(State(app): State<App>, look: Look, caller: Caller, payload: Payload) -> Outcome {
    mail(app, look, caller, payload, "reset", Purpose::Reset).await
}

async fn new_password(State(app): State<App>, look: Look, At(at): At<TokenAt>) -> Outcome {
    page(&app, &look, "auth/new_password.html", views::NewPassword { token: at.token, problems: Vec::new() })
        .await
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    password: Secret,
}

async fn submit_new_password(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    At(at): At<TokenAt>,
    payload: Payload,
) -> Outcome {
    let input: PasswordForm = form(&app, &caller, payload).await?;
    match api::reset(&app, &caller, at.token.clone(), input.password).await {
        Ok(_) => message(&app, &look, "reset-done", Some("/login")).await,
        Err(error) if error.code() == "link.used_or_expired" => {
            message(&app, &look, "link-failed", Some("/login/reset")).await
        }
        Err(error) if error.kind() == Kind::Invalid => {
            let view = views::NewPassword { token: at.token, problems: Problem::from_error(&error) };
            page_with(&app, &look, "auth/new_password.html", view, status(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}
