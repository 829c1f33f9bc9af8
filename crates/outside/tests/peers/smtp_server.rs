//! The listener for mail in raw conversations: the corners of the protocol, and attacks on it.

use std::{fs, path::Path, sync::Arc, time::Duration};

use base::Secret;
use engine::outside::{Accepted, Envelope, Mailer, ReturnPath, SendErrorClass};
use outside::{Protocol, SmtpConfig, SmtpMailer, SmtpTls, TlsFiles, smtp_check};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use testkit::peers::{folder, make_certificate};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::doors::{Running, listen};

/// A client that says exactly what it is told.
struct Talk {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Talk {
    async fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        Self { stream, heard: Vec::new() }
    }

    async fn greeted(port: u16) -> Self {
        let mut talk = Self::connect(port).await;
        assert_eq!(talk.hear().await, "220 mx.example.org ESMTP");
        assert!(talk.ask("EHLO client.example.net\r\n").await.starts_with("250-mx.example.org"));
        talk
    }

    async fn say(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).await.unwrap();
    }

    /// The next whole answer, its lines joined; empty when the connection was closed.
    async fn hear(&mut self) -> String {
        let mut answer: Vec<String> = Vec::new();
        loop {
            while let Some(end) = self.heard.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.heard.drain(..end + 2).collect();
                let line = String::from_utf8(line[..end].to_vec()).unwrap();
                let last = line.as_bytes().get(3) != Some(&b'-');
                answer.push(line);
                if last {
                    return answer.join("\n");
                }
            }
            let mut buffer = [0; 4096];
            let read =
                timeout(Duration::from_secs(20), self.stream.read(&mut buffer)).await.expect("an answer");
            match read {
                Ok(0) | Err(_) => return answer.join("\n"),
                Ok(length) => self.heard.extend_from_slice(&buffer[..length]),
            }
        }
    }

    async fn ask(&mut self, text: impl AsRef<[u8]>) -> String {
        self.say(text).await;
        self.hear().await
    }

    /// The code of the answer.
    async fn code(&mut self, text: impl AsRef<[u8]>) -> String {
        self.ask(text).await.chars().take(3).collect()
    }

    /// Up to `354`.
    async fn begin(&mut self, recipients: &[&str]) {
        assert_eq!(self.code("MAIL FROM:<ada@example.net>\r\n").await, "250");
        for to in recipients {
            assert_eq!(self.code(format!("RCPT TO:<{to}>\r\n")).await, "250");
        }
        assert_eq!(self.code("DATA\r\n").await, "354");
    }
}

async fn smtp() -> Running {
    listen(Protocol::Smtp, |_| {}).await
}

#[tokio::test]
async fn a_letter_is_taken_as_it_was_sent() {
    let server = smtp().await;
    let mut talk = Talk::connect(server.port).await;
    talk.hear().await;
    let hello = talk.ask("EHLO client.example.net\r\n").await;
    for offered in ["PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"] {
        assert!(hello.contains(offered), "{hello}");
    }
    assert!(!hello.contains("STARTTLS"), "{hello}");
    assert_eq!(
        talk.ask("MAIL FROM:<Ada@Example.net> SIZE=100 BODY=8BITMIME\r\n").await,
        "250 2.1.0 sender ok"
    );
    assert_eq!(talk.ask("RCPT TO:<help@example.org>\r\n").await, "250 2.1.5 recipient ok");
    assert_eq!(talk.ask("RCPT TO:<nobody@example.org>\r\n").await, "550 5.1.1 nobody here has that address");
    assert_eq!(talk.code("RCPT TO:<later@example.org>\r\n").await, "451");
    assert_eq!(talk.code("RCPT TO:<help@elsewhere.example.com>\r\n").await, "550");
    assert_eq!(talk.code("RCPT TO:<HELP@example.org>\r\n").await, "250");
    assert_eq!(talk.code("DATA\r\n").await, "354");
    let answer = talk.ask("Subject: x\r\n\r\n..\r\n..a\r\nGr\u{fc}\u{df}e\nbare\rtoo\r\n.\r\n").await;
    assert_eq!(answer, "250 2.0.0 taken");
    assert_eq!(talk.code("QUIT\r\n").await, "221");
    assert_eq!(talk.hear().await, "");

    let letters = server.door.letters();
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(letter.raw, "Subject: x\r\n\r\n.\r\n.a\r\nGr\u{fc}\u{df}e\nbare\rtoo\r\n".as_bytes());
    assert_eq!(letter.envelope_from, ReturnPath::Address("Ada@example.net".parse().unwrap()));
    assert_eq!(letter.recipients, ["help@example.org".parse().unwrap()]);
    assert_eq!((letter.helo.as_str(), letter.tls), ("client.example.net", false));
    assert_eq!(letter.client_ip.to_string(), "127.0.0.1");
}

