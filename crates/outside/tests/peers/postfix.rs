//! Postfix in between: our mailer hands letters to it, and it delivers them to our listener.

use std::sync::atomic::{AtomicUsize, Ordering};

use base::Secret;
use engine::outside::{Accepted, Envelope, Mailer, ReturnPath};
use outside::{Protocol, SmtpConfig, SmtpMailer, SmtpTls, TlsFiles};
use testkit::peers::{Postfix, eventually, folder, make_certificate};

use crate::doors::{Running, listen};

const DOMAIN: &str = "example.org";

fn mailer(postfix: &Postfix) -> SmtpMailer {
    SmtpMailer::new(SmtpConfig {
        host: "127.0.0.1".into(),
        port: postfix.port,
        tls: SmtpTls::None,
        username: String::new(),
        password: Secret::default(),
        hello_name: "desk.example.net".into(),
        timeout_seconds: 30,
        ca_file: None,
        dkim: None,
    })
    .unwrap()
}

async fn send(postfix: &Postfix, from: Option<&str>, to: &str, raw: &str) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let envelope = Envelope {
        from: from.map(|from| from.parse().unwrap()),
        to: to.parse().unwrap(),
        message_id: format!("{}@example.org", COUNT.fetch_add(1, Ordering::Relaxed)),
        raw: raw.to_owned().into(),
    };
    let receipt = mailer(postfix).send(envelope).await.unwrap();
    assert!(receipt.detail.contains("queued as"), "{}", receipt.detail);
}

async fn letters(server: &Running, count: usize) -> Vec<engine::outside::Delivered> {
    eventually("letters", || Some(server.door.letters()).filter(|letters| letters.len() >= count)).await
}

#[tokio::test]
async fn letters_come_through_over_smtp() {
    let keys = folder();
    make_certificate(keys.path());
    let files =
        TlsFiles { certificate_file: keys.path().join("cert.pem"), key_file: keys.path().join("key.pem") };
    let server = listen(Protocol::Smtp, |config| config.tls = Some(files)).await;
    let postfix = Postfix::start(&[(DOMAIN, &format!("smtp:[127.0.0.1]:{}", server.port))]);
    let body = format!("Subject: Grüße\r\n\r\n.\r\n..\r\n{}\r\nŁódź ✓\r\n", "long ".repeat(180));
    send(&postfix, Some("jörg@example.org"), "help@example.org", &body).await;
    let letter = letters(&server, 1).await.remove(0);
    let raw = String::from_utf8(letter.raw.to_vec()).unwrap();
    assert!(raw.starts_with("Received: ") && raw.ends_with(&body["Subject: Grüße".len()..]), "{raw}");
    assert!(letter.tls && letter.helo == "relay.example.net");
    assert_eq!(letter.envelope_from, ReturnPath::Address("jörg@example.org".parse().unwrap()));

    // Not now: Postfix keeps it and comes again, with the same bytes.
    server.door.answer("busy@example.org", Accepted::Later("try again".into()));
    send(&postfix, Some("ada@example.org"), "busy@example.org", "Subject: again\r\n\r\nx\r\n").await;
    let all = letters(&server, 3).await;
    assert_eq!(all[1].raw, all[2].raw);

    // Nobody has that address: Postfix tells the sender, with the null path that starts no loop.
    send(&postfix, Some("ada@example.org"), "nobody@example.org", "Subject: lost\r\n\r\nx\r\n").await;
    let bounce = letters(&server, 4).await.remove(3);
    assert!(bounce.envelope_from.is_null());
    assert_eq!(bounce.recipients[0].as_str(), "ada@example.org");
    assert!(String::from_utf8_lossy(&bounce.raw).contains("550 5.1.1 nobody here has that address"));
}

#[tokio::test]
async fn one_letter_to_many_goes_in_parts_and_nobody_is_left_out() {
    let server = listen(Protocol::Smtp, |config| config.max_recipients = 3).await;
    let postfix = Postfix::start(&[(DOMAIN, &format!("smtp:[127.0.0.1]:{}", server.port))]);
    use lettre::{
        AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor, address::Envelope, transport::smtp,
    };
    let transport: AsyncSmtpTransport<Tokio1Executor> =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
            .port(postfix.port)
            .hello_name(smtp::extension::ClientId::Domain("desk.example.net".into()))
            .build();
    let to: Vec<lettre::Address> = (0..7).map(|i| format!("r{i}@example.org").parse().unwrap()).collect();
    let envelope = Envelope::new(Some("ada@example.org".parse().unwrap()), to).unwrap();
    transport.send_raw(&envelope, b"Subject: all\r\n\r\nx\r\n").await.unwrap();
    let reached = eventually("seven recipients", || {
        let letters = server.door.letters();
        let mut reached: Vec<String> =
            letters.iter().flat_map(|letter| &letter.recipients).map(|to| to.to_string()).collect();
        reached.sort();
        (reached.len() >= 7).then_some(reached)
    })
    .await;
    assert_eq!(reached, (0..7).map(|i| format!("r{i}@example.org")).collect::<Vec<_>>());
    assert!(server.door.letters().iter().all(|letter| letter.recipients.len() <= 3));
}

#[tokio::test]
async fn letters_come_through_over_lmtp_each_recipient_by_its_own() {
    let server = listen(Protocol::Lmtp, |_| {}).await;
    let postfix = Postfix::start(&[(DOMAIN, &format!("lmtp:inet:127.0.0.1:{}", server.port))]);
    server.door.answer("full@example.org", Accepted::Refused("the mailbox is full".into()));
    use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor, address::Envelope};
    let transport: AsyncSmtpTransport<Tokio1Executor> =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(postfix.port).build();
    let to = ["help", "full", "nobody"].map(|name| format!("{name}@example.org").parse().unwrap());
    let envelope = Envelope::new(Some("ada@example.org".parse().unwrap()), to.to_vec()).unwrap();
    transport.send_raw(&envelope, b"Subject: all\r\n\r\n..\r\n").await.unwrap();
    let all = letters(&server, 2).await;
    let mut to: Vec<&str> = all[0].recipients.iter().map(|to| to.as_str()).collect();
    to.sort_unstable();
    assert_eq!(to, ["full@example.org", "help@example.org"]);
    assert!(all[0].raw.windows(8).any(|bytes| bytes == b"\r\n\r\n..\r\n"), "{:?}", all[0].raw);
    // One report of both failures, and the one that was taken is not among them.
    let report = String::from_utf8_lossy(&all[1].raw).into_owned();
    assert!(all[1].envelope_from.is_null() && report.contains("the mailbox is full"), "{report}");
    assert!(report.contains("nobody@example.org") && !report.contains("<help@example.org>:"), "{report}");
}
