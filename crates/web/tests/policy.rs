//! Every route × every role, from the table that the OpenAPI document is made of, with a second tenant beside.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::Role;
use identity::KeyScope;
use serde_json::{Value, json};
use support::{Client, Site};
use testkit::both_engines;

struct Operation {
    method: String,
    path: String,
    roles: Vec<String>,
    scopes: Vec<String>,
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|a| a.iter().filter_map(|s| s.as_str().map(str::to_owned)).collect())
        .unwrap_or_default()
}

/// Operations of the document; one without roles fails the test.
fn operations(document: &Value) -> Vec<Operation> {
    let mut out = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if !["get", "post", "put", "patch", "delete"].contains(&method.as_str()) {
                continue;
            }
            let roles = strings(&operation["x-roles"]);
            // A door for mail is opened by a channel's key, which is nobody's role.
            let is_door = path.starts_with("/api/mail/");
            assert_eq!(roles.is_empty(), is_door, "{method} {path} does not say who may call it");
            assert!(operation["operationId"].is_string(), "{method} {path} has no id");
            out.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                roles,
                scopes: strings(&operation["x-scopes"]),
            });
        }
    }
    out
}

async fn call(client: &Client, op: &Operation, path: &str) -> u16 {
    if op.method == "GET" {
        let query = if path.ends_with("/events") {
            format!("{path}?ticket=01a1fca0-39a0-7e9b-a5b5-c75b8ad924f5")
        } else {
            path.to_owned()
        };
        client.get(&query).await.status.as_u16()
    } else {
        client.json(&op.method, path, &[], json!({})).await.status.as_u16()
    }
}

both_engines! {
    async fn nobody_gets_where_the_table_does_not_let_them(world) {
        let site = Site::new(world).await;
        let document = site.anonymous().get("/api/openapi.json").await.expect(200);
        let operations = operations(&document);
        assert!(operations.len() >= 35, "{}", operations.len());
        let owner = site.user("Owner", Role::Customer).await;
        let ticket = owner.file("policy").await;
        let own = |path: &str| path.replace("{id}", &ticket).replace("{slug}", "bug");
        let mut people = Vec::new();
        for role in Role::ALL {
            people.push((role.as_str(), site.user(&format!("Person {role}"), role).await));
        }
        for op in &operations {
            let path = own(&op.path);
            let at = format!("{} {}", op.method, op.path);
            let anonymous = call(&site.anonymous(), op, &path).await;
            if op.roles.iter().any(|r| r == "anonymous") {
                assert!(![401, 403].contains(&anonymous) || op.path.ends_with("/login"), "{at} as anonymous: {anonymous}");
            } else {
                assert_eq!(anonymous, 401, "{at} as anonymous");
            }
            if op.roles.is_empty() {
                for (role, person) in &people {
                    assert_eq!(call(person, op, &path).await, 401, "{at} as {role}");
                }
                for scope in [KeyScope::Read, KeyScope::Write, KeyScope::Admin] {
                    assert_eq!(call(&site.key(scope).await, op, &path).await, 401, "{at} with a key");
                }
                continue;
            }
            // A session ends when it signs out: not with a client that is still needed.
            if op.path.ends_with("/logout") {
                continue;
            }
            for (role, person) in &people {
                let status = call(person, op, &path).await;
                assert!(status < 500, "{at} as {role}: {status}");
                if op.roles.iter().any(|r| r == role) {
                    assert!(![401].contains(&status) || op.path.ends_with("/login"), "{at} as {role}: {status}");
                    assert_ne!(status, 403, "{at} as {role}");
                } else {
                    assert!([403, 404].contains(&status), "{at} as {role}: {status}");
                }
            }
            for scope in [KeyScope::Read, KeyScope::Write, KeyScope::Admin] {
                let status = call(&site.key(scope).await, op, &path).await;
                let at = format!("{at} with a {} key", scope.as_str());
                assert!(status < 500, "{at}: {status}");
                if op.scopes.iter().any(|s| s == scope.as_str()) {
                    assert!(![401, 403].contains(&status) || op.path.contains("/auth/") || at.contains("POST /api/support/tickets with"), "{at}: {status}");
                } else if !op.path.contains("/auth/") && !op.path.contains("/help/") {
                    assert!([403, 404].contains(&status), "{at}: {status}");
                }
            }
        }
    }

    async fn a_neighbour_finds_nothing_and_changes_nothing(world) {
        let site = Site::new(world).await;
        let document = site.anonymous().get("/api/openapi.json").await.expect(200);
        let owner = site.user("Owner", Role::Customer).await;
        let admin = site.user("Root", Role::Admin).await;
        let ticket = owner.file("ours").await;
        let before = admin.get(&format!("/api/admin/support/tickets/{ticket}")).await.expect(200);
        for role in Role::ALL {
            let theirs = site.neighbour(&format!("Their {role}"), role).await;
            for op in operations(&document).iter().filter(|op| op.path.contains("{id}") && !op.roles.is_empty()) {
                let status = call(&theirs, op, &op.path.replace("{id}", &ticket)).await;
                assert!([403, 404].contains(&status), "{} {} as their {role}: {status}", op.method, op.path);
                if op.path.contains("/tickets/") && op.roles.iter().any(|r| r == role.as_str()) {
                    assert_eq!(status, 404, "{} {} as their {role}", op.method, op.path);
                }
            }
            if role.sees_all_tickets() {
                let list = theirs.get("/api/admin/support/tickets").await.expect(200);
                assert_eq!(list["items"], json!([]));
            }
            // A session is good at its own tenant's host alone.
            let elsewhere = Client { host: "here.example.org", ..theirs };
            elsewhere.get("/api/auth/me").await.expect(401);
        }
        assert_eq!(admin.get(&format!("/api/admin/support/tickets/{ticket}")).await.expect(200), before);
        site.anonymous().get("/api/support/categories").await.expect(200);
        Client { host: "nobody.example.org", ..site.anonymous() }.get("/api/support/categories").await.expect(421);
    }
}
