//! Who really sent a mail, with keys made here and a zone of our own.

use std::{path::Path, process::Command};

use base::Secret;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use engine::outside::{Authentication, CheckedMail, Envelope, MailChecks, Mailer, Outcome};
use outside::{DkimConfig, DkimSigner, Dns, MailAuth, Protocol, SmtpConfig, SmtpMailer, SmtpTls};
use testkit::peers::folder;

use crate::{
    doors::listen,
    names::{Entry, Names},
};

const MAIL: &str = "From: Ada <ada@example.org>\r\nTo: help@example.net\r\nSubject: Gr\u{fc}\u{df}e\r\n\
    Date: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nhello\r\n\r\n";

fn text(text: impl Into<String>) -> Entry {
    Entry::Text(text.into())
}

/// A key pair: the private one in PEM, and what is published.
fn make_key(folder: &Path, algorithm: &str) -> (Vec<u8>, String) {
    let file = folder.join(format!("{algorithm}.pem"));
    let openssl = |arguments: &[&str]| {
        let made = Command::new("openssl")
            .args(arguments)
            .output()
            .expect("openssl is missing: run `cargo dev setup`");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        made.stdout
    };
    let path = file.to_str().unwrap();
    openssl(&["genpkey", "-algorithm", algorithm, "-out", path]);
    let public = openssl(&["pkey", "-in", path, "-pubout", "-outform", "DER"]);
    let published = match algorithm {
        // RFC 8463: the 32 bytes of the key without what is around them.
        "ed25519" => format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(&public[public.len() - 32..])),
        _ => format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(&public)),
    };
    (std::fs::read(file).unwrap(), published)
}

async fn check(names: &Names, mail: CheckedMail) -> Authentication {
    let checks = MailAuth::new(Dns::Servers(vec![names.address]), "mx.example.net").unwrap();
    let answer = checks.check(mail).await;
    assert!(!answer.detail.contains('\n'), "{}", answer.detail);
    answer
}

/// Through another machine than the sender's, which says nothing about SPF.
fn fetched(raw: impl Into<Vec<u8>>) -> CheckedMail {
    CheckedMail {
        raw: raw.into().into(),
        client_ip: None,
        helo: None,
        envelope_from: None,
        trusted_sealers: Vec::new(),
    }
}

fn delivered(raw: &str, client_ip: &str, from: &str) -> CheckedMail {
    CheckedMail {
        client_ip: Some(client_ip.parse().unwrap()),
        helo: Some("mail.example.org".into()),
        envelope_from: Some(from.parse().unwrap()),
        ..fetched(raw)
    }
}

fn outcomes(answer: &Authentication) -> [Outcome; 3] {
    [answer.spf, answer.dkim, answer.dmarc]
}

use Outcome::{Fail, None as Nothing, Pass};

#[tokio::test]
async fn a_signature_holds_until_somebody_changes_the_mail() {
    let keys = folder();
    for algorithm in ["rsa", "ed25519"] {
        let (private, published) = make_key(keys.path(), algorithm);
        let signer = DkimSigner::new("example.org", "desk", &private).unwrap();
        let signed = signer.sign(MAIL.as_bytes()).unwrap();
        let signed = String::from_utf8(signed).unwrap();
        assert!(signed.starts_with("DKIM-Signature: ") && signed.ends_with(MAIL), "{signed}");
        let names = Names::serve([
            ("desk._domainkey.example.org", text(published)),
            ("_dmarc.example.org", text("v=DMARC1; p=reject")),
        ])
        .await;
        let answer = check(&names, fetched(signed.clone())).await;
        assert_eq!(outcomes(&answer), [Nothing, Pass, Pass], "{algorithm}: {}", answer.detail);
        for (what, changed) in [
            ("body", signed.replace("hello", "hallo")),
            ("subject", signed.replace("Subject: ", "Subject: Re: ")),
            ("second subject", signed.replace("Subject: ", "Subject: buy\r\nSubject: ")),
            ("reply-to added", signed.replace("To: help", "Reply-To: evil@example.com\r\nTo: help")),
            ("signature", signed.replace("b=", "b=AAAA")),
        ] {
            let answer = check(&names, fetched(changed)).await;
            assert_eq!(outcomes(&answer), [Nothing, Fail, Fail], "{algorithm} {what}: {}", answer.detail);
        }
    }
}

