//! Drafts, undo send, presence, mentions, canned replies and macros over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::{Role, seconds};
use identity::KeyScope;
use serde_json::{Value, json};
use support::{Answer, Client, Site};
use testkit::both_engines;

const TICKETS: &str = "/api/admin/support/tickets";

/// The token of a page's forms, and another field of the composer.
async fn field(who: &Client, ticket: &str, name: &str) -> String {
    let page = who.get(&format!("/desk/tickets/{ticket}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let at = page.text.find(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("no {name}"));
    page.text[at..].split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// Sends the composer's form as a browser does.
async fn compose(who: &Client, ticket: &str, act: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = field(who, ticket, "csrf").await;
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("csrf", &csrf).extend_pairs(fields);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    who.send("POST", &format!("/desk/tickets/{ticket}/{act}"), &headers, body.finish().into_bytes()).await
}

async fn upload(who: &Client, path: &str, name: &str, content: &str) -> Answer {
    let body = format!(
        "--x\r\ncontent-disposition: form-data; name=\"attachments\"; filename=\"{name}\"\r\n\r\n{content}\r\n--x--\r\n"
    );
    who.send("POST", path, &[("content-type", "multipart/form-data; boundary=x")], body.into_bytes()).await
}

async fn ticket(who: &Client, id: &str) -> Value {
    who.get(&format!("{TICKETS}/{id}")).await.expect(200)
}

both_engines! {
    async fn a_draft_is_kept_with_its_files_and_goes_with_the_answer(world) {
        let site = Site::new(world).await;
        let (ben, cleo) = (site.user("Ben Okafor", Role::Agent).await, site.user("Cleo", Role::Agent).await);
        let id = site.user("Ada Byron", Role::Customer).await.file("red light").await;
        let draft = format!("{TICKETS}/{id}/draft");
        ben.get(&draft).await.expect(404);
        let wrong = ben.json("PUT", &draft, &[], json!({ "kind": "letter", "body": "x" })).await.expect(422);
        assert_eq!(wrong["errors"][0]["field"], "kind");
        ben.json("PUT", &draft, &[], json!({ "kind": "reply", "body": "x", "colour": 1 })).await.expect(422);
        let kept = ben.json("PUT", &draft, &[], json!({ "kind": "reply", "body": "Please **restart**", "status": "pending_customer" })).await.expect(200);
        assert_eq!(kept["status"], "pending_customer");
        let added = upload(&ben, &format!("{draft}/attachments"), "plan.txt", "step 1").await.expect(201);
        let file = added["items"][0]["id"].as_str().unwrap().to_owned();
        upload(&ben, &format!("{draft}/attachments"), "wrong.txt", "oops").await.expect(201);
        let both = ben.get(&draft).await.expect(200);
        let second = both["attachments"][1]["id"].as_str().unwrap();
        ben.json("DELETE", &format!("{draft}/attachments/{second}"), &[], json!({})).await.expect(204);
        ben.json("DELETE", &format!("{draft}/attachments/{second}"), &[], json!({})).await.expect(404);
        cleo.get(&draft).await.expect(404);
        site.key(KeyScope::Write).await.get(&draft).await.expect(403);
        let page = ben.get(&format!("/desk/tickets/{id}")).await.text;
        assert!(page.contains("Please **restart**") && page.contains("plan.txt") && page.contains("draft-mark"));
        assert!(ben.get("/desk?view=all").await.text.contains("draft-mark"));
        assert!(!cleo.get("/desk?view=all").await.text.contains("draft-mark"), "a draft is its author's");
        let version = field(&ben, &id, "version").await;
        let sent = compose(&ben, &id, "messages", &[("kind", "reply"), ("body", "Please **restart**"), ("then", "pending_customer"), ("version", &version), ("kept", &file), ("idempotency_key", "k1")]).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        ben.get(&draft).await.expect(404);
        site.world.clock.advance(seconds(11));
        site.work().await;
        let after = ticket(&ben, &id).await;
        assert_eq!((&after["status"], &after["messages"][1]["attachments"][0]["filename"]), (&json!("pending_customer"), &json!("plan.txt")));
    }

    async fn a_note_and_an_answer_are_begun_beside_each_other_and_neither_becomes_the_other(world) {
        let site = Site::new(world).await;
        let ben = site.user("Ben Okafor", Role::Agent).await;
        let id = site.user("Ada Byron", Role::Customer).await.file("red light").await;
        let draft = format!("{TICKETS}/{id}/draft");
        ben.json("PUT", &draft, &[], json!({ "kind": "reply", "body": "Good morning Ada", "status": "resolved" })).await.expect(200);
        upload(&ben, &format!("{draft}/attachments"), "plan.txt", "step 1").await.expect(201);
        site.world.clock.advance(seconds(1));
        ben.json("PUT", &draft, &[], json!({ "kind": "note", "body": "She never pays" })).await.expect(200);
        let inside = upload(&ben, &format!("{draft}/attachments"), "debts.txt", "a lot").await.expect(201);
        let (reply, note) = (ben.get(&format!("{draft}?kind=reply")).await.expect(200), ben.get(&format!("{draft}?kind=note")).await.expect(200));
        assert_eq!((&reply["body"], &reply["status"]), (&json!("Good morning Ada"), &json!("resolved")));
        assert_eq!((&note["body"], &note["attachments"]), (&json!("She never pays"), &inside["items"]));
        assert_eq!(reply["attachments"].as_array().unwrap().len(), 1);
        assert_eq!(ben.get(&draft).await.expect(200)["kind"], "note", "what was written last");
        ben.get(&format!("{draft}?kind=letter")).await.expect(422);
        // The field holds the note; the answer waits, out of what is sent.
        let page = ben.get(&format!("/desk/tickets/{id}")).await.text;
        let shown = page.split("<textarea id=\"body\"").nth(1).unwrap().split("</textarea>").next().unwrap();
        assert!(shown.contains("She never pays") && !shown.contains("Good morning"), "{shown}");
        let aside = page.split("<template data-aside=\"reply\"").nth(1).unwrap().split("</template>").next().unwrap();
        assert!(aside.contains("Good morning Ada") && aside.contains("plan.txt") && !aside.contains("debts.txt"));
        // And the other way about for who asks for it without a script.
        let page = ben.get(&format!("/desk/tickets/{id}?write=reply")).await.text;
        assert!(page.split("<textarea id=\"body\"").nth(1).unwrap().split("</textarea>").next().unwrap().contains("Good morning"));
        // A file of the note goes with no answer, whatever boxes say.
        let (plan, debts) = (reply["attachments"][0]["id"].as_str().unwrap(), inside["items"][0]["id"].as_str().unwrap());
        let version = field(&ben, &id, "version").await;
        let sent = compose(&ben, &id, "messages", &[("kind", "reply"), ("body", "Good morning Ada"), ("version", &version), ("kept", plan), ("kept", debts), ("idempotency_key", "k1")]).await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        site.world.clock.advance(seconds(11));
        site.work().await;
        let files = ticket(&ben, &id).await["messages"][1]["attachments"].clone();
        assert_eq!((files.as_array().unwrap().len(), &files[0]["filename"]), (1, &json!("plan.txt")));
        ben.get(&format!("{draft}?kind=reply")).await.expect(404);
        assert_eq!(ben.get(&draft).await.expect(200)["body"], "She never pays", "the note is still a draft");
        ben.json("DELETE", &format!("{draft}?kind=reply"), &[], json!({})).await.expect(204);
        ben.get(&draft).await.expect(200);
        // Without a script, whoever ticks the other kind means this text: it is no draft of the first kind any more.
        let turned = compose(&ben, &id, "draft", &[("begun", "note"), ("kind", "reply"), ("body", "Please pay"), ("kept", debts)]).await;
        assert_eq!(turned.status, 303, "{}", turned.text);
        ben.get(&format!("{draft}?kind=note")).await.expect(404);
        let now = ben.get(&draft).await.expect(200);
        assert_eq!((&now["kind"], &now["body"], &now["attachments"][0]["filename"]), (&json!("reply"), &json!("Please pay"), &json!("debts.txt")));
        // What is begun of that kind already stays below.
        ben.json("PUT", &draft, &[], json!({ "kind": "note", "body": "Called her" })).await.expect(200);
        compose(&ben, &id, "draft", &[("begun", "reply"), ("kind", "note"), ("body", "Please pay"), ("kept", debts)]).await;
        assert_eq!(ben.get(&draft).await.expect(200)["body"], "Please pay\n\nCalled her");
        // Thrown away is what the field was drawn with, also where the other kind is ticked; never the draft nobody sees.
        ben.json("PUT", &draft, &[], json!({ "kind": "reply", "body": "Dear Ada" })).await.expect(200);
        compose(&ben, &id, "discard", &[("begun", "reply"), ("kind", "note"), ("body", "Dear Ada")]).await.expect_status(303);
        ben.get(&format!("{draft}?kind=reply")).await.expect(404);
        assert_eq!(ben.get(&draft).await.expect(200)["body"], "Please pay\n\nCalled her");
        ben.json("PUT", &draft, &[], json!({ "kind": "reply", "body": "Dear Ada" })).await.expect(200);
        compose(&ben, &id, "discard", &[("kind", "reply"), ("body", "Dear Ada")]).await.expect_status(303);
        assert_eq!(ben.get(&draft).await.expect(200)["kind"], "note");
        ben.json("DELETE", &draft, &[], json!({})).await.expect(204);
        ben.get(&draft).await.expect(404);
    }

    async fn an_answer_can_be_taken_back_and_until_then_nobody_outside_knows(world) {
        let site = Site::new(world).await;
        let (ben, cleo) = (site.user("Ben Okafor", Role::Agent).await, site.user("Cleo", Role::Agent).await);
        let ada = site.user("Ada Byron", Role::Customer).await;
        let id = ada.file("red light").await;
        site.work().await;
        // Looking at it marks it read, which is no part of this.
        field(&ben, &id, "csrf").await;
        let (before, letters) = (ticket(&cleo, &id).await, site.mailer.sent().len());
        let theirs = ada.get(&format!("/api/support/tickets/{id}")).await.text;
        let sent = compose(&ben, &id, "messages", &[("kind", "reply"), ("body", "Zwiebelkuchen"), ("then", "resolved"), ("idempotency_key", "k1")]).await;
        assert_eq!(sent.headers["location"], format!("/desk/tickets/{id}#held"));
        site.work().await;
        assert_eq!(ticket(&cleo, &id).await, before);
        assert_eq!(ada.get(&format!("/api/support/tickets/{id}")).await.text, theirs);
        assert_eq!(site.mailer.sent().len(), letters);
        assert_eq!(cleo.get(&format!("{TICKETS}?q=Zwiebelkuchen")).await.expect(200)["items"], json!([]));
        // The colleague sees that it is on its way, and cannot answer over it.
        let there = cleo.get(&format!("{TICKETS}/{id}/presence")).await.expect(200);
        assert_eq!((&there["items"][0]["name"], &there["items"][0]["is_sending"]), (&json!("Ben Okafor"), &json!(true)));
        let version = field(&cleo, &id, "version").await;
        let over = compose(&cleo, &id, "messages", &[("kind", "reply"), ("body", "Mine, kept"), ("then", "pending_customer"), ("version", &version), ("idempotency_key", "k2")]).await;
        assert_eq!(over.status, 412);
        assert!(over.text.contains("about to go out") && over.text.contains("Mine, kept"));
        assert!(over.text.contains("<option value=\"pending_customer\" selected"), "the choice is kept");
        assert_eq!(cleo.get(&format!("{TICKETS}/{id}/draft")).await.expect(200)["body"], "Mine, kept");
        let held = ben.get(&format!("{TICKETS}/{id}/held")).await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let place = format!("{TICKETS}/{id}/held/{held}");
        cleo.json("DELETE", &place, &[], json!({})).await.expect(403);
        let draft = ben.json("DELETE", &place, &[], json!({})).await.expect(200);
        assert_eq!((&draft["body"], &draft["status"]), (&json!("Zwiebelkuchen"), &json!("resolved")));
        ben.json("DELETE", &place, &[], json!({})).await.expect(404);
        // The same by the page's button.
        compose(&ben, &id, "messages", &[("kind", "reply"), ("body", "Again"), ("idempotency_key", "k3")]).await;
        let held = ben.get(&format!("{TICKETS}/{id}/held")).await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(compose(&ben, &id, "take-back", &[("held", &held)]).await.status, 303);
        site.world.clock.advance(seconds(60));
        site.work().await;
        assert_eq!(ticket(&cleo, &id).await["messages"].as_array().unwrap().len(), 1);
    }

    async fn an_answer_against_an_older_thread_is_refused_with_what_came_in_and_kept(world) {
        let site = Site::new(world).await;
        let (ben, cleo) = (site.user("Ben Okafor", Role::Agent).await, site.user("Cleo", Role::Agent).await);
        let id = site.user("Ada Byron", Role::Customer).await.file("red light").await;
        let (version, seen) = (field(&ben, &id, "version").await, field(&ben, &id, "seen").await);
        site.world.clock.advance(seconds(5));
        cleo.post(&format!("{TICKETS}/{id}/messages"), json!({ "body": "Cleo was quicker." })).await.expect(201);
        cleo.patch(&format!("{TICKETS}/{id}"), json!({ "priority": "high" })).await.expect(200);
        let fields = [("kind", "reply"), ("body", "Ben's words"), ("version", &version), ("seen", &seen), ("idempotency_key", "k")];
        let refused = compose(&ben, &id, "messages", &fields).await;
        assert_eq!(refused.status, 412);
        let alert = refused.text.split("class=\"came-in\"").nth(1).unwrap().split("</ul>").next().unwrap();
        assert!(alert.contains("Cleo was quicker.") && alert.contains("High") && !alert.contains("It does not work"), "{alert}");
        assert!(refused.text.contains("Ben&#x27;s words") || refused.text.contains("Ben's words"));
        assert_eq!(ben.get(&format!("{TICKETS}/{id}/draft")).await.expect(200)["body"], "Ben's words");
    }

    async fn at_once_when_the_setting_says_so_and_always_over_the_api(world) {
        let site = Site::new(world).await;
        let (ben, root) = (site.user("Ben", Role::Agent).await, site.user("Root", Role::Admin).await);
        let id = site.user("Ada Byron", Role::Customer).await.file("red light").await;
        ben.post(&format!("{TICKETS}/{id}/messages"), json!({ "body": "By program." })).await.expect(201);
        assert_eq!(ticket(&ben, &id).await["messages"].as_array().unwrap().len(), 2);
        let mut settings = root.get("/api/admin/settings").await.expect(200);
        assert_eq!(settings["settings"]["undo_send_seconds"], 10);
        settings["settings"]["undo_send_seconds"] = json!(500);
        let refused = root.json("PUT", "/api/admin/settings", &[], settings.clone()).await.expect(422);
        assert_eq!(refused["errors"][0]["field"], "undo_send_seconds");
        settings["settings"]["undo_send_seconds"] = json!(0);
        root.json("PUT", "/api/admin/settings", &[], settings).await.expect(200);
        compose(&ben, &id, "messages", &[("kind", "reply"), ("body", "By hand."), ("idempotency_key", "k")]).await.expect_status(303);
        assert_eq!(ticket(&ben, &id).await["messages"].as_array().unwrap().len(), 3);
    }

    async fn a_note_shows_whom_it_calls_and_the_called_are_told(world) {
        let site = Site::new(world).await;
        let (ben, cleo) = (site.user("Ben Okafor", Role::Agent).await, site.user("Cleo Lindqvist", Role::Agent).await);
        let id = site.user("Ada Byron", Role::Customer).await.file("red light").await;
        let found = ben.get("/api/admin/support/mentions?q=lind").await.expect(200);
        assert_eq!(found["items"][0]["handle"], "cleo.lindqvist");
        assert_eq!(ben.get("/api/admin/support/mentions?q=zz").await.expect(200)["items"], json!([]));
        ben.post(&format!("{TICKETS}/{id}/messages"), json!({ "body": "@cleo.lindqvist look, `@cleo.lindqvist`", "is_internal": true })).await.expect(201);
        let page = cleo.get(&format!("/desk/tickets/{id}")).await.text;
        assert_eq!(page.matches("<span class=\"mention\">@cleo.lindqvist</span>").count(), 1);
        site.work().await;
        assert!(cleo.get("/desk/notifications").await.text.contains("called you"));
        let shown = ben.post("/api/admin/support/preview", json!({ "body": "**yes** <script>no</script>" })).await.expect(200);
        assert!(shown["html"].as_str().unwrap().contains("<strong>yes</strong>") && !shown["html"].as_str().unwrap().contains("<script"));
    }

    async fn being_called_opens_no_ticket_for_a_technician(world) {
        let site = Site::new(world).await;
        let (ben, tom, root) = (site.user("Ben", Role::Agent).await, site.user("Tom", Role::Technician).await, site.user("Root", Role::Admin).await);
        let ada = site.user("Ada", Role::Customer).await;
        let id = ada.file("red light").await;
        site.work().await;
        let team = json!({ "name": "Field", "members": [tom.user_id] });
        root.post("/api/admin/teams", team).await.expect(201);
        let told = async |text: &str| tom.get("/desk/notifications").await.text.matches(text).count();
        let call = json!({ "body": "@field @tom Zwiebelkuchen", "is_internal": true });
        ben.post(&format!("{TICKETS}/{id}/messages"), call.clone()).await.expect(201);
        site.work().await;
        assert_eq!((told("called you").await, ticket(&ben, &id).await["watchers"].clone()), (0, json!([])));
        // It is theirs: they are called, and hear of answers until it is theirs no more.
        root.patch(&format!("{TICKETS}/{id}"), json!({ "assigned_to": tom.user_id })).await.expect(200);
        ben.post(&format!("{TICKETS}/{id}/messages"), call).await.expect(201);
        site.work().await;
        assert_eq!(told("called you").await, 1);
        for owner in [json!(tom.user_id), Value::Null] {
            root.patch(&format!("{TICKETS}/{id}"), json!({ "assigned_to": owner })).await.expect(200);
            ada.post(&format!("/api/support/tickets/{id}/messages"), json!({ "body": "Apfelmus" })).await.expect(201);
            site.work().await;
            assert_eq!(told("Ada answered").await, 1, "{owner}");
        }
    }

    async fn what_is_being_written_goes_on_in_the_ticket_it_is_merged_into(world) {
        let site = Site::new(world).await;
        let (ben, cleo) = (site.user("Ben", Role::Agent).await, site.user("Cleo", Role::Agent).await);
        let ada = site.user("Ada", Role::Customer).await;
        let (from, to) = (ada.file("first").await, ada.file("second").await);
        let draft = |id: &str| format!("{TICKETS}/{id}/draft");
        ben.json("PUT", &draft(&from), &[], json!({ "kind": "reply", "body": "Begun on the first." })).await.expect(200);
        ben.json("PUT", &draft(&to), &[], json!({ "kind": "reply", "body": "Begun on the second." })).await.expect(200);
        ben.json("PUT", &draft(&from), &[], json!({ "kind": "note", "body": "A note on the first." })).await.expect(200);
        ben.json("PUT", &draft(&from), &[], json!({ "kind": "reply", "body": "Begun on the first." })).await.expect(200);
        upload(&ben, &format!("{}/attachments", draft(&from)), "plan.txt", "x").await.expect_status(201);
        compose(&cleo, &from, "messages", &[("kind", "reply"), ("body", "On its way."), ("idempotency_key", "k1")]).await.expect_status(303);
        cleo.post(&format!("{TICKETS}/{from}/merge"), json!({ "into": to })).await.expect(200);
        let now = ben.get(&draft(&to)).await.expect(200);
        assert_eq!(now["attachments"][0]["filename"], "plan.txt");
        ben.get(&draft(&from)).await.expect_status(404);
        assert_eq!(now["body"], "Begun on the first.\n\nBegun on the second.");
        assert_eq!(ben.get(&format!("{}?kind=note", draft(&to))).await.expect(200)["body"], "A note on the first.");
        // The thread has become another: what was on its way is a draft of its author again.
        let held = cleo.get(&format!("{TICKETS}/{to}/held")).await.expect(200);
        assert_eq!(held["items"].as_array().unwrap().len(), 1, "it can be taken back where it shows");
        site.world.clock.advance(seconds(60));
        site.work().await;
        assert_eq!(cleo.get(&draft(&to)).await.expect(200)["body"], "On its way.");
        assert!(!ada.get(&format!("/api/support/tickets/{from}")).await.text.contains("On its way."));
        assert!(cleo.get("/desk/notifications").await.text.contains("is a draft again"));
    }

    async fn presence_is_people_s_and_unknown_words_are_named(world) {
        let site = Site::new(world).await;
        let (ben, cleo) = (site.user("Ben", Role::Agent).await, site.user("Cleo", Role::Agent).await);
        let id = site.user("Ada Byron", Role::Customer).await.file("red light").await;
        let place = format!("{TICKETS}/{id}/presence");
        let refused = ben.post(&place, json!({ "doing": "sleeping" })).await.expect(422);
        assert!(refused["detail"].as_str().unwrap().contains("viewing"), "{refused}");
        ben.post(&place, json!({ "doing": "typing" })).await.expect(200);
        let there = cleo.post(&place, json!({ "doing": "viewing" })).await.expect(200);
        assert_eq!((&there["items"][0]["name"], &there["items"][0]["is_typing"], there["items"].as_array().unwrap().len()), (&json!("Ben"), &json!(true), 1));
        assert!(cleo.get(&format!("/desk/tickets/{id}")).await.text.contains("Ben is replying"));
        site.key(KeyScope::Write).await.post(&place, json!({ "doing": "viewing" })).await.expect(403);
        let eve = site.neighbour("Eve", Role::Agent).await;
        eve.post(&place, json!({ "doing": "viewing" })).await.expect(404);
    }
}
