//! Tenants, users and keys from the command line. Works beside a running server, which sees the change at once.

use std::io::Read as _;

use base::{Actor, Email, Error, Id, OrNotFound, Result, Role, Secret};
use db::{Db, Scope};
use identity::{KeyScope, User, api_keys, passwords, totp, users};

use crate::wiring::find_tenant;

fn scope(tenant: base::TenantId) -> Scope {
    Scope::tenant(tenant, Actor::operator())
}

/// A password from standard input, its last line break taken off.
pub fn read_password() -> Result<Secret> {
    let mut text = String::new();
    std::io::stdin().take(1024).read_to_string(&mut text).map_err(|e| {
        Error::field("password", "password.unreadable", format!("standard input cannot be read: {e}"))
    })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text)))
}

/// Given, or made and to be shown once.
fn password(db: &Db, from_stdin: bool) -> Result<(Secret, bool)> {
    if from_stdin {
        let password = read_password()?;
        passwords::check(&password)?;
        return Ok((password, false));
    }
    Ok((passwords::generate(&*db.entropy()), true))
}

/// Makes a user who counts as verified; answers the password when it was made here.
pub fn create_user(
    db: &Db,
    tenant: &str,
    email: &str,
    name: &str,
    role: &str,
    from_stdin: bool,
) -> Result<Option<Secret>> {
    let tenant = find_tenant(db, tenant)?;
    let (email, role): (Email, Role) = (email.parse()?, role.parse()?);
    let (password, made) = password(db, from_stdin)?;
    make_user(db, &tenant, email, name, role, &password)?;
    Ok(made.then_some(password))
}

pub fn make_user(
    db: &Db,
    tenant: &identity::TenantRecord,
    email: Email,
    name: &str,
    role: Role,
    password: &Secret,
) -> Result<Id<User>> {
    let hash = passwords::hash(password)?;
    let (name, settings) = (name.to_owned(), tenant.settings.clone());
    db.write_blocking(scope(tenant.id), move |tx| {
        let new = users::NewUser {
            email,
            name,
            role,
            password_hash: Some(hash),
            verified: true,
            locale: settings.locale.clone(),
            time_zone: settings.time_zone.clone(),
        };
        let user = users::create(tx, new)?;
        if role == Role::Customer {
            crm::customers::tie_verified_user(tx, &user)?;
        }
        Ok(user.id)
    })
}

pub fn list_users(db: &Db, tenant: &str) -> Result<Vec<User>> {
    let tenant = find_tenant(db, tenant)?;
    let mut all = Vec::new();
    loop {
        let after = all.last().map(|u: &User| u.id.uuid());
        let page = db.read_blocking(scope(tenant.id), move |read| users::page(read, after, 500))?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

fn find(db: &Db, tenant: base::TenantId, email: &str) -> Result<User> {
    let email: Email = email.parse()?;
    db.read_blocking(scope(tenant), move |read| users::find_by_email(read, &email)?.or_not_found("user"))
}

pub fn set_password(db: &Db, tenant: &str, email: &str, from_stdin: bool) -> Result<Option<Secret>> {
    let tenant = find_tenant(db, tenant)?;
    let user = find(db, tenant.id, email)?;
    let (password, made) = password(db, from_stdin)?;
    let hash = passwords::hash(&password)?;
    db.write_blocking(scope(tenant.id), move |tx| users::set_password(tx, user.id, &hash))?;
    Ok(made.then_some(password))
}

pub fn reset_second_factor(db: &Db, tenant: &str, email: &str) -> Result<()> {
    let tenant = find_tenant(db, tenant)?;
    let user = find(db, tenant.id, email)?;
    db.write_blocking(scope(tenant.id), move |tx| totp::reset(tx, user.id))
}

/// Makes a key and answers its text.
pub fn create_key(db: &Db, tenant: &str, name: &str, key_scope: &str) -> Result<String> {
    let tenant = find_tenant(db, tenant)?;
    let key_scope: KeyScope = key_scope.parse()?;
    let name = name.to_owned();
    let (token, _) = db.write_blocking(scope(tenant.id), move |tx| api_keys::create(tx, &name, key_scope))?;
    Ok(token.reveal().to_owned())
}
