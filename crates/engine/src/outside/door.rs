use std::net::IpAddr;

use async_trait::async_trait;
use base::Email;
use bytes::Bytes;

/// What stands behind a mail listener: knows which addresses are ours and takes the letters for them.
#[async_trait]
pub trait Door: Send + Sync + 'static {
    /// Asked for each `RCPT TO`, so that a letter nobody here can have is refused before it is sent.
    async fn recipient(&self, address: &Email) -> RecipientVerdict;

    /// Takes a letter. One answer for each of `recipients`, in their order.
    ///
    /// [`Accepted::Taken`] is a promise to the other side, which deletes its copy: give it only when the raw letter is
    /// committed. The call may be made again with the same letter, when our answer got lost on the way.
    async fn accept(&self, letter: Delivered) -> Vec<Accepted>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientVerdict {
    Known,
    /// `550 5.1.1`: the sender is told by its own server.
    Unknown,
    /// `451`: whether it is ours cannot be said now; the other side tries again.
    Later,
}

/// A letter at the door.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Who connected. Behind LMTP this is our own mail server.
    pub client_ip: IpAddr,
    /// What the other side calls itself. A claim.
    pub helo: String,
    /// Whether the letter came encrypted.
    pub tls: bool,
    pub envelope_from: ReturnPath,
    /// At least one; all were [`RecipientVerdict::Known`].
    pub recipients: Vec<Email>,
    /// The whole letter as it was sent, dots unstuffed and nothing added. Lines end in CRLF, but a bare CR or LF may be
    /// within: it is content, and broken senders write it.
    pub raw: Bytes,
}

/// Where the other side wants to hear of failures: the argument of `MAIL FROM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReturnPath {
    /// `<>`: the letter is a report or an automatic answer, and must not be answered by a robot.
    Null,
    Address(Email),
    /// An address that works in the field and is none by our strict reading, such as the forwarders' and mass senders'
    /// `SRS0=…` and `bounces+…` of more than 64 characters. Printable characters without spaces, at most 320 bytes.
    Unusual(String),
}

impl ReturnPath {
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::Address(email) => Some(email),
            Self::Null | Self::Unusual(_) => None,
        }
    }
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }
    /// Without angle brackets; empty for the null path.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Null => "",
            Self::Address(email) => email.as_str(),
            Self::Unusual(text) => text,
        }
    }
}

/// The answer for one recipient. The texts are sent to the other side: one line of ASCII, no names of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// `250`: committed.
    Taken,
    /// `451`: the other side keeps it and tries again.
    Later(String),
    /// `554`: the other side reports the failure to the sender.
    Refused(String),
}
