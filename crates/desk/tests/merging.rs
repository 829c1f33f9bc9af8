//! Merging is an overlay: whatever happens meanwhile, taking every merge back leaves each ticket with exactly what was
//! said to it, as in a world where nobody merged anything.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::{Actor, Id, Role};
use db::Tx;
use desk::tickets::{self, portal::Viewer, *};
use identity::{Settings, Staff};
use proptest::prelude::*;
use testkit::{World, both_engines};

/// One act on one of a handful of tickets.
#[derive(Clone, Debug)]
enum Act {
    CustomerWrites(usize),
    StaffAnswers(usize),
    StaffNotes(usize),
    Merge(usize, usize),
    Unmerge(usize),
    StaffReads(usize),
    /// For so many minutes, or until somebody replies. Acts are a minute apart.
    Snooze(usize, Option<i64>),
}

const TICKETS: usize = 5;

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let t = 0..TICKETS;
    let act = prop_oneof![
        t.clone().prop_map(Act::CustomerWrites),
        t.clone().prop_map(Act::StaffAnswers),
        t.clone().prop_map(Act::StaffNotes),
        (t.clone(), t.clone()).prop_map(|(a, b)| Act::Merge(a, b)),
        (t.clone(), t.clone()).prop_map(|(a, b)| Act::Merge(a, b)),
        t.clone().prop_map(Act::Unmerge),
        t.clone().prop_map(Act::StaffReads),
        (t, proptest::option::of(1..6i64)).prop_map(|(t, minutes)| Act::Snooze(t, minutes)),
    ];
    proptest::collection::vec(act, 1..24)
}

fn staff() -> Staff {
    Staff { user_id: None, role: Role::Admin, actor: Actor::system(), read_only: false }
}

/// The first three tickets are one customer's, the others' another's.
fn file(tx: &mut Tx<'_>, n: usize) -> base::Result<Id<Ticket>> {
    let email = if n < 3 { "ada@example.org" } else { "bob@example.org" }.parse()?;
    let who = Requester { email, name: "Somebody".into(), user_id: None };
    let new = NewTicket::new(&format!("t{n}"), "It is down", Channel::Portal)?;
    Ok(tickets::create(tx, &Settings::default(), None, For::Stranger(who), new)?.id)
}

/// What a ticket has that is its own: what was said to it, in order, and what follows from that.
#[derive(Debug, PartialEq)]
struct Own {
    said: Vec<(bool, String)>,
    message_count: u32,
    public_message_count: u32,
    last: usize,
    survivor: Option<Id<Ticket>>,
    merged_count: u32,
}

fn own(tx: &Tx<'_>, id: Id<Ticket>) -> base::Result<Own> {
    let t = query::get(tx, id)?;
    let messages = query::messages(tx, id)?;
    let last = messages.iter().rposition(|m| !m.is_internal && m.created_at == t.last_message_at);
    Ok(Own {
        said: messages.iter().map(|m| (m.is_internal, m.body.clone())).collect(),
        message_count: t.message_count,
        public_message_count: t.public_message_count,
        last: last.expect("the last public message is its own"),
        survivor: t.survivor_id,
        merged_count: t.merged_count,
    })
}

/// Does the acts in one world, merging or not, and answers what each ticket has once every merge was taken back.
fn play(world: &World, acts: &[Act], merging: bool) -> Vec<Own> {
    let step = |work: Work| {
        world.clock.advance(base::minutes(1));
        world.db.write_blocking(world.scope(), move |tx| work(tx)).expect("an act");
    };
    let ids: Vec<Id<Ticket>> =
        world.db.write_blocking(world.scope(), |tx| (0..TICKETS).map(|n| file(tx, n)).collect()).unwrap();
    for (n, act) in acts.iter().cloned().enumerate() {
        let (all, ids) = (ids.clone(), ids.clone());
        step(Box::new(move |tx| {
            let settings = Settings::default();
            let said = |internal| NewMessage {
                body: Markdown::parse("body", &format!("said {n}")).unwrap(),
                is_internal: internal,
                attachments: Vec::new(),
                status: None,
                expected_version: None,
                addressed_to: None,
            };
            match act {
                Act::CustomerWrites(t) => {
                    let viewer = Viewer::Link { ticket: ids[t] };
                    let body = Markdown::parse("body", &format!("said {n}"))?;
                    tickets::customer_reply(tx, &settings, &viewer, ids[t], body, Vec::new(), None)?;
                }
                Act::StaffAnswers(t) => {
                    drop(tickets::staff_message(tx, &settings, &staff(), ids[t], said(false))?)
                }
                Act::StaffNotes(t) => {
                    drop(tickets::staff_message(tx, &settings, &staff(), ids[t], said(true))?)
                }
                Act::StaffReads(t) => tickets::mark_read_by_staff(tx, &staff(), ids[t])?,
                Act::Merge(a, b) if merging => {
                    // A merge that is refused changes nothing; which are refused is tested elsewhere.
                    let _ = tx.attempt(|tx| tickets::merge(tx, &settings, &staff(), ids[a], ids[b]));
                }
                Act::Unmerge(t) if merging => {
                    let _ = tx.attempt(|tx| tickets::unmerge(tx, &settings, &staff(), ids[t]));
                }
                Act::Merge(..) | Act::Unmerge(_) => {}
                Act::Snooze(t, minutes) => {
                    // A merged ticket takes none.
                    let until = minutes.map(|m| tx.now() + base::minutes(m));
                    let _ = tx.attempt(|tx| tickets::snooze(tx, &settings, &staff(), ids[t], until, None));
                }
            }
            tickets::wake_due(tx)
        }));
        if merging {
            let ids = all;
            world.db.read_blocking(world.scope(), move |read| survivors_show_all(read, &ids)).unwrap();
        }
    }
    world
        .db
        .write_blocking(world.scope(), move |tx| {
            for id in &ids {
                if query::get(tx, *id)?.survivor_id.is_some() {
                    tickets::unmerge(tx, &Settings::default(), &staff(), *id)?;
                }
            }
            tickets::wake_due(tx)?;
            for id in &ids {
                nobody_sleeps_too_long(tx, *id)?;
            }
            ids.iter().map(|id| own(tx, *id)).collect()
        })
        .unwrap()
}

