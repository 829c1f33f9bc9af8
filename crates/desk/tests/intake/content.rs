//! What is in a letter: its words, its files, and what cannot be read.

use base::{hours, minutes};
use desk::{
    intake::{self, MailState, Outcome},
    tickets::{self, NewMessage},
};
use identity::Settings;
use testkit::both_engines;

use crate::{COUNT_MESSAGES, COUNT_TICKETS, harness::*};

both_engines! {
    async fn words_of_a_mail_are_plain_wherever_they_are_told(world) {
        let desk = Desk::open(&world).await;
        let (ben, staff) = desk.agent("ben@here.example.org").await;
        let words = "Box <serial>AB-1</serial> <b>\n# no heading\n    *indented*\n\n[Sign in first](https://evil.example/a_b)";
        let name = "[Look](https://evil.example)";
        let t = desk.deliver(&letter(1, &format!("\"{name}\" <ada@customers.example>"), "Internet down", "", words)).await.ticket_id.unwrap();
        let to_ben = || desk.fakes.mailer.sent().into_iter().rfind(|e| e.to == ben.email).expect("a notice").raw;
        let check = |raw: &[u8], what: &str| {
            let read = mail::inbound::read(raw, &mail::inbound::Limits::default()).unwrap();
            let (text, html) = (read.text.replace('\u{a0}', " "), read.html.unwrap().replace("&nbsp;", " "));
            for line in words.lines() {
                assert!(text.contains(line), "{what}: {line} in {text}");
            }
            for shown in ["Box &lt;serial&gt;AB-1&lt;/serial&gt; &lt;b&gt;", "# no heading", "    *indented*", "[Sign in first]("] {
                assert!(html.contains(shown), "{what}: {shown} in {html}");
            }
            // A link says where it leads, and has no other name.
            for hidden in [">Sign in first</a>", ">Look</a>", "<em>", "<code"] {
                assert!(!html.contains(hidden), "{what}: {hidden} in {html}");
            }
        };
        check(&to_ben(), "a new ticket");

        let answer = desk.answer(t, &staff).await;
        let reply = letter(2, ADA, "Re", "", words).replace("support@here.example.org", &address(&header(&answer, "Reply-To")));
        let by = staff.clone();
        let mine = tickets::TicketPatch { assigned_to: Some(Some(ben.id)), ..tickets::TicketPatch::default() };
        world.db.write(world.scope(), move |tx| tickets::change(tx, &Settings::default(), &by, t, mine)).await.unwrap();
        let reply = desk.deliver(&reply).await;
        assert_eq!(reply.outcome, Some(Outcome::Reply), "{}", reply.reason);
        check(&to_ben(), "an answer");

        // What is split off was said by mail as well.
        let (by, message) = (staff.clone(), reply.message_id.unwrap());
        let what = tickets::SplitOff { message, subject: None, expected_version: None };
        let split = world.db.write(world.scope(), move |tx| tickets::split(tx, &Settings::default(), &by, t, what)).await.unwrap();
        for (ticket, body) in [(t, "Please **look**."), (split.id, "And _here_.")] {
            let forward = tickets::NewForward {
                to: "hanna@network.example".parse().unwrap(),
                body: tickets::Markdown::parse("body", body).unwrap(),
                with_conversation: true,
                attachments: Vec::new(),
                expected_version: None,
            };
            let by = staff.clone();
            world.db.write(world.scope(), move |tx| tickets::forward(tx, &Settings::default(), &by, ticket, forward)).await.unwrap();
            desk.worker.run_due().await.unwrap();
            let forwarded = desk.last_letter();
            let read = mail::inbound::read(forwarded.as_bytes(), &mail::inbound::Limits::default()).unwrap();
            let text = read.text.replace('\u{a0}', " ");
            for line in words.lines().filter(|line| !line.is_empty()) {
                assert!(text.contains(&format!("> {line}")), "{line} in {text}");
            }
            let html = read.html.unwrap();
            assert!(html.contains("&lt;serial&gt;") && !html.contains(">Sign in first</a>") && !html.contains(">Look</a>"), "{html}");
            assert!(html.contains(">look</strong>") || html.contains(">here</em>"), "the agent's own words are Markdown: {html}");
        }
        check_neighbour(&world).await;
    }

    async fn files_leave_with_an_answer_or_are_named_in_it(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let t = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await.ticket_id.unwrap();
        for (size, goes_along) in [(1_000u64, true), (8_000_000, false)] {
            let mut writer = desk.fakes.outside.blobs.begin(world.here).await.unwrap();
            writer.write(vec![7u8; usize::try_from(size).unwrap()].into()).await.unwrap();
            let blob = writer.finish().await.unwrap();
            let file = tickets::NewAttachment { filename: "plan [<b>](x).png".into(), content_type: "image/png".into(), size_bytes: size, sha256: blob.sha256.0 };
            let new = NewMessage {
                body: tickets::Markdown::parse("body", "See the plan.").unwrap(),
                is_internal: false,
                attachments: vec![file],
                status: None,
                expected_version: None,
                addressed_to: None,
            };
            let staff = ben.clone();
            world.db.write(world.scope(), move |tx| tickets::staff_message(tx, &Settings::default(), &staff, t, new)).await.unwrap();
            desk.worker.run_due().await.unwrap();
            let sent = desk.fakes.mailer.sent().pop().unwrap().raw;
            let read = mail::inbound::read(&sent, &mail::inbound::Limits::default()).unwrap();
            if goes_along {
                assert_eq!((read.files.len(), read.files[0].content.len()), (1, 1_000));
                assert_eq!(read.files[0].content_type, "image/png");
            } else {
                assert!(read.files.is_empty());
                assert!(read.text.contains("plan [<b>](x).png (") && read.text.contains("8.0 MB") && read.text.contains("/help/status/"), "{}", read.text);
            }
        }
    }

    async fn what_cannot_be_read_stands_aside_and_stops_nothing(world) {
        let desk = Desk::open(&world).await;
        let mut deep = String::from("From: ada@customers.example\nSubject: deep\nMIME-Version: 1.0\n");
        for n in 0..500 {
            deep.push_str(&format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"));
        }
        let poison = desk.bring(desk.channel, &deep).await;
        let fine = desk.deliver(&letter(1, ADA, "Hello", "", "Hello.")).await;
        assert_eq!(fine.outcome, Some(Outcome::Ticket));
        let poison = desk.mail(poison).await;
        assert_eq!((poison.state, poison.outcome), (MailState::Failed, None));
        assert!(poison.reason.contains("deep"), "{}", poison.reason);
        let id = poison.id;
        world.db.write(world.scope(), move |tx| intake::discard(tx, id)).await.unwrap();
        assert_eq!(desk.mail(id).await.state, MailState::Discarded);
    }

    async fn files_are_looked_into_before_anybody_gets_them(world) {
        let desk = Desk::open(&world).await;
        let with = |n: u32, content: &str| {
            let raw = letter(n, ADA, "Files", "", "BODY");
            raw.replace(
                "Content-Type: text/plain; charset=utf-8\n\nBODY\n",
                &format!("Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/plain\n\nSee the file {n}.\n--B\nContent-Type: application/octet-stream; name=\"../in\u{202e}voice.exe\"\nContent-Disposition: attachment\n\n{content}\n--B--\n"),
            )
        };
        desk.fakes.scanner.infected_by("EVIL", "Test-Signature");
        let clean = desk.deliver(&with(1, "harmless")).await;
        let files = desk.messages(clean.ticket_id).await.remove(0).attachments;
        assert_eq!((files.len(), files[0].content_type.as_str()), (1, "text/plain; charset=utf-8"), "the type is what the content shows");
        assert!(!files[0].filename.contains(['/', '\u{202e}']), "{}", files[0].filename);
        let infected = desk.deliver(&with(2, "EVIL")).await;
        assert_eq!(infected.outcome, Some(Outcome::Ticket));
        assert!(desk.messages(infected.ticket_id).await[0].attachments.is_empty());
        assert!(desk.how(&infected).await.withheld[0].contains("Test-Signature"));
        desk.fakes.scanner.go_down("connection refused");
        let held = desk.deliver(&with(3, "harmless")).await;
        assert_eq!((held.state, held.ticket_id), (MailState::Waiting, None));
        assert!(held.reason.contains("scanner"), "it says what it waits for: {}", held.reason);
        desk.fakes.scanner.come_back();
        world.clock.advance(minutes(5));
        desk.worker.run_due().await.unwrap();
        assert_eq!(desk.mail(held.id).await.outcome, Some(Outcome::Ticket));
    }

    async fn a_scanner_that_is_away_all_weekend_fails_no_letter_and_is_told_of(world) {
        let desk = Desk::open(&world).await;
        let (ben, _) = desk.agent("ben@here.example.org").await;
        let raw = letter(1, ADA, "Files", "", "BODY").replace(
            "Content-Type: text/plain; charset=utf-8\n\nBODY\n",
            "Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/plain\n\nSee the file.\n--B\nContent-Type: application/octet-stream; name=a.bin\nContent-Disposition: attachment\n\nharmless\n--B--\n",
        );
        desk.fakes.scanner.go_down("connection refused");
        let held = desk.deliver(&raw).await;
        for _ in 0..60 {
            world.clock.advance(hours(1));
            desk.worker.run_due().await.unwrap();
            world.db.write(world.scope(), intake::sweep).await.unwrap();
        }
        let waiting = desk.mail(held.id).await;
        assert_eq!((waiting.state, waiting.ticket_id), (MailState::Waiting, None), "{}", waiting.reason);
        let told = world.db.read(world.scope(), move |r| notices::inbox::latest(r, ben.id, 100)).await.unwrap();
        let told: Vec<_> = told.iter().filter(|n| n.title.contains("scanner")).collect();
        assert!((1..=6).contains(&told.len()), "told, and not every hour: {told:?}");
        // Whoever knows that it is back need not wait for the hour to be over.
        desk.fakes.scanner.come_back();
        let id = held.id;
        world.db.write(world.scope(), move |tx| intake::read_again(tx, id)).await.unwrap();
        desk.worker.run_due().await.unwrap();
        assert_eq!(desk.mail(held.id).await.outcome, Some(Outcome::Ticket));
        check_neighbour(&world).await;
    }

    async fn reading_again_changes_nothing_that_was_right(world) {
        let desk = Desk::open(&world).await;
        let first = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is <b>red</b>.\n\n> quoted\n-- \nAda")).await;
        let before = desk.messages(first.ticket_id).await;
        let id = first.id;
        world.db.write(world.scope(), move |tx| intake::read_again(tx, id)).await.unwrap();
        desk.worker.run_due().await.unwrap();
        assert_eq!(desk.messages(first.ticket_id).await, before);
        assert_eq!(desk.mail(id).await.state, MailState::Done);
        assert_eq!((desk.count(&COUNT_TICKETS).await, desk.count(&COUNT_MESSAGES).await), (1, 1));
    }
}
