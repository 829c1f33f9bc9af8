//! People with a role in one tenant.

use base::{Actor, ActorKind, Email, Error, Id, OrNotFound, Result, Role, Timestamp, text};
use db::{Read, Row, Tx, params};
use serde::Serialize;
use uuid::Uuid;

use crate::{audit, sessions};

/// A person who can sign in. Serialised without anything secret.
#[derive(Clone, Debug, Serialize)]
pub struct User {
    pub id: Id<User>,
    pub email: Email,
    pub name: String,
    pub role: Role,
    pub customer_id: Option<Uuid>,
    pub verified_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    pub totp_confirmed_at: Option<Timestamp>,
    pub locale: String,
    pub time_zone: String,
    pub version: i64,
    pub created_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
    /// Since when rules give them no tickets. They are away while it is set, and until `away_until` where that is.
    pub away_at: Option<Timestamp>,
    pub away_until: Option<Timestamp>,
    #[serde(skip)]
    pub password_hash: Option<String>,
    #[serde(skip)]
    pub totp_secret: Option<String>,
    #[serde(skip)]
    pub totp_last_step: i64,
}

impl User {
    pub fn actor(&self) -> Actor {
        let kind = if self.role.is_staff() { ActorKind::Agent } else { ActorKind::Customer };
        Actor { kind, id: Some(self.id.uuid()), name: self.name.clone() }
    }
    /// Whether rules give them no tickets now.
    pub fn is_away(&self, now: Timestamp) -> bool {
        self.away_at.is_some() && self.away_until.is_none_or(|until| until > now)
    }
    pub fn has_second_factor(&self) -> bool {
        self.totp_confirmed_at.is_some()
    }
}

/// A person about to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub email: Email,
    pub name: String,
    pub role: Role,
    /// Already hashed; `None` for people who sign in by link.
    pub password_hash: Option<String>,
    pub verified: bool,
    pub locale: String,
    pub time_zone: String,
}

macro_rules! columns {
    () => {
        "id, email, name, role, customer_id, verified_at, disabled_at, totp_confirmed_at, locale, time_zone, version, created_at, last_seen_at,
         away_at, away_until, password_hash, totp_secret, totp_last_step"
    };
}

db::statements! {
    INSERT = "insert into users (tenant_id, id, email, email_key, name, role, customer_id, password_hash, verified_at, totp_last_step, locale, time_zone,
        version, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, null, ?7, ?8, 0, ?9, ?10, 1, ?11, ?11) on conflict do nothing";
    BY_ID = concat!("select ", columns!(), " from users where tenant_id = ?1 and id = ?2");
    BY_EMAIL = concat!("select ", columns!(), " from users where tenant_id = ?1 and email_key = ?2");
    STAFF = concat!("select ", columns!(), " from users where tenant_id = ?1 and role <> 'customer' order by name, id");
    EVERYBODY = concat!("select ", columns!(), " from users where tenant_id = ?1 and id > ?2 order by id limit ?3");
    SET_PASSWORD = "update users set password_hash = ?3, version = version + 1, updated_at = ?4 where tenant_id = ?1 and id = ?2";
    SET_VERIFIED = "update users set verified_at = ?3, updated_at = ?3 where tenant_id = ?1 and id = ?2 and verified_at is null";
    SET_CUSTOMER = "update users set customer_id = ?3, updated_at = ?4 where tenant_id = ?1 and id = ?2";
    SET_DISABLED = "update users set disabled_at = ?3, version = version + 1, updated_at = ?4 where tenant_id = ?1 and id = ?2";
    SET_PROFILE = "update users set name = ?3, locale = ?4, time_zone = ?5, version = version + 1, updated_at = ?6 where tenant_id = ?1 and id = ?2";
    SET_ROLE = "update users set role = ?3, version = version + 1, updated_at = ?4 where tenant_id = ?1 and id = ?2";
    SET_AWAY = "update users set away_at = ?3, away_until = ?4, version = version + 1, updated_at = ?5 where tenant_id = ?1 and id = ?2";
    SET_TOTP = "update users set totp_secret = ?3, totp_confirmed_at = ?4, totp_last_step = ?5, version = version + 1, updated_at = ?6 where tenant_id = ?1 and id = ?2";
    USE_TOTP_STEP = "update users set totp_last_step = ?3 where tenant_id = ?1 and id = ?2 and totp_last_step < ?3";
}

fn map(row: &Row<'_>) -> Result<User> {
    let mut c = row.columns();
    Ok(User {
        id: c.next()?,
        email: c.next()?,
        name: c.next()?,
        role: c.next()?,
        customer_id: c.next()?,
        verified_at: c.next()?,
        disabled_at: c.next()?,
        totp_confirmed_at: c.next()?,
        locale: c.next()?,
        time_zone: c.next()?,
        version: c.next()?,
        created_at: c.next()?,
        last_seen_at: c.next()?,
        away_at: c.next()?,
        away_until: c.next()?,
        password_hash: c.next()?,
        totp_secret: c.next()?,
        totp_last_step: c.next()?,
    })
}