/// Whoever was put off is awake once the time is there, or its customer wrote.
fn nobody_sleeps_too_long(tx: &Tx<'_>, id: Id<Ticket>) -> base::Result<()> {
    let t = query::get(tx, id)?;
    let Some(since) = t.snoozed_at else {
        assert_eq!(t.snoozed_until, None);
        return Ok(());
    };
    assert!(t.snoozed_until.is_none_or(|until| until > tx.now()), "its time has passed");
    let wrote =
        query::messages(tx, id)?.iter().any(|m| m.direction == Direction::Inbound && m.created_at > since);
    assert!(!wrote, "its customer wrote meanwhile");
    Ok(())
}

/// At every moment: a survivor's thread is exactly what was said to all tickets whose survivor it is, its counters are
/// those of its thread, and its unread mark is up when one below it is.
fn survivors_show_all(read: &db::Read<'_>, ids: &[Id<Ticket>]) -> base::Result<()> {
    assert_eq!(tickets::counts::sums(read)?, tickets::counts::recount(read)?);
    for id in ids {
        let t = query::get(read, *id)?;
        let below = tickets::merged(read, *id)?;
        assert_eq!(below.len(), t.merged_count as usize);
        if t.survivor_id.is_some() {
            continue;
        }
        let thread = query::thread(read, &t)?;
        let mut all: Vec<_> = query::messages(read, *id)?;
        let mut unread = 0;
        for merged in below {
            let m = query::get(read, merged)?;
            assert_eq!(m.survivor_id, Some(*id));
            unread += m.unread_by_agent;
            all.extend(query::messages(read, merged)?);
        }
        assert_eq!(thread.len(), all.len());
        assert!(thread.is_sorted_by_key(|m| m.created_at));
        assert_eq!(t.message_count as usize, thread.len());
        assert!(t.unread_by_agent >= unread.min(1), "what is unread below is unread above");
        let last = thread.iter().filter(|m| !m.is_internal).map(|m| m.created_at).max();
        assert_eq!(Some(t.last_message_at), last);
    }
    Ok(())
}

fn compare(merged: World, plain: World, acts: &[Act]) {
    for world in [&merged, &plain] {
        world.db.write_blocking(world.scope(), desk::prepare_tenant).unwrap();
    }
    assert_eq!(
        play(&merged, acts, true).into_iter().map(without_ids).collect::<Vec<_>>(),
        play(&plain, acts, false).into_iter().map(without_ids).collect::<Vec<_>>()
    );
}

