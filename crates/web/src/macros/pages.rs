//! Pages of canned replies and macros: lists, and a form with a preview.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use base::{Error, Id, Result};
use db::Read;
use desk::{
    macros::{self, Assign, Kind, Macro, MacroChanges, MacroPatch, NewMacro, Sharing, TextKind},
    tickets::{self, CloseReason, Markdown, Priority, Status, TicketFilter},
};
use identity::{Staff, teams};
use serde::Deserialize;

use super::views::{Edit, List, Preview, Row};
use crate::{
    composing::views::DraftFile,
    help::pages::page_form,
    http::{
        app::App,
        extract::{At, Payload},
        failure::Outcome,
        page::page_with,
        person::{Ask, StaffPage, problems},
        upload::Form,
    },
    kit::{
        forms::{Choice, Problem},
        words,
    },
    tickets::pages::Names,
};

#[derive(Deserialize)]
struct MacroAt {
    id: Id<Macro>,
}

pub fn routes() -> Router<App> {
    let mut router = Router::new();
    for home in [home(Kind::CannedReply), home(Kind::Macro)] {
        router = router
            .route(home, get(list))
            .route(&format!("{home}/new"), get(blank).post(create))
            .route(&format!("{home}/{{id}}"), get(show).post(change))
            .route(&format!("{home}/{{id}}/delete"), post(delete));
    }
    router
}

const fn home(kind: Kind) -> &'static str {
    match kind {
        Kind::CannedReply => "/desk/canned-replies",
        Kind::Macro => "/desk/macros",
    }
}

/// Both kinds have the same pages under addresses of their own.
fn kind_of(who: &StaffPage) -> Kind {
    if who.look.path.starts_with(home(Kind::Macro)) { Kind::Macro } else { Kind::CannedReply }
}

fn tab(kind: Kind) -> String {
    match kind {
        Kind::CannedReply => "canned".into(),
        Kind::Macro => "macros".into(),
    }
}

async fn list(State(app): State<App>, who: StaffPage) -> Outcome {
    let (kind, staff, locale) = (kind_of(&who), who.staff.clone(), who.look.locale().to_owned());
    let rows = app
        .read(who.scope(), move |read| {
            let names = Names::read(read)?;
            let all = teams::all(read)?;
            let found = macros::visible(read, &staff, kind)?;
            Ok(found
                .into_iter()
                .map(|m| Row {
                    href: format!("{}/{}", home(kind), m.id),
                    about: about(&m, &names, &all, &locale),
                    shared: match m.team_id {
                        _ if m.is_for_all => Some(words::say(&locale, "macros-everybody")),
                        Some(team) => all.iter().find(|t| t.id == team).map(|t| t.name.clone()),
                        None => None,
                    },
                    owner: names.of(Some(m.owner_id)).filter(|_| !staff.is_user(Some(m.owner_id))),
                    name: m.name,
                    uses: m.uses,
                    last_used_at: m.last_used_at,
                })
                .collect())
        })
        .await?;
    who.show(&app, "canned_replies/list.html", List { tab: tab(kind), rows }).await
}

/// What one says or does, in one line: "Answers · Resolved · High · +outage".
fn about(m: &Macro, names: &Names, all: &[teams::Team], locale: &str) -> String {
    if m.kind == Kind::CannedReply {
        let line = m.body.split_whitespace().collect::<Vec<_>>().join(" ");
        return line.chars().take(160).collect();
    }
    let c = &m.changes;
    let mut parts: Vec<String> = Vec::new();
    parts.extend(m.text_kind.map(|k| words::say(locale, &format!("macros-does-{}", k.as_str()))));
    parts.extend(c.status.map(|s| words::say(locale, &format!("status-{s}"))));
    parts.extend(c.priority.map(|p| words::say(locale, &format!("priority-{p}"))));
    parts.extend(c.category.as_deref().map(|slug| names.category(slug)));
    parts.extend(c.assigned_to.map(|to| match to {
        Assign::Me => words::say(locale, "filter-me"),
        Assign::Nobody => words::say(locale, "filter-nobody"),
        Assign::To(user) => names.of(Some(user)).unwrap_or_default(),
    }));
    parts.extend(c.team_id.map(|team| match team {
        None => words::say(locale, "filter-no-team"),
        Some(id) => all.iter().find(|t| t.id == id).map_or_else(|| "?".into(), |t| t.name.clone()),
    }));
    parts.extend(c.add_tags.iter().map(|t| format!("+{t}")));
    parts.extend(c.remove_tags.iter().map(|t| format!("−{t}")));
    parts.join(" · ")
}

