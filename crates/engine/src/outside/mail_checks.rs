use std::{fmt, net::IpAddr};

use async_trait::async_trait;
use base::Email;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Who really sent a mail: SPF, DKIM and DMARC (RFC 7208, 6376, 7489).
#[async_trait]
pub trait MailChecks: Send + Sync + 'static {
    /// Never fails: what could not be found out is [`Outcome::None`], with the reason in `detail`.
    async fn check(&self, mail: CheckedMail) -> Authentication;
}

/// A mail and what the server that took it knows about the delivery.
#[derive(Clone, Debug)]
pub struct CheckedMail {
    /// Every byte as it arrived: one that changed breaks the signature.
    pub raw: Bytes,
    /// The machine that handed the mail over the border, not a relay of our own.
    pub client_ip: Option<IpAddr>,
    pub helo: Option<String>,
    /// `None` where it is unknown or the null path; SPF is then not asked.
    pub envelope_from: Option<Email>,
    /// Domains whose seals are believed (ARC, RFC 8617): one that saw DMARC pass before it changed the mail counts as a pass.
    pub trusted_sealers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    pub spf: Outcome,
    /// `Pass` when one signature holds, of whatever domain; whether that domain is the sender's is DMARC's business.
    pub dkim: Outcome,
    /// `Fail` whatever the domain asks to be done about it.
    pub dmarc: Outcome,
    /// How each came about, on one line, for the message's details. Not for decisions.
    pub detail: String,
}

impl Authentication {
    /// Nothing is known.
    pub fn none(detail: impl Into<String>) -> Self {
        Self { spf: Outcome::None, dkim: Outcome::None, dmarc: Outcome::None, detail: detail.into() }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Pass,
    Fail,
    /// Nothing was published, nothing was claimed, or the name servers did not answer.
    #[default]
    None,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