#[tokio::test]
async fn spf_says_which_machines_send() {
    let names = Names::serve([
        ("example.org", text("v=spf1 ip4:192.0.2.0/28 a:mail.example.org -all")),
        ("mail.example.org", Entry::Address("198.51.100.7".parse().unwrap())),
        ("soft.example.org", text("v=spf1 ip4:192.0.2.1 ~all")),
        ("open.example.org", text("v=spf1 ?all")),
        ("xn--exmple-cua.de", text("v=spf1 ip4:192.0.2.1 -all")),
        ("_dmarc.example.org", text("v=DMARC1; p=none")),
    ])
    .await;
    for (ip, from, spf, dmarc) in [
        ("192.0.2.1", "ada@example.org", Pass, Pass),
        ("::ffff:192.0.2.1", "ada@example.org", Pass, Pass),
        ("198.51.100.7", "bounces@example.org", Pass, Pass),
        ("203.0.113.9", "ada@example.org", Fail, Fail),
        ("2001:db8::1", "ada@example.org", Fail, Fail),
        // Relaxed alignment: a domain below the sender's is the sender's.
        ("192.0.2.1", "ada@soft.example.org", Pass, Pass),
        ("203.0.113.9", "ada@soft.example.org", Fail, Fail),
        ("203.0.113.9", "ada@open.example.org", Nothing, Fail),
        ("203.0.113.9", "ada@nothing.example.org", Nothing, Fail),
        // Somebody else's machine vouches for somebody else.
        ("192.0.2.1", "ada@exämple.de", Pass, Fail),
    ] {
        let answer = check(&names, delivered(MAIL, ip, from)).await;
        assert_eq!(outcomes(&answer), [spf, Nothing, dmarc], "{ip} {from}: {}", answer.detail);
    }
    let unknown = CheckedMail { envelope_from: None, ..delivered(MAIL, "192.0.2.1", "ada@example.org") };
    assert_eq!(check(&names, unknown).await.spf, Nothing);
}

#[tokio::test]
async fn a_strangers_signature_is_no_senders() {
    let keys = folder();
    let (private, published) = make_key(keys.path(), "ed25519");
    let names = Names::serve([
        ("a._domainkey.evil.example.com", text(published.clone())),
        ("a._domainkey.mail.example.org", text(published)),
        ("_dmarc.example.org", text("v=DMARC1; p=reject")),
        ("_dmarc.strict.example.org", text("v=DMARC1; p=reject; adkim=s")),
    ])
    .await;
    let signed = |domain: &str, mail: &str| {
        let signed = DkimSigner::new(domain, "a", &private).unwrap().sign(mail.as_bytes()).unwrap();
        String::from_utf8(signed).unwrap()
    };
    let of = |from: &str| MAIL.replace("Ada <ada@example.org>", from);
    for (domain, from, expected) in [
        ("evil.example.com", "ada@example.org", [Pass, Fail]),
        ("mail.example.org", "ada@example.org", [Pass, Pass]),
        ("mail.example.org", "ada@strict.example.org", [Pass, Fail]),
        ("evil.example.com", "ada@unpublished.example.net", [Pass, Nothing]),
        // A second sender does not take a mail out of the check.
        ("evil.example.com", "ada@example.org, eve@evil.example.com", [Pass, Fail]),
        ("evil.example.com", "eve@evil.example.com\r\nFrom: ada@example.org", [Pass, Fail]),
    ] {
        let answer = check(&names, fetched(signed(domain, &of(from)))).await;
        assert_eq!([answer.dkim, answer.dmarc], expected, "{domain} {from}: {}", answer.detail);
    }
    // A field only some readers take for From.
    let odd =
        format!("From : ada@example.org\r\n{}", signed("evil.example.com", &of("eve@evil.example.com")));
    assert_eq!(check(&names, fetched(odd)).await.dmarc, Fail);
}

