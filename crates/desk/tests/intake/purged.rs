//! A ticket that was deleted for good leaves no bytes behind: not the mail as it arrived, not its files, not the letters.

use base::hours;
use desk::{
    composing::drafts,
    intake::{self, Mail},
    tickets::{self, NewAttachment},
};
use engine::outside::Sha256;
use testkit::both_engines;

use crate::{COUNT_LETTERS, harness::*};

const FILE: &str = "Content-Type: multipart/mixed; boundary=b\n";

/// A letter with a file of these words.
fn with_file(n: u32, words: &str) -> String {
    let raw = letter(n, ADA, &format!("Plan {n}"), "", "See the plan.");
    let body = format!(
        "--b\nContent-Type: text/plain\n\nSee the plan, number {n}.\n--b\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=plan.bin\n\n{words}\n--b--\n"
    );
    let (head, _) = raw.split_once("\n\n").unwrap();
    format!("{}\n\n{body}", head.replace("Content-Type: text/plain; charset=utf-8", FILE.trim_end()))
}

async fn file_of(desk: &Desk<'_>, mail: &Mail) -> [u8; 32] {
    desk.messages(mail.ticket_id).await[0].attachments[0].sha256
}

both_engines! {
    async fn nothing_of_a_purged_ticket_stays_and_nothing_of_others_goes(world) {
        let desk = Desk::open(&world).await;
        let (_, root) = desk.agent("root@here.example.org").await;
        let (gone, stays) = (desk.deliver(&with_file(1, "the same plan")).await, desk.deliver(&with_file(2, "the same plan")).await);
        let alone = desk.deliver(&with_file(3, "a plan of its own")).await;
        let letters = desk.count(&COUNT_LETTERS).await;
        // Somebody began an answer, with a file that was never sent.
        let unsent = desk.store("an unsent plan").await;
        let file = NewAttachment {
            filename: "plan.bin".into(), content_type: "application/octet-stream".into(), size_bytes: unsent.size_bytes, sha256: unsent.sha256.0,
        };
        let (who, on) = (root.clone(), alone.ticket_id.unwrap());
        world.db.write(world.scope(), move |tx| drafts::attach(tx, &who, on, Some("note"), vec![file])).await.unwrap();
        let shared = file_of(&desk, &gone).await;
        let own = file_of(&desk, &alone).await;
        assert_eq!(file_of(&desk, &stays).await, shared, "one content, attached twice");
        let here = |sha256: [u8; 32]| {
            let blobs = desk.fakes.outside.blobs.clone();
            let tenant = world.here;
            async move { blobs.exists(tenant, Sha256(sha256)).await.unwrap() }
        };
        for id in [gone.ticket_id.unwrap(), alone.ticket_id.unwrap()] {
            let root = root.clone();
            world.db.write(world.scope(), move |tx| tickets::remove(tx, &root, id, None)).await.unwrap();
        }
        world.clock.advance(hours(24 * 31));
        world.db.write(world.scope(), tickets::purge_deleted).await.unwrap();
        // And nobody brings it back.
        let id = gone.id;
        for (act, refused) in [
            ("discard", world.db.write(world.scope(), move |tx| intake::discard(tx, id)).await.unwrap_err()),
            ("release", world.db.write(world.scope(), move |tx| intake::release(tx, id)).await.unwrap_err()),
            ("read_again", world.db.write(world.scope(), move |tx| intake::read_again(tx, id)).await.unwrap_err()),
            ("assign", world.db.write(world.scope(), move |tx| intake::assign(tx, id)).await.unwrap_err()),
        ] {
            assert_eq!(refused.kind(), base::Kind::Conflict, "{act}: {refused:?}");
        }
        // Not at once: something may be under way.
        world.db.write(world.scope(), desk::leftovers::sweep_due).await.unwrap();
        desk.worker.run_due().await.unwrap();
        assert!(here(gone.sha256).await && here(own).await);
        world.clock.advance(hours(2));
        world.db.write(world.scope(), desk::leftovers::sweep_due).await.unwrap();
        desk.worker.run_due().await.unwrap();
        assert!(!here(gone.sha256).await && !here(alone.sha256).await, "the mails as they arrived");
        assert!(!here(own).await && !here(unsent.sha256.0).await, "and files that nothing else has");
        assert!(here(shared).await && here(stays.sha256).await, "what another ticket names stays");
        assert_eq!(desk.count(&COUNT_LETTERS).await, letters / 3, "their letters went too");
        // When the last that names it goes, it goes.
        let id = stays.ticket_id.unwrap();
        world.db.write(world.scope(), move |tx| tickets::remove(tx, &root, id, None)).await.unwrap();
        world.clock.advance(hours(24 * 31));
        world.db.write(world.scope(), tickets::purge_deleted).await.unwrap();
        world.clock.advance(hours(2));
        world.db.write(world.scope(), desk::leftovers::sweep_due).await.unwrap();
        desk.worker.run_due().await.unwrap();
        assert!(!here(shared).await);
        assert!(desk.fakes.outside.blobs.list(world.here).await.unwrap().is_empty(), "the disk is as empty as the desk");
        world.db.write(world.scope(), desk::leftovers::sweep_due).await.unwrap();
        assert_eq!(desk.worker.run_due().await.unwrap(), 0, "and nothing is left to do");
    }
}
