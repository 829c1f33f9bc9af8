//! The mail server that a channel's letters leave through, where it has one of its own.

use async_trait::async_trait;
use base::{Actor, Email, Error, Id, OrNotFound, Result, Secret, TenantId, Timestamp, hours};
use db::{Db, Read, Row, Scope, Tx, params};
use engine::{
    Outside,
    outside::{Envelope, MailRelay, MailboxSignIn, Receipt, SendError, SendErrorClass},
};
use identity::audit;
use notices::letters::{Letter, Way, Ways};
use serde::Serialize;
use uuid::Uuid;

use super::{
    mailbox::{self, tell, tls_of},
    model::MailChannel,
    oauth, store,
};

const SIGN_INS: [&str; 3] = ["password", "oauth", "none"];

/// A channel's mail server, without its password.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct ChannelOutgoing {
    pub channel_id: Id<MailChannel>,
    pub host: String,
    pub port: u16,
    /// `tls`, `starttls`, or `none` for a server on this machine.
    pub tls: String,
    /// `password`; `oauth`: as its mailbox is connected; or `none`.
    pub sign_in: String,
    pub username: String,
    pub error: Option<String>,
    /// It does not let us in: nobody knocks until the access is corrected.
    pub paused_at: Option<Timestamp>,
    /// It takes no letter without a return path: automatic ones carry the channel's address there.
    pub null_path_refused_at: Option<Timestamp>,
    pub version: i64,
    #[serde(skip)]
    #[schemars(skip)]
    pub password: Secret,
}

/// What is entered of it. No password: the one that is known stays, for the same server and name.
#[derive(Clone, Debug)]
pub struct NewOutgoing {
    pub host: String,
    pub port: u16,
    pub tls: String,
    pub sign_in: String,
    pub username: String,
    pub password: Option<Secret>,
}

db::statements! {
    OF = "select channel_id, host, port, tls, sign_in, username, password, error, paused_at, version, null_path_refused_at from channel_outgoing
        where tenant_id = ?1 and channel_id = ?2";
    SET = "insert into channel_outgoing (tenant_id, channel_id, host, port, tls, sign_in, username, password, version, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?9)
        on conflict (tenant_id, channel_id) do update set host = excluded.host, port = excluded.port, tls = excluded.tls, sign_in = excluded.sign_in,
        username = excluded.username, password = excluded.password, error = null, paused_at = null, null_path_refused_at = null,
        version = channel_outgoing.version + 1,
        updated_at = excluded.updated_at";
    DELETE = "delete from channel_outgoing where tenant_id = ?1 and channel_id = ?2";
    // A new connection, or a new registration at its provider, lets what the old one stopped go on.
    CONNECTED = "update channel_outgoing set username = ?3, error = null, paused_at = null, null_path_refused_at = null, version = version + 1, updated_at = ?4
        where tenant_id = ?1 and channel_id = ?2 and sign_in = 'oauth'";
    REGISTERED = "update channel_outgoing set error = null, paused_at = null, version = version + 1, updated_at = ?3
        where tenant_id = ?1 and sign_in = 'oauth' and paused_at is not null and channel_id in
            (select channel_id from channel_grants where tenant_id = ?1 and provider = ?2)";
    NULL_PATH = "update channel_outgoing set null_path_refused_at = ?4 where tenant_id = ?1 and channel_id = ?2 and version = ?3";
    PAUSE = "update channel_outgoing set error = ?4, paused_at = ?5 where tenant_id = ?1 and channel_id = ?2 and version = ?3 and paused_at is null";
}

fn map(row: &Row<'_>) -> Result<ChannelOutgoing> {
    let mut c = row.columns();
    let (channel_id, host, port) = (c.next()?, c.next()?, c.next::<u32>()?);
    let (tls, sign_in, username) = (c.next()?, c.next()?, c.next()?);
    let password = Secret::new(c.next::<String>()?);
    let (error, paused_at, version, null_path_refused_at) = (c.next()?, c.next()?, c.next()?, c.next()?);
    let port = u16::try_from(port).unwrap_or(587);
    Ok(ChannelOutgoing {
        channel_id,
        host,
        port,
        tls,
        sign_in,
        username,
        error,
        paused_at,
        null_path_refused_at,
        version,
        password,
    })
}

pub fn find(read: &Read<'_>, channel: Id<MailChannel>) -> Result<Option<ChannelOutgoing>> {
    read.query_one(&OF, params![channel], map)
}

