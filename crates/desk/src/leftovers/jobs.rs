//! The job that removes bytes, a few at a time.

use base::{Result, TenantId, hours};
use db::Tx;
use engine::{Enqueue, Failure, Handler, Job, Outside, Step, outside::Sha256};
use serde::{Deserialize, Serialize};

use super::store::{self, Dropped};

/// Whatever was under way when a ticket was purged has committed by then.
const WAIT_HOURS: i64 = 1;
/// Blobs looked at by one job.
const BATCH: u32 = 200;

/// Removes what is due. `turn` tells one run from the next.
#[derive(Serialize, Deserialize)]
pub struct SweepLeftovers {
    pub turn: String,
}

impl Job for SweepLeftovers {
    const KIND: &'static str = "desk.sweep_leftovers";
    fn key(&self) -> String {
        self.turn.clone()
    }
}

/// Queues the job where there is something to remove; a schedule.
pub fn sweep_due(tx: &mut Tx<'_>) -> Result<()> {
    let now = tx.now();
    if store::is_due(tx, now - hours(WAIT_HOURS))? {
        tx.enqueue(&SweepLeftovers { turn: now.to_string() })?;
    }
    Ok(())
}

pub struct Sweeper;

/// What to remove, and whether there is more.
pub struct Sweeping {
    tenant: TenantId,
    dropped: Vec<Dropped>,
}

impl Handler for Sweeper {
    type Job = SweepLeftovers;
    type Plan = Sweeping;
    /// What needs no second look: it is gone, or was stored again by somebody.
    type Outcome = Vec<Dropped>;

    fn plan(&self, tx: &mut Tx<'_>, _: &SweepLeftovers) -> Result<Step<Sweeping>> {
        let before = tx.now() - hours(WAIT_HOURS);
        let in_drafts = store::named_in_drafts(tx)?;
        // What is named stays, and is written down again when that goes.
        loop {
            let found = store::due(tx, before, BATCH)?;
            let (mut dropped, many) = (Vec::new(), found.len() == BATCH as usize);
            for one in found {
                if in_drafts.contains(&one.sha256) || store::is_named(tx, one.sha256)? {
                    store::forget(tx, &one)?;
                } else {
                    dropped.push(one);
                }
            }
            if !dropped.is_empty() {
                return Ok(Step::Perform(Sweeping { tenant: tx.tenant()?, dropped }));
            }
            if !many {
                return Ok(Step::Done);
            }
        }
    }

    async fn perform(&self, outside: &Outside, plan: Sweeping) -> Result<Vec<Dropped>, Failure> {
        for one in &plan.dropped {
            let removed = outside.blobs.remove(plan.tenant, Sha256(one.sha256), one.at).await;
            removed.map_err(|e| Failure::Temporary(format!("a blob cannot be removed: {e}")))?;
        }
        Ok(plan.dropped)
    }

    fn settle(
        &self,
        tx: &mut Tx<'_>,
        job: &SweepLeftovers,
        outcome: Result<Vec<Dropped>, Failure>,
        _: bool,
    ) -> Result<()> {
        // Where it failed, the rows stay, and so the next turn begins with them.
        let Ok(dropped) = outcome else { return Ok(()) };
        for one in &dropped {
            store::forget(tx, one)?;
        }
        if store::is_due(tx, tx.now() - hours(WAIT_HOURS))? {
            tx.enqueue(&SweepLeftovers { turn: format!("{}+", job.turn) })?;
        }
        Ok(())
    }
}
