//! The question as a letter, some time after the resolution: not for what was opened again meanwhile.

use base::{Id, Result, Timestamp};
use db::Tx;
use engine::{Enqueue, Inside, Job};
use identity::{Links, Settings, tenants};
use notices::letters::LetterKind;
use serde::{Deserialize, Serialize};

use super::{model::is_due, ops};
use crate::tickets::{Ticket, query, write_to_customer};

#[derive(Serialize, Deserialize)]
pub struct AskCustomer {
    pub ticket: Id<Ticket>,
    /// Of the ticket when it was resolved: each resolution tries, the first that holds asks.
    pub version: i64,
}

impl Job for AskCustomer {
    const KIND: &'static str = "desk.ask_customer";
    fn key(&self) -> String {
        format!("{}:{}", self.ticket, self.version)
    }
}

/// Has the customer asked later, where the tenant wants that.
pub fn ask_later(tx: &mut Tx<'_>, settings: &Settings, ticket: &Ticket) -> Result<()> {
    if !settings.csat_enabled {
        return Ok(());
    }
    let at: Timestamp = tx.now() + base::minutes(i64::from(settings.csat_delay_minutes));
    tx.enqueue_at(&AskCustomer { ticket: ticket.id, version: ticket.version }, at)
}

pub struct Asker {
    pub links: Links,
}

impl Inside for Asker {
    type Job = AskCustomer;

    fn run(&self, tx: &mut Tx<'_>, job: &AskCustomer) -> Result<()> {
        let ticket = query::get(tx, job.ticket)?;
        let tenant = tenants::get(tx, tx.tenant()?)?;
        if !tenant.settings.csat_enabled || !is_due(&ticket) {
            return Ok(());
        }
        if crm::customers::has_surveys_off(tx, ticket.customer_id)? {
            return Ok(());
        }
        let Some(token) = ops::ask(tx, &ticket)? else { return Ok(()) };
        let link = format!("{}/help/feedback/{}", self.links.base(&tenant), token.reveal());
        write_to_customer(tx, &ticket, &tenant, &self.links, LetterKind::SatisfactionSurvey, &link)
    }
}
