//! The job that reads one letter: its bytes, its files, who sent it. What is decided about it is `settle`'s.

use std::net::IpAddr;

use base::{Email, Id, Kind, Result, TenantId};
use bytes::Bytes;
use db::{Read, Tx};
use engine::{
    Failure, Handler, Job, Lane, Outside, Step,
    outside::{Authentication, CheckedMail, Outcome, Sha256, Verdict},
};
use mail::inbound::{self, Incoming, Limits};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::{
    model::{Door, Mail, MailState},
    settle, store,
};
use crate::{channels, tickets::NewAttachment};

/// Reads one letter. `run` counts the attempts that somebody asked for.
#[derive(Serialize, Deserialize)]
pub struct WorkMail {
    pub mail: Id<Mail>,
    pub run: u32,
}

impl Job for WorkMail {
    const KIND: &'static str = "desk.work_mail";
    /// Whoever brought the letter waits to hear what became of it.
    const LANE: Lane = Lane::Awaited;
    fn key(&self) -> String {
        format!("{}:{}", self.mail, self.run)
    }
}

/// Raw bytes that are read at once, in KiB: however many letters there are, a few large ones fill the memory that there is
/// for them, and the next waits. One takes a few times its size while it is read.
const AT_ONCE_KIB: u32 = 64 * 1024;

/// Administrators are told when letters have waited for longer than this.
const TOLD_AFTER: jiff::SignedDuration = base::minutes(15);

pub struct MailWorker {
    pub limits: Limits,
    at_once_kib: u32,
    room: Semaphore,
}

impl MailWorker {
    /// With so many raw bytes read at once, in KiB, at least one. A larger letter is read alone.
    #[must_use]
    pub fn with_at_once_kib(at_once_kib: u32) -> Self {
        let room = Semaphore::new(at_once_kib as usize);
        Self { limits: Limits::default(), at_once_kib, room }
    }
}

impl Default for MailWorker {
    fn default() -> Self {
        Self::with_at_once_kib(AT_ONCE_KIB)
    }
}

/// What has to be fetched and checked outside.
pub struct Reading {
    tenant: TenantId,
    sha256: Sha256,
    size_bytes: u64,
    client_ip: Option<IpAddr>,
    helo: Option<String>,
    envelope_from: Option<Email>,
    trusted_host: Option<String>,
    trusted_sealers: Vec<String>,
    /// It came over SMTP, from anybody.
    is_from_outside: bool,
    limits: Limits,
}

/// A letter that was read.
pub struct ReadMail {
    pub(super) letter: Incoming,
    pub(super) files: Vec<NewAttachment>,
    /// Files that were kept back, and why.
    pub(super) withheld: Vec<String>,
    pub(super) authentication: Authentication,
}

/// Files of one message at most; the rest stays in the original.
const FILES_MAX: usize = 50;

impl Handler for MailWorker {
    type Job = WorkMail;
    type Plan = Reading;
    type Outcome = Box<ReadMail>;

    const PLANS_BY_READING: bool = true;
    /// A store or a scanner that is away comes back, be it after a weekend. What it keeps waiting is no worse for it.
    const OUTAGES_MAX: u32 = u32::MAX;

    fn plan(&self, tx: &mut Tx<'_>, job: &WorkMail) -> Result<Step<Reading>> {
        Ok(self.read_plan(tx, job)?.map_or(Step::Done, Step::Perform))
    }

    fn read_plan(&self, read: &Read<'_>, job: &WorkMail) -> Result<Option<Reading>> {
        let found =
            store::find(read, job.mail)?.filter(|mail| mail.run == job.run && settle::is_to_be_read(mail));
        let Some(mail) = found else { return Ok(None) };
        let channel = channels::get(read, mail.channel_id)?;
        Ok(Some(Reading {
            tenant: read.tenant()?,
            sha256: Sha256(mail.sha256),
            size_bytes: mail.size_bytes,
            client_ip: mail.client_ip.and_then(|ip| ip.parse().ok()),
            helo: mail.helo,
            envelope_from: mail.envelope_from.and_then(|from| from.parse().ok()),
            trusted_host: channel.trusted_host,
            trusted_sealers: channel.trusted_sealers,
            is_from_outside: mail.door == Door::Smtp,
            limits: self.limits,
        }))
    }

