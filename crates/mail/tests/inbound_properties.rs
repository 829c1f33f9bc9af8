//! What must hold for any bytes that come in: they are read or refused, never a panic, always the same, and in a time
//! that grows with their number alone.
//!
//! `COUNTERFOIL_FUZZ_SECONDS=60 cargo test -p counterfoil-mail --test inbound_properties mutated` looks for longer;
//! the seed of a mail that breaks something is printed.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::{
    path::Path,
    time::{Duration, Instant},
};

use mail::inbound::{
    Incoming, Limits, Piece, PieceKind, fold, numbers_in_subject, read,
    sender::{Rules, resolve},
};
use mail_parser::{Message, MessageParser, PartType};
use proptest::prelude::*;

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut mails: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap()))
        .collect();
    mails.sort();
    assert!(mails.len() >= 80);
    mails
}

/// Everything that is promised of a mail that was read.
fn check(raw: &[u8]) {
    let limits = Limits { body_chars: 2_000, ..Limits::default() };
    let result = read(raw, &limits);
    assert_eq!(read(raw, &limits), result, "reading twice gives the same");
    let Ok(mail) = result else { return };
    let one_line = |text: &str| !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    assert!(one_line(&mail.subject) && mail.subject.chars().count() <= 200);
    let people =
        mail.from.iter().chain(&mail.sender).chain(mail.original_authors.iter().map(|(_, person)| person));
    for person in people.chain(&mail.reply_to).chain(&mail.to).chain(&mail.cc) {
        assert!(one_line(&person.name) && person.name.chars().count() <= 200, "{:?}", person.name);
    }
    assert!(mail.to.len() + mail.cc.len() <= limits.recipients);
    assert!(!mail.text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{:?}", mail.text);
    assert!(mail.text.chars().count() <= limits.body_chars);
    assert!(!mail.html.as_ref().is_some_and(|html| html.contains('\0')));
    for id in mail.message_id.iter().chain(&mail.in_reply_to).chain(&mail.references) {
        assert!(
            id.len() >= 5
                && id.contains('@')
                && id.bytes().all(|c| c.is_ascii_graphic() && c != b'<' && c != b'>')
        );
    }
    assert!(mail.in_reply_to.len() <= 100 && mail.references.len() <= 100);
    assert!(mail.files.len() <= limits.parts);
    for file in &mail.files {
        let name = &file.filename;
        assert!(!name.is_empty() && one_line(name) && name.chars().count() <= 150, "{name:?}");
        assert!(!name.contains(['/', '\\', '<', '>', '"', '\u{202e}']) && !name.starts_with('.'), "{name:?}");
        assert!(file.content_type.contains('/') && file.content_type.bytes().all(|c| c.is_ascii_graphic()));
    }
    assert_eq!(mail.bounce.is_some(), mail.automated.as_ref().is_some_and(|a| a.kind.as_str() == "bounce"));
    if let Some(automated) = &mail.automated {
        assert!(one_line(&automated.reason) && !automated.reason.is_empty());
    }
    check_fold(&mail.text);
    numbers_in_subject(&mail.subject);
    let rules =
        Rules { forwarders: mail.from.iter().map(|from| from.email.clone()).collect(), ..Rules::default() };
    for rules in [rules, Rules::default()] {
        assert!(!resolve(&mail, &rules).reason.is_empty());
    }
}

fn check_fold(text: &str) -> Vec<Piece> {
    let pieces = fold(text);
    assert_eq!(pieces.iter().map(|piece| piece.text.as_str()).collect::<String>(), text);
    assert!(pieces.iter().all(|piece| !piece.text.is_empty()));
    assert!(pieces.windows(2).all(|pair| pair[0].kind != pair[1].kind));
    if pieces.iter().any(|piece| piece.kind == PieceKind::Quoted) {
        let said = pieces.iter().any(|piece| piece.kind == PieceKind::Said && !piece.text.trim().is_empty());
        assert!(said, "a text is never folded away as a whole: {text:?}");
    }
    pieces
}

#[test]
fn the_corpus_keeps_the_promises() {
    for (_, raw) in corpus() {
        check(&raw);
        // Cut anywhere.
        for at in (0..raw.len()).step_by(raw.len() / 40 + 1) {
            check(&raw[..at]);
        }
    }
}

/// Two deliveries of one mail differ in what servers write above it and in how they write lines.
#[test]
fn the_body_hash_outlives_a_delivery() {
    for (name, raw) in corpus() {
        let Ok(mail) = read(&raw, &Limits::default()) else { continue };
        if name.starts_with("broken-") || name.contains("raw-latin-1") || !raw.contains(&b'\n') {
            continue;
        }
        let mut other =
            b"Received: from elsewhere by here; Sat, 21 Nov 2026 10:00:00 +0000\r\nX-Spam-Score: 0\r\n"
                .to_vec();
        other.extend_from_slice(&raw);
        assert_eq!(read(&other, &Limits::default()).unwrap().body_hash, mail.body_hash, "{name}");
        let has_16_bits = name.contains("utf-16");
        if !has_16_bits {
            let lines: Vec<u8> = other.iter().copied().filter(|c| *c != b'\r').collect();
            assert_eq!(read(&lines, &Limits::default()).unwrap().body_hash, mail.body_hash, "{name}, LF");
        }
    }
}

#[test]
fn the_body_hash_tells_bodies_apart() {
    let hash = |raw: &str| read(raw.as_bytes(), &Limits::default()).unwrap().body_hash;
    assert_eq!(hash("Subject: a\n\nhello \n"), hash("Subject: b\r\n\r\nhello\r\n\r\n"));
    assert_ne!(hash("Subject: a\n\nhello\n"), hash("Subject: a\n\nhello!\n"));
    let with = |file: &str| {
        hash(&format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhi\n--b\nContent-Type: image/png\n\n{file}\n--b--\n"
        ))
    };
    assert_eq!(with("x"), with("x"));
    assert_ne!(with("x"), with("y"));
    let encoded = "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n=FC=20\n";
    let plain = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nü\n";
    assert_eq!(hash(encoded), hash(plain));
}

