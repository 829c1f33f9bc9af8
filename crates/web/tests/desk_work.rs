//! What agents do to tickets besides answering, over HTTP: merge, split, relate, snooze, forward, call, measure, delete.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::{Role, hours};
use serde_json::{Value, json};
use support::{Client, Site};
use testkit::both_engines;

fn at(id: &str, rest: &str) -> String {
    format!("/api/admin/support/tickets/{id}{rest}")
}

fn bodies(ticket: &Value) -> Vec<String> {
    ticket["messages"].as_array().unwrap().iter().map(|m| m["body"].as_str().unwrap().to_owned()).collect()
}

fn numbers(list: &Value) -> Vec<String> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["ticket_number"].as_str().unwrap().to_owned())
        .collect()
}

/// Letters written since the last look, to whom and what.
#[derive(Default)]
struct Post(std::collections::HashSet<uuid::Uuid>);

struct Posted {
    to: String,
    text: String,
}

impl Post {
    async fn take(&mut self, site: &Site) -> Vec<Posted> {
        site.work().await;
        let all =
            site.world.db.read(site.world.scope(), |r| notices::letters::list(r, None, 500)).await.unwrap();
        all.into_iter()
            .filter(|l| self.0.insert(l.id.uuid()))
            .map(|l| Posted { to: l.to_email.key(), text: format!("{} {}", l.subject, l.body_text) })
            .collect()
    }
}

/// Says something a second later than whatever was said before.
async fn say(site: &Site, who: &Client, id: &str, text: &str) -> Value {
    site.world.clock.advance(base::seconds(1));
    let path = if who.email.starts_with("ada") || who.email.starts_with("bob") {
        format!("/api/support/tickets/{id}/messages")
    } else {
        at(id, "/messages")
    };
    who.post(&path, json!({ "body": text })).await.expect(201)
}

