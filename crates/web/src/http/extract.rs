//! Proofs and strict input.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{header, request::Parts},
};
use base::{Error, Kind, Result};
use identity::{Customer, Staff};
use serde::de::DeserializeOwned;

use super::{
    caller::{Caller, is_safe},
    failure::Failure,
};

fn caller(parts: &Parts) -> Result<Caller> {
    parts
        .extensions
        .get::<Caller>()
        .cloned()
        .ok_or_else(|| Error::bug("a route outside the layer that identifies callers"))
}

fn sign_in() -> Error {
    Error::unauthenticated("credential.missing", "sign in, or send Authorization: Bearer with a key")
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        Ok(caller(parts)?)
    }
}

/// Somebody of the business, or a key.
#[derive(Clone)]
pub struct StaffCaller {
    pub caller: Caller,
    pub staff: Staff,
}

impl<S: Sync> FromRequestParts<S> for StaffCaller {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let caller = caller(parts)?;
        match caller.principal.staff() {
            Some(staff) => Ok(Self { caller, staff }),
            None if matches!(caller.principal, identity::Principal::Nobody) => Err(sign_in().into()),
            None => Err(Error::forbidden("role.staff_only", "only staff may do this").into()),
        }
    }
}

/// An administrator, or a key with the scope admin.
#[derive(Clone)]
pub struct AdminCaller {
    pub caller: Caller,
    pub staff: Staff,
}

impl<S: Sync> FromRequestParts<S> for AdminCaller {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let StaffCaller { caller, staff } = StaffCaller::from_request_parts(parts, state).await?;
        // A key that may only read may also read what administrators see, never secrets: those are not in any answer.
        let reads = staff.read_only && is_safe(&parts.method);
        if staff.is_admin() || reads {
            return Ok(Self { caller, staff });
        }
        Err(Error::forbidden("role.admin_only", "only an administrator may do this").into())
    }
}

/// A signed-in person, in their own right.
#[derive(Clone)]
pub struct CustomerCaller {
    pub caller: Caller,
    pub customer: Customer,
}

impl<S: Sync> FromRequestParts<S> for CustomerCaller {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let caller = caller(parts)?;
        match caller.principal.customer() {
            Some(customer) => Ok(Self { caller, customer }),
            None if matches!(caller.principal, identity::Principal::Nobody) => Err(sign_in().into()),
            None => {
                Err(Error::forbidden("role.person_only", "a key has no tickets of its own; use /api/admin")
                    .into())
            }
        }
    }
}

/// Path parameters; one that is not an id is simply not found.
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let found = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        found.map(|p| Self(p.0)).map_err(|_| Error::not_found("thing").into())
    }
}

/// Query parameters; unknown ones are refused.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        let read = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(read).map(Self).map_err(|e| {
            let message = e.inner().to_string();
            let field = field_of(&message).unwrap_or_else(|| e.path().to_string());
            Error::field(field, "request.query", message).into()
        })
    }
}

/// The name in "unknown field `x`, expected …", so that the error can name the field.
fn field_of(message: &str) -> Option<String> {
    ["unknown field `", "missing field `", "duplicate field `"]
        .into_iter()
        .find_map(|start| message.strip_prefix(start))
        .and_then(|rest| rest.split('`').next())
        .map(str::to_owned)
}

/// A body that the handler reads when it has checked what comes before: who, whether it exists, whether they may.
pub struct Payload(pub Request);

impl<S: Send + Sync> FromRequest<S> for Payload {
    type Rejection = Failure;
    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        Ok(Self(request))
    }
}

/// The longest JSON or form body. Files come as multipart and have a limit of their own.
pub const BODY_MAX: usize = 1024 * 1024;

