//! Writes every letter in every language into a folder, as HTML and as text, to be looked at:
//! `cargo run -p counterfoil-notices --example letters -- /tmp/letters`.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a tool of ours

use std::{fs, path::PathBuf};

use notices::letters::{self, LetterKind, Sample};

/// What people write beside plain sentences.
const LONG: &str = "## What we found\n\nThe splitter in **Mill Lane** is broken. A technician comes *tomorrow*:\n\n1. between 8 and 10\n2. or between 14 and 16\n   - whichever suits\n\n> My box shows a red light.\n> It began on Monday.\n\n| Test | Result |\n|---|---|\n| Signal | -31 dBm |\n| Line | no answer |\n\nRun `ping 192.0.2.1`, then:\n\n```\ncurl -v https://speed.example.org/a/very/long/path/that/does/not/fit/into/a/narrow/window/at/all?token=abcdefghijklmnopqrstuvwxyz0123456789\n```\n\nhttps://status.example.org/incidents/2026/03/02/averylongaddressthatdoesnotfitintoanarrowwindowandhasnobreaks0123456789abcdef";

fn main() {
    let folder: PathBuf = std::env::args().nth(1).expect("a folder to write to").into();
    fs::create_dir_all(&folder).unwrap();
    let sample = Sample { banner: "Works on the network tonight from 1 to 3.".into(), ..Sample::default() };
    for locale in letters::LANGUAGES {
        for kind in LetterKind::ALL {
            let template = letters::default_of(kind, locale);
            let letter = letters::render(&template, &sample.values(locale)).unwrap();
            let name = format!("{}.{locale}", kind.as_str());
            fs::write(folder.join(format!("{name}.html")), letter.html()).unwrap();
            fs::write(folder.join(format!("{name}.txt")), format!("{}\n\n{}", letter.subject, letter.text))
                .unwrap();
        }
    }
    let mut values = sample.values("en");
    values["body"] = LONG.into();
    let template = letters::default_of(LetterKind::SupportTicketUpdate, "en");
    fs::write(folder.join("long.html"), letters::render(&template, &values).unwrap().html()).unwrap();
}
