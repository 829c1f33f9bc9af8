//! Postfix in between: it brings letters over LMTP, and takes ours along.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::peers::{Dovecot, Postfix, free_port};

use crate::{
    letters::{SUPPORT, TICKETS, all, eventually, letter, letter_to, settled, subjects, with_channel},
    support::{Place, Server},
    talk::Talk,
};

/// A place whose letters come by LMTP, here, and leave by Postfix.
fn behind(place: &mut Place, postfix: Option<u16>) -> u16 {
    let port = free_port();
    place.set("mail.lmtp_listen", format!("127.0.0.1:{port}"));
    if let Some(postfix) = postfix {
        place.set("smtp.host", "127.0.0.1");
        place.set("smtp.port", postfix);
        place.set("smtp.tls", "none");
    }
    port
}

#[test]
fn postfix_brings_letters_and_reports_what_nobody_takes() {
    let mut place = Place::sqlite();
    let lmtp = behind(&mut place, None);
    let (admin, _) = with_channel(&place);
    let postfix = Postfix::start(&[("acme.example", &format!("lmtp:inet:127.0.0.1:{lmtp}"))]);
    // The server is not there yet: Postfix keeps the letter.
    let mut talk = Talk::connect(postfix.port).unwrap();
    let early = letter("ada@example.net", "Early");
    assert!(talk.send("ada@example.net", SUPPORT, &early).unwrap().starts_with("250"));
    eventually("Postfix has tried", || postfix.log().contains("status=deferred").then_some(()));
    let server = place.serve();
    let mail = settled(&server, &admin, "Early");
    assert_eq!((&mail["outcome"], &mail["door"]), (&"ticket".into(), &"lmtp".into()), "{mail}");
    assert_eq!(mail["client_ip"], Value::Null, "our own mail server is nobody's sender");

    let plus = "support+somebody@acme.example";
    let tagged = letter_to("ada@example.net", plus, "Tagged");
    assert!(talk.send("ada@example.net", plus, &tagged).unwrap().starts_with("250"));
    assert_eq!(settled(&server, &admin, "Tagged")["outcome"], "ticket");
    let lost = letter_to("ada@example.net", "nobody@acme.example", "Lost");
    assert!(talk.send("ada@example.net", "nobody@acme.example", &lost).unwrap().starts_with("250"));
    eventually("Postfix is told that nobody has it", || {
        postfix.log().contains("status=bounced (host 127.0.0.1[127.0.0.1] said: 550 5.1.1").then_some(())
    });
    assert_eq!(subjects(&server, &admin), ["Early", "Tagged"]);
    server.stop();
}

/// A business, as its administrator asks about it.
struct Side<'a> {
    server: &'a Server,
    host: &'a str,
    key: String,
}

impl Side<'_> {
    fn mails(&self) -> Vec<Value> {
        all(self.server, self.host, &self.key, "/api/admin/mails")
    }
    fn outcomes(&self) -> Vec<String> {
        let mut found: Vec<String> =
            self.mails().iter().map(|m| m["outcome"].as_str().unwrap_or("waiting").to_owned()).collect();
        found.sort();
        found
    }
    fn answer(&self, ticket: &str) {
        let bearer = format!("Bearer {}", self.key);
        let headers =
            [("Host", self.host), ("Authorization", &*bearer), ("Content-Type", "application/json")];
        let body = json!({ "body": "We are here to help." }).to_string();
        let path = format!("{TICKETS}/{ticket}/messages");
        let reply = self.server.address().send("POST", &path, &headers, body.as_bytes()).unwrap();
        assert_eq!(reply.status, 201, "{reply:?}");
    }
}

