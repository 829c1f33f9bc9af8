//! Saved views, counters and changes of many tickets, over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::{Role, seconds};
use serde_json::{Value, json};
use support::{Client, Site, browser::Browser};
use testkit::both_engines;

const VIEWS: &str = "/api/admin/support/views";
const BULK: &str = "/api/admin/support/tickets/bulk";

fn at(id: &str) -> String {
    format!("/api/admin/support/tickets/{id}")
}

async fn counts(who: &Client) -> Value {
    let list = who.get(&format!("{VIEWS}?counts=true")).await.expect(200);
    let of = |v: &Value| (v["key"].as_str().unwrap().to_owned(), v["count"].clone());
    Value::Object(list["items"].as_array().unwrap().iter().map(of).collect())
}

async fn several(site: &Site, ada: &Client, n: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for i in 0..n {
        site.world.clock.advance(seconds(1));
        ids.push(ada.file(&format!("t{i}")).await);
    }
    ids
}

both_engines! {
    async fn counters_follow_what_happens(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        site.neighbour("Eve", Role::Customer).await.file("next door").await;
        let ids = several(&site, &ada, 4).await;
        let now = counts(&ben).await;
        assert_eq!((&now["inbox"], &now["unassigned"], &now["mine"], &now["overdue"]), (&json!(4), &json!(4), &json!(0), &json!(0)));
        ben.patch(&at(&ids[0]), json!({ "assigned_to": "me" })).await.expect(200);
        ben.patch(&at(&ids[1]), json!({ "status": "pending_customer" })).await.expect(200);
        ben.patch(&at(&ids[2]), json!({ "status": "resolved" })).await.expect(200);
        ben.post(&format!("{}/snooze", at(&ids[3])), json!({ "until": null })).await.expect(200);
        site.world.clock.advance(base::hours(30));
        let now = counts(&ben).await;
        let of = |key: &str| now[key].as_u64().unwrap();
        assert_eq!([of("inbox"), of("mine"), of("unassigned"), of("waiting"), of("snoozed"), of("resolved"), of("overdue")], [1, 1, 1, 1, 1, 1, 2]);
        // A technician counts what is theirs.
        let tess = site.user("Tess", Role::Technician).await;
        assert_eq!(counts(&tess).await["inbox"], 0);
    }

    async fn a_view_is_saved_shared_and_asked_for(world) {
        let site = Site::new(world).await;
        let (ada, ben, cy, root) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await, site.user("Cy", Role::Agent).await, site.user("Root", Role::Admin).await);
        let ids = several(&site, &ada, 3).await;
        ben.patch(&at(&ids[0]), json!({ "priority": "urgent" })).await.expect(200);
        let team = root.post("/api/admin/teams", json!({ "name": "Field", "members": [ben.user_id] })).await.expect(201)["id"].clone();
        let urgent = json!({ "name": "Urgent ones", "query": { "priority": "urgent" } });
        let key = [("idempotency-key", "v1")];
        let view = ben.json("POST", VIEWS, &key, urgent.clone()).await.expect(201);
        assert_eq!(ben.json("POST", VIEWS, &key, urgent).await.expect(201)["id"], view["id"]);
        let id = view["id"].as_str().unwrap().to_owned();
        let list = ben.get(&format!("/api/admin/support/tickets?view={id}")).await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert_eq!(counts(&ben).await[&id], 1);
        assert!(ben.get("/desk").await.text.contains("Urgent ones"));
        assert!(ben.get(&format!("/desk?view={id}")).await.text.contains("t0"));
        // Personal: nobody else's, not the admin's either.
        for other in [&cy, &root] {
            other.get(&format!("/api/admin/support/tickets?view={id}")).await.expect(404);
            assert!(!other.get("/desk").await.text.contains("Urgent ones"));
        }
        let path = format!("{VIEWS}/{id}");
        ben.patch(&path, json!({ "is_for_all": true })).await.expect(403);
        cy.patch(&path, json!({ "name": "Mine now" })).await.expect(404);
        ben.patch(&path, json!({ "team_id": team })).await.expect(200);
        cy.get(&format!("/api/admin/support/tickets?view={id}")).await.expect(404);
        root.patch("/api/admin/teams/x", json!({})).await.expect_status(404);
        let members = json!({ "members": [ben.user_id, cy.user_id] });
        root.patch(&format!("/api/admin/teams/{}", team.as_str().unwrap()), members).await.expect(200);
        cy.get(&format!("/api/admin/support/tickets?view={id}")).await.expect(200);
        cy.patch(&path, json!({ "name": "Mine now" })).await.expect(403);
        for wrong in [json!({ "name": "x", "query": { "priority": "hgih" } }), json!({ "name": "x", "query": { "colour": "red" } }), json!({ "name": " " })] {
            let refused = ben.post(VIEWS, wrong).await.expect(422);
            assert!(refused["errors"][0]["field"].is_string(), "{refused}");
        }
        let there = site.neighbour("Eve", Role::Admin).await;
        there.get(&format!("/api/admin/support/tickets?view={id}")).await.expect(404);
        ben.json("DELETE", &path, &[], json!({})).await.expect(204);
        cy.get(&format!("/api/admin/support/tickets?view={id}")).await.expect(404);
    }

    async fn many_change_in_one_request_and_back_where_nobody_touched_them(world) {
        let site = Site::new(world).await;
        let (ada, ben, cy) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await, site.user("Cy", Role::Agent).await);
        let ids = several(&site, &ada, 5).await;
        cy.patch(&at(&ids[4]), json!({ "assigned_to": "me" })).await.expect(200);
        let before: Vec<Value> = { let mut all = Vec::new(); for id in &ids { all.push(ben.get(&at(id)).await.expect(200)); } all };
        let ask = json!({ "ids": ids, "changes": { "priority": "urgent", "status": "pending_customer", "assigned_to": "me", "add_tags": ["outage"] } });
        let key = [("idempotency-key", "b1")];
        let done = ben.json("POST", BULK, &key, ask.clone()).await.expect(200);
        assert_eq!((&done["done"], &done["failed"], &done["status"]), (&json!(4), &json!(1), &json!("done")));
        assert_eq!(done["items"][4]["outcome"], "failed");
        assert!(done["items"][4]["reason"].as_str().unwrap().contains("Cy"), "says who has it");
        assert_eq!(ben.json("POST", BULK, &key, ask).await.expect(200)["id"], done["id"], "the same request again does nothing");
        let one = ben.get(&at(&ids[0])).await.expect(200);
        assert_eq!((&one["priority"], &one["tags"], &one["version"]), (&json!("urgent"), &json!(["outage"]), &one["version"]));
        // Somebody works on one of them; the others go back exactly.
        ben.patch(&at(&ids[1]), json!({ "priority": "low" })).await.expect(200);
        cy.post(&format!("/api/admin/support/bulk/{}/undo", done["id"].as_str().unwrap()), json!({})).await.expect(403);
        let undone = ben.post(&format!("/api/admin/support/bulk/{}/undo", done["id"].as_str().unwrap()), json!({})).await.expect(200);
        assert_eq!((&undone["status"], &undone["restored"]), (&json!("undone"), &json!(4)));
        let reason = undone["items"][1]["reason"].as_str().unwrap();
        assert_eq!(reason, "stays as it is: open (Ben worked on it since); priority (Ben changed it since)");
        assert_eq!((&undone["items"][0]["outcome"], &undone["items"][0]["reason"]), (&json!("restored"), &Value::Null));
        for (n, was) in before.iter().enumerate() {
            let now = ben.get(&at(&ids[n])).await.expect(200);
            let same = |field: &str| assert_eq!(now[field], was[field], "{field} of {n}");
            if n == 1 {
                // What Ben set stays, and a ticket that somebody worked on is not new.
                assert_eq!((&now["priority"], &now["status"]), (&json!("low"), &json!("open")));
                for field in ["assigned_to", "tags", "team_id", "category", "resolved_at"] {
                    same(field);
                }
                continue;
            }
            for field in ["status", "priority", "assigned_to", "tags", "due_at", "team_id", "category", "resolved_at", "closed_at"] {
                same(field);
            }
        }
        ben.post(&format!("/api/admin/support/bulk/{}/undo", done["id"].as_str().unwrap()), json!({})).await.expect(409);
    }

    async fn a_number_that_nobody_has_fails_in_its_place(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let ids = several(&site, &ada, 2).await;
        let there = site.neighbour("Eve", Role::Customer).await.file("next door").await;
        let numbers: Vec<Value> = { let mut all = Vec::new(); for id in &ids { all.push(ben.get(&at(id)).await.expect(200)["ticket_number"].clone()); } all };
        let ask = json!({ "ids": [numbers[0], "SUP-99999", "nonsense", there, numbers[1], "SUP-99999"], "changes": { "priority": "high" } });
        let done = ben.post(BULK, ask).await.expect(200);
        assert_eq!((&done["total"], &done["done"], &done["failed"], &done["status"]), (&json!(5), &json!(2), &json!(3), &json!("done")));
        let outcomes: Vec<&str> = done["items"].as_array().unwrap().iter().map(|i| i["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["changed", "failed", "failed", "failed", "changed"]);
        assert_eq!((&done["items"][1]["ticket_id"], &done["items"][3]["ticket_id"]), (&Value::Null, &json!(there)));
        assert!(done["items"][1]["reason"].as_str().unwrap().contains("SUP-99999"), "{done}");
        assert_eq!(ben.get(&at(&ids[1])).await.expect(200)["priority"], "high");
        let none = ben.post(BULK, json!({ "ids": ["SUP-99998"], "changes": { "priority": "low" } })).await.expect(200);
        assert_eq!((&none["done"], &none["failed"], &none["status"]), (&json!(0), &json!(1), &json!("done")));
        let undo = format!("/api/admin/support/bulk/{}/undo", done["id"].as_str().unwrap());
        assert_eq!(ben.post(&undo, json!({})).await.expect(200)["restored"], 2);
        let page = Browser::new(ben.clone()).await.page(&format!("/desk/bulk/{}", done["id"].as_str().unwrap())).await;
        assert!(page.contains("SUP-99999"), "{page}");
    }

    async fn a_large_change_is_tried_again_behind_the_answer(world) {
        let site = Site::new(world).await;
        let (ada, ben, cy) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await, site.user("Cy", Role::Agent).await);
        let ids = several(&site, &ada, 230).await;
        for id in &ids { ben.patch(&at(id), json!({ "status": "open" })).await.expect(200); }
        site.world.clock.advance(seconds(1));
        let all = |priority: &str| json!({ "filter": { "status": "open" }, "changes": { "priority": priority } });
        let mut undo = Vec::new();
        for (who, priority) in [(&ben, "urgent"), (&cy, "low")] {
            let begun = who.post(BULK, all(priority)).await;
            begun.expect_status(202);
            site.work().await;
            site.world.clock.advance(seconds(1));
            undo.push(format!("{}/undo", begun.headers["location"].to_str().unwrap()));
        }
        let restored = async |who: &Client, path: &str| {
            who.post(path, json!({})).await.expect(202);
            site.work().await;
            site.world.clock.advance(seconds(1));
            let now = who.get(path.strip_suffix("/undo").unwrap()).await.expect(200);
            assert_eq!(now["status"], "undone");
            now["restored"].clone()
        };
        assert_eq!(restored(&ben, &undo[0]).await, 0);
        assert_eq!(restored(&cy, &undo[1]).await, 230);
        assert_eq!(restored(&ben, &undo[0]).await, 230);
        assert_eq!(ben.get(&at(&ids[229])).await.expect(200)["priority"], "normal");
        ben.post(&undo[0], json!({})).await.expect(409);
    }

    async fn short_lists_are_whole_or_in_parts(world) {
        let site = Site::new(world).await;
        let (ada, root) = (site.user("Ada", Role::Customer).await, site.user("Root", Role::Admin).await);
        let id = ada.file("x").await;
        root.patch(&at(&id), json!({ "priority": "high", "category": "billing" })).await.expect(200);
        for name in ["a", "b", "c"] {
            root.post("/api/admin/teams", json!({ "name": name, "members": [] })).await.expect(201);
            root.post("/api/admin/api-keys", json!({ "name": name, "scope": "read" })).await.expect(201);
            root.post("/api/admin/support/macros", json!({ "name": name, "changes": { "priority": "low" } })).await.expect(201);
            root.post("/api/admin/support/canned-replies", json!({ "name": name, "body": "x" })).await.expect(201);
            root.post("/api/admin/support/blocked-senders", json!({ "email": format!("{name}@spam.example") })).await.expect(201);
            root.post("/api/admin/channels", json!({ "address": format!("{name}@here.example") })).await.expect(201);
        }
        for list in [VIEWS, "/api/admin/teams", "/api/admin/api-keys", "/api/admin/support/macros", "/api/admin/support/canned-replies", "/api/admin/support/blocked-senders",
            "/api/admin/channels", "/api/admin/support/reports", &format!("/api/support/events?ticket={id}")] {
            let join = if list.contains('?') { '&' } else { '?' };
            let whole = root.get(list).await.expect(200);
            assert_eq!(whole["next_cursor"], Value::Null, "{list}");
            let whole = whole["items"].as_array().unwrap().clone();
            assert!(whole.len() >= 3, "{list}");
            let (mut parts, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = root.get(&format!("{list}{join}limit=2{cursor}")).await.expect(200);
                let items = page["items"].as_array().unwrap().clone();
                assert!(items.len() <= 2, "{list}");
                parts.extend(items);
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(parts, whole, "{list}");
            for wrong in ["limit=0", "limit=101", "limit=x", "cursor=x"] {
                let refused = root.get(&format!("{list}{join}{wrong}")).await.expect(422);
                assert_eq!(refused["errors"][0]["field"], wrong.split('=').next().unwrap(), "{list}");
            }
        }
        // The neighbour's are none of these.
        let there = site.neighbour("Eve", Role::Admin).await;
        assert_eq!(there.get("/api/admin/teams?limit=2").await.expect(200)["items"], json!([]));
    }

    async fn what_is_taken_back_is_the_act_of_whoever_takes_it_back(world) {
        let site = Site::new(world).await;
        let (ada, ben, root) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await, site.user("Root", Role::Admin).await);
        let ids = several(&site, &ada, 2).await;
        let undo = |done: &Value| format!("/api/admin/support/bulk/{}/undo", done["id"].as_str().unwrap());
        let done = ben.post(BULK, json!({ "ids": ids, "changes": { "priority": "urgent" } })).await.expect(200);
        site.neighbour("Their Root", Role::Admin).await.post(&undo(&done), json!({})).await.expect(404);
        root.post(&undo(&done), json!({})).await.expect(200);
        for id in &ids {
            let t = ben.get(&at(id)).await.expect(200);
            assert_eq!((&t["priority"], &t["updated_by"]), (&json!("normal"), &json!("Root")));
            let lines = &t["audits"];
            let by = |what: &str| lines.as_array().unwrap().iter().find(|l| l["event_type"] == what).map(|l| l["actor"]["name"].clone());
            assert_eq!((by("priority_changed"), by("undone")), (Some(json!("Ben")), Some(json!("Root"))), "{lines}");
        }
        // Two keys of one name are two.
        let (one, other) = (site.key(identity::KeyScope::Write).await, site.key(identity::KeyScope::Write).await);
        let done = one.post(BULK, json!({ "ids": ids, "changes": { "add_tags": ["x"] } })).await.expect(200);
        other.post(&undo(&done), json!({})).await.expect(403);
        assert_eq!(one.post(&undo(&done), json!({})).await.expect(200)["restored"], 2);
    }

    async fn one_that_fails_half_way_leaves_the_others_and_nothing_of_itself(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let ids = several(&site, &ada, 5).await;
        ben.patch(&at(&ids[2]), json!({ "status": "resolved" })).await.expect(200);
        let before = ben.get(&at(&ids[2])).await.expect(200);
        // The priority's line of history is written before the status turns out to be no move.
        let changes = json!({ "priority": "urgent", "status": "pending_customer", "add_tags": ["outage"] });
        let done = ben.post(BULK, json!({ "ids": ids, "changes": changes })).await.expect(200);
        assert_eq!((&done["done"], &done["failed"]), (&json!(4), &json!(1)), "{done}");
        assert!(done["items"][2]["reason"].as_str().unwrap().contains("possible from here"), "{done}");
        assert_eq!(ben.get(&at(&ids[2])).await.expect(200), before);
        for id in [&ids[0], &ids[1], &ids[3], &ids[4]] {
            let now = ben.get(&at(id)).await.expect(200);
            assert_eq!((&now["priority"], &now["status"], &now["tags"]), (&json!("urgent"), &json!("pending_customer"), &json!(["outage"])));
        }
        let (sums, recount) = site.world.db.read(site.world.scope(), |r| Ok((desk::tickets::counts::sums(r)?, desk::tickets::counts::recount(r)?))).await.unwrap();
        assert_eq!(sums, recount);
        // Back again: the tags too, and nothing at the one that never changed.
        let undo = format!("/api/admin/support/bulk/{}/undo", done["id"].as_str().unwrap());
        assert_eq!(ben.post(&undo, json!({})).await.expect(200)["restored"], 4);
        assert_eq!(ben.get(&at(&ids[2])).await.expect(200), before);
        let now = ben.get(&at(&ids[0])).await.expect(200);
        assert_eq!((&now["status"], &now["priority"], &now["tags"]), (&json!("new"), &json!("normal"), &json!([])));
    }

    async fn of_several_who_change_one_ticket_at_once_each_sees_what_the_other_did(world) {
        let site = Site::new(world).await;
        let ada = site.user("Ada", Role::Customer).await;
        let id: base::Id<desk::tickets::Ticket> = ada.file("busy").await.parse().unwrap();
        let staff = identity::Staff { user_id: None, role: Role::Admin, actor: base::Actor::system(), read_only: false };
        let change = |category: &'static str, seen: Option<i64>| {
            let (db, scope, staff) = (site.world.db.clone(), site.world.scope(), staff.clone());
            tokio::spawn(async move {
                db.write(scope, move |tx| {
                    let patch = desk::tickets::TicketPatch { category: Some(category.into()), expected_version: seen, ..Default::default() };
                    let changed = desk::tickets::change(tx, &identity::Settings::default(), &staff, id, patch);
                    // Holds the row while the others come.
                    std::thread::sleep(std::time::Duration::from_millis(60));
                    changed
                }).await
            })
        };
        let first = site.world.db.read(site.world.scope(), move |r| desk::tickets::query::get(r, id)).await.unwrap();
        let tries: Vec<_> = ["billing", "other", "billing", "other"].into_iter().map(|c| change(c, Some(first.version))).collect();
        let mut won = 0;
        for one in tries {
            match one.await.unwrap() {
                Ok(_) => won += 1,
                Err(e) => assert_eq!(e.kind(), base::Kind::Stale, "{e}"),
            }
        }
        assert_eq!(won, 1, "who saw the ticket before the first change is told so");
        let tries: Vec<_> = ["technical", "billing", "other", "technical"].into_iter().map(|c| change(c, None)).collect();
        let mut versions = Vec::new();
        for one in tries {
            versions.push(one.await.unwrap().unwrap().version);
        }
        let now = site.world.db.read(site.world.scope(), move |r| desk::tickets::query::get(r, id)).await.unwrap();
        assert_eq!(now.version, *versions.iter().max().unwrap());
        // A version is given twice only where a change was none.
        let lines = site.world.db.read(site.world.scope(), move |r| desk::tickets::query::audits(r, id)).await.unwrap();
        let moves: Vec<_> = lines.iter().filter(|a| a.event_type == "category_changed").map(|a| (a.from.clone(), a.to.clone())).collect();
        assert!(moves.windows(2).all(|w| w[0].1 == w[1].0), "each began where the one before it ended: {moves:?}");
        assert_eq!(now.version - first.version, moves.len() as i64);
    }

    async fn views_of_others_neither_use_up_nor_hide_ones_own(world) {
        let site = Site::new(world).await;
        let (root, ben) = (site.user("Root", Role::Admin).await, site.user("Ben", Role::Agent).await);
        for n in 0..50 {
            let new = json!({ "name": format!("a{n:02}"), "query": { "status": "open" }, "is_for_all": true });
            root.post(VIEWS, new).await.expect(201);
        }
        let own = |n: usize| json!({ "name": format!("z{n:02}"), "query": { "status": "open" } });
        for n in 0..50 {
            ben.post(VIEWS, own(n)).await.expect(201);
        }
        assert_eq!(ben.post(VIEWS, own(50)).await.expect(409)["code"], "view.too_many");
        let list = ben.get(VIEWS).await.expect(200);
        let of = |letter: &str| list["items"].as_array().unwrap().iter().filter(|v| v["name"].as_str().is_some_and(|n| n.starts_with(letter) && n.len() == 3)).count();
        assert_eq!((of("a"), of("z")), (50, 50), "{list}");
    }

    async fn many_are_merged_and_taken_out_again(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let ids = several(&site, &ada, 3).await;
        let done = ben.post(BULK, json!({ "ids": ids, "changes": { "merge_into": ids[0] } })).await.expect(200);
        assert_eq!((&done["done"], &done["total"]), (&json!(2), &json!(2)));
        assert_eq!(ben.get(&at(&ids[0])).await.expect(200)["message_count"], 3);
        ben.post(&format!("/api/admin/support/bulk/{}/undo", done["id"].as_str().unwrap()), json!({})).await.expect(200);
        assert_eq!(ben.get(&at(&ids[0])).await.expect(200)["message_count"], 1);
        let both = json!({ "ids": ids, "changes": { "merge_into": ids[0], "priority": "low" } });
        assert_eq!(ben.post(BULK, both).await.expect(422)["errors"][0]["code"], "bulk.merge_alone");
    }

    async fn a_small_change_goes_on_when_whoever_asked_has_gone(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let ids = several(&site, &ada, 60).await;
        let tickets: Vec<base::Id<desk::Ticket>> = ids.iter().map(|id| id.parse().unwrap()).collect();
        let (user, name) = (ben.user_id.unwrap(), "Ben".to_owned());
        // What the request writes before it changes the first: then its connection is cut, or the server stops.
        let id = site.world.db.write(site.world.scope(), move |tx| {
            let actor = base::Actor { kind: base::ActorKind::Agent, id: Some(user), name };
            let staff = identity::Staff { user_id: Some(base::Id::from_uuid(user)), role: Role::Agent, actor, read_only: false };
            let changes = desk::bulk::Changes { priority: Some(desk::tickets::Priority::Urgent), ..Default::default() };
            let id = desk::bulk::begin(tx, &staff, changes, tickets.len())?.id;
            desk::bulk::collect(tx, id, 1, &tickets)?;
            desk::bulk::collect(tx, id, 1, &tickets)?;
            desk::bulk::start(tx, id)?;
            // The first piece was done within the request.
            desk::bulk::run_batch(tx, id, 0)?;
            Ok(id)
        }).await.unwrap();
        site.work().await;
        let path = format!("/api/admin/support/bulk/{id}");
        let done = ben.get(&path).await.expect(200);
        assert_eq!((&done["status"], &done["done"], &done["failed"]), (&json!("done"), &json!(60), &json!(0)));
        site.user("Root", Role::Admin).await.post(&format!("{path}/undo"), json!({})).await.expect(200);
        site.work().await;
        assert_eq!(ben.get(&path).await.expect(200)["restored"], 60);
        assert_eq!(ben.get(&at(&ids[59])).await.expect(200)["priority"], "normal");
    }

    async fn what_is_taken_back_is_found_as_before_and_goes_to_nobody_who_is_gone(world) {
        let site = Site::new(world).await;
        let (ada, ben, root) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await, site.user("Root", Role::Admin).await);
        let ids = several(&site, &ada, 3).await;
        let found = async |q: &str| ben.get(&format!("/api/admin/support/tickets?q={q}")).await.expect(200)["items"].as_array().unwrap().len();
        let done = ben.post(BULK, json!({ "ids": ids, "changes": { "add_tags": ["recall"] } })).await.expect(200);
        assert_eq!(found("recall").await, 3);
        let undo = |done: &Value| format!("/api/admin/support/bulk/{}/undo", done["id"].as_str().unwrap());
        ben.post(&undo(&done), json!({})).await.expect(200);
        assert_eq!(found("recall").await, 0);
        // Tickets of a team that is gone when its change is taken back stay where they are, and say why.
        let mut teams = Vec::new();
        for name in ["Old", "New"] {
            teams.push(root.post("/api/admin/teams", json!({ "name": name, "members": [] })).await.expect(201)["id"].as_str().unwrap().to_owned());
        }
        root.patch(&at(&ids[0]), json!({ "team_id": teams[0] })).await.expect(200);
        let done = root.post(BULK, json!({ "ids": ids, "changes": { "team_id": teams[1] } })).await.expect(200);
        Browser::new(root.clone()).await.done(&format!("/admin/teams/{}/delete", teams[0]), &[("confirmed", "true")]).await;
        root.post(&undo(&done), json!({})).await.expect(200);
        let now = root.get(&format!("/api/admin/support/bulk/{}", done["id"].as_str().unwrap())).await.expect(200);
        assert_eq!((&now["status"], &now["restored"], &now["items"][0]["outcome"]), (&json!("undone"), &json!(2), &json!("kept")));
        assert_eq!(root.get(&at(&ids[0])).await.expect(200)["team_id"], teams[1]);
        assert_eq!(root.get(&at(&ids[1])).await.expect(200)["team_id"], Value::Null);
    }

    async fn a_large_change_goes_on_behind_the_answer(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        several(&site, &ada, 230).await;
        let theirs = site.neighbour("Eve", Role::Customer).await;
        theirs.file("next door").await;
        let begun = ben.post(BULK, json!({ "filter": { "status": "new" }, "changes": { "priority": "high" } })).await;
        begun.expect_status(202);
        let place = begun.headers["location"].to_str().unwrap().to_owned();
        assert_eq!(begun.json()["total"], 230);
        site.work().await;
        let done = ben.get(&format!("{place}?limit=100")).await.expect(200);
        assert_eq!((&done["status"], &done["done"], &done["failed"]), (&json!("done"), &json!(230), &json!(0)));
        let rest = ben.get(&format!("{place}?limit=100&cursor={}", done["next_cursor"].as_str().unwrap())).await.expect(200);
        assert_eq!(rest["items"][0]["position"], 101);
        let high = ben.get("/api/admin/support/tickets?priority=high&limit=100").await.expect(200);
        assert_eq!(high["items"].as_array().unwrap().len(), 100);
        let there = site.neighbour("Eve Admin", Role::Admin).await;
        there.get(&place).await.expect(404);
        assert_eq!(there.get("/api/admin/support/tickets").await.expect(200)["items"][0]["priority"], "normal");
        ben.post(&format!("{place}/undo"), json!({})).await.expect(202);
        site.work().await;
        assert_eq!(ben.get(&place).await.expect(200)["restored"], 230);
        assert_eq!(ben.get("/api/admin/support/tickets?priority=high").await.expect(200)["items"], json!([]));
    }

    async fn a_change_whose_request_died_says_so_and_changed_nothing(world) {
        let site = Site::new(world).await;
        let (ada, ben) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let ids: Vec<base::Id<desk::Ticket>> = several(&site, &ada, 2).await.iter().map(|id| id.parse().map(base::Id::from_uuid).unwrap()).collect();
        let changes: desk::bulk::Changes = serde_json::from_value(json!({ "priority": "urgent" })).unwrap();
        let staff = identity::Staff { user_id: ben.user_id.map(base::Id::from_uuid), role: Role::Agent, actor: base::Actor::system(), read_only: false };
        let bulk = site.world.db.write(site.world.scope(), move |tx| {
            let id = desk::bulk::begin(tx, &staff, changes, 500)?.id;
            desk::bulk::collect(tx, id, 1, &ids)?;
            Ok(id)
        }).await.unwrap();
        for (minutes, status) in [(9, "collecting"), (2, "done")] {
            site.world.clock.advance(base::minutes(minutes));
            site.world.db.write(site.world.scope(), desk::bulk::give_up_abandoned).await.unwrap();
            let now = site.world.db.read(site.world.scope(), move |r| desk::bulk::get(r, bulk)).await.unwrap();
            assert_eq!(now.status, status);
            if status == "done" {
                assert_eq!((now.done, now.failed), (0, 2));
            }
        }
        site.work().await;
        let list = ben.get("/api/admin/support/tickets?priority=urgent").await.expect(200);
        assert_eq!(list["items"], json!([]), "nothing was changed");
    }

    async fn wrong_bulk_requests_change_nothing(world) {
        let site = Site::new(world).await;
        let (ada, ben, tess) = (site.user("Ada", Role::Customer).await, site.user("Ben", Role::Agent).await, site.user("Tess", Role::Technician).await);
        let id = ada.file("x").await;
        for wrong in [
            json!({ "changes": { "priority": "low" } }),
            json!({ "ids": [id], "filter": {}, "changes": { "priority": "low" } }),
            json!({ "ids": [id], "changes": {} }),
            json!({ "ids": [], "changes": { "priority": "low" } }),
            json!({ "ids": [id], "changes": { "priority": "lowest" } }),
            json!({ "ids": [id], "changes": { "assigned_to": ada.user_id } }),
            json!({ "ids": [id], "changes": { "colour": "red" } }),
            json!({ "filter": { "status": "nwe" }, "changes": { "priority": "low" } }),
        ] {
            let refused = ben.post(BULK, wrong.clone()).await;
            assert_eq!(refused.status, 422, "{wrong}: {}", refused.text);
        }
        // A technician's filter finds what is theirs.
        assert_eq!(tess.post(BULK, json!({ "filter": {}, "changes": { "priority": "low" } })).await.expect(422)["errors"][0]["code"], "bulk.no_tickets");
        assert_eq!(ben.get(&at(&id)).await.expect(200)["priority"], "normal");
        // One ticket's own trouble is told beside it.
        ben.patch(&at(&id), json!({ "status": "resolved" })).await.expect(200);
        let moved = ben.post(BULK, json!({ "ids": [id], "changes": { "status": "archived" } })).await.expect(200);
        assert_eq!(moved["items"][0]["outcome"], "failed");
    }
}