/// The form with what is typed in it, or what is saved.
struct Filled {
    name: String,
    body: String,
    text_kind: TextKind,
    changes: MacroChanges,
    sharing: Sharing,
    files: Vec<DraftFile>,
    may_change: bool,
}

impl Filled {
    fn blank() -> Self {
        Self {
            name: String::new(),
            body: String::new(),
            text_kind: TextKind::Reply,
            changes: MacroChanges::default(),
            sharing: Sharing::Personal,
            files: Vec::new(),
            may_change: true,
        }
    }

    fn of(m: Macro, staff: &Staff) -> Self {
        Self {
            may_change: staff.is_user(Some(m.owner_id)) || staff.is_admin(),
            sharing: match m.team_id {
                _ if m.is_for_all => Sharing::Everybody,
                Some(team) => Sharing::Team(team),
                None => Sharing::Personal,
            },
            text_kind: m.text_kind.unwrap_or(TextKind::Reply),
            name: m.name,
            body: m.body,
            changes: m.changes,
            files: m
                .files
                .into_iter()
                .map(|f| DraftFile {
                    id: f.id.to_string(),
                    filename: f.file.filename,
                    size_bytes: f.file.size_bytes,
                })
                .collect(),
        }
    }
}

fn edit(
    read: &Read<'_>,
    staff: &Staff,
    kind: Kind,
    id: Option<Id<Macro>>,
    f: Filled,
    locale: &str,
) -> Result<Edit> {
    let names = Names::read(read)?;
    let all = teams::all(read)?;
    let say = |word: &str| words::say(locale, word);
    let keep = || Choice::new("", say("macros-keep"), false);
    let with_keep = |rest: Vec<Choice>| {
        let mut out = vec![keep()];
        out.extend(rest);
        if !out.iter().any(|c| c.selected) {
            out[0].selected = true;
        }
        out
    };
    let c = &f.changes;
    let mine = |t: &&teams::Team| staff.is_admin() || staff.user_id.is_some_and(|me| t.members.contains(&me));
    let mut sharing = vec![Choice::new("personal", say("macros-personal"), f.sharing == Sharing::Personal)];
    sharing.extend(
        all.iter()
            .filter(|t| mine(t) || f.sharing == Sharing::Team(t.id))
            .map(|t| Choice::new(t.id.to_string(), &t.name, f.sharing == Sharing::Team(t.id))),
    );
    if staff.is_admin() || f.sharing == Sharing::Everybody {
        sharing.push(Choice::new("all", say("macros-everybody"), f.sharing == Sharing::Everybody));
    }
    let mut assignees = vec![
        Choice::new("me", say("macros-whoever"), c.assigned_to == Some(Assign::Me)),
        Choice::new("none", say("filter-nobody"), c.assigned_to == Some(Assign::Nobody)),
    ];
    assignees.extend(
        names
            .staff
            .iter()
            .filter(|u| u.disabled_at.is_none())
            .map(|u| Choice::new(u.id.to_string(), &u.name, c.assigned_to == Some(Assign::To(u.id)))),
    );
    let mut in_teams = vec![Choice::new("none", say("filter-no-team"), c.team_id == Some(None))];
    in_teams
        .extend(all.iter().map(|t| Choice::new(t.id.to_string(), &t.name, c.team_id == Some(Some(t.id)))));
    let statuses = Status::ALL.iter().filter(|s| !matches!(s, Status::New | Status::Archived));
    Ok(Edit {
        tab: tab(kind),
        id: id.map(|id| id.to_string()),
        title: String::new(),
        name: f.name,
        body: f.body,
        files: f.files,
        sharing,
        text_kind: f.text_kind.as_str().into(),
        statuses: with_keep(
            statuses
                .map(|s| Choice::new(s.as_str(), say(&format!("status-{s}")), c.status == Some(*s)))
                .collect(),
        ),
        reasons: CloseReason::ALL
            .iter()
            .map(|r| Choice::new(r.as_str(), say(&format!("reason-{r}")), c.close_reason == Some(*r)))
            .collect(),
        priorities: with_keep(
            Priority::ALL
                .iter()
                .map(|p| Choice::new(p.as_str(), say(&format!("priority-{p}")), c.priority == Some(*p)))
                .collect(),
        ),
        categories: with_keep(
            names
                .categories
                .iter()
                .filter(|x| x.archived_at.is_none() || c.category.as_ref() == Some(&x.slug))
                .map(|x| Choice::new(x.slug.clone(), &x.name, c.category.as_ref() == Some(&x.slug)))
                .collect(),
        ),
        assignees: with_keep(assignees),
        teams: if all.is_empty() { Vec::new() } else { with_keep(in_teams) },
        add_tags: c.add_tags.join(", "),
        remove_tags: c.remove_tags.join(", "),
        may_change: f.may_change,
        placeholders: macros::KNOWN.iter().map(|name| format!("{{{{{name}}}}}")).collect(),
        preview: None,
        problems: Vec::new(),
    })
}

