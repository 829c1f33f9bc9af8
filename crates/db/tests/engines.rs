//! What the room promises, on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use base::{Error, Id, Kind};
use db::params;
use testkit::both_engines;

db::statements! {
    ADD = "insert into teams (tenant_id, id, name, name_key, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?5)";
    NAMES = "select name from teams where tenant_id = ?1 order by name";
    COUNT = "select count(*) from teams where tenant_id = ?1";
    RENAME = "update teams set name = ?3 where tenant_id = ?1 and name_key = ?2";
    DROP = "delete from teams where tenant_id = ?1 and name_key = ?2";
    STEAL = "update teams set name = ?2 where tenant_id = ?1";
}
// Written without the tenant on purpose; the test reaches behind the check to prove that row-level security bites.
const UNBOUND: &str = "select count(*) from teams";

enum Team {}

fn add(tx: &mut db::Tx, name: &str) -> base::Result<()> {
    let (id, now): (Id<Team>, _) = (tx.new_id(), tx.now());
    tx.execute(&ADD, params![id, name, name.to_lowercase(), now]).map(|_| ())
}
/// The same, left for later.
fn add_later(tx: &mut db::Tx, name: &str) -> base::Result<()> {
    let (id, now): (Id<Team>, _) = (tx.new_id(), tx.now());
    tx.execute_later(&ADD, params![id, name, name.to_lowercase(), now])
}
fn names(read: &db::Read) -> base::Result<Vec<String>> {
    read.query_all(&NAMES, params![], |row| row.get(0))
}

