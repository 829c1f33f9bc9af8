//! The second factor of staff: time-based codes (RFC 6238: SHA-1, 6 digits, 30 s, one step of drift), recovery codes.

use base::{Error, Id, Result, Secret, Timestamp};
use db::{Read, Tx, params};
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Totp};

use crate::{User, audit, token::Token, users};

pub enum CodeRow {}

/// What the person's authenticator is given.
pub struct Enrolment {
    pub secret_base32: String,
    /// `otpauth://` address, for a QR code.
    pub address: String,
}

db::statements! {
    ADD_CODE = "insert into recovery_codes (tenant_id, id, user_id, code_hash) values (?1, ?2, ?3, ?4)";
    CODES_LEFT = "select count(*) from recovery_codes where tenant_id = ?1 and user_id = ?2 and used_at is null";
    DROP_CODES = "delete from recovery_codes where tenant_id = ?1 and user_id = ?2";
    USE_CODE = "update recovery_codes set used_at = ?4 where tenant_id = ?1 and user_id = ?2 and code_hash = ?3 and used_at is null";
}

fn generator(secret_base32: &str, account: &str, issuer: &str) -> Result<Totp> {
    let secret = totp_rs::Secret::try_from_base32(secret_base32)
        .map_err(|e| Error::bug(format!("a stored TOTP secret: {e:?}")))?;
    let clean = |s: &str| s.replace(':', " ");
    Builder::new()
        .with_secret(secret)
        .with_account_name(clean(account))
        .with_issuer(Some(clean(issuer)))
        .build()
        .map_err(|e| Error::bug(format!("TOTP: {e}")))
}

fn step(secret: &str, code: &str, at: Timestamp) -> Result<Option<i64>> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let time = u64::try_from(at.as_second()).unwrap_or(0);
    let step = generator(secret, "account", "Counterfoil")?.check(&code, time);
    Ok(step.and_then(|s| i64::try_from(s).ok()))
}

/// Begins the enrolment: a new secret that does not count until a code proves that the authenticator has it.
pub fn begin(tx: &mut Tx<'_>, user: &User, issuer: &str) -> Result<Enrolment> {
    if user.has_second_factor() {
        return Err(Error::conflict(
            "totp.already_on",
            "the second factor is on already; switch it off first",
        ));
    }
    let mut bytes = [0; 20];
    tx.entropy().fill(&mut bytes);
    let secret_base32 = totp_rs::Secret::new_stack(bytes).to_base32();
    users::set_totp(tx, user.id, Some(&secret_base32), None, 0)?;
    Ok(enrolment_of(user, secret_base32, issuer))
}

/// An enrolment that was begun and not ended yet.
pub fn pending(user: &User, issuer: &str) -> Option<Enrolment> {
    let secret = user.totp_secret.clone().filter(|_| !user.has_second_factor())?;
    Some(enrolment_of(user, secret, issuer))
}

fn enrolment_of(user: &User, secret_base32: String, issuer: &str) -> Enrolment {
    let address = format!(
        "otpauth://totp/{0}:{1}?secret={secret_base32}&issuer={0}",
        percent(issuer),
        percent(user.email.as_str())
    );
    Enrolment { secret_base32, address }
}

/// Ends the enrolment with a code, and answers ten recovery codes, shown once.
pub fn confirm(tx: &mut Tx<'_>, user: &User, code: &str) -> Result<Vec<String>> {
    let secret = user
        .totp_secret
        .as_deref()
        .ok_or_else(|| Error::conflict("totp.not_begun", "begin the enrolment first"))?;
    let now = tx.now();
    let step = step(secret, code, now)?.ok_or_else(|| {
        Error::field("code", "totp.wrong", "that is not the code the authenticator shows now")
    })?;
    users::set_totp(tx, user.id, Some(secret), Some(now), step)?;
    let codes = new_codes(tx, user.id)?;
    audit::record(tx, audit::Change::new("user.second_factor_on", "user", Some(user.id.uuid())))?;
    Ok(codes)
}

/// Ten new recovery codes; the old ones stop working.
pub fn renew_codes(tx: &mut Tx<'_>, user: &User) -> Result<Vec<String>> {
    if !user.has_second_factor() {
        return Err(Error::conflict("totp.off", "the second factor is off"));
    }
    let codes = new_codes(tx, user.id)?;
    audit::record(tx, audit::Change::new("user.recovery_codes_renewed", "user", Some(user.id.uuid())))?;
    Ok(codes)
}

/// How many recovery codes were not used yet.
pub fn codes_left(read: &Read<'_>, user: Id<User>) -> Result<u32> {
    Ok(read.query_one(&CODES_LEFT, params![user], |row| row.get(0))?.unwrap_or(0))
}

fn new_codes(tx: &mut Tx<'_>, user: Id<User>) -> Result<Vec<String>> {
    tx.execute(&DROP_CODES, params![user])?;
    let mut codes = Vec::new();
    for _ in 0..10 {
        let code = Token::random("", tx.entropy()).reveal()[..12].to_owned();
        let id: Id<CodeRow> = tx.new_id();
        tx.execute(&ADD_CODE, params![id, user, hash(&code)])?;
        codes.push(format!("{}-{}-{}", &code[..4], &code[4..8], &code[8..]));
    }
    Ok(codes)
}

/// Whether a code is right now, or is an unused recovery code. Each works once.
pub fn check(tx: &mut Tx<'_>, user: &User, code: &Secret) -> Result<bool> {
    let Some(secret) = user.totp_secret.as_deref() else { return Ok(false) };
    let now = tx.now();
    if let Some(step) = step(secret, code.reveal(), now)? {
        return users::use_totp_step(tx, user.id, step);
    }
    let plain: String =
        code.reveal().chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let used = tx.execute(&USE_CODE, params![user.id, hash(&plain), now])? == 1;
    if used {
        audit::record(tx, audit::Change::new("user.recovery_code_used", "user", Some(user.id.uuid())))?;
    }
    Ok(used)
}

/// Switches the second factor off; by the person, or by an administrator for somebody who lost it.
pub fn reset(tx: &mut Tx<'_>, user: Id<User>) -> Result<()> {
    users::get(tx, user)?;
    users::set_totp(tx, user, None, None, 0)?;
    tx.execute(&DROP_CODES, params![user])?;
    audit::record(tx, audit::Change::new("user.second_factor_off", "user", Some(user.uuid())))
}

fn hash(code: &str) -> [u8; 32] {
    Sha256::digest(code.as_bytes()).into()
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// The code an authenticator shows at an instant. For tests.
pub fn code_at(secret_base32: &str, at: Timestamp) -> Result<String> {
    let time = u64::try_from(at.as_second()).unwrap_or(0);
    Ok(generator(secret_base32, "account", "Counterfoil")?.generate(time).to_string())
}
