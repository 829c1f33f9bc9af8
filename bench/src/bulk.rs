//! Changing 10,000 tickets in one request: how long until the last is changed, alone, beside others who write now and then,
//! and beside others who write without a pause (who then share the machine); and how long their writes take meanwhile. What the figures before it left to do is done first.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use crate::{corpus, data, driver, per_second, report::Report, server::Server};

const MANY: usize = 10_000;
/// Others who file tickets meanwhile.
const OTHERS: usize = 4;
/// What each of them does between two tickets, where they do anything: together they file some 75 a second.
const TURN: Duration = Duration::from_millis(50);

pub fn measure(
    runtime: &Runtime,
    server: &Server,
    location: &db::Location,
    engine: &str,
    size: usize,
    report: &mut Report,
) {
    let address = server.address;
    let others = || driver::Request::posts("/api/support/tickets", &server.customer, corpus::requests());
    let fact = |report: &mut Report, what: &str, value: String| report.fact(engine, size, what, value);
    let begun = Instant::now();
    let left = data::let_it_finish(location);
    if left > 0 {
        let took = begun.elapsed().as_secs();
        fact(report, "jobs that the figures above left", format!("{left}, done after {took} s"));
    }
    let alone = runtime.block_on(change(address, &server.staff, "high"));
    fact(report, &format!("bulk change of {MANY} to high, alone"), seconds(alone));
    for (others_are, pause) in [("in turns", TURN), ("without a pause", Duration::ZERO)] {
        data::let_it_finish(location);
        let load = |time| driver::with_pauses(address, OTHERS, time, others(), pause);
        let calm = runtime.block_on(load(Duration::from_secs(3)));
        // Another priority than they have, so that each is changed; two in a row take turns.
        for priority in ["urgent", "low"] {
            data::let_it_finish(location);
            let (took, meanwhile) = runtime.block_on(async {
                let writing = tokio::spawn(load(Duration::from_secs(6)));
                // After the others' time to warm up.
                tokio::time::sleep(Duration::from_millis(1_500)).await;
                let took = change(address, &server.staff, priority).await;
                (took, writing.await.expect("the others' load"))
            });
            let beside = format!("{OTHERS} who file {others_are}");
            fact(report, &format!("bulk change of {MANY} to {priority}, beside {beside}"), seconds(took));
            let what = format!("{beside}, meanwhile (calm): per second; p50, p99, longest ms");
            fact(report, &what, format!("{} ({})", spread(&meanwhile), spread(&calm)));
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn spread(load: &driver::Load) -> String {
    let of = |share| load.percentile_ms(share);
    format!("{:.0}/s; {:.1}, {:.1}, {:.1}", per_second(load), of(0.5), of(0.99), of(1.0))
}

/// How long it takes until all of them have this priority, which none has now.
async fn change(address: SocketAddr, staff: &str, priority: &str) -> Duration {
    let ids: Vec<String> = (1..=MANY).map(|n| format!("SUP-{n:05}")).collect();
    let body = serde_json::json!({ "ids": ids, "changes": { "priority": priority } }).to_string();
    let many = driver::Request::post("/api/admin/support/tickets/bulk", staff, &body);
    let begun = Instant::now();
    let mut now: serde_json::Value =
        serde_json::from_str(&driver::call(address, many).await).expect("an answer");
    let path = format!("/api/admin/support/bulk/{}", now["id"].as_str().expect("an id"));
    while now["status"] != "done" {
        assert!(begun.elapsed() < Duration::from_secs(120), "the change does not end: {now}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let asked = driver::Request::get(&path, staff);
        now = serde_json::from_str(&driver::call(address, asked).await).expect("an answer");
    }
    assert_eq!(now["done"], MANY, "each is changed");
    begun.elapsed()
}