/// What it would be. Nothing is kept.
pub fn described(read: &Read<'_>, channel: Id<MailChannel>, new: &NewOutgoing) -> Result<ChannelOutgoing> {
    if !SIGN_INS.contains(&new.sign_in.as_str()) {
        return Err(Error::field("sign_in", "smtp.sign_in", "one of password, oauth, none"));
    }
    let before = find(read, channel)?;
    let (host, username) = (new.host.trim().to_owned(), new.username.trim().to_owned());
    let password = match (&new.password, &before) {
        _ if new.sign_in != "password" => Secret::new(""),
        (Some(given), _) => given.clone(),
        // Another server is not given the password of this one.
        (None, Some(known)) if known.host == host && known.username == username => known.password.clone(),
        _ => Secret::new(""),
    };
    let username = match new.sign_in.as_str() {
        "password" => username,
        "oauth" => {
            let connected = mailbox::find(read, channel)?.filter(mailbox::ChannelMailbox::is_by_oauth);
            let why = "connect the channel's mailbox first, or sign in with a password";
            connected.ok_or_else(|| Error::field("sign_in", "smtp.not_connected", why))?.username
        }
        _ => String::new(),
    };
    let out = ChannelOutgoing {
        channel_id: channel,
        host,
        port: new.port,
        tls: new.tls.clone(),
        sign_in: new.sign_in.clone(),
        username,
        error: None,
        paused_at: None,
        null_path_refused_at: None,
        version: before.map_or(0, |b| b.version),
        password,
    };
    // A token is fetched when it is needed.
    let stands_for_it = (out.sign_in == "oauth").then(|| Secret::new("token"));
    out.relay(stands_for_it)?.check()?;
    Ok(out)
}

/// Sets the server that letters from a channel's address leave through.
pub fn set(tx: &mut Tx<'_>, channel: Id<MailChannel>, new: &NewOutgoing) -> Result<ChannelOutgoing> {
    store::lock(tx, channel)?.or_not_found("channel")?;
    let (before, m) = (find(tx, channel)?, described(tx, channel, new)?);
    let now = tx.now();
    tx.execute(
        &SET,
        params![channel, m.host, i64::from(m.port), m.tls, m.sign_in, m.username, m.password.reveal(), now],
    )?;
    let after = find(tx, channel)?.or_not_found("mail server")?;
    let mut line = audit::Change::new("channel.outgoing_set", "channel", Some(channel.uuid()));
    if let Some(before) = &before {
        line = line.from(before);
    }
    audit::record(tx, line.to(&after))?;
    Ok(after)
}

/// Letters leave through the installation's server again.
pub fn remove(tx: &mut Tx<'_>, channel: Id<MailChannel>) -> Result<()> {
    let before = find(tx, channel)?.or_not_found("mail server")?;
    forget(tx, channel)?;
    let line = audit::Change::new("channel.outgoing_removed", "channel", Some(channel.uuid()));
    audit::record(tx, line.from(&before))
}

pub(super) fn forget(tx: &mut Tx<'_>, channel: Id<MailChannel>) -> Result<()> {
    tx.execute(&DELETE, params![channel]).map(|_| ())
}

/// The channel's mailbox was connected anew, perhaps by another account: its letters leave by that.
pub(super) fn connected(tx: &mut Tx<'_>, channel: Id<MailChannel>, username: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(&CONNECTED, params![channel, username, now]).map(|_| ())
}

/// The registration at a provider was entered anew.
pub(super) fn registered(tx: &mut Tx<'_>, provider: oauth::Provider) -> Result<()> {
    let now = tx.now();
    tx.execute(&REGISTERED, params![provider, now]).map(|_| ())
}

impl ChannelOutgoing {
    fn is_known_to_refuse_null_paths(&self, now: Timestamp) -> bool {
        self.null_path_refused_at.is_some_and(|at| now < at + hours(24))
    }

    fn why_it_waits(&self) -> String {
        let why = self.error.as_deref().unwrap_or_default();
        format!("it waits until the channel's mail server is corrected: {why}")
    }

    fn relay(&self, token: Option<Secret>) -> Result<MailRelay> {
        let (username, password) = (self.username.clone(), self.password.clone());
        let sign_in = match (self.sign_in.as_str(), token) {
            ("none", _) => None,
            (_, Some(access_token)) => Some(MailboxSignIn::Token { username, access_token }),
            (_, None) => Some(MailboxSignIn::Password { username, password }),
        };
        Ok(MailRelay { host: self.host.clone(), port: self.port, tls: tls_of(&self.tls)?, sign_in })
    }
}

/// Sends one letter through a server, as it is described: also one that is not kept yet. A token that is refused before its time is
/// replaced once.
pub async fn send_through(
    db: &Db,
    outside: &Outside,
    scope: Scope,
    server: &ChannelOutgoing,
    envelope: Envelope,
) -> Result<Receipt, SendError> {
    let refused = |e: Error| match e.code() {
        "oauth.unavailable" => SendError::temporary(e.message()),
        _ => SendError { class: SendErrorClass::SignIn, detail: e.message().to_owned() },
    };
    let relay = |token| server.relay(token).map_err(refused);
    if server.sign_in != "oauth" {
        return outside.relays.send(&relay(None)?, envelope).await;
    }
    let (http, channel) = (outside.http.clone(), server.channel_id);
    let token = oauth::token(db, http.clone(), scope.clone(), channel).await.map_err(refused)?;
    match outside.relays.send(&relay(Some(token.clone()))?, envelope.clone()).await {
        Err(error) if error.class == SendErrorClass::SignIn => {}
        said => return said,
    }
    let token = oauth::renewed(db, http, scope, channel, token).await.map_err(refused)?;
    outside.relays.send(&relay(Some(token))?, envelope).await
}

