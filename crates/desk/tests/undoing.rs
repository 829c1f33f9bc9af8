//! Taking a change of many back restores exactly what nobody touched since: each field that the change set and nobody else
//! is what it was, each other one is as it was a moment before.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::{Actor, ActorKind, Email, Id, Role, Timestamp};
use db::Tx;
use desk::{
    bulk::{self, Bulk, Changes, Item},
    tickets::{self, portal::Viewer, *},
};
use identity::{Settings, Staff, users};
use proptest::prelude::*;
use testkit::{World, both_engines};

/// One act on one ticket.
#[derive(Clone, Debug)]
enum Act {
    Priority(usize),
    Status(usize),
    Assign(Option<usize>),
    Category(usize),
    AddTag(usize),
    RemoveTag(usize),
    Due(i64),
    Note,
    Answer,
    RuleNotes,
    RuleSets(usize),
    CustomerWrites,
    Snooze,
    Close,
}

const TAGS: [&str; 3] = ["alpha", "beta", "gamma"];
const CATEGORIES: [&str; 3] = ["technical", "billing", "other"];

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..4usize).prop_map(Act::Priority),
        (1..6usize).prop_map(Act::Status),
        proptest::option::of(0..2usize).prop_map(Act::Assign),
        (0..3usize).prop_map(Act::Category),
        (0..3usize).prop_map(Act::AddTag),
        (0..3usize).prop_map(Act::RemoveTag),
        (1..100i64).prop_map(Act::Due),
        Just(Act::Note),
        Just(Act::Answer),
        Just(Act::RuleNotes),
        (0..4usize).prop_map(Act::RuleSets),
        Just(Act::CustomerWrites),
        Just(Act::Snooze),
        Just(Act::Close),
    ]
}

/// What the change of many is: priority, status, assignee, category, tags to add and to remove.
#[derive(Clone, Debug)]
struct Many {
    priority: Option<usize>,
    status: Option<usize>,
    assign: Option<Option<usize>>,
    category: Option<usize>,
    add: Option<usize>,
    remove: Option<usize>,
}

fn many() -> impl Strategy<Value = Many> {
    use proptest::option::of;
    let fields =
        (of(0..4usize), of(1..6usize), of(of(0..2usize)), of(0..3usize), of(0..3usize), of(0..3usize));
    fields.prop_map(|(priority, status, assign, category, add, remove)| Many {
        priority,
        status,
        assign,
        category,
        add,
        remove,
    })
}

#[derive(Clone, Debug)]
struct Story {
    first: Vec<Act>,
    many: Many,
    since: Vec<Act>,
}

fn story() -> impl Strategy<Value = Story> {
    let acts = |most| proptest::collection::vec(act(), 0..most);
    (acts(5), many(), acts(6)).prop_map(|(first, many, since)| Story { first, many, since })
}

/// Everything of a ticket that a change of many can set.
#[derive(Clone, Debug, PartialEq)]
struct Fields {
    standing: (Status, Status, Option<CloseReason>, Option<Timestamp>, Option<Timestamp>, Option<i64>),
    sleep: (Option<Timestamp>, Option<Timestamp>),
    priority: Priority,
    due: Timestamp,
    category: String,
    assignee: Option<Id<identity::User>>,
    tags: Vec<String>,
}

fn fields(tx: &db::Read<'_>, id: Id<Ticket>) -> base::Result<Fields> {
    let t = query::get(tx, id)?;
    Ok(Fields {
        standing: (
            t.status,
            t.public_status,
            t.close_reason,
            t.resolved_at,
            t.closed_at,
            t.resolution_time_minutes,
        ),
        sleep: (t.snoozed_at, t.snoozed_until),
        priority: t.priority,
        due: t.due_at,
        category: t.category,
        assignee: t.assigned_to,
        tags: query::extras(tx, &[id])?.remove(&id).unwrap_or_default().tags,
    })
}

fn person(tx: &mut Tx<'_>, name: &str) -> base::Result<Staff> {
    let email: Email = format!("{}@example.org", name.to_lowercase()).parse()?;
    let new = users::NewUser {
        email,
        name: name.into(),
        role: Role::Admin,
        password_hash: None,
        verified: true,
        locale: "en".into(),
        time_zone: "UTC".into(),
    };
    let id = users::create(tx, new)?.id;
    let actor = Actor { kind: ActorKind::Agent, id: Some(id.uuid()), name: name.into() };
    Ok(Staff { user_id: Some(id), role: Role::Admin, actor, read_only: false })
}

