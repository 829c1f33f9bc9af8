//! Changes of many: what they cost on the way to the server does not grow with each ticket, and what they did is found.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use base::{Actor, ActorKind, Email, Id, Role};
use db::{Read, Tx};
use desk::{
    bulk::{self, Bulk, Changes},
    macros::{self, Kind, MacroChanges, NewMacro},
    tickets::{self, *},
    views::Sharing,
};
use identity::{Settings, Staff, users};
use testkit::{World, both_engines};

fn ben(tx: &mut Tx<'_>) -> base::Result<Staff> {
    let email: Email = "ben@example.org".parse()?;
    let new = users::NewUser {
        email,
        name: "Ben".into(),
        role: Role::Admin,
        password_hash: None,
        verified: true,
        locale: "en".into(),
        time_zone: "UTC".into(),
    };
    let id = users::create(tx, new)?.id;
    let actor = Actor { kind: ActorKind::Agent, id: Some(id.uuid()), name: "Ben".into() };
    Ok(Staff { user_id: Some(id), role: Role::Admin, actor, read_only: false })
}

fn file(tx: &mut Tx<'_>, n: usize, body: &str) -> base::Result<Id<Ticket>> {
    let who = Requester { email: format!("c{n}@example.org").parse()?, name: "C".into(), user_id: None };
    let mut new = NewTicket::new(&format!("t{n}"), body, Channel::Portal)?;
    new.tags = vec!["old".into()];
    Ok(tickets::create(tx, &Settings::default(), None, For::Stranger(who), new)?.id)
}

/// `many` tickets of here with one of more words than a row of the index holds, and one of the neighbour's.
async fn tickets_of(world: &World, many: usize) -> (Staff, Vec<Id<Ticket>>, Id<Ticket>) {
    world.db.write(world.scope(), desk::prepare_tenant).await.unwrap();
    world.db.write(world.scope_there(), desk::prepare_tenant).await.unwrap();
    let theirs = world.db.write(world.scope_there(), |tx| file(tx, 0, "it is down")).await.unwrap();
    let here = world.db.write(world.scope(), move |tx| {
        let staff = ben(tx)?;
        let long: String = (0..4_000).map(|n| format!("word{n} ")).collect();
        let ids = (0..many)
            .map(|n| file(tx, n, if n == 1 { &long } else { "it is down" }))
            .collect::<base::Result<Vec<_>>>()?;
        Ok((staff, ids))
    });
    let (staff, ids) = here.await.unwrap();
    (staff, ids, theirs)
}

async fn begun(world: &World, staff: &Staff, changes: Changes, ids: &[Id<Ticket>]) -> Id<Bulk> {
    let (staff, ids) = (staff.clone(), ids.to_vec());
    let begin = world.db.write(world.scope(), move |tx| {
        let bulk = bulk::begin(tx, &staff, changes, ids.len())?.id;
        bulk::collect(tx, bulk, 1, &ids)?;
        bulk::start(tx, bulk)?;
        Ok(bulk)
    });
    begin.await.unwrap()
}

/// What goes to the server is counted for the whole process: tests that look at it take turns.
static COUNTING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Runs a change of many to its end; answers how often it went to the server in its first batch.
async fn run(world: &World, bulk: Id<Bulk>) -> u64 {
    let before = db::round_trips();
    let mut next = world.db.write(world.scope(), move |tx| bulk::run_batch(tx, bulk, 0)).await.unwrap();
    let trips = db::round_trips() - before;
    while let Some(after) = next {
        next = world.db.write(world.scope(), move |tx| bulk::run_batch(tx, bulk, after)).await.unwrap();
    }
    trips
}

async fn undo(world: &World, staff: &Staff, bulk: Id<Bulk>) -> u64 {
    let staff = staff.clone();
    world.db.write(world.scope(), move |tx| bulk::undo(tx, &staff, bulk)).await.unwrap();
    let before = db::round_trips();
    let mut next = world.db.write(world.scope(), move |tx| bulk::undo_batch(tx, bulk, 0)).await.unwrap();
    let trips = db::round_trips() - before;
    while let Some(after) = next {
        next = world.db.write(world.scope(), move |tx| bulk::undo_batch(tx, bulk, after)).await.unwrap();
    }
    trips
}

fn found(read: &Read<'_>, words: &str) -> base::Result<usize> {
    let staff = Staff { user_id: None, role: Role::Admin, actor: Actor::system(), read_only: false };
    let filter = TicketFilter { q: Some(words.into()), limit: 100, ..TicketFilter::default() };
    Ok(search::search(read, &staff, &filter)?.tickets.len())
}

async fn macro_of(world: &World, staff: &Staff, body: &str) -> Id<macros::Macro> {
    let (staff, body) = (staff.clone(), body.to_owned());
    let made = world.db.write(world.scope(), move |tx| {
        let changes = MacroChanges { add_tags: vec!["outage".into()], ..MacroChanges::default() };
        let new = NewMacro {
            kind: Kind::Macro,
            name: "We know".into(),
            text_kind: None,
            body,
            changes,
            sharing: Sharing::Personal,
            files: Vec::new(),
        };
        Ok(macros::save(tx, &staff, new)?.id)
    });
    made.await.unwrap()
}

