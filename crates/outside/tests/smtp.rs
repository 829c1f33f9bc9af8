//! Letters to a real mail server, aiosmtpd. Where a server has to misbehave in a way no real one can be told to,
//! a scripted one stands in.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread::JoinHandle,
};

use base::Secret;
use engine::outside::{Envelope, MailRelay, MailboxSignIn, MailboxTls, Mailer, Relays, SendErrorClass};
use outside::{ImapConfig, SmtpConfig, SmtpMailer, SmtpRelays, SmtpTls, smtp_check};

/// aiosmtpd in a process of its own, stopped when dropped.
struct Peer {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Peer {
    fn start(certificate: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peer.py");
        let mut command = Command::new(python());
        command
            .arg(script)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(path) = certificate {
            command.arg(path.join("cert.pem")).arg(path.join("key.pem"));
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { port: line.trim().parse().expect("aiosmtpd did not start"), child, folder }
    }

    fn letters(&self) -> Vec<String> {
        let mut paths: Vec<_> =
            fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| String::from_utf8(fs::read(path).unwrap()).unwrap()).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The package may belong to the system's Python while another one comes first in the path.
fn python() -> &'static str {
    ["/usr/bin/python3", "python3"]
        .into_iter()
        .find(|python| {
            Command::new(python).args(["-c", "import aiosmtpd"]).output().is_ok_and(|o| o.status.success())
        })
        .expect("aiosmtpd is missing: run `cargo dev setup`, or `apt-get install python3-aiosmtpd`")
}

fn config(port: u16) -> SmtpConfig {
    SmtpConfig {
        host: "127.0.0.1".into(),
        port,
        tls: SmtpTls::None,
        username: String::new(),
        password: Secret::default(),
        hello_name: "desk.example.org".into(),
        timeout_seconds: 10,
        ca_file: None,
        dkim: None,
    }
}

fn envelope(to: &str, raw: &str) -> Envelope {
    Envelope {
        from: None,
        to: to.parse().unwrap(),
        message_id: "1@desk.example.org".into(),
        raw: raw.to_owned().into(),
    }
}

const LETTER: &str = "Subject: x\r\n\r\nhello\r\n";

#[tokio::test]
async fn letters_arrive_as_they_were() {
    let peer = Peer::start(None);
    let mailer = SmtpMailer::new(config(peer.port)).unwrap();
    let raw =
        format!("Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n\r\n{}\r\nGrüße ✓\r\n.\r\n", "long ".repeat(180));
    let receipt = mailer.send(envelope("ada@example.org", &raw)).await.unwrap();
    assert_eq!(receipt.detail, "250 2.0.0 kept");
    let mut second = envelope("jörg@exämple.de", LETTER);
    second.from = Some("help@example.org".parse().unwrap());
    mailer.send(second).await.unwrap();

    let letters = peer.letters();
    let (head, body) = letters[0].split_once('\n').unwrap();
    assert_eq!(body, raw);
    assert!(head.ends_with(" <> ada@example.org"), "{head}");
    let (second_head, _) = letters[1].split_once('\n').unwrap();
    assert!(second_head.ends_with(" help@example.org jörg@xn--exmple-cua.de"), "{second_head}");
    // The first word is the port we came from: both letters went over one connection.
    assert_eq!(head.split(' ').next(), second_head.split(' ').next());
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let peer = Peer::start(None);
    let mailer = SmtpMailer::new(config(peer.port)).unwrap();
    for (to, class, words) in [
        ("later@example.org", SendErrorClass::Temporary, "RCPT: transient error (450)"),
        ("full@example.org", SendErrorClass::Temporary, "452"),
        ("nobody@example.org", SendErrorClass::Permanent, "no such user"),
        ("spam@example.org", SendErrorClass::Permanent, "554"),
    ] {
        let error = mailer.send(envelope(to, LETTER)).await.unwrap_err();
        assert_eq!(error.class, class, "{error}");
        assert!(error.detail.contains(words), "{error}");
    }
    // A refusal harms nobody who comes after it.
    mailer.send(envelope("ada@example.org", LETTER)).await.unwrap();
    assert_eq!(peer.letters().len(), 1);
}

#[tokio::test]
async fn a_bare_line_end_is_never_sent() {
    let peer = Peer::start(None);
    let mailer = SmtpMailer::new(config(peer.port)).unwrap();
    for raw in ["a\n.\nMAIL FROM:<x@y.z>", "a\r.\r\n", "\n", "a\r"] {
        let error = mailer.send(envelope("ada@example.org", raw)).await.unwrap_err();
        assert_eq!(error.class, SendErrorClass::Permanent);
    }
    assert!(peer.letters().is_empty());
}

#[tokio::test]
async fn an_absent_server_is_temporary() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mailer = SmtpMailer::new(config(port)).unwrap();
    let error = mailer.send(envelope("ada@example.org", LETTER)).await.unwrap_err();
    assert_eq!(error.class, SendErrorClass::Temporary, "{error}");
    assert_eq!(smtp_check(&config(port)).await.unwrap_err().code(), "smtp.unreachable");
}

#[tokio::test]
async fn signs_in_and_a_wrong_password_loses_no_letter() {
    let peer = Peer::start(None);
    let mut config = config(peer.port);
    (config.username, config.password) = ("desk".into(), Secret::new("secret"));
    assert!(smtp_check(&config).await.unwrap().ends_with("answers (in the clear, signed in)"));
    SmtpMailer::new(config.clone()).unwrap().send(envelope("ada@example.org", LETTER)).await.unwrap();
    config.password = Secret::new("wrong");
    let error = SmtpMailer::new(config).unwrap().send(envelope("ada@example.org", LETTER)).await.unwrap_err();
    assert_eq!(error.class, SendErrorClass::Temporary, "{error}");
    assert!(error.detail.starts_with("AUTH") && !error.detail.contains("wrong"), "{error}");
}

#[tokio::test]
async fn starttls_is_used_checked_and_insisted_on() {
    let keys = tempfile::tempdir().unwrap();
    testkit::peers::make_certificate(keys.path());
    let peer = Peer::start(Some(keys.path()));
    let mut config = config(peer.port);
    (config.username, config.password) = ("desk".into(), Secret::new("secret"));
    (config.host, config.tls) = ("localhost".into(), SmtpTls::Starttls);
    // Nobody vouches for the certificate: nothing is sent.
    let error =
        SmtpMailer::new(config.clone()).unwrap().send(envelope("ada@example.org", LETTER)).await.unwrap_err();
    assert_eq!(error.class, SendErrorClass::Temporary, "{error}");
    config.ca_file = Some(keys.path().join("cert.pem"));
    assert!(smtp_check(&config).await.unwrap().ends_with("answers (encrypted, signed in)"));
    SmtpMailer::new(config.clone()).unwrap().send(envelope("ada@example.org", LETTER)).await.unwrap();
    assert_eq!(peer.letters().len(), 1);

    let plain = Peer::start(None);
    config.port = plain.port;
    let error = SmtpMailer::new(config).unwrap().send(envelope("ada@example.org", LETTER)).await.unwrap_err();
    assert!(error.detail.contains("does not offer it"), "{error}");
    assert!(plain.letters().is_empty());
}

/// A server of one conversation: takes the letter up to `stop`, and closes the connection there.
fn scripted(stop: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 scripted\r\n").unwrap();
        let mut seen = Vec::new();
        let mut buffer = [0; 65536];
        let mut in_data = false;
        loop {
            let length = stream.read(&mut buffer).unwrap_or(0);
            if length == 0 {
                break;
            }
            seen.extend_from_slice(&buffer[..length]);
            if String::from_utf8_lossy(&seen).contains(stop) {
                break;
            }
            if !in_data {
                in_data = buffer.starts_with(b"DATA");
                stream.write_all(if in_data { b"354 go on\r\n" } else { b"250 ok\r\n" }).unwrap();
            }
        }
        String::from_utf8_lossy(&seen).into_owned()
    });
    (port, server)
}

