use std::{
    cell::{Cell, RefCell},
    ops::Deref,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use base::{Actor, Entropy, Error, Id, Result, TenantId, Timestamp};

use crate::{
    EngineKind, Reach, Row, Scope, Sql, Value, Wake,
    memory::Memory,
    postgres::Session,
    search::Words,
    sql::{self, Mentions},
    sqlite::{self},
};

/// A connection of either engine, lent to one piece of work.
pub(crate) enum Conn<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c RefCell<Session>),
}

/// A consistent view for reading. Queries take `&Read`; a [`Tx`] can be passed where a `&Read` is wanted.
pub struct Read<'c> {
    conn: Conn<'c>,
    scope: &'c Scope,
    now: Timestamp,
    memory: Rc<Memory>,
}

impl<'c> Read<'c> {
    pub(crate) fn new(conn: Conn<'c>, scope: &'c Scope, now: Timestamp) -> Self {
        Self { conn, scope, now, memory: Rc::default() }
    }

    /// The instant this piece of work began; the same for everything in it.
    pub fn now(&self) -> Timestamp {
        self.now
    }
    pub fn actor(&self) -> &Actor {
        &self.scope.actor
    }
    pub fn request_id(&self) -> Option<&str> {
        self.scope.request_id.as_deref()
    }
    /// The tenant this work is for; an error in work across tenants.
    pub fn tenant(&self) -> Result<TenantId> {
        self.scope.tenant.ok_or_else(|| Error::bug("work across tenants asked for its tenant"))
    }
    pub(crate) fn engine(&self) -> EngineKind {
        match self.conn {
            Conn::Sqlite(_) => EngineKind::Sqlite,
            Conn::Postgres(_) => EngineKind::Postgres,
        }
    }

    /// Whether this question was found to have more answers than are ranked, a while ago.
    pub(crate) fn is_known_common(&self, question: &str) -> bool {
        match &self.conn {
            Conn::Sqlite(_) => false,
            Conn::Postgres(session) => session.borrow().common().holds(question, self.now),
        }
    }
    pub(crate) fn remember_common(&self, question: String) {
        if let Conn::Postgres(session) = &self.conn {
            session.borrow().common().remember(question, self.now);
        }
    }

    /// Every row, mapped.
    pub fn query_all<T>(
        &self,
        sql: &Sql,
        params: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut out = Vec::new();
        self.for_each_collected(sql, params, |row| {
            out.push(map(row)?);
            Ok(())
        })?;
        Ok(out)
    }