both_engines! {
    async fn tags_of_many_are_changed_found_and_taken_back(world) {
        let _turn = COUNTING.lock().await;
        let (staff, ids, theirs) = tickets_of(&world, 90).await;
        let tags = Changes { add_tags: vec!["outage".into()], remove_tags: vec!["old".into()], ..Changes::default() };
        // What it costs is told from a few and from many.
        let warm = begun(&world, &staff, tags.clone(), &ids[80..]).await;
        run(&world, warm).await;
        undo(&world, &staff, warm).await;
        let few = begun(&world, &staff, tags.clone(), &ids[70..80]).await;
        let few = run(&world, few).await;
        let many = begun(&world, &staff, tags, &ids[..50]).await;
        let trips = run(&world, many).await;
        println!("tags: {trips} round trips for 50 tickets, {few} for 10");
        assert!(trips <= few + 10, "{trips} for 50 tickets, {few} for 10");
        let count = async |words: &'static str| world.db.read(world.scope(), move |read| found(read, words)).await.unwrap();
        assert_eq!((count("outage").await, count("old").await, count("word3999").await), (60, 30, 1));
        assert_eq!(count("tag:outage").await, 60);
        // What else happened to them meanwhile is asked for once.
        let (noted, by) = (ids[..50].to_vec(), staff.clone());
        world.db.write(world.scope(), move |tx| {
            for id in &noted {
                let body = Markdown::parse("body", "looked at")?;
                let note = NewMessage { body, is_internal: true, attachments: Vec::new(), status: None, expected_version: None, addressed_to: None };
                tickets::staff_message(tx, &Settings::default(), &by, *id, note)?;
            }
            Ok(())
        }).await.unwrap();
        let back = undo(&world, &staff, many).await;
        assert!(back <= few + 10, "{back} for 50 tickets, {few} for 10");
        assert_eq!((count("outage").await, count("old").await, count("word3999").await), (10, 80, 1));
        let there = world.db.read(world.scope_there(), move |read| {
            Ok((query::get(read, theirs)?.version, found(read, "old")?, found(read, "outage")?))
        }).await.unwrap();
        assert_eq!(there, (1, 1, 0));
    }

    async fn a_macro_without_a_text_costs_what_its_changes_cost(world) {
        let _turn = COUNTING.lock().await;
        let (staff, ids, theirs) = tickets_of(&world, 60).await;
        let known = macro_of(&world, &staff, "").await;
        let changes = Changes { macro_id: Some(known), ..Changes::default() };
        let warm = begun(&world, &staff, changes.clone(), &ids[..3]).await;
        run(&world, warm).await;
        let few = begun(&world, &staff, changes.clone(), &ids[..10]).await;
        let few = run(&world, few).await;
        let many = begun(&world, &staff, changes, &ids[10..]).await;
        let trips = run(&world, many).await;
        println!("a macro: {trips} round trips for 50 tickets, {few} for 10");
        assert!(trips <= few + 15, "{trips} for 50 tickets, {few} for 10");
        let (uses, tagged) = world.db.read(world.scope(), move |read| {
            Ok((macros::get_visible(read, &staff, Kind::Macro, known)?.uses, found(read, "outage")?))
        }).await.unwrap();
        assert_eq!((uses, tagged), (63, 60));
        let there = world.db.read(world.scope_there(), move |read| Ok(query::get(read, theirs)?.version)).await.unwrap();
        assert_eq!(there, 1);
    }

    async fn a_macro_with_a_text_says_it_on_each_and_is_found_by_it(world) {
        let _turn = COUNTING.lock().await;
        let (staff, ids, _) = tickets_of(&world, 30).await;
        let known = macro_of(&world, &staff, "We know about the thunderstorm, {{customer.first_name}}.").await;
        let changes = Changes { macro_id: Some(known), ..Changes::default() };
        let first = begun(&world, &staff, changes.clone(), &ids[..5]).await;
        run(&world, first).await;
        let bulk = begun(&world, &staff, changes, &ids[5..]).await;
        let trips = run(&world, bulk).await;
        println!("{trips} round trips for 25 answers");
        let (done, said, long) = world.db.read(world.scope(), move |read| {
            Ok((bulk::get(read, bulk)?, found(read, "thunderstorm")?, found(read, "thunderstorm word3999")?))
        }).await.unwrap();
        assert_eq!((done.done, done.failed, said, long), (25, 0, 30, 1));
    }

    async fn what_cannot_be_changed_says_so_and_leaves_the_others(world) {
        let _turn = COUNTING.lock().await;
        let (staff, ids, _) = tickets_of(&world, 12).await;
        let gone = macro_of(&world, &staff, "").await;
        let (merged, into) = (ids[3], ids[4]);
        let asker = staff.clone();
        world.db.write(world.scope(), move |tx| tickets::merge(tx, &Settings::default(), &asker, merged, into)).await.unwrap();
        let tags = Changes { add_tags: vec!["outage".into()], ..Changes::default() };
        let bulk = begun(&world, &staff, tags, &ids).await;
        run(&world, bulk).await;
        let (done, found) = world.db.read(world.scope(), move |read| Ok((bulk::get(read, bulk)?, found(read, "outage")?))).await.unwrap();
        assert_eq!((done.done, done.failed, found), (11, 1, 11));
        // A macro that is deleted before its turn comes fails on each, and changes none.
        let bulk = begun(&world, &staff, Changes { macro_id: Some(gone), ..Changes::default() }, &ids[..2]).await;
        let asker = staff.clone();
        world.db.write(world.scope(), move |tx| macros::delete(tx, &asker, Kind::Macro, gone)).await.unwrap();
        run(&world, bulk).await;
        let done = world.db.read(world.scope(), move |read| bulk::get(read, bulk)).await.unwrap();
        assert_eq!((done.done, done.failed), (0, 2));
    }
}

