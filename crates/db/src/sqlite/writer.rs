use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use base::{Clock, Entropy, Error, Result};
use rusqlite::Connection;

use crate::{
    Lane, Signals, Wake, errors,
    handle::WriteWork,
    queue::{Pause, Queue},
    search,
    tx::{Conn, Read, Tx},
};

/// Writes that share one commit and one fsync at most.
const GROUP_MAX: usize = 64;
/// For so long a group goes on to take in what comes while it is written: what shares pages shares their way to the disk.
const GROUP_FOR: Duration = Duration::from_millis(4);
/// While there is always more to write, another process (the command line) gets its turn in pauses like this.
const PAUSE: Duration = Duration::from_millis(2);
const PAUSE_EVERY: Duration = Duration::from_millis(250);
/// The write-ahead log is folded back when it has grown past this, and so often: the more there is to fold, the longer whoever
/// writes meanwhile waits for the disk.
const CHECKPOINT_BYTES: u64 = 2 * 1024 * 1024;
const CHECKPOINT_EVERY: Duration = Duration::from_millis(100);
/// Under writes without a pause it can only begin anew between two groups: then, when it is so long.
const LOG_IS_LONG: u64 = 64 * 1024 * 1024;

/// The one writer: takes a group from the queue, runs each in its own savepoint, commits once, then answers all.
pub struct Writer {
    thread: Option<JoinHandle<()>>,
    checkpoints: Option<JoinHandle<()>>,
    pause: Arc<Pause>,
}

impl Writer {
    pub fn start(
        path: &Path,
        queue: Arc<Queue<Box<dyn WriteWork>>>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        signals: Signals,
    ) -> Result<Self> {
        let mut conn = super::open(path, false)?;
        let pause = Arc::new(Pause::new());
        let wanted = Arc::new(AtomicBool::new(false));
        let asks = wanted.clone();
        let thread = std::thread::Builder::new()
            .name("db-writer".into())
            .spawn(move || run(&mut conn, &queue, &*clock, &*entropy, &signals, &wanted))
            .map_err(Error::from_source)?;
        let checkpoints = {
            let (path, pause) = (path.to_owned(), pause.clone());
            std::thread::Builder::new()
                .name("db-checkpoint".into())
                .spawn(move || checkpoint(&path, &pause, &asks))
                .map_err(Error::from_source)?
        };
        Ok(Self { thread: Some(thread), checkpoints: Some(checkpoints), pause })
    }

    /// Waits until everything queued is committed. The queue must be closed before.
    pub fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
        self.pause.stop();
        if let Some(thread) = self.checkpoints.take() {
            thread.join().ok();
        }
    }
}

fn run(
    conn: &mut Connection,
    queue: &Queue<Box<dyn WriteWork>>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    signals: &Signals,
    log_is_long: &AtomicBool,
) {
    let mut without_pause = Instant::now();
    let mut company = Company::default();
    loop {
        let waits_since = Instant::now();
        let Some(group) = queue.take(GROUP_MAX) else { return };
        if waits_since.elapsed() >= PAUSE {
            without_pause = Instant::now();
        } else if without_pause.elapsed() >= PAUSE_EVERY {
            std::thread::sleep(PAUSE);
            without_pause = Instant::now();
        }
        if log_is_long.swap(false, Ordering::SeqCst) {
            begin_log_anew(conn);
        }
        metrics::gauge!("counterfoil_db_writer_queue_depth").set(queue.depth() as f64);
        commit_group(conn, group, queue, &mut company, clock, entropy, signals);
    }
}

/// Whether waiting a moment for others pays. A commit costs more than most of what it commits, so where many write at once,
/// it is worth the moment; where one caller writes one thing after the other, nobody ever comes.
#[derive(Default)]
struct Company {
    /// Waits in a row for which nobody came.
    in_vain: u32,
}

impl Company {
    /// A moment in which those who were answered last can ask for the next thing.
    const MOMENT: Duration = Duration::from_micros(500);
    /// After so many in vain it is tried at one opportunity of as many.
    const TRIED: u32 = 16;

    fn patience(&self) -> Duration {
        let waits = self.in_vain < 2 || self.in_vain.is_multiple_of(Self::TRIED);
        if waits { Self::MOMENT } else { Duration::ZERO }
    }

    fn came(&mut self, somebody: bool) {
        self.in_vain = if somebody { 0 } else { self.in_vain.saturating_add(1) };
    }
}

