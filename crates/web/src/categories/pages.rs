//! Handlers of the categories page.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{OrNotFound, Result};
use desk::categories::{self, Category};
use serde::Deserialize;

use super::views;
use crate::{
    http::{
        app::App,
        extract::{At, Payload},
        failure::Outcome,
        page::form,
        person::{AdminPage, Button, problems_as},
    },
    kit::forms::Problem,
};

const HOME: &str = "/admin/categories";
/// Forms say key and label where the operations say slug and name.
const NAMES: [(&str, &str); 2] = [("slug", "key"), ("name", "label")];

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list).post(create))
        .route("/admin/categories/{key}", post(rename))
        .route("/admin/categories/{key}/up", post(up))
        .route("/admin/categories/{key}/down", post(down))
        .route("/admin/categories/{key}/archive", post(archive))
        .route("/admin/categories/{key}/restore", post(restore))
}

async fn view(app: &App, who: &AdminPage, problems: Vec<Problem>) -> Result<views::List> {
    let (all, open) =
        app.read(who.scope(), |read| Ok((categories::all(read)?, categories::open_tickets(read)?))).await?;
    let row = |c: Category| views::Category {
        open_tickets: open.iter().find(|(slug, _)| *slug == c.slug).map_or(0, |(_, n)| *n),
        id: c.slug.clone(),
        key: c.slug,
        label: c.name,
        archived: c.archived_at.is_some(),
    };
    Ok(views::List {
        categories: all.into_iter().map(row).collect(),
        new_label: String::new(),
        new_key: String::new(),
        problems,
    })
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let view = view(&app, &who, Vec::new()).await?;
    who.show(&app, "categories/list.html", view).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewForm {
    label: String,
    #[serde(default)]
    key: String,
}

/// A wire name out of a name: `Wi-Fi & routers` is `wi_fi_routers`.
fn key_of(label: &str) -> String {
    let mut key = String::new();
    for c in label.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => key.push(c),
            _ if !key.is_empty() && !key.ends_with('_') => key.push('_'),
            _ => {}
        }
    }
    key.truncate(40);
    key.trim_end_matches('_').to_owned()
}

async fn create(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let input: NewForm = form(&app, &who.caller, payload).await?;
    let key = if input.key.trim().is_empty() { key_of(&input.label) } else { input.key.trim().to_owned() };
    let label = input.label.clone();
    let made = app.write(who.scope(), move |tx| categories::create(tx, &key, &label)).await;
    match made {
        Ok(_) => who.done(HOME, "categories-created"),
        Err(error) => {
            let view = views::List {
                new_label: input.label,
                new_key: input.key,
                ..view(&app, &who, problems_as(error, &NAMES)?).await?
            };
            who.again(&app, HOME, "categories/list.html", view).await
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NameForm {
    label: String,
}

async fn rename(State(app): State<App>, who: AdminPage, At(key): At<String>, payload: Payload) -> Outcome {
    find(&app, &who, &key).await?;
    let input: NameForm = form(&app, &who.caller, payload).await?;
    let changed =
        app.write(who.scope(), move |tx| categories::change(tx, &key, Some(&input.label), None, None)).await;
    match changed {
        Ok(_) => who.done(HOME, "saved"),
        Err(error) => {
            let view = view(&app, &who, problems_as(error, &NAMES)?).await?;
            who.again(&app, HOME, "categories/list.html", view).await
        }
    }
}

async fn find(app: &App, who: &AdminPage, key: &str) -> Result<Category> {
    let key = key.to_owned();
    let all = app.read(who.scope(), categories::all).await?;
    all.into_iter().find(|c| c.slug == key).or_not_found("category")
}

async fn up(State(app): State<App>, who: AdminPage, At(key): At<String>, payload: Payload) -> Outcome {
    shift(app, who, key, payload, -1).await
}
async fn down(State(app): State<App>, who: AdminPage, At(key): At<String>, payload: Payload) -> Outcome {
    shift(app, who, key, payload, 1).await
}

/// Moves a category past the next one that is in use. Positions are dealt anew, since two may share one.
async fn shift(app: App, who: AdminPage, key: String, payload: Payload, by: isize) -> Outcome {
    find(&app, &who, &key).await?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    app.write(who.scope(), move |tx| {
        let mut all = categories::all(tx)?;
        all.sort_by_key(|c| (c.archived_at.is_some(), c.position));
        let live = all.iter().filter(|c| c.archived_at.is_none()).count();
        let from = all.iter().position(|c| c.slug == key).or_not_found("category")?;
        if let Some(to) = from.checked_add_signed(by).filter(|to| *to < live && from < live) {
            all.swap(from, to);
        }
        for (position, c) in (1i64..).map(|n| n * 10).zip(&all) {
            if c.position != position {
                categories::change(tx, &c.slug, None, Some(position), None)?;
            }
        }
        Ok(())
    })
    .await?;
    who.done(HOME, "saved")
}

async fn archive(State(app): State<App>, who: AdminPage, At(key): At<String>, payload: Payload) -> Outcome {
    set_archived(app, who, key, payload, true).await
}
async fn restore(State(app): State<App>, who: AdminPage, At(key): At<String>, payload: Payload) -> Outcome {
    set_archived(app, who, key, payload, false).await
}

async fn set_archived(app: App, who: AdminPage, key: String, payload: Payload, archived: bool) -> Outcome {
    find(&app, &who, &key).await?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    app.write(who.scope(), move |tx| categories::change(tx, &key, None, None, Some(archived))).await?;
    who.done(HOME, if archived { "categories-is-archived" } else { "categories-is-restored" })
}

#[cfg(test)]
mod tests {
    #[test]
    fn keys_are_made_from_names() {
        assert_eq!(super::key_of("Wi-Fi & routers!"), "wi_fi_routers");
        assert_eq!(super::key_of("  ÄÖ "), "");
    }
}
