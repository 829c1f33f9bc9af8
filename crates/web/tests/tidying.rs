//! Colours of tags, senders who are not heard, deleted tickets that come back: through their pages.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::Role;
use serde_json::json;
use support::{Site, browser::Browser};
use testkit::both_engines;

both_engines! {
    async fn tags_get_a_colour_and_lose_it(world) {
        let site = Site::new(world).await;
        let dora = site.user("Dora", Role::Customer).await;
        let admin = site.user("Ada", Role::Admin).await;
        let id = dora.file("No light").await;
        admin.patch(&format!("/api/admin/support/tickets/{id}"), json!({ "tags": ["outage"] })).await.expect(200);
        let b = Browser::new(admin).await;
        assert!(b.page("/admin/tags").await.contains(">outage<"), "a tag in use is there");
        b.done("/admin/tags", &[("tag", "outage"), ("colour", "red")]).await;
        assert!(b.page("/desk?view=all").await.contains("tag-red"));
        b.done("/admin/tags", &[("tag", "outage"), ("colour", "grey")]).await;
        assert!(!b.page("/desk?view=all").await.contains("tag-red"));
        let refused = b.refused("/admin/tags", &[("tag", "vip"), ("colour", "ultraviolet")]).await;
        assert!(refused.contains("one of grey, blue") && refused.contains("value=\"vip\""), "what was typed stays");
        let neighbour = Browser::new(site.neighbour("Nora", Role::Admin).await).await;
        assert!(!neighbour.page("/admin/tags").await.contains("outage"));
        let agent = Browser::new(site.user("Ben", Role::Agent).await).await;
        agent.post("/admin/tags", &[("tag", "outage"), ("colour", "red")]).await.expect_status(403);
    }

    async fn a_blocked_sender_is_heard_again(world) {
        let site = Site::new(world).await;
        let b = Browser::new(site.user("Ada", Role::Admin).await).await;
        b.refused("/admin/blocked-senders", &[("email", "no address")]).await;
        b.done("/admin/blocked-senders", &[("email", "Winner@Lottery.example")]).await;
        assert!(b.page("/admin/blocked-senders").await.contains("winner@lottery.example"));
        let form = json!({ "email": "winner@lottery.example", "category": "other", "description": "You have won." });
        site.anonymous().post("/api/help/contact", form.clone()).await.expect(201);
        site.work().await;
        assert!(!b.page("/desk").await.contains("winner@lottery.example"), "put aside");
        assert!(site.mailer.sent().iter().all(|l| !l.to.as_str().contains("lottery")), "without a letter");
        b.done("/admin/blocked-senders/unblock", &[("email", "winner@lottery.example")]).await;
        assert!(!b.page("/admin/blocked-senders").await.contains("lottery"));
        site.anonymous().post("/api/help/contact", form).await.expect(201);
        assert!(b.page("/desk").await.contains("winner@lottery.example"), "heard");
    }

    async fn a_deleted_ticket_comes_back(world) {
        let site = Site::new(world).await;
        let dora = site.user("Dora", Role::Customer).await;
        let admin = site.user("Ada", Role::Admin).await;
        let first = dora.file("Filed twice").await;
        let b = Browser::new(admin.clone()).await;
        admin.send("DELETE", &format!("/api/admin/support/tickets/{first}"), &[], Vec::new()).await.expect_status(204);
        dora.get(&format!("/api/support/tickets/{first}")).await.expect_status(404);
        assert!(b.page("/admin/deleted-tickets").await.contains("Filed twice"));
        let path = format!("/admin/deleted-tickets/{first}/restore");
        Browser::new(site.user("Ben", Role::Agent).await).await.post(&path, &[]).await.expect_status(403);
        Browser::new(site.neighbour("Nora", Role::Admin).await).await.post(&path, &[]).await.expect_status(404);
        assert_eq!(b.done(&path, &[]).await, format!("/desk/tickets/{first}"));
        dora.get(&format!("/api/support/tickets/{first}")).await.expect(200);
    }
}
