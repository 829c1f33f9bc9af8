//! Prepares statements on a real engine, for the test that every one of them means something there.

use base::Result;

use crate::{EngineKind, Location, Sql, dialect, errors, handle::off_the_runtime, postgres, sql, sqlite};

/// Prepares every registered statement and the given ones; answers what the engine said of those it refused.
pub fn refused(location: &Location, built: &[Sql]) -> Result<Vec<String>> {
    let known = sql::registered().map(|r| (format!("{} in {}", r.name, r.file), r.name, &r.sql));
    let all: Vec<_> = known.chain(built.iter().map(|s| ("built at run time".to_owned(), "", s))).collect();
    let kind = match location {
        Location::Sqlite(_) => EngineKind::Sqlite,
        Location::Postgres(_) => EngineKind::Postgres,
    };
    let mut out = Vec::new();
    let mut judge = |place: &str, text: &Sql, outcome: std::result::Result<(), String>| {
        if let Err(e) = sql::check(text) {
            out.push(format!("{place}: {e}"));
        }
        if let Err(e) = outcome {
            out.push(format!("{place}: {e} in: {}", text.text()));
        }
    };
    let mine = all.iter().filter(|(_, name, _)| dialect::is_only_for(name).is_none_or(|only| only == kind));
    match location {
        Location::Sqlite(path) => {
            let conn = sqlite::open(path, false)?;
            for (place, _, text) in mine {
                let prepared = conn.prepare(&dialect::render(text.text(), kind));
                judge(place, text, prepared.map(|_| ()).map_err(|e| e.to_string()));
            }
        }
        Location::Postgres(url) => off_the_runtime(|| {
            let mut client = postgres::connect(url)?;
            for (place, _, text) in mine {
                let prepared = client.prepare(&dialect::render(text.text(), kind));
                let said = prepared
                    .map(|_| ())
                    .map_err(|e| e.as_db_error().map_or_else(|| e.to_string(), ToString::to_string));
                judge(place, text, said);
            }
            client.close().map_err(errors::postgres)
        })?,
    }
    Ok(out)
}

/// Statements that SQLite, without statistics, answers by walking all of a tenant's rows although they ask for fewer by
/// another column: it takes a tenant for ten rows, and an order by id for reason enough. Names of tables that stay small
/// are left out.
pub fn walks(path: &std::path::Path, small: &[&str]) -> Result<Vec<String>> {
    let conn = sqlite::open(path, false)?;
    let mut out = Vec::new();
    for r in sql::registered() {
        let text = dialect::render(r.sql.text(), EngineKind::Sqlite);
        if dialect::is_only_for(r.name).is_some_and(|only| only != EngineKind::Sqlite)
            || text.trim_start().starts_with("insert")
            || !(text.contains("tenant_id = ?1 and") || text.contains(" from jobs "))
        {
            continue;
        }
        let mut plan = conn.prepare(&format!("explain query plan {text}")).map_err(errors::sqlite)?;
        let steps =
            plan.raw_query().mapped(|row| row.get::<_, String>(3)).collect::<rusqlite::Result<Vec<_>>>();
        for step in steps.map_err(errors::sqlite)? {
            let by_tenant = step.contains("_1 (tenant_id=?)") || step.contains("PRIMARY KEY (tenant_id=?)");
            // What was done in a day stays in the queue, and may be most of it.
            let by_kind = step.contains("SEARCH jobs") && step.contains("(tenant_id=? AND kind=?)");
            if by_kind || by_tenant && !small.iter().any(|table| step.contains(&format!(" {table} "))) {
                out.push(format!("{} in {}: {step}", r.name, r.file));
            }
        }
    }
    Ok(out)
}
