//! Rules over HTTP: what starts them, what they do, why they did not, and what keeps them from going round.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod giving;
mod harness;
#[path = "../support/mod.rs"]
mod support;
mod timers;

use base::{Role, hours, minutes};
use engine::Moment;
use harness::*;
use serde_json::{Value, json};
use support::Site;
use testkit::both_engines;

db::statements! {
    COUNT_RUNS = "select count(*) from rule_runs where tenant_id = ?1";
    COUNT_RULE_JOBS = "select count(*) from jobs where tenant_id = ?1 and kind = 'desk.rules'";
    COUNT_TIMERS = "select count(*) from rule_timers where tenant_id = ?1";
}

both_engines! {
    async fn a_rule_fires_once_and_says_why(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let agent = site.user("Ann", Role::Agent).await;
        let owner = site.user("Ada", Role::Customer).await;
        let neighbour = site.neighbour("Eve", Role::Customer).await;
        let id = made(&admin, rule("Outages", on(&["ticket_created"]),
            json!([{ "field": "subject", "op": "contains", "value": "no internet" }, { "field": "priority", "op": "is", "value": ["normal", "low"] }]),
            json!([{ "action": "set_priority", "value": "urgent" }, { "action": "add_tags", "value": ["Outage"] }, { "action": "add_note", "value": "Check the **line card**." }]))).await;
        let hit = owner.file("No Internét since monday").await;
        let miss = owner.file("An invoice").await;
        let theirs = neighbour.file("no internet over there").await;
        site.work().await;
        let t = ticket(&agent, &hit).await;
        assert_eq!((&t["priority"], &t["tags"], &t["status"]), (&json!("urgent"), &json!(["outage"]), &json!("new")), "a rule opens nothing");
        assert_eq!(ticket(&agent, &miss).await["priority"], "normal");
        let messages = ticket(&agent, &hit).await;
        let note = messages["messages"].as_array().unwrap().iter().find(|m| m["is_internal"] == true).unwrap().clone();
        assert_eq!(note["author"]["name"], "Rule: Outages");
        let fired = &runs(&agent, &hit).await[0];
        assert_eq!((&fired["outcome"], &fired["rule_name"], &fired["started_by"]), (&json!("fired"), &json!("Outages"), &json!(["ticket_created"])));
        assert_eq!(fired["actions"][0], json!({ "action": "set_priority", "result": "done", "from": "normal", "to": "urgent" }));
        let not = &runs(&agent, &miss).await[0];
        assert_eq!(not["outcome"], "not_fired");
        let look = |i: usize| (not["conditions"][i]["holds"].clone(), not["conditions"][i]["actual"].clone());
        assert_eq!(look(0), (json!(false), json!(["An invoice"])));
        assert_eq!(look(1), (json!(true), json!(["normal"])));
        assert_eq!(runs(&agent, &hit).await.len(), 1);
        let log = agent.get(&format!("{HOME}/{id}/runs?outcome=not_fired")).await.expect(200);
        assert_eq!(log["items"].as_array().unwrap().len(), 1);
        let shown = agent.get(&format!("{HOME}/{id}")).await.expect(200);
        assert_eq!(shown["fired_count"], 1);
        assert!(shown["last_fired_at"].is_string());
        // Nothing of it reaches the customer, and nothing of it happened next door.
        let public = owner.get(&format!("/api/support/tickets/{hit}")).await;
        assert!(!public.text.contains("Outages") && !public.text.contains("line card"), "{}", public.text);
        let there = site.neighbour("Their Root", Role::Admin).await;
        assert_eq!(there.get(HOME).await.expect(200)["items"], json!([]));
        there.get(&format!("{HOME}/{id}")).await.expect_status(404);
        assert_eq!(runs(&there, &theirs).await.len(), 0);
        assert_eq!(ticket(&there, &theirs).await["priority"], "normal");
        let queued: i64 = site.world.db.read(site.world.scope_there(), |r| r.query_one(&COUNT_RULE_JOBS, db::params![], |row| row.get(0))).await.unwrap().unwrap();
        assert_eq!(queued, 0, "where nobody listens nothing is queued");
    }

    async fn what_rules_did_to_a_colleagues_ticket_is_theirs_also_after_a_merge(world) {
        let site = Site::new(world).await;
        let (admin, tess) = (site.user("Root", Role::Admin).await, site.user("Tess", Role::Technician).await);
        let owner = site.user("Ada", Role::Customer).await;
        made(&admin, rule("Note", on(&["ticket_created"]), json!([]), json!([{ "action": "add_note", "value": "for the team" }]))).await;
        let (hers, other) = (owner.file("hers").await, owner.file("somebody else's").await);
        site.work().await;
        patch(&admin, &hers, json!({ "assigned_to": tess.user_id })).await;
        assert_eq!(runs(&tess, &hers).await.len(), 1);
        admin.post(&format!("/api/admin/support/tickets/{hers}/merge"), json!({ "into": other })).await.expect(200);
        tess.get(&format!("/api/admin/support/tickets/{hers}/rule-runs")).await.expect(404);
        patch(&admin, &other, json!({ "assigned_to": tess.user_id })).await;
        assert!(!runs(&tess, &hers).await.is_empty());
    }

    async fn killed_between_any_two_steps_its_actions_happen_once(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        made(&admin, rule("Note", on(&["ticket_created"]), json!([]), json!([{ "action": "add_note", "value": "once" }, { "action": "answer", "value": "We have it." }, { "action": "escalate", "value": null }]))).await;
        let id = owner.file("x").await;
        for moments in [vec![Moment::Claimed], vec![Moment::Planned], vec![Moment::Claimed, Moment::Performed], vec![Moment::Performed]] {
            site.work_and_die(&moments).await;
            site.world.clock.advance(minutes(3));
        }
        for _ in 0..3 {
            site.work().await;
            site.world.clock.advance(minutes(3));
        }
        let t = ticket(&admin, &id).await;
        let messages = ticket(&admin, &id).await;
        let said = |text: &str| messages["messages"].as_array().unwrap().iter().filter(|m| m["body"] == text).count();
        assert_eq!((said("once"), said("We have it."), &t["escalation_level"]), (1, 1, &json!(1)));
        assert_eq!(runs(&admin, &id).await.iter().filter(|r| r["outcome"] == "fired").count(), 1);
    }

    async fn an_automatic_answer_is_the_businesss_and_is_no_answer_of_staff(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        made(&admin, rule("Hello", on(&["ticket_created", "customer_replied", "staff_answered"]), json!([]), json!([{ "action": "answer", "value": "We look into it." }]))).await;
        let id = owner.file("x").await;
        site.work().await;
        let t = ticket(&admin, &id).await;
        assert_eq!((&t["status"], &t["first_response_at"], &t["unread_by_agent"]), (&json!("new"), &Value::Null, &json!(1)));
        let letters: Vec<_> = site.mailer.sent().into_iter().map(|e| String::from_utf8_lossy(&e.raw).into_owned()).filter(|l| l.contains("To: \"Ada\"") && l.contains("Subject: [SUP-00001] x\r\n")).collect();
        assert_eq!(letters.len(), 1, "the answer starts no other answer");
        assert!(letters[0].contains("Auto-Submitted: auto"), "{}", letters[0]);
        let public = owner.get(&format!("/api/support/tickets/{id}")).await;
        assert!(public.text.contains("We look into it.") && !public.text.contains("Rule:") && !public.text.contains("Hello"), "{}", public.text);
        // A program's address starts no rule at all.
        let body = json!({ "subject": "Undelivered", "description": "x", "category": "technical", "email": "no-reply@shop.example", "name": "Shop" });
        site.anonymous().post("/api/help/contact", body).await;
        site.work().await;
        let all = admin.get("/api/admin/support/tickets").await.expect(200);
        let program = all["items"].as_array().unwrap().iter().find(|t| t["user_email"] == "no-reply@shop.example");
        if let Some(program) = program {
            let stopped = runs(&admin, program["id"].as_str().unwrap()).await;
            assert_eq!((&stopped[0]["outcome"], &stopped[0]["reason"]), (&json!("stopped"), &json!("automatic_sender")));
        }
    }

    async fn texts_of_rules_name_the_ticket_its_customer_and_whose_it_is(world) {
        let site = Site::new(world).await;
        let (admin, owner) = (site.user("Root", Role::Admin).await, site.user("Ada Byron", Role::Customer).await);
        let ben = site.user("Ben Okafor", Role::Agent).await;
        let text = "Hello {{ customer.first_name }}, {{agent.name}} has {{ticket.number}}: {{ticket.subject}}";
        made(&admin, rule("Before", on(&["ticket_created"]), json!([]), json!([
            { "action": "add_note", "value": text }, { "action": "assign", "value": ben.user_id }, { "action": "answer", "value": text },
        ]))).await;
        // What a customer writes is a value, however it looks.
        let body = json!({ "subject": "{{tenant.name}} is *down* [Open](https://evil.example)", "description": "x", "category": "technical" });
        let id = owner.post("/api/support/tickets", body).await.expect(201)["id"].as_str().unwrap().to_owned();
        site.work().await;
        let said: Vec<String> = ticket(&admin, &id).await["messages"].as_array().unwrap().iter().skip(1).map(|m| m["body"].as_str().unwrap().to_owned()).collect();
        let business = site.world.db.read(site.world.scope(), |read| Ok(identity::tenants::get(read, read.tenant()?)?.name)).await.unwrap();
        let expected = |agent: &str| format!(r"Hello Ada, {agent} has SUP-00001: {{{{tenant.name}}}} is \*down\* \[Open\](<https://evil.example>)");
        assert_eq!(said, [expected(&business), expected("Ben Okafor")]);
    }

    async fn rules_that_would_go_round_are_refused_by_name(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let toggle = |name: &str, from: &str, to: &str| rule(name, on(&["status_changed"]), json!([{ "field": "status", "op": "is", "value": from }]), json!([{ "action": "set_status", "value": to }]));
        made(&admin, toggle("Ping", "open", "pending_customer")).await;
        let refused = admin.post(HOME, toggle("Pong", "pending_customer", "open")).await.expect(422);
        assert_eq!(refused["code"], "rule.loop");
        let text = refused.to_string();
        assert!(text.contains("Ping") && text.contains("Pong"), "{text}");
        assert_eq!(admin.get(HOME).await.expect(200)["items"].as_array().unwrap().len(), 1, "nothing was written");
        // Off it may be kept; switching it on is refused.
        let mut off = toggle("Pong", "pending_customer", "open");
        off["enabled"] = json!(false);
        let pong = made(&admin, off).await;
        let refused = admin.patch(&format!("{HOME}/{pong}"), json!({ "enabled": true })).await.expect(422);
        assert_eq!(refused["code"], "rule.loop");
        assert_eq!(admin.get(&format!("{HOME}/{pong}")).await.expect(200)["enabled"], false);
        let turn = rule("Turn", on(&["assignee_changed"]), json!([]), json!([{ "action": "assign_in_turn", "value": null }]));
        assert_eq!(admin.post(HOME, turn).await.expect(422)["code"], "rule.loop");
    }

    async fn what_cannot_be_foreseen_is_stopped_by_the_guard(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        // Each ends by what it knows of tags alone; together they start each other again by the escalation of time.
        let id = made(&admin, rule("Up", on(&["priority_changed", "tags_changed"]), json!([]), json!([{ "action": "set_priority", "value": "high" }, { "action": "add_tags", "value": ["up"] }, { "action": "add_note", "value": "looked" }]))).await;
        let ticket = owner.file("x").await;
        patch(&admin, &ticket, json!({ "priority": "urgent" })).await;
        site.work().await;
        let log = runs(&admin, &ticket).await;
        let outcomes: Vec<_> = log.iter().map(|r| (r["outcome"].as_str().unwrap(), r["reason"].as_str().unwrap_or_default())).collect();
        assert_eq!(outcomes.len(), 2);
        assert!(outcomes.contains(&("stopped", "repeats")) && outcomes.contains(&("fired", "")), "{outcomes:?}");
        // A person's change begins a chain of its own; an hour has a budget.
        for i in 0..35 {
            patch(&admin, &ticket, json!({ "priority": if i % 2 == 0 { "low" } else { "urgent" } })).await;
            site.work().await;
        }
        let log = admin.get(&format!("{HOME}/{id}/runs?outcome=stopped&limit=100")).await.expect(200);
        assert!(log["items"].as_array().unwrap().iter().any(|r| r["reason"] == "budget"), "{log}");
        let fired = admin.get(&format!("{HOME}/{id}/runs?outcome=fired&limit=100")).await.expect(200);
        assert_eq!(fired["items"].as_array().unwrap().len(), 30);
    }

    async fn what_a_rule_did_meanwhile_holds_up_no_undo_but_of_what_it_set(world) {
        let site = Site::new(world).await;
        let at = |id: &str| format!("/api/admin/support/tickets/{id}");
        let (admin, owner) = (site.user("Root", Role::Admin).await, site.user("Ada", Role::Customer).await);
        made(&admin, rule("Tell the team", on(&["priority_changed"]), json!([{ "field": "priority", "op": "is", "value": "urgent" }]), json!([{ "action": "add_note", "value": "Look at this one." }]))).await;
        made(&admin, rule("Calm down", on(&["tags_changed"]), json!([{ "field": "tags", "op": "has", "value": "calm" }]), json!([{ "action": "set_priority", "value": "low" }]))).await;
        let ids = [owner.file("a").await, owner.file("b").await];
        let theirs = site.neighbour("Eve", Role::Customer).await.file("next door").await;
        admin.patch(&at(&ids[1]), json!({ "category": "billing" })).await.expect(200);
        let ask = json!({ "ids": ids, "changes": { "priority": "urgent" } });
        let done = admin.post("/api/admin/support/tickets/bulk", ask).await.expect(200);
        site.work().await;
        assert_eq!(admin.get(&at(&ids[0])).await.expect(200)["message_count"], 2, "the rule left a note");
        admin.patch(&at(&ids[1]), json!({ "tags": ["calm"] })).await.expect(200);
        site.work().await;
        assert_eq!(admin.get(&at(&ids[1])).await.expect(200)["priority"], "low");
        let undo = format!("/api/admin/support/bulk/{}/undo", done["id"].as_str().unwrap());
        let undone = admin.post(&undo, json!({})).await.expect(200);
        assert_eq!(undone["restored"], 1);
        assert_eq!((&undone["items"][0]["outcome"], &undone["items"][0]["reason"]), (&json!("restored"), &Value::Null));
        let reason = undone["items"][1]["reason"].as_str().unwrap();
        assert_eq!((undone["items"][1]["outcome"].as_str(), reason), (Some("kept"), "nothing is taken back: priority (the rule \u{201c}Calm down\u{201d} changed it since)"));
        let now = admin.get(&at(&ids[0])).await.expect(200);
        assert_eq!((&now["priority"], &now["status"]), (&json!("normal"), &json!("new")));
        assert_eq!(site.neighbour("Nora", Role::Admin).await.get(&at(&theirs)).await.expect(200)["priority"], "normal");
    }

    async fn rules_start_each_other_in_order_until_one_says_stop(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        let first = made(&admin, rule("First", on(&["ticket_created"]), json!([]), json!([{ "action": "add_tags", "value": ["seen"] }, { "action": "stop" }]))).await;
        let second = made(&admin, rule("Second", on(&["ticket_created"]), json!([]), json!([{ "action": "set_priority", "value": "low" }]))).await;
        made(&admin, rule("Chained", on(&["tags_changed"]), json!([{ "field": "tags", "op": "has", "value": "seen" }]), json!([{ "action": "set_category", "value": "billing" }]))).await;
        let id = owner.file("x").await;
        site.work().await;
        let t = ticket(&admin, &id).await;
        assert_eq!((&t["priority"], &t["category"]), (&json!("normal"), &json!("billing")));
        let all: Vec<String> = admin.get(HOME).await.expect(200)["items"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap().into()).collect();
        admin.post(&format!("{HOME}/order"), json!({ "ids": [second] })).await.expect(422);
        let ordered = admin.post(&format!("{HOME}/order"), json!({ "ids": [second, first, all[2]] })).await.expect(200);
        assert_eq!(ordered["items"][0]["name"], "Second");
        let id = owner.file("y").await;
        site.work().await;
        assert_eq!(ticket(&admin, &id).await["priority"], "low");
    }

    async fn a_dry_run_tells_what_would_be_and_changes_nothing(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        let agent = site.user("Ann", Role::Agent).await;
        let team = team(&admin, "Support", &[&agent]).await;
        for i in 0..5 {
            owner.file(&format!("{} {i}", if i < 3 { "router" } else { "invoice" })).await;
        }
        site.work().await;
        let body = rule("Routers", on(&["ticket_created"]), json!([{ "field": "subject", "op": "contains", "value": "router" }]), json!([{ "action": "set_priority", "value": "high" }, { "action": "assign_in_turn", "value": team }, { "action": "answer", "value": "Hello" }]));
        let mut off = body.clone();
        off["enabled"] = json!(false);
        let id = made(&admin, off).await;
        let before = all_rows(&site).await;
        let mut unsaved = json!({ "trigger": body["trigger"], "all": body["all"], "actions": body["actions"], "days": 7, "limit": 2 });
        let found = admin.post(&format!("{HOME}/dry-run"), unsaved.clone()).await.expect(200);
        assert_eq!((&found["looked_at"], &found["matched"], &found["is_capped"], &found["judged"]), (&json!(5), &json!(3), &json!(false), &json!("now")));
        let would = &found["items"][0];
        assert_eq!(would["actions"][0], json!({ "action": "set_priority", "result": "done", "from": "normal", "to": "high" }));
        assert_eq!(would["actions"][1]["to"], json!(agent.user_id));
        unsaved["cursor"] = found["next_cursor"].clone();
        let next = admin.post(&format!("{HOME}/dry-run"), unsaved).await.expect(200);
        assert_eq!((next["items"].as_array().unwrap().len(), &next["next_cursor"]), (1, &Value::Null));
        let one = admin.post(&format!("{HOME}/{id}/dry-run"), json!({ "ticket": "sup-00005" })).await.expect(200);
        assert_eq!((&one["items"][0]["matches"], &one["items"][0]["conditions"][0]["holds"]), (&json!(false), &json!(false)));
        admin.post(&format!("{HOME}/{id}/dry-run"), json!({ "ticket": "SUP-99999" })).await.expect(422);
        admin.post(&format!("{HOME}/{id}/dry-run"), json!({ "days": 91 })).await.expect(422);
        admin.get(&format!("/admin/rules/{id}/dry-run?days=30")).await.expect_status(200);
        assert_eq!(all_rows(&site).await, before);
    }

    async fn bad_rules_are_refused_by_the_path_of_what_is_wrong(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let good = rule("Good", on(&["ticket_created"]), json!([]), json!([{ "action": "set_priority", "value": "high" }]));
        let cases = [
            ("all[0].value", json!({ "all": [{ "field": "priority", "op": "is", "value": "hgih" }] })),
            ("all[1].op", json!({ "all": [{ "field": "priority", "op": "is", "value": "high" }, { "field": "tags", "op": "is", "value": "x" }] })),
            ("any[0].value", json!({ "any": [{ "field": "team", "op": "is", "value": "00000000-0000-7000-8000-000000000000" }] })),
            ("all[0].value", json!({ "all": [{ "field": "subject", "op": "contains", "value": "!!" }] })),
            ("actions[0].value", json!({ "actions": [{ "action": "set_category", "value": "nope" }] })),
            ("actions[0].value", json!({ "actions": [{ "action": "set_status", "value": "new" }] })),
            ("actions[0].value", json!({ "actions": [{ "action": "assign", "value": "00000000-0000-7000-8000-000000000000" }] })),
            ("actions[0].value", json!({ "actions": [{ "action": "answer", "value": "Hello {{customer.nmae}}" }] })),
            ("actions", json!({ "actions": [] })),
            ("trigger.events", json!({ "trigger": { "kind": "event", "events": [] } })),
            ("trigger.minutes", json!({ "trigger": { "kind": "time", "anchor": "created", "minutes": -5 } })),
            ("trigger.status", json!({ "trigger": { "kind": "time", "anchor": "entered_status", "minutes": 5 } })),
            ("name", json!({ "name": "" })),
        ];
        for (path, change) in cases {
            let mut body = good.clone();
            for (k, v) in change.as_object().unwrap() {
                body[k] = v.clone();
            }
            let refused = admin.post(HOME, body).await.expect(422);
            assert_eq!(refused["errors"][0]["field"], path, "{refused}");
        }
        for (start, change) in [
            ("all[0]", json!({ "all": [{ "field": "colour", "op": "is", "value": "x" }] })),
            ("all[0]", json!({ "all": [{ "field": "priority", "op": "is", "value": "high", "more": 1 }] })),
            ("actions[0]", json!({ "actions": [{ "action": "explode", "value": "x" }] })),
            ("trigger", json!({ "trigger": { "kind": "event", "events": ["ticket_created"], "more": 1 } })),
        ] {
            let mut body = good.clone();
            for (k, v) in change.as_object().unwrap() {
                body[k] = v.clone();
            }
            let refused = admin.post(HOME, body).await.expect(422);
            assert!(refused["errors"][0]["field"].as_str().unwrap().starts_with(start), "{refused}");
        }
        assert_eq!(admin.get(HOME).await.expect(200)["items"], json!([]));
        let id = made(&admin, good).await;
        let path = format!("{HOME}/{id}");
        let tag = admin.get(&path).await.etag();
        admin.json("PATCH", &path, &[("if-match", &tag)], json!({ "name": "Better" })).await.expect(200);
        admin.json("PATCH", &path, &[("if-match", &tag)], json!({ "name": "Stale" })).await.expect(412);
        assert_eq!(admin.get(&path).await.expect(200)["name"], "Better");
        admin.send("DELETE", &path, &[], Vec::new()).await.expect_status(204);
        admin.get(&path).await.expect_status(404);
    }

    async fn a_rule_whose_action_is_refused_leaves_nothing_and_says_so(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        made(&admin, rule("Fails", on(&["ticket_created"]), json!([]), json!([{ "action": "add_note", "value": "half" }, { "action": "set_category", "value": "billing" }]))).await;
        made(&admin, rule("Goes on", on(&["ticket_created"]), json!([]), json!([{ "action": "add_tags", "value": ["ok"] }]))).await;
        admin.patch("/api/admin/categories/billing", json!({ "archived": true })).await.expect(200);
        let id = owner.file("x").await;
        site.work().await;
        let t = ticket(&admin, &id).await;
        assert_eq!((&t["tags"], &t["message_count"]), (&json!(["ok"]), &json!(1)));
        let log = runs(&admin, &id).await;
        let failed = log.iter().find(|r| r["rule_name"] == "Fails").unwrap();
        assert_eq!(failed["outcome"], "failed");
        assert!(failed["reason"].as_str().unwrap().contains("category"), "{failed}");
        let before = count(&site, &COUNT_RUNS).await;
        assert!(before >= 2);
        site.world.clock.advance(hours(24 * 31));
        site.schedules().await;
        site.world.clock.advance(minutes(11));
        site.schedules().await;
        assert_eq!(count(&site, &COUNT_RUNS).await, 0, "runs are kept for 30 days");
    }

    async fn pages_work_without_javascript(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let page = admin.get("/admin/rules/new").await;
        let csrf = page.text.split("name=\"csrf\" value=\"").nth(1).and_then(|r| r.split('"').next()).unwrap().to_owned();
        let post = async |path: &str, body: &str| {
            let body = format!("csrf={csrf}&{body}").into_bytes();
            admin.send("POST", path, &[kind, ("sec-fetch-site", "same-origin")], body).await
        };
        let plain = "name=Sorted&kind=event&events=ticket_created&enabled=true&days=30";
        let added = post("/admin/rules/new", &format!("{plain}&new_all=priority&do=add_all")).await;
        assert_eq!(added.status, 200);
        assert!(added.text.contains("name=\"all[0].field\" value=\"priority\""), "{}", added.text);
        let row = "&all[0].field=priority&all[0].op=is&all[0].value=normal&all[1].field=tags&all[1].op=has&all[1].value=x";
        let removed = post("/admin/rules/new", &format!("{plain}{row}&do=remove+all[1]")).await;
        assert!(removed.text.contains("all[0].field") && !removed.text.contains("all[1].field"), "{}", removed.text);
        let row = "&all[0].field=priority&all[0].op=is&all[0].value=normal&actions[0].action=add_tags&actions[0].value=sorted";
        let empty = post("/admin/rules/new", &format!("{plain}&do=save")).await;
        assert_eq!(empty.status, 422);
        assert!(empty.text.contains("problem-summary"));
        owner.file("looked at").await;
        let tried = post("/admin/rules/new", &format!("{plain}{row}&do=try")).await;
        assert!(tried.status == 200 && tried.text.contains("looked at"), "{}", tried.text);
        assert_eq!(admin.get(HOME).await.expect(200)["items"], json!([]));
        let saved = post("/admin/rules/new", &format!("{plain}{row}&do=save")).await;
        assert_eq!(saved.status, 303, "{}", saved.text);
        let at = saved.headers["location"].to_str().unwrap().to_owned();
        let id = owner.file("sorted by itself").await;
        site.work().await;
        let shown = admin.get(&at).await;
        assert!(shown.text.contains("Fired") && shown.text.contains("Priority is Normal"), "{}", shown.text);
        let why = admin.get(&format!("/desk/tickets/{id}/rules")).await;
        assert!(why.status == 200 && why.text.contains("Sorted"), "{}", why.text);
        let edit = admin.get(&format!("{at}/edit")).await;
        assert!(edit.text.contains("value=\"sorted\""), "{}", edit.text);
        assert_eq!(post(&format!("{at}/disable"), "").await.status, 303);
        assert_eq!(admin.get(HOME).await.expect(200)["items"][0]["enabled"], false);
        assert!(admin.get("/admin/rules").await.text.contains("Sorted"));
        assert_eq!(post("/desk/account/away", "away=true&until=").await.status, 303);
        assert_eq!(admin.get("/api/auth/me/away").await.expect(200)["is_away"], true);
        assert!(admin.get("/desk/account").await.text.contains("You are away"));
        assert_eq!(post("/desk/account/away", "away=true&until=2001-01-01T00:00").await.status, 422);
        assert_eq!(post(&format!("{at}/delete"), "").await.status, 200, "it asks first");
        assert_eq!(post(&format!("{at}/delete"), "confirmed=true").await.status, 303);
        assert_eq!(admin.get(HOME).await.expect(200)["items"], json!([]));
    }
}
