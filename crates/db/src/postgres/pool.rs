use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use base::{Clock, Entropy, Error, Result, Secret};

use super::{CommonQuestions, Session, connect, signals::Notifier};
use crate::{
    Signals, Wake,
    handle::{ReadWork, WriteWork},
    queue::Queue,
    tx::{Conn, Read, Tx},
};

/// What the threads of a pool share.
#[derive(Clone)]
pub struct Shared {
    pub url: Secret,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub signals: Signals,
    pub writes: Arc<Queue<Box<dyn WriteWork>>>,
    pub reads: Arc<Queue<Box<dyn ReadWork>>>,
    pub common: Arc<CommonQuestions>,
}

/// Threads with a connection each; a lost connection is made anew for the next piece of work.
pub struct Pool {
    threads: Vec<JoinHandle<()>>,
    notifier: Notifier,
}

impl Pool {
    pub fn start(shared: Shared, connections: usize) -> Result<Self> {
        // Fail at start, not at the first request, when the database cannot be reached.
        drop(connect(&shared.url)?);
        let notifier = Notifier::start(&shared.url, &shared.signals)?;
        let mut threads = Vec::new();
        for n in 0..connections.max(2) {
            let reads = n % 2 == 1;
            let (shared, wakes) = (shared.clone(), notifier.sender());
            let name = format!("db-{}-{n}", if reads { "reader" } else { "writer" });
            let thread = std::thread::Builder::new().name(name).spawn(move || {
                let mut worker = Worker { shared, wakes, session: None };
                if reads { worker.serve_reads() } else { worker.serve_writes() }
            });
            threads.push(thread.map_err(Error::from_source)?);
        }
        Ok(Self { threads, notifier })
    }

    pub fn join(&mut self) {
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
        self.notifier.join();
    }
}

struct Worker {
    shared: Shared,
    wakes: std::sync::mpsc::Sender<Wake>,
    session: Option<RefCell<Session>>,
}

impl Worker {
    fn serve_writes(&mut self) {
        let queue = self.shared.writes.clone();
        while let Some(works) = queue.take(1) {
            metrics::gauge!("counterfoil_db_writer_queue_depth").set(queue.depth() as f64);
            for work in works {
                let (lane, since) = (work.lane(), Instant::now());
                self.write(work);
                queue.spent(lane, since.elapsed());
            }
        }
    }

    fn serve_reads(&mut self) {
        let queue = self.shared.reads.clone();
        while let Some(works) = queue.take(1) {
            for work in works {
                let (lane, since) = (work.lane(), Instant::now());
                self.read(work);
                queue.spent(lane, since.elapsed());
            }
        }
    }

    /// A live connection. One that was lost while idle is replaced before anybody notices.
    fn ready(&mut self) -> Result<()> {
        if self.session.as_ref().is_some_and(|s| s.borrow().is_closed()) {
            self.session = None;
        }
        if self.session.is_none() {
            self.session =
                Some(RefCell::new(Session::new(connect(&self.shared.url)?, self.shared.common.clone())));
        }
        Ok(())
    }

    /// Opens a transaction; a connection that turns out to be dead is replaced once, since nothing was done on it yet.
    fn begin(&mut self, tenant: Option<base::TenantId>, read_only: bool) -> Result<&RefCell<Session>> {
        for last in [false, true] {
            self.ready()?;
            let Some(session) = &self.session else { break };
            match session.borrow_mut().begin(tenant, read_only) {
                Ok(()) => break,
                Err(e) if last => return Err(e),
                Err(_) => {}
            }
            self.session = None;
            std::thread::sleep(Duration::from_millis(20));
        }
        self.session.as_ref().ok_or_else(|| {
            Error::unavailable("db.connection_lost", "the database connection was lost; try again")
        })
    }

    fn write(&mut self, mut work: Box<dyn WriteWork>) {
        let scope = work.scope();
        let (clock, entropy) = (self.shared.clock.clone(), self.shared.entropy.clone());
        let session = match self.begin(scope.tenant, false) {
            Ok(session) => session,
            Err(error) => return work.answer(Err(error)),
        };
        let mut tx = Tx::new(Read::new(Conn::Postgres(session), &scope, clock.now()), &*entropy);
        let done = catch_unwind(AssertUnwindSafe(|| work.run(&mut tx))).unwrap_or_else(|_| {
            work.fail(Error::bug("a write panicked"));
            false
        });
        let (wakes, _) = tx.finish();
        let ended = session.borrow_mut().end(done);
        match ended {
            Ok(Ok(())) => {
                if done {
                    for wake in wakes {
                        self.shared.signals.fire(wake);
                        self.wakes.send(wake).ok();
                    }
                }
                work.answer(Ok(()));
            }
            Ok(Err(error)) => work.answer(Err(error)),
            Err(error) => {
                self.session = None;
                work.answer(Err(error));
            }
        }
    }

    fn read(&mut self, mut work: Box<dyn ReadWork>) {
        let scope = work.scope();
        let clock = self.shared.clock.clone();
        let session = match self.begin(scope.tenant, true) {
            Ok(session) => session,
            Err(error) => {
                work.fail(error);
                return work.answer();
            }
        };
        let read = Read::new(Conn::Postgres(session), &scope, clock.now());
        if catch_unwind(AssertUnwindSafe(|| work.run(&read))).is_err() {
            work.fail(Error::bug("a read panicked"));
        }
        // The caller has what it asked for; ending the transaction is our affair.
        work.answer();
        let ended = session.borrow_mut().end(false);
        if ended.is_err() {
            self.session = None;
        }
    }
}
