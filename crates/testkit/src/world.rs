use std::sync::Arc;

use base::{Actor, Clock, Entropy, FakeClock, Id, Secret, SeededEntropy, TenantId};
use db::{Db, Location, Options, Scope};

db::statements! {
    installation INSERT_TENANT = "insert into tenants (id, slug, name, host, settings, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
}

/// A database of its own, two tenants, and a clock that stands at noon on 2026-03-02 until told otherwise.
pub struct World {
    pub db: Db,
    pub clock: Arc<FakeClock>,
    pub entropy: Arc<SeededEntropy>,
    pub folder: tempfile::TempDir,
    /// The tenant a test works in.
    pub here: TenantId,
    /// The neighbour, whose rows must neither change nor appear.
    pub there: TenantId,
    dropped: Option<Secret>,
}

/// Work across tenants, as the command line does it.
pub fn installation() -> Scope {
    Scope::installation(Actor::operator())
}

impl World {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let location = Location::Sqlite(folder.path().join("counterfoil.sqlite3"));
        Self::open(folder, location, None)
    }

    pub fn postgres() -> Self {
        let url = crate::postgres_server::fresh_database();
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::open(folder, Location::Postgres(url.clone()), Some(url))
    }

    fn open(folder: tempfile::TempDir, location: Location, dropped: Option<Secret>) -> Self {
        let clock = Arc::new(FakeClock::at("2026-03-02T12:00:00Z".parse().expect("an instant")));
        let entropy = Arc::new(SeededEntropy::new(42));
        let options = Options { clock: clock.clone(), entropy: entropy.clone(), threads: 4, queue_max: 4096 };
        let db = Db::open(location, options).expect("the database opens");
        let here = Id::new(clock.now(), &*entropy);
        let there = Id::new(clock.now(), &*entropy);
        let now = clock.now();
        let handle = db.clone();
        std::thread::spawn(move || {
            for (id, slug, name, host) in [
                (here, "here", "Northwind Fiber", "here.example.org"),
                (there, "there", "Southwind Mobile", "there.example.org"),
            ] {
                handle
                    .write_blocking(installation(), move |tx| {
                        tx.execute(&INSERT_TENANT, db::params![id, slug, name, host, serde_json_empty(), now])
                    })
                    .expect("a tenant");
            }
        })
        .join()
        .expect("tenants");
        Self { db, clock, entropy, folder, here, there, dropped }
    }

    /// Work inside the first tenant, by the product itself.
    pub fn scope(&self) -> Scope {
        Scope::tenant(self.here, Actor::system())
    }
    pub fn scope_there(&self) -> Scope {
        Scope::tenant(self.there, Actor::system())
    }
    pub fn now(&self) -> base::Timestamp {
        self.clock.now()
    }
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }
}

fn serde_json_empty() -> db::Value<'static> {
    db::Value::Json("{}".into())
}

impl Drop for World {
    fn drop(&mut self) {
        let db = self.db.clone();
        std::thread::spawn(move || db.close()).join().ok();
        if let Some(url) = &self.dropped {
            crate::postgres_server::drop_database(url);
        }
    }
}
