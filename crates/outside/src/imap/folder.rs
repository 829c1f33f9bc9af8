//! Reading on from a cursor.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use async_trait::async_trait;
use base::{Result, Timestamp, hours};
use bytes::Bytes;
use engine::outside::{Bygone, Fetched, MailCursor, Mailbox, Wake};
use imap_proto::{AttributeValue, Capability, MailboxDatum, Response, ResponseCode};
use tokio::time::{Instant, sleep, timeout};

use super::{
    ImapConfig,
    session::{Said, Session, protocol, unavailable},
};

/// Mails fetched at once.
const MAX_MAILS: usize = 500;
/// Bytes of mails fetched at once, except for the first.
const MAX_BATCH_BYTES: u64 = 32 * 1024 * 1024;
/// Bytes around a mail's text, and those of what a server tells unasked.
const AROUND: u64 = 1024 * 1024;
/// A mail's text may take longer than another answer.
const PATIENCE: u32 = 5;
/// Servers hang up on who idles for half an hour (RFC 2177).
const MAX_IDLE: Duration = Duration::from_secs(25 * 60);

pub(super) struct Folder {
    session: Session,
    name: String,
    can_idle: bool,
    max_mail_bytes: u64,
    poll: Duration,
}

/// What a folder says of itself when it is opened.
#[derive(Default)]
struct Opened {
    uidvalidity: u32,
    uid_next: Option<u32>,
}

impl Folder {
    pub async fn open(mut session: Session, name: String, config: &ImapConfig) -> Result<Self> {
        let mut can_idle = false;
        let asked = session
            .run("CAPABILITY", 1, |response| {
                if let Response::Capabilities(list) = response {
                    let is_idle =
                        |one: &Capability<'_>| matches!(one, Capability::Atom(atom) if atom.eq_ignore_ascii_case("IDLE"));
                    can_idle |= list.iter().any(is_idle);
                }
            })
            .await?;
        if asked != Said::Ok {
            return Err(protocol("the server does not say what it can"));
        }
        let poll = Duration::from_secs(config.poll_seconds.max(1).into());
        let mut folder = Self { session, name, can_idle, max_mail_bytes: config.max_mail_bytes, poll };
        folder.examine().await?;
        Ok(folder)
    }

    /// Opens the folder for reading, again each time: UIDVALIDITY is told only then.
    async fn examine(&mut self) -> Result<Opened> {
        let mut opened = Opened::default();
        let quoted = self.name.replace('\\', "\\\\").replace('"', "\\\"");
        let said = self
            .session
            .run(&format!("EXAMINE \"{quoted}\""), 1, |response| {
                if let Response::Data { outcome, .. } = response {
                    match outcome.code {
                        Some(ResponseCode::UidValidity(value)) => opened.uidvalidity = value,
                        Some(ResponseCode::UidNext(value)) => opened.uid_next = Some(value),
                        _ => {}
                    }
                }
            })
            .await?;
        self.session.grown = false;
        match said {
            Said::No(words) => {
                Err(unavailable("imap.folder", format!("the folder {} cannot be opened: {words}", self.name)))
            }
            Said::Ok if opened.uidvalidity == 0 => Err(protocol("the server keeps no UIDs for this folder")),
            Said::Ok => Ok(opened),
        }
    }

