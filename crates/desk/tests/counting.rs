//! The counters of the queue are what a count of every ticket would say, whatever happens, folded or not, and a
//! neighbour's tickets are not among them.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::{Actor, Email, Id, Role};
use db::{Scope, Tx};
use desk::tickets::{self, counts, *};
use identity::{Settings, Staff, teams, users};
use proptest::prelude::*;
use testkit::World;

#[derive(Clone, Debug)]
enum Act {
    File(usize),
    Move(usize, Status),
    Assign(usize, Option<usize>),
    Team(usize, Option<usize>),
    Snooze(usize),
    Spam(usize),
    Delete(usize),
    Restore(usize),
    Merge(usize, usize),
    LeaveTeam(usize),
    Fold,
}

fn act() -> impl Strategy<Value = Act> {
    let t = 0..6usize;
    let status = proptest::sample::select(Status::ALL);
    prop_oneof![
        3 => t.clone().prop_map(Act::File),
        4 => (t.clone(), status).prop_map(|(t, s)| Act::Move(t, s)),
        3 => (t.clone(), proptest::option::of(0..2usize)).prop_map(|(t, u)| Act::Assign(t, u)),
        3 => (t.clone(), proptest::option::of(0..2usize)).prop_map(|(t, x)| Act::Team(t, x)),
        2 => t.clone().prop_map(Act::Snooze),
        1 => t.clone().prop_map(Act::Spam),
        1 => t.clone().prop_map(Act::Delete),
        1 => t.clone().prop_map(Act::Restore),
        2 => (t.clone(), t.clone()).prop_map(|(a, b)| Act::Merge(a, b)),
        1 => (0..2usize).prop_map(Act::LeaveTeam),
        2 => Just(Act::Fold),
    ]
}

struct Cast {
    people: Vec<Id<identity::User>>,
    teams: Vec<Id<teams::Team>>,
}

fn cast(tx: &mut Tx<'_>) -> base::Result<Cast> {
    desk::prepare_tenant(tx)?;
    let mut people = Vec::new();
    for name in ["ben", "cy"] {
        let email: Email = format!("{name}@example.org").parse()?;
        let new = users::NewUser {
            email,
            name: name.into(),
            role: Role::Agent,
            password_hash: None,
            verified: true,
            locale: "en".into(),
            time_zone: "UTC".into(),
        };
        people.push(users::create(tx, new)?.id);
    }
    let teams =
        ["field", "billing"].iter().map(|n| Ok(teams::create(tx, n)?.id)).collect::<base::Result<_>>()?;
    Ok(Cast { people, teams })
}

fn one(tx: &mut Tx<'_>, cast: &Cast, ids: &mut Vec<Id<Ticket>>, act: &Act) -> base::Result<()> {
    let staff = Staff { user_id: None, role: Role::Admin, actor: Actor::system(), read_only: false };
    let settings = Settings::default();
    let patch = TicketPatch { tell_customer: Some(false), ..TicketPatch::default() };
    let pick = |t: &usize| ids.get(*t % ids.len().max(1)).copied();
    let change = |tx: &mut Tx<'_>, t: &usize, patch| match pick(t) {
        Some(id) => tickets::change(tx, &settings, &staff, id, patch).map(|_| ()),
        None => Ok(()),
    };
    match act {
        Act::File(n) => {
            let who =
                Requester { email: format!("c{n}@example.org").parse()?, name: "C".into(), user_id: None };
            let new = NewTicket::new("down", "down", Channel::Portal)?;
            ids.push(tickets::create(tx, &settings, None, For::Stranger(who), new)?.id);
            Ok(())
        }
        Act::Move(t, s) => {
            let close_reason = (*s == Status::Closed).then_some(CloseReason::NoReply);
            change(tx, t, TicketPatch { status: Some(*s), close_reason, ..patch })
        }
        Act::Assign(t, u) => {
            change(tx, t, TicketPatch { assigned_to: Some(u.map(|u| cast.people[u])), ..patch })
        }
        Act::Team(t, x) => change(tx, t, TicketPatch { team_id: Some(x.map(|x| cast.teams[x])), ..patch }),
        Act::Snooze(t) => {
            pick(t).map_or(Ok(()), |id| tickets::snooze(tx, &settings, &staff, id, None, None).map(|_| ()))
        }
        Act::Spam(t) => pick(t)
            .map_or(Ok(()), |id| tickets::mark_spam(tx, &settings, &staff, id, false, None).map(|_| ())),
        Act::Delete(t) => pick(t).map_or(Ok(()), |id| tickets::remove(tx, &staff, id, None).map(|_| ())),
        Act::Restore(t) => pick(t).map_or(Ok(()), |id| tickets::restore(tx, &staff, id).map(|_| ())),
        Act::Merge(a, b) => match (pick(a), pick(b)) {
            (Some(a), Some(b)) => tickets::merge(tx, &settings, &staff, a, b).map(|_| ()),
            _ => Ok(()),
        },
        Act::LeaveTeam(x) => tickets::leave_team(tx, cast.teams[*x]).map(|_| ()),
        Act::Fold => counts::fold(tx),
    }
}

fn play(world: &World, acts: Vec<Act>) {
    let there = Scope::tenant(world.there, Actor::system());
    world
        .db
        .write_blocking(there.clone(), |tx| {
            let cast = cast(tx)?;
            one(tx, &cast, &mut Vec::new(), &Act::File(1))
        })
        .unwrap();
    let cast = world.db.write_blocking(world.scope(), cast).unwrap();
    let (cast, mut ids) = (std::sync::Arc::new(cast), Vec::new());
    for act in acts {
        let cast = cast.clone();
        let mut known = std::mem::take(&mut ids);
        ids = world
            .db
            .write_blocking(world.scope(), move |tx| {
                // What is refused changes nothing, counters included.
                let mut tried = known.clone();
                if tx.attempt(|tx| one(tx, &cast, &mut tried, &act)).is_ok() {
                    known = tried;
                }
                Ok(known)
            })
            .unwrap();
        world
            .db
            .read_blocking(world.scope(), |read| {
                assert_eq!(counts::sums(read)?, counts::recount(read)?);
                Ok(())
            })
            .unwrap();
    }
    let next_door = world.db.read_blocking(there, counts::sums).unwrap();
    assert_eq!(next_door.values().sum::<i64>(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn counters_are_a_recount_on_sqlite(acts in proptest::collection::vec(act(), 1..40)) {
        play(&World::sqlite(), acts);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn counters_are_a_recount_on_postgres(acts in proptest::collection::vec(act(), 1..40)) {
        play(&World::postgres(), acts);
    }
}
