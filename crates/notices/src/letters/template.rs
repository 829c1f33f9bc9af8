//! The words of letters: a default for each kind, and the tenant's own where it has one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use base::{Error, Result, Timestamp};
use db::{Read, Tx, params};
use identity::audit;
use minijinja::{Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use super::LetterKind;

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Template {
    pub kind: String,
    pub locale: String,
    pub subject: String,
    /// Markdown with minijinja placeholders.
    pub body: String,
    /// When the tenant changed it; absent for the default.
    pub updated_at: Option<Timestamp>,
}

db::statements! {
    FIND = "select subject, body, updated_at from letter_templates where tenant_id = ?1 and kind = ?2 and locale = ?3";
    SAVE = "insert into letter_templates (tenant_id, kind, locale, subject, body, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6)
        on conflict (tenant_id, kind, locale) do update set subject = excluded.subject, body = excluded.body, updated_at = excluded.updated_at";
    CHANGED = "select kind, locale from letter_templates where tenant_id = ?1 order by kind, locale";
    RESET = "delete from letter_templates where tenant_id = ?1 and kind = ?2 and locale = ?3";
}

/// The tenant's template of a language, else its English one, else the default.
pub fn template_of(read: &Read<'_>, kind: LetterKind, locale: &str) -> Result<Template> {
    for locale in [locale, "en"] {
        let found = read.query_one(&FIND, params![kind.as_str(), locale], |row| {
            let (subject, body, at) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Template {
                kind: kind.as_str().into(),
                locale: locale.into(),
                subject,
                body,
                updated_at: Some(at),
            })
        })?;
        if let Some(found) = found {
            return Ok(found);
        }
    }
    let (subject, body) = kind.default_text();
    Ok(Template {
        kind: kind.as_str().into(),
        locale: "en".into(),
        subject: subject.into(),
        body: body.into(),
        updated_at: None,
    })
}

/// Kind and language of every template the tenant changed.
pub fn changed(read: &Read<'_>) -> Result<Vec<(String, String)>> {
    read.query_all(&CHANGED, params![], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// What a rendered letter says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Puts the values in. Values that go into Markdown are escaped there unless they are Markdown themselves (`body`).
pub fn render(template: &Template, values: &serde_json::Value) -> Result<Rendered> {
    let subject = fill("subject", &template.subject, values)?;
    let subject: String = subject
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(250)
        .collect();
    let mut escaped = values.clone();
    if let Some(map) = escaped.as_object_mut() {
        for (name, value) in map.iter_mut() {
            if let Some(text) =
                value.as_str().filter(|_| !matches!(name.as_str(), "body" | "link" | "desk_link"))
            {
                *value = escape_markdown(text).into();
            }
        }
    }
    let body = fill("body", &template.body, &escaped)?;
    let html = mail::markdown::to_html(&body);
    let html = format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\"></head><body>{}</body></html>",
        template.locale,
        html.as_str()
    );
    Ok(Rendered { subject, text: mail::markdown::to_text(&body), html })
}

fn fill(field: &'static str, source: &str, values: &serde_json::Value) -> Result<String> {
    compiled(source)
        .and_then(|env| env.get_template("letter")?.render(Serde(values)))
        .map_err(|e| Error::field(field, "template.wrong", format!("{e:#}")))
}

/// Templates kept compiled; few are in use at a time.
const COMPILED_MAX: usize = 200;

/// A ticket's letters to a team are one template many times.
fn compiled(source: &str) -> std::result::Result<Arc<Environment<'static>>, minijinja::Error> {
    static COMPILED: Mutex<BTreeMap<String, Arc<Environment<'static>>>> = Mutex::new(BTreeMap::new());
    let kept = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(env) = kept().get(source) {
        return Ok(env.clone());
    }
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_fuel(Some(100_000));
    env.add_template_owned("letter", source.to_owned())?;
    let env = Arc::new(env);
    let mut kept = kept();
    if kept.len() >= COMPILED_MAX {
        kept.clear();
    }
    kept.insert(source.to_owned(), env.clone());
    Ok(env)
}

