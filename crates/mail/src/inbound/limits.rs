use std::fmt;

/// How much of a mail is read. What is beyond is refused as a whole, never read in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of the whole message.
    pub bytes: usize,
    /// Of one block of headers: the message's, or a part's.
    pub header_bytes: usize,
    /// In one block.
    pub headers: usize,
    /// Parts of the message and of the messages in it.
    pub parts: usize,
    /// Multiparts and messages in each other.
    pub depth: usize,
    /// Addresses in To, Cc and Bcc together.
    pub recipients: usize,
    /// Characters of text that are kept; the only limit that cuts instead of refusing.
    pub body_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 30 * 1024 * 1024,
            header_bytes: 256 * 1024,
            headers: 1000,
            parts: 200,
            depth: 20,
            recipients: 1000,
            body_chars: 64 * 1024,
        }
    }
}

/// The mail is beyond a limit. Its bytes are kept by whoever has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `mail.too_large`, `mail.header_too_large`, `mail.too_many_headers`, `mail.too_many_parts`, `mail.too_deep`,
    /// `mail.too_many_recipients` or `mail.empty`.
    pub code: &'static str,
    /// For people; names the limit.
    pub message: String,
}

impl Refused {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}