/// Shapes of From that one reader takes for Ada and another for somebody else, or for nobody.
fn forged() -> Vec<String> {
    let long = format!("<{}@evil.example.com>", "x".repeat(65));
    let encoded = "=?utf-8?Q?Ada_=3Cada=40example=2Eorg=3E?=";
    vec![
        format!("From: {encoded}, {long}"),
        format!("From: {encoded},\r\n <eve@under_score.evil.example.com>"),
        format!("From: {encoded}, <\"e e\"@evil.example.com>"),
        format!("From: {encoded}, <eve@evil.example.com>"),
        format!("From: {encoded}"),
        format!("From: Ada <ada@example.org>, {long}"),
        "From : ada@example.org".to_owned(),
        "From: <\"ada@example.org\">".to_owned(),
        "From: \"Ada <ada@example.org>\"".to_owned(),
        "\r\nFrom: ada@example.org".to_owned(),
        "\u{feff}From: ada@example.org".to_owned(),
        "From ada@example.org Sat Nov 21\r\nFrom: ada@example.org".to_owned(),
        "From x\nFrom: ada@example.org\n \nA: b\r\nFrom: eve@evil.example.com".to_owned(),
    ]
}

#[tokio::test]
async fn another_reading_of_from_is_no_way_around_the_check() {
    let keys = folder();
    let (private, published) = make_key(keys.path(), "ed25519");
    let names = Names::serve([
        ("a._domainkey.evil.example.com", text(published.clone())),
        ("a._domainkey.example.org", text(published.clone())),
        ("a._domainkey.xn--exmple-cua.de", text(published)),
        ("evil.example.com", text("v=spf1 ip4:192.0.2.1 -all")),
        ("_dmarc.evil.example.com", text("v=DMARC1; p=reject")),
        ("_dmarc.example.org", text("v=DMARC1; p=reject")),
        ("_dmarc.xn--exmple-cua.de", text("v=DMARC1; p=reject")),
    ])
    .await;
    let ada = "From: Ada <ada@example.org>";
    let signed = |domain: &str, mail: &str| {
        let signed = DkimSigner::new(domain, "a", &private).unwrap().sign(mail.as_bytes()).unwrap();
        String::from_utf8(signed).unwrap()
    };
    for from in forged() {
        let raw = MAIL.replace(ada, &from);
        // What stands before the header cannot have a signature above it.
        let is_first = !from.starts_with("From:");
        let raw = if is_first { raw } else { signed("evil.example.com", &raw) };
        let read = mail::inbound::read(raw.as_bytes(), &mail::inbound::Limits::default()).unwrap();
        assert_eq!(read.from.unwrap().email.as_str(), "ada@example.org", "{from}");
        let answer = check(&names, delivered(&raw, "192.0.2.1", "eve@evil.example.com")).await;
        assert_eq!((answer.spf, answer.dmarc), (Pass, Fail), "{from}: {}", answer.detail);
        assert_eq!(check(&names, fetched(raw)).await.dmarc, Fail, "{from}");
    }

    // Whoever writes like others is believed as before.
    for (domain, from) in [
        ("example.org", "From: \"Lovelace, Ada\" <ada@example.org>"),
        ("example.org", "From: Lovelace, Ada <ada@example.org>"),
        ("example.org", "From: Ada (the (first) one) <Ada@EXAMPLE.org>"),
        ("example.org", "From: ada@example.org (Ada)"),
        ("example.org", "from:ada@example.org"),
        ("example.org", "FROM: =?utf-8?Q?J=C3=B6rg=2C_ada=40example=2Eorg?=\r\n <ada@example.org>"),
        ("example.org", "From: =?iso-8859-1?B?SvZyZw==?= <ada@example.org>"),
        ("example.org", "From: \"ada@example.org\" <ada@example.org>"),
        ("example.org", "From: Desk: ada@example.org;"),
        ("xn--exmple-cua.de", "From: J\u{f6}rg <j\u{f6}rg@ex\u{e4}mple.de>"),
        ("xn--exmple-cua.de", "From: J\u{f6}rg <joerg@xn--exmple-cua.de>"),
    ] {
        let mail = MAIL.replace(ada, from);
        let answer = check(&names, fetched(signed(domain, &mail))).await;
        assert_eq!([answer.dkim, answer.dmarc], [Pass, Pass], "{from}: {}", answer.detail);
        for before in ["\r\n", "\u{feff}", "From ada@example.org Sat Nov 21 10:15:30 2026\r\n", ">From x\n"] {
            let answer = check(&names, fetched(format!("{before}{}", signed(domain, &mail)))).await;
            assert_eq!(answer.dmarc, Pass, "{before:?}{from}: {}", answer.detail);
        }
        let nobody =
            mail.replace("EXAMPLE.org", "example.org").replace("example.org", "unpublished.example.net");
        let nobody = nobody.replace("exmple-cua", "nobody-cua").replace("ex\u{e4}mple", "unpublished");
        let answer = check(&names, fetched(nobody)).await;
        assert_eq!(answer.dmarc, Nothing, "{from}: {}", answer.detail);
    }
}

