//! Looks in the background: queued in the transaction of their cause, under its name, so that a crash repeats none.

use base::{Id, Result, Timestamp, minutes};
use db::Tx;
use engine::{Enqueue as _, Inside, Job};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    log::{self, Run},
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

/// A time-based rule looks at a ticket, once each time a timer of it ran out.
#[derive(Serialize, Deserialize)]
pub struct LookAtTime {
    pub rule: Id<Rule>,
    pub ticket: Id<Ticket>,
    pub anchor_at: Timestamp,
    /// Which look. The same instant may have been looked at before: by the rule as it was then, or before the anchor moved
    /// away and back.
    #[serde(default)]
    pub look: Uuid,
}

impl Job for LookAtTime {
    const KIND: &'static str = "desk.rule_timer";
    const LANE: engine::Lane = engine::Lane::Awaited;
    fn key(&self) -> String {
        self.look.to_string()
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

/// The schedule: queues a look for each timer that ran out, once. The timer goes with the look, and stands in nobody's way
/// until then.
pub fn run_timers(tx: &mut Tx<'_>) -> Result<()> {
    for (rule, ticket, anchor_at) in store::queue_due_timers(tx, BATCH)? {
        let look = tx.new_id::<Run>().uuid();
        tx.enqueue(&LookAtTime { rule, ticket, anchor_at, look })?;
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
            // Its due time moved while this was on its way, and the rule has looked.
            if !log::has_looked_since(tx, rule.id, *ticket, job.since)? {
                store::take_on(tx, rule.id, *ticket, *due, *due + minutes(after))?;
            }
        }
        match found.last().filter(|_| found.len() == TAKEN as usize) {
            Some((ticket, due)) => {
                tx.enqueue(&TakeOnDue { rule: rule.id, since: job.since, after: (*due, ticket.uuid()) })
            }
            None => Ok(()),
        }
    }
}
