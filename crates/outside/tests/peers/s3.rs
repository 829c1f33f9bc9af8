//! Blobs in the bucket of an S3-compatible server, s3rver.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base::{Clock as _, Id, Kind, Secret, SystemClock, TenantId};
use bytes::Bytes;
use engine::outside::{BlobRef, Blobs};
use outside::{S3Blobs, S3Config};
use testkit::peers::{Owned, folder, free_port, program};

struct Bucket {
    port: u16,
    folder: tempfile::TempDir,
    _server: Owned,
}

impl Bucket {
    fn start() -> Self {
        // What talks TLS has to know whose TLS; the binary says so first thing.
        rustls::crypto::ring::default_provider().install_default().ok();
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/s3server");
        let script = package.join("node_modules/s3rver/bin/s3rver.js");
        assert!(
            script.is_file(),
            "s3rver is missing: run `cargo dev setup`, or `npm ci --prefix {}`",
            package.display()
        );
        let node = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .map(|folder| folder.join("node"))
            .find(|path| path.is_file());
        let node = node.unwrap_or_else(|| program(&["/usr/bin/node"], "nodejs"));
        let (folder, port) = (folder(), free_port());
        let mut command = Command::new(node);
        command
            .arg(script)
            .args(["--address", "127.0.0.1", "--port", &port.to_string(), "--no-vhost-buckets"])
            .arg("--directory")
            .arg(folder.path().join("objects"))
            .args(["--configure-bucket", "desk"]);
        let mut server = Owned::start(&mut command, folder.path().join("s3rver.log"));
        server.wait_for_port(port);
        Self { port, folder, _server: server }
    }

    fn config(&self) -> S3Config {
        S3Config {
            bucket: "desk".into(),
            region: "us-east-1".into(),
            endpoint: Some(format!("http://127.0.0.1:{}", self.port)),
            prefix: "counterfoil/".into(),
            access_key_id: "S3RVER".into(),
            secret_access_key: Secret::new("S3RVER"),
            virtual_hosts: false,
        }
    }

    fn staging(&self) -> PathBuf {
        self.folder.path().join("staging")
    }

    fn blobs(&self) -> S3Blobs {
        S3Blobs::open(&self.config(), self.staging()).unwrap()
    }
}

fn tenant(number: u128) -> TenantId {
    Id::from_uuid(format!("{number:032x}").parse::<uuid::Uuid>().unwrap())
}

