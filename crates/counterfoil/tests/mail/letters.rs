//! Letters, handing them in, and what became of them.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Address, Place, Reply, Server};

pub const SUPPORT: &str = "support@acme.example";
pub const TICKETS: &str = "/api/admin/support/tickets";

/// An ordinary letter to the address of `acme`; its id is made of its subject.
pub fn letter(from: &str, subject: &str) -> String {
    letter_to(from, SUPPORT, subject)
}

pub fn letter_to(from: &str, to: &str, subject: &str) -> String {
    let id: String = subject.chars().filter(char::is_ascii_alphanumeric).collect();
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{id}@mail.example.net>\r\n\
         Date: Mon, 05 Jan 2026 10:00:00 +0000\r\n\r\nHello, this is {subject}.\r\n"
    )
}

/// A business with a channel; the admin's key and the channel's.
pub fn with_channel(place: &Place) -> (String, String) {
    let admin = place.with_key();
    (admin, place.ok(&["channel", "create", "--tenant", "acme", "--address", SUPPORT]))
}

/// Hands a letter in over HTTP.
pub fn hand_in(to: Address, channel: &str, raw: &[u8]) -> std::io::Result<Reply> {
    let bearer = format!("Bearer {channel}");
    let headers = [("Host", "127.0.0.1"), ("Authorization", &*bearer), ("Content-Type", "message/rfc822")];
    to.send("POST", "/api/mail/inbound", &headers, raw)
}

/// An answer of the API to the business of this host.
pub fn get(server: &Server, host: &str, key: &str, path: &str) -> Value {
    let bearer = format!("Bearer {key}");
    let reply =
        server.address().send("GET", path, &[("Host", host), ("Authorization", &bearer)], b"").unwrap();
    assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

/// Every item of a list, over all of its pages.
pub fn all(server: &Server, host: &str, key: &str, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(server, host, key, &format!("{path}?limit=100{cursor}"));
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

/// Every letter that came in, newest first.
pub fn mails(server: &Server, key: &str) -> Vec<Value> {
    all(server, "127.0.0.1", key, "/api/admin/mails")
}

pub fn subjects(server: &Server, key: &str) -> Vec<String> {
    let mut found: Vec<String> = all(server, "127.0.0.1", key, TICKETS)
        .iter()
        .map(|t| t["subject"].as_str().unwrap().to_owned())
        .collect();
    found.sort();
    found
}

/// What became of the letter of this subject, once it was read.
pub fn settled(server: &Server, key: &str, subject: &str) -> Value {
    eventually(subject, || {
        mails(server, key).into_iter().find(|m| m["subject"] == subject && m["state"] != "waiting")
    })
}

/// Waits for something that comes by itself.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(40), "{what}: did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}
