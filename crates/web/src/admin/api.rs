//! Administration over JSON: users, teams, categories, keys, settings, audit, jobs, outbox.

use axum::extract::State;
use base::{Error, Id, Result, Role, Secret};
use identity::{
    ApiKey, KeyScope, Settings, User, api_keys,
    audit::{self, AuditEntry},
    passwords,
    teams::{self, Team},
    tenants, totp, users,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    auth::api::UserOut,
    http::{
        answer::{Answer, Created, Idempotency, Nothing, Page, once},
        app::App,
        extract::{AdminCaller, At, Params, Payload, StaffCaller, parse_json},
        failure::Outcome,
        part::Part,
    },
    tickets::{
        api::{id_cursor, read_json_body},
        wire::{email, limit},
    },
};

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ThingAt {
    pub id: uuid::Uuid,
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct PageQuery {
    pub cursor: Option<String>,
    pub limit: Option<String>,
}

/// Everybody of the tenant, oldest first; agents need the list to assign.
pub async fn list_users(
    State(app): State<App>,
    who: StaffCaller,
    Params(query): Params<PageQuery>,
) -> Outcome<Answer<Page<UserOut>>> {
    if !who.staff.role.sees_all_tickets() {
        return Err(
            Error::forbidden("role.no_users", "the list of users is for those who assign tickets").into()
        );
    }
    let (after, limit) = (id_cursor(query.cursor.as_ref())?, limit(query.limit.as_ref())?);
    let admin = who.staff.is_admin();
    let mut found = app
        .read(who.caller.scope(), move |read| {
            if admin {
                return users::page(read, after, limit + 1);
            }
            let mut staff = users::staff(read)?;
            staff.sort_by_key(|u| u.id);
            staff.retain(|u| after.is_none_or(|a| u.id.uuid() > a));
            staff.truncate(limit as usize + 1);
            Ok(staff)
        })
        .await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|u| u.id.to_string());
    Ok(Answer::ok(Page { items: found.iter().map(Into::into).collect(), next_cursor }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserIn {
    pub email: String,
    pub name: String,
    pub role: Role,
    /// Without one they sign in by a link that is mailed to them.
    pub password: Option<Secret>,
}

pub async fn create_user(State(app): State<App>, who: AdminCaller, payload: Payload) -> Outcome<Created> {
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), "admin.users", &body)?;
    let input: UserIn = parse_json(&body)?;
    Ok(make_user(&app, &who, input, key).await?)
}

pub async fn make_user(
    app: &App,
    who: &AdminCaller,
    input: UserIn,
    key: Option<Idempotency>,
) -> Result<Created> {
    let email = email("email", &input.email)?;
    if input.role == Role::SuperAdmin {
        return Err(Error::forbidden(
            "role.command_line_only",
            "the role super_admin is given on the command line only",
        ));
    }
    let hash = match input.password {
        Some(password) => {
            passwords::check(&password)?;
            Some(app.blocking(move || passwords::hash(&password)).await??)
        }
        None => None,
    };
    let settings = who.caller.tenant.settings.clone();
    let (name, role) = (input.name, input.role);
    app.write(who.caller.scope(), move |tx| {
        once(tx, key.as_ref(), |tx| {
            let new = users::NewUser {
                email,
                name,
                role,
                password_hash: hash,
                // Staff are vouched for by the administrator; a customer proves the address.
                verified: role.is_staff(),
                locale: settings.locale.clone(),
                time_zone: settings.time_zone.clone(),
            };
            Ok(UserOut::from(&users::create(tx, new)?))
        })
    })
    .await
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserPatchIn {
    pub name: Option<String>,
    pub role: Option<Role>,
    pub disabled: Option<bool>,
    pub password: Option<Secret>,
    /// True switches the second factor off, for somebody who lost it.
    pub reset_second_factor: Option<bool>,
}

pub async fn change_user(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<UserOut>> {
    let id: Id<User> = Id::from_uuid(at.id);
    app.read(who.caller.scope(), move |read| users::get(read, id)).await?;
    let input: UserPatchIn = payload.json().await?;
    Ok(Answer::ok(patch_user(&app, &who, id, input).await?))
}

pub async fn patch_user(app: &App, who: &AdminCaller, id: Id<User>, input: UserPatchIn) -> Result<UserOut> {
    let own = who.staff.is_user(Some(id));
    if own && (input.disabled == Some(true) || input.role.is_some_and(|r| r != who.staff.role)) {
        return Err(Error::conflict(
            "user.yourself",
            "you cannot take your own role or account away; another administrator can",
        ));
    }
    let actor_role = who.staff.role;
    let hash = match input.password {
        Some(password) => {
            passwords::check(&password)?;
            Some(app.blocking(move || passwords::hash(&password)).await??)
        }
        None => None,
    };
    app.write(who.caller.scope(), move |tx| {
        let before = users::get(tx, id)?;
        if before.role == Role::SuperAdmin && actor_role != Role::SuperAdmin {
            return Err(Error::forbidden(
                "role.command_line_only",
                "a super_admin is changed on the command line only",
            ));
        }
        if let Some(name) = &input.name {
            users::set_profile(tx, id, name, &before.locale, &before.time_zone)?;
        }
        if let Some(role) = input.role {
            users::set_role(tx, id, role)?;
        }
        if let Some(disabled) = input.disabled.filter(|d| *d != before.disabled_at.is_some()) {
            users::set_disabled(tx, id, disabled)?;
        }
        if let Some(hash) = &hash {
            users::set_password(tx, id, hash)?;
        }
        if input.reset_second_factor == Some(true) {
            totp::reset(tx, id)?;
        }
        Ok(UserOut::from(&users::get(tx, id)?))
    })
    .await
}

#[derive(Serialize, JsonSchema)]
pub struct TeamOut {
    pub id: Id<Team>,
    pub name: String,
    pub members: Vec<Id<User>>,
    pub created_at: base::Timestamp,
}
impl From<Team> for TeamOut {
    fn from(t: Team) -> Self {
        Self { id: t.id, name: t.name, members: t.members, created_at: t.created_at }
    }
}

pub async fn list_teams(
    State(app): State<App>,
    who: StaffCaller,
    Params(part): Params<Part>,
) -> Outcome<Answer<Page<TeamOut>>> {
    let place = part.place()?;
    let teams = app.read(who.caller.scope(), teams::all).await?;
    Ok(Answer::ok(place.of(teams.into_iter().map(Into::into).collect())))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamIn {
    pub name: String,
    #[serde(default)]
    pub members: Vec<Id<User>>,
}

pub async fn create_team(State(app): State<App>, who: AdminCaller, payload: Payload) -> Outcome<Created> {
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), "admin.teams", &body)?;
    let input: TeamIn = parse_json(&body)?;
    let created = app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                let team = teams::create(tx, &input.name)?;
                let team = if input.members.is_empty() {
                    team
                } else {
                    teams::set_members(tx, team.id, &input.members)?
                };
                Ok(TeamOut::from(team))
            })
        })
        .await?;
    Ok(created)
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TeamPatchIn {
    pub name: Option<String>,
    pub members: Option<Vec<Id<User>>>,
}

