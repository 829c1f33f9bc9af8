//! Mailboxes on a real Dovecot, in a folder and on ports of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base::Secret;
use engine::outside::{
    Bygone, MailCursor, Mailbox, MailboxAccess, MailboxSignIn, MailboxTls, Mailboxes, Wake,
};
use outside::{ImapConfig, ImapMailboxes};
use testkit::peers::{Dovecot, free_port};

fn access(dovecot: &Dovecot, tls: MailboxTls) -> MailboxAccess {
    MailboxAccess {
        host: "localhost".into(),
        port: if tls == MailboxTls::Tls { dovecot.imaps } else { dovecot.imap },
        tls,
        sign_in: MailboxSignIn::Password {
            username: Dovecot::USERNAME.into(),
            password: Secret::new(Dovecot::PASSWORD),
        },
        folder: "INBOX".into(),
    }
}

fn mailboxes_of(dovecot: &Dovecot, change: impl FnOnce(&mut ImapConfig)) -> ImapMailboxes {
    let mut config = ImapConfig {
        allow_networks: loopback(),
        ca_file: Some(dovecot.folder.path().join("cert.pem")),
        timeout_seconds: 20,
        ..ImapConfig::default()
    };
    change(&mut config);
    ImapMailboxes::new(config).unwrap()
}

