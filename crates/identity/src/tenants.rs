//! Businesses. Found by host; an unknown host means the only tenant, else nobody's.

use base::{Error, Kind, OrNotFound, Result, TenantId, Timestamp, text};
use db::{Read, Row, Tx, params};
use serde::{Deserialize, Serialize};

use crate::audit;

/// A business and how it wants things.
#[derive(Clone, Debug, Serialize)]
pub struct TenantRecord {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub host: Option<String>,
    pub settings: Settings,
    pub created_at: Timestamp,
}

/// How ticket numbers read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum NumberStyle {
    /// `SUP-00001`, counting up.
    #[default]
    Sequential,
    /// `TCK-` and twelve random characters, which tell nobody how many tickets there are.
    Random,
}

/// What an administrator of the tenant can set. Stored as JSON; a field that is absent has its default.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub ticket_number_style: NumberStyle,
    /// Resolved tickets close by themselves after this many days.
    pub auto_close_days: u32,
    /// A customer's reply reopens a closed ticket for this many days; later it opens a linked follow-up.
    pub reopen_days: u32,
    /// Closed tickets are archived after this many days; 0 means never.
    pub archive_days: u32,
    /// What was said on a deleted ticket is kept for this many days, in case it was a mistake.
    pub deleted_retention_days: u32,
    /// Mail that led nowhere is deleted for good this many days after that was decided: not taken, discarded, written by a
    /// program about no ticket, here already. 0 keeps it. What waits for a decision is never deleted.
    pub stray_mail_retention_days: u32,
    /// An answer from the composer can be taken back for this many seconds; 0 sends at once.
    pub undo_send_seconds: u32,
    /// Customers are asked how it went, this long after their ticket was resolved.
    pub csat_enabled: bool,
    pub csat_delay_minutes: u32,
    /// Any agent may change any ticket, also one assigned to somebody else.
    pub agents_change_any_ticket: bool,
    pub attachment_max_bytes: u64,
    /// Shown on the portal and put in automatic answers, for instance during an outage.
    pub notice_banner: String,
    /// Automatic letters to one address leave at most this often in ten minutes, and ten times that in ten hours; more are held.
    pub letters_to_one_per_10_minutes: u32,
    /// Automatic letters to customers leave at most this often in ten minutes; more are held.
    pub letters_per_10_minutes: u32,
    /// An agent's answer to a notice by mail becomes their answer to the customer, when the mail proves to be theirs.
    pub agents_answer_by_mail: bool,
    pub from_name: String,
    pub from_email: String,
    pub signup_allowed: bool,
    pub time_zone: String,
    pub locale: String,
    pub currency: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ticket_number_style: NumberStyle::Sequential,
            auto_close_days: 7,
            reopen_days: 14,
            archive_days: 0,
            deleted_retention_days: 30,
            stray_mail_retention_days: 90,
            undo_send_seconds: 10,
            csat_enabled: true,
            csat_delay_minutes: 60,
            agents_change_any_ticket: false,
            attachment_max_bytes: 25_000_000,
            notice_banner: String::new(),
            letters_to_one_per_10_minutes: 10,
            letters_per_10_minutes: 2_000,
            agents_answer_by_mail: false,
            from_name: String::new(),
            from_email: String::new(),
            signup_allowed: true,
            time_zone: "UTC".into(),
            locale: "en".into(),
            currency: "EUR".into(),
        }
    }
}

