//! Webhooks over HTTP: who is told what, in which order, how often, and what happens when they do not listen.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::{Role, Secret, Timestamp, hours, minutes, seconds};
use engine::{
    Moment,
    outside::{HttpAnswer, HttpRequest},
};
use serde_json::{Value, json};
use support::{Client, Site};
use testkit::{FakeHttp, both_engines};

const HOME: &str = "/api/admin/webhooks";

db::statements! {
    COUNT_SEQUENCES = "select count(*) from event_sequences where tenant_id = ?1";
    COUNT_JOBS = "select count(*) from jobs where tenant_id = ?1 and kind = 'engine.tapped'";
    COUNT_MESSAGES = "select count(*) from webhook_messages where tenant_id = ?1";
    COUNT_ATTEMPTS = "select count(*) from webhook_attempts where tenant_id = ?1";
    COUNT_WEBHOOKS = "select count(*) from webhooks where tenant_id = ?1";
}

async fn count(site: &Site, statement: &'static db::Sql) -> i64 {
    let count =
        site.world.db.read(site.world.scope(), |r| r.query_one(statement, db::params![], |row| row.get(0)));
    count.await.unwrap().unwrap()
}

async fn hook(admin: &Client, topics: &[&str]) -> (String, String) {
    let body = json!({ "name": "Billing", "url": "https://hooks.example.org/in", "topics": topics });
    let made = admin.post(HOME, body).await.expect(201);
    (made["id"].as_str().unwrap().into(), made["secret"].as_str().unwrap().into())
}

fn header(call: &HttpRequest, name: &str) -> String {
    call.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone()).unwrap_or_default()
}
fn body(call: &HttpRequest) -> Value {
    serde_json::from_slice(&call.body).unwrap()
}
fn topics(calls: &[HttpRequest]) -> Vec<String> {
    calls.iter().map(|c| body(c)["type"].as_str().unwrap().to_owned()).collect()
}
/// Whether one of the call's signatures is this secret's.
fn is_signed_by(call: &HttpRequest, secret: &str) -> bool {
    let at = Timestamp::from_second(header(call, "webhook-timestamp").parse().unwrap()).unwrap();
    let text = std::str::from_utf8(&call.body).unwrap();
    let wanted =
        notices::webhooks::sign(&Secret::new(secret), &header(call, "webhook-id"), at, text).unwrap();
    header(call, "webhook-signature").split(' ').any(|s| s == wanted)
}
async fn deliveries(admin: &Client, id: &str) -> Vec<Value> {
    admin.get(&format!("{HOME}/{id}/deliveries")).await.expect(200)["items"].as_array().unwrap().clone()
}

