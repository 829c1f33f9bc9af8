//! Rules that wait for a time.

use base::{Role, hours, minutes};
use serde_json::json;
use testkit::both_engines;

use crate::{
    COUNT_TIMERS,
    harness::*,
    support::{Client, Site},
};

both_engines! {
    async fn time_based_rules_fire_once_for_an_anchor_and_not_for_the_past(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        let before = owner.file("before the rule").await;
        let timed = json!({ "kind": "time", "anchor": "last_customer_message", "minutes": 120 });
        let id = made(&admin, rule("Reminder", timed.clone(), json!([{ "field": "assignee", "op": "is", "value": "none" }]), json!([{ "action": "add_tags", "value": ["late"] }]))).await;
        let due = made(&admin, rule("Due soon", json!({ "kind": "time", "anchor": "due", "minutes": -60 }), json!([]), json!([{ "action": "add_tags", "value": ["due"] }]))).await;
        let after = owner.file("after the rule").await;
        site.work().await;
        let tick = async || { site.schedules().await; site.world.clock.advance(minutes(1)); site.schedules().await; site.work().await; };
        site.world.clock.advance(hours(1));
        tick().await;
        assert_eq!(ticket(&admin, &after).await["tags"], json!([]));
        // The anchor moves: two hours from now.
        owner.post(&format!("/api/support/tickets/{after}/messages"), json!({ "body": "still there?" })).await.expect(201);
        site.world.clock.advance(minutes(90));
        tick().await;
        assert_eq!(ticket(&admin, &after).await["tags"], json!([]));
        site.world.clock.advance(hours(10));
        tick().await;
        tick().await;
        assert_eq!(ticket(&admin, &after).await["tags"], json!(["late"]));
        assert_eq!(ticket(&admin, &before).await["tags"], json!([]), "its message was before the rule");
        let log = admin.get(&format!("{HOME}/{id}/runs")).await.expect(200);
        assert_eq!(log["items"].as_array().unwrap().len(), 1, "once, after the time nobody looked too");
        // A due time to come is an anchor also of a ticket that was there before.
        site.world.clock.advance(hours(12));
        tick().await;
        tick().await;
        for ticket_id in [&before, &after] {
            let tags = ticket(&admin, ticket_id).await["tags"].clone();
            assert!(tags.as_array().unwrap().contains(&json!("due")), "{tags}");
        }
        // Switched off there is nothing left; on again it does not look back.
        admin.patch(&format!("{HOME}/{due}"), json!({ "enabled": false })).await.expect(200);
        admin.patch(&format!("{HOME}/{id}"), json!({ "enabled": false })).await.expect(200);
        assert_eq!(count(&site, &COUNT_TIMERS).await, 0);
        admin.patch(&format!("{HOME}/{id}"), json!({ "enabled": true })).await.expect(200);
        site.work().await;
        assert_eq!(count(&site, &COUNT_TIMERS).await, 0);
    }

    async fn a_time_that_was_looked_at_before_is_looked_at_again_when_it_is_set_anew(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        let there = site.neighbour("Their Root", Role::Admin).await;
        let before_due = |minutes: i64| json!({ "kind": "time", "anchor": "due", "minutes": -minutes });
        let note = |name: &str, minutes: i64| rule(name, before_due(minutes), json!([]), json!([{ "action": "add_note", "value": "Soon due." }]));
        let id = made(&admin, note("Soon due", 60)).await;
        let theirs = made(&there, note("Theirs", 60)).await;
        let ticket_id = owner.file("x").await;
        let tick = async || { site.schedules().await; site.world.clock.advance(minutes(1)); site.schedules().await; site.work().await; };
        let looks = async |who: &Client| {
            let log = who.get(&format!("{HOME}/{id}/runs")).await.expect(200);
            log["items"].as_array().unwrap().len()
        };
        let due: base::Timestamp = ticket(&admin, &ticket_id).await["due_at"].as_str().unwrap().parse().unwrap();
        site.world.clock.set(due - minutes(59));
        let admin = site.user("Root again", Role::Admin).await;
        tick().await;
        assert_eq!(looks(&admin).await, 1);
        admin.patch(&format!("{HOME}/{id}"), json!({ "trigger": before_due(30) })).await.expect(200);
        site.work().await;
        site.world.clock.set(due - minutes(29));
        tick().await;
        assert_eq!(looks(&admin).await, 2, "half an hour before, as it says now");
        assert_eq!(count(&site, &COUNT_TIMERS).await, 0);
        // Off and on: the due time is still to come.
        admin.patch(&format!("{HOME}/{id}"), json!({ "trigger": before_due(10) })).await.expect(200);
        admin.patch(&format!("{HOME}/{id}"), json!({ "enabled": false })).await.expect(200);
        admin.patch(&format!("{HOME}/{id}"), json!({ "enabled": true })).await.expect(200);
        site.work().await;
        // Away and back.
        patch(&admin, &ticket_id, json!({ "priority": "low" })).await;
        patch(&admin, &ticket_id, json!({ "priority": "normal" })).await;
        assert_eq!(ticket(&admin, &ticket_id).await["due_at"].as_str().unwrap().parse::<base::Timestamp>().unwrap(), due);
        site.world.clock.set(due - minutes(9));
        tick().await;
        assert_eq!(looks(&admin).await, 3);
        site.world.clock.advance(hours(30));
        let there = site.neighbour("Their Root again", Role::Admin).await;
        let admin = site.user("Root once more", Role::Admin).await;
        tick().await;
        assert_eq!(looks(&admin).await, 3, "nothing fires late");
        let log = there.get(&format!("{HOME}/{theirs}/runs")).await.expect(200);
        assert_eq!(log["items"], json!([]), "a rule of theirs looks at no ticket of ours");
    }

    async fn a_due_time_that_moves_away_and_comes_back_is_looked_at_once(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let there = site.neighbour("Their Root", Role::Admin).await;
        let note = |name: &str| {
            let before_due = json!({ "kind": "time", "anchor": "due", "minutes": -60 });
            rule(name, before_due, json!([]), json!([{ "action": "add_note", "value": "Soon due." }]))
        };
        let id = made(&admin, note("Soon due")).await;
        let theirs = made(&there, note("Theirs")).await;
        let ticket_id = site.user("Ada", Role::Customer).await.file("x").await;
        let tick = async || { site.schedules().await; site.world.clock.advance(minutes(1)); site.schedules().await; site.work().await; };
        let due = async |who: &Client| ticket(who, &ticket_id).await["due_at"].as_str().unwrap().parse::<base::Timestamp>().unwrap();
        let first = due(&admin).await;
        site.world.clock.set(first - minutes(59));
        let admin = site.user("Root again", Role::Admin).await;
        tick().await;
        assert_eq!(runs(&admin, &ticket_id).await.len(), 1);
        // Away, to a time that is later, and back; with a look between, and without.
        for _ in 0..2 {
            patch(&admin, &ticket_id, json!({ "priority": "low" })).await;
            assert!(due(&admin).await > first);
            tick().await;
            patch(&admin, &ticket_id, json!({ "priority": "normal" })).await;
            assert_eq!(due(&admin).await, first);
            tick().await;
        }
        assert_eq!(runs(&admin, &ticket_id).await.len(), 1, "it was looked at");
        assert_eq!(count(&site, &COUNT_TIMERS).await, 0, "and nothing waits");
        // Another due time is another one, and the first is the first still after it.
        patch(&admin, &ticket_id, json!({ "priority": "low" })).await;
        let second = due(&admin).await;
        site.world.clock.set(second - minutes(59));
        let (admin, there) = (site.user("Root at last", Role::Admin).await, site.neighbour("Their Root again", Role::Admin).await);
        tick().await;
        assert_eq!(runs(&admin, &ticket_id).await.len(), 2);
        patch(&admin, &ticket_id, json!({ "priority": "normal" })).await;
        tick().await;
        assert_eq!(runs(&admin, &ticket_id).await.len(), 2);
        let log = admin.get(&format!("{HOME}/{id}/runs")).await.expect(200);
        assert_eq!(log["items"].as_array().unwrap().len(), 2);
        let log = there.get(&format!("{HOME}/{theirs}/runs")).await.expect(200);
        assert_eq!(log["items"], json!([]), "a rule of theirs looks at no ticket of ours");
    }

    async fn a_time_that_passes_while_a_ticket_is_put_aside_is_looked_at_when_it_comes_back(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        let after = json!({ "kind": "time", "anchor": "created", "minutes": 120 });
        made(&admin, rule("Escalate", after, json!([]), json!([{ "action": "add_tags", "value": ["old"] }]))).await;
        let mut ids = Vec::new();
        for name in ["merged", "deleted", "spam", "survivor"] {
            ids.push(owner.file(name).await);
        }
        site.work().await;
        let at = |n: usize| format!("/api/admin/support/tickets/{}", ids[n]);
        let tick = async || { site.schedules().await; site.world.clock.advance(minutes(1)); site.schedules().await; site.work().await; };
        admin.post(&format!("{}/merge", at(0)), json!({ "into": ids[3] })).await.expect(200);
        admin.send("DELETE", &at(1), &[], Vec::new()).await;
        admin.patch(&at(2), json!({ "status": "closed", "close_reason": "spam" })).await.expect(200);
        site.world.clock.advance(hours(3));
        tick().await;
        tick().await;
        let tagged = async |n: usize| ticket(&admin, &ids[n]).await["tags"] == json!(["old"]);
        assert!(tagged(3).await);
        assert_eq!(count(&site, &COUNT_TIMERS).await, 3, "they wait");
        admin.post(&format!("{}/unmerge", at(0)), json!({})).await.expect(200);
        admin.post(&format!("{}/restore", at(1)), json!({})).await.expect(200);
        patch(&admin, &ids[2], json!({ "status": "open" })).await;
        tick().await;
        for (n, id) in ids.iter().enumerate().take(3) {
            assert!(tagged(n).await, "{n}");
            assert_eq!(runs(&admin, id).await.len(), 1);
        }
        tick().await;
        assert_eq!(runs(&admin, &ids[0]).await.len(), 1, "once");
        assert_eq!(count(&site, &COUNT_TIMERS).await, 0);
    }
}
