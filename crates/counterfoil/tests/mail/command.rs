//! Mail on the command line, beside a running server and without one.

use std::{io::Write as _, process::Stdio};

use crate::{
    letters::{SUPPORT, TICKETS, eventually, get, hand_in, letter, mails, settled, subjects, with_channel},
    support::Place,
};

/// Pipes a letter in as a mail server does; the exit code, and what was said.
fn pipe(place: &Place, options: &[&str], raw: &[u8]) -> (i32, String) {
    let mut child = place
        .command(&["mail", "deliver"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who refuses before reading closes the pipe.
    child.stdin.take().unwrap().write_all(raw).ok();
    let output = child.wait_with_output().unwrap();
    assert!(output.stdout.is_empty(), "a mail server reads what is printed as a reason");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn deliver(place: &Place, recipient: &str, sender: &str, raw: &str) -> (i32, String) {
    pipe(place, &["--recipient", recipient, "--sender", sender], raw.as_bytes())
}

fn a_channel(place: &Place) {
    let admin = place.with_key();
    let server = place.serve();
    let create = ["channel", "create", "--tenant", "acme", "--address", SUPPORT, "--name", "Acme"];
    let key = place.ok(&create);
    assert!(key.starts_with("cfm_") && !key.contains(char::is_whitespace), "the key stands alone: {key}");
    let answer = hand_in(server.address(), &key, letter("ada@example.net", "At once").as_bytes()).unwrap();
    assert_eq!((answer.status, &answer.json()["outcome"]), (200, &"ticket".into()), "{answer:?}");
    assert_eq!(subjects(&server, &admin), ["At once"]);

    let list = place.ok(&["channel", "list", "--tenant", "acme"]);
    assert!(list.starts_with("support@acme.example\ton\tAcme\t") && list.lines().count() == 1, "{list}");
    assert!(place.refused(&["channel", "list", "--tenant", "acne"]).contains("did you mean acme?"));
    let elsewhere = ["channel", "create", "--tenant", "acem", "--address", "sales@acme.example"];
    assert!(place.refused(&elsewhere).contains("did you mean acme?"));
    // Taken, for this business and for every other.
    assert!(place.refused(&create).contains("taken here already"));
    place.ok(&["tenant", "set-host", "acme", "help.acme.example"]);
    place.ok(&["tenant", "create", "umbrella", "--name", "Umbrella", "--host", "umbrella.example"]);
    let other = ["channel", "create", "--tenant", "umbrella", "--address", "Support@ACME.example"];
    assert!(place.refused(&other).contains("taken here already"));
    let nonsense = ["channel", "create", "--tenant", "acme", "--address", "support"];
    assert!(place.refused(&nonsense).contains("support@example.org"));
    server.stop();
}

#[test]
fn a_channel_is_open_at_once_on_sqlite() {
    a_channel(&Place::sqlite());
}

#[test]
fn a_channel_is_open_at_once_on_postgres() {
    a_channel(&Place::postgres());
}

fn a_letter_is_piped_in(place: &Place) {
    let (admin, _) = with_channel(place);
    // Before a server runs the letter waits for one.
    assert_eq!(deliver(place, SUPPORT, "ada@example.net", &letter("ada@example.net", "Before")).0, 0);
    let server = place.serve();
    assert_eq!(settled(&server, &admin, "Before")["outcome"], "ticket");
    let options = [
        "--recipient",
        "<support+x@acme.example>",
        "--sender",
        "<-odd@example.net>",
        "--client-ip",
        "192.0.2.7",
    ];
    let (code, said) = pipe(place, &options, letter("Odd <-odd@example.net>", "Beside").as_bytes());
    assert_eq!(code, 0, "{said}");
    let beside = settled(&server, &admin, "Beside");
    assert_eq!(
        (&beside["outcome"], &beside["door"], &beside["client_ip"], &beside["envelope_from"]),
        (&"ticket".into(), &"pipe".into(), &"192.0.2.7".into(), &"-odd@example.net".into())
    );
    // The null path: a program, which nobody answers.
    assert_eq!(deliver(place, SUPPORT, "", &letter("ada@example.net", "Null")).0, 0);
    let null = settled(&server, &admin, "Null");
    assert_eq!((&null["outcome"], &null["envelope_from"]), (&"automated".into(), &"".into()), "{null}");
    assert_eq!(subjects(&server, &admin), ["Before", "Beside"]);
    server.stop();
}

#[test]
fn a_letter_is_piped_in_on_sqlite() {
    a_letter_is_piped_in(&Place::sqlite());
}

#[test]
fn a_letter_is_piped_in_on_postgres() {
    a_letter_is_piped_in(&Place::postgres());
}

#[test]
fn exit_codes_tell_a_mail_server_what_to_do() {
    let place = Place::sqlite();
    with_channel(&place);
    let raw = letter("ada@example.net", "Codes");
    let code = |options: &[&str], raw: &[u8]| pipe(&place, options, raw);
    let to = ["--recipient", SUPPORT, "--sender", "ada@example.net"];
    for wrong in [
        &["--recipient", "support", "--sender", "ada@example.net"][..],
        &["--recipient", SUPPORT, "--sender", "ada@example.net", "--client-ip", "nowhere"],
        &["--recipient", SUPPORT],
        &["--recipient", SUPPORT, "--sender", "ada@example.net", "--colour", "red"],
    ] {
        let (code, said) = code(wrong, raw.as_bytes());
        assert_eq!(code, 64, "{wrong:?}: {said}");
        assert!(!said.is_empty());
    }
    assert_eq!(code(&to, b"").0, 65);
    assert_eq!(code(&to, &vec![b'x'; 30 * 1024 * 1024 + 1]).0, 65);
    let (unknown, said) = deliver(&place, "nobody@acme.example", "ada@example.net", &raw);
    assert_eq!(unknown, 67, "{said}");
    assert!(said.contains("nobody here takes mail at this address"), "{said}");
}

#[test]
fn what_may_work_later_is_not_refused() {
    let mut place = Place::sqlite();
    with_channel(&place);
    let raw = letter("ada@example.net", "Later");
    // Where files are kept is no folder.
    let blobs = place.data().join("blobs");
    std::fs::rename(&blobs, place.folder.path().join("away")).ok();
    std::fs::write(&blobs, "not a folder").unwrap();
    assert_eq!(deliver(&place, SUPPORT, "ada@example.net", &raw).0, 75);
    std::fs::remove_file(&blobs).unwrap();
    assert_eq!(deliver(&place, SUPPORT, "ada@example.net", &raw).0, 0);
    // The database is damaged.
    let database = place.data().join("counterfoil.sqlite3");
    let whole = std::fs::read(&database).unwrap();
    std::fs::write(&database, "this was a database once, and something wrote over it").unwrap();
    assert_eq!(deliver(&place, SUPPORT, "ada@example.net", &raw).0, 75);
    std::fs::write(&database, whole).unwrap();
    // The configuration is wrong, or the database is away.
    place.set("imap.poll_seconds", "often");
    assert_eq!(deliver(&place, SUPPORT, "ada@example.net", &raw).0, 75);
    let mut away = Place::sqlite();
    away.set("database_url", "postgres://counterfoil@127.0.0.1:1/counterfoil");
    assert_eq!(deliver(&away, SUPPORT, "ada@example.net", &raw).0, 75);
}

#[test]
fn a_letter_is_read_again_from_its_bytes() {
    let place = Place::sqlite();
    let (admin, _) = with_channel(&place);
    for subject in ["First", "Second"] {
        deliver(&place, SUPPORT, "ada@example.net", &letter("ada@example.net", subject));
    }
    // Their bytes are away for a while.
    let (blobs, away) = (place.data().join("blobs"), place.folder.path().join("away"));
    std::fs::rename(&blobs, &away).unwrap();
    let server = place.serve();
    let failed = eventually("both failed", || {
        Some(mails(&server, &admin)).filter(|all| all.iter().all(|m| m["state"] == "failed"))
    });
    assert_eq!(failed.len(), 2);
    assert!(failed[0]["reason"].as_str().unwrap().contains("not in the store"), "{failed:?}");
    std::fs::remove_dir_all(&blobs).unwrap();
    std::fs::rename(&away, &blobs).unwrap();

    let replay = ["mail", "replay", "--tenant", "acme"];
    let id = failed[1]["id"].as_str().unwrap();
    let said = place.ok(&[&replay[..], &["--mail", id]].concat());
    assert!(said.starts_with("1 letter "), "{said}");
    assert_eq!(settled(&server, &admin, "First")["outcome"], "ticket");
    assert_eq!(subjects(&server, &admin), ["First"]);
    // All of them: one more is filed, and the one that was stays as it is.
    assert!(place.ok(&replay).starts_with("2 letters "));
    assert_eq!(settled(&server, &admin, "Second")["outcome"], "ticket");
    assert!(place.ok(&replay).starts_with("2 letters "));
    let ticket = &mails(&server, &admin)[0]["ticket_id"];
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(subjects(&server, &admin), ["First", "Second"]);
    let detail = get(&server, "127.0.0.1", &admin, &format!("{TICKETS}/{}", ticket.as_str().unwrap()));
    assert_eq!(detail["messages"].as_array().unwrap().len(), 1, "{detail}");
    let unknown = "01a1fca0-0000-7000-8000-000000000000";
    assert!(place.refused(&[&replay[..], &["--mail", unknown]].concat()).contains("mail"));
    assert!(place.refused(&[&replay[..], &["--mail", "x"]].concat()).contains("id of a mail"));
    server.stop();
}
