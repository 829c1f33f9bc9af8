//! Looks into the mailboxes of all channels, each by a task of its own, and follows what administrators change.

use std::{collections::HashMap, sync::Arc, time::Duration};

use base::{Actor, Error, Id, Kind, Result, TenantId};
use db::{Db, Read, Scope, Tx};
use desk::{
    channels::{
        MailChannel,
        mailbox::{self, ChannelMailbox},
        oauth,
        sent::{self, SentFolder},
    },
    intake::{self, Door, Received},
};
use engine::outside::{Blobs, Bygone, Fetched, HttpClient, MailCursor, Mailbox, MailboxAccess, Mailboxes};
use identity::tenants;
use tokio::{sync::watch, task::AbortHandle};

/// How often the list of mailboxes is looked at, besides when access changes.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Letters fetched in one go.
const BATCH: usize = 50;
/// How long one wait for new mail lasts.
const IDLE: Duration = Duration::from_secs(9 * 60);
/// Between attempts after an error: this long, then twice as long, up to the limit.
const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(300);

pub struct Collector {
    pub db: Db,
    pub blobs: Arc<dyn Blobs>,
    pub mailboxes: Arc<dyn Mailboxes>,
    /// Fetches tokens of those that are signed in to by OAuth 2.
    pub http: Arc<dyn HttpClient>,
}

fn wants_somebody(code: &str) -> bool {
    matches!(
        code,
        "imap.refused" | "imap.sign_in" | "imap.folder" | "imap.access" | "oauth.ended" | "oauth.client"
    )
}

/// A folder in a version: another version is another task.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    channel: Id<MailChannel>,
    mailbox: i64,
    /// The folder of sent mail; none: the one letters come to.
    sent: Option<i64>,
}

/// A folder as it was when it was looked up.
#[derive(Clone)]
struct Seen {
    mailbox: ChannelMailbox,
    sent: Option<SentFolder>,
}

impl Seen {
    fn find(read: &Read<'_>, key: Key) -> Result<Option<Self>> {
        let mailbox = mailbox::find(read, key.channel)?;
        let Some(mailbox) = mailbox.filter(|m| m.version == key.mailbox && m.paused_at.is_none()) else {
            return Ok(None);
        };
        let Some(version) = key.sent else { return Ok(Some(Self { mailbox, sent: None })) };
        let sent = sent::find(read, key.channel)?.filter(|s| s.version == version && s.paused_at.is_none());
        Ok(sent.map(|sent| Self { mailbox, sent: Some(sent) }))
    }
    fn cursor(&self) -> Option<MailCursor> {
        self.sent.as_ref().map_or(self.mailbox.cursor, |s| s.cursor)
    }
    fn set_cursor(&mut self, cursor: MailCursor) {
        match &mut self.sent {
            Some(sent) => sent.cursor = Some(cursor),
            None => self.mailbox.cursor = Some(cursor),
        }
    }
    /// Of what was sent only what is sent from now on is anybody's business.
    fn begins_at_end(&self) -> bool {
        self.cursor().is_none() && (self.sent.is_some() || !self.mailbox.from_beginning)
    }
    fn bygone(&self) -> Option<Bygone> {
        self.sent.as_ref().map_or_else(|| self.mailbox.bygone(), SentFolder::bygone)
    }
    fn begun_anew(&self, tx: &mut Tx<'_>, cursor: MailCursor, last_uid: u32) -> Result<()> {
        match &self.sent {
            Some(sent) => sent::begun_anew(tx, sent, cursor, last_uid),
            None => mailbox::begun_anew(tx, &self.mailbox, cursor, last_uid),
        }
    }
    fn took(&self, tx: &mut Tx<'_>, cursor: MailCursor, letters: Vec<(u32, Received)>) -> Result<()> {
        match &self.sent {
            Some(sent) => sent::took(tx, sent, cursor, letters),
            None => mailbox::took(tx, &self.mailbox, cursor, letters),
        }
    }
    fn failed(&self, tx: &mut Tx<'_>, code: &str, why: &str) -> Result<()> {
        match &self.sent {
            Some(sent) => sent::failed(tx, sent, code, why, self.wants_somebody(code)),
            None => mailbox::failed(tx, &self.mailbox, code, why, self.wants_somebody(code)),
        }
    }
    /// Nothing gets better until somebody corrects the access, or signs in again. That is told of a mailbox once, by its
    /// own folder.
    fn wants_somebody(&self, code: &str) -> bool {
        match self.sent {
            Some(_) => code == "imap.folder",
            None => wants_somebody(code),
        }
    }
}

