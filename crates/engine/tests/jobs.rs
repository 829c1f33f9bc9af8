//! Jobs: once for each key, through every kind of failure and a crash between any two steps, on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::{Email, Result, hours, minutes, seconds};
use db::Tx;
use engine::{
    Enqueue, Failure, Handler, Inside, Job, Lane, Moment, Outside, Registry, Step, Worker,
    outside::{Envelope, SendError, SendErrorClass},
    store,
};
use serde::{Deserialize, Serialize};
use testkit::{DiesAt, both_engines, fake_outside};

db::statements! {
    ADD = "insert into teams (tenant_id, id, name, name_key, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?5)";
    COUNT = "select count(*) from teams where tenant_id = ?1";
}

#[derive(Serialize, Deserialize)]
struct Greet {
    who: String,
}
impl Job for Greet {
    const KIND: &'static str = "test.greet";
    fn key(&self) -> String {
        self.who.clone()
    }
}

struct Greeter;
impl Handler for Greeter {
    type Job = Greet;
    type Plan = Envelope;
    type Outcome = ();
    const ATTEMPTS_MAX: u32 = 3;

    fn plan(&self, _: &mut Tx<'_>, job: &Greet) -> Result<Step<Envelope>> {
        let to: Email = "ada@example.org".parse()?;
        let message_id = format!("greet-{}@example.org", job.who);
        Ok(Step::Perform(Envelope { from: None, to, message_id, raw: "hello".into() }))
    }
    async fn perform(&self, outside: &Outside, plan: Envelope) -> Result<(), Failure> {
        outside.mailer.send(plan).await.map(|_| ()).map_err(|e| match e.class {
            SendErrorClass::Temporary | SendErrorClass::SignIn => Failure::Temporary(e.detail),
            SendErrorClass::Permanent => Failure::Permanent(e.detail),
            SendErrorClass::Uncertain => Failure::Uncertain(e.detail),
        })
    }
    fn settle(&self, tx: &mut Tx<'_>, job: &Greet, outcome: Result<(), Failure>, last: bool) -> Result<()> {
        let said = match outcome {
            Ok(()) => format!("sent {}", job.who),
            Err(f) if last || !matches!(f, Failure::Temporary(_)) => format!("gave up {}", job.who),
            Err(_) => return Ok(()),
        };
        note(tx, &said)
    }
}

/// A greeting that must not be heard twice.
#[derive(Serialize, Deserialize)]
struct GreetOnce {
    who: String,
}
impl Job for GreetOnce {
    const KIND: &'static str = "test.greet_once";
    fn key(&self) -> String {
        self.who.clone()
    }
}
struct OnceGreeter;
impl Handler for OnceGreeter {
    type Job = GreetOnce;
    type Plan = Envelope;
    type Outcome = ();
    fn is_repeatable(&self, outside: &Outside, _: &Envelope) -> bool {
        outside.mailer.knows_repeats()
    }
    fn plan(&self, tx: &mut Tx<'_>, job: &GreetOnce) -> Result<Step<Envelope>> {
        Greeter.plan(tx, &Greet { who: job.who.clone() })
    }
    async fn perform(&self, outside: &Outside, plan: Envelope) -> Result<(), Failure> {
        Greeter.perform(outside, plan).await
    }
    fn settle(
        &self,
        tx: &mut Tx<'_>,
        job: &GreetOnce,
        outcome: Result<(), Failure>,
        last: bool,
    ) -> Result<()> {
        Greeter.settle(tx, &Greet { who: job.who.clone() }, outcome, last)
    }
}

