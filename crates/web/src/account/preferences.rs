//! What a browser remembers for whoever sits at it, signed in or not.

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect},
    routing::post,
};
use serde::Deserialize;

use crate::{
    http::{
        app::App,
        caller::Caller,
        extract::Payload,
        failure::Outcome,
        page::{form, local, set_cookie},
    },
    kit::chrome::Scheme,
};

pub fn routes() -> Router<App> {
    Router::new().route("/preferences/scheme", post(set_scheme))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemeForm {
    scheme: String,
    #[serde(default)]
    next: String,
}

const YEAR_SECONDS: u32 = 365 * 24 * 3600;

async fn set_scheme(State(app): State<App>, caller: Caller, payload: Payload) -> Outcome {
    let input: SchemeForm = form(&app, &caller, payload).await?;
    let scheme = Scheme::from_word(&input.scheme).as_str();
    let mut response = Redirect::to(&local(Some(&input.next), "/")).into_response();
    let secure = if app.config().links.is_https() { "; Secure" } else { "" };
    set_cookie(
        &mut response,
        &format!("scheme={scheme}; Path=/; Max-Age={YEAR_SECONDS}; HttpOnly; SameSite=Lax{secure}"),
    );
    Ok(response)
}
