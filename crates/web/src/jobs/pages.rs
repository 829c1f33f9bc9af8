//! Handlers of the jobs page.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Id, OrNotFound};
use db::Tx;
use engine::store::{self, JobRow, JobView};
use identity::audit;
use serde::Deserialize;
use uuid::Uuid;

use super::views;
use crate::{
    http::{
        app::App,
        extract::{At, Params, Payload},
        failure::Outcome,
        page::form,
        person::{AdminPage, Ask, Button, cut, href},
    },
    kit::lists::Pager,
};

const HOME: &str = "/admin/jobs";
const DEAD: &str = "/admin/jobs?state=dead";
const STATES: [&str; 3] = ["queued", "running", "dead"];
const PAGE: u32 = 50;

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list))
        .route("/admin/jobs/{id}/rerun", post(rerun))
        .route("/admin/jobs/{id}/discard", post(discard))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Query {
    state: String,
    cursor: String,
}

async fn list(State(app): State<App>, who: AdminPage, Params(query): Params<Query>) -> Outcome {
    let state = STATES.into_iter().find(|s| *s == query.state).unwrap_or("queued");
    let before = (!query.cursor.is_empty()).then(|| query.cursor.parse::<Uuid>()).transpose();
    let before = before.map_err(|_| Error::field("cursor", "cursor.malformed", "start over without it"))?;
    let (mut jobs, counts) = app
        .read(who.scope(), move |read| {
            Ok((store::list(read, state, before, PAGE + 1)?, store::counts(read)?))
        })
        .await?;
    let next = cut(&mut jobs, PAGE as usize, |j| j.id.to_string());
    let count = |state: &str| {
        let n = counts.iter().find(|(s, _)| s == state).map_or(0, |(_, n)| *n);
        (state.to_owned(), u32::try_from(n).unwrap_or(u32::MAX))
    };
    let view = views::List {
        state: state.into(),
        counts: STATES.map(count).into(),
        jobs: jobs.into_iter().map(row).collect(),
        pager: Pager {
            first_href: before.map(|_| href(HOME, &[("state", state)])),
            next_href: next.map(|id| href(HOME, &[("state", state), ("cursor", &id)])),
            total: None,
        },
    };
    who.show(&app, "jobs/list.html", view).await
}

fn row(j: JobView) -> views::Job {
    views::Job {
        id: j.id.to_string(),
        kind: j.kind,
        key: j.key,
        attempts: j.attempts,
        due_at: j.run_at,
        last_error: j.last_error,
    }
}

fn record(tx: &mut Tx<'_>, event: &'static str, id: Id<JobRow>, kind: &str) -> base::Result<()> {
    let what = serde_json::json!({ "kind": kind });
    audit::record(tx, audit::Change::new(event, "job", Some(id.uuid())).to(&what))
}

/// A dead job; others are not for people to move.
async fn find(app: &App, who: &AdminPage, id: Uuid) -> base::Result<JobView> {
    let found = app.read(who.scope(), move |read| store::dead_job(read, Id::from_uuid(id))).await?;
    found.or_not_found("job")
}

async fn rerun(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let job = find(&app, &who, id).await?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    app.write(who.scope(), move |tx| {
        store::rerun(tx, job.id)?.then_some(()).or_not_found("job")?;
        record(tx, "job.rerun", job.id, &job.kind)
    })
    .await?;
    who.done(DEAD, "jobs-is-rerun")
}

async fn discard(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let job = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        let ask = Ask {
            question: "jobs-discard-question",
            name: &job.kind,
            button: "jobs-discard",
            action: format!("{HOME}/{id}/discard"),
            fields: Vec::new(),
            back: DEAD.into(),
        };
        return who.ask(&app, ask).await;
    }
    app.write(who.scope(), move |tx| {
        store::discard(tx, job.id)?.then_some(()).or_not_found("job")?;
        record(tx, "job.discarded", job.id, &job.kind)
    })
    .await?;
    who.done(DEAD, "jobs-is-discarded")
}