fn commit_group(
    conn: &Connection,
    mut group: Vec<Box<dyn WriteWork>>,
    queue: &Queue<Box<dyn WriteWork>>,
    company: &mut Company,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    signals: &Signals,
) {
    if let Err(e) = control(conn, "begin immediate") {
        let error = errors::sqlite(e);
        group.into_iter().for_each(|work| work.answer(Err(error.duplicate())));
        return;
    }
    let (mut wakes, mut words) = (Vec::new(), Vec::new());
    let (mut broken, mut written, begun) = (None, 0, Instant::now());
    let nobody_waits = group.first().is_some_and(|work| work.lane() == Lane::Background);
    while let Some(work) = group.get_mut(written) {
        if nobody_waits && written > 0 && work.lane() == Lane::Background && begun.elapsed() >= GROUP_FOR {
            // Whoever comes now waits for the whole group.
            let rest = group.split_off(written).into_iter();
            let (later, now) = rest.partition(|work| work.lane() == Lane::Background);
            queue.put_back(later);
            group.extend::<Vec<_>>(now);
            continue;
        }
        let (lane, since) = (work.lane(), Instant::now());
        if let Some(error) = run_one(conn, &mut **work, clock, entropy, &mut wakes, &mut words) {
            broken = Some(error);
            break;
        }
        written += 1;
        queue.spent(lane, since.elapsed());
        if written == group.len() && written < GROUP_MAX && begun.elapsed() < GROUP_FOR {
            let more = queue.take_more(GROUP_MAX - written, company.patience());
            company.came(!more.is_empty());
            group.extend(more);
        }
    }
    metrics::histogram!("counterfoil_db_group_size").record(group.len() as f64);
    let outcome = match broken {
        Some(error) => Err(error),
        None => search::flush(conn, words).and_then(|()| control(conn, "commit").map_err(errors::sqlite)),
    };
    if outcome.is_err() && !conn.is_autocommit() {
        control(conn, "rollback").ok();
    }
    if outcome.is_ok() {
        for wake in wakes {
            signals.fire(wake);
        }
    }
    for work in group {
        work.answer(outcome.as_ref().copied().map_err(Error::duplicate));
    }
}

/// Runs one piece of work in its savepoint. An error is answered only when the whole group is lost with it: a full
/// disk makes SQLite roll back the transaction, and then nobody's write may be acknowledged.
fn run_one(
    conn: &Connection,
    work: &mut dyn WriteWork,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    wakes: &mut Vec<Wake>,
    words: &mut Vec<search::Words>,
) -> Option<Error> {
    if let Err(e) = control(conn, "savepoint one") {
        return Some(errors::sqlite(e));
    }
    let scope = work.scope();
    let mut tx = Tx::new(Read::new(Conn::Sqlite(conn), &scope, clock.now()), entropy);
    let done = catch_unwind(AssertUnwindSafe(|| work.run(&mut tx))).unwrap_or_else(|_| {
        work.fail(Error::bug("a write panicked"));
        false
    });
    if conn.is_autocommit() {
        return Some(work.take_error().unwrap_or_else(|| Error::bug("the transaction ended inside a group")));
    }
    if done {
        let (its_wakes, its_words) = tx.finish();
        wakes.extend(its_wakes);
        words.extend(its_words);
    } else if let Err(e) = control(conn, "rollback to one") {
        return Some(errors::sqlite(e));
    }
    control(conn, "release one").err().map(errors::sqlite)
}

fn control(conn: &Connection, command: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(command)?.raw_execute().map(|_| ())
}

/// Folds the write-ahead log back into the database beside the writer, which so hardly ever waits for it. Under writes
/// without a pause the log can only begin anew between two groups: then the writer is asked to see to it.
fn checkpoint(path: &Path, pause: &Pause, wanted: &AtomicBool) {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let wal = PathBuf::from(wal);
    let Ok(conn) = super::open(path, false) else { return };
    conn.busy_timeout(Duration::ZERO).ok();
    loop {
        let stopped = pause.wait(CHECKPOINT_EVERY);
        let size = std::fs::metadata(&wal).map_or(0, |m| m.len());
        if size > CHECKPOINT_BYTES || stopped {
            let mode = if stopped { "truncate" } else { "passive" };
            if let Err(e) = conn.query_row(&format!("pragma wal_checkpoint({mode})"), [], |_| Ok(())) {
                tracing::debug!(error = %e, "checkpoint put off");
            }
            // What is left to fold is little now, so the writer is held up for little.
            wanted.store(size > LOG_IS_LONG, Ordering::SeqCst);
        }
        if stopped {
            return;
        }
    }
}

/// Begins the log anew, between two groups. Gives up soon when a long read still needs the old one.
fn begin_log_anew(conn: &mut Connection) {
    conn.busy_timeout(Duration::from_millis(50)).ok();
    if let Err(e) = conn.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())) {
        tracing::debug!(error = %e, "the log goes on");
    }
    conn.busy_handler(Some(super::wait_for_others)).ok();
}