async fn open(dovecot: &Dovecot) -> Box<dyn Mailbox> {
    mailboxes_of(dovecot, |_| {}).open(&access(dovecot, MailboxTls::None)).await.unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn loopback() -> Vec<base::IpNet> {
    ["127.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap()).into()
}

fn mail(subject: &str) -> String {
    format!("From: ada@example.net\r\nSubject: {subject}\r\n\r\nGr\u{fc}\u{df}e\r\n.\r\n")
}

fn texts(mails: &[(u32, bytes::Bytes)]) -> Vec<(u32, String)> {
    mails.iter().map(|(uid, mail)| (*uid, String::from_utf8(mail.to_vec()).unwrap())).collect()
}

#[tokio::test]
async fn each_mail_comes_once_across_connections_and_nothing_is_touched() {
    let dovecot = Dovecot::start("");
    let mut mailbox = open(&dovecot).await;
    let empty = mailbox.since(None, 10, None).await.unwrap();
    assert!(empty.mails.is_empty() && empty.cursor.last_uid == 0 && !empty.more && empty.restarted.is_none());

    for i in 1..=5 {
        dovecot.deliver(&format!("{i}.a"), &mail(&format!("number {i}")));
    }
    let first = mailbox.since(Some(empty.cursor), 3, None).await.unwrap();
    let expected = |range: std::ops::RangeInclusive<u32>| {
        range.map(|i| (i, mail(&format!("number {i}")))).collect::<Vec<_>>()
    };
    assert_eq!(texts(&first.mails), expected(1..=3));
    assert!(first.more && first.cursor.last_uid == 3);
    mailbox.close().await;

    // Another connection goes on where the first stopped, whatever somebody has read, answered or deleted meanwhile.
    let mut mailbox = open(&dovecot).await;
    fs::remove_file(dovecot.mails().into_iter().find(|path| read(path).contains("number 4")).unwrap())
        .unwrap();
    let second = mailbox.since(Some(first.cursor), 100, None).await.unwrap();
    assert_eq!(texts(&second.mails), expected(5..=5));
    assert!(!second.more && second.cursor.last_uid == 5);
    let nothing = mailbox.since(Some(second.cursor), 100, None).await.unwrap();
    assert!(nothing.mails.is_empty() && nothing.cursor == second.cursor);
    assert_eq!(mailbox.end().await.unwrap(), second.cursor);
    assert_eq!(mailbox.one(second.cursor.uidvalidity, 2, 1000).await.unwrap(), Some(mail("number 2").into()));
    assert_eq!(mailbox.one(second.cursor.uidvalidity, 4, 1000).await.unwrap(), None);
    assert_eq!(mailbox.one(second.cursor.uidvalidity + 1, 2, 1000).await.unwrap(), None);
    mailbox.close().await;

    assert_eq!(dovecot.mails().len(), 4);
    // Not even that somebody has seen them arrive.
    assert_eq!(fs::read_dir(dovecot.maildir().join("new")).unwrap().count(), 4);
    for path in dovecot.mails() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let flags = name.rsplit_once(",").map_or("", |(_, flags)| flags);
        assert!(!name.contains(":2,") || flags.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_folder_made_anew_is_read_from_the_start() {
    let dovecot = Dovecot::start("");
    for i in 1..=3 {
        dovecot.deliver(&format!("{i}.a"), &mail(&format!("number {i}")));
    }
    let mut mailbox = open(&dovecot).await;
    let before = mailbox.since(None, 10, None).await.unwrap();
    assert_eq!(before.mails.len(), 3);
    mailbox.close().await;
    dovecot.make_anew();
    dovecot.deliver("4.a", &mail("number 4"));
    let mut mailbox = open(&dovecot).await;
    let anew = mailbox.since(Some(before.cursor), 10, None).await.unwrap();
    assert!(anew.cursor.uidvalidity != before.cursor.uidvalidity && anew.cursor.last_uid == 0);
    assert_eq!((anew.restarted, anew.more, anew.mails.len()), (Some(4), true, 0));
    let after = mailbox.since(Some(anew.cursor), 10, None).await.unwrap();
    assert_eq!((after.restarted, after.mails.len()), (None, 4));
    let later = mailbox.since(Some(after.cursor), 10, None).await.unwrap();
    assert!(later.restarted.is_none() && later.mails.is_empty());
}

#[tokio::test]
async fn what_is_older_than_anybodys_interest_is_passed_over_in_a_folder_made_anew() {
    let dovecot = Dovecot::start("");
    let now = base::Clock::now(&base::SystemClock);
    for (name, days) in [("1.a", 400), ("2.a", 2), ("3.a", 1), ("4.a", 0)] {
        dovecot.deliver_at(name, &mail(name), now - base::hours(24 * days));
    }
    let mut mailbox = open(&dovecot).await;
    let names =
        |fetched: &engine::outside::Fetched| fetched.mails.iter().map(|(uid, _)| *uid).collect::<Vec<_>>();
    let before = |until_uid, hours| Some(Bygone { until_uid, before: now - base::hours(hours) });
    let cursor = MailCursor { last_uid: 0, ..mailbox.end().await.unwrap() };
    for (bygone, expected) in [
        (None, &[1, 2, 3, 4][..]),
        (before(4, 12), &[4]),
        (before(4, 30), &[3, 4]),
        (before(4, 60), &[2, 3, 4]),
        // What came behind it, or was moved here by somebody, is taken however old it is.
        (before(1, 12), &[2, 3, 4]),
        (before(0, 12), &[1, 2, 3, 4]),
    ] {
        let fetched = mailbox.since(Some(cursor), 10, bygone).await.unwrap();
        assert_eq!(names(&fetched), expected, "{bygone:?}");
        assert_eq!(fetched.cursor.last_uid, 4);
    }
}

#[tokio::test]
async fn new_mail_wakes_who_waits() {
    let dovecot = Dovecot::start("");
    dovecot.deliver("1.a", &mail("before"));
    let mut mailbox = open(&dovecot).await;
    let cursor = mailbox.since(None, 10, None).await.unwrap().cursor;
    assert_eq!(mailbox.idle(Duration::from_millis(300)).await.unwrap(), Wake::Nothing);
    let started = Instant::now();
    let wait = async { mailbox.idle(Duration::from_secs(60)).await.unwrap() };
    let send = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        // Somebody reads the first mail: news, and none of ours.
        let old = dovecot.mails().remove(0);
        let name = old.file_name().unwrap().to_str().unwrap().split(':').next().unwrap().to_owned();
        fs::rename(&old, dovecot.maildir().join("cur").join(format!("{name}:2,S"))).unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        dovecot.deliver("2.a", &mail("news"));
    };
    let (wake, ()) = tokio::join!(wait, send);
    assert_eq!(wake, Wake::Mail);
    let took = started.elapsed();
    assert!(took > Duration::from_millis(1400) && took < Duration::from_secs(20), "{took:?}");
    let news = mailbox.since(Some(cursor), 10, None).await.unwrap();
    assert_eq!(texts(&news.mails), [(2, mail("news"))]);

    // What comes between looking and waiting is not slept through.
    dovecot.deliver("3.a", &mail("between"));
    assert_eq!(mailbox.idle(Duration::from_secs(30)).await.unwrap(), Wake::Mail);
    assert_eq!(mailbox.since(Some(news.cursor), 10, None).await.unwrap().mails.len(), 1);
}

#[tokio::test]
async fn a_server_that_cannot_tell_is_asked() {
    let dovecot = Dovecot::start("imap_capability = IMAP4rev1 LITERAL+");
    let mailboxes = mailboxes_of(&dovecot, |config| config.poll_seconds = 1);
    let mut mailbox = mailboxes.open(&access(&dovecot, MailboxTls::None)).await.unwrap();
    let cursor = mailbox.end().await.unwrap();
    assert_eq!(mailbox.idle(Duration::from_millis(200)).await.unwrap(), Wake::Nothing);
    dovecot.deliver("1.a", &mail("news"));
    assert_eq!(mailbox.idle(Duration::from_secs(30)).await.unwrap(), Wake::Mail);
    assert_eq!(mailbox.since(Some(cursor), 10, None).await.unwrap().mails.len(), 1);
}

#[tokio::test]
async fn what_is_too_large_or_withheld_is_reported_and_holds_nothing_up() {
    let dovecot = Dovecot::start("");
    dovecot.deliver("1.a", &mail("small"));
    dovecot.deliver("2.a", &format!("{}{}", mail("large"), "x".repeat(20_000)));
    dovecot.deliver("3.a", &mail("after"));
    let mailboxes = mailboxes_of(&dovecot, |config| config.max_mail_bytes = 10_000);
    let mut mailbox = mailboxes.open(&access(&dovecot, MailboxTls::None)).await.unwrap();
    let fetched = mailbox.since(None, 10, None).await.unwrap();
    assert_eq!(texts(&fetched.mails), [(1, mail("small")), (3, mail("after"))]);
    let [(2, size)] = fetched.too_large[..] else { panic!("{:?}", fetched.too_large) };
    assert!((20_000..21_000).contains(&size), "{size}");
    assert_eq!(fetched.cursor.last_uid, 3);
    // An operator may still have it, with a limit of their own.
    assert_eq!(
        mailbox.one(fetched.cursor.uidvalidity, 2, 10_000).await.unwrap_err().code(),
        "imap.too_large"
    );
    let large = mailbox.one(fetched.cursor.uidvalidity, 2, 50_000).await.unwrap().unwrap();
    assert_eq!(large.len() as u64, size);
}

#[tokio::test]
async fn a_large_folder_is_read_in_parts_of_bounded_size() {
    let dovecot = Dovecot::start("");
    let body = "0123456789".repeat(200_000);
    for i in 0..700 {
        let large = if i % 20 == 0 { body.as_str() } else { "" };
        dovecot.deliver(&format!("{i}.a"), &format!("{}{large}", mail(&format!("number {i}"))));
    }
    let mut mailbox = open(&dovecot).await;
    let (mut cursor, mut uids, mut rounds) = (None::<MailCursor>, Vec::new(), 0);
    loop {
        let fetched = mailbox.since(cursor, 500, None).await.unwrap();
        let bytes: usize = fetched.mails.iter().map(|(_, mail)| mail.len()).sum();
        assert!(bytes <= 33 * 1024 * 1024 && fetched.mails.len() <= 500);
        uids.extend(fetched.mails.iter().map(|(uid, _)| *uid));
        cursor = Some(fetched.cursor);
        rounds += 1;
        if !fetched.more {
            break;
        }
    }
    assert_eq!(uids, (1..=700).collect::<Vec<_>>());
    assert!(rounds >= 3, "{rounds}");
}

#[tokio::test]
async fn access_is_checked_and_refusals_are_told_apart() {
    let dovecot = Dovecot::start("");
    let mailboxes = mailboxes_of(&dovecot, |_| {});
    for tls in [MailboxTls::Tls, MailboxTls::Starttls, MailboxTls::None] {
        let mut mailbox = mailboxes.open(&access(&dovecot, tls)).await.unwrap();
        assert!(mailbox.since(None, 1, None).await.unwrap().mails.is_empty());
        mailbox.close().await;
    }
    let log = dovecot.log();
    assert_eq!(log.matches(", TLS, session=").count(), 2, "{log}");

    let code = async |mailboxes: &ImapMailboxes, access: MailboxAccess| {
        let error = mailboxes.open(&access).await.err().unwrap();
        assert!(!error.message().contains("s3cr") && !error.message().contains("wrong"), "{error}");
        error.code()
    };
    let with = |change: fn(&mut MailboxAccess)| {
        let mut access = access(&dovecot, MailboxTls::Starttls);
        change(&mut access);
        access
    };
    let password = |access: &mut MailboxAccess| {
        let password = Secret::new("wrong");
        access.sign_in = MailboxSignIn::Password { username: "ada".into(), password };
    };
    assert_eq!(code(&mailboxes, with(password)).await, "imap.sign_in");
    assert_eq!(code(&mailboxes, with(|access| access.folder = "Nope \"x".into())).await, "imap.folder");
    assert_eq!(code(&mailboxes, with(|access| access.folder = "a\r\nb".into())).await, "imap.access");
    assert_eq!(code(&mailboxes, with(|access| access.port = 0)).await, "imap.access");
    assert_eq!(code(&mailboxes, with(|access| access.port = free_port())).await, "imap.unreachable");
    assert_eq!(
        code(&mailboxes, with(|access| access.host = "nowhere.invalid".into())).await,
        "imap.unreachable"
    );
    // Nobody vouches for the certificate.
    let doubting = mailboxes_of(&dovecot, |config| config.ca_file = None);
    assert_eq!(code(&doubting, access(&dovecot, MailboxTls::Tls)).await, "imap.tls");
    assert_eq!(code(&doubting, access(&dovecot, MailboxTls::Starttls)).await, "imap.tls");
    // A tenant does not look around in our network.
    let strict = mailboxes_of(&dovecot, |config| config.allow_networks = Vec::new());
    assert_eq!(code(&strict, access(&dovecot, MailboxTls::Tls)).await, "imap.refused");
}

#[tokio::test]
async fn a_token_signs_in_where_passwords_are_gone() {
    // Dovecot asks who a token belongs to, as it would ask an identity provider.
    let provider = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = provider.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in provider.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).unwrap_or(0);
            let good = String::from_utf8_lossy(&buffer[..length]).contains("token=good-token");
            let body = if good { r#"{"username": "ada"}"# } else { r#"{"error": "invalid_token"}"# };
            let status = if good { "200 OK" } else { "401 Unauthorized" };
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    // As Microsoft and Google speak it, and as the standard has it where nothing else is offered.
    for mechanisms in ["plain login xoauth2 oauthbearer", "plain oauthbearer"] {
        let dovecot = Dovecot::start(&format!(
            "auth_mechanisms = {mechanisms}\npassdb {{\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = {{folder}}/oauth2.conf\n}}"
        ));
        let config =
            format!("tokeninfo_url = http://127.0.0.1:{port}/?token=\nusername_attribute = username\n");
        fs::write(dovecot.folder.path().join("oauth2.conf"), config).unwrap();
        dovecot.deliver("1.a", &mail("hello"));
        let mailboxes = mailboxes_of(&dovecot, |_| {});
        let mut access = access(&dovecot, MailboxTls::Tls);
        for (token, code) in [("good-token", None), ("stale-token", Some("imap.sign_in"))] {
            access.sign_in =
                MailboxSignIn::Token { username: "ada".into(), access_token: Secret::new(token) };
            match (mailboxes.open(&access).await, code) {
                (Ok(mut mailbox), None) => {
                    assert_eq!(mailbox.since(None, 10, None).await.unwrap().mails.len(), 1);
                }
                (opened, code) => {
                    assert_eq!(opened.err().map(|error| error.code()), code, "{}", dovecot.log());
                }
            }
        }
        let spoken = if mechanisms.contains("xoauth2") { "method=XOAUTH2" } else { "method=OAUTHBEARER" };
        assert!(dovecot.log().contains(spoken), "{}", dovecot.log());
    }
}

/// A server of one conversation, for what no real one can be told to do: answers each line with the next text.
fn scripted(greeting: &'static str, answers: &'static [(&'static str, &'static str)]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(greeting.as_bytes()).unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        while stream.read(&mut byte).unwrap_or(0) == 1 {
            line.push(byte[0]);
            if byte[0] != b'\n' {
                continue;
            }
            let text = String::from_utf8_lossy(&line).into_owned();
            let tag = text.split(' ').next().unwrap().to_owned();
            let found = answers.iter().find(|(command, _)| text.contains(command));
            let answer = found.map_or("TAG OK\r\n", |(_, answer)| *answer).replace("TAG", &tag);
            let _ = stream.write_all(answer.as_bytes());
            line.clear();
        }
    });
    port
}

const OPENS: [(&str, &str); 2] = [
    ("CAPABILITY", "* CAPABILITY IMAP4rev1 IDLE\r\nTAG OK\r\n"),
    ("EXAMINE", "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 4] x\r\nTAG OK [READ-ONLY] x\r\n"),
];

async fn open_scripted(
    tls: MailboxTls,
    greeting: &'static str,
    answers: &'static [(&'static str, &'static str)],
) -> base::Result<Box<dyn Mailbox>> {
    let access = MailboxAccess {
        host: "127.0.0.1".into(),
        port: scripted(greeting, answers),
        tls,
        sign_in: MailboxSignIn::Password { username: "ada".into(), password: Secret::new("x") },
        folder: "INBOX".into(),
    };
    let config = ImapConfig { allow_networks: loopback(), timeout_seconds: 2, ..ImapConfig::default() };
    ImapMailboxes::new(config).unwrap().open(&access).await
}

#[tokio::test]
async fn nobody_in_the_middle_keeps_us_from_encrypting() {
    for (greeting, answers, code) in [
        ("* PREAUTH welcome ada\r\n", &[][..], "imap.protocol"),
        ("* OK hi\r\n", &[("STARTTLS", "TAG BAD what\r\n")], "imap.tls"),
        ("* OK hi\r\n", &[("STARTTLS", "TAG NO\r\n")], "imap.tls"),
        // Something said along with the answer, and then no handshake.
        ("* OK hi\r\n", &[("STARTTLS", "TAG OK\r\n* CAPABILITY IMAP4rev1\r\n")], "imap.tls"),
        ("* BYE full\r\n", &[], "imap.unreachable"),
        ("220 mx ESMTP\r\n", &[], "imap.protocol"),
    ] {
        let error = open_scripted(MailboxTls::Starttls, greeting, answers).await.err().unwrap();
        assert!(error.code() == code || error.code() == "imap.unreachable", "{greeting}: {error}");
    }
}

#[tokio::test]
async fn a_mail_the_server_withholds_is_not_taken_for_gone() {
    const ANSWERS: [(&str, &str); 6] = [
        OPENS[0],
        OPENS[1],
        ("SEARCH UID 1:*", "* SEARCH 1 2 3\r\nTAG OK\r\n"),
        ("SEARCH UID 2", "* SEARCH 2\r\nTAG OK\r\n"),
        (
            "SIZE",
            "* 1 FETCH (UID 1 RFC822.SIZE 3)\r\n* 2 FETCH (UID 2 RFC822.SIZE 3)\r\n* 3 FETCH (UID 3 RFC822.SIZE 3)\r\nTAG OK\r\n",
        ),
        (
            "BODY.PEEK",
            "* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n* 3 FETCH (UID 3 BODY[] {3}\r\ndef)\r\nTAG NO [SERVERBUG] disk\r\n",
        ),
    ];
    let mut mailbox = open_scripted(MailboxTls::None, "* OK hi\r\n", &ANSWERS).await.unwrap();
    let fetched = mailbox.since(None, 10, None).await.unwrap();
    assert_eq!(fetched.mails, [(1, "abc".into()), (3, "def".into())]);
    let [(2, why)] = &fetched.unreadable[..] else { panic!("{:?}", fetched.unreadable) };
    assert!(why.contains("disk"), "{why}");
    assert_eq!(fetched.cursor, MailCursor { uidvalidity: 7, last_uid: 3 });
}

#[tokio::test]
async fn the_last_mail_is_not_taken_for_a_new_one() {
    // `4:*` is `*:4` where nothing is behind 3, and this server does not say what comes next.
    const ANSWERS: [(&str, &str); 5] = [
        OPENS[0],
        ("EXAMINE", "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nTAG OK\r\n"),
        ("SEARCH", "* SEARCH 3\r\nTAG OK\r\n"),
        ("SIZE", "* 3 FETCH (UID 3 RFC822.SIZE 3)\r\nTAG OK\r\n"),
        ("BODY.PEEK", "* 3 FETCH (UID 3 BODY[] {3}\r\nabc)\r\nTAG OK\r\n"),
    ];
    let mut mailbox = open_scripted(MailboxTls::None, "* OK hi\r\n", &ANSWERS).await.unwrap();
    let cursor = mailbox.end().await.unwrap();
    assert_eq!(cursor, MailCursor { uidvalidity: 7, last_uid: 3 });
    let fetched = mailbox.since(Some(cursor), 10, None).await.unwrap();
    assert!(fetched.mails.is_empty() && fetched.unreadable.is_empty() && fetched.cursor == cursor);
}

#[tokio::test]
async fn a_server_that_breaks_off_moves_no_cursor() {
    const LOST: [(&str, &str); 3] = [OPENS[0], OPENS[1], ("SEARCH", "* BYE going down\r\n")];
    const REFUSED: [(&str, &str); 3] = [OPENS[0], OPENS[1], ("SEARCH", "TAG NO not now\r\n")];
    const SILENT: [(&str, &str); 3] = [OPENS[0], OPENS[1], ("SEARCH", "")];
    const GARBAGE: [(&str, &str); 3] = [OPENS[0], OPENS[1], ("SEARCH", "* \u{1}\u{2} secret mail\r\n")];
    const NO_UIDS: [(&str, &str); 2] = [OPENS[0], ("EXAMINE", "* 3 EXISTS\r\nTAG OK\r\n")];
    for (answers, code) in [
        (&LOST[..], "imap.lost"),
        (&REFUSED, "imap.protocol"),
        (&SILENT, "imap.lost"),
        (&GARBAGE, "imap.protocol"),
    ] {
        let mut mailbox = open_scripted(MailboxTls::None, "* OK hi\r\n", answers).await.unwrap();
        let error = mailbox.since(None, 10, None).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.message().contains("secret mail"), "{error}");
    }
    let error = open_scripted(MailboxTls::None, "* OK hi\r\n", &NO_UIDS).await.err().unwrap();
    assert_eq!(error.code(), "imap.protocol");
}

