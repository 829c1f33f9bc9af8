//! A full disk: writes are refused with 507, reads go on, nothing is corrupt, and writing resumes when there is room.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use std::process::Stdio;

use serde_json::json;
use support::Place;

const TICKETS: &str = "/api/admin/support/tickets";

#[test]
fn a_full_disk_refuses_writes_and_breaks_nothing() {
    let place = Place::sqlite();
    let key = place.with_key();
    // Files that may not grow past 2 MiB stand for a disk without room: the kernel fails the write itself.
    let server = place.serve_with_file_limit(4096);
    let mut made = Vec::new();
    let mut full = false;
    for n in 0..400 {
        let body = json!({ "subject": format!("Number {n}"), "description": "word ".repeat(8000), "user_email": "ada@example.org" });
        let answer = server.call("POST", TICKETS, &key, Some(body));
        match answer.status {
            201 => made.push(answer.body["id"].as_str().unwrap().to_owned()),
            507 => {
                assert_eq!(answer.body["code"], "storage.full", "{answer:?}");
                full = true;
                break;
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert!(full, "the limit was reached");
    assert!(!made.is_empty());
    // Reading goes on, again and again, while writing is refused.
    for id in made.iter().rev().take(5) {
        assert_eq!(server.call("GET", &format!("{TICKETS}/{id}"), &key, None).status, 200);
    }
    server.kill();

    // With room again everything acknowledged is there, and the file is whole.
    let server = place.serve();
    for id in &made {
        assert_eq!(server.call("GET", &format!("{TICKETS}/{id}"), &key, None).status, 200);
    }
    let body = json!({ "subject": "Room again", "description": "x", "user_email": "ada@example.org" });
    assert_eq!(server.call("POST", TICKETS, &key, Some(body)).status, 201);
    server.stop();
    let report = place.ok(&["doctor"]);
    assert!(report.contains("database file") && !report.contains("FAIL"), "{report}");
}

impl Place {
    /// A server whose files may not grow past so many blocks of 512 bytes.
    fn serve_with_file_limit(&self, blocks: u32) -> support::Server {
        let plain = self.command(&[]);
        let mut command = std::process::Command::new("sh");
        // The signal of the limit is ignored, so that the write fails as it does on a full disk.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        command.args(["-c", &script]).arg(plain.get_program());
        command.current_dir(self.folder.path());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        support::Server::start(command.stdin(Stdio::null()).stdout(Stdio::null()))
    }
}
