//! The job that sends a letter.

use std::sync::Arc;

use base::{Email, Id, Kind, Result, TenantId, Timestamp, hours, minutes};
use db::{Read, Tx};
use engine::{
    Failure, Handler, Job, Outside, Step,
    outside::{Blobs, Envelope, SendErrorClass, Sha256},
};
use identity::{Links, tenants};
use serde::{Deserialize, Serialize};

use super::{
    outbox::{self, Letter, LetterFile, Named},
    ways::{Way, Ways},
};

#[derive(Serialize, Deserialize)]
pub struct SendLetter {
    pub letter: Id<Letter>,
}

impl Job for SendLetter {
    const KIND: &'static str = "notices.send_letter";
    fn key(&self) -> String {
        self.letter.to_string()
    }
}

/// Told what became of a letter, in the transaction that records it.
pub type Settled = Arc<dyn Fn(&mut Tx<'_>, Id<Letter>, &str) -> Result<()> + Send + Sync>;

pub struct Sender {
    pub links: Links,
    pub settled: Settled,
    /// Servers of the businesses' own.
    pub ways: Option<Arc<dyn Ways>>,
}

/// A letter with everything it is made of but the content of its files.
pub struct Parcel {
    pub from: Email,
    letter: mail::Letter,
    tenant: TenantId,
    files: Vec<LetterFile>,
}

impl Parcel {
    /// The whole letter as it goes over the wire; also what the outbox page offers as a file.
    pub async fn bytes(mut self, blobs: &dyn Blobs) -> Result<Vec<u8>> {
        for file in self.files {
            let reader = blobs.open(self.tenant, Sha256(file.sha256)).await?;
            let content = reader.collect(file.size_bytes).await?;
            let (filename, content_type) = (file.filename, file.content_type);
            self.letter.files.push(mail::AttachedFile { filename, content_type, content });
        }
        mail::compose(&self.letter)
    }
}

/// Puts a letter together.
pub fn parcel(read: &Read<'_>, links: &Links, letter: &Letter) -> Result<Parcel> {
    let tenant = tenants::get(read, read.tenant()?)?;
    let from_name = if tenant.settings.from_name.is_empty() {
        tenant.name.clone()
    } else {
        tenant.settings.from_name.clone()
    };
    let from: Email = if let Some(own) = &letter.from_email {
        own.clone()
    } else if tenant.settings.from_email.is_empty() {
        sender_of(&links.domain(&tenant))?
    } else {
        tenant.settings.from_email.parse()?
    };
    let parts = mail::Letter {
        message_id: letter.message_id.clone(),
        from: mail::Mailbox { name: mail::HeaderText::lossy(&from_name), email: from.clone() },
        to: match &letter.shown.to {
            Some(shown) => mailbox(shown),
            None => mail::Mailbox {
                name: mail::HeaderText::lossy(&letter.to_name),
                email: letter.to_email.clone(),
            },
        },
        cc: letter.shown.cc.iter().map(mailbox).collect(),
        reply_to: letter
            .reply_to
            .clone()
            .map(|email| mail::Mailbox { name: mail::HeaderText::lossy(&from_name), email }),
        subject: mail::HeaderText::lossy(&letter.subject),
        text: letter.body_text.clone(),
        html: Some(letter.body_html.clone()),
        in_reply_to: letter.in_reply_to.iter().cloned().collect(),
        references: letter.references.clone(),
        automatic: letter.automatic,
        date: letter.created_at,
        list_unsubscribe: letter.unsubscribe.clone(),
        loop_mark: Some(tenant.id.uuid().simple().to_string()),
        files: Vec::new(),
    };
    Ok(Parcel { from, letter: parts, tenant: tenant.id, files: outbox::files(read, letter.id)? })
}

fn mailbox(named: &Named) -> mail::Mailbox {
    mail::Mailbox { name: mail::HeaderText::lossy(&named.name), email: named.email.clone() }
}

/// An address literal is no domain of an address: a business without a host of its own writes from `support@localhost`.
fn sender_of(domain: &str) -> Result<Email> {
    let numeric = domain.starts_with('[') || domain.split('.').all(|p| p.bytes().all(|b| b.is_ascii_digit()));
    if numeric { "support@localhost".parse() } else { format!("support@{domain}").parse() }
}

/// How long a letter waits for a server that lets nobody in, before it has failed: what was urgent then is wrong now.
const WAITS_MAX: jiff::SignedDuration = hours(72);

/// When a letter that has waited so long is looked at again: soon while the pause is young, so that correcting it is seen to help.
fn look_again(letter: &Letter, now: Timestamp) -> Timestamp {
    now + (now.duration_since(letter.created_at) / 8).clamp(minutes(1), minutes(10))
}

impl Sender {
    /// It is no fault of the letter: it waits, says why, and uses up none of its attempts.
    fn wait(&self, tx: &mut Tx<'_>, letter: &Letter, why: &str) -> Result<Step<Sending>> {
        let now = tx.now();
        if now.duration_since(letter.created_at) > WAITS_MAX {
            metrics::counter!("counterfoil_letters_failed_total").increment(1);
            outbox::say(tx, letter.id, "failed", why)?;
            (self.settled)(tx, letter.id, "failed")?;
            return Ok(Step::Done);
        }
        if outbox::say(tx, letter.id, "queued", why)? {
            (self.settled)(tx, letter.id, "deferred")?;
        }
        Ok(Step::Later(look_again(letter, now)))
    }
}

/// A letter on its way to the mail server.
pub struct Sending {
    from: Option<Email>,
    to: Email,
    message_id: String,
    parcel: Parcel,
    way: Way,
}

impl Handler for Sender {
    type Job = SendLetter;
    type Plan = Sending;
    type Outcome = ();

    fn is_repeatable(&self, outside: &Outside, plan: &Sending) -> bool {
        plan.way == Way::Installation && outside.mailer.knows_repeats()
    }

    fn plan(&self, tx: &mut Tx<'_>, job: &SendLetter) -> Result<Step<Sending>> {
        // It went with its ticket.
        let Some(letter) = outbox::find(tx, job.letter)? else { return Ok(Step::Done) };
        if matches!(letter.status.as_str(), "sent" | "bounced" | "held") {
            return Ok(Step::Done);
        }
        let way = match &self.ways {
            Some(ways) => ways.way(tx, &letter)?,
            None => Way::Installation,
        };
        match &way {
            Way::Installation | Way::Own(_) => {}
            Way::Shut(why) => return self.wait(tx, &letter, why),
        }
        let parcel = parcel(tx, &self.links, &letter)?;
        let from = (!letter.automatic).then(|| parcel.from.clone());
        Ok(Step::Perform(Sending { from, to: letter.to_email, message_id: letter.message_id, parcel, way }))
    }

    async fn perform(&self, outside: &Outside, plan: Sending) -> Result<(), Failure> {
        let tenant = plan.parcel.tenant;
        let raw = plan.parcel.bytes(&*outside.blobs).await.map_err(|e| match e.kind() {
            Kind::NotFound => Failure::Permanent(format!("a file of the letter is lost: {e}")),
            Kind::Unavailable => Failure::Temporary(format!("a file of the letter cannot be read: {e}")),
            _ => Failure::Permanent(e.to_string()),
        })?;
        let envelope =
            Envelope { from: plan.from, to: plan.to, message_id: plan.message_id, raw: raw.into() };
        let sent = match (plan.way, &self.ways) {
            (Way::Own(way), Some(ways)) => ways.send(outside, tenant, way, envelope).await,
            _ => outside.mailer.send(envelope).await,
        };
        sent.map(|_| ()).map_err(|e| match e.class {
            SendErrorClass::Temporary | SendErrorClass::SignIn => Failure::Temporary(e.detail),
            SendErrorClass::Permanent => Failure::Permanent(e.detail),
            SendErrorClass::Uncertain => Failure::Uncertain(e.detail),
        })
    }

    fn settle(
        &self,
        tx: &mut Tx<'_>,
        job: &SendLetter,
        outcome: Result<(), Failure>,
        last: bool,
    ) -> Result<()> {
        let (status, error) = match &outcome {
            Ok(()) => ("sent", None),
            Err(Failure::Temporary(detail)) if !last => ("queued", Some(detail.as_str())),
            Err(Failure::Uncertain(detail)) => ("uncertain", Some(detail.as_str())),
            Err(failure) => ("failed", Some(failure.detail())),
        };
        match status {
            "sent" => metrics::counter!("counterfoil_letters_sent_total").increment(1),
            "failed" | "uncertain" => metrics::counter!("counterfoil_letters_failed_total").increment(1),
            _ => {}
        }
        outbox::settle(tx, job.letter, status, error)?;
        // Who wrote it wants to know that it is late.
        let told = if status == "queued" { "deferred" } else { status };
        (self.settled)(tx, job.letter, told)
    }
}
