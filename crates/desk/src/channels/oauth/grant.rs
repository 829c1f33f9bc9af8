//! What a provider gave us for a channel, and whose turn it is to fetch the next token.
//!
//! Of several servers one fetches at a time: it takes a lease on the row and a number, and what it brings back counts only
//! under that number.

use base::{Error, Id, Kind, OrNotFound, Result, Secret, Timestamp, seconds};
use db::{Read, Row, Tx, Wake, params};
use serde::Serialize;

use super::{
    attempt::Attempt,
    client::{self, OauthClient},
    provider::Provider,
    wire::Tokens,
};
use crate::channels::{
    MailChannel,
    mailbox::{self, ChannelMailbox, SignedIn},
    outgoing,
};

/// The next token is fetched so long before the end of this one, in seconds, or at three quarters of a short life.
const EARLY_SECONDS: u64 = 300;
/// A call to a provider ends by itself long before.
const LEASE_SECONDS: i64 = 60;

/// A connection, without its tokens.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Grant {
    pub channel_id: Id<MailChannel>,
    pub provider: Provider,
    /// Who signed in, as the provider says; absent where it does not.
    pub account: Option<String>,
    /// The provider took it back: somebody has to sign in again.
    pub ended_at: Option<Timestamp>,
    /// The administrator who connected it.
    pub connected_by: String,
    pub connected_at: Timestamp,
}

db::statements! {
    OF = "select channel_id, provider, account, ended_at, connected_by, connected_at from channel_grants where tenant_id = ?1 and channel_id = ?2";
    KEEP = "insert into channel_grants (tenant_id, channel_id, provider, account, refresh_token, access_token, expires_at, renew_at, run, connected_by,
        connected_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10)
        on conflict (tenant_id, channel_id) do update set provider = excluded.provider, account = excluded.account,
        refresh_token = excluded.refresh_token, access_token = excluded.access_token, expires_at = excluded.expires_at, renew_at = excluded.renew_at,
        refreshing_until = null, run = channel_grants.run + 1, ended_at = null, connected_by = excluded.connected_by,
        connected_at = excluded.connected_at";
    LOCK = "select provider, refresh_token, access_token, expires_at, renew_at, refreshing_until, run, ended_at from channel_grants
        where tenant_id = ?1 and channel_id = ?2 {lock}";
    LEASE = "update channel_grants set refreshing_until = ?3, run = run + 1 where tenant_id = ?1 and channel_id = ?2 returning run";
    RENEWED = "update channel_grants set access_token = ?4, refresh_token = coalesce(?5, refresh_token), expires_at = ?6, renew_at = ?7,
        refreshing_until = null where tenant_id = ?1 and channel_id = ?2 and run = ?3";
    FAILED = "update channel_grants set refreshing_until = null, ended_at = ?4 where tenant_id = ?1 and channel_id = ?2 and run = ?3";
    DELETE = "delete from channel_grants where tenant_id = ?1 and channel_id = ?2";
    DELETE_ATTEMPTS = "delete from oauth_attempts where tenant_id = ?1 and channel_id = ?2";
}

fn map(row: &Row<'_>) -> Result<Grant> {
    let mut c = row.columns();
    Ok(Grant {
        channel_id: c.next()?,
        provider: c.next()?,
        account: c.next()?,
        ended_at: c.next()?,
        connected_by: c.next()?,
        connected_at: c.next()?,
    })
}

pub fn find(read: &Read<'_>, channel: Id<MailChannel>) -> Result<Option<Grant>> {
    read.query_one(&OF, params![channel], map)
}

/// When a token ends, and when the next one is fetched.
fn times(tokens: &Tokens, now: Timestamp) -> (Timestamp, Timestamp) {
    let life = tokens.seconds;
    let early = EARLY_SECONDS.min(life / 4);
    let at = |s: u64| now + seconds(i64::try_from(s).unwrap_or(0));
    (at(life), at(life - early))
}