pub async fn change_team(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<TeamOut>> {
    let id: Id<Team> = Id::from_uuid(at.id);
    app.read(who.caller.scope(), move |read| teams::get(read, id)).await?;
    let input: TeamPatchIn = payload.json().await?;
    let team = app
        .write(who.caller.scope(), move |tx| {
            if let Some(name) = &input.name {
                teams::rename(tx, id, name)?;
            }
            if let Some(members) = &input.members {
                teams::set_members(tx, id, members)?;
            }
            teams::get(tx, id)
        })
        .await?;
    Ok(Answer::ok(team.into()))
}

#[derive(Serialize, JsonSchema)]
pub struct KeyOut {
    pub id: Id<ApiKey>,
    pub name: String,
    pub prefix: String,
    pub scope: KeyScope,
    pub created_at: base::Timestamp,
    pub last_used_at: Option<base::Timestamp>,
    pub revoked_at: Option<base::Timestamp>,
}
impl From<ApiKey> for KeyOut {
    fn from(k: ApiKey) -> Self {
        Self {
            id: k.id,
            name: k.name,
            prefix: k.prefix,
            scope: k.scope,
            created_at: k.created_at,
            last_used_at: k.last_used_at,
            revoked_at: k.revoked_at,
        }
    }
}

pub async fn list_keys(
    State(app): State<App>,
    who: AdminCaller,
    Params(part): Params<Part>,
) -> Outcome<Answer<Page<KeyOut>>> {
    let place = part.place()?;
    let keys = app.read(who.caller.scope(), api_keys::all).await?;
    Ok(Answer::ok(place.of(keys.into_iter().map(Into::into).collect())))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyIn {
    pub name: String,
    pub scope: KeyScope,
}

/// A key with its text, this once.
#[derive(Serialize, JsonSchema)]
pub struct NewKeyOut {
    #[serde(flatten)]
    pub key: KeyOut,
    pub token: String,
}

pub async fn create_key(
    State(app): State<App>,
    who: AdminCaller,
    payload: Payload,
) -> Outcome<Answer<NewKeyOut>> {
    let input: KeyIn = payload.json().await?;
    let (token, key) =
        app.write(who.caller.scope(), move |tx| api_keys::create(tx, &input.name, input.scope)).await?;
    Ok(Answer::created(NewKeyOut { key: key.into(), token: token.reveal().to_owned() }))
}

pub async fn revoke_key(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Nothing> {
    app.write(who.caller.scope(), move |tx| api_keys::revoke(tx, Id::from_uuid(at.id))).await?;
    Ok(Nothing)
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct AuditQuery {
    pub event_type: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<String>,
}

pub async fn list_audit(
    State(app): State<App>,
    who: AdminCaller,
    Params(query): Params<AuditQuery>,
) -> Outcome<Answer<Page<AuditEntry>>> {
    let (before, limit) = (id_cursor(query.cursor.as_ref())?, limit(query.limit.as_ref())?);
    let mut items = app
        .read(who.caller.scope(), move |read| {
            audit::page(read, query.event_type.as_deref(), before, limit + 1)
        })
        .await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next_cursor = items.last().filter(|_| more).map(|a| a.id.to_string());
    Ok(Answer::ok(Page { items, next_cursor }))
}

#[derive(Serialize, JsonSchema)]
pub struct SettingsOut {
    pub name: String,
    pub settings: Settings,
}

pub async fn show_settings(who: AdminCaller) -> Outcome<Answer<SettingsOut>> {
    Ok(Answer::ok(SettingsOut {
        name: who.caller.tenant.name.clone(),
        settings: who.caller.tenant.settings.clone(),
    }))
}

/// The settings as they should be from now on; what is left out gets its default.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsIn {
    pub name: Option<String>,
    pub settings: Settings,
}

pub async fn save_settings(
    State(app): State<App>,
    who: AdminCaller,
    payload: Payload,
) -> Outcome<Answer<SettingsOut>> {
    let input: SettingsIn = payload.json().await?;
    let name = input.name.unwrap_or_else(|| who.caller.tenant.name.clone());
    let out = app
        .write(who.caller.scope(), move |tx| {
            tenants::save_settings(tx, &name, &input.settings)?;
            Ok(SettingsOut { name, settings: input.settings })
        })
        .await?;
    Ok(Answer::ok(out))
}

pub async fn list_categories(
    State(app): State<App>,
    caller: crate::http::caller::Caller,
    Params(part): Params<Part>,
) -> Outcome<Answer<Page<desk::categories::Category>>> {
    let place = part.place()?;
    let staff = caller.principal.staff().is_some();
    let mut items = app.read(caller.scope(), desk::categories::all).await?;
    items.retain(|c| staff || c.archived_at.is_none());
    Ok(Answer::ok(place.of(items)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryIn {
    pub slug: String,
    pub name: String,
}

pub async fn create_category(
    State(app): State<App>,
    who: AdminCaller,
    payload: Payload,
) -> Outcome<Answer<desk::categories::Category>> {
    let input: CategoryIn = payload.json().await?;
    let made = app
        .write(who.caller.scope(), move |tx| desk::categories::create(tx, &input.slug, &input.name))
        .await?;
    Ok(Answer::created(made))
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CategoryPatchIn {
    pub name: Option<String>,
    pub position: Option<i64>,
    pub archived: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CategoryAt {
    pub slug: String,
}

pub async fn change_category(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<CategoryAt>,
    payload: Payload,
) -> Outcome<Answer<desk::categories::Category>> {
    let input: CategoryPatchIn = payload.json().await?;
    let changed = app
        .write(who.caller.scope(), move |tx| {
            desk::categories::change(tx, &at.slug, input.name.as_deref(), input.position, input.archived)
        })
        .await?;
    Ok(Answer::ok(changed))
}

#[derive(Serialize, JsonSchema)]
pub struct CustomerOut {
    pub id: uuid::Uuid,
    pub email: base::Email,
    pub name: String,
    pub phone: Option<String>,
    pub company: Option<String>,
    pub service_address: Option<String>,
    pub plan: Option<String>,
    pub internal_notes: String,
    pub verified_at: Option<base::Timestamp>,
    pub created_at: base::Timestamp,
    pub updated_at: base::Timestamp,
}
impl From<crm::CustomerRecord> for CustomerOut {
    fn from(c: crm::CustomerRecord) -> Self {
        Self {
            id: c.id.uuid(),
            email: c.email,
            name: c.name,
            phone: c.phone,
            company: c.company,
            service_address: c.service_address,
            plan: c.plan,
            internal_notes: c.internal_notes,
            verified_at: c.verified_at,
            created_at: c.created_at,
            updated_at: c.updated_at,
        }
    }
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct CustomerQuery {
    pub q: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<String>,
}

pub async fn list_customers(
    State(app): State<App>,
    who: StaffCaller,
    Params(query): Params<CustomerQuery>,
) -> Outcome<Answer<Page<CustomerOut>>> {
    if !who.staff.role.sees_all_tickets() {
        return Err(Error::forbidden(
            "role.no_customers",
            "the list of customers is for agents and administrators",
        )
        .into());
    }
    let (before, limit) = (id_cursor(query.cursor.as_ref())?, limit(query.limit.as_ref())?);
    let mut found = app
        .read(who.caller.scope(), move |read| {
            match query.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
                Some(q) => crm::customers::search(read, q, before, limit + 1),
                None => crm::customers::page(read, before, limit + 1),
            }
        })
        .await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|c| c.id.to_string());
    Ok(Answer::ok(Page { items: found.into_iter().map(Into::into).collect(), next_cursor }))
}

pub async fn show_customer(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ThingAt>,
) -> Outcome<Answer<CustomerOut>> {
    if !who.staff.role.sees_all_tickets() {
        return Err(Error::not_found("customer").into());
    }
    let found =
        app.read(who.caller.scope(), move |read| crm::customers::get(read, Id::from_uuid(at.id))).await?;
    Ok(Answer::ok(found.into()))
}
