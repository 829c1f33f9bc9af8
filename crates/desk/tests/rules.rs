//! Judging conditions is total and deterministic, and a comparison and its opposite never agree.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::{Email, hours};
use desk::{
    rules::{Condition, Definition, Facts, Field, Happening, Test, Trigger, judge},
    tickets::{self, *},
};
use identity::Settings;
use proptest::prelude::*;
use testkit::World;

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
