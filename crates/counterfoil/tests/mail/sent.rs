//! The folder of sent mail on Dovecot: answers that people write in a mail program.

use std::{fs, process::Command};

use serde_json::{Value, json};
use testkit::peers::Dovecot;

use crate::{
    letters::{SUPPORT, TICKETS, all, eventually, get, letter, mails, settled, with_channel},
    support::Place,
};

/// Puts a mail into the folder as a mail program does.
fn keep_sent(dovecot: &Dovecot, name: &str, mail: &str) {
    let folder = dovecot.maildir().join(".Gesendet");
    if !folder.exists() {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let owned =
            Command::new("chown").arg("-R").arg("--reference").arg(dovecot.maildir()).arg(&folder).status();
        assert!(owned.unwrap().success());
    }
    let (temporary, target) = (folder.join("tmp").join(name), folder.join("cur").join(format!("{name}:2,S")));
    fs::write(&temporary, mail).unwrap();
    assert!(
        Command::new("chown").arg("--reference").arg(&folder).arg(&temporary).status().unwrap().success()
    );
    fs::rename(temporary, target).unwrap();
}

fn answer(n: u32, more: &str) -> String {
    format!(
        "From: {SUPPORT}\r\nTo: ada@example.net\r\nSubject: Re: One\r\nMessage-ID: <sent{n}@acme.example>\r\nIn-Reply-To: <One@mail.example.net>\r\n{more}\r\nAnswer {n}.\r\n"
    )
}

#[test]
fn answers_in_the_folder_of_sent_mail_are_taken_once_from_now_on() {
    let dovecot = Dovecot::start(
        "namespace inbox {\n inbox = yes\n mailbox Gesendet {\n auto = create\n special_use = \\Sent\n }\n}",
    );
    let mut place = Place::sqlite();
    place.set("outgoing.allow_networks", "127.0.0.0/8,::1/128");
    place.set("outgoing.ca_file", dovecot.folder.path().join("cert.pem").display());
    let (admin, _) = with_channel(&place);
    dovecot.deliver("one.a", &letter("ada@example.net", "One"));
    let server = place.serve();
    let channel = all(&server, "127.0.0.1", &admin, "/api/admin/channels").remove(0);
    let at = |path: &str| format!("/api/admin/channels/{}/{path}", channel["id"].as_str().unwrap());
    let mailbox = json!({
        "host": "localhost", "port": dovecot.imaps, "username": Dovecot::USERNAME, "password": Dovecot::PASSWORD, "from_beginning": true,
    });
    assert_eq!(server.call("PUT", &at("mailbox"), &admin, Some(mailbox)).status, 200);
    assert_eq!(settled(&server, &admin, "One")["outcome"], "ticket");
    // What was sent before nobody asks for.
    keep_sent(&dovecot, "before", &answer(0, ""));
    assert_eq!(server.call("PUT", &at("sent-folder"), &admin, Some(json!({}))).status, 200);
    let sent = || get(&server, "127.0.0.1", &admin, &at("sent-folder"));
    eventually("it is read", || Some(sent()).filter(|s| !s["checked_at"].is_null()));

    keep_sent(&dovecot, "first", &answer(1, ""));
    let taken = eventually("the answer", || {
        mails(&server, &admin).into_iter().find(|m| m["door"] == "sent" && m["state"] == "done")
    });
    assert_eq!(
        (&taken["outcome"], &taken["header_id"]),
        (&json!("reply"), &json!("sent1@acme.example")),
        "{taken}"
    );
    let tickets = all(&server, "127.0.0.1", &admin, TICKETS);
    assert_eq!(tickets.len(), 1);
    let thread: Value =
        get(&server, "127.0.0.1", &admin, &format!("{TICKETS}/{}", tickets[0]["id"].as_str().unwrap()));
    assert!(thread.to_string().contains("Answer 1."), "{thread}");

    // Over a restart the place is kept, and the folder that is gone is told.
    server.kill();
    keep_sent(&dovecot, "second", &answer(2, ""));
    let server = place.serve();
    let both = eventually("the second", || {
        let taken: Vec<Value> = mails(&server, &admin)
            .into_iter()
            .filter(|m| m["door"] == "sent" && m["state"] == "done")
            .collect();
        (taken.len() == 2).then_some(taken)
    });
    assert!(both.iter().all(|m| m["outcome"] == "reply"), "{both:?}");
    assert_eq!(
        server.call("PUT", &at("sent-folder"), &admin, Some(json!({ "folder": "Nowhere" }))).status,
        200
    );
    let paused = eventually("it stops", || {
        Some(get(&server, "127.0.0.1", &admin, &at("sent-folder"))).filter(|s| !s["paused_at"].is_null())
    });
    assert_eq!(paused["error_code"], "imap.folder", "{paused}");
    // The mailbox itself goes on.
    dovecot.deliver("two.a", &letter("ada@example.net", "Two"));
    assert_eq!(settled(&server, &admin, "Two")["outcome"], "ticket");
    server.stop();
}