/// A server that opens a folder as it should and then answers one command with the same again and again, until nobody listens.
/// `N` counts. Answers how much of it was taken.
fn endless(command: &'static str, answer: &'static str, pause: Duration) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"* OK hi\r\n").unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        for line in lines.map_while(Result::ok) {
            let tag = line.split(' ').next().unwrap();
            if line.contains(command) {
                for n in 1.. {
                    let said = answer.replace('N', &n.to_string());
                    if stream.write_all(said.as_bytes()).is_err() {
                        return;
                    }
                    count.fetch_add(said.len(), Ordering::Relaxed);
                    std::thread::sleep(pause);
                }
            }
            let known = [OPENS[0], OPENS[1], ("SEARCH", "* SEARCH 1 2 3\r\nTAG OK\r\n"), ("SIZE", SIZES)];
            let found = known.iter().find(|(command, _)| line.contains(command));
            let said = found.map_or("TAG OK\r\n", |(_, answer)| *answer).replace("TAG", tag);
            stream.write_all(said.as_bytes()).unwrap();
        }
    });
    (port, taken)
}

const SIZES: &str = "* 1 FETCH (UID 1 RFC822.SIZE 3)\r\n* 2 FETCH (UID 2 RFC822.SIZE 3)\r\n* 3 FETCH (UID 3 RFC822.SIZE 3)\r\nTAG OK\r\n";

