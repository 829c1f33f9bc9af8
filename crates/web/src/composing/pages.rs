//! The composer of a ticket's page: what is drawn with it, sending, and what its other buttons do.

use base::{Error, Id, Kind, Result};
use db::{Read, Tx};
use desk::{
    composing::{
        drafts::{self, Written},
        held, presence,
    },
    macros::{self, Means},
    tickets::{self, *},
};
use identity::{Settings, Staff};
use uuid::Uuid;

use super::views::{Begun, DraftFile, Held, Present};
use crate::{
    http::{
        answer::{Idempotency, once},
        app::App,
        extract::StaffCaller,
        upload::Form,
    },
    kit::forms::Choice,
    tickets::{ticket_page::version, views::Composer},
};

fn begun(draft: drafts::Draft, t: &Ticket) -> Begun {
    Begun {
        is_old: t.last_message_at > draft.updated_at,
        kind: draft.kind,
        body: draft.body,
        files: draft
            .files
            .into_iter()
            .map(|f| DraftFile {
                id: f.id.to_string(),
                filename: f.file.filename,
                size_bytes: f.file.size_bytes,
            })
            .collect(),
        saved_at: Some(draft.updated_at),
    }
}

/// What drafts, answers on their way and colleagues add to an empty composer. It shows the draft of the wanted kind, otherwise
/// the one written last.
pub fn fill(
    read: &Read<'_>,
    staff: &Staff,
    t: &Ticket,
    wanted: Option<&str>,
    c: &mut Composer,
) -> Result<()> {
    let found = drafts::all(read, staff, t.id)?;
    let last = found.first().map_or("reply", |d| &d.kind);
    let shown = if c.can_reply { wanted.unwrap_or(last) } else { "note" }.to_owned();
    c.begun = Begun { kind: shown.clone(), ..Begun::default() };
    for draft in found {
        if draft.kind == "reply" {
            choose(&mut c.then, draft.status.map_or("", Status::as_str));
        }
        let is_shown = draft.kind == shown;
        let begun = begun(draft, t);
        if is_shown {
            c.begun = begun;
        } else {
            c.aside = Some(begun);
        }
    }
    c.held = held::of(read, t.id)?
        .into_iter()
        .map(|h| Held {
            status: h.status_then().map(|s| s.to_string()),
            id: h.id.to_string(),
            is_mine: staff.is_user(Some(h.user_id)),
            name: h.user_name,
            body_html: h.body.html,
            files: h.attachments.into_iter().map(|f| f.filename).collect(),
            release_at: h.release_at,
        })
        .collect();
    c.present = presence::others(read, staff, t.id)?
        .into_iter()
        .map(|p| Present {
            name: p.name,
            doing: if p.is_sending {
                "sending".into()
            } else if p.is_typing {
                "writing".into()
            } else {
                "looking".into()
            },
        })
        .collect();
    let choices = |kind| -> Result<Vec<Choice>> {
        let found = macros::visible(read, staff, kind)?;
        Ok(found.into_iter().map(|m| Choice::new(m.id.to_string(), m.name, false)).collect())
    };
    c.canned = choices(macros::Kind::CannedReply)?;
    c.macros = choices(macros::Kind::Macro)?;
    Ok(())
}

/// Selects one of the choices, where it is among them.
pub fn choose(choices: &mut [Choice], value: &str) {
    if choices.iter().any(|c| c.value == value) {
        for c in choices {
            c.selected = c.value == value;
        }
    }
}

/// What is written in the form, to be kept.
fn written(form: &Form) -> Result<Written> {
    let status = form.get("then").filter(|v| !v.is_empty()).map(str::parse).transpose()?;
    Ok(Written {
        kind: form.get("kind").unwrap_or("reply").to_owned(),
        body: form.get("body").unwrap_or_default().replace("\r\n", "\n"),
        status,
    })
}

/// The files of the draft whose boxes are ticked.
fn kept(form: &Form) -> Vec<Uuid> {
    form.fields.iter().filter(|(n, _)| n == "kept").filter_map(|(_, id)| id.parse().ok()).collect()
}

/// As what the form was begun, where there is no script that changes the text with the kind.
pub fn begun_as(form: &Form) -> &str {
    let kind = form.get("kind").unwrap_or("reply");
    form.get("begun").filter(|begun| ["reply", "note"].contains(begun)).unwrap_or(kind)
}

/// Keeps text, choice and files of the form as the draft.
fn keep(tx: &mut Tx<'_>, staff: &Staff, id: Id<Ticket>, form: &Form) -> Result<()> {
    let (written, begun) = (written(form)?, begun_as(form));
    let kind = written.kind.clone();
    drafts::retain(tx, staff, id, begun, &kept(form))?;
    if begun == kind {
        drafts::keep(tx, staff, id, written)?;
    } else {
        drafts::turn(tx, staff, id, written)?;
    }
    drafts::attach(tx, staff, id, Some(&kind), form.files.clone()).map(|_| ())
}

pub async fn keep_draft(app: &App, who: &StaffCaller, id: Id<Ticket>, form: Form) -> Result<()> {
    let staff = who.staff.clone();
    app.write(who.caller.scope(), move |tx| keep(tx, &staff, id, &form)).await
}

/// What became of an answer or a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Held,
    Answered,
    Noted,
}

