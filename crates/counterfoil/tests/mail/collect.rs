//! A mailbox on Dovecot that the running server collects.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::peers::Dovecot;

use crate::{
    letters::{all, eventually, get, letter, mails, settled, subjects, with_channel},
    support::{Place, Server},
};

struct Office {
    place: Place,
    dovecot: Dovecot,
    admin: String,
    /// Where the mailbox is set.
    path: String,
    from_beginning: bool,
}

fn office() -> Office {
    let dovecot = Dovecot::start("");
    let mut place = Place::sqlite();
    place.set("outgoing.allow_networks", "127.0.0.0/8,::1/128");
    place.set("outgoing.ca_file", dovecot.folder.path().join("cert.pem").display());
    let (admin, _) = with_channel(&place);
    Office { place, dovecot, admin, path: String::new(), from_beginning: true }
}

impl Office {
    fn set(&mut self, server: &Server, password: &str) -> Value {
        let channel = all(server, "127.0.0.1", &self.admin, "/api/admin/channels").remove(0);
        self.path = format!("/api/admin/channels/{}/mailbox", channel["id"].as_str().unwrap());
        let mailbox = json!({
            "host": "localhost", "port": self.dovecot.imaps, "username": Dovecot::USERNAME, "password": password,
            "from_beginning": self.from_beginning,
        });
        let set = server.call("PUT", &self.path, &self.admin, Some(mailbox));
        assert_eq!(set.status, 200, "{set:?}");
        assert!(!set.body.to_string().contains("pass\""), "the password is told to nobody: {set:?}");
        set.body
    }
    fn mailbox(&self, server: &Server) -> Value {
        get(server, "127.0.0.1", &self.admin, &self.path)
    }
    fn deliver(&self, subject: &str) {
        self.dovecot.deliver(&format!("{subject}.a"), &letter("ada@example.net", subject));
    }
}

#[test]
fn each_letter_of_a_mailbox_is_filed_once_whatever_happens() {
    let mut office = office();
    office.deliver("One");
    let server = office.place.serve();
    office.set(&server, Dovecot::PASSWORD);
    let one = settled(&server, &office.admin, "One");
    assert_eq!((&one["outcome"], &one["door"]), (&"ticket".into(), &"imap".into()), "{one}");
    // New mail is told by the mailbox's server: nobody looks again for a minute.
    eventually("it waits", || office.dovecot.log().contains("Login: user=<ada>").then_some(()));
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    office.deliver("Two");
    settled(&server, &office.admin, "Two");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());

    // What comes while we are away is found, and nothing else.
    server.kill();
    office.deliver("Three");
    let server = office.place.serve();
    assert_eq!(settled(&server, &office.admin, "Three")["outcome"], "ticket");
    assert_eq!(mails(&server, &office.admin).len(), 3);
    assert_eq!(office.mailbox(&server)["collected"], 3);
    server.stop();

    // The mailbox was moved or restored: every letter has another number, and is read again. A line that was written above one
    // on the way makes other bytes of it, and the same letter still.
    for file in office.dovecot.mails() {
        let mail = fs::read_to_string(&file).unwrap();
        if mail.contains("Subject: One") {
            fs::write(&file, format!("Received: by restored.example.org\r\n{mail}")).unwrap();
        }
    }
    office.dovecot.make_anew();
    let server = office.place.serve();
    office.deliver("Four");
    assert_eq!(settled(&server, &office.admin, "Four")["outcome"], "ticket");
    let again = eventually("the others", || {
        Some(mails(&server, &office.admin))
            .filter(|all| all.len() == 5 && all.iter().all(|m| m["state"] == "done"))
    });
    assert_eq!(again.iter().filter(|m| m["outcome"] == "duplicate").count(), 1);
    assert_eq!(subjects(&server, &office.admin), ["Four", "One", "Three", "Two"]);
    server.stop();
}

#[test]
fn a_mailbox_of_which_only_the_new_is_wanted_stays_so_when_its_numbers_begin_anew() {
    let mut office = office();
    let old = |office: &Office, name: &str, days: i64| {
        let got = base::Clock::now(&base::SystemClock) - base::hours(24 * days);
        office.dovecot.deliver_at(&format!("{name}.a"), &letter("ada@example.net", name), got);
    };
    old(&office, "Last year", 365);
    old(&office, "Yesterday", 1);
    let server = office.place.serve();
    office.from_beginning = false;
    office.set(&server, Dovecot::PASSWORD);
    eventually("it is looked into", || {
        Some(office.mailbox(&server)).filter(|m| !m["checked_at"].is_null() && m["error_code"].is_null())
    });
    office.deliver("New");
    // A device writes without an id.
    let alarm = letter("device@example.net", "Alarm").replace("Message-ID", "X-Message-ID");
    office.dovecot.deliver("Alarm.a", &alarm);
    settled(&server, &office.admin, "New");
    settled(&server, &office.admin, "Alarm");
    server.kill();

    office.deliver("While away");
    office.dovecot.make_anew();
    let server = office.place.serve();
    assert_eq!(settled(&server, &office.admin, "While away")["outcome"], "ticket");
    // An old letter that somebody moves here afterwards is meant to be taken.
    old(&office, "Moved here", 300);
    assert_eq!(settled(&server, &office.admin, "Moved here")["outcome"], "ticket");
    assert_eq!(subjects(&server, &office.admin), ["Alarm", "Moved here", "New", "While away"]);
    assert_eq!((mails(&server, &office.admin).len(), &office.mailbox(&server)["collected"]), (4, &json!(4)));
    server.stop();
}

#[test]
fn a_wrong_password_is_tried_once_and_the_administrator_hears_of_it() {
    let mut office = office();
    let user = [
        "user",
        "create",
        "--tenant",
        "acme",
        "--email",
        "boss@acme.example",
        "--name",
        "Boss",
        "--role",
        "admin",
    ];
    let password = office.place.ok(&user);
    office.deliver("Waiting");
    let server = office.place.serve();
    office.set(&server, "a wrong password");
    let paused =
        eventually("it is paused", || Some(office.mailbox(&server)).filter(|m| !m["paused_at"].is_null()));
    assert_eq!(paused["error_code"], "imap.sign_in", "{paused}");
    let failures = || office.dovecot.log().matches("auth failed").count();
    std::thread::sleep(Duration::from_secs(7)); // longer than the list of mailboxes is looked at
    assert_eq!(failures(), 1, "{}", office.dovecot.log());

    let body = json!({ "email": "boss@acme.example", "password": password });
    let session = server.call("POST", "/api/auth/login", "", Some(body));
    let bearer = format!("Bearer {}", session.body["token"].as_str().unwrap());
    let page = server
        .address()
        .send("GET", "/desk/notifications", &[("Host", "127.0.0.1"), ("Authorization", &bearer)], b"")
        .unwrap();
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(page.contains("support@acme.example: its mailbox is not read any more"), "{page}");
    assert!(!page.contains("a wrong password"));

    // With the right one it goes on by itself.
    assert!(office.set(&server, Dovecot::PASSWORD)["paused_at"].is_null());
    assert_eq!(settled(&server, &office.admin, "Waiting")["outcome"], "ticket");
    assert!(office.mailbox(&server)["error_code"].is_null());
    server.stop();
}
