use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use base::{Error, Result, TenantId, Timestamp};
use postgres::{Client, Row, Statement, fallible_iterator::FallibleIterator as _, types::ToSql};

use super::later::{Later, Waiting};
use crate::{EngineKind, Sql, Value, dialect, errors, sql::Mentions};

/// How often this process went to PostgreSQL and back.
static ROUND_TRIPS: AtomicU64 = AtomicU64::new(0);

/// How often this process went to PostgreSQL and back, but for what is prepared once for a connection: what work on many
/// rows is held against.
pub fn round_trips() -> u64 {
    ROUND_TRIPS.load(Ordering::Relaxed)
}

fn count_trip() {
    ROUND_TRIPS.fetch_add(1, Ordering::Relaxed);
}

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

/// A part of a transaction that may fail alone. Its savepoint is made when something is said to the server within it.
struct Part {
    name: String,
    /// How many writes waited when it began.
    began_at: usize,
    has_savepoint: bool,
}

/// One connection with its prepared statements, and what its transaction has still to write.
pub struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
    common: Arc<CommonQuestions>,
    later: Later,
    parts: Vec<Part>,
    /// A statement failed outside of every part: the server will not commit this transaction.
    is_lost: bool,
}

impl Session {
    pub fn new(client: Client, common: Arc<CommonQuestions>) -> Self {
        let (later, parts) = (Later::default(), Vec::new());
        Self { client, statements: HashMap::new(), common, later, parts, is_lost: false }
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

    fn batch(&mut self, command: &str) -> Result<()> {
        count_trip();
        self.client.batch_execute(command).map_err(errors::postgres)
    }

    /// Ends the transaction. What waits is written before a commit; when that fails, nothing is committed and the
    /// connection is as good as before.
    pub fn end(&mut self, commit: bool) -> Result<Result<()>> {
        let written = if commit { self.write_all() } else { Ok(()) };
        let lost = std::mem::take(&mut self.is_lost);
        self.later.truncate(0);
        self.parts.clear();
        self.batch(if commit && written.is_ok() && !lost { "commit" } else { "rollback" })?;
        // To a commit of a lost transaction the server answers with success, and takes everything back.
        Ok(written.and_then(|()| match commit && lost {
            true => Err(Error::bug("a failed statement was passed over; nothing was written")),
            false => Ok(()),
        }))
    }

    /// Begins a part that may fail alone.
    pub fn begin_part(&mut self, name: String) {
        self.parts.push(Part { name, began_at: self.later.len(), has_savepoint: false });
    }

    /// Ends a part that went well. What waits may go on waiting when `with_others`: an error of it is then everybody's.
    pub fn keep_part(&mut self, with_others: bool) -> Result<()> {
        let waits = self.parts.last().is_some_and(|part| self.later.len() > part.began_at);
        if waits && !with_others {
            self.write_all()?;
        }
        if let Some(part) = self.parts.last().filter(|part| part.has_savepoint) {
            let release = format!("release savepoint {}", part.name);
            self.batch(&release)?;
        }
        self.parts.pop();
        Ok(())
    }

    /// Ends a part that failed, and undoes it.
    pub fn drop_part(&mut self) -> Result<()> {
        let Some(part) = self.parts.pop() else { return Ok(()) };
        self.later.truncate(part.began_at);
        if part.has_savepoint {
            let name = part.name;
            self.batch(&format!("rollback to savepoint {name}; release savepoint {name}"))?;
        }
        Ok(())
    }

    /// Makes the savepoints of the parts that are under way; what waited before a part began is written before it.
    fn save_parts(&mut self) -> Result<()> {
        for at in 0..self.parts.len() {
            let Some((began_at, name)) =
                self.parts.get(at).filter(|p| !p.has_savepoint).map(|p| (p.began_at, p.name.clone()))
            else {
                continue;
            };
            self.write_first(began_at)?;
            for part in self.parts.iter_mut().skip(at) {
                part.began_at = part.began_at.saturating_sub(began_at);
            }
            self.batch(&format!("savepoint {name}"))?;
            if let Some(part) = self.parts.get_mut(at) {
                part.has_savepoint = true;
            }
        }
        Ok(())
    }

    fn write_all(&mut self) -> Result<()> {
        if self.later.len() == 0 {
            return Ok(());
        }
        self.save_parts()?;
        self.write_first(self.later.len())
    }

    fn write_first(&mut self, count: usize) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        for group in self.later.take(count) {
            let written = self.write_group(&group);
            self.note_failure(written)?;
        }
        Ok(())
    }