    /// The UIDs of a set behind one that are there: the first of them, one more than are fetched at once.
    async fn search(&mut self, set: &str, after: u32) -> Result<BTreeSet<u32>> {
        let mut found = BTreeSet::new();
        let said = self
            .session
            .run(&format!("UID SEARCH UID {set}"), 1, |response| {
                if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
                    for uid in uids.iter().filter(|uid| **uid > after) {
                        found.insert(*uid);
                        if found.len() > MAX_MAILS + 1 {
                            found.pop_last();
                        }
                    }
                }
            })
            .await?;
        match said {
            Said::Ok => Ok(found),
            Said::No(words) => Err(protocol(format!("the server does not search: {words}"))),
        }
    }

    /// The last UID of a folder that was just opened.
    async fn last_of(&mut self, opened: &Opened) -> Result<u32> {
        Ok(match opened.uid_next {
            Some(next) => next.saturating_sub(1),
            None => self.search("*", 0).await?.last().copied().unwrap_or(0),
        })
    }

    /// How large mails are, and when the server got them.
    async fn sizes(&mut self, asked: &[u32]) -> Result<BTreeMap<u32, (u64, Option<Timestamp>)>> {
        let (mut sizes, set) = (BTreeMap::new(), set(asked));
        let said = self
            .session
            .run(&format!("UID FETCH {set} (UID RFC822.SIZE INTERNALDATE)"), 1, |response| {
                if let Response::Fetch(_, values) = response {
                    let size = values.iter().find_map(|value| match value {
                        AttributeValue::Rfc822Size(size) => Some(u64::from(*size)),
                        _ => None,
                    });
                    let got = values.iter().find_map(|value| match value {
                        AttributeValue::InternalDate(date) => instant(date),
                        _ => None,
                    });
                    sizes.extend(uid(values, asked).zip(size.map(|size| (size, got))));
                }
            })
            .await?;
        match said {
            Said::Ok => Ok(sizes),
            Said::No(words) => Err(protocol(format!("the server does not tell sizes: {words}"))),
        }
    }

    /// What of a set the server hands out. `PEEK`: without it every mail would be marked as read.
    async fn bodies(&mut self, asked: &[u32]) -> Result<(BTreeMap<u32, Bytes>, Said)> {
        let (mut bodies, set) = (BTreeMap::new(), set(asked));
        // What a server says of a size is a claim, and may be a little wrong.
        let most = MAX_BATCH_BYTES + self.max_mail_bytes + self.max_mail_bytes / 4 + AROUND;
        let said = self
            .session
            .run_within(most, &format!("UID FETCH {set} (UID BODY.PEEK[])"), PATIENCE, |response| {
                if let Response::Fetch(_, values) = response {
                    let body = values.iter().find_map(|value| match value {
                        AttributeValue::BodySection { section: None, data: Some(data), .. } => {
                            Some(Bytes::copy_from_slice(data))
                        }
                        _ => None,
                    });
                    bodies.extend(uid(values, asked).zip(body));
                }
            })
            .await?;
        Ok((bodies, said))
    }

    /// A mail that did not come with the others, asked for alone.
    async fn straggler(&mut self, uid: u32) -> Result<Straggler> {
        let (mut bodies, said) = self.bodies(&[uid]).await?;
        if let Some(body) = bodies.remove(&uid) {
            return Ok(Straggler::Came(body));
        }
        if !self.search(&uid.to_string(), uid.saturating_sub(1)).await?.contains(&uid) {
            return Ok(Straggler::Gone);
        }
        Ok(Straggler::Withheld(match said {
            Said::No(words) => format!("the server does not hand it out: {words}"),
            Said::Ok => "the server does not hand it out, and does not say why".into(),
        }))
    }

    async fn wait_idle(&mut self, until: Instant) -> Result<()> {
        if !self.session.begin_idle().await? {
            self.can_idle = false;
            return Ok(());
        }
        while !self.session.grown {
            let left = until.saturating_duration_since(Instant::now());
            // Reading may be given up on between two answers; the session's own limit must not end it.
            match timeout(left, self.session.next(MAX_IDLE * 2)).await {
                Ok(answer) => answer?,
                Err(_) => break,
            }
        }
        self.session.end_idle().await
    }

    async fn wait_polling(&mut self, until: Instant) -> Result<()> {
        while !self.session.grown {
            let left = until.saturating_duration_since(Instant::now());
            sleep(left.min(self.poll)).await;
            self.session.run("NOOP", 1, |_| {}).await?;
            if Instant::now() >= until {
                break;
            }
        }
        Ok(())
    }
}

enum Straggler {
    Came(Bytes),
    Gone,
    Withheld(String),
}

#[async_trait]
impl Mailbox for Folder {
    async fn end(&mut self) -> Result<MailCursor> {
        let opened = self.examine().await?;
        Ok(MailCursor { uidvalidity: opened.uidvalidity, last_uid: self.last_of(&opened).await? })
    }

    async fn since(
        &mut self,
        cursor: Option<MailCursor>,
        limit: usize,
        bygone: Option<Bygone>,
    ) -> Result<Fetched> {
        let opened = self.examine().await?;
        let restarted = match cursor.is_some_and(|cursor| cursor.uidvalidity != opened.uidvalidity) {
            true => Some(self.last_of(&opened).await?),
            false => None,
        };
        let after = cursor.filter(|_| restarted.is_none()).map_or(0, |cursor| cursor.last_uid);
        let mut fetched = Fetched {
            cursor: MailCursor { uidvalidity: opened.uidvalidity, last_uid: after },
            mails: Vec::new(),
            too_large: Vec::new(),
            unreadable: Vec::new(),
            more: restarted.is_some(),
            restarted,
        };
        if restarted.is_some() {
            return Ok(fetched);
        }
        let nothing_new = opened.uid_next.is_some_and(|next| next <= after.saturating_add(1));
        if nothing_new || after == u32::MAX {
            return Ok(fetched);
        }
        // `n:*` means the last mail even where its UID is below n.
        let asked = format!("{}:*{}", after + 1, but_for(bygone, after));
        let mut uids: Vec<u32> = self.search(&asked, after).await?.into_iter().collect();
        fetched.more = uids.len() > limit.clamp(1, MAX_MAILS);
        uids.truncate(limit.clamp(1, MAX_MAILS));
        if uids.is_empty() {
            return Ok(fetched);
        }
        let sizes = self.sizes(&uids).await?;
        let (mut wanted, mut bytes) = (Vec::new(), 0);
        for uid in uids {
            match sizes.get(&uid) {
                // Deleted since.
                None => {}
                Some((_, got)) if bygone.is_some_and(|b| b.covers(uid, *got)) => {}
                Some((size, _)) if *size > self.max_mail_bytes => fetched.too_large.push((uid, *size)),
                Some((size, _)) => {
                    bytes += size;
                    if bytes > MAX_BATCH_BYTES && !wanted.is_empty() {
                        fetched.more = true;
                        break;
                    }
                    wanted.push(uid);
                }
            }
            fetched.cursor.last_uid = uid;
        }
        let mut bodies = if wanted.is_empty() { BTreeMap::new() } else { self.bodies(&wanted).await?.0 };
        for uid in wanted {
            let body = match bodies.remove(&uid) {
                Some(body) => Straggler::Came(body),
                None => self.straggler(uid).await?,
            };
            match body {
                // What a server says of a size is a claim.
                Straggler::Came(body) if body.len() as u64 > self.max_mail_bytes => {
                    fetched.too_large.push((uid, body.len() as u64));
                }
                Straggler::Came(body) => fetched.mails.push((uid, body)),
                Straggler::Gone => {}
                Straggler::Withheld(why) => fetched.unreadable.push((uid, why)),
            }
        }
        Ok(fetched)
    }