impl Collector {
    /// Works until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let this = Arc::new(self);
        let mut running: HashMap<Key, AbortHandle> = HashMap::new();
        let mut epoch = None;
        loop {
            let now = this.db.signals().access_epoch();
            // A task that ended by itself may be wanted again, so the list is looked at now and then anyway.
            if epoch != Some(now) || running.values().any(AbortHandle::is_finished) {
                match this.wanted().await {
                    Ok(wanted) => {
                        epoch = Some(now);
                        running.retain(|key, task| {
                            let keep = wanted.contains_key(key) && !task.is_finished();
                            if !keep {
                                task.abort();
                            }
                            keep
                        });
                        for key in wanted.into_keys() {
                            running.entry(key).or_insert_with(|| {
                                let this = this.clone();
                                tokio::spawn(async move { this.watch(key).await }).abort_handle()
                            });
                        }
                    }
                    Err(error) => tracing::warn!(?error, "mailboxes could not be listed"),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.wait_for(|s| *s) => break,
            }
        }
        // What was fetched and is not committed is fetched again: the cursor did not move.
        running.into_values().for_each(|task| task.abort());
    }

    async fn wanted(&self) -> Result<HashMap<Key, ()>> {
        let all = self.db.read(Scope::installation(Actor::system()), tenants::all).await?;
        let mut out = HashMap::new();
        for tenant in all {
            let both = |read: &Read<'_>| Ok((mailbox::all(read)?, sent::all(read)?));
            let (mailboxes, sent) = self.db.read(Self::scope(tenant.id), both).await?;
            for m in mailboxes.into_iter().filter(|m| m.paused_at.is_none()) {
                let key = Key { tenant: tenant.id, channel: m.channel_id, mailbox: m.version, sent: None };
                out.insert(key, ());
                for s in sent.iter().filter(|s| s.channel_id == m.channel_id && s.paused_at.is_none()) {
                    out.insert(Key { sent: Some(s.version), ..key }, ());
                }
            }
        }
        Ok(out)
    }

    fn scope(tenant: TenantId) -> Scope {
        Scope::tenant(tenant, Actor::system()).background()
    }

    async fn find(&self, key: Key) -> Result<Option<Seen>> {
        self.db.read(Self::scope(key.tenant), move |read| Seen::find(read, key)).await
    }

