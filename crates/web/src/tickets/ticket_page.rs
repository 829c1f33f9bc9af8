//! One ticket on the desk: conversation, composer, controls.

use axum::{extract::State, response::IntoResponse as _};
use base::{Error, Id, Kind, Result};
use db::Read;
use desk::tickets::{self, *};
use identity::{Settings, Staff, teams};
use serde::Deserialize;

use super::{
    around::Around,
    pages::{Names, marked, rows, sla},
    timeline,
    views::{self, Composer, May},
    work_page, work_view,
};
use crate::{
    composing::{
        pages::{self as composing, Sent},
        views::{Begun, CameIn},
    },
    help::pages::{form_key, page_form},
    http::{
        answer::{Idempotency, once},
        app::App,
        extract::{At, Payload, StaffCaller},
        failure::{Outcome, status},
        page::{Look, done, page, page_with, told},
        upload::Form,
    },
    kit::{
        chrome::Tone,
        forms::{Choice, Problem},
        words,
    },
};

#[derive(Deserialize)]
pub struct TicketAt {
    id: Id<Ticket>,
}

#[derive(Deserialize)]
pub struct ActAt {
    id: Id<Ticket>,
    act: String,
}

pub async fn show(
    State(app): State<App>,
    look: Look,
    who: StaffCaller,
    around: Around,
    At(at): At<TicketAt>,
    headers: axum::http::HeaderMap,
) -> Outcome {
    let staff = who.staff.clone();
    let head = app
        .read(who.caller.scope(), move |read| tickets::query::get_for_staff(read, &staff, at.id))
        .await?
        .head();
    if head != at.id {
        return Ok(axum::response::Redirect::to(&format!("/desk/tickets/{head}")).into_response());
    }
    let view = load(&app, &look, &who, &around, at.id).await?;
    // A page that refreshes itself, or is fetched ahead because a link was pointed at, has nobody reading it.
    if !headers.contains_key("x-live") && !headers.contains_key("sec-purpose") && !who.staff.read_only {
        let staff = who.staff.clone();
        app.write(who.caller.scope(), move |tx| {
            tickets::mark_read_by_staff(tx, &staff, at.id)?;
            match staff.user_id {
                Some(user) => notices::inbox::mark_read_of_ticket(tx, user, at.id.uuid()),
                None => Ok(()),
            }
        })
        .await?;
    }
    page(&app, &look, "tickets/ticket.html", view).await
}

/// A ticket that is not theirs has no forms either. What stands beside it is only looked for where it is drawn.
async fn check(app: &App, who: &StaffCaller, id: Id<Ticket>) -> Result<()> {
    let staff = who.staff.clone();
    app.read(who.caller.scope(), move |read| tickets::query::get_for_staff(read, &staff, id))
        .await
        .map(|_| ())
}

async fn load(
    app: &App,
    look: &Look,
    who: &StaffCaller,
    around: &Around,
    id: Id<Ticket>,
) -> Result<views::Ticket> {
    let (staff, settings, around) = (who.staff.clone(), who.caller.tenant.settings.clone(), around.clone());
    let (locale, zone) = (look.locale().to_owned(), zone(who));
    app.read(who.caller.scope(), move |read| view(read, &staff, &settings, &around, &locale, &zone, id)).await
}

/// The zone this member of staff reads times in.
fn zone(who: &StaffCaller) -> String {
    match &who.caller.principal {
        identity::Principal::User { user, .. } => user.time_zone.clone(),
        _ => who.caller.tenant.settings.time_zone.clone(),
    }
}

