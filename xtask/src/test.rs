//! `cargo dev test`: the same tests here, on a build machine and on a new one.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    metadata,
    postgres::Postgres,
    setup,
    shell::{self, Outcome, cargo, root, succeeds},
};

#[derive(Default)]
pub struct Options {
    only: Option<Part>,
    /// For the test runner, such as a part of a test's name.
    rest: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Sqlite,
    Rust,
    E2e,
}

impl Options {
    pub fn parse(words: &[String]) -> Outcome<Self> {
        let mut options = Self::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "--only" => options.only = Some(Part::parse(words.next().unwrap_or_default())?),
                "--" => options.rest.extend(words.by_ref().map(str::to_owned)),
                other => match other.strip_prefix("--only=") {
                    Some(part) => options.only = Some(Part::parse(part)?),
                    None => return Err(format!("`{other}` is not an option; a test's name goes after --")),
                },
            }
        }
        Ok(options)
    }

    fn includes(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }
}

impl Part {
    fn parse(word: &str) -> Outcome<Self> {
        match word {
            "sqlite" => Ok(Self::Sqlite),
            "rust" => Ok(Self::Rust),
            "e2e" => Ok(Self::E2e),
            _ => Err("--only takes sqlite, rust or e2e".into()),
        }
    }
}

pub fn run(options: &Options) -> Outcome {
    let started = Instant::now();
    setup::ensure()?;
    let mut done = Vec::new();
    let mut part = |name: &str, work: &dyn Fn() -> Outcome| -> Outcome {
        let started = Instant::now();
        work().map_err(|error| format!("{name}: {error}"))?;
        done.push(format!("{name} {}", shown(started.elapsed())));
        Ok(())
    };
    if options.only == Some(Part::Sqlite) {
        let mut rest = options.rest.clone();
        // Tests of the other engine say so in their name.
        rest.extend(["--skip".into(), "postgres".into()]);
        part("tests on SQLite", &|| rust_tests(None, &rest))?;
    }
    if options.includes(Part::Rust) {
        part("tests on SQLite and PostgreSQL", &|| {
            let server = Postgres::start()?;
            rust_tests(Some(&server), &options.rest)
        })?;
        if options.rest.is_empty() {
            part("doc tests", &|| shell::run(cargo().args(["test", "--quiet", "--workspace", "--doc"])))?;
        }
    }
    if options.includes(Part::E2e) {
        part("browser journeys", &journeys)?;
    }
    println!("\ncargo dev test: passed in {} ({})", shown(started.elapsed()), done.join(", "));
    Ok(())
}

/// Runs the tests whose names contain one of `names` and lets them write what they would have compared.
pub fn bless(names: &[&str]) -> Outcome {
    let server = Postgres::start()?;
    let mut command = cargo();
    command.args(["test", "--workspace", "--"]).args(names);
    command.env("BLESS", "1").env("INSTA_UPDATE", "always").env("COUNTERFOIL_TEST_POSTGRES", server.url());
    shell::run(&mut command)
}

fn rust_tests(server: Option<&Postgres>, rest: &[String]) -> Outcome {
    let nextest = succeeds("cargo", &["nextest", "--version"]);
    let mut command = cargo();
    if nextest {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        command.args(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    }
    if !rest.is_empty() {
        command.arg("--").args(rest);
    }
    match server {
        Some(server) => command.env("COUNTERFOIL_TEST_POSTGRES", server.url()),
        // One left in the environment would be somebody's real server.
        None => command.env_remove("COUNTERFOIL_TEST_POSTGRES"),
    };
    shell::run(&mut command)
}

/// The journeys in Chromium, against the binary a user would run, built from this tree.
fn journeys() -> Outcome {
    let script = root().join("e2e/run.mjs");
    if !root().join("e2e/package.json").exists() {
        println!("e2e/ has no package.json: there are no journeys yet");
        return Ok(());
    }
    shell::run(cargo().args(["build", "--package", "counterfoil"]))?;
    let binary = metadata::read()?.target_directory.join("debug/counterfoil");
    shell::run(
        Command::new("node").arg(script).env("COUNTERFOIL_BIN", binary).current_dir(root().join("e2e")),
    )
}

fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min {} s", seconds / 60, seconds % 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Outcome<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options() {
        assert!(parse("").unwrap().includes(Part::E2e));
        let options = parse("--only rust -- claim --skip x").unwrap();
        assert!(options.includes(Part::Rust) && !options.includes(Part::E2e));
        assert_eq!(options.rest, ["claim", "--skip", "x"]);
        assert!(parse("--only=sqlite").is_ok());
        assert!(parse("--only").is_err() && parse("--only all").is_err() && parse("claim").is_err());
    }
}