fn rule() -> Staff {
    let actor = Actor { kind: ActorKind::System, id: None, name: "Rule: Tell the team".into() };
    Staff { user_id: None, role: Role::Admin, actor, read_only: false }
}

fn file(tx: &mut Tx<'_>, n: usize) -> base::Result<Id<Ticket>> {
    let who = Requester { email: format!("c{n}@example.org").parse()?, name: "C".into(), user_id: None };
    let mut new = NewTicket::new(&format!("t{n}"), "it is down", Channel::Portal)?;
    new.tags = vec!["alpha".into()];
    Ok(tickets::create(tx, &Settings::default(), None, For::Stranger(who), new)?.id)
}

fn message(is_internal: bool) -> NewMessage {
    NewMessage {
        body: Markdown::parse("body", "said").unwrap(),
        is_internal,
        attachments: Vec::new(),
        status: None,
        expected_version: None,
        addressed_to: None,
    }
}

/// Does it where it can be done.
fn act_on(tx: &mut Tx<'_>, people: &[Staff], id: Id<Ticket>, act: &Act) -> base::Result<()> {
    let settings = Settings::default();
    let ben = &people[0];
    let by = match act {
        Act::RuleNotes | Act::RuleSets(_) => rule().actor,
        Act::CustomerWrites => Actor { kind: ActorKind::Customer, id: None, name: "C".into() },
        _ => ben.actor.clone(),
    };
    let now = tx.now();
    let done = tx.as_of(by, now, |tx| {
        tx.attempt(|tx| {
            let tags = query::extras(tx, &[id])?.remove(&id).unwrap_or_default().tags;
            let change = |tx: &mut Tx<'_>, patch| tickets::change(tx, &settings, ben, id, patch).map(drop);
            let patch = TicketPatch::default();
            match act {
                Act::Priority(n) => change(tx, TicketPatch { priority: Some(Priority::ALL[*n]), ..patch }),
                Act::Status(n) => change(tx, TicketPatch { status: Some(Status::ALL[*n]), ..patch }),
                Act::Close => {
                    let (status, close_reason) = (Some(Status::Closed), Some(CloseReason::NoReply));
                    change(tx, TicketPatch { status, close_reason, ..patch })
                }
                Act::Assign(to) => {
                    let to = to.and_then(|n| people[n].user_id);
                    change(tx, TicketPatch { assigned_to: Some(to), ..patch })
                }
                Act::Category(n) => {
                    change(tx, TicketPatch { category: Some(CATEGORIES[*n].into()), ..patch })
                }
                Act::AddTag(n) => {
                    let tags = tags.into_iter().chain([TAGS[*n].to_owned()]).collect();
                    change(tx, TicketPatch { tags: Some(tags), ..patch })
                }
                Act::RemoveTag(n) => {
                    let tags = tags.into_iter().filter(|t| t != TAGS[*n]).collect();
                    change(tx, TicketPatch { tags: Some(tags), ..patch })
                }
                Act::Due(hours) => {
                    change(tx, TicketPatch { due_at: Some(tx.now() + base::hours(*hours)), ..patch })
                }
                Act::Note => tickets::staff_message(tx, &settings, ben, id, message(true)).map(drop),
                Act::Answer => tickets::staff_message(tx, &settings, ben, id, message(false)).map(drop),
                Act::RuleNotes => tickets::staff_message(tx, &settings, &rule(), id, message(true)).map(drop),
                Act::RuleSets(n) => {
                    let patch = TicketPatch { priority: Some(Priority::ALL[*n]), ..patch };
                    tickets::change(tx, &settings, &rule(), id, patch).map(drop)
                }
                Act::CustomerWrites => {
                    let (viewer, body) = (Viewer::Link { ticket: id }, Markdown::parse("body", "well?")?);
                    tickets::customer_reply(tx, &settings, &viewer, id, body, Vec::new(), None).map(drop)
                }
                Act::Snooze => tickets::snooze(tx, &settings, ben, id, None, None).map(drop),
            }
        })
    });
    match done {
        Err(e) if matches!(e.kind(), base::Kind::Conflict | base::Kind::Invalid) => Ok(()),
        other => other,
    }
}