impl Settings {
    /// Says every field that is wrong, at once.
    pub fn check(&self) -> Result<()> {
        let mut wrong = Vec::new();
        let mut range = |field: &str, value: u64, from: u64, to: u64| {
            if value < from || value > to {
                let message = format!("between {from} and {to}");
                wrong.push(base::FieldError { field: field.into(), code: "settings.range", message });
            }
        };
        range("auto_close_days", self.auto_close_days.into(), 1, 365);
        range("reopen_days", self.reopen_days.into(), 0, 3650);
        range("archive_days", self.archive_days.into(), 0, 3650);
        range("deleted_retention_days", self.deleted_retention_days.into(), 1, 3650);
        range("stray_mail_retention_days", self.stray_mail_retention_days.into(), 0, 3650);
        range("undo_send_seconds", self.undo_send_seconds.into(), 0, 120);
        range("csat_delay_minutes", self.csat_delay_minutes.into(), 0, 20_160);
        range("letters_to_one_per_10_minutes", self.letters_to_one_per_10_minutes.into(), 1, 10_000);
        range("letters_per_10_minutes", self.letters_per_10_minutes.into(), 10, 1_000_000);
        range("attachment_max_bytes", self.attachment_max_bytes, 1_000, 100_000_000);
        let mut say = |field: &str, message: &str| {
            wrong.push(base::FieldError {
                field: field.into(),
                code: "settings.invalid",
                message: message.into(),
            });
        };
        if jiff::tz::TimeZone::get(&self.time_zone).is_err() {
            say("time_zone", "expected an IANA time zone such as Europe/Berlin");
        }
        if !self.from_email.is_empty() && self.from_email.parse::<base::Email>().is_err() {
            say("from_email", "expected an address such as support@example.org");
        }
        if self.notice_banner.chars().count() > 500 || self.from_name.chars().count() > 100 {
            say("notice_banner", "at most 500 characters (from_name: 100)");
        }
        if self.from_name.chars().any(char::is_control) {
            say("from_name", "one line of text");
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::fields(wrong)) }
    }
}

db::statements! {
    installation INSERT = "insert into tenants (id, slug, name, host, settings, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?6)
        on conflict do nothing";
    installation ALL = "select id, slug, name, host, settings, created_at from tenants order by slug";
    installation BY_ID = "select id, slug, name, host, settings, created_at from tenants where id = ?1";
    installation SAVE = "update tenants set name = ?2, settings = ?3, updated_at = ?4 where id = ?1";
    installation SET_HOST = "update tenants set host = ?2, updated_at = ?3 where id = ?1";
}

fn map(row: &Row<'_>) -> Result<TenantRecord> {
    let mut c = row.columns();
    let (id, slug, name, host) = (c.next()?, c.next()?, c.next()?, c.next()?);
    let settings = serde_json::from_value(c.next()?).map_err(Error::from_source)?;
    Ok(TenantRecord { id, slug, name, host, settings, created_at: c.next()? })
}

/// Makes a tenant.
pub fn create(tx: &mut Tx<'_>, slug: &str, name: &str, host: Option<&str>) -> Result<TenantId> {
    let id = tx.new_id();
    create_as(tx, id, slug, name, host)
}

/// Makes a tenant under an id that was chosen before, so that what belongs to it commits with it: in work for that
/// tenant, which does not exist until then.
pub fn create_as(
    tx: &mut Tx<'_>,
    id: TenantId,
    slug: &str,
    name: &str,
    host: Option<&str>,
) -> Result<TenantId> {
    let slug_ok = slug.len() <= 40
        && slug.starts_with(|c: char| c.is_ascii_lowercase())
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !slug_ok {
        return Err(Error::field(
            "slug",
            "tenant.slug",
            "lower-case letters, digits and hyphens, beginning with a letter, at most 40",
        ));
    }
    let name = text::line("name", name, 100)?;
    let host = host.map(parse_host).transpose()?;
    check_found(&all(tx)?, slug, host.as_deref())?;
    let now = tx.now();
    let settings = serde_json::to_value(Settings::default()).map_err(Error::from_source)?;
    if tx.execute(&INSERT, params![id, slug, name, host, settings, now])? == 0 {
        return Err(taken(slug));
    }
    tx.wake(db::Wake::Access);
    Ok(id)
}

fn taken(slug: &str) -> Error {
    Error::conflict("tenant.exists", format!("there is a tenant with the slug {slug} or that host already"))
}