/// Where the structure is sound, another library takes it apart in the same way.
#[test]
fn another_parser_agrees_on_sound_mail() {
    for (name, raw) in corpus() {
        let Ok(mail) = read(&raw, &Limits::default()) else { continue };
        if name.starts_with("broken-") || name.starts_with("charset-") {
            continue;
        }
        let parsed = MessageParser::new().parse(&raw).unwrap();
        let ours = mail
            .files
            .iter()
            .filter(|file| file.content_type == "image/png" || file.content_type == "application/zip");
        let theirs = parsed.attachments().filter(|part| {
            matches!(&part.body, PartType::Binary(_) | PartType::InlineBinary(_))
                && part.headers.iter().any(|h| {
                    h.value.as_content_type().is_some_and(|c| {
                        matches!(
                            (c.ctype(), c.subtype()),
                            ("image", Some("png")) | ("application", Some("zip"))
                        )
                    })
                })
        });
        let ours: Vec<&[u8]> = ours.map(|file| file.content.as_slice()).collect();
        let theirs: Vec<&[u8]> = theirs.map(|part| part.contents()).collect();
        assert_eq!(ours, theirs, "{name}");
        assert_eq!(mail.message_id.as_deref(), parsed.message_id(), "{name}");
    }
}

/// In mail whose structure is sound, a parser that recurses finds nothing deeper than the limit either.
#[test]
fn what_is_read_is_not_deep() {
    fn depth(message: &Message<'_>) -> usize {
        let inner = message.parts.iter().filter_map(|part| match &part.body {
            PartType::Message(message) => Some(depth(message)),
            _ => None,
        });
        1 + inner.max().unwrap_or(0)
    }
    let limits = Limits::default();
    for levels in [1, 19, 20, 21, 50, 100_000] {
        let raw = format!("{}x", "Content-Type: message/rfc822\n\n".repeat(levels));
        match read(raw.as_bytes(), &limits) {
            Ok(_) => {
                assert!(levels <= limits.depth);
                assert!(depth(&MessageParser::new().parse(&raw).unwrap()) <= limits.depth + 1);
            }
            Err(refused) => {
                assert!(levels > limits.depth, "{levels}");
                assert_eq!(refused.code, "mail.too_deep");
            }
        }
    }
}

