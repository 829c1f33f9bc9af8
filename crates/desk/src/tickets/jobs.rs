//! Telling people: each piece of news about a ticket becomes letters and in-app notices, in a job of its own, so that
//! filing a ticket waits for none of it.

use base::{Id, Result};
use db::{Tx, params};
use engine::{Enqueue as _, Inside, Job};
use identity::{Links, TenantRecord, tenants};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{announce::About, model::*, query, team_news};

/// What happened to a ticket that somebody should hear of.
#[derive(Serialize, Deserialize)]
pub struct Announce {
    pub ticket: Id<Ticket>,
    pub news: News,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    Created {
        first: Uuid,
        spoke_first: bool,
        /// Its customer gets a letter that it has arrived.
        #[serde(default = "confirmed")]
        is_confirmed: bool,
        /// Its requester is who they say.
        #[serde(default = "confirmed")]
        is_proved: bool,
    },
    Answered {
        message: Uuid,
    },
    CustomerReplied {
        message: Uuid,
    },
    Assigned {
        to: Uuid,
        version: i64,
    },
    /// To somebody, urgently.
    Escalated {
        to: Uuid,
        version: i64,
    },
    Resolved {
        version: i64,
    },
    Mentioned {
        message: Uuid,
        to: Vec<Uuid>,
    },
    Forwarded {
        forward: Uuid,
    },
    ForwardAnswered {
        message: Uuid,
    },
}

const fn confirmed() -> bool {
    true
}

impl Job for Announce {
    const KIND: &'static str = "desk.announce";
    fn key(&self) -> String {
        match &self.news {
            News::Created { .. } => format!("{}:created", self.ticket),
            News::Answered { message } | News::CustomerReplied { message } => {
                format!("{}:message:{message}", self.ticket)
            }
            News::Assigned { to, version } => format!("{}:assigned:{to}:{version}", self.ticket),
            News::Escalated { to, version } => format!("{}:escalated:{to}:{version}", self.ticket),
            News::Resolved { version } => format!("{}:resolved:{version}", self.ticket),
            News::Mentioned { message, .. } => format!("{}:mentioned:{message}", self.ticket),
            News::Forwarded { forward } => format!("{}:forwarded:{forward}", self.ticket),
            News::ForwardAnswered { message } => format!("{}:forward_answered:{message}", self.ticket),
        }
    }
}

db::statements! {
    WATCHED = "select 1 from ticket_watchers where tenant_id = ?1 and ticket_id in (?2, ?3) limit 1";
}

/// Queues what an answer to a ticket means to those who hear of it: whose it is, and who watches. Of most there is nobody,
/// and everybody sees it in the queue.
pub(super) fn announce_reply(
    tx: &mut Tx<'_>,
    addressed: Id<Ticket>,
    head: &Ticket,
    news: News,
) -> Result<()> {
    let is_watched = || tx.query_one(&WATCHED, params![addressed, head.id], |_| Ok(()));
    if head.assigned_to.is_none() && is_watched()?.is_none() {
        return Ok(());
    }
    tx.enqueue(&Announce { ticket: addressed, news })
}

pub struct Announcer {
    pub links: Links,
}

impl Inside for Announcer {
    type Job = Announce;
    /// Few enough that others' writes hardly wait for them.
    const TOGETHER_MAX: usize = 16;

    fn run(&self, tx: &mut Tx<'_>, job: &Announce) -> Result<()> {
        self.run_together(tx, std::slice::from_ref(job))
    }

    fn run_together(&self, tx: &mut Tx<'_>, jobs: &[Announce]) -> Result<()> {
        let tenant = tenants::get(tx, tx.tenant()?)?;
        let mut news_to_the_team = Vec::new();
        for job in jobs {
            let ticket = query::get(tx, job.ticket)?;
            // Spam gets no letter, not even one that was on its way.
            if ticket.close_reason == Some(CloseReason::Spam) || ticket.deleted_at.is_some() {
                continue;
            }
            self.announce(tx, &tenant, &ticket, &job.news)?;
            if matches!(job.news, News::Created { spoke_first: false, .. }) {
                news_to_the_team.push(ticket);
            }
        }
        team_news::tell_the_team(tx, &tenant, &self.links, &news_to_the_team)
    }
}

impl Announcer {
    /// Everybody but the team, which hears of new tickets.
    fn announce(&self, tx: &mut Tx<'_>, tenant: &TenantRecord, ticket: &Ticket, news: &News) -> Result<()> {
        let about = About { ticket, tenant, links: &self.links };
        match news {
            News::Created { first, spoke_first, is_confirmed, is_proved } => {
                if *spoke_first {
                    about.answer(tx, *first)?;
                } else if *is_confirmed {
                    about.confirm(tx, *is_proved)?;
                }
                if let Some(assignee) = ticket.assigned_to.filter(|a| ticket.created_by_id != Some(a.uuid()))
                {
                    about.tell_assignee(tx, assignee)?;
                }
                Ok(())
            }
            News::Answered { message } => about.answer(tx, *message),
            News::CustomerReplied { message } => about.tell_of_reply(tx, *message),
            News::Assigned { to, .. } => about.tell_assignee(tx, Id::from_uuid(*to)),
            News::Escalated { to, .. } => about.tell_escalated(tx, Id::from_uuid(*to)),
            News::Resolved { .. } => about.resolved(tx),
            News::Mentioned { message, to } => about.tell_mentioned(tx, *message, to),
            News::Forwarded { forward } => about.forward(tx, Id::from_uuid(*forward)),
            News::ForwardAnswered { message } => about.tell_of_reply(tx, *message),
        }
    }
}
