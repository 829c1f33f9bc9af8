use base::Kind;
use serde::Serialize;

use crate::kit::{forms::Problem, words};

/// `errors/error.html`: what happened, what is kept, what to do.
#[derive(Debug, Serialize)]
pub struct ErrorPage {
    pub status: u16,
    pub title: String,
    pub what: String,
    pub kept: Option<String>,
    pub todo: String,
    pub problems: Vec<Problem>,
    /// Where to go back to, when going back makes sense; otherwise the viewer's home.
    pub back_href: Option<String>,
    pub request_id: Option<String>,
}

impl ErrorPage {
    /// The page's words for an error; messages of our own mistakes are never shown.
    pub fn new(error: &base::Error, status: u16, locale: &str, request_id: Option<String>) -> Self {
        let name = match error.kind() {
            Kind::NotFound => "not-found",
            Kind::Invalid => "invalid",
            Kind::Conflict => "conflict",
            Kind::Stale => "stale",
            Kind::Forbidden => "forbidden",
            Kind::Unauthenticated => "unauthenticated",
            Kind::Limited => "limited",
            Kind::TooLarge => "too-large",
            Kind::Unavailable => "unavailable",
            Kind::StorageFull => "storage-full",
            Kind::Misdirected => "misdirected",
            Kind::Bug => "bug",
        };
        let say = |part: &str| words::say(locale, &format!("error-{name}-{part}"));
        let told = matches!(
            error.kind(),
            Kind::Invalid | Kind::Conflict | Kind::Stale | Kind::Forbidden | Kind::Limited | Kind::TooLarge
        );
        let wrote = !matches!(error.kind(), Kind::NotFound | Kind::Unauthenticated | Kind::Misdirected);
        Self {
            status,
            title: say("title"),
            what: if told { sentence(error.message()) } else { say("what") },
            kept: wrote.then(|| words::say(locale, "error-nothing-changed")),
            todo: say("todo"),
            problems: Vec::new(),
            back_href: None,
            request_id,
        }
    }
}

/// Error messages are written without capital and stop; on a page they are a sentence.
fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}

/// `errors/confirm.html`: asks before something that cannot be undone, for readers without JavaScript.
/// The handler of a destructive `POST` without `confirmed=true` answers with it; the button posts `fields`
/// again with `confirmed=true`. Browsers with modules ask in place and send `confirmed=true` at once.
#[derive(Debug, Serialize)]
pub struct Confirm {
    /// With the object's name: "Revoke the key “Billing sync”?"
    pub question: String,
    pub consequence: Option<String>,
    pub button: String,
    pub action: String,
    pub fields: Vec<(String, String)>,
    pub back_href: String,
}
