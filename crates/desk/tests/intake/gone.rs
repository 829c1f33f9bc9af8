//! Mail that led nowhere is deleted for good in time, what waits is not, and a mailbox brings nothing of it back.

use base::{Id, hours};
use desk::{
    channels::{ChannelPatch, UnknownSenders, mailbox},
    intake::{self, Door, Mail, MailState, Outcome, Received},
    leftovers, tickets,
};
use engine::outside::{MailCursor, Sha256};
use identity::tenants;
use testkit::both_engines;

use crate::{COUNT_MAILS, COUNT_TICKETS, harness::*};

db::statements! {
    COUNT_KEYS = "select count(*) from mail_keys where tenant_id = ?1";
    COUNT_MARKS = "select count(*) from gone_mails where tenant_id = ?1";
    SETTLED = "update mails set state = 'discarded', settled_at = ?3 where tenant_id = ?1 and id = ?2";
    DROPPED = "insert into dropped_blobs (tenant_id, sha256, dropped_at) values (?1, ?2, ?3)";
    PURGED = "select after_value from audit_log where tenant_id = ?1 and event_type = 'mail.purged'";
    COUNT_DROPPED = "select count(*) from dropped_blobs where tenant_id = ?1";
}

const PROGRAM: &str = "Auto-Submitted: auto-generated\n";

async fn keep_days(desk: &Desk<'_>, days: u32) {
    let write = move |tx: &mut db::Tx<'_>| {
        let tenant = tenants::get(tx, tx.tenant()?)?;
        let settings = identity::Settings { stray_mail_retention_days: days, ..tenant.settings };
        tenants::save_settings(tx, &tenant.name, &settings)
    };
    desk.world.db.write(desk.world.scope(), write).await.unwrap();
}

/// Both tenants' schedules, and then what is left of the bytes.
async fn purge(desk: &Desk<'_>) {
    for scope in [desk.world.scope(), desk.world.scope_there()] {
        while desk.world.db.write(scope.clone(), intake::purge_strays).await.unwrap() {}
    }
    desk.world.clock.advance(hours(2));
    desk.world.db.write(desk.world.scope(), leftovers::sweep_due).await.unwrap();
    desk.worker.run_due().await.unwrap();
}

async fn is_here(desk: &Desk<'_>, id: Id<Mail>) -> bool {
    let found = desk.world.db.read(desk.world.scope(), move |r| intake::query::get(r, id)).await;
    found.is_ok()
}

async fn has(desk: &Desk<'_>, sha256: [u8; 32]) -> bool {
    desk.fakes.outside.blobs.exists(desk.world.here, Sha256(sha256)).await.unwrap()
}

async fn set_mailbox(desk: &Desk<'_>, folder: &str) {
    let channel = desk.channel;
    let new = mailbox::NewMailbox {
        host: "imap.example.org".into(),
        port: 993,
        tls: "tls".into(),
        username: "support".into(),
        password: Some(base::Secret::new("x")),
        folder: folder.into(),
        from_beginning: true,
    };
    desk.world.db.write(desk.world.scope(), move |tx| mailbox::set(tx, channel, &new)).await.unwrap();
}

/// What is in the mailbox is read from its beginning, and everything happens that follows.
async fn collect(desk: &Desk<'_>, uidvalidity: u32, letters: &[String]) {
    let (world, channel) = (desk.world, desk.channel);
    let find = || world.db.read(world.scope(), move |r| mailbox::find(r, channel));
    let last = letters.len() as u32;
    let seen = find().await.unwrap().unwrap();
    if seen.cursor.is_some() {
        let begun = MailCursor { uidvalidity, last_uid: 0 };
        world.db.write(world.scope(), move |tx| mailbox::begun_anew(tx, &seen, begun, last)).await.unwrap();
    }
    let mut received = Vec::new();
    for (n, raw) in letters.iter().enumerate() {
        let letter = Received {
            channel,
            door: Door::Imap,
            envelope_from: None,
            envelope_to: Vec::new(),
            client_ip: None,
            helo: None,
            blob: desk.store(raw).await,
        };
        received.push((n as u32 + 1, letter));
    }
    let seen = find().await.unwrap().unwrap();
    let cursor = MailCursor { uidvalidity, last_uid: last };
    world.db.write(world.scope(), move |tx| mailbox::took(tx, &seen, cursor, received)).await.unwrap();
    desk.worker.run_due().await.unwrap();
}

