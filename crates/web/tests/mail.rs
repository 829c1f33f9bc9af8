//! Mail over HTTP: the door for programs, what administrators decide, what agents see, and what nobody else does.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::{Role, minutes};
use serde_json::{Value, json};
use support::{
    Answer, Client, Site,
    browser::{Browser, id_after},
};
use testkit::both_engines;

const CHANNELS: &str = "/api/admin/channels";
const INBOUND: &str = "/api/mail/inbound";

/// A channel and a client that has its key.
async fn channel(site: &Site, admin: &Client, address: &str, fields: Value) -> (Value, Client) {
    let mut body = json!({ "address": address });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let made = admin.post(CHANNELS, body).await.expect(201);
    let key = made["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("cfm_"));
    (made, Client { token: Some(key), ..site.anonymous() })
}

fn letter(n: u32, from: &str, subject: &str, more: &str, body: &str) -> Vec<u8> {
    format!(
        "From: {from}\r\nTo: support@here.example.org\r\nSubject: {subject}\r\nMessage-ID: <m{n}@mail.example>\r\n{more}\r\n{body}\r\n"
    )
    .into_bytes()
}

/// Hands in a mail while the worker works, as a running server does.
async fn hand_in(site: &Site, door: &Client, headers: &[(&str, &str)], raw: Vec<u8>) -> Answer {
    let mut all = vec![("content-type", "message/rfc822")];
    all.extend_from_slice(headers);
    let handing = door.send("POST", INBOUND, &all, raw);
    let working = async {
        for _ in 0..200 {
            site.work().await;
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::pin!(handing);
    tokio::select! {
        answer = &mut handing => answer,
        () = working => handing.await,
    }
}

both_engines! {
    async fn a_program_hands_in_mail_and_hears_what_became_of_it(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (_, door) = channel(&site, &admin, "support@here.example.org", json!({})).await;
        let made = hand_in(&site, &door, &[("x-envelope-from", "ada@customers.example"), ("x-client-ip", "203.0.113.9")],
            letter(1, "Ada <ada@customers.example>", "Internet down", "", "The light is red.")).await.expect(200);
        assert_eq!((made["outcome"].as_str(), made["ticket_number"].as_str()), (Some("ticket"), Some("SUP-00001")), "{made}");
        let ticket = admin.get(&format!("/api/admin/support/tickets/{}", made["ticket_id"].as_str().unwrap())).await.expect(200);
        assert_eq!((ticket["channel"].as_str(), ticket["user_email"].as_str()), (Some("email"), Some("ada@customers.example")));
        let again = hand_in(&site, &door, &[], letter(1, "Ada <ada@customers.example>", "Internet down", "", "The light is red.")).await.expect(200);
        assert_eq!((again["outcome"].as_str(), again["ticket_id"].as_str()), (Some("duplicate"), made["ticket_id"].as_str()));
        let reply = hand_in(&site, &door, &[], letter(2, "ada@customers.example", "Re", "In-Reply-To: <m1@mail.example>\r\n", "Still red.")).await.expect(200);
        assert_eq!((reply["outcome"].as_str(), reply["ticket_id"].as_str()), (Some("reply"), made["ticket_id"].as_str()));
        let bounce = hand_in(&site, &door, &[("x-envelope-from", "")], letter(3, "robot@elsewhere.example", "Automatic", "", "beep")).await.expect(200);
        assert_eq!((bounce["outcome"].as_str(), bounce["ticket_id"].is_null()), (Some("automated"), true), "an empty return path is a program's");
        // Later, by the address that a 202 names.
        let id = made["id"].as_str().unwrap();
        assert_eq!(door.get(&format!("{INBOUND}/{id}")).await.expect(200)["outcome"], "ticket");
    }

    async fn an_unusual_envelope_loses_no_mail(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (_, door) = channel(&site, &admin, "support@here.example.org", json!({})).await;
        let long = "SRS0=HHHH=TT=customers.example=bounces-0123456789-0123456789-0123456789-0123456789@forwarder.example.net";
        for (n, from, to, kept) in [
            (1, long, "support@here.example.org", long),
            (2, "<ada@under_score.example.org>", "<old@under_score.example.org>, support@here.example.org,", "ada@under_score.example.org"),
            (3, "j\u{f6}rg@ex\u{e4}mple.de", "somebody@elsewhere.example", "j\u{f6}rg@ex\u{e4}mple.de"),
            (4, "\"ada b\"@customers.example", "", "\"ada b\"@customers.example"),
        ] {
            let raw = letter(n, "Ada <ada@customers.example>", &format!("Letter {n}"), "", &format!("Text {n}."));
            let made = hand_in(&site, &door, &[("x-envelope-from", from), ("x-envelope-to", to)], raw).await.expect(200);
            assert_eq!(made["outcome"], "ticket", "{from}: {made}");
            let mails = admin.get("/api/admin/mails").await.expect(200);
            let mail = mails["items"].as_array().unwrap().iter().find(|m| m["id"] == made["id"]).unwrap().clone();
            assert_eq!(mail["envelope_from"], kept, "{mail}");
        }
        let null = hand_in(&site, &door, &[("x-envelope-from", "MAILER-DAEMON")], letter(5, "robot@elsewhere.example", "Automatic", "", "beep")).await.expect(200);
        assert_eq!(null["outcome"], "automated");
    }

    async fn a_call_that_is_wrong_in_itself_takes_nothing(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (made, door) = channel(&site, &admin, "support@here.example.org", json!({})).await;
        let raw = || letter(1, "ada@customers.example", "Hello", "", "Hello.");
        let post = |client: &Client, headers: Vec<(&'static str, &'static str)>, body: Vec<u8>| {
            let client = client.clone();
            async move { client.send("POST", INBOUND, &headers, body).await }
        };
        post(&site.anonymous(), vec![], raw()).await.expect(401);
        post(&admin, vec![], raw()).await.expect(401);
        let wrong = Client { token: Some("cfm_abcdefghijkmnpqrstuvwxyz23456789abcdefgh".into()), ..site.anonymous() };
        post(&wrong, vec![], raw()).await.expect(401);
        let answer = post(&door, vec![("x-client-ip", "nonsense")], raw()).await.expect(422);
        assert_eq!(answer["errors"][0]["field"], "X-Client-IP");
        let answer = post(&door, vec![("x-envelope-to", "nobody")], raw()).await.expect(422);
        assert_eq!(answer["errors"][0]["field"], "X-Envelope-To");
        for wrong in ["a@b <c@d>", "a\tb@c.example"] {
            let answer = post(&door, vec![("x-envelope-from", wrong)], raw()).await.expect(422);
            assert_eq!(answer["errors"][0]["field"], "X-Envelope-From");
        }
        post(&door, vec![("content-type", "application/json")], b"{}".to_vec()).await.expect(400);
        post(&door, vec![], Vec::new()).await.expect(422);
        post(&door, vec![], vec![b'a'; 31 * 1024 * 1024]).await.expect(413);
        assert_eq!(admin.get("/api/admin/mails").await.expect(200)["items"], json!([]), "nothing was taken");
        // A key that was replaced, and a channel that is switched off, open nothing.
        let id = made["id"].as_str().unwrap();
        let rotated = admin.post(&format!("{CHANNELS}/{id}/rotate-key"), json!({})).await.expect(200);
        post(&door, vec![], raw()).await.expect(401);
        let door = Client { token: Some(rotated["key"].as_str().unwrap().into()), ..site.anonymous() };
        assert_eq!(hand_in(&site, &door, &[], raw()).await.expect(200)["outcome"], "ticket");
        admin.patch(&format!("{CHANNELS}/{id}"), json!({ "enabled": false })).await.expect(200);
        post(&door, vec![], raw()).await.expect(401);
    }

    async fn channels_are_made_changed_and_belong_to_one_business(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (made, _) = channel(&site, &admin, "Support@here.example.org", json!({ "priority": "high", "signature": "Yours" })).await;
        assert_eq!((made["priority"].as_str(), made["acknowledges"].as_bool()), (Some("high"), Some(true)));
        let at = format!("{CHANNELS}/{}", made["id"].as_str().unwrap());
        assert!(!admin.get(&at).await.text.contains(made["key"].as_str().unwrap()), "the key is shown once");
        let etag = admin.get(&at).await.etag();
        let changed = admin.json("PATCH", &at, &[("if-match", &etag)], json!({ "acknowledges": false, "contact_forms": ["@Forms.example"] })).await.expect(200);
        assert_eq!(changed["contact_forms"], json!(["@forms.example"]));
        admin.json("PATCH", &at, &[("if-match", &etag)], json!({ "acknowledges": true })).await.expect(412);
        for (body, field) in [
            (json!({ "address": "nonsense" }), "address"),
            (json!({ "address": "support+x@here.example.org" }), "address"),
            (json!({ "address": "SUPPORT@here.example.org" }), "address"),
            (json!({ "address": "b@here.example.org", "unknown_senders": "maybe" }), "unknown_senders"),
            (json!({ "address": "b@here.example.org", "team_id": "01a1fca0-39a0-7e9b-a5b5-c75b8ad924f5" }), "team_id"),
            (json!({ "address": "b@here.example.org", "colour": "red" }), "colour"),
        ] {
            let answer = admin.post(CHANNELS, body.clone()).await;
            assert!([400, 409, 422].contains(&answer.status.as_u16()), "{body}: {}", answer.text);
            assert!(answer.text.contains(field), "{body}: {}", answer.text);
        }
        admin.patch(&at, json!({ "address": "other@here.example.org" })).await.expect(422);
        // A team that goes takes nothing along.
        let team = admin.post("/api/admin/teams", json!({ "name": "First line" })).await.expect(201)["id"].as_str().unwrap().to_owned();
        assert_eq!(admin.patch(&at, json!({ "team_id": team })).await.expect(200)["team_id"], json!(team));
        Browser::new(admin.clone()).await.done(&format!("/admin/teams/{team}/delete"), &[("confirmed", "true")]).await;
        assert_eq!(admin.get(&at).await.expect(200)["team_id"], json!(null));
        // The neighbour neither sees it nor can have the address.
        let theirs = site.neighbour("Their root", Role::Admin).await;
        theirs.get(&at).await.expect(404);
        assert_eq!(theirs.get(CHANNELS).await.expect(200)["items"], json!([]));
        theirs.post(CHANNELS, json!({ "address": "support@here.example.org" })).await.expect(422);
        admin.json("DELETE", &at, &[], json!({})).await.expect_status(204);
    }

    async fn a_channel_of_a_neighbour_is_a_door_to_the_neighbour(world) {
        let site = Site::new(world).await;
        let (ours, theirs) = (site.user("Root", Role::Admin).await, site.neighbour("Root", Role::Admin).await);
        let (_, door) = channel(&site, &theirs, "support@there.example.org", json!({})).await;
        // The key decides, whatever host is called.
        let made = hand_in(&site, &door, &[], letter(1, "ada@customers.example", "Hello", "", "Hello.")).await.expect(200);
        assert_eq!(made["outcome"], "ticket");
        let (ticket, id) = (made["ticket_id"].as_str().unwrap(), made["id"].as_str().unwrap());
        ours.get(&format!("/api/admin/support/tickets/{ticket}")).await.expect(404);
        theirs.get(&format!("/api/admin/support/tickets/{ticket}")).await.expect(200);
        let (_, our_door) = channel(&site, &ours, "support@here.example.org", json!({})).await;
        our_door.get(&format!("{INBOUND}/{id}")).await.expect(404);
        for what in ["", "/original"] {
            ours.get(&format!("/api/admin/mails/{id}{what}")).await.expect(404);
        }
        ours.post(&format!("/api/admin/mails/{id}/retry"), json!({})).await.expect(404);
    }

    async fn a_customer_sees_no_trace_of_a_stranger(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let ada = site.user("Ada", Role::Customer).await;
        let (_, door) = channel(&site, &admin, "support@here.example.org", json!({})).await;
        let ticket = ada.file("Internet down").await;
        admin.post(&format!("/api/admin/support/tickets/{ticket}/messages"), json!({ "body": "On our way." })).await.expect(201);
        site.work().await;
        let sent = site.mailer.sent();
        let answer = String::from_utf8(sent.iter().rev().find(|e| e.to.as_str() == "ada@example.org").unwrap().raw.to_vec()).unwrap();
        let unfolded = answer.replace("\r\n ", " ");
        let reply_to = unfolded.lines().find_map(|l| l.strip_prefix("Reply-To: ")).unwrap();
        let reply_to = reply_to.rsplit_once('<').map_or(reply_to, |(_, a)| a.trim_end_matches('>')).to_owned();
        let before = ada.get(&format!("/api/support/tickets/{ticket}")).await;
        let raw = String::from_utf8(letter(9, "Mallory <mallory@elsewhere.example>", "Re", "", "Give me the zebra.")).unwrap().replace("support@here.example.org", &reply_to);
        let made = hand_in(&site, &door, &[], raw.into_bytes()).await.expect(200);
        assert_eq!((made["outcome"].as_str(), made["ticket_id"].as_str()), (Some("reply"), Some(ticket.as_str())));
        let after = ada.get(&format!("/api/support/tickets/{ticket}")).await;
        assert_eq!((after.text.clone(), after.etag()), (before.text.clone(), before.etag()), "not a byte, not a version");
        assert!(!ada.get(&format!("/help/tickets/{ticket}")).await.text.contains("zebra"));
        assert_eq!(ada.get("/api/support/tickets?q=zebra").await.expect(200)["items"], json!([]));
        let message = made["message_id"].as_str().unwrap();
        ada.get(&format!("/api/admin/support/messages/{message}/original")).await.expect(403);
        ada.get(&format!("/desk/messages/{message}/formatted")).await.expect_status(403);

        // The agent sees who it is and lets them in.
        let desk = Browser::new(admin.clone()).await;
        let page = desk.page(&format!("/desk/tickets/{ticket}")).await;
        assert!(page.contains("From somebody new") && page.contains("mallory@elsewhere.example"), "{page}");
        desk.done(&format!("/desk/messages/{message}/admit"), &[]).await;
        assert!(ada.get(&format!("/help/tickets/{ticket}")).await.text.contains("zebra"));
        admin.post(&format!("/api/admin/support/messages/{message}/admit"), json!({})).await.expect(409);
    }

    async fn letters_in_quarantine_are_decided_on_a_page(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let desk = Browser::new(admin.clone()).await;
        assert!(desk.page("/admin/mails").await.contains("No address takes mail yet"));
        let fields = [("address", "support@here.example.org"), ("priority", "normal"), ("unknown_senders", "quarantine"), ("acknowledges", "true")];
        let made = desk.post("/admin/channels/new", &fields).await;
        let page = Browser::opened(made, "/admin/channels/new");
        let key = page.split("cfm_").nth(1).unwrap()[..40].to_owned();
        let door = Client { token: Some(format!("cfm_{key}")), ..site.anonymous() };
        let refused = desk.refused("/admin/channels/new", &fields).await;
        assert!(refused.contains("taken here already"), "{refused}");
        let held = hand_in(&site, &door, &[], letter(1, "Mallory <mallory@elsewhere.example>", "An <b>offer</b>", "", "Buy.")).await.expect(200);
        assert_eq!((held["outcome"].as_str(), held["ticket_id"].is_null()), (Some("quarantined"), true));
        let list = desk.page("/admin/mails").await;
        assert!(list.contains("An &lt;b&gt;offer") && !list.contains("An <b>offer"), "{list}");
        // Whoever decides sees that something waits wherever they are, and is told.
        let waits = "1<span class=\"visually-hidden\"> mails wait for a decision";
        assert!(list.contains(waits) && desk.page("/desk").await.contains(waits), "{list}");
        site.world.clock.advance(minutes(1));
        site.world.db.write(site.world.scope(), desk::intake::waiting::tell_of_undecided).await.unwrap();
        let notices = desk.page("/desk/notifications").await;
        assert!(notices.contains("/admin/mails?state=quarantined") && notices.contains("1 mail waits in quarantine"), "{notices}");
        let id = id_after(&list, "/admin/mails/");
        let page = desk.page(&format!("/admin/mails/{id}")).await;
        assert!(page.contains("no customer has its sender") && page.contains("mallory@elsewhere.example"));
        let raw = admin.get(&format!("/admin/mails/{id}/original")).await;
        assert_eq!(raw.status.as_u16(), 200);
        assert!(raw.text.contains("Message-ID: <m1@mail.example>"));
        assert!(raw.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
        // Thrown away, it says until when it can be let out again.
        let discarded = desk.post(&format!("/admin/mails/{id}/discard"), &[]).await;
        let word = discarded.headers["set-cookie"].to_str().unwrap();
        assert!(discarded.status.as_u16() == 303 && word.starts_with("flash=ok") && word.contains("90"), "{word}");
        desk.done(&format!("/admin/mails/{id}/release"), &[]).await;
        site.work().await;
        let page = desk.page(&format!("/admin/mails/{id}")).await;
        assert!(page.contains("SUP-00001"), "{page}");
        assert!(!desk.page("/admin/mails").await.contains(waits), "decided");
        // An agent who is no administrator has no business here.
        let agent = site.user("Ben", Role::Agent).await;
        agent.get("/admin/mails").await.expect_status(403);
        agent.get(&format!("/admin/mails/{id}")).await.expect_status(403);
    }

    async fn what_a_mail_brings_is_shown_and_runs_nothing(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (_, door) = channel(&site, &admin, "support@here.example.org", json!({})).await;
        let html = "<p onclick=x()>Hello <script>alert(1)</script><img src=http://track.example/p.png><svg onload=alert(1)><a href=javascript:alert(1)>go</a></p>";
        let raw = format!(
            "From: Ada <ada@customers.example>\r\nTo: support@here.example.org\r\nSubject: =?utf-8?Q?x=0D=0ABcc=3A_evil=40elsewhere.example?=\r\nMessage-ID: <h@mail.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=B\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\nHello <script>alert(1)</script>\r\n\r\nOn Mon, 2 Mar 2026 at 10:00, Us <support@here.example.org> wrote:\r\n> what we said\r\n--B\r\nContent-Type: text/html\r\n\r\n{html}\r\n--B--\r\n"
        );
        let made = hand_in(&site, &door, &[], raw.into_bytes()).await.expect(200);
        let (ticket, message) = (made["ticket_id"].as_str().unwrap(), made["message_id"].as_str().unwrap());
        let shown = admin.get(&format!("/api/admin/support/tickets/{ticket}")).await.expect(200);
        assert!(!shown["subject"].as_str().unwrap().contains('\n'), "a subject is one line");
        let desk = Browser::new(admin.clone()).await;
        let page = desk.page(&format!("/desk/tickets/{ticket}")).await;
        assert!(page.contains("Quoted text") && page.contains("what we said"), "folded, and not cut: {page}");
        assert!(!page.contains("<script>alert"), "{page}");
        let frame = admin.get(&format!("/desk/messages/{message}/formatted")).await;
        assert_eq!(frame.status.as_u16(), 200, "{}", frame.text);
        for bad in ["<script", "onclick", "onload", "javascript:", "track.example"] {
            assert!(!frame.text.contains(bad), "{bad}: {}", frame.text);
        }
        let policy = frame.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("sandbox") && policy.contains("default-src 'none'") && !policy.contains("allow-scripts"), "{policy}");
    }

    async fn who_a_mail_would_be_from_can_be_tried(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (made, _) = channel(&site, &admin, "support@here.example.org", json!({ "contact_forms": ["forms@here.example.org"] })).await;
        let id = made["id"].as_str().unwrap();
        let raw = letter(1, "forms@here.example.org", "Contact", "Reply-To: Ada <ada@customers.example>\r\n", "Hello.");
        let found = admin.send("POST", &format!("{CHANNELS}/{id}/test-sender"), &[("content-type", "message/rfc822")], raw.clone()).await.expect(200);
        assert_eq!((found["email"].as_str(), found["name"].as_str()), (Some("ada@customers.example"), Some("Ada")), "{found}");
        let desk = Browser::new(admin.clone()).await;
        let tried = desk.post(&format!("/admin/channels/{id}/test"), &[("mail", &String::from_utf8(raw).unwrap())]).await;
        assert!(Browser::opened(tried, "test").contains("ada@customers.example"));
        // A list that puts itself into From, and the header that names the author by the channel's word.
        let at = format!("{CHANNELS}/{id}");
        let wrong = admin.patch(&at, json!({ "mailing_lists": ["l.lists.example: X-Spam"] })).await.expect(422);
        assert_eq!(wrong["errors"][0]["field"], "mailing_lists", "{wrong}");
        let set = admin.patch(&at, json!({ "mailing_lists": ["L@lists.example: reply-to"] })).await.expect(200);
        assert_eq!(set["mailing_lists"], json!(["l.lists.example: Reply-To"]));
        let raw = b"From: Bob via L <l@lists.example>\r\nList-Id: <l.lists.example>\r\nX-Original-From: eve@elsewhere.example\r\nReply-To: Bob <bob@customers.example>\r\n\r\nHello".to_vec();
        let found = admin.send("POST", &format!("{at}/test-sender"), &[("content-type", "message/rfc822")], raw.clone()).await.expect(200);
        assert_eq!((found["email"].as_str(), found["is_claim"].as_bool(), found["automated"].is_null()), (Some("bob@customers.example"), Some(true), true), "{found}");
        let tried = desk.post(&format!("/admin/channels/{id}/test"), &[("mail", &String::from_utf8(raw).unwrap())]).await;
        assert!(Browser::opened(tried, "test").contains("Nobody vouches for this"));
        assert_eq!(admin.get("/api/admin/mails").await.expect(200)["items"], json!([]), "nothing is kept");
    }

    async fn a_mailbox_is_described_without_its_password(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (made, _) = channel(&site, &admin, "support@here.example.org", json!({})).await;
        let at = format!("{CHANNELS}/{}/mailbox", made["id"].as_str().unwrap());
        admin.get(&at).await.expect(404);
        let body = json!({ "host": "imap.here.example.org", "username": "support", "password": "open sesame" });
        let set = admin.json("PUT", &at, &[], body).await;
        assert!(!set.text.contains("sesame"), "{}", set.text);
        assert_eq!(set.expect(200)["folder"], "INBOX");
        assert!(!admin.get(&at).await.text.contains("sesame"));
        // Without a password the known one stays, but not for another server.
        admin.json("PUT", &at, &[], json!({ "host": "imap.here.example.org", "username": "support", "folder": "Support" })).await.expect(200);
        let elsewhere = admin.json("PUT", &at, &[], json!({ "host": "imap.evil.example", "username": "support" })).await.expect(422);
        assert_eq!(elsewhere["errors"][0]["field"], "password", "{elsewhere}");
        admin.json("PUT", &at, &[], json!({ "host": "imap.here.example.org", "username": "support", "tls": "maybe" })).await.expect(422);
        assert!(!admin.get("/api/admin/audit").await.text.contains("sesame"), "nor does the audit have it");
        let id = made["id"].as_str().unwrap();
        let desk = Browser::new(admin.clone()).await;
        assert!(desk.page(&format!("/admin/channels/{id}/mailbox")).await.contains("imap.here.example.org"));
        admin.json("DELETE", &at, &[], json!({})).await.expect_status(204);
        let theirs = site.neighbour("Their root", Role::Admin).await;
        theirs.get(&at).await.expect(404);
    }
}