/// Makes a person. An address belongs to one person of the tenant.
pub fn create(tx: &mut Tx<'_>, new: NewUser) -> Result<User> {
    let name = text::line("name", &new.name, 100)?;
    let (id, now): (Id<User>, _) = (tx.new_id(), tx.now());
    let verified_at = new.verified.then_some(now);
    let made = tx.execute(
        &INSERT,
        params![
            id,
            new.email,
            new.email.key(),
            name,
            new.role,
            new.password_hash,
            verified_at,
            new.locale,
            new.time_zone,
            now
        ],
    )?;
    if made == 0 {
        return Err(Error::conflict("user.exists", "there is a user with this address already"));
    }
    let user = get(tx, id)?;
    audit::record(tx, audit::Change::new("user.created", "user", Some(id.uuid())).to(&user))?;
    Ok(user)
}

pub fn find(read: &Read<'_>, id: Id<User>) -> Result<Option<User>> {
    read.query_one(&BY_ID, params![id], map)
}
/// The same, asked once in a piece of work: for checks, where somebody may be changed a moment later too.
pub fn find_once(read: &Read<'_>, id: Id<User>) -> Result<Option<User>> {
    Ok(read.recall(&BY_ID, params![id], map)?.pop())
}
pub fn get(read: &Read<'_>, id: Id<User>) -> Result<User> {
    find(read, id)?.or_not_found("user")
}
pub fn find_by_email(read: &Read<'_>, email: &Email) -> Result<Option<User>> {
    read.query_one(&BY_EMAIL, params![email.key()], map)
}

/// Everybody who works here, by name.
pub fn staff(read: &Read<'_>) -> Result<Vec<User>> {
    read.query_all(&STAFF, params![], map)
}

/// Everybody, customers too, by id after the given one.
pub fn page(read: &Read<'_>, after: Option<Uuid>, limit: u32) -> Result<Vec<User>> {
    read.query_all(&EVERYBODY, params![after.unwrap_or(Uuid::nil()), limit], map)
}

/// Who is looked for in a list.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Contained in name or address.
    pub q: Option<String>,
    pub role: Option<Role>,
    pub after: Option<Uuid>,
}

/// Those who match, by id.
pub fn search(read: &Read<'_>, filter: &UserFilter, limit: u32) -> Result<Vec<User>> {
    let mut text = format!("select {} from users where tenant_id = ?1 and id > ?2", columns!());
    let mut values = vec![db::Value::Uuid(filter.after.unwrap_or(Uuid::nil()))];
    if let Some(role) = filter.role {
        values.push(db::Value::Text(role.as_str()));
        text.push_str(&format!(" and role = ?{}", values.len() + 1));
    }
    if let Some(q) = &filter.q {
        values.push(db::dialect::contains_pattern(&q.to_lowercase()));
        let p = values.len() + 1;
        text.push_str(&format!(
            " and (email_key like ?{p} escape '\\' or lower(name) like ?{p} escape '\\')"
        ));
    }
    values.push(db::Value::Int(limit.into()));
    text.push_str(&format!(" order by id limit ?{}", values.len() + 1));
    read.query_all(&db::Sql::built(text), &values, map)
}