    async fn one(&mut self, uidvalidity: u32, uid: u32, max_bytes: u64) -> Result<Option<Bytes>> {
        if self.examine().await?.uidvalidity != uidvalidity {
            return Ok(None);
        }
        match self.sizes(&[uid]).await?.get(&uid) {
            None => return Ok(None),
            Some((size, _)) if *size > max_bytes => {
                return Err(base::Error::new(
                    base::Kind::TooLarge,
                    "imap.too_large",
                    format!("the mail has {size} bytes, more than {max_bytes}"),
                ));
            }
            Some(_) => {}
        }
        match self.straggler(uid).await? {
            Straggler::Came(body) => Ok(Some(body)),
            Straggler::Gone => Ok(None),
            Straggler::Withheld(why) => Err(protocol(why)),
        }
    }

    async fn idle(&mut self, at_most: Duration) -> Result<Wake> {
        let until = Instant::now() + at_most.min(MAX_IDLE);
        if self.can_idle {
            self.wait_idle(until).await?;
        }
        if !self.can_idle {
            self.wait_polling(until).await?;
        }
        Ok(if self.session.grown { Wake::Mail } else { Wake::Nothing })
    }

    async fn close(mut self: Box<Self>) {
        let limit = self.session.limit().min(Duration::from_secs(5));
        // The answer is a goodbye, which is an error anywhere else.
        let _ = timeout(limit, self.session.run("LOGOUT", 1, |_| {})).await;
    }
}

/// Which of those that were asked for, in their order, this is about.
fn uid(values: &[AttributeValue<'_>], asked: &[u32]) -> Option<u32> {
    let uid = values.iter().find_map(|value| match value {
        AttributeValue::Uid(uid) => Some(*uid),
        _ => None,
    });
    uid.filter(|uid| asked.binary_search(uid).is_ok())
}

/// `17-Jul-1996 02:44:25 -0700`, with a space for the first digit of a day below ten.
fn instant(date: &str) -> Option<Timestamp> {
    Timestamp::strptime("%d-%b-%Y %H:%M:%S %z", date.trim()).ok()
}

/// What a search leaves out of what is bygone. Days are the server's own and coarse: a day and a half less than is meant, and what
/// is left of it is told by its date.
fn but_for(bygone: Option<Bygone>, after: u32) -> String {
    let Some(bygone) = bygone.filter(|b| b.until_uid > after) else { return String::new() };
    let day = (bygone.before - hours(36)).strftime("%-d-%b-%Y");
    format!(" NOT (UID {}:{} BEFORE {day})", after + 1, bygone.until_uid)
}

/// `1:3,7`: servers limit the length of a line.
fn set(uids: &[u32]) -> String {
    let mut text = String::new();
    for run in uids.chunk_by(|a, b| a + 1 == *b) {
        if let (Some(first), Some(last)) = (run.first(), run.last()) {
            let comma = if text.is_empty() { "" } else { "," };
            let _ = match first == last {
                true => write!(text, "{comma}{first}"),
                false => write!(text, "{comma}{first}:{last}"),
            };
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_servers_are_instants() {
        let expected: Timestamp = "1996-07-07T09:44:25Z".parse().unwrap();
        for date in [" 7-Jul-1996 02:44:25 -0700", "07-Jul-1996 09:44:25 +0000", "7-Jul-1996 15:14:25 +0530"]
        {
            assert_eq!(instant(date), Some(expected), "{date}");
        }
        assert_eq!(instant("yesterday"), None);
        let bygone = Bygone { until_uid: 9, before: expected };
        assert!(bygone.covers(9, Some(expected - hours(1))) && !bygone.covers(10, Some(expected - hours(1))));
        assert!(!bygone.covers(9, Some(expected)) && !bygone.covers(9, None));
        assert_eq!(but_for(Some(bygone), 3), " NOT (UID 4:9 BEFORE 5-Jul-1996)");
        assert_eq!(but_for(Some(bygone), 9), "");
    }

    #[test]
    fn sets_are_short() {
        assert_eq!(set(&[1, 2, 3, 7, 9, 10]), "1:3,7,9:10");
        assert_eq!(set(&[4]), "4");
        assert_eq!(set(&[]), "");
    }
}
