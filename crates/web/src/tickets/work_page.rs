//! The forms of a ticket's page besides answering: each does one thing and says what it did.

use base::{Error, Id, Result, Timestamp};
use db::Tx;
use desk::tickets::{self, *};
use identity::{Settings, Staff};
use serde::{Deserialize, Serialize};

use super::{acts_api::named, wire::email};
use crate::{http::upload::Form, kit::words};

/// Where to go and what to say afterwards.
#[derive(Serialize, Deserialize)]
pub struct Did {
    pub to: String,
    pub text: String,
}

type Act = Box<dyn FnOnce(&mut Tx<'_>, &Settings, &Staff) -> Result<Did> + Send>;

/// What a form asks for; none when the act is not one of these.
pub fn act(id: Id<Ticket>, name: &str, form: &Form, zone: &str, locale: &str) -> Result<Option<Act>> {
    let text = |field: &str| form.get(field).map(str::trim).unwrap_or_default().to_owned();
    let flag = |field: &str| form.get(field).is_some();
    let version = super::ticket_page::version(form)?;
    let page = format!("/desk/tickets/{id}");
    let locale = locale.to_owned();
    let did = move |word: &str| Did { to: page.clone(), text: words::say(&locale, word) };
    let act: Act = match name {
        "merge" => {
            let into = text("into");
            Box::new(move |tx, settings, staff| {
                let into = named(tx, "into", &into)?;
                let survivor = tickets::merge(tx, settings, staff, id, into)?;
                Ok(Did { to: format!("/desk/tickets/{}", survivor.id), ..did("flash-merged") })
            })
        }
        "unmerge" => {
            let merged: Id<Ticket> = parse(form, "ticket")?;
            Box::new(move |tx, settings, staff| {
                let t = tickets::unmerge(tx, settings, staff, merged)?;
                Ok(Did { to: format!("/desk/tickets/{}", t.id), ..did("flash-unmerged") })
            })
        }
        "split" => {
            let subject = Some(text("subject")).filter(|s| !s.is_empty());
            let what = SplitOff { message: parse(form, "message_id")?, subject, expected_version: version };
            Box::new(move |tx, settings, staff| {
                let t = tickets::split(tx, settings, staff, id, what)?;
                Ok(Did { to: format!("/desk/tickets/{}", t.id), ..did("flash-split") })
            })
        }
        "snooze" => {
            let until = snooze_until(form, zone)?;
            Box::new(move |tx, settings, staff| {
                tickets::snooze(tx, settings, staff, id, until, version).map(|_| did("flash-snoozed"))
            })
        }
        "unsnooze" => Box::new(move |tx, settings, staff| {
            tickets::unsnooze(tx, settings, staff, id, version).map(|_| did("flash-woken"))
        }),
        "forward" => {
            let new = NewForward {
                to: email("to", &text("to"))?,
                body: Markdown::parse("forward_body", &text("forward_body"))?,
                with_conversation: flag("with_conversation"),
                attachments: form.files.clone(),
                expected_version: version,
            };
            Box::new(move |tx, settings, staff| {
                tickets::forward(tx, settings, staff, id, new).map(|_| did("flash-forwarded"))
            })
        }
        "withdraw" => {
            let forward: Id<tickets::Forward> = parse(form, "forward")?;
            Box::new(move |tx, settings, staff| {
                tickets::withdraw(tx, settings, staff, id, forward).map(|_| did("flash-withdrawn"))
            })
        }
        "spam" => {
            let block = flag("block_sender");
            Box::new(move |tx, settings, staff| {
                let done = did("flash-spam");
                tickets::mark_spam(tx, settings, staff, id, block, version)
                    .map(|_| Did { to: "/desk".into(), ..done })
            })
        }
        "delete" => Box::new(move |tx, _, staff| {
            let done = did("flash-deleted");
            tickets::remove(tx, staff, id, version).map(|_| Did { to: "/desk".into(), ..done })
        }),
        "relate" => {
            let (kind, other) = (text("kind").parse()?, text("ticket"));
            Box::new(move |tx, settings, staff| {
                let other = named(tx, "ticket", &other)?;
                relations::relate(tx, settings, staff, id, kind, other).map(|_| did("flash-saved"))
            })
        }
        "unrelate" => {
            let (kind, other) = (text("kind").parse()?, parse(form, "other")?);
            Box::new(move |tx, settings, staff| {
                relations::unrelate(tx, settings, staff, id, kind, other).map(|_| did("flash-saved"))
            })
        }
        "children" => {
            let (body, resolve) =
                (Markdown::parse("children_body", &text("children_body"))?, flag("resolve"));
            Box::new(move |tx, settings, staff| {
                let answered = relations::answer_children(tx, settings, staff, id, &body, resolve)?;
                let left: Vec<String> = answered
                    .iter()
                    .filter_map(|c| c.reason.as_ref().map(|why| format!("{}: {why}", c.ticket_number)))
                    .collect();
                if left.is_empty() {
                    return Ok(did("flash-children"));
                }
                let done = did("flash-children-some");
                Ok(Did { text: format!("{} {}", done.text, left.join("; ")), ..done })
            })
        }
        "copy" => {
            let (address, name, hidden) = (email("email", &text("email"))?, text("name"), flag("hidden"));
            Box::new(move |tx, settings, staff| {
                participants::add(tx, settings, staff, id, &address, &name, hidden)
                    .map(|_| did("flash-saved"))
            })
        }
        "uncopy" => {
            let address = email("email", &text("email"))?;
            Box::new(move |tx, settings, staff| {
                participants::remove(tx, settings, staff, id, &address).map(|_| did("flash-saved"))
            })
        }
        "step" => {
            let steps: Vec<String> =
                text("text").lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
            if steps.is_empty() {
                return Err(Error::field("text", "text.empty", "must not be empty"));
            }
            Box::new(move |tx, settings, staff| {
                checklist::add(tx, settings, staff, id, &steps).map(|_| did("flash-saved"))
            })
        }
        "tick" => {
            let (item, done) = (parse(form, "item")?, form.get("done") == Some("true"));
            let patch = checklist::ItemPatch { done: Some(done), ..Default::default() };
            Box::new(move |tx, settings, staff| {
                checklist::change(tx, settings, staff, id, item, patch).map(|_| did("flash-saved"))
            })
        }
        "unstep" => {
            let item = parse(form, "item")?;
            Box::new(move |tx, settings, staff| {
                checklist::remove(tx, settings, staff, id, item).map(|_| did("flash-saved"))
            })
        }
        "time" => {
            let minutes = text("minutes")
                .parse()
                .map_err(|_| Error::field("minutes", "time.minutes", "whole minutes from 1 to 1440"))?;
            let note = text("note");
            Box::new(move |tx, settings, staff| {
                time_entries::book(tx, settings, staff, id, minutes, &note).map(|_| did("flash-saved"))
            })
        }
        "untime" => {
            let entry = parse(form, "entry")?;
            Box::new(move |tx, settings, staff| {
                time_entries::remove(tx, settings, staff, id, entry).map(|_| did("flash-saved"))
            })
        }
        _ => return Ok(None),
    };
    Ok(Some(act))
}

fn parse<T>(form: &Form, field: &'static str) -> Result<Id<T>> {
    form.get(field).unwrap_or_default().trim().parse().map_err(|e: Error| e.on_field(field))
}

/// The chosen time; a date and time typed by hand is the reader's local one.
fn snooze_until(form: &Form, zone: &str) -> Result<Option<Timestamp>> {
    let wrong = || Error::field("until", "time.malformed", "a date and a time, such as 2026-03-02T09:00");
    match form.get("until").map(str::trim) {
        None | Some("") => Ok(None),
        Some("custom") => {
            let typed = form.get("until_local").map(str::trim).unwrap_or_default();
            let local: jiff::civil::DateTime = typed.parse().map_err(|_| wrong())?;
            let tz = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
            local.to_zoned(tz).map(|z| Some(z.timestamp())).map_err(|_| wrong())
        }
        Some(chosen) => chosen.parse().map(Some).map_err(|_| wrong()),
    }
}
