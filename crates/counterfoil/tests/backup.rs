//! Backup while somebody writes, restore into the other engine, compared row by row; damaged files change nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};
use support::{Place, Server};

const TICKETS: &str = "/api/admin/support/tickets";

fn file_ticket(server: &Server, key: &str, n: usize) -> Value {
    let body = json!({
        "subject": format!("Router {n} is dark"), "description": "It *really* is. ✂️ \u{1F50C}",
        "user_email": format!("person{n}@example.org"), "tags": ["router", "dark"],
        "context": { "n": n, "half": 0.5, "nested": [null, true, "x"] },
        "links": [{ "kind": "contract", "id": format!("{n}"), "label": "" }],
    });
    let made = server.call("POST", TICKETS, key, Some(body));
    assert_eq!(made.status, 201, "{made:?}");
    made.body
}

/// Every part of an archive by its name, but the manifest, which has the time in it.
fn parts(file: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(file).unwrap()));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (name, content)
    });
    entries.filter(|(name, _)| name != "manifest.json").collect()
}

fn there_and_back(from: &Place, to: &Place) {
    let key = from.with_key();
    let server = from.serve();
    for n in 0..20 {
        file_ticket(&server, &key, n);
    }
    let first = from.folder.path().join("first.cfb").display().to_string();
    let stopped = AtomicBool::new(false);
    let before = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut n = 100;
            while !stopped.load(Ordering::SeqCst) {
                file_ticket(&server, &key, n);
                n += 1;
            }
            n - 100
        });
        std::thread::sleep(std::time::Duration::from_millis(300));
        // Whoever writes stops also where the backup fails.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| from.ok(&["backup", &first])));
        stopped.store(true, Ordering::SeqCst);
        let written = writer.join().unwrap();
        done.unwrap();
        written
    });
    assert!(before > 0, "somebody wrote meanwhile");
    server.stop();

    // One moment: every ticket of the backup has its first message, and nothing refers to what is not there.
    let rows = parts(Path::new(&first));
    let tickets = String::from_utf8(rows["rows/tickets.jsonl"].clone()).unwrap();
    let messages = rows["rows/messages.jsonl"].iter().filter(|b| **b == b'\n').count();
    assert!(tickets.lines().count() >= 20);
    assert_eq!(tickets.lines().count(), messages);

    // Into the other engine, and out again: the same rows.
    to.ok(&["restore", &first]);
    let second = to.folder.path().join("second.cfb").display().to_string();
    to.ok(&["backup", &second]);
    let again = parts(Path::new(&second));
    assert_eq!(rows.keys().collect::<Vec<_>>(), again.keys().collect::<Vec<_>>());
    for (name, content) in &rows {
        assert_eq!(String::from_utf8_lossy(content), String::from_utf8_lossy(&again[name]), "{name}");
    }

    // No backup holds the index of words: it is made again, by the server or at once.
    assert!(!rows.contains_key("rows/search_entries.jsonl"));
    let said = to.ok(&["doctor"]);
    assert!(said.contains("tickets are not in the index yet"), "{said}");
    let count = tickets.lines().count();
    assert!(to.ok(&["search", "rebuild"]).contains(&format!("{count} tickets can be found")));
    assert!(to.ok(&["doctor"]).contains("every ticket can be found"));

    // What was restored works: the key opens it, numbers go on where they were.
    let server = to.serve();
    let list = server.call("GET", &format!("{TICKETS}?limit=1"), &key, None);
    assert_eq!(list.status, 200, "{list:?}");
    let known: Vec<String> = tickets
        .lines()
        .map(|line| serde_json::from_str::<Vec<Value>>(line).unwrap()[2].as_str().unwrap().to_owned())
        .collect();
    for number in known.iter().take(3) {
        let found = server.call("GET", &format!("{TICKETS}?q={number}"), &key, None);
        assert_eq!(found.body["items"][0]["ticket_number"], number.as_str(), "{found:?}");
        assert_eq!(found.body["match"]["is_complete"], true, "{found:?}");
    }
    let made = file_ticket(&server, &key, 9999);
    assert!(!known.contains(&made["ticket_number"].as_str().unwrap().to_owned()), "{made}");
    server.stop();

    assert!(to.refused(&["restore", &first]).contains("--replace"));
    to.ok(&["restore", &first, "--replace"]);
    assert!(!to.ok(&["doctor"]).contains("FAIL"));
}

#[test]
fn from_sqlite_to_postgres() {
    there_and_back(&Place::sqlite(), &Place::postgres());
}

#[test]
fn from_postgres_to_sqlite() {
    there_and_back(&Place::postgres(), &Place::sqlite());
}

#[test]
fn a_damaged_file_is_refused_and_changes_nothing() {
    let place = Place::sqlite();
    place.with_key();
    let file = place.folder.path().join("good.cfb");
    place.ok(&["backup", &file.display().to_string()]);
    let good = fs::read(&file).unwrap();
    let bad = place.folder.path().join("bad.cfb");
    let refused = |content: &[u8], why: &str| {
        fs::write(&bad, content).unwrap();
        let empty = Place::sqlite();
        let said = empty.refused(&["restore", &bad.display().to_string()]);
        assert!(said.contains("not a whole backup") && said.contains("nothing was changed"), "{why}: {said}");
        assert!(!empty.data().join("counterfoil.sqlite3").exists(), "{why}: nothing was made");
    };
    refused(&good[..good.len() / 2], "cut in half");
    refused(&good[..good.len() - 4], "its end is missing");
    refused(b"", "empty");
    refused(b"PK\x03\x04 something else", "another format");
    // Packed zeros can be told in two ways: a bit whose flipping changes nothing is no damage.
    let unpacked = |packed: &[u8]| {
        let mut out = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut out).ok().map(|_| out)
    };
    let flipped = |at: usize| {
        let mut copy = good.clone();
        copy[at] ^= 0x10;
        copy
    };
    let whole = unpacked(&good);
    let at = (good.len() / 2..good.len()).find(|at| unpacked(&flipped(*at)) != whole).unwrap();
    refused(&flipped(at), "one bit");
    refused(&with_changed_row(&good), "a row was changed and packed again");
    assert!(place.refused(&["restore", "/nowhere/at-all"]).contains("file"));
    // The one who had data still has it.
    assert!(place.ok(&["tenant", "list"]).contains("acme"));
}

/// A well-formed archive whose content is not what its manifest says.
fn with_changed_row(good: &[u8]) -> Vec<u8> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(good));
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut out = tar::Builder::new(packed);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        let content = content.replace("Acme Broadband", "Evil Broadband");
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        out.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    out.into_inner().unwrap().finish().unwrap()
}
