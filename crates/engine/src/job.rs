//! What a job is, and how one is queued.

use std::{future::Future, pin::Pin, sync::Arc};

use base::{Result, Timestamp};
use db::{Read, Tx};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Outside, store};

/// A durable piece of work: a row written in the transaction of its cause.
///
/// The three steps of its [`Handler`] are `plan` (decide and record, inside a transaction), `perform` (touch the
/// outside world, outside any transaction) and `settle` (record the outcome, inside a transaction).
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Stable name, such as `notices.send_letter`; stored, so never reused for something else.
    const KIND: &'static str;

    /// Whether somebody waits for it.
    const LANE: Lane = Lane::Background;

    /// What makes two jobs the same job. Queuing the same key twice is harmless: the second is dropped.
    fn key(&self) -> String;
}

/// Where a job stands in the queue. Each lane is worked in the order its jobs are due; none keeps another waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// A person watches until it is done.
    Awaited = 0,
    /// Letters, calls and upkeep, of which there may be very many.
    Background = 1,
}

impl Lane {
    pub(crate) const ALL: [Self; 2] = [Self::Awaited, Self::Background];

    pub(crate) const fn from_i64(lane: i64) -> Self {
        if lane == 0 { Self::Awaited } else { Self::Background }
    }
}

/// What `plan` decided.
pub enum Step<P> {
    /// Nothing has to happen outside: the job is done with this commit.
    Done,
    /// Do this outside, then settle.
    Perform(P),
    /// Not yet: look again then.
    Later(Timestamp),
}

/// Why `perform` did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// May work later: tried again with backoff, until the attempts are used up.
    Temporary(String),
    /// Will never work: the job is dead at once and visible.
    Permanent(String),
    /// Nobody knows whether it happened. Not repeated blindly: `settle` records it, and the job is dead and visible.
    Uncertain(String),
}

impl Failure {
    pub fn detail(&self) -> &str {
        match self {
            Self::Temporary(d) | Self::Permanent(d) | Self::Uncertain(d) => d,
        }
    }
}

/// How a kind of job is worked. See [`Job`].
pub trait Handler: Send + Sync + 'static {
    type Job: Job;
    type Plan: Send + 'static;
    type Outcome: Send + 'static;

    /// Attempts before the job is dead.
    const ATTEMPTS_MAX: u32 = 12;

    /// Attempts that may end in a [`Failure::Temporary`] before the job is dead. More where what is outside must be waited
    /// for, however long it is away; then it is asked every hour.
    const OUTAGES_MAX: u32 = Self::ATTEMPTS_MAX;

    /// Whether [`Handler::read_plan`] is worth asking.
    const PLANS_BY_READING: bool = false;

    /// Whether performing this plan twice comes to the same as performing it once. Where it does not, what a crash interrupts
    /// is not begun again: it is settled as [`Failure::Uncertain`]. Asked in the transaction of the plan, and recorded there.
    fn is_repeatable(&self, _: &Outside, _: &Self::Plan) -> bool {
        true
    }

    fn plan(&self, tx: &mut Tx<'_>, job: &Self::Job) -> Result<Step<Self::Plan>>;

    /// The plan of a job where reading is enough to make it: nothing has to wait for a turn to write then. None leaves the
    /// decision to `plan`, and so does one that is not repeatable, since that has to be recorded.
    fn read_plan(&self, _: &Read<'_>, _: &Self::Job) -> Result<Option<Self::Plan>> {
        Ok(None)
    }

    fn perform(
        &self,
        outside: &Outside,
        plan: Self::Plan,
    ) -> impl Future<Output = Result<Self::Outcome, Failure>> + Send;

    /// Records what happened. `last` is true when a temporary failure will not be tried again.
    fn settle(
        &self,
        tx: &mut Tx<'_>,
        job: &Self::Job,
        outcome: Result<Self::Outcome, Failure>,
        last: bool,
    ) -> Result<()>;
}

/// A job that happens inside one transaction: no outside, no settling.
pub trait Inside: Send + Sync + 'static {
    type Job: Job;
    const ATTEMPTS_MAX: u32 = 12;

    /// How many of one tenant that are due at once share a transaction.
    const TOGETHER_MAX: usize = 1;

    fn run(&self, tx: &mut Tx<'_>, job: &Self::Job) -> Result<()>;

    /// Several of one tenant, in the order they were due. An error undoes them all, and then each is run alone.
    fn run_together(&self, tx: &mut Tx<'_>, jobs: &[Self::Job]) -> Result<()> {
        jobs.iter().try_for_each(|job| self.run(tx, job))
    }
}

/// `tx.enqueue(job)`, in the transaction of its cause.
pub trait Enqueue {
    /// Queues a job to run as soon as possible.
    fn enqueue<J: Job>(&mut self, job: &J) -> Result<()>;
    /// Queues a job to run at an instant or after.
    fn enqueue_at<J: Job>(&mut self, job: &J, at: Timestamp) -> Result<()>;
}

impl Enqueue for Tx<'_> {
    fn enqueue<J: Job>(&mut self, job: &J) -> Result<()> {
        let now = self.now();
        self.enqueue_at(job, now)
    }
    fn enqueue_at<J: Job>(&mut self, job: &J, at: Timestamp) -> Result<()> {
        let payload = serde_json::to_string(job).map_err(base::Error::from_source)?;
        store::insert(self, J::KIND, J::LANE, &job.key(), payload, at)?;
        self.wake(db::Wake::Jobs);
        Ok(())
    }
}