    /// The first row, mapped, if there is one.
    pub fn query_one<T>(
        &self,
        sql: &Sql,
        params: &[Value<'_>],
        map: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut map = Some(map);
        let mut out = None;
        // Goes on to the end: a statement with `returning` must run through.
        self.for_each_collected(sql, params, |row| {
            if let Some(map) = map.take() {
                out = Some(map(row)?);
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// Every row, mapped; the same question again is answered from memory, unless something that may change the answer
    /// was written here since. What others commit meanwhile is not heard of: for what may be as of the first asking.
    pub fn recall<T: Clone + 'static>(
        &self,
        sql: &Sql,
        params: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let (_, mentions) = self.bound(sql)?;
        let key = Memory::key(sql.text(), params);
        if let Some(known) = self.memory.answer::<Vec<T>>(&key) {
            return Ok(known);
        }
        let answer = self.query_all(sql, params, map)?;
        self.memory.remember(key, mentions, answer.clone());
        Ok(answer)
    }

    /// What was looked up for many ([`Tx::look_ahead`]), to take one's own from.
    pub fn ahead<T: 'static, R>(&self, look: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.memory.ahead(look)
    }

    /// Calls `each` for every row until it answers false. Rows are handed on as they come, however many they are; so
    /// `each` asks nothing itself.
    pub fn for_each(
        &self,
        sql: &Sql,
        params: &[Value<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        let (tenant, mentions) = self.bound(sql)?;
        self.memory.heed(&mentions);
        match &self.conn {
            Conn::Sqlite(conn) => sqlite::for_each(conn, sql, tenant, params, &mut each),
            Conn::Postgres(session) => {
                let Ok(mut session) = session.try_borrow_mut() else {
                    return Err(Error::bug(format!("asked while rows are handed on: {}", sql.text())));
                };
                session.for_each(sql, &mentions, tenant, params, |row| each(&Row::Postgres(row)))
            }
        }
    }

    /// The same for few rows: `each` may ask further.
    fn for_each_collected(
        &self,
        sql: &Sql,
        params: &[Value<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let Conn::Postgres(session) = &self.conn else {
            return self.for_each(sql, params, |row| each(row).map(|()| true));
        };
        let (tenant, mentions) = self.bound(sql)?;
        self.memory.heed(&mentions);
        let rows = session.borrow_mut().query(sql, &mentions, tenant, params)?;
        rows.iter().try_for_each(|row| each(&Row::Postgres(row)))
    }

    /// The tenant to be bound, and what the statement has to do with.
    fn bound(&self, statement: &Sql) -> Result<(Option<Value<'static>>, Arc<Mentions>)> {
        let mentions = sql::mentions(statement)?;
        let tenant = match statement.reach() {
            Reach::Installation => None,
            Reach::Tenant => Some(Value::Uuid(self.tenant()?.uuid())),
        };
        Ok((tenant, mentions))
    }
}

/// One write: everything in it commits together, with fsync, or not at all.
///
/// Carries the tenant, the actor, the request, the clock and what is to be woken after the commit.
pub struct Tx<'c> {
    read: Read<'c>,
    entropy: &'c dyn Entropy,
    wakes: RefCell<Vec<Wake>>,
    /// For SQLite's full-text table, when the group is about to commit.
    words: RefCell<Vec<Words>>,
    savepoints: Cell<u32>,
    change: Cell<Option<uuid::Uuid>>,
}

/// How often [`Tx::hold`] begins again.
const HOLDS: u32 = 4;

/// The instant (milliseconds) of the last id of this process, and its place among those of that instant, in the low 12 bits.
static LAST_ID: AtomicU64 = AtomicU64::new(0);

/// The place of the next id of an instant.
fn next_place(at: Timestamp) -> u16 {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0) & (u64::MAX >> 12);
    let next = |last: u64| if last >> 12 == millis { (last & 0xfff).saturating_add(1).min(0xfff) } else { 0 };
    let before = LAST_ID
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some((millis << 12) | next(last)))
        .unwrap_or_else(|last| last);
    u16::try_from(next(before)).unwrap_or(0xfff)
}

impl<'c> Deref for Tx<'c> {
    type Target = Read<'c>;
    fn deref(&self) -> &Read<'c> {
        &self.read
    }
}

impl<'c> Tx<'c> {
    pub(crate) fn new(read: Read<'c>, entropy: &'c dyn Entropy) -> Self {
        Self {
            read,
            entropy,
            wakes: RefCell::default(),
            words: RefCell::default(),
            savepoints: Cell::new(0),
            change: Cell::new(None),
        }
    }
    /// What is to be woken after the commit, and what goes into the full-text table before it.
    pub(crate) fn finish(self) -> (Vec<Wake>, Vec<Words>) {
        (self.wakes.into_inner(), self.words.into_inner())
    }
    pub(crate) fn put_words(&self, words: Words) {
        self.words.borrow_mut().push(words);
    }

