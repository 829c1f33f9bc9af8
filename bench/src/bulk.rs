//! Changing 10,000 tickets in one request: how long until the last is changed, alone and while others write without a pause,
//! and how long their writes take meanwhile. What the figures before it left to do is done first.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use crate::{corpus, data, driver, per_second, report::Report, server::Server};

const MANY: usize = 10_000;
/// Others who file tickets meanwhile.
const OTHERS: usize = 4;

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
    fact(report, &format!("bulk change of {MANY} to high, alone"), format!("{:.1} s", alone.as_secs_f64()));
    let calm = runtime.block_on(driver::run(address, OTHERS, Duration::from_secs(3), others()));
    // Another priority than they have, so that each is changed; two in a row take turns.
    for priority in ["urgent", "low"] {
        data::let_it_finish(location);
        let (took, meanwhile) = runtime.block_on(async {
            let writing = tokio::spawn(driver::run(address, OTHERS, Duration::from_secs(6), others()));
            // After the others' time to warm up.
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            let took = change(address, &server.staff, priority).await;
            (took, writing.await.expect("the others' load"))
        });
        fact(
            report,
            &format!("bulk change of {MANY} to {priority}, beside others"),
            format!("{:.1} s", took.as_secs_f64()),
        );
        let value = format!(
            "{:.1}, {:.1}, {:.1} ms ({:.1}, {:.1}, {:.1} ms)",
            meanwhile.percentile_ms(0.5),
            meanwhile.percentile_ms(0.99),
            meanwhile.percentile_ms(1.0),
            calm.percentile_ms(0.5),
            calm.percentile_ms(0.99),
            calm.percentile_ms(1.0)
        );
        fact(report, "others filing meanwhile: p50, p99, longest (calm: p50, p99, longest)", value);
        fact(
            report,
            "tickets they filed meanwhile (calm)",
            format!("{:.0} /s ({:.0} /s)", per_second(&meanwhile), per_second(&calm)),
        );
    }
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
