//! Jobs of one kind and tenant that are due at once share a transaction; one that fails takes none of the others with it.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::{Result, minutes, seconds};
use db::{Scope, Tx};
use engine::{Enqueue, Inside, Job, Registry, Worker, store};
use serde::{Deserialize, Serialize};
use testkit::{World, both_engines, fake_outside};

db::statements! {
    ADD = "insert into teams (tenant_id, id, name, name_key, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?5)";
    SAID = "select name from teams where tenant_id = ?1 order by id";
}

/// Says its word.
#[derive(Serialize, Deserialize)]
struct Say(String);
impl Job for Say {
    const KIND: &'static str = "test.say";
    fn key(&self) -> String {
        self.0.clone()
    }
}

/// Says what all of a group say as one word.
struct Sayer;
impl Inside for Sayer {
    type Job = Say;
    const ATTEMPTS_MAX: u32 = 2;
    const TOGETHER_MAX: usize = 8;

    fn run(&self, tx: &mut Tx<'_>, job: &Say) -> Result<()> {
        say(tx, &job.0)?;
        assert!(job.0 != "panic", "as asked");
        Ok(())
    }
    fn run_together(&self, tx: &mut Tx<'_>, jobs: &[Say]) -> Result<()> {
        let all: Vec<&str> = jobs.iter().map(|job| job.0.as_str()).collect();
        say(tx, &all.join(" "))?;
        assert!(!all.contains(&"panic"), "as asked");
        Ok(())
    }
}

fn say(tx: &mut Tx<'_>, word: &str) -> Result<()> {
    let (id, now): (base::Id<Say>, _) = (tx.new_id(), tx.now());
    tx.execute(&ADD, db::params![id, word, word, now]).map(|_| ())
}

fn worker(world: &World) -> Worker {
    let mut registry = Registry::default();
    registry.handle_inside(Sayer);
    Worker::new(world.db.clone(), fake_outside().0, registry)
}

async fn queue(world: &World, scope: Scope, words: &[&str]) {
    for word in words {
        let job = Say((*word).to_owned());
        world.db.write(scope.clone(), move |tx| tx.enqueue(&job)).await.unwrap();
        world.clock.advance(seconds(1));
    }
}

async fn said(world: &World, scope: Scope) -> Vec<String> {
    world.db.read(scope, |r| r.query_all(&SAID, db::params![], |row| row.get(0))).await.unwrap()
}

async fn claim(world: &World) -> Vec<store::Group> {
    let room = store::Room { awaited: 4, background: 4 };
    let claimed = world.db.write(testkit::installation(), move |tx| {
        let until = tx.now() + minutes(2);
        store::claim(tx, room, until, |_| 8)
    });
    claimed.await.unwrap()
}

both_engines! {
    async fn what_is_due_at_once_is_done_in_groups_of_one_tenant(world) {
        queue(&world, world.scope(), &["a", "b", "c"]).await;
        queue(&world, world.scope_there(), &["x"]).await;
        queue(&world, world.scope(), &["d", "e", "f", "g", "h", "i"]).await;
        assert_eq!(worker(&world).run_due().await.unwrap(), 10);
        assert_eq!(said(&world, world.scope()).await, ["a b c d e f g h", "i"], "in their order, eight at most");
        assert_eq!(said(&world, world.scope_there()).await, ["x"]);
        assert_eq!(worker(&world).run_due().await.unwrap(), 0, "each is done");
    }

    async fn what_fails_among_others_is_alone_in_it(world) {
        queue(&world, world.scope(), &["a", "panic", "b"]).await;
        let worker = worker(&world);
        assert_eq!(worker.run_due().await.unwrap(), 3);
        assert_eq!(said(&world, world.scope()).await, ["a", "b"], "nothing of the group stays, and each is run");
        world.clock.advance(minutes(1));
        queue(&world, world.scope(), &["c"]).await;
        assert_eq!(worker.run_due().await.unwrap(), 2);
        assert_eq!(said(&world, world.scope()).await, ["a", "b", "c"], "what failed before is in nobody's group");
        let dead = world.db.read(world.scope(), |r| store::list(r, "dead", None, 10)).await.unwrap();
        assert_eq!(dead.len(), 1);
        assert_eq!(dead[0].key, "panic");
    }

    async fn a_group_that_somebody_else_took_over_is_left_alone(world) {
        queue(&world, world.scope(), &["a", "b"]).await;
        let mine = claim(&world).await;
        assert_eq!(mine.iter().map(Vec::len).collect::<Vec<_>>(), [2]);
        world.clock.advance(minutes(3));
        let theirs = claim(&world).await;
        assert_eq!(theirs.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1], "what was lost once is tried by itself");
        let (first, second) = (mine[0].clone(), theirs[0].clone());
        let held = world.db.write(world.scope(), move |tx| {
            Ok((store::holding(tx, &first)?.len(), store::holding(tx, &second)?.len()))
        });
        assert_eq!(held.await.unwrap(), (0, 1));
    }
}
