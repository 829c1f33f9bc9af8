//! `cargo dev bench [--postgres URL] [--engines sqlite,postgres] [--sizes 1000,100000] [--seconds 5] [--mails 50000] [--only WORDS]`
//!
//! Each figure of the server stands beside two limits of the same run: the bare SQL of the same rows and reads (no
//! HTTP, no rules), and an empty handler behind the same router under the same driver (no SQL). What counts is the
//! share of the lower one; single numbers of one machine mean little.
//!
//! The data set is made once for each size and engine, by rows, and kept in `COUNTERFOIL_BENCH_DATA` (a temporary folder
//! otherwise); for PostgreSQL the databases `counterfoil_bench_<size>` have to exist.
//!
//! `--mails N` measures mail that comes in, N letters of it, and nothing else; see `mails`. `--only` leaves out whatever
//! does not have these words in its name; "bulk change" is a name too.

mod bare;
mod bare_reads;
mod bulk;
mod corpus;
mod data;
mod driver;
mod mails;
mod report;
mod rows;
mod server;

use std::{path::PathBuf, time::Duration};

use bare_reads::Read;
use driver::Load;
use report::Report;

struct Options {
    seconds: u64,
    sizes: Vec<usize>,
    /// SQLite, and PostgreSQL where there is one, unless only one of them is wanted.
    engines: Option<String>,
    postgres: Option<String>,
    data: PathBuf,
    /// Mail that comes in, instead of everything else.
    mails: Option<usize>,
    /// Words a figure's name must hold.
    only: Option<String>,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|words| name.contains(words.as_str()))
    }
}

fn options() -> Options {
    let mut options = Options {
        seconds: 5,
        sizes: vec![1_000, 100_000],
        engines: None,
        postgres: std::env::var("COUNTERFOIL_BENCH_POSTGRES").ok(),
        data: std::env::var_os("COUNTERFOIL_BENCH_DATA")
            .map_or_else(|| std::env::temp_dir().join("counterfoil-bench"), PathBuf::from),
        mails: None,
        only: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| panic!("{arg} takes a value"));
        match arg.as_str() {
            "--seconds" => options.seconds = value().parse().expect("a number of seconds"),
            "--sizes" => {
                options.sizes = value().split(',').map(|s| s.parse().expect("a number of tickets")).collect()
            }
            "--engines" => options.engines = Some(value()),
            "--postgres" => options.postgres = Some(value()),
            "--mails" => options.mails = Some(value().parse().expect("a number of letters")),
            "--only" => options.only = Some(value()),
            "--data" => options.data = value().into(),
            other => panic!("{other} is not an option; see the top of bench/src/main.rs"),
        }
    }
    options
}

fn main() {
    let options = options();
    let mut report = Report::new();
    if let Some(count) = options.mails {
        mails::measure(&options.data, count, Duration::from_secs(options.seconds), &mut report);
        return report.write_as("mails.md");
    }
    let wants = |engine: &str| options.engines.as_ref().is_none_or(|e| e.split(',').any(|e| e == engine));
    for size in options.sizes.iter().filter(|_| wants("sqlite")) {
        let location = data::sqlite(&options.data, *size);
        measure("SQLite", location, *size, &options, &mut report);
    }
    if let Some(server) = options.postgres.as_ref().filter(|_| wants("postgres")) {
        for size in &options.sizes {
            let location = data::postgres(server, *size);
            measure("PostgreSQL", location, *size, &options, &mut report);
        }
    }
    report.write();
}

/// One figure: what the server is asked, and the bare work of the same kind.
struct Scenario<'a> {
    name: &'static str,
    callers: usize,
    /// None where nothing bare of the same kind is there to compare with.
    bare: Option<Box<dyn Fn() -> f64 + 'a>>,
    request: Box<dyn Fn(&server::Server) -> driver::Request + 'a>,
}