    async fn perform(&self, outside: &Outside, plan: Reading) -> Result<Box<ReadMail>, Failure> {
        let later = |e: base::Error| Failure::Temporary(format!("the original cannot be read: {e}"));
        let kib = u32::try_from(plan.size_bytes / 1024 + 1).unwrap_or(u32::MAX).min(self.at_once_kib);
        let room = self.room.acquire_many(kib).await;
        let _held = room.map_err(|_| Failure::Temporary("letters are not read any more".into()))?;
        let reader = outside.blobs.open(plan.tenant, plan.sha256).await.map_err(|e| match e.kind() {
            Kind::NotFound => Failure::Permanent("the original is not in the store any more".into()),
            _ => later(e),
        })?;
        let raw: Bytes = reader.collect(u64::MAX).await.map_err(later)?.into();
        let (parsed, limits) = (raw.clone(), plan.limits);
        // A parser that panics over a letter fails this letter, and no other.
        let read = tokio::task::spawn_blocking(move || inbound::read(&parsed, &limits)).await;
        let mut letter = match read {
            Ok(Ok(letter)) => letter,
            Ok(Err(refused)) => {
                return Err(Failure::Permanent(format!("{}: {}", refused.code, refused.message)));
            }
            Err(_) => return Err(Failure::Permanent("mail.unreadable: the letter broke its reader".into())),
        };
        let checked = CheckedMail {
            raw,
            client_ip: plan.client_ip,
            helo: plan.helo,
            envelope_from: plan.envelope_from,
            trusted_sealers: plan.trusted_sealers,
        };
        // A server that hands mail in from outside writes into its header what it likes.
        let trusted = plan.trusted_host.as_deref().filter(|_| !plan.is_from_outside);
        let believed = trusted.and_then(|host| vouched(&letter.authentication_results, host));
        let authentication = match believed {
            // It saw the mail after a forwarder had changed it. What the forwarder sealed proves the author all the same; the
            // machine that handed it to the host proves nothing here.
            Some(said) if said.dmarc != Outcome::Pass && !checked.trusted_sealers.is_empty() => {
                let unsent = CheckedMail { client_ip: None, helo: None, envelope_from: None, ..checked };
                let sealed = outside.mail_checks.check(unsent).await;
                match sealed.dmarc {
                    Outcome::Pass => {
                        let detail = format!("{}; {}", said.detail, sealed.detail);
                        Authentication { dmarc: Outcome::Pass, detail, ..said }
                    }
                    _ => said,
                }
            }
            Some(said) => said,
            None => outside.mail_checks.check(checked).await,
        };
        let mut withheld = Vec::new();
        if letter.text_was_cut {
            withheld.push("the text goes on: see the original".to_owned());
        }
        let mut files = Vec::new();
        let found = std::mem::take(&mut letter.files);
        if found.len() > FILES_MAX {
            withheld.push(format!("{} more files: see the original", found.len() - FILES_MAX));
        }
        for file in found.into_iter().take(FILES_MAX) {
            let content = Bytes::from(file.content);
            let filename = base::files::clean_name(&file.filename);
            if let Some(scanner) = &outside.scanner {
                let verdict = scanner.scan(content.clone()).await;
                match verdict.map_err(|e| Failure::Temporary(format!("waits for the scanner: {e}")))? {
                    Verdict::Clean => {}
                    Verdict::Infected { name } => {
                        withheld.push(format!("{filename}: {name}"));
                        continue;
                    }
                }
            }
            files.push(keep(outside, plan.tenant, filename, content).await?);
        }
        Ok(Box::new(ReadMail { letter, files, withheld, authentication }))
    }

