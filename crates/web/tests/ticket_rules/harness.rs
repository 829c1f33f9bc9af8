//! Rules as programs write them, and what came of them.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Client, Site};

pub const HOME: &str = "/api/admin/support/rules";

pub async fn count(site: &Site, statement: &'static db::Sql) -> i64 {
    let count =
        site.world.db.read(site.world.scope(), |r| r.query_one(statement, db::params![], |row| row.get(0)));
    count.await.unwrap().unwrap()
}

pub fn on(events: &[&str]) -> Value {
    json!({ "kind": "event", "events": events })
}
pub fn rule(name: &str, trigger: Value, all: Value, actions: Value) -> Value {
    json!({ "name": name, "trigger": trigger, "all": all, "actions": actions })
}
pub async fn made(admin: &Client, body: Value) -> String {
    admin.post(HOME, body).await.expect(201)["id"].as_str().unwrap().to_owned()
}
pub async fn ticket(who: &Client, id: &str) -> Value {
    who.get(&format!("/api/admin/support/tickets/{id}")).await.expect(200)
}
pub async fn runs(who: &Client, ticket: &str) -> Vec<Value> {
    let path = format!("/api/admin/support/tickets/{ticket}/rule-runs");
    who.get(&path).await.expect(200)["items"].as_array().unwrap().clone()
}
pub async fn patch(who: &Client, id: &str, body: Value) {
    who.patch(&format!("/api/admin/support/tickets/{id}"), body).await.expect(200);
}
pub async fn team(admin: &Client, name: &str, members: &[&Client]) -> String {
    let made = admin.post("/api/admin/teams", json!({ "name": name })).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let ids: Vec<Uuid> = members.iter().map(|m| m.user_id.unwrap()).collect();
    admin.patch(&format!("/api/admin/teams/{id}"), json!({ "members": ids })).await.expect(200);
    id
}
/// Everything a tenant can see of its tickets and rules, to hold against what it is later.
pub async fn all_rows(site: &Site) -> Vec<String> {
    let dump = |tenant| {
        let db = site.world.db.clone();
        async move {
            let scope = db::Scope::tenant(tenant, base::Actor::system());
            db.read(scope, |read| {
                let mut out = Vec::new();
                for (table, columns) in [
                    ("tickets", "ticket_number, status, priority, category, assigned_to, team_id, version, updated_at"),
                    ("messages", "id, body, author_name"),
                    ("ticket_audits", "id, event_type, actor_name"),
                    ("ticket_tags", "ticket_id, tag"),
                    ("rules", "id, name, position, version, active_since"),
                    ("rule_runs", "id, outcome"),
                    ("rule_timers", "rule_id, ticket_id, run_at"),
                    ("rule_rotations", "team_id, last_user_id"),
                    ("events", "id, topic"),
                    ("jobs", "id, kind, state"),
                    ("notices", "id, title"),
                    ("letters", "id, subject"),
                ] {
                    let columns: Vec<&str> = columns.split(", ").collect();
                    let texts: Vec<String> =
                        columns.iter().map(|c| format!("coalesce(cast({c} as text), '')")).collect();
                    let sql = format!(
                        "select {} from {table} where tenant_id = ?1 order by 1",
                        texts.join(" || '|' || ")
                    );
                    let rows = read.query_all(&db::Sql::built(sql), db::params![], |row| row.text(0).map(str::to_owned));
                    // Ids are bytes that are no text on one of the engines: their number says enough there.
                    out.push(match rows {
                        Ok(rows) => format!("{table}: {rows:?}"),
                        Err(_) => {
                            let sql = format!("select count(*) from {table} where tenant_id = ?1");
                            let n: i64 = read.query_one(&db::Sql::built(sql), db::params![], |row| row.get(0))?.unwrap();
                            format!("{table}: {n}")
                        }
                    });
                }
                Ok(out)
            })
            .await
            .unwrap()
        }
    };
    [dump(site.world.here).await, dump(site.world.there).await].concat()
}
