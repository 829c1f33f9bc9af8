//! Rules that give tickets to people.

use base::{Role, hours};
use serde_json::{Value, json};
use testkit::both_engines;

use crate::{
    harness::*,
    support::{Client, Site},
};

both_engines! {
    async fn tickets_are_given_in_turn_to_who_is_there(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        let mut people = vec![site.user("Ann", Role::Agent).await, site.user("Ben", Role::Agent).await, site.user("Cleo", Role::Technician).await];
        people.sort_by_key(|p| p.user_id);
        let away = site.user("Dan", Role::Agent).await;
        away.json("PUT", "/api/auth/me/away", &[], json!({ "is_away": true })).await.expect(200);
        let off = site.user("Off", Role::Agent).await;
        let team = team(&admin, "Support", &[&people[0], &people[1], &people[2], &away, &off]).await;
        admin.patch(&format!("/api/admin/users/{}", off.user_id.unwrap()), json!({ "disabled": true })).await.expect(200);
        made(&admin, rule("In turn", on(&["ticket_created"]), json!([{ "field": "assignee", "op": "is", "value": "none" }]), json!([{ "action": "assign_in_turn", "value": team }]))).await;
        let filed = futures::future::join_all((0..9).map(|i| { let owner = owner.clone(); async move { owner.file(&format!("ticket {i}")).await } })).await;
        // Two workers at once: nobody gets two while others wait.
        futures::future::join(site.work(), site.work()).await;
        site.work().await;
        let mut got = std::collections::BTreeMap::new();
        for id in &filed {
            *got.entry(ticket(&admin, id).await["assigned_to"].as_str().unwrap_or("nobody").to_owned()).or_insert(0) += 1;
        }
        let wanted: std::collections::BTreeMap<String, i32> = people.iter().map(|p| (p.user_id.unwrap().to_string(), 3)).collect();
        assert_eq!(got, wanted);
        for person in &people {
            let path = format!("/api/admin/users/{}/away", person.user_id.unwrap());
            let until = site.world.now() + hours(2);
            admin.json("PUT", &path, &[], json!({ "is_away": true, "until": until.to_string() })).await.expect(200);
        }
        let id = owner.file("nobody is there").await;
        site.work().await;
        assert_eq!(ticket(&admin, &id).await["assigned_to"], Value::Null);
        assert_eq!(runs(&admin, &id).await[0]["actions"][0]["result"], "nobody_available");
        site.world.clock.advance(hours(3));
        let id = owner.file("they are back").await;
        site.work().await;
        assert!(ticket(&admin, &id).await["assigned_to"].is_string(), "away ended by itself");
    }

    async fn the_least_busy_is_given_the_next(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let owner = site.user("Ada", Role::Customer).await;
        let (ann, ben) = (site.user("Ann", Role::Agent).await, site.user("Ben", Role::Agent).await);
        let team = team(&admin, "Support", &[&ann, &ben]).await;
        for i in 0..3 {
            let id = owner.file(&format!("for ann {i}")).await;
            patch(&admin, &id, json!({ "assigned_to": ann.user_id })).await;
        }
        made(&admin, rule("Least busy", on(&["ticket_created"]), json!([]), json!([{ "action": "set_team", "value": team }, { "action": "assign_least_busy", "value": null }]))).await;
        let mut given = Vec::new();
        for i in 0..4 {
            let id = owner.file(&format!("next {i}")).await;
            site.work().await;
            given.push(ticket(&admin, &id).await["assigned_to"].as_str().unwrap().to_owned());
        }
        let of = |who: &Client| given.iter().filter(|g| **g == who.user_id.unwrap().to_string()).count();
        assert!(of(&ben) == 3 || (of(&ben) == 4 && of(&ann) == 0), "{given:?}");
        assert!(given[..3].iter().all(|g| *g == ben.user_id.unwrap().to_string()), "{given:?}");
    }
}
