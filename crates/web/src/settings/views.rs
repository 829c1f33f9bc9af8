use serde::Serialize;

use crate::kit::forms::{Choice, Problem};

/// `settings/settings.html`, `GET|POST /admin/settings`. Fields: `business_name, notice, zone, from_address,
/// ticket_number_style, auto_close_days, reopen_days, archive_days, undo_send_seconds, relax_write_rule?` (`true`)`,
/// attachment_limit_mb, sign_up_allowed?` (`true`)`, stray_mail_retention_days?`.
#[derive(Debug, Default, Serialize)]
pub struct Settings {
    pub business_name: String,
    pub notice: String,
    pub zone: String,
    pub from_address: String,
    pub ticket_number_styles: Vec<Choice>,
    pub auto_close_days: u32,
    pub reopen_days: u32,
    /// Zero: never.
    pub archive_days: u32,
    pub deleted_retention_days: u32,
    /// Zero: never.
    pub stray_mail_retention_days: u32,
    /// Zero: answers go out at once.
    pub undo_send_seconds: u32,
    pub relax_write_rule: bool,
    pub attachment_limit_mb: u32,
    pub sign_up_allowed: bool,
    pub csat_enabled: bool,
    pub csat_delay_minutes: u32,
    pub agents_answer_by_mail: bool,
    pub letters_per_10_minutes: u32,
    pub problems: Vec<Problem>,
}
