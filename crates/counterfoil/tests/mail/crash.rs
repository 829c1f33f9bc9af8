//! kill -9 while letters come in by HTTP and SMTP. Every letter that was acknowledged is filed once, and is confirmed by one
//! letter, which a real mail server counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base::SeededEntropy;
use serde_json::Value;
use testkit::peers::{Postfix, free_port};

use crate::{
    letters::{SUPPORT, all, eventually, hand_in, letter, mails, subjects, with_channel},
    support::{Address, Place, Server},
    talk::Talk,
};

const ROUNDS: usize = 4;
const CALLERS: usize = 5;
/// Letters of one caller in one round: a business confirms 2,000 in ten minutes.
const MOST: usize = 30;

/// What callers heard.
#[derive(Default)]
struct Heard {
    acknowledged: BTreeSet<String>,
    /// Handed in, and the connection died before an answer.
    unknown: BTreeSet<String>,
}

fn raw(name: &str) -> String {
    letter(&format!("{name}@example.net"), name)
}

impl Heard {
    fn of(heard: &Mutex<Self>, name: String, answer: std::io::Result<bool>) -> bool {
        let mut heard = heard.lock().unwrap();
        match answer {
            Ok(true) => heard.acknowledged.insert(name),
            Ok(false) => return false,
            Err(_) => {
                heard.unknown.insert(name);
                return false;
            }
        };
        true
    }
}

fn by_http(to: Address, channel: &str, name: &str) -> std::io::Result<bool> {
    let answer = hand_in(to, channel, raw(name).as_bytes())?;
    assert!(matches!(answer.status, 200 | 202 | 503), "{answer:?}");
    Ok(answer.status != 503)
}

fn by_smtp(port: u16, name: &str) -> std::io::Result<bool> {
    let answer = Talk::connect(port)?.send(&format!("{name}@example.net"), SUPPORT, &raw(name))?;
    assert!(answer.starts_with(['2', '4']), "{answer}");
    Ok(answer.starts_with('2'))
}

fn survives(mut place: Place, seed: u64) {
    let smtp = free_port();
    let postfix = Postfix::start(&[("example.net", "discard:")]);
    place.set("mail.smtp_listen", format!("127.0.0.1:{smtp}"));
    place.set("smtp.host", "127.0.0.1");
    place.set("smtp.port", postfix.port);
    place.set("smtp.tls", "none");
    let (admin, channel) = with_channel(&place);
    let chance = SeededEntropy::new(seed);
    let heard = Mutex::new(Heard::default());
    for round in 0..ROUNDS {
        let server = place.serve();
        let gone = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for caller in 0..CALLERS * 2 {
                let (address, channel, heard, gone) = (server.address(), &channel, &heard, &gone);
                scope.spawn(move || {
                    for n in 0..MOST {
                        let name = format!("r{round}c{caller}n{n}");
                        let answer = match caller % 2 {
                            0 => by_http(address, channel, &name),
                            _ => by_smtp(smtp, &name),
                        };
                        if !Heard::of(heard, name, answer) || gone.load(Ordering::SeqCst) {
                            return;
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(300 + chance.next_u64() % 700));
            gone.store(true, Ordering::SeqCst);
            server.kill();
        });
    }
    if place.database.is_some() {
        place.end_leases();
    }
    let server = place.serve();
    let heard = heard.into_inner().unwrap();
    // Whoever got no answer sends again, as mail servers do.
    for name in &heard.unknown {
        assert!(by_smtp(smtp, name).unwrap());
    }
    eventually("all letters are read", || {
        mails(&server, &admin).iter().all(|m| m["state"] == "done").then_some(())
    });
    println!("{ROUNDS} kills: {} acknowledged, {} sent again", heard.acknowledged.len(), heard.unknown.len());
    assert!(heard.acknowledged.len() > 20, "there was load");
    let mut expected: Vec<String> = heard.acknowledged.union(&heard.unknown).cloned().collect();
    expected.sort();
    assert_eq!(subjects(&server, &admin), expected, "each is filed once");

    // Every confirmation left, or was in hand when the power went and is kept for somebody to look at.
    let (sent, uncertain) = eventually("every confirmation", || {
        let letters = outbox(&server, &admin);
        let settled = |l: &Value| l["status"] == "sent" || l["status"] == "uncertain";
        if letters.len() < expected.len() || !letters.iter().all(settled) {
            return None;
        }
        let uncertain: BTreeSet<String> =
            letters.iter().filter(|l| l["status"] == "uncertain").map(to_whom).collect();
        let known = letters.iter().filter(|l| l["status"] == "sent").count();
        let sent = sent(&postfix.log());
        (sent.len() >= known).then_some((sent, uncertain))
    });
    println!("{} confirmations left, {} are uncertain", sent.len(), uncertain.len());
    // At most what was in hand each time.
    assert!(uncertain.len() <= ROUNDS * 16);
    for (id, to) in &sent {
        assert_eq!(to.len(), 1, "{id} left more than once: {to:?}");
    }
    let mut heard_of: BTreeSet<String> =
        sent.values().flatten().map(|to| to.trim_end_matches("@example.net").to_owned()).collect();
    assert_eq!(heard_of.len(), sent.len(), "one letter for each");
    heard_of.extend(uncertain);
    assert_eq!(heard_of.into_iter().collect::<Vec<_>>(), expected);
    server.stop();
}

/// Confirmations, newest first.
fn outbox(server: &Server, key: &str) -> Vec<Value> {
    let mut letters = all(server, "127.0.0.1", key, "/api/admin/outbox");
    letters.retain(|l| l["to"].as_str().unwrap().ends_with("@example.net"));
    letters
}

fn to_whom(letter: &Value) -> String {
    letter["to"].as_str().unwrap().trim_end_matches("@example.net").to_owned()
}

/// Whom Postfix passed letters on to, by their Message-ID.
fn sent(log: &str) -> BTreeMap<String, Vec<String>> {
    let between = |line: &str, begin: &str| {
        let rest = line.split_once(begin)?.1;
        rest.split_once('>').map(|(found, _)| found.to_owned())
    };
    let queue = |line: &str| line.split("]: ").nth(1)?.split_once(": ").map(|(id, _)| id.to_owned());
    let mut ids = BTreeMap::new();
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in log.lines() {
        if let Some(id) = between(line, "message-id=<") {
            ids.extend(queue(line).map(|queue| (queue, id)));
        } else if line.contains("status=sent")
            && let (Some(queue), Some(to)) = (queue(line), between(line, " to=<"))
            && let Some(id) = ids.get(&queue)
        {
            out.entry(id.clone()).or_default().push(to);
        }
    }
    out
}

#[test]
fn what_was_acknowledged_is_filed_once_on_sqlite() {
    survives(Place::sqlite(), 1);
}

#[test]
fn what_was_acknowledged_is_filed_once_on_postgres() {
    survives(Place::postgres(), 2);
}
