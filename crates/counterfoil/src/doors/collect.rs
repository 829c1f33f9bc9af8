//! Looks into the mailboxes of all channels, each by a task of its own, and follows what administrators change.

use std::{collections::HashMap, sync::Arc, time::Duration};

use base::{Actor, Id, Result, TenantId};
use db::{Db, Scope};
use desk::{
    channels::{
        MailChannel,
        mailbox::{self, ChannelMailbox},
        oauth,
    },
    intake::{Door, Received},
};
use engine::outside::{Blobs, Fetched, HttpClient, Mailbox, Mailboxes};
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

/// Nothing gets better until somebody corrects the access, or signs in again.
fn wants_somebody(code: &str) -> bool {
    matches!(
        code,
        "imap.refused" | "imap.sign_in" | "imap.folder" | "imap.access" | "oauth.ended" | "oauth.client"
    )
}

/// A mailbox in a version: another version is another task.
type Key = (TenantId, Id<MailChannel>, i64);

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
            for m in self.db.read(Self::scope(tenant.id), mailbox::all).await? {
                if m.paused_at.is_none() {
                    out.insert((tenant.id, m.channel_id, m.version), ());
                }
            }
        }
        Ok(out)
    }

    fn scope(tenant: TenantId) -> Scope {
        Scope::tenant(tenant, Actor::system()).background()
    }

    async fn find(&self, key: Key) -> Result<Option<ChannelMailbox>> {
        let found = self.db.read(Self::scope(key.0), move |read| mailbox::find(read, key.1)).await?;
        Ok(found.filter(|m| m.version == key.2 && m.paused_at.is_none()))
    }

    /// One mailbox, until it is changed, removed, or refuses us.
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
            // A wrong password tried again and again locks accounts.
            let is_final = wants_somebody(error.code());
            tracing::warn!(code = error.code(), "a mailbox could not be read");
            if let Ok(Some(seen)) = self.find(key).await {
                let (code, why) = (error.code().to_owned(), error.message().to_owned());
                let note = self
                    .db
                    .write(Self::scope(key.0), move |tx| mailbox::failed(tx, &seen, &code, &why, is_final));
                note.await.ok();
            }
            if is_final {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Opens a mailbox by its password, or by a token. One that is refused before its time is replaced once: whoever took it
    /// back may have left us the right to the next.
    async fn open(&self, tenant: TenantId, m: &ChannelMailbox) -> Result<Box<dyn Mailbox>> {
        if !m.is_by_oauth() {
            return self.mailboxes.open(&m.access(None)?).await;
        }
        let scope = || Self::scope(tenant);
        let token = oauth::token(&self.db, self.http.clone(), scope(), m.channel_id).await?;
        match self.mailboxes.open(&m.access(Some(token.clone()))?).await {
            Err(error) if error.code() == "imap.sign_in" => {}
            opened => return opened,
        }
        let token = oauth::renewed(&self.db, self.http.clone(), scope(), m.channel_id, token).await?;
        self.mailboxes.open(&m.access(Some(token))?).await
    }

    /// Reads on until the mailbox is gone from the list; an error ends the connection.
    async fn collect(&self, key: Key, pause: &mut Duration) -> Result<()> {
        let Some(first) = self.find(key).await? else { return Ok(()) };
        let mut open = self.open(key.0, &first).await?;
        loop {
            let Some(mut seen) = self.find(key).await? else {
                open.close().await;
                return Ok(());
            };
            if seen.cursor.is_none() && !seen.from_beginning {
                let end = open.end().await?;
                let before = seen.clone();
                self.db
                    .write(Self::scope(key.0), move |tx| mailbox::took(tx, &before, end, Vec::new()))
                    .await?;
                seen.cursor = Some(end);
            }
            let fetched = open.since(seen.cursor, BATCH).await?;
            *pause = PAUSE;
            let more = fetched.more;
            if Some(fetched.cursor) != seen.cursor {
                self.take(key.0, seen, fetched).await?;
            }
            if !more {
                open.idle(IDLE).await?;
            }
        }
    }

    async fn take(&self, tenant: TenantId, seen: ChannelMailbox, fetched: Fetched) -> Result<()> {
        let mut letters = Vec::with_capacity(fetched.mails.len());
        for (_, raw) in fetched.mails {
            let mut writer = self.blobs.begin(tenant).await?;
            writer.write(raw).await?;
            letters.push(Received {
                channel: seen.channel_id,
                door: Door::Imap,
                envelope_from: None,
                envelope_to: Vec::new(),
                client_ip: None,
                helo: None,
                blob: writer.finish().await?,
            });
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
                mailbox::took(tx, &seen, cursor, letters)?;
                behind.iter().try_for_each(|what| mailbox::left_behind(tx, &seen, what))
            })
            .await
    }
}