async fn store(blobs: &S3Blobs, tenant: TenantId, content: &[u8], piece: usize) -> BlobRef {
    let mut writer = blobs.begin(tenant).await.unwrap();
    for piece in content.chunks(piece) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    writer.finish().await.unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn content_comes_back_and_belongs_to_one_tenant() {
    let bucket = Bucket::start();
    let blobs = bucket.blobs();
    blobs.check().await.unwrap();
    let part = 8 * 1024 * 1024;
    let content: Vec<u8> = (0..20_000_000u32).map(|i| (i * 31 % 251) as u8).collect();
    for (length, piece) in [(0, 1), (1, 1), (part, 1_000_000), (part + 1, part), (20_000_000, 777_777)] {
        let blob = store(&blobs, tenant(1), &content[..length], piece).await;
        assert_eq!(blob.size_bytes, length as u64);
        let reader = blobs.open(tenant(1), blob.sha256).await.unwrap();
        assert_eq!(reader.size_bytes, length as u64);
        assert!(reader.collect(30_000_000).await.unwrap() == content[..length], "{length}");
        assert!(blobs.exists(tenant(1), blob.sha256).await.unwrap());
        assert!(!blobs.exists(tenant(2), blob.sha256).await.unwrap());
        assert_eq!(blobs.open(tenant(2), blob.sha256).await.unwrap_err().kind(), Kind::NotFound);
    }
    // Again, also a large one: nothing is added.
    store(&blobs, tenant(1), &content[..part + 1], part).await;
    let list = blobs.list(tenant(1)).await.unwrap();
    assert_eq!(list.len(), 5);
    assert!(list.is_sorted() && list.iter().any(|blob| blob.size_bytes == 20_000_000));
    assert_eq!(blobs.list(tenant(2)).await.unwrap(), []);
    // The tenant's name is a folder's, not the beginning of one.
    let known = store(&blobs, tenant(0x10), b"abc", 3).await;
    assert_eq!(blobs.list(tenant(1)).await.unwrap().len(), 5);
    let key = format!("objects/desk/counterfoil/{}/{}", tenant(0x10), known.sha256);
    let stored =
        fs::read_dir(bucket.folder.path().join("objects/desk/counterfoil").join(tenant(0x10).to_string()));
    let name = stored.unwrap().next().unwrap().unwrap().file_name();
    assert!(name.to_string_lossy().starts_with(&known.sha256.to_string()), "{key}: {name:?}");
    assert_eq!(files(&bucket.staging()), [] as [PathBuf; 0]);
    blobs.check_free(1).await.unwrap();
    assert_eq!(blobs.check_free(u64::MAX).await.unwrap_err().kind(), Kind::StorageFull);
}

#[tokio::test]
async fn what_was_not_finished_is_not_there() {
    let bucket = Bucket::start();
    let blobs = bucket.blobs();
    for abort in [true, false] {
        let mut writer = blobs.begin(tenant(1)).await.unwrap();
        writer.write(Bytes::from(vec![1; 9_000_000])).await.unwrap();
        assert_eq!(files(&bucket.staging()).len(), 1);
        if abort {
            writer.abort().await;
        } else {
            drop(writer);
        }
        assert_eq!(files(&bucket.staging()).len(), 0);
    }
    assert_eq!(blobs.list(tenant(1)).await.unwrap(), []);
    // A crash leaves the staged file; the next start removes it.
    fs::write(bucket.staging().join("999-0.tmp"), "half a file").unwrap();
    bucket.blobs();
    assert_eq!(files(&bucket.staging()).len(), 0);
}

#[tokio::test]
async fn what_is_removed_is_gone_unless_somebody_stored_it_again() {
    let bucket = Bucket::start();
    let blobs = bucket.blobs();
    let blob = store(&blobs, tenant(1), b"of a customer", 20).await;
    store(&blobs, tenant(2), b"of a customer", 20).await;
    assert!(!blobs.remove(tenant(1), blob.sha256, SystemClock.now() - base::hours(1)).await.unwrap());
    assert!(blobs.exists(tenant(1), blob.sha256).await.unwrap());
    let soon = SystemClock.now() + base::minutes(1);
    for _ in 0..2 {
        assert!(blobs.remove(tenant(1), blob.sha256, soon).await.unwrap(), "again is no error");
    }
    // It lies aside until somebody has decided.
    let content = async || blobs.open(tenant(1), blob.sha256).await.unwrap().collect(100).await.unwrap();
    assert!(blobs.keeps_aside() && blobs.exists(tenant(1), blob.sha256).await.unwrap());
    assert_eq!(
        (content().await, blobs.list(tenant(1)).await.unwrap()),
        (b"of a customer".to_vec(), vec![blob])
    );
    // Wanted after all: where it was, and twice is no error.
    for _ in 0..2 {
        blobs.put_back(tenant(1), blob.sha256).await.unwrap();
    }
    assert_eq!(content().await, b"of a customer");
    assert!(!blobs.discard(tenant(1), blob.sha256, soon).await.unwrap(), "it is not aside, and old");
    assert_eq!(content().await, b"of a customer");
    // Removed, and stored again in the very moment: the newer one stays when the other goes.
    assert!(blobs.remove(tenant(1), blob.sha256, soon).await.unwrap());
    store(&blobs, tenant(1), b"of a customer", 20).await;
    assert_eq!(blobs.list(tenant(1)).await.unwrap(), [blob], "one, though it lies in two places");
    let before = SystemClock.now() - base::hours(1);
    assert!(blobs.discard(tenant(1), blob.sha256, before).await.unwrap());
    assert_eq!(content().await, b"of a customer");
    // Nobody wants it.
    assert!(blobs.remove(tenant(1), blob.sha256, soon).await.unwrap());
    for _ in 0..2 {
        assert!(blobs.discard(tenant(1), blob.sha256, soon).await.unwrap());
    }
    assert!(!blobs.exists(tenant(1), blob.sha256).await.unwrap());
    assert_eq!(blobs.open(tenant(1), blob.sha256).await.unwrap_err().kind(), Kind::NotFound);
    blobs.put_back(tenant(1), blob.sha256).await.unwrap();
    assert_eq!(blobs.list(tenant(1)).await.unwrap(), []);
    assert!(blobs.exists(tenant(2), blob.sha256).await.unwrap());
}

#[tokio::test]
async fn a_changed_object_is_found_out() {
    let bucket = Bucket::start();
    let blobs = bucket.blobs();
    let blob = store(&blobs, tenant(1), b"the truth", 9).await;
    let object = files(&bucket.folder.path().join("objects"))
        .into_iter()
        .find(|path| fs::read(path).unwrap() == b"the truth")
        .unwrap();
    fs::write(object, "the lies!").unwrap();
    let error = blobs.open(tenant(1), blob.sha256).await.unwrap().collect(100).await.unwrap_err();
    assert_eq!(error.code(), "blob.corrupt");
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_is_unavailable_and_not_empty() {
    let bucket = Bucket::start();
    let wrong = |change: fn(&mut S3Config)| {
        let mut config = bucket.config();
        change(&mut config);
        S3Blobs::open(&config, bucket.staging()).unwrap()
    };
    let sha256 = store(&bucket.blobs(), tenant(1), b"abc", 3).await.sha256;
    // The server knows keys by their id; of signatures of the fourth kind it checks only the form.
    let blobs = wrong(|c| c.access_key_id = "nobody".into());
    for error in [
        blobs.check().await.unwrap_err(),
        blobs.open(tenant(1), sha256).await.err().unwrap(),
        blobs.exists(tenant(1), sha256).await.unwrap_err(),
        blobs.list(tenant(1)).await.unwrap_err(),
        blobs.begin(tenant(1)).await.unwrap().finish().await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "blobs.unreachable"), "{error}");
    }
    let missing = wrong(|c| c.bucket = "elsewhere".into());
    let error = missing.check().await.unwrap_err();
    assert!(error.code() == "blobs.unreachable" && error.message().contains("NoSuchBucket"), "{error}");
    assert!(missing.begin(tenant(1)).await.unwrap().finish().await.is_err());
    let gone = wrong(|c| c.endpoint = Some("http://127.0.0.1:1".into()));
    let error = gone.exists(tenant(1), sha256).await.unwrap_err();
    assert_eq!(error.code(), "blobs.unreachable", "{error}");
}