    /// A failure that no savepoint undoes is one of the whole transaction.
    fn note_failure<T>(&mut self, done: Result<T>) -> Result<T> {
        if done.is_err() && !self.parts.iter().any(|p| p.has_savepoint) {
            self.is_lost = true;
        }
        done
    }

    fn write_group(&mut self, group: &[Waiting]) -> Result<()> {
        let Some(first) = group.first() else { return Ok(()) };
        let (sql, tenant) = (&first.sql, Some(&first.tenant));
        let one = self.prepare(sql)?;
        count_trip();
        if let [alone] = group {
            let bound = bind(&one, sql, tenant, &alone.values)?;
            return self.client.execute(&one, &bound).map(|_| ()).map_err(|e| described(e, sql));
        }
        let types: Vec<&str> = one.params().iter().map(|ty| ty.name()).collect();
        if group.iter().any(|w| w.values.len() + 1 != types.len()) {
            return Err(Error::bug(format!(
                "a statement got too few or too many parameters: {}",
                sql.text()
            )));
        }
        let many = Sql { text: first.shape.text(&types).into(), reach: sql.reach };
        let many = self.prepare(&many)?;
        let lists: Vec<Vec<&Value<'static>>> = (0..types.len() - 1)
            .map(|column| group.iter().filter_map(|w| w.values.get(column)).collect())
            .collect();
        let mut bound: Vec<&(dyn ToSql + Sync)> = vec![&first.tenant];
        bound.extend(lists.iter().map(|list| list as &(dyn ToSql + Sync)));
        self.client.execute(&many, &bound).map(|_| ()).map_err(|e| described(e, sql))
    }

    /// Before a statement is sent: what it may see is written, and parts under way can be undone.
    fn make_ready(&mut self, mentions: &Mentions) -> Result<()> {
        if self.later.concerns(mentions) {
            self.write_all()?;
        }
        self.save_parts()
    }

    /// A write whose outcome nobody asks for.
    pub fn execute_later(
        &mut self,
        sql: &Sql,
        mentions: &Mentions,
        tenant: Option<Value<'static>>,
        params: &[Value<'_>],
    ) -> Result<()> {
        let Some(write) = Waiting::new(sql, tenant.clone(), params) else {
            return self.execute(sql, mentions, tenant, params).map(|_| ());
        };
        if !self.later.has_room_for(&write) {
            self.write_all()?;
        }
        self.later.push(write);
        Ok(())
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
        mentions: &Mentions,
        tenant: Option<Value<'static>>,
        params: &[Value<'_>],
    ) -> Result<Vec<Row>> {
        self.make_ready(mentions)?;
        let found = self.prepare(sql).and_then(|statement| {
            let bound = bind(&statement, sql, tenant.as_ref(), params)?;
            count_trip();
            self.client.query(&statement, &bound).map_err(|e| described(e, sql))
        });
        self.note_failure(found)
    }

    /// Hands rows on as they come, until `each` answers false.
    pub fn for_each(
        &mut self,
        sql: &Sql,
        mentions: &Mentions,
        tenant: Option<Value<'static>>,
        params: &[Value<'_>],
        each: impl FnMut(&Row) -> Result<bool>,
    ) -> Result<()> {
        self.make_ready(mentions)?;
        let done = self.hand_on(sql, tenant.as_ref(), params, each);
        self.note_failure(done)?
    }

    /// The outer result is the server's, the inner one `each`'s.
    fn hand_on(
        &mut self,
        sql: &Sql,
        tenant: Option<&Value<'static>>,
        params: &[Value<'_>],
        mut each: impl FnMut(&Row) -> Result<bool>,
    ) -> Result<Result<()>> {
        let statement = self.prepare(sql)?;
        let bound = bind(&statement, sql, tenant, params)?;
        count_trip();
        let mut rows = self.client.query_raw(&statement, bound).map_err(|e| described(e, sql))?;
        while let Some(row) = rows.next().map_err(|e| described(e, sql))? {
            match each(&row) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(()))
    }

    pub fn execute(
        &mut self,
        sql: &Sql,
        mentions: &Mentions,
        tenant: Option<Value<'static>>,
        params: &[Value<'_>],
    ) -> Result<u64> {
        self.make_ready(mentions)?;
        let done = self.prepare(sql).and_then(|statement| {
            let bound = bind(&statement, sql, tenant.as_ref(), params)?;
            count_trip();
            self.client.execute(&statement, &bound).map_err(|e| described(e, sql))
        });
        self.note_failure(done)
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