both_engines! {
    async fn a_write_is_read_back_and_stays_in_its_tenant(world) {
        world.db.write(world.scope(), |tx| add(tx, "Field")).await.unwrap();
        world.db.write(world.scope_there(), |tx| add(tx, "Their team")).await.unwrap();
        world.db.write(world.scope(), |tx| tx.execute(&STEAL, params!["Renamed"])).await.unwrap();
        assert_eq!(world.db.read(world.scope(), names).await.unwrap(), ["Renamed"]);
        assert_eq!(world.db.read(world.scope_there(), names).await.unwrap(), ["Their team"]);
    }

    async fn an_error_undoes_the_whole_write(world) {
        let error = world.db.write(world.scope(), |tx| {
            add(tx, "half")?;
            Err::<(), _>(Error::conflict("test", "no"))
        }).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
        assert!(world.db.read(world.scope(), names).await.unwrap().is_empty());
    }

    async fn a_panic_fails_one_write_and_no_other(world) {
        let writes: Vec<_> = (0..40).map(|n| {
            let (db, scope) = (world.db.clone(), world.scope());
            tokio::spawn(async move {
                db.write(scope, move |tx| {
                    add(tx, &format!("team {n:02}"))?;
                    assert!(n != 17, "seventeen");
                    Ok(())
                }).await
            })
        }).collect();
        let mut failed = 0;
        for write in writes {
            failed += usize::from(write.await.unwrap().is_err());
        }
        assert_eq!(failed, 1);
        let names = world.db.read(world.scope(), names).await.unwrap();
        assert_eq!(names.len(), 39);
        assert!(!names.contains(&"team 17".to_owned()));
    }

    async fn a_failed_part_is_undone_alone(world) {
        world.db.write(world.scope(), |tx| {
            add(tx, "kept")?;
            let part = tx.attempt(|tx| { add(tx, "dropped")?; add(tx, "dropped") });
            assert!(part.is_err());
            add(tx, "kept too")
        }).await.unwrap();
        assert_eq!(world.db.read(world.scope(), names).await.unwrap(), ["kept", "kept too"]);
    }

    async fn what_is_left_for_later_is_seen_by_whoever_looks_and_keeps_its_order(world) {
        let seen = world.db.write(world.scope(), |tx| {
            for name in ["a", "b", "c", "d"] {
                add_later(tx, name)?;
            }
            let first = names(tx)?;
            for (key, name) in [("a", "a2"), ("b", "b2"), ("a", "a3"), ("nobody", "x")] {
                tx.execute_later(&RENAME, params![key, name])?;
            }
            tx.execute_later(&DROP, params!["c"])?;
            tx.execute_later(&DROP, params!["d"])?;
            add_later(tx, "C")?;
            tx.execute_later(&RENAME, params!["c", "c4"])?;
            Ok((first, names(tx)?))
        }).await.unwrap();
        assert_eq!(seen, (vec!["a".into(), "b".into(), "c".into(), "d".into()], vec!["a3".to_owned(), "b2".into(), "c4".into()]));
        world.db.write(world.scope_there(), |tx| add_later(tx, "theirs")).await.unwrap();
        assert_eq!(world.db.read(world.scope(), names).await.unwrap(), ["a3", "b2", "c4"]);
        assert_eq!(world.db.read(world.scope_there(), names).await.unwrap(), ["theirs"]);
    }

    async fn what_is_left_for_later_and_refused_fails_the_part_it_is_of(world) {
        world.db.write(world.scope(), |tx| {
            add_later(tx, "kept")?;
            assert!(tx.attempt(|tx| { add_later(tx, "dropped")?; add_later(tx, "Dropped") }).is_err());
            let inner = tx.attempt(|tx| {
                add_later(tx, "outer")?;
                assert!(tx.attempt(|tx| { add_later(tx, "inner")?; add_later(tx, "KEPT") }).is_err());
                add_later(tx, "outer too")
            });
            assert!(inner.is_ok());
            Ok(())
        }).await.unwrap();
        assert_eq!(world.db.read(world.scope(), names).await.unwrap(), ["kept", "outer", "outer too"]);
        // Of no part it is the whole write's.
        let whole = world.db.write(world.scope(), |tx| { add_later(tx, "half")?; add_later(tx, "kept") }).await;
        assert!(whole.is_err());
        assert_eq!(world.db.read(world.scope(), names).await.unwrap().len(), 3);
        world.db.write(world.scope(), |tx| add_later(tx, "goes on")).await.unwrap();
    }

    async fn one_of_many_that_fails_leaves_the_others_and_nothing_of_itself(world) {
        world.db.write(world.scope(), |tx| {
            for n in 0..9 {
                let done = tx.attempt_one_of_many(|tx| {
                    add_later(tx, &format!("later {n}"))?;
                    if n % 2 == 0 {
                        // Something is said to the server in between, so that there is a savepoint.
                        add(tx, &format!("now {n}"))?;
                    }
                    add_later(tx, &format!("then {n}"))?;
                    if n == 3 || n == 4 { Err(Error::conflict("test", "no")) } else { Ok(()) }
                });
                assert_eq!(done.is_err(), n == 3 || n == 4);
            }
            Ok(())
        }).await.unwrap();
        let there = world.db.read(world.scope(), names).await.unwrap();
        let of = |n: usize| there.iter().filter(|name| name.ends_with(&format!(" {n}"))).count();
        assert_eq!((0..9).map(of).collect::<Vec<_>>(), [3, 2, 3, 0, 0, 2, 3, 2, 3]);
    }

    async fn what_was_asked_is_remembered_until_it_is_written_or_undone(world) {
        let recalled = |tx: &db::Tx| tx.recall(&NAMES, params![], |row| row.get::<String>(0)).map(|all| all.len());
        world.db.write(world.scope(), move |tx| {
            add(tx, "a")?;
            assert_eq!(recalled(tx)?, 1);
            add_later(tx, "b")?;
            assert_eq!((recalled(tx)?, recalled(tx)?), (2, 2));
            let part: base::Result<()> = tx.attempt(|tx| {
                add_later(tx, "c")?;
                assert_eq!(recalled(tx)?, 3);
                Err(Error::conflict("test", "no"))
            });
            assert!(part.is_err());
            assert_eq!(recalled(tx)?, 2);
            Ok(())
        }).await.unwrap();
    }

    async fn work_across_tenants_cannot_reach_a_tenants_table(world) {
        let installation = testkit::installation();
        let error = world.db.read(installation, |read| read.query_one(&COUNT, params![], |row| row.get::<i64>(0))).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Bug);
    }

    async fn series_count_up_without_a_gap_in_one_caller(world) {
        world.db.write(world.scope(), |tx| db::dialect::start_series(tx, "ticket", 1)).await.unwrap();
        world.db.write(world.scope_there(), |tx| db::dialect::start_series(tx, "ticket", 500)).await.unwrap();
        for expected in 1..=5 {
            let n = world.db.write(world.scope(), |tx| db::dialect::next_number(tx, "ticket")).await.unwrap();
            assert_eq!(n, expected);
        }
        assert_eq!(world.db.write(world.scope_there(), |tx| db::dialect::next_number(tx, "ticket")).await.unwrap(), 500);
    }

    async fn a_commit_wakes_those_who_wait(world) {
        let mut jobs = world.db.signals().jobs();
        jobs.mark_unchanged();
        world.db.write(world.scope(), |tx| { tx.wake(db::Wake::Jobs); add(tx, "x") }).await.unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(5), jobs.changed()).await.unwrap().unwrap();
    }

    async fn whoever_comes_while_jobs_are_written_waits_for_few_of_them(world) {
        let order = Arc::new(Mutex::new(Vec::new()));
        let begun = Arc::new(tokio::sync::Notify::new());
        let work = |name: String, scope: db::Scope| {
            let (db, order, begun) = (world.db.clone(), order.clone(), begun.clone());
            async move {
                db.write(scope, move |tx| {
                    let mut order = order.lock().unwrap();
                    order.push(name.clone());
                    // The first was taken alone, before there were others.
                    if order.len() == 2 { begun.notify_one(); }
                    drop(order);
                    std::thread::sleep(Duration::from_millis(20));
                    add(tx, &name)
                }).await
            }
        };
        let jobs: Vec<_> = (0..6).map(|n| tokio::spawn(work(format!("job {n}"), world.scope().background()))).collect();
        begun.notified().await;
        work("person".into(), world.scope()).await.unwrap();
        for job in jobs { job.await.unwrap().unwrap(); }
        assert_eq!(world.db.read(world.scope(), names).await.unwrap().len(), 7, "nothing is lost");
        if world.db.kind() == db::EngineKind::Sqlite {
            let order = order.lock().unwrap().clone();
            let before = order.iter().position(|name| name == "person").unwrap();
            assert!(before <= 2, "at most the one at work, and the next: {order:?}");
        }
    }

    async fn after_close_nothing_is_accepted_and_nothing_accepted_is_lost(world) {
        let writes: Vec<_> = (0..200).map(|n| {
            let (db, scope) = (world.db.clone(), world.scope());
            tokio::spawn(async move { db.write(scope, move |tx| add(tx, &format!("{n:03}"))).await })
        }).collect();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        let db = world.db.clone();
        tokio::task::spawn_blocking(move || db.close()).await.unwrap();
        let mut acknowledged = 0i64;
        for write in writes {
            match write.await.unwrap() {
                Ok(()) => acknowledged += 1,
                Err(e) => assert_eq!(e.code(), "db.stopped"),
            }
        }
        let options = db::Options { clock: world.clock.clone(), entropy: world.entropy.clone(), threads: 2, queue_max: 10 };
        let again = db::Db::open(world.db.location().clone(), options).unwrap();
        let stored = again.read(world.scope(), |read| read.query_one(&COUNT, params![], |row| row.get::<i64>(0))).await.unwrap();
        assert_eq!(stored, Some(acknowledged));
        tokio::task::spawn_blocking(move || again.close()).await.unwrap();
    }
}

