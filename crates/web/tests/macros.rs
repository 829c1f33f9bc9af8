//! Canned replies and macros over HTTP, and their pages.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::{Role, seconds};
use identity::KeyScope;
use serde_json::{Value, json};
use support::{Client, Site};
use testkit::both_engines;

const TICKETS: &str = "/api/admin/support/tickets";
const MACROS: &str = "/api/admin/support/macros";
const CANNED: &str = "/api/admin/support/canned-replies";

async fn saved(who: &Client, path: &str, body: Value) -> String {
    who.post(path, body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn ticket(who: &Client, id: &str) -> Value {
    who.get(&format!("{TICKETS}/{id}")).await.expect(200)
}

async fn submit(who: &Client, path: &str, fields: &[(&str, &str)]) -> support::Answer {
    let page = who.get("/desk/macros/new").await.text;
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("csrf", csrf).extend_pairs(fields);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    who.send("POST", path, &headers, body.finish().into_bytes()).await
}

both_engines! {
    async fn what_names_nothing_is_refused_with_what_there_is_and_nothing_is_saved(world) {
        let site = Site::new(world).await;
        let ben = site.user("Ben", Role::Agent).await;
        let refused = ben.post(MACROS, json!({ "name": "x", "body": "Hi {{customer.nme}}" })).await.expect(422);
        let said = refused["detail"].as_str().unwrap();
        assert!(said.contains("{{customer.nme}}") && said.contains("{{customer.name}}") && said.contains("{{ticket.number}}"), "{said}");
        assert_eq!(refused["errors"][0]["field"], "body");
        for (body, field) in [
            (json!({ "name": "x" }), "changes"),
            (json!({ "name": "", "body": "x" }), "name"),
            (json!({ "name": "x", "body": "{{ticket.number" }), "body"),
            (json!({ "name": "x", "changes": { "status": "new" } }), "changes.status"),
            (json!({ "name": "x", "changes": { "status": "closed" } }), "changes.close_reason"),
            (json!({ "name": "x", "changes": { "close_reason": "spam" } }), "changes.close_reason"),
            (json!({ "name": "x", "changes": { "category": "nowhere" } }), "changes.category"),
            (json!({ "name": "x", "changes": { "assigned_to": "01a1fca0-39a0-7e9b-a5b5-c75b8ad924f5" } }), "changes.assigned_to"),
            (json!({ "name": "x", "changes": { "team_id": "01a1fca0-39a0-7e9b-a5b5-c75b8ad924f5" } }), "changes.team_id"),
            (json!({ "name": "x", "changes": { "add_tags": ["a"], "remove_tags": ["A"] } }), "changes.remove_tags"),
        ] {
            let answer = ben.post(MACROS, body.clone()).await.expect(422);
            assert_eq!(answer["errors"][0]["field"], field, "{body}: {answer}");
        }
        ben.post(MACROS, json!({ "name": "x", "body": "y", "colour": "red" })).await.expect(422);
        ben.post(CANNED, json!({ "name": "x", "body": "  " })).await.expect(422);
        ben.post(MACROS, json!({ "name": "x", "body": "y", "is_for_all": true })).await.expect(403);
        site.key(KeyScope::Write).await.post(MACROS, json!({ "name": "x", "body": "y" })).await.expect(403);
        assert_eq!(ben.get(MACROS).await.expect(200)["items"], json!([]));
        assert_eq!(ben.get(CANNED).await.expect(200)["items"], json!([]));
    }

    async fn a_macro_answers_and_changes_in_one_step_with_one_letter(world) {
        let site = Site::new(world).await;
        let (ben, ada) = (site.user("Ben Okafor", Role::Agent).await, site.user("Ada Byron", Role::Customer).await);
        let id = ada.file("red light").await;
        site.work().await;
        let letters = site.mailer.sent().len();
        let body = "Hello {{customer.first_name}}, {{ticket.number}} is solved. {{agent.first_name}}";
        let m = saved(&ben, MACROS, json!({ "name": "Solved", "body": body, "changes": {
            "status": "resolved", "priority": "low", "assigned_to": "me", "add_tags": ["Fibre", "done"] } })).await;
        let applied = ben.json("POST", &format!("{MACROS}/{m}/apply"), &[("idempotency-key", "a")], json!({ "ticket_id": id })).await.expect(201);
        let number = applied["ticket"]["ticket_number"].as_str().unwrap();
        assert_eq!(applied["message"]["body"], format!("Hello Ada, {number} is solved. Ben"));
        let t = ticket(&ben, &id).await;
        assert_eq!((&t["status"], &t["priority"], &t["tags"]), (&json!("resolved"), &json!("low"), &json!(["done", "fibre"])));
        assert_eq!(t["assigned_to"], json!(ben.user_id));
        ben.json("POST", &format!("{MACROS}/{m}/apply"), &[("idempotency-key", "a")], json!({ "ticket_id": id })).await.expect(201);
        assert_eq!(ticket(&ben, &id).await["messages"].as_array().unwrap().len(), 2, "one key, one answer");
        site.work().await;
        let new: Vec<_> = site.mailer.sent().split_off(letters);
        assert_eq!(new.len(), 1, "the answer says that it is solved; no second letter");
        let m = ben.get(&format!("{MACROS}/{m}")).await.expect(200);
        assert_eq!((&m["uses"], m["last_used_at"].is_string()), (&json!(1), true));
        assert!(ben.get(&format!("/desk/tickets/{id}")).await.text.contains("applied the macro"));
    }

    async fn it_has_the_rights_of_whoever_applies_it_and_is_whole_or_nothing(world) {
        let site = Site::new(world).await;
        let (ben, cleo, root) = (site.user("Ben", Role::Agent).await, site.user("Cleo", Role::Agent).await, site.user("Root", Role::Admin).await);
        let id = site.user("Ada", Role::Customer).await.file("x").await;
        let m = saved(&root, MACROS, json!({ "name": "All of it", "text_kind": "note", "body": "note", "changes": { "priority": "urgent" }, "is_for_all": true })).await;
        let own = saved(&cleo, MACROS, json!({ "name": "Hers", "body": "note", "text_kind": "note" })).await;
        ben.patch(&format!("{TICKETS}/{id}"), json!({ "assigned_to": "me" })).await.expect(200);
        let before = ticket(&ben, &id).await;
        cleo.post(&format!("{MACROS}/{m}/apply"), json!({ "ticket_id": id })).await.expect(403);
        assert_eq!(ticket(&ben, &id).await, before, "not even the note");
        let stale = ben.json("POST", &format!("{MACROS}/{m}/apply"), &[("if-match", "\"1\"")], json!({ "ticket_id": id })).await;
        assert!([201, 412].contains(&stale.status.as_u16()), "{}", stale.text);
        ben.post(&format!("{MACROS}/{own}/apply"), json!({ "ticket_id": id })).await.expect(404);
        // A note alone may be left on anybody's ticket.
        cleo.post(&format!("{MACROS}/{own}/apply"), json!({ "ticket_id": id })).await.expect(201);
        ben.post(&format!("{MACROS}/{m}/apply"), json!({ "ticket_id": "SUP-99999" })).await.expect(422);
        ben.json("DELETE", &format!("{MACROS}/{m}"), &[], json!({})).await.expect(403);
        root.json("DELETE", &format!("{MACROS}/{m}"), &[], json!({})).await.expect(204);
        ben.get(&format!("{MACROS}/{m}")).await.expect(404);
        let eve = site.neighbour("Eve", Role::Admin).await;
        eve.get(&format!("{MACROS}/{own}")).await.expect(404);
        assert_eq!(eve.get(MACROS).await.expect(200)["items"], json!([]));
    }

    async fn a_macro_for_many_says_of_each_what_became_of_it(world) {
        let site = Site::new(world).await;
        let (ben, cleo) = (site.user("Ben", Role::Agent).await, site.user("Cleo", Role::Agent).await);
        let ada = site.user("Ada", Role::Customer).await;
        let (one, two) = (ada.file("one").await, ada.file("two").await);
        cleo.patch(&format!("{TICKETS}/{two}"), json!({ "assigned_to": "me" })).await.expect(200);
        let m = saved(&ben, MACROS, json!({ "name": "Outage", "body": "Known, {{customer.name}}.", "changes": { "status": "pending_customer", "add_tags": ["outage"] } })).await;
        let bulk = format!("{TICKETS}/bulk");
        let both = json!({ "ids": [one], "changes": { "macro_id": m, "priority": "high" } });
        assert_eq!(ben.post(&bulk, both).await.expect(422)["errors"][0]["field"], "changes.macro_id");
        let none = json!({ "ids": [one], "changes": { "macro_id": one } });
        assert_eq!(ben.post(&bulk, none).await.expect(422)["errors"][0]["field"], "changes.macro_id");
        site.world.clock.advance(seconds(5));
        let done = ben.post(&bulk, json!({ "ids": [one, two], "changes": { "macro_id": m } })).await.expect(200);
        assert_eq!((&done["items"][0]["outcome"], &done["items"][1]["outcome"]), (&json!("changed"), &json!("failed")), "{done}");
        let t = ticket(&ben, &one).await;
        assert_eq!((&t["messages"][1]["body"], &t["tags"], &t["status"]), (&json!("Known, Ada."), &json!(["outage"]), &json!("pending_customer")));
        assert_eq!(ticket(&ben, &two).await["messages"].as_array().unwrap().len(), 1);
        let undo = format!("/api/admin/support/bulk/{}/undo", done["id"].as_str().unwrap());
        ben.post(&undo, json!({})).await.expect(200);
        let t = ticket(&ben, &one).await;
        assert_eq!((&t["tags"], t["messages"].as_array().unwrap().len()), (&json!([]), 2), "what was said stays said");
    }

    async fn a_canned_reply_is_inserted_with_its_files(world) {
        let site = Site::new(world).await;
        let (ben, cleo) = (site.user("Ben", Role::Agent).await, site.user("Cleo", Role::Agent).await);
        let id = site.user("Ada Byron", Role::Customer).await.file("x").await;
        let c = saved(&ben, CANNED, json!({ "name": "Restart", "body": "Hello {{customer.first_name}}, restart it." })).await;
        let file = "--x\r\ncontent-disposition: form-data; name=\"attachments\"; filename=\"how.txt\"\r\n\r\nhow\r\n--x--\r\n";
        let with = ben.send("POST", &format!("{CANNED}/{c}/attachments"), &[("content-type", "multipart/form-data; boundary=x")], file.into()).await.expect(200);
        assert_eq!(with["attachments"][0]["filename"], "how.txt");
        cleo.post(&format!("{CANNED}/{c}/insert"), json!({ "ticket_id": id })).await.expect(404);
        let put = ben.post(&format!("{CANNED}/{c}/insert"), json!({ "ticket_id": id })).await.expect(200);
        assert_eq!((&put["body"], &put["attachments"][0]["filename"]), (&json!("Hello Ada, restart it."), &json!("how.txt")));
        let draft = ben.get(&format!("{TICKETS}/{id}/draft")).await.expect(200);
        assert_eq!(draft["attachments"][0]["filename"], "how.txt");
        assert_eq!(ben.get(CANNED).await.expect(200)["items"][0]["uses"], 1);
        let bad = ben.patch(&format!("{CANNED}/{c}"), json!({ "body": "{{nobody}}" })).await.expect(422);
        assert_eq!(bad["errors"][0]["field"], "body");
        ben.patch(&format!("{CANNED}/{c}"), json!({ "name": "Restart it" })).await.expect(200);
        let file_id = with["attachments"][0]["id"].as_str().unwrap();
        let without = ben.json("DELETE", &format!("{CANNED}/{c}/attachments/{file_id}"), &[], json!({})).await.expect(200);
        assert_eq!((&without["attachments"], &without["name"]), (&json!([]), &json!("Restart it")));
    }

    async fn the_pages_save_preview_share_apply_and_delete(world) {
        let site = Site::new(world).await;
        let (ben, root) = (site.user("Ben", Role::Agent).await, site.user("Root", Role::Admin).await);
        let id = site.user("Ada Byron", Role::Customer).await.file("dark street").await;
        let form = [("name", "On it"), ("body", "On it, {{customer.first_name}}."), ("text_kind", "reply"), ("status", "in_progress"), ("add_tags", "seen, Outage"), ("sharing", "personal")];
        let mut wrong = form;
        wrong[1] = ("body", "{{oops}}");
        let again = submit(&ben, "/desk/macros/new", &wrong).await;
        assert_eq!(again.status, 422);
        assert!(again.text.contains("{{oops}}") && again.text.contains("{{tenant.name}}") && again.text.contains("value=\"On it\""));
        let shown = submit(&ben, "/desk/macros/new", &[&form[..], &[("do", "preview")]].concat()).await;
        assert!(shown.status == 200 && shown.text.contains("On it, Ada."), "{}", shown.text);
        assert_eq!(submit(&ben, "/desk/macros/new", &form).await.status, 303);
        let m = ben.get(MACROS).await.expect(200)["items"][0].clone();
        assert_eq!(m["changes"], json!({ "status": "in_progress", "add_tags": ["outage", "seen"] }));
        let m = m["id"].as_str().unwrap().to_owned();
        let list = ben.get("/desk/macros").await.text;
        assert!(list.contains("On it") && list.contains("In progress") && list.contains("+outage"));
        assert!(!root.get("/desk/macros").await.text.contains("On it"), "it is personal");
        // Applied from the ticket's page it can be taken back, like an answer.
        let page = ben.get(&format!("/desk/tickets/{id}")).await.text;
        assert!(page.contains(&m));
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let body = format!("csrf={csrf}&macro={m}&kind=reply&body=half+a+thought&idempotency_key=q");
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        let applied = ben.send("POST", &format!("/desk/tickets/{id}/apply"), &headers, body.into_bytes()).await;
        assert_eq!(applied.status, 303, "{}", applied.text);
        let t = ticket(&ben, &id).await;
        assert_eq!((t["messages"].as_array().unwrap().len(), &t["tags"]), (1, &json!([])), "what it changes waits too");
        assert_eq!(ben.get(&format!("{TICKETS}/{id}/draft")).await.expect(200)["body"], "half a thought");
        site.world.clock.advance(seconds(11));
        site.work().await;
        let t = ticket(&ben, &id).await;
        assert_eq!((&t["status"], &t["messages"][1]["body"], &t["tags"]), (&json!("in_progress"), &json!("On it, Ada."), &json!(["outage", "seen"])));
        // One that closes waits with its answer, and closes when that goes.
        let closing = json!({ "name": "Solved", "body": "It is solved.", "text_kind": "reply", "changes": { "status": "closed", "close_reason": "solved" } });
        let closing = ben.post(MACROS, closing).await.expect(201)["id"].as_str().unwrap().to_owned();
        let body = format!("csrf={csrf}&macro={closing}&kind=reply&body=&idempotency_key=r");
        assert_eq!(ben.send("POST", &format!("/desk/tickets/{id}/apply"), &headers, body.into_bytes()).await.status, 303);
        let t = ticket(&ben, &id).await;
        assert_eq!((&t["status"], t["messages"].as_array().unwrap().len()), (&json!("in_progress"), 2));
        site.world.clock.advance(seconds(11));
        site.work().await;
        let t = ticket(&ben, &id).await;
        assert_eq!((&t["status"], &t["messages"][2]["body"]), (&json!("closed"), &json!("It is solved.")));
        ben.json("DELETE", &format!("{MACROS}/{closing}"), &[], json!({})).await.expect_status(204);
        let ask = submit(&ben, &format!("/desk/macros/{m}/delete"), &[]).await;
        assert!(ask.status == 200 && ask.text.contains("Delete"), "{}", ask.text);
        assert_eq!(submit(&ben, &format!("/desk/macros/{m}/delete"), &[("confirmed", "true")]).await.status, 303);
        assert_eq!(ben.get(MACROS).await.expect(200)["items"], json!([]));
    }

    async fn the_answer_of_a_macro_that_closes_is_held_and_taken_back_with_all_it_changes(world) {
        let site = Site::new(world).await;
        let (ben, cy) = (site.user("Ben", Role::Agent).await, site.user("Cy", Role::Admin).await);
        let ada = site.user("Ada", Role::Customer).await;
        let there = site.neighbour("Eve", Role::Customer).await.file("the neighbour's").await;
        let closing = json!({ "name": "Solved", "body": "It is solved.", "text_kind": "reply", "is_for_all": true,
            "changes": { "status": "closed", "close_reason": "solved", "add_tags": ["done"], "priority": "low" } });
        let closing = cy.post(MACROS, closing).await.expect(201)["id"].as_str().unwrap().to_owned();
        let page = ben.get("/desk/macros").await.text;
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
        let apply_this = async |which: &str, id: &str, key: &str| {
            let body = format!("csrf={csrf}&macro={which}&kind=reply&body=&idempotency_key={key}");
            let done = ben.send("POST", &format!("/desk/tickets/{id}/apply"), &headers, body.into_bytes()).await;
            assert_eq!(done.status, 303, "{}", done.text);
        };
        let apply = async |id: &str, key: &str| apply_this(&closing, id, key).await;
        let events = async |id: &str| {
            let told = ticket(&ben, id).await["audits"].clone();
            told.as_array().unwrap().iter().map(|l| l["event_type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let letters = async || cy.get("/api/admin/outbox").await.expect(200)["items"].as_array().unwrap().len();
        let id = ada.file("dark street").await;
        ben.patch(&format!("{TICKETS}/{id}"), json!({ "assigned_to": ben.user_id.unwrap() })).await.expect(200);
        site.work().await;
        // Looking marks as read.
        ben.get(&format!("/desk/tickets/{id}")).await;
        let (before, told, posted) = (ticket(&ben, &id).await, events(&id).await, letters().await);

        apply(&id, "a").await;
        let held = ben.get(&format!("{TICKETS}/{id}/held")).await.expect(200)["items"][0].clone();
        assert_eq!((&held["status"], &held["body"]), (&json!("closed"), &json!("It is solved.")));
        assert!(ben.get(&format!("/desk/tickets/{id}")).await.text.contains("Closed"));
        let draft = ben.json("DELETE", &format!("{TICKETS}/{id}/held/{}", held["id"].as_str().unwrap()), &[], json!({})).await.expect(200);
        assert_eq!((&draft["body"], &draft["status"]), (&json!("It is solved."), &Value::Null));
        site.world.clock.advance(seconds(30));
        site.work().await;
        assert_eq!(ticket(&ben, &id).await, before, "nothing of it happened");
        assert_eq!((events(&id).await, letters().await), (told, posted));

        // Left alone it goes, and then all of it happens at once.
        apply(&id, "b").await;
        let at = site.world.now();
        site.world.clock.advance(seconds(30));
        site.work().await;
        let t = ticket(&ben, &id).await;
        assert_eq!((&t["status"], &t["close_reason"], &t["priority"], &t["tags"]), (&json!("closed"), &json!("solved"), &json!("low"), &json!(["done"])));
        assert!(t["closed_at"].as_str().unwrap().parse::<base::Timestamp>().unwrap() > at, "when it goes, not before");
        assert!(events(&id).await.contains(&"macro_applied".to_owned()));

        // Somebody wrote meanwhile: it is a draft again, and the ticket is as it was.
        let other = ada.file("still dark").await;
        ben.patch(&format!("{TICKETS}/{other}"), json!({ "assigned_to": ben.user_id.unwrap() })).await.expect(200);
        apply(&other, "c").await;
        ada.post(&format!("/api/support/tickets/{other}/messages"), json!({ "body": "wait" })).await.expect(201);
        site.world.clock.advance(seconds(30));
        site.work().await;
        let t = ticket(&ben, &other).await;
        assert_eq!((t["messages"].as_array().unwrap().len(), &t["status"], &t["tags"]), (2, &json!("in_progress"), &json!([])));
        assert_eq!(ben.get(&format!("{TICKETS}/{other}/draft")).await.expect(200)["body"], "It is solved.");

        // Merged meanwhile: its survivor is not closed by it.
        let (gone, survivor) = (ada.file("one").await, ada.file("two").await);
        apply(&gone, "d").await;
        cy.post(&format!("{TICKETS}/{gone}/merge"), json!({ "into": survivor })).await.expect(200);
        site.world.clock.advance(seconds(30));
        site.work().await;
        let t = ticket(&ben, &survivor).await;
        assert_eq!((&t["status"], &t["tags"]), (&json!("new"), &json!([])));
        // Nor is it resolved by one whose status goes with its answer: that is a draft again.
        let resolving = json!({ "name": "Fixed", "body": "It is fixed.", "text_kind": "reply", "is_for_all": true, "changes": { "status": "resolved" } });
        let resolving = cy.post(MACROS, resolving).await.expect(201)["id"].as_str().unwrap().to_owned();
        // Ben's own words are in the survivor alone, so that nobody else has said anything meanwhile.
        let his = json!({ "subject": "four", "description": "We will call.", "user_email": "ada@example.org", "outbound": true });
        let survivor = ben.post(TICKETS, his).await.expect(201)["id"].as_str().unwrap().to_owned();
        let gone = ada.file("three").await;
        apply_this(&resolving, &gone, "e").await;
        cy.post(&format!("{TICKETS}/{gone}/merge"), json!({ "into": survivor })).await.expect(200);
        site.world.clock.advance(seconds(30));
        site.work().await;
        let t = ticket(&ben, &survivor).await;
        // Both first messages, and no answer.
        assert_eq!((&t["status"], t["messages"].as_array().unwrap().len()), (&json!("in_progress"), 2));
        let neighbour = site.neighbour("Nadia", Role::Agent).await;
        assert_eq!(ticket(&neighbour, &there).await["status"], "new");
    }
}
