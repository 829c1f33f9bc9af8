//! Handlers of the audit page.

use axum::{Router, extract::State, routing::get};
use base::Error;
use identity::audit::{self, AuditEntry};
use serde::Deserialize;
use uuid::Uuid;

use super::views;
use crate::{
    http::{
        app::App,
        extract::Params,
        failure::Outcome,
        person::{AdminPage, cut, filled, href},
    },
    kit::lists::{Filter, FilterOption, Pager, Search},
};

const HOME: &str = "/admin/audit";
const PAGE: u32 = 50;

pub fn routes() -> Router<App> {
    Router::new().route(HOME, get(list))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Query {
    q: String,
    action: String,
    cursor: String,
}

async fn list(State(app): State<App>, who: AdminPage, Params(query): Params<Query>) -> Outcome {
    let before = (!query.cursor.is_empty()).then(|| query.cursor.parse::<Uuid>()).transpose();
    let before = before.map_err(|_| Error::field("cursor", "cursor.malformed", "start over without it"))?;
    // A search goes through every action, so it stands for itself.
    let (q, action) = (filled(Some(query.q.clone())), filled(Some(query.action.clone())));
    let action = action.filter(|_| q.is_none());
    let (text, kind) = (q.clone(), action.clone());
    let (mut found, types) = app
        .read(who.scope(), move |read| {
            let found = match text {
                Some(q) => audit::search(read, &q, before, PAGE + 1)?,
                None => audit::page(read, kind.as_deref(), before, PAGE + 1)?,
            };
            Ok((found, audit::types(read)?))
        })
        .await?;
    let next = cut(&mut found, PAGE as usize, |a| a.id.to_string());
    let option = |kind: String| FilterOption {
        href: href(HOME, &[("action", &kind)]),
        selected: action.as_ref() == Some(&kind),
        label: kind,
    };
    let here = [("q", q.as_deref().unwrap_or_default()), ("action", action.as_deref().unwrap_or_default())];
    let view = views::List {
        search: Search { action: HOME.into(), q: query.q.clone(), keep: Vec::new() },
        filters: vec![Filter {
            label: who.say("audit-what"),
            value: action.clone(),
            clear_href: HOME.into(),
            options: types.into_iter().map(option).collect(),
        }],
        pager: Pager {
            first_href: before.map(|_| href(HOME, &here)),
            next_href: next.map(|id| href(HOME, &[here[0], here[1], ("cursor", &id)])),
            total: None,
        },
        lines: found.into_iter().map(line).collect(),
    };
    who.show(&app, "audit/list.html", view).await
}

fn line(a: AuditEntry) -> views::Line {
    let text = |v: Option<&serde_json::Value>| v.map(|v| serde_json::to_string_pretty(v).unwrap_or_default());
    // What it was done to goes by its name where it has one.
    let name = [&a.after, &a.before].into_iter().flatten().find_map(|v| {
        ["name", "email", "kind"].into_iter().find_map(|field| v.get(field)?.as_str().map(str::to_owned))
    });
    views::Line {
        target: match (name, a.subject_id) {
            (Some(name), _) => format!("{} {name}", a.subject_kind),
            (None, Some(id)) => format!("{} {id}", a.subject_kind),
            (None, None) => a.subject_kind,
        },
        id: a.id.to_string(),
        at: a.created_at,
        actor_name: a.actor.name,
        actor_kind: a.actor.kind.as_str().into(),
        action: a.event_type,
        before: text(a.before.as_ref()),
        after: text(a.after.as_ref()),
        request_id: a.request_id.filter(|r| !r.is_empty()),
    }
}
