use serde::Serialize;

use crate::kit::forms::Problem;

/// `auth/login.html`, `GET|POST /login`. Fields: `email, password, next`; in the second step (`ask_code`)
/// `email, code, challenge, next`. `challenge` is whatever the handler needs to remember that the password was right.
#[derive(Debug, Default, Serialize)]
pub struct Login {
    pub email: String,
    /// A path of this site to go to afterwards; empty for the role's home.
    pub next: String,
    /// The password was right and a code of the authenticator (or a recovery code) is wanted.
    pub ask_code: bool,
    pub challenge: Option<String>,
    pub problems: Vec<Problem>,
}

/// `auth/register.html`, `GET|POST /register`. Fields: `name, email, password`.
#[derive(Debug, Default, Serialize)]
pub struct Register {
    pub name: String,
    pub email: String,
    pub problems: Vec<Problem>,
}

/// `auth/ask_email.html`, `GET|POST /login/link` and `/login/reset`. Field: `email`.
#[derive(Debug, Default, Serialize)]
pub struct AskEmail {
    /// `link` or `reset`.
    pub kind: String,
    pub email: String,
    pub problems: Vec<Problem>,
}

/// `auth/message.html`: something was mailed, or a link did its work.
///
/// Kinds: `link-sent`, `reset-sent`, `register-sent`, `verified`, `verify-failed`, `link-failed`, `reset-done`.
/// The same words whether the address is known or not.
#[derive(Debug, Default, Serialize)]
pub struct Message {
    pub kind: String,
    pub email: String,
    /// Where the button leads; without it the page says to look into the mailbox.
    pub continue_href: Option<String>,
}

/// `auth/confirm_link.html`: a mailed link opened by `GET`; the button does the act, so that mail scanners that
/// follow links do not use it up. Kinds: `use-link`, `verify`. No fields.
#[derive(Debug, Default, Serialize)]
pub struct ConfirmLink {
    pub kind: String,
    /// Where the button posts to, for instance `/login/link/{token}`.
    pub action: String,
}

/// `auth/new_password.html`, `GET|POST /login/reset/{token}`. Field: `password`.
#[derive(Debug, Default, Serialize)]
pub struct NewPassword {
    pub token: String,
    pub problems: Vec<Problem>,
}

/// `auth/first_run.html`, `GET|POST /first-run/{token}`.
/// Fields: `business_name, zone, currency?, name, email, password`.
#[derive(Debug, Default, Serialize)]
pub struct FirstRun {
    pub token: String,
    pub business_name: String,
    pub zone: String,
    pub currency: String,
    pub name: String,
    pub email: String,
    pub problems: Vec<Problem>,
}