#[tokio::test]
async fn commands_have_an_order() {
    let server = smtp().await;
    let mut talk = Talk::connect(server.port).await;
    talk.hear().await;
    for (line, code) in [
        ("MAIL FROM:<ada@example.net>", "503"),
        ("LHLO x", "500"),
        ("HELO client", "250"),
        ("RCPT TO:<help@example.org>", "503"),
        ("DATA", "503"),
        ("VRFY help", "252"),
        ("EXPN help", "502"),
        ("AUTH PLAIN AGEAYg==", "502"),
        ("STARTTLS", "503"),
        ("NOOP", "250"),
        ("MAIL FROM:<>", "250"),
        ("MAIL FROM:<ada@example.net>", "503"),
        ("DATA", "503"),
        ("RCPT TO:<help@example.org>", "250"),
        ("RSET", "250"),
        ("DATA", "503"),
        ("MAIL FROM:<ada@example.net> SIZE=52428801", "552"),
        ("MAIL FROM:<ada@example.net> SIZE=52428800", "250"),
        ("EHLO again", "250"),
        ("RCPT TO:<help@example.org>", "503"),
        ("WHATEVER", "500"),
    ] {
        assert_eq!(talk.code(format!("{line}\r\n")).await, code, "{line}");
    }
    assert!(server.door.letters().is_empty());
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() {
    let server = smtp().await;
    let mut talk = Talk::greeted(server.port).await;
    talk.say("MAIL FROM:<>\r\nRCPT TO:<help@example.org>\r\nRCPT TO:<nobody@example.org>\r\nDATA\r\n").await;
    let codes = [talk.hear().await, talk.hear().await, talk.hear().await, talk.hear().await];
    assert_eq!(codes.map(|line| line[..3].to_owned()), ["250", "250", "550", "354"]);
    // The letter's end, the next letter whole, and the goodbye in one piece.
    talk.say("one\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<help@example.org>\r\nDATA\r\ntwo\r\n.\r\nQUIT\r\n").await;
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(talk.hear().await[..3].to_owned());
    }
    assert_eq!(codes, ["250", "250", "250", "354", "250", "221"]);
    let letters = server.door.letters();
    assert_eq!(letters.iter().map(|letter| &letter.raw[..]).collect::<Vec<_>>(), [b"one\r\n", b"two\r\n"]);
    assert!(letters.iter().all(|letter| letter.envelope_from.is_null()));
}

#[tokio::test]
async fn no_second_letter_hides_in_a_first() {
    let server = smtp().await;
    let ends = [
        "\n.\n",
        "\n.\r\n",
        "\r.\r",
        "\r.\r\n",
        "\r\n.\n",
        "\r\n.\r",
        "\r\n.\0\r\n",
        "\n\r.\r\n",
        "\r\n\n.\r\n",
    ];
    for end in ends {
        let mut talk = Talk::greeted(server.port).await;
        talk.begin(&["help@example.org"]).await;
        let hidden =
            "MAIL FROM:<boss@example.org>\r\nRCPT TO:<help@example.org>\r\nDATA\r\nSubject: hidden\r\n";
        assert_eq!(talk.code(format!("outer{end}{hidden}\r\n.\r\n")).await, "250", "{end:?}");
        assert_eq!(talk.code("QUIT\r\n").await, "221");
        let letters = server.door.letters.lock().unwrap().split_off(0);
        assert_eq!(letters.len(), 1, "{end:?}");
        assert_eq!(letters[0].envelope_from.as_str(), "ada@example.net");
        assert!(letters[0].raw.ends_with(b"Subject: hidden\r\n\r\n"));
    }
}

