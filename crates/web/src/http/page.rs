//! What page handlers share: the chrome around a page, flash messages, forms, redirects.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use base::{Error, Result};
use identity::Principal;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    app::App,
    caller::{Caller, check_same_origin, cookie},
    extract::Payload,
    failure::{Outcome, status},
};
use crate::{
    errors::views::ErrorPage,
    kit::{
        chrome::{Chrome, DeskChrome, DeskView, Flash, Scheme, Tone, Undo, Viewer},
        render::render,
        words,
    },
    queue::asked::Asked,
};

/// What of a request a page is drawn with.
#[derive(Clone)]
pub struct Look {
    pub caller: Option<Caller>,
    pub path: String,
    scheme: Scheme,
    locale: String,
    flash: Option<Flash>,
}

impl Look {
    pub fn of(request: &Request) -> Self {
        Self::new(request.extensions().get::<Caller>().cloned(), request.uri(), request.headers())
    }

    /// The reader's language.
    pub fn locale(&self) -> &str {
        &self.locale
    }

    fn new(caller: Option<Caller>, uri: &axum::http::Uri, headers: &HeaderMap) -> Self {
        let path = uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        let scheme = Scheme::from_word(cookie(headers, "scheme").unwrap_or_default());
        let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let locale = match caller.as_ref().map(|c| &c.principal) {
            Some(Principal::User { user, .. }) => user.locale.clone(),
            _ => words::negotiate(wanted).to_owned(),
        };
        Self { caller, path, scheme, locale, flash: flash_of(headers) }
    }
}

impl<S: Sync> axum::extract::FromRequestParts<S> for Look {
    type Rejection = super::failure::Failure;
    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> std::result::Result<Self, Self::Rejection> {
        Ok(Self::new(parts.extensions.get::<Caller>().cloned(), &parts.uri, &parts.headers))
    }
}

/// The chrome of a page; for staff with the views' counts and the bell.
pub async fn chrome(app: &App, look: &Look) -> Result<Chrome> {
    let now = app.db().now();
    let Some(caller) = &look.caller else {
        let mut chrome = Chrome::new("Counterfoil", now);
        chrome.path.clone_from(&look.path);
        return Ok(chrome);
    };
    let tenant = &caller.tenant;
    let mut chrome = Chrome::new(&tenant.name, now);
    let banner = &tenant.settings.notice_banner;
    chrome.banner = (!banner.is_empty()).then(|| banner.clone());
    chrome.sign_up_allowed = tenant.settings.signup_allowed;
    chrome.locale.clone_from(&look.locale);
    chrome.zone.clone_from(&tenant.settings.time_zone);
    chrome.scheme = look.scheme;
    chrome.csrf = caller.csrf.to_string();
    chrome.path.clone_from(&look.path);
    chrome.flash.clone_from(&look.flash);
    if let Principal::User { user, .. } = &caller.principal {
        chrome.viewer = Some(Viewer::new(user.id.to_string(), &user.name, user.email.as_str(), user.role));
        chrome.zone.clone_from(&user.time_zone);
        let staff_side = ["/desk", "/admin"].iter().any(|p| look.path.starts_with(p));
        if let Some(staff) = caller.principal.staff().filter(|_| staff_side) {
            let decides = staff.is_admin();
            let (counts, unread, saved, undecided) = app
                .read(caller.scope(), move |read| {
                    let unread = staff.user_id.map_or(Ok(0), |u| notices::inbox::unread(read, u))?;
                    let saved = desk::views::visible(read, &staff)?;
                    // Shown to those who decide.
                    let undecided = match decides {
                        true => desk::intake::waiting::undecided(read)?,
                        false => desk::intake::waiting::Undecided::default(),
                    };
                    Ok((desk::tickets::query::view_counts(read, &staff)?, unread, saved, undecided))
                })
                .await?;
            let current = shown_view(&look.path);
            let of = |key: &str, count: Option<u32>| DeskView {
                key: key.into(),
                name: None,
                href: if key == "inbox" { "/desk".into() } else { format!("/desk?view={key}") },
                count,
                current: current.as_deref() == Some(key),
            };
            let mut views = vec![
                of("inbox", Some(counts.inbox)),
                of("mine", Some(counts.mine)),
                of("unassigned", Some(counts.unassigned)),
                of("overdue", Some(counts.overdue)),
                of("waiting", Some(counts.waiting)),
                of("snoozed", Some(counts.snoozed)),
                of("resolved", Some(counts.resolved)),
                of("all", None),
            ];
            views.extend(
                saved.into_iter().map(|v| DeskView { name: Some(v.name), ..of(&v.id.to_string(), None) }),
            );
            chrome.desk = Some(DeskChrome {
                views,
                unread_notices: unread,
                undecided_mails: undecided.quarantined + undecided.failed,
            });
        }
    }
    Ok(chrome)
}

/// The key of the queue's view at an address; none elsewhere.
fn shown_view(path: &str) -> Option<String> {
    let query = path.strip_prefix("/desk")?;
    if !query.is_empty() && !query.starts_with('?') {
        return None;
    }
    let asked: Asked = serde_urlencoded::from_str(query.trim_start_matches('?')).unwrap_or_default();
    Some(asked.view_key().to_owned())
}

/// A page: template, chrome and what it shows. The flash message was shown and is gone.
pub async fn page(app: &App, look: &Look, template: &str, view: impl Serialize) -> Outcome {
    page_with(app, look, template, view, StatusCode::OK).await
}

