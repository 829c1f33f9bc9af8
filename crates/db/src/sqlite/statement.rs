use base::{Error, Result};
use rusqlite::{CachedStatement, Connection};

use crate::{EngineKind, Row, Sql, Value, dialect, errors};

fn prepare<'c>(
    conn: &'c Connection,
    sql: &Sql,
    tenant: Option<Value<'static>>,
    params: &[Value<'_>],
) -> Result<CachedStatement<'c>> {
    let prepared = if sql.text().contains('{') {
        conn.prepare_cached(&dialect::render(sql.text(), EngineKind::Sqlite))
    } else {
        conn.prepare_cached(sql.text())
    };
    let mut statement = prepared.map_err(|e| Error::bug(format!("{e} in: {}", sql.text())))?;
    let offset = usize::from(tenant.is_some());
    if statement.parameter_count() != params.len() + offset {
        let (wants, has) = (statement.parameter_count(), params.len() + offset);
        return Err(Error::bug(format!(
            "a statement takes {wants} parameters and got {has}: {}",
            sql.text()
        )));
    }
    if let Some(tenant) = tenant {
        statement.raw_bind_parameter(1, tenant).map_err(errors::sqlite)?;
    }
    for (i, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(i + 1 + offset, value).map_err(errors::sqlite)?;
    }
    Ok(statement)
}

pub fn for_each(
    conn: &Connection,
    sql: &Sql,
    tenant: Option<Value<'static>>,
    params: &[Value<'_>],
    each: &mut dyn FnMut(&Row<'_>) -> Result<bool>,
) -> Result<()> {
    let mut statement = prepare(conn, sql, tenant, params)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(errors::sqlite)? {
        if !each(&Row::Sqlite(row))? {
            break;
        }
    }
    Ok(())
}

pub fn execute(
    conn: &Connection,
    sql: &Sql,
    tenant: Option<Value<'static>>,
    params: &[Value<'_>],
) -> Result<u64> {
    let mut statement = prepare(conn, sql, tenant, params)?;
    statement.raw_execute().map(|n| n as u64).map_err(errors::sqlite)
}
