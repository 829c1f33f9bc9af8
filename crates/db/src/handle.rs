use std::{path::PathBuf, sync::Arc};

use base::{Clock, Entropy, Error, Result, Secret, Timestamp};
use tokio::sync::oneshot;

use crate::{Lane, Read, Scope, Signals, Tx, migrate, postgres, queue::Queue, sqlite};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    Sqlite,
    Postgres,
}

/// Where the data is.
#[derive(Clone, Debug)]
pub enum Location {
    /// The database file.
    Sqlite(PathBuf),
    /// `postgres://user@host/database?sslmode=require`
    Postgres(Secret),
}

pub struct Options {
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// Reader threads on SQLite; connections on PostgreSQL.
    pub threads: usize,
    /// Pieces of work that may wait in one lane before callers are told to come back.
    pub queue_max: usize,
}

/// A handle on the database. Cloning it is cheap; all clones are one database.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    kind: EngineKind,
    location: Location,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    signals: Signals,
    writes: Arc<Queue<Box<dyn WriteWork>>>,
    reads: Arc<Queue<Box<dyn ReadWork>>>,
    threads: std::sync::Mutex<Threads>,
}

enum Threads {
    Sqlite { writer: sqlite::Writer, readers: sqlite::Readers },
    Postgres(postgres::Pool),
}

impl Db {
    /// Opens the database and brings its schema up to date (see [`migrate::run`]). Blocks.
    pub fn open(location: Location, options: Options) -> Result<Self> {
        migrate::run(&location, options.clock.now())?;
        Self::open_migrated(location, options)
    }

    /// Opens a database whose schema is already up to date.
    pub fn open_migrated(location: Location, options: Options) -> Result<Self> {
        let Options { clock, entropy, threads, queue_max } = options;
        let signals = Signals::new(match &location {
            Location::Sqlite(path) => Some(path.with_extension("access")),
            Location::Postgres(_) => None,
        });
        let (writes, reads) = (Arc::new(Queue::new(queue_max)), Arc::new(Queue::new(queue_max)));
        let (kind, started) = match &location {
            Location::Sqlite(path) => {
                let writer = sqlite::Writer::start(
                    path,
                    writes.clone(),
                    clock.clone(),
                    entropy.clone(),
                    signals.clone(),
                )?;
                let readers = sqlite::Readers::start(path, threads, &reads, &clock)?;
                (EngineKind::Sqlite, Threads::Sqlite { writer, readers })
            }
            Location::Postgres(url) => {
                let shared = postgres::Shared {
                    url: url.clone(),
                    clock: clock.clone(),
                    entropy: entropy.clone(),
                    signals: signals.clone(),
                    writes: writes.clone(),
                    reads: reads.clone(),
                    common: Arc::default(),
                };
                let pool = off_the_runtime(|| postgres::Pool::start(shared, threads))?;
                (EngineKind::Postgres, Threads::Postgres(pool))
            }
        };
        let threads = std::sync::Mutex::new(started);
        Ok(Self(Arc::new(Inner { kind, location, clock, entropy, signals, writes, reads, threads })))
    }

    /// Runs `work` in a transaction and answers after the commit is on disk. An error undoes all of it.
    pub async fn write<T, F>(&self, scope: Scope, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let lane = scope.lane;
        self.push(&self.0.writes, lane, Box::new(Work { scope, work: Some(work), out: None, reply }))?;
        answer.await.unwrap_or_else(|_| Err(Error::unavailable("db.stopped", "the server is stopping")))
    }

    /// Runs `work` on a consistent view.
    pub async fn read<T, F>(&self, scope: Scope, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Read<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let lane = scope.lane;
        self.push(&self.0.reads, lane, Box::new(Work { scope, work: Some(work), out: None, reply }))?;
        answer.await.unwrap_or_else(|_| Err(Error::unavailable("db.stopped", "the server is stopping")))
    }

    /// [`Db::write`] for a thread that is not part of a runtime: the command line, the bare limit of a benchmark.
    pub fn write_blocking<T, F>(&self, scope: Scope, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.push(&self.0.writes, scope.lane, Box::new(Work { scope, work: Some(work), out: None, reply }))?;
        answer
            .blocking_recv()
            .unwrap_or_else(|_| Err(Error::unavailable("db.stopped", "the server is stopping")))
    }

