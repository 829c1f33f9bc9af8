//! Handlers of the rules' pages.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Id, Result};
use desk::{
    Ticket,
    rules::{
        self, NewRule, Outcome as Became, Rule, RulePatch,
        dry_run::{self, Which},
        query,
    },
};
use serde::Deserialize;
use uuid::Uuid;

use super::{api::FIRED_CAP, draft::Draft, views, wording::Wording};
use crate::{
    http::{
        app::App,
        extract::{At, Params, Payload},
        failure::Outcome,
        page::form,
        person::{AdminPage, Ask, Button, StaffPage, cut, href, problems},
    },
    kit::{
        forms::{Choice, Problem},
        lists::Pager,
    },
};

const HOME: &str = "/admin/rules";
const PAGE: u32 = 50;
/// How far back a dry run can look, in days.
const SPANS: [u32; 4] = [1, 7, 30, 90];

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list))
        .route("/admin/rules/new", get(blank).post(create))
        .route("/admin/rules/{id}", get(show))
        .route("/admin/rules/{id}/edit", get(edit).post(change))
        .route("/admin/rules/{id}/dry-run", get(dry_run_page))
        .route("/admin/rules/{id}/enable", post(enable))
        .route("/admin/rules/{id}/disable", post(disable))
        .route("/admin/rules/{id}/up", post(up))
        .route("/admin/rules/{id}/down", post(down))
        .route("/admin/rules/{id}/delete", post(delete))
        .route("/desk/tickets/{id}/rules", get(of_ticket))
}

/// The choices of a dry run's range.
pub fn days(w: &Wording, chosen: u32) -> Vec<Choice> {
    SPANS.map(|d| Choice::new(d.to_string(), w.span(i64::from(d) * 1440), d == chosen)).into()
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let locale = who.look.locale().to_owned();
    let rows = app
        .read(who.scope(), move |read| {
            let w = Wording::load(read, &locale)?;
            let all = query::all(read)?;
            let last = all.len().saturating_sub(1);
            let rows = all.iter().enumerate().map(|(i, r)| {
                let (last_fired_at, fired_count) = query::fired(read, r.id, FIRED_CAP)?;
                Ok(views::Row {
                    last_fired_at,
                    fired_count,
                    is_first: i == 0,
                    is_last: i == last,
                    ..w.row(r)
                })
            });
            rows.collect::<Result<Vec<_>>>()
        })
        .await?;
    who.show(&app, "rules/list.html", views::List { rules: rows }).await
}

async fn wording(app: &App, who: &AdminPage) -> Result<Wording> {
    let locale = who.look.locale().to_owned();
    app.read(who.scope(), move |read| Wording::load(read, &locale)).await
}

async fn find(app: &App, who: &AdminPage, id: Uuid) -> Result<Rule> {
    app.read(who.scope(), move |read| query::get(read, Id::from_uuid(id))).await
}

async fn blank(State(app): State<App>, who: AdminPage) -> Outcome {
    let w = wording(&app, &who).await?;
    who.show(&app, "rules/form.html", Draft::blank().view(&w, None, Vec::new())).await
}

async fn edit(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let rule = find(&app, &who, id).await?;
    let w = wording(&app, &who).await?;
    who.show(&app, "rules/form.html", Draft::of(&rule).view(&w, Some(id.to_string()), Vec::new())).await
}

async fn draft(app: &App, who: &AdminPage, payload: Payload) -> Result<Draft> {
    let pairs: Vec<(String, String)> = form(app, &who.caller, payload).await?;
    Draft::read(&pairs)
}

