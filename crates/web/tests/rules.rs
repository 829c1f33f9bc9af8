//! The desk's rules over HTTP: lifecycle, claims, versions, repeated requests, bad input, strangers.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::{Role, hours};
use identity::KeyScope;
use serde_json::json;
use support::Site;
use testkit::both_engines;

both_engines! {
    async fn of_two_claims_one_wins_and_the_other_learns_who(world) {
        let site = Site::new(world).await;
        let ada = site.user("Ada", Role::Customer).await;
        let agents = [site.user("Ben", Role::Agent).await, site.user("Cy", Role::Agent).await];
        for n in 0..8 {
            let path = format!("/api/admin/support/tickets/{}", ada.file(&format!("t{n}")).await);
            let claim = json!({ "assigned_to": "me" });
            let (a, b) = tokio::join!(agents[0].patch(&path, claim.clone()), agents[1].patch(&path, claim.clone()));
            let mut statuses = [a.status.as_u16(), b.status.as_u16()];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{} {}", a.text, b.text);
            let (winner, loser) = if a.status == 200 { ("Ben", b) } else { ("Cy", a) };
            assert!(loser.text.contains(winner), "{}", loser.text);
        }
    }

    async fn an_assigned_ticket_is_changed_by_its_assignee_or_an_admin(world) {
        let site = Site::new(world).await;
        let ada = site.user("Ada", Role::Customer).await;
        let (ben, cy, root) = (site.user("Ben", Role::Agent).await, site.user("Cy", Role::Agent).await, site.user("Root", Role::Admin).await);
        let path = format!("/api/admin/support/tickets/{}", ada.file("x").await);
        assert_eq!(ben.patch(&path, json!({ "assigned_to": "me" })).await.expect(200)["status"], "in_progress");
        cy.patch(&path, json!({ "priority": "high" })).await.expect(403);
        cy.post(&format!("{path}/messages"), json!({ "body": "a note", "is_internal": true })).await.expect(201);
        site.key(KeyScope::Write).await.patch(&path, json!({ "priority": "high" })).await.expect(403);
        root.patch(&path, json!({ "priority": "high" })).await.expect(200);
        ben.patch(&path, json!({ "priority": "urgent" })).await.expect(200);
        let tech = site.user("Tess", Role::Technician).await;
        tech.get(&path).await.expect(404);
        root.patch(&path, json!({ "assigned_to": tech.user_id })).await.expect(200);
        tech.get(&path).await.expect(200);
        let list = tech.get("/api/admin/support/tickets").await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    }

    async fn a_life_from_new_to_archived_and_back(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let id = ada.file("x").await;
        let (path, mine) = (format!("/api/admin/support/tickets/{id}"), format!("/api/support/tickets/{id}"));
        let ask = json!({ "body": "Which light is red?", "status": "pending_customer" });
        root.post(&format!("{path}/messages"), ask).await.expect(201);
        assert_eq!(root.get(&path).await.expect(200)["status"], "pending_customer");
        assert!(root.get(&path).await.expect(200)["first_response_at"].is_string());
        ada.post(&format!("{mine}/messages"), json!({ "body": "All of them" })).await.expect(201);
        assert_eq!(root.get(&path).await.expect(200)["status"], "open", "nobody's: open");
        root.patch(&path, json!({ "assigned_to": "me" })).await.expect(200);
        root.patch(&path, json!({ "status": "pending_customer" })).await.expect(200);
        ada.post(&format!("{mine}/messages"), json!({ "body": "And now green" })).await.expect(201);
        assert_eq!(root.get(&path).await.expect(200)["status"], "in_progress", "assigned: in progress");
        ada.post(&format!("{mine}/confirm"), json!({})).await.expect(409);
        root.patch(&path, json!({ "status": "closed" })).await.expect(422);
        let resolved = root.patch(&path, json!({ "status": "resolved", "resolution_notes": "new cable" })).await.expect(200);
        assert!(resolved["resolved_at"].is_string() && resolved["resolution_time_minutes"].is_number());
        ada.post(&format!("{mine}/messages"), json!({ "body": "Broken again" })).await.expect(201);
        let reopened = root.get(&path).await.expect(200);
        assert_eq!((&reopened["status"], &reopened["resolved_at"]), (&json!("open"), &json!(null)));
        root.patch(&path, json!({ "status": "resolved" })).await.expect(200);
        assert_eq!(ada.post(&format!("{mine}/confirm"), json!({})).await.expect(200)["status"], "closed");
        root.patch(&path, json!({ "status": "archived" })).await.expect(200);
        root.patch(&path, json!({ "status": "open" })).await.expect(409);
        root.patch(&path, json!({ "status": "closed" })).await.expect(200);
    }

    async fn resolved_closes_by_itself_and_a_late_reply_begins_a_linked_ticket(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let id = ada.file("x").await;
        let (path, mine) = (format!("/api/admin/support/tickets/{id}"), format!("/api/support/tickets/{id}"));
        root.patch(&path, json!({ "status": "resolved" })).await.expect(200);
        site.schedules().await;
        site.world.clock.advance(hours(24 * 7 + 1));
        let root = site.user("Root two", Role::Admin).await;
        site.schedules().await;
        assert_eq!(root.get(&path).await.expect(200)["status"], "closed");
        site.world.clock.advance(hours(24 * 15));
        let (ada2, root) = (ada, site.user("Root three", Role::Admin).await);
        ada2.get("/api/auth/me").await.expect(401);
        let ada = site.user("Ada again", Role::Customer).await;
        let customer = root.get(&path).await.expect(200)["customer_id"].clone();
        // The same customer, a new session: sessions end after two weeks, tickets do not.
        let theirs = root.get(&format!("/api/admin/support/tickets?customer_id={}", customer.as_str().unwrap())).await.expect(200);
        assert_eq!(theirs["items"].as_array().unwrap().len(), 1);
        ada.get(&mine).await.expect(404);
    }

    async fn stale_repeated_and_equal_requests(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let path = format!("/api/admin/support/tickets/{}", ada.file("x").await);
        let first = root.get(&path).await;
        let tag = first.etag();
        let changed = root.json("PATCH", &path, &[("if-match", &tag)], json!({ "priority": "high" })).await;
        changed.expect(200);
        root.json("PATCH", &path, &[("if-match", &tag)], json!({ "priority": "low" })).await.expect(412);
        let same = root.patch(&path, json!({ "priority": "high" })).await;
        assert_eq!((same.etag(), same.expect(200)["priority"].clone()), (changed.etag(), json!("high")), "equal values are no change");
        root.get(&path).await.expect(200);
        root.json("POST", &format!("/api/support/tickets/{}/mark-read", path.rsplit('/').next().unwrap()), &[], json!({})).await.expect(204);
        assert_eq!(root.get(&path).await.etag(), changed.etag(), "reading is no change");
        let body = json!({ "subject": "once", "description": "d", "category": "bug" });
        let key = [("idempotency-key", "abc")];
        let a = ada.json("POST", "/api/support/tickets", &key, body.clone()).await;
        let b = ada.json("POST", "/api/support/tickets", &key, body).await;
        assert_eq!((a.expect(201), b.expect(201)), (a.json(), a.json()));
        ada.json("POST", "/api/support/tickets", &key, json!({ "subject": "other", "description": "d", "category": "bug" })).await.expect(409);
        assert_eq!(ada.get("/api/support/tickets").await.expect(200)["items"].as_array().unwrap().len(), 2);
    }

    async fn what_filing_answers_is_what_a_look_answers(world) {
        let site = Site::new(world).await;
        let ada = site.user("Ada", Role::Customer).await;
        let links = json!([{ "kind": "row", "id": "7", "label": "" }, { "kind": "merchant", "id": "42", "label": "Shop" }]);
        let body = json!({ "subject": "s", "description": "**d**", "category": "bug", "priority": "medium", "links": links });
        let filed = ada.post("/api/support/tickets", body).await.expect(201);
        let path = format!("/api/support/tickets/{}", filed["id"].as_str().unwrap());
        assert_eq!(ada.get(&path).await.expect(200), filed);
    }

    async fn bad_input_names_the_field_and_leaves_nothing_behind(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let good = || json!({ "subject": "s", "description": "d", "category": "bug" });
        let with = |name: &str, value: serde_json::Value| { let mut g = good(); g[name] = value; g };
        let cases = [
            (with("subject", json!("")), "subject"), (with("subject", json!("a\nb")), "subject"), (with("subject", json!("x".repeat(201))), "subject"),
            (with("description", json!("  ")), "description"), (with("category", json!("nope")), "category"), (with("priority", json!("hgih")), "priority"),
            (with("ticket_type", json!("x")), "ticket_type"), (with("order_id", json!("7")), "order_id"), (with("colour", json!(1)), "colour"),
            (with("links", json!([{ "kind": "Merchant!", "id": "1" }])), "links[0].kind"), (with("user_email", json!("else@example.org")), "user_email"),
            (json!({ "description": "d" }), "subject"),
        ];
        for (body, field) in cases {
            let answer = ada.post("/api/support/tickets", body.clone()).await;
            let problem = answer.expect(422);
            assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
        }
        let json_type = [("content-type", "application/json")];
        assert_eq!(ada.send("POST", "/api/support/tickets", &json_type, b"{\"subject\":\"\xff\xfe\"}".to_vec()).await.expect(400)["code"], "request.encoding");
        assert_eq!(ada.send("POST", "/api/support/tickets", &json_type, b"{".to_vec()).await.expect(400)["code"], "request.json");
        ada.send("POST", "/api/support/tickets", &[("content-type", "text/plain")], b"x".to_vec()).await.expect(400);
        ada.send("POST", "/api/support/tickets", &json_type, vec![b' '; 2 * 1024 * 1024]).await.expect(413);
        let id = site.neighbour("Eve", Role::Customer).await.file("next door").await;
        let theirs = site.neighbour("Nora", Role::Admin).await;
        for far in ["0001-01-01T00:00:00Z", "2016-01-01T00:00:00Z", "2037-01-01T00:00:00Z", "9999-01-01T00:00:00Z"] {
            let problem = theirs.patch(&format!("/api/admin/support/tickets/{id}"), json!({ "due_at": far })).await.expect(422);
            assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["code"]), (&json!("due_at"), &json!("due_at.range")), "{far}");
        }
        theirs.patch(&format!("/api/admin/support/tickets/{id}"), json!({ "due_at": "2027-01-01T00:00:00Z" })).await.expect(200);
        ada.get("/api/support/tickets?limit=0").await.expect(422);
        ada.get("/api/support/tickets?cursor=zzz").await.expect(422);
        root.get("/api/admin/support/tickets?order=subject").await.expect(422);
        root.get("/api/admin/support/tickets?colour=red").await.expect(400);
        assert_eq!(root.get("/api/admin/support/tickets").await.expect(200)["items"], json!([]));
    }

    async fn lists_page_by_cursor_without_gap_or_repeat(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        for n in 0..23 {
            ada.file(&format!("t{n}")).await;
            if n % 3 == 0 { site.world.clock.advance(base::seconds(1)); }
        }
        for order in ["-last_message_at", "created_at", "-priority", "due_at"] {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = root.get(&format!("/api/admin/support/tickets?limit=5&order={order}{cursor}")).await.expect(200);
                seen.extend(page["items"].as_array().unwrap().iter().map(|t| t["id"].as_str().unwrap().to_owned()));
                match page["next_cursor"].as_str() { Some(next) => cursor = format!("&cursor={next}"), None => break }
            }
            let all = seen.len();
            seen.sort();
            seen.dedup();
            assert_eq!((all, seen.len()), (23, 23), "{order}");
        }
    }

    async fn files_travel_and_are_served_so_that_no_browser_runs_them(world) {
        let site = Site::new(world).await;
        let (ada, bob, root) = (site.user("Ada", Role::Customer).await, site.user("Bob", Role::Customer).await, site.user("Root", Role::Admin).await);
        let id = ada.file("x").await;
        let multipart = |internal: &str| format!(
            "--B\r\nContent-Disposition: form-data; name=\"body\"\r\n\r\nsee file\r\n--B\r\nContent-Disposition: form-data; name=\"is_internal\"\r\n\r\n{internal}\r\n--B\r\nContent-Disposition: form-data; name=\"attachments\"; filename=\"../evil.html\"\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>\r\n--B--\r\n"
        ).into_bytes();
        let kind = [("content-type", "multipart/form-data; boundary=B")];
        let public = root.send("POST", &format!("/api/admin/support/tickets/{id}/messages"), &kind, multipart("false")).await.expect(201);
        let secret = root.send("POST", &format!("/api/admin/support/tickets/{id}/messages"), &kind, multipart("true")).await.expect(201);
        let file = format!("/api/attachments/{}", public["attachments"][0]["id"].as_str().unwrap());
        assert_eq!(public["attachments"][0]["filename"], "evil.html");
        let served = ada.get(&file).await;
        assert_eq!((served.status.as_u16(), served.text.as_str()), (200, "<script>alert(1)</script>"));
        let header = |name: &str| served.headers[name].to_str().unwrap().to_owned();
        assert!(header("content-type").starts_with("text/plain") && header("content-disposition").starts_with("attachment"));
        assert!(header("content-security-policy").contains("sandbox") && header("x-content-type-options") == "nosniff");
        bob.get(&file).await.expect(404);
        ada.get(&format!("/api/attachments/{}", secret["attachments"][0]["id"].as_str().unwrap())).await.expect(404);
        site.neighbour("Eve", Role::Admin).await.get(&file).await.expect(404);
    }

    async fn a_stranger_reads_through_the_mailed_link_alone(world) {
        let site = Site::new(world).await;
        let stranger = site.anonymous();
        stranger.post("/api/help/contact", json!({ "name": "Mallory Words", "email": "victim@example.net", "category": "bug", "subject": "Buy my words", "description": "spamwords" })).await.expect(201);
        site.work().await;
        let letter = site.mailer.sent().into_iter().find(|l| l.to.as_str() == "victim@example.net").unwrap();
        assert!(letter.from.is_none(), "a null return path");
        let raw = String::from_utf8_lossy(&letter.raw).into_owned();
        let text = decoded(&raw);
        for word in ["Mallory", "Buy my words", "spamwords"] {
            assert!(!text.contains(word) && !raw.contains(word), "{word} was repeated to an address nobody proved");
        }
        let token = text.split("/help/status/").nth(1).unwrap().split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap().to_owned();
        let page = stranger.get(&format!("/help/status/{token}")).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("Buy my words"));
        let wrong = if token.ends_with('x') { 'y' } else { 'x' };
        stranger.get(&format!("/help/status/{}{wrong}", &token[..token.len() - 1])).await.expect_status(404);
        // Signing up with that address opens nothing until the address is proved.
        stranger.post("/api/auth/register", json!({ "email": "victim@example.net", "name": "M", "password": "long enough words" })).await.expect(202);
        stranger.post("/api/auth/login", json!({ "email": "victim@example.net", "password": "long enough words" })).await.expect(401);
    }

    async fn a_mailed_link_follows_its_customer_through_a_merge_and_ends_with_them(world) {
        let site = Site::new(world).await;
        let (root, stranger) = (site.user("Root", Role::Admin).await, site.anonymous());
        let mut tickets = Vec::new();
        for subject in ["First words", "Second words"] {
            let asked = json!({ "name": "Ada", "email": "ada@elsewhere.example", "category": "bug", "subject": subject, "description": subject });
            stranger.post("/api/help/contact", asked).await.expect(201);
            site.work().await;
            site.world.clock.advance(base::minutes(1));
            let letter = site.mailer.sent().into_iter().rfind(|l| l.to.as_str() == "ada@elsewhere.example").unwrap();
            let text = decoded(&String::from_utf8_lossy(&letter.raw));
            let token = text.split("/help/status/").nth(1).unwrap().split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap().to_owned();
            let id = root.get(&format!("/api/admin/support/tickets?order=-created_at&limit=1&q=%22{}%22", subject.replace(' ', "+"))).await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
            tickets.push((id, format!("/help/status/{token}")));
        }
        let [(old, old_link), (new, new_link)] = [&tickets[0], &tickets[1]];
        let multipart = "--B\r\nContent-Disposition: form-data; name=\"body\"\r\n\r\nsee the plan\r\n--B\r\nContent-Disposition: form-data; name=\"attachments\"; filename=\"plan.txt\"\r\n\r\na plan\r\n--B--\r\n";
        let kind = [("content-type", "multipart/form-data; boundary=B")];
        root.send("POST", &format!("/api/admin/support/tickets/{old}/messages"), &kind, multipart.into()).await.expect(201);
        root.post(&format!("/api/admin/support/tickets/{old}/merge"), json!({ "into": new })).await.expect(200);
        root.post(&format!("/api/admin/support/tickets/{new}/messages"), json!({ "body": "It is repaired." })).await.expect(201);
        for link in [old_link, new_link] {
            let page = stranger.get(link).await;
            assert!(page.text.contains("It is repaired.") && page.text.contains("First words"), "{}", page.text);
            let file = page.text.replace("&#x2f;", "/");
            let file = file.split("/attachments/").nth(1).unwrap().split('"').next().unwrap();
            assert_eq!(stranger.get(&format!("{link}/attachments/{file}")).await.text, "a plan");
        }
        // It is somebody else's: what was given out before shows nothing of it any more.
        let bobs = site.user("Bob", Role::Customer).await.file("Bob's own").await;
        let other = root.get(&format!("/api/admin/support/tickets/{bobs}")).await.expect(200);
        root.patch(&format!("/api/admin/support/tickets/{new}"), json!({ "customer_id": other["customer_id"] })).await.expect(200);
        stranger.get(new_link).await.expect_status(404);
        let page = stranger.get(old_link).await;
        assert!(!page.text.contains("It is repaired."), "the old one is theirs still, the other is not: {}", page.text);
    }

    async fn guessing_passwords_is_slowed_down_and_answers_are_alike(world) {
        let site = Site::new(world).await;
        site.user("Ada", Role::Customer).await;
        let nobody = site.anonymous();
        let mut limited = 0;
        for n in 0..14 {
            let known = nobody.post("/api/auth/login", json!({ "email": "ada@example.org", "password": format!("guess number {n}") })).await;
            let unknown = nobody.post("/api/auth/login", json!({ "email": "nobody@example.org", "password": format!("guess number {n}") })).await;
            assert_eq!(known.status, unknown.status);
            limited += u32::from(known.status == 429);
            if known.status != 429 { assert_eq!(known.text, unknown.text); }
        }
        assert_eq!(limited, 4, "ten are let through");
        let link = |email: &str| json!({ "email": email });
        let (a, b) = (nobody.post("/api/auth/magic-link", link("ada@example.org")).await, nobody.post("/api/auth/magic-link", link("nobody@example.org")).await);
        assert_eq!((a.status, a.text), (b.status, b.text));
    }
}

/// The text parts of a letter: bodies are base64.
fn decoded(raw: &str) -> String {
    let mut out = String::new();
    for part in raw.split("\r\n\r\n") {
        let packed: String = part.split("\r\n--").next().unwrap_or_default().split_whitespace().collect();
        if let Some(bytes) = unpack(&packed) {
            out.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    out
}

fn unpack(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            .iter()
            .position(|d| *d == c)
            .map(|p| p as u32)
    };
    let mut out = Vec::new();
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut word = 0u32;
        for c in group {
            word = (word << 6) | digit(*c)?;
        }
        word <<= 6 * (4 - group.len() as u32);
        out.extend_from_slice(&word.to_be_bytes()[1..group.len()]);
    }
    Some(out)
}