/// Letters of channels that have a server of their own.
pub struct Outgoing {
    db: Db,
}

impl Outgoing {
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

impl Outgoing {
    /// Sends a letter with the return path that the server takes.
    ///
    /// Who signs in may write in their own name alone, and what comes back to it is a report that we know. An automatic
    /// letter has none, so that nothing answers it; but many servers that people sign in to take no such letter, and refuse
    /// it at whatever step. One that refuses it for good did not take it: then it goes once more in the channel's name, still
    /// marked as automatic. That a server took it so, and not without, is remembered for a day:
    /// somebody else's server may have been behind it, or this one may have changed.
    async fn send_by(
        &self,
        outside: &Outside,
        scope: impl Fn() -> Scope,
        server: &ChannelOutgoing,
        own: Email,
        envelope: Envelope,
    ) -> Result<Receipt, SendError> {
        let through = |from| {
            let envelope = Envelope { from, ..envelope.clone() };
            send_through(&self.db, outside, scope(), server, envelope)
        };
        match &envelope.from {
            Some(named) if server.sign_in == "none" => return through(Some(named.clone())).await,
            Some(_) => return through(Some(own)).await,
            None if server.is_known_to_refuse_null_paths(self.db.now()) => return through(Some(own)).await,
            None => {}
        }
        let (receipt, is_refused) = match through(None).await {
            Err(refused) if refused.class == SendErrorClass::Permanent => (through(Some(own)).await?, true),
            said => (said?, false),
        };
        if is_refused || server.null_path_refused_at.is_some() {
            let seen = server.clone();
            // The letter has left, whatever becomes of the note: the next one finds it out again.
            self.db.write(scope(), move |tx| note_null_path(tx, &seen, is_refused)).await.ok();
        }
        Ok(receipt)
    }
}

#[async_trait]
impl Ways for Outgoing {
    fn way(&self, tx: &mut Tx<'_>, letter: &Letter) -> Result<Way> {
        let Some(from) = &letter.from_email else { return Ok(Way::Installation) };
        let Some(channel) = store::by_address(tx, from)? else { return Ok(Way::Installation) };
        let Some(server) = find(tx, channel.id)? else { return Ok(Way::Installation) };
        if server.paused_at.is_some() {
            return Ok(Way::Shut(server.why_it_waits()));
        }
        Ok(Way::Own(channel.id.uuid()))
    }

    async fn send(
        &self,
        outside: &Outside,
        tenant: TenantId,
        way: Uuid,
        envelope: Envelope,
    ) -> Result<Receipt, SendError> {
        let scope = || Scope::tenant(tenant, Actor::system()).background();
        let channel: Id<MailChannel> = Id::from_uuid(way);
        let look = self.db.read(scope(), move |read| Ok((find(read, channel)?, store::get(read, channel)?)));
        let (server, channel) = look.await.map_err(|e| SendError::temporary(e.message()))?;
        // Taken away since: the next attempt goes another way.
        let server = server.ok_or_else(|| SendError::temporary("the channel has no mail server any more"))?;
        // It was shut since this letter was planned.
        if server.paused_at.is_some() {
            return Err(SendError::temporary(server.why_it_waits()));
        }
        let sent = self.send_by(outside, scope, &server, channel.address, envelope).await;
        match sent {
            // A wrong password tried again and again locks accounts.
            Err(error) if error.class == SendErrorClass::SignIn => {
                let why: String = error.detail.chars().take(500).collect();
                let noted = self.db.write(scope(), move |tx| pause(tx, &server, &why)).await;
                noted.map_err(|e| SendError::temporary(e.message()))?;
                Err(SendError::temporary(error.detail))
            }
            said => said,
        }
    }
}

fn note_null_path(tx: &mut Tx<'_>, seen: &ChannelOutgoing, is_refused: bool) -> Result<()> {
    let refused_at = is_refused.then(|| tx.now());
    tx.execute(&NULL_PATH, params![seen.channel_id, seen.version, refused_at]).map(|_| ())
}

fn pause(tx: &mut Tx<'_>, seen: &ChannelOutgoing, why: &str) -> Result<()> {
    let now = tx.now();
    if tx.execute(&PAUSE, params![seen.channel_id, seen.version, why, now])? == 1 {
        tell(
            tx,
            seen.channel_id,
            &format!("its letters wait, since its mail server does not let us in: {why}"),
        )?;
    }
    Ok(())
}