#[tokio::test]
async fn a_command_ends_in_crlf() {
    let server = smtp().await;
    let mut talk = Talk::greeted(server.port).await;
    for line in
        ["NOOP\n", "MAIL FROM:<a@example.net>\rRCPT TO:<help@example.org>\r\n", "NOOP\0\r\n", "NOOP \r\r\n"]
    {
        assert_eq!(talk.code(line).await, "500", "{line:?}");
    }
    assert_eq!(talk.code(format!("NOOP {}\r\n", "x".repeat(3000))).await, "500");
    assert_eq!(talk.code("NOOP\r\n").await, "250");
    // A line without an end is not read for ever.
    talk.say("x".repeat(70_000)).await;
    assert_eq!(talk.hear().await, "500 5.5.6 line too long");
    assert_eq!(talk.hear().await, "");
}

#[tokio::test]
async fn too_large_is_said_while_it_is_read_and_harms_nobody_after() {
    let server = listen(Protocol::Smtp, |config| config.max_message_bytes = 100_000).await;
    let mut talk = Talk::greeted(server.port).await;
    talk.begin(&["help@example.org"]).await;
    let line = format!("{}\r\n", "x".repeat(98));
    talk.say(line.repeat(1001)).await;
    assert_eq!(talk.ask(".\r\n").await, "552 5.3.4 the letter is larger than we take");
    talk.begin(&["help@example.org"]).await;
    assert_eq!(talk.code(format!("{}.\r\n", line.repeat(1000))).await, "250");
    // Who does not stop is cut off.
    talk.begin(&["help@example.org"]).await;
    let mut sent = 0;
    while talk.stream.write_all(line.repeat(100).as_bytes()).await.is_ok() {
        sent += 10_000;
        assert!(sent < 100_000_000);
    }
    assert_eq!(server.door.letters().len(), 1);
}

#[tokio::test]
async fn everything_is_counted() {
    let server = listen(Protocol::Smtp, |config| {
        config.max_recipients = 2;
        config.max_connections_per_address = 2;
    })
    .await;
    let mut talk = Talk::greeted(server.port).await;
    assert_eq!(talk.code("MAIL FROM:<>\r\n").await, "250");
    for (to, code) in [("a", "250"), ("b", "250"), ("c", "452")] {
        assert_eq!(talk.code(format!("RCPT TO:<{to}@example.org>\r\n")).await, code);
    }
    let second = Talk::greeted(server.port).await;
    let mut third = Talk::connect(server.port).await;
    assert_eq!(third.hear().await, "421 4.7.0 mx.example.org too many connections from you, try again");
    drop(second);
    while Talk::connect(server.port).await.hear().await.starts_with("421") {}
    // Who guesses addresses is shown out.
    for _ in 0..20 {
        assert_eq!(talk.code("VRFY\r\n").await, "501");
    }
    assert!(talk.hear().await.starts_with("421 4.7.0 too many refusals"));
    assert_eq!(talk.hear().await, "");
}