/// When the people of these addresses were last here.
pub fn last_seen(read: &Read<'_>, emails: &[Email]) -> Result<Vec<(Email, Timestamp)>> {
    if emails.is_empty() {
        return Ok(Vec::new());
    }
    let among = db::dialect::placeholders(2, emails.len());
    let text = format!(
        "select email, last_seen_at from users where tenant_id = ?1 and last_seen_at is not null and email_key in {among}"
    );
    let values: Vec<_> = emails.iter().map(|e| db::Value::OwnedText(e.key())).collect();
    read.query_all(&db::Sql::built(text), &values, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Sets a new password. Every session ends: whoever knew the old one is out.
pub fn set_password(tx: &mut Tx<'_>, id: Id<User>, hash: &str) -> Result<()> {
    get(tx, id)?;
    let now = tx.now();
    tx.execute(&SET_PASSWORD, params![id, hash, now])?;
    sessions::end_all(tx, id)?;
    audit::record(tx, audit::Change::new("user.password_changed", "user", Some(id.uuid())))
}

/// The address is this person's: they followed a link that went only there.
pub fn set_verified(tx: &mut Tx<'_>, id: Id<User>) -> Result<()> {
    let now = tx.now();
    if tx.execute(&SET_VERIFIED, params![id, now])? == 1 {
        tx.wake(db::Wake::Access);
        audit::record(tx, audit::Change::new("user.verified", "user", Some(id.uuid())))?;
    }
    Ok(())
}

/// Ties a verified person to the customer record of their address.
pub fn set_customer(tx: &mut Tx<'_>, id: Id<User>, customer: Uuid) -> Result<()> {
    let now = tx.now();
    tx.execute(&SET_CUSTOMER, params![id, customer, now])?;
    tx.wake(db::Wake::Access);
    Ok(())
}

pub fn set_disabled(tx: &mut Tx<'_>, id: Id<User>, disabled: bool) -> Result<User> {
    let before = get(tx, id)?;
    let now = tx.now();
    tx.execute(&SET_DISABLED, params![id, disabled.then_some(now), now])?;
    sessions::end_all(tx, id)?;
    let event = if disabled { "user.disabled" } else { "user.enabled" };
    let after = get(tx, id)?;
    audit::record(tx, audit::Change::new(event, "user", Some(id.uuid())).from(&before).to(&after))?;
    Ok(after)
}

/// Changes what a person is. Their sessions end: a new role begins with a new session.
pub fn set_role(tx: &mut Tx<'_>, id: Id<User>, role: Role) -> Result<User> {
    let before = get(tx, id)?;
    if before.role == role {
        return Ok(before);
    }
    if role == Role::SuperAdmin || before.role == Role::SuperAdmin {
        return Err(Error::forbidden(
            "role.command_line_only",
            "the role super_admin is given and taken on the command line only",
        ));
    }
    let now = tx.now();
    tx.execute(&SET_ROLE, params![id, role, now])?;
    sessions::end_all(tx, id)?;
    let after = get(tx, id)?;
    audit::record(
        tx,
        audit::Change::new("user.role_changed", "user", Some(id.uuid())).from(&before).to(&after),
    )?;
    Ok(after)
}

/// The longest one can say to be away for, in days.
const AWAY_DAYS_MAX: i64 = 366;

/// Says that somebody of the staff is away, until an instant or until it is switched off; or is there again.
///
/// # Errors
/// `away.until`, `away.staff_only`.
pub fn set_away(tx: &mut Tx<'_>, id: Id<User>, away: bool, until: Option<Timestamp>) -> Result<User> {
    let before = get(tx, id)?;
    let now = tx.now();
    if !before.role.is_staff() {
        return Err(Error::field("is_away", "away.staff_only", "only staff can be away"));
    }
    if !away && until.is_some() {
        return Err(Error::field("until", "away.until", "goes with is_away true"));
    }
    if until.is_some_and(|u| u <= now || u > now + base::hours(24 * AWAY_DAYS_MAX)) {
        let message = format!("a time to come, at most {AWAY_DAYS_MAX} days from now");
        return Err(Error::field("until", "away.until", message));
    }
    let since = away.then(|| before.away_at.filter(|_| before.is_away(now)).unwrap_or(now));
    if (before.away_at, before.away_until) == (since, until) {
        return Ok(before);
    }
    tx.execute(&SET_AWAY, params![id, since, until, now])?;
    tx.wake(db::Wake::Access);
    let after = get(tx, id)?;
    let event = if away { "user.away" } else { "user.back" };
    audit::record(tx, audit::Change::new(event, "user", Some(id.uuid())).from(&before).to(&after))?;
    Ok(after)
}

pub fn set_profile(tx: &mut Tx<'_>, id: Id<User>, name: &str, locale: &str, time_zone: &str) -> Result<User> {
    let name = text::line("name", name, 100)?;
    if jiff::tz::TimeZone::get(time_zone).is_err() {
        return Err(Error::field(
            "time_zone",
            "time_zone.unknown",
            "expected an IANA time zone such as Europe/Berlin",
        ));
    }
    if !["en", "es", "fr", "de", "pt"].contains(&locale) {
        return Err(Error::field("locale", "locale.unknown", "one of en, es, fr, de, pt"));
    }
    let before = get(tx, id)?;
    let now = tx.now();
    tx.execute(&SET_PROFILE, params![id, name, locale, time_zone, now])?;
    tx.wake(db::Wake::Access);
    let after = get(tx, id)?;
    audit::record(
        tx,
        audit::Change::new("user.profile_changed", "user", Some(id.uuid())).from(&before).to(&after),
    )?;
    Ok(after)
}

pub(crate) fn set_totp(
    tx: &mut Tx<'_>,
    id: Id<User>,
    secret: Option<&str>,
    confirmed: Option<Timestamp>,
    last_step: i64,
) -> Result<()> {
    let now = tx.now();
    tx.execute(&SET_TOTP, params![id, secret, confirmed, last_step, now])?;
    tx.wake(db::Wake::Access);
    Ok(())
}

/// Marks a time step as used. False when it, or a later one, was used before: a code works once.
pub(crate) fn use_totp_step(tx: &mut Tx<'_>, id: Id<User>, step: i64) -> Result<bool> {
    tx.execute(&USE_TOTP_STEP, params![id, step]).map(|n| n == 1)
}
