use base::Timestamp;
use serde::Serialize;

use crate::kit::forms::{Choice, Problem};

/// `account/account.html`, `GET /account` (customers) and `GET /desk/account` (staff).
///
/// `base_path` is `/account` or `/desk/account`; forms post below it:
/// - `POST {base}` fields `name, locale, zone`
/// - `POST {base}/password` fields `current_password, password`
/// - `POST {base}/sessions/{id}/revoke`, `POST {base}/sessions/revoke-others`, no fields
/// - staff: `POST {base}/totp` (start) · `POST {base}/totp/confirm` field `code` · `POST {base}/totp/remove`
///   field `password` · `POST {base}/totp/recovery-codes` field `password` (new ones)
#[derive(Debug, Default, Serialize)]
pub struct Account {
    pub base_path: String,
    pub name: String,
    pub email: String,
    pub locales: Vec<Choice>,
    pub zone: String,
    pub sessions: Vec<Session>,
    /// Staff only.
    pub totp: Option<Totp>,
    /// Staff only. `POST /desk/account/away` fields `away` (`true`, `false`), `until` (local time, may be empty).
    pub away: Option<Away>,
    pub problems: Vec<Problem>,
}

/// Whether somebody is away now.
#[derive(Debug, Default, Serialize)]
pub struct Away {
    pub is_away: bool,
    pub until: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub struct Session {
    pub id: String,
    /// "Firefox on Linux".
    pub device: String,
    pub address: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub is_current: bool,
}

#[derive(Debug, Default, Serialize)]
pub struct Totp {
    pub enabled: bool,
    pub recovery_codes_left: u32,
    /// Enrolment has begun: give this to the app and confirm with a code.
    pub enrolment: Option<Enrolment>,
    /// Shown once, right after they were made.
    pub recovery_codes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Enrolment {
    pub secret: String,
    pub otpauth_url: String,
}
