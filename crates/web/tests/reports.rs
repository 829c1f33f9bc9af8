//! What reports say of a few tickets that can be counted by hand, to whom, in which days, and as which files.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::Role;
use desk::tickets::{self, Channel, For, NewTicket, Requester};
use identity::{KeyScope, Settings};
use serde_json::{Value, json};
use support::{Client, Site, browser::Browser};
use testkit::both_engines;

const REPORTS: &str = "/api/admin/support/reports";

async fn set(agent: &Client, id: &str, body: Value) {
    agent.patch(&format!("/api/admin/support/tickets/{id}"), body).await.expect(200);
}

async fn report(who: &Client, name: &str, query: &str) -> Value {
    who.get(&format!("{REPORTS}/{name}?{query}")).await.expect(200)
}

/// The row whose first column says that.
fn row<'v>(report: &'v Value, first: &str) -> &'v Value {
    let key = report["columns"][0].as_str().unwrap();
    let found = report["rows"].as_array().unwrap().iter().find(|r| r[key] == first);
    found.unwrap_or_else(|| panic!("no {first} in {report}"))
}

fn near(value: &Value, minutes: f64) {
    let found = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((found / minutes - 1.0).abs() <= 0.05, "{found} for {minutes}");
}

async fn folded(site: &Site) {
    site.world.db.write(site.world.scope(), desk::reports::fold).await.unwrap();
}

/// Three tickets at noon of 2026-03-02: the first is answered after half an hour and resolved after one; the second is
/// resolved the next day at 13:00, an hour late, and comes back at 14:00; the third is spam. It is 14:00 then.
async fn two_days(site: &Site) -> (Client, [String; 3]) {
    let (dora, ben) = (site.user("Dora", Role::Customer).await, site.user("Ben", Role::Agent).await);
    let ids = [dora.file("a").await, dora.file("b").await, dora.file("c").await];
    let [a, b, c] = &ids;
    for id in [a, b] {
        set(&ben, id, json!({ "assigned_to": ben.user_id })).await;
    }
    site.world.clock.advance(base::minutes(30));
    let text = json!({ "body": "On it." });
    ben.post(&format!("/api/admin/support/tickets/{a}/messages"), text).await.expect(201);
    site.world.clock.advance(base::minutes(30));
    set(&ben, a, json!({ "status": "resolved" })).await;
    site.world.clock.advance(base::hours(24));
    set(&ben, b, json!({ "status": "resolved" })).await;
    ben.post(&format!("/api/admin/support/tickets/{c}/spam"), json!({})).await.expect(200);
    site.world.clock.advance(base::hours(1));
    set(&ben, b, json!({ "status": "open" })).await;
    (ben, ids)
}