#[tokio::test]
async fn a_signature_covers_no_words_above_its_own() {
    let keys = folder();
    let (private, published) = make_key(keys.path(), "ed25519");
    let names = Names::serve([
        ("a._domainkey.example.org", text(published)),
        ("example.org", text("v=spf1 ip4:192.0.2.1 -all")),
        ("_dmarc.example.org", text("v=DMARC1; p=reject")),
    ])
    .await;
    let signed = DkimSigner::new("example.org", "a", &private).unwrap().sign(MAIL.as_bytes()).unwrap();
    let signed = String::from_utf8(signed).unwrap();
    assert_eq!(check(&names, fetched(signed.clone())).await.dmarc, Pass);
    // A mail that somebody has from her: From goes first, and what we take for the end of the header comes after it.
    let ada = "From: Ada <ada@example.org>\r\n";
    for end in ["X: y\r\n \r\n", "X: y\n\t\n"] {
        let raw = format!("{ada}{end}Pay: to me\r\n{}", signed.replace(ada, ""));
        let read = mail::inbound::read(raw.as_bytes(), &mail::inbound::Limits::default()).unwrap();
        assert!(read.text.starts_with("Pay: to me"), "{}", read.text);
        let answer = check(&names, fetched(raw.clone())).await;
        assert_eq!([answer.dkim, answer.dmarc], [Pass, Fail], "{end:?}: {}", answer.detail);
        // Her own machine may write what it wants.
        assert_eq!(check(&names, delivered(&raw, "192.0.2.1", "ada@example.org")).await.dmarc, Pass);
    }
}

#[tokio::test]
async fn what_is_not_published_or_not_answered_is_nothing() {
    let keys = folder();
    let (private, _) = make_key(keys.path(), "ed25519");
    let signed = DkimSigner::new("example.org", "desk", &private).unwrap().sign(MAIL.as_bytes()).unwrap();
    let signed = String::from_utf8(signed).unwrap();

    let empty = Names::serve([]).await;
    let answer = check(&empty, delivered(MAIL, "192.0.2.1", "ada@example.org")).await;
    assert_eq!(outcomes(&answer), [Nothing; 3], "{}", answer.detail);
    // A signature without a key is a claim that does not hold.
    let answer = check(&empty, fetched(signed.clone())).await;
    assert_eq!(outcomes(&answer), [Nothing, Fail, Nothing], "{}", answer.detail);
    for raw in ["", "\r\n\r\nno header", "Subject: nobody\r\n\r\nx"] {
        assert_eq!(outcomes(&check(&empty, fetched(raw)).await), [Nothing; 3], "{raw}");
    }

    let broken = Names::serve([
        ("example.org", Entry::Broken),
        ("desk._domainkey.example.org", Entry::Broken),
        ("_dmarc.example.org", Entry::Broken),
    ])
    .await;
    let answer = check(&broken, delivered(&signed, "192.0.2.1", "ada@example.org")).await;
    assert_eq!(outcomes(&answer), [Nothing; 3], "{}", answer.detail);

    // The policy is known, and whether the signature holds is not: not a failure.
    let half = Names::serve([
        ("desk._domainkey.example.org", Entry::Broken),
        ("_dmarc.example.org", text("v=DMARC1; p=reject")),
    ])
    .await;
    let answer = check(&half, fetched(signed.clone())).await;
    assert_eq!(outcomes(&answer), [Nothing; 3], "{}", answer.detail);

    // Nobody there at all.
    let gone = Names::serve([]).await;
    let address = gone.address;
    drop(gone);
    tokio::task::yield_now().await;
    let checks = MailAuth::new(Dns::Servers(vec![address]), "mx.example.net").unwrap();
    let answer = checks.check(delivered(&signed, "192.0.2.1", "ada@example.org")).await;
    assert_eq!(outcomes(&answer), [Nothing; 3], "{}", answer.detail);
}

