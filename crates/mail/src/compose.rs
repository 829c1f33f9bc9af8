use base::{Email, Error, Result, Timestamp};
use mail_builder::{
    MessageBuilder,
    encoders::base64::Base64Encoder,
    headers::{
        HeaderType, address::Address, content_type::ContentType, date::Date, message_id::MessageId, raw::Raw,
        text::Text,
    },
    mime::{BodyPart, MimePart},
};

use crate::{HeaderText, message_id, wire_address};

/// One outgoing letter to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Without angle brackets; see [`crate::message_id`].
    pub message_id: String,
    pub from: Mailbox,
    pub to: Mailbox,
    /// Who else gets it, as the header says.
    pub cc: Vec<Mailbox>,
    pub reply_to: Option<Mailbox>,
    pub subject: HeaderText,
    /// The body as plain text. Any line ends.
    pub text: String,
    /// The same body as a whole HTML document, if there is one.
    pub html: Option<String>,
    /// The letters this one answers, without angle brackets.
    pub in_reply_to: Vec<String>,
    /// The conversation so far, oldest first, without angle brackets. Only the first and the last nine are written.
    pub references: Vec<String>,
    /// No person wrote it: marks it so that no robot answers (RFC 3834).
    pub automatic: bool,
    pub date: Timestamp,
    /// An https or mailto URL for the List-Unsubscribe header.
    pub list_unsubscribe: Option<String>,
    /// What marks the letter as one of ours, should it come back: letters and digits.
    pub loop_mark: Option<String>,
    /// In their order, after the body.
    pub files: Vec<AttachedFile>,
}

/// A file that goes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedFile {
    pub filename: String,
    /// Such as `image/png`; anything that is none becomes `application/octet-stream`.
    pub content_type: String,
    pub content: Vec<u8>,
}

/// A name and an address. An empty name is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    pub name: HeaderText,
    pub email: Email,
}

/// A References header longer than this helps nobody; RFC 5322 asks to keep the first.
const MAX_REFERENCES: usize = 10;

/// The letter's bytes, ready for the wire: CRLF line ends, bodies in base64, lines short enough for every server.
///
/// The same letter gives the same bytes, always. Base64 for every body, because then no line of it can start with
/// a dot, be too long, or hold a bare CR or LF, whatever somebody wrote into a ticket.
pub fn compose(letter: &Letter) -> Result<Vec<u8>> {
    for id in [&letter.message_id].into_iter().chain(&letter.in_reply_to).chain(&letter.references) {
        if !message_id::is_message_id(id) {
            return Err(Error::invalid(
                "letter.message_id",
                "a Message-ID holds no spaces, brackets or line breaks",
            ));
        }
    }
    let mut builder = MessageBuilder::new()
        .header("Date", Date::new(letter.date.as_second()))
        .header("From", address(&letter.from)?)
        .header("To", address(&letter.to)?);
    if !letter.cc.is_empty() {
        let cc = letter.cc.iter().map(listed).collect::<Result<Vec<_>>>()?;
        builder = builder.header("Cc", Address::new_list(cc));
    }
    if let Some(reply_to) = &letter.reply_to {
        builder = builder.header("Reply-To", address(reply_to)?);
    }
    builder = builder
        .header("Subject", subject(&letter.subject))
        .header("Message-ID", MessageId::new(letter.message_id.as_str()));
    if !letter.in_reply_to.is_empty() {
        builder = builder.header("In-Reply-To", ids(&letter.in_reply_to));
    }
    if !letter.references.is_empty() {
        builder = builder.header("References", ids(&letter.references));
    }
    if letter.automatic {
        let kind = if letter.in_reply_to.is_empty() { "auto-generated" } else { "auto-replied" };
        builder = builder
            .header("Auto-Submitted", Raw::new(kind))
            .header("X-Auto-Response-Suppress", Raw::new("All"));
    }
    if let Some(url) = &letter.list_unsubscribe {
        builder = builder.header("List-Unsubscribe", unsubscribe(url)?);
        // RFC 8058: a mail program stops it with one POST, without asking.
        if url.starts_with("https://") {
            builder = builder.header("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click"));
        }
    }
    if let Some(mark) = letter.loop_mark.as_deref().filter(|m| m.bytes().all(|b| b.is_ascii_alphanumeric())) {
        builder = builder.header("X-Counterfoil-Loop", Raw::new(mark));
    }
    builder = builder.header("MIME-Version", Raw::new("1.0"));

    let text = part("text/plain", &letter.text);
    let body = match &letter.html {
        None => text,
        Some(html) => {
            let kind = ContentType::new("multipart/alternative")
                .attribute("boundary", message_id::boundary(&letter.message_id));
            // The last part is the one the sender prefers (RFC 2046, 5.1.4).
            MimePart::new(kind, BodyPart::Multipart(vec![text, part("text/html", html)]))
        }
    };
    let body = if letter.files.is_empty() {
        body
    } else {
        let kind = ContentType::new("multipart/mixed")
            .attribute("boundary", message_id::boundary(&format!("files of {}", letter.message_id)));
        let parts = std::iter::once(body).chain(letter.files.iter().map(attached)).collect();
        MimePart::new(kind, BodyPart::Multipart(parts))
    };
    builder.body(body).write_to_vec().map_err(Error::from_source)
}

