//! What is around every page, whatever the page is about.

use base::Timestamp;
use serde::Serialize;

/// Given to [`super::render::render`] beside the page's own view; templates see it as `chrome`.
#[derive(Clone, Debug, Serialize)]
pub struct Chrome {
    pub tenant_name: String,
    /// The tenant's notice ("We know about the outage in Leeds…"); shown on the portal and above the queue.
    pub banner: Option<String>,
    /// Whether customers may create an account themselves.
    pub sign_up_allowed: bool,
    /// Nobody is signed in: none.
    pub viewer: Option<Viewer>,
    /// BCP 47, for instance `en`.
    pub locale: String,
    /// IANA name of the viewer's zone, for instance `Europe/London`; unknown names read as UTC.
    pub zone: String,
    pub scheme: Scheme,
    /// Goes into the hidden field `csrf` of every form.
    pub csrf: String,
    /// Path and query of this page: where sign-in and the preference forms come back to.
    pub path: String,
    pub flash: Option<Flash>,
    /// Staff pages only.
    pub desk: Option<DeskChrome>,
    /// When the page was made; relative times count from here.
    pub now: Timestamp,
}

#[derive(Clone, Debug, Serialize)]
pub struct Viewer {
    pub id: String,
    pub name: String,
    pub email: String,
    /// Wire name of the role: `customer`, `agent`, `admin`, …
    pub role: String,
    pub is_staff: bool,
    pub is_admin: bool,
    pub is_super_admin: bool,
}

impl Viewer {
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        email: impl Into<String>,
        role: base::Role,
    ) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            email: email.into(),
            role: role.as_str().into(),
            is_staff: role.is_staff(),
            is_admin: role.is_admin(),
            is_super_admin: role == base::Role::SuperAdmin,
        }
    }
}

/// Light, dark, or what the device prefers. Kept in the cookie `scheme`, set by `POST /preferences/scheme`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    #[default]
    Auto,
    Light,
    Dark,
}

impl Scheme {
    /// The cookie's or the form's word; anything else is `auto`.
    pub fn from_word(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What the last form did, said once on the next page.
#[derive(Clone, Debug, Serialize)]
pub struct Flash {
    pub tone: Tone,
    pub text: String,
    pub undo: Option<Undo>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    Ok,
    Info,
    Warn,
    Bad,
}

/// A form of one button that takes the act back.
#[derive(Clone, Debug, Serialize)]
pub struct Undo {
    pub action: String,
    /// Hidden fields besides `csrf`.
    pub fields: Vec<(String, String)>,
}

/// The desk's left column and bell. Counts above 999 are shown as "999+", so 1000 may stand for more.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DeskChrome {
    pub views: Vec<DeskView>,
    /// 100 may stand for more.
    pub unread_notices: u32,
    /// Mails that wait for an administrator's decision; 100 may stand for more, 0 for everybody else.
    pub undecided_mails: u32,
}

#[derive(Clone, Debug, Serialize)]
pub struct DeskView {
    /// `inbox`, `mine`, `unassigned`, `overdue`, `waiting`, `snoozed`, `resolved`, `all`: the word is `view-<key>`. Or
    /// the id of a saved view.
    pub key: String,
    /// Of a saved view.
    pub name: Option<String>,
    pub href: String,
    pub count: Option<u32>,
    pub current: bool,
}

impl Chrome {
    /// A page for somebody not signed in, in English and UTC; set what is known on top of it.
    pub fn new(tenant_name: impl Into<String>, now: Timestamp) -> Self {
        Self {
            tenant_name: tenant_name.into(),
            banner: None,
            sign_up_allowed: true,
            viewer: None,
            locale: "en".into(),
            zone: "UTC".into(),
            scheme: Scheme::Auto,
            csrf: String::new(),
            path: "/".into(),
            flash: None,
            desk: None,
            now,
        }
    }
}