#[tokio::test]
async fn an_answer_lost_after_the_final_dot_is_uncertain() {
    let (port, server) = scripted("\r\n.\r\n");
    let error =
        SmtpMailer::new(config(port)).unwrap().send(envelope("ada@example.org", LETTER)).await.unwrap_err();
    assert_eq!(error.class, SendErrorClass::Uncertain, "{error}");
    assert!(server.join().unwrap().ends_with("hello\r\n.\r\n"));
}

#[tokio::test]
async fn a_connection_lost_before_it_is_temporary() {
    for stop in ["EHLO", "MAIL FROM", "RCPT TO", "DATA"] {
        let (port, server) = scripted(stop);
        let error = SmtpMailer::new(config(port))
            .unwrap()
            .send(envelope("ada@example.org", LETTER))
            .await
            .unwrap_err();
        assert_eq!(error.class, SendErrorClass::Temporary, "{stop}: {error}");
        server.join().unwrap();
    }
    // In the midst of a long text: the server has read a little of it and is gone.
    let (port, server) = scripted("BEGIN");
    let long = format!("Subject: x\r\n\r\nBEGIN\r\n{}", "0123456789\r\n".repeat(4_000_000));
    let error =
        SmtpMailer::new(config(port)).unwrap().send(envelope("ada@example.org", &long)).await.unwrap_err();
    assert_eq!(error.class, SendErrorClass::Temporary, "{error}");
    server.join().unwrap();
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config(listener.local_addr().unwrap().port());
    config.timeout_seconds = 1;
    let error = SmtpMailer::new(config).unwrap().send(envelope("ada@example.org", LETTER)).await.unwrap_err();
    assert_eq!(error.class, SendErrorClass::Temporary);
    assert!(error.detail.contains("no answer in time"), "{error}");
}