#[tokio::test]
async fn memory_is_bounded_over_all_connections() {
    let server = listen(Protocol::Smtp, |config| {
        config.max_message_bytes = 450_000;
        config.max_held_bytes = 900_000;
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut talk = Talk::greeted(server.port).await;
        talk.begin(&["help@example.org"]).await;
        talk.say(format!("{}\r\n", "x".repeat(400_000))).await;
        held.push(talk);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut third = Talk::greeted(server.port).await;
    third.begin(&["help@example.org"]).await;
    let large = format!("{}\r\n.\r\n", "x".repeat(440_000));
    assert_eq!(third.ask(&large).await, "452 4.3.1 too many letters at once, try again");
    let mut codes = Vec::new();
    for talk in &mut held {
        codes.push(talk.code(".\r\n").await);
    }
    // Their letters may have met each other in memory already; then one of the two comes again.
    assert!(codes.contains(&"250".to_owned()), "{codes:?}");
    third.begin(&["help@example.org"]).await;
    assert_eq!(third.code(large).await, "250");
}

#[tokio::test]
async fn silence_ends() {
    let server = listen(Protocol::Smtp, |config| {
        config.command_seconds = 1;
        config.letter_seconds = 1;
    })
    .await;
    let mut talk = Talk::greeted(server.port).await;
    assert_eq!(talk.hear().await, "421 4.4.2 nothing was said for long");
    let mut talk = Talk::greeted(server.port).await;
    talk.begin(&["help@example.org"]).await;
    talk.say("a line\r\n").await;
    assert_eq!(talk.hear().await, "421 4.4.2 the letter took too long");
    assert_eq!(talk.hear().await, "");
    assert!(server.door.letters().is_empty());
}

#[tokio::test]
async fn who_hangs_up_within_a_letter_has_sent_none() {
    let server = smtp().await;
    let mut talk = Talk::greeted(server.port).await;
    talk.begin(&["help@example.org"]).await;
    talk.say("half\r\n.").await;
    drop(talk);
    let mut talk = Talk::greeted(server.port).await;
    assert_eq!(talk.code("NOOP\r\n").await, "250");
    assert!(server.door.letters().is_empty());
}

#[tokio::test]
async fn a_browser_is_hung_up_on() {
    let server = smtp().await;
    let mut talk = Talk::connect(server.port).await;
    talk.hear().await;
    talk.say("POST / HTTP/1.1\r\nHost: mx\r\n\r\nMAIL FROM:<>\r\n").await;
    assert_eq!(talk.hear().await, "500 5.5.1 not a command");
    assert_eq!(talk.hear().await, "");
}

#[tokio::test]
async fn the_worst_answer_is_given_for_all_and_lmtp_answers_each() {
    let answers = |server: &Running| {
        server.door.answer("b@example.org", Accepted::Later("disk\r\n250 full".into()));
        server.door.answer("c@example.org", Accepted::Refused("not wanted".into()));
    };
    let server = smtp().await;
    answers(&server);
    let mut talk = Talk::greeted(server.port).await;
    let all = ["a@example.org", "b@example.org", "c@example.org"];
    talk.begin(&all).await;
    assert_eq!(talk.ask("x\r\n.\r\n").await, "451 4.3.0 disk??250 full");
    server.door.answer("c@example.org", Accepted::Refused("not wanted".into()));
    talk.begin(&all).await;
    assert_eq!(talk.ask("x\r\n.\r\n").await, "554 5.7.1 not wanted");

    let server = listen(Protocol::Lmtp, |config| config.max_message_bytes = 100_000).await;
    answers(&server);
    let mut talk = Talk::connect(server.port).await;
    assert_eq!(talk.hear().await, "220 mx.example.org LMTP");
    assert_eq!(talk.code("EHLO x\r\n").await, "500");
    assert_eq!(talk.code("LHLO relay\r\n").await, "250");
    // The same address twice has two answers.
    talk.begin(&["a@example.org", "b@example.org", "A@example.org", "c@example.org"]).await;
    talk.say("x\r\n.\r\n").await;
    for code in ["250", "451", "250", "554"] {
        assert!(talk.hear().await.starts_with(code));
    }
    talk.begin(&["a@example.org", "b@example.org"]).await;
    talk.say(format!("{}\r\n.\r\n", "x".repeat(200_000))).await;
    assert!(talk.hear().await.starts_with("552") && talk.hear().await.starts_with("552"));
    assert_eq!(talk.code("NOOP\r\n").await, "250");
    assert_eq!(server.door.letters()[0].recipients.len(), 3);
}

#[tokio::test]
async fn stopping_finishes_the_letter_at_hand() {
    let server = smtp().await;
    let mut waiting = Talk::greeted(server.port).await;
    let mut sending = Talk::greeted(server.port).await;
    sending.begin(&["help@example.org"]).await;
    sending.say("first half\r\n").await;
    *server.door.slowness.lock().unwrap() = Duration::from_millis(300);
    server.stop.send(true).unwrap();
    assert_eq!(waiting.hear().await, "421 4.3.2 going down, try again");
    assert!(!server.served.is_finished());
    assert_eq!(sending.ask("second half\r\n.\r\n").await, "250 2.0.0 taken");
    assert_eq!(sending.hear().await, "421 4.3.2 going down, try again");
    timeout(Duration::from_secs(5), server.served).await.expect("stops").unwrap();
    assert!(TcpStream::connect(("127.0.0.1", server.port)).await.is_err());
    assert_eq!(server.door.letters().len(), 1);
}

fn tls_files(folder: &Path) -> TlsFiles {
    TlsFiles { certificate_file: folder.join("cert.pem"), key_file: folder.join("key.pem") }
}

#[tokio::test]
async fn starttls_takes_nothing_along() {
    let keys = folder();
    make_certificate(keys.path());
    let files = tls_files(keys.path());
    let server = listen(Protocol::Smtp, |config| {
        config.tls = Some(files);
        config.tls_required = true;
    })
    .await;
    let mut talk = Talk::greeted(server.port).await;
    assert_eq!(talk.code("MAIL FROM:<>\r\n").await, "530");
    // Said in the clear by somebody in the middle, to be obeyed after the handshake.
    assert_eq!(talk.code("STARTTLS\r\nMAIL FROM:<boss@example.org>\r\n").await, "554");
    assert_eq!(talk.hear().await, "");

    // What was said before the handshake is forgotten: hello, and a letter that was begun.
    let server_open = listen(Protocol::Smtp, |config| config.tls = Some(tls_files(keys.path()))).await;
    let mut talk = Talk::greeted(server_open.port).await;
    assert_eq!(talk.code("MAIL FROM:<ada@example.net>\r\n").await, "250");
    assert_eq!(talk.code("STARTTLS\r\n").await, "220");
    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(keys.path().join("cert.pem")).unwrap();
    roots.add(certificate).unwrap();
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut encrypted = connector.connect("localhost".try_into().unwrap(), talk.stream).await.unwrap();
    encrypted.write_all(b"RCPT TO:<help@example.org>\r\nMAIL FROM:<>\r\nEHLO x\r\nQUIT\r\n").await.unwrap();
    let mut heard = String::new();
    let _ = encrypted.read_to_string(&mut heard).await;
    assert!(heard.starts_with("503 5.5.1 say MAIL first\r\n503 5.5.1 say hello first\r\n250-mx"), "{heard}");
    assert!(!heard.contains("STARTTLS"), "{heard}");

    // lettre as the client, through our own mailer.
    let config = SmtpConfig {
        host: "localhost".into(),
        port: server.port,
        tls: SmtpTls::Starttls,
        username: String::new(),
        password: Secret::default(),
        hello_name: "desk.example.net".into(),
        timeout_seconds: 10,
        ca_file: Some(keys.path().join("cert.pem")),
        dkim: None,
    };
    let encrypted = smtp_check(&config).await.unwrap();
    assert!(encrypted.ends_with("answers (encrypted, without sign-in)"), "{encrypted}");
    let mailer = SmtpMailer::new(config.clone()).unwrap();
    let raw = "Subject: dots\r\n\r\n.\r\n..\r\nGrüße\r\n";
    let envelope = |to: &str| Envelope {
        from: Some("ada@example.net".parse().unwrap()),
        to: to.parse().unwrap(),
        message_id: "1@example.net".into(),
        raw: raw.into(),
    };
    mailer.send(envelope("jörg@example.org")).await.unwrap();
    let error = mailer.send(envelope("nobody@example.org")).await.unwrap_err();
    assert_eq!(error.class, SendErrorClass::Permanent, "{error}");
    let letters = server.door.letters();
    assert!(letters[0].tls && letters[0].helo == "desk.example.net");
    assert_eq!(letters[0].raw, raw.as_bytes());
    assert_eq!(letters[0].recipients[0].as_str(), "jörg@example.org");

    // A renewed certificate is used without a restart; half a renewal changes nothing.
    let key = fs::read(keys.path().join("key.pem")).unwrap();
    fs::write(keys.path().join("key.pem"), "half").unwrap();
    assert!(smtp_check(&config).await.is_ok());
    fs::write(keys.path().join("key.pem"), key).unwrap();
    make_certificate(keys.path());
    assert!(smtp_check(&config).await.is_ok());
}
