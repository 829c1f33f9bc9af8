//! The outbox: what became of a letter, for pages and programs, and what may be sent again.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::{Role, minutes};
use engine::{Moment, outside::SendError};
use serde_json::{Value, json};
use support::{Client, Site, browser::Browser};
use testkit::both_engines;

const OUTBOX: &str = "/api/admin/outbox";

/// The letters of a customer, newest first.
async fn letters_of(admin: &Client, who: &Client) -> Vec<Value> {
    let page = admin.get(&format!("{OUTBOX}?q={}", who.email)).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

both_engines! {
    async fn a_letter_in_hand_when_the_power_goes_is_uncertain_until_somebody_decides(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let ada = site.user("Ada", Role::Customer).await;
        site.work().await;
        ada.file("Internet down").await;
        // It left, and nobody wrote that down. The jobs before it are worked in the same run.
        for _ in 0..4 {
            site.work_and_die(&[Moment::Performed]).await;
        }
        let copies = site.mailer.copies().len();
        site.world.clock.advance(minutes(3));
        site.work().await;
        let found = letters_of(&admin, &ada).await;
        assert_eq!((found.len(), found[0]["status"].as_str()), (1, Some("uncertain")), "{found:?}");
        assert!(found[0]["last_error"].as_str().unwrap().contains("stopped"), "{found:?}");
        assert_eq!(site.mailer.copies().len(), copies);
        assert!(site.mailer.copies().values().all(|n| *n == 1), "none left twice");
        let page = Browser::new(admin.clone()).await.page("/admin/outbox?state=uncertain").await;
        assert!(page.contains(&ada.email), "{page}");
        // Somebody looked, and it did not arrive.
        let at = format!("{OUTBOX}/{}", found[0]["id"].as_str().unwrap());
        assert_eq!(admin.post(&format!("{at}/resend"), json!({})).await.expect(200)["status"], "queued");
        site.work().await;
        assert_eq!(admin.get(&at).await.expect(200)["status"], "sent");
        assert_eq!(site.mailer.copies()[found[0]["message_id"].as_str().unwrap()], 2, "under the Message-ID it has");
        let refused = admin.post(&format!("{at}/resend"), json!({})).await.expect(409);
        assert_eq!(refused["code"], "letter.not_failed");
    }

    async fn the_outbox_is_for_the_admins_of_its_business_and_tells_no_words(world) {
        let site = Site::new(world).await;
        let (admin, agent) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let ada = site.user("Ada", Role::Customer).await;
        site.mailer.fail_next(SendError::permanent("550 no such user"));
        ada.file("Internet down").await;
        site.work().await;
        let page = admin.get(&format!("{OUTBOX}?status=failed")).await.expect(200);
        let failed = &page["items"][0];
        assert_eq!(failed["last_error"], "550 no such user", "{page}");
        assert!(failed.get("body_text").is_none() && failed.get("text").is_none(), "{failed}");
        let first = admin.get(&format!("{OUTBOX}?limit=1")).await.expect(200);
        let next = format!("{OUTBOX}?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
        assert_ne!(admin.get(&next).await.expect(200)["items"][0]["id"], first["items"][0]["id"]);
        let wrong = admin.get(&format!("{OUTBOX}?status=lost")).await.expect(422);
        assert_eq!(wrong["errors"][0]["field"], "status", "{wrong}");
        let at = format!("{OUTBOX}/{}", failed["id"].as_str().unwrap());
        let theirs = site.neighbour("Their root", Role::Admin).await;
        theirs.get(&at).await.expect(404);
        theirs.post(&format!("{at}/resend"), json!({})).await.expect(404);
        assert_eq!(theirs.get(&format!("{OUTBOX}?status=failed")).await.expect(200)["items"], json!([]));
        agent.get(&at).await.expect(403);
        agent.post(&format!("{at}/resend"), json!({})).await.expect(403);
    }
}
