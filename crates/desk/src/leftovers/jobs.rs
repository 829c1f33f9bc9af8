//! The job that removes bytes, a few at a time.

use base::{Result, TenantId, hours};
use db::Tx;
use engine::{Enqueue, Failure, Handler, Job, Outside, Step, outside::Sha256};
use serde::{Deserialize, Serialize};

use super::store::{self, Dropped};

/// Whatever was under way when a ticket was purged has committed by then.
const WAIT: jiff::SignedDuration = hours(1);
/// A job puts aside what it planned within an hour, and whoever stored the same just before that has committed an hour later.
const ASIDE: jiff::SignedDuration = hours(2);
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

impl SweepLeftovers {
    /// Queues the next run where more is due.
    fn go_on(&self, tx: &mut Tx<'_>) -> Result<()> {
        if is_due(tx)? {
            let (begun, runs) = self.turn.rsplit_once('+').unwrap_or((&self.turn, "0"));
            let runs: u64 = runs.parse().unwrap_or(0);
            tx.enqueue(&Self { turn: format!("{begun}+{}", runs + 1) })?;
        }
        Ok(())
    }
}

fn is_due(tx: &Tx<'_>) -> Result<bool> {
    let now = tx.now();
    store::is_due(tx, now - WAIT, now - ASIDE)
}

/// Queues the job where there is something to remove; a schedule.
pub fn sweep_due(tx: &mut Tx<'_>) -> Result<()> {
    if is_due(tx)? {
        let turn = tx.now().to_string();
        tx.enqueue(&SweepLeftovers { turn })?;
    }
    Ok(())
}

pub struct Sweeper;

/// What to remove, and what to do with what was removed by a store that keeps it aside.
pub struct Sweeping {
    tenant: TenantId,
    drop: Vec<Dropped>,
    /// Each with whether something names it after all.
    decide: Vec<(Dropped, bool)>,
}

/// What the store did.
#[derive(Default)]
pub struct Swept {
    /// These need no second look: gone for good, put back, or stored again by somebody.
    done: Vec<Dropped>,
    /// These have never been put aside.
    again: Vec<Dropped>,
}

impl Handler for Sweeper {
    type Job = SweepLeftovers;
    type Plan = Sweeping;
    type Outcome = Swept;

    fn plan(&self, tx: &mut Tx<'_>, job: &SweepLeftovers) -> Result<Step<Sweeping>> {
        let (now, tenant) = (tx.now(), tx.tenant()?);
        let in_drafts = store::named_in_drafts(tx)?;
        let is_named = |tx: &mut Tx<'_>, one: &Dropped| {
            Ok::<_, base::Error>(in_drafts.contains(&one.sha256) || store::is_named(tx, one.sha256)?)
        };
        let mut decide = Vec::new();
        for one in store::aside(tx, now - ASIDE, BATCH)? {
            let named = is_named(tx, &one)?;
            decide.push((one, named));
        }
        // What is named stays, and is written down again when that goes.
        let (found, mut drop) = (store::due(tx, now - WAIT, BATCH)?, Vec::new());
        for one in found {
            if is_named(tx, &one)? {
                store::forget(tx, &one)?;
            } else {
                // Before it is: whatever becomes of this job, its copy is looked for.
                store::set_aside(tx, &one, Some(now))?;
                drop.push(one);
            }
        }
        if !drop.is_empty() || !decide.is_empty() {
            return Ok(Step::Perform(Sweeping { tenant, drop, decide }));
        }
        // However much is written down, nobody waits for more than a batch.
        job.go_on(tx)?;
        Ok(Step::Done)
    }

    async fn perform(&self, outside: &Outside, plan: Sweeping) -> Result<Swept, Failure> {
        let failed = |e: base::Error| Failure::Temporary(format!("a blob cannot be removed: {e}"));
        let (blobs, mut swept) = (&outside.blobs, Swept::default());
        for one in plan.drop {
            let gone = blobs.remove(plan.tenant, Sha256(one.sha256), one.at).await.map_err(failed)?;
            if !gone || !blobs.keeps_aside() {
                swept.done.push(one);
            }
        }
        for (one, is_named) in plan.decide {
            let sha256 = Sha256(one.sha256);
            let decided = match is_named {
                true => blobs.put_back(plan.tenant, sha256).await.map(|()| true),
                false => blobs.discard(plan.tenant, sha256, one.at).await,
            };
            if decided.map_err(failed)? { swept.done.push(one) } else { swept.again.push(one) }
        }
        Ok(swept)
    }

    fn settle(
        &self,
        tx: &mut Tx<'_>,
        job: &SweepLeftovers,
        outcome: Result<Swept, Failure>,
        _: bool,
    ) -> Result<()> {
        // Where it failed, the rows stay: in two hours they are looked at as if they had been put aside.
        let Ok(swept) = outcome else { return Ok(()) };
        for one in &swept.done {
            // Let go of again meanwhile: then it is to be removed like any other.
            store::set_aside(tx, one, None)?;
            store::forget(tx, one)?;
        }
        for one in &swept.again {
            store::set_aside(tx, one, None)?;
        }
        job.go_on(tx)
    }
}