/// A greeting of which its plan says whether it may be heard twice.
#[derive(Serialize, Deserialize)]
struct GreetAsPlanned {
    who: String,
}
impl Job for GreetAsPlanned {
    const KIND: &'static str = "test.greet_as_planned";
    fn key(&self) -> String {
        self.who.clone()
    }
}
struct PlannedGreeter;
impl PlannedGreeter {
    fn envelope(job: &GreetAsPlanned) -> Result<Envelope> {
        let (to, message_id) = ("ada@example.org".parse()?, job.who.clone());
        Ok(Envelope { from: None, to, message_id, raw: "hello".into() })
    }
}
impl Handler for PlannedGreeter {
    type Job = GreetAsPlanned;
    type Plan = Envelope;
    type Outcome = ();
    const PLANS_BY_READING: bool = true;
    fn is_repeatable(&self, _: &Outside, plan: &Envelope) -> bool {
        plan.message_id.starts_with("twice")
    }
    fn plan(&self, _: &mut Tx<'_>, job: &GreetAsPlanned) -> Result<Step<Envelope>> {
        Self::envelope(job).map(Step::Perform)
    }
    fn read_plan(&self, _: &db::Read<'_>, job: &GreetAsPlanned) -> Result<Option<Envelope>> {
        Self::envelope(job).map(Some)
    }
    async fn perform(&self, outside: &Outside, plan: Envelope) -> Result<(), Failure> {
        Greeter.perform(outside, plan).await
    }
    fn settle(
        &self,
        tx: &mut Tx<'_>,
        job: &GreetAsPlanned,
        outcome: Result<(), Failure>,
        last: bool,
    ) -> Result<()> {
        Greeter.settle(tx, &Greet { who: job.who.clone() }, outcome, last)
    }
}

#[derive(Serialize, Deserialize)]
struct Note(String);
impl Job for Note {
    const KIND: &'static str = "test.note";
    fn key(&self) -> String {
        self.0.clone()
    }
}
/// Its outcome cannot be recorded.
#[derive(Serialize, Deserialize)]
struct Hopeless;
impl Job for Hopeless {
    const KIND: &'static str = "test.hopeless";
    fn key(&self) -> String {
        "one".into()
    }
}
struct HopelessWorker;
impl Handler for HopelessWorker {
    type Job = Hopeless;
    type Plan = ();
    type Outcome = ();
    const ATTEMPTS_MAX: u32 = 2;
    fn plan(&self, _: &mut Tx<'_>, _: &Hopeless) -> Result<Step<()>> {
        Ok(Step::Perform(()))
    }
    async fn perform(&self, _: &Outside, (): ()) -> Result<(), Failure> {
        Ok(())
    }
    fn settle(&self, tx: &mut Tx<'_>, _: &Hopeless, _: Result<(), Failure>, _: bool) -> Result<()> {
        note(tx, "half")?;
        Err(base::Error::conflict("test.archived", "it was archived meanwhile"))
    }
}

/// Somebody waits for this one.
#[derive(Serialize, Deserialize)]
struct Urgent(String);
impl Job for Urgent {
    const KIND: &'static str = "test.urgent";
    const LANE: Lane = Lane::Awaited;
    fn key(&self) -> String {
        self.0.clone()
    }
}
struct UrgentTaker;
impl Inside for UrgentTaker {
    type Job = Urgent;
    fn run(&self, tx: &mut Tx<'_>, job: &Urgent) -> Result<()> {
        note(tx, &job.0)
    }
}
struct NoteTaker;
impl Inside for NoteTaker {
    type Job = Note;
    const ATTEMPTS_MAX: u32 = 2;
    fn run(&self, tx: &mut Tx<'_>, job: &Note) -> Result<()> {
        note(tx, &job.0)?;
        assert!(job.0 != "panic", "as asked");
        Ok(())
    }
}

fn note(tx: &mut Tx<'_>, said: &str) -> Result<()> {
    let (id, now): (base::Id<Greet>, _) = (tx.new_id(), tx.now());
    tx.execute(&ADD, db::params![id, said, said, now]).map(|_| ())
}
fn registry() -> Registry {
    let mut registry = Registry::default();
    registry
        .handle(Greeter)
        .handle(OnceGreeter)
        .handle(PlannedGreeter)
        .handle_inside(NoteTaker)
        .handle_inside(UrgentTaker)
        .handle(HopelessWorker);
    registry.every("test.tick", minutes(10), |tx| {
        let n = tx.now().to_string();
        note(tx, &n)
    });
    registry
}
async fn count(world: &testkit::World, scope: db::Scope) -> i64 {
    world.db.read(scope, |r| r.query_one(&COUNT, db::params![], |row| row.get(0))).await.unwrap().unwrap()
}
async fn state(world: &testkit::World, state: &'static str) -> usize {
    world.db.read(world.scope(), move |r| store::list(r, state, None, 100)).await.unwrap().len()
}
async fn greet(world: &testkit::World, who: &str) {
    let who = who.to_owned();
    world.db.write(world.scope(), move |tx| tx.enqueue(&Greet { who })).await.unwrap();
}

