use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use base::{Actor, IpNet, Result, TenantId, Timestamp};
use db::{Db, Read, Scope, Tx};
use engine::Outside;
use identity::{Links, Principal, TenantRecord, tenants};

/// What the operator configured, as far as pages and API need it.
#[derive(Clone, Debug)]
pub struct WebConfig {
    pub links: Links,
    /// Peers whose `X-Forwarded-For` and `X-Forwarded-Host` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests of one client in a minute, signed in or not, before it is asked to wait.
    pub requests_per_minute: u32,
    /// Letters are kept as files instead of being sent.
    pub letters_are_kept: bool,
}

/// The application: cheap to clone, shared by every handler.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    db: Db,
    outside: Outside,
    config: WebConfig,
    cache: RwLock<Cache>,
    hits: std::sync::Mutex<HashMap<IpAddr, (i64, u32)>>,
    hashing: tokio::sync::Semaphore,
    stopping: tokio::sync::watch::Receiver<bool>,
    metrics: MetricsText,
}

/// Renders what `/metrics` answers.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// Tenants and credentials as they were at one epoch of access.
#[derive(Default)]
struct Cache {
    epoch: u64,
    tenants: Option<Arc<Vec<TenantRecord>>>,
    principals: HashMap<(TenantId, [u8; 32]), (Principal, Timestamp)>,
}

/// Credentials remembered at most; past this all are forgotten.
const PRINCIPALS_MAX: usize = 20_000;

impl App {
    pub fn new(
        db: Db,
        outside: Outside,
        config: WebConfig,
        stopping: tokio::sync::watch::Receiver<bool>,
        metrics: MetricsText,
    ) -> Self {
        Self(Arc::new(Parts {
            db,
            outside,
            config,
            cache: RwLock::default(),
            hits: std::sync::Mutex::default(),
            // Argon2 takes 19 MiB and a core each: as many at once as there are cores in a small machine.
            hashing: tokio::sync::Semaphore::new(2),
            stopping,
            metrics,
        }))
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }
    pub fn outside(&self) -> &Outside {
        &self.0.outside
    }
    pub fn config(&self) -> &WebConfig {
        &self.0.config
    }
    pub fn stopping(&self) -> tokio::sync::watch::Receiver<bool> {
        self.0.stopping.clone()
    }
    pub fn metrics_text(&self) -> String {
        (self.0.metrics)()
    }

    pub async fn read<T, F>(&self, scope: Scope, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Read<'_>) -> Result<T> + Send + 'static,
    {
        self.0.db.read(scope, work).await
    }

    pub async fn write<T, F>(&self, scope: Scope, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.0.db.write(scope, work).await
    }

    /// Runs something slow, such as hashing a password, off the request threads, a few at a time.
    pub async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _turn = self.0.hashing.acquire().await.map_err(base::Error::from_source)?;
        tokio::task::spawn_blocking(work).await.map_err(base::Error::from_source)
    }

    /// Every tenant, from the cache while nothing changed.
    pub async fn tenants(&self) -> Result<Arc<Vec<TenantRecord>>> {
        let epoch = self.0.db.signals().access_epoch();
        {
            let cache = self.0.cache.read().unwrap_or_else(PoisonError::into_inner);
            if cache.epoch == epoch
                && let Some(tenants) = &cache.tenants
            {
                return Ok(tenants.clone());
            }
        }
        let tenants = Arc::new(self.read(Scope::installation(Actor::system()), tenants::all).await?);
        self.update_cache(epoch, |cache| cache.tenants = Some(tenants.clone()));
        Ok(tenants)
    }

    /// A credential that was looked up at this epoch, if it is still good.
    pub fn remembered(&self, tenant: TenantId, hash: &[u8; 32], now: Timestamp) -> Option<Principal> {
        let epoch = self.0.db.signals().access_epoch();
        let cache = self.0.cache.read().unwrap_or_else(PoisonError::into_inner);
        if cache.epoch != epoch {
            return None;
        }
        cache
            .principals
            .get(&(tenant, *hash))
            .filter(|(_, until)| *until > now)
            .map(|(principal, _)| principal.clone())
    }

    /// Remembers a credential that was looked up when the epoch was `epoch`.
    pub fn remember(
        &self,
        epoch: u64,
        tenant: TenantId,
        hash: [u8; 32],
        principal: Principal,
        until: Timestamp,
    ) {
        self.update_cache(epoch, |cache| {
            if cache.principals.len() >= PRINCIPALS_MAX {
                cache.principals.clear();
            }
            cache.principals.insert((tenant, hash), (principal, until));
        });
    }

    fn update_cache(&self, epoch: u64, change: impl FnOnce(&mut Cache)) {
        let mut cache = self.0.cache.write().unwrap_or_else(PoisonError::into_inner);
        // What was read before the newest change must not be kept as if it were read after.
        if cache.epoch > epoch {
            return;
        }
        if cache.epoch < epoch {
            *cache = Cache { epoch, ..Cache::default() };
        }
        change(&mut cache);
    }

    /// Counts a request of a client; false when it has had its share of this minute.
    pub fn admit(&self, client: IpAddr, now: Timestamp) -> bool {
        let minute = now.as_second() / 60;
        let mut hits = self.0.hits.lock().unwrap_or_else(PoisonError::into_inner);
        if hits.len() > 100_000 {
            hits.retain(|_, (m, _)| *m == minute);
        }
        let entry = hits.entry(client).or_insert((minute, 0));
        if entry.0 != minute {
            *entry = (minute, 0);
        }
        entry.1 += 1;
        entry.1 <= self.0.config.requests_per_minute
    }
}