#[test]
fn every_registered_statement_binds_its_tenant() {
    for statement in db::sql::registered() {
        db::sql::check(&statement.sql)
            .unwrap_or_else(|e| panic!("{} in {}: {e}", statement.name, statement.file));
    }
}

/// The command line writes into the folder of a server that is at work without a pause.
#[tokio::test]
async fn another_process_gets_its_turn_while_there_is_always_more_to_write() {
    let world = testkit::World::sqlite();
    let db::Location::Sqlite(path) = world.db.location().clone() else { panic!("on SQLite") };
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let busy: Vec<_> = (0..8)
        .map(|task| {
            let (db, scope, stop) = (world.db.clone(), world.scope(), stop.clone());
            tokio::spawn(async move {
                let mut n = 0;
                while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                    let name = format!("{task} {n}");
                    db.write(scope.clone(), move |tx| add(tx, &name)).await.unwrap();
                    n += 1;
                }
                n
            })
        })
        .collect();
    let other = tokio::task::spawn_blocking(move || {
        let conn = rusqlite::Connection::open(path).unwrap();
        conn.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        for _ in 0..5 {
            conn.execute_batch("begin immediate; update tenants set name = name; commit").unwrap();
        }
    });
    other.await.unwrap();
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    for task in busy {
        assert!(task.await.unwrap() > 0);
    }
}

