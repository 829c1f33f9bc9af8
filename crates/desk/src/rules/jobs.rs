//! Looks in the background: queued in the transaction of their cause, under its name, so that a crash repeats none.

use base::{Id, Result, Timestamp, minutes};
use db::Tx;
use engine::{Enqueue as _, Inside, Job};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    model::{Anchor, Rule, Trigger},
    run, store,
};
use crate::Ticket;

/// Rules look at a change of a ticket.
#[derive(Serialize, Deserialize)]
pub struct LookAtChange {
    pub ticket: Id<Ticket>,
    pub change: Uuid,
}

impl Job for LookAtChange {
    const KIND: &'static str = "desk.rules";
    const LANE: engine::Lane = engine::Lane::Awaited;
    fn key(&self) -> String {
        format!("{}:{}", self.ticket, self.change)
    }
}

pub struct ChangeLooker;

impl Inside for ChangeLooker {
    type Job = LookAtChange;
    fn run(&self, tx: &mut Tx<'_>, job: &LookAtChange) -> Result<()> {
        run::change(tx, job.ticket, job.change)
    }
}

/// A time-based rule looks at a ticket, once for an instant of its anchor.
#[derive(Serialize, Deserialize)]
pub struct LookAtTime {
    pub rule: Id<Rule>,
    pub ticket: Id<Ticket>,
    pub anchor_at: Timestamp,
}

impl Job for LookAtTime {
    const KIND: &'static str = "desk.rule_timer";
    const LANE: engine::Lane = engine::Lane::Awaited;
    fn key(&self) -> String {
        format!("{}:{}:{}", self.rule, self.ticket, self.anchor_at.as_microsecond())
    }
}

pub struct TimeLooker;

impl Inside for TimeLooker {
    type Job = LookAtTime;
    fn run(&self, tx: &mut Tx<'_>, job: &LookAtTime) -> Result<()> {
        run::timer(tx, job.rule, job.ticket, job.anchor_at)
    }
}

/// Timers taken up by one run of the schedule.
const BATCH: u32 = 500;

/// The schedule: queues a look for each timer that ran out. The timer goes with the look.
pub fn run_timers(tx: &mut Tx<'_>) -> Result<()> {
    for (rule, ticket, anchor_at) in store::due_timers(tx, BATCH)? {
        tx.enqueue(&LookAtTime { rule, ticket, anchor_at })?;
    }
    Ok(())
}

/// A rule about due times was switched on: those that are still to come are anchors of it too.
#[derive(Serialize, Deserialize)]
pub struct TakeOnDue {
    pub rule: Id<Rule>,
    pub since: Timestamp,
    pub after: (Timestamp, Uuid),
}

impl Job for TakeOnDue {
    const KIND: &'static str = "desk.rule_take_on";
    const LANE: engine::Lane = engine::Lane::Awaited;
    fn key(&self) -> String {
        format!("{}:{}:{}", self.rule, self.since.as_microsecond(), self.after.1)
    }
}

pub struct DueTaker;

/// Tickets taken on by one transaction.
const TAKEN: u32 = 200;

impl Inside for DueTaker {
    type Job = TakeOnDue;
    fn run(&self, tx: &mut Tx<'_>, job: &TakeOnDue) -> Result<()> {
        let Ok(rule) = store::get(tx, job.rule) else { return Ok(()) };
        let Trigger::Time { anchor: Anchor::Due, minutes: after, .. } = rule.definition.trigger else {
            return Ok(());
        };
        // Switched off, or on once more, meanwhile: that is another job's.
        if rule.active_since != Some(job.since) {
            return Ok(());
        }
        let found = store::still_due(tx, job.after, job.since, TAKEN)?;
        for (ticket, due) in &found {
            store::set_timer(tx, rule.id, *ticket, *due, *due + minutes(after))?;
        }
        match found.last().filter(|_| found.len() == TAKEN as usize) {
            Some((ticket, due)) => {
                tx.enqueue(&TakeOnDue { rule: rule.id, since: job.since, after: (*due, ticket.uuid()) })
            }
            None => Ok(()),
        }
    }
}