fn view(
    read: &Read<'_>,
    staff: &Staff,
    settings: &Settings,
    around: &Around,
    locale: &str,
    zone: &str,
    id: Id<Ticket>,
) -> Result<views::Ticket> {
    let t = tickets::query::get_for_staff(read, staff, id)?;
    let names = Names::read(read)?;
    let all_teams = teams::all(read)?;
    let extras = tickets::query::extras(read, &[id])?.remove(&id).unwrap_or_default();
    let customer = crm::customers::get(read, t.customer_id)?;
    let timeline = timeline::entries(read, &t, &names, &all_teams, zone, locale)?;
    let mut list = marked(read, staff, rows(read, &around.rows(read, staff, &t)?, &names)?)?;
    for row in &mut list {
        row.href.push_str(&around.suffix());
    }
    let theirs = TicketFilter { customer: vec![t.customer_id], limit: 6, ..TicketFilter::default() };
    let (mut others, _) = tickets::query::list(read, staff, &theirs)?;
    others.retain(|o| o.id != t.id);
    let work = work_view::work(read, staff, settings, &t, &others, &extras.tags, zone, locale)?;
    let said = |prefix: &str, word: &str| words::say(locale, &format!("{prefix}-{}", word));
    let may_change = t.check_may_change(staff, settings).is_ok();
    let reopenable = matches!(t.status, Status::Resolved | Status::Closed);
    let statuses: Vec<Status> =
        std::iter::once(t.status).chain(t.status.moves().iter().copied().filter(|s| s.is_live())).collect();
    let people = |selected: Option<Id<identity::User>>| -> Vec<Choice> {
        let active = names.staff.iter().filter(|u| u.disabled_at.is_none());
        active
            .map(|u| Choice::new(u.id.to_string(), names.with_away(u, locale), Some(u.id) == selected))
            .collect()
    };
    let nobody = Choice::new("", words::say(locale, "filter-nobody"), t.assigned_to.is_none());
    let facts = [("fact-plan", &customer.plan), ("fact-address", &customer.service_address)];
    let mut view = views::Ticket {
        id: t.id.to_string(),
        version: t.version.to_string(),
        number: t.ticket_number.clone(),
        subject: t.subject.clone(),
        status: t.status.to_string(),
        priority: t.priority.to_string(),
        created_at: t.created_at,
        assignee: names.of(t.assigned_to),
        escalated_to: names.of(t.escalated_to_user_id),
        escalation_level: t.escalation_level,
        close_reason: t.close_reason.map(|r| r.to_string()),
        resolution_notes: t.resolution_notes.clone(),
        sla: sla(&t, read.now()),
        first_response_at: t.first_response_at,
        back_href: around.back(),
        from: around.suffix(),
        list,
        statuses: statuses
            .iter()
            .map(|s| Choice::new(s.as_str(), said("status", s.as_str()), *s == t.status))
            .collect(),
        priorities: Priority::ALL
            .iter()
            .map(|p| Choice::new(p.as_str(), said("priority", p.as_str()), *p == t.priority))
            .collect(),
        assignees: std::iter::once(nobody).chain(people(t.assigned_to)).collect(),
        categories: names
            .categories
            .iter()
            .filter(|c| c.archived_at.is_none() || c.slug == t.category)
            .map(|c| Choice::new(c.slug.clone(), &c.name, c.slug == t.category))
            .collect(),
        teams: if all_teams.is_empty() {
            Vec::new()
        } else {
            std::iter::once(Choice::new("", words::say(locale, "filter-no-team"), t.team_id.is_none()))
                .chain(
                    all_teams.iter().map(|x| Choice::new(x.id.to_string(), &x.name, Some(x.id) == t.team_id)),
                )
                .collect()
        },
        escalation_targets: people(t.escalated_to_user_id),
        may: May {
            claim: may_change && t.assigned_to.is_none() && t.status.is_live() && staff.user_id.is_some(),
            change: may_change && t.status != Status::Archived,
            resolve: may_change && t.status.is_live(),
            close: may_change && t.status.moves().contains(&Status::Closed) && t.status != Status::Archived,
            reopen: may_change && reopenable,
            archive: staff.is_admin() && t.status == Status::Closed,
            escalate: may_change && t.status.is_live(),
        },
        timeline,
        composer: {
            let mut composer = composer(&t, &customer.name, settings, may_change, locale);
            composing::fill(read, staff, &t, around.write.as_deref(), &mut composer)?;
            composer
        },
        requester: views::Requester {
            customer_href: Some(format!("/desk/customers/{}", customer.id)),
            name: customer.name.clone(),
            email: (!customer.email.domain().ends_with(".invalid")).then(|| customer.email.to_string()),
            verified: customer.verified_at.is_some(),
            phone: customer.phone.clone(),
            company: customer.company.clone(),
            since: Some(customer.created_at),
            facts: facts
                .iter()
                .filter_map(|(label, v)| v.as_ref().map(|v| (words::say(locale, label), v.clone())))
                .collect(),
            notes: Some(customer.internal_notes.clone()).filter(|n| !n.is_empty()).into_iter().collect(),
            other_tickets: rows(read, &others, &names)?,
        },
        tags: extras.tags,
        watchers: extras.watchers.iter().filter_map(|w| names.of(Some(*w))).collect(),
        is_watching: staff.user_id.is_some_and(|me| extras.watchers.contains(&me)),
        links: extras
            .links
            .into_iter()
            .map(|l| views::Link {
                label: if l.label.is_empty() { format!("{}:{}", l.kind, l.id) } else { l.label },
                kind: l.kind,
                href: None,
            })
            .collect(),
        origin: views::Origin {
            channel: t.channel.to_string(),
            ticket_type: t.ticket_type.to_string(),
            order_id: t.order_id.map(|o| o.to_string()),
            context: t
                .context
                .as_object()
                .filter(|o| !o.is_empty())
                .and_then(|o| serde_json::to_string_pretty(o).ok()),
        },
        problems: Vec::new(),
        work,
    };
    view.composer.seen = view.timeline.iter().filter_map(views::Entry::at).max();
    Ok(view)
}

