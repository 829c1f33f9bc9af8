//! Who reads: how far they reach, which languages they read, and what they are counted by once.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
    response::Response,
};
use desk::articles::{
    self,
    portal::{Reach, Reader},
    reactions::ReaderKey,
};
use identity::Principal;
use uuid::Uuid;

use crate::http::{
    app::App,
    caller::{Caller, cookie},
    page::set_cookie,
};

const COOKIE: &str = "reader";
const YEAR_SECONDS: u32 = 365 * 24 * 3600;

/// Of a request: what it says about its reader. [`Asking::reader`] and [`Asking::key`] need the caller beside.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// `?language=`, as it was written.
    asked: Option<String>,
    /// Of `Accept-Language`, best first.
    accepted: Vec<&'static str>,
    /// The cookie of somebody who said something before.
    token: Option<Uuid>,
}

impl<S: Sync> FromRequestParts<S> for Asking {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let asked = form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == "language");
        let accept = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
        Ok(Self {
            asked: asked.map(|(_, v)| v.into_owned()),
            accepted: accepted(accept.unwrap_or_default()),
            token: cookie(&parts.headers, COOKIE).and_then(|t| t.parse().ok()),
        })
    }
}
impl aide::OperationInput for Asking {}

/// The languages of an `Accept-Language` header that a text can be in, best first.
fn accepted(header: &str) -> Vec<&'static str> {
    let mut all: Vec<(u32, &'static str)> = header
        .split(',')
        .filter_map(|part| {
            let mut parts = part.split(';');
            let code = articles::language_of(parts.next()?)?;
            let quality = parts.find_map(|p| p.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            // In thousandths, as the header has them (RFC 9110 §12.4.2).
            Some(((quality.clamp(0.0, 1.0) * 1000.0) as u32, code))
        })
        .filter(|(quality, _)| *quality > 0)
        .collect();
    all.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    all.into_iter().map(|(_, code)| code).collect()
}

impl Asking {
    /// The language of the address, as it was written.
    pub fn asked(&self) -> Option<&str> {
        self.asked.as_deref()
    }

    /// What was asked for, then the reader's own, then what their browser says, then the tenant's.
    pub fn reader(&self, caller: &Caller) -> Reader {
        let own = match &caller.principal {
            Principal::User { user, .. } => articles::language_of(&user.locale),
            _ => None,
        };
        let asked = self.asked.as_deref().and_then(articles::language_of);
        let tenant = articles::language_of(&caller.tenant.settings.locale);
        let mut languages: Vec<String> = Vec::new();
        for code in asked.into_iter().chain(own).chain(self.accepted.iter().copied()).chain(tenant) {
            if !languages.iter().any(|l| l == code) {
                languages.push(code.to_owned());
            }
        }
        let reach = if matches!(caller.principal, Principal::Nobody) { Reach::Public } else { Reach::Member };
        Reader { reach, languages }
    }

    /// What a reader is counted by, once they have said something; strangers by their cookie.
    pub fn key(&self, caller: &Caller) -> Option<ReaderKey> {
        let what = match (&caller.principal, self.token) {
            (Principal::User { user, .. }, _) => format!("user:{}", user.id),
            (Principal::Key(key), _) => format!("key:{}", key.id),
            (Principal::Nobody, Some(token)) => format!("cookie:{token}"),
            (Principal::Nobody, None) => return None,
        };
        Some(ReaderKey::of(caller.tenant_id(), &what))
    }

    /// The same for somebody who says something now: a stranger is given a cookie, to be set with [`remember`].
    pub fn key_or_new(&mut self, caller: &Caller) -> (ReaderKey, Option<Uuid>) {
        if let Some(key) = self.key(caller) {
            return (key, None);
        }
        let token = Uuid::new_v4();
        self.token = Some(token);
        (ReaderKey::of(caller.tenant_id(), &format!("cookie:{token}")), Some(token))
    }

    /// The same for a program, which keeps no cookies: a stranger is counted by where they call from.
    pub fn key_of_program(&self, caller: &Caller) -> ReaderKey {
        let at = || ReaderKey::of(caller.tenant_id(), &format!("client:{}", caller.client));
        self.key(caller).unwrap_or_else(at)
    }
}

/// Sets the cookie of a stranger who has said something.
pub fn remember(app: &App, response: &mut Response, token: Option<Uuid>) {
    let Some(token) = token else { return };
    let secure = if app.config().links.is_https() { "; Secure" } else { "" };
    set_cookie(
        response,
        &format!("{COOKIE}={token}; Path=/help; Max-Age={YEAR_SECONDS}; HttpOnly; SameSite=Lax{secure}"),
    );
}

#[cfg(test)]
mod tests {
    #[test]
    fn languages_come_in_the_order_they_are_wanted() {
        assert_eq!(super::accepted("en;q=0.4, de-AT, fr;q=0.9, xx, nl;q=0"), ["de", "fr", "en"]);
        assert!(super::accepted("").is_empty() && super::accepted("*;q=0.1,;;q").is_empty());
    }
}
