//! Who a letter is from and who gets a copy: lists, ids that are used twice, copies seen and hidden, limits of a customer.

use desk::{
    channels::ChannelPatch,
    intake::{Door, Outcome, Standing},
    tickets::participants,
};
use identity::Settings;
use notices::letters::LetterKind;
use testkit::both_engines;

use crate::{COUNT_LETTERS, harness::*};

/// As Google Groups and Mailman hand a member's mail on.
const LIST: &str = "List-Id: Support <support.here.example.org>\nList-Unsubscribe: <mailto:leave@here.example.org>\nPrecedence: list\n";

fn of_list() -> ChannelPatch {
    ChannelPatch { mailing_lists: Some(vec!["support@here.example.org".into()]), ..ChannelPatch::default() }
}

both_engines! {
    async fn what_comes_through_a_list_of_the_channel_is_from_people(world) {
        let desk = Desk::open_with(&world, of_list()).await;
        let asked = desk.deliver(&letter(1, ADA, "Internet down", LIST, "The light is red.")).await;
        assert_eq!((asked.outcome, asked.automated.as_deref()), (Some(Outcome::Ticket), None), "{}", asked.reason);
        // The list took the author's place in From, as it must where their domain forbids others to use it.
        let more = format!("{LIST}X-Original-From: Bob <bob@customers.example>\nReply-To: Bob <bob@customers.example>\n");
        let via = desk.deliver(&letter(2, "'Bob' via Support <support@here.example.org>", "No line", &more, "Dead.")).await;
        assert_eq!(via.outcome, Some(Outcome::Ticket), "{}", via.reason);
        let t = desk.ticket(via.ticket_id).await;
        assert_eq!((t.user_email.as_str(), desk.how(&via).await.is_authentic), ("bob@customers.example", false));
        // A robot that writes to the list is a robot, and so is another list.
        let robot = desk.deliver(&letter(3, ADA, "Gone", &format!("{LIST}Auto-Submitted: auto-replied\n"), "Away.")).await;
        assert_eq!(robot.outcome, Some(Outcome::Automated), "{}", robot.reason);
        let other = LIST.replace("support.here", "news.here");
        let news = desk.deliver(&letter(4, ADA, "News", &other, "Buy.")).await;
        assert_eq!((news.outcome, news.automated.as_deref()), (Some(Outcome::Automated), Some("list")));
        // Our own letter that the list hands back to us.
        let own = desk.deliver(&letter(5, "Northwind <support@here.example.org>", "Re", LIST, "We are on our way.")).await;
        assert_eq!((own.outcome, own.automated.as_deref()), (Some(Outcome::Automated), Some("loop")), "{}", own.reason);
        check_neighbour(&world).await;
    }

    async fn the_header_that_the_channel_names_says_who_wrote_through_a_list_and_proves_nothing(world) {
        let lists = Some(vec!["support@here.example.org: Reply-To".into(), "members.lists.example: X-Original-Sender".into()]);
        let desk = Desk::open_with(&world, ChannelPatch { mailing_lists: lists, ..ChannelPatch::default() }).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let first = desk.deliver(&letter(1, ADA, "Internet down", LIST, "The light is red.")).await;
        let t = first.ticket_id.unwrap();
        let answer = desk.answer(t, &ben).await;
        let (reply_to, id) = (address(&header(&answer, "Reply-To")), header(&answer, "Message-ID"));
        // Ada answers through the list, which puts itself into From; the checks of the list's domain hold.
        use engine::outside::Outcome as Check;
        desk.fakes.checks.say_next(testkit::FakeChecks::answer(Check::Pass, Check::Pass, Check::Pass));
        let more = format!("{LIST}X-Original-From: Eve <eve@elsewhere.example>\nReply-To: Ada <ada@customers.example>\nIn-Reply-To: {id}\n");
        let via = letter(2, "Ada via Support <support@here.example.org>", "Re: Internet down", &more, "Still red.")
            .replace("To: support@here.example.org\nSubject", &format!("To: {reply_to}\nSubject"));
        let via = desk.deliver(&via).await;
        let how = desk.how(&via).await;
        assert_eq!((via.outcome, via.ticket_id, how.standing), (Some(Outcome::Reply), Some(t), Standing::Stranger), "{}", via.reason);
        assert_eq!((how.from_email.as_str(), how.is_authentic), ("ada@customers.example", false));
        assert!(desk.messages(Some(t)).await.iter().any(|m| m.body == "Still red." && m.is_internal), "for staff, until somebody lets them in");
        // The other list names its author elsewhere, and writes an address of its own for each member.
        let members = LIST.replace("support.here.example.org", "members.lists.example");
        let more = format!("{members}X-Original-Sender: bob@customers.example\nReply-To: members@lists.example\n");
        let bob = desk.deliver(&letter(3, "Bob via members <bob=customers.example@lists.example>", "No line", &more, "Dead.")).await;
        assert_eq!((desk.ticket(bob.ticket_id).await.user_email.as_str(), bob.outcome), ("bob@customers.example", Some(Outcome::Ticket)));
        assert_eq!(desk.ticket(bob.ticket_id).await.user_id, None);
        // Where the header that is to name them names nobody, none is guessed.
        let more = format!("{members}Reply-To: Carl <carl@customers.example>\n");
        let nobody = desk.deliver(&letter(4, "Carl via members <members@lists.example>", "No line", &more, "Dead, too.")).await;
        assert_eq!(nobody.outcome, Some(Outcome::Quarantined));
        assert!(nobody.reason.contains("X-Original-Sender"), "{}", nobody.reason);
        // Also where the list is the channel itself: a person wrote, so somebody looks at it.
        let more = format!("{LIST}Reply-To: support@here.example.org\n");
        let own = desk.deliver(&letter(5, "Dora via Support <support@here.example.org>", "No line", &more, "Dead since noon.")).await;
        assert_eq!((own.outcome, own.automated.as_deref()), (Some(Outcome::Quarantined), None), "{}", own.reason);
        assert!(own.reason.contains("Reply-To"), "{}", own.reason);
        // A member of the list's domain, whom the list left in From, sends a copy to a customer.
        let more = format!("{LIST}Reply-To: Ada <ada@customers.example>\n");
        let bob = desk.deliver(&letter(6, "Bob <bob@here.example.org>", "A question", &more, "Who knows?")).await;
        assert_eq!((bob.from_email.as_str(), bob.outcome), ("bob@here.example.org", Some(Outcome::Ticket)), "{}", bob.reason);
        check_neighbour(&world).await;
    }

    async fn without_the_rule_a_list_is_a_program(world) {
        let desk = Desk::open(&world).await;
        let mail = desk.deliver(&letter(1, ADA, "Internet down", LIST, "The light is red.")).await;
        assert_eq!((mail.outcome, mail.automated.as_deref()), (Some(Outcome::Automated), Some("list")));
    }

    async fn another_mail_under_a_known_id_is_new_and_says_so(world) {
        let desk = Desk::open(&world).await;
        let first = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await;
        assert!(!first.reuses_id);
        let same = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await;
        assert_eq!((same.outcome, same.reuses_id), (Some(Outcome::Duplicate), false));
        let other = desk.deliver(&letter(1, ADA, "Internet down", "", "Something else.")).await;
        assert_eq!((other.outcome, other.reuses_id), (Some(Outcome::Reply), true), "{}", other.reason);
        let forged = desk.deliver(&letter(1, MALLORY, "Internet down", "", "Not from Ada.")).await;
        assert!(forged.reuses_id && forged.outcome == Some(Outcome::PossibleFollowUp), "{}", forged.reason);
    }

    async fn whose_seals_are_believed_is_the_channels_word(world) {
        let sealers = ChannelPatch { trusted_sealers: Some(vec!["Lists.Example".into(), "forward.example".into()]), ..ChannelPatch::default() };
        let desk = Desk::open_with(&world, sealers).await;
        let other = channel(&world, world.scope(), "sales@here.example.org", ChannelPatch::default()).await;
        desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await;
        desk.deliver_to(other, &letter(2, ADA, "An offer", "", "How much?")).await;
        let asked: Vec<Vec<String>> = desk.fakes.checks.checked().into_iter().map(|m| m.trusted_sealers).collect();
        assert_eq!(asked, [vec!["forward.example".to_owned(), "lists.example".to_owned()], vec![]]);
        check_neighbour(&world).await;
    }

    async fn seals_are_looked_at_where_a_trusted_host_saw_a_changed_mail(world) {
        use engine::outside::Outcome as Check;
        let patch = ChannelPatch {
            trusted_host: Some(Some("mx.here.example.org".into())), trusted_sealers: Some(vec!["lists.example".into()]), ..ChannelPatch::default()
        };
        let desk = Desk::open_with(&world, patch).await;
        for (n, word, sealed, asked, is_authentic) in [
            (1, "fail", Check::Pass, 1, true),
            (2, "fail", Check::Fail, 2, false),
            (3, "fail", Check::None, 3, false),
            // Nobody is asked about what the host saw pass.
            (4, "pass", Check::Fail, 3, true),
        ] {
            let from = format!("c{n}@customers.example");
            desk.fakes.checks.say_of(&from, testkit::FakeChecks::answer(Check::None, Check::Fail, sealed));
            let word = format!("Authentication-Results: mx.here.example.org; dmarc={word}\n");
            let mail = desk.deliver(&letter(n, &from, "Hello", &word, "Hello.")).await;
            assert_eq!((desk.how(&mail).await.is_authentic, desk.fakes.checks.checked().len()), (is_authentic, asked), "{n}");
        }
        check_neighbour(&world).await;
    }

    async fn the_word_of_a_trusted_host_counts_where_strangers_cannot_write_it(world) {
        let trusted = ChannelPatch { trusted_host: Some(Some("mx.here.example.org".into())), ..ChannelPatch::default() };
        let desk = Desk::open_with(&world, trusted).await;
        let vouched = "Authentication-Results: mx.here.example.org; dmarc=pass\n";
        // By a program of ours the host's own header arrives; over SMTP anybody writes one.
        let mut n = 0;
        for (door, word, is_authentic) in [
            (Door::Api, vouched, true),
            (Door::Imap, vouched, true),
            (Door::Smtp, vouched, false),
            (Door::Api, "Authentication-Results: mx.elsewhere.example; dmarc=pass\n", false),
        ] {
            n += 1;
            let id = desk.bring_by(door, desk.channel, &letter(n, &format!("C <c{n}@customers.example>"), "Hello", word, "Hello.")).await;
            desk.worker.run_due().await.unwrap();
            let mail = desk.mail(id).await;
            assert_eq!(desk.how(&mail).await.is_authentic, is_authentic, "{door:?} {word}");
        }
    }

    async fn copies_are_seen_by_all_but_hidden_ones(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let t = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await.ticket_id.unwrap();
        // Words of the business's own, which name the customer's link.
        let words = "Copy for you: {{ body }} LINK[{{ link }}]";
        world.db.write(world.scope(), move |tx| notices::letters::save(tx, LetterKind::TicketCopy, "en", "Copy", words)).await.unwrap();
        let before = desk.fakes.mailer.sent().len();
        for (email, name, hidden) in [
            ("cy@customers.example", "Cy", false),
            ("boss@customers.example", "Boss", true),
            ("dee@customers.example", "", true),
            // Told again, the second time decides.
            ("dee@customers.example", "", false),
        ] {
            let (email, staff) = (email.parse().unwrap(), ben.clone());
            world.db.write(world.scope(), move |tx| participants::add(tx, &Settings::default(), &staff, t, &email, name, hidden)).await.unwrap();
        }
        desk.answer(t, &ben).await;
        let sent = desk.fakes.mailer.sent().split_off(before);
        let mut to: Vec<String> = sent.iter().map(|e| e.to.as_str().to_owned()).collect();
        to.sort();
        assert_eq!(to, ["ada@customers.example", "boss@customers.example", "cy@customers.example", "dee@customers.example"]);
        for envelope in &sent {
            let raw = String::from_utf8(envelope.raw.to_vec()).unwrap();
            assert_eq!(address(&header(&raw, "To")), "ada@customers.example", "to {}", envelope.to);
            let cc = header(&raw, "Cc");
            assert!(cc.contains("cy@customers.example") && cc.contains("dee@customers.example"), "{cc}");
            if envelope.to.as_str() != "ada@customers.example" {
                let said = mail::inbound::read(&envelope.raw, &mail::inbound::Limits::default()).unwrap().text;
                assert!(said.contains("LINK[]"), "a copy holds no link of the customer's: {said}");
            }
            let head = raw.split("\r\n\r\n").next().unwrap();
            assert!(!head.contains("boss@"), "nobody is told of the hidden one: {head}");
        }
        let list = world.db.read(world.scope(), move |r| participants::of(r, t)).await.unwrap();
        assert_eq!(list.iter().filter(|p| p.hidden).map(|p| p.email.as_str()).collect::<Vec<_>>(), ["boss@customers.example"]);
    }

    async fn one_customer_is_not_drowned_whatever_their_tickets(world) {
        let desk = Desk::open(&world).await;
        let (tenant, scope) = (world.here, world.scope());
        world.db.write(scope, move |tx| {
            let record = identity::tenants::get(tx, tenant)?;
            let settings = Settings { letters_to_one_per_10_minutes: 1_000, letters_per_10_minutes: 100_000, ..record.settings };
            identity::tenants::save_settings(tx, &record.name, &settings)
        }).await.unwrap();
        // An agent is told of them too, of as many as come at once in one letter, which counts for nobody's customer.
        desk.agent("ben@here.example.org").await;
        let to_ada = || desk.fakes.mailer.sent().iter().filter(|e| e.to.as_str() == "ada@customers.example").count();
        for n in 0..110 {
            desk.bring(desk.channel, &letter(n, ADA, &format!("Number {n}"), "", "Hello.")).await;
        }
        desk.worker.run_due().await.unwrap();
        assert_eq!(desk.count(&COUNT_LETTERS).await, 110 + 7, "each has its confirmation, and every sixteen their notice");
        assert_eq!(to_ada(), 100, "and no more than a hundred leave");
        // Somebody else is not held for it.
        desk.deliver(&letter(900, "Bob <bob@customers.example>", "Hello", "", "Hello.")).await;
        assert!(desk.fakes.mailer.sent().iter().any(|e| e.to.as_str() == "bob@customers.example"));
        assert_eq!(to_ada(), 100);
        check_neighbour(&world).await;
    }

    async fn a_letter_says_who_else_gets_it_only_where_somebody_does(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let t = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await.ticket_id.unwrap();
        let raw = desk.answer(t, &ben).await;
        assert!(!raw.split("\r\n\r\n").next().unwrap().contains("\r\nCc:"), "{raw}");
    }
}
