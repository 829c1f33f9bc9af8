use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

/// Looks into a file for what should not be passed on.
#[async_trait]
pub trait Scanner: Send + Sync + 'static {
    /// Looks into the whole content. An error says nothing about the file: it is to be kept back and scanned again.
    async fn scan(&self, content: Bytes) -> Result<Verdict, ScanError>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Clean,
    /// `name` is the signature's, such as `Eicar-Test-Signature`; at most 200 characters, one line.
    Infected {
        name: String,
    },
}

/// Nobody has looked. Temporary, whatever the cause: a scanner that refuses a file today may be told tomorrow to take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanError {
    /// What happened, for the admin pages.
    pub detail: String,
}

impl ScanError {
    pub fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into() }
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}
impl std::error::Error for ScanError {}
