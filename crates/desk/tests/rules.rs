//! Judging conditions is total and deterministic, and a comparison and its opposite never agree.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::{Email, hours};
use desk::{
    rules::{self, Action, Condition, Definition, Facts, Field, Happening, Test, Trigger, judge},
    tickets::{self, *},
};
use identity::Settings;
use proptest::prelude::*;
use testkit::{World, both_engines};

fn condition() -> impl Strategy<Value = Condition> {
    let word = prop_oneof![
        ".{0,12}",
        proptest::sample::select(vec![
            "open",
            "normal",
            "none",
            "yes",
            "no",
            "4",
            "router",
            "no internet",
            "example.org",
            "billing",
            "portal",
            "vip",
            "ルーター",
            "-1",
            "99999999999999999999",
        ])
        .prop_map(str::to_owned),
    ];
    let value = proptest::collection::vec(word, 0..4);
    (proptest::sample::select(Field::ALL), proptest::sample::select(Test::ALL), value)
        .prop_map(|(field, op, value)| Condition { field, op, value })
}

fn opposite(op: Test) -> Test {
    match op {
        Test::Is => Test::IsNot,
        Test::IsNot => Test::Is,
        Test::Has => Test::HasNot,
        Test::HasNot => Test::Has,
        Test::Contains => Test::ContainsNot,
        Test::ContainsNot => Test::Contains,
        Test::AtLeast => Test::LessThan,
        Test::LessThan => Test::AtLeast,
    }
}

async fn a_ticket() -> (World, Ticket) {
    let world = World::sqlite();
    let ticket = world
        .db
        .write(world.scope(), |tx| {
            desk::prepare_tenant(tx)?;
            let email: Email = "ada@mail.example.org".parse()?;
            let who = Requester { email, name: "Ada".into(), user_id: None };
            let new = NewTicket::new("No internet since monday", "The router is red.", Channel::Portal)?;
            tickets::create(tx, &Settings::default(), None, For::Stranger(who), new)
        })
        .await
        .unwrap();
    (world, ticket)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditions_are_judged_the_same_every_time_and_never_with_their_opposite() {
    let (world, ticket) = a_ticket().await;
    let now = world.now();
    let strategy = (
        proptest::collection::vec(condition(), 0..5),
        proptest::collection::vec(condition(), 0..5),
        proptest::sample::select(Status::ALL),
        proptest::sample::select(Priority::ALL),
        ".{0,40}",
        proptest::collection::vec("[a-z]{1,5}", 0..3),
        -10_000..10_000i64,
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(2_000));
    runner
        .run(&strategy, |(all, any, status, priority, subject, tags, passed)| {
            let ticket = Ticket { status, priority, subject, ..ticket.clone() };
            let facts = Facts { ticket, tags, body: "The router is red.".into(), now: now + hours(passed) };
            let trigger = Trigger::Event { events: vec![Happening::TicketCreated] };
            let definition = Definition { trigger, all, any, actions: Vec::new() };
            let verdict = judge(&definition, &facts);
            prop_assert_eq!(&verdict, &judge(&definition, &facts));
            let held = |group: &str| {
                let of = verdict.conditions.iter().filter(|l| l.group == group);
                of.map(|l| l.holds).collect::<Vec<_>>()
            };
            let (all, any) = (held("all"), held("any"));
            prop_assert_eq!((all.len(), any.len()), (definition.all.len(), definition.any.len()));
            let wanted = !all.contains(&false) && (any.is_empty() || any.contains(&true));
            prop_assert_eq!(verdict.holds, wanted);
            let against = |c: &Condition| Condition { op: opposite(c.op), ..c.clone() };
            let opposite = Definition {
                all: definition.all.iter().map(against).collect(),
                any: definition.any.iter().map(against).collect(),
                ..definition.clone()
            };
            for (one, other) in verdict.conditions.iter().zip(judge(&opposite, &facts).conditions) {
                prop_assert_ne!(one.holds, other.holds, "{:?}", one);
            }
            Ok(())
        })
        .unwrap();
}

fn new_rule(name: &str) -> rules::NewRule {
    let trigger = Trigger::Event { events: vec![Happening::TicketCreated] };
    let actions = vec![Action::SetPriority(Priority::High)];
    let definition = Definition { trigger, all: Vec::new(), any: Vec::new(), actions };
    rules::NewRule { name: name.into(), definition, enabled: true }
}

both_engines! {
    async fn a_rule_that_is_changed_while_others_are_ordered_stays_where_it_was_put(world) {
        let make = |tx: &mut db::Tx<'_>| ["a", "b"].map(|name| rules::create(tx, new_rule(name)).unwrap().id);
        let theirs = world.db.write(world.scope_there(), move |tx| Ok(make(tx))).await.unwrap();
        let [a, b] = world.db.write(world.scope(), move |tx| Ok(make(tx))).await.unwrap();
        let (placed, go_on) = std::sync::mpsc::channel();
        let ordering = world.db.write(world.scope(), move |tx| {
            rules::order(tx, &[b, a])?;
            placed.send(()).unwrap();
            // The other one has read the rule by now, and waits for its row.
            std::thread::sleep(std::time::Duration::from_millis(300));
            Ok(())
        });
        let (db, scope) = (world.db.clone(), world.scope());
        let changing = tokio::task::spawn_blocking(move || {
            go_on.recv().unwrap();
            let patch = rules::RulePatch { name: Some("first".into()), ..Default::default() };
            db.write_blocking(scope, move |tx| rules::change(tx, a, patch))
        });
        let (ordered, changed) = tokio::join!(ordering, changing);
        ordered.unwrap();
        assert_eq!(changed.unwrap().unwrap().position, 2);
        let all = world.db.read(world.scope(), rules::query::all).await.unwrap();
        let places: Vec<_> = all.iter().map(|r| (r.name.as_str(), r.position)).collect();
        assert_eq!(places, [("b", 1), ("first", 2)]);
        let all = world.db.read(world.scope_there(), rules::query::all).await.unwrap();
        assert_eq!(all.iter().map(|r| r.id).collect::<Vec<_>>(), theirs);
    }
}