#[tokio::test]
async fn a_server_that_wants_a_return_path_gets_the_authors_and_is_not_asked_again() {
    let peer = Peer::start(None);
    let strict =
        SmtpConfig { username: "strict".into(), password: Secret::new("secret"), ..config(peer.port) };
    let mailer = SmtpMailer::new(strict).unwrap();
    let raw = "From: Desk <help@example.org>\r\nAuto-Submitted: auto-replied\r\n\r\nhello\r\n";
    // Refused for another reason: nothing is concluded, and the reason is that one.
    let error = mailer.send(envelope("nobody@example.org", raw)).await.unwrap_err();
    assert!(error.class == SendErrorClass::Permanent && error.detail.contains("no such user"), "{error}");
    // Two of one domain may be its own server's doing.
    for to in ["ada@example.org", "bob@example.org", "ada@example.net", "bob@example.org"] {
        mailer.send(envelope(to, raw)).await.unwrap();
    }
    let error = mailer.send(envelope("later@example.org", raw)).await.unwrap_err();
    assert_eq!(error.class, SendErrorClass::Temporary);
    let letters = peer.letters();
    assert_eq!(letters.len(), 4, "each once");
    for letter in &letters {
        let (head, body) = letter.split_once('\n').unwrap();
        assert!(head.contains(" help@example.org ") && body.contains("Auto-Submitted"), "{letter}");
    }
    // The last went over the connection that the one before was taken on: nobody was asked without a path again.
    let ports: Vec<&str> = letters.iter().filter_map(|letter| letter.split(' ').next()).collect();
    assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[2] == ports[3], "{ports:?}");
    // One that takes letters without is given none.
    let easy = SmtpMailer::new(config(peer.port)).unwrap();
    easy.send(envelope("ada@example.org", raw)).await.unwrap();
    assert!(peer.letters()[4].split_once('\n').unwrap().0.ends_with(" <> ada@example.org"));
}

fn relays(allowed: &[&str]) -> SmtpRelays {
    let allow_networks = allowed.iter().map(|net| net.parse().unwrap()).collect();
    SmtpRelays::new(
        &ImapConfig { allow_networks, timeout_seconds: 10, ..ImapConfig::default() },
        "desk.example.org",
    )
}

fn relay(port: u16, sign_in: MailboxSignIn) -> MailRelay {
    MailRelay { host: "localhost".into(), port, tls: MailboxTls::None, sign_in: Some(sign_in) }
}

