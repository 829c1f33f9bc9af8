//! Handlers of the letter template pages.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Result};
use notices::letters::{self, LetterKind};
use serde::Deserialize;

use super::views;
use crate::{
    http::{
        app::App,
        extract::{At, Params, Payload},
        failure::Outcome,
        page::form,
        person::{AdminPage, Ask, href, problems},
    },
    kit::forms::Choice,
};

const HOME: &str = "/admin/letters";

/// Languages letters can be written in, by their own names.
const LOCALES: [(&str, &str); 5] =
    [("en", "English"), ("es", "Español"), ("fr", "Français"), ("de", "Deutsch"), ("pt", "Português")];

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list))
        .route("/admin/letters/{key}", get(show).post(save))
        .route("/admin/letters/{key}/reset", post(reset))
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let changed = app.read(who.scope(), letters::changed).await?;
    let name =
        |locale: &str| LOCALES.iter().find(|(l, _)| *l == locale).map_or(locale, |(_, n)| n).to_owned();
    let row = |kind: LetterKind| views::LetterRow {
        key: kind.as_str().into(),
        title: who.say(&format!("letter-{}", kind.as_str())),
        description: who.say(&format!("letter-about-{}", kind.as_str())),
        changed_in: changed.iter().filter(|(k, _)| k == kind.as_str()).map(|(_, l)| name(l)).collect(),
    };
    let view = views::List { letters: LetterKind::ALL.map(row).into() };
    who.show(&app, "letters/list.html", view).await
}

fn kind_of(key: &str) -> Result<LetterKind> {
    key.parse().map_err(|_| Error::not_found("letter"))
}

fn locale_of(locale: &str) -> Result<&'static str> {
    let locale = if locale.is_empty() { "en" } else { locale };
    LOCALES
        .into_iter()
        .find(|(l, _)| *l == locale)
        .map(|(l, _)| l)
        .ok_or_else(|| Error::not_found("language"))
}

fn address(kind: LetterKind, locale: &str) -> String {
    href(&format!("{HOME}/{}", kind.as_str()), &[("locale", locale)])
}

async fn view(app: &App, who: &AdminPage, kind: LetterKind, locale: &'static str) -> Result<views::Letter> {
    let template = app.read(who.scope(), move |read| letters::template_of(read, kind, locale)).await?;
    let variables = letters::sample();
    let variables = variables.as_object().into_iter().flatten().map(|(name, _)| name);
    Ok(views::Letter {
        key: kind.as_str().into(),
        title: who.say(&format!("letter-{}", kind.as_str())),
        description: who.say(&format!("letter-about-{}", kind.as_str())),
        locale: locale.into(),
        locales: LOCALES.map(|(l, name)| Choice::new(l, name, l == locale)).into(),
        is_changed: template.updated_at.is_some() && template.locale == locale,
        variables: variables
            .map(|n| (format!("{{{{ {n} }}}}"), who.say(&format!("letter-value-{n}"))))
            .collect(),
        preview: preview(kind, &template.subject, &template.body).ok(),
        subject: template.subject,
        body: template.body,
        problems: Vec::new(),
    })
}

fn preview(kind: LetterKind, subject: &str, body: &str) -> Result<views::Preview> {
    let rendered = letters::check_template(kind, subject, body)?;
    Ok(views::Preview { subject: rendered.subject, text: rendered.text })
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Query {
    locale: String,
}

async fn show(
    State(app): State<App>,
    who: AdminPage,
    At(key): At<String>,
    Params(query): Params<Query>,
) -> Outcome {
    let view = view(&app, &who, kind_of(&key)?, locale_of(&query.locale)?).await?;
    who.show(&app, "letters/letter.html", view).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    locale: String,
    subject: String,
    body: String,
    /// Enter in the subject's field saves, as the first button does.
    #[serde(default)]
    act: String,
}

async fn save(State(app): State<App>, who: AdminPage, At(key): At<String>, payload: Payload) -> Outcome {
    let kind = kind_of(&key)?;
    let input: Form = form(&app, &who.caller, payload).await?;
    let locale = locale_of(&input.locale)?;
    let (subject, body) = (input.subject.clone(), input.body.replace("\r\n", "\n"));
    let shown = preview(kind, &subject, &body);
    let typed = views::Letter {
        subject: subject.clone(),
        body: body.clone(),
        ..view(&app, &who, kind, locale).await?
    };
    let at = address(kind, locale);
    let error = match shown {
        Ok(preview) if input.act == "preview" => {
            let view = views::Letter { preview: Some(preview), ..typed };
            return who.answer(&app, at, "letters/letter.html", view).await;
        }
        Ok(_) => {
            match app.write(who.scope(), move |tx| letters::save(tx, kind, locale, &subject, &body)).await {
                Ok(_) => return who.done(at, "saved"),
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    let view = views::Letter { preview: None, problems: problems(error)?, ..typed };
    who.again(&app, at, "letters/letter.html", view).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetForm {
    locale: String,
    #[serde(default)]
    confirmed: bool,
}

async fn reset(State(app): State<App>, who: AdminPage, At(key): At<String>, payload: Payload) -> Outcome {
    let kind = kind_of(&key)?;
    let input: ResetForm = form(&app, &who.caller, payload).await?;
    let locale = locale_of(&input.locale)?;
    if !input.confirmed {
        let ask = Ask {
            question: "letters-reset-question",
            name: &who.say(&format!("letter-{}", kind.as_str())),
            button: "letters-reset",
            action: format!("{HOME}/{}/reset", kind.as_str()),
            fields: vec![("locale".into(), locale.into())],
            back: address(kind, locale),
        };
        return who.ask(&app, ask).await;
    }
    app.write(who.scope(), move |tx| letters::reset(tx, kind, locale)).await?;
    who.done(address(kind, locale), "letters-is-reset")
}
