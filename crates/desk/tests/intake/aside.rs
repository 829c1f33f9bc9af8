//! A store that cannot remove content "unless somebody stored it meanwhile": whoever stores it in that very moment keeps it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base::{Result, TenantId, Timestamp, hours};
use bytes::Bytes;
use desk::{intake, leftovers};
use engine::{
    Worker,
    outside::{BlobReader, BlobRef, BlobWriter, Blobs, Sha256},
};
use testkit::{FakeBlobs, both_engines};

use crate::harness::*;

db::statements! {
    COUNT_DROPPED = "select count(*) from dropped_blobs where tenant_id = ?1";
}

/// As a bucket: what is removed lies aside.
struct Bucket {
    blobs: Arc<dyn Blobs>,
    aside: FakeBlobs,
    /// Stored by somebody after the look at its age, and before it goes.
    meanwhile: Mutex<Option<Bytes>>,
    is_away: Mutex<bool>,
}

async fn put(blobs: &dyn Blobs, tenant: TenantId, content: Bytes) -> BlobRef {
    let mut writer = blobs.begin(tenant).await.unwrap();
    writer.write(content).await.unwrap();
    writer.finish().await.unwrap()
}

#[async_trait]
impl Blobs for Bucket {
    async fn begin(&self, tenant: TenantId) -> Result<Box<dyn BlobWriter>> {
        self.blobs.begin(tenant).await
    }
    async fn open(&self, tenant: TenantId, sha256: Sha256) -> Result<BlobReader> {
        match self.blobs.exists(tenant, sha256).await? {
            true => self.blobs.open(tenant, sha256).await,
            false => self.aside.open(tenant, sha256).await,
        }
    }
    async fn exists(&self, tenant: TenantId, sha256: Sha256) -> Result<bool> {
        Ok(self.blobs.exists(tenant, sha256).await? || self.aside.exists(tenant, sha256).await?)
    }
    async fn list(&self, tenant: TenantId) -> Result<Vec<BlobRef>> {
        self.blobs.list(tenant).await
    }
    async fn remove(&self, tenant: TenantId, sha256: Sha256, since: Timestamp) -> Result<bool> {
        if *self.is_away.lock().unwrap() {
            return Err(base::Error::new(base::Kind::Unavailable, "blobs.unreachable", "it does not answer"));
        }
        let content: Bytes = self.blobs.open(tenant, sha256).await?.collect(u64::MAX).await?.into();
        put(&self.aside, tenant, content).await;
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(content) = meanwhile {
            put(&*self.blobs, tenant, content).await;
        }
        self.blobs.remove(tenant, sha256, since).await
    }
    fn keeps_aside(&self) -> bool {
        true
    }
    async fn put_back(&self, tenant: TenantId, sha256: Sha256) -> Result<()> {
        if let Ok(reader) = self.aside.open(tenant, sha256).await {
            put(&*self.blobs, tenant, reader.collect(u64::MAX).await?.into()).await;
        }
        self.aside.remove(tenant, sha256, Timestamp::UNIX_EPOCH).await.map(drop)
    }
    async fn discard(&self, tenant: TenantId, sha256: Sha256, _: Timestamp) -> Result<bool> {
        self.aside.remove(tenant, sha256, Timestamp::UNIX_EPOCH).await?;
        Ok(!self.blobs.exists(tenant, sha256).await?)
    }
    async fn check_free(&self, bytes: u64) -> Result<()> {
        self.blobs.check_free(bytes).await
    }
}

async fn sweep(desk: &Desk<'_>, hours_later: i64) {
    desk.world.clock.advance(hours(hours_later));
    desk.world.db.write(desk.world.scope(), leftovers::sweep_due).await.unwrap();
    desk.worker.run_due().await.unwrap();
}

both_engines! {
    async fn whoever_stores_what_is_being_removed_keeps_it_also_in_a_bucket(world) {
        let mut desk = Desk::open(&world).await;
        let bucket = Arc::new(Bucket {
            blobs: desk.fakes.outside.blobs.clone(),
            aside: FakeBlobs::default(),
            meanwhile: Mutex::default(),
            is_away: Mutex::default(),
        });
        desk.fakes.outside.blobs = bucket.clone();
        desk.worker = Worker::new(world.db.clone(), desk.fakes.outside.clone(), registry());
        let robot = |n: u32| letter(n, "Robot <robot@machines.example>", "Backup done", "Auto-Submitted: auto-generated\n", "All is well.");
        let (wanted, other) = (desk.deliver(&robot(1)).await, desk.deliver(&robot(2)).await);
        world.clock.advance(hours(24 * 91));
        world.db.write(world.scope(), intake::purge_strays).await.unwrap();
        let here = async |sha256: [u8; 32]| desk.fakes.outside.blobs.exists(world.here, Sha256(sha256)).await.unwrap();
        let aside = async || bucket.aside.list(world.here).await.unwrap().len();
        // The store does not answer: nothing is lost, and nothing is forgotten.
        *bucket.is_away.lock().unwrap() = true;
        sweep(&desk, 2).await;
        *bucket.is_away.lock().unwrap() = false;
        assert!(here(wanted.sha256).await && aside().await == 0);
        sweep(&desk, 3).await;
        assert_eq!(desk.count(&COUNT_DROPPED).await, 2, "they were never put aside");
        // Somebody brings the very same letter while the bytes of the first go.
        let again: Bytes = robot(1).replace('\n', "\r\n").into_bytes().into();
        *bucket.meanwhile.lock().unwrap() = Some(again);
        sweep(&desk, 1).await;
        assert_eq!((aside().await, desk.fakes.mailer.sent().len()), (2, 0));
        assert!(!bucket.blobs.exists(world.here, Sha256(wanted.sha256)).await.unwrap(), "that was the moment");
        let blob = BlobRef { sha256: Sha256(wanted.sha256), size_bytes: wanted.size_bytes };
        let received = intake::Received {
            channel: desk.channel, door: intake::Door::Api, envelope_from: None, envelope_to: Vec::new(), client_ip: None, helo: None, blob,
        };
        let id = world.db.write(world.scope(), move |tx| intake::receive(tx, received)).await.unwrap();
        desk.worker.run_due().await.unwrap();
        let mail = desk.mail(id).await;
        assert_eq!(mail.outcome, Some(intake::Outcome::Automated), "it was read, from aside: {}", mail.reason);
        sweep(&desk, 1).await;
        assert_eq!(aside().await, 2, "nobody decides too early");
        sweep(&desk, 2).await;
        assert_eq!((aside().await, desk.count(&COUNT_DROPPED).await), (0, 0));
        assert!(bucket.blobs.exists(world.here, Sha256(wanted.sha256)).await.unwrap(), "back where it was");
        assert!(!here(other.sha256).await, "and what nobody wants is gone");
        world.db.write(world.scope(), leftovers::sweep_due).await.unwrap();
        assert_eq!(desk.worker.run_due().await.unwrap(), 0, "nothing is left to do");
        check_neighbour(&world).await;
    }
}