    fn settle(
        &self,
        tx: &mut Tx<'_>,
        job: &WorkMail,
        outcome: Result<Box<ReadMail>, Failure>,
        last: bool,
    ) -> Result<()> {
        let is_ours = |m: &Mail| m.run == job.run && settle::is_to_be_read(m);
        let Some(mail) = store::lock(tx, job.mail)?.filter(is_ours) else { return Ok(()) };
        match outcome {
            Ok(read) => settle::settle(tx, mail, *read),
            // It waits, and says for what.
            Err(Failure::Temporary(detail)) if !last => {
                store::say(tx, mail.id, &detail)?;
                if tx.now().duration_since(mail.received_at) < TOLD_AFTER {
                    return Ok(());
                }
                let what = detail.split(':').next().unwrap_or_default();
                channels::mailbox::tell_of_outage(tx, mail.channel_id, &format!("mail is not read: {what}"))
            }
            // A letter that is in a ticket already stays there, whatever became of reading it again.
            Err(failure) if mail.state == MailState::Done => store::say(tx, mail.id, failure.detail()),
            Err(failure) => store::set_state(tx, mail.id, MailState::Failed, failure.detail()),
        }
    }
}

async fn keep(
    outside: &Outside,
    tenant: TenantId,
    filename: String,
    content: Bytes,
) -> Result<NewAttachment, Failure> {
    let later = |e: base::Error| Failure::Temporary(format!("a file cannot be stored: {e}"));
    let content_type = base::files::sniff(&content[..content.len().min(512)]).to_owned();
    let mut writer = outside.blobs.begin(tenant).await.map_err(later)?;
    writer.write(content).await.map_err(later)?;
    let blob = writer.finish().await.map_err(later)?;
    Ok(NewAttachment { filename, content_type, size_bytes: blob.size_bytes, sha256: blob.sha256.0 })
}

/// What the trusted host says about the sender, in its `Authentication-Results` (RFC 8601). The top one alone: anybody
/// can have written one further down.
fn vouched(results: &[String], host: &str) -> Option<Authentication> {
    let top = inbound::without_words(results.first()?);
    let mut parts = top.split(';').map(str::trim);
    let id = parts.next()?.split_whitespace().next()?;
    if !id.eq_ignore_ascii_case(host) {
        return None;
    }
    let mut said = Authentication::none(format!("as {host} says"));
    for part in parts {
        let Some((method, rest)) = part.split_once('=') else { continue };
        let word: String = rest.trim_start().chars().take_while(char::is_ascii_alphanumeric).collect();
        let outcome = match word.to_ascii_lowercase().as_str() {
            "pass" => Outcome::Pass,
            "fail" | "softfail" | "permerror" => Outcome::Fail,
            _ => Outcome::None,
        };
        // Of several signatures one that holds is enough.
        let better = |known: Outcome| if known == Outcome::Pass { known } else { outcome };
        match method.trim().to_ascii_lowercase().as_str() {
            "spf" => said.spf = better(said.spf),
            "dkim" => said.dkim = better(said.dkim),
            "dmarc" => said.dmarc = outcome,
            _ => {}
        }
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_top_word_of_the_trusted_host_counts() {
        let given = [
            "mx.example.org; spf=softfail smtp.mailfrom=a@b; dkim=fail; dkim=pass header.d=b; dmarc=pass (p=none)".into(),
            "mx.example.org; dmarc=fail".into(),
        ];
        let said = vouched(&given, "MX.example.org").unwrap();
        assert_eq!((said.spf, said.dkim, said.dmarc), (Outcome::Fail, Outcome::Pass, Outcome::Pass));
        let words = ["mx.example.org; spf=pass smtp.mailfrom=\"a; dmarc=pass x\"@evil; dmarc=fail (dmarc=pass; dmarc=pass)".into()];
        assert_eq!(
            vouched(&words, "mx.example.org").unwrap().dmarc,
            Outcome::Fail,
            "a sender's own words count for nothing"
        );
        assert!(vouched(&given, "mx.example.com").is_none());
        assert!(vouched(&given[..0], "mx.example.org").is_none());
        let forged = ["evil.example; dmarc=fail".to_owned(), given[0].clone()];
        assert!(vouched(&forged, "mx.example.org").is_none(), "a header below the top may be anybody's");
    }
}