fn changes(many: &Many, people: &[Staff]) -> Changes {
    let status = many.status.map(|n| Status::ALL[n]);
    let tag = |n: Option<usize>| n.map(|n| TAGS[n].to_owned()).into_iter().collect::<Vec<_>>();
    Changes {
        priority: many.priority.map(|n| Priority::ALL[n]),
        close_reason: (status == Some(Status::Closed)).then_some(CloseReason::Solved),
        status,
        category: many.category.map(|n| CATEGORIES[n].to_owned()),
        assigned_to: many.assign.map(|to| to.and_then(|n| people[n].user_id)),
        add_tags: tag(many.add),
        remove_tags: tag(many.remove.filter(|n| many.add != Some(*n))),
        ..Changes::default()
    }
}

/// What is expected: told from what each act did to each field, and from nothing else.
fn expected(before: &Fields, after: &Fields, since: &[(Fields, bool, bool)]) -> Fields {
    let now = since.last().map_or(after, |(f, ..)| f).clone();
    let touched = |differs: &dyn Fn(&Fields, &Fields) -> bool| {
        let all: Vec<&Fields> = std::iter::once(after).chain(since.iter().map(|(f, ..)| f)).collect();
        all.windows(2).any(|pair| differs(pair[0], pair[1]))
    };
    let heard = since.iter().any(|(_, wrote, _)| *wrote);
    let worked = since.iter().any(|(.., worked)| *worked);
    let mut next = now.clone();
    let is_taken_up = matches!(
        before.standing.0,
        Status::PendingCustomer | Status::Resolved | Status::Closed | Status::Archived
    );
    let moved = touched(&|a, b| a.standing != b.standing) || (is_taken_up && heard);
    if before.standing != after.standing && !moved {
        if before.standing.0 != Status::New || !worked {
            next.standing = before.standing;
        } else if after.standing.0 != Status::Open {
            next.standing = before.standing;
            (next.standing.0, next.standing.1) = (Status::Open, Status::Open);
        }
        if before.sleep != after.sleep && !heard && !touched(&|a, b| a.sleep != b.sleep) {
            next.sleep = before.sleep;
        }
    }
    let same_priority = !touched(&|a, b| a.priority != b.priority);
    if before.priority != after.priority && same_priority {
        next.priority = before.priority;
    }
    let is_settled = after.standing.0.is_live() && !next.standing.0.is_live();
    if before.due != after.due && same_priority && !touched(&|a, b| a.due != b.due) && !is_settled {
        next.due = before.due;
    }
    if !touched(&|a, b| a.category != b.category) {
        next.category.clone_from(&before.category);
    }
    if !touched(&|a, b| a.assignee != b.assignee) {
        next.assignee = before.assignee;
    }
    for tag in TAGS {
        let has = |f: &Fields| f.tags.iter().any(|t| t == tag);
        if has(before) != has(after) && !touched(&|a, b| has(a) != has(b)) {
            next.tags.retain(|t| t != tag);
            if has(before) {
                next.tags.push(tag.into());
            }
        }
    }
    next.tags.sort();
    next
}