async fn mails(desk: &Desk<'_>) -> Vec<Mail> {
    desk.world.db.read(desk.world.scope(), |r| intake::query::page(r, None, None, 100)).await.unwrap()
}

both_engines! {
    async fn what_led_nowhere_goes_in_time_and_what_waits_or_is_in_a_ticket_stays(world) {
        let patch = ChannelPatch { unknown_senders: Some(UnknownSenders::Quarantine), ..ChannelPatch::default() };
        let desk = Desk::open_with(&world, patch).await;
        let rejecting = ChannelPatch { unknown_senders: Some(UnknownSenders::Reject), ..ChannelPatch::default() };
        let rejects = channel(&world, world.scope(), "sales@here.example.org", rejecting).await;
        let to_sales = |n, words: &str| letter(n, "Eve <eve@elsewhere.example>", "Offer", "", words).replace("To: support@", "To: sales@");
        let there = channel(&world, world.scope_there(), "support@there.example.org", ChannelPatch::default()).await;

        let waits = desk.deliver(&letter(1, MALLORY, "Hello", "", "Is anybody there?")).await;
        let thrown = desk.deliver(&letter(2, MALLORY, "Buy", "", "Buy now")).await;
        let failed = desk.deliver(&letter(3, ADA, "Long", &"X-Much: y\n".repeat(20_000), "x")).await;
        let odd = desk.deliver(&letter(4, ADA, "Longer", &"X-Much: z\n".repeat(20_000), "x")).await;
        let rejected = desk.deliver_to(rejects, &to_sales(5, "Cheap")).await;
        let program = desk.deliver(&letter(6, "Robot <robot@machines.example>", "Backup done", PROGRAM, "All is well.")).await;
        assert_eq!(rejected.outcome, Some(Outcome::Rejected));
        assert_eq!((program.outcome, program.message_id), (Some(Outcome::Automated), None));
        // A ticket of its own, and the same letter once more.
        let kept = desk.deliver(&letter(7, MALLORY, "A question", "", "How much?")).await;
        let (id, out, away) = (kept.id, thrown.id, odd.id);
        world.db.write(world.scope(), move |tx| {
            intake::release(tx, id)?;
            intake::discard(tx, out)?;
            intake::discard(tx, away)
        }).await.unwrap();
        desk.worker.run_due().await.unwrap();
        let kept = desk.mail(kept.id).await;
        assert_eq!(kept.outcome, Some(Outcome::Ticket), "{}", kept.reason);
        let twice = desk.deliver(&letter(7, MALLORY, "A question", "X-Hop: b\n", "How much?")).await;
        assert_eq!(twice.outcome, Some(Outcome::Duplicate));
        // What was kept of a mail's files for a message that there is not goes at once.
        let files = letter(8, "Robot <robot@machines.example>", "Report", PROGRAM, "BODY").replace(
            "Content-Type: text/plain; charset=utf-8\n\nBODY\n",
            "Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/plain\n\nx\n--B\nContent-Type: application/octet-stream; name=a.bin\nContent-Disposition: attachment\n\nthe report\n--B--\n",
        );
        let report = desk.deliver(&files).await;
        assert_eq!(report.message_id, None);
        assert_eq!(desk.count(&COUNT_DROPPED).await, 1, "its file");
        // The neighbour has one of the kind.
        world.db.write(world.scope_there(), move |tx| {
            let blob = engine::outside::BlobRef { sha256: Sha256([9; 32]), size_bytes: 1 };
            let letter = Received { channel: there, door: Door::Api, envelope_from: None, envelope_to: Vec::new(), client_ip: None, helo: None, blob };
            let id = intake::receive(tx, letter)?;
            let now = tx.now();
            tx.execute(&SETTLED, db::params![id, now]).map(|_| ())
        }).await.unwrap();

        world.clock.advance(hours(24 * 80));
        purge(&desk).await;
        assert_eq!(mails(&desk).await.len(), 9, "not yet");
        assert_eq!(desk.count(&COUNT_DROPPED).await, 0, "but the file is gone");
        world.clock.advance(hours(24 * 11));
        keep_days(&desk, 0).await;
        purge(&desk).await;
        assert_eq!(mails(&desk).await.len(), 9, "0 keeps them");
        keep_days(&desk, 90).await;
        purge(&desk).await;
        for gone in [&thrown, &odd, &rejected, &program, &twice, &report] {
            assert!(!is_here(&desk, gone.id).await && !has(&desk, gone.sha256).await, "{}: {:?}", gone.subject, gone.state);
        }
        let turns = world.db.read(world.scope(), |r| r.query_all(&PURGED, db::params![], |row| row.get::<serde_json::Value>(0))).await.unwrap();
        assert_eq!(turns, [serde_json::json!({ "count": 6, "after_days": 90 })], "one line for them all");
        for stays in [&waits, &failed, &kept] {
            assert!(is_here(&desk, stays.id).await && has(&desk, stays.sha256).await, "{}: {:?}", stays.subject, stays.state);
        }
        assert_eq!((desk.mail(waits.id).await.state, desk.mail(failed.id).await.state), (MailState::Quarantined, MailState::Failed));
        assert_eq!((desk.count(&COUNT_TICKETS).await, desk.count(&COUNT_MARKS).await), (1, 0), "nobody hands these out again");
        // Somebody sends it once more: it is looked at as any other.
        let again = desk.deliver_to(rejects, &to_sales(5, "Cheap")).await;
        assert_eq!(again.outcome, Some(Outcome::Rejected));
        assert_eq!(count(&world, world.scope_there(), &COUNT_MAILS).await, 0, "the neighbour's own setting let its go");
        assert_eq!(count(&world, world.scope_there(), &COUNT_TICKETS).await, 0);
    }

    async fn a_mailbox_brings_nothing_back_that_was_deleted_for_good(world) {
        let desk = Desk::open(&world).await;
        set_mailbox(&desk, "INBOX").await;
        let program = letter(1, "Robot <robot@machines.example>", "Backup done", PROGRAM, "All is well.");
        let nameless = letter(2, "Robot <robot@machines.example>", "No id", PROGRAM, "All is well, too.").replace("Message-ID: <m2@mail.example>\n", "");
        let person = letter(3, ADA, "Internet down", "", "The light is red.");
        collect(&desk, 1, &[program.clone(), nameless.clone(), person.clone()]).await;
        assert_eq!((mails(&desk).await.len(), desk.count(&COUNT_TICKETS).await), (3, 1));
        world.clock.advance(hours(24 * 91));
        purge(&desk).await;
        assert_eq!((desk.count(&COUNT_MAILS).await, desk.count(&COUNT_KEYS).await, desk.count(&COUNT_MARKS).await), (1, 1, 3));
        let blobs = || async { desk.fakes.outside.blobs.list(world.here).await.unwrap().len() };
        assert_eq!(blobs().await, 1);
        // The folder's numbers begin anew: byte for byte, and with a line that a server wrote above.
        collect(&desk, 2, &[program.clone(), nameless.clone(), person.clone()]).await;
        assert_eq!((desk.count(&COUNT_MAILS).await, desk.count(&COUNT_TICKETS).await), (1, 1));
        collect(&desk, 3, &[format!("X-Moved: yes\n{program}"), person.clone()]).await;
        assert_eq!((desk.count(&COUNT_MAILS).await, desk.count(&COUNT_KEYS).await), (1, 1));
        // Read from its beginning, as another folder.
        set_mailbox(&desk, "Archive").await;
        collect(&desk, 7, &[program.clone(), nameless.clone()]).await;
        assert_eq!(desk.count(&COUNT_MAILS).await, 1);
        purge(&desk).await;
        assert_eq!(blobs().await, 1, "and its bytes, which were stored to be looked at, are gone again");
        check_neighbour(&world).await;
    }

    async fn a_letter_of_a_purged_ticket_comes_back_from_no_mailbox(world) {
        let desk = Desk::open(&world).await;
        let (_, root) = desk.agent("root@here.example.org").await;
        set_mailbox(&desk, "INBOX").await;
        let person = letter(3, ADA, "Internet down", "", "The light is red.");
        collect(&desk, 1, std::slice::from_ref(&person)).await;
        let first = mails(&desk).await.remove(0);
        let ticket = first.ticket_id.unwrap();
        world.db.write(world.scope(), move |tx| tickets::remove(tx, &root, ticket, None)).await.unwrap();
        world.clock.advance(hours(24 * 31));
        world.db.write(world.scope(), tickets::purge_deleted).await.unwrap();
        purge(&desk).await;
        // As it was, and then as the server it was moved to hands it out; read from another folder, too.
        collect(&desk, 2, std::slice::from_ref(&person)).await;
        assert_eq!(desk.count(&COUNT_MAILS).await, 1);
        collect(&desk, 3, &[format!("X-Moved: yes\n{person}")]).await;
        set_mailbox(&desk, "Archive").await;
        collect(&desk, 4, std::slice::from_ref(&person)).await;
        let all = mails(&desk).await;
        assert!((1..=2).contains(&all.len()), "{all:?}");
        for mail in &all {
            assert_eq!((mail.state, mail.ticket_id), (MailState::Forgotten, Some(ticket)));
            assert!(mail.subject.is_empty() && mail.from_email.is_empty() && mail.header_id.is_none(), "{mail:?}");
        }
        assert_eq!(desk.count(&COUNT_TICKETS).await, 1);
        world.clock.advance(hours(2));
        world.db.write(world.scope(), leftovers::sweep_due).await.unwrap();
        desk.worker.run_due().await.unwrap();
        assert!(desk.fakes.outside.blobs.list(world.here).await.unwrap().is_empty());
        check_neighbour(&world).await;
    }

    async fn a_letter_that_is_sent_again_after_its_ticket_was_purged_is_new_mail(world) {
        let desk = Desk::open(&world).await;
        let (_, root) = desk.agent("root@here.example.org").await;
        for (n, door) in [(1, Door::Api), (2, Door::Smtp)] {
            let raw = letter(n, ADA, &format!("Internet down {n}"), "", "The light is red.");
            let first = desk.deliver(&raw).await;
            let (ticket, staff) = (first.ticket_id.unwrap(), root.clone());
            world.db.write(world.scope(), move |tx| tickets::remove(tx, &staff, ticket, None)).await.unwrap();
            world.clock.advance(hours(24 * 31));
            world.db.write(world.scope(), tickets::purge_deleted).await.unwrap();
            assert_eq!(desk.mail(first.id).await.state, MailState::Forgotten);
            let bring = async |raw: &str, door| {
                let id = desk.bring_by(door, desk.channel, raw).await;
                desk.worker.run_due().await.unwrap();
                desk.mail(id).await
            };
            let again = bring(&format!("X-Hop: a\n{raw}"), door).await;
            assert_eq!((again.state, again.outcome), (MailState::Done, Some(Outcome::Ticket)), "{door:?}: {}", again.reason);
            assert_ne!(again.ticket_id, Some(ticket));
            // It is the letter that is here from now on.
            let twice = bring(&raw, door).await;
            assert_eq!((twice.outcome, twice.ticket_id), (Some(Outcome::Duplicate), again.ticket_id));
            world.clock.advance(hours(2));
            world.db.write(world.scope(), leftovers::sweep_due).await.unwrap();
            desk.worker.run_due().await.unwrap();
            assert!(has(&desk, again.sha256).await && has(&desk, twice.sha256).await);
        }
        check_neighbour(&world).await;
    }

    async fn what_somebody_asks_to_have_read_again_is_deleted_by_no_likeness(world) {
        let desk = Desk::open(&world).await;
        set_mailbox(&desk, "INBOX").await;
        let program = letter(1, "Robot <robot@machines.example>", "Backup failed", PROGRAM, "The disk is full.");
        collect(&desk, 1, std::slice::from_ref(&program)).await;
        world.clock.advance(hours(24 * 60));
        collect(&desk, 2, &[format!("X-Moved: yes\n{program}")]).await;
        let copy = mails(&desk).await.remove(0);
        assert_eq!(copy.outcome, Some(Outcome::Duplicate), "{}", copy.reason);
        // The first goes; its copy was settled later, and is listed still.
        world.clock.advance(hours(24 * 31));
        purge(&desk).await;
        assert_eq!(desk.count(&COUNT_MAILS).await, 1);
        let id = copy.id;
        world.db.write(world.scope(), move |tx| intake::read_again(tx, id)).await.unwrap();
        desk.worker.run_due().await.unwrap();
        assert!(is_here(&desk, id).await, "it was read again");
        assert_eq!(desk.mail(id).await.outcome, Some(Outcome::Automated));
        world.db.write(world.scope(), move |tx| intake::assign(tx, id)).await.unwrap();
        desk.worker.run_due().await.unwrap();
        let assigned = desk.mail(id).await;
        assert_eq!((assigned.state, assigned.outcome), (MailState::Done, Some(Outcome::Ticket)), "{}", assigned.reason);
        check_neighbour(&world).await;
    }

    async fn a_folder_that_begins_anew_writes_down_nothing_that_is_here(world) {
        let desk = Desk::open(&world).await;
        set_mailbox(&desk, "INBOX").await;
        let letters: Vec<String> = (1..4).map(|n| letter(n, ADA, &format!("Number {n}"), "", &format!("Words {n}."))).collect();
        collect(&desk, 1, &letters).await;
        collect(&desk, 2, &letters).await;
        assert_eq!((desk.count(&COUNT_MAILS).await, desk.count(&COUNT_DROPPED).await), (3, 0));
        check_neighbour(&world).await;
    }

    async fn what_is_written_down_is_looked_at_a_batch_at_a_time(world) {
        let desk = Desk::open(&world).await;
        let channel = desk.channel;
        world.db.write(world.scope(), move |tx| {
            let now = tx.now();
            for n in 0..450u32 {
                let mut sha256 = [0; 32];
                sha256[..4].copy_from_slice(&n.to_be_bytes());
                let blob = engine::outside::BlobRef { sha256: Sha256(sha256), size_bytes: 1 };
                let door = Door::Api;
                intake::receive(tx, Received { channel, door, envelope_from: None, envelope_to: Vec::new(), client_ip: None, helo: None, blob })?;
                tx.execute(&DROPPED, db::params![sha256, now])?;
            }
            Ok(())
        }).await.unwrap();
        world.clock.advance(hours(2));
        // All of it is named; one run lets the writers of the database go on, and the next one is queued.
        let mut job = leftovers::SweepLeftovers { turn: "2026-01-01T00:00:00Z".into() };
        for left in [250, 50, 0] {
            let planned = world.db.write(world.scope(), move |tx| {
                let step = engine::Handler::plan(&leftovers::Sweeper, tx, &job)?;
                assert!(matches!(step, engine::Step::Done));
                let (begun, runs) = job.turn.split_once('+').unwrap_or((&job.turn, "0"));
                let next = leftovers::SweepLeftovers { turn: format!("{begun}+{}", runs.parse::<u32>().unwrap() + 1) };
                Ok((engine::is_waiting(tx, &next)?, next))
            }).await.unwrap();
            assert_eq!((desk.count(&COUNT_DROPPED).await, planned.0), (left, left > 0));
            job = planned.1;
        }
    }
}
