//! The worker: claims due jobs under a lease and takes each through plan, perform and settle.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use base::{Actor, Error, Result, minutes, seconds};
use db::{Db, Scope};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    Failure, Lane, Outside, Registry, events,
    job::{AnyHandler, Performed, Planned},
    registry::{self, take_turn},
    store::{self, Claim, Group, Room},
};

/// A job that is not settled by then is somebody else's; long work extends its lease.
const LEASE: jiff::SignedDuration = minutes(2);
/// Jobs in hand at once, in this process, of each lane: slow mail servers must not keep people waiting.
const IN_HAND_MAX: Room = Room { awaited: 16, background: 12 };
/// What is said of work that a crash interrupted, where doing it again could be doing it twice.
const LOST: &str = "the server stopped at this moment; it may have happened or not";
/// For so long a schedule goes on piece by piece in one turn; after that each tenant has one more, and what is left waits.
const PIECES_FOR: Duration = Duration::from_secs(2);
/// Between two claims there is at least so much time: a claim is a commit, and one may as well take all that came meanwhile.
const CLAIM_EVERY: Duration = Duration::from_millis(4);
/// How often a worker looks by itself, should a wake-up be lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The places between two steps, where a process can die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Claimed,
    Planned,
    Performed,
}

/// Told at each moment; answering false means that the process died there. The crash simulator's way in.
pub trait Probe: Send + Sync + 'static {
    fn goes_on(&self, moment: Moment) -> bool;
}

/// Runs the jobs of every tenant until told to stop, then finishes what it has in hand.
pub struct Worker {
    db: Db,
    outside: Outside,
    registry: Arc<Registry>,
    probe: Option<Arc<dyn Probe>>,
}

impl Worker {
    pub fn new(db: Db, outside: Outside, registry: Registry) -> Self {
        Self { db, outside, registry: Arc::new(registry), probe: None }
    }

    #[must_use]
    pub fn with_probe(mut self, probe: Arc<dyn Probe>) -> Self {
        self.probe = Some(probe);
        self
    }

    fn goes_on(&self, moment: Moment) -> bool {
        self.probe.as_ref().is_none_or(|p| p.goes_on(moment))
    }

    /// Works until `stop` turns true, then finishes what it has in hand.
    pub async fn run(&self, stop: watch::Receiver<bool>) {
        // Side by side: a queue that never empties must not keep the schedules waiting.
        tokio::join!(self.work_queue(stop.clone()), self.keep_time(stop));
    }