/// Keeps what a sign-in brought, with the mailbox it is for, in one commit.
pub fn keep(tx: &mut Tx<'_>, attempt: &Attempt, tokens: &Tokens) -> Result<ChannelMailbox> {
    let place = attempt.client.place();
    let mailbox = mailbox::set_signed_in(
        tx,
        attempt.channel,
        SignedIn {
            host: place.host,
            port: place.port,
            tls: place.tls,
            username: attempt.username.clone(),
            folder: attempt.folder.clone(),
            from_beginning: attempt.from_beginning,
        },
    )?;
    let refresh = tokens.refresh_token.as_ref().or_not_found("refresh token")?;
    let (now, by) = (tx.now(), tx.actor().name.clone());
    let (expires, renew) = times(tokens, now);
    tx.execute(
        &KEEP,
        params![
            attempt.channel,
            attempt.client.provider,
            tokens.account,
            refresh.reveal(),
            tokens.access_token.reveal(),
            expires,
            renew,
            by,
            now
        ],
    )?;
    outgoing::connected(tx, attempt.channel, &mailbox.username)?;
    tx.wake(Wake::Access);
    Ok(mailbox)
}

/// Who fetches the next token.
pub(super) enum Turn {
    /// Nobody has to: this one is good.
    Good(Secret),
    /// Whoever asked, under this number.
    Mine { run: i64, client: Box<OauthClient>, refresh_token: Secret },
}

/// Asks for the token of a channel. `refused`: one that the mailbox did not take, whatever its time.
///
/// # Errors
/// `oauth.ended`, `oauth.client`; `oauth.unavailable` while another server is fetching.
pub(super) fn claim(tx: &mut Tx<'_>, channel: Id<MailChannel>, refused: Option<&Secret>) -> Result<Turn> {
    let held = tx.query_one(&LOCK, params![channel], |row| {
        let mut c = row.columns();
        let provider: Provider = c.next()?;
        let (refresh, access) = (Secret::new(c.next::<String>()?), Secret::new(c.next::<String>()?));
        let (expires, renew): (Timestamp, Timestamp) = (c.next()?, c.next()?);
        let leased: Option<Timestamp> = c.next()?;
        let (_run, ended): (i64, Option<Timestamp>) = (c.next()?, c.next()?);
        Ok((provider, refresh, access, expires, renew, leased, ended))
    })?;
    let ended = |why: &str| Error::new(Kind::Unavailable, "oauth.ended", why.to_owned());
    let (provider, refresh_token, access, expires, renew, leased, ended_at) =
        held.ok_or_else(|| ended("nobody is signed in: connect again"))?;
    if ended_at.is_some() {
        return Err(ended("the provider has ended the connection: connect again"));
    }
    let now = tx.now();
    let is_refused = refused.is_some_and(|r| *r == access);
    if renew > now && !is_refused {
        return Ok(Turn::Good(access));
    }
    if leased.is_some_and(|until| until > now) {
        if expires > now && !is_refused {
            return Ok(Turn::Good(access));
        }
        return Err(super::wire::unavailable("another server is fetching a token".into()));
    }
    let gone = || {
        let why = "the registration at the provider was removed: enter it again";
        Error::new(Kind::Unavailable, "oauth.client", why)
    };
    let client = Box::new(client::client(tx, provider)?.ok_or_else(gone)?);
    let until = now + seconds(LEASE_SECONDS);
    let run = tx.query_one(&LEASE, params![channel, until], |row| row.get(0))?.or_not_found("connection")?;
    Ok(Turn::Mine { run, client, refresh_token })
}

/// Keeps what was fetched under a number, if that is still the current one. A new refresh token replaces the old one in the
/// same moment: the provider may take the old one no more.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    channel: Id<MailChannel>,
    run: i64,
    fetched: &Result<Tokens>,
) -> Result<()> {
    let now = tx.now();
    match fetched {
        Ok(tokens) => {
            let (expires, renew) = times(tokens, now);
            let refresh = tokens.refresh_token.as_ref().map(|t| t.reveal().to_owned());
            tx.execute(&RENEWED, params![channel, run, tokens.access_token.reveal(), refresh, expires, renew])
        }
        Err(error) => {
            let ended = (error.code() == "oauth.ended").then_some(now);
            tx.execute(&FAILED, params![channel, run, ended])
        }
    }
    .map(|_| ())
}

/// Forgets the tokens of a channel.
pub(in crate::channels) fn forget_grant(tx: &mut Tx<'_>, channel: Id<MailChannel>) -> Result<()> {
    tx.execute(&DELETE, params![channel]).map(|_| ())
}

/// Forgets all of a channel that is about to be deleted.
pub(in crate::channels) fn forget_channel(tx: &mut Tx<'_>, channel: Id<MailChannel>) -> Result<()> {
    forget_grant(tx, channel)?;
    tx.execute(&DELETE_ATTEMPTS, params![channel]).map(|_| ())
}