fn play(world: &World, stories: &[Story]) {
    let scope = || world.scope();
    let people: Vec<Staff> = world
        .db
        .write_blocking(scope(), |tx| {
            desk::prepare_tenant(tx)?;
            ["Ben", "Cy"].iter().map(|name| person(tx, name)).collect()
        })
        .unwrap();
    let theirs = world
        .db
        .write_blocking(world.scope_there(), |tx| {
            desk::prepare_tenant(tx)?;
            file(tx, 0)
        })
        .unwrap();
    for story in stories {
        let id = world.db.write_blocking(scope(), |tx| file(tx, 1)).unwrap();
        let step = |act: &Act| {
            world.clock.advance(base::seconds(1));
            let (people, act) = (people.clone(), act.clone());
            world.db.write_blocking(scope(), move |tx| act_on(tx, &people, id, &act)).unwrap();
            world.db.read_blocking(scope(), move |read| fields(read, id)).unwrap()
        };
        story.first.iter().for_each(|act| drop(step(act)));
        let before = world.db.read_blocking(scope(), move |read| fields(read, id)).unwrap();
        let asked = changes(&story.many, &people);
        if asked == Changes::default() {
            continue;
        }
        let bulk = run(world, &people[0], asked, &[id]);
        let after = world.db.read_blocking(scope(), move |read| fields(read, id)).unwrap();
        let said = |world: &World| {
            world.db.read_blocking(scope(), move |read| Ok(query::get(read, id)?.message_count)).unwrap()
        };
        let since: Vec<(Fields, bool, bool)> = story
            .since
            .iter()
            .map(|act| {
                let (count, was) =
                    (said(world), world.db.read_blocking(scope(), move |r| fields(r, id)).unwrap());
                let now = step(act);
                let spoke = said(world) > count;
                let by_ben =
                    !matches!(act, Act::CustomerWrites | Act::RuleNotes | Act::RuleSets(_) | Act::Snooze);
                let worked = by_ben && (spoke || now != was);
                (now, matches!(act, Act::CustomerWrites) && spoke, worked)
            })
            .collect();
        let item = undo(world, &people[0], bulk).remove(0);
        let now = world.db.read_blocking(scope(), move |read| fields(read, id)).unwrap();
        if item.outcome == "failed" || item.outcome == "unchanged" {
            assert_eq!(now, since.last().map_or(after, |(f, ..)| f.clone()), "{story:?}");
            continue;
        }
        let wanted = expected(&before, &after, &since);
        assert_eq!(now, wanted, "{story:?}\n{item:?}");
        let moment_before = since.last().map_or(&after, |(f, ..)| f);
        let outcome = if now == *moment_before && before != after { "kept" } else { "restored" };
        if before != after {
            assert_eq!(item.outcome, outcome, "{story:?}\n{item:?}");
        }
        if now != before && item.outcome == "kept" {
            let reason = item.reason.unwrap();
            assert!(
                ["Ben", "Tell the team", "C wrote", "C changed"].iter().any(|who| reason.contains(who)),
                "{reason}"
            );
        }
    }
    let there =
        world.db.read_blocking(world.scope_there(), move |read| Ok(query::get(read, theirs)?.version));
    assert_eq!(there.unwrap(), 1);
}

fn run(world: &World, staff: &Staff, changes: Changes, ids: &[Id<Ticket>]) -> Id<Bulk> {
    let (staff, ids) = (staff.clone(), ids.to_vec());
    world.clock.advance(base::seconds(1));
    let scope = db::Scope::tenant(world.here, staff.actor.clone());
    let begin = world.db.write_blocking(scope, move |tx| {
        let bulk = bulk::begin(tx, &staff, changes, ids.len())?.id;
        bulk::collect(tx, bulk, 1, &ids)?;
        bulk::start(tx, bulk)?;
        bulk::run_batch(tx, bulk, 0)?;
        Ok(bulk)
    });
    begin.unwrap()
}

