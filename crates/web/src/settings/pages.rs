//! Handlers of the settings page.

use axum::{Router, extract::State, routing::get};
use base::{Error, FieldError, Result};
use identity::{NumberStyle, Settings, tenants};
use serde::Deserialize;

use super::views;
use crate::{
    http::{
        app::App,
        extract::Payload,
        failure::Outcome,
        page::form,
        person::{AdminPage, problems_as},
    },
    kit::forms::{Choice, Problem},
};

const HOME: &str = "/admin/settings";
const MB: u64 = 1_000_000;
/// Fields of the settings, and what the form calls them.
const NAMES: [(&str, &str); 5] = [
    ("name", "business_name"),
    ("notice_banner", "notice"),
    ("time_zone", "zone"),
    ("from_email", "from_address"),
    ("attachment_max_bytes", "attachment_limit_mb"),
];

pub fn routes() -> Router<App> {
    Router::new().route(HOME, get(show).post(save))
}

fn view(who: &AdminPage, name: &str, s: &Settings, problems: Vec<Problem>) -> views::Settings {
    let style = |style: NumberStyle, value: &str, word: &str| {
        Choice::new(value, who.say(word), s.ticket_number_style == style)
    };
    views::Settings {
        business_name: name.into(),
        notice: s.notice_banner.clone(),
        zone: s.time_zone.clone(),
        from_address: s.from_email.clone(),
        ticket_number_styles: vec![
            style(NumberStyle::Sequential, "sequential", "settings-number-sequential"),
            style(NumberStyle::Random, "random", "settings-number-random"),
        ],
        auto_close_days: s.auto_close_days,
        reopen_days: s.reopen_days,
        archive_days: s.archive_days,
        deleted_retention_days: s.deleted_retention_days,
        undo_send_seconds: s.undo_send_seconds,
        relax_write_rule: s.agents_change_any_ticket,
        attachment_limit_mb: u32::try_from(s.attachment_max_bytes / MB).unwrap_or(u32::MAX),
        sign_up_allowed: s.signup_allowed,
        csat_enabled: s.csat_enabled,
        csat_delay_minutes: s.csat_delay_minutes,
        agents_answer_by_mail: s.agents_answer_by_mail,
        letters_per_10_minutes: s.letters_per_10_minutes,
        stray_mail_retention_days: s.stray_mail_retention_days,
        problems,
    }
}

async fn show(State(app): State<App>, who: AdminPage) -> Outcome {
    let tenant = &who.caller.tenant;
    who.show(&app, "settings/settings.html", view(&who, &tenant.name, &tenant.settings, Vec::new())).await
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
struct Form {
    business_name: String,
    #[serde(default)]
    notice: String,
    zone: String,
    #[serde(default)]
    from_address: String,
    ticket_number_style: String,
    auto_close_days: String,
    reopen_days: String,
    archive_days: String,
    deleted_retention_days: String,
    undo_send_seconds: String,
    #[serde(default)]
    relax_write_rule: bool,
    attachment_limit_mb: String,
    #[serde(default)]
    sign_up_allowed: bool,
    #[serde(default)]
    csat_enabled: bool,
    csat_delay_minutes: String,
    #[serde(default)]
    agents_answer_by_mail: bool,
    letters_per_10_minutes: String,
    stray_mail_retention_days: String,
}

/// What was typed on top of what there is, and the numbers that are none.
fn typed(input: &Form, before: &Settings) -> (Settings, Vec<FieldError>) {
    let mut wrong = Vec::new();
    let mut number = |field: &str, text: &str, before: u32| {
        text.trim().parse::<u32>().unwrap_or_else(|_| {
            let message = "a whole number".to_owned();
            wrong.push(FieldError { field: field.into(), code: "settings.number", message });
            before
        })
    };
    let limit_before = u32::try_from(before.attachment_max_bytes / MB).unwrap_or(u32::MAX);
    let limit = number("attachment_limit_mb", &input.attachment_limit_mb, limit_before);
    let settings = Settings {
        ticket_number_style: if input.ticket_number_style == "random" {
            NumberStyle::Random
        } else {
            NumberStyle::Sequential
        },
        auto_close_days: number("auto_close_days", &input.auto_close_days, before.auto_close_days),
        reopen_days: number("reopen_days", &input.reopen_days, before.reopen_days),
        archive_days: number("archive_days", &input.archive_days, before.archive_days),
        deleted_retention_days: number(
            "deleted_retention_days",
            &input.deleted_retention_days,
            before.deleted_retention_days,
        ),
        undo_send_seconds: number("undo_send_seconds", &input.undo_send_seconds, before.undo_send_seconds),
        agents_change_any_ticket: input.relax_write_rule,
        // A limit that was set to the byte elsewhere stays as it is when nobody touched it here.
        attachment_max_bytes: if limit == limit_before {
            before.attachment_max_bytes
        } else {
            u64::from(limit) * MB
        },
        notice_banner: input.notice.trim().replace("\r\n", "\n"),
        from_email: input.from_address.trim().to_owned(),
        signup_allowed: input.sign_up_allowed,
        csat_enabled: input.csat_enabled,
        csat_delay_minutes: number(
            "csat_delay_minutes",
            &input.csat_delay_minutes,
            before.csat_delay_minutes,
        ),
        agents_answer_by_mail: input.agents_answer_by_mail,
        letters_per_10_minutes: number(
            "letters_per_10_minutes",
            &input.letters_per_10_minutes,
            before.letters_per_10_minutes,
        ),
        stray_mail_retention_days: number(
            "stray_mail_retention_days",
            // Nothing means: never.
            match input.stray_mail_retention_days.trim() {
                "" => "0",
                days => days,
            },
            before.stray_mail_retention_days,
        ),
        time_zone: input.zone.trim().to_owned(),
        ..before.clone()
    };
    (settings, wrong)
}

async fn save(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let input: Form = form(&app, &who.caller, payload).await?;
    let (settings, wrong) = typed(&input, &who.caller.tenant.settings);
    let (name, new) = (input.business_name.clone(), settings.clone());
    let saved: Result<()> = if wrong.is_empty() {
        app.write(who.scope(), move |tx| tenants::save_settings(tx, &name, &new)).await
    } else {
        Err(Error::fields(wrong))
    };
    match saved {
        Ok(()) => who.done(HOME, "saved"),
        Err(error) => {
            let view = view(&who, &input.business_name, &settings, problems_as(error, &NAMES)?);
            who.again(&app, HOME, "settings/settings.html", view).await
        }
    }
}
