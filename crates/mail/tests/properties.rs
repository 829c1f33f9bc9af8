//! What must hold for any input: no letter gains a header, no Markdown gains a script.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::Email;
use mail::{HeaderText, Letter, Mailbox, compose, markdown, message_id};
use mail_parser::MessageParser;
use proptest::prelude::*;

fn letter(name: &str, subject: &str, text: &str, html: Option<&str>) -> Letter {
    let mailbox = |name: &str, email: &str| Mailbox {
        name: HeaderText::lossy(name),
        email: email.parse::<Email>().unwrap(),
    };
    Letter {
        message_id: message_id(uuid::Uuid::from_u128(42), b"secret", "desk.example.org").unwrap(),
        from: mailbox(name, "help@example.org"),
        to: mailbox(name, "ada@example.net"),
        cc: vec![mailbox(name, "bob@example.net"), mailbox("", "cy@example.net")],
        reply_to: Some(mailbox("", "reply+1@example.org")),
        subject: HeaderText::lossy(subject),
        text: text.into(),
        html: html.map(Into::into),
        in_reply_to: vec!["one@example.net".into()],
        references: (0..40).map(|i| format!("{i}.{}@example.net", "x".repeat(40))).collect(),
        automatic: true,
        date: "2026-11-21T04:05:06Z".parse().unwrap(),
        list_unsubscribe: None,
        loop_mark: None,
        files: Vec::new(),
    }
}

#[test]
fn files_go_along_whatever_they_are_called() {
    let file = |filename: &str, content_type: &str, content: &[u8]| mail::AttachedFile {
        filename: filename.into(),
        content_type: content_type.into(),
        content: content.into(),
    };
    let mut sent = letter("Help", "Plans", "See the plans.", Some("<p>See the plans.</p>"));
    sent.files = vec![
        file("plan \"b\"\r\nBcc: evil@example.org.png", "image/png", b"\x89PNG\r\n\x1a\n\0\0"),
        file("Straße.pdf", "application/pdf", b"%PDF-"),
        file("page.html", "text/html; charset=utf-8", b"<script>"),
        file("mail.eml", "message/rfc822", b"Subject: x\r\n\r\n.\r\n"),
        file("odd", "no type at all\r\nX: y", b""),
    ];
    let raw = compose(&sent).unwrap();
    assert_eq!(raw, compose(&sent).unwrap(), "the same letter gives the same bytes");
    assert!(!fields(&raw).iter().any(|f| f == "Bcc" || f == "X"));
    let read = mail::inbound::read(&raw, &mail::inbound::Limits::default()).unwrap();
    assert_eq!(read.text.trim(), "See the plans.");
    let kept: Vec<_> = read.files.iter().map(|f| (f.content_type.as_str(), f.content.as_slice())).collect();
    let expected: Vec<_> = sent.files.iter().map(|f| f.content.as_slice()).collect();
    assert_eq!(kept.iter().map(|(_, content)| *content).collect::<Vec<_>>(), expected);
    assert_eq!(kept[0].0, "image/png");
    assert!(kept[2..].iter().all(|(kind, _)| *kind == "application/octet-stream"), "{kept:?}");
    assert_eq!(read.files[1].filename, "Straße.pdf");
}

/// The header block's field names, unfolded.
fn fields(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8(raw.to_vec()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    head.split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split_once(':').unwrap().0.to_owned())
        .collect()
}

fn check(letter: &Letter) {
    let raw = compose(letter).unwrap();
    assert_eq!(compose(letter).unwrap(), raw, "the same letter gives the same bytes");
    let text = String::from_utf8(raw.clone()).unwrap();
    assert!(text.is_ascii());
    assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']), "only CRLF ends a line");
    assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.starts_with('.')));
    assert_eq!(
        fields(&raw),
        [
            "Date",
            "From",
            "To",
            "Cc",
            "Reply-To",
            "Subject",
            "Message-ID",
            "In-Reply-To",
            "References",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "MIME-Version",
            "Content-Type"
        ]
        .into_iter()
        .chain(letter.html.is_none().then_some("Content-Transfer-Encoding"))
        .collect::<Vec<_>>()
    );

    let parsed = MessageParser::new().parse(&raw).unwrap();
    let cc: Vec<_> = parsed.cc().unwrap().iter().map(|a| a.address().unwrap()).collect();
    assert_eq!(cc, ["bob@example.net", "cy@example.net"], "nobody is added by a name");
    assert_eq!(parsed.subject().unwrap_or_default(), letter.subject.as_str());
    for (header, mailbox) in [(parsed.from(), &letter.from), (parsed.to(), &letter.to)] {
        let list: Vec<_> = header.unwrap().iter().collect();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].address(), Some(mailbox.email.as_str()));
        assert_eq!(list[0].name().unwrap_or_default(), mailbox.name.as_str());
    }
    assert_eq!(parsed.message_id(), Some(letter.message_id.as_str()));
    assert_eq!(parsed.references().as_text_list().map(<[_]>::len), Some(10));
    assert_eq!(parsed.header_raw("Auto-Submitted").map(str::trim), Some("auto-replied"));
    let lines = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
    assert_eq!(lines(&parsed.body_text(0).unwrap()), lines(&letter.text));
    if let Some(html) = &letter.html {
        assert_eq!(lines(&parsed.body_html(0).unwrap()), lines(html));
    }
}

