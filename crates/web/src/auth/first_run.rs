//! The page of an empty installation: it makes the business and its owner. Behind a one-time link that only the
//! console shows; there is no open set-up page.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use base::{Actor, Email, Error, Id, Kind, Result, Role, Secret, TenantId, text};
use db::Scope;
use identity::{Settings, passwords, sessions, tenants, tokens, users};
use serde::Deserialize;

use super::{pages::session_cookie, views};
use crate::{
    http::{
        app::App,
        extract::{At, Payload},
        failure::{Failure, Outcome, status},
        page::set_cookie,
    },
    kit::{chrome::Chrome, forms::Problem, render::render},
};

pub fn routes() -> Router<App> {
    Router::new().route("/first-run/{token}", get(show).post(submit))
}

#[derive(Deserialize)]
struct TokenAt {
    token: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Form {
    business_name: String,
    zone: String,
    currency: String,
    name: String,
    email: String,
    password: Secret,
}

fn installation() -> Scope {
    Scope::installation(Actor::operator())
}

fn page(app: &App, view: &views::FirstRun, status: StatusCode) -> Outcome {
    let chrome = Chrome::new("Counterfoil", app.db().now());
    let html = render("auth/first_run.html", &chrome, view)?;
    Ok((status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response())
}

/// A link that does not work is a page that does not exist.
async fn check(app: &App, token: &str) -> Result<()> {
    let token = token.to_owned();
    let live = app.read(installation(), move |read| tokens::first_run_is_live(read, &token)).await?;
    if live { Ok(()) } else { Err(Error::not_found("page")) }
}

async fn show(State(app): State<App>, At(at): At<TokenAt>) -> Outcome {
    check(&app, &at.token).await?;
    let view =
        views::FirstRun { token: at.token, zone: "UTC".into(), currency: "EUR".into(), ..Default::default() };
    page(&app, &view, StatusCode::OK)
}

async fn submit(
    State(app): State<App>,
    At(at): At<TokenAt>,
    headers: HeaderMap,
    payload: Payload,
) -> Outcome<Response> {
    check(&app, &at.token).await?;
    let same_site = headers.get("sec-fetch-site").and_then(|v| v.to_str().ok());
    if same_site.is_some_and(|s| s != "same-origin" && s != "none") {
        return Err(Failure(Error::forbidden(
            "origin.foreign",
            "this request did not come from our own page",
        )));
    }
    let form: Form = payload.form().await?;
    let (business_name, zone, currency) =
        (form.business_name.clone(), form.zone.clone(), form.currency.clone());
    let (name, email) = (form.name.clone(), form.email.clone());
    match set_up(&app, at.token.clone(), form).await {
        Ok(response) => Ok(response),
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Conflict) => {
            let problems = Problem::from_error(&error);
            let view =
                views::FirstRun { token: at.token, business_name, zone, currency, name, email, problems };
            page(&app, &view, status(&error))
        }
        Err(error) => Err(error.into()),
    }
}

/// Business, settings, owner and the owner's session, in one commit with the use of the link.
async fn set_up(app: &App, token: String, form: Form) -> Result<Response> {
    let business = text::line("business_name", &form.business_name, 100)?;
    let email: Email = form.email.parse()?;
    let name = text::line("name", &form.name, 100)?;
    passwords::check(&form.password)?;
    let mut settings = Settings { time_zone: form.zone.trim().to_owned(), ..Settings::default() };
    if !form.currency.trim().is_empty() {
        settings.currency = form.currency.trim().to_uppercase();
    }
    if settings.currency.len() != 3 || !settings.currency.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(Error::field("currency", "currency.unknown", "a currency's three letters, such as EUR"));
    }
    settings.check().map_err(|e| {
        if e.field_errors().first().is_some_and(|f| f.field == "time_zone") { e.on_field("zone") } else { e }
    })?;
    let password = form.password;
    let hash = app.blocking(move || passwords::hash(&password)).await??;
    let tenant: TenantId = Id::new(app.db().now(), &*app.db().entropy());
    let (session_token, session) = app
        .write(Scope::tenant(tenant, Actor::operator()), move |tx| {
            tokens::redeem_first_run(tx, &token)?;
            tenants::create_as(tx, tenant, &slug(&business), &business, None)?;
            desk::prepare_tenant(tx)?;
            tenants::save_settings(tx, &business, &settings)?;
            let owner = users::NewUser {
                email,
                name,
                role: Role::Admin,
                password_hash: Some(hash),
                verified: true,
                locale: settings.locale.clone(),
                time_zone: settings.time_zone.clone(),
            };
            let owner = users::create(tx, owner)?;
            sessions::begin(tx, &owner, "first run", "")
        })
        .await?;
    let mut response = Redirect::to("/desk").into_response();
    set_cookie(&mut response, &session_cookie(app, &session_token, &session, app.db().now()));
    Ok(response)
}

/// `Acme Broadband & Sons` is `acme-broadband-sons` on the command line.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_lowercase() || (c.is_ascii_digit() && !out.is_empty()) {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let out: String = out.trim_matches('-').chars().take(40).collect();
    if out.is_empty() { "business".into() } else { out.trim_matches('-').to_owned() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn slugs_are_what_the_command_line_takes() {
        assert_eq!(super::slug("Acme Broadband & Sons"), "acme-broadband-sons");
        assert_eq!(super::slug("2000 Volt"), "volt");
        assert_eq!(super::slug("日本"), "business");
    }
}