fn undo(world: &World, staff: &Staff, id: Id<Bulk>) -> Vec<Item> {
    let staff = staff.clone();
    world.clock.advance(base::seconds(1));
    let done = world.db.write_blocking(world.scope(), move |tx| {
        bulk::undo(tx, &staff, id)?;
        bulk::undo_batch(tx, id, 0)?;
        bulk::items(tx, id, 0, 100)
    });
    done.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn what_nobody_touched_is_restored_on_sqlite(stories in proptest::collection::vec(story(), 4)) {
        play(&World::sqlite(), &stories);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn what_nobody_touched_is_restored_on_postgres(stories in proptest::collection::vec(story(), 8)) {
        play(&World::postgres(), &stories);
    }
}

async fn two(world: &World) -> (Staff, Staff, Vec<Id<Ticket>>, Id<Ticket>) {
    world.db.write(world.scope_there(), desk::prepare_tenant).await.unwrap();
    let theirs = world.db.write(world.scope_there(), |tx| file(tx, 0)).await.unwrap();
    let made = world.db.write(world.scope(), |tx| {
        desk::prepare_tenant(tx)?;
        let (ben, cy) = (person(tx, "Ben")?, person(tx, "Cy")?);
        let ids = (0..3).map(|n| file(tx, n)).collect::<base::Result<Vec<_>>>()?;
        Ok((ben, cy, ids))
    });
    let (ben, cy, ids) = made.await.unwrap();
    (ben, cy, ids, theirs)
}

async fn patch(world: &World, by: &Staff, id: Id<Ticket>, patch: TicketPatch) {
    let by = by.clone();
    world.clock.advance(base::seconds(1));
    let scope = db::Scope::tenant(world.here, by.actor.clone());
    world.db.write(scope, move |tx| tickets::change(tx, &Settings::default(), &by, id, patch)).await.unwrap();
}

fn priority(to: Priority) -> TicketPatch {
    TicketPatch { priority: Some(to), ..TicketPatch::default() }
}

both_engines! {
    async fn what_stays_names_who_or_which_rule(world) {
        let (ben, cy, ids, theirs) = two(&world).await;
        let urgent = Changes { priority: Some(Priority::Urgent), add_tags: vec!["outage".into()], ..Changes::default() };
        let bulk = tokio::task::block_in_place(|| run(&world, &ben, urgent, &ids));
        // One goes on with another's priority, one with a rule's, also where it came back to the same; one got a note.
        patch(&world, &cy, ids[0], priority(Priority::Low)).await;
        patch(&world, &rule(), ids[1], priority(Priority::Low)).await;
        patch(&world, &rule(), ids[1], priority(Priority::Urgent)).await;
        let id = ids[2];
        world.db.write(world.scope(), move |tx| {
            tickets::staff_message(tx, &Settings::default(), &rule(), id, message(true)).map(drop)
        }).await.unwrap();
        let items = tokio::task::block_in_place(|| undo(&world, &ben, bulk));
        let said: Vec<_> = items.iter().map(|i| (i.outcome.as_str(), i.reason.as_deref())).collect();
        assert_eq!(said, [
            ("restored", Some("stays as it is: open (Cy worked on it since); priority (Cy changed it since)")),
            ("restored", Some("stays as it is: priority (the rule \u{201c}Tell the team\u{201d} changed it since)")),
            ("restored", None),
        ]);
        let now = ids.clone();
        let now = world.db.read(world.scope(), move |read| {
            now.iter().map(|id| fields(read, *id).map(|f| (f.priority, f.tags.join(",")))).collect::<base::Result<Vec<_>>>()
        }).await.unwrap();
        let alpha = || "alpha".to_owned();
        assert_eq!(now, [(Priority::Low, alpha()), (Priority::Urgent, alpha()), (Priority::Normal, alpha())]);
        let there = world.db.read(world.scope_there(), move |read| Ok(query::get(read, theirs)?.version)).await.unwrap();
        assert_eq!(there, 1);
    }

    async fn one_that_took_nothing_back_may_be_tried_again(world) {
        let (ben, cy, ids, _) = two(&world).await;
        let to = |priority| Changes { priority: Some(priority), ..Changes::default() };
        let first = tokio::task::block_in_place(|| run(&world, &ben, to(Priority::Urgent), &ids));
        let second = tokio::task::block_in_place(|| run(&world, &cy, to(Priority::Low), &ids));
        let items = tokio::task::block_in_place(|| undo(&world, &ben, first));
        assert!(items.iter().all(|i| i.outcome == "kept"), "{items:?}");
        assert_eq!(items[0].reason.as_deref(), Some("nothing is taken back: open (Cy worked on it since); priority (Cy changed it since)"));
        // What was in the way is taken back: as if it had not been.
        let items = tokio::task::block_in_place(|| undo(&world, &cy, second));
        assert!(items.iter().all(|i| i.outcome == "restored" && i.reason.is_none()), "{items:?}");
        let items = tokio::task::block_in_place(|| undo(&world, &ben, first));
        assert!(items.iter().all(|i| i.outcome == "restored" && i.reason.is_none()), "{items:?}");
        let id = ids[0];
        let now = world.db.read(world.scope(), move |read| fields(read, id)).await.unwrap();
        assert_eq!(now.priority, Priority::Normal);
        let by = ben.clone();
        let third = world.db.write(world.scope(), move |tx| bulk::undo(tx, &by, first)).await;
        assert_eq!(third.unwrap_err().code(), "bulk.undone");
    }

    async fn what_waits_for_an_answer_is_not_put_aside_wherever_it_was_written(world) {
        let (ben, cy, ids, _) = two(&world).await;
        let waiting = || TicketPatch { status: Some(Status::PendingCustomer), ..TicketPatch::default() };
        for id in &ids[..2] { patch(&world, &cy, *id, waiting()).await; }
        // Another of the first's customer is in its thread; to the second nobody writes but staff.
        let (survivor, merged, other) = (ids[0], ids[2], ids[1]);
        let cleo = cy.clone();
        world.db.write(world.scope(), move |tx| {
            tickets::merge(tx, &Settings::default(), &cleo, merged, survivor).map(drop)
        }).await.unwrap();
        let open = Changes { status: Some(Status::Open), ..Changes::default() };
        let bulk = tokio::task::block_in_place(|| run(&world, &ben, open, &ids[..2]));
        world.clock.advance(base::seconds(1));
        world.db.write(world.scope(), move |tx| {
            tickets::staff_message(tx, &Settings::default(), &cy, other, message(true))?;
            let viewer = portal::Viewer::Link { ticket: merged };
            let body = Markdown::parse("body", "Is anybody there?")?;
            tickets::customer_reply(tx, &Settings::default(), &viewer, merged, body, Vec::new(), None).map(drop)
        }).await.unwrap();
        let items = tokio::task::block_in_place(|| undo(&world, &ben, bulk));
        let outcomes: Vec<_> = items.iter().map(|i| i.outcome.as_str()).collect();
        assert_eq!(outcomes, ["kept", "restored"], "{items:?}");
        assert_eq!(items[0].reason.as_deref(), Some("nothing is taken back: status (somebody wrote since)"));
        let now = world.db.read(world.scope(), move |read| {
            Ok((query::get(read, survivor)?.status, query::get(read, other)?.status))
        }).await.unwrap();
        assert_eq!(now, (Status::Open, Status::PendingCustomer));
    }

    async fn a_merge_is_taken_back_though_somebody_wrote_since(world) {
        let (ben, cy, ids, _) = two(&world).await;
        let merge = Changes { merge_into: Some(ids[2]), ..Changes::default() };
        let bulk = tokio::task::block_in_place(|| run(&world, &ben, merge, &ids[..2]));
        let (first, second, by) = (ids[0], ids[1], cy.clone());
        world.clock.advance(base::seconds(1));
        let scope = db::Scope::tenant(world.here, cy.actor.clone());
        world.db.write(scope, move |tx| {
            act_on(tx, std::slice::from_ref(&by), first, &Act::CustomerWrites)?;
            tickets::unmerge(tx, &Settings::default(), &by, second).map(drop)
        }).await.unwrap();
        let items = tokio::task::block_in_place(|| undo(&world, &ben, bulk));
        let said: Vec<_> = items.iter().map(|i| (i.outcome.as_str(), i.reason.as_deref())).collect();
        assert_eq!(said, [("restored", None), ("kept", Some("Cy took the merge back since"))]);
        let first = world.db.read(world.scope(), move |read| query::get(read, first)).await.unwrap();
        assert_eq!((first.survivor_id, first.message_count), (None, 2));
    }

    async fn a_ticket_that_was_merged_or_deleted_since_says_so(world) {
        let (ben, cy, ids, _) = two(&world).await;
        let urgent = Changes { priority: Some(Priority::Urgent), ..Changes::default() };
        let bulk = tokio::task::block_in_place(|| run(&world, &ben, urgent, &ids));
        let (merged, deleted, into, by) = (ids[0], ids[1], ids[2], cy.clone());
        world.clock.advance(base::seconds(1));
        let scope = db::Scope::tenant(world.here, cy.actor.clone());
        world.db.write(scope, move |tx| {
            tickets::merge(tx, &Settings::default(), &by, merged, into)?;
            tickets::remove(tx, &by, deleted, None).map(drop)
        }).await.unwrap();
        let items = tokio::task::block_in_place(|| undo(&world, &ben, bulk));
        let said: Vec<_> = items.iter().map(|i| (i.outcome.as_str(), i.reason.as_deref())).collect();
        assert_eq!(said, [
            ("kept", Some("it was merged into another ticket since by Cy")),
            ("kept", Some("it was deleted since by Cy")),
            ("restored", None),
        ]);
    }

    async fn a_due_time_stays_once_the_ticket_is_settled(world) {
        let (ben, _, ids, _) = two(&world).await;
        let id = ids[0];
        let due = async || world.db.read(world.scope(), move |read| Ok(fields(read, id)?.due)).await.unwrap();
        let was = due().await;
        patch(&world, &ben, id, TicketPatch { status: Some(Status::Resolved), ..TicketPatch::default() }).await;
        patch(&world, &ben, id, priority(Priority::Urgent)).await;
        assert_eq!(due().await, was, "by what it was in time is settled");
        let low = Changes { priority: Some(Priority::Low), ..Changes::default() };
        tokio::task::block_in_place(|| run(&world, &ben, low, &ids));
        assert_eq!(due().await, was);
        patch(&world, &ben, id, priority(Priority::Normal)).await;
        // Taken up again, it has a due time of its priority.
        let again = TicketPatch { status: Some(Status::Open), ..priority(Priority::High) };
        patch(&world, &ben, id, again).await;
        assert!(due().await < was);
    }
}