fn composer(t: &Ticket, to: &str, settings: &Settings, may_change: bool, locale: &str) -> Composer {
    let mut then = vec![Choice::new("", words::say(locale, "then-keep"), true)];
    if may_change {
        let offered = [Status::InProgress, Status::PendingCustomer, Status::Resolved];
        let possible = offered.into_iter().filter(|s| t.status.moves().contains(s) && t.status.is_live());
        then.extend(possible.map(|s| {
            let word = match s {
                Status::InProgress => "in_progress",
                Status::PendingCustomer => "pending_customer",
                _ => "resolved",
            };
            let key = [format!("then-{word}"), format!("then-{}", word)];
            let label =
                key.iter().find_map(|k| words::get(locale, k, None)).unwrap_or_else(|| word.to_owned());
            Choice::new(s.as_str(), label, false)
        }));
    }
    Composer {
        begun: Begun { kind: "reply".into(), ..Begun::default() },
        then,
        can_reply: t.status != Status::Archived,
        to: to.to_owned(),
        attachment_limit_bytes: settings.attachment_max_bytes,
        idempotency_key: form_key(),
        ..Composer::default()
    }
}

/// The version the form was drawn with.
pub fn version(form: &Form) -> Result<Option<i64>> {
    form.get("version")
        .map(|v| v.parse().map_err(|_| Error::field("version", "version.malformed", "load the page again")))
        .transpose()
}

async fn change(app: &App, who: &StaffCaller, id: Id<Ticket>, patch: TicketPatch) -> Result<Ticket> {
    let (settings, staff) = (who.caller.tenant.settings.clone(), who.staff.clone());
    app.write(who.caller.scope(), move |tx| tickets::change(tx, &settings, &staff, id, patch)).await
}

/// The page again, with what went wrong on top.
async fn again(
    app: &App,
    look: &Look,
    who: &StaffCaller,
    around: &Around,
    id: Id<Ticket>,
    error: &Error,
) -> Outcome {
    let mut view = load(app, look, who, around, id).await?;
    view.problems = Problem::from_error(error);
    page_with(app, look, "tickets/ticket.html", view, status(error)).await
}

fn tellable(error: &Error) -> bool {
    matches!(error.kind(), Kind::Invalid | Kind::Conflict | Kind::Stale | Kind::Forbidden | Kind::TooLarge)
}

