use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::Instant,
};

use base::{Clock, Error, Result};
use rusqlite::Connection;

use crate::{
    errors,
    handle::ReadWork,
    queue::Queue,
    tx::{Conn, Read},
};

/// Threads with a read-only connection each. Every piece of work sees one consistent state.
pub struct Readers {
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub fn start(
        path: &Path,
        count: usize,
        queue: &Arc<Queue<Box<dyn ReadWork>>>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self> {
        let mut threads = Vec::new();
        for n in 0..count.max(1) {
            let conn = super::open(path, true)?;
            let (queue, clock) = (queue.clone(), clock.clone());
            let thread = std::thread::Builder::new().name(format!("db-reader-{n}")).spawn(move || {
                while let Some(work) = queue.take(1) {
                    for work in work {
                        let (lane, since) = (work.lane(), Instant::now());
                        run(&conn, work, &*clock);
                        queue.spent(lane, since.elapsed());
                    }
                }
            });
            threads.push(thread.map_err(Error::from_source)?);
        }
        Ok(Self { threads })
    }

    pub fn join(&mut self) {
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

fn run(conn: &Connection, mut work: Box<dyn ReadWork>, clock: &dyn Clock) {
    if let Err(e) = control(conn, "begin") {
        work.fail(errors::sqlite(e));
        work.answer();
        return;
    }
    let scope = work.scope();
    let read = Read::new(Conn::Sqlite(conn), &scope, clock.now());
    if catch_unwind(AssertUnwindSafe(|| work.run(&read))).is_err() {
        work.fail(Error::bug("a read panicked"));
    }
    work.answer();
    control(conn, "rollback").ok();
}

fn control(conn: &Connection, command: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(command)?.raw_execute().map(|_| ())
}