    async fn keep_time(&self, mut stop: watch::Receiver<bool>) {
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            // What `wait_for` answers is a lock's guard, which must not live on while the house is kept.
            tokio::select! {
                _ = tick.tick() => {}
                _ = stop.wait_for(|s| *s) => return,
            }
            self.keep_house().await;
        }
    }

    async fn work_queue(&self, mut stop: watch::Receiver<bool>) {
        let mut wakes = self.db.signals().jobs();
        let (mut awaited, mut background) = (JoinSet::new(), JoinSet::new());
        let (mut was_called, mut claimed_at) = (false, None::<Instant>);
        while !*stop.borrow() {
            if let Some(left) = claimed_at.and_then(|at| CLAIM_EVERY.checked_sub(at.elapsed())) {
                tokio::time::sleep(left).await;
            }
            claimed_at = Some(Instant::now());
            // All that are done, not only the one that was heard of: what is done keeps no place.
            while awaited.try_join_next().is_some() {}
            while background.try_join_next().is_some() {}
            let room = Room {
                awaited: IN_HAND_MAX.awaited.saturating_sub(awaited.len()),
                background: IN_HAND_MAX.background.saturating_sub(background.len()),
            };
            wakes.mark_unchanged();
            for group in self.claim(room, was_called).await {
                let worker = self.clone_parts();
                let lane = match group.first().map(|claim| claim.lane) {
                    Some(Lane::Awaited) => &mut awaited,
                    Some(Lane::Background) => &mut background,
                    None => continue,
                };
                lane.spawn(async move { worker.work_group(group).await });
            }
            was_called = tokio::select! {
                _ = wakes.changed() => true,
                Some(_) = awaited.join_next() => false,
                Some(_) = background.join_next() => false,
                _ = stop.changed() => false,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
        }
        while awaited.join_next().await.is_some() {}
        while background.join_next().await.is_some() {}
    }

    /// Works everything that is due now, once, and answers how many jobs that was. For tests and the demo.
    pub async fn run_due(&self) -> Result<usize> {
        let mut worked = 0;
        loop {
            let groups = self.try_claim(IN_HAND_MAX, false).await?;
            if groups.is_empty() {
                return Ok(worked);
            }
            for group in groups {
                worked += group.len();
                self.work_group(group).await;
            }
        }
    }

    /// Runs the schedules that are due.
    pub async fn run_schedules(&self) -> Result<()> {
        for schedule in &self.registry.schedules {
            let turn = {
                let schedule = schedule.clone();
                self.db.write(scope(), move |tx| take_turn(tx, &schedule)).await?
            };
            if !turn {
                continue;
            }
            let begun = Instant::now();
            for tenant in self.db.read(scope(), registry::tenants).await? {
                let run = schedule.run.clone();
                loop {
                    let run = run.clone();
                    let tenant_scope = Scope::tenant(tenant, Actor::system()).background();
                    match self.db.write(tenant_scope, move |tx| run(tx)).await {
                        Ok(true) if begun.elapsed() < PIECES_FOR => {}
                        Ok(_) => break,
                        Err(error) => {
                            tracing::error!(schedule = schedule.name, %tenant, ?error, "a schedule failed");
                            break;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    async fn keep_house(&self) {
        if let Err(error) = self.run_schedules().await {
            tracing::warn!(?error, "schedules put off");
        }
        let now = self.db.now();
        let forget = self.db.write(scope(), move |tx| {
            store::forget_done(tx, now - base::hours(24))?;
            events::forget(tx, now - base::hours(24))
        });
        if let Err(error) = forget.await {
            tracing::warn!(?error, "old jobs stay for now");
        }
    }

    fn clone_parts(&self) -> Self {
        Self {
            db: self.db.clone(),
            outside: self.outside.clone(),
            registry: self.registry.clone(),
            probe: self.probe.clone(),
        }
    }

    /// `was_called`: somebody has just said that there is something to do.
    async fn claim(&self, room: Room, was_called: bool) -> Vec<Group> {
        if room.awaited == 0 && room.background == 0 {
            return Vec::new();
        }
        match self.try_claim(room, was_called).await {
            Ok(groups) => groups,
            Err(error) => {
                tracing::warn!(?error, "no job could be claimed");
                tokio::time::sleep(LOOK_EVERY).await;
                Vec::new()
            }
        }
    }

    async fn try_claim(&self, room: Room, was_called: bool) -> Result<Vec<Group>> {
        // Claiming is little, and whatever somebody waits for waits for it: it does not stand behind the work of jobs.
        let scope = || Scope::installation(Actor::system());
        if !was_called {
            // Looking first keeps an idle worker away from the writer.
            let now = self.db.now();
            let anything = self.db.read(scope(), move |read| store::anything_due(read, now)).await?;
            if !anything {
                return Ok(Vec::new());
            }
        }
        let registry = self.registry.clone();
        self.db
            .write(scope(), move |tx| {
                let lease_until = tx.now() + LEASE;
                let together = |kind: &str| registry.handler(kind).map_or(1, |h| h.together_max());
                store::claim(tx, room, lease_until, together)
            })
            .await
    }

    async fn work_group(&self, group: Group) {
        if !self.goes_on(Moment::Claimed) {
            return;
        }
        for claim in &group {
            let lag = self.db.now().duration_since(claim.run_at).as_secs_f64().max(0.0);
            metrics::histogram!("counterfoil_job_lag_seconds", "kind" => claim.kind.clone()).record(lag);
        }
        if group.len() > 1 {
            let Err(error) = self.work_together(&group).await else { return };
            tracing::info!(kind = group[0].kind, ?error, "jobs failed together, so each is run alone");
        }
        for claim in group {
            self.work(claim).await;
        }
    }

    /// Several of one tenant and kind in one transaction, as if each were run in its turn.
    async fn work_together(&self, group: &[Claim]) -> Result<()> {
        let Some(first) = group.first() else { return Ok(()) };
        let handler = self.registry.handler(&first.kind);
        let handler =
            handler.ok_or_else(|| Error::bug(format!("no handler for jobs of kind {}", first.kind)))?;
        let claims = group.to_vec();
        self.db
            .write(tenant_scope(first), move |tx| {
                let held = store::holding(tx, &claims)?;
                let payloads: Vec<String> = held.iter().map(|claim| claim.payload.clone()).collect();
                handler.plan_together(tx, &payloads)?;
                store::done_together(tx, &held)
            })
            .await
    }

    /// Plan, perform, settle. Whatever goes wrong ends in a row that says so.
    async fn work(&self, claim: Claim) {
        let Some(handler) = self.registry.handler(&claim.kind) else {
            let error = Error::bug(format!("no handler for jobs of kind {}", claim.kind));
            return self.give_up(&claim, error).await;
        };
        let performing = match self.plan(&claim, &handler).await {
            Ok(Planned::Perform(performing) | Planned::PerformOnce(performing)) => performing,
            Ok(Planned::Done | Planned::Later(_)) => return,
            Err(error) => return self.retry(&claim, handler.attempts_max(), &error).await,
        };
        if !self.goes_on(Moment::Planned) {
            return;
        }
        let performed = match self.guard(&claim, performing).await {
            Ok(performed) => performed,
            Err(error) => return self.retry(&claim, handler.attempts_max(), &error).await,
        };
        if self.goes_on(Moment::Performed) {
            self.settle(&claim, &*handler, performed).await;
        }
    }

    async fn plan(&self, claim: &Claim, handler: &Arc<dyn AnyHandler>) -> Result<Planned> {
        if handler.plans_by_reading() && !claim.was_begun {
            let (payload, handler, outside) = (claim.payload.clone(), handler.clone(), self.outside.clone());
            // Should the lease be over already, settling finds the newer fence.
            let read =
                self.db.read(tenant_scope(claim), move |read| handler.read_plan(read, &payload, &outside));
            if let Some(performing) = read.await? {
                return Ok(Planned::Perform(performing));
            }
        }
        let (held, handler, outside) = (claim.clone(), handler.clone(), self.outside.clone());
        let plan = self.db.write(tenant_scope(claim), move |tx| {
            if !store::holds(tx, &held)? {
                return Ok(Planned::Done);
            }
            // It was written down only of what must not happen twice, so what is planned now is not asked.
            if held.was_begun {
                handler.lost(tx, &held.payload, LOST)?;
                store::dead(tx, &held, LOST)?;
                return Ok(Planned::Done);
            }
            let planned = handler.plan(tx, &held.payload, &outside)?;
            match &planned {
                Planned::Done => store::done(tx, &held)?,
                Planned::Later(at) => store::postpone(tx, &held, *at)?,
                Planned::PerformOnce(_) => store::begun(tx, &held, true)?,
                Planned::Perform(_) => {}
            }
            Ok(planned)
        });
        plan.await
    }

    /// Performs, renewing the lease while it takes long. A panic is an error of this job, not of the worker.
    async fn guard(&self, claim: &Claim, performing: crate::job::Performing) -> Result<Performed> {
        let mut task = tokio::spawn(performing);
        loop {
            tokio::select! {
                done = &mut task => return done.map_err(|e| Error::bug(format!("a job panicked: {e}"))),
                () = tokio::time::sleep(Duration::from_secs(40)) => {
                    let extended = claim.clone();
                    self.db.write(tenant_scope(claim), move |tx| {
                        let until = tx.now() + LEASE;
                        store::extend(tx, &extended, until)
                    }).await.ok();
                }
            }
        }
    }

    async fn settle(&self, claim: &Claim, handler: &dyn AnyHandler, performed: Performed) {
        let Performed { failure, settle } = performed;
        let last = claim.attempts >= handler.outages_max();
        let held = claim.clone();
        let settled = self
            .db
            .write(tenant_scope(claim), move |tx| {
                if !store::holds(tx, &held)? {
                    tracing::warn!(job = %held.id, "a job was settled by somebody else meanwhile");
                    return Ok(());
                }
                settle(tx, last)?;
                match failure {
                    None => store::done(tx, &held),
                    Some(Failure::Temporary(detail)) if !last => {
                        store::begun(tx, &held, false)?;
                        let at = tx.now() + backoff(held.attempts, tx.entropy());
                        store::again(tx, &held, at, &detail)
                    }
                    Some(failure) => store::dead(tx, &held, failure.detail()),
                }
            })
            .await;
        if let Err(error) = settled {
            // It goes on from its plan under the same key, as after a crash, and not for ever.
            tracing::error!(job = %claim.id, kind = claim.kind, ?error, "a job could not be settled");
            self.retry(claim, handler.attempts_max(), &error).await;
        }
    }

    async fn retry(&self, claim: &Claim, attempts_max: u32, error: &Error) {
        tracing::warn!(job = %claim.id, kind = claim.kind, attempt = claim.attempts, ?error, "a job failed");
        if claim.attempts >= attempts_max {
            return self.give_up(claim, error.duplicate()).await;
        }
        let (held, detail) = (claim.clone(), error.to_string());
        let put_back = self.db.write(tenant_scope(claim), move |tx| {
            let at = tx.now() + backoff(held.attempts, tx.entropy());
            store::again(tx, &held, at, &detail)
        });
        put_back.await.ok();
    }

    async fn give_up(&self, claim: &Claim, error: Error) {
        tracing::error!(job = %claim.id, kind = claim.kind, ?error, "a job is dead");
        metrics::counter!("counterfoil_jobs_dead_total", "kind" => claim.kind.clone()).increment(1);
        let held = claim.clone();
        self.db.write(tenant_scope(claim), move |tx| store::dead(tx, &held, error.message())).await.ok();
    }
}

fn scope() -> Scope {
    Scope::installation(Actor::system()).background()
}

/// What a person watches is a person's work.
fn tenant_scope(claim: &Claim) -> Scope {
    let scope = Scope::tenant(claim.tenant, Actor::system());
    match claim.lane {
        Lane::Awaited => scope,
        Lane::Background => scope.background(),
    }
}

/// 2 s, 4 s, 8 s … at most an hour, with a quarter of jitter so that what failed together does not return together.
fn backoff(attempts: u32, entropy: &dyn base::Entropy) -> jiff::SignedDuration {
    let base_seconds = 2i64.saturating_pow(attempts.min(12)).min(3600);
    let mut random = [0; 1];
    entropy.fill(&mut random);
    seconds(base_seconds) + jiff::SignedDuration::from_millis(base_seconds * 250 * i64::from(random[0]) / 255)
}