fn measure(engine: &str, location: db::Location, size: usize, options: &Options, report: &mut Report) {
    let time = Duration::from_secs(options.seconds);
    let sample = data::sample(&location);
    let mut scenarios = scenarios(&location, &sample, time);
    scenarios.retain(|s| options.wants(s.name));
    // The bare limits first, while nobody else works on the same database.
    let bare: Vec<Option<f64>> = scenarios.iter().map(|s| s.bare.as_ref().map(|bare| bare())).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let server = server::Server::start(&location, &options.data);
    report.fact(engine, size, "first answer after start", format!("{} ms", server.first_answer_ms));
    report.fact(engine, size, "anonymous memory, idle", format!("{:.0} MB", server.anonymous_mb()));
    for (s, bare) in scenarios.iter().zip(bare) {
        let empty = driver::Request::get("/healthz", "");
        let empty = runtime.block_on(driver::run(server.address, s.callers, time, empty));
        let product = runtime.block_on(driver::run(server.address, s.callers, time, (s.request)(&server)));
        report.line(engine, size, s.name, s.callers, &product, bare, &empty);
    }
    if size >= 20_000 && options.wants("bulk change") {
        bulk::measure(&runtime, &server, &location, engine, size, report);
    }
    report.fact(engine, size, "anonymous memory, loaded", format!("{:.0} MB", server.anonymous_mb()));
}

fn scenarios<'a>(location: &'a db::Location, sample: &'a data::Sample, time: Duration) -> Vec<Scenario<'a>> {
    let get = |path: String| move |s: &server::Server| driver::Request::get(&path, &s.staff);
    let answer = move |s: &server::Server| {
        let path = format!("/api/admin/support/tickets/{}/messages", sample.answered);
        let body = r#"{"body":"We have found the fault and are on our way.","is_internal":true}"#;
        driver::Request::post(&path, &s.staff, body)
    };
    let create =
        |s: &server::Server| driver::Request::posts("/api/support/tickets", &s.customer, corpus::requests());
    let list = "/api/admin/support/tickets";
    let alone = |name, path: String| Scenario { name, callers: 8, bare: None, request: Box::new(get(path)) };
    let beside = |name, read, path: String| {
        let bare = move || bare_reads::reads(location, sample, read, 8, time);
        Scenario { bare: Some(Box::new(bare)), ..alone(name, path) }
    };
    let mut scenarios = vec![
        beside("list, first page of 50", Read::First, list.into()),
        beside("list, deep page of 50", Read::Deep, format!("{list}?cursor={}", sample.deep_cursor)),
        beside("ticket with 20 messages", Read::Ticket, format!("{list}/{}", sample.with_20_messages)),
        beside("counters of the views", Read::Counters, "/api/admin/support/views?counts=true".into()),
        alone("the queue's page", "/desk?view=all".into()),
        alone("search, a rare word", format!("{list}?q={}", corpus::RARE)),
        alone("search, a common word", format!("{list}?q={}", corpus::COMMON)),
        alone("search, a common word of old", format!("{list}?q={}", corpus::OF_OLD)),
        alone("search, two words", format!("{list}?q=invoice+refund")),
        alone("figures of all tickets", "/api/admin/support/stats".into()),
        alone("report: volume of 30 days", "/api/admin/support/reports/volume".into()),
        alone("report: resolution of 30 days", "/api/admin/support/reports/resolution".into()),
        Scenario {
            name: "answer",
            callers: 8,
            bare: Some(Box::new(move || bare::answers(location, sample, 8, time))),
            request: Box::new(answer),
        },
    ];
    for callers in [1, 8, 64] {
        let bare = move || bare::creates(location, sample, callers, time);
        let request = Box::new(create);
        scenarios.push(Scenario { name: "create ticket", callers, bare: Some(Box::new(bare)), request });
    }
    scenarios
}

/// What a run measured.
pub fn per_second(load: &Load) -> f64 {
    load.done as f64 / load.seconds
}