/// Text of others stays text: what would be Markdown or HTML in it is escaped.
fn escape_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ':' | '/' | '@' | '-' | '\'' | '?' | '%') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Values every kind can be previewed with.
pub fn sample() -> serde_json::Value {
    serde_json::json!({
        "name": "Ada Byron", "ticket_number": "SUP-00042", "subject": "Internet down since Monday", "business": "Northwind Fiber",
        "link": "https://help.example.org/help/tickets/42", "desk_link": "https://help.example.org/desk/tickets/42",
        "body": "The light on the box is red.", "author": "Ben", "requester": "Ada Byron", "priority": "high",
        "category": "technical", "banner": "",
    })
}

/// Whether a template works: both parts must render with the values every letter has.
pub fn check(kind: LetterKind, subject: &str, body: &str) -> Result<Rendered> {
    let subject = base::text::line("subject", subject, 250)?;
    let body = base::text::body("body", body, 64 * 1024)?;
    render(
        &Template { kind: kind.as_str().into(), locale: "en".into(), subject, body, updated_at: None },
        &sample(),
    )
}

pub fn save(tx: &mut Tx<'_>, kind: LetterKind, locale: &str, subject: &str, body: &str) -> Result<Template> {
    if !["en", "es", "fr", "de", "pt"].contains(&locale) {
        return Err(Error::field("locale", "locale.unknown", "one of en, es, fr, de, pt"));
    }
    check(kind, subject, body)?;
    let before = template_of(tx, kind, locale)?;
    let now = tx.now();
    tx.execute(&SAVE, params![kind.as_str(), locale, subject, body, now])?;
    let after = template_of(tx, kind, locale)?;
    audit::record(
        tx,
        audit::Change::new("letter_template.changed", "letter_template", None).from(&before).to(&after),
    )?;
    Ok(after)
}

/// Goes back to the default.
pub fn reset(tx: &mut Tx<'_>, kind: LetterKind, locale: &str) -> Result<Template> {
    let before = template_of(tx, kind, locale)?;
    tx.execute(&RESET, params![kind.as_str(), locale])?;
    let after = template_of(tx, kind, locale)?;
    audit::record(
        tx,
        audit::Change::new("letter_template.reset", "letter_template", None).from(&before).to(&after),
    )?;
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_renders_with_the_sample() {
        for kind in LetterKind::ALL {
            let (subject, body) = kind.default_text();
            let rendered = check(kind, subject, body).unwrap_or_else(|e| panic!("{}: {e}", kind.as_str()));
            assert!(!rendered.subject.contains("{{") && !rendered.text.contains("{{"), "{}", kind.as_str());
        }
    }

    #[test]
    fn a_letter_to_an_unproved_address_repeats_none_of_the_senders_words() {
        let (subject, body) = LetterKind::TicketConfirmationUnverified.default_text();
        for word in ["{{ subject", "{{ body", "{{ name", "{{ requester"] {
            assert!(!subject.contains(word) && !body.contains(word), "{word}");
        }
    }

    #[test]
    fn a_template_that_names_a_missing_field_is_refused_with_its_name() {
        let error = check(LetterKind::TicketNew, "x", "{{ nmae }}").unwrap_err();
        assert_eq!(error.field_errors()[0].field, "body");
    }

    #[test]
    fn values_of_others_stay_text() {
        let values =
            serde_json::json!({ "subject": "<img src=x onerror=alert(1)> **bold** [a](javascript:x)" });
        let template = Template {
            kind: "x".into(),
            locale: "en".into(),
            subject: "{{ subject }}".into(),
            body: "{{ subject }}".into(),
            updated_at: None,
        };
        let rendered = render(&template, &values).unwrap();
        assert!(
            !rendered.html.contains("<img")
                && !rendered.html.contains("<strong")
                && !rendered.html.contains("<a "),
            "{}",
            rendered.html
        );
    }
}
