//! The pages of administration, customers and accounts: they open with real rows, their forms work, and nobody gets
//! further than they may.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::Role;
use engine::outside::{SendError, SendErrorClass};
use identity::KeyScope;
use serde_json::json;
use support::{
    Site,
    browser::{Browser, id_after},
};
use testkit::both_engines;

const ADMIN: [&str; 11] = [
    "/admin/users",
    "/admin/users/new",
    "/admin/teams",
    "/admin/categories",
    "/admin/letters",
    "/admin/letters/ticket_new",
    "/admin/api-keys",
    "/admin/audit",
    "/admin/jobs",
    "/admin/outbox",
    "/admin/settings",
];
const DESK: [&str; 4] = ["/desk/notifications", "/desk/customers", "/desk/reports", "/desk/account"];

both_engines! {
    async fn pages_open_for_those_who_may(world) {
        let site = Site::new(world).await;
        let admin = site.user("Ann Admin", Role::Admin).await;
        let customer = site.user("Cora", Role::Customer).await;
        let technician = site.user("Tim", Role::Technician).await;
        let key = site.key(KeyScope::Admin).await;
        customer.file("No connection").await;
        site.work().await;
        for path in ADMIN {
            admin.get(path).await.expect_status(200);
            technician.get(path).await.expect_status(403);
            customer.get(path).await.expect_status(403);
            key.get(path).await.expect_status(403);
            site.anonymous().get(path).await.expect_status(303);
        }
        for path in DESK {
            admin.get(path).await.expect_status(200);
            customer.get(path).await.expect_status(403);
            site.anonymous().get(path).await.expect_status(303);
        }
        for path in ["/desk/customers", "/desk/reports"] {
            technician.get(path).await.expect_status(403);
        }
        admin.get("/admin/tenants").await.expect_status(403);
        site.user("Sue", Role::SuperAdmin).await.get("/admin/tenants").await.expect_status(200);
        customer.get("/account").await.expect_status(200);
        for path in ["/admin/users/nobody", "/admin/letters/none", "/desk/customers/nobody", "/admin/outbox/none"] {
            admin.get(path).await.expect_status(404);
        }
        let page = admin.get("/desk/customers?q=cora").await.text.replace("&#x2f;", "/");
        let customer_page = format!("/desk/customers/{}", id_after(&page, "/desk/customers/"));
        admin.get(&customer_page).await.expect_status(200);
        technician.get(&customer_page).await.expect_status(404);
        site.neighbour("Ned", Role::Admin).await.get(&customer_page).await.expect_status(404);
    }

    async fn forms_come_from_our_pages_only(world) {
        let site = Site::new(world).await;
        let admin = Browser::new(site.user("Ann", Role::Admin).await).await;
        let name = [("name", "First line")];
        admin.post_with("/admin/teams", "wrong", "same-origin", &name).await.expect_status(403);
        admin.post_with("/admin/teams", &admin.token, "cross-site", &name).await.expect_status(403);
        assert!(!admin.page("/admin/teams").await.contains("First line"));
        let team = admin.done("/admin/teams", &name).await;
        assert!(admin.refused("/admin/teams", &[("name", "first line")]).await.contains("value=\"first line\""));
        // A destructive button asks when nobody asked before.
        let asked = admin.post(&format!("{team}/delete"), &[]).await;
        assert!(asked.text.contains("name=\"confirmed\""), "{}", asked.text);
        admin.done(&format!("{team}/delete"), &[("confirmed", "true")]).await;
        admin.client.get(&team).await.expect_status(404);
    }

    async fn a_user_is_invited_changed_and_disabled(world) {
        let site = Site::new(world).await;
        let admin = Browser::new(site.user("Ann", Role::Admin).await).await;
        let new = [("name", "Ben"), ("email", "ben@example.org"), ("role", "agent")];
        let page = admin.done("/admin/users/new", &new).await;
        site.work().await;
        assert!(site.mailer.sent().iter().any(|l| l.to.as_str() == "ben@example.org"), "no link was mailed");
        admin.refused("/admin/users/new", &new).await;
        admin.done(&page, &[("name", "Ben Okafor"), ("role", "sales_manager")]).await;
        assert!(admin.refused(&page, &[("name", "Kept"), ("role", "none")]).await.contains("value=\"Kept\""));
        admin.done(&format!("{page}/disable"), &[("confirmed", "true")]).await;
        admin.done(&format!("{page}/enable"), &[]).await;
        let found = admin.page("/admin/users?q=OKAFOR&role=sales_manager").await;
        assert!(found.contains("ben@example.org"));
        let acts = admin.page("/admin/audit?q=ann").await;
        assert!(acts.contains("user.role_changed") && acts.contains("user.disabled"));
        // Nobody makes a super admin, or loses their own account, here.
        admin.refused(&page, &[("name", "Ben"), ("role", "")]).await;
        admin.post(&page, &[("name", "Ben"), ("role", "super_admin")]).await.expect_status(403);
        let own = format!("/admin/users/{}/disable", admin.client.user_id.unwrap());
        admin.post(&own, &[("confirmed", "true")]).await.expect_status(409);
    }

    async fn a_letter_that_failed_is_sent_again(world) {
        let site = Site::new(world).await;
        let admin = Browser::new(site.user("Ann", Role::Admin).await).await;
        let detail = "550 no such mailbox".to_owned();
        site.mailer.fail_next(SendError { class: SendErrorClass::Permanent, detail });
        let contact = json!({ "email": "pat@example.com", "name": "Pat", "description": "It is down." });
        site.anonymous().post("/api/help/contact", contact).await.expect(201);
        site.work().await;
        let list = admin.page("/admin/outbox?state=failed").await;
        let letter = format!("/admin/outbox/{}", id_after(&list, "/admin/outbox/"));
        assert!(admin.page(&letter).await.contains("550 no such mailbox"));
        assert!(admin.page("/admin/jobs?state=dead").await.contains("notices.send_letter"));
        let before = site.mailer.sent().len();
        admin.done(&format!("{letter}/resend"), &[]).await;
        site.work().await;
        assert_eq!(site.mailer.sent().len(), before + 1);
        admin.post(&format!("{letter}/resend"), &[]).await.expect_status(409);
        // Its HTML can do nothing, whoever wrote it.
        let framed = admin.client.get(&format!("{letter}/html")).await;
        let policy = framed.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("sandbox; default-src 'none'"), "{policy}");
        let raw = admin.client.get(&format!("{letter}/raw")).await;
        assert!(raw.text.contains("Message-ID:"), "{}", raw.text);
    }

    async fn dead_jobs_are_run_again_or_discarded(world) {
        let site = Site::new(world).await;
        let admin = Browser::new(site.user("Ann", Role::Admin).await).await;
        for class in [SendErrorClass::Permanent; 2] {
            site.mailer.fail_next(SendError { class, detail: "550 refused".into() });
        }
        for email in ["a@example.com", "b@example.com"] {
            let contact = json!({ "email": email, "description": "It is down." });
            site.anonymous().post("/api/help/contact", contact).await.expect(201);
        }
        site.work().await;
        let dead = "/admin/jobs?state=dead";
        let first = format!("/admin/jobs/{}", id_after(&admin.page(dead).await, "\"/admin/jobs/"));
        admin.done(&format!("{first}/rerun"), &[]).await;
        site.work().await;
        assert!(!admin.page(dead).await.contains(&first));
        let second = format!("/admin/jobs/{}", id_after(&admin.page(dead).await, "\"/admin/jobs/"));
        let asked = admin.post(&format!("{second}/discard"), &[]).await;
        assert!(asked.text.contains("name=\"confirmed\""));
        admin.done(&format!("{second}/discard"), &[("confirmed", "true")]).await;
        assert!(admin.page(dead).await.contains("No dead jobs"));
        admin.post(&format!("{second}/rerun"), &[]).await.expect_status(404);
    }

    async fn a_webhook_is_made_watched_and_ended_on_its_pages(world) {
        let site = Site::new(world).await;
        let admin = Browser::new(site.user("Root", Role::Admin).await).await;
        let new = "/admin/webhooks/new";
        let bad = admin.refused(new, &[("name", "Billing"), ("url", "ftp://x"), ("topics", "*")]).await;
        assert!(bad.contains("begins with https://") && bad.contains("value=\"ftp://x\"") && bad.contains("id=\"url-problem\""));
        let none = admin.refused(new, &[("name", "Billing"), ("url", "https://x.example")]).await;
        assert!(none.contains("id=\"topics-problem\""));
        let fields = [("name", "Billing"), ("url", "https://x.example/in"), ("topics", "ticket.created"), ("topics", "ticket.noted")];
        let made = Browser::opened(admin.post(new, &fields).await, new);
        let secret = made.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        assert!(secret.starts_with("whsec_"));
        let list = admin.page("/admin/webhooks").await;
        let here = format!("/admin/webhooks/{}", id_after(&list.replace("/admin/webhooks/new", ""), "\"/admin/webhooks/"));
        let page = admin.page(&here).await;
        assert!(!page.contains("whsec_") && page.contains("ticket.created, ticket.noted"));
        // A test that fails shows why, and is delivered again at once.
        site.http.answer_next([testkit::FakeHttp::status(500)]);
        let delivery = admin.done(&format!("{here}/test"), &[]).await;
        assert!(!admin.page(&delivery).await.contains("Deliver again"), "an attempt is under way");
        site.work().await;
        let failed = admin.page(&delivery).await;
        assert!(failed.contains("answered 500") && failed.contains("webhook.test") && failed.contains("Next attempt"));
        assert!(admin.page(&format!("{here}?state=pending")).await.contains("answered 500"));
        assert_eq!(admin.done(&format!("{delivery}/replay"), &[]).await, delivery);
        site.work().await;
        assert!(admin.page(&delivery).await.contains("Delivered"));
        assert_eq!(site.http.calls().len(), 2);
        admin.post(&format!("{here}/replay"), &[("hours", "5")]).await.expect_status(422);
        assert_eq!(admin.done(&format!("{here}/replay"), &[("hours", "24")]).await, here);
        site.work().await;
        assert_eq!(site.http.calls().len(), 2, "nothing failed, nothing is sent");
        // Editing: nothing is overwritten unseen.
        let edit = format!("{here}/edit");
        let version = admin.page(&edit).await.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let saved = [("name", "Accounts"), ("url", "https://x.example/in"), ("topics", "*"), ("version", version.as_str())];
        admin.done(&edit, &saved).await;
        assert!(admin.refused(&edit, &saved).await.contains("has changed since you read it"));
        admin.done(&format!("{here}/disable"), &[]).await;
        assert!(admin.page(&here).await.contains("Switch on"));
        admin.done(&format!("{here}/enable"), &[]).await;
        for verb in ["rotate", "delete"] {
            let asked = admin.post(&format!("{here}/{verb}"), &[]).await;
            assert!(asked.text.contains("name=\"confirmed\"") && asked.text.contains("Accounts"), "{verb}");
        }
        let rotated = admin.post(&format!("{here}/rotate"), &[("confirmed", "true")]).await.text;
        assert!(rotated.contains("whsec_") && !rotated.contains(&secret) && rotated.contains("old secret signs too until"));
        let theirs = Browser::new(site.neighbour("Their Root", Role::Admin).await).await;
        for path in [here.clone(), edit, delivery.clone()] {
            theirs.client.get(&path).await.expect_status(404);
        }
        theirs.post(&format!("{here}/delete"), &[("confirmed", "true")]).await.expect_status(404);
        theirs.post(&format!("{delivery}/replay"), &[]).await.expect_status(404);
        admin.done(&format!("{here}/delete"), &[("confirmed", "true")]).await;
        admin.client.get(&here).await.expect_status(404);
        assert!(admin.page("/admin/webhooks").await.contains("No webhooks yet"));
    }

    async fn a_customer_is_never_overwritten_unseen(world) {
        let site = Site::new(world).await;
        let agent = Browser::new(site.user("Mia", Role::Agent).await).await;
        site.user("Cora", Role::Customer).await.file("No connection").await;
        let list = agent.page("/desk/customers").await;
        let page = format!("/desk/customers/{}", id_after(&list, "/desk/customers/"));
        let version = |page: &str| page.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let shown = agent.page(&page).await;
        assert!(shown.contains("No connection"));
        let old = version(&shown);
        agent.done(&page, &[("version", &old), ("name", "Cora Lee"), ("plan", "Fiber 500")]).await;
        let notes = format!("{page}/notes");
        let back = agent.refused(&notes, &[("version", &old), ("notes", "Works nights")]).await;
        assert!(back.contains("Works nights"), "what was typed is kept");
        agent.done(&notes, &[("version", &version(&back)), ("notes", "Works nights")]).await;
        let shown = agent.page(&page).await;
        assert!(shown.contains("Cora Lee") && shown.contains("Fiber 500") && shown.contains("Works nights"));
        assert!(!shown.contains("\"version\" value=\"1\""));
    }

    async fn an_account_keeps_its_own_sessions_and_codes(world) {
        let site = Site::new(world).await;
        let me = Browser::new(site.user("Ann", Role::Admin).await).await;
        me.done("/desk/account", &[("name", "Ann B"), ("locale", "en"), ("zone", "Europe/Berlin")]).await;
        me.refused("/desk/account", &[("name", "Ann"), ("locale", "en"), ("zone", "Mars")]).await;
        let bad = [("current_password", "wrong"), ("password", "a long new password 77")];
        me.refused("/desk/account/password", &bad).await;
        me.done("/desk/account/totp", &[]).await;
        let shown = me.page("/desk/account").await;
        let secret = shown.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        me.refused("/desk/account/totp/confirm", &[("code", "000000")]).await;
        let code = identity::totp::code_at(&secret, site.world.now()).unwrap();
        let once = me.post("/desk/account/totp/confirm", &[("code", &code)]).await;
        assert_eq!(once.text.matches("<li><code>").count(), 10, "{}", once.text);
        assert!(!me.page("/desk/account").await.contains("<li><code>"), "recovery codes are shown once");
        // Somebody else's session is not there to be ended.
        let other = site.user("Olga", Role::Agent).await;
        let theirs = other.get("/desk/account").await;
        theirs.expect_status(200);
        me.post(&format!("/desk/account/sessions/{}/revoke", uuid::Uuid::new_v4()), &[]).await.expect_status(404);
        me.done("/desk/account/sessions/revoke-others", &[]).await;
        other.get("/desk/account").await.expect_status(200);
        let answer = me.post("/preferences/scheme", &[("scheme", "dark"), ("next", "//elsewhere.example")]).await;
        assert_eq!(answer.headers["location"], "/");
        assert!(answer.headers["set-cookie"].to_str().unwrap().starts_with("scheme=dark;"));
    }
}