#[tokio::test]
async fn a_mail_does_not_choose_how_often_we_ask() {
    let keys = folder();
    let (private, _) = make_key(keys.path(), "ed25519");
    let mut raw = String::from(MAIL);
    for i in 0..500 {
        let selector = format!("s{i}");
        let signed =
            DkimSigner::new("example.org", &selector, &private).unwrap().sign(MAIL.as_bytes()).unwrap();
        raw.insert_str(0, String::from_utf8(signed).unwrap().strip_suffix(MAIL).unwrap());
    }
    let names = Names::serve([]).await;
    let answer = check(&names, fetched(raw)).await;
    assert_eq!(answer.dkim, Fail);
    assert!(names.asked() < 40, "{}", names.asked());
}

#[tokio::test]
async fn letters_leave_signed_when_that_is_configured() {
    let keys = folder();
    let (_, published) = make_key(keys.path(), "rsa");
    let server = listen(Protocol::Smtp, |_| {}).await;
    let dkim = DkimConfig {
        domain: "example.org".into(),
        selector: "desk".into(),
        key_file: keys.path().join("rsa.pem"),
    };
    let config = SmtpConfig {
        host: "127.0.0.1".into(),
        port: server.port,
        tls: SmtpTls::None,
        username: String::new(),
        password: Secret::default(),
        hello_name: "desk.example.org".into(),
        timeout_seconds: 10,
        ca_file: None,
        dkim: Some(dkim.clone()),
    };
    let envelope = Envelope {
        from: None,
        to: "help@example.org".parse().unwrap(),
        message_id: "1@example.org".into(),
        // Dots are stuffed on the way and trailing lines are kept: neither breaks the signature.
        raw: MAIL.replace("hello", ".\r\n..\r\nhello").into(),
    };
    SmtpMailer::new(config.clone()).unwrap().send(envelope).await.unwrap();
    let raw = server.door.letters()[0].raw.to_vec();
    let names = Names::serve([("desk._domainkey.example.org", text(published))]).await;
    let answer = check(&names, fetched(raw)).await;
    assert_eq!(answer.dkim, Pass, "{}", answer.detail);

    for wrong in ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        std::fs::write(&dkim.key_file, wrong).unwrap();
        let error = SmtpMailer::new(config.clone()).err().unwrap();
        assert_eq!(
            (error.code(), error.field_errors()[0].field.as_str()),
            ("smtp.dkim", "smtp.dkim.key_file")
        );
    }
    assert!(DkimSigner::new("a b", "desk", b"").is_err() && DkimSigner::new("a", "d;k", b"").is_err());
}

