//! Signing in and out over JSON.

use axum::extract::State;
use base::{Email, Error, Id, Result, Role, Secret, Timestamp};
use db::Tx;
use identity::{
    Principal, Token, User, passwords, sessions,
    throttle::{self, Limit},
    tokens::{self, Purpose},
    totp, users,
};
use notices::letters::{self, LetterKind, NewLetter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::http::{
    answer::{Answer, Nothing},
    app::App,
    caller::Caller,
    extract::Payload,
    failure::Outcome,
};

/// A signed-in person, without anything secret.
#[derive(Serialize, JsonSchema, Clone)]
pub struct UserOut {
    pub id: Id<User>,
    pub email: Email,
    pub name: String,
    pub role: Role,
    pub customer_id: Option<Uuid>,
    pub verified_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    pub second_factor: bool,
    pub locale: String,
    pub time_zone: String,
    pub created_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
}

impl From<&User> for UserOut {
    fn from(u: &User) -> Self {
        Self {
            id: u.id,
            email: u.email.clone(),
            name: u.name.clone(),
            role: u.role,
            customer_id: u.customer_id,
            verified_at: u.verified_at,
            disabled_at: u.disabled_at,
            second_factor: u.has_second_factor(),
            locale: u.locale.clone(),
            time_zone: u.time_zone.clone(),
            created_at: u.created_at,
            last_seen_at: u.last_seen_at,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginIn {
    pub email: String,
    pub password: Secret,
    /// The authenticator's code, or a recovery code, for those who have a second factor.
    pub code: Option<Secret>,
}

#[derive(Serialize, JsonSchema)]
pub struct SessionOut {
    /// Send it as `Authorization: Bearer`.
    pub token: String,
    pub expires_at: Timestamp,
    pub user: UserOut,
}

const BY_ACCOUNT: Limit = Limit { name: "login_account", most: 10, window_seconds: 900 };
const BY_CLIENT: Limit = Limit { name: "login_client", most: 100, window_seconds: 900 };
const CODES_BY_ACCOUNT: Limit = Limit { name: "code_account", most: 10, window_seconds: 900 };
const LINKS_BY_ADDRESS: Limit = Limit { name: "link_address", most: 5, window_seconds: 3600 };
const LINKS_BY_CLIENT: Limit = Limit { name: "link_client", most: 40, window_seconds: 3600 };

/// What signing in came to.
pub enum SignedIn {
    Yes(Token, sessions::Session, Box<User>),
    /// The password is right; a code is wanted.
    NeedsCode,
}

fn wrong() -> Error {
    Error::unauthenticated("login.wrong", "address or password is wrong, or the address is not confirmed yet")
}

/// Signs in with a password. The same answer, and the same work, whether the account exists or not.
pub async fn sign_in(
    app: &App,
    caller: &Caller,
    email: &str,
    password: Secret,
    code: Option<Secret>,
) -> Result<SignedIn> {
    let email: Email = email.parse()?;
    let (client, account) = (caller.client.to_string(), email.key());
    let who = email.clone();
    let user = app
        .write(caller.scope(), move |tx| {
            let allowed =
                throttle::hit(tx, &BY_CLIENT, &client)?.and(throttle::hit(tx, &BY_ACCOUNT, &account)?);
            match allowed {
                Ok(()) => Ok(Ok(users::find_by_email(tx, &who)?)),
                Err(limited) => Ok(Err(limited)),
            }
        })
        .await??;
    let stored = user.as_ref().and_then(|u| u.password_hash.clone());
    let right = app.blocking(move || passwords::verify(&password, stored.as_deref())).await?;
    let user =
        user.filter(|u| right && u.disabled_at.is_none() && u.verified_at.is_some()).ok_or_else(wrong)?;
    if user.has_second_factor() {
        let Some(code) = code else { return Ok(SignedIn::NeedsCode) };
        let checked = user.clone();
        let ok = app.write(caller.scope_as(user.actor()), move |tx| totp::check(tx, &checked, &code)).await?;
        if !ok {
            return Err(Error::field(
                "code",
                "login.code",
                "that is not the code the authenticator shows now, or it was used already",
            ));
        }
    }
    begin(app, caller, user).await
}

/// Stands for a password that was right, for the few minutes until the code is typed. One use.
pub async fn challenge(app: &App, caller: &Caller, email: &str) -> Result<String> {
    let email: Email = email.parse()?;
    app.write(caller.scope(), move |tx| {
        let user = users::find_by_email(tx, &email)?.ok_or_else(wrong)?;
        Ok(tokens::issue(tx, Purpose::SecondFactor, user.id)?.reveal().to_owned())
    })
    .await
}

/// The second step of signing in on a page. A wrong code uses the challenge up no more than ten times an account.
pub async fn sign_in_with_code(
    app: &App,
    caller: &Caller,
    challenge: &str,
    code: Secret,
) -> Result<SignedIn> {
    let challenge = challenge.to_owned();
    let checked = app
        .write(caller.scope(), move |tx| {
            let id = tokens::peek(tx, Purpose::SecondFactor, &challenge)?;
            let user = users::get(tx, id)?;
            if let Err(limited) = throttle::hit(tx, &CODES_BY_ACCOUNT, &user.email.key())? {
                return Ok(Err(limited));
            }
            if !totp::check(tx, &user, &code)? {
                let wrong = "that is not the code the authenticator shows now, or it was used already";
                return Ok(Err(Error::field("code", "login.code", wrong)));
            }
            tokens::redeem(tx, Purpose::SecondFactor, &challenge)?;
            Ok(Ok(user))
        })
        .await??;
    begin(app, caller, checked).await
}

/// Begins a session for somebody who proved who they are.
pub async fn begin(app: &App, caller: &Caller, user: User) -> Result<SignedIn> {
    let (agent, client, account) = (caller.user_agent.clone(), caller.client.to_string(), user.email.key());
    let (token, session, user) = app
        .write(caller.scope_as(user.actor()), move |tx| {
            throttle::clear(tx, &BY_ACCOUNT, &account)?;
            let (token, session) = sessions::begin(tx, &user, &agent, &client)?;
            Ok((token, session, user))
        })
        .await?;
    Ok(SignedIn::Yes(token, session, Box::new(user)))
}

pub async fn login(State(app): State<App>, caller: Caller, payload: Payload) -> Outcome<Answer<SessionOut>> {
    let input: LoginIn = payload.json().await?;
    match sign_in(&app, &caller, &input.email, input.password, input.code).await? {
        SignedIn::Yes(token, session, user) => Ok(Answer::ok(SessionOut {
            token: token.reveal().to_owned(),
            expires_at: session.expires_at,
            user: (&*user).into(),
        })),
        SignedIn::NeedsCode => Err(Error::unauthenticated(
            "login.code_needed",
            "this account has a second factor: send its code too, as `code`",
        )
        .into()),
    }
}

/// Ends the session at hand.
pub async fn end(app: &App, caller: &Caller) -> Result<()> {
    if let Principal::User { user, session } = &caller.principal {
        let (user, session) = (user.id, *session);
        app.write(caller.scope(), move |tx| sessions::end(tx, user, session)).await?;
    }
    Ok(())
}

pub async fn logout(State(app): State<App>, caller: Caller) -> Outcome<Nothing> {
    match caller.principal {
        Principal::User { .. } => end(&app, &caller).await?,
        Principal::Key(_) => {
            return Err(Error::forbidden(
                "role.person_only",
                "a key has no session to end; an administrator revokes it",
            )
            .into());
        }
        Principal::Nobody => {
            return Err(Error::unauthenticated("credential.missing", "nobody is signed in").into());
        }
    }
    Ok(Nothing)
}

pub async fn me(caller: Caller) -> Outcome<Answer<UserOut>> {
    match &caller.principal {
        Principal::User { user, .. } => Ok(Answer::ok((&**user).into())),
        Principal::Key(_) => Err(Error::forbidden("role.person_only", "a key is not a person").into()),
        Principal::Nobody => Err(Error::unauthenticated("credential.missing", "sign in first").into()),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterIn {
    pub email: String,
    pub name: String,
    pub password: Secret,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressIn {
    pub email: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetIn {
    /// The first step: where to mail the link.
    pub email: Option<String>,
    /// The second step: what the link holds, with the new password.
    pub token: Option<String>,
    pub password: Option<Secret>,
}

#[derive(Serialize, JsonSchema)]
pub struct Mailed {
    pub message: &'static str,
}
pub const MAILED: Mailed = Mailed { message: "If the address is right, a letter is on its way." };

/// Signs a customer up. Known addresses get another letter and the same answer.
pub async fn sign_up(app: &App, caller: &Caller, input: RegisterIn) -> Result<()> {
    if !caller.tenant.settings.signup_allowed {
        return Err(Error::forbidden(
            "signup.off",
            "this business does not let customers sign up themselves",
        ));
    }
    let email: Email = input.email.parse()?;
    let name = base::text::line("name", &input.name, 100)?;
    passwords::check(&input.password)?;
    brake(app, caller, &email).await?;
    let password = input.password;
    let hash = app.blocking(move || passwords::hash(&password)).await??;
    let (tenant, links) = (caller.tenant.clone(), app.config().links.clone());
    app.write(caller.scope(), move |tx| {
        let settings = &tenant.settings;
        let known = users::find_by_email(tx, &email)?;
        let user = match known {
            Some(user) if user.verified_at.is_some() => {
                let link = format!("{}/login", links.base(&tenant));
                return post(tx, &tenant, &links, LetterKind::AccountExists, &user, link);
            }
            // Signed up before and never confirmed: whoever holds the address decides, with the newest password.
            Some(user) => {
                users::set_password(tx, user.id, &hash)?;
                user
            }
            None => users::create(
                tx,
                users::NewUser {
                    email,
                    name,
                    role: Role::Customer,
                    password_hash: Some(hash),
                    verified: false,
                    locale: settings.locale.clone(),
                    time_zone: settings.time_zone.clone(),
                },
            )?,
        };
        let token = tokens::issue(tx, Purpose::Verify, user.id)?;
        let link = format!("{}/verify/{}", links.base(&tenant), token.reveal());
        post(tx, &tenant, &links, LetterKind::VerifyEmail, &user, link)
    })
    .await
}

async fn brake(app: &App, caller: &Caller, email: &Email) -> Result<()> {
    let (client, account) = (caller.client.to_string(), email.key());
    app.write(caller.scope(), move |tx| {
        Ok(throttle::hit(tx, &LINKS_BY_CLIENT, &client)?.and(throttle::hit(tx, &LINKS_BY_ADDRESS, &account)?))
    })
    .await?
}

fn post(
    tx: &mut Tx<'_>,
    tenant: &identity::TenantRecord,
    links: &identity::Links,
    kind: LetterKind,
    user: &User,
    link: String,
) -> Result<()> {
    let values = serde_json::json!({
        "name": user.name, "business": tenant.name, "link": link, "desk_link": "", "ticket_number": "", "subject": "", "body": "",
        "author": "", "requester": "", "priority": "", "category": "", "banner": "",
        "count": 0,
    });
    letters::post(
        tx,
        NewLetter {
            values,
            ..NewLetter::to(kind, user.email.clone(), &user.name, &user.locale, links.domain(tenant))
        },
    )
    .map(|_| ())
}

/// Mails a link of one purpose to a known address, and answers the same for an unknown one.
pub async fn mail_link(app: &App, caller: &Caller, email: &str, purpose: Purpose) -> Result<()> {
    let email: Email = email.parse()?;
    brake(app, caller, &email).await?;
    let (tenant, links) = (caller.tenant.clone(), app.config().links.clone());
    app.write(caller.scope(), move |tx| {
        let Some(user) = users::find_by_email(tx, &email)?.filter(|u| u.disabled_at.is_none()) else {
            return Ok(());
        };
        let token = tokens::issue(tx, purpose, user.id)?;
        let (kind, page) = match purpose {
            Purpose::MagicLink => (LetterKind::MagicLink, "login/link"),
            Purpose::Reset => (LetterKind::PasswordReset, "login/reset"),
            Purpose::Verify => (LetterKind::VerifyEmail, "verify"),
            Purpose::SecondFactor => return Err(Error::bug("a challenge is not mailed")),
        };
        let link = format!("{}/{page}/{}", links.base(&tenant), token.reveal());
        post(tx, &tenant, &links, kind, &user, link)
    })
    .await
}

/// The holder of a link from a letter owns the address: the account is verified and tied to its customer record.
pub async fn redeem(app: &App, caller: &Caller, purpose: Purpose, token: String) -> Result<User> {
    app.write(caller.scope(), move |tx| {
        let id = tokens::redeem(tx, purpose, &token)?;
        proved(tx, id)
    })
    .await
}

fn proved(tx: &mut Tx<'_>, id: Id<User>) -> Result<User> {
    users::set_verified(tx, id)?;
    let user = users::get(tx, id)?;
    if user.disabled_at.is_some() {
        return Err(Error::forbidden("user.disabled", "this account is switched off"));
    }
    if user.role == Role::Customer {
        crm::customers::tie_verified_user(tx, &user)?;
    }
    users::get(tx, id)
}

/// Sets a new password with a link from a letter.
pub async fn reset(app: &App, caller: &Caller, token: String, password: Secret) -> Result<User> {
    passwords::check(&password)?;
    let hash = app.blocking(move || passwords::hash(&password)).await??;
    app.write(caller.scope(), move |tx| {
        let id = tokens::redeem(tx, Purpose::Reset, &token)?;
        users::set_password(tx, id, &hash)?;
        proved(tx, id)
    })
    .await
}

pub async fn register(State(app): State<App>, caller: Caller, payload: Payload) -> Outcome<Answer<Mailed>> {
    sign_up(&app, &caller, payload.json().await?).await?;
    Ok(Answer { status: axum::http::StatusCode::ACCEPTED, version: None, body: MAILED })
}

pub async fn magic_link(State(app): State<App>, caller: Caller, payload: Payload) -> Outcome<Answer<Mailed>> {
    let input: AddressIn = payload.json().await?;
    mail_link(&app, &caller, &input.email, Purpose::MagicLink).await?;
    Ok(Answer { status: axum::http::StatusCode::ACCEPTED, version: None, body: MAILED })
}

pub async fn password_reset(
    State(app): State<App>,
    caller: Caller,
    payload: Payload,
) -> Outcome<Answer<Mailed>> {
    let input: ResetIn = payload.json().await?;
    match (input.email, input.token, input.password) {
        (Some(email), None, None) => mail_link(&app, &caller, &email, Purpose::Reset).await?,
        (None, Some(token), Some(password)) => {
            reset(&app, &caller, token, password).await?;
            return Ok(Answer::ok(Mailed { message: "The new password is set; sign in with it." }));
        }
        _ => {
            return Err(Error::field(
                "email",
                "reset.step",
                "send `email` to be mailed a link, or `token` and `password` to use it",
            )
            .into());
        }
    }
    Ok(Answer { status: axum::http::StatusCode::ACCEPTED, version: None, body: MAILED })
}