#[test]
fn ordinary_and_hostile_letters() {
    check(&letter(
        "Ada \"the\" Lovelace, (Ms) <a@b>",
        "Re: [SUP-00001] Größe ✓",
        "Hi\n.\n..\nbye",
        Some("<p>Hi</p>"),
    ));
    check(&letter("a\r\nBcc: b@x.io", "x\r\nBcc: b@x.io\r\n\r\nbody", "\r\n.\r\nMAIL FROM:<x>", None));
    check(&letter("=?utf-8?q?x?=", "=?utf-8?B?eA==?= y", &"long ".repeat(3000), Some(&"ü".repeat(3000))));
    check(&letter("", "", "\n", Some("\n")));
}

#[test]
fn a_hostile_message_id_is_refused() {
    for bad in ["", "a b@c", "a>\r\nBcc: x@y.z", "<a@b>"] {
        let mut one = letter("a", "b", "c", None);
        one.references.push(bad.into());
        assert!(compose(&one).is_err(), "{bad}");
        let mut one = letter("a", "b", "c", None);
        one.message_id = bad.into();
        assert!(compose(&one).is_err(), "{bad}");
    }
    let mut one = letter("a", "b", "c", None);
    one.list_unsubscribe = Some("https://x.io/\r\nBcc: a@b.c".into());
    assert!(compose(&one).is_err());
}

/// Text that likes to break things: pieces of headers, HTML and Markdown between anything at all.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "[ -~]{0,12}",
        proptest::sample::select(vec![
            "\r\n",
            "\n",
            "\r",
            "\0",
            "\t",
            ": ",
            "Bcc: x@y.z",
            "=?utf-8?Q?=0A?=",
            "=?",
            "?=",
            "\"",
            "\\",
            "<",
            ">",
            "(",
            ")",
            ",",
            ";",
            "<script>",
            "</script>",
            "<img src=x onerror=alert(1)>",
            "<svg/onload=alert(1)>",
            "javascript:alert(1)",
            "[x](javascript:alert(1))",
            "[a]: javascript:x\n",
            "<javascript:x>",
            "![",
            "](",
            "&#x6a;avascript:",
            "`",
            "```\n",
            "*",
            "_",
            "> ",
            "- ",
            "1. ",
            "|",
            "\n|-|-|\n",
            "\n\n",
            "~~",
            "[ ]",
            "ü",
            "漢字",
            "\u{202e}",
            "http://x.y/\"onclick=x",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// The tags of a document, each as its text between the angle brackets.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).map(|tag| tag.split_once('>').expect("every tag ends").0)
}

fn check_html(html: &str) {
    for tag in tags(html) {
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap().to_lowercase();
        assert!(
            !["script", "svg", "math", "style", "iframe", "form", "object", "input"].contains(&name.as_str()),
            "{html}"
        );
        // What is outside quotes are attribute names.
        for (i, outside) in tag.split('"').enumerate() {
            if i % 2 == 0 {
                for attribute in outside.split_whitespace().skip(usize::from(i == 0)) {
                    let known = ["href=", "rel=", "title=", "alt=", "src=", "align=", "start="];
                    assert!(known.contains(&attribute), "{attribute:?} in {html}");
                }
            } else {
                assert!(!outside.trim().to_lowercase().starts_with("javascript:"), "{html}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plain_text_among_markdown_stays_plain(lines in prop::collection::vec("[-a#>+=:.)1(*_`~|<&;!^w/ @\\[\\]\\\\\"']{0,12}", 0..6), address in "[a_*~&=]{0,6}") {
        let text = format!("{}\nhttps://x.example/{address} b", lines.join("\n"));
        let source = mail::plain_to_markdown(&text);
        // As it is: but for blanks at the start and the end of lines, and empty lines.
        let bare = |text: &str| text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n");
        prop_assert_eq!(bare(&markdown::to_text(&source)), bare(&text));
        let html = markdown::to_html(&source).to_string();
        for tag in html.split('<').skip(1) {
            prop_assert!(["p>", "/p>", "br", "a href=", "/a>"].iter().any(|known| tag.starts_with(known)), "{}", html);
        }
    }

    #[test]
    fn no_letter_gains_a_header(name in nasty(), subject in nasty(), text in nasty(), html in proptest::option::of(nasty())) {
        // An empty part cannot be told from a missing one.
        check(&letter(&name, &subject, &format!("{text}."), html.map(|html| format!("{html}.")).as_deref()));
    }

    #[test]
    fn no_markdown_gains_a_script(markdown in nasty()) {
        check_html(markdown::to_html(&markdown).as_str());
        markdown::to_text(&markdown);
    }

    #[test]
    fn cleaning_twice_changes_nothing(html in nasty()) {
        let once = mail::clean(&html);
        check_html(once.as_str());
        let twice = mail::clean(once.as_str());
        prop_assert_eq!(twice.as_str(), once.as_str());
    }
}