/// Sends what the form says. What is refused is kept as a draft, with its files, before the refusal is handed on.
pub async fn send(app: &App, who: &StaffCaller, id: Id<Ticket>, form: &Form) -> Result<Sent> {
    let sent = try_send(app, who, id, form).await;
    if let Err(error) = &sent
        && matches!(error.kind(), Kind::Invalid | Kind::Conflict | Kind::Stale | Kind::Forbidden)
        && who.staff.user_id.is_some()
    {
        let form = Form { fields: form.fields.clone(), files: form.files.clone() };
        // A text that cannot even be a draft is still on the page that is answered.
        if let Err(error) = keep_draft(app, who, id, form).await
            && matches!(error.kind(), Kind::Bug | Kind::Unavailable | Kind::StorageFull)
        {
            return Err(error);
        }
    }
    sent
}

async fn try_send(app: &App, who: &StaffCaller, id: Id<Ticket>, form: &Form) -> Result<Sent> {
    let text = |name: &str| form.get(name).map(str::trim).filter(|v| !v.is_empty());
    let is_internal = match form.get("kind") {
        Some("note") => true,
        Some("reply") => false,
        // A message of unknown kind must not reach the customer by accident.
        _ => return Err(Error::field("kind", "message.kind", "reply or note")),
    };
    let body = text("body").unwrap_or_default().to_owned();
    let new = NewMessage {
        body: Markdown::parse("body", &body)?,
        is_internal,
        attachments: form.files.clone(),
        status: if is_internal { None } else { text("then").map(str::parse).transpose()? },
        // A note overwrites nothing; an answer against an older thread is refused.
        expected_version: if is_internal { None } else { version(form)? },
        addressed_to: text("answer_to").map(str::parse).transpose()?,
    };
    let key = Idempotency::of(
        &who.caller,
        text("idempotency_key"),
        &format!("page.message:{id}"),
        body.as_bytes(),
    )?;
    let (settings, staff) = (who.caller.tenant.settings.clone(), who.staff.clone());
    let (kept, begun) = (kept(form), begun_as(form).to_owned());
    let holds = !is_internal && settings.undo_send_seconds > 0;
    app.write(who.caller.scope(), move |tx| {
        once(tx, key.as_ref(), |tx| deliver(tx, &settings, &staff, id, new, &begun, &kept))
    })
    .await?;
    Ok(if is_internal {
        Sent::Noted
    } else if holds {
        Sent::Held
    } else {
        Sent::Answered
    })
}

/// In one commit: the draft's files go along, the answer is held or sent, the draft is gone. What is begun of the other kind stays.
fn deliver(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    mut new: NewMessage,
    begun: &str,
    kept: &[Uuid],
) -> Result<Uuid> {
    query::get_for_staff(tx, staff, id)?;
    let mut files = drafts::retain(tx, staff, id, begun, kept)?;
    files.append(&mut new.attachments);
    new.attachments = files;
    let made = if new.is_internal || settings.undo_send_seconds == 0 {
        tickets::staff_message(tx, settings, staff, id, new)?.1.id.uuid()
    } else {
        held::hold(tx, settings, staff, id, new)?.id.uuid()
    };
    drafts::forget(tx, staff, id, Some(begun))?;
    Ok(made)
}

fn id_in<T>(form: &Form, field: &'static str) -> Result<Id<T>> {
    let missing = || Error::field(field, "form.choose", "choose one");
    form.get(field)
        .filter(|v| !v.is_empty())
        .ok_or_else(missing)?
        .parse()
        .map_err(|e: Error| e.on_field(field))
}

/// What a button beside Send did, as a word of the flash message.
pub type Done = &'static str;

/// Takes the named answer back; none when it has gone already.
pub async fn take_back(app: &App, who: &StaffCaller, id: Id<Ticket>, form: &Form) -> Result<Option<Done>> {
    let (held, staff) = (id_in(form, "held")?, who.staff.clone());
    match app.write(who.caller.scope(), move |tx| held::take_back(tx, &staff, id, held)).await {
        Ok(_) => Ok(Some("flash-taken-back")),
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts a canned reply at the end of what is written so far; all of it is the draft then.
pub async fn insert(app: &App, who: &StaffCaller, id: Id<Ticket>, form: Form) -> Result<Done> {
    let (canned, staff) = (id_in(&form, "canned")?, who.staff.clone());
    app.write(who.caller.scope(), move |tx| {
        keep(tx, &staff, id, &form)?;
        let (text, files) = macros::insert(tx, &staff, canned, id)?;
        let mut written = written(&form)?;
        let kind = written.kind.clone();
        let begun = drafts::find(tx, &staff, id, Some(&kind))?.map(|d| d.body).unwrap_or_default();
        written.body = match begun.trim_end() {
            "" => text,
            begun => format!("{begun}\n\n{text}"),
        };
        drafts::keep(tx, &staff, id, written)?;
        drafts::attach(tx, &staff, id, Some(&kind), files).map(|_| ())
    })
    .await?;
    Ok("flash-inserted")
}

/// Applies a macro. What is written in the composer stays a draft.
pub async fn apply(app: &App, who: &StaffCaller, id: Id<Ticket>, form: Form) -> Result<Done> {
    let (applied, staff, settings) =
        (id_in(&form, "macro")?, who.staff.clone(), who.caller.tenant.settings.clone());
    let expected_version = version(&form)?;
    let seen = format!("{applied}");
    let key = Idempotency::of(
        &who.caller,
        form.get("idempotency_key"),
        &format!("page.macro:{id}"),
        seen.as_bytes(),
    )?;
    app.write(who.caller.scope(), move |tx| {
        if form.get("body").is_some() {
            keep(tx, &staff, id, &form)?;
        }
        once(tx, key.as_ref(), |tx| {
            let means = Means { expected_version, held: true };
            macros::apply(tx, &settings, &staff, applied, id, means).map(|a| a.ticket.version)
        })
    })
    .await?;
    Ok("flash-macro-applied")
}
