//! How it went: the page behind the links of the letter, and the same over JSON.
//!
//! Opening a link writes nothing, since mail systems open links too. In a browser the page sends the score it was opened
//! with by itself, so one click is enough; without a script there is a button.

use aide::axum::{ApiRouter, routing::get_with};
use axum::{Json, Router, extract::State, routing::get};
use base::{Kind, Result};
use desk::csat::{self, Survey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pages::page_form;
use crate::{
    http::{
        answer::Answer,
        app::App,
        caller::Caller,
        extract::{At, Params, Payload},
        failure::{Outcome, status},
        page::{Look, page, page_with},
        router::{Who, body, reads, writes},
    },
    kit::forms::Problem,
};

/// `help/feedback.html`, `GET /help/feedback/{token}?score=`; `POST` the same: `score` (1 to 5), `comment`.
#[derive(Debug, Default, Serialize)]
pub struct Feedback {
    pub token: String,
    pub number: String,
    pub subject: String,
    /// What is chosen: the answer there is, or the link's.
    pub score: Option<u8>,
    pub comment: String,
    /// There is an answer.
    pub is_answered: bool,
    /// It came with the link and was not sent yet.
    pub is_fresh: bool,
    pub problems: Vec<Problem>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct TokenAt {
    pub(super) token: String,
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(default)]
struct Chosen {
    score: Option<String>,
}

pub fn routes() -> Router<App> {
    Router::new().route("/help/feedback/{token}", get(show).post(take))
}

fn view(token: String, survey: Survey) -> Feedback {
    Feedback {
        token,
        number: survey.ticket_number,
        subject: survey.subject,
        score: survey.answer.as_ref().map(|a| a.score),
        is_answered: survey.answer.is_some(),
        comment: survey.answer.map(|a| a.comment).unwrap_or_default(),
        ..Feedback::default()
    }
}

async fn load(app: &App, caller: &Caller, token: &str) -> Result<Survey> {
    let token = token.to_owned();
    app.read(caller.scope(), move |read| csat::asked(read, &token)).await
}

fn score_of(text: &str) -> Result<u8> {
    csat::check_score(text.trim().parse().unwrap_or(0))
}

async fn show(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    At(at): At<TokenAt>,
    Params(chosen): Params<Chosen>,
) -> Outcome {
    let mut view = view(at.token.clone(), load(&app, &caller, &at.token).await?);
    // A link with nonsense for a score is a question without an answer.
    if let Some(score) =
        chosen.score.as_deref().and_then(|s| score_of(s).ok()).filter(|s| view.score != Some(*s))
    {
        view.score = Some(score);
        view.is_fresh = true;
    }
    page(&app, &look, "help/feedback.html", view).await
}

async fn take(
    State(app): State<App>,
    look: Look,
    caller: Caller,
    At(at): At<TokenAt>,
    payload: Payload,
) -> Outcome {
    let before = load(&app, &caller, &at.token).await?;
    let form = page_form(&app, &caller, payload).await?;
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let (token, comment) = (at.token.clone(), text("comment"));
    let saved = match score_of(&text("score")) {
        Ok(score) => {
            app.write(caller.scope(), move |tx| csat::answer(tx, &token, score.into(), &comment)).await
        }
        Err(error) => Err(error),
    };
    match saved {
        Ok(survey) => page(&app, &look, "help/feedback.html", view(at.token, survey)).await,
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::Conflict) => {
            let mut view = view(at.token, before);
            view.comment = text("comment");
            view.problems = Problem::from_error(&error);
            page_with(&app, &look, "help/feedback.html", view, status(&error)).await
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedbackIn {
    /// 1 (very bad) to 5 (very good).
    pub score: i64,
    #[serde(default)]
    pub comment: String,
}

#[derive(Serialize, JsonSchema)]
pub struct FeedbackOut {
    pub ticket_number: String,
    pub subject: String,
    /// Null until there is an answer.
    pub answer: Option<csat::Answer>,
}

impl From<Survey> for FeedbackOut {
    fn from(s: Survey) -> Self {
        Self { ticket_number: s.ticket_number, subject: s.subject, answer: s.answer }
    }
}

async fn api_show(
    State(app): State<App>,
    caller: Caller,
    At(at): At<TokenAt>,
) -> Outcome<Answer<FeedbackOut>> {
    Ok(Answer::ok(load(&app, &caller, &at.token).await?.into()))
}

async fn api_take(
    State(app): State<App>,
    caller: Caller,
    At(at): At<TokenAt>,
    payload: Payload,
) -> Outcome<Answer<FeedbackOut>> {
    load(&app, &caller, &at.token).await?;
    let input: FeedbackIn = payload.json().await?;
    let token = at.token;
    let survey =
        app.write(caller.scope(), move |tx| csat::answer(tx, &token, input.score, &input.comment)).await?;
    Ok(Answer::ok(survey.into()))
}

pub fn api_routes() -> ApiRouter<App> {
    ApiRouter::new().api_route(
        "/api/help/feedback/{token}",
        get_with(api_show, |op| {
            reads(op, "help.feedback.show", "The question behind a link of the letter", Who::Anybody)
                .response::<200, Json<FeedbackOut>>()
        })
        .put_with(api_take, |op| {
            body::<FeedbackIn>(writes(
                op,
                "help.feedback.answer",
                "Say how it went, or change it",
                Who::Anybody,
            ))
            .response::<200, Json<FeedbackOut>>()
        }),
    )
}