/// Hands a mail on with a subject of its own, which breaks the author's signature, and seals what it saw before.
async fn hand_on(names: &Names, sealer: &str, key: &Path, raw: &str) -> String {
    use mail_auth::{
        AuthenticatedMessage, AuthenticationResults, MessageAuthenticator,
        arc::ArcSealer,
        common::{crypto::Ed25519Key, headers::HeaderWriter as _},
        dmarc::verify::DmarcParameters,
        hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts},
    };
    use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
    let mut connection = ConnectionConfig::udp();
    connection.port = names.address.port();
    let server = NameServerConfig::new(names.address.ip(), true, vec![connection]);
    let config = ResolverConfig::from_name_servers(vec![server]);
    let asking = MessageAuthenticator::new(config, ResolverOpts::default()).unwrap();

    let before = AuthenticatedMessage::parse(raw.as_bytes()).unwrap();
    let (signatures, chain) = (asking.verify_dkim(&before).await, asking.verify_arc(&before).await);
    let spf = mail_auth::SpfOutput::default();
    let dmarc = asking.verify_dmarc(DmarcParameters::new(&before, &signatures, "", &spf)).await;
    let hello = format!("mx.{sealer}");
    let results = AuthenticationResults::new(&hello)
        .with_dmarc_result(&dmarc)
        .with_arc_result(&chain, "192.0.2.1".parse().unwrap());
    let changed = raw.replace("Subject: ", "Subject: [list] ");
    let message = AuthenticatedMessage::parse(changed.as_bytes()).unwrap();
    let chain = asking.verify_arc(&before).await;
    let pem = std::fs::read(key).unwrap();
    let key = PrivatePkcs8KeyDer::from_pem_slice(&pem).unwrap();
    let key = Ed25519Key::from_pkcs8_maybe_unchecked_der(key.secret_pkcs8_der()).unwrap();
    let sealing = ArcSealer::from_key(key).domain(sealer).selector("seal");
    let set = sealing.headers(["From", "To", "Subject", "Date", "Message-ID"]);
    let set = set.seal(&message, &results, &chain).unwrap().to_header();
    format!("{set}{changed}")
}

fn trusting(raw: impl Into<Vec<u8>>, sealers: &[&str]) -> CheckedMail {
    CheckedMail { trusted_sealers: sealers.iter().map(|s| (*s).to_owned()).collect(), ..fetched(raw) }
}

#[tokio::test]
async fn whoever_is_believed_says_what_it_saw_before_it_changed_a_mail() {
    let keys = folder();
    let (private, published) = make_key(keys.path(), "ed25519");
    let key = keys.path().join("ed25519.pem");
    let names = Names::serve([
        ("a._domainkey.example.org", text(published.clone())),
        ("seal._domainkey.lists.example", text(published.clone())),
        ("seal._domainkey.forward.example", text(published.clone())),
        ("seal._domainkey.evil.example.com", text(published)),
        ("_dmarc.example.org", text("v=DMARC1; p=reject")),
    ])
    .await;
    let signed = DkimSigner::new("example.org", "a", &private).unwrap().sign(MAIL.as_bytes()).unwrap();
    let signed = String::from_utf8(signed).unwrap();
    let once = hand_on(&names, "lists.example", &key, &signed).await;
    assert!(once.contains("ARC-Seal: ") && once.contains("[list]"), "{once}");
    assert_eq!(check(&names, fetched(once.clone())).await.dmarc, Fail, "nobody is believed");
    let believed = check(&names, trusting(once.clone(), &["lists.example"])).await;
    assert_eq!(outcomes(&believed), [Nothing, Fail, Pass], "{}", believed.detail);
    assert!(believed.detail.contains("lists.example saw it pass"), "{}", believed.detail);

    // Through two: each that came after who saw it is believed, or none is.
    let twice = hand_on(&names, "forward.example", &key, &once).await;
    for (trusted, expected) in [
        (&["forward.example", "lists.example"][..], Pass),
        (&["forward.example"], Fail),
        (&["lists.example"], Fail),
        (&["evil.example.com"], Fail),
    ] {
        let answer = check(&names, trusting(twice.clone(), trusted)).await;
        assert_eq!(answer.dmarc, expected, "{trusted:?}: {}", answer.detail);
    }

    // What was changed after it was sealed, another author, a forged mail that the sealer saw fail, and a stranger's seal.
    let forged = MAIL.replace("hello", "send money");
    let seen_failing = hand_on(&names, "lists.example", &key, &forged).await;
    let strangers = hand_on(&names, "evil.example.com", &key, &signed).await;
    let trusted = ["lists.example", "forward.example"];
    for (what, raw) in [
        ("body", once.replace("hello", "hallo")),
        ("subject", once.replace("[list]", "[buy]")),
        ("author", once.replace("Ada <ada@example.org>", "Eve <eve@example.org>")),
        ("another From", once.replace("To: help", "From: Eve <eve@example.org>\r\nTo: help")),
        ("results", once.replace("dmarc=pass", "spf=pass; dmarc=pass")),
        ("a failure", seen_failing.clone()),
        ("a failure that is said to have passed", seen_failing.replace("dmarc=fail", "dmarc=pass")),
        ("a stranger's seal", strangers),
    ] {
        let answer = check(&names, trusting(raw, &trusted)).await;
        assert_eq!(answer.dmarc, Fail, "{what}: {}", answer.detail);
    }

    // Nobody asks a name server for a stranger's sake.
    let before = names.asked();
    check(&names, trusting(once.replace("d=lists.example", "d=evil.example.com"), &trusted)).await;
    let with_seal = names.asked() - before;
    check(&names, fetched(once)).await;
    assert_eq!(names.asked() - before, 2 * with_seal);
}

