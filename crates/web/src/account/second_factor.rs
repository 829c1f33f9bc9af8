//! Handlers of the second factor, which staff may have.

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use base::{Error, Result, Secret};
use identity::{totp, users};
use serde::Deserialize;

use super::pages::{check_side, home, prove, refused, view};
use crate::http::{
    app::App,
    extract::Payload,
    failure::Outcome,
    page::form,
    person::{Button, PersonPage, problems},
};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/desk/account/totp", post(begin_totp))
        .route("/desk/account/totp/confirm", post(confirm_totp))
        .route("/desk/account/totp/remove", post(remove_totp))
        .route("/desk/account/totp/recovery-codes", post(renew_codes))
}

async fn begin_totp(State(app): State<App>, who: PersonPage, payload: Payload) -> Outcome {
    check_side(&who)?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    let (id, issuer) = (who.user.id, who.caller.tenant.name.clone());
    let begun = app
        .write(who.scope(), move |tx| {
            let user = users::get(tx, id)?;
            // Pressed twice: the key that may be in the app already stays.
            if totp::pending(&user, &issuer).is_none() {
                totp::begin(tx, &user, &issuer)?;
            }
            Ok(())
        })
        .await;
    match begun {
        Ok(()) => Ok((StatusCode::SEE_OTHER, [("location", "/desk/account#totp")]).into_response()),
        Err(error) => refused(&app, &who, problems(error)?).await,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeForm {
    code: String,
}

async fn confirm_totp(State(app): State<App>, who: PersonPage, payload: Payload) -> Outcome {
    check_side(&who)?;
    let input: CodeForm = form(&app, &who.caller, payload).await?;
    let id = who.user.id;
    let codes = app
        .write(who.scope(), move |tx| {
            let user = users::get(tx, id)?;
            if user.has_second_factor() {
                return Err(Error::conflict("totp.already_on", "the second factor is on already"));
            }
            totp::confirm(tx, &user, &input.code)
        })
        .await;
    show_codes(&app, &who, codes).await
}

/// Recovery codes are shown in the answer itself and never again.
async fn show_codes(app: &App, who: &PersonPage, codes: Result<Vec<String>>) -> Outcome {
    match codes {
        Ok(codes) => {
            let mut view = view(app, who).await?;
            if let Some(totp) = &mut view.totp {
                totp.recovery_codes = codes;
            }
            who.answer(app, home(who), "account/account.html", view).await
        }
        Err(error) => refused(app, who, problems(error)?).await,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofForm {
    password: Secret,
}

async fn remove_totp(State(app): State<App>, who: PersonPage, payload: Payload) -> Outcome {
    check_side(&who)?;
    let input: ProofForm = form(&app, &who.caller, payload).await?;
    let removed = match prove(&app, &who, input.password, "totp-password").await {
        Ok(user) => app.write(who.scope(), move |tx| totp::reset(tx, user.id)).await,
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => who.done(home(&who), "totp-is-removed"),
        Err(error) => refused(&app, &who, problems(error)?).await,
    }
}

async fn renew_codes(State(app): State<App>, who: PersonPage, payload: Payload) -> Outcome {
    check_side(&who)?;
    let input: ProofForm = form(&app, &who.caller, payload).await?;
    let codes = match prove(&app, &who, input.password, "totp-password").await {
        Ok(user) => app.write(who.scope(), move |tx| totp::renew_codes(tx, &user)).await,
        Err(error) => Err(error),
    };
    show_codes(&app, &who, codes).await
}
