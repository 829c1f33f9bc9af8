//! Handlers of the letter template pages.

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base::Result;
use identity::Links;
use notices::letters::{self, LetterKind, Sample};
use serde::Deserialize;

use super::{
    ops::{self, Typed, kind_of, locale_of},
    views,
};
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
        .route("/admin/letters/{key}/preview", get(show_preview).post(preview))
        .route("/admin/letters/{key}/reset", post(reset))
}

/// A language by its own name.
fn name_of(locale: &str) -> String {
    LOCALES.iter().find(|(l, _)| *l == locale).map_or(locale, |(_, n)| n).to_owned()
}

/// The language of a page's address, where English need not be named.
fn wanted(locale: &str) -> Result<&'static str> {
    locale_of(if locale.is_empty() { "en" } else { locale })
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let changed = app.read(who.scope(), letters::changed).await?;
    let row = |kind: LetterKind| views::LetterRow {
        key: kind.as_str().into(),
        title: who.say(&format!("letter-{}", kind.as_str())),
        description: who.say(&format!("letter-about-{}", kind.as_str())),
        changed_in: changed.iter().filter(|(k, _)| k == kind.as_str()).map(|(_, l)| name_of(l)).collect(),
    };
    let view = views::List { letters: LetterKind::ALL.map(row).into() };
    who.show(&app, "letters/list.html", view).await
}

fn escape(text: &str) -> String {
    minijinja::HtmlEscape(text).to_string()
}

fn address(kind: LetterKind, locale: &str) -> String {
    href(&format!("{HOME}/{}", kind.as_str()), &[("locale", locale)])
}

async fn view(app: &App, who: &AdminPage, kind: LetterKind, locale: &'static str) -> Result<views::Letter> {
    let edited = app.read(who.scope(), move |read| letters::edited(read, kind, locale)).await?;
    let template = edited.template;
    Ok(views::Letter {
        key: kind.as_str().into(),
        title: who.say(&format!("letter-{}", kind.as_str())),
        description: who.say(&format!("letter-about-{}", kind.as_str())),
        locale: locale.into(),
        locales: LOCALES.map(|(l, name)| Choice::new(l, name, l == locale)).into(),
        is_changed: template.updated_at.is_some(),
        stand_in: edited.stand_in.map(|l| name_of(&l)),
        variables: Sample::NAMES
            .map(|n| (format!("{{{{ {n} }}}}"), who.say(&format!("letter-value-{n}"))))
            .into(),
        own_address: who.user.email.to_string(),
        tested: None,
        subject: template.subject,
        body: template.body,
        problems: Vec::new(),
    })
}

/// What the frame beside the form may do: be read by the page around it, and nothing else.
const PREVIEW_POLICY: &str =
    "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'";

/// What stands in the frame: subject, letter and its text part, or what is wrong with the template.
fn frame(who: &AdminPage, links: &Links, typed: &Typed) -> Response {
    let sample = ops::sample_of(&who.caller.tenant, links);
    let rendered = letters::check_template(typed.kind, typed.locale, &typed.subject, &typed.body, &sample);
    let html = match rendered {
        Ok(letter) => {
            let (subject, text) = (escape(&letter.subject), escape(&letter.text));
            let (locale, summary) = (who.look.locale(), escape(&who.say("letters-as-text")));
            // A click on a link of the sample leads nowhere.
            let content = format!(
                "<style>a{{pointer-events:none}}</style>\n\
                 <p style=\"margin:0 0 16px;padding:0 0 12px;border-bottom:1px solid #8a8a8a;font-weight:600\">{subject}</p>\n{}\
                 <details style=\"margin:24px 0 0;padding:12px 0 0;border-top:1px solid #8a8a8a\"><summary lang=\"{locale}\">{summary}</summary>\
                 <pre style=\"white-space:pre-wrap;font-size:13px\">{text}</pre></details>\n",
                letter.content
            );
            letters::layout::document(&letter.locale, &letter.subject, &content)
        }
        Err(error) => {
            let said: Vec<String> = match error.field_errors() {
                [] => vec![error.to_string()],
                fields => fields.iter().map(|f| f.message.clone()).collect(),
            };
            let said: String = said.iter().map(|s| format!("<p>{}</p>\n", escape(s))).collect();
            let title = who.say("letters-preview");
            letters::layout::document(who.look.locale(), &title, &said)
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PREVIEW_POLICY),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    // Also where something is wrong: half a placeholder is what everybody types on the way to a whole one.
    (headers, html).into_response()
}

/// The template as it is saved.
async fn show_preview(
    State(app): State<App>,
    who: AdminPage,
    At(key): At<String>,
    Params(query): Params<Query>,
) -> Outcome {
    let (kind, locale) = (kind_of(&key)?, wanted(&query.locale)?);
    let edited = app.read(who.scope(), move |read| letters::edited(read, kind, locale)).await?.template;
    let typed = Typed { kind, locale, subject: edited.subject, body: edited.body };
    Ok(frame(&who, &app.config().links, &typed))
}

/// The template as it is typed.
async fn preview(State(app): State<App>, who: AdminPage, At(key): At<String>, payload: Payload) -> Outcome {
    let input: Form = form(&app, &who.caller, payload).await?;
    Ok(frame(&who, &app.config().links, &input.typed(kind_of(&key)?)?))
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
    let view = view(&app, &who, kind_of(&key)?, wanted(&query.locale)?).await?;
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

impl Form {
    fn typed(self, kind: LetterKind) -> Result<Typed> {
        let (locale, body) = (locale_of(&self.locale)?, self.body.replace("\r\n", "\n"));
        Ok(Typed { kind, locale, subject: self.subject, body })
    }
}

async fn save(State(app): State<App>, who: AdminPage, At(key): At<String>, payload: Payload) -> Outcome {
    let input: Form = form(&app, &who.caller, payload).await?;
    let is_test = input.act == "test";
    let typed = input.typed(kind_of(&key)?)?;
    let at = address(typed.kind, typed.locale);
    let shown = views::Letter {
        subject: typed.subject.clone(),
        body: typed.body.clone(),
        ..view(&app, &who, typed.kind, typed.locale).await?
    };
    let error = if is_test {
        let (tenant, links, to) = (who.caller.tenant.clone(), app.config().links.clone(), who.user.clone());
        let sent = app.write(who.scope(), move |tx| ops::send_test(tx, &tenant, &links, &to, &typed)).await;
        match sent.and_then(|sent| sent) {
            // Without a redirect: what was typed is not saved, and stays.
            Ok(posted) => {
                let tested =
                    views::Tested { is_held: posted.is_held, href: format!("/admin/outbox/{}", posted.id) };
                let view = views::Letter { tested: Some(tested), ..shown };
                return who.answer(&app, at, "letters/letter.html", view).await;
            }
            Err(error) => error,
        }
    } else {
        let Typed { kind, locale, subject, body } = typed;
        match app.write(who.scope(), move |tx| letters::save(tx, kind, locale, &subject, &body)).await {
            Ok(_) => return who.done(at, "saved"),
            Err(error) => error,
        }
    };
    let view = views::Letter { problems: problems(error)?, ..shown };
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