both_engines! {
    async fn merging_shows_both_threads_and_replies_to_either_land_in_the_survivor(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let (old, new) = (ada.file("Internet down").await, ada.file("Still down").await);
        say(&site, &ada, &old, "on the old one").await;
        let number = ben.get(&at(&old, "")).await.expect(200)["ticket_number"].as_str().unwrap().to_owned();
        let before = ben.get(&at(&new, "")).await.expect(200);
        let survivor = ben.post(&at(&new, "/merge"), json!({ "into": number })).await.expect(200);
        assert_eq!(survivor["id"], old.as_str());
        assert_eq!(survivor["merged_tickets"], json!([new]));
        assert_eq!(survivor["messages"].as_array().unwrap().len(), 3);
        let merged = ben.get(&at(&new, "")).await.expect(200);
        assert_eq!(merged["merged_into"], old.as_str());
        let queue = ben.get("/api/admin/support/tickets").await.expect(200);
        assert_eq!(numbers(&queue), std::slice::from_ref(&number), "one conversation, one line");
        // The customer answers on the number they know.
        say(&site, &ada, &new, "reply to the merged number").await;
        let survivor = ben.get(&at(&old, "")).await.expect(200);
        assert!(bodies(&survivor).contains(&"reply to the merged number".to_owned()));
        assert_eq!(survivor["unread_by_agent"], 4, "two tickets, a reply on each");
        let theirs = ada.get(&format!("/api/support/tickets/{new}")).await.expect(200);
        assert_eq!(theirs["merged_into"], old.as_str());
        assert_eq!(ada.get("/api/support/tickets").await.expect(200)["items"].as_array().unwrap().len(), 1);
        let thread = ada.get(&format!("/api/support/tickets/{old}")).await.expect(200);
        assert_eq!(thread["messages"].as_array().unwrap().len(), 4);
        assert_eq!(thread["message_count"], 4);
        // A merged ticket takes no change of its own; its page leads to the survivor's.
        ben.patch(&at(&new, ""), json!({ "priority": "high" })).await.expect(409);
        let page = ben.get(&format!("/desk/tickets/{new}")).await;
        assert_eq!((page.status.as_u16(), page.headers["location"].to_str().unwrap()), (303, &*format!("/desk/tickets/{old}")));
        let page = ada.get(&format!("/help/tickets/{new}")).await;
        assert_eq!(page.headers["location"].to_str().unwrap(), format!("/help/tickets/{old}"));
        // And back.
        let again = ben.post(&at(&new, "/unmerge"), json!({})).await.expect(200);
        assert_eq!(bodies(&again), ["It does not work.", "reply to the merged number"]);
        assert_eq!(again["status"], before["status"]);
        assert_eq!(again["merged_into"], Value::Null);
        assert_eq!(bodies(&ben.get(&at(&old, "")).await.expect(200)), ["It does not work.", "on the old one"]);
        ben.post(&at(&new, "/unmerge"), json!({})).await.expect(409);
    }

    async fn merging_across_customers_shows_neither_of_them_the_other(world) {
        let site = Site::new(world).await;
        let (ada, bob, ben) = (site.user("Ada", Role::Customer).await, site.user("Bob", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let (hers, his) = (ada.file("hers").await, bob.file("his").await);
        ben.post(&at(&his, "/merge"), json!({ "into": hers })).await.expect(200);
        let before = ada.get(&format!("/api/support/tickets/{hers}")).await;
        site.world.clock.advance(hours(1));
        say(&site, &bob, &his, "his secret").await;
        let after = ada.get(&format!("/api/support/tickets/{hers}")).await;
        assert_eq!(before.text, after.text, "not a word, not a count, not a time of the other customer");
        assert_eq!(before.etag(), after.etag());
        let his_view = bob.get(&format!("/api/support/tickets/{his}")).await.expect(200);
        assert_eq!(his_view["merged_into"], Value::Null);
        assert_eq!(his_view["messages"].as_array().unwrap().len(), 2);
        bob.get(&format!("/api/support/tickets/{hers}")).await.expect(404);
        // An answer goes to the customer it is addressed to and to nobody else.
        let mut post = Post::default();
        post.take(&site).await;
        ben.post(&at(&hers, "/messages"), json!({ "body": "for him", "answer_to": his })).await.expect(201);
        ben.post(&at(&hers, "/messages"), json!({ "body": "for her" })).await.expect(201);
        ben.post(&at(&hers, "/messages"), json!({ "body": "for whom", "answer_to": ada.file("third").await })).await.expect(422);
        let sent = post.take(&site).await;
        let to = |text: &str| sent.iter().filter(|m| m.text.contains(text)).map(|m| m.to.clone()).collect::<Vec<_>>();
        assert_eq!(to("for him"), ["bob@example.org"]);
        assert_eq!(to("for her"), ["ada@example.org"]);
        // When the survivor is resolved, both are told, and his ticket says so.
        ben.patch(&at(&hers, ""), json!({ "status": "resolved" })).await.expect(200);
        let told: Vec<String> = post.take(&site).await.iter().filter(|m| m.text.contains("Resolved:")).map(|m| m.to.clone()).collect();
        assert!(told.contains(&"ada@example.org".to_owned()) && told.contains(&"bob@example.org".to_owned()), "{told:?}");
        assert_eq!(bob.get(&format!("/api/support/tickets/{his}")).await.expect(200)["status"], "resolved");
        bob.post(&format!("/api/support/tickets/{his}/confirm"), json!({})).await.expect(409);
    }

    async fn wrong_merges_change_nothing(world) {
        let site = Site::new(world).await;
        let (ada, ben, cy) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await, site.user("Cy", Role::Agent).await);
        let theirs = site.neighbour("Eve", Role::Customer).await.file("theirs").await;
        let (a, b) = (ada.file("a").await, ada.file("b").await);
        let wrong = |into: &str| json!({ "into": into });
        let own = ben.post(&at(&a, "/merge"), wrong(&a)).await.expect(422);
        assert_eq!(own["errors"][0]["code"], "ticket.merge_into_itself");
        ben.post(&at(&a, "/merge"), wrong("SUP-99999")).await.expect(422);
        ben.post(&at(&a, "/merge"), wrong(&theirs)).await.expect(422);
        ben.post(&at(&theirs, "/merge"), wrong(&a)).await.expect(404);
        ben.post(&at(&a, "/merge"), json!({})).await.expect(422);
        cy.patch(&at(&b, ""), json!({ "assigned_to": "me" })).await.expect(200);
        ben.post(&at(&a, "/merge"), wrong(&b)).await.expect(403);
        cy.post(&at(&a, "/merge"), wrong(&b)).await.expect(200);
        let cycle = cy.post(&at(&b, "/merge"), wrong(&a)).await.expect(409);
        assert_eq!(cycle["code"], "ticket.merge_cycle");
        let c = ada.file("c").await;
        cy.patch(&at(&b, ""), json!({ "status": "resolved" })).await.expect(200);
        assert_eq!(cy.post(&at(&c, "/merge"), wrong(&b)).await.expect(409)["code"], "ticket.merge_into_settled");
        assert_eq!(ben.get(&at(&c, "")).await.expect(200)["merged_into"], Value::Null);
        // What takes no change of its own says by its number which one does.
        let survivor = cy.get(&at(&b, "")).await.expect(200)["ticket_number"].as_str().unwrap().to_owned();
        let refused = cy.patch(&at(&a, ""), json!({ "priority": "low" })).await.expect(409);
        assert_eq!(refused["code"], "ticket.merged");
        assert!(refused["detail"].as_str().unwrap().contains(&survivor), "{refused}");
    }

    async fn mail_to_ones_own_channel_goes_to_nobody_outside(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let id = ada.file("x").await;
        root.post("/api/admin/channels", json!({ "address": "support@here.example", "reply_address": "answers@here.example" })).await.expect(201);
        let off = root.post("/api/admin/channels", json!({ "address": "old@here.example" })).await.expect(201)["id"].as_str().unwrap().to_owned();
        root.patch(&format!("/api/admin/channels/{off}"), json!({ "enabled": false })).await.expect(200);
        let there = site.neighbour("Eve", Role::Admin).await;
        there.post("/api/admin/channels", json!({ "address": "support@there.example" })).await.expect(201);
        for own in ["support@here.example", "Support+abc123@HERE.example", "answers@here.example", "answers+x@here.example", "old@here.example"] {
            for (path, field, body) in [
                (at(&id, "/forward"), "to", json!({ "to": own, "body": "Is your line up?" })),
                (at(&id, "/participants"), "email", json!({ "email": own })),
                ("/api/admin/support/blocked-senders".to_owned(), "email", json!({ "email": own })),
            ] {
                let refused = root.post(&path, body).await.expect(422);
                assert_eq!((&refused["errors"][0]["field"], &refused["errors"][0]["code"]), (&json!(field), &json!("address.own_channel")), "{own} {refused}");
            }
        }
        // Another business's address is one like any other, and so is one that only looks alike.
        for other in ["support@there.example", "support@here.example.org", "supports@here.example"] {
            root.post(&at(&id, "/forward"), json!({ "to": other, "body": "Is your line up?" })).await.expect(201);
            root.post(&at(&id, "/participants"), json!({ "email": other })).await.expect(200);
            root.post("/api/admin/support/blocked-senders", json!({ "email": other })).await.expect(201);
        }
        // What came from one's own address is spam, and the address is heard on.
        let own = json!({ "subject": "s", "description": "d", "category": "other", "user_email": "support@here.example" });
        site.anonymous().post("/api/support/tickets", own).await.expect(201);
        let looped = root.get("/api/admin/support/tickets?q=customer:support@here.example").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let refused = root.post(&at(&looped, "/spam"), json!({ "block_sender": true })).await.expect(422);
        assert_eq!(refused["errors"][0]["field"], "block_sender");
        root.post(&at(&looped, "/spam"), json!({ "block_sender": false })).await.expect(200);
    }

    async fn what_is_merged_or_deleted_is_not_counted_as_open(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let mut t = Vec::new();
        for n in 0..3 {
            t.push(ada.file(&format!("open {n}")).await);
        }
        let customer = root.get(&at(&t[0], "")).await.expect(200)["customer_id"].as_str().unwrap().parse().unwrap();
        let customer: base::Id<crm::CustomerRecord> = base::Id::from_uuid(customer);
        let open = || {
            let read = site.world.db.read(site.world.scope(), move |r| desk::tickets::query::open_by_customer(r, &[customer]));
            async move { read.await.unwrap().get(&customer.uuid()).copied().unwrap_or(0) }
        };
        assert_eq!(open().await, 3);
        root.post(&at(&t[0], "/merge"), json!({ "into": t[1] })).await.expect(200);
        assert_eq!(open().await, 2);
        root.json("DELETE", &at(&t[2], ""), &[], json!({})).await.expect_status(204);
        assert_eq!(open().await, 1);
    }

    async fn a_message_becomes_a_ticket_and_both_say_so(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let id = ada.file("Internet down").await;
        let message = say(&site, &ada, &id, "And my invoice is wrong").await["id"].clone();
        site.world.clock.advance(base::seconds(1));
        let note = ben.post(&at(&id, "/messages"), json!({ "body": "hm", "is_internal": true })).await.expect(201)["id"].clone();
        let first = ben.get(&at(&id, "")).await.expect(200)["messages"][0]["id"].clone();
        for (wrong, code) in [(note, "message.is_note"), (first, "message.is_first")] {
            assert_eq!(ben.post(&at(&id, "/split"), json!({ "message_id": wrong })).await.expect(422)["errors"][0]["code"], code);
        }
        let ask = json!({ "message_id": message, "subject": "Invoice" });
        let key = [("idempotency-key", "once")];
        let made = ben.json("POST", &at(&id, "/split"), &key, ask.clone()).await.expect(201);
        let twice = ben.json("POST", &at(&id, "/split"), &key, ask).await.expect(201);
        assert_eq!(made["id"], twice["id"]);
        assert_eq!((&made["subject"], &made["description"]), (&json!("Invoice"), &json!("And my invoice is wrong")));
        assert_eq!(made["messages"][0]["author"]["name"], "Ada");
        assert_eq!(made["relations"][0]["kind"], "split_from");
        let old = ben.get(&at(&id, "")).await.expect(200);
        assert_eq!(old["relations"][0]["kind"], "split_into");
        assert!(bodies(&old).contains(&"And my invoice is wrong".to_owned()), "it stays where it was said");
        assert_eq!(ada.get("/api/support/tickets").await.expect(200)["items"].as_array().unwrap().len(), 2);
    }

    async fn three_who_say_whose_child_it_is_at_once_make_no_circle(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        for round in 0..8 {
            let mut t = Vec::new();
            for n in 0..3 {
                t.push(ada.file(&format!("round {round}, {n}")).await);
            }
            let say = |from: usize, to: usize| {
                let (ben, path, body) = (ben.clone(), at(&t[from], "/relations"), json!({ "kind": "child_of", "ticket": t[to] }));
                async move { ben.post(&path, body).await.status.as_u16() }
            };
            let said = futures::join!(say(0, 1), say(1, 2), say(2, 0));
            let said = [said.0, said.1, said.2];
            assert!(said.contains(&200) && !said.iter().all(|s| *s == 200), "round {round}: {said:?}");
        }
    }

    async fn relations_are_said_from_both_ends_and_never_in_a_circle(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let mut t = Vec::new();
        for subject in ["outage", "down", "down too"] {
            site.world.clock.advance(base::seconds(1));
            t.push(ada.file(subject).await);
        }
        let relate = |from: usize, kind: &str, to: usize| (at(&t[from], "/relations"), json!({ "kind": kind, "ticket": t[to] }));
        for child in [1, 2] {
            let (path, body) = relate(child, "child_of", 0);
            ben.post(&path, body).await.expect(200);
        }
        let kinds = ben.get(&at(&t[0], "/relations")).await.expect(200);
        assert_eq!(kinds["items"].as_array().unwrap().iter().map(|r| r["kind"].as_str().unwrap()).collect::<Vec<_>>(), ["parent_of", "parent_of"]);
        let (path, body) = relate(0, "child_of", 1);
        assert_eq!(ben.post(&path, body).await.expect(409)["code"], "relation.cycle");
        let (path, body) = relate(0, "related", 0);
        ben.post(&path, body).await.expect(422);
        let (path, body) = relate(0, "cousin", 1);
        assert!(ben.post(&path, body).await.expect(422)["errors"][0]["message"].as_str().unwrap().contains("child_of"));
        // Whoever sees their own tickets alone sees their own relatives alone.
        let tess = site.user("Tess", Role::Technician).await;
        let own = json!({ "assigned_to": tess.user_id.unwrap() });
        ben.patch(&at(&t[1], ""), own.clone()).await.expect(200);
        assert_eq!(tess.get(&at(&t[1], "/relations")).await.expect(200)["items"], json!([]));
        assert_eq!(tess.get(&at(&t[1], "")).await.expect(200)["relations"], json!([]));
        assert!(!tess.get(&format!("/desk/tickets/{}", t[1])).await.text.contains(">outage<"));
        site.user("Root", Role::Admin).await.patch(&at(&t[0], ""), own).await.expect(200);
        assert_eq!(tess.get(&at(&t[1], "/relations")).await.expect(200)["items"][0]["subject"], "outage");
        let root = site.user("Second root", Role::Admin).await;
        for n in [0, 1] {
            root.patch(&at(&t[n], ""), json!({ "assigned_to": null })).await.expect(200);
        }
        // Resolving the parent: the children's customers are told the same, but not on one that is somebody else's.
        let cy = site.user("Cy", Role::Agent).await;
        cy.patch(&at(&t[2], ""), json!({ "assigned_to": "me" })).await.expect(200);
        let answered = ben.post(&at(&t[0], "/children/answer"), json!({ "body": "It is repaired", "resolve": true })).await.expect(201);
        let told: Vec<bool> = answered["items"].as_array().unwrap().iter().map(|c| c["answered"].as_bool().unwrap()).collect();
        assert_eq!(told, [true, false]);
        assert_eq!(ben.get(&at(&t[1], "")).await.expect(200)["status"], "resolved");
        assert_ne!(ben.get(&at(&t[2], "")).await.expect(200)["status"], "resolved");
        let kind = at(&t[0], &format!("/relations/parent_of/{}", t[1]));
        ben.json("DELETE", &kind, &[], json!({})).await.expect(200);
        ben.json("DELETE", &kind, &[], json!({})).await.expect(404);
    }

    async fn a_snoozed_ticket_comes_back_at_its_time_or_with_a_reply(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let (a, b) = (ada.file("a").await, ada.file("b").await);
        let until = site.world.now() + hours(5);
        let queue = "/api/admin/support/tickets?snoozed=false";
        let before = ada.get(&format!("/api/support/tickets/{a}")).await.text;
        ben.post(&at(&a, "/snooze"), json!({ "until": until.to_string() })).await.expect(200);
        ben.post(&at(&b, "/snooze"), json!({ "until": null })).await.expect(200);
        assert_eq!(before, ada.get(&format!("/api/support/tickets/{a}")).await.text, "nothing of it shows outside");
        assert!(numbers(&ben.get(queue).await.expect(200)).is_empty());
        for wrong in [json!({ "until": site.world.now().to_string() }), json!({ "until": "tomorrow" }), json!({ "until": "2099-01-01" })] {
            ben.post(&at(&a, "/snooze"), wrong).await.expect(422);
        }
        ben.post(&at(&a, "/snooze"), json!({})).await.expect(422);
        say(&site, &ada, &b, "hello?").await;
        assert_eq!(numbers(&ben.get(queue).await.expect(200)), ["SUP-00002"]);
        // A schedule's first run only sets its clock.
        site.schedules().await;
        site.world.clock.advance(hours(5));
        site.schedules().await;
        assert_eq!(ben.get(queue).await.expect(200)["items"].as_array().unwrap().len(), 2);
        assert_eq!(ben.get(&at(&a, "")).await.expect(200)["snoozed_at"], Value::Null);
    }

    async fn who_is_asked_outside_sees_what_was_sent_and_answers_with_a_note(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let id = ada.file("Internet down").await;
        site.world.clock.advance(base::seconds(1));
        ben.post(&at(&id, "/messages"), json!({ "body": "our secret", "is_internal": true })).await.expect(201);
        site.world.clock.advance(base::seconds(1));
        ben.post(&at(&id, "/forward"), json!({ "to": "ada@example.org", "body": "x" })).await.expect(422);
        let mut post = Post::default();
        post.take(&site).await;
        let before = ada.get(&format!("/api/support/tickets/{id}")).await.text;
        ben.post(&at(&id, "/forward"), json!({ "to": "noc@supplier.example", "body": "Is your line up?" })).await.expect(201);
        let letters = post.take(&site).await;
        let letter = letters.iter().find(|m| m.to == "noc@supplier.example").expect("a letter to the supplier");
        assert!(letter.text.contains("Is your line up?") && letter.text.contains("It does not work.") && !letter.text.contains("our secret"));
        let link = letter.text.split_whitespace().find(|w| w.contains("/help/forward/")).expect("a link");
        let path = link.split_once("8080").unwrap().1.trim_end_matches(['>', ')']).to_owned();
        let outside = site.anonymous();
        let page = outside.get(&path).await;
        page.expect_status(200);
        assert!(page.text.contains("Is your line up?") && !page.text.contains("our secret"));
        let csrf = page.text.split("name=\"csrf\" value=\"").nth(1).and_then(|t| t.split('"').next()).unwrap().to_owned();
        let cookie = page.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap().split(';').next().unwrap().to_owned()).collect::<Vec<_>>().join("; ");
        let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin"), ("cookie", cookie.as_str())];
        site.world.clock.advance(base::seconds(1));
        let sent = outside.send("POST", &format!("{path}/answer"), &form, format!("csrf={csrf}&body=A+card+died").into_bytes()).await;
        assert_eq!(sent.status, 200, "{}", sent.text);
        let ticket = ben.get(&at(&id, "")).await.expect(200);
        let note = ticket["messages"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&note["body"], &note["is_internal"]), (&json!("A card died"), &json!(true)));
        assert_eq!(note["author"]["name"], "noc@supplier.example");
        assert_eq!(before, ada.get(&format!("/api/support/tickets/{id}")).await.text, "its customer sees none of it");
        // Taken back, the link opens nothing; twice is harmless; another ticket's is not found.
        let forwards = ben.get(&at(&id, "/forward")).await.expect(200);
        let forward = forwards["items"][0]["id"].as_str().unwrap().to_owned();
        let other = ada.file("another").await;
        ben.post(&at(&other, &format!("/forward/{forward}/withdraw")), json!({})).await.expect(404);
        for _ in 0..2 {
            let taken = ben.post(&at(&id, &format!("/forward/{forward}/withdraw")), json!({})).await.expect(200);
            assert!(taken["revoked_at"].is_string(), "{taken}");
        }
        outside.get(&path).await.expect_status(404);
        outside.get("/help/forward/cff_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").await.expect_status(404);
        let there = site.neighbour("Eve", Role::Admin).await;
        there.get(&path).await.expect_status(404);
    }

    async fn copies_mentions_steps_and_time(world) {
        let site = Site::new(world).await;
        let (ada, ben, cy) = (site.user("Ada", Role::Customer).await, site.user("Ben Okafor", Role::Agent).await, site.user("Cy", Role::Agent).await);
        let id = ada.file("x").await;
        let copy = json!({ "email": "Boss@Example.org", "name": "The boss" });
        ben.post(&at(&id, "/participants"), copy.clone()).await.expect(200);
        assert_eq!(ben.post(&at(&id, "/participants"), copy).await.expect(200)["items"].as_array().unwrap().len(), 1);
        ben.post(&at(&id, "/participants"), json!({ "email": "ada@example.org" })).await.expect(422);
        let mut post = Post::default();
        post.take(&site).await;
        say(&site, &ben, &id, "We are on it").await;
        cy.post(&at(&id, "/messages"), json!({ "body": "@ben.okafor please look, not ben@example.org", "is_internal": true })).await.expect(201);
        let sent = post.take(&site).await;
        let got = |to: &str| sent.iter().filter(|m| m.to == to).map(|m| m.text.clone()).collect::<Vec<_>>().join("|");
        assert!(got("boss@example.org").contains("We are on it") && !got("boss@example.org").contains("/help/"));
        assert!(got("ben.okafor@example.org").contains("called you"));
        assert_eq!(ben.get(&at(&id, "")).await.expect(200)["watchers"], json!([ben.user_id]));
        let steps = ben.post(&at(&id, "/checklist"), json!({ "items": ["Call", "Send a router"] })).await.expect(201);
        let step = at(&id, &format!("/checklist/{}", steps["items"][0]["id"].as_str().unwrap()));
        assert_eq!(ben.patch(&step, json!({ "done": true })).await.expect(200)["items"][0]["done_by"], "Ben Okafor");
        ben.json("DELETE", &step, &[], json!({})).await.expect(200);
        ben.post(&at(&id, "/time"), json!({ "minutes": 0 })).await.expect(422);
        let booked = ben.post(&at(&id, "/time"), json!({ "minutes": 25, "note": "on the phone" })).await.expect(201);
        assert_eq!(ben.get(&at(&id, "")).await.expect(200)["minutes_spent"], 25);
        let entry = at(&id, &format!("/time/{}", booked["items"][0]["id"].as_str().unwrap()));
        cy.json("DELETE", &entry, &[], json!({})).await.expect(403);
        ben.json("DELETE", &entry, &[], json!({})).await.expect(200);
        assert_eq!(ben.get(&at(&id, "")).await.expect(200)["minutes_spent"], 0);
    }

    async fn spam_is_put_aside_and_its_sender_is_not_heard_again(world) {
        let site = Site::new(world).await;
        let (ben, root) = (site.user("Ben", Role::Agent).await, site.user("Root", Role::Admin).await);
        let file = json!({ "subject": "Cheap pills", "description": "Buy", "category": "other", "user_email": "Spam@Example.com" });
        let anonymous = site.anonymous();
        anonymous.post("/api/support/tickets", file.clone()).await.expect(201);
        let id = ben.get("/api/admin/support/tickets").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let spam = ben.post(&at(&id, "/spam"), json!({ "block_sender": true })).await.expect(200);
        assert_eq!((&spam["status"], &spam["close_reason"]), (&json!("closed"), &json!("spam")));
        let mut post = Post::default();
        post.take(&site).await;
        anonymous.post("/api/support/tickets", file.clone()).await.expect(201);
        assert!(post.take(&site).await.is_empty(), "no letter to anybody");
        let live = ben.get("/api/admin/support/tickets?status=new,open,in_progress").await.expect(200);
        assert_eq!(live["items"], json!([]));
        // The neighbour hears the same address.
        let there = site.neighbour("Eve", Role::Agent).await;
        let neighbour = Client { token: None, ..there.clone() };
        neighbour.post("/api/support/tickets", file.clone()).await.expect(201);
        assert_eq!(there.get("/api/admin/support/tickets?status=new").await.expect(200)["items"].as_array().unwrap().len(), 1);
        root.json("DELETE", "/api/admin/support/blocked-senders/spam@example.com", &[], json!({})).await.expect(204);
        anonymous.post("/api/support/tickets", file).await.expect(201);
        assert_eq!(ben.get("/api/admin/support/tickets?status=new").await.expect(200)["items"].as_array().unwrap().len(), 1);
    }

    async fn a_deleted_ticket_is_gone_for_all_and_comes_back_until_it_is_purged(world) {
        let site = Site::new(world).await;
        let (ada, ben, root) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await, site.user("Root", Role::Admin).await);
        let (a, b) = (ada.file("a").await, ada.file("b").await);
        ben.json("DELETE", &at(&a, ""), &[], json!({})).await.expect(403);
        for id in [&a, &b] {
            root.json("DELETE", &at(id, ""), &[], json!({})).await.expect(204);
            root.get(&at(id, "")).await.expect(404);
            ada.get(&format!("/api/support/tickets/{id}")).await.expect(404);
        }
        assert_eq!(root.get("/api/admin/support/tickets").await.expect(200)["items"], json!([]));
        ben.get("/api/admin/support/tickets?deleted=true").await.expect(403);
        assert_eq!(root.get("/api/admin/support/tickets?deleted=true").await.expect(200)["items"].as_array().unwrap().len(), 2);
        root.post(&at(&a, "/restore"), json!({})).await.expect(200);
        ada.get(&format!("/api/support/tickets/{a}")).await.expect(200);
        site.schedules().await;
        site.world.clock.advance(hours(24 * 31));
        site.schedules().await;
        // Sessions do not last a month.
        let (ada, root) = (site.user("Ada B", Role::Customer).await, site.user("Root B", Role::Admin).await);
        let purged = root.get("/api/admin/support/tickets?deleted=true").await.expect(200);
        assert_eq!(purged["items"], json!([]), "nothing is left to restore");
        root.post(&at(&b, "/restore"), json!({})).await.expect(404);
        root.get(&at(&a, "")).await.expect(200);
        assert_ne!(ada.file("c").await, b);
    }

    async fn tags_have_colours(world) {
        let site = Site::new(world).await;
        let (ada, ben, root) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await, site.user("Root", Role::Admin).await);
        let id = ada.file("x").await;
        ben.patch(&at(&id, ""), json!({ "tags": ["vip", "outage"] })).await.expect(200);
        ben.json("PUT", "/api/admin/support/tags/vip", &[], json!({ "colour": "red" })).await.expect(403);
        let wrong = root.json("PUT", "/api/admin/support/tags/vip", &[], json!({ "colour": "pink" })).await.expect(422);
        assert!(wrong["errors"][0]["message"].as_str().unwrap().contains("purple"));
        root.json("PUT", "/api/admin/support/tags/vip", &[], json!({ "colour": "red" })).await.expect(200);
        let all = ben.get("/api/admin/support/tags").await.expect(200);
        assert_eq!(all["items"], json!([{ "tag": "outage", "colour": "grey" }, { "tag": "vip", "colour": "red" }]));
        let there = site.neighbour("Eve", Role::Agent).await;
        assert_eq!(there.get("/api/admin/support/tags").await.expect(200)["items"], json!([]));
    }
}