#[tokio::test]
async fn whoever_answers_slowly_gets_no_forged_mail_past_the_check() {
    let keys = folder();
    let (private, published) = make_key(keys.path(), "ed25519");
    let key = keys.path().join("ed25519.pem");
    let selectors: Vec<String> = (0..8).map(|n| format!("s{n}")).collect();
    let slow: Vec<String> = selectors.iter().map(|s| format!("{s}._domainkey.evil.example.com")).collect();
    let parts: Vec<String> = (0..9).map(|n| format!("i{n}.evil.example.com")).collect();
    let includes: String = parts.iter().map(|part| format!(" include:{part}")).collect();
    let (nobody, key_of_seal) = (format!("v=spf1{includes} -all"), "seal._domainkey.evil.example.com");
    let mut zone = vec![
        ("evil.example.com", text(nobody)),
        ("a._domainkey.example.org", text(published.clone())),
        ("seal._domainkey.lists.example", text(published)),
        ("_dmarc.example.org", text("v=DMARC1; p=reject")),
        (key_of_seal, Entry::Silent),
    ];
    zone.extend(slow.iter().chain(&parts).map(|name| (name.as_str(), Entry::Silent)));
    let names = Names::serve(zone).await;

    // In Ada's name, with as many keys as are looked at and as many names as a policy may include.
    let mut forged = MAIL.to_owned();
    for selector in &selectors {
        let signed = DkimSigner::new("evil.example.com", selector, &private).unwrap().sign(MAIL.as_bytes());
        let signed = String::from_utf8(signed.unwrap()).unwrap();
        forged.insert_str(0, signed.strip_suffix(MAIL).unwrap());
    }
    let sealed = hand_on(&names, "lists.example", &key, MAIL).await.replace("dmarc=fail", "dmarc=pass");
    let (before, after) = sealed.split_once("ARC-Message-Signature:").unwrap();
    let elsewhere = format!(
        "{before}ARC-Message-Signature:{}",
        after.replacen("d=lists.example", "d=evil.example.com", 1)
    );
    assert!(elsewhere.contains("d=lists.example") && elsewhere.contains("d=evil.example.com"), "{elsewhere}");

    let by_machine = delivered(&forged, "203.0.113.9", "eve@evil.example.com");
    let by_seal = trusting(elsewhere, &["lists.example"]);
    let (by_machine, by_seal) = tokio::join!(check(&names, by_machine), check(&names, by_seal));
    assert_eq!(outcomes(&by_machine), [Nothing, Nothing, Fail], "{}", by_machine.detail);
    assert_eq!(by_seal.dmarc, Fail, "{}", by_seal.detail);
    assert!(!names.was_asked(key_of_seal), "nobody asks for the key of a signature that a stranger wrote");

    // Her own signature beside theirs is found all the same.
    let hers = DkimSigner::new("example.org", "a", &private).unwrap().sign(MAIL.as_bytes()).unwrap();
    let hers = String::from_utf8(hers).unwrap();
    let answer = check(&names, fetched(format!("{}{forged}", hers.strip_suffix(MAIL).unwrap()))).await;
    assert_eq!([answer.dkim, answer.dmarc], [Pass, Pass], "{}", answer.detail);
}