async fn create(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let draft = draft(&app, &who, payload).await?;
    if draft.verb != "save" {
        return working(&app, &who, None, draft).await;
    }
    let made = match draft.definition() {
        Ok(definition) => {
            let new = NewRule { name: draft.name.clone(), definition, enabled: draft.enabled };
            app.write(who.scope(), move |tx| rules::create(tx, new)).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(rule) => who.done(format!("{HOME}/{}", rule.id), "rules-is-made"),
        Err(error) => again(&app, &who, None, &draft, error).await,
    }
}

async fn change(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let found = find(&app, &who, id).await?;
    let draft = draft(&app, &who, payload).await?;
    if draft.verb != "save" {
        return working(&app, &who, Some(id), draft).await;
    }
    let changed = match draft.definition() {
        Ok(d) => {
            let patch = RulePatch {
                name: Some(draft.name.clone()),
                trigger: Some(d.trigger),
                all: Some(d.all),
                any: Some(d.any),
                actions: Some(d.actions),
                enabled: Some(draft.enabled),
                expected_version: draft.version,
            };
            app.write(who.scope(), move |tx| rules::change(tx, found.id, patch)).await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(_) => who.done(format!("{HOME}/{id}"), "saved"),
        Err(error) => again(&app, &who, Some(id), &draft, error).await,
    }
}

fn address(id: Option<Uuid>) -> String {
    id.map_or_else(|| format!("{HOME}/new"), |id| format!("{HOME}/{id}/edit"))
}

/// What is wrong, at the inputs of the form: some errors name what only the API has.
fn placed(error: Error) -> Outcome<Vec<Problem>> {
    let mut list = problems(error)?;
    for p in &mut list {
        match p.field.as_str() {
            "trigger.events" => "events".clone_into(&mut p.field),
            "trigger.minutes" => "amount".clone_into(&mut p.field),
            "trigger.status" => "status".clone_into(&mut p.field),
            _ => {}
        }
    }
    Ok(list)
}

async fn again(app: &App, who: &AdminPage, id: Option<Uuid>, draft: &Draft, error: Error) -> Outcome {
    let problems = placed(error)?;
    let w = wording(app, who).await?;
    let view = draft.view(&w, id.map(|i| i.to_string()), problems);
    who.again(app, address(id), "rules/form.html", view).await
}

/// A row more or less, or a try: the form again, with nothing saved.
async fn working(app: &App, who: &AdminPage, id: Option<Uuid>, draft: Draft) -> Outcome {
    let w = wording(app, who).await?;
    if draft.verb != "try" {
        let view = draft.view(&w, id.map(|i| i.to_string()), Vec::new());
        return who.answer(app, address(id), "rules/form.html", view).await;
    }
    let days = draft.days();
    let tried = match draft.definition() {
        Ok(d) => {
            app.read(who.scope(), move |read| dry_run::dry_run(read, &d, &Which::Days(days), None, PAGE))
                .await
        }
        Err(error) => Err(error),
    };
    match tried {
        Ok(found) => {
            let tried = Some(w.tried(found, Pager::default()));
            let view = views::Form { tried, ..draft.view(&w, id.map(|i| i.to_string()), Vec::new()) };
            who.answer(app, address(id), "rules/form.html", view).await
        }
        Err(error) => again(app, who, id, &draft, error).await,
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Shown {
    outcome: String,
    cursor: String,
}

fn before(cursor: &str) -> Result<Option<Uuid>> {
    let parsed = (!cursor.is_empty()).then(|| cursor.parse::<Uuid>()).transpose();
    parsed.map_err(|_| Error::field("cursor", "cursor.malformed", "start over without it"))
}

async fn show(
    State(app): State<App>,
    who: AdminPage,
    At(id): At<Uuid>,
    Params(shown): Params<Shown>,
) -> Outcome {
    let rule = find(&app, &who, id).await?;
    let (locale, before) = (who.look.locale().to_owned(), before(&shown.cursor)?);
    let wanted = Became::ALL.iter().copied().find(|o| o.as_str() == shown.outcome);
    let view = app
        .read(who.scope(), move |read| {
            let w = Wording::load(read, &locale)?;
            let mut runs = query::runs(read, rule.id, wanted, before, PAGE + 1)?;
            let next = cut(&mut runs, PAGE as usize, |r| r.id.to_string());
            let (last_fired_at, fired_count) = query::fired(read, rule.id, FIRED_CAP)?;
            let here = format!("{HOME}/{id}");
            let word = wanted.map_or("", Became::as_str);
            let others = Became::ALL.iter().map(|o| (o.as_str().to_owned(), wanted == Some(*o)));
            Ok(views::Rule {
                id: id.to_string(),
                sentence: w.sentence(&rule.definition),
                name: rule.name,
                enabled: rule.enabled,
                active_since: rule.active_since,
                last_fired_at,
                fired_count,
                outcomes: std::iter::once(("all".to_owned(), wanted.is_none())).chain(others).collect(),
                runs: runs.into_iter().map(|r| w.run(r)).collect(),
                pager: Pager {
                    first_href: before.map(|_| href(&here, &[("outcome", word)])),
                    next_href: next.map(|c| href(&here, &[("outcome", word), ("cursor", &c)])),
                    total: None,
                },
            })
        })
        .await?;
    who.show(&app, "rules/rule.html", view).await
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Tried {
    days: String,
    ticket: String,
    cursor: String,
}

async fn dry_run_page(
    State(app): State<App>,
    who: AdminPage,
    At(id): At<Uuid>,
    Params(asked): Params<Tried>,
) -> Outcome {
    let rule = find(&app, &who, id).await?;
    let w = wording(&app, &who).await?;
    let after = before(&asked.cursor)?;
    let days_asked: u32 = asked.days.parse().unwrap_or(30);
    let mut view = views::DryRun {
        id: id.to_string(),
        name: rule.name.clone(),
        sentence: w.sentence(&rule.definition),
        days: days(&w, days_asked),
        ticket: asked.ticket.clone(),
        tried: None,
        problems: Vec::new(),
    };
    let which =
        if asked.ticket.trim().is_empty() { Which::Days(days_asked) } else { Which::Ticket(asked.ticket) };
    let found = app
        .read(who.scope(), move |read| dry_run::dry_run(read, &rule.definition, &which, after, PAGE))
        .await;
    match found {
        Ok(found) => {
            let (here, range) = (format!("{HOME}/{id}/dry-run"), days_asked.to_string());
            let pager = Pager {
                first_href: after.map(|_| href(&here, &[("days", &range)])),
                next_href: found
                    .next_cursor
                    .as_ref()
                    .map(|c| href(&here, &[("days", &range), ("cursor", c)])),
                total: None,
            };
            view.tried = Some(w.tried(found, pager));
            who.show(&app, "rules/dry_run.html", view).await
        }
        Err(error) => {
            view.problems = placed(error)?;
            who.again(&app, format!("{HOME}/{id}/dry-run"), "rules/dry_run.html", view).await
        }
    }
}

async fn set_enabled(app: &App, who: &AdminPage, id: Uuid, payload: Payload, enabled: bool) -> Outcome {
    let rule = find(app, who, id).await?;
    let Button { .. } = form(app, &who.caller, payload).await?;
    let patch = RulePatch { enabled: Some(enabled), ..Default::default() };
    match app.write(who.scope(), move |tx| rules::change(tx, rule.id, patch)).await {
        Ok(_) => who.done(format!("{HOME}/{id}"), if enabled { "rules-is-on" } else { "rules-is-off" }),
        // Switching on can fail on what only its form can put right.
        Err(error) => {
            let rule = find(app, who, id).await?;
            again(app, who, Some(id), &Draft { enabled: true, ..Draft::of(&rule) }, error).await
        }
    }
}

async fn enable(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    set_enabled(&app, &who, id, payload, true).await
}

async fn disable(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    set_enabled(&app, &who, id, payload, false).await
}

async fn moved(app: &App, who: &AdminPage, id: Uuid, payload: Payload, by: i64) -> Outcome {
    let rule = find(app, who, id).await?;
    let Button { .. } = form(app, &who.caller, payload).await?;
    app.write(who.scope(), move |tx| rules::move_by(tx, rule.id, by)).await?;
    who.done(HOME, "rules-are-ordered")
}

async fn up(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    moved(&app, &who, id, payload, -1).await
}

async fn down(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    moved(&app, &who, id, payload, 1).await
}

async fn delete(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let rule = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        let back = format!("{HOME}/{id}");
        let (question, button, action) = ("rules-delete-question", "rules-delete", format!("{back}/delete"));
        return who
            .ask(&app, Ask { question, name: &rule.name, button, action, fields: Vec::new(), back })
            .await;
    }
    app.write(who.scope(), move |tx| rules::delete(tx, rule.id)).await?;
    who.done(HOME, "rules-is-deleted")
}

async fn of_ticket(
    State(app): State<App>,
    who: StaffPage,
    At(id): At<Uuid>,
    Params(shown): Params<Shown>,
) -> Outcome {
    let (locale, before, staff) = (who.look.locale().to_owned(), before(&shown.cursor)?, who.staff.clone());
    let view = app
        .read(who.scope(), move |read| {
            let ticket: Id<Ticket> = Id::from_uuid(id);
            let t = desk::tickets::query::get_for_staff(read, &staff, ticket)?;
            let w = Wording::load(read, &locale)?;
            let mut runs = query::runs_of_ticket(read, &staff, ticket, before, PAGE + 1)?;
            let next = cut(&mut runs, PAGE as usize, |r| r.id.to_string());
            let here = format!("/desk/tickets/{id}/rules");
            Ok(views::TicketRuns {
                id: id.to_string(),
                number: t.ticket_number,
                subject: t.subject,
                is_admin: staff.is_admin(),
                runs: runs.into_iter().map(|r| w.run(r)).collect(),
                pager: Pager {
                    first_href: before.map(|_| here.clone()),
                    next_href: next.map(|c| href(&here, &[("cursor", &c)])),
                    total: None,
                },
            })
        })
        .await?;
    who.show(&app, "rules/ticket.html", view).await
}
