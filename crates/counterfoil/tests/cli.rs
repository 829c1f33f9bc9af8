//! The command line as an operator meets it, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use std::{io::Write as _, process::Stdio};

use serde_json::json;
use support::Place;

const TICKETS: &str = "/api/admin/support/tickets";

#[test]
fn help_teaches() {
    let place = Place::sqlite();
    let help = place.ok(&["--help"]);
    for word in
        ["counterfoil demo", "tenant create", "user create", "serve --listen", "config show", "COUNTERFOIL_"]
    {
        assert!(help.contains(word), "{word}: {help}");
    }
    for command in
        ["serve", "demo", "tenant", "user", "api-key", "backup", "restore", "doctor", "config", "migrate"]
    {
        assert!(place.ok(&[command, "--help"]).contains("--data-dir"), "{command}");
    }
}

#[test]
fn the_search_is_made_anew_for_one_tenant_or_all() {
    let place = Place::sqlite();
    for slug in ["acme", "umbrella"] {
        let host = format!("{slug}.example");
        place.ok(&["tenant", "create", slug, "--name", slug, "--host", &host]);
    }
    assert_eq!(place.ok(&["search", "rebuild", "--tenant", "acme"]), "acme: 0 tickets can be found");
    assert_eq!(place.ok(&["search", "rebuild"]).lines().count(), 2);
    assert!(place.refused(&["search", "rebuild", "--tenant", "acm"]).contains("did you mean acme?"));
    assert!(place.ok(&["doctor"]).contains("acme search"));
}