both_engines! {
    async fn a_subscriber_is_told_what_it_wants_signed_and_with_the_ticket(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        let (id, secret) = hook(&admin, &["ticket.created", "ticket.noted"]).await;
        let ticket = owner.file("No connection").await;
        let messages = format!("/api/admin/support/tickets/{ticket}/messages");
        admin.post(&messages, json!({ "body": "Check the line card", "is_internal": true })).await.expect(201);
        admin.post(&messages, json!({ "body": "We look into it" })).await.expect(201);
        site.work().await;
        let calls = site.http.calls();
        let mut told = topics(&calls);
        told.sort();
        assert_eq!(told, ["ticket.created", "ticket.noted"], "the answer was not asked for");
        for call in &calls {
            assert_eq!(call.url, "https://hooks.example.org/in");
            assert!(is_signed_by(call, &secret));
            assert!(!is_signed_by(call, "whsec_AAAA"));
            assert!(header(call, "webhook-id").starts_with("msg_"));
            let said = body(call);
            assert_eq!(said["object"]["type"], "ticket");
            assert_eq!(said["object"]["id"], json!(ticket));
            assert_eq!(said["data"]["ticket"]["subject"], "No connection");
            assert_eq!(said["data"]["ticket_id"], json!(ticket));
            assert!(said["timestamp"].as_str().unwrap().ends_with('Z'));
        }
        let note = calls.iter().find(|c| body(c)["type"] == "ticket.noted").unwrap();
        assert_eq!(body(note)["data"]["message"]["body"], "Check the line card");
        let log = deliveries(&admin, &id).await;
        assert_eq!(log.len(), 2);
        assert!(log.iter().all(|d| d["state"] == "delivered" && d["attempts"] == 1 && d["last_status"] == 200));
        site.work().await;
        assert_eq!(site.http.calls().len(), 2, "told once");
    }

    async fn what_a_customer_thought_is_told_with_the_score(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let ticket = site.user("Ada", Role::Customer).await.file("No connection").await;
        admin.patch(&format!("/api/admin/support/tickets/{ticket}"), json!({ "status": "resolved" })).await.expect(200);
        hook(&admin, &["csat.answered"]).await;
        let id = ticket.parse().unwrap();
        site.world.db.write(site.world.scope(), move |tx| {
            let ticket = desk::tickets::query::get(tx, id)?;
            let token = desk::csat::ask(tx, &ticket)?.expect("asked once");
            desk::csat::answer(tx, token.reveal(), 4, "Thank you").map(|_| ())
        }).await.unwrap();
        site.work().await;
        let calls = site.http.calls();
        assert_eq!(topics(&calls), ["csat.answered"]);
        let said = body(&calls[0]);
        assert_eq!((&said["data"]["score"], &said["data"]["ticket_id"]), (&json!(4), &json!(ticket)));
    }

    async fn without_a_subscriber_nothing_more_is_written(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        owner.file("nobody is told").await;
        let (id, _) = hook(&admin, &["ticket.noted"]).await;
        owner.file("not wanted").await;
        assert_eq!((count(&site, &COUNT_JOBS).await, count(&site, &COUNT_SEQUENCES).await), (0, 0));
        admin.patch(&format!("{HOME}/{id}"), json!({ "topics": ["*"], "enabled": false })).await.expect(200);
        owner.file("wanted, but off").await;
        assert_eq!(count(&site, &COUNT_JOBS).await, 0);
        admin.patch(&format!("{HOME}/{id}"), json!({ "enabled": true })).await.expect(200);
        owner.file("wanted").await;
        assert_eq!((count(&site, &COUNT_JOBS).await, count(&site, &COUNT_SEQUENCES).await), (1, 1));
        admin.send("DELETE", &format!("{HOME}/{id}"), &[], Vec::new()).await.expect_status(204);
        owner.file("gone").await;
        assert_eq!(count(&site, &COUNT_JOBS).await, 1);
        site.work().await;
        assert!(site.http.calls().is_empty());
    }

    async fn administrators_at_once_leave_exactly_what_is_wanted_tapped(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let all = ["ticket.created", "ticket.changed", "ticket.noted", "ticket.answered", "ticket.replied", "*"];
        let made = futures::future::join_all(all.map(|topic| {
            let admin = admin.clone();
            async move { hook(&admin, &[topic]).await.0 }
        })).await;
        let tapped = async || site.world.db.read(site.world.scope(), engine::taps::patterns).await.unwrap();
        let mut wanted = all.to_vec();
        wanted.sort_unstable();
        assert_eq!(tapped().await, wanted);
        // Half are switched off and half deleted, at once; of one each a twin does the same.
        futures::future::join_all(made.iter().enumerate().flat_map(|(n, id)| [(n, id), (n, id)]).map(|(n, id)| {
            let (admin, path) = (admin.clone(), format!("{HOME}/{id}"));
            async move {
                let answer = match n {
                    0 => admin.patch(&path, json!({ "topics": ["ticket.*"] })).await,
                    1 | 2 => admin.patch(&path, json!({ "enabled": false })).await,
                    _ => admin.send("DELETE", &path, &[], Vec::new()).await,
                };
                assert!([200, 204, 404].contains(&answer.status.as_u16()), "{}", answer.text);
            }
        })).await;
        assert_eq!(tapped().await, ["ticket.*"]);
    }

    async fn events_of_a_ticket_are_told_apart_and_ordered_under_concurrency(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        hook(&admin, &["ticket.*"]).await;
        let (one, other) = (owner.file("one").await, owner.file("other").await);
        let path = format!("/api/admin/support/tickets/{one}/messages");
        let notes = (0..12).map(|n| {
            let (admin, path) = (admin.clone(), path.clone());
            async move { admin.post(&path, json!({ "body": format!("note {n}"), "is_internal": true })).await.expect(201) }
        });
        futures::future::join_all(notes).await;
        owner.post(&format!("/api/support/tickets/{other}/messages"), json!({ "body": "hello?" })).await.expect(201);
        site.work().await;
        let of = |id: &str| {
            let mut seen: Vec<(i64, String)> = site.http.calls().iter().map(body)
                .filter(|b| b["object"]["id"] == json!(id))
                .map(|b| (b["object"]["sequence"].as_i64().unwrap(), b["type"].as_str().unwrap().to_owned())).collect();
            seen.sort();
            seen
        };
        let seen = of(&one);
        assert_eq!(seen.iter().map(|s| s.0).collect::<Vec<_>>(), (1..=13).collect::<Vec<_>>(), "each number once, no gap");
        assert_eq!(seen[0].1, "ticket.created");
        assert_eq!(of(&other), [(1, "ticket.created".to_owned()), (2, "ticket.replied".to_owned())]);
        // The order of sequences is the order of commits: the ticket's version rises with it.
        let mut versions: Vec<(i64, i64)> = site.http.calls().iter().map(body).filter(|b| b["object"]["id"] == json!(one))
            .map(|b| (b["object"]["sequence"].as_i64().unwrap(), b["data"]["version"].as_i64().unwrap())).collect();
        versions.sort();
        assert!(versions.windows(2).all(|w| w[0].1 < w[1].1), "{versions:?}");
        let mut ids: Vec<String> = site.http.calls().iter().map(|c| header(c, "webhook-id")).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 15, "every event has an id of its own");
    }

    async fn a_failing_receiver_is_tried_for_three_days_under_one_id(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (id, _) = hook(&admin, &["ticket.created"]).await;
        site.user("Ada", Role::Customer).await.file("x").await;
        site.http.answer_next([FakeHttp::status(500), FakeHttp::no_answer("it hangs"), FakeHttp::status(302), FakeHttp::status(404)]);
        site.http.answer_next((0..6).map(|_| FakeHttp::status(500)));
        let begun = site.world.now();
        let mut at = Vec::new();
        for _ in 0..12 {
            site.work().await;
            let next = deliveries(&admin, &id).await[0]["next_attempt_at"].as_str().map(|t| t.parse::<Timestamp>().unwrap());
            let Some(next) = next else { break };
            assert!(next > site.world.now());
            site.world.clock.set(next - seconds(1));
            let before = site.http.calls().len();
            site.work().await;
            assert_eq!(site.http.calls().len(), before, "not before its time");
            site.world.clock.set(next);
            at.push(next);
        }
        let calls = site.http.calls();
        assert_eq!(calls.len(), 10);
        let lasted = at.last().unwrap().duration_since(begun);
        assert!(lasted > hours(72) && lasted < hours(84), "{lasted}");
        assert!(calls.iter().all(|c| header(c, "webhook-id") == header(&calls[0], "webhook-id") && c.body == calls[0].body));
        assert_ne!(header(&calls[0], "webhook-timestamp"), header(&calls[9], "webhook-timestamp"));
        let failed = deliveries(&admin, &id).await[0].clone();
        assert_eq!((failed["state"].as_str(), failed["attempts"].as_i64()), (Some("failed"), Some(10)));
        let shown = admin.get(&format!("{HOME}/{id}/deliveries/{}", failed["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(shown["log"].as_array().unwrap().len(), 10);
        assert_eq!(shown["log"][1]["error"], "it hangs");
        assert_eq!(shown["log"][1]["status"], Value::Null);
        assert!(shown["log"][2]["error"].as_str().unwrap().contains("redirects are not followed"));
        assert_eq!(shown["body"].as_str().unwrap().as_bytes(), &calls[0].body[..]);
        // Delivered again: one more attempt under the same id, then done.
        let again = format!("{HOME}/{id}/deliveries/{}/replay", failed["id"].as_str().unwrap());
        admin.post(&again, json!({})).await.expect(202);
        admin.post(&again, json!({})).await.expect(409);
        site.work().await;
        assert_eq!(site.http.calls().len(), 11);
        assert_eq!(header(&site.http.calls()[10], "webhook-id"), header(&calls[0], "webhook-id"));
        let done = deliveries(&admin, &id).await[0].clone();
        assert_eq!((done["state"].as_str(), done["attempts"].as_i64(), &done["last_error"]), (Some("delivered"), Some(11), &Value::Null));
    }

    async fn a_receiver_that_asks_for_time_gets_it(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (id, _) = hook(&admin, &["*"]).await;
        let owner = site.user("Ada", Role::Customer).await;
        let asks = |status| Ok(HttpAnswer { retry_after: Some("3600".into()), ..FakeHttp::status(status).unwrap() });
        for (status, at_least, at_most) in [(429, minutes(60), minutes(61)), (503, minutes(60), minutes(61)), (500, seconds(5), seconds(6))] {
            // Ids of one instant are in no order: the newest is of another.
            site.world.clock.advance(seconds(1));
            owner.file("x").await;
            site.http.answer_next([asks(status)]);
            site.work().await;
            let newest = deliveries(&admin, &id).await[0].clone();
            let wait = newest["next_attempt_at"].as_str().unwrap().parse::<Timestamp>().unwrap().duration_since(site.world.now());
            assert!(wait >= at_least && wait <= at_most, "{status}: {wait}");
        }
    }

    async fn a_receiver_that_is_gone_is_switched_off_and_administrators_are_told(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let agent = site.user("Agent", Role::Agent).await;
        let (id, _) = hook(&admin, &["*"]).await;
        let owner = site.user("Ada", Role::Customer).await;
        owner.file("x").await;
        owner.file("y").await;
        site.http.answer_next([FakeHttp::status(410)]);
        site.work().await;
        assert_eq!(site.http.calls().len(), 1, "the other one was not sent");
        let shown = admin.get(&format!("{HOME}/{id}")).await.expect(200);
        assert_eq!(shown["disabled_reason"], "gone");
        let mut states: Vec<String> = deliveries(&admin, &id).await.iter().map(|d| d["state"].as_str().unwrap().to_owned()).collect();
        states.sort();
        assert_eq!(states, ["cancelled", "failed"]);
        assert!(admin.get("/desk/notifications").await.text.contains("switched off: its receiver answered 410"));
        assert!(!agent.get("/desk/notifications").await.text.contains("switched off"));
        owner.file("z").await;
        site.work().await;
        assert_eq!(deliveries(&admin, &id).await.len(), 2, "nothing new while it is off");
        admin.post(&format!("{HOME}/{id}/test"), json!({})).await.expect(409);
        let range = json!({ "after": "2026-03-02T00:00:00Z" });
        admin.post(&format!("{HOME}/{id}/replay"), range.clone()).await.expect(409);
        // On again: what failed or was not sent can be sent, all at once.
        admin.patch(&format!("{HOME}/{id}"), json!({ "enabled": true })).await.expect(200);
        site.world.clock.advance(seconds(1));
        let replayed = admin.post(&format!("{HOME}/{id}/replay"), range.clone()).await.expect(202);
        assert_eq!(replayed, json!({ "replayed": 2, "more": false }));
        assert_eq!(admin.post(&format!("{HOME}/{id}/replay"), range).await.expect(202)["replayed"], 0);
        site.work().await;
        assert!(deliveries(&admin, &id).await.iter().all(|d| d["state"] == "delivered"));
        assert_eq!(site.http.calls().len(), 3);
    }

    async fn five_days_of_nothing_but_failures_switch_it_off(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (id, _) = hook(&admin, &["*"]).await;
        let owner = site.user("Ada", Role::Customer).await;
        let fails = async |site: &Site| {
            owner.file("x").await;
            site.http.answer_next([FakeHttp::status(500)]);
            // Only the first attempt; the retries of older ones succeed or fail by what comes.
            site.work().await;
        };
        fails(&site).await;
        assert!(admin.get(&format!("{HOME}/{id}")).await.expect(200)["failing_since"].is_string());
        site.world.clock.advance(hours(4 * 24));
        site.http.answer_next([FakeHttp::status(500)]);
        fails(&site).await;
        assert_eq!(admin.get(&format!("{HOME}/{id}")).await.expect(200)["disabled_at"], Value::Null);
        site.world.clock.advance(hours(24) + minutes(1));
        site.http.answer_next([FakeHttp::status(500), FakeHttp::status(500)]);
        fails(&site).await;
        let shown = admin.get(&format!("{HOME}/{id}")).await.expect(200);
        assert_eq!(shown["disabled_reason"], "failing");
        assert!(admin.get("/desk/notifications").await.text.contains("failed for five days"));
    }

    async fn one_success_ends_a_row_of_failures(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (id, _) = hook(&admin, &["*"]).await;
        site.user("Ada", Role::Customer).await.file("x").await;
        site.http.answer_next([FakeHttp::status(500)]);
        site.work().await;
        assert!(admin.get(&format!("{HOME}/{id}")).await.expect(200)["failing_since"].is_string());
        site.world.clock.advance(seconds(10));
        site.work().await;
        assert_eq!(admin.get(&format!("{HOME}/{id}")).await.expect(200)["failing_since"], Value::Null);
        assert_eq!(deliveries(&admin, &id).await[0]["state"], "delivered");
    }

    async fn a_rotated_secret_overlaps_for_a_day(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (id, first) = hook(&admin, &["*"]).await;
        let owner = site.user("Ada", Role::Customer).await;
        let rotated = admin.post(&format!("{HOME}/{id}/rotate-secret"), json!({})).await.expect(200);
        let second = rotated["secret"].as_str().unwrap().to_owned();
        assert_ne!(first, second);
        owner.file("during").await;
        site.work().await;
        let during = site.http.calls()[0].clone();
        assert!(is_signed_by(&during, &first) && is_signed_by(&during, &second));
        assert_eq!(header(&during, "webhook-signature").split(' ').count(), 2);
        site.world.clock.advance(hours(24));
        owner.file("after").await;
        site.work().await;
        let after = site.http.calls()[1].clone();
        assert!(!is_signed_by(&after, &first) && is_signed_by(&after, &second));
        let shown = admin.get(&format!("{HOME}/{id}")).await;
        assert!(!shown.text.contains("whsec_") && !admin.get(HOME).await.text.contains("whsec_"));
        assert!(!admin.get("/api/admin/audit").await.text.contains("whsec_"));
        assert!(!admin.get(&format!("/admin/webhooks/{id}")).await.text.contains("whsec_"));
    }

    async fn a_death_at_any_moment_tells_at_least_once_under_one_id(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (id, _) = hook(&admin, &["*"]).await;
        let owner = site.user("Ada", Role::Customer).await;
        site.work().await;
        for (moment, copies) in [(Moment::Claimed, 1), (Moment::Planned, 1), (Moment::Performed, 2)] {
            let before = site.http.calls().len();
            // A test leaves one job, the delivery's.
            admin.post(&format!("{HOME}/{id}/test"), json!({})).await.expect(202);
            site.work_and_die(&[moment]).await;
            assert_eq!(site.http.calls().len() - before, copies - 1, "{moment:?}: dead");
            assert_eq!(deliveries(&admin, &id).await[0]["state"], "pending", "{moment:?}");
            site.world.clock.advance(minutes(3));
            site.work().await;
            let calls = site.http.calls().split_off(before);
            assert_eq!(calls.len(), copies, "{moment:?}");
            assert!(calls.iter().all(|c| header(c, "webhook-id") == header(&calls[0], "webhook-id") && c.body == calls[0].body));
            let newest = deliveries(&admin, &id).await[0].clone();
            assert_eq!((newest["state"].as_str(), newest["attempts"].as_i64()), (Some("delivered"), Some(1)), "{moment:?}");
        }
        // Dead with the event in hand, before it became deliveries.
        let before = site.http.calls().len();
        owner.file("x").await;
        site.work_and_die(&[Moment::Claimed; 2]).await;
        site.world.clock.advance(minutes(3));
        site.work().await;
        assert_eq!(topics(&site.http.calls()[before..]), ["ticket.created"]);
        // Dead before the fan-out, and for longer than events are kept: the job still knows what happened.
        owner.file("long ago").await;
        site.world.clock.advance(hours(50));
        let before = site.http.calls().len();
        site.work().await;
        assert_eq!(topics(&site.http.calls()[before..]), ["ticket.created"]);
    }

    async fn what_is_deleted_or_off_is_not_sent_what_was_under_way(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (gone, _) = hook(&admin, &["*"]).await;
        let (off, _) = hook(&admin, &["*"]).await;
        site.user("Ada", Role::Customer).await.file("x").await;
        site.http.answer_next([FakeHttp::status(500), FakeHttp::status(500)]);
        site.work().await;
        assert_eq!(site.http.calls().len(), 2);
        admin.send("DELETE", &format!("{HOME}/{gone}"), &[], Vec::new()).await.expect_status(204);
        admin.patch(&format!("{HOME}/{off}"), json!({ "enabled": false })).await.expect(200);
        site.world.clock.advance(hours(1));
        site.work().await;
        assert_eq!(site.http.calls().len(), 2);
        admin.get(&format!("{HOME}/{gone}")).await.expect_status(404);
        admin.get(&format!("{HOME}/{gone}/deliveries")).await.expect_status(404);
        assert_eq!(deliveries(&admin, &off).await[0]["state"], "cancelled");
        admin.send("DELETE", &format!("{HOME}/{gone}"), &[], Vec::new()).await.expect_status(404);
    }

    async fn the_log_is_kept_for_thirty_days(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (id, _) = hook(&admin, &["*"]).await;
        let (gone, _) = hook(&admin, &["*"]).await;
        let owner = site.user("Ada", Role::Customer).await;
        owner.file("old").await;
        site.work().await;
        admin.send("DELETE", &format!("{HOME}/{gone}"), &[], Vec::new()).await.expect_status(204);
        site.schedules().await;
        site.world.clock.advance(hours(29 * 24));
        let admin = site.user("Root again", Role::Admin).await;
        site.schedules().await;
        assert_eq!(count(&site, &COUNT_MESSAGES).await, 1);
        let owner = site.user("Ada again", Role::Customer).await;
        owner.file("new").await;
        site.work().await;
        site.world.clock.advance(hours(2 * 24));
        site.schedules().await;
        let log = site.user("Root at last", Role::Admin).await;
        assert_eq!(deliveries(&log, &id).await.len(), 1);
        assert_eq!((count(&site, &COUNT_MESSAGES).await, count(&site, &COUNT_ATTEMPTS).await, count(&site, &COUNT_WEBHOOKS).await), (1, 1, 1));
        drop(admin);
    }

    async fn a_neighbour_is_told_nothing_and_finds_nothing(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let theirs = site.neighbour("Their Root", Role::Admin).await;
        let (id, _) = hook(&admin, &["*"]).await;
        let (other, _) = hook(&theirs, &["ticket.noted"]).await;
        site.user("Ada", Role::Customer).await.file("ours").await;
        site.work().await;
        assert_eq!(site.http.calls().len(), 1);
        let delivery = deliveries(&admin, &id).await[0]["id"].as_str().unwrap().to_owned();
        for (method, path) in [
            ("GET", format!("{HOME}/{id}")), ("PATCH", format!("{HOME}/{id}")), ("DELETE", format!("{HOME}/{id}")),
            ("POST", format!("{HOME}/{id}/rotate-secret")), ("POST", format!("{HOME}/{id}/test")), ("GET", format!("{HOME}/{id}/deliveries")),
            ("GET", format!("{HOME}/{id}/deliveries/{delivery}")), ("POST", format!("{HOME}/{id}/deliveries/{delivery}/replay")),
            ("GET", format!("{HOME}/{other}/deliveries/{delivery}")), ("POST", format!("{HOME}/{other}/deliveries/{delivery}/replay")),
        ] {
            assert_eq!(theirs.json(method, &path, &[], json!({})).await.status, 404, "{method} {path}");
        }
        let list = theirs.get(HOME).await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert!(deliveries(&theirs, &other).await.is_empty());
        // A delivery is found under its own webhook alone.
        let (second, _) = hook(&admin, &["*"]).await;
        admin.get(&format!("{HOME}/{second}/deliveries/{delivery}")).await.expect_status(404);
        admin.post(&format!("{HOME}/{second}/deliveries/{delivery}/replay"), json!({})).await.expect_status(404);
    }

    async fn bad_input_is_named_and_changes_nothing(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let good = json!({ "name": "A", "url": "https://example.org/", "topics": ["*"] });
        for (field, value, said) in [
            ("url", json!("ftp://example.org/"), "http://"), ("topics", json!(["ticket.craeted"]), "did you mean ticket.created?"),
            ("topics", json!([]), "one or more"), ("name", json!(""), "name"), ("secret", json!("mine"), "secret"),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            let answer = admin.post(HOME, bad).await;
            assert!([400, 422].contains(&answer.status.as_u16()) && answer.text.contains(said), "{field}: {} {}", answer.status, answer.text);
        }
        assert_eq!(admin.get(HOME).await.expect(200)["items"], json!([]));
        let key = [("idempotency-key", "once")];
        let first = admin.json("POST", HOME, &key, good.clone()).await.expect(201);
        assert_eq!(admin.json("POST", HOME, &key, good.clone()).await.expect(201), first, "the same answer, secret and all");
        assert_eq!(admin.get(HOME).await.expect(200)["items"].as_array().unwrap().len(), 1);
        let path = format!("{HOME}/{}", first["id"].as_str().unwrap());
        let seen = admin.get(&path).await.etag();
        admin.json("PATCH", &path, &[("if-match", &seen)], json!({ "name": "B" })).await.expect(200);
        admin.json("PATCH", &path, &[("if-match", &seen)], json!({ "name": "C" })).await.expect_status(412);
        assert_eq!(admin.get(&path).await.expect(200)["name"], "B");
        for bad in [json!({}), json!({ "after": "yesterday" }), json!({ "after": "2027-01-01T00:00:00Z" }), json!({ "after": "2026-01-01T00:00:00Z", "states": ["pending"] })] {
            let answer = admin.post(&format!("{path}/replay"), bad).await;
            assert!([400, 422].contains(&answer.status.as_u16()), "{}", answer.text);
        }
        assert_eq!(admin.get(&format!("{path}/deliveries?state=odd")).await.expect(422)["errors"][0]["field"], "state");
    }

    async fn a_test_is_sent_and_logged(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let (id, secret) = hook(&admin, &["ticket.noted"]).await;
        let sent = admin.post(&format!("{HOME}/{id}/test"), json!({})).await.expect(202);
        assert_eq!((sent["state"].as_str(), sent["topic"].as_str()), (Some("pending"), Some("webhook.test")));
        let said = HttpAnswer { body: "thank you\0<b>".into(), ..FakeHttp::status(201).unwrap() };
        site.http.answer_next([Ok(said)]);
        site.work().await;
        let call = site.http.calls()[0].clone();
        assert!(is_signed_by(&call, &secret) && body(&call)["type"] == "webhook.test");
        let path = format!("{HOME}/{id}/deliveries/{}", sent["id"].as_str().unwrap());
        let shown = admin.get(&path).await.expect(200);
        assert_eq!((shown["log"][0]["status"].as_i64(), shown["log"][0]["answer_excerpt"].as_str()), (Some(201), Some("thank you\u{fffd}<b>")));
        let page = admin.get(&path.replace("/api", "")).await;
        page.expect_status(200);
        assert!(page.text.contains("thank you") && page.text.contains("&lt;b&gt;") && !page.text.contains("you\u{fffd}<b>"));
    }
}
