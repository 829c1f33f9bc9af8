//! Search over HTTP: for staff, for customers, over many results, and what is said when a line is not understood.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::{Role, hours};
use serde_json::{Value, json};
use support::{Client, Site};
use testkit::both_engines;

fn encoded(q: &str) -> String {
    form_urlencoded::byte_serialize(q.as_bytes()).collect()
}

async fn subjects(client: &Client, list: &str, q: &str) -> Vec<String> {
    let answer = client.get(&format!("{list}?q={}", encoded(q))).await.expect(200);
    answer["items"].as_array().unwrap().iter().map(|t| t["subject"].as_str().unwrap().to_owned()).collect()
}

async fn file(client: &Client, subject: &str, text: &str) -> String {
    let body = json!({ "subject": subject, "description": text, "category": "technical" });
    client.post("/api/support/tickets", body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

const DESK: &str = "/api/admin/support/tickets";
const MINE: &str = "/api/support/tickets";

both_engines! {
    async fn staff_find_by_everything_that_was_written(world) {
        let site = Site::new(world).await;
        let (ada, ben, root) = (site.user("Ada Byron", Role::Customer).await, site.user("Ben", Role::Agent).await, site.user("Root", Role::Admin).await);
        let net = file(&ada, "No internet", "The red light blinks since Monday").await;
        site.world.clock.advance(hours(1));
        let bill = file(&ada, "Invoice", "Why is my internet so expensive?").await;
        ben.post(&format!("{DESK}/{bill}/messages"), json!({ "body": "Goodwill is possible: Größenvorteil", "is_internal": true })).await.expect(201);
        ben.post(&format!("{DESK}/{net}/messages"), json!({ "body": "Please restart the modem" })).await.expect(201);
        let boundary = "--b\r\nContent-Disposition: form-data; name=\"body\"\r\n\r\nsee file\r\n--b\r\nContent-Disposition: form-data; name=\"attachments\"; filename=\"speedtest-märz.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n";
        let sent = ada.send("POST", &format!("{MINE}/{net}/messages"), &[("content-type", "multipart/form-data; boundary=b")], boundary.as_bytes().to_vec()).await;
        sent.expect(201);
        root.patch(&format!("{DESK}/{bill}"), json!({ "tags": ["vip"], "assigned_to": ben.user_id })).await.expect(200);
        for (q, expected) in [
            ("internet", vec!["No internet", "Invoice"]),
            ("RED blinks", vec!["No internet"]),
            ("\"red light\"", vec!["No internet"]),
            ("\"light red\"", vec![]),
            ("restart*", vec!["No internet"]),
            ("grossenvorteil", vec!["Invoice"]),
            ("speedtest", vec!["No internet"]),
            ("marz", vec!["No internet"]),
            ("vip", vec!["Invoice"]),
            ("byron -vip", vec!["No internet"]),
            ("2", vec!["Invoice"]),
            ("sup-00001", vec!["No internet"]),
            ("assignee:ben", vec!["Invoice"]),
            ("assignee:ben@example.org internet", vec!["Invoice"]),
            ("assignee:none internet", vec!["No internet"]),
            ("-assignee:none internet", vec!["Invoice"]),
            ("tag:VIP", vec!["Invoice"]),
            ("customer:\"ada byron\" modem", vec!["No internet"]),
            ("customer:ada.byron@example.org is:unread modem", vec!["No internet"]),
            ("http://example.org", vec![]),
            ("aa:bb:cc", vec![]),
        ] {
            assert_eq!(subjects(&root, DESK, q).await, expected, "{q}");
        }
        assert_eq!(subjects(&ben, DESK, "is:mine").await, ["Invoice"]);
        let tech = site.user("Tess", Role::Technician).await;
        assert_eq!(subjects(&tech, DESK, "internet").await, Vec::<String>::new(), "a technician finds what is theirs");
        root.patch(&format!("{DESK}/{net}"), json!({ "assigned_to": tech.user_id, "subject": "Kein Netz" })).await.expect(200);
        assert_eq!(subjects(&tech, DESK, "blinks").await, ["Kein Netz"]);
        assert_eq!(subjects(&root, DESK, "\"no internet\"").await, Vec::<String>::new());
        let there = site.neighbour("Nora", Role::Admin).await;
        assert_eq!(subjects(&there, DESK, "internet").await, Vec::<String>::new());
        // Filters of the list hold too, and an order that is asked for.
        let both = root.get(&format!("{DESK}?q=byron&order=created_at&status=in_progress,open,new")).await.expect(200);
        assert_eq!(both["match"]["order"], "requested");
        assert_eq!(both["items"][0]["subject"], "Kein Netz");
        assert_eq!(root.get(&format!("{DESK}?q=internet&tag=vip")).await.expect(200)["match"], json!({ "order": "relevance", "count": 1, "count_is_capped": false, "is_complete": true }));
        let plain = root.get(DESK).await.expect(200);
        assert!(plain.get("match").is_none() && plain["items"][0].get("highlights").is_none(), "lists without q are as they were");
    }

    async fn hits_are_marked_and_stay_text(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        file(&ada, "<b>Röuter</b> & co", "first line\n\n<script>alert('router')</script>").await;
        let item = root.get(&format!("{DESK}?q=router")).await.expect(200)["items"][0].clone();
        let text = |pieces: &Value| pieces.as_array().unwrap().iter().map(|p| p["text"].as_str().unwrap()).collect::<String>();
        let hits = |pieces: &Value| pieces.as_array().unwrap().iter().filter(|p| p["is_hit"] == true).map(|p| p["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(text(&item["highlights"]["subject"]), "<b>Röuter</b> & co");
        assert_eq!(hits(&item["highlights"]["subject"]), ["Röuter"]);
        assert_eq!(hits(&item["highlights"]["snippet"]), ["router"]);
        for (client, path) in [(&root, "/desk?view=all&q=router"), (&ada, "/help/tickets?q=router")] {
            let page = client.send("GET", path, &[("accept", "text/html")], Vec::new()).await;
            page.expect_status(200);
            assert!(page.text.contains("&lt;b&gt;<mark>Röuter</mark>&lt;&#x2f;b&gt; &amp; co") || page.text.contains("&lt;b&gt;<mark>Röuter</mark>&lt;/b&gt; &amp; co"), "{}", page.text);
            assert!(page.text.contains("<mark>router</mark>") && !page.text.contains("<script>alert"), "{}", page.text);
        }
    }

    async fn a_customer_finds_what_they_can_read_and_nothing_tells_of_a_note(world) {
        let site = Site::new(world).await;
        let (ada, eve, root) = (site.user("Ada", Role::Customer).await, site.user("Eve", Role::Customer).await, site.user("Root", Role::Admin).await);
        let first = file(&ada, "Fibre is slow", "Only ten megabits").await;
        site.world.clock.advance(hours(1));
        let second = file(&ada, "Fibre is dead", "No light at all, zebra").await;
        file(&eve, "Fibre of Eve", "zebra").await;
        assert_eq!(subjects(&ada, MINE, "fibre").await, ["Fibre is dead", "Fibre is slow"]);
        assert_eq!(subjects(&ada, MINE, "zebra").await, ["Fibre is dead"]);
        assert_eq!(subjects(&ada, MINE, "fibre -zebra status:new after:1d").await, ["Fibre is slow"]);
        let lines = ["zebra", "goodwill", "-goodwill fibre", "\"fraud suspected\"", "fraud*", "vip", "fibre", "-zebra", "status:new", "modem", "ada"];
        let look = async || {
            let mut seen = Vec::new();
            for q in lines {
                seen.push(ada.get(&format!("{MINE}?q={}", encoded(q))).await.text);
                seen.push(ada.send("GET", &format!("/help/tickets?q={}", encoded(q)), &[("accept", "text/html")], Vec::new()).await.text);
            }
            seen
        };
        let before = look().await;
        // Long ones too: what the customer can read must not be cut otherwise because of them.
        for id in [&first, &second] {
            let body = format!("zebra goodwill fraud suspected {}", "goodwill filler ".repeat(400));
            root.post(&format!("{DESK}/{id}/messages"), json!({ "body": body, "is_internal": true })).await.expect(201);
            root.patch(&format!("{DESK}/{id}"), json!({ "tags": ["vip"] })).await.expect(200);
        }
        for (before, after) in before.iter().zip(look().await) {
            let without_keys = |t: &str| t.lines().filter(|l| !l.contains("csrf") && !l.contains("nonce")).collect::<Vec<_>>().join("\n");
            assert_eq!(without_keys(before), without_keys(&after));
        }
        assert_eq!(subjects(&root, DESK, "goodwill zebra").await.len(), 2, "staff find the notes");
        let e = ada.get(&format!("{MINE}?q=assignee:me")).await.expect(400);
        assert!(e["detail"].as_str().unwrap().contains("status: before: after:"), "{e}");
        // Staff look at their own tickets there, not at the queue.
        assert_eq!(subjects(&root, MINE, "fibre").await, Vec::<String>::new());
        root.patch(&format!("{DESK}/{first}"), json!({ "status": "closed", "close_reason": "spam" })).await.expect(200);
        assert_eq!(subjects(&ada, MINE, "fibre").await, ["Fibre is dead"]);
    }

    async fn what_is_not_understood_is_a_bad_request(world) {
        let site = Site::new(world).await;
        let root = site.user("Root", Role::Admin).await;
        site.user("Sam One", Role::Agent).await;
        for (q, part) in [
            ("stauts:open", "Did you mean status:?"),
            ("subject:x", "put it in quotes: \"subject:x\""),
            ("status:foo", "one of new, open, in_progress, pending_customer, resolved, closed, archived"),
            ("priority:huge", "one of low, normal, high, urgent"),
            ("channel:fax", "one of portal, email, phone"),
            ("is:nice", "one of open, overdue, unread, unassigned, mine, snoozed, spam"),
            ("assignee:nobody-we-know", "me, none, or the name or e-mail"),
            ("team:x", "there are no teams"),
            ("before:soon", "2026-01-31"),
            ("!!!", "no word"),
            ("ab*", "three letters"),
        ] {
            let answer = root.get(&format!("{DESK}?q={}", encoded(q))).await;
            let problem = answer.expect(400);
            assert_eq!(problem["errors"][0]["field"], "q", "{q}");
            assert!(problem["detail"].as_str().unwrap().contains(part), "{q}: {problem}");
        }
        let page = root.send("GET", "/desk?view=all&q=stauts%3Aopen", &[("accept", "text/html")], Vec::new()).await;
        page.expect_status(400);
        assert!(page.text.contains("Did you mean status:?") && page.text.contains("value=\"stauts:open\""), "{}", page.text);
        root.get(&format!("{DESK}?q=%20")).await.expect(200);
    }

    async fn pages_go_on_where_the_last_ended(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        for n in 0..23 {
            site.world.clock.advance(base::minutes(1));
            let subject = if n % 4 == 0 { format!("Zebra {n}") } else { format!("Other {n}") };
            file(&ada, &subject, "a zebra crossing").await;
        }
        for (client, path) in [(&root, format!("{DESK}?q=zebra&limit=5")), (&ada, format!("{MINE}?q=zebra&limit=5")), (&root, format!("{DESK}?q=zebra&limit=5&order=created_at"))] {
            let (mut all, mut next, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let page = client.get(&format!("{path}{next}")).await.expect(200);
                if pages == 0 {
                    assert_eq!(page["match"]["count"], 23);
                } else {
                    assert!(page["match"]["count"].is_null());
                }
                all.extend(page["items"].as_array().unwrap().iter().map(|t| t["subject"].as_str().unwrap().to_owned()));
                pages += 1;
                match page["next_cursor"].as_str() {
                    Some(cursor) => next = format!("&cursor={cursor}"),
                    None => break,
                }
            }
            assert_eq!((pages, all.len()), (5, 23));
            let mut once = all.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), 23);
            if path.contains("order") {
                assert_eq!(all[0], "Zebra 0");
                assert_eq!(all[22], "Other 22");
            } else {
                // What names it first, the newest first among equals.
                assert_eq!(all[..6], ["Zebra 20", "Zebra 16", "Zebra 12", "Zebra 8", "Zebra 4", "Zebra 0"]);
                assert_eq!(all[6], "Other 22");
            }
        }
        let cursor = root.get(&format!("{DESK}?q=zebra&limit=5")).await.expect(200)["next_cursor"].as_str().unwrap().to_owned();
        root.get(&format!("{DESK}?q=zebra&order=created_at&cursor={cursor}")).await.expect(422);
    }

    async fn words_that_are_not_to_be_there_rank_nothing(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let mut ids = Vec::new();
        for subject in ["one", "two", "router", "three"] {
            site.world.clock.advance(hours(1));
            ids.push(file(&ada, subject, "x").await);
        }
        site.world.clock.advance(hours(1));
        ada.post(&format!("{MINE}/{}/messages", ids[0]), json!({ "body": "again" })).await.expect(201);
        for (who, list) in [(&root, DESK), (&ada, MINE)] {
            let ranked = who.get(&format!("{list}?q=one")).await.expect(200);
            assert_eq!(ranked["match"]["order"], "relevance");
            let found = who.get(&format!("{list}?q=-router&limit=2")).await.expect(200);
            assert_eq!((&found["match"]["order"], &found["match"]["count"]), (&json!("requested"), &json!(3)));
            let rest = who.get(&format!("{list}?q=-router&limit=2&cursor={}", found["next_cursor"].as_str().unwrap())).await.expect(200);
            let of = |page: &Value| page["items"].as_array().unwrap().iter().map(|t| t["subject"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
            // As lists are ordered: who spoke last is first.
            assert_eq!([of(&found), of(&rest)].concat(), ["one", "three", "two"], "{list}");
        }
        assert_eq!(subjects(&site.neighbour("Eve", Role::Admin).await, DESK, "-router").await, Vec::<String>::new());
    }

    async fn a_made_up_cursor_opens_nothing(world) {
        let site = Site::new(world).await;
        let (ada, tom, root) = (site.user("Ada", Role::Customer).await, site.user("Tom", Role::Technician).await, site.user("Root", Role::Admin).await);
        file(&ada, "Alpha", "walrus").await;
        for order in 0..=255u8 {
            let cursor = base::Cursor { order, value: i64::MAX, id: uuid::Uuid::max() };
            for path in [format!("{DESK}?q=walrus&cursor={cursor}"), format!("{DESK}?q=status:new&cursor={cursor}"), format!("{DESK}?cursor={cursor}")] {
                let answer = tom.get(&path).await;
                assert!(answer.status == 422 || answer.json()["items"] == json!([]), "{path}: {}", answer.text);
            }
        }
        let newest = base::Cursor { order: 96, value: i64::MAX, id: uuid::Uuid::nil() };
        assert_eq!(root.get(&format!("{DESK}?q=walrus&cursor={newest}")).await.expect(200)["items"].as_array().unwrap().len(), 1);
        // It goes on with a list without conditions; with one it would forget it.
        let refused = root.get(&format!("{DESK}?q=walrus&status=closed&cursor={newest}")).await.expect(422);
        assert_eq!(refused["errors"][0]["field"], "cursor");
    }

    async fn what_was_merged_is_found_in_its_survivor_and_what_was_deleted_nowhere(world) {
        let site = Site::new(world).await;
        let (ada, eve, root) = (site.user("Ada", Role::Customer).await, site.user("Eve", Role::Customer).await, site.user("Root", Role::Admin).await);
        let first = file(&ada, "Alpha", "walrus").await;
        let second = file(&ada, "Beta", "penguin").await;
        let theirs = file(&eve, "Gamma", "dolphin").await;
        let before: Vec<_> = [subjects(&root, DESK, "penguin").await, subjects(&ada, MINE, "penguin").await, subjects(&ada, MINE, "walrus").await].into();
        for merged in [&second, &theirs] {
            root.post(&format!("{DESK}/{merged}/merge"), json!({ "into": first })).await.expect(200);
        }
        for q in ["penguin", "dolphin walrus", "penguin dolphin", "beta", "sup-00002", "2"] {
            assert_eq!(subjects(&root, DESK, q).await, ["Alpha"], "{q}");
        }
        assert_eq!(subjects(&root, DESK, "walrus -dolphin").await, Vec::<String>::new());
        // To its customer a merged ticket is one still, and what was merged from somebody else is not theirs.
        let mut found = subjects(&ada, MINE, "penguin").await;
        found.sort();
        assert_eq!(found, ["Alpha", "Beta"]);
        assert_eq!(subjects(&ada, MINE, "dolphin").await, Vec::<String>::new());
        assert_eq!(subjects(&ada, MINE, "walrus -dolphin").await, ["Alpha"]);
        assert_eq!(subjects(&eve, MINE, "dolphin").await, ["Gamma"]);
        assert_eq!(subjects(&eve, MINE, "walrus").await, Vec::<String>::new());
        // The words are shown where they are found, also in what was merged into it.
        for q in ["penguin", "dolphin", "walrus"] {
            let answer = root.get(&format!("{DESK}?q={q}")).await.expect(200);
            let snippet = &answer["items"][0]["highlights"]["snippet"];
            assert!(snippet.to_string().contains(q) && snippet.to_string().contains("true"), "{q}: {answer}");
        }
        // Said while it is merged, to either number.
        eve.post(&format!("{MINE}/{theirs}/messages"), json!({ "body": "and a narwhal" })).await.expect(201);
        assert_eq!(subjects(&root, DESK, "narwhal penguin").await, ["Alpha"]);
        for merged in [&second, &theirs] {
            root.post(&format!("{DESK}/{merged}/unmerge"), json!({})).await.expect(200);
        }
        assert_eq!(before, [subjects(&root, DESK, "penguin").await, subjects(&ada, MINE, "penguin").await, subjects(&ada, MINE, "walrus").await]);
        assert_eq!(subjects(&root, DESK, "narwhal").await, ["Gamma"]);
        root.send("DELETE", &format!("{DESK}/{theirs}"), &[], Vec::new()).await;
        assert_eq!(subjects(&root, DESK, "narwhal").await, Vec::<String>::new());
        assert_eq!(subjects(&eve, MINE, "narwhal").await, Vec::<String>::new());
        root.post(&format!("{DESK}/{theirs}/restore"), json!({})).await.expect(200);
        assert_eq!(subjects(&root, DESK, "narwhal").await, ["Gamma"]);
        root.post(&format!("{DESK}/{second}/forward"), json!({ "to": "supplier@elsewhere.example", "body": "about the axolotl" })).await.expect(201);
        assert_eq!(subjects(&root, DESK, "axolotl").await, ["Beta"]);
        assert_eq!(subjects(&ada, MINE, "axolotl").await, Vec::<String>::new());
        let missing = site.world.db.read(site.world.scope(), desk::tickets::search::missing).await.unwrap();
        assert_eq!(missing, 0);
    }

    async fn a_new_name_of_a_customer_is_found_soon(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        file(&ada, "Hello", "text").await;
        let world = &site.world;
        world.db.write(world.scope(), |tx| {
            let before = crm::customers::find_by_email(tx, &"ada@example.org".parse()?)?.unwrap();
            let patch = crm::customers::CustomerPatch { name: Some("Countess Lovelace".into()), ..Default::default() };
            let after = crm::customers::update(tx, before.id, patch)?;
            desk::tickets::search::customer_changed(tx, &before, &after)
        }).await.unwrap();
        site.work().await;
        assert_eq!(subjects(&root, DESK, "lovelace").await, ["Hello"]);
        assert_eq!(subjects(&ada, MINE, "lovelace").await, Vec::<String>::new(), "what the business calls them is not the customer's");
    }
}