/// Whether a job of this key waits or runs, for tests and pages.
pub fn is_waiting<J: Job>(read: &Read<'_>, job: &J) -> Result<bool> {
    store::is_waiting(read, J::KIND, &job.key())
}

/// A plan whose type is forgotten, ready to be performed.
pub(crate) type Performing = Pin<Box<dyn Future<Output = Performed> + Send>>;
/// What settling will do with the outcome; the second argument says whether this was the last attempt.
pub(crate) type Settle = Box<dyn FnOnce(&mut Tx<'_>, bool) -> Result<()> + Send>;

pub(crate) struct Performed {
    pub failure: Option<Failure>,
    pub settle: Settle,
}

pub(crate) enum Planned {
    Done,
    Later(Timestamp),
    Perform(Performing),
    /// Not to be performed twice.
    PerformOnce(Performing),
}

/// A handler whose types are forgotten, so that the worker can keep a table of them.
pub(crate) trait AnyHandler: Send + Sync {
    fn attempts_max(&self) -> u32;
    fn outages_max(&self) -> u32;
    fn plans_by_reading(&self) -> bool;
    /// How many of one tenant may be done in one transaction; then `plan_together` does them.
    fn together_max(&self) -> usize {
        1
    }
    fn plan_together(&self, _: &mut Tx<'_>, _: &[String]) -> Result<()> {
        Err(base::Error::bug("jobs that touch the outside are planned one by one"))
    }
    /// Only of what may be repeated.
    fn read_plan(&self, read: &Read<'_>, payload: &str, outside: &Outside) -> Result<Option<Performing>>;
    fn plan(&self, tx: &mut Tx<'_>, payload: &str, outside: &Outside) -> Result<Planned>;
    /// Records that performing was begun and that nobody knows how it ended.
    fn lost(&self, tx: &mut Tx<'_>, payload: &str, why: &str) -> Result<()>;
}

pub(crate) struct Outsider<H>(pub Arc<H>);

impl<H: Handler> Outsider<H> {
    fn performing(&self, outside: &Outside, job: H::Job, plan: H::Plan) -> Performing {
        let (handler, outside) = (self.0.clone(), outside.clone());
        Box::pin(async move {
            let outcome = handler.perform(&outside, plan).await;
            let failure = outcome.as_ref().err().cloned();
            let settle: Settle = Box::new(move |tx, last| handler.settle(tx, &job, outcome, last));
            Performed { failure, settle }
        })
    }
}

impl<H: Handler> AnyHandler for Outsider<H> {
    fn attempts_max(&self) -> u32 {
        H::ATTEMPTS_MAX
    }
    fn outages_max(&self) -> u32 {
        H::OUTAGES_MAX
    }
    fn plans_by_reading(&self) -> bool {
        H::PLANS_BY_READING
    }
    fn read_plan(&self, read: &Read<'_>, payload: &str, outside: &Outside) -> Result<Option<Performing>> {
        let job: H::Job = serde_json::from_str(payload).map_err(base::Error::from_source)?;
        let plan = self.0.read_plan(read, &job)?.filter(|plan| self.0.is_repeatable(outside, plan));
        Ok(plan.map(|plan| self.performing(outside, job, plan)))
    }
    fn plan(&self, tx: &mut Tx<'_>, payload: &str, outside: &Outside) -> Result<Planned> {
        let job: H::Job = serde_json::from_str(payload).map_err(base::Error::from_source)?;
        Ok(match self.0.plan(tx, &job)? {
            Step::Done => Planned::Done,
            Step::Later(at) => Planned::Later(at),
            Step::Perform(plan) if self.0.is_repeatable(outside, &plan) => {
                Planned::Perform(self.performing(outside, job, plan))
            }
            Step::Perform(plan) => Planned::PerformOnce(self.performing(outside, job, plan)),
        })
    }
    fn lost(&self, tx: &mut Tx<'_>, payload: &str, why: &str) -> Result<()> {
        let job: H::Job = serde_json::from_str(payload).map_err(base::Error::from_source)?;
        self.0.settle(tx, &job, Err(Failure::Uncertain(why.to_owned())), true)
    }
}

pub(crate) struct Insider<I>(pub I);

impl<I: Inside> AnyHandler for Insider<I> {
    fn attempts_max(&self) -> u32 {
        I::ATTEMPTS_MAX
    }
    fn outages_max(&self) -> u32 {
        I::ATTEMPTS_MAX
    }
    fn plans_by_reading(&self) -> bool {
        false
    }
    fn together_max(&self) -> usize {
        I::TOGETHER_MAX
    }
    fn plan_together(&self, tx: &mut Tx<'_>, payloads: &[String]) -> Result<()> {
        let jobs = payloads.iter().map(|p| serde_json::from_str(p).map_err(base::Error::from_source));
        self.0.run_together(tx, &jobs.collect::<Result<Vec<I::Job>>>()?)
    }
    fn read_plan(&self, _: &Read<'_>, _: &str, _: &Outside) -> Result<Option<Performing>> {
        Ok(None)
    }
    fn plan(&self, tx: &mut Tx<'_>, payload: &str, _: &Outside) -> Result<Planned> {
        let job: I::Job = serde_json::from_str(payload).map_err(base::Error::from_source)?;
        self.0.run(tx, &job)?;
        Ok(Planned::Done)
    }
    fn lost(&self, _: &mut Tx<'_>, _: &str, _: &str) -> Result<()> {
        Err(base::Error::bug("a job that happens in one transaction cannot be lost in between"))
    }
}