async fn open_endless(port: u16) -> base::Result<Box<dyn Mailbox>> {
    let access = MailboxAccess {
        host: "127.0.0.1".into(),
        port,
        tls: MailboxTls::None,
        sign_in: MailboxSignIn::Password { username: "ada".into(), password: Secret::new("x") },
        folder: "INBOX".into(),
    };
    let config = ImapConfig {
        allow_networks: loopback(),
        timeout_seconds: 1,
        max_mail_bytes: 1024 * 1024,
        ..ImapConfig::default()
    };
    ImapMailboxes::new(config).unwrap().open(&access).await
}

#[tokio::test]
async fn a_server_makes_us_hold_no_more_than_we_asked_for() {
    let mail: &str = Box::leak(
        format!("* N FETCH (UID N BODY[] {{200000}}\r\n{})\r\n", "x".repeat(200_000)).into_boxed_str(),
    );
    let again: &str = Box::leak(mail.replace("UID N", "UID 1").into_boxed_str());
    let long: &str = Box::leak(format!("* SEARCH{}\r\n", " 7".repeat(100_000)).into_boxed_str());
    let line: &str = Box::leak("* SEARCH 1".repeat(10_000).into_boxed_str());
    // In words for people that is no announcement.
    let words: &str = Box::leak(format!("* OK {}{{530000000}}\r\n", "x".repeat(20_000)).into_boxed_str());
    let nested: &str =
        Box::leak(format!("* 1 FETCH (BODYSTRUCTURE {}", "(".repeat(100_000)).into_boxed_str());
    for (command, answer, most) in [
        ("BODY.PEEK", mail, 60_000_000),
        // Of what is asked for, over and over.
        ("BODY.PEEK", again, 60_000_000),
        ("BODY.PEEK", "* 1 FETCH (UID 1 BODY[] {530000000}\r\n", 4_000_000),
        ("SEARCH", long, 40_000_000),
        ("SEARCH", line, 40_000_000),
        ("SIZE", "* N FETCH (UID N RFC822.SIZE 3)\r\n", 40_000_000),
        ("SIZE", nested, 40_000_000),
        ("LOGIN", words, 40_000_000),
        ("EXAMINE", words, 40_000_000),
    ] {
        let (port, taken) = endless(command, answer, Duration::ZERO);
        let what = answer.get(..60).unwrap_or(answer);
        let error = match open_endless(port).await {
            Ok(mut mailbox) => mailbox.since(None, 10, None).await.unwrap_err(),
            Err(error) => error,
        };
        // Where a machine is slow the time is over first.
        assert!(
            ["imap.protocol", "imap.lost", "imap.unreachable"].contains(&error.code()),
            "{what}: {error}"
        );
        // What lies in the buffers of the two systems is on top.
        let taken = taken.load(Ordering::Relaxed);
        assert!(taken < most, "{what}: {taken} bytes");
    }
}

