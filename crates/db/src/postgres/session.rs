use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base::{Error, Result, TenantId, Timestamp};
use postgres::{Client, Row, Statement, types::ToSql};

use crate::{EngineKind, Sql, Value, dialect, errors};

/// Statements kept prepared by a connection; past this, all are forgotten and prepared anew.
const STATEMENT_CACHE: usize = 512;

/// Questions to the full-text index that had too many answers to rank, and when. They name their tenant, so no tenant's
/// answer is another's. What was too much stays so for a while; what is forgotten is counted anew.
#[derive(Default)]
pub struct CommonQuestions(Mutex<HashMap<String, Timestamp>>);

impl CommonQuestions {
    pub fn holds(&self, question: &str, now: Timestamp) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(question).is_some_and(|since| *since + base::minutes(10) > now && *since <= now)
    }
    pub fn remember(&self, question: String, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= STATEMENT_CACHE {
            known.clear();
        }
        known.insert(question, now);
    }
}

/// One connection with its prepared statements.
pub struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
    common: Arc<CommonQuestions>,
}

impl Session {
    pub fn new(client: Client, common: Arc<CommonQuestions>) -> Self {
        Self { client, statements: HashMap::new(), common }
    }

    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Opens a transaction and says for whom, in one round trip. The tenant is ours, never a caller's text.
    pub fn begin(&mut self, tenant: Option<TenantId>, read_only: bool) -> Result<()> {
        let mode = if read_only { " isolation level repeatable read read only" } else { "" };
        let whom = match tenant {
            Some(tenant) => format!("set local counterfoil.tenant = '{tenant}'"),
            None => "set local counterfoil.reach = 'installation'".to_owned(),
        };
        self.batch(&format!("begin{mode}; {whom}"))
    }

    pub fn common(&self) -> &CommonQuestions {
        &self.common
    }

    pub fn batch(&mut self, command: &str) -> Result<()> {
        self.client.batch_execute(command).map_err(errors::postgres)
    }

    fn prepare(&mut self, sql: &Sql) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql.text()) {
            return Ok(statement.clone());
        }
        let text = dialect::render(sql.text(), EngineKind::Postgres);
        let statement = self.client.prepare(&text).map_err(|e| {
            let e = errors::postgres(e);
            if e.kind() == base::Kind::Bug { Error::bug(format!("{e} in: {}", sql.text())) } else { e }
        })?;
        if self.statements.len() >= STATEMENT_CACHE {
            self.statements.clear();
        }
        self.statements.insert(sql.text().to_owned(), statement.clone());
        Ok(statement)
    }

    pub fn query(
        &mut self,
        sql: &Sql,
        tenant: Option<Value<'static>>,
        params: &[Value<'_>],
    ) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        let bound = bind(&statement, sql, tenant.as_ref(), params)?;
        self.client.query(&statement, &bound).map_err(|e| described(e, sql))
    }

    pub fn execute(
        &mut self,
        sql: &Sql,
        tenant: Option<Value<'static>>,
        params: &[Value<'_>],
    ) -> Result<u64> {
        let statement = self.prepare(sql)?;
        let bound = bind(&statement, sql, tenant.as_ref(), params)?;
        self.client.execute(&statement, &bound).map_err(|e| described(e, sql))
    }
}

#[track_caller]
fn described(e: postgres::Error, sql: &Sql) -> Error {
    let detail = e.as_db_error().map(ToString::to_string).unwrap_or_else(|| format!("{e:?}"));
    let e = errors::postgres(e);
    if e.kind() == base::Kind::Bug { Error::bug(format!("{detail} in: {}", sql.text())) } else { e }
}

fn bind<'p>(
    statement: &Statement,
    sql: &Sql,
    tenant: Option<&'p Value<'static>>,
    params: &'p [Value<'p>],
) -> Result<Vec<&'p (dyn ToSql + Sync)>> {
    let mut bound: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(params.len() + 1);
    if let Some(tenant) = tenant {
        bound.push(tenant);
    }
    bound.extend(params.iter().map(|v| v as &(dyn ToSql + Sync)));
    if bound.len() != statement.params().len() {
        let (wants, has) = (statement.params().len(), bound.len());
        return Err(Error::bug(format!(
            "a statement takes {wants} parameters and got {has}: {}",
            sql.text()
        )));
    }
    Ok(bound)
}