#[test]
fn tenants_users_and_keys() {
    let place = Place::sqlite();
    let id =
        place.ok(&["tenant", "create", "acme", "--name", "Acme Broadband", "--host", "help.acme.example"]);
    assert_eq!(id.len(), 36);
    assert_eq!(place.ok(&["tenant", "list"]), format!("acme\tAcme Broadband\thelp.acme.example\t{id}"));
    assert!(place.refused(&["tenant", "create", "acme", "--name", "Again"]).contains("already"));
    assert!(place.refused(&["tenant", "create", "other", "--name", "Other"]).contains("--host"));
    assert!(place.refused(&["tenant", "create", "A!", "--name", "x"]).contains("slug"));

    let user = [
        "user",
        "create",
        "--tenant",
        "acme",
        "--email",
        "ada@example.org",
        "--name",
        "Ada",
        "--role",
        "agent",
    ];
    let output = place.run(&user);
    let password = String::from_utf8(output.stdout).unwrap();
    assert_eq!(password.lines().count(), 1, "the password stands alone");
    assert!(password.trim().len() >= 20);
    assert!(String::from_utf8(output.stderr).unwrap().contains("once"));
    assert!(place.refused(&user).contains("already"));
    let list = place.ok(&["user", "list", "--tenant", "acme"]);
    assert!(list.starts_with("ada@example.org\tagent\tAda\tactive\t"), "{list}");

    let mut child = place
        .command(&[
            "user",
            "set-password",
            "--tenant",
            "acme",
            "--email",
            "ada@example.org",
            "--password-stdin",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a long enough password\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty(), "a password that was given is not printed");
    place.ok(&["user", "reset-2fa", "--tenant", "acme", "--email", "ada@example.org"]);

    let key = place.key("read");
    assert!(key.len() > 30 && !key.contains(char::is_whitespace), "the key stands alone");
    assert!(place.refused(&["user", "list", "--tenant", "acne"]).contains("did you mean acme?"));
    let bad_role =
        ["user", "create", "--tenant", "acme", "--email", "b@example.org", "--name", "B", "--role", "boss"];
    assert!(place.refused(&bad_role).contains("role"));
    let bad_scope = ["api-key", "create", "--tenant", "acme", "--name", "n", "--scope", "all"];
    assert!(place.refused(&bad_scope).contains("scope"));
}

#[test]
fn no_business_is_hidden_by_another() {
    each_is_found(&Place::sqlite());
}

#[test]
fn no_business_is_hidden_by_another_on_postgres() {
    each_is_found(&Place::postgres());
}

fn each_is_found(place: &Place) {
    let id = place.ok(&["tenant", "create", "northwind", "--name", "Northwind"]);
    let second = ["tenant", "create", "acme", "--name", "Acme", "--host", "help.acme.example"];
    let refused = place.refused(&second);
    assert!(refused.contains("counterfoil tenant set-host northwind HOST"), "{refused}");
    assert_eq!(place.ok(&["tenant", "list"]), format!("northwind\tNorthwind\t-\t{id}"));
    assert!(
        place.refused(&["tenant", "set-host", "northwnd", "x.example"]).contains("did you mean northwind?")
    );
    assert!(place.refused(&["tenant", "set-host", "northwind", "https://x.example"]).contains("host"));
    let said = place.ok(&["tenant", "set-host", "northwind", "Help.Northwind.example"]);
    assert_eq!(said, "northwind is served under help.northwind.example");
    let acme = place.ok(&second);
    let list = place.ok(&["tenant", "list"]);
    assert!(list.contains(&format!("acme\tAcme\thelp.acme.example\t{acme}")), "{list}");
    assert!(list.contains(&format!("northwind\tNorthwind\thelp.northwind.example\t{id}")), "{list}");
    assert!(place.refused(&["tenant", "create", "third", "--name", "Third"]).contains("--host"));
    let taken = place.refused(&["tenant", "set-host", "northwind", "help.acme.example"]);
    assert!(taken.contains("acme is served under this host name"), "{taken}");
    // Under the same name again is no change of anybody's.
    place.ok(&["tenant", "set-host", "northwind", "help.northwind.example"]);
    assert!(!place.ok(&["doctor"]).contains("has no host name"));
}

#[test]
fn the_configuration_is_checked_and_shown_without_secrets() {
    let place = Place::sqlite();
    assert!(place.ok(&["config", "check"]).contains("right"));
    let file = place.folder.path().join("counterfoil.toml");
    std::fs::write(
        &file,
        "listen = \"127.0.0.1:9\"\n[smtp]\nhost = \"mail.example.org\"\nusername = \"u\"\npassword = \"hush\"\n",
    )
    .unwrap();
    let shown = place.ok(&["config", "show"]);
    assert!(shown.contains("listen = 127.0.0.1:9") && shown.contains("mail.example.org"), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
    std::fs::write(&file, "lsiten = \"127.0.0.1:9\"\n").unwrap();
    assert!(place.refused(&["config", "check"]).contains("did you mean listen?"));
}

#[test]
fn a_folder_in_use_is_refused_and_commands_beside_the_server_are_seen_at_once() {
    beside_a_server(&Place::sqlite());
}

#[test]
fn commands_beside_a_server_on_postgres_are_seen_at_once() {
    beside_a_server(&Place::postgres());
}

fn beside_a_server(place: &Place) {
    place.ok(&["migrate"]);
    let server = place.serve();
    // No tenant yet: nobody's host, and nothing to sign in to.
    let key = place.with_key();
    assert_eq!(server.call("GET", TICKETS, &key, None).status, 200);
    assert_eq!(server.call("GET", TICKETS, "cfk_nobody", None).status, 401);

    let email = "ada@example.org";
    let password = place
        .ok(&["user", "create", "--tenant", "acme", "--email", email, "--name", "Ada", "--role", "agent"]);
    let sign_in = |password: &str| {
        server.call("POST", "/api/auth/login", "", Some(json!({ "email": email, "password": password })))
    };
    let session = sign_in(&password);
    assert_eq!(session.status, 200, "{session:?}");
    let token = session.body["token"].as_str().unwrap().to_owned();
    assert_eq!(server.call("GET", TICKETS, &token, None).status, 200);
    // A new password ends every session, at once.
    let second = place.ok(&["user", "set-password", "--tenant", "acme", "--email", email]);
    assert_eq!(server.call("GET", TICKETS, &token, None).status, 401);
    assert_eq!(sign_in(&password).status, 401);
    assert_eq!(sign_in(&second).status, 200);

    let data = place.data().display().to_string();
    assert!(place.refused(&["serve", "--listen", "127.0.0.1:0"]).contains("in use"));
    assert!(place.refused(&["restore", "nothing.cfb"]).contains("in use"));
    if place.database.is_none() {
        assert!(place.refused(&["demo", "--data-dir", &data]).contains("in use"));
    }
    let report = place.ok(&["doctor"]);
    assert!(!report.contains("FAIL"), "{report}");
    server.stop();
}

#[test]
fn the_demo_refuses_a_folder_that_is_not_its_own() {
    let place = Place::sqlite();
    place.ok(&["tenant", "create", "acme", "--name", "Acme"]);
    let data = place.data().display().to_string();
    let said = place.refused(&["demo", "--fresh", "--data-dir", &data]);
    assert!(said.contains("not a demo's"), "{said}");
    assert!(place.ok(&["tenant", "list"]).contains("acme"), "nothing was taken away");
}