    /// Runs a statement that answers no rows; the number of rows it changed.
    pub fn execute(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<u64> {
        let (tenant, mentions) = self.read.bound(sql)?;
        self.read.memory.heed(&mentions);
        match &self.read.conn {
            Conn::Sqlite(conn) => sqlite::execute(conn, sql, tenant, params),
            Conn::Postgres(session) => session.borrow_mut().execute(sql, &mentions, tenant, params),
        }
    }

    /// Writes a row without asking what became of it, so that many can go to the server at once: at the latest before
    /// something here may see them, before the part they belong to is done, and before the commit.
    ///
    /// An insert of one row, or an update or a delete of the rows that equal given values. No row that waits may refer to
    /// another one that does.
    /// Until it is written an error of it is not known; it is one of the part or the transaction, not of this call.
    pub fn execute_later(&mut self, sql: &Sql, params: &[Value<'_>]) -> Result<()> {
        let (tenant, mentions) = self.read.bound(sql)?;
        self.read.memory.heed(&mentions);
        match &self.read.conn {
            Conn::Sqlite(conn) => sqlite::execute(conn, sql, tenant, params).map(|_| ()),
            Conn::Postgres(session) => session.borrow_mut().execute_later(sql, &mentions, tenant, params),
        }
    }

    /// Keeps what was looked up for many, for [`Read::ahead`]. Only what nobody else can change until the commit, since
    /// its rows are held; and whoever writes it here takes it out. What was kept of this type before is forgotten.
    pub fn look_ahead<T: 'static>(&mut self, value: T) {
        self.read.memory.put_ahead(value);
    }

    /// A new id; a process's sort in the order they were made, also within a millisecond.
    pub fn new_id<T>(&self) -> Id<T> {
        Id::placed(self.read.now, next_place(self.read.now), self.entropy)
    }

    /// Names this change: the same for everything in this commit, and for nothing else. A part of another time ([`Tx::as_of`])
    /// is a change of its own.
    pub fn change_id(&self) -> uuid::Uuid {
        let id = self.change.get().unwrap_or_else(|| self.new_id::<()>().uuid());
        self.change.set(Some(id));
        id
    }

    pub fn entropy(&self) -> &dyn Entropy {
        self.entropy
    }

    /// Wakes somebody once the commit is on disk.
    pub fn wake(&self, wake: Wake) {
        let mut wakes = self.wakes.borrow_mut();
        if !wakes.contains(&wake) {
            wakes.push(wake);
        }
    }

    /// Runs a part as somebody else did it at another time, inside the same commit and tenant: for histories that are
    /// brought in whole, such as the demo's month. Everything else is done by whoever asks, now.
    pub fn as_of<T>(
        &mut self,
        actor: Actor,
        at: Timestamp,
        part: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        let scope = Scope { actor: actor.into(), ..self.read.scope.clone() };
        // Another time is another change.
        self.under(&scope, at, None, part)
    }

    /// Runs a part as `actor`, now, and marks what it queues as caused by `cause`.
    pub fn caused_by<T>(
        &mut self,
        actor: Actor,
        cause: String,
        part: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        let scope = Scope { actor: actor.into(), request_id: Some(cause.into()), ..self.read.scope.clone() };
        let (now, change) = (self.read.now, self.change_id());
        self.under(&scope, now, Some(change), part)
    }

    fn under<T>(
        &mut self,
        scope: &Scope,
        at: Timestamp,
        change: Option<uuid::Uuid>,
        part: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<T> {
        let conn = match &self.read.conn {
            Conn::Sqlite(conn) => Conn::Sqlite(conn),
            Conn::Postgres(session) => Conn::Postgres(session),
        };
        let read = Read { conn, scope, now: at, memory: self.read.memory.clone() };
        let mut then = Tx::new(read, self.entropy);
        then.change.set(change);
        // Savepoints of both share one name space.
        then.savepoints.set(self.savepoints.get());
        let done = part(&mut then);
        self.savepoints.set(then.savepoints.get());
        let (wakes, words) = then.finish();
        wakes.into_iter().for_each(|wake| self.wake(wake));
        self.words.borrow_mut().extend(words);
        done
    }

    /// Runs a part that may fail without taking the rest with it: its changes are undone, the error is handed back.
    pub fn attempt<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.part(part, false)
    }

    /// Runs a part that holds rows others may hold in another order: where the database ended a circle of waiting by
    /// refusing this one, what it held is let go and it begins again, a few times. It is to be the first that holds rows.
    /// Where one writes at a time nobody waits for anybody.
    pub fn hold<T>(&mut self, mut part: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        if self.read.engine() == EngineKind::Sqlite {
            return part(self);
        }
        for _ in 0..HOLDS {
            match self.attempt(&mut part) {
                Err(error) if error.code() == crate::errors::BUSY => {}
                done => return done,
            }
        }
        self.attempt(part)
    }

    /// The same for one of many alike: what it leaves for later is written with the others'. Should the database refuse
    /// that, it is an error of them all.
    pub fn attempt_one_of_many<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.part(part, true)
    }

    fn part<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T>, with_others: bool) -> Result<T> {
        let name = format!("part_{}", self.savepoints.replace(self.savepoints.get() + 1));
        self.begin_part(&name)?;
        let filed = self.words.borrow().len();
        let done = match part(self) {
            Ok(value) => self.keep_part(&name, with_others).map(|()| value),
            Err(error) => Err(error),
        };
        if done.is_err() {
            self.words.borrow_mut().truncate(filed);
            self.read.memory.forget_answers();
            self.drop_part(&name)?;
        }
        done
    }

    fn begin_part(&self, name: &str) -> Result<()> {
        match &self.read.conn {
            Conn::Sqlite(conn) => control(conn, &format!("savepoint {name}")),
            Conn::Postgres(session) => {
                session.borrow_mut().begin_part(name.to_owned());
                Ok(())
            }
        }
    }
    fn keep_part(&self, name: &str, with_others: bool) -> Result<()> {
        match &self.read.conn {
            Conn::Sqlite(conn) => control(conn, &format!("release savepoint {name}")),
            Conn::Postgres(session) => session.borrow_mut().keep_part(with_others),
        }
    }
    fn drop_part(&self, name: &str) -> Result<()> {
        match &self.read.conn {
            Conn::Sqlite(conn) => {
                control(conn, &format!("rollback to savepoint {name}; release savepoint {name}"))
            }
            Conn::Postgres(session) => session.borrow_mut().drop_part(),
        }
    }
}

fn control(conn: &rusqlite::Connection, commands: &str) -> Result<()> {
    conn.execute_batch(commands).map_err(crate::errors::sqlite)
}