#[tokio::test]
async fn a_server_that_never_comes_to_its_end_is_left() {
    let (port, _) = endless("SIZE", "* 3 EXISTS\r\n", Duration::from_millis(50));
    let mut mailbox = open_endless(port).await.unwrap();
    let begun = Instant::now();
    assert_eq!(mailbox.since(None, 10, None).await.unwrap_err().code(), "imap.lost");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_was_not_asked_for_is_not_taken() {
    const ANSWERS: [(&str, &str); 5] = [
        OPENS[0],
        OPENS[1],
        ("SEARCH", "* SEARCH 2\r\nTAG OK\r\n"),
        (
            "SIZE",
            "* 1 FETCH (UID 1 RFC822.SIZE 3)\r\n* 2 FETCH (UID 2 RFC822.SIZE 3 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")\r\nTAG OK\r\n",
        ),
        (
            "BODY.PEEK",
            "* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n* 2 FETCH (UID 2 BODY[] {3}\r\ndef)\r\n* 9 FETCH (UID 9 BODY[] {3}\r\nghi)\r\nTAG OK\r\n",
        ),
    ];
    let mut mailbox = open_scripted(MailboxTls::None, "* OK hi\r\n", &ANSWERS).await.unwrap();
    let fetched = mailbox.since(Some(MailCursor { uidvalidity: 7, last_uid: 1 }), 10, None).await.unwrap();
    assert_eq!(fetched.mails, [(2, "def".into())]);
    assert_eq!(fetched.cursor.last_uid, 2);
}

