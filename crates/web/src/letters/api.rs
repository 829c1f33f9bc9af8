//! Letter templates over JSON, for administrators.

use aide::axum::{
    ApiRouter,
    routing::{get_with, post_with},
};
use axum::{Json, extract::State, http::StatusCode};
use base::{Email, Error, Id, Result};
use identity::Principal;
use notices::letters::{self, LetterKind, Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ops::{self, Typed, kind_of, locale_of};
use crate::http::{
    answer::{Answer, Page},
    app::App,
    extract::{AdminCaller, At, Payload},
    failure::Outcome,
    router::{
        Who::{AdminPeople, Admins},
        body, reads, writes,
    },
};

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/api/admin/letters",
            get_with(list, |op| {
                reads(op, "admin.letters.list", "Kinds of letters, and what was changed", Admins)
                    .response::<200, Json<Page<LetterOut>>>()
            }),
        )
        .api_route(
            "/api/admin/letters/{kind}/{locale}",
            get_with(show, |op| {
                reads(op, "admin.letters.show", "The words of a letter in a language", Admins)
                    .response::<200, Json<TemplateOut>>()
            })
            .put_with(save, |op| {
                body::<WordsIn>(writes(op, "admin.letters.save", "Change the words of a letter", Admins))
                    .response::<200, Json<TemplateOut>>()
            })
            .delete_with(reset, |op| {
                writes(op, "admin.letters.reset", "Go back to the default", Admins)
                    .response::<200, Json<TemplateOut>>()
            }),
        )
        .api_route(
            "/api/admin/letters/{kind}/{locale}/preview",
            post_with(preview, |op| {
                body::<WordsIn>(writes(
                    op,
                    "admin.letters.preview",
                    "Words with sample values in them; nothing is saved",
                    Admins,
                ))
                .response::<200, Json<PreviewOut>>()
            }),
        )
        .api_route(
            "/api/admin/letters/{kind}/{locale}/test",
            post_with(test, |op| {
                body::<WordsIn>(writes(
                    op,
                    "admin.letters.test",
                    "Send words with sample values to your own address, at most 10 in an hour",
                    AdminPeople,
                ))
                .response::<202, Json<TestOut>>()
            }),
        )
}

#[derive(Serialize, JsonSchema)]
pub struct LetterOut {
    pub kind: String,
    /// Languages in which the business has words of its own.
    pub changed_in: Vec<String>,
    pub is_to_staff: bool,
}

pub async fn list(State(app): State<App>, who: AdminCaller) -> Outcome<Answer<Page<LetterOut>>> {
    let changed = app.read(who.caller.scope(), letters::changed).await?;
    let of = |kind: LetterKind| LetterOut {
        kind: kind.as_str().into(),
        changed_in: changed.iter().filter(|(k, _)| k == kind.as_str()).map(|(_, l)| l.clone()).collect(),
        is_to_staff: kind.is_to_staff(),
    };
    Ok(Answer::ok(Page { items: LetterKind::ALL.map(of).into(), next_cursor: None }))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct LetterAt {
    /// Such as `ticket_confirmation`.
    pub kind: String,
    /// `en`, `es`, `fr`, `de` or `pt`.
    pub locale: String,
}

impl LetterAt {
    fn read(&self) -> Result<(LetterKind, &'static str)> {
        Ok((kind_of(&self.kind)?, locale_of(&self.locale)?))
    }
}

/// Words of one language: the business's own, or the default.
#[derive(Serialize, JsonSchema)]
pub struct TemplateOut {
    #[serde(flatten)]
    pub template: Template,
    /// The language readers of this one get the letter in, while the business has words of its own only there.
    pub stand_in: Option<String>,
}

async fn find(app: &App, who: &AdminCaller, kind: LetterKind, locale: &'static str) -> Result<TemplateOut> {
    let found = app.read(who.caller.scope(), move |read| letters::edited(read, kind, locale)).await?;
    Ok(TemplateOut { template: found.template, stand_in: found.stand_in })
}

pub async fn show(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<LetterAt>,
) -> Outcome<Answer<TemplateOut>> {
    let (kind, locale) = at.read()?;
    Ok(Answer::ok(find(&app, &who, kind, locale).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WordsIn {
    /// Up to 250 characters, with placeholders such as `{{ ticket_number }}`.
    pub subject: String,
    /// Markdown with placeholders.
    pub body: String,
}

async fn typed(at: &LetterAt, payload: Payload) -> Result<Typed> {
    let (kind, locale) = at.read()?;
    let input: WordsIn = payload.json().await?;
    Ok(Typed { kind, locale, subject: input.subject, body: input.body })
}

pub async fn save(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<LetterAt>,
    payload: Payload,
) -> Outcome<Answer<TemplateOut>> {
    let Typed { kind, locale, subject, body } = typed(&at, payload).await?;
    app.write(who.caller.scope(), move |tx| letters::save(tx, kind, locale, &subject, &body)).await?;
    Ok(Answer::ok(find(&app, &who, kind, locale).await?))
}

pub async fn reset(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<LetterAt>,
) -> Outcome<Answer<TemplateOut>> {
    let (kind, locale) = at.read()?;
    app.write(who.caller.scope(), move |tx| letters::reset(tx, kind, locale)).await?;
    Ok(Answer::ok(find(&app, &who, kind, locale).await?))
}

#[derive(Serialize, JsonSchema)]
pub struct PreviewOut {
    pub subject: String,
    pub text: String,
    pub html: String,
}

pub async fn preview(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<LetterAt>,
    payload: Payload,
) -> Outcome<Answer<PreviewOut>> {
    let typed = typed(&at, payload).await?;
    let sample = ops::sample_of(&who.caller.tenant, &app.config().links);
    let letter = letters::check_template(typed.kind, typed.locale, &typed.subject, &typed.body, &sample)?;
    let html = letter.html();
    Ok(Answer::ok(PreviewOut { subject: letter.subject, text: letter.text, html }))
}

/// A test on its way.
#[derive(Serialize, JsonSchema)]
pub struct TestOut {
    pub letter_id: Id<letters::Letter>,
    pub to: Email,
    /// `queued`, or `held`: too many letters went to this address.
    pub status: String,
}

pub async fn test(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<LetterAt>,
    payload: Payload,
) -> Outcome<Answer<TestOut>> {
    let Principal::User { user, .. } = who.caller.principal.clone() else {
        let message = "a test goes to the address of whoever signs in; a key has none";
        return Err(Error::forbidden("role.person_only", message).into());
    };
    let typed = typed(&at, payload).await?;
    let (tenant, links, to) = (who.caller.tenant.clone(), app.config().links.clone(), user.email.clone());
    let posted =
        app.write(who.caller.scope(), move |tx| ops::send_test(tx, &tenant, &links, &user, &typed)).await??;
    let body = TestOut { letter_id: posted.id, to, status: posted.status().into() };
    Ok(Answer { status: StatusCode::ACCEPTED, version: None, body })
}
