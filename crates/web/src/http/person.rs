//! Proofs for pages: a person who is signed in, with what their page is drawn with. A key is a program and has none.

use std::fmt::Display;

use axum::{extract::FromRequestParts, http::StatusCode, http::request::Parts};
use base::{Error, Id, Kind, Result};
use db::Scope;
use identity::{Principal, Staff, User, sessions::SessionRow};
use serde::Serialize;

use super::{
    app::App,
    caller::Caller,
    extract::{AdminCaller, StaffCaller},
    failure::{Failure, Outcome},
    page::{Look, done, page, page_with},
};
use crate::{errors::views::Confirm, kit::forms::Problem, kit::words};

/// Whoever is signed in.
#[derive(Clone)]
pub struct PersonPage {
    pub caller: Caller,
    pub user: User,
    pub session: Id<SessionRow>,
    pub look: Look,
}

/// Somebody of the business.
#[derive(Clone)]
pub struct StaffPage {
    pub person: PersonPage,
    pub staff: Staff,
}

/// An administrator.
#[derive(Clone)]
pub struct AdminPage {
    pub person: PersonPage,
    pub who: AdminCaller,
}

impl<S: Sync> FromRequestParts<S> for PersonPage {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let look = Look::from_request_parts(parts, state).await?;
        match caller.principal.clone() {
            Principal::User { user, session } => Ok(Self { caller, user: *user, session, look }),
            Principal::Key(_) => {
                let message = "pages are for people; a key uses the API, described at /api/docs";
                Err(Error::forbidden("role.person_only", message).into())
            }
            Principal::Nobody => Err(Error::unauthenticated("credential.missing", "sign in first").into()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for StaffPage {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let person = PersonPage::from_request_parts(parts, state).await?;
        let StaffCaller { staff, .. } = StaffCaller::from_request_parts(parts, state).await?;
        Ok(Self { person, staff })
    }
}

impl<S: Sync> FromRequestParts<S> for AdminPage {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let person = PersonPage::from_request_parts(parts, state).await?;
        let who = AdminCaller::from_request_parts(parts, state).await?;
        Ok(Self { person, who })
    }
}

impl std::ops::Deref for StaffPage {
    type Target = PersonPage;
    fn deref(&self) -> &PersonPage {
        &self.person
    }
}
impl std::ops::Deref for AdminPage {
    type Target = PersonPage;
    fn deref(&self) -> &PersonPage {
        &self.person
    }
}

impl PersonPage {
    pub fn scope(&self) -> Scope {
        self.caller.scope()
    }
    pub fn say(&self, key: &str) -> String {
        words::say(self.look.locale(), key)
    }
    pub async fn show(&self, app: &App, template: &str, view: impl Serialize) -> Outcome {
        page(app, &self.look, template, view).await
    }
    /// A form that came back with problems. `at` is the address of the page it stands on.
    pub async fn again(&self, app: &App, at: impl Display, template: &str, view: impl Serialize) -> Outcome {
        let mut look = self.look.clone();
        look.path = at.to_string();
        page_with(app, &look, template, view, StatusCode::UNPROCESSABLE_ENTITY).await
    }
    /// A page that answers a form without a redirect, since it shows something once.
    pub async fn answer(&self, app: &App, at: impl Display, template: &str, view: impl Serialize) -> Outcome {
        let mut look = self.look.clone();
        look.path = at.to_string();
        page(app, &look, template, view).await
    }
    pub fn done(&self, to: impl AsRef<str>, word: &str) -> Outcome {
        Ok(done(to.as_ref(), word, self.look.locale()))
    }
    /// Asks before something that cannot be undone, for readers without JavaScript.
    pub async fn ask(&self, app: &App, ask: Ask<'_>) -> Outcome {
        let locale = self.look.locale();
        let view = Confirm {
            question: words::say_with(locale, ask.question, &[("name", ask.name)]),
            consequence: None,
            button: words::say(locale, ask.button),
            action: ask.action,
            fields: ask.fields,
            back_href: ask.back,
        };
        self.answer(app, view.back_href.clone(), "errors/confirm.html", view).await
    }
}

/// What [`PersonPage::ask`] asks: keys of words, and where the button and the way back lead.
pub struct Ask<'a> {
    pub question: &'a str,
    pub name: &'a str,
    pub button: &'a str,
    pub action: String,
    pub fields: Vec<(String, String)>,
    pub back: String,
}

/// A form of one button; `confirmed` when the question was answered.
#[derive(serde::Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Button {
    pub confirmed: bool,
}

/// What somebody can put right in the form; anything else is the page of an error.
pub fn problems(error: Error) -> Result<Vec<Problem>, Failure> {
    let typed = matches!(error.kind(), Kind::Invalid | Kind::Conflict | Kind::Limited | Kind::Stale);
    if typed && !error.code().starts_with("request.") {
        Ok(Problem::from_error(&error))
    } else {
        Err(error.into())
    }
}

/// [`problems`] where the form calls some fields by other names than the operation.
pub fn problems_as(error: Error, names: &[(&str, &str)]) -> Result<Vec<Problem>, Failure> {
    let mut list = problems(error)?;
    for problem in &mut list {
        if let Some((_, name)) = names.iter().find(|(theirs, _)| *theirs == problem.field) {
            (*name).clone_into(&mut problem.field);
        }
    }
    Ok(list)
}

/// Ids of a list's rows; the one to go on from when there is another row than those shown.
pub fn cut<T>(rows: &mut Vec<T>, limit: usize, id: impl Fn(&T) -> String) -> Option<String> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| more).map(id)
}

/// An address with those query values that are not empty.
pub fn href(path: &str, values: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in values.iter().filter(|(_, v)| !v.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// What is written in a field that may be left empty.
pub fn filled(text: Option<String>) -> Option<String> {
    text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
}
