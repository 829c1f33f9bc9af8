use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use base::TenantId;
use tokio::sync::{broadcast, watch};

/// What a committed piece of work wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// There may be jobs to do.
    Jobs,
    /// The tenant has new events.
    Events(TenantId),
    /// Who may do what has changed: cached credentials, tenants and settings are void.
    Access,
}

/// Wake-ups after a commit, in this process and, where there are other replicas, in theirs.
/// They are hints: whoever waits also looks by itself now and then.
#[derive(Clone)]
pub struct Signals {
    jobs: watch::Sender<u64>,
    events: broadcast::Sender<TenantId>,
    access: Arc<AtomicU64>,
}

impl Signals {
    pub(crate) fn new() -> Self {
        Self { jobs: watch::Sender::new(0), events: broadcast::Sender::new(1024), access: Arc::default() }
    }

    pub(crate) fn fire(&self, wake: Wake) {
        match wake {
            Wake::Jobs => self.jobs.send_modify(|n| *n = n.wrapping_add(1)),
            Wake::Events(tenant) => {
                self.events.send(tenant).ok();
            }
            Wake::Access => {
                self.access.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    pub fn jobs(&self) -> watch::Receiver<u64> {
        self.jobs.subscribe()
    }
    pub fn events(&self) -> broadcast::Receiver<TenantId> {
        self.events.subscribe()
    }
    /// Rises whenever cached credentials, tenants or settings must be read anew.
    pub fn access_epoch(&self) -> u64 {
        self.access.load(Ordering::SeqCst)
    }
}

impl Wake {
    pub(crate) fn to_text(self) -> String {
        match self {
            Self::Jobs => "jobs".into(),
            Self::Access => "access".into(),
            Self::Events(tenant) => format!("events:{tenant}"),
        }
    }
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        match text {
            "jobs" => Some(Self::Jobs),
            "access" => Some(Self::Access),
            _ => text.strip_prefix("events:")?.parse().ok().map(Self::Events),
        }
    }
}