impl Payload {
    pub fn content_type(&self) -> &str {
        self.0.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name).and_then(|v| v.to_str().ok())
    }

    pub async fn bytes(self) -> Result<Bytes> {
        let body = axum::body::to_bytes(self.0.into_body(), BODY_MAX).await;
        body.map_err(|e| {
            if std::error::Error::source(&e).is_some_and(|s| s.to_string().contains("length limit")) {
                Error::new(
                    Kind::TooLarge,
                    "request.too_large",
                    format!("the body is larger than {} KiB", BODY_MAX / 1024),
                )
            } else {
                Error::invalid("request.broken", "the body could not be read")
            }
        })
    }

    /// The body as JSON: UTF-8, of the right type, with no unknown field; the error names the field.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        if !self.content_type().to_ascii_lowercase().starts_with("application/json") {
            return Err(Error::invalid("request.content_type", "send Content-Type: application/json"));
        }
        parse_json(&self.bytes().await?)
    }

    /// The body as an HTML form.
    pub async fn form<T: DeserializeOwned>(self) -> Result<T> {
        let bytes = self.bytes().await?;
        let read = serde_urlencoded::Deserializer::new(form_urlencoded::parse(&bytes));
        serde_path_to_error::deserialize(read).map_err(|e| {
            let message = e.inner().to_string();
            let field = field_of(&message).unwrap_or_else(|| e.path().to_string());
            Error::field(field, "request.form", message)
        })
    }
}

pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(Error::invalid("request.encoding", "the body must be UTF-8"));
    }
    let mut read = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut read).map_err(|e| {
        let inner = e.inner();
        if inner.is_syntax() || inner.is_eof() {
            return Error::invalid("request.json", format!("the body is not valid JSON: {inner}"));
        }
        let message = inner.to_string();
        let path = e.path().to_string();
        let field = match field_of(&message) {
            Some(name) if path == "." => name,
            Some(name) => format!("{path}.{name}").replace(&format!("{name}.{name}"), &name),
            None => path,
        };
        Error::field(field, "json.invalid", message)
    })?;
    read.end().map_err(|_| Error::invalid("request.json", "the body goes on after the JSON value"))?;
    Ok(value)
}

macro_rules! no_openapi_input {
    ($($t:ty),*) => { $( impl aide::OperationInput for $t {} )* };
}
no_openapi_input!(Caller, StaffCaller, AdminCaller, CustomerCaller, Payload);

impl<T: schemars::JsonSchema> aide::OperationInput for At<T> {
    fn operation_input(ctx: &mut aide::generate::GenContext, operation: &mut aide::openapi::Operation) {
        <axum::extract::Path<T> as aide::OperationInput>::operation_input(ctx, operation);
    }
}
impl<T: schemars::JsonSchema> aide::OperationInput for Params<T> {
    fn operation_input(ctx: &mut aide::generate::GenContext, operation: &mut aide::openapi::Operation) {
        <axum::extract::Query<T> as aide::OperationInput>::operation_input(ctx, operation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Thing {
        subject: String,
        priority: Option<desk::tickets::Priority>,
    }

    #[test]
    fn errors_name_the_field_and_what_is_accepted() {
        let error = |text: &str| parse_json::<Thing>(text.as_bytes()).unwrap_err();
        assert_eq!(error(r#"{"subject":"x","priority":"hgih"}"#).field_errors()[0].field, "priority");
        assert!(
            error(r#"{"subject":"x","priority":"hgih"}"#).message().contains("low, normal, high, urgent")
        );
        assert_eq!(error(r#"{"subject":"x","colour":1}"#).field_errors()[0].field, "colour");
        assert_eq!(error(r"{}").field_errors()[0].field, "subject");
        assert_eq!(error(r#"{"subject":7}"#).field_errors()[0].field, "subject");
        assert_eq!(error(r#"{"subject":"x"} trailing"#).code(), "request.json");
        assert_eq!(error("{").code(), "request.json");
        assert_eq!(parse_json::<Thing>(b"{\"subject\":\"\xff\"}").unwrap_err().code(), "request.encoding");
    }
}
