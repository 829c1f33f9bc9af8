//! `cargo dev …`: everything a contributor or a build machine runs.

mod arrows;
mod metadata;
mod postgres;
mod setup;
mod shell;
mod test;

use std::{env, process::ExitCode};

use shell::{Outcome, cargo, run};

const HELP: &str = "\
cargo dev <command>

  setup    install what the tests need (apt, as root), or print the line that does
  check    formatting, clippy without warnings, and the arrows between the crates
  test     everything: feature tests on SQLite and PostgreSQL, doc tests, browser journeys
             --only sqlite   Rust tests that need no PostgreSQL
             --only rust     Rust tests on both engines, no browser
             --only e2e      the browser journeys
             anything after -- goes to the test runner, such as a part of a test's name
  run      the demo at http://127.0.0.1:8080
  schema   write schema/ and docs/erd.md anew from the migrations
  bless    accept changed snapshots: schema, OpenAPI document, rendered pages
  bench    the scenarios of bench/; what follows goes to them
  ci       check and test
";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let (command, rest) =
        words.split_first().map_or(("help", &[][..]), |(first, rest)| (first.as_str(), rest));
    match dispatch(command, rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("\ncargo dev {command}: FAILED: {message}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: &str, rest: &[String]) -> Outcome {
    match command {
        "setup" => setup::command(),
        "check" => check(),
        "test" => test::run(&test::Options::parse(rest)?),
        "run" => run(cargo().args(["run", "--", "demo"]).args(rest)),
        "schema" => test::bless(&["schema"]),
        "bless" => test::bless(&["schema", "openapi", "snapshot"]),
        "bench" => {
            run(cargo().args(["build", "--release"]))?;
            run(cargo().args(["run", "--release", "-p", "counterfoil-bench", "--"]).args(rest))
        }
        "ci" => check().and_then(|()| test::run(&test::Options::default())),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no command `{other}`\n\n{HELP}")),
    }
}

fn check() -> Outcome {
    arrows::check()?;
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    println!("cargo dev check: passed");
    Ok(())
}