async fn check_two_days(ben: &Client) {
    let range = "from=2026-03-01&to=2026-03-03";
    let volume = report(ben, "volume", range).await;
    assert_eq!(volume["rows"].as_array().unwrap().len(), 3);
    assert_eq!((&volume["time_zone"], &volume["is_complete"]), (&json!("UTC"), &json!(true)));
    assert_eq!(
        row(&volume, "2026-03-02"),
        &json!({ "day": "2026-03-02", "created": 2, "resolved": 1, "finished": 1 })
    );
    assert_eq!(volume["total"], json!({ "day": null, "created": 2, "resolved": 2, "finished": 2 }));

    let first = report(ben, "first_response", range).await;
    let day = row(&first, "2026-03-02");
    assert_eq!((&day["responded"], &day["first_response_average_minutes"]), (&json!(1), &json!(30.0)));
    near(&day["first_response_median_minutes"], 30.0);
    assert_eq!(row(&first, "2026-03-03")["first_response_median_minutes"], Value::Null);

    let resolution = report(ben, "resolution", range).await;
    near(&row(&resolution, "2026-03-02")["resolution_median_minutes"], 60.0);
    near(&resolution["total"]["resolution_p90_minutes"], 1_500.0);
    assert_eq!(resolution["total"]["resolution_average_minutes"], 780.0);
    let bands = report(ben, "resolution_bands", range).await;
    assert_eq!(row(&bands, "1_to_4_hours")["resolved"], 1, "an hour is no longer under an hour");
    assert_eq!(row(&bands, "1_to_3_days"), &json!({ "band": "1_to_3_days", "resolved": 1, "share": 0.5 }));

    let sla = report(ben, "sla", range).await;
    assert_eq!(
        sla["total"],
        json!({ "day": null, "resolved": 2, "on_time": 1, "late": 1, "on_time_share": 0.5 })
    );
    let reopens = report(ben, "reopens", range).await;
    assert_eq!(row(&reopens, "2026-03-03")["reopened"], 1);
    assert_eq!(reopens["total"]["reopened_share"], 0.5, "what was resolved stays counted as resolved");

    let backlog = report(ben, "backlog", range).await;
    let open: Vec<i64> =
        backlog["rows"].as_array().unwrap().iter().map(|r| r["open"].as_i64().unwrap()).collect();
    assert_eq!(open, [0, 1, 1]);
    assert_eq!(row(&backlog, "2026-03-03")["came_in"], 1, "it came back");
    let age = report(ben, "backlog_age", range).await;
    assert_eq!(row(&age, "1_to_3_days")["open"], 1);
    assert_eq!(age["total"]["open"], 1);

    let agents = report(ben, "agents", range).await;
    let mine = row(&agents, &ben.user_id.unwrap().to_string());
    assert_eq!(
        (&mine["agent_name"], &mine["created"], &mine["resolved"]),
        (&json!("Ben"), &json!(2), &json!(2))
    );
    assert_eq!((&mine["reopened"], &mine["reopened_share"]), (&json!(1), &json!(0.5)));
    let channels = report(ben, "channels", range).await;
    assert_eq!(row(&channels, "api")["created_share"], 1.0);
}

