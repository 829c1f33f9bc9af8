//! Whoever takes several tickets takes them in one order: two at once take turns, and neither is told to come back.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::{Actor, ActorKind, Email, Id, Role};
use db::Tx;
use desk::{
    bulk::{self, Changes},
    macros::{self, Kind, MacroChanges, NewMacro},
    tickets::{self, portal::Viewer, relations, *},
    views::Sharing,
};
use identity::{Settings, Staff, teams, users};
use testkit::both_engines;

fn staff() -> Staff {
    Staff { user_id: None, role: Role::Admin, actor: Actor::system(), read_only: false }
}

fn file(tx: &mut Tx<'_>, n: usize) -> base::Result<Id<Ticket>> {
    let who = Requester { email: "ada@example.org".parse()?, name: "Ada".into(), user_id: None };
    let new = NewTicket::new(&format!("t{n}"), "It is down", Channel::Portal)?;
    Ok(tickets::create(tx, &Settings::default(), None, For::Stranger(who), new)?.id)
}

fn files(tx: &mut Tx<'_>, many: usize) -> base::Result<Vec<Id<Ticket>>> {
    (0..many).map(|n| file(tx, n)).collect()
}

fn writes(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> base::Result<()> {
    let body = Markdown::parse("body", "and another thing")?;
    let viewer = Viewer::Link { ticket };
    tickets::customer_reply(tx, &Settings::default(), &viewer, ticket, body, Vec::new(), None).map(|_| ())
}

fn agent(tx: &mut Tx<'_>, name: &str) -> base::Result<Staff> {
    let email: Email = format!("{name}@example.org").parse()?;
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

fn macro_of(tx: &mut Tx<'_>, staff: &Staff) -> base::Result<Id<macros::Macro>> {
    let new = NewMacro {
        kind: Kind::Macro,
        name: "We know".into(),
        text_kind: None,
        body: "We know about it and are on it.".into(),
        changes: MacroChanges { add_tags: vec!["outage".into()], ..MacroChanges::default() },
        sharing: Sharing::Personal,
        files: Vec::new(),
    };
    Ok(macros::save(tx, staff, new)?.id)
}

both_engines! {
    async fn two_tickets_that_are_merged_into_each_other_at_once_are_merged_once(world) {
        world.db.write(world.scope(), desk::prepare_tenant).await.unwrap();
        world.db.write(world.scope_there(), desk::prepare_tenant).await.unwrap();
        let theirs = world.db.write(world.scope_there(), |tx| files(tx, 2)).await.unwrap();
        for round in 0..30 {
            let ids = world.db.write(world.scope(), |tx| files(tx, 4)).await.unwrap();
            let [a, b, below_a, below_b] = ids[..] else { unreachable!() };
            world.db.write(world.scope(), move |tx| {
                tickets::merge(tx, &Settings::default(), &staff(), below_a, a)?;
                tickets::merge(tx, &Settings::default(), &staff(), below_b, b).map(|_| ())
            }).await.unwrap();
            let merge = |from, into| world.db.write(world.scope(), move |tx| {
                tickets::merge(tx, &Settings::default(), &staff(), from, into).map(|_| ())
            });
            let said = |ticket| world.db.write(world.scope(), move |tx| writes(tx, ticket));
            let (one, other, c, d) = tokio::join!(merge(a, b), merge(b, a), said(below_a), said(below_b));
            c.unwrap();
            d.unwrap();
            let refused = match (one, other) {
                (Ok(()), Err(e)) | (Err(e), Ok(())) => e,
                (one, other) => panic!("round {round}: {one:?} and {other:?}"),
            };
            assert_eq!(refused.kind(), base::Kind::Conflict, "{refused:?}");
            let counted = world.db.read(world.scope(), move |read| {
                let head = query::get(read, query::get(read, a)?.head())?;
                Ok((head.merged_count, head.message_count))
            }).await.unwrap();
            assert_eq!(counted, (3, 6));
        }
        let untouched = world.db.read(world.scope_there(), move |read| Ok(query::get(read, theirs[0])?.version)).await.unwrap();
        assert_eq!(untouched, 1);
    }

    async fn a_macro_on_survivors_and_replies_to_what_was_merged_take_turns(world) {
        world.db.write(world.scope(), desk::prepare_tenant).await.unwrap();
        world.db.write(world.scope_there(), desk::prepare_tenant).await.unwrap();
        let (ben, known, pairs) = world.db.write(world.scope(), |tx| {
            let ids = files(tx, 16)?;
            let ben = agent(tx, "ben")?;
            let known = macro_of(tx, &ben)?;
            let pairs: Vec<(Id<Ticket>, Id<Ticket>)> = ids.chunks(2).map(|pair| (pair[0], pair[1])).collect();
            for (merged, survivor) in &pairs {
                tickets::merge(tx, &Settings::default(), &ben, *merged, *survivor)?;
            }
            Ok((ben, known, pairs))
        }).await.unwrap();
        for _ in 0..8 {
            let (asker, survivors) = (ben.clone(), pairs.iter().map(|(_, s)| *s).collect::<Vec<_>>());
            let bulk = world.db.write(world.scope(), move |tx| {
                let changes = Changes { macro_id: Some(known), ..Changes::default() };
                let bulk = bulk::begin(tx, &asker, changes, survivors.len())?.id;
                bulk::collect(tx, bulk, 1, &survivors)?;
                bulk::start(tx, bulk)?;
                Ok(bulk)
            }).await.unwrap();
            let run = world.db.write(world.scope(), move |tx| bulk::run_batch(tx, bulk, 0));
            let replies = async {
                for (merged, _) in pairs.iter().rev() {
                    let merged = *merged;
                    world.db.write(world.scope(), move |tx| writes(tx, merged)).await.unwrap();
                }
            };
            let (run, ()) = tokio::join!(run, replies);
            assert_eq!(run.unwrap(), None);
            let done = world.db.read(world.scope(), move |read| bulk::get(read, bulk)).await.unwrap();
            assert_eq!((done.done, done.failed), (8, 0));
        }
        let said = world.db.read(world.scope(), move |read| Ok(query::get(read, pairs[0].1)?.message_count)).await.unwrap();
        assert_eq!(said, 2 + 8 + 8);
    }

    async fn merges_of_many_in_both_directions_end(world) {
        world.db.write(world.scope(), desk::prepare_tenant).await.unwrap();
        world.db.write(world.scope_there(), desk::prepare_tenant).await.unwrap();
        for round in 0..8 {
            let (ben, ids) = world.db.write(world.scope(), move |tx| {
                let ids = files(tx, 12)?;
                Ok((agent(tx, &format!("ben-{round}"))?, ids))
            }).await.unwrap();
            let into = async |into: Id<Ticket>, from: Vec<Id<Ticket>>| {
                let asker = ben.clone();
                let bulk = world.db.write(world.scope(), move |tx| {
                    let changes = Changes { merge_into: Some(into), ..Changes::default() };
                    let bulk = bulk::begin(tx, &asker, changes, from.len())?.id;
                    bulk::collect(tx, bulk, 1, &from)?;
                    bulk::start(tx, bulk)?;
                    Ok(bulk)
                }).await.unwrap();
                world.db.write(world.scope(), move |tx| bulk::run_batch(tx, bulk, 0)).await.unwrap();
                world.db.read(world.scope(), move |read| bulk::get(read, bulk)).await.unwrap()
            };
            let (first, last) = (ids[0], ids[11]);
            let backwards: Vec<_> = ids[..11].iter().rev().copied().collect();
            let (one, other) = tokio::join!(into(first, ids[1..].to_vec()), into(last, backwards));
            assert_eq!(one.done + one.failed, 11);
            assert_eq!(other.done + other.failed, 11);
            let heads = world.db.read(world.scope(), move |read| {
                let heads = ids.iter().map(|id| Ok(query::get(read, *id)?.head())).collect::<base::Result<std::collections::BTreeSet<_>>>()?;
                let counts = heads.iter().map(|id| Ok(query::get(read, *id)?.merged_count + 1)).collect::<base::Result<Vec<_>>>()?;
                Ok(counts.iter().sum::<u32>())
            }).await.unwrap();
            assert_eq!(heads, 12);
        }
    }

    async fn tickets_related_both_ways_at_once_are_related_once(world) {
        world.db.write(world.scope(), desk::prepare_tenant).await.unwrap();
        world.db.write(world.scope_there(), desk::prepare_tenant).await.unwrap();
        for _ in 0..30 {
            let ids = world.db.write(world.scope(), |tx| files(tx, 2)).await.unwrap();
            let relate = |a, b| world.db.write(world.scope(), move |tx| {
                relations::relate(tx, &Settings::default(), &staff(), a, relations::Kind::ChildOf, b).map(|_| ())
            });
            let (one, other) = tokio::join!(relate(ids[0], ids[1]), relate(ids[1], ids[0]));
            let refused = one.and(other).unwrap_err();
            assert_eq!(refused.code(), "relation.cycle");
        }
    }

    async fn a_team_that_is_left_and_changes_of_its_tickets_take_turns(world) {
        world.db.write(world.scope(), desk::prepare_tenant).await.unwrap();
        world.db.write(world.scope_there(), desk::prepare_tenant).await.unwrap();
        for round in 0..15 {
            let (team, ids) = world.db.write(world.scope(), move |tx| {
                let ids = files(tx, 8)?;
                let team = teams::create(tx, &format!("field {round}"))?.id;
                for id in ids.iter().rev() {
                    let patch = TicketPatch { team_id: Some(Some(team)), ..TicketPatch::default() };
                    tickets::change(tx, &Settings::default(), &staff(), *id, patch)?;
                }
                Ok((team, ids))
            }).await.unwrap();
            // What was said last stands last: the newest ticket's turn comes first by activity.
            world.clock.advance(base::minutes(1));
            let oldest = ids[0];
            world.db.write(world.scope(), move |tx| writes(tx, oldest)).await.unwrap();
            let asker = staff();
            let bulk = world.db.write(world.scope(), move |tx| {
                let changes = Changes { priority: Some(Priority::High), ..Changes::default() };
                let bulk = bulk::begin(tx, &asker, changes, ids.len())?.id;
                bulk::collect(tx, bulk, 1, &ids)?;
                bulk::start(tx, bulk)?;
                Ok(bulk)
            }).await.unwrap();
            let run = world.db.write(world.scope(), move |tx| bulk::run_batch(tx, bulk, 0));
            let leave = world.db.write(world.scope(), move |tx| tickets::leave_team(tx, team));
            let (run, left) = tokio::join!(run, leave);
            run.unwrap();
            assert_eq!(left.unwrap(), 8);
        }
    }
}