/// To a commit of a transaction in which a statement failed PostgreSQL answers with success, and writes nothing.
#[test]
fn a_failure_that_was_passed_over_is_not_acknowledged() {
    let world = testkit::World::postgres();
    let lost = world.db.write_blocking(world.scope(), |tx| {
        add(tx, "a")?;
        add(tx, "a").ok();
        Ok(())
    });
    assert!(lost.is_err());
    world.db.write_blocking(world.scope(), |tx| add(tx, "b")).unwrap();
    assert_eq!(world.db.read_blocking(world.scope(), names).unwrap(), ["b"]);
}

/// The second lock: even a statement that forgot the tenant sees only the tenant the transaction was opened for,
/// because requests run under a role that owns nothing.
#[test]
fn row_level_security_bites() {
    let world = testkit::World::postgres();
    let db::Location::Postgres(url) = world.db.location().clone() else { panic!("on PostgreSQL") };
    let (here, there) = (world.here, world.there);
    for (scope, name) in [(world.scope(), "ours"), (world.scope_there(), "theirs")] {
        world.db.write_blocking(scope, move |tx| add(tx, name)).unwrap();
    }
    let mut client = postgres::Client::connect(url.reveal(), postgres::NoTls).unwrap();
    let mut count = |setup: &str| -> i64 {
        client.batch_execute(setup).unwrap();
        let n = client.query_one(UNBOUND, &[]).unwrap().get(0);
        client.batch_execute("rollback").unwrap();
        n
    };
    assert_eq!(count("begin"), 2, "the owner, for backups");
    assert_eq!(count("begin; set local role counterfoil_app"), 0, "no tenant set: nothing");
    assert_eq!(
        count(&format!("begin; set local role counterfoil_app; set local counterfoil.tenant = '{here}'")),
        1
    );
    assert_eq!(
        count("begin; set local role counterfoil_app; set local counterfoil.reach = 'installation'"),
        0
    );
    client
        .batch_execute(&format!(
            "begin; set local role counterfoil_app; set local counterfoil.tenant = '{here}'"
        ))
        .unwrap();
    let refused = client.execute(
        "insert into teams values ($1, $2, 'x', 'x', now(), now())",
        &[&there.uuid(), &uuid::Uuid::from_u128(7)],
    );
    assert!(refused.unwrap_err().to_string().contains("db error"), "writing another tenant's row is refused");
    client.batch_execute("rollback; begin; set local role counterfoil_app").unwrap();
    assert!(
        client.batch_execute("alter table teams disable row level security").is_err(),
        "the role owns nothing"
    );
}
