//! `cargo dev bench [--postgres URL] [--sizes 1000,100000] [--seconds 5]`
//!
//! Each figure of the server stands beside two limits of the same run: the bare SQL of the same rows and reads (no
//! HTTP, no rules), and an empty handler behind the same router under the same driver (no SQL). What counts is the
//! share of the lower one; single numbers of one machine mean little.

mod bare;
mod data;
mod driver;
mod report;
mod server;

use std::{path::PathBuf, time::Duration};

use driver::Load;
use report::Report;

struct Options {
    seconds: u64,
    sizes: Vec<usize>,
    postgres: Option<String>,
    data: PathBuf,
}

fn options() -> Options {
    let mut options = Options {
        seconds: 5,
        sizes: vec![1_000, 100_000],
        postgres: std::env::var("COUNTERFOIL_BENCH_POSTGRES").ok(),
        data: std::env::var_os("COUNTERFOIL_BENCH_DATA")
            .map_or_else(|| std::env::temp_dir().join("counterfoil-bench"), PathBuf::from),
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| panic!("{arg} takes a value"));
        match arg.as_str() {
            "--seconds" => options.seconds = value().parse().expect("a number of seconds"),
            "--sizes" => {
                options.sizes = value().split(',').map(|s| s.parse().expect("a number of tickets")).collect()
            }
            "--postgres" => options.postgres = Some(value()),
            "--data" => options.data = value().into(),
            other => panic!("{other} is not an option; see the top of bench/src/main.rs"),
        }
    }
    options
}

fn main() {
    let options = options();
    let mut report = Report::new();
    for size in &options.sizes {
        let location = data::sqlite(&options.data, *size);
        measure("SQLite", location, *size, &options, &mut report);
    }
    if let Some(server) = &options.postgres {
        for size in &options.sizes {
            let location = data::postgres(server, *size);
            measure("PostgreSQL", location, *size, &options, &mut report);
        }
    }
    report.write();
}

fn measure(engine: &str, location: db::Location, size: usize, options: &Options, report: &mut Report) {
    let time = Duration::from_secs(options.seconds);
    let sample = data::sample(&location);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let run = |name: &str,
               callers: usize,
               floor: &dyn Fn() -> f64,
               make: &dyn Fn(&server::Server) -> driver::Request,
               server: &server::Server,
               report: &mut Report| {
        let empty = runtime.block_on(driver::run(
            server.address,
            callers,
            time,
            driver::Request::get("/healthz", ""),
        ));
        let product = runtime.block_on(driver::run(server.address, callers, time, make(server)));
        let bare = floor();
        report.line(engine, size, name, callers, &product, bare, &empty);
    };
    let server = server::Server::start(&location, &options.data);
    report.fact(engine, size, "first answer after start", format!("{} ms", server.first_answer_ms));
    report.fact(engine, size, "anonymous memory, idle", format!("{:.0} MB", server.anonymous_mb()));
    let staff = server.staff.clone();
    let get = |path: String| {
        let staff = staff.clone();
        move |_: &server::Server| driver::Request::get(&path, &staff)
    };
    let bare_read = |work: bare::Read, callers: usize| {
        let (location, sample) = (location.clone(), sample.clone());
        move || bare::reads(&location, &sample, work, callers, time)
    };
    run(
        "list, first page of 50",
        8,
        &bare_read(bare::Read::First, 8),
        &get("/api/admin/support/tickets".into()),
        &server,
        report,
    );
    let deep = format!("/api/admin/support/tickets?cursor={}", sample.deep_cursor);
    run("list, deep page of 50", 8, &bare_read(bare::Read::Deep, 8), &get(deep), &server, report);
    let ticket = format!("/api/admin/support/tickets/{}", sample.with_20_messages);
    run("ticket with 20 messages", 8, &bare_read(bare::Read::Ticket, 8), &get(ticket), &server, report);
    let answer = |s: &server::Server| {
        let path = format!("/api/admin/support/tickets/{}/messages", sample.answered);
        driver::Request::post(
            &path,
            &s.staff,
            r#"{"body":"We have found the fault and are on our way.","is_internal":true}"#,
        )
    };
    run("answer", 8, &|| bare::answers(&location, &sample, 8, time), &answer, &server, report);
    let create = |s: &server::Server| {
        let body = r#"{"subject":"Internet down since Monday","description":"The light on the box is red.","category":"technical"}"#;
        driver::Request::post("/api/support/tickets", &s.customer, body)
    };
    for callers in [1, 8, 64] {
        run(
            "create ticket",
            callers,
            &|| bare::creates(&location, &sample, callers, time),
            &create,
            &server,
            report,
        );
    }
    report.fact(engine, size, "anonymous memory, loaded", format!("{:.0} MB", server.anonymous_mb()));
    drop(server);
}

/// What a run measured.
pub fn per_second(load: &Load) -> f64 {
    load.done as f64 / load.seconds
}