fn code(raw: &[u8]) -> &'static str {
    read(raw, &Limits::default()).map(|_| "read").unwrap_or_else(|refused| refused.code)
}

/// How long reading takes; the machine may be busy, so only what is not linear is too slow.
fn in_time(what: &str, raw: &[u8]) -> Option<Incoming> {
    let started = Instant::now();
    let result = read(raw, &Limits::default());
    if let Ok(mail) = &result {
        fold(&mail.text);
        resolve(mail, &Rules { forwarders: vec!["eve@example.net".parse().unwrap()], ..Rules::default() });
    }
    let took = started.elapsed();
    eprintln!(
        "{took:>10.1?} {:>9} bytes {what}: {:?}",
        raw.len(),
        result.as_ref().map(|_| "read").map_err(|r| r.code)
    );
    assert!(took < Duration::from_secs(15), "{what} took {took:?}");
    result.ok()
}

#[test]
fn attacks_are_refused_or_read_in_time() {
    const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n\n";
    assert_eq!(code(&vec![b'a'; 100 * 1024 * 1024]), "mail.too_large");
    assert_eq!(code(b""), "mail.empty");
    assert_eq!(code(b"\r\n\0\n"), "mail.empty");
    let many: Vec<String> = (0..10_000).map(|i| format!("p{i}@example.org")).collect();
    assert_eq!(code(format!("To: {}\n\nx", many.join(", ")).as_bytes()), "mail.too_many_recipients");
    assert_eq!(code(format!("To: {}\n\nx", many.join("\nTo: ")).as_bytes()), "mail.too_many_headers");
    assert_eq!(code(format!("Cc: {}\n\nx", many[..1_000].join(", ")).as_bytes()), "read");
    // Names with commas count as one each.
    let named: Vec<String> = (0..600).map(|i| format!("\"Doe, John\" <p{i}@example.org>")).collect();
    assert_eq!(code(format!("To: {}\n\nx", named.join(", ")).as_bytes()), "read");

    let nested: String =
        (0..100_000).map(|i| format!("Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n")).collect();
    assert_eq!(code(nested.as_bytes()), "mail.too_deep");

    // Enough for what is not linear to take minutes.
    let size = 2 * 1024 * 1024;
    let body = |head: &str, piece: &str| format!("{head}{}", piece.repeat(size / piece.len())).into_bytes();
    let dashes = "-".repeat(200);
    // A boundary that almost fits everywhere.
    in_time(
        "dashes",
        &body(&format!("Content-Type: multipart/mixed; boundary=\"{dashes}x\"\n\n--{dashes}x\n\n"), "-"),
    );
    in_time(
        "lines of dashes",
        &body(&format!("Content-Type: multipart/mixed; boundary=\"{dashes}x\"\n\n"), &format!("{dashes}-\n")),
    );
    let twenty: String = (0..19)
        .map(|i| format!("Content-Type: multipart/mixed; boundary=\"{dashes}{i}\"\n\n--{dashes}{i}\n"))
        .collect();
    in_time("twenty boundaries", &body(&format!("{twenty}\n\n"), &format!("--{dashes}\n")));
    in_time("empty lines", &body(MIXED, "\n"));
    in_time("one line", &body("Subject: x\n\n", "a"));
    in_time("carriage returns", &body("Subject: x\r\r", "\r"));
    in_time("quoted-printable", &body("Content-Transfer-Encoding: quoted-printable\n\n", "= "));
    in_time("base64", &body("Content-Transfer-Encoding: base64\n\n", "====A"));
    in_time("iso-2022-jp", &body("Content-Type: text/plain; charset=iso-2022-jp\n\n", "\u{1b}$B"));
    in_time("utf-7", &body("Content-Type: text/plain; charset=utf-7\n\n", "+A"));
    for piece in [
        "> \n",
        "> \n\n",
        "a\n",
        "x\n\n",
        "On 1\n",
        "On 1 wrote:\n",
        "-- \n",
        "--\n",
        "_____\n\n",
        "_____\nFrom: a\n",
    ] {
        in_time(&format!("lines of {piece:?}"), &body("From: eve@example.net\nSubject: Fwd: x\n\n", piece));
    }
    for piece in [
        "Sent from my iPhone\n",
        "From: a\nTo: b\n",
        "---- Forwarded message ----\n",
        "---- Original message ----\n",
    ] {
        in_time(
            &format!("lines of {piece:?}"),
            &body("From: eve@example.net\nSubject: Fwd: x\n\n", &format!("x\n{piece}")),
        );
        in_time(&format!("lines of {piece:?}"), &body("Subject: x\n\n", piece));
    }
    for piece in ["<", "<a href=\"", "<!--", "<style>", "&", "<blockquote>", "<a href=http://x>y</a>", "cid:"]
    {
        in_time(&format!("HTML of {piece}"), &body("Content-Type: text/html\n\n", piece));
    }
    for name in [
        "From",
        "To",
        "Subject",
        "Content-Type",
        "Content-Disposition",
        "References",
        "Date",
        "List-Id",
        "Message-ID",
    ] {
        for piece in ["(", "\"", "<", "=?", "=?a?q?", "=?a?b?", "\\", "a,", "a@b;", ";a*1*=", ":", "1 "] {
            let value = piece.repeat(200_000 / piece.len());
            in_time(&format!("{name} of {piece}"), format!("{name}: x/y; {value}\n\nx").as_bytes());
        }
    }
    let text = "X-Failed-Recipients: a@b.example\n\n";
    let shown = "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: image/png\nContent-ID: <a@b.c>\n\nx\n\
                 --b\nContent-Type: text/html\n\n";
    for piece in ["cid:", "cid:a@b.c ", "cid:%41"] {
        in_time(&format!("pictures of {piece}"), &body(shown, piece));
    }
    in_time("bounce", &body(text, "<a@b.example> 5.1.1 message-id: <\n"));
}

