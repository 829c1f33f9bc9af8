use std::{fmt, time::Duration};

use async_trait::async_trait;
use base::Result;
use bytes::Bytes;

/// Calls addresses that a person or a setting named: webhooks now, other peers later.
///
/// Every implementation keeps the same promises, because the address comes from somebody who is not the operator: only
/// `http` and `https`, every resolved address is looked at before any is dialled, a redirect is an answer and is not
/// followed, and time, header and body are capped.
#[async_trait]
pub trait HttpClient: Send + Sync + 'static {
    /// Whether such an address would be called at all, as far as it can be told without resolving its name. The error is
    /// for whoever typed it.
    fn check(&self, url: &str) -> Result<()>;

    /// Calls once. An answer of any status is an answer.
    async fn call(&self, request: HttpRequest) -> Result<HttpAnswer, HttpError>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

#[derive(Clone, Debug)]
pub struct HttpRequest {
    pub method: Method,
    pub url: String,
    /// Besides `Host`, `Content-Length` and `User-Agent`, which the client sets.
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    pub status: u16,
    /// `Retry-After` as it was written, at most 64 characters.
    pub retry_after: Option<String>,
    /// The beginning of the body, at most 64 KiB.
    pub body: Bytes,
    pub took: Duration,
}

/// No answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpError {
    /// The address is one we do not call. Another attempt may go elsewhere, since names move.
    pub refused: bool,
    /// What happened, for the log that the tenant reads.
    pub detail: String,
    pub took: Duration,
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}
impl std::error::Error for HttpError {}