both_engines! {
    async fn a_schedule_in_pieces_goes_on_while_there_is_more(world) {
        let (outside, _) = fake_outside();
        let mut registry = Registry::default();
        registry.every_piece("test.pieces", minutes(10), |tx| {
            let there: i64 = tx.query_one(&COUNT, db::params![], |row| row.get(0))?.unwrap_or(0);
            note(tx, &there.to_string())?;
            Ok(there < 4)
        });
        let worker = Worker::new(world.db.clone(), outside, registry);
        // The first look says when the first turn is.
        worker.run_schedules().await.unwrap();
        world.clock.advance(minutes(10));
        worker.run_schedules().await.unwrap();
        for scope in [world.scope(), world.scope_there()] {
            assert_eq!(count(&world, scope).await, 5, "five pieces, each a commit of its own");
        }
        worker.run_schedules().await.unwrap();
        assert_eq!(count(&world, world.scope()).await, 5, "and no more before the next turn");
    }

    async fn a_job_is_done_once_however_often_it_is_queued(world) {
        let (outside, mailer) = fake_outside();
        let worker = Worker::new(world.db.clone(), outside, registry());
        for _ in 0..3 { greet(&world, "ada").await; }
        assert_eq!(worker.run_due().await.unwrap(), 1);
        greet(&world, "ada").await;
        assert_eq!(worker.run_due().await.unwrap(), 0);
        assert_eq!(mailer.sent().len(), 1);
        assert_eq!(count(&world, world.scope()).await, 1);
        assert_eq!(count(&world, world.scope_there()).await, 0);
    }

    async fn a_job_is_gone_when_its_cause_is_undone(world) {
        let (outside, mailer) = fake_outside();
        let undone = world.db.write(world.scope(), |tx| {
            tx.enqueue(&Greet { who: "nobody".into() })?;
            Err::<(), _>(base::Error::conflict("test", "no"))
        }).await;
        assert!(undone.is_err());
        assert_eq!(Worker::new(world.db.clone(), outside, registry()).run_due().await.unwrap(), 0);
        assert!(mailer.sent().is_empty());
    }

    async fn temporary_failures_are_retried_with_backoff_then_visible_and_rerun(world) {
        let (outside, mailer) = fake_outside();
        let worker = Worker::new(world.db.clone(), outside, registry());
        greet(&world, "bob").await;
        for attempt in 1..=3 {
            mailer.fail_next(SendError::temporary("451 later"));
            assert_eq!(worker.run_due().await.unwrap(), 1, "attempt {attempt}");
            assert_eq!(worker.run_due().await.unwrap(), 0, "waits before the next attempt");
            world.clock.advance(minutes(1));
        }
        let dead = world.db.read(world.scope(), |r| store::list(r, "dead", None, 10)).await.unwrap();
        assert_eq!(dead[0].last_error.as_deref(), Some("451 later"));
        let id = dead[0].id;
        assert!(world.db.write(world.scope(), move |tx| store::rerun(tx, id)).await.unwrap());
        assert!(!world.db.write(world.scope_there(), move |tx| store::rerun(tx, id)).await.unwrap());
        assert_eq!(worker.run_due().await.unwrap(), 1);
        assert_eq!(mailer.sent().len(), 1);
    }

    async fn permanent_and_uncertain_failures_are_not_repeated(world) {
        let (outside, mailer) = fake_outside();
        let worker = Worker::new(world.db.clone(), outside, registry());
        greet(&world, "gone").await;
        mailer.fail_next(SendError::permanent("550 no such user"));
        worker.run_due().await.unwrap();
        greet(&world, "who knows").await;
        mailer.fail_next(SendError::uncertain("no answer after the dot"));
        worker.run_due().await.unwrap();
        world.clock.advance(hours(5));
        assert_eq!(worker.run_due().await.unwrap(), 0);
        assert_eq!(state(&world, "dead").await, 2);
    }

    async fn a_crash_between_any_two_steps_leaves_one_effect_under_one_key(world) {
        let moments = [Moment::Claimed, Moment::Planned, Moment::Performed];
        for (n, first) in moments.into_iter().enumerate() {
            for (m, second) in moments.into_iter().enumerate() {
                let (outside, mailer) = fake_outside();
                let who = format!("crash-{n}-{m}");
                greet(&world, &who).await;
                for moment in [first, second] {
                    let dying = Worker::new(world.db.clone(), outside.clone(), registry()).with_probe(DiesAt::new([moment]));
                    dying.run_due().await.unwrap();
                    // Nobody may take it up before the lease is over.
                    assert_eq!(Worker::new(world.db.clone(), outside.clone(), registry()).run_due().await.unwrap(), 0);
                    world.clock.advance(minutes(3));
                }
                Worker::new(world.db.clone(), outside.clone(), registry()).run_due().await.unwrap();
                let copies = mailer.copies();
                assert_eq!(copies.len(), 1, "one Message-ID");
                let crashes_after_sending = usize::from(first == Moment::Performed) + usize::from(second == Moment::Performed);
                assert_eq!(copies.values().sum::<usize>(), 1 + crashes_after_sending);
                assert_eq!(state(&world, "queued").await + state(&world, "running").await, 0);
            }
        }
        assert_eq!(count(&world, world.scope()).await, 9, "settled exactly once each");
    }

    async fn what_must_not_happen_twice_does_not_whenever_the_power_goes(world) {
        let moments = [Moment::Claimed, Moment::Planned, Moment::Performed];
        for (n, first) in moments.into_iter().enumerate() {
            for (m, second) in moments.into_iter().enumerate() {
                let (outside, mailer) = fake_outside();
                let who = format!("once-{n}-{m}");
                let job = GreetOnce { who: who.clone() };
                world.db.write(world.scope(), move |tx| tx.enqueue(&job)).await.unwrap();
                for moment in [first, second] {
                    let dying = Worker::new(world.db.clone(), outside.clone(), registry()).with_probe(DiesAt::new([moment]));
                    dying.run_due().await.unwrap();
                    world.clock.advance(minutes(3));
                }
                Worker::new(world.db.clone(), outside.clone(), registry()).run_due().await.unwrap();
                world.clock.advance(hours(5));
                assert_eq!(Worker::new(world.db.clone(), outside.clone(), registry()).run_due().await.unwrap(), 0);
                let dead = world.db.read(world.scope(), |r| store::list(r, "dead", None, 100)).await.unwrap();
                let is_uncertain = dead.iter().any(|j| j.key == who);
                // Only a process that died before it went outside knows that nothing happened.
                assert_eq!(is_uncertain, first != Moment::Claimed || second != Moment::Claimed, "{first:?} {second:?}");
                // The second worker goes outside only after the first died before doing so.
                let went = first == Moment::Performed || (first == Moment::Claimed && second != Moment::Planned);
                assert_eq!(mailer.sent().len(), usize::from(went), "{first:?} {second:?}");
            }
        }
        assert_eq!(count(&world, world.scope()).await, 9, "each is settled, whatever is known of it");
        // Somebody looked, and lets it happen again.
        let (outside, mailer) = fake_outside();
        assert!(world.db.write(world.scope(), |tx| store::rerun_key(tx, GreetOnce::KIND, "once-1-1")).await.unwrap());
        let worker = Worker::new(world.db.clone(), outside, registry());
        mailer.fail_next(SendError::temporary("451 later"));
        assert_eq!(worker.run_due().await.unwrap(), 1);
        // A failure whose end is known is tried again.
        world.clock.advance(minutes(1));
        assert_eq!(worker.run_due().await.unwrap(), 1);
        assert_eq!(mailer.sent().len(), 1);
        assert_eq!(state(&world, "done").await, 2);
    }

    async fn of_jobs_claimed_together_each_plan_says_whether_it_happens_twice(world) {
        let (outside, mailer) = fake_outside();
        let names = ["once-1", "twice-1", "once-2", "twice-2", "once-3"];
        for who in names {
            let job = GreetAsPlanned { who: who.into() };
            world.db.write(world.scope(), move |tx| tx.enqueue(&job)).await.unwrap();
        }
        let dying = Worker::new(world.db.clone(), outside.clone(), registry()).with_probe(DiesAt::new([Moment::Performed; 5]));
        assert_eq!(dying.run_due().await.unwrap(), 5);
        assert_eq!(mailer.sent().len(), 5);
        world.clock.advance(minutes(3));
        Worker::new(world.db.clone(), outside.clone(), registry()).run_due().await.unwrap();
        let times = |who: &str| mailer.sent().iter().filter(|e| e.message_id == who).count();
        assert_eq!(names.map(times), [1, 2, 1, 2, 1]);
        assert_eq!((state(&world, "dead").await, state(&world, "done").await), (3, 2));
        assert_eq!(count(&world, world.scope()).await, 5, "each is settled, whatever is known of it");
    }

    async fn a_panic_is_an_error_of_its_job_alone(world) {
        let (outside, _) = fake_outside();
        let worker = Worker::new(world.db.clone(), outside, registry());
        for what in ["fine", "panic", "also fine"] {
            let note = Note(what.into());
            world.db.write(world.scope(), move |tx| tx.enqueue(&note)).await.unwrap();
        }
        for _ in 0..3 { worker.run_due().await.unwrap(); world.clock.advance(minutes(1)); }
        assert_eq!(count(&world, world.scope()).await, 2, "what the panicking job wrote is undone");
        assert_eq!(state(&world, "dead").await, 1);
    }

    async fn a_job_that_cannot_be_settled_is_visible_and_not_repeated_for_ever(world) {
        let (outside, _) = fake_outside();
        let worker = Worker::new(world.db.clone(), outside, registry());
        world.db.write(world.scope(), |tx| tx.enqueue(&Hopeless)).await.unwrap();
        for _ in 0..2 {
            assert_eq!(worker.run_due().await.unwrap(), 1);
            world.clock.advance(minutes(1));
        }
        world.clock.advance(hours(5));
        assert_eq!(worker.run_due().await.unwrap(), 0);
        let dead = world.db.read(world.scope(), |r| store::list(r, "dead", None, 10)).await.unwrap();
        assert!(dead[0].last_error.as_deref().unwrap().contains("archived"), "{:?}", dead[0].last_error);
        assert_eq!(count(&world, world.scope()).await, 0, "nothing of it is half-written");
    }

    async fn a_flood_in_the_background_keeps_nobody_waiting_and_is_not_kept_waiting_itself(world) {
        for n in 0..100 { greet(&world, &format!("person {n}")).await; }
        world.clock.advance(seconds(1));
        for n in 0..100 {
            world.db.write(world.scope(), move |tx| tx.enqueue(&Urgent(format!("urgent {n}")))).await.unwrap();
        }
        let room = store::Room { awaited: 4, background: 12 };
        let claims = world.db.write(testkit::installation(), move |tx| {
            let until = tx.now() + minutes(2);
            store::claim(tx, room, until, |_| 1)
        }).await.unwrap();
        let awaited = claims.iter().flatten().filter(|c| c.lane == Lane::Awaited).count();
        assert_eq!((awaited, claims.len() - awaited), (4, 12), "both lanes move, whichever was first");
        let empty = store::Room { awaited: 0, background: 0 };
        assert!(world.db.write(testkit::installation(), move |tx| {
            let until = tx.now() + minutes(2);
            store::claim(tx, empty, until, |_| 1)
        }).await.unwrap().is_empty());
    }

    async fn of_two_replicas_each_job_and_each_turn_goes_to_one(world) {
        let (outside, mailer) = fake_outside();
        for n in 0..60 { greet(&world, &format!("person {n}")).await; }
        let a = Worker::new(world.db.clone(), outside.clone(), registry());
        let b = Worker::new(world.db.clone(), outside, registry());
        let (x, y) = tokio::join!(a.run_due(), b.run_due());
        assert_eq!(x.unwrap() + y.unwrap(), 60);
        assert_eq!(mailer.copies().len(), 60);
        assert_eq!(mailer.sent().len(), 60);
        let before = count(&world, world.scope()).await;
        a.run_schedules().await.unwrap();
        world.clock.advance(minutes(10) + seconds(1));
        let (x, y) = tokio::join!(a.run_schedules(), b.run_schedules());
        x.unwrap();
        y.unwrap();
        assert_eq!(count(&world, world.scope()).await, before + 1, "one turn in each tenant");
        assert_eq!(count(&world, world.scope_there()).await, 1);
    }
}