/// Others' writes that always stand in the queue while a change of many is at work: more than one commit takes.
const STANDING: usize = 200;
/// A change of many that has not ended by so many of them is starved.
const STARVED: usize = 20_000;

/// Where one writes at a time, a change of many and writers who never pause let each other go on: between any two batches
/// others have written, and all batches have had their turn before others have written without end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_many_and_writers_who_never_pause_take_turns() {
    let world = Arc::new(World::sqlite());
    let (staff, ids, theirs) = tickets_of(&world, 400).await;
    for is_background in [false, true] {
        let scope = if is_background { world.scope().background() } else { world.scope() };
        let priority = if is_background { Priority::Low } else { Priority::High };
        let changes = Changes { priority: Some(priority), ..Changes::default() };
        let bulk = begun(&world, &staff, changes, &ids).await;
        let (written, is_done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let others: Vec<_> = (0..STANDING)
            .map(|n| {
                let (world, written, is_done) = (world.clone(), written.clone(), is_done.clone());
                tokio::spawn(async move {
                    let mut mine = 0;
                    while !is_done.load(Ordering::SeqCst) && written.load(Ordering::SeqCst) < STARVED {
                        let written = written.clone();
                        let write = world.db.write(world.scope(), move |tx| {
                            tags::set_colour(tx, &format!("tag {n}"), tags::COLOURS[mine % 8])?;
                            written.fetch_add(1, Ordering::SeqCst);
                            Ok(())
                        });
                        write.await.unwrap();
                        mine += 1;
                    }
                    mine
                })
            })
            .collect();
        while written.load(Ordering::SeqCst) < STANDING {
            tokio::task::yield_now().await;
        }
        // What others had written when each batch began: there is one writer, so these are in one order.
        let (mut after, mut turns) = (Some(0), Vec::new());
        while let Some(place) = after {
            let written = written.clone();
            // On a busy machine others may not have come to ask again yet; then nobody is kept waiting.
            let others_wait = world.db.write_queue_depth() > 0;
            let batch = world.db.write(scope.clone(), move |tx| {
                let before = written.load(Ordering::SeqCst);
                Ok((before, bulk::run_batch(tx, bulk, place)?))
            });
            let (before, next) = batch.await.unwrap();
            turns.push((before, others_wait));
            after = next;
        }
        let written_by_then = written.load(Ordering::SeqCst);
        is_done.store(true, Ordering::SeqCst);
        let mut sum = 0;
        for other in others {
            sum += other.await.unwrap();
        }
        assert_eq!(turns.len(), 8, "400 tickets are eight batches");
        assert!(
            turns.windows(2).all(|pair| pair[0].0 < pair[1].0 || !pair[1].1),
            "others waited for several batches: {turns:?}"
        );
        assert!(turns.iter().any(|(_, others_wait)| *others_wait), "others never paused: {turns:?}");
        assert!(written_by_then < STARVED, "it waited while others wrote: {turns:?}");
        assert_eq!(sum, written.load(Ordering::SeqCst), "each write of others was answered, once");
        let done = world.db.read(world.scope(), move |read| bulk::get(read, bulk)).await.unwrap();
        assert_eq!((done.status.as_str(), done.done, done.failed), ("done", 400, 0));
        let all = ids.clone();
        let changed = world.db.read(world.scope(), move |read| {
            let mut changed = 0;
            for id in &all {
                changed += usize::from(query::get(read, *id)?.priority == priority);
            }
            Ok(changed)
        });
        assert_eq!(changed.await.unwrap(), 400);
    }
    let there = world.db.read(world.scope_there(), move |read| Ok(query::get(read, theirs)?.version));
    assert_eq!(there.await.unwrap(), 1);
}
