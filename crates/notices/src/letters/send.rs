//! The job that sends a letter.

use std::sync::Arc;

use base::{Email, Id, Result};
use db::{Read, Tx};
use engine::{
    Failure, Handler, Job, Outside, Step,
    outside::{Envelope, SendErrorClass},
};
use identity::{Links, tenants};
use serde::{Deserialize, Serialize};

use super::outbox::{self, Letter};

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
}

/// The whole letter as it goes over the wire; also what the outbox page offers as a file.
pub fn compose(read: &Read<'_>, links: &Links, letter: &Letter) -> Result<(Email, Vec<u8>)> {
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
    let raw = mail::compose(&mail::Letter {
        message_id: letter.message_id.clone(),
        from: mail::Mailbox { name: mail::HeaderText::lossy(&from_name), email: from.clone() },
        to: mail::Mailbox { name: mail::HeaderText::lossy(&letter.to_name), email: letter.to_email.clone() },
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
        list_unsubscribe: None,
    })?;
    Ok((from, raw))
}

/// An address literal is no domain of an address: a business without a host of its own writes from `support@localhost`.
fn sender_of(domain: &str) -> Result<Email> {
    let numeric = domain.starts_with('[') || domain.split('.').all(|p| p.bytes().all(|b| b.is_ascii_digit()));
    if numeric { "support@localhost".parse() } else { format!("support@{domain}").parse() }
}

impl Handler for Sender {
    type Job = SendLetter;
    type Plan = Envelope;
    type Outcome = ();

    fn plan(&self, tx: &mut Tx<'_>, job: &SendLetter) -> Result<Step<Envelope>> {
        let letter = outbox::get(tx, job.letter)?;
        if matches!(letter.status.as_str(), "sent" | "bounced" | "held") {
            return Ok(Step::Done);
        }
        let (from, raw) = compose(tx, &self.links, &letter)?;
        let from = (!letter.automatic).then_some(from);
        Ok(Step::Perform(Envelope {
            from,
            to: letter.to_email,
            message_id: letter.message_id,
            raw: raw.into(),
        }))
    }

    async fn perform(&self, outside: &Outside, plan: Envelope) -> Result<(), Failure> {
        outside.mailer.send(plan).await.map(|_| ()).map_err(|e| match e.class {
            SendErrorClass::Temporary => Failure::Temporary(e.detail),
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
        (self.settled)(tx, job.letter, status)
    }
}
