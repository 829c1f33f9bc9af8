//! Handlers of the user pages.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Email, Error, Id, OrNotFound, Result, Role, Timestamp};
use identity::{User, tokens::Purpose, users};
use serde::Deserialize;
use uuid::Uuid;

use super::views;
use crate::{
    admin::api::{UserIn, UserPatchIn, make_user, patch_user},
    auth::api::mail_link,
    http::{
        app::App,
        extract::{At, Params, Payload},
        failure::Outcome,
        page::{form, told},
        person::{AdminPage, Ask, Button, cut, filled, href, problems},
    },
    kit::{
        chrome::Tone,
        forms::{Choice, Problem},
        lists::{Filter, FilterOption, Pager, Search},
    },
};

const HOME: &str = "/admin/users";
const PAGE: u32 = 50;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin", get(async || axum::response::Redirect::to(HOME)))
        .route(HOME, get(list))
        .route("/admin/users/new", get(new).post(create))
        .route("/admin/users/{id}", get(show).post(change))
        .route("/admin/users/{id}/disable", post(disable))
        .route("/admin/users/{id}/enable", post(enable))
        .route("/admin/users/{id}/reset-password", post(reset_password))
        .route("/admin/users/{id}/reset-2fa", post(reset_second_factor))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Query {
    q: String,
    role: String,
    cursor: String,
}

async fn list(State(app): State<App>, who: AdminPage, Params(query): Params<Query>) -> Outcome {
    let role = (!query.role.is_empty()).then(|| query.role.parse::<Role>()).transpose()?;
    let after = (!query.cursor.is_empty()).then(|| query.cursor.parse::<Uuid>()).transpose();
    let after = after.map_err(|_| Error::field("cursor", "cursor.malformed", "start over without it"))?;
    let filter = users::UserFilter { q: filled(Some(query.q.clone())), role, after };
    let mut found = app.read(who.scope(), move |read| users::search(read, &filter, PAGE + 1)).await?;
    let next = cut(&mut found, PAGE as usize, |u| u.id.to_string());
    let option = |r: Role| FilterOption {
        label: who.say(&format!("role-{r}")),
        href: href(HOME, &[("q", &query.q), ("role", r.as_str())]),
        selected: role == Some(r),
    };
    let roles = Filter {
        label: who.say("users-role"),
        value: role.map(|r| who.say(&format!("role-{r}"))),
        clear_href: href(HOME, &[("q", &query.q)]),
        options: Role::ALL.into_iter().map(option).collect(),
    };
    let keep = role.map(|r| ("role".to_owned(), r.to_string())).into_iter().collect();
    let here = [("q", query.q.as_str()), ("role", query.role.as_str())];
    let view = views::List {
        search: Search { action: HOME.into(), q: query.q.clone(), keep },
        filters: vec![roles],
        users: found.into_iter().map(row).collect(),
        pager: Pager {
            first_href: after.map(|_| href(HOME, &here)),
            next_href: next.map(|id| href(HOME, &[here[0], here[1], ("cursor", &id)])),
            total: None,
        },
    };
    who.show(&app, "users/list.html", view).await
}

fn row(u: User) -> views::UserRow {
    views::UserRow {
        id: u.id.to_string(),
        has_totp: u.has_second_factor(),
        name: u.name,
        email: u.email.to_string(),
        role: u.role.to_string(),
        disabled: u.disabled_at.is_some(),
        last_seen_at: u.last_seen_at,
    }
}

/// The roles an administrator may give; a super_admin keeps theirs.
fn roles(who: &AdminPage, selected: &str) -> Vec<Choice> {
    let offered = Role::ALL.into_iter().filter(|r| *r != Role::SuperAdmin || selected == "super_admin");
    offered.map(|r| Choice::new(r.as_str(), who.say(&format!("role-{r}")), r.as_str() == selected)).collect()
}

fn new_view(who: &AdminPage, name: String, email: String, role: &str, problems: Vec<Problem>) -> views::Form {
    views::Form { name, email, roles: roles(who, role), problems, ..views::Form::default() }
}

