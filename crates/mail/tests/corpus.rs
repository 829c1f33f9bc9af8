//! Mail of every kind, each with what has to be understood of it in a file of the same name beside it.
//!
//! `corpus/name.eml` is the mail, byte for byte; `corpus/name.toml` the [`Expected`]. What a file does not name is
//! either not checked (`said`, `date` …) or has to be absent (`automated`, `files`, `bounce` …): see each field.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::path::{Path, PathBuf};

use mail::inbound::{
    Address, Incoming, Limits, PieceKind, ReturnPath, fold, numbers_in_subject, read,
    sender::{ListRule, Rules, resolve},
};

/// Mailboxes are written as `Name <address>`, or as the address alone when there is no name.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The code with which the mail is refused; nothing else is then looked at.
    refused: Option<String>,
    /// Always checked; "" when nobody.
    #[serde(default)]
    from: String,
    #[serde(default)]
    ambiguous: bool,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    sender: String,
    #[serde(default)]
    reply_to: Vec<String>,
    to: Option<Vec<String>>,
    cc: Option<Vec<String>>,
    delivered_to: Option<Vec<String>>,
    /// "" when there is none.
    message_id: Option<String>,
    #[serde(default)]
    in_reply_to: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
    /// "" when there is none.
    date: Option<String>,
    text: Option<String>,
    #[serde(default)]
    text_contains: Vec<String>,
    /// Whether there is HTML; implied by `html_contains`.
    #[serde(default)]
    html: bool,
    #[serde(default)]
    html_contains: Vec<String>,
    /// What the cleaned HTML must not contain.
    #[serde(default)]
    clean_lacks: Vec<String>,
    /// `name type length[ inline][ content-id]`; a length of `*` is any.
    #[serde(default)]
    files: Vec<String>,
    automated: Option<String>,
    /// Part of the reason.
    reason: Option<String>,
    bounce: Option<ExpectedBounce>,
    loop_mark: Option<String>,
    authentication_results: Option<Vec<String>>,
    list_id: Option<String>,
    /// `<>` or an address; absent when not named.
    return_path: Option<String>,
    numbers: Option<Vec<String>>,
    /// The pieces of one kind, one after the other, without white space around them.
    said: Option<String>,
    quoted: Option<String>,
    signature: Option<String>,
    /// `via Name <address>`, by rules in which `noreply@shop.example` is a contact form and `bob@help.example` forwards.
    resolved: Option<String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedBounce {
    original: Option<String>,
    recipient: Option<String>,
    status: Option<String>,
    action: Option<String>,
    /// Not checked when absent.
    diagnostic: Option<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn names(ending: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn shown(address: &Address) -> String {
    if address.name.is_empty() {
        address.email.as_str().to_owned()
    } else {
        format!("{} <{}>", address.name, address.email.as_str())
    }
}

fn all(addresses: &[Address]) -> Vec<String> {
    addresses.iter().map(shown).collect()
}

/// What is not as expected, one line each.
fn differences(mail: &Incoming, expected: &Expected) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |what: &str, is: String, should: String| {
        if is != should {
            found.push(format!("  {what}\n    is     {is:?}\n    should {should:?}"));
        }
    };
    let lines = |list: &[String]| list.join(" | ");
    let one = |address: &Option<Address>| address.as_ref().map(shown).unwrap_or_default();
    same("from", one(&mail.from), expected.from.clone());
    same("ambiguous", mail.from_is_ambiguous.to_string(), expected.ambiguous.to_string());
    same("subject", mail.subject.clone(), expected.subject.clone());
    same("sender", one(&mail.sender), expected.sender.clone());
    same("reply_to", lines(&all(&mail.reply_to)), lines(&expected.reply_to));
    if let Some(to) = &expected.to {
        same("to", lines(&all(&mail.to)), lines(to));
    }
    if let Some(cc) = &expected.cc {
        same("cc", lines(&all(&mail.cc)), lines(cc));
    }
    if let Some(delivered_to) = &expected.delivered_to {
        let is: Vec<String> = mail.delivered_to.iter().map(|email| email.as_str().to_owned()).collect();
        same("delivered_to", lines(&is), lines(delivered_to));
    }
    if let Some(id) = &expected.message_id {
        same("message_id", mail.message_id.clone().unwrap_or_default(), id.clone());
    }
    same("in_reply_to", lines(&mail.in_reply_to), lines(&expected.in_reply_to));
    same("references", lines(&mail.references), lines(&expected.references));
    if let Some(date) = &expected.date {
        same("date", mail.date.map(|date| date.to_string()).unwrap_or_default(), date.clone());
    }
    if let Some(text) = &expected.text {
        same("text", mail.text.clone(), text.trim_end().to_owned());
    }
    for text in &expected.text_contains {
        same("text_contains", mail.text.contains(text).to_string(), "true".to_owned());
    }
    let wants_html = expected.html || !expected.html_contains.is_empty();
    same("html", mail.html.is_some().to_string(), wants_html.to_string());
    let html = mail.html.clone().unwrap_or_default();
    for text in expected.html_contains.iter().filter(|text| !html.contains(text.as_str())) {
        same("html_contains", html.clone(), text.clone());
    }
    let clean = mail::clean(&html).to_string();
    for text in expected.clean_lacks.iter().filter(|text| clean.contains(text.as_str())) {
        same("clean_lacks", clean.clone(), text.clone());
    }
    let files: Vec<String> = mail
        .files
        .iter()
        .enumerate()
        .map(|(i, file)| {
            let any = expected.files.get(i).is_some_and(|file| file.contains(" *"));
            let length = if any { "*".to_owned() } else { file.content.len().to_string() };
            let inline = if file.is_inline { " inline" } else { "" };
            let id = file.content_id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
            format!("{} {} {length}{inline}{id}", file.filename, file.content_type)
        })
        .collect();
    same("files", lines(&files), lines(&expected.files));
    let kind =
        mail.automated.as_ref().map(|automated| automated.kind.as_str().to_owned()).unwrap_or_default();
    let reason = mail.automated.as_ref().map(|automated| automated.reason.clone()).unwrap_or_default();
    same(
        "automated",
        format!("{kind} {reason}")
            .trim()
            .chars()
            .take(if expected.automated.is_some() { kind.len() } else { 999 })
            .collect(),
        expected.automated.clone().unwrap_or_default(),
    );
    if let Some(part) = expected.reason.as_ref().filter(|part| !reason.contains(part.as_str())) {
        same("reason", reason.clone(), part.clone());
    }
    match (&mail.bounce, &expected.bounce) {
        (Some(bounce), Some(expected)) => {
            same(
                "bounce.original",
                format!("{:?}", bounce.original_message_id),
                format!("{:?}", expected.original),
            );
            let recipient = bounce.recipient.as_ref().map(|email| email.as_str().to_owned());
            same("bounce.recipient", format!("{recipient:?}"), format!("{:?}", expected.recipient));
            same("bounce.status", format!("{:?}", bounce.status), format!("{:?}", expected.status));
            same("bounce.action", format!("{:?}", bounce.action), format!("{:?}", expected.action));
            if expected.diagnostic.is_some() {
                same(
                    "bounce.diagnostic",
                    format!("{:?}", bounce.diagnostic),
                    format!("{:?}", expected.diagnostic),
                );
            }
        }
        (is, should) => same("bounce", is.is_some().to_string(), should.is_some().to_string()),
    }
    same("loop_mark", format!("{:?}", mail.own_loop_mark), format!("{:?}", expected.loop_mark));
    if let Some(results) = &expected.authentication_results {
        same("authentication_results", lines(&mail.authentication_results), lines(results));
    }
    if let Some(list_id) = &expected.list_id {
        same("list_id", mail.list_id.clone().unwrap_or_default(), list_id.clone());
    }
    let path = match &mail.return_path {
        ReturnPath::Absent => None,
        ReturnPath::Null => Some("<>".to_owned()),
        ReturnPath::Path(email) => Some(email.as_str().to_owned()),
    };
    same("return_path", format!("{path:?}"), format!("{:?}", expected.return_path));
    if let Some(numbers) = &expected.numbers {
        same("numbers", lines(&numbers_in_subject(&mail.subject)), lines(numbers));
    }
    let pieces = fold(&mail.text);
    let of = |kind| {
        let text: String = pieces.iter().filter(|p| p.kind == kind).map(|p| p.text.as_str()).collect();
        text.trim().to_owned()
    };
    if let Some(said) = &expected.said {
        same("said", of(PieceKind::Said), said.trim().to_owned());
        same(
            "quoted",
            of(PieceKind::Quoted),
            expected.quoted.as_deref().unwrap_or_default().trim().to_owned(),
        );
        same(
            "signature",
            of(PieceKind::Signature),
            expected.signature.as_deref().unwrap_or_default().trim().to_owned(),
        );
    }
    if let Some(resolved) = &expected.resolved {
        let rules = Rules {
            contact_forms: vec!["noreply@shop.example".to_owned()],
            lists: vec![ListRule::parse("members.lists.example: Reply-To").unwrap()],
            forwarders: vec!["bob@help.example".parse().unwrap()],
            ignore_reply_to: true,
        };
        let is = resolve(mail, &rules);
        same("resolved", format!("{} {}", is.via.as_str(), one(&is.person)), resolved.clone());
    }
    found
}

#[test]
fn every_mail_is_understood() {
    let names = names(".eml");
    assert!(names.len() >= 80, "the corpus is there");
    let mut failures = String::new();
    for name in &names {
        let raw = std::fs::read(folder().join(format!("{name}.eml"))).unwrap();
        let expected = std::fs::read_to_string(folder().join(format!("{name}.toml")))
            .unwrap_or_else(|_| panic!("{name}.eml has no {name}.toml beside it"));
        let expected: Expected =
            toml::from_str(&expected).unwrap_or_else(|error| panic!("{name}.toml: {error}"));
        let found = match (read(&raw, &Limits::default()), &expected.refused) {
            (Ok(mail), None) => differences(&mail, &expected),
            (Err(refused), Some(code)) if refused.code == code => Vec::new(),
            (result, _) => vec![format!("  {:?}", result.map(|_| "read").map_err(|refused| refused.code))],
        };
        if !found.is_empty() {
            failures.push_str(&format!("{name}\n{}\n", found.join("\n")));
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
fn no_expectation_is_without_its_mail() {
    assert_eq!(names(".toml"), names(".eml"));
}