/// Whether requests find every business once there is another one: of several, each has a host of its own.
fn check_found(there: &[TenantRecord], slug: &str, host: Option<&str>) -> Result<()> {
    if there.iter().any(|t| t.slug == slug || (host.is_some() && t.host.as_deref() == host)) {
        return Err(taken(slug));
    }
    if let Some(hidden) = there.iter().find(|t| t.host.is_none()) {
        return Err(Error::conflict(
            "tenant.without_host",
            format!(
                "{0} has no host name and answers only while it is the only business; give it one first: counterfoil tenant set-host {0} HOST",
                hidden.slug
            ),
        ));
    }
    if host.is_none() && !there.is_empty() {
        return Err(Error::field(
            "host",
            "tenant.host_missing",
            "a business beside others is found by its host name: --host help.example.org",
        ));
    }
    Ok(())
}

fn parse_host(host: &str) -> Result<String> {
    let host = host.trim().trim_end_matches('.').to_lowercase();
    let ok = !host.is_empty()
        && host.len() <= 253
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    if ok {
        Ok(host)
    } else {
        Err(Error::field(
            "host",
            "tenant.host",
            "a host name without scheme or port, such as help.example.org",
        ))
    }
}

/// Every tenant of the installation.
pub fn all(read: &Read<'_>) -> Result<Vec<TenantRecord>> {
    read.query_all(&ALL, params![], map)
}

pub fn get(read: &Read<'_>, id: TenantId) -> Result<TenantRecord> {
    // Whatever writes many letters asks for each of them.
    read.recall(&BY_ID, params![id], map)?.into_iter().next().or_not_found("tenant")
}

/// The tenant a request is for: by host; an unknown host means the only tenant.
pub fn choose<'t>(tenants: &'t [TenantRecord], host: &str) -> Result<&'t TenantRecord> {
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(h, _)| h);
    let name = name.trim_end_matches('.').to_lowercase();
    if let Some(found) = tenants.iter().find(|t| t.host.as_deref() == Some(name.as_str())) {
        return Ok(found);
    }
    match tenants {
        [only] => Ok(only),
        _ => Err(Error::new(
            Kind::Misdirected,
            "tenant.unknown_host",
            "no business is served under this host name",
        )),
    }
}

/// Changes name and settings, with the change on record.
pub fn save_settings(tx: &mut Tx<'_>, name: &str, settings: &Settings) -> Result<()> {
    settings.check()?;
    let name = text::line("name", name, 100)?;
    let id = tx.tenant()?;
    let before = get(tx, id)?;
    let (value, now) = (serde_json::to_value(settings).map_err(Error::from_source)?, tx.now());
    tx.execute(&SAVE, params![id, name, value, now])?;
    tx.wake(db::Wake::Access);
    let change = audit::Change::new("settings.changed", "tenant", Some(id.uuid()));
    audit::record(tx, change.from(&(&before.name, &before.settings)).to(&(&name, settings)))
}

/// Gives the tenant this work is for a host of its own, with the change on record.
///
/// # Errors
/// `tenant.host`, `tenant.host_taken`.
pub fn set_host(tx: &mut Tx<'_>, host: &str) -> Result<TenantRecord> {
    let (id, host, now) = (tx.tenant()?, parse_host(host)?, tx.now());
    let before = get(tx, id)?;
    let everybody = all(tx)?;
    if let Some(other) = everybody.iter().find(|t| t.id != id && t.host.as_deref() == Some(&*host)) {
        let message = format!("{} is served under this host name", other.slug);
        return Err(Error::field("host", "tenant.host_taken", message));
    }
    tx.execute(&SET_HOST, params![id, host, now])?;
    tx.wake(db::Wake::Access);
    let change = audit::Change::new("tenant.host_changed", "tenant", Some(id.uuid()));
    audit::record(tx, change.from(&before.host).to(&host))?;
    Ok(TenantRecord { host: Some(host), ..before })
}
