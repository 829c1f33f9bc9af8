//! Customers are asked how it went: once, in time, through a link that nobody can guess.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::Role;
use serde_json::{Value, json};
use support::{Client, Site, browser::Browser};
use testkit::both_engines;

/// Keys of the links in the letters that ask.
async fn asked(site: &Site) -> Vec<String> {
    let scope = site.world.scope();
    let letters = site.world.db.read(scope, |r| notices::letters::list(r, None, 500)).await.unwrap();
    let bodies = letters.into_iter().map(|l| l.body_text).filter(|t| t.contains("/help/feedback/"));
    bodies
        .map(|t| {
            let at = t.find("/help/feedback/").unwrap() + "/help/feedback/".len();
            t[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
        })
        .collect()
}

async fn set(agent: &Client, id: &str, body: Value) -> Value {
    agent.patch(&format!("/api/admin/support/tickets/{id}"), body).await.expect(200)
}

async fn detail(agent: &Client, id: &str) -> Value {
    agent.get(&format!("/api/admin/support/tickets/{id}")).await.expect(200)
}

/// What is due is done, an hour and a half at a time.
async fn later(site: &Site) {
    site.work().await;
    site.world.clock.advance(base::minutes(90));
    site.work().await;
}

both_engines! {
    async fn a_customer_is_asked_once_an_hour_after_the_resolution(world) {
        let site = Site::new(world).await;
        let (dora, agent) = (site.user("Dora", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let id = dora.file("No light").await;
        set(&agent, &id, json!({ "assigned_to": agent.user_id, "status": "resolved" })).await;
        site.work().await;
        assert_eq!(asked(&site).await.len(), 0, "not at once");
        later(&site).await;
        assert_eq!(asked(&site).await.len(), 1);
        // Opened again and resolved again: they were asked.
        set(&agent, &id, json!({ "status": "open" })).await;
        set(&agent, &id, json!({ "status": "resolved" })).await;
        later(&site).await;
        assert_eq!(asked(&site).await.len(), 1, "once for a ticket");

        let token = asked(&site).await.remove(0);
        let path = format!("/api/help/feedback/{token}");
        let nobody = site.anonymous();
        assert_eq!(nobody.get(&path).await.expect(200)["answer"], Value::Null);
        let there = site.neighbour("Nadia", Role::Agent).await;
        there.get(&path).await.expect_status(404);
        there.json("PUT", &path, &[], json!({ "score": 1 })).await.expect_status(404);
        nobody.get("/api/help/feedback/cfs_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").await.expect_status(404);
        for (bad, field) in [(json!({ "score": 0 }), "score"), (json!({ "score": 6 }), "score"), (json!({ "score": 3, "comment": "x".repeat(5_000) }), "comment"), (json!({ "score": 3, "stars": 1 }), "stars")] {
            let refused = nobody.json("PUT", &path, &[], bad.clone()).await.expect(422);
            assert_eq!(refused["errors"][0]["field"], field, "{bad}");
        }
        assert_eq!(nobody.get(&path).await.expect(200)["answer"], Value::Null, "nothing half-written");
        nobody.json("PUT", &path, &[], json!({ "score": 2, "comment": " Too slow. " })).await.expect(200);
        let seen = detail(&agent, &id).await;
        assert_eq!((&seen["satisfaction"]["score"], &seen["satisfaction"]["comment"]), (&json!(2), &json!("Too slow.")));
        assert!(seen["audits"].as_array().unwrap().iter().any(|a| a["event_type"] == "rated" && a["to"] == "2"));
        let notices = agent.get("/desk/notifications").await.text;
        assert!(notices.contains("the customer is not happy"), "{notices}");
        // The customer's own page says nothing of how the desk keeps it.
        assert!(!dora.get(&format!("/api/support/tickets/{id}")).await.text.contains("rated"));
        // It can be changed for two weeks; the same again is no change.
        let version = detail(&agent, &id).await;
        nobody.json("PUT", &path, &[], json!({ "score": 2, "comment": "Too slow." })).await.expect(200);
        assert_eq!(detail(&agent, &id).await["audits"], version["audits"]);
        nobody.json("PUT", &path, &[], json!({ "score": 4 })).await.expect(200);
        site.world.clock.advance(base::hours(24 * 15));
        let over = nobody.json("PUT", &path, &[], json!({ "score": 1 })).await.expect(409);
        assert_eq!(over["code"], "survey.over");
        assert_eq!(nobody.get(&path).await.expect(200)["answer"]["score"], 4);
    }

    async fn spam_duplicates_and_what_is_open_again_are_not_asked(world) {
        let site = Site::new(world).await;
        let (dora, agent) = (site.user("Dora", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let admin = site.user("Ada", Role::Admin).await;
        for reason in ["spam", "duplicate", "no_reply"] {
            let id = dora.file(reason).await;
            set(&agent, &id, json!({ "status": "resolved" })).await;
            site.work().await;
            set(&admin, &id, json!({ "status": "closed", "close_reason": reason })).await;
        }
        let reopened = dora.file("Opened again").await;
        set(&agent, &reopened, json!({ "status": "resolved" })).await;
        site.work().await;
        set(&agent, &reopened, json!({ "status": "open" })).await;
        let silent = dora.file("Resolved without a word").await;
        let quietly = json!({ "ids": [silent], "changes": { "status": "resolved", "tell_customer": false } });
        agent.post("/api/admin/support/tickets/bulk", quietly).await.expect(200);
        later(&site).await;
        assert_eq!(asked(&site).await, Vec::<String>::new());
        let solved = dora.file("Closed as solved").await;
        set(&agent, &solved, json!({ "status": "closed", "close_reason": "solved" })).await;
        later(&site).await;
        assert_eq!(asked(&site).await.len(), 1);
        // Switched off, nobody is asked.
        let (tenant, scope) = (site.world.here, site.world.scope());
        site.world.db.write(scope, move |tx| {
            let record = identity::tenants::get(tx, tenant)?;
            let settings = identity::Settings { csat_enabled: false, ..record.settings };
            identity::tenants::save_settings(tx, &record.name, &settings)
        }).await.unwrap();
        let off = dora.file("Nobody asks").await;
        set(&agent, &off, json!({ "status": "resolved" })).await;
        later(&site).await;
        assert_eq!(asked(&site).await.len(), 1);
    }

    async fn who_does_not_want_to_be_asked_is_not_asked_until_they_say_so(world) {
        let site = Site::new(world).await;
        let (dora, agent) = (site.user("Dora", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let id = dora.file("No light").await;
        set(&agent, &id, json!({ "status": "resolved" })).await;
        later(&site).await;
        let token = asked(&site).await.remove(0);
        let stop = format!("/help/feedback/{token}/stop");
        let letter = site.mailer.sent().into_iter().map(|e| String::from_utf8(e.raw.to_vec()).unwrap()).find(|r| r.contains("List-Unsubscribe"));
        assert!(letter.expect("the survey says how to stop it").replace("\r\n ", "").contains(&stop));
        let b = Browser::new(site.anonymous()).await;
        assert!(b.page(&stop).await.contains("Shall we stop asking?"), "looking stops nothing");
        // As a mail program calls it: no cookie, no page before it (RFC 8058).
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let stopped = site.anonymous().send("POST", &stop, &headers, b"List-Unsubscribe=One-Click".to_vec()).await;
        stopped.expect_status(200);
        let second = dora.file("Another").await;
        set(&agent, &second, json!({ "status": "resolved" })).await;
        later(&site).await;
        assert_eq!(asked(&site).await.len(), 1, "nobody asks");
        // The letters about their requests still come.
        assert!(site.mailer.sent().iter().any(|e| e.to.as_str() == dora.email && String::from_utf8_lossy(&e.raw).contains("Another")));
        let wrong = stop.replace("cfs_", "cfs_a");
        site.anonymous().send("POST", &wrong, &headers, Vec::new()).await.expect_status(404);
        let next_door = Client { host: "there.example.org", ..site.anonymous() };
        next_door.send("POST", &stop, &headers, Vec::new()).await.expect_status(404);
        let page = b.post(&format!("/help/feedback/{token}/ask"), &[]).await;
        assert!(page.text.contains("Shall we stop asking?"), "{}", page.text);
        let third = dora.file("A third").await;
        set(&agent, &third, json!({ "status": "resolved" })).await;
        later(&site).await;
        assert_eq!(asked(&site).await.len(), 2);
    }

    async fn opening_the_link_writes_nothing_and_the_form_does(world) {
        let site = Site::new(world).await;
        let (dora, agent) = (site.user("Dora", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let id = dora.file("No light").await;
        set(&agent, &id, json!({ "assigned_to": agent.user_id, "status": "resolved" })).await;
        later(&site).await;
        let path = format!("/help/feedback/{}", asked(&site).await.remove(0));
        let b = Browser::new(site.anonymous()).await;
        let page = b.page(&format!("{path}?score=5")).await;
        assert!(page.contains(" data-send>") && page.contains("value=\"5\" required checked"), "{page}");
        assert!(!page.contains("Ben"), "nothing of the desk's");
        assert_eq!(detail(&agent, &id).await.get("satisfaction"), None, "a mail system that looks changes nothing");
        let nonsense = b.page(&format!("{path}?score=banana")).await;
        assert!(!nonsense.contains(" data-send>"));
        b.refused(&path, &[("score", "9"), ("comment", "kept")]).await;
        let done = b.post(&path, &[("score", "5"), ("comment", "Quick!")]).await;
        assert!(done.text.contains("Thank you"), "{}", done.text);
        let ticket = agent.get(&format!("/desk/tickets/{id}")).await.text;
        assert!(ticket.contains("5&#x2f;5") || ticket.contains("5/5"));
        assert!(ticket.contains("Quick!"));
    }

    async fn a_death_before_the_letter_asks_once(world) {
        let site = Site::new(world).await;
        let (dora, agent) = (site.user("Dora", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let id = dora.file("No light").await;
        set(&agent, &id, json!({ "status": "resolved" })).await;
        site.work().await;
        site.world.clock.advance(base::minutes(90));
        site.work_and_die(&[engine::Moment::Claimed, engine::Moment::Planned, engine::Moment::Performed]).await;
        for _ in 0..6 {
            site.world.clock.advance(base::minutes(10));
            site.work().await;
        }
        let mut keys = asked(&site).await;
        keys.dedup();
        assert_eq!(keys.len(), 1, "the same letter, if it left twice");
    }
}
