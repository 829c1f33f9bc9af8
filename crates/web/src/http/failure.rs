//! Errors as HTTP: the only file that knows which kind is which status. Logged once, here.

use std::sync::Arc;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base::{Error, FieldError, Kind};
use serde::Serialize;

/// What a handler that cannot go on answers with.
#[derive(Debug)]
pub struct Failure(pub Error);

pub type Outcome<T = Response> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// The error, on the response, for the layer that turns it into a page where one was asked for.
#[derive(Clone)]
pub struct Failed(pub Arc<Error>);

/// RFC 9457.
#[derive(Serialize, schemars::JsonSchema)]
pub struct Problem {
    /// Always `about:blank`; `code` says which problem it is.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: &'static str,
    pub status: u16,
    /// Stable, for programs: `ticket.already_assigned`.
    pub code: &'static str,
    /// For people: what happened and what would be accepted.
    pub detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

pub fn status(error: &Error) -> StatusCode {
    match error.kind() {
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Invalid if error.code().starts_with("request.") => StatusCode::BAD_REQUEST,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Limited => StatusCode::TOO_MANY_REQUESTS,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        Kind::Misdirected => StatusCode::MISDIRECTED_REQUEST,
        Kind::Bug => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error = Arc::new(self.0);
        let status = status(&error);
        if error.kind() == Kind::Bug {
            tracing::error!(?error, "a request failed");
        }
        let detail = if error.kind() == Kind::Bug {
            "something went wrong on our side; nothing was changed".to_owned()
        } else {
            error.message().to_owned()
        };
        let problem = Problem {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: error.code(),
            detail,
            errors: error.field_errors().to_vec(),
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = error.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Failed(error));
        response
    }
}

impl aide::OperationOutput for Failure {
    type Inner = Self;
}
