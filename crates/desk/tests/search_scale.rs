//! How search holds up over many tickets. Run by hand, optimised:
//! `SCALE=200000 cargo test --release -p counterfoil-desk --test search_scale -- --ignored --nocapture`
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use base::{Actor, Email, Role};
use desk::tickets::{self, Channel, For, NewTicket, Requester, TicketFilter, search};
use identity::{Settings, Staff};
use testkit::World;

fn staff() -> Staff {
    Staff { user_id: None, role: Role::Admin, actor: Actor::system(), read_only: false }
}

/// A text of words as people use them: few of them often, most of them seldom.
fn text(seed: &mut u64, words: usize) -> String {
    let mut out = String::new();
    for _ in 0..words {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rank = (50_000f64.powf((*seed >> 11) as f64 / (1u64 << 53) as f64)) as u64;
        out.push_str(&format!("w{rank} "));
    }
    out
}

async fn filled(world: &World, count: usize) {
    world.db.write(world.scope(), desk::prepare_tenant).await.unwrap();
    let began = Instant::now();
    for batch in 0..count / 500 {
        world.clock.advance(base::minutes(5));
        world
            .db
            .write(world.scope(), move |tx| {
                let mut seed = batch as u64 * 7919 + 1;
                for n in 0..500usize {
                    let customer = (batch * 500 + n) % 5000;
                    let requester = Requester {
                        email: format!("c{customer}@example.org").parse::<Email>()?,
                        name: format!("Customer {customer}"),
                        user_id: None,
                    };
                    let mut new = NewTicket::new(&text(&mut seed, 6), &text(&mut seed, 120), Channel::Email)?;
                    if n == 250 && batch % 10 == 0 {
                        new.tags.push("rarely".into());
                    }
                    tickets::create(
                        tx,
                        &Settings::default(),
                        Some(&staff()),
                        For::Address { requester, spoke_first: false },
                        new,
                    )?;
                }
                Ok::<_, base::Error>(())
            })
            .await
            .unwrap();
    }
    let took = began.elapsed().as_secs_f64();
    println!(
        "{:?}: {count} tickets of 126 words in {took:.0} s, {:.0} a second",
        world.db.kind(),
        count as f64 / took
    );
}

/// Single tickets by 64 callers at once, each acknowledged.
async fn filed_by_many(world: &World) {
    let began = Instant::now();
    let callers = (0..64u64).map(|caller| {
        let (db, scope) = (world.db.clone(), world.scope());
        tokio::spawn(async move {
            for n in 0..50u64 {
                let mut seed = caller * 1_000_003 + n;
                let (subject, body) = (text(&mut seed, 6), text(&mut seed, 30));
                db.write(scope.clone(), move |tx| {
                    let email = format!("many{caller}@example.org").parse::<Email>()?;
                    let requester = Requester { email, name: "Many".into(), user_id: None };
                    let new = NewTicket::new(&subject, &body, Channel::Email)?;
                    tickets::create(
                        tx,
                        &Settings::default(),
                        Some(&staff()),
                        For::Address { requester, spoke_first: false },
                        new,
                    )
                })
                .await
                .unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    println!("  filed by 64 callers, 36 words each: {:.0} a second", 3200.0 / began.elapsed().as_secs_f64());
}

async fn measured(world: &World, label: &str, q: &str) {
    let run = |_: usize| {
        let (db, scope, q) = (world.db.clone(), world.scope(), q.to_owned());
        async move {
            let began = Instant::now();
            let found = db
                .read(scope, move |read| {
                    let filter =
                        TicketFilter { q: Some(q), by_relevance: true, limit: 50, ..TicketFilter::default() };
                    let found = search::search(read, &staff(), &filter)?;
                    for t in &found.tickets {
                        search::highlights(read, t, &found.wanted)?;
                    }
                    Ok(found)
                })
                .await
                .unwrap();
            (began.elapsed(), found.facts, found.tickets.len())
        }
    };
    let (first, facts, shown) = run(0).await;
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..25 {
        let callers = (0..8).map(|n| tokio::spawn(run(n)));
        for caller in callers.collect::<Vec<_>>() {
            times.push(caller.await.unwrap().0);
        }
    }
    times.sort_unstable();
    println!(
        "  {label:<28} {:>8} found, {shown:>2} shown {:?}; first {:>6.1} ms, at 8 callers p50 {:>6.1} p99 {:>6.1} ms",
        facts.count.map_or("?".into(), |c| format!("{c}{}", if facts.count_is_capped { "+" } else { "" })),
        facts.order,
        first.as_secs_f64() * 1e3,
        times[times.len() / 2].as_secs_f64() * 1e3,
        times[times.len() * 99 / 100].as_secs_f64() * 1e3,
    );
}

async fn scaled(world: World) {
    let count = std::env::var("SCALE").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    filled(&world, count).await;
    filed_by_many(&world).await;
    if std::env::var("SCALE_ANALYZE").is_ok() {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    for (label, q) in [
        ("one word, nowhere", "nowhereatall"),
        ("one word, rare", "w49000"),
        ("one word, some", "w5000"),
        ("one word, many", "w300"),
        ("one word, common", "w2"),
        ("number", "SUP-00042"),
        ("two rare words", "w49000 w48000"),
        ("common and rare", "w2 w30000"),
        ("two common words", "w2 w3"),
        ("phrase, common", "\"w2 w3\""),
        ("prefix", "w4900*"),
        ("prefix, short", "w49*"),
        ("rare without common", "w5000 -w2"),
        ("common, of one customer", "w2 customer:c77@example.org"),
        ("common, of a tag", "w2 tag:rarely"),
        ("common, and new", "w2 status:new"),
        ("common, and nothing", "w2 status:closed"),
    ] {
        measured(&world, label, q).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn on_sqlite() {
    scaled(World::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn on_postgres() {
    scaled(World::postgres()).await;
}
