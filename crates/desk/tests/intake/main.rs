//! Mail that comes in: every letter lands in the right thread, once, and nothing is lost. On both engines, beside a neighbour.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod aside;
mod at_once;
mod content;
mod doors;
mod gone;
mod harness;
mod people;
mod programs;
mod purged;
mod senders;
mod waiting;

use base::minutes;
use desk::{
    channels::ChannelPatch,
    intake::{FoundBy, MailState, Outcome},
    tickets::{self, query},
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

    async fn what_is_split_off_is_answered_from_where_it_was_written_to(world) {
        let desk = Desk::open(&world).await;
        let (_, ben) = desk.agent("ben@here.example.org").await;
        let billing = channel(&world, world.scope(), "billing@here.example.org", ChannelPatch::default()).await;
        let to_billing = |n: u32, more: &str, body: &str| letter(n, ADA, "Invoice", more, body).replace("support@here.example.org\n", "billing@here.example.org\n");
        let first = desk.deliver_to(billing, &to_billing(1, "", "Wrong sum.")).await;
        let second = desk.deliver_to(billing, &to_billing(2, "In-Reply-To: <m1@mail.example>\n", "And the line is dead.")).await;
        assert_eq!(second.ticket_id, first.ticket_id);
        let (of, message, staff) = (first.ticket_id.unwrap(), second.message_id.unwrap(), ben.clone());
        let made = world.db.write(world.scope(), move |tx| {
            let what = tickets::SplitOff { message, subject: None, expected_version: None };
            tickets::split(tx, &Settings::default(), &staff, of, what)
        }).await.unwrap();
        let answer = desk.answer(made.id, &ben).await;
        assert_eq!(address(&header(&answer, "From")), "billing@here.example.org", "{answer}");
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
}