#[test]
fn a_bomb_stays_packed() {
    let mail = corpus().into_iter().find(|(name, _)| name == "zip-bomb").unwrap().1;
    let mail = read(&mail, &Limits::default()).unwrap();
    assert!(mail.files[0].content.starts_with(b"PK\x03\x04"));
    assert!(mail.files[0].content.len() < 10_000);
}

#[test]
fn long_text_is_cut() {
    let raw = format!("Subject: x\n\n{}", "ä".repeat(70_000));
    let mail = read(raw.as_bytes(), &Limits::default()).unwrap();
    assert_eq!((mail.text.chars().count(), mail.text_was_cut), (64 * 1024, true));
    let short = read(b"Subject: x\n\nhi", &Limits::default()).unwrap();
    assert!(!short.text_was_cut);
}

/// A small generator of our own, so that a seed means the same mail on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Pieces that mean something to a parser.
const PIECES: [&[u8]; 36] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"--",
    b"--=_m\r\n",
    b"--=_m--\r\n",
    b"--b\n",
    b"\r\n\r\n",
    b": ",
    b"Content-Type: multipart/mixed; boundary=\"=_m\"\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: text/html; charset=utf-16\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Disposition: attachment; filename*0*=utf-8''%FF%",
    b"From: <>\r\n",
    b"Message-ID: <a@b>\r\n",
    b"Auto-Submitted: auto-replied\r\n",
    b"=?utf-8?Q?=C3?=",
    b"=?iso-2022-jp?B?GyRC?=",
    b"=?",
    b"=",
    b"\x1b$B",
    b"\xff\xfe",
    b"\xe2\x80\xae",
    b"\xc3",
    b"<",
    b">",
    b"\"",
    b"(",
    b"<style>",
    b"<!--",
    b"&#x110000;",
    b"> ",
    b"\nOn 1 a <a@b.c> wrote:\n",
];

fn mutate(mails: &[(String, Vec<u8>)], seed: u64) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    random.next();
    let mut raw = mails[random.below(mails.len())].1.clone();
    for _ in 0..=random.below(12) {
        let at = random.below(raw.len() + 1);
        let end = (at + random.below(64)).min(raw.len());
        match random.below(7) {
            0 => drop(raw.drain(at..end)),
            1 => drop(raw.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            2 => drop(raw.splice(at..end, PIECES[random.below(PIECES.len())].iter().copied())),
            3 if at < raw.len() => raw[at] = random.next() as u8,
            4 => {
                let copy = raw[at..end].to_vec();
                let to = random.below(raw.len() + 1);
                raw.splice(to..to, copy);
            }
            5 => {
                let other = &mails[random.below(mails.len())].1;
                let from = random.below(other.len());
                let to = (from + random.below(400)).min(other.len());
                raw.splice(at..end, other[from..to].iter().copied());
            }
            _ => raw.truncate(raw.len() - random.below(raw.len() / 4 + 1)),
        }
    }
    raw
}