#[tokio::test]
async fn a_tenants_server_is_looked_at_and_a_refused_sign_in_is_told_apart() {
    let peer = Peer::start(None);
    let by =
        |password: &str| MailboxSignIn::Password { username: "desk".into(), password: Secret::new(password) };
    let here = relays(&["127.0.0.0/8", "::1/128"]);
    here.send(&relay(peer.port, by("secret")), envelope("ada@example.org", LETTER)).await.unwrap();
    assert_eq!(peer.letters().len(), 1);
    let cases = [
        (&here, relay(peer.port, by("wrong")), "ada@example.org", SendErrorClass::SignIn),
        (&here, relay(peer.port, by("secret")), "later@example.org", SendErrorClass::Temporary),
        (&here, relay(peer.port, by("secret")), "nobody@example.org", SendErrorClass::Permanent),
        // It does not upgrade: the password is not said.
        (
            &here,
            MailRelay { tls: MailboxTls::Starttls, ..relay(peer.port, by("secret")) },
            "a@example.org",
            SendErrorClass::Temporary,
        ),
        (&here, relay(1, by("secret")), "ada@example.org", SendErrorClass::Temporary),
    ];
    for (relays, relay, to, class) in cases {
        let error = relays.send(&relay, envelope(to, LETTER)).await.unwrap_err();
        assert_eq!(error.class, class, "{to}: {error}");
        assert!(!error.detail.contains("secret") && !error.detail.contains("wrong"), "{error}");
    }
    // One that wants a return path refuses for good, and then takes the same letter with one.
    let strict = MailboxSignIn::Password { username: "strict".into(), password: Secret::new("secret") };
    let without = envelope("ada@example.org", LETTER);
    let error = here.send(&relay(peer.port, strict.clone()), without.clone()).await.unwrap_err();
    assert_eq!(error.class, SendErrorClass::Permanent);
    assert!(error.detail.starts_with("MAIL: ") && error.detail.contains("not owned"), "{error}");
    assert_eq!(peer.letters().len(), 1);
    let named = Envelope { from: Some("help@example.org".parse().unwrap()), ..without };
    here.send(&relay(peer.port, strict), named).await.unwrap();
    assert_eq!(peer.letters().len(), 2);
    // Our network is not a tenant's to look around in.
    let error = relays(&[])
        .send(&relay(peer.port, by("secret")), envelope("ada@example.org", LETTER))
        .await
        .unwrap_err();
    assert!(error.class == SendErrorClass::SignIn && error.detail.contains("not called"), "{error}");
    assert_eq!(peer.letters().len(), 2);
}

/// A server that knows one token, as Microsoft's and Google's answer: a refusal comes after its reason is answered.
fn with_tokens() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut answer = stream.try_clone().unwrap();
            answer.write_all(b"220 tokens\r\n").unwrap();
            let (mut in_data, mut refusing) = (false, false);
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                // user=desk^Aauth=Bearer good^A^A
                let is_good = line == "AUTH XOAUTH2 dXNlcj1kZXNrAWF1dGg9QmVhcmVyIGdvb2QBAQ==";
                let said = match line.as_str() {
                    "." => {
                        in_data = false;
                        "250 kept"
                    }
                    _ if in_data => continue,
                    "" if refusing => "535 5.7.8 not accepted",
                    l if l.starts_with("EHLO") => "250-tokens\r\n250 AUTH XOAUTH2",
                    _ if is_good => "235 2.7.0 in",
                    l if l.starts_with("AUTH") => {
                        refusing = true;
                        "334 eyJzdGF0dXMiOiI0MDAifQ=="
                    }
                    "DATA" => {
                        in_data = true;
                        "354 go on"
                    }
                    _ => "250 ok",
                };
                if answer.write_all(format!("{said}\r\n").as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    port
}

#[tokio::test]
async fn a_token_signs_in_and_its_refusal_is_heard_out() {
    let (port, relays) = (with_tokens(), relays(&["127.0.0.0/8", "::1/128"]));
    let by = |token: &str| MailboxSignIn::Token { username: "desk".into(), access_token: Secret::new(token) };
    let receipt = relays.send(&relay(port, by("good")), envelope("ada@example.org", LETTER)).await.unwrap();
    assert_eq!(receipt.detail, "250 kept");
    let error =
        relays.send(&relay(port, by("stale")), envelope("ada@example.org", LETTER)).await.unwrap_err();
    assert!(error.class == SendErrorClass::SignIn && error.detail.contains("535"), "{error}");
}