    /// [`Db::read`] for a thread that is not part of a runtime.
    pub fn read_blocking<T, F>(&self, scope: Scope, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Read<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.push(&self.0.reads, scope.lane, Box::new(Work { scope, work: Some(work), out: None, reply }))?;
        answer
            .blocking_recv()
            .unwrap_or_else(|_| Err(Error::unavailable("db.stopped", "the server is stopping")))
    }

    fn push<W>(&self, queue: &Queue<W>, lane: Lane, work: W) -> Result<()> {
        queue.push(lane, work).map_err(|_| {
            if queue.is_closed() {
                Error::unavailable("db.stopped", "the server is stopping")
            } else {
                Error::unavailable(
                    "db.queue_full",
                    "the server has more work than it can take; try again in a moment",
                )
            }
        })
    }

    pub fn kind(&self) -> EngineKind {
        self.0.kind
    }
    pub fn location(&self) -> &Location {
        &self.0.location
    }
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.0.clock.clone()
    }
    pub fn entropy(&self) -> Arc<dyn Entropy> {
        self.0.entropy.clone()
    }
    pub fn signals(&self) -> &Signals {
        &self.0.signals
    }
    /// Writes waiting now.
    pub fn write_queue_depth(&self) -> usize {
        self.0.writes.depth()
    }

    /// Refuses new work, finishes what was accepted, and closes the database. Blocks.
    pub fn close(&self) {
        self.0.writes.close();
        self.0.reads.close();
        match &mut *self.0.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Threads::Sqlite { writer, readers } => {
                readers.join();
                writer.join();
            }
            Threads::Postgres(pool) => pool.join(),
        }
    }
}

/// Runs something on a thread of its own: the synchronous client refuses to connect on a runtime's worker.
pub(crate) fn off_the_runtime<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| scope.spawn(work).join())
        .unwrap_or_else(|_| Err(Error::bug("a database thread panicked")))
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.writes.close();
        self.reads.close();
    }
}

/// A write whose types are forgotten, so that it can stand in the queue.
pub trait WriteWork: Send {
    fn scope(&self) -> Scope;
    fn lane(&self) -> Lane;
    /// True when it succeeded and may be committed.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    fn fail(&mut self, error: Error);
    fn take_error(&mut self) -> Option<Error>;
    /// Tells the caller, once the commit's outcome is known.
    fn answer(self: Box<Self>, committed: Result<()>);
}

/// A read whose types are forgotten.
pub trait ReadWork: Send {
    fn scope(&self) -> Scope;
    fn lane(&self) -> Lane;
    fn run(&mut self, read: &Read<'_>);
    fn fail(&mut self, error: Error);
    fn answer(self: Box<Self>);
}

struct Work<T, F> {
    scope: Scope,
    work: Option<F>,
    out: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

fn never_ran<T>() -> Result<T> {
    Err(Error::bug("a piece of work was answered before it ran"))
}

impl<T: Send, F: FnOnce(&mut Tx<'_>) -> Result<T> + Send> WriteWork for Work<T, F> {
    fn scope(&self) -> Scope {
        self.scope.clone()
    }
    fn lane(&self) -> Lane {
        self.scope.lane
    }
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let out = self.work.take().map_or_else(never_ran, |work| work(tx));
        let done = out.is_ok();
        self.out = Some(out);
        done
    }
    fn fail(&mut self, error: Error) {
        self.out = Some(Err(error));
    }
    fn take_error(&mut self) -> Option<Error> {
        match self.out.take() {
            Some(Err(error)) => Some(error),
            other => {
                self.out = other;
                None
            }
        }
    }
    fn answer(self: Box<Self>, committed: Result<()>) {
        let out = match (self.out, committed) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(group)) => Err(group),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => never_ran(),
        };
        self.reply.send(out).ok();
    }
}

impl<T: Send, F: FnOnce(&Read<'_>) -> Result<T> + Send> ReadWork for Work<T, F> {
    fn scope(&self) -> Scope {
        self.scope.clone()
    }
    fn lane(&self) -> Lane {
        self.scope.lane
    }
    fn run(&mut self, read: &Read<'_>) {
        self.out = Some(self.work.take().map_or_else(never_ran, |work| work(read)));
    }
    fn fail(&mut self, error: Error) {
        self.out = Some(Err(error));
    }
    fn answer(self: Box<Self>) {
        let out = self.out.unwrap_or_else(never_ran);
        self.reply.send(out).ok();
    }
}