/// Mails of the corpus, bent in every way there is time for: five seconds, or what the environment says.
#[test]
fn mutated_mail_keeps_the_promises() {
    let seconds =
        std::env::var("COUNTERFOIL_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let first = std::env::var("COUNTERFOIL_FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mails = corpus();
    let started = Instant::now();
    let mut seed: u64 = first;
    while started.elapsed() < Duration::from_secs(seconds) {
        let raw = mutate(&mails, seed);
        let one = Instant::now();
        if let Err(panic) = std::panic::catch_unwind(|| check(&raw)) {
            eprintln!(
                "the mail of COUNTERFOIL_FUZZ_SEED={seed} breaks a promise:\n{}",
                String::from_utf8_lossy(&raw)
            );
            std::panic::resume_unwind(panic);
        }
        assert!(one.elapsed() < Duration::from_secs(10), "the mail of seed {seed} took {:?}", one.elapsed());
        seed += 1;
    }
    eprintln!("{} mails", seed - first);
}

/// Lines that folding looks at, between any others.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        any::<String>(),
        "[ -~]{0,20}",
        Just(String::new()),
        proptest::sample::select(vec![
            "> a",
            ">",
            ">From here",
            "-- ",
            "--",
            "On 21 Nov 2026, Ada <ada@example.org> wrote:",
            "On 21 Nov 2026",
            "Ada wrote:",
            "Am 21.11. schrieb Ada:",
            "Le 21/11 à 10:00, Ada a écrit\u{a0}:",
            "-----Original Message-----",
            "---------- Forwarded message ---------",
            "From: Ada",
            "Sent: today",
            "To: Bob",
            "Subject: x",
            "Von: Ada",
            "Gesendet: heute",
            "Sent from my iPhone",
            "________________________________",
            "*From:* Ada",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec((line, proptest::sample::select(vec!["\n", "\n\n", "\r\n", ""])), 0..20)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_keep_the_promises(raw in proptest::collection::vec(any::<u8>(), 0..2000)) {
        check(&raw);
    }

    #[test]
    fn any_headers_keep_the_promises(
        head in proptest::collection::vec(("(From|To|Cc|Subject|Date|Message-ID|References|Content-Type|Content-Disposition|Return-Path|List-Id|Auto-Submitted): [ -~\u{e4}\u{202e}]{0,60}", "\r?\n"), 0..12),
        body in any::<String>(),
    ) {
        let head: String = head.into_iter().map(|(header, end)| header + &end).collect();
        check(format!("{head}\n{body}").as_bytes());
    }

    #[test]
    fn folding_loses_nothing(text in lines()) {
        check_fold(&text);
    }

    #[test]
    fn what_is_not_quoted_is_said(text in "[a-z \n]{1,200}") {
        prop_assume!(!text.trim().is_empty());
        let pieces = check_fold(&text);
        prop_assert!(pieces.iter().all(|piece| piece.kind != PieceKind::Quoted));
    }

    #[test]
    fn a_subject_says_its_numbers(before in "[ a-z\\[]{0,9}", number in "SUP-[0-9]{5,9}|TCK-[0-9A-HJKMNP-TV-Z]{12}") {
        prop_assume!(!before.ends_with(|c: char| c.is_alphanumeric()));
        let found = numbers_in_subject(&format!("{before}{}] x", number.to_lowercase()));
        prop_assert_eq!(found, vec![number]);
    }
}

/// Half a million bent mails, for when there is time: `cargo test -p counterfoil-mail -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn a_long_look() {
    let mails = corpus();
    for seed in 1_000_000..1_500_000 {
        let raw = mutate(&mails, seed);
        if let Err(panic) = std::panic::catch_unwind(|| check(&raw)) {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