    /// One folder, until it is changed, removed, or refuses us.
    async fn watch(&self, key: Key) {
        let mut pause = PAUSE;
        loop {
            let error = match self.collect(key, &mut pause).await {
                Ok(()) => return,
                Err(error) => error,
            };
            if error.code() == "mailbox.moved" {
                continue;
            }
            tracing::warn!(code = error.code(), "a mailbox could not be read");
            if let Ok(Some(seen)) = self.find(key).await {
                // A wrong password tried again and again locks accounts.
                let is_final = seen.wants_somebody(error.code());
                let (code, why) = (error.code().to_owned(), error.message().to_owned());
                let note = self.db.write(Self::scope(key.tenant), move |tx| seen.failed(tx, &code, &why));
                note.await.ok();
                if is_final {
                    return;
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Opens a folder by the mailbox's password, or by a token. One that is refused before its time is replaced once: whoever
    /// took it back may have left us the right to the next.
    async fn open(&self, tenant: TenantId, seen: &Seen) -> Result<Box<dyn Mailbox>> {
        let m = &seen.mailbox;
        if !m.is_by_oauth() {
            return self.open_with(m.access(None)?, seen).await;
        }
        let scope = || Self::scope(tenant);
        let token = oauth::token(&self.db, self.http.clone(), scope(), m.channel_id).await?;
        match self.open_with(m.access(Some(token.clone()))?, seen).await {
            Err(error) if error.code() == "imap.sign_in" => {}
            opened => return opened,
        }
        let token = oauth::renewed(&self.db, self.http.clone(), scope(), m.channel_id, token).await?;
        self.open_with(m.access(Some(token))?, seen).await
    }

    async fn open_with(&self, mut access: MailboxAccess, seen: &Seen) -> Result<Box<dyn Mailbox>> {
        if let Some(sent) = &seen.sent {
            access.folder = match sent.folder.as_str() {
                "" => self.mailboxes.sent_folder(&access).await?.ok_or_else(|| {
                    let why = "the server names no folder of sent mail: enter its name";
                    Error::new(Kind::Unavailable, "imap.folder", why)
                })?,
                named => named.to_owned(),
            };
        }
        self.mailboxes.open(&access).await
    }

    /// Reads on until the folder is gone from the list; an error ends the connection.
    async fn collect(&self, key: Key, pause: &mut Duration) -> Result<()> {
        let Some(mut first) = self.find(key).await? else { return Ok(()) };
        // Whether the access is right is found out once.
        while first.sent.is_some() && (first.mailbox.checked_at.is_none() || first.mailbox.error.is_some()) {
            tokio::time::sleep(LOOK_EVERY).await;
            let Some(found) = self.find(key).await? else { return Ok(()) };
            first = found;
        }
        let mut open = self.open(key.tenant, &first).await?;
        loop {
            let Some(mut seen) = self.find(key).await? else {
                open.close().await;
                return Ok(());
            };
            if seen.begins_at_end() {
                let end = open.end().await?;
                let before = seen.clone();
                self.db.write(Self::scope(key.tenant), move |tx| before.took(tx, end, Vec::new())).await?;
                seen.set_cursor(end);
            }
            let fetched = open.since(seen.cursor(), BATCH, seen.bygone()).await?;
            *pause = PAUSE;
            if let Some(last_uid) = fetched.restarted {
                tracing::warn!(channel = %key.channel, last_uid, "a folder's numbers began anew, and it is read again");
                let begun = move |tx: &mut Tx<'_>| seen.begun_anew(tx, fetched.cursor, last_uid);
                self.db.write(Self::scope(key.tenant), begun).await?;
                continue;
            }
            let more = fetched.more;
            if Some(fetched.cursor) != seen.cursor() {
                self.take(key.tenant, seen, fetched).await?;
            }
            if !more {
                open.idle(IDLE).await?;
            }
        }
    }

    async fn take(&self, tenant: TenantId, seen: Seen, fetched: Fetched) -> Result<()> {
        let mut letters = Vec::with_capacity(fetched.mails.len());
        for (uid, raw) in fetched.mails {
            // Where letters go out through the mailbox's own provider, it keeps each of ours.
            if seen.sent.is_some() && intake::sent::is_own(tenant, &raw) {
                continue;
            }
            let mut writer = self.blobs.begin(tenant).await?;
            writer.write(raw).await?;
            let letter = Received {
                channel: seen.mailbox.channel_id,
                door: if seen.sent.is_some() { Door::Sent } else { Door::Imap },
                envelope_from: None,
                envelope_to: Vec::new(),
                client_ip: None,
                helo: None,
                blob: writer.finish().await?,
            };
            letters.push((uid, letter));
        }
        let large = fetched.too_large.into_iter().map(|(uid, size)| {
            format!(
                "a mail of {} MB stays in its mailbox, since it is too large (UID {uid})",
                size / 1_000_000
            )
        });
        let refused = fetched.unreadable.into_iter().map(|(uid, why)| {
            format!("a mail stays in its mailbox, since the server does not hand it out (UID {uid}): {why}")
        });
        let behind: Vec<String> = large.chain(refused).collect();
        let cursor = fetched.cursor;
        self.db
            .write(Self::scope(tenant), move |tx| {
                seen.took(tx, cursor, letters)?;
                behind.iter().try_for_each(|what| mailbox::left_behind(tx, &seen.mailbox, what))
            })
            .await
    }
}
