use std::{
    fs::OpenOptions,
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use base::TenantId;
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

/// What a committed piece of work wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// There may be jobs to do.
    Jobs,
    /// The tenant has new events.
    Events(TenantId),
    /// Something that a caller may be waiting for has come to its end, by its id.
    Settled(Uuid),
    /// Who may do what has changed: cached credentials, tenants and settings are void.
    Access,
}

/// Wake-ups after a commit, in this process and, where there are other replicas, in theirs.
/// They are hints: whoever waits also looks by itself now and then.
#[derive(Clone)]
pub struct Signals {
    jobs: watch::Sender<u64>,
    events: broadcast::Sender<TenantId>,
    settled: broadcast::Sender<Uuid>,
    access: Arc<AtomicU64>,
    /// On SQLite a file beside the database whose length rises with every change of access, so that another process
    /// (the command line beside a running server) is noticed by a look at it.
    access_file: Option<PathBuf>,
}

impl Signals {
    pub(crate) fn new(access_file: Option<PathBuf>) -> Self {
        Self {
            jobs: watch::Sender::new(0),
            events: broadcast::Sender::new(1024),
            settled: broadcast::Sender::new(1024),
            access: Arc::default(),
            access_file,
        }
    }

    pub(crate) fn fire(&self, wake: Wake) {
        match wake {
            Wake::Jobs => self.jobs.send_modify(|n| *n = n.wrapping_add(1)),
            Wake::Events(tenant) => {
                self.events.send(tenant).ok();
            }
            Wake::Settled(id) => {
                self.settled.send(id).ok();
            }
            Wake::Access => {
                self.access.fetch_add(1, Ordering::SeqCst);
                if let Some(path) = &self.access_file {
                    let append = OpenOptions::new()
                        .create(true)
                        .append(true)
                        .open(path)
                        .and_then(|mut f| f.write_all(b"."));
                    if let Err(error) = append {
                        tracing::warn!(%error, "other processes are not told of a change of access");
                    }
                }
            }
        }
    }

    pub fn jobs(&self) -> watch::Receiver<u64> {
        self.jobs.subscribe()
    }
    pub fn events(&self) -> broadcast::Receiver<TenantId> {
        self.events.subscribe()
    }
    pub fn settled(&self) -> broadcast::Receiver<Uuid> {
        self.settled.subscribe()
    }
    /// Rises whenever cached credentials, tenants or settings must be read anew.
    pub fn access_epoch(&self) -> u64 {
        let others = self.access_file.as_ref().and_then(|p| std::fs::metadata(p).ok()).map_or(0, |m| m.len());
        self.access.load(Ordering::SeqCst).wrapping_add(others)
    }
}

impl Wake {
    pub(crate) fn to_text(self) -> String {
        match self {
            Self::Jobs => "jobs".into(),
            Self::Access => "access".into(),
            Self::Events(tenant) => format!("events:{tenant}"),
            Self::Settled(id) => format!("settled:{id}"),
        }
    }
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        match text {
            "jobs" => Some(Self::Jobs),
            "access" => Some(Self::Access),
            _ => match text.strip_prefix("settled:") {
                Some(id) => id.parse().ok().map(Self::Settled),
                None => text.strip_prefix("events:")?.parse().ok().map(Self::Events),
            },
        }
    }
}