/// `umbrella` writes to `acme` from its support address, somebody answers, and both confirm what comes in.
fn they_write_to_each_other(acme: &Side<'_>, umbrella: &Side<'_>, postfix: &Postfix) {
    let first = letter("support@umbrella.example", "Our line is down");
    let mut talk = Talk::connect(postfix.port).unwrap();
    assert!(talk.send("support@umbrella.example", SUPPORT, &first).unwrap().starts_with("250"));
    let ticket = eventually("a ticket of acme", || {
        let mails = acme.mails();
        mails.iter().find_map(|m| m["ticket_id"].as_str().map(str::to_owned))
    });
    eventually("acme's confirmation", || (umbrella.outcomes() == ["automated"]).then_some(()));
    acme.answer(&ticket);
    eventually("acme's answer", || (umbrella.outcomes() == ["automated", "ticket"]).then_some(()));
    eventually("umbrella's confirmation", || (acme.outcomes() == ["automated", "ticket"]).then_some(()));
    // And there it ends: nothing more is under way.
    let sent = || postfix.log().matches("status=sent").count();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        assert_eq!(sent(), 4, "{}", postfix.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(acme.outcomes().len() + umbrella.outcomes().len(), 4);
    assert!(acme.mails().iter().all(|m| m["ticket_id"] == *ticket), "umbrella's letters found their thread");
}

fn channel_of(place: &Place, slug: &str) {
    let address = format!("support@{slug}.example");
    place.ok(&["channel", "create", "--tenant", slug, "--address", &address]);
}

#[test]
fn two_businesses_of_one_server_write_to_each_other_and_it_ends() {
    let mut place = Place::sqlite();
    let lmtp = behind(&mut place, None);
    let hop = format!("lmtp:inet:127.0.0.1:{lmtp}");
    let postfix = Postfix::start(&[("acme.example", &hop), ("umbrella.example", &hop)]);
    place.set("smtp.host", "127.0.0.1");
    place.set("smtp.port", postfix.port);
    place.set("smtp.tls", "none");
    for slug in ["acme", "umbrella"] {
        place.ok(&["tenant", "create", slug, "--name", slug, "--host", &format!("help.{slug}.example")]);
        channel_of(&place, slug);
    }
    let server = place.serve();
    let acme = Side { server: &server, host: "help.acme.example", key: place.key_of("acme", "admin") };
    let umbrella =
        Side { server: &server, host: "help.umbrella.example", key: place.key_of("umbrella", "admin") };
    they_write_to_each_other(&acme, &umbrella, &postfix);
    server.stop();
}

#[test]
fn two_servers_write_to_each_other_and_it_ends() {
    let (mut here, mut there) = (Place::sqlite(), Place::sqlite());
    let ports = [free_port(), free_port()];
    let [to_here, to_there] = ports.map(|port| format!("lmtp:inet:127.0.0.1:{port}"));
    let postfix = Postfix::start(&[("acme.example", &to_here), ("umbrella.example", &to_there)]);
    for (place, slug, port) in [(&mut here, "acme", ports[0]), (&mut there, "umbrella", ports[1])] {
        behind(place, Some(postfix.port));
        place.set("mail.lmtp_listen", format!("127.0.0.1:{port}"));
        place.ok(&["tenant", "create", slug, "--name", slug]);
        channel_of(place, slug);
    }
    let (a, b) = (here.serve(), there.serve());
    let acme = Side { server: &a, host: "127.0.0.1", key: here.key_of("acme", "admin") };
    let umbrella = Side { server: &b, host: "127.0.0.1", key: there.key_of("umbrella", "admin") };
    they_write_to_each_other(&acme, &umbrella, &postfix);
    a.stop();
    b.stop();
}

#[test]
fn letters_of_a_channel_leave_through_its_own_server() {
    let mut place = Place::sqlite();
    let lmtp = behind(&mut place, None);
    let hop = format!("lmtp:inet:127.0.0.1:{lmtp}");
    let postfix = Postfix::start(&[("acme.example", &hop), ("umbrella.example", &hop)]);
    place.set("outgoing.allow_networks", "127.0.0.0/8");
    for slug in ["acme", "umbrella"] {
        place.ok(&["tenant", "create", slug, "--name", slug, "--host", &format!("help.{slug}.example")]);
        channel_of(&place, slug);
    }
    let server = place.serve();
    let side = |host, slug: &str| Side { server: &server, host, key: place.key_of(slug, "admin") };
    let (acme, umbrella) = (side("help.acme.example", "acme"), side("help.umbrella.example", "umbrella"));
    let call = |method: &str, path: &str, body: &str| {
        let bearer = format!("Bearer {}", acme.key);
        let headers =
            [("Host", acme.host), ("Authorization", &*bearer), ("Content-Type", "application/json")];
        server.address().send(method, path, &headers, body.as_bytes()).unwrap()
    };
    let channel = all(&server, acme.host, &acme.key, "/api/admin/channels").remove(0);
    let path = format!("/api/admin/channels/{}/outgoing", channel["id"].as_str().unwrap());
    let own = json!({ "host": "127.0.0.1", "port": postfix.port, "tls": "none", "sign_in": "none" });
    let set = call("PUT", &path, &own.to_string());
    assert_eq!(set.status, 200, "{}", String::from_utf8_lossy(&set.body));

    // Acme's confirmation, and then its answer, come to umbrella through acme's own server.
    let mut talk = Talk::connect(postfix.port).unwrap();
    let first = letter("support@umbrella.example", "Our line is down");
    assert!(talk.send("support@umbrella.example", SUPPORT, &first).unwrap().starts_with("250"));
    eventually("acme's confirmation", || (umbrella.outcomes() == ["automated"]).then_some(()));
    let ticket = acme.mails()[0]["ticket_id"].as_str().unwrap().to_owned();
    acme.answer(&ticket);
    eventually("acme's answer", || (umbrella.outcomes() == ["automated", "ticket"]).then_some(()));
    assert!(umbrella.mails().iter().all(|m| m["from_email"] == SUPPORT));
    assert!(postfix.log().contains(&format!("from=<{SUPPORT}>")), "{}", postfix.log());

    // What umbrella confirms leaves as the installation's letters do, here into a folder; none of acme's is there.
    let outbox = place.data().join("outbox");
    let letters = eventually("umbrella's confirmation", || {
        let files = fs::read_dir(&outbox).ok()?.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
        Some(files.collect::<Vec<String>>()).filter(|all| !all.is_empty())
    });
    assert!(letters.iter().all(|text| !text.contains("To: support@umbrella.example")), "{letters:?}");
    let sent = || postfix.log().matches("status=sent").count();
    assert_eq!(sent(), 3, "the first, and acme's two: {}", postfix.log());

    // Its server is gone for good, and its letters leave as all others do.
    assert_eq!(call("DELETE", &path, "").status, 204);
    acme.answer(&ticket);
    eventually("an answer in the folder", || {
        let mut files =
            fs::read_dir(&outbox).ok()?.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
        files.find(|text| {
            text.contains("support@umbrella.example>") || text.contains("To: support@umbrella.example")
        })
    });
    assert_eq!(sent(), 3);
    server.stop();
}

/// Postfix whose people sign in, by Dovecot's word, and may write in names of theirs alone: the empty one is nobody's.
fn submission(dovecot: &Dovecot, routes: &[(&str, &str)]) -> Postfix {
    let people = dovecot.folder.path().join("auth-smtp");
    Postfix::start_with(
        routes,
        &format!(
            "smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {}
smtpd_client_restrictions = permit_sasl_authenticated, reject
smtpd_sender_restrictions = check_sender_access inline:{{ {{ <> = 553 5.7.1 not owned by you }} }}",
            people.display()
        ),
    )
}

#[test]
fn a_server_that_wants_a_return_path_gets_automatic_letters_all_the_same() {
    let dovecot = Dovecot::start("service auth {\n unix_listener {folder}/auth-smtp {\n mode = 0666\n}\n}");
    let mut place = Place::sqlite();
    let lmtp = behind(&mut place, None);
    let hop = format!("lmtp:inet:127.0.0.1:{lmtp}");
    let postfix = submission(&dovecot, &[("umbrella.example", &hop)]);
    let smtp = free_port();
    place.set("mail.smtp_listen", format!("127.0.0.1:{smtp}"));
    place.set("outgoing.allow_networks", "127.0.0.0/8");
    for slug in ["acme", "umbrella"] {
        place.ok(&["tenant", "create", slug, "--name", slug, "--host", &format!("help.{slug}.example")]);
        channel_of(&place, slug);
    }
    let server = place.serve();
    let side = |host, slug: &str| Side { server: &server, host, key: place.key_of(slug, "admin") };
    let (acme, umbrella) = (side("help.acme.example", "acme"), side("help.umbrella.example", "umbrella"));
    let call = |method: &str, path: &str, body: &str| {
        let bearer = format!("Bearer {}", acme.key);
        let headers =
            [("Host", acme.host), ("Authorization", &*bearer), ("Content-Type", "application/json")];
        server.address().send(method, path, &headers, body.as_bytes()).unwrap()
    };
    let channel = all(&server, acme.host, &acme.key, "/api/admin/channels").remove(0);
    let path = format!("/api/admin/channels/{}/outgoing", channel["id"].as_str().unwrap());
    let own = json!({
        "host": "127.0.0.1", "port": postfix.port, "tls": "none", "sign_in": "password",
        "username": Dovecot::USERNAME, "password": Dovecot::PASSWORD,
    });
    let set = call("PUT", &path, &own.to_string());
    assert_eq!(set.status, 200, "{}", String::from_utf8_lossy(&set.body));

    // Two people of umbrella's write to acme; acme confirms each, through its own server.
    let mut talk = Talk::connect(smtp).unwrap();
    for subject in ["Our line is down", "And the other one"] {
        let first = letter("support@umbrella.example", subject);
        assert!(talk.send("support@umbrella.example", SUPPORT, &first).unwrap().starts_with("250"));
        eventually("acme's confirmation", || {
            let all = umbrella.outcomes();
            let count = if subject == "Our line is down" { 1 } else { 2 };
            (all.len() == count && all.iter().all(|o| o == "automated")).then_some(())
        });
    }
    let log = postfix.log();
    assert_eq!(log.matches("not owned by you").count(), 1, "asked once, and known from then on: {log}");
    assert_eq!(log.matches(&format!("from=<{SUPPORT}>, size")).count(), 2, "{log}");
    let known: Value = serde_json::from_slice(&call("GET", &path, "").body).unwrap();
    assert!(known["null_path_refused_at"].is_string(), "{known}");
    server.stop();
}