#[tokio::test]
async fn folders_are_called_what_people_like() {
    let dovecot = Dovecot::start(
        "namespace inbox {\n inbox = yes\n mailbox Gesendet {\n auto = create\n special_use = \\Sent\n }\n}",
    );
    let mailboxes = mailboxes_of(&dovecot, |_| {});
    let name = "((((((((((((( \"of\" old";
    let (folder, owner) = (dovecot.maildir().join(format!(".{name}")), dovecot.maildir());
    for part in ["new", "cur", "tmp"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    fs::write(folder.join("new/1"), mail("in an odd folder")).unwrap();
    let owned =
        std::process::Command::new("chown").arg("-R").arg("--reference").arg(owner).arg(&folder).status();
    assert!(owned.unwrap().success());
    let at = access(&dovecot, MailboxTls::None);
    assert_eq!(mailboxes.sent_folder(&at).await.unwrap().as_deref(), Some("Gesendet"));
    let mut open = mailboxes.open(&MailboxAccess { folder: name.into(), ..at.clone() }).await.unwrap();
    assert_eq!(open.since(None, 10, None).await.unwrap().mails.len(), 1);
    open.close().await;
    // One that is not there is said to be that, in the server's words with all their brackets.
    let gone = MailboxAccess { folder: format!("{name}er"), ..at };
    let Err(error) = mailboxes.open(&gone).await else { panic!("it is not there") };
    assert_eq!(error.code(), "imap.folder", "{error}");
}