/// Base64 with lines of 76 characters, whatever it is.
fn attached(file: &AttachedFile) -> MimePart<'_> {
    let word = |w: &str| {
        !w.is_empty()
            && w.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'+' | b'_'))
    };
    let bare = file.content_type.split(';').next().unwrap_or_default().trim();
    let is_type = bare.split_once('/').is_some_and(|(a, b)| word(a) && word(b));
    // What could be taken for a part of the letter itself is a file like any other.
    let is_own = bare.starts_with("multipart/") || bare.starts_with("message/") || bare.starts_with("text/");
    let kind = if is_type && !is_own { bare } else { "application/octet-stream" };
    let mut encoded = Vec::with_capacity(file.content.len() * 7 / 5 + 4);
    Base64Encoder::new().wrap_lines().encode_into(&file.content, &mut encoded);
    if !encoded.ends_with(b"\r\n") {
        encoded.extend_from_slice(b"\r\n");
    }
    let name: String = file.filename.chars().filter(|c| !c.is_control()).take(150).collect();
    MimePart::new(ContentType::new(kind.to_owned()), BodyPart::Binary(encoded.into()))
        .transfer_encoding("base64")
        .attachment(name)
}

fn subject(text: &HeaderText) -> HeaderType<'_> {
    if looks_encoded(text) { Raw::new(encoded_words(text)).into() } else { Text::new(text.as_str()).into() }
}

fn address(mailbox: &Mailbox) -> Result<HeaderType<'_>> {
    let email = wire_address(&mailbox.email)?;
    if looks_encoded(&mailbox.name) {
        return Ok(Raw::new(format!("{} <{email}>", encoded_words(&mailbox.name))).into());
    }
    let name = (!mailbox.name.is_empty()).then(|| mailbox.name.as_str());
    Ok(Address::new_address(name, email).into())
}

/// One of several. A name that could be decoded into something else is left out.
fn listed(mailbox: &Mailbox) -> Result<Address<'_>> {
    let email = wire_address(&mailbox.email)?;
    let name = Some(mailbox.name.as_str()).filter(|n| !n.is_empty() && !looks_encoded(&mailbox.name));
    Ok(Address::new_address(name, email))
}

/// Plain text that reads as an encoded word would be decoded at the other end, into line breaks for instance.
/// The library writes ASCII as it is, so such text is encoded here.
fn looks_encoded(text: &HeaderText) -> bool {
    text.as_str().contains("=?")
}

/// RFC 2047 encoded words of at most 75 characters, to be folded between them.
fn encoded_words(text: &HeaderText) -> String {
    let mut rest = text.as_str();
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(rest.floor_char_boundary(42));
        let mut word = b"=?utf-8?B?".to_vec();
        Base64Encoder::new().encode_into(head.as_bytes(), &mut word);
        word.extend_from_slice(b"?=");
        words.push(String::from_utf8_lossy(&word).into_owned());
        rest = tail;
    }
    words.join(" ")
}

fn ids(ids: &[String]) -> MessageId<'_> {
    let kept =
        ids.iter().enumerate().filter(|(i, _)| *i == 0 || *i + MAX_REFERENCES > ids.len()).map(|(_, id)| id);
    MessageId::new_list(kept.map(String::as_str))
}

fn unsubscribe(url: &str) -> Result<HeaderType<'static>> {
    let known = url.starts_with("https://") || url.starts_with("http://") || url.starts_with("mailto:");
    if !known
        || url.len() > 900
        || !url.bytes().all(|c| c.is_ascii_graphic() && !matches!(c, b'<' | b'>' | b','))
    {
        return Err(Error::invalid(
            "letter.list_unsubscribe",
            "expected an https or mailto URL, percent-encoded",
        ));
    }
    Ok(Raw::new(format!("<{url}>")).into())
}

fn part(kind: &'static str, body: &str) -> MimePart<'static> {
    // RFC 2045, 6.8: line breaks of text are CRLF before base64 is applied.
    let body = body.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
    let mut encoded = Vec::with_capacity(body.len() * 7 / 5 + 4);
    Base64Encoder::new().wrap_lines().encode_into(body.as_bytes(), &mut encoded);
    if !encoded.ends_with(b"\r\n") {
        encoded.extend_from_slice(b"\r\n");
    }
    MimePart::new(ContentType::new(kind).attribute("charset", "utf-8"), BodyPart::Binary(encoded.into()))
        .transfer_encoding("base64")
}