async fn new(State(app): State<App>, who: AdminPage) -> Outcome {
    let view = new_view(&who, String::new(), String::new(), "agent", Vec::new());
    who.show(&app, "users/form.html", view).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewForm {
    name: String,
    email: String,
    role: String,
}

async fn create(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let input: NewForm = form(&app, &who.caller, payload).await?;
    match make(&app, &who, &input).await {
        Ok(id) => {
            let page = format!("{HOME}/{id}");
            // The account is made whether or not the letter may leave now; the page has a button to try again.
            match mail_link(&app, &who.caller, &input.email, Purpose::Reset).await {
                Ok(()) => who.done(page, "users-created"),
                Err(error) => Ok(told(&page, Tone::Warn, error.message())),
            }
        }
        Err(error) => {
            let view = new_view(&who, input.name, input.email, &input.role, problems(error)?);
            who.again(&app, "/admin/users/new", "users/form.html", view).await
        }
    }
}

async fn make(app: &App, who: &AdminPage, input: &NewForm) -> Result<Id<User>> {
    let role = input.role.parse::<Role>()?;
    let new = UserIn { email: input.email.clone(), name: input.name.clone(), role, password: None };
    make_user(app, &who.who, new, None).await?;
    let email: Email = input.email.parse()?;
    let made = app.read(who.scope(), move |read| users::find_by_email(read, &email)).await?;
    Ok(made.or_not_found("user")?.id)
}

async fn find(app: &App, who: &AdminPage, id: Uuid) -> Result<User> {
    app.read(who.scope(), move |read| users::get(read, Id::from_uuid(id))).await
}

/// The page again, with what was wrong in a form on it.
pub(crate) async fn refused(app: &App, who: &AdminPage, id: Uuid, problems: Vec<Problem>) -> Outcome {
    let user = find(app, who, id).await?;
    let view = views::Form { problems, ..user_view(who, &user, app.db().now()) };
    who.again(app, format!("{HOME}/{id}"), "users/form.html", view).await
}

fn user_view(who: &AdminPage, user: &User, now: Timestamp) -> views::Form {
    views::Form {
        id: Some(user.id.to_string()),
        name: user.name.clone(),
        email: user.email.to_string(),
        roles: roles(who, user.role.as_str()),
        disabled: user.disabled_at.is_some(),
        has_totp: user.has_second_factor(),
        created_at: Some(user.created_at),
        last_seen_at: user.last_seen_at,
        is_self: user.id == who.user.id,
        away: user.role.is_staff().then(|| crate::account::away::view(user, now)),
        problems: Vec::new(),
    }
}

async fn show(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let user = find(&app, &who, id).await?;
    who.show(&app, "users/form.html", user_view(&who, &user, app.db().now())).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeForm {
    name: String,
    role: String,
}

async fn change(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let user = find(&app, &who, id).await?;
    let input: ChangeForm = form(&app, &who.caller, payload).await?;
    let patch = input.role.parse::<Role>().map(|role| UserPatchIn {
        name: Some(input.name.clone()),
        role: Some(role),
        ..UserPatchIn::default()
    });
    let saved = match patch {
        Ok(patch) => patch_user(&app, &who.who, user.id, patch).await,
        Err(error) => Err(error),
    };
    match saved {
        Ok(_) => who.done(HOME, "saved"),
        Err(error) => {
            let problems = problems(error)?;
            let view = views::Form {
                name: input.name,
                roles: roles(&who, &input.role),
                problems,
                ..user_view(&who, &user, app.db().now())
            };
            who.again(&app, format!("{HOME}/{id}"), "users/form.html", view).await
        }
    }
}

async fn disable(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let user = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        return ask(&app, &who, &user, "disable", "users-disable-question", "users-disable").await;
    }
    act(
        &app,
        &who,
        &user,
        UserPatchIn { disabled: Some(true), ..UserPatchIn::default() },
        "users-is-disabled",
    )
    .await
}

async fn enable(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let user = find(&app, &who, id).await?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    act(
        &app,
        &who,
        &user,
        UserPatchIn { disabled: Some(false), ..UserPatchIn::default() },
        "users-is-enabled",
    )
    .await
}

async fn reset_second_factor(
    State(app): State<App>,
    who: AdminPage,
    At(id): At<Uuid>,
    payload: Payload,
) -> Outcome {
    let user = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        return ask(&app, &who, &user, "reset-2fa", "users-reset-2fa-question", "users-reset-2fa").await;
    }
    let patch = UserPatchIn { reset_second_factor: Some(true), ..UserPatchIn::default() };
    act(&app, &who, &user, patch, "users-2fa-is-reset").await
}

async fn reset_password(
    State(app): State<App>,
    who: AdminPage,
    At(id): At<Uuid>,
    payload: Payload,
) -> Outcome {
    let user = find(&app, &who, id).await?;
    let Button { .. } = form(&app, &who.caller, payload).await?;
    if user.disabled_at.is_some() {
        return Err(Error::conflict("user.disabled", "this account is disabled; enable it first").into());
    }
    mail_link(&app, &who.caller, user.email.as_str(), Purpose::Reset).await?;
    who.done(format!("{HOME}/{id}"), "users-link-sent")
}

async fn act(app: &App, who: &AdminPage, user: &User, patch: UserPatchIn, word: &str) -> Outcome {
    patch_user(app, &who.who, user.id, patch).await?;
    who.done(format!("{HOME}/{}", user.id), word)
}

async fn ask(app: &App, who: &AdminPage, user: &User, act: &str, question: &str, button: &str) -> Outcome {
    let back = format!("{HOME}/{}", user.id);
    let action = format!("{back}/{act}");
    who.ask(app, Ask { question, name: &user.name, button, action, fields: Vec::new(), back }).await
}