fn without_ids(own: Own) -> Own {
    assert_eq!(own.survivor, None, "every merge was taken back");
    own
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn unmerging_restores_exactly_on_sqlite(acts in acts()) {
        compare(World::sqlite(), World::sqlite(), &acts);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn unmerging_restores_exactly_on_postgres(acts in acts()) {
        compare(World::postgres(), World::sqlite(), &acts);
    }
}

/// Two tickets of one customer, the first in the second.
fn merged_pair(tx: &mut Tx<'_>) -> base::Result<[Id<Ticket>; 2]> {
    desk::prepare_tenant(tx)?;
    let ids = [file(tx, 0)?, file(tx, 1)?];
    tickets::merge(tx, &Settings::default(), &staff(), ids[0], ids[1])?;
    Ok(ids)
}

type Work = Box<dyn FnOnce(&mut Tx<'_>) -> base::Result<()> + Send>;

fn writes(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> base::Result<()> {
    let body = Markdown::parse("body", "still down")?;
    let viewer = Viewer::Link { ticket };
    tickets::customer_reply(tx, &Settings::default(), &viewer, ticket, body, Vec::new(), None).map(|_| ())
}

both_engines! {
    async fn a_snoozed_ticket_that_was_merged_sleeps_until_it_is_itself_again(world) {
        let write = async |work: Work| {
            world.clock.advance(base::minutes(1));
            world.db.write(world.scope(), move |tx| work(tx)).await.unwrap()
        };
        let ids = world.db.write(world.scope(), |tx| {
            desk::prepare_tenant(tx)?;
            Ok([file(tx, 0)?, file(tx, 1)?, file(tx, 2)?])
        }).await.unwrap();
        let theirs = world.db.write(world.scope_there(), |tx| {
            desk::prepare_tenant(tx)?;
            file(tx, 0)
        }).await.unwrap();
        let [timed, other, survivor] = ids;
        write(Box::new(move |tx| {
            let settings = Settings::default();
            for id in ids {
                tickets::mark_read_by_staff(tx, &staff(), id)?;
            }
            let until = tx.now() + base::minutes(10);
            tickets::snooze(tx, &settings, &staff(), timed, Some(until), None)?;
            tickets::snooze(tx, &settings, &staff(), other, None, None)?;
            tickets::merge(tx, &settings, &staff(), timed, survivor)?;
            tickets::merge(tx, &settings, &staff(), other, survivor)?;
            writes(tx, survivor)
        })).await;
        world.clock.advance(base::minutes(20));
        write(Box::new(move |tx| {
            tickets::wake_due(tx)?;
            let t = query::get(tx, timed)?;
            assert!(t.snoozed_at.is_some() && t.unread_by_agent == 0, "it is its survivor's matter");
            writes(tx, other)?;
            assert_eq!(query::get(tx, survivor)?.unread_by_agent, 2);
            for id in [timed, other] {
                tickets::unmerge(tx, &Settings::default(), &staff(), id)?;
            }
            tickets::wake_due(tx)?;
            let of = |id| query::get(tx, id).map(|t| (t.snoozed_at.is_some(), t.unread_by_agent));
            assert_eq!([of(timed)?, of(other)?, of(survivor)?], [(false, 1), (false, 1), (false, 1)]);
            Ok(())
        })).await;
        // A deleted one sleeps, too.
        write(Box::new(move |tx| {
            let until = tx.now() + base::minutes(10);
            tickets::snooze(tx, &Settings::default(), &staff(), timed, Some(until), None)?;
            tickets::remove(tx, &staff(), timed, None).map(|_| ())
        })).await;
        world.clock.advance(base::minutes(20));
        write(Box::new(move |tx| {
            tickets::wake_due(tx)?;
            let removed = query::get(tx, timed)?;
            assert!(removed.snoozed_at.is_some());
            tickets::restore(tx, &staff(), timed)?;
            tickets::wake_due(tx)?;
            assert!(query::get(tx, timed)?.snoozed_at.is_none());
            Ok(())
        })).await;
        let t = world.db.read(world.scope_there(), move |read| query::get(read, theirs)).await.unwrap();
        assert_eq!((t.version, t.unread_by_agent), (1, 1));
    }

    async fn a_reply_to_a_merged_ticket_and_a_look_or_an_answer_never_wait_for_each_other(world) {
        let [merged, survivor] = world.db.write(world.scope(), merged_pair).await.unwrap();
        let [_, theirs] = world.db.write(world.scope_there(), merged_pair).await.unwrap();
        let unread = async |scope, id| world.db.read(scope, move |read| Ok(query::get(read, id)?.unread_by_agent)).await.unwrap();
        let before = unread(world.scope_there(), theirs).await;
        for n in 0..40 {
            let reply = world.db.write(world.scope(), move |tx| writes(tx, merged));
            let read = world.db.write(world.scope(), move |tx| tickets::mark_read_by_staff(tx, &staff(), survivor));
            let answer = world.db.write(world.scope(), move |tx| {
                let body = Markdown::parse("body", &format!("answer {n}"))?;
                let new = NewMessage { body, is_internal: false, attachments: Vec::new(), status: None, expected_version: None, addressed_to: None };
                tickets::staff_message(tx, &Settings::default(), &staff(), survivor, new).map(|_| ())
            });
            let again = world.db.write(world.scope(), move |tx| writes(tx, merged));
            let (a, b, c, d) = tokio::join!(reply, read, answer, again);
            for done in [a, b, c, d] {
                done.unwrap();
            }
        }
        world.db.write(world.scope(), move |tx| tickets::mark_read_by_staff(tx, &staff(), survivor)).await.unwrap();
        assert_eq!((unread(world.scope(), survivor).await, unread(world.scope(), merged).await), (0, 0));
        assert_eq!(unread(world.scope_there(), theirs).await, before);
    }
}
