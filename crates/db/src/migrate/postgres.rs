use base::{Error, Result, Secret, Timestamp};
use postgres::Client;

use super::{Outcome, is_view, pending, tenant_tables};
use crate::{
    EngineKind,
    dialect::postgres_security::{self, ROLE},
    errors,
    postgres::maintenance,
    sql::SHARED_TABLES,
};

const VERSIONS: &str = "create table if not exists schema_migrations (
    version bigint primary key, name text not null, checksum text not null, applied_at timestamptz not null)";
/// Held while migrating, so that replicas that start together take turns.
const LOCK: i64 = 0x636f_756e_7465_7266;

pub fn run(url: &Secret, now: Timestamp) -> Result<Outcome> {
    let mut client = maintenance(url)?;
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).map_err(errors::postgres)?;
    ensure_role(&mut client)?;
    client.batch_execute(VERSIONS).map_err(errors::postgres)?;
    let rows = client
        .query("select version, checksum from schema_migrations order by version", &[])
        .map_err(errors::postgres)?;
    let applied: Vec<(i64, String)> = rows.iter().map(|r| (r.get(0), r.get(1))).collect();
    let todo = pending(&applied)?;
    if todo.is_empty() {
        return Ok(Outcome { applied: Vec::new(), snapshot: None });
    }
    // PostgreSQL changes its schema inside a transaction: a migration that fails leaves the database as it was.
    let mut tx = client.transaction().map_err(errors::postgres)?;
    for migration in &todo {
        for statement in migration.statements(EngineKind::Postgres) {
            tx.batch_execute(&statement)
                .map_err(|e| Error::bug(format!("{}: {} in: {statement}", migration.name, described(&e))))?;
        }
        tx.execute(
            "insert into schema_migrations values ($1, $2, $3, $4)",
            &[&migration.version, &migration.name, &migration.checksum(), &now],
        )
        .map_err(errors::postgres)?;
    }
    for statement in postgres_security::statements(&tenant_tables(), &SHARED_TABLES, is_view) {
        tx.batch_execute(&statement).map_err(|e| Error::bug(format!("{} in: {statement}", described(&e))))?;
    }
    tx.commit().map_err(errors::postgres)?;
    Ok(Outcome { applied: todo.iter().map(|m| m.name).collect(), snapshot: None })
}

pub fn applied_at(url: &Secret) -> Result<Vec<(i64, String)>> {
    let mut client = maintenance(url)?;
    let there = client
        .query_one("select to_regclass('schema_migrations') is not null", &[])
        .map_err(errors::postgres)?;
    if !there.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let rows = client
        .query("select version, checksum from schema_migrations order by version", &[])
        .map_err(errors::postgres)?;
    Ok(rows.iter().map(|r| (r.get(0), r.get(1))).collect())
}

pub fn unprotected(url: &Secret) -> Result<Vec<String>> {
    let mut client = maintenance(url)?;
    let rows = client
        .query(
            "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
             and relrowsecurity and relforcerowsecurity",
            &[],
        )
        .map_err(errors::postgres)?;
    let forced: Vec<String> = rows.iter().map(|r| r.get(0)).collect();
    Ok(tenant_tables().into_iter().filter(|t| !is_view(t) && !forced.contains(t)).collect())
}

fn described(e: &postgres::Error) -> String {
    e.as_db_error().map_or_else(|| e.to_string(), ToString::to_string)
}

fn ensure_role(client: &mut Client) -> Result<()> {
    let row = client
        .query_one("select exists (select 1 from pg_roles where rolname = $1)", &[&ROLE])
        .map_err(errors::postgres)?;
    if !row.get::<_, bool>(0) {
        client.batch_execute(&format!("create role {ROLE} nologin")).map_err(|e| role_error(&e))?;
    }
    let row = client
        .query_one("select pg_has_role(current_user, $1, 'member')", &[&ROLE])
        .map_err(errors::postgres)?;
    if !row.get::<_, bool>(0) {
        client.batch_execute(&format!("grant {ROLE} to current_user")).map_err(|e| role_error(&e))?;
    }
    Ok(())
}

fn role_error(e: &postgres::Error) -> Error {
    Error::invalid(
        "database_url.role",
        format!(
            "the database user may not make the role {ROLE}; as an administrator of PostgreSQL run: \
             create role {ROLE} nologin; grant {ROLE} to <the database user>;  ({})",
            described(e)
        ),
    )
}
