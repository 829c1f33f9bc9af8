//! Changing 10,000 tickets in one request: how long until the last is changed, and how long others' writes take meanwhile.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::{driver, report::Report, server::Server};

const MANY: usize = 10_000;
/// Others who file tickets meanwhile.
const OTHERS: usize = 4;

pub fn measure(runtime: &Runtime, server: &Server, engine: &str, size: usize, report: &mut Report) {
    let others = || {
        let body =
            r#"{"subject":"Meanwhile","description":"The light on the box is red.","category":"technical"}"#;
        driver::Request::post("/api/support/tickets", &server.customer, body)
    };
    let calm = runtime.block_on(driver::run(server.address, OTHERS, Duration::from_secs(3), others()));
    // Another priority than they have, so that each is changed; two in a row take turns.
    for priority in ["urgent", "low"] {
        let ids: Vec<String> = (1..=MANY).map(|n| format!("SUP-{n:05}")).collect();
        let body = serde_json::json!({ "ids": ids, "changes": { "priority": priority } }).to_string();
        let many = driver::Request::post("/api/admin/support/tickets/bulk", &server.staff, &body);
        let (took, meanwhile) = runtime.block_on(async {
            let address = server.address;
            let writing = tokio::spawn(driver::run(address, OTHERS, Duration::from_secs(6), others()));
            // After the others' time to warm up.
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            let begun = Instant::now();
            let first: serde_json::Value =
                serde_json::from_str(&driver::call(address, many).await).expect("an answer");
            let path = format!("/api/admin/support/bulk/{}", first["id"].as_str().expect("an id"));
            let mut now = first;
            while now["status"] != "done" {
                assert!(begun.elapsed() < Duration::from_secs(120), "the change does not end: {now}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                let asked = driver::Request::get(&path, &server.staff);
                now = serde_json::from_str(&driver::call(address, asked).await).expect("an answer");
            }
            assert_eq!(now["done"], MANY, "each is changed");
            (begun.elapsed(), writing.await.expect("the others' load"))
        });
        report.fact(
            engine,
            size,
            &format!("bulk change of {MANY} to {priority}"),
            format!("{:.1} s", took.as_secs_f64()),
        );
        report.fact(
            engine,
            size,
            "others filing meanwhile: p50, p99, longest (calm: p50, p99, longest)",
            format!(
                "{:.1}, {:.1}, {:.1} ms ({:.1}, {:.1}, {:.1} ms)",
                meanwhile.percentile_ms(0.5),
                meanwhile.percentile_ms(0.99),
                meanwhile.percentile_ms(1.0),
                calm.percentile_ms(0.5),
                calm.percentile_ms(0.99),
                calm.percentile_ms(1.0)
            ),
        );
    }
}
