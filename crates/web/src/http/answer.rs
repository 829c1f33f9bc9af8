//! Answers: JSON with status and ETag; creation that a repeated request does not repeat.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base::{Error, Kind, Result};
use db::{Tx, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{caller::Caller, extract::Payload};

/// A JSON answer.
pub struct Answer<T> {
    pub status: StatusCode,
    pub version: Option<i64>,
    pub body: T,
}

impl<T> Answer<T> {
    pub fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, version: None, body }
    }
    pub fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, version: None, body }
    }
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(version) = self.version
            && let Ok(value) = HeaderValue::from_str(&format!("\"{version}\""))
        {
            response.headers_mut().insert(header::ETAG, value);
        }
        response
    }
}

impl<T: schemars::JsonSchema> aide::OperationOutput for Answer<T> {
    type Inner = T;
    fn operation_response(
        ctx: &mut aide::generate::GenContext,
        operation: &mut aide::openapi::Operation,
    ) -> Option<aide::openapi::Response> {
        <Json<T> as aide::OperationOutput>::operation_response(ctx, operation)
    }
}

/// One page of a list.
#[derive(Serialize, schemars::JsonSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

/// The version a caller saw, from `If-Match`. `*` and none mean "whatever it is now".
pub fn if_match(payload: &Payload) -> Result<Option<i64>> {
    let Some(value) = payload.header("if-match") else { return Ok(None) };
    let value = value.trim();
    if value == "*" {
        return Ok(None);
    }
    let tag = value.strip_prefix("W/").unwrap_or(value).trim_matches('"');
    // A tag that is not one of ours names a state that does not exist: stale, not malformed (RFC 9110 §13.1.1).
    tag.parse().map(Some).map_err(|_| {
        Error::new(Kind::Stale, "ticket.stale", "If-Match names a version that this thing never had")
    })
}

/// What makes a repeated request recognisable.
#[derive(Clone)]
pub struct Idempotency {
    owner: String,
    key: String,
    request: [u8; 32],
}

db::statements! {
    FIND = "select request_hash, status, body from idempotency_keys where tenant_id = ?1 and caller = ?2 and idempotency_key = ?3";
    KEEP = "insert into idempotency_keys (tenant_id, caller, idempotency_key, request_hash, status, body, created_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7) on conflict do nothing";
    FORGET = "delete from idempotency_keys where tenant_id = ?1 and created_at < ?2";
}

impl Idempotency {
    /// The key of a request with this body; none when the caller sent no `Idempotency-Key`.
    pub fn of(caller: &Caller, key: Option<&str>, route: &str, body: &[u8]) -> Result<Option<Self>> {
        let Some(key) = key else { return Ok(None) };
        if key.is_empty() || key.len() > 255 || key.chars().any(char::is_control) {
            return Err(Error::field(
                "Idempotency-Key",
                "request.idempotency_key",
                "1 to 255 visible characters",
            ));
        }
        let mut hash = Sha256::new();
        hash.update(route.as_bytes());
        hash.update([0]);
        hash.update(body);
        Ok(Some(Self {
            owner: caller.idempotency_owner(),
            key: key.to_owned(),
            request: hash.finalize().into(),
        }))
    }

    fn find(&self, tx: &Tx<'_>) -> Result<Option<(StatusCode, String)>> {
        let found = tx.query_one(&FIND, params![self.owner, self.key], |row| {
            Ok((row.get::<[u8; 32]>(0)?, row.get::<i64>(1)?, row.get::<String>(2)?))
        })?;
        let Some((request, status, body)) = found else { return Ok(None) };
        if request != self.request {
            return Err(Error::conflict(
                "idempotency_key.reused",
                "this Idempotency-Key was used with another request",
            ));
        }
        let status =
            u16::try_from(status).ok().and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or(StatusCode::OK);
        Ok(Some((status, body)))
    }
}

/// What a creation answers: made now, or what the first of several equal requests was answered.
pub struct Created(pub StatusCode, pub String);

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (self.0, json, self.1).into_response()
    }
}
impl aide::OperationOutput for Created {
    type Inner = Self;
}

/// Runs a creation once for each key, in the transaction of its effects: the answer is stored with them.
pub fn once<T: Serialize>(
    tx: &mut Tx<'_>,
    key: Option<&Idempotency>,
    create: impl FnOnce(&mut Tx<'_>) -> Result<T>,
) -> Result<Created> {
    if let Some(key) = key
        && let Some((status, body)) = key.find(tx)?
    {
        return Ok(Created(status, body));
    }
    let made = create(tx)?;
    let body = serde_json::to_string(&made).map_err(Error::from_source)?;
    if let Some(key) = key {
        let now = tx.now();
        if tx.execute(&KEEP, params![key.owner, key.key, key.request, 201i64, body, now])? == 0 {
            // Its twin committed while we worked: ours is undone, and a repeat finds the answer.
            return Err(Error::unavailable(
                "idempotency_key.in_use",
                "the same request is being worked on; try again",
            ));
        }
    }
    Ok(Created(StatusCode::CREATED, body))
}

/// Keys older than two days are forgotten.
pub fn forget_old(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now() - base::hours(48);
    tx.execute(&FORGET, params![before]).map(|_| ())
}

/// `204 No Content`.
pub struct Nothing;
impl IntoResponse for Nothing {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}
impl aide::OperationOutput for Nothing {
    type Inner = ();
}
