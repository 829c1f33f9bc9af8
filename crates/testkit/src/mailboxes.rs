//! Mailboxes in memory, for what collects letters from them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use base::{Error, Kind, Result, Timestamp};
use bytes::Bytes;
use engine::outside::{Bygone, Fetched, MailCursor, Mailbox, MailboxAccess, Mailboxes, Wake};
use tokio::sync::Notify;

/// Mailboxes by the name one signs in with. One that nobody delivered to is empty.
#[derive(Default, Clone)]
pub struct FakeMailboxes(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    folders: HashMap<String, Folder>,
    opened: Vec<MailboxAccess>,
    failures: HashMap<String, &'static str>,
}

struct Folder {
    uidvalidity: u32,
    next_uid: u32,
    mails: Vec<(u32, Bytes)>,
    /// When one was got, where a test says so.
    dates: HashMap<Bytes, Timestamp>,
    too_large: Vec<(u32, u64)>,
}

impl Default for Folder {
    fn default() -> Self {
        Self { uidvalidity: 1, next_uid: 1, mails: Vec::new(), dates: HashMap::new(), too_large: Vec::new() }
    }
}

impl FakeMailboxes {
    /// Puts a mail into somebody's folder and answers its UID.
    pub fn deliver(&self, username: &str, mail: impl Into<Bytes>) -> u32 {
        let mut state = self.state();
        let folder = state.folders.entry(username.into()).or_default();
        let uid = folder.next_uid;
        folder.next_uid += 1;
        folder.mails.push((uid, mail.into()));
        drop(state);
        self.0.news.notify_waiters();
        uid
    }
    /// The same, of mail that was got at an instant.
    pub fn deliver_at(&self, username: &str, mail: impl Into<Bytes>, got: Timestamp) -> u32 {
        let mail = mail.into();
        self.state().folders.entry(username.into()).or_default().dates.insert(mail.clone(), got);
        self.deliver(username, mail)
    }
    /// Puts something there that is larger than is taken.
    pub fn deliver_too_large(&self, username: &str, size_bytes: u64) -> u32 {
        let mut state = self.state();
        let folder = state.folders.entry(username.into()).or_default();
        let uid = folder.next_uid;
        folder.next_uid += 1;
        folder.too_large.push((uid, size_bytes));
        uid
    }
    /// The folder is made anew: another UIDVALIDITY, the same mails numbered from 1.
    pub fn renumber(&self, username: &str) {
        let mut state = self.state();
        let folder = state.folders.entry(username.into()).or_default();
        folder.uidvalidity += 1;
        folder.mails.iter_mut().zip(1..).for_each(|((uid, _), number)| *uid = number);
        folder.next_uid = folder.mails.len() as u32 + 1;
    }
    /// Opening and reading fail from now on, such as with `imap.sign_in`.
    pub fn fail(&self, username: &str, code: &'static str) {
        self.state().failures.insert(username.into(), code);
    }
    pub fn recover(&self, username: &str) {
        self.state().failures.remove(username);
    }
    /// Every access that was tried, in order.
    pub fn opened(&self) -> Vec<MailboxAccess> {
        self.state().opened.clone()
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailboxes for FakeMailboxes {
    async fn open(&self, access: &MailboxAccess) -> Result<Box<dyn Mailbox>> {
        access.check()?;
        let username = access.sign_in.username().to_owned();
        self.state().opened.push(access.clone());
        let mut mailbox = FakeMailbox { all: self.clone(), username, seen: 0 };
        mailbox.folder(|_| ())?;
        Ok(Box::new(mailbox))
    }

    async fn sent_folder(&self, _: &MailboxAccess) -> Result<Option<String>> {
        Ok(Some("Sent".into()))
    }
}

struct FakeMailbox {
    all: FakeMailboxes,
    username: String,
    /// The next UID when somebody last looked.
    seen: u32,
}

impl FakeMailbox {
    fn folder<T>(&mut self, look: impl FnOnce(&Folder) -> T) -> Result<T> {
        let mut state = self.all.state();
        if let Some(code) = state.failures.get(&self.username) {
            return Err(Error::new(Kind::Unavailable, code, "told by the test"));
        }
        let folder = state.folders.entry(self.username.clone()).or_default();
        self.seen = folder.next_uid;
        Ok(look(folder))
    }
}

#[async_trait]
impl Mailbox for FakeMailbox {
    async fn end(&mut self) -> Result<MailCursor> {
        self.folder(|folder| MailCursor { uidvalidity: folder.uidvalidity, last_uid: folder.next_uid - 1 })
    }

    async fn since(
        &mut self,
        cursor: Option<MailCursor>,
        limit: usize,
        bygone: Option<Bygone>,
    ) -> Result<Fetched> {
        self.folder(|folder| {
            if cursor.is_some_and(|cursor| cursor.uidvalidity != folder.uidvalidity) {
                return Fetched {
                    cursor: MailCursor { uidvalidity: folder.uidvalidity, last_uid: 0 },
                    mails: Vec::new(),
                    too_large: Vec::new(),
                    unreadable: Vec::new(),
                    more: true,
                    restarted: Some(folder.next_uid - 1),
                };
            }
            let after = cursor.map_or(0, |cursor| cursor.last_uid);
            let is_bygone = |uid: u32, mail: &Bytes| {
                bygone.is_some_and(|b| b.covers(uid, folder.dates.get(mail).copied()))
            };
            let mut uids: Vec<u32> = folder.mails.iter().map(|(uid, _)| *uid).collect();
            uids.extend(folder.too_large.iter().map(|(uid, _)| *uid));
            uids.retain(|uid| *uid > after);
            uids.sort_unstable();
            let more = uids.len() > limit.max(1);
            uids.truncate(limit.max(1));
            let last_uid = uids.last().copied().unwrap_or(after);
            let of = |uid: u32| uid > after && uid <= last_uid;
            Fetched {
                cursor: MailCursor { uidvalidity: folder.uidvalidity, last_uid },
                mails: folder
                    .mails
                    .iter()
                    .filter(|(uid, mail)| of(*uid) && !is_bygone(*uid, mail))
                    .cloned()
                    .collect(),
                too_large: folder.too_large.iter().filter(|(uid, _)| of(*uid)).copied().collect(),
                unreadable: Vec::new(),
                more,
                restarted: None,
            }
        })
    }

    async fn one(&mut self, uidvalidity: u32, uid: u32, _max_bytes: u64) -> Result<Option<Bytes>> {
        self.folder(|folder| {
            let here = folder.uidvalidity == uidvalidity;
            folder.mails.iter().find(|(one, _)| here && *one == uid).map(|(_, mail)| mail.clone())
        })
    }

    async fn idle(&mut self, at_most: Duration) -> Result<Wake> {
        let all = self.all.clone();
        let wait = async {
            loop {
                let news = all.0.news.notified();
                let next = all.state().folders.get(&self.username).map_or(1, |folder| folder.next_uid);
                if next > self.seen {
                    break;
                }
                news.await;
            }
        };
        Ok(match tokio::time::timeout(at_most, wait).await {
            Ok(()) => Wake::Mail,
            Err(_) => Wake::Nothing,
        })
    }

    async fn close(self: Box<Self>) {}
}

#[cfg(test)]
mod tests {
    use base::Secret;
    use engine::outside::{MailboxSignIn, MailboxTls};

    use super::*;

    #[tokio::test]
    async fn behaves_like_a_mailbox() {
        let all = FakeMailboxes::default();
        let access = MailboxAccess {
            host: "imap.example.org".into(),
            port: 993,
            tls: MailboxTls::Tls,
            sign_in: MailboxSignIn::Password { username: "ada".into(), password: Secret::new("x") },
            folder: "INBOX".into(),
        };
        all.deliver("ada", "one");
        all.deliver_too_large("ada", 99);
        all.deliver("ada", "three");
        let mut mailbox = all.open(&access).await.unwrap();
        let first = mailbox.since(None, 2, None).await.unwrap();
        assert_eq!((first.mails.len(), first.too_large.len(), first.more), (1, 1, true));
        let second = mailbox.since(Some(first.cursor), 2, None).await.unwrap();
        assert_eq!((second.mails, second.more), (vec![(3, "three".into())], false));
        assert_eq!(mailbox.idle(Duration::from_millis(5)).await.unwrap(), Wake::Nothing);
        let (wake, uid) =
            tokio::join!(mailbox.idle(Duration::from_secs(9)), async { all.deliver("ada", "four") });
        assert_eq!((wake.unwrap(), uid), (Wake::Mail, 4));
        all.renumber("ada");
        let anew = mailbox.since(Some(second.cursor), 9, None).await.unwrap();
        assert_eq!((anew.restarted, anew.cursor.last_uid, anew.mails.len()), (Some(3), 0, 0));
        let (then, now) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + base::seconds(9));
        all.deliver_at("ada", "old", then);
        let bygone = |until_uid| Some(Bygone { until_uid, before: now });
        assert_eq!(mailbox.since(Some(anew.cursor), 9, bygone(4)).await.unwrap().mails.len(), 3);
        assert_eq!(mailbox.since(Some(anew.cursor), 9, bygone(3)).await.unwrap().mails.len(), 4);
        all.fail("ada", "imap.sign_in");
        assert_eq!(all.open(&access).await.err().unwrap().code(), "imap.sign_in");
    }
}
