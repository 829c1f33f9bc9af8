//! Mail that comes in: every letter lands in the right thread, once, and nothing is lost. On both engines, beside a neighbour.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod at_once;
mod harness;
mod people;
mod purged;

use base::{hours, minutes};
use db::params;
use desk::{
    channels::{self, ChannelPatch, UnknownSenders},
    intake::{self, FoundBy, MailState, Outcome, Standing},
    tickets::{self, NewMessage, query},
};
use engine::{Moment, Worker};
use harness::*;
use identity::Settings;
use testkit::{DiesAt, both_engines};

db::statements! {
    COUNT_TICKETS = "select count(*) from tickets where tenant_id = ?1";
    COUNT_MESSAGES = "select count(*) from messages where tenant_id = ?1";
    COUNT_LETTERS = "select count(*) from letters where tenant_id = ?1";
    COUNT_MAILS = "select count(*) from mails where tenant_id = ?1";
    LETTERS = "select id from letters where tenant_id = ?1 order by id";
    NOTICES = "select title from notices where tenant_id = ?1 order by id";
    NEWEST = "select id from tickets where tenant_id = ?1 order by id desc limit 1";
}

both_engines! {
    async fn a_letter_becomes_a_ticket_and_answers_find_back_by_address_and_by_id(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let first = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await;
        assert_eq!((first.state, first.outcome), (MailState::Done, Some(Outcome::Ticket)), "{}", first.reason);
        let t = desk.ticket(first.ticket_id).await;
        assert_eq!((t.subject.as_str(), t.channel.as_str()), ("Internet down", "email"));
        assert_eq!((t.user_email.as_str(), t.user_id), ("ada@customers.example", None), "a mail opens no portal");
        assert_eq!(desk.messages(first.ticket_id).await[0].body, "The light is red.");
        let confirmation = desk.fakes.mailer.sent().into_iter().find(|e| e.to.as_str() == "ada@customers.example").unwrap();
        assert!(confirmation.from.is_none(), "nobody can bounce it back");
        let confirmation = String::from_utf8(confirmation.raw.to_vec()).unwrap();
        assert!(!confirmation.contains("Internet down"), "none of an unproved sender's words");
        assert_eq!(header(&confirmation, "In-Reply-To"), "<m1@mail.example>");

        let answer = desk.answer(t.id, &ben).await;
        assert_eq!(address(&header(&answer, "From")), "support@here.example.org");
        let reply_to = address(&header(&answer, "Reply-To"));
        assert!(reply_to.starts_with("support+") && reply_to.len() == "support+@here.example.org".len() + 20, "{reply_to}");
        let ours = header(&answer, "Message-ID");

        let by_address = letter(2, ADA, "Re: something else", "", "It works.").replace("support@here.example.org", &reply_to.to_uppercase());
        let second = desk.deliver(&by_address).await;
        assert_eq!((second.outcome, second.ticket_id), (Some(Outcome::Reply), Some(t.id)), "{}", second.reason);
        assert_eq!(desk.how(&second).await.found_by, FoundBy::ReplyAddress);
        let by_id = desk.deliver(&letter(3, ADA, "Re", &format!("In-Reply-To: {ours}\n"), "No, it does not.")).await;
        assert_eq!((by_id.outcome, by_id.ticket_id), (Some(Outcome::Reply), Some(t.id)));
        assert_eq!(desk.how(&by_id).await.found_by, FoundBy::SignedId);
        let known = desk.deliver(&letter(4, ADA, "Fwd", "References: <m1@mail.example>\n", "See above.")).await;
        assert_eq!((known.ticket_id, desk.how(&known).await.found_by), (Some(t.id), FoundBy::KnownId));
        let numbered = desk.deliver(&letter(5, ADA, &format!("About {}", t.ticket_number), "", "Hello?")).await;
        assert_eq!((numbered.ticket_id, desk.how(&numbered).await.found_by), (Some(t.id), FoundBy::Number));
        assert!(desk.messages(Some(t.id)).await.iter().all(|m| !m.is_internal));
        assert_eq!(desk.ticket(Some(t.id)).await.public_message_count, 6);
        check_neighbour(&world).await;
    }

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

    async fn a_report_is_believed_about_the_letter_and_the_address_it_names(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let t = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await.ticket_id.unwrap();
        let ours = header(&desk.answer(t, &ben).await, "Message-ID");
        let report = |n: u32, to: &str| format!(
            "From: MAILER-DAEMON@mx.example\nTo: support@here.example.org\nSubject: Undelivered\nMessage-ID: <b{n}@mx.example>\nReferences: {ours}\nReturn-Path: <>\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\nContent-Type: text/plain\n\nIt came back.\n\n--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {to}\nAction: failed\nStatus: 5.1.1\n\n--B\nContent-Type: text/rfc822-headers\n\nMessage-ID: {ours}\n\n--B--\n"
        );
        let state = || async {
            let all = desk.messages(Some(t)).await;
            all.into_iter().find(|m| m.direction == tickets::Direction::Outbound).unwrap().delivery
        };
        desk.deliver(&report(2, "somebody@elsewhere.example")).await;
        assert_eq!(state().await, "sent", "it is about somebody else");
        desk.deliver(&report(3, "ADA@customers.example")).await;
        assert_eq!(state().await, "bounced");
    }

    async fn an_archived_category_keeps_no_letter_waiting(world) {
        let desk = Desk::open_with(&world, ChannelPatch { category: Some(Some("billing".into())), ..ChannelPatch::default() }).await;
        world.db.write(world.scope(), |tx| {
            desk::categories::change(tx, "billing", None, None, Some(true)).map(drop)
        }).await.unwrap();
        let mail = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await;
        assert_eq!((mail.state, mail.outcome), (MailState::Done, Some(Outcome::Ticket)), "{}", mail.reason);
    }

    async fn a_letter_to_a_channels_reply_address_is_the_channels(world) {
        let reply = ChannelPatch { reply_address: Some(Some("replies@here.example.org".parse().unwrap())), ..ChannelPatch::default() };
        let desk = Desk::open_with(&world, reply).await;
        let to: Vec<base::Email> = ["support@here.example.org", "Replies+abc@here.example.org", "nobody@here.example.org"].iter().map(|a| a.parse().unwrap()).collect();
        let found = world.db.read(testkit::installation(), move |r| intake::envelope_channels(r, &to)).await.unwrap();
        let ours = Some((world.here, desk.channel));
        assert_eq!(found, [ours, ours, None]);
    }

    async fn an_address_is_one_door_whichever_of_the_two_it_is(world) {
        let reply = |address: &str| ChannelPatch { reply_address: Some(Some(address.parse().unwrap())), ..ChannelPatch::default() };
        let desk = Desk::open_with(&world, reply("replies@here.example.org")).await;
        let made = |scope: db::Scope, address: &str, fields: ChannelPatch| {
            let new = channels::NewChannel { address: address.parse().unwrap(), fields };
            world.db.write(scope, move |tx| channels::create(tx, new))
        };
        let find = |address: &str| {
            let to: Vec<base::Email> = vec![address.parse().unwrap()];
            world.db.read(testkit::installation(), move |r| intake::envelope_channels(r, &to))
        };
        let ours = vec![Some((world.here, desk.channel))];
        // Neither the address nor where answers go can be taken by somebody else, as either of the two.
        for scope in [world.scope(), world.scope_there()] {
            for (address, fields, field) in [
                ("Replies@here.example.org", ChannelPatch::default(), "address"),
                ("support@here.example.org", ChannelPatch::default(), "address"),
                ("sales@there.example.org", reply("Support@here.example.org"), "reply_address"),
                ("sales@there.example.org", reply("replies@here.example.org"), "reply_address"),
            ] {
                let refused = made(scope.clone(), address, fields).await.unwrap_err();
                assert_eq!((refused.field_errors()[0].code, refused.field_errors()[0].field.as_str()), ("channel.address_taken", field));
            }
        }
        let theirs = made(world.scope_there(), "sales@there.example.org", ChannelPatch::default()).await.unwrap().1;
        let grab = |address: &'static str| world.db.write(world.scope_there(), move |tx| channels::change(tx, theirs.id, reply(address)));
        assert_eq!(grab("replies@here.example.org").await.unwrap_err().field_errors()[0].code, "channel.address_taken");
        assert_eq!(find("replies+secret@here.example.org").await.unwrap(), ours);
        // Their own address is no other one's, and what is let go of is free.
        grab("SALES@there.example.org").await.unwrap();
        assert_eq!(find("sales@there.example.org").await.unwrap(), [Some((world.there, theirs.id))]);
        let id = desk.channel;
        world.db.write(world.scope(), move |tx| {
            channels::change(tx, id, ChannelPatch { reply_address: Some(None), ..ChannelPatch::default() })
        }).await.unwrap();
        assert_eq!(find("replies@here.example.org").await.unwrap(), [None]);
        assert_eq!(find("support@here.example.org").await.unwrap(), ours);
        grab("replies@here.example.org").await.unwrap();
        world.db.write(world.scope_there(), move |tx| channels::delete(tx, theirs.id)).await.unwrap();
        made(world.scope(), "replies@here.example.org", ChannelPatch::default()).await.unwrap();
    }

    async fn a_letter_is_filed_once_however_often_it_comes(world) {
        let desk = Desk::open(&world).await;
        let (ben, _) = desk.agent("ben@here.example.org").await;
        let team = world.db.write(world.scope(), move |tx| {
            let team = identity::teams::create(tx, "Billing")?;
            identity::teams::set_members(tx, team.id, &[ben.id])
        }).await.unwrap();
        let fields = ChannelPatch { team_id: Some(Some(team.id)), ..ChannelPatch::default() };
        let billing = channel(&world, world.scope(), "billing@here.example.org", fields).await;
        let raw = letter(1, ADA, "Both of you", "Cc: billing@here.example.org\n", "Hello.");
        // The copy comes first: the ticket is in the first of our addresses all the same.
        let copy = desk.deliver_to(billing, &raw).await;
        assert_eq!(copy.outcome, Some(Outcome::Ticket));
        assert_eq!(desk.ticket(copy.ticket_id).await.mail_channel_id, Some(desk.channel));
        let original = desk.deliver(&raw).await;
        assert_eq!((original.outcome, original.ticket_id), (Some(Outcome::Duplicate), copy.ticket_id));
        let again = desk.deliver_to(billing, &raw).await;
        assert_eq!(again.outcome, Some(Outcome::Duplicate));
        // The other way round the team of the copy watches.
        let second = letter(2, ADA, "Again", "Cc: billing@here.example.org\n", "Hello again.");
        let at_support = desk.deliver(&second).await;
        let at_billing = desk.deliver_to(billing, &second).await;
        assert_eq!((at_billing.outcome, at_billing.ticket_id), (Some(Outcome::Duplicate), at_support.ticket_id));
        let id = at_support.ticket_id.unwrap();
        let extras = world.db.read(world.scope(), move |r| query::extras(r, &[id])).await.unwrap().remove(&id).unwrap();
        assert_eq!(extras.watchers, [ben.id]);
        // The same id with other words is another mail; two mails without any id are two.
        let other = desk.deliver(&letter(2, ADA, "Again", "", "Something else entirely.")).await;
        assert!(matches!(other.outcome, Some(Outcome::Ticket | Outcome::Reply)), "{:?}", other.outcome);
        assert_eq!(desk.count(&COUNT_MAILS).await, 6);
        let nameless = letter(9, ADA, "No id", "", "Nameless.").replace("Message-ID: <m9@mail.example>\n", "");
        let (a, b) = (desk.deliver(&nameless).await, desk.deliver(&nameless).await);
        assert_ne!(a.ticket_id, b.ticket_id);
    }

    async fn empty_and_malformed_ids_never_glue_letters_together(world) {
        let desk = Desk::open(&world).await;
        let mut seen = std::collections::HashSet::new();
        for (n, more) in ["In-Reply-To: \n", "References: <>\n", "In-Reply-To: <   >\nReferences: < >\n", "References: nonsense\n"].iter().enumerate() {
            let from = format!("Somebody <c{n}@customers.example>");
            let mail = desk.deliver(&letter(100 + n as u32, &from, "Hello", more, &format!("Number {n}"))).await;
            assert_eq!(mail.outcome, Some(Outcome::Ticket), "{}", mail.reason);
            assert!(seen.insert(mail.ticket_id), "each is a ticket of its own");
        }
    }

    async fn parts_of_a_thread_that_never_came_here_still_tie_it_together(world) {
        let desk = Desk::open(&world).await;
        let first = desk.deliver(&letter(1, ADA, "About the move", "References: <unseen@mail.example>\n", "One.")).await;
        let sibling = desk.deliver(&letter(2, ADA, "About the move", "References: <unseen@mail.example>\n", "Two.")).await;
        assert_eq!((sibling.outcome, sibling.ticket_id), (Some(Outcome::Reply), first.ticket_id), "{}", sibling.reason);
        let late = letter(3, ADA, "The beginning", "", "Zero.").replace("m3@mail", "unseen@mail");
        let late = desk.deliver(&late).await;
        assert_eq!(late.ticket_id, first.ticket_id, "{}", late.reason);
    }

    async fn programs_are_kept_and_answered_by_nobody(world) {
        let desk = Desk::open(&world).await;
        let (ben, staff) = desk.agent("ben@here.example.org").await;
        let first = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await;
        let t = first.ticket_id.unwrap();
        let answer = desk.answer(t, &staff).await;
        let (ours, reply_to) = (header(&answer, "Message-ID"), address(&header(&answer, "Reply-To")));
        world.db.write(world.scope(), move |tx| tickets::mark_read_by_staff(tx, &staff, t)).await.unwrap();
        let before = desk.ticket(Some(t)).await;
        let letters = desk.count(&COUNT_LETTERS).await;

        let away = letter(2, ADA, "Out of office", "Auto-Submitted: auto-replied\n", "I am away.").replace("support@here.example.org", &reply_to);
        let away = desk.deliver(&away).await;
        assert_eq!((away.outcome, away.ticket_id), (Some(Outcome::Automated), Some(t)), "{}", away.reason);
        assert_eq!(desk.how(&away).await.standing, Standing::Automated);
        let after = desk.ticket(Some(t)).await;
        assert_eq!((after.status, after.unread_by_agent, after.last_message_at), (before.status, 0, before.last_message_at), "no clock");
        let news = desk.deliver(&letter(3, "News <news@shop.example>", "Sale", "List-Id: <news.shop.example>\n", "Buy.")).await;
        assert_eq!((news.outcome, news.ticket_id), (Some(Outcome::Automated), None));
        let own = desk.deliver(&letter(4, "Us <support@here.example.org>", "Hello", "", "Us.")).await;
        assert_eq!((own.outcome, own.automated.as_deref()), (Some(Outcome::Automated), Some("loop")));
        assert_eq!(desk.count(&COUNT_LETTERS).await, letters, "nobody was written to");
        assert_eq!(desk.count(&COUNT_TICKETS).await, 1);

        let report = format!(
            "From: Mail Delivery <MAILER-DAEMON@mx.example>\nTo: support@here.example.org\nSubject: Undelivered\nMessage-ID: <b1@mx.example>\nReturn-Path: <>\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\nContent-Type: text/plain\n\nIt could not be delivered.\n\n--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; ada@customers.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no such user\n\n--B\nContent-Type: text/rfc822-headers\n\nMessage-ID: {ours}\nSubject: x\n\n--B--\n"
        );
        let report = desk.deliver(&report).await;
        assert_eq!((report.outcome, report.ticket_id, report.automated.as_deref()), (Some(Outcome::Automated), Some(t), Some("bounce")), "{}", report.reason);
        let answered = desk.messages(Some(t)).await.into_iter().find(|m| m.direction == tickets::Direction::Outbound).unwrap();
        assert_eq!(answered.delivery, "bounced");
        let told: Vec<String> = world.db.read(world.scope(), |r| r.query_all(&NOTICES, params![], |row| row.get(0))).await.unwrap();
        assert!(told.iter().any(|title| title.contains("came back")), "{told:?}, {}", ben.name);

        // Somebody says that the newsletter matters after all.
        let id = news.id;
        world.db.write(world.scope(), move |tx| intake::assign(tx, id)).await.unwrap();
        desk.worker.run_due().await.unwrap();
        let news = desk.mail(id).await;
        assert_eq!((news.outcome, news.state), (Some(Outcome::Ticket), MailState::Done), "{}", news.reason);
        let to_program = desk.fakes.mailer.sent().iter().any(|e| e.to.as_str() == "news@shop.example");
        assert!(!to_program, "a program is never answered by a program");
        check_neighbour(&world).await;
    }

    async fn a_letter_of_ours_that_comes_back_is_known_and_answered_by_nobody(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let t = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await.ticket_id.unwrap();
        let answer = desk.answer(t, &ben).await.replace("\r\n", "\n");
        // As a mailing list or a forward would send it back: another sender, another id, our mark.
        let id = header(&answer, "Message-ID");
        let from = header(&answer, "From");
        let back = answer.replace(&id, "<forwarded@elsewhere.example>").replace(&from, "List <list@elsewhere.example>");
        let letters = desk.count(&COUNT_LETTERS).await;
        let back = desk.deliver(&back).await;
        assert_eq!((back.outcome, back.automated.as_deref()), (Some(Outcome::Automated), Some("loop")), "{}", back.reason);
        assert_eq!(desk.count(&COUNT_LETTERS).await, letters);
    }

    async fn two_desks_do_not_talk_to_each_other_and_their_people_do(world) {
        let desk = Desk::open_with(&world, ChannelPatch { mailing_lists: Some(vec!["desks.example".into()]), ..ChannelPatch::default() }).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let t = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await.ticket_id.unwrap();
        let sent = desk.fakes.mailer.sent();
        let confirmation = sent.iter().find(|e| e.to.as_str() == "ada@customers.example").unwrap();
        let confirmation = String::from_utf8(confirmation.raw.to_vec()).unwrap().replace("\r\n", "\n");
        // Another desk of our kind, with a mark and ids of its own. Signed in at its provider its automatic letters have a
        // return path.
        let (own, other) = (world.here.uuid().simple().to_string(), world.there.uuid().simple().to_string());
        let theirs = |raw: &str, n: u32| {
            assert!(raw.contains(&format!("X-Counterfoil-Loop: {own}\n")), "{raw}");
            raw.replace(&own, &other)
                .replace(&header(raw, "Message-ID"), &format!("<o{n}@other.example>"))
                .replace(&format!("From: {}", header(raw, "From")), "From: Desk <desk@other.example>")
                + &format!("\n{n}\n")
        };
        let letters = desk.count(&COUNT_LETTERS).await;
        let listed = |raw: String| format!("List-Id: <desks.example>\n{raw}");
        for (n, raw) in [(2, theirs(&confirmation, 2)), (3, listed(theirs(&confirmation, 3)))] {
            let mail = desk.deliver(&raw).await;
            assert_eq!((mail.outcome, mail.automated.as_deref()), (Some(Outcome::Automated), Some("other")), "{n}: {}", mail.reason);
        }
        assert_eq!((desk.count(&COUNT_TICKETS).await, desk.count(&COUNT_LETTERS).await), (1, letters));
        // What somebody wrote there is somebody's.
        let answer = desk.answer(t, &ben).await.replace("\r\n", "\n");
        let person = desk.deliver(&theirs(&answer, 4)).await;
        assert!(person.automated.is_none() && person.message_id.is_some(), "{}", person.reason);
        check_neighbour(&world).await;
    }

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

    async fn mail_to_a_settled_ticket_takes_it_up_again_or_begins_one_that_follows_it(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let t = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await.ticket_id.unwrap();
        let reply_to = address(&header(&desk.answer(t, &ben).await, "Reply-To"));
        let email = "cc@customers.example".parse().unwrap();
        let staff = ben.clone();
        world.db.write(world.scope(), move |tx| tickets::participants::add(tx, &Settings::default(), &staff, t, &email, "Charles", false)).await.unwrap();
        let close = |status: tickets::Status| {
            let staff = ben.clone();
            let patch = tickets::TicketPatch { status: Some(status), ..tickets::TicketPatch::default() };
            world.db.write(world.scope(), move |tx| tickets::change(tx, &Settings::default(), &staff, t, patch))
        };
        close(tickets::Status::Resolved).await.unwrap();
        let to_it = |n: u32, from: &str, body: &str| letter(n, from, "Re", "", body).replace("support@here.example.org", &reply_to);
        let again = desk.deliver(&to_it(2, ADA, "Not solved.")).await;
        assert_eq!((again.outcome, again.ticket_id), (Some(Outcome::Reply), Some(t)));
        assert!(desk.ticket(Some(t)).await.status.is_live());
        close(tickets::Status::Resolved).await.unwrap();
        close(tickets::Status::Closed).await.unwrap();
        world.clock.advance(base::hours(24 * 40));
        let late = desk.deliver(&to_it(3, "Charles <cc@customers.example>", "Once more.")).await;
        assert_eq!(late.outcome, Some(Outcome::Ticket), "{}", late.reason);
        let followed = desk.ticket(late.ticket_id).await;
        assert_eq!((followed.follow_up_of, followed.user_email.as_str()), (Some(t), "ada@customers.example"));
        let said = &desk.messages(late.ticket_id).await[0];
        assert_eq!((said.author.name.as_str(), said.body.as_str()), ("Charles", "Once more."), "nobody's words are put in another's mouth");
    }

    async fn mail_to_a_merged_ticket_shows_in_the_survivor(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let a = desk.deliver(&letter(1, ADA, "First", "", "One.")).await.ticket_id.unwrap();
        let b = desk.deliver(&letter(2, ADA, "Second", "", "Two.")).await.ticket_id.unwrap();
        let answer = desk.answer(a, &ben).await;
        let reply_to = address(&header(&answer, "Reply-To"));
        world.db.write(world.scope(), move |tx| tickets::merge(tx, &Settings::default(), &ben, a, b)).await.unwrap();
        let raw = letter(3, ADA, "Re", "", "After the merge.").replace("support@here.example.org", &reply_to);
        let mail = desk.deliver(&raw).await;
        assert_eq!(mail.outcome, Some(Outcome::Reply), "{}", mail.reason);
        let thread = desk.messages(Some(b)).await;
        assert!(thread.iter().any(|m| m.body == "After the merge."), "{thread:?}");
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

    async fn killed_anywhere_a_letter_is_filed_exactly_once(world) {
        let desk = Desk::open(&world).await;
        let moments = [Moment::Claimed, Moment::Planned, Moment::Performed];
        let mut n = 0;
        for first in moments {
            for second in moments {
                n += 1;
                let from = format!("Somebody <c{n}@customers.example>");
                let id = desk.bring(desk.channel, &letter(n, &from, "Hello", "", &format!("Number {n}"))).await;
                for moment in [first, second] {
                    let dying = Worker::new(world.db.clone(), desk.fakes.outside.clone(), registry()).with_probe(DiesAt::new([moment]));
                    dying.run_due().await.unwrap();
                    world.clock.advance(minutes(3));
                }
                desk.worker.run_due().await.unwrap();
                assert_eq!(desk.mail(id).await.outcome, Some(Outcome::Ticket));
                assert_eq!(desk.count(&COUNT_TICKETS).await, i64::from(n));
                assert_eq!(desk.count(&COUNT_MESSAGES).await, i64::from(n));
            }
        }
        let copies = desk.fakes.mailer.copies();
        assert_eq!(copies.len() as i64, desk.count(&COUNT_LETTERS).await, "each letter under one Message-ID");
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

    async fn automatic_letters_to_one_address_end_somewhere(world) {
        let desk = Desk::open(&world).await;
        let (ben, _) = desk.agent("ben@here.example.org").await;
        let mut brought = Vec::new();
        for n in 1..=14 {
            brought.push(desk.bring(desk.channel, &letter(n, ADA, "Again", "", &format!("Number {n}"))).await);
        }
        desk.worker.run_due().await.unwrap();
        for id in brought {
            assert_eq!(desk.mail(id).await.outcome, Some(Outcome::Ticket), "mail is always taken");
        }
        let to_ada = desk.fakes.mailer.sent().into_iter().filter(|e| e.to.as_str() == "ada@customers.example").count();
        assert_eq!(to_ada, 10, "confirmations in one moment");
        let told: Vec<String> = world.db.read(world.scope(), |r| r.query_all(&NOTICES, params![], |row| row.get(0))).await.unwrap();
        assert!(told.iter().any(|t| t.contains("held")), "{told:?} {}", ben.name);
        check_neighbour(&world).await;
    }
}
