//! Letters that programs wrote, ours among them: kept, believed where they prove something, answered by nobody.

use db::params;
use desk::{
    channels::ChannelPatch,
    intake::{self, MailState, Outcome, Standing},
    tickets,
};
use testkit::both_engines;

use crate::{COUNT_LETTERS, COUNT_TICKETS, NOTICES, harness::*};

both_engines! {
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
