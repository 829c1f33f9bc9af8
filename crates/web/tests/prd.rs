//! The fifteen tests of the support tickets' requirements, under their titles, on both engines.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::Role;
use serde_json::json;
use support::Site;
use testkit::both_engines;

both_engines! {
    async fn create_ticket_authenticated(world) {
        let site = Site::new(world).await;
        let ada = site.user("Ada", Role::Customer).await;
        let answer = ada.post("/api/support/tickets", json!({ "subject": "Internet down", "description": "since **Monday**", "category": "technical" })).await;
        let ticket = answer.expect(201);
        assert_eq!(ticket["ticket_number"], "SUP-00001");
        assert_eq!(ticket["status"], "new");
        assert_eq!(ticket["description"], "since **Monday**");
        assert_eq!(ticket["user_id"], json!(ada.user_id));
    }

    async fn create_ticket_anonymous_with_email(world) {
        let site = Site::new(world).await;
        let answer = site.anonymous().post("/api/support/tickets", json!({ "subject": "Hi", "description": "x", "category": "bug", "user_email": "stranger@example.net" })).await;
        let received = answer.expect(201);
        assert_eq!(received["ticket_number"], "SUP-00001");
        assert_eq!(received.as_object().unwrap().len(), 2, "the number and a message, nothing else: {received}");
    }

    async fn list_my_tickets(world) {
        let site = Site::new(world).await;
        let (ada, bob) = (site.user("Ada", Role::Customer).await, site.user("Bob", Role::Customer).await);
        let theirs = site.neighbour("Ada", Role::Customer).await;
        ada.file("mine").await;
        bob.file("not mine").await;
        theirs.file("another business").await;
        let list = ada.get("/api/support/tickets").await.expect(200);
        let subjects: Vec<_> = list["items"].as_array().unwrap().iter().map(|t| t["subject"].as_str().unwrap()).collect();
        assert_eq!(subjects, ["mine"]);
    }

    async fn get_ticket_detail_own(world) {
        let site = Site::new(world).await;
        let ada = site.user("Ada", Role::Customer).await;
        let id = ada.file("mine").await;
        let ticket = ada.get(&format!("/api/support/tickets/{id}")).await.expect(200);
        assert_eq!(ticket["messages"].as_array().unwrap().len(), 1);
    }

    async fn get_ticket_detail_other_users(world) {
        let site = Site::new(world).await;
        let (ada, bob) = (site.user("Ada", Role::Customer).await, site.user("Bob", Role::Customer).await);
        let theirs = site.neighbour("Eve", Role::Admin).await;
        let id = ada.file("mine").await;
        let foreign = bob.get(&format!("/api/support/tickets/{id}")).await;
        let missing = bob.get("/api/support/tickets/01a1fca0-39a0-7e9b-a5b5-c75b8ad924f5").await;
        foreign.expect(404);
        assert_eq!(foreign.text, missing.text, "byte for byte as if it did not exist");
        theirs.get(&format!("/api/support/tickets/{id}")).await.expect(404);
        theirs.get(&format!("/api/admin/support/tickets/{id}")).await.expect(404);
        bob.post(&format!("/api/support/tickets/{id}/messages"), json!({ "body": "x" })).await.expect(404);
    }

    async fn reply_to_own_ticket(world) {
        let site = Site::new(world).await;
        let ada = site.user("Ada", Role::Customer).await;
        let id = ada.file("mine").await;
        ada.post(&format!("/api/support/tickets/{id}/messages"), json!({ "body": "more" })).await.expect(201);
        let ticket = ada.get(&format!("/api/support/tickets/{id}")).await.expect(200);
        assert_eq!(ticket["messages"][1]["body"], "more");
        assert_eq!(ticket["messages"][1]["direction"], "inbound");
    }

    async fn admin_list_all_tickets(world) {
        let site = Site::new(world).await;
        let (ada, bob, admin) = (site.user("Ada", Role::Customer).await, site.user("Bob", Role::Customer).await, site.user("Root", Role::Admin).await);
        site.neighbour("Eve", Role::Customer).await.file("another business").await;
        ada.file("one").await;
        bob.file("two").await;
        let list = admin.get("/api/admin/support/tickets").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 2);
    }

    async fn admin_filter_by_status(world) {
        let site = Site::new(world).await;
        let (ada, admin) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let (one, _) = (ada.file("one").await, ada.file("two").await);
        admin.patch(&format!("/api/admin/support/tickets/{one}"), json!({ "status": "in_progress" })).await.expect(200);
        for (filter, count) in [("in_progress", 1), ("new", 1), ("new,in_progress", 2), ("resolved", 0)] {
            let list = admin.get(&format!("/api/admin/support/tickets?status={filter}")).await.expect(200);
            assert_eq!(list["items"].as_array().unwrap().len(), count, "{filter}");
        }
        admin.get("/api/admin/support/tickets?status=nope").await.expect(422);
    }

    async fn admin_update_ticket_status(world) {
        let site = Site::new(world).await;
        let (ada, admin) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let id = ada.file("one").await;
        let path = format!("/api/admin/support/tickets/{id}");
        assert_eq!(admin.patch(&path, json!({ "status": "in_progress" })).await.expect(200)["status"], "in_progress");
        assert_eq!(admin.patch(&path, json!({ "status": "waiting_on_user" })).await.expect(200)["status"], "pending_customer");
        let refused = admin.patch(&path, json!({ "status": "new" })).await.expect(409);
        assert!(refused["detail"].as_str().unwrap().contains("possible from here"), "{refused}");
    }

    async fn admin_assign_ticket(world) {
        let site = Site::new(world).await;
        let (ada, admin, agent) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        let id = ada.file("one").await;
        let ticket = admin.patch(&format!("/api/admin/support/tickets/{id}"), json!({ "assigned_to": agent.user_id })).await.expect(200);
        assert_eq!(ticket["assigned_to"], json!(agent.user_id));
        assert_eq!(ticket["status"], "open");
        site.work().await;
        let letters: Vec<_> = site.mailer.sent().into_iter().filter(|l| l.to.as_str() == agent.email).collect();
        assert!(letters.iter().any(|l| String::from_utf8_lossy(&l.raw).contains("SUP-00001")), "the assignee is told");
    }

    async fn admin_internal_note(world) {
        let site = Site::new(world).await;
        let (ada, admin) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let id = ada.file("one").await;
        let note = admin.post(&format!("/api/admin/support/tickets/{id}/messages"), json!({ "body": "careful", "is_internal": true })).await.expect(201);
        assert_eq!(note["is_internal"], true);
        let ticket = admin.get(&format!("/api/admin/support/tickets/{id}")).await.expect(200);
        assert_eq!(ticket["status"], "open", "the first act of staff other than a claim or an answer opens it");
    }

    async fn user_cant_see_internal_notes(world) {
        let site = Site::new(world).await;
        let (ada, admin) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let id = ada.file("one").await;
        site.work().await;
        let letters_before = site.mailer.sent().len();
        let paths = [
            format!("/api/support/tickets/{id}"), "/api/support/tickets".into(), "/api/support/messages".into(),
            format!("/api/support/messages?ticket={id}&is_internal=true"), format!("/api/support/events?ticket={id}"),
        ];
        let mut before = Vec::new();
        for path in &paths { before.push(ada.get(path).await); }
        world_moves(&site);
        let path = format!("/api/admin/support/tickets/{id}");
        admin.post(&format!("{path}/messages"), json!({ "body": "zebrafish", "is_internal": true })).await.expect(201);
        admin.patch(&path, json!({ "tags": ["zebrafish"], "resolution_notes": "zebrafish" })).await.expect(200);
        for (path, before) in paths.iter().zip(before) {
            let after = ada.get(path).await;
            assert_eq!(after.text, before.text, "not a byte of a note, nor its trace, at {path}");
            assert_eq!(after.etag(), before.etag(), "{path}");
        }
        site.work().await;
        assert_eq!(site.mailer.sent().len(), letters_before, "no letter of a note");
    }

    async fn contact_form_creates_ticket(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let answer = site.anonymous().post("/api/help/contact", json!({ "email": "stranger@example.net", "category": "billing", "description": "Unmistakable words" })).await;
        assert_eq!(answer.expect(201)["ticket_number"], "SUP-00001");
        let list = admin.get("/api/admin/support/tickets").await.expect(200);
        assert_eq!(list["items"][0]["user_email"], "stranger@example.net");
        site.work().await;
        let letters: Vec<String> = site.mailer.sent().into_iter().filter(|l| l.to.as_str() == "stranger@example.net").map(|l| String::from_utf8_lossy(&l.raw).into_owned()).collect();
        assert_eq!(letters.len(), 1);
        assert!(letters[0].contains("SUP-00001") && letters[0].contains("Auto-Submitted"));
        let seen = admin.get("/api/admin/support/tickets?q=stranger").await.expect(200);
        assert_eq!(seen["items"].as_array().unwrap().len(), 1);
    }

    async fn non_admin_cant_access_admin_queue(world) {
        let site = Site::new(world).await;
        let ada = site.user("Ada", Role::Customer).await;
        ada.get("/api/admin/support/tickets").await.expect(403);
        ada.get("/api/admin/support/stats").await.expect(403);
        site.anonymous().get("/api/admin/support/tickets").await.expect(401);
    }
}

/// Time passes, so that a trace left in a time would show.
fn world_moves(site: &Site) {
    site.world.clock.advance(base::minutes(17));
}