async fn draw(app: &App, who: &StaffPage, id: Option<Id<Macro>>, f: Filled) -> Result<Edit> {
    let (kind, staff, locale) = (kind_of(who), who.staff.clone(), who.look.locale().to_owned());
    let title = f.name.clone();
    let mut view = app.read(who.scope(), move |read| edit(read, &staff, kind, id, f, &locale)).await?;
    view.title = title;
    Ok(view)
}

async fn blank(State(app): State<App>, who: StaffPage) -> Outcome {
    let view = draw(&app, &who, None, Filled::blank()).await?;
    who.show(&app, "canned_replies/form.html", view).await
}

async fn saved(app: &App, who: &StaffPage, id: Id<Macro>) -> Result<Macro> {
    let (kind, staff) = (kind_of(who), who.staff.clone());
    app.read(who.scope(), move |read| macros::get_visible(read, &staff, kind, id)).await
}

async fn show(State(app): State<App>, who: StaffPage, At(at): At<MacroAt>) -> Outcome {
    let m = saved(&app, &who, at.id).await?;
    let body = m.body.clone();
    let mut view = draw(&app, &who, Some(at.id), Filled::of(m, &who.staff)).await?;
    view.preview = preview(&app, &who, &body).await?;
    who.show(&app, "canned_replies/form.html", view).await
}

/// A text as it reads on the newest ticket its writer sees.
async fn preview(app: &App, who: &StaffPage, body: &str) -> Result<Option<Preview>> {
    if body.trim().is_empty() {
        return Ok(None);
    }
    let (staff, body) = (who.staff.clone(), body.to_owned());
    app.read(who.scope(), move |read| {
        let (newest, _) =
            tickets::query::list(read, &staff, &TicketFilter { limit: 1, ..TicketFilter::default() })?;
        let (text, number) = match newest.first() {
            Some(t) => {
                let values = macros::values(read, &staff, t)?;
                (macros::fill(&body, &values), Some(t.ticket_number.clone()))
            }
            None => (body, None),
        };
        Ok(Some(Preview { html: Markdown::parse("body", &text)?.html, number }))
    })
    .await
}

/// What was typed, and what of it makes no sense.
fn typed(form: &Form, before: Filled) -> (Filled, Option<Error>) {
    let text = |name: &str| form.get(name).map(str::trim).unwrap_or_default();
    let mut wrong = None;
    let kept: Vec<&str> = form.fields.iter().filter(|(n, _)| n == "kept").map(|(_, v)| v.as_str()).collect();
    let mut f = Filled {
        name: text("name").to_owned(),
        body: form.get("body").unwrap_or_default().replace("\r\n", "\n"),
        text_kind: TextKind::from_word(text("text_kind")).unwrap_or(TextKind::Reply),
        files: before.files.into_iter().filter(|file| kept.contains(&file.id.as_str())).collect(),
        ..before
    };
    match changes(form) {
        Ok(changes) => f.changes = changes,
        Err(error) => wrong = Some(error),
    }
    match text("sharing") {
        "" | "personal" => f.sharing = Sharing::Personal,
        "all" => f.sharing = Sharing::Everybody,
        team => match team.parse() {
            Ok(team) => f.sharing = Sharing::Team(team),
            Err(error) => wrong = Some(error.on_field("sharing")),
        },
    }
    (f, wrong)
}

fn changes(form: &Form) -> Result<MacroChanges> {
    let text = |name: &str| form.get(name).map(str::trim).filter(|v| !v.is_empty());
    let tags = |name: &str| {
        let all = text(name).unwrap_or_default().split(',').map(|t| t.trim().to_owned());
        all.filter(|t| !t.is_empty()).collect::<Vec<_>>()
    };
    let status: Option<Status> = text("status").map(str::parse).transpose()?;
    Ok(MacroChanges {
        status,
        // The select always says one; it means something when the ticket is closed.
        close_reason: match status {
            Some(Status::Closed) => text("close_reason").map(str::parse).transpose()?,
            _ => None,
        },
        priority: text("priority").map(str::parse).transpose()?,
        category: text("category").map(str::to_owned),
        assigned_to: match text("assigned_to") {
            None => None,
            Some("me") => Some(Assign::Me),
            Some("none") => Some(Assign::Nobody),
            Some(id) => Some(Assign::To(id.parse().map_err(|e: Error| e.on_field("assigned_to"))?)),
        },
        team_id: match text("team_id") {
            None => None,
            Some("none") => Some(None),
            Some(id) => Some(Some(id.parse().map_err(|e: Error| e.on_field("team_id"))?)),
        },
        add_tags: tags("add_tags"),
        remove_tags: tags("remove_tags"),
    })
}