pub async fn save(
    State(app): State<App>,
    look: Look,
    who: StaffCaller,
    around: Around,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome {
    check(&app, &who, at.id).await?;
    let form = page_form(&app, &who.caller, payload).await?;
    let patch = read_patch(&form);
    match patch {
        Ok(patch) => match change(&app, &who, at.id, patch).await {
            Ok(_) => Ok(done(&format!("/desk/tickets/{}", at.id), "flash-saved", look.locale())),
            Err(error) if tellable(&error) => again(&app, &look, &who, &around, at.id, &error).await,
            Err(error) => Err(error.into()),
        },
        Err(error) => again(&app, &look, &who, &around, at.id, &error).await,
    }
}

/// An empty select means "nobody"; one that is not in the form is left alone.
fn optional_id<T>(form: &Form, name: &'static str) -> Result<Option<Option<Id<T>>>> {
    match form.get(name) {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(id) => id.parse().map(|id| Some(Some(id))).map_err(|e: Error| e.on_field(name)),
    }
}

fn read_patch(form: &Form) -> Result<TicketPatch> {
    Ok(TicketPatch {
        status: form.get("status").map(str::parse).transpose()?,
        priority: form.get("priority").map(str::parse).transpose()?,
        assigned_to: optional_id(form, "assigned_to")?,
        category: form.get("category").map(str::to_owned),
        team_id: optional_id(form, "team_id")?,
        expected_version: version(form)?,
        ..TicketPatch::default()
    })
}

pub async fn act(
    State(app): State<App>,
    look: Look,
    who: StaffCaller,
    around: Around,
    At(at): At<ActAt>,
    payload: Payload,
) -> Outcome {
    check(&app, &who, at.id).await?;
    let form = page_form(&app, &who.caller, payload).await?;
    if at.act == "messages" {
        return message(app, look, who, &around, at.id, form).await;
    }
    if matches!(at.act.as_str(), "draft" | "preview" | "discard" | "take-back" | "insert" | "apply") {
        return compose(&app, &look, &who, &around, at.id, &at.act, form).await;
    }
    let seen: Vec<u8> = form.fields.iter().flat_map(|(n, v)| format!("{n}={v}\0").into_bytes()).collect();
    let key = Idempotency::of(&who.caller, form.get("idempotency_key"), "page.act", &seen)?;
    match work_page::act(at.id, &at.act, &form, &zone(&who), look.locale()) {
        Ok(None) => {}
        Ok(Some(act)) => {
            let (settings, staff) = (who.caller.tenant.settings.clone(), who.staff.clone());
            let done = app
                .write(who.caller.scope(), move |tx| once(tx, key.as_ref(), |tx| act(tx, &settings, &staff)))
                .await
                .and_then(|made| serde_json::from_str(&made.1).map_err(Error::from_source));
            return match done {
                Ok(work_page::Did { to, text }) => Ok(told(&to, Tone::Ok, &text)),
                Err(error) if tellable(&error) => again(&app, &look, &who, &around, at.id, &error).await,
                Err(error) => Err(error.into()),
            };
        }
        Err(error) if tellable(&error) => return again(&app, &look, &who, &around, at.id, &error).await,
        Err(error) => return Err(error.into()),
    }
    let (patch, word) = match patch_of(&app, &who, at.id, &at.act, &form).await {
        Ok(found) => found,
        Err(error) if tellable(&error) => return again(&app, &look, &who, &around, at.id, &error).await,
        Err(error) => return Err(error.into()),
    };
    match change(&app, &who, at.id, patch).await {
        Ok(_) => Ok(done(&format!("/desk/tickets/{}", at.id), word, look.locale())),
        // Somebody was faster: say who, and show the ticket as it is.
        Err(error) if error.code() == "ticket.already_assigned" => {
            Ok(told(&format!("/desk/tickets/{}", at.id), Tone::Warn, error.message()))
        }
        Err(error) if tellable(&error) => again(&app, &look, &who, &around, at.id, &error).await,
        Err(error) => Err(error.into()),
    }
}

async fn patch_of(
    app: &App,
    who: &StaffCaller,
    id: Id<Ticket>,
    act: &str,
    form: &Form,
) -> Result<(TicketPatch, &'static str)> {
    let base = TicketPatch { expected_version: version(form)?, ..TicketPatch::default() };
    let text = |name: &str| form.get(name).map(str::trim).filter(|v| !v.is_empty());
    Ok(match act {
        // Taking what is nobody's does not depend on what else changed meanwhile.
        "claim" => {
            (TicketPatch { assigned_to: Some(who.staff.user_id), ..TicketPatch::default() }, "flash-claimed")
        }
        "reopen" => (TicketPatch { status: Some(Status::Open), ..base }, "flash-reopened"),
        "archive" => (TicketPatch { status: Some(Status::Archived), ..base }, "flash-archived"),
        "resolve" => {
            let notes = text("resolution_notes").map(str::to_owned);
            let tell = form.get("tell_customer").is_some();
            (
                TicketPatch {
                    status: Some(Status::Resolved),
                    resolution_notes: Some(notes),
                    tell_customer: Some(tell),
                    ..base
                },
                "flash-resolved",
            )
        }
        "close" => {
            let reason = text("reason")
                .ok_or_else(|| Error::field("reason", "close_reason.missing", "say why"))?
                .parse()?;
            (TicketPatch { status: Some(Status::Closed), close_reason: Some(reason), ..base }, "flash-closed")
        }
        "escalate" => {
            (TicketPatch { escalated_to_user_id: optional_id(form, "user_id")?, ..base }, "flash-escalated")
        }
        "tags" => {
            let tags = text("tags")
                .unwrap_or_default()
                .split(',')
                .map(|t| t.trim().to_owned())
                .filter(|t| !t.is_empty())
                .collect();
            (TicketPatch { tags: Some(tags), ..base }, "flash-saved")
        }
        "watch" => {
            let me = who
                .staff
                .user_id
                .ok_or_else(|| Error::forbidden("role.person_only", "a key watches nothing"))?;
            let mut watchers = app
                .read(who.caller.scope(), move |read| tickets::query::extras(read, &[id]))
                .await?
                .remove(&id)
                .unwrap_or_default()
                .watchers;
            watchers.retain(|w| *w != me);
            if form.get("watch") == Some("true") {
                watchers.push(me);
            }
            (TicketPatch { watchers: Some(watchers), ..TicketPatch::default() }, "flash-saved")
        }
        _ => return Err(Error::not_found("page")),
    })
}

/// The buttons of the composer besides Send.
async fn compose(
    app: &App,
    look: &Look,
    who: &StaffCaller,
    around: &Around,
    id: Id<Ticket>,
    act: &str,
    form: Form,
) -> Outcome {
    let here = format!("/desk/tickets/{id}");
    let reply = format!("{here}#reply");
    let did = match act {
        "take-back" => match composing::take_back(app, who, id, &form).await {
            Ok(Some(word)) => Ok((word, &reply)),
            Ok(None) => return Ok(told(&here, Tone::Warn, &words::say(look.locale(), "flash-too-late"))),
            Err(error) => Err((error, None)),
        },
        "preview" => return previewed(app, look, who, around, id, form).await,
        "discard" => {
            let staff = who.staff.clone();
            // What the field was drawn with, whatever is ticked: nobody throws away what they do not see.
            let begun = composing::begun_as(&form).to_owned();
            app.write(who.caller.scope(), move |tx| {
                desk::composing::drafts::forget(tx, &staff, id, Some(&begun))
            })
            .await
            .map(|()| ("flash-discarded", &here))
            .map_err(|e| (e, None))
        }
        "insert" => composing::insert(app, who, id, copy(&form))
            .await
            .map(|word| (word, &reply))
            .map_err(|e| (e, Some(form))),
        "apply" => composing::apply(app, who, id, copy(&form))
            .await
            .map(|word| (word, &here))
            .map_err(|e| (e, Some(form))),
        _ => composing::keep_draft(app, who, id, copy(&form))
            .await
            .map(|()| ("flash-draft-kept", &reply))
            .map_err(|e| (e, Some(form))),
    };
    match did {
        Ok((word, to)) => Ok(done(to, word, look.locale())),
        Err((error, form)) if tellable(&error) => match form.filter(|f| f.get("body").is_some()) {
            Some(form) => refused(app, look, who, around, id, &form, &error).await,
            None => again(app, look, who, around, id, &error).await,
        },
        Err((error, _)) => Err(error.into()),
    }
}

fn copy(form: &Form) -> Form {
    Form { fields: form.fields.clone(), files: form.files.clone() }
}

/// The page with what was written as it will be read. It is kept as a draft on the way.
async fn previewed(
    app: &App,
    look: &Look,
    who: &StaffCaller,
    around: &Around,
    id: Id<Ticket>,
    form: Form,
) -> Outcome {
    let html = Markdown::parse("body", form.get("body").unwrap_or_default()).map(|m| m.html);
    let kept = composing::keep_draft(app, who, id, copy(&form)).await;
    match html.and_then(|html| kept.map(|()| html)) {
        Ok(html) => {
            let mut view = load(app, look, who, around, id).await?;
            typed(&mut view, &form);
            view.composer.preview_html = Some(html);
            page(app, look, "tickets/ticket.html", view).await
        }
        Err(error) if tellable(&error) => refused(app, look, who, around, id, &form, &error).await,
        Err(error) => Err(error.into()),
    }
}

async fn message(
    app: App,
    look: Look,
    who: StaffCaller,
    around: &Around,
    id: Id<Ticket>,
    form: Form,
) -> Outcome {
    match composing::send(&app, &who, id, &form).await {
        Ok(sent) => {
            let word = match sent {
                Sent::Noted => "flash-noted",
                Sent::Answered => "flash-sent",
                // The page itself shows what is about to go out.
                Sent::Held => {
                    return Ok(
                        axum::response::Redirect::to(&format!("/desk/tickets/{id}#held")).into_response()
                    );
                }
            };
            Ok(done(&format!("/desk/tickets/{id}"), word, look.locale()))
        }
        Err(error) if tellable(&error) => refused(&app, &look, &who, around, id, &form, &error).await,
        Err(error) => Err(error.into()),
    }
}

/// What stood in the form stands there again.
fn typed(view: &mut views::Ticket, form: &Form) {
    let c = &mut view.composer;
    c.turn_to(form.get("kind").filter(|k| *k == "note").unwrap_or("reply"));
    let body = form.get("body").unwrap_or_default().replace("\r\n", "\n");
    // What is kept by now may have more below it: what was begun of this kind before.
    if body.trim().is_empty() || !c.begun.body.starts_with(&body) {
        c.begun.body = body;
    }
    composing::choose(&mut c.then, form.get("then").unwrap_or_default());
    composing::choose(&mut view.work.answer_to, form.get("answer_to").unwrap_or_default());
}

/// The page again, with the answer that was not sent and the reason.
async fn refused(
    app: &App,
    look: &Look,
    who: &StaffCaller,
    around: &Around,
    id: Id<Ticket>,
    form: &Form,
    error: &Error,
) -> Outcome {
    let mut view = load(app, look, who, around, id).await?;
    typed(&mut view, form);
    if error.kind() == Kind::Stale {
        let now = app.db().now();
        view.composer.came_in = came_in(&view, form.get("seen"), look.locale(), now);
    } else {
        view.composer.problems = Problem::from_error(error);
    }
    page_with(app, look, "tickets/ticket.html", view, status(error)).await
}

/// Shown of what came in at most: more is in the timeline right above.
const CAME_IN_MAX: usize = 8;

/// What happened since the page was drawn, oldest first, and what colleagues are about to send.
fn came_in(view: &views::Ticket, seen: Option<&str>, locale: &str, now: base::Timestamp) -> Vec<CameIn> {
    let seen: base::Timestamp = seen.and_then(|s| s.parse().ok()).unwrap_or(now);
    let mut out: Vec<CameIn> = view
        .timeline
        .iter()
        .filter_map(|entry| match entry {
            views::Entry::Message(m) if m.created_at > seen => Some(CameIn {
                who: Some(m.author_name.clone()),
                text: m.excerpt.clone(),
                is_note: m.kind == "note",
                created_at: m.created_at,
            }),
            views::Entry::Event(e) if e.created_at > seen => {
                Some(CameIn { who: None, text: e.text.clone(), is_note: false, created_at: e.created_at })
            }
            _ => None,
        })
        .collect();
    let skip = out.len().saturating_sub(CAME_IN_MAX);
    out.drain(..skip);
    out.extend(view.composer.held.iter().filter(|h| !h.is_mine).map(|h| CameIn {
        who: Some(h.name.clone()),
        text: words::say(locale, "composer-on-its-way"),
        is_note: false,
        created_at: now,
    }));
    if out.is_empty() {
        // Something of it changed that leaves no line: say so rather than nothing.
        let text = words::say(locale, "composer-something-changed");
        out.push(CameIn { who: None, text, is_note: false, created_at: now });
    }
    out
}
