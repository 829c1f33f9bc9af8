//! Mail that comes in: the bytes of one message, as data that the desk can decide on.
//!
//! | word | what it is |
//! |---|---|
//! | [`read`] | bytes → [`Incoming`], or [`Refused`] when they are beyond the [`Limits`] |
//! | [`Head`] | the author and the block of headers as [`read`] sees them, for whoever checks the sender |
//! | [`Incoming`] | who wrote, to whom, about what; the words, the files, and what it answers |
//! | [`Automated`], [`Bounce`] | no person wrote it: why we think so, and what a bounce says |
//! | [`fold`] | what is said, what is quoted, and the signature, as a view of a text |
//! | [`without_words`] | what a header of another server says, without what its sender may have said |
//! | [`numbers_in_subject`] | ticket numbers that a subject mentions |
//! | [`sender`] | whom a mail is from, by a channel's rules |
//! | [`AuthorHeader`] | where a mailing list names the author it replaced |
//!
//! The rule it protects: **no mail, however odd, stops the intake, is lost, or runs anything.** Every pass over the
//! bytes is a loop of bounded memory whose work grows with the number of bytes and nothing else; nothing recurses,
//! so nesting cannot exhaust the stack. The limits are checked in the pass that finds the parts, not before it by an
//! estimate, so the two cannot disagree. Nothing in a mail is fetched, unpacked or run. What is read here can be
//! read again from the stored original and comes out the same: no clock, no randomness.
//!
//! The bytes are split here and single header values are read by mail-parser. Its entry point for whole messages
//! searches the rest of the mail again for every part whose boundary is missing (190 such parts above 2 MB took it
//! 590 ms, this 30 ms), and nests one value in another for messages in messages. So the limits bound this reader: do not
//! hand the bytes of a mail that was read to one that recurses, which may find other parts in what is broken.

mod address;
mod author;
mod automated;
mod body;
mod bounce;
mod charset;
mod content_type;
mod files;
mod fold;
mod hash;
mod headers;
mod html_text;
mod ids;
mod limits;
mod numbers;
mod read;
mod results;
pub mod sender;
mod text;
mod transfer;
mod tree;
mod words;

use base::{Email, Timestamp};

pub use author::Head;
pub use fold::{Piece, PieceKind, fold};
pub use limits::{Limits, Refused};
pub use numbers::numbers_in_subject;
pub use read::read;
pub use results::without_words;

/// A mailbox as a header names it. The name is decoded, one line, at most 200 characters, and a claim of whoever
/// wrote the mail; `""` when there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub name: String,
    pub email: Email,
}

/// One message as it came in. Everything in it is a claim of the sender's until something else proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// Without angle brackets; `None` when absent or malformed (RFC 5322, 3.6.4).
    pub message_id: Option<String>,
    /// Valid ids only, without brackets, each once, in the order of the header, at most 100.
    pub in_reply_to: Vec<String>,
    /// As [`Incoming::in_reply_to`]: oldest first. Of more than 100 the first and the last 99 are kept.
    pub references: Vec<String>,
    /// The first mailbox of the first From header that is an address at all.
    pub from: Option<Address>,
    /// More than one mailbox claims to be the author, more than one From header is there, or it is written in a way that
    /// others read otherwise. A check of the domain may then have looked at another one than [`Incoming::from`].
    pub from_is_ambiguous: bool,
    pub sender: Option<Address>,
    pub reply_to: Vec<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    /// Delivered-To, X-Original-To and Envelope-To, in order, each address once.
    pub delivered_to: Vec<Email>,
    /// Whom a mailing list replaced in From, by each header that says so, in the order of [`AuthorHeader::ALL`].
    pub original_authors: Vec<(AuthorHeader, Address)>,
    /// Decoded, one line, no control characters, at most 200 characters; `""` when there is none.
    pub subject: String,
    pub date: Option<Timestamp>,
    /// The words as plain text, made from the HTML when there is nothing else. Line ends are `\n`; of the other
    /// control characters only `\t` occurs. Empty only when the mail says nothing. At most
    /// [`Limits::body_chars`] characters.
    pub text: String,
    /// The text went on; the rest is in the original.
    pub text_was_cut: bool,
    /// As sent and decoded, **not cleaned**: it goes through [`crate::clean`] before anybody sees it.
    pub html: Option<String>,
    /// Attachments, inline images, messages in the message, TNEF, calendars and reports, in their order.
    pub files: Vec<File>,
    pub automated: Option<Automated>,
    /// As [`Incoming::automated`] where the signs of mailing lists count for nothing: for a list that people write to.
    pub automated_besides_list: Option<Automated>,
    pub bounce: Option<Bounce>,
    /// SHA-256 over what stays the same between two deliveries of one mail: the decoded words and the files, not the
    /// headers, the line ends or the transfer encoding.
    pub body_hash: [u8; 32],
    /// The value of X-Counterfoil-Loop: one of our kind sent this, a person's letter or its own.
    pub own_loop_mark: Option<String>,
    /// The values of the Authentication-Results headers (RFC 8601), the last server's first, at most 20.
    pub authentication_results: Vec<String>,
    /// The id between the brackets of List-Id (RFC 2919), in lower case.
    pub list_id: Option<String>,
    pub return_path: ReturnPath,
}