async fn create(State(app): State<App>, who: StaffPage, payload: Payload) -> Outcome {
    let form = page_form(&app, &who.caller, payload).await?;
    answer(&app, &who, None, form, Filled::blank()).await
}

async fn change(State(app): State<App>, who: StaffPage, At(at): At<MacroAt>, payload: Payload) -> Outcome {
    let m = saved(&app, &who, at.id).await?;
    let form = page_form(&app, &who.caller, payload).await?;
    let before = Filled::of(m, &who.staff);
    answer(&app, &who, Some(at.id), form, before).await
}

/// Saves the form, or shows it again: with a preview where that was asked, with what is wrong where something is.
async fn answer(app: &App, who: &StaffPage, id: Option<Id<Macro>>, form: Form, before: Filled) -> Outcome {
    let kind = kind_of(who);
    let (filled, mut wrong) = typed(&form, before);
    if form.get("do") == Some("preview") {
        let shown = match macros::check("body", &filled.body) {
            Ok(()) => preview(app, who, &filled.body).await,
            Err(error) => Err(error),
        };
        let mut view = draw(app, who, id, filled).await?;
        match shown {
            Ok(preview) => view.preview = preview,
            Err(error) => view.problems = problems(error)?,
        }
        return again(app, who, view).await;
    }
    if wrong.is_none() {
        let files = form.files.clone();
        let keep: Vec<uuid::Uuid> = filled.files.iter().filter_map(|f| f.id.parse().ok()).collect();
        let (name, body, changes) = (filled.name.clone(), filled.body.clone(), filled.changes.clone());
        let (text_kind, sharing, staff) = (Some(filled.text_kind), filled.sharing, who.staff.clone());
        let done = app
            .write(who.scope(), move |tx| match id {
                None => {
                    let new = NewMacro { kind, name, text_kind, body, changes, sharing, files };
                    macros::save(tx, &staff, new)
                }
                Some(id) => {
                    let patch = MacroPatch {
                        name: Some(name),
                        text_kind: Some(text_kind),
                        body: Some(body),
                        changes: Some(changes),
                        sharing: Some(sharing),
                        add_files: files,
                        keep_files: Some(keep),
                    };
                    macros::change(tx, &staff, kind, id, patch)
                }
            })
            .await;
        match done {
            Ok(_) => return who.done(home(kind), "saved"),
            Err(error) => wrong = Some(error),
        }
    }
    let problems = match wrong {
        Some(error) => named(problems(error)?),
        None => Vec::new(),
    };
    let mut view = draw(app, who, id, filled).await?;
    view.problems = problems;
    again(app, who, view).await
}

/// The form's fields have no `changes.` before them.
fn named(mut list: Vec<Problem>) -> Vec<Problem> {
    for problem in &mut list {
        if let Some(field) = problem.field.strip_prefix("changes.") {
            problem.field = field.to_owned();
        } else if problem.field == "changes" {
            problem.field = "status".into();
        }
    }
    list
}

async fn again(app: &App, who: &StaffPage, view: Edit) -> Outcome {
    let code = if view.problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page_with(app, &who.look, "canned_replies/form.html", view, code).await
}

async fn delete(State(app): State<App>, who: StaffPage, At(at): At<MacroAt>, payload: Payload) -> Outcome {
    let m = saved(&app, &who, at.id).await?;
    let form = page_form(&app, &who.caller, payload).await?;
    let kind = kind_of(&who);
    if form.get("confirmed") != Some("true") {
        let ask = Ask {
            question: "macros-delete-question",
            name: &m.name,
            button: "delete",
            action: format!("{}/{}/delete", home(kind), at.id),
            fields: vec![("confirmed".into(), "true".into())],
            back: format!("{}/{}", home(kind), at.id),
        };
        return who.ask(&app, ask).await;
    }
    let staff = who.staff.clone();
    app.write(who.scope(), move |tx| macros::delete(tx, &staff, kind, at.id)).await?;
    who.done(home(kind), "macros-deleted")
}