/// The same with another status, for a form that came back with problems.
pub async fn page_with(
    app: &App,
    look: &Look,
    template: &str,
    view: impl Serialize,
    status: StatusCode,
) -> Outcome {
    let chrome = chrome(app, look).await?;
    let had_flash = chrome.flash.is_some();
    let html = render(template, &chrome, view)?;
    let mut response = (status, Html(html)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if had_flash {
        set_cookie(&mut response, "flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }
    Ok(response)
}

/// The page of an error, for the layer around all pages.
pub async fn error_page(app: &App, look: &Look, error: &Error) -> Result<String> {
    let request_id = look.caller.as_ref().map(|c| c.request_id.to_string());
    let view = ErrorPage::new(error, status(error).as_u16(), &look.locale, request_id);
    // A page that says what went wrong must not fail of the same cause.
    let chrome = match chrome(app, look).await {
        Ok(chrome) => chrome,
        Err(_) => Chrome::new("Counterfoil", app.db().now()),
    };
    render("errors/error.html", &chrome, view)
}

/// Where a form leads when it worked, with a word about it.
pub fn done(to: &str, word: &str, locale: &str) -> Response {
    told(to, Tone::Ok, &words::say(locale, word))
}

/// Where a form leads, with a text.
pub fn told(to: &str, tone: Tone, text: &str) -> Response {
    told_with(to, tone, text, None)
}

/// Where a form leads, with a text and a button that takes the act back by posting to `undo`.
pub fn told_with_undo(to: &str, text: &str, undo: &str) -> Response {
    told_with(to, Tone::Ok, text, Some(undo))
}

fn told_with(to: &str, tone: Tone, text: &str, undo: Option<&str>) -> Response {
    let mut response = Redirect::to(to).into_response();
    let tone = match tone {
        Tone::Ok => "ok",
        Tone::Info => "info",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    };
    set_cookie(
        &mut response,
        // `!` is encoded in the text, so what follows one is not the text.
        &format!(
            "flash={tone}.{}{}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
            encode(text),
            undo.map(|u| format!("!{}", encode(u))).unwrap_or_default()
        ),
    );
    response
}

fn flash_of(headers: &HeaderMap) -> Option<Flash> {
    let (tone, text) = cookie(headers, "flash")?.split_once('.')?;
    let tone = match tone {
        "ok" => Tone::Ok,
        "info" => Tone::Info,
        "warn" => Tone::Warn,
        _ => Tone::Bad,
    };
    let decoded = |part: &str| {
        form_urlencoded::parse(format!("t={part}").as_bytes()).next().map(|(_, v)| v.into_owned())
    };
    let (text, undo) = text.split_once('!').map_or((text, None), |(text, undo)| (text, Some(undo)));
    let text = decoded(text)?;
    let undo = undo
        .and_then(decoded)
        .map(|action| Undo { action: local(Some(&action), "/desk"), fields: Vec::new() });
    (!text.is_empty()).then_some(Flash { tone, text, undo })
}

pub fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Percent-encoded, for cookies and query values.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// A local path to go back to: one slash in front, no second one, no backslash, no control character.
pub fn local(next: Option<&str>, otherwise: &str) -> String {
    match next {
        Some(next)
            if next.starts_with('/')
                && !next.starts_with("//")
                && !next.contains('\\')
                && !next.chars().any(char::is_control) =>
        {
            next.to_owned()
        }
        _ => otherwise.to_owned(),
    }
}

/// Checks that a form came from a page of ours and carries this session's token.
pub fn check_form(app: &App, caller: &Caller, headers: &HeaderMap, csrf: &str) -> Result<()> {
    check_same_origin(app, &caller.tenant, headers)?;
    let right = caller.csrf.len() == csrf.len()
        && caller.csrf.bytes().zip(csrf.bytes()).fold(0, |d, (a, b)| d | (a ^ b)) == 0;
    if right {
        Ok(())
    } else {
        Err(Error::forbidden("form.token", "the form is too old; load the page again and send it once more"))
    }
}

/// A form with its token checked and taken out, read strictly.
pub async fn form<T: DeserializeOwned>(app: &App, caller: &Caller, payload: Payload) -> Result<T> {
    let headers = payload.0.headers().clone();
    let bytes = payload.bytes().await?;
    let csrf = form_urlencoded::parse(&bytes)
        .find(|(n, _)| n == "csrf")
        .map(|(_, v)| v.into_owned())
        .unwrap_or_default();
    check_form(app, caller, &headers, &csrf)?;
    // Empty inputs are fields that were left out.
    let rest: Vec<(String, String)> = form_urlencoded::parse(&bytes)
        .filter(|(n, _)| n != "csrf")
        .map(|(n, v)| (n.into_owned(), v.into_owned()))
        .collect();
    let rest = form_urlencoded::Serializer::new(String::new()).extend_pairs(rest).finish();
    serde_urlencoded::from_str(&rest)
        .map_err(|e| Error::invalid("request.form", format!("the form could not be read: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_paths_are_gone_back_to() {
        assert_eq!(local(Some("/desk?view=mine"), "/"), "/desk?view=mine");
        for bad in ["//evil.example", "https://evil.example", "/\\evil", "evil", "/a\r\nSet-Cookie: x", ""] {
            assert_eq!(local(Some(bad), "/desk"), "/desk", "{bad:?}");
        }
    }
}
