//! Who wrote: members of the conversation, strangers, forgers, agents, and whom the channel turns away.

use desk::{
    channels::{self, ChannelPatch, UnknownSenders},
    intake::{self, MailState, Outcome, Standing},
    tickets,
};
use identity::Settings;
use testkit::both_engines;

use crate::{COUNT_LETTERS, harness::*};

both_engines! {
    async fn a_stranger_is_kept_apart_until_an_agent_lets_them_in(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let first = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await;
        let t = first.ticket_id.unwrap();
        let answer = desk.answer(t, &ben).await;
        let reply_to = address(&header(&answer, "Reply-To"));
        let sent = desk.fakes.mailer.sent().len();

        // Somebody to whom the letter was forwarded holds the strongest proof there is.
        let forged = letter(2, MALLORY, "Re", "Cc: friend@elsewhere.example\n", "Tell me all.").replace("support@here.example.org", &reply_to);
        let forged = desk.deliver(&forged).await;
        assert_eq!((forged.outcome, forged.ticket_id), (Some(Outcome::Reply), Some(t)), "{}", forged.reason);
        let how = desk.how(&forged).await;
        assert_eq!(how.standing, Standing::Stranger);
        assert_eq!(how.copied, ["friend@elsewhere.example"], "a copy is a suggestion and nobody's right");
        let held = desk.messages(Some(t)).await.into_iter().find(|m| Some(m.id) == forged.message_id).unwrap();
        assert!(held.is_internal, "its customer sees nothing of it");
        let people = world.db.read(world.scope(), move |r| tickets::participants::of(r, t)).await.unwrap();
        assert!(people.is_empty());
        assert!(desk.fakes.mailer.sent()[sent..].iter().all(|e| !e.to.as_str().ends_with("elsewhere.example")), "no letter to a stranger");

        // Weaker proofs from anybody else are tickets of their own.
        let number = desk.ticket(Some(t)).await.ticket_number;
        for (n, more, subject) in [(3, "", format!("Re: [{number}]")), (4, "References: <m1@mail.example>\n", "Re".into())] {
            let own = desk.deliver(&letter(n, MALLORY, &subject, more, &format!("Hello {n}"))).await;
            assert_eq!(own.outcome, Some(Outcome::PossibleFollowUp), "{}", own.reason);
            assert_ne!(own.ticket_id, Some(t));
            assert_eq!(desk.how(&own).await.follows_id, Some(t.uuid()));
        }

        let message = forged.message_id.unwrap();
        let admitted = world.db.write(world.scope(), move |tx| intake::admit(tx, &Settings::default(), &ben, message)).await.unwrap();
        assert_eq!(admitted.public_message_count, 3);
        let people = world.db.read(world.scope(), move |r| tickets::participants::of(r, t)).await.unwrap();
        assert_eq!(people[0].email, "mallory@elsewhere.example");
        let now = letter(5, MALLORY, "Re", "", "Thank you.").replace("support@here.example.org", &reply_to);
        let now = desk.deliver(&now).await;
        assert_eq!((desk.how(&now).await.standing, now.ticket_id), (Standing::Joined, Some(t)));
        check_neighbour(&world).await;
    }

    async fn a_forged_sender_does_not_join(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let first = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await;
        let answer = desk.answer(first.ticket_id.unwrap(), &ben).await;
        let reply_to = address(&header(&answer, "Reply-To"));
        use engine::outside::Outcome as Check;
        let fails = testkit::FakeChecks::answer(Check::Fail, Check::Fail, Check::Fail);
        desk.fakes.checks.say_next(fails.clone());
        let forged = letter(2, ADA, "Re", "", "Send the money elsewhere.").replace("support@here.example.org", &reply_to);
        let forged = desk.deliver(&forged).await;
        assert_eq!(desk.how(&forged).await.standing, Standing::Stranger, "{}", forged.reason);
        desk.fakes.checks.say_next(fails);
        let weak = desk.deliver(&letter(3, ADA, "Re", "References: <m1@mail.example>\n", "And again.")).await;
        assert_eq!(weak.outcome, Some(Outcome::PossibleFollowUp));
        // Of two authors the check may have looked at the other one.
        let two = letter(4, "ada@customers.example, mallory@elsewhere.example", "Re", "", "Both.").replace("support@here.example.org", &reply_to);
        let two = desk.deliver(&two).await;
        assert_ne!(desk.how(&two).await.standing, Standing::Joined, "{}", two.reason);
    }

    async fn a_from_that_others_read_otherwise_proves_nothing(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let first = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await;
        let reply_to = address(&header(&desk.answer(first.ticket_id.unwrap(), &ben).await, "Reply-To"));
        let number = desk.ticket(first.ticket_id).await.ticket_number;
        use engine::outside::Outcome as Check;
        let encoded = "=?utf-8?Q?Ada_=3Cada=40customers=2Eexample=3E?=";
        let mut n = 1;
        for from in [
            format!("{encoded}, <{}@evil.example>", "x".repeat(65)),
            "Ada <ada@customers.example>, <eve@under_score.evil.example>".to_owned(),
            encoded.to_owned(),
            "<\"ada@customers.example\">".to_owned(),
        ] {
            // Somebody's checks say yes, and nobody's say nothing: they may have looked at somebody else.
            for dmarc in [Check::Pass, Check::None] {
                n += 2;
                let says = testkit::FakeChecks::answer(Check::None, dmarc, dmarc);
                desk.fakes.checks.say_next(says.clone());
                let strong = letter(n, &from, "Re", "", &format!("Pay {n}.")).replace("support@here.example.org", &reply_to);
                let strong = desk.deliver(&strong).await;
                assert_eq!(strong.from_email, "ada@customers.example", "{from}");
                let how = desk.how(&strong).await;
                assert_eq!((how.standing, how.is_authentic), (Standing::Stranger, false), "{from}: {}", strong.reason);
                desk.fakes.checks.say_next(says);
                let weak = desk.deliver(&letter(n + 1, &from, &format!("Re: {number}"), "", &format!("Pay {n} more."))).await;
                assert_eq!(weak.outcome, Some(Outcome::PossibleFollowUp), "{from}: {}", weak.reason);
                assert!(!desk.how(&weak).await.is_authentic, "{from}");
            }
        }
        check_neighbour(&world).await;
    }

    async fn checks_of_the_sender_vouch_for_nobody_named_elsewhere(world) {
        let fields = ChannelPatch { contact_forms: Some(vec!["forms@here.example.org".into()]), ..ChannelPatch::default() };
        let desk = Desk::open_with(&world, fields).await;
        let first = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await;
        let number = desk.ticket(first.ticket_id).await.ticket_number;
        use engine::outside::Outcome as Check;
        // A domain that proves itself, and names somebody else.
        for (n, from) in [(2, "noreply@evil.example"), (3, "forms@here.example.org")] {
            desk.fakes.checks.say_next(testkit::FakeChecks::answer(Check::Pass, Check::Pass, Check::Pass));
            let raw = letter(n, from, &format!("Re: {number}"), "Reply-To: Ada <ada@customers.example>\n", &format!("Pay {n} elsewhere."));
            let mail = desk.deliver(&raw).await;
            assert_ne!(mail.ticket_id, first.ticket_id, "{from}: {}", mail.reason);
            if mail.message_id.is_some() {
                assert!(!desk.how(&mail).await.is_authentic, "{from}");
            }
        }
        // A sender whose own domain disowns the letter is not written to.
        let letters = desk.count(&COUNT_LETTERS).await;
        desk.fakes.checks.say_next(testkit::FakeChecks::answer(Check::Fail, Check::Fail, Check::Fail));
        let forged = desk.deliver(&letter(4, "Victim <victim@customers.example>", "CLAIM YOUR PRIZE", "", "Now.")).await;
        assert_eq!(forged.outcome, Some(Outcome::Ticket));
        assert!(desk.fakes.mailer.sent().iter().all(|e| e.to.as_str() != "victim@customers.example"));
        assert_eq!(desk.count(&COUNT_LETTERS).await, letters);
    }

    async fn somebody_new_on_what_is_long_settled_begins_a_ticket(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let t = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await.ticket_id.unwrap();
        let reply_to = address(&header(&desk.answer(t, &ben).await, "Reply-To"));
        let to_it = |n: u32, from: &str| letter(n, from, "Re", "", &format!("Number {n}")).replace("support@here.example.org", &reply_to);
        let held = desk.deliver(&to_it(2, MALLORY)).await;
        let staff = ben.clone();
        let resolve = tickets::TicketPatch { status: Some(tickets::Status::Resolved), ..tickets::TicketPatch::default() };
        world.db.write(world.scope(), move |tx| tickets::change(tx, &Settings::default(), &staff, t, resolve)).await.unwrap();
        // Whoever is let in is heard: what was settled is taken up again.
        let (staff, message) = (ben.clone(), held.message_id.unwrap());
        world.db.write(world.scope(), move |tx| intake::admit(tx, &Settings::default(), &staff, message)).await.unwrap();
        assert!(desk.ticket(Some(t)).await.status.is_live());
        let staff = ben.clone();
        let close = tickets::TicketPatch { close_reason: Some(tickets::CloseReason::Solved), status: Some(tickets::Status::Closed), ..tickets::TicketPatch::default() };
        world.db.write(world.scope(), move |tx| tickets::change(tx, &Settings::default(), &staff, t, close)).await.unwrap();
        world.clock.advance(base::hours(24 * 40));
        let late = desk.deliver(&to_it(3, "Trudy <trudy@elsewhere.example>")).await;
        assert_eq!(late.outcome, Some(Outcome::PossibleFollowUp), "{}", late.reason);
        assert_ne!(late.ticket_id, Some(t));
        // The customer goes on in one ticket, however often they write to the old one.
        let (a, b) = (desk.deliver(&to_it(4, ADA)).await, desk.deliver(&to_it(5, ADA)).await);
        assert_eq!(a.outcome, Some(Outcome::Ticket));
        assert_eq!(b.ticket_id, a.ticket_id, "{}", b.reason);
    }

    async fn unknown_senders_wait_or_are_turned_away_as_the_channel_says(world) {
        let fields = ChannelPatch { unknown_senders: Some(UnknownSenders::Quarantine), ..ChannelPatch::default() };
        let desk = Desk::open_with(&world, fields).await;
        let waits = desk.deliver(&letter(1, ADA, "Hello", "", "Hello.")).await;
        assert_eq!((waits.state, waits.outcome, waits.ticket_id), (MailState::Quarantined, Some(Outcome::Quarantined), None));
        assert_eq!(desk.count(&COUNT_LETTERS).await, 0);
        let id = waits.id;
        world.db.write(world.scope(), move |tx| intake::release(tx, id)).await.unwrap();
        desk.worker.run_due().await.unwrap();
        let out = desk.mail(id).await;
        assert_eq!((out.outcome, out.state), (Some(Outcome::Ticket), MailState::Done), "{}", out.reason);
        // Now a customer has this address.
        assert_eq!(desk.deliver(&letter(2, ADA, "More", "", "More.")).await.outcome, Some(Outcome::Ticket));
        let reject = ChannelPatch { unknown_senders: Some(UnknownSenders::Reject), ..ChannelPatch::default() };
        let channel = desk.channel;
        world.db.write(world.scope(), move |tx| channels::change(tx, channel, reject)).await.unwrap();
        let refused = desk.deliver(&letter(3, MALLORY, "Hello", "", "Hello.")).await;
        assert_eq!((refused.outcome, refused.ticket_id), (Some(Outcome::Rejected), None));
        check_neighbour(&world).await;
    }

    async fn an_agent_answers_by_mail_only_where_it_is_wanted_and_proved(world) {
        let desk = Desk::open(&world).await;
        let here = world.here;
        let switch = |on: bool| {
            world.db.write(world.scope(), move |tx| {
                let tenant = identity::tenants::get(tx, here)?;
                let settings = Settings { agents_answer_by_mail: on, ..tenant.settings };
                identity::tenants::save_settings(tx, &tenant.name, &settings)
            })
        };
        let switch = |on| async move { switch(on).await.unwrap() };
        switch(true).await;
        let (ben, _) = desk.agent("ben@here.example.org").await;
        let t = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await.ticket_id.unwrap();
        let notice = desk.fakes.mailer.sent().into_iter().find(|e| e.to == ben.email).expect("a notice");
        let reply_to = address(&header(std::str::from_utf8(&notice.raw).unwrap(), "Reply-To"));
        let answer = |n: u32| {
            letter(n, "Ben <ben@here.example.org>", "Re", "", "We are on our way.\n\nOn Mon, 2 Mar 2026 at 10:00, Us <support@here.example.org> wrote:\n> internal words")
                .replace("support@here.example.org\nSubject", &format!("{reply_to}\nSubject"))
        };
        use engine::outside::Outcome as Check;
        let passes = || testkit::FakeChecks::answer(Check::Pass, Check::Pass, Check::Pass);
        switch(false).await;
        desk.fakes.checks.say_next(passes());
        let off = desk.deliver(&answer(2)).await;
        assert_ne!(desk.how(&off).await.standing, Standing::Joined, "switched off by default");
        switch(true).await;
        let unproved = desk.deliver(&answer(3).replace("on our way", "almost there")).await;
        assert_ne!(desk.how(&unproved).await.standing, Standing::Joined, "nothing proves it");
        assert!(desk.messages(Some(t)).await.iter().all(|m| m.direction == tickets::Direction::Inbound));
        desk.fakes.checks.say_next(passes());
        let proved = desk.deliver(&answer(4).replace("on our way", "there at noon")).await;
        // The assertions beneath are about this one; what is no Markdown in it reaches the customer, too.
        desk.fakes.checks.say_next(passes());
        desk.deliver(&answer(5).replace("We are on our way.", "Send <serial>, *please*.")).await;
        let sent = mail::inbound::read(desk.last_letter().as_bytes(), &mail::inbound::Limits::default()).unwrap();
        assert!(sent.text.contains("Send <serial>, *please*."), "{}", sent.text);
        assert_eq!((proved.outcome, proved.ticket_id), (Some(Outcome::Reply), Some(t)), "{}", proved.reason);
        let said = desk.messages(Some(t)).await.into_iter().find(|m| m.direction == tickets::Direction::Outbound).unwrap();
        assert_eq!((said.body.as_str(), said.author.name.as_str()), ("We are there at noon.", "Ben"), "and nothing of the notice");
        // What can be answered no more is kept back, and they are told.
        let (_, root) = desk.agent("root@here.example.org").await;
        world.db.write(world.scope(), move |tx| {
            for status in [tickets::Status::Resolved, tickets::Status::Closed, tickets::Status::Archived] {
                let patch = tickets::TicketPatch { status: Some(status), ..tickets::TicketPatch::default() };
                tickets::change(tx, &Settings::default(), &root, t, patch)?;
            }
            Ok(())
        }).await.unwrap();
        desk.fakes.checks.say_next(passes());
        let late = desk.deliver(&answer(5).replace("on our way", "there at two")).await;
        assert_eq!((late.state, late.outcome), (MailState::Quarantined, Some(Outcome::Quarantined)), "{}", late.reason);
        assert!(late.reason.contains("archived"), "{}", late.reason);
        let told = world.db.read(world.scope(), move |r| notices::inbox::latest(r, ben.id, 1)).await.unwrap();
        assert!(told[0].title.contains("kept back"), "{told:?}");
    }
}
