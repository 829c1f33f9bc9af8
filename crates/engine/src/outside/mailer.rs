use std::fmt;

use async_trait::async_trait;
use base::Email;
use bytes::Bytes;

/// Hands letters to the mail system, one recipient at a time.
///
/// One recipient, because a server that takes the first and refuses the second leaves no single truth to record.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Returns once the mail system has taken responsibility for the letter.
    ///
    /// Sending the same `message_id` again after [`SendErrorClass::Temporary`] is safe. After
    /// [`SendErrorClass::Uncertain`] it may deliver a second copy, under the same Message-ID; whether to do that is
    /// the caller's to decide.
    async fn send(&self, envelope: Envelope) -> Result<Receipt, SendError>;

    /// Whether a letter that is sent again under its Message-ID is there once. Mail servers deliver it twice.
    fn knows_repeats(&self) -> bool {
        false
    }
}

/// One letter to one recipient, ready for the wire.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The return path. `None` is the null path `<>`, for automatic letters: a bounce of them goes nowhere, so it
    /// cannot start a loop.
    pub from: Option<Email>,
    pub to: Email,
    /// The letter's Message-ID without angle brackets; the key by which a second send is recognised.
    pub message_id: String,
    /// The whole letter, header and body, with CRLF line ends.
    pub raw: Bytes,
}

/// The mail system took the letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What it answered, such as `250 2.0.0 Ok: queued as 4F2A`. For people, not for decisions.
    pub detail: String,
}

/// The letter was not taken, or nobody knows whether it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    pub class: SendErrorClass,
    /// What happened, for the admin pages. Holds no credentials.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendErrorClass {
    /// Not taken; trying again later may help (no connection, 4xx).
    Temporary,
    /// Not taken, and the same letter never will be (5xx).
    Permanent,
    /// Not taken: the server does not let us in. Nobody should knock again until the access is corrected.
    SignIn,
    /// The letter was sent in full and the answer was lost: it may or may not arrive.
    Uncertain,
}

impl SendError {
    pub fn temporary(detail: impl Into<String>) -> Self {
        Self { class: SendErrorClass::Temporary, detail: detail.into() }
    }
    pub fn permanent(detail: impl Into<String>) -> Self {
        Self { class: SendErrorClass::Permanent, detail: detail.into() }
    }
    pub fn uncertain(detail: impl Into<String>) -> Self {
        Self { class: SendErrorClass::Uncertain, detail: detail.into() }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            SendErrorClass::Temporary => "temporary",
            SendErrorClass::Permanent => "permanent",
            SendErrorClass::Uncertain => "uncertain",
            SendErrorClass::SignIn => "not signed in",
        };
        write!(f, "{class}: {}", self.detail)
    }
}
impl std::error::Error for SendError {}
