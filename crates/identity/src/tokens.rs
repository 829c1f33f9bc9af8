//! One-time links: one purpose each, stored hashed, gone when used or too old.

use base::{Error, Id, Result, Timestamp, hours, minutes};
use db::{Tx, params};

use crate::{Token, User};

pub enum TokenRow {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Proves a new customer's address.
    Verify,
    /// Signs in without a password.
    MagicLink,
    /// Allows a new password.
    Reset,
    /// Stands for a password that was right while the second factor is asked for.
    SecondFactor,
}

impl Purpose {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::MagicLink => "magic_link",
            Self::Reset => "reset",
            Self::SecondFactor => "second_factor",
        }
    }
    pub const fn lifetime(self) -> jiff::SignedDuration {
        match self {
            Self::Verify => hours(72),
            Self::MagicLink => minutes(20),
            Self::Reset => minutes(60),
            Self::SecondFactor => minutes(10),
        }
    }
}

db::statements! {
    INSERT = "insert into one_time_tokens (tenant_id, id, purpose, token_hash, user_id, expires_at, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    USE = "update one_time_tokens set used_at = ?4 where tenant_id = ?1 and token_hash = ?2 and purpose = ?3 and used_at is null and expires_at > ?4 returning user_id";
    PEEK = "select user_id from one_time_tokens where tenant_id = ?1 and token_hash = ?2 and purpose = ?3 and used_at is null and expires_at > ?4";
    REVOKE = "update one_time_tokens set used_at = ?4 where tenant_id = ?1 and user_id = ?2 and purpose = ?3 and used_at is null";
    FORGET = "delete from one_time_tokens where tenant_id = ?1 and expires_at < ?2";
    installation INSERT_FIRST_RUN = "insert into installation_tokens (token_hash, purpose, expires_at) values (?1, 'first_run', ?2)";
    installation USE_FIRST_RUN = "update installation_tokens set used_at = ?2 where token_hash = ?1 and used_at is null and expires_at > ?2";
    installation FIRST_RUN_IS_LIVE = "select 1 from installation_tokens where token_hash = ?1 and used_at is null and expires_at > ?2";
}

/// A link for one purpose. Older links of the same purpose stop working.
pub fn issue(tx: &mut Tx<'_>, purpose: Purpose, user: Id<User>) -> Result<Token> {
    let token = Token::random("cfl_", tx.entropy());
    let (id, now): (Id<TokenRow>, Timestamp) = (tx.new_id(), tx.now());
    tx.execute(&REVOKE, params![user, purpose.as_str(), now])?;
    tx.execute(&INSERT, params![id, purpose.as_str(), token.hash(), user, now + purpose.lifetime(), now])?;
    Ok(token)
}

/// Uses a link up; of two uses at once one wins.
pub fn redeem(tx: &mut Tx<'_>, purpose: Purpose, token: &str) -> Result<Id<User>> {
    let refused = || {
        Error::invalid("link.used_or_expired", "this link was used already or is too old; ask for a new one")
    };
    let token = Token::parse(token).ok_or_else(refused)?;
    let now = tx.now();
    tx.query_one(&USE, params![token.hash(), purpose.as_str(), now], |row| row.get(0))?.ok_or_else(refused)
}

/// Whose live link this is, without using it up.
pub fn peek(tx: &Tx<'_>, purpose: Purpose, token: &str) -> Result<Id<User>> {
    let refused = || Error::invalid("link.used_or_expired", "this took too long; sign in again");
    let token = Token::parse(token).ok_or_else(refused)?;
    tx.query_one(&PEEK, params![token.hash(), purpose.as_str(), tx.now()], |row| row.get(0))?
        .ok_or_else(refused)
}

pub fn forget_expired(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now() - hours(24 * 7);
    tx.execute(&FORGET, params![before]).map(|_| ())
}

/// The one-time link of an empty installation, printed on the console.
pub fn issue_first_run(tx: &mut Tx<'_>) -> Result<Token> {
    let token = Token::random("cff_", tx.entropy());
    let expires = tx.now() + hours(24);
    tx.execute(&INSERT_FIRST_RUN, params![token.hash(), expires])?;
    Ok(token)
}
pub fn first_run_is_live(read: &db::Read<'_>, token: &str) -> Result<bool> {
    let Some(token) = Token::parse(token) else { return Ok(false) };
    Ok(read.query_one(&FIRST_RUN_IS_LIVE, params![token.hash(), read.now()], |_| Ok(()))?.is_some())
}
pub fn redeem_first_run(tx: &mut Tx<'_>, token: &str) -> Result<()> {
    let now = tx.now();
    let used = match Token::parse(token) {
        Some(token) => tx.execute(&USE_FIRST_RUN, params![token.hash(), now])?,
        None => 0,
    };
    if used == 1 {
        Ok(())
    } else {
        Err(Error::invalid(
            "link.used_or_expired",
            "this link was used already or is too old; restart the server for a new one",
        ))
    }
}