both_engines! {
    async fn a_few_tickets_are_counted_as_by_hand_folded_or_not(world) {
        let site = Site::new(world).await;
        site.neighbour("Eve", Role::Customer).await.file("the neighbour's").await;
        let (ben, [_, b, c]) = two_days(&site).await;
        check_two_days(&ben).await;
        folded(&site).await;
        check_two_days(&ben).await;
        let there = site.neighbour("Nadia", Role::Agent).await;
        assert_eq!(report(&there, "volume", "").await["total"]["created"], 1);

        // A category that is put right is right on the day the ticket came in; spam that is none counts after all.
        let range = "from=2026-03-02&to=2026-03-02";
        set(&ben, &b, json!({ "category": "billing" })).await;
        let by_category = report(&ben, "categories", range).await;
        assert_eq!(row(&by_category, "billing")["created"], 1);
        assert_eq!(row(&by_category, "technical")["created"], 1);
        set(&ben, &c, json!({ "status": "open" })).await;
        assert_eq!(report(&ben, "volume", range).await["total"]["created"], 3);
        assert_eq!(report(&ben, "reopens", "").await["total"]["reopened"], 1, "it had never been resolved");

        // By one thing, by two, by nobody.
        let volume = async |filter: &str| {
            report(&ben, "volume", &format!("{range}&{filter}")).await["total"]["created"].clone()
        };
        let me = ben.user_id.unwrap();
        assert_eq!(volume("category=billing").await, 1);
        assert_eq!(volume(&format!("assigned_to={me}")).await, 2);
        assert_eq!(volume("assigned_to=none").await, 1);
        assert_eq!(volume(&format!("assigned_to={me}&category=billing&team=none&priority=normal&channel=api")).await, 1);
        assert_eq!(volume("channel=email").await, 0);
        assert_eq!(report(&ben, "agents", &format!("{range}&category=billing")).await["total"]["created"], 1);
    }

    async fn figures_of_tickets_created_in_a_range_are_those_counted_by_hand(world) {
        let site = Site::new(world).await;
        site.neighbour("Eve", Role::Customer).await.file("the neighbour's").await;
        let (ben, _) = two_days(&site).await;
        let stats = ben.get("/api/admin/support/stats").await.expect(200);
        assert_eq!((&stats["volume"], &stats["open"], &stats["resolved"], &stats["overdue"]), (&json!(3), &json!(1), &json!(1), &json!(1)));
        assert_eq!((&stats["first_response_minutes_average"], &stats["resolution_minutes_median"]), (&json!(30.0), &json!(60.0)));
        assert_eq!(stats["sla_share"], 1.0);
        let me = ben.user_id.unwrap().to_string();
        assert_eq!(stats["by_agent"], json!([{ "key": me, "count": 2 }, { "key": "", "count": 1 }]));
        assert_eq!(stats["by_priority"], json!([{ "key": "normal", "count": 3 }]));
        let later = ben.get("/api/admin/support/stats?created_at_after=2026-03-03").await.expect(200);
        assert_eq!((&later["volume"], &later["resolution_minutes_average"], &later["by_status"]), (&json!(0), &Value::Null, &json!([])));
    }

    async fn a_change_of_many_that_is_taken_back_leaves_no_trace(world) {
        let site = Site::new(world).await;
        let (dora, ben) = (site.user("Dora", Role::Customer).await, site.user("Ben", Role::Agent).await);
        let ids = [dora.file("a").await, dora.file("b").await];
        site.world.clock.advance(base::minutes(5));
        let change = json!({ "ids": ids, "changes": { "status": "resolved" } });
        let done = ben.post("/api/admin/support/tickets/bulk", change).await.expect(200);
        assert_eq!(report(&ben, "reopens", "").await["total"]["resolved"], 2);
        site.world.clock.advance(base::minutes(5));
        let undo = format!("/api/admin/support/bulk/{}/undo", done["id"].as_str().unwrap());
        ben.post(&undo, json!({})).await.expect(200);
        let total = report(&ben, "reopens", "").await["total"].clone();
        assert_eq!((&total["resolved"], &total["reopened"]), (&json!(0), &json!(0)));
        assert_eq!(report(&ben, "backlog_age", "").await["total"]["open"], 2);
    }

    async fn days_are_the_tenants_also_where_the_clock_is_changed(world) {
        let site = Site::new(world).await;
        let key = site.key(KeyScope::Read).await;
        let zone = async |name: &'static str| {
            site.world.db.write(site.world.scope(), move |tx| {
                let record = identity::tenants::get(tx, tx.tenant()?)?;
                let settings = Settings { time_zone: name.into(), ..record.settings };
                identity::tenants::save_settings(tx, &record.name, &settings)
            }).await.unwrap();
        };
        zone("Europe/Berlin").await;
        // The last minute of a day and the first of the next: the short day, the long one, and one between.
        for at in [
            "2026-03-28T22:59:00Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:00Z", "2026-03-29T22:00:00Z",
            "2026-06-30T21:59:00Z", "2026-06-30T22:00:00Z",
            "2026-10-24T21:59:00Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:00Z", "2026-10-25T23:00:00Z",
        ] {
            let at: base::Timestamp = at.parse().unwrap();
            site.world.db.write(site.world.scope(), move |tx| {
                tx.as_of(base::Actor::system(), at, |tx| {
                    let who = Requester { email: "d@example.org".parse()?, name: "D".into(), user_id: None };
                    let new = NewTicket::new("down", "down", Channel::Email)?;
                    tickets::create(tx, &Settings::default(), None, For::Stranger(who), new).map(|_| ())
                })
            }).await.unwrap();
        }
        let now: base::Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        site.world.clock.advance(now.duration_since(site.world.now()));
        let created = async |from: &str, to: &str| {
            let found = report(&key, "volume", &format!("from={from}&to={to}&interval=day")).await;
            let rows = found["rows"].as_array().unwrap().iter().map(|r| r["created"].as_i64().unwrap());
            rows.collect::<Vec<_>>()
        };
        assert_eq!(created("2026-03-28", "2026-03-30").await, [1, 2, 1]);
        assert_eq!(created("2026-06-30", "2026-07-01").await, [1, 1]);
        assert_eq!(created("2026-10-24", "2026-10-26").await, [1, 2, 1]);
        let months = report(&key, "volume", "from=2026-03-01&to=2026-10-31&interval=month").await;
        assert_eq!(row(&months, "2026-03-01")["created"], 4);
        assert_eq!(row(&months, "2026-06-01")["created"], 1);

        // Another zone, by a quarter of an hour: everything is counted anew, and says so meanwhile.
        zone("Asia/Kathmandu").await;
        assert_eq!(report(&key, "volume", "").await["is_complete"], false);
        for _ in 0..3 {
            site.schedules().await;
            site.work().await;
            site.world.clock.advance(base::minutes(1));
        }
        let found = report(&key, "volume", "from=2026-03-28&to=2026-03-30&interval=day").await;
        assert_eq!((&found["is_complete"], &found["time_zone"]), (&json!(true), &json!("Asia/Kathmandu")));
        assert_eq!(created("2026-03-28", "2026-03-30").await, [0, 2, 2]);
    }

    async fn the_reports_there_are_can_be_asked_for(world) {
        let site = Site::new(world).await;
        let ben = site.user("Ben", Role::Agent).await;
        let index = ben.get(REPORTS).await.expect(200);
        let items = index["items"].as_array().unwrap();
        assert!(items.len() >= 5, "{index}");
        for report in items {
            let path = report["path"].as_str().unwrap();
            assert_eq!(ben.get(path).await.expect(200)["report"], report["name"]);
            let takes: Vec<&str> = report["parameters"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
            for name in ["from", "to", "interval", "team", "assigned_to", "channel", "category", "priority", "format"] {
                assert!(takes.contains(&name), "{name}: {takes:?}");
            }
            assert!(report["parameters"].as_array().unwrap().iter().all(|p| p["description"].as_str().is_some_and(|d| !d.is_empty())), "{report}");
        }
        for (role, status) in [(Role::Technician, 403), (Role::Customer, 403), (Role::Admin, 200)] {
            site.user(&format!("The {role}"), role).await.get(REPORTS).await.expect_status(status);
        }
    }

    async fn wrong_questions_are_answered_with_the_right_ones(world) {
        let site = Site::new(world).await;
        let ben = site.user("Ben", Role::Agent).await;
        for (query, field) in [
            ("from=2026-03-03", "from"), ("to=2026-03-03", "to"), ("from=2024-01-01", "from"), ("from=yesterday", "from"),
            ("from=2026-02-30", "from"), ("to=2026-03-02T10:00", "to"), ("from=2026-03-02&to=2026-03-01", "from"),
            ("team=field", "team"), ("assigned_to=ben", "assigned_to"), ("channel=fax", "channel"),
            ("category=nothing", "category"), ("priority=5", "priority"), ("interval=hour", "interval"),
            ("format=pdf", "format"),
        ] {
            let answer = ben.get(&format!("{REPORTS}/volume?{query}")).await.expect(422);
            assert_eq!(answer["errors"][0]["field"], field, "{query}: {answer}");
        }
        let answer = ben.get(&format!("{REPORTS}/volume?colour=red")).await.expect(400);
        assert_eq!(answer["errors"][0]["field"], "colour", "{answer}");
        ben.get(&format!("{REPORTS}/everything")).await.expect_status(404);
        for (role, status) in [(Role::Technician, 403), (Role::Customer, 403), (Role::SalesManager, 200), (Role::Admin, 200)] {
            let who = site.user(&format!("The {role}"), role).await;
            who.get(&format!("{REPORTS}/agents")).await.expect_status(status);
        }
        site.key(KeyScope::Read).await.get(&format!("{REPORTS}/agents")).await.expect_status(200);
        site.anonymous().get(&format!("{REPORTS}/agents")).await.expect_status(401);
    }

    async fn files_say_what_the_page_says_and_hold_no_formulas(world) {
        let site = Site::new(world).await;
        let (ben, [a, ..]) = two_days(&site).await;
        let admin = site.user("Ada", Role::Admin).await;
        let new = json!({ "slug": "trap", "name": "=1+1, or \"2\"" });
        admin.post("/api/admin/categories", new).await.expect(201);
        set(&ben, &a, json!({ "category": "trap" })).await;

        let range = "from=2026-03-02&to=2026-03-03";
        let file = ben.get(&format!("{REPORTS}/volume?{range}&format=csv")).await;
        file.expect_status(200);
        assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
        let name = file.headers["content-disposition"].to_str().unwrap();
        assert_eq!(name, "attachment; filename=\"volume-2026-03-02-2026-03-03.csv\"");
        assert_eq!(
            file.text,
            "\u{feff}day,created,resolved,finished\r\n2026-03-02,2,1,1\r\n2026-03-03,0,1,1\r\n,2,2,2\r\n"
        );
        let asked = ben.json("GET", &format!("{REPORTS}/categories?{range}"), &[("accept", "text/csv")], Value::Null).await;
        assert!(asked.text.contains("trap,\"'=1+1, or \"\"2\"\"\",1,0.5,1,"), "{}", asked.text);

        let browser = Browser::new(ben.clone()).await;
        let page = browser.page(&format!("/desk/reports?{range}")).await;
        for words in ["Volume", "Backlog", "=1+1, or", "Resolved on time", "50 %", "download"] {
            assert!(page.contains(words), "no {words}");
        }
        assert!(!page.contains("style="), "no inline style");
        let file = ben.get(&format!("/desk/reports/agents/csv?{range}")).await;
        assert!(file.text.contains(",Ben,2,2,"), "{}", file.text);
        let narrowed = browser.page(&format!("/desk/reports?{range}&category=trap")).await;
        assert!(narrowed.contains("Clear filters") && narrowed.contains("category=trap"));
        let wrong = ben.get("/desk/reports?from=2026-03-09&to=2026-03-01").await;
        wrong.expect_status(422);
        assert!(wrong.text.contains("role=\"alert\"") && wrong.text.contains("value=\"2026-03-09\""));
        let old = ben.get("/desk/stats").await;
        assert_eq!((old.status.as_u16(), old.headers["location"].to_str().unwrap()), (308, "/desk/reports"));
    }

    async fn satisfaction_is_of_who_was_rated(world) {
        let site = Site::new(world).await;
        let (ben, [a, b, _]) = two_days(&site).await;
        let asked: Vec<String> = vec![a, b];
        let tokens = site.world.db.write(site.world.scope(), move |tx| {
            asked.iter().map(|id| {
                let t = tickets::query::get(tx, id.parse().unwrap())?;
                Ok(desk::csat::ask(tx, &t)?.unwrap())
            }).collect::<base::Result<Vec<_>>>()
        }).await.unwrap();
        site.world.clock.advance(base::minutes(5));
        site.world.db.write(site.world.scope(), move |tx| {
            desk::csat::answer(tx, tokens[0].reveal(), 5, "Thank you!")?;
            desk::csat::answer(tx, tokens[1].reveal(), 2, "").map(|_| ())
        }).await.unwrap();
        let found = report(&ben, "satisfaction", "").await;
        let total = json!({ "day": null, "asked": 2, "answered": 2, "satisfied": 1, "satisfied_share": 0.5, "average_score": 3.5 });
        assert_eq!(found["total"], total);
        let agents = report(&ben, "agents", "").await;
        assert_eq!(row(&agents, &ben.user_id.unwrap().to_string())["satisfied_share"], 0.5);
        let remarks = report(&ben, "remarks", "").await;
        assert_eq!(remarks["rows"].as_array().unwrap().len(), 1);
        assert_eq!(remarks["rows"][0]["comment"], "Thank you!");
        assert_eq!(report(&ben, "satisfaction", "assigned_to=none").await["total"]["answered"], 0);
        assert_eq!(report(&ben, "satisfaction", "category=billing&channel=portal").await["total"]["asked"], 0);
        let page = Browser::new(ben.clone()).await.page("/desk/reports").await;
        assert!(page.contains("Thank you!"));
    }
}