/// A header in which a mailing list names the author of a mail whose From it replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthorHeader {
    XOriginalFrom,
    XOriginalSender,
    /// RFC 5703.
    OriginalFrom,
    /// RFC 9057.
    Author,
    ReplyTo,
    Cc,
    Sender,
}

impl AuthorHeader {
    /// Those that say nothing else come first.
    pub const ALL: [Self; 7] = [
        Self::XOriginalFrom,
        Self::XOriginalSender,
        Self::OriginalFrom,
        Self::Author,
        Self::ReplyTo,
        Self::Cc,
        Self::Sender,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::XOriginalFrom => "X-Original-From",
            Self::XOriginalSender => "X-Original-Sender",
            Self::OriginalFrom => "Original-From",
            Self::Author => "Author",
            Self::ReplyTo => "Reply-To",
            Self::Cc => "Cc",
            Self::Sender => "Sender",
        }
    }

    /// By the header's name, in any case.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|header| header.as_str().eq_ignore_ascii_case(name))
    }

    /// It is there to name the author of a mail that a list hands on.
    const fn is_of_lists(self) -> bool {
        matches!(self, Self::XOriginalFrom | Self::XOriginalSender | Self::OriginalFrom | Self::Author)
    }
}

/// What the last server wrote as the envelope's sender, where bounces go (RFC 5321, 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReturnPath {
    Absent,
    /// `<>`: nobody waits for an answer.
    Null,
    Path(Email),
}

/// Something that came along: its bytes are decoded from their transfer encoding and otherwise as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Safe to show and to offer: no path, no control or direction characters, never empty, at most 150 characters.
    /// Made up from the type when the mail gives none.
    pub filename: String,
    /// As declared, `type/subtype` in lower case. What it really is, the bytes tell.
    pub content_type: String,
    /// Without angle brackets.
    pub content_id: Option<String>,
    /// A picture that belongs into the text: the HTML shows it, or the mail says so.
    pub is_inline: bool,
    pub content: Vec<u8>,
}

/// No person waits for an answer to this mail, and how we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automated {
    pub kind: AutomatedKind,
    /// For people: which header or part decided, such as `Auto-Submitted: auto-replied`.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AutomatedKind {
    Bounce,
    OutOfOffice,
    List,
    Other,
}

impl AutomatedKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::OutOfOffice => "out_of_office",
            Self::List => "list",
            Self::Other => "other",
        }
    }
}

/// What a delivery report says (RFC 3464, and the shapes of servers that do not follow it).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounce {
    /// The Message-ID of the mail it is about, without brackets.
    pub original_message_id: Option<String>,
    pub recipient: Option<Email>,
    /// RFC 3463, such as `5.1.1`.
    pub status: Option<String>,
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded`.
    pub action: Option<String>,
    /// What the other server said, one line, at most 500 characters.
    pub diagnostic: Option<String>,
}
