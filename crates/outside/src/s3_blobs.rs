use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use base::{Error, Kind, Result, Secret, TenantId, Timestamp};
use bytes::Bytes;
use engine::outside::{BlobReader, BlobRef, BlobWriter, Blobs, Sha256};
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use object_store::{
    ClientOptions, MultipartUpload, ObjectStore, ObjectStoreExt as _, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
};
use sha2::Digest as _;

use crate::{
    disk::{self, TempFile},
    local_blobs::blocking,
};

/// A part of a larger upload, and the most of an upload that is kept in memory. S3 wants 5 MiB at least, and some
/// of its kin want all parts but the last to be of one size.
const PART: usize = 8 * 1024 * 1024;

/// A bucket. The `[blobs.s3]` table of the configuration.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    pub bucket: String,
    /// Such as `eu-central-1`. Servers that know no regions take any.
    #[serde(default = "default_region")]
    pub region: String,
    /// Where the server is, for those that are not Amazon's, such as `https://s3.example.org`.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Begins every key, such as `counterfoil/`, so that a bucket can be shared.
    #[serde(default)]
    pub prefix: String,
    pub access_key_id: String,
    pub secret_access_key: Secret,
    /// `https://bucket.host/key` instead of `https://host/bucket/key`.
    #[serde(default)]
    pub virtual_hosts: bool,
}

fn default_region() -> String {
    "us-east-1".into()
}

/// Blobs as objects `<prefix><tenant>/<sha256>` of one bucket; what was removed lately as `<prefix><tenant>/aside/<sha256>`.
///
/// A blob's name is known only when its last byte was hashed, so what is written waits in memory, from 8 MiB on in a file
/// of the staging folder, and is uploaded when it is finished. Give the bucket a rule that removes incomplete multipart
/// uploads: a crash leaves their parts behind, which cost and are not listed.
pub struct S3Blobs {
    store: Arc<AmazonS3>,
    prefix: String,
    staging: PathBuf,
}

impl S3Blobs {
    /// Checks the configuration; calls nobody. `staging` (usually `<data>/blobs/tmp`) is made if need be, and what a crash
    /// left in it is removed.
    pub fn open(config: &S3Config, staging: impl Into<PathBuf>) -> Result<Self> {
        config.check()?;
        let staging = staging.into();
        disk::make_dir(&staging).map_err(disk::error)?;
        disk::clean(&staging).map_err(disk::error)?;
        let client = ClientOptions::new()
            .with_connect_timeout(Duration::from_secs(5))
            // A download may take as long as it moves.
            .with_timeout_disabled()
            .with_read_timeout(Duration::from_secs(60))
            .with_allow_http(true);
        let retry =
            RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(60), ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&config.bucket)
            .with_region(&config.region)
            .with_access_key_id(&config.access_key_id)
            .with_secret_access_key(config.secret_access_key.reveal())
            .with_virtual_hosted_style_request(config.virtual_hosts)
            .with_client_options(client)
            .with_retry(retry);
        if let Some(endpoint) = &config.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store =
            builder.build().map_err(|error| refuse("endpoint", &format!("cannot be used: {error}")))?;
        Ok(Self { store: Arc::new(store), prefix: config.prefix.clone(), staging })
    }

    /// What `doctor` asks: whether the bucket is there and answers to these keys. By listing, since a server may answer
    /// that one object is not there before it looks at who asks, or whether there is a bucket.
    pub async fn check(&self) -> Result<()> {
        let folder = Path::from(format!("{}doctor", self.prefix));
        match self.store.list(Some(&folder)).try_next().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    fn folder(&self, tenant: TenantId) -> String {
        format!("{}{tenant}", self.prefix)
    }

    fn key(&self, tenant: TenantId, sha256: Sha256) -> Path {
        Path::from(format!("{}/{sha256}", self.folder(tenant)))
    }

    fn aside(&self, tenant: TenantId, sha256: Sha256) -> Path {
        Path::from(format!("{}/aside/{sha256}", self.folder(tenant)))
    }

    /// When an object was stored last, in seconds since 1970; `None` where there is none.
    async fn stored_at(&self, key: &Path) -> Result<Option<i64>> {
        match self.store.head(key).await {
            Ok(found) => Ok(Some(found.last_modified.timestamp())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn delete(&self, key: &Path) -> Result<()> {
        match self.store.delete(key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }
}

impl S3Config {
    /// Refuses what cannot work, and keys in the clear.
    pub fn check(&self) -> Result<()> {
        let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'/');
        if !word(&self.bucket) || self.bucket.contains('/') {
            return Err(refuse("bucket", "expected a bucket's name"));
        }
        if !word(&self.region) {
            return Err(refuse("region", "expected a region such as eu-central-1"));
        }
        if !word(&self.access_key_id) || self.secret_access_key.is_empty() {
            return Err(refuse("access_key_id", "expected a key and its secret"));
        }
        let bad_prefix = !self.prefix.bytes().all(plain)
            || self.prefix.starts_with('/')
            || self.prefix.split('/').any(|part| part == "." || part == "..");
        if bad_prefix || !(self.prefix.is_empty() || self.prefix.ends_with('/')) {
            return Err(refuse(
                "prefix",
                "expected something like counterfoil/ of letters, digits and - _ .",
            ));
        }
        match &self.endpoint {
            Some(endpoint) if !is_safe(endpoint) => {
                Err(refuse("endpoint", "begins with https://; with http:// only to this machine"))
            }
            _ => Ok(()),
        }
    }
}

fn is_safe(endpoint: &str) -> bool {
    let Ok(url) = url::Url::parse(endpoint) else { return false };
    let host = url.host_str().unwrap_or_default();
    let is_loopback =
        host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    url.scheme() == "https" || url.scheme() == "http" && is_loopback
}

#[async_trait]
impl Blobs for S3Blobs {
    async fn begin(&self, tenant: TenantId) -> Result<Box<dyn BlobWriter>> {
        Ok(Box::new(Writer {
            store: self.store.clone(),
            folder: self.folder(tenant),
            staging: self.staging.clone(),
            hasher: sha2::Sha256::new(),
            size_bytes: 0,
            memory: Vec::new(),
            file: None,
            broken: false,
        }))
    }

    async fn open(&self, tenant: TenantId, sha256: Sha256) -> Result<BlobReader> {
        let found = match self.store.get(&self.key(tenant, sha256)).await {
            Err(object_store::Error::NotFound { .. }) => self.store.get(&self.aside(tenant, sha256)).await,
            found => found,
        };
        let found = found.map_err(failed)?;
        let size_bytes = found.meta.size;
        let pieces = found.into_stream().map_err(failed).boxed();
        Ok(BlobReader { size_bytes, stream: checked(pieces, sha256) })
    }

    async fn exists(&self, tenant: TenantId, sha256: Sha256) -> Result<bool> {
        let is_there = self.stored_at(&self.key(tenant, sha256)).await?.is_some();
        Ok(is_there || self.stored_at(&self.aside(tenant, sha256)).await?.is_some())
    }

    async fn list(&self, tenant: TenantId) -> Result<Vec<BlobRef>> {
        let folder = Path::from(self.folder(tenant));
        let objects: Vec<_> = self.store.list(Some(&folder)).try_collect().await.map_err(failed)?;
        let mut blobs: Vec<BlobRef> = objects
            .iter()
            .filter_map(|object| {
                let sha256 = object.location.filename()?.parse().ok()?;
                Some(BlobRef { sha256, size_bytes: object.size })
            })
            .collect();
        blobs.sort_unstable();
        // Where it belongs, and aside.
        blobs.dedup();
        Ok(blobs)
    }

    /// Between the look and the removal somebody may store the same content, and buckets have no word that joins the two: so
    /// a copy is put aside first. Where that lies is looked into by whoever does not find it, until it is known that nobody
    /// wants it.
    async fn remove(&self, tenant: TenantId, sha256: Sha256, since: Timestamp) -> Result<bool> {
        let key = self.key(tenant, sha256);
        match self.stored_at(&key).await? {
            None => return Ok(true),
            Some(at) if at >= since.as_second() => return Ok(false),
            Some(_) => {}
        }
        match self.store.copy(&key, &self.aside(tenant, sha256)).await {
            // Another was faster, and has put it there.
            Err(object_store::Error::NotFound { .. }) => return Ok(true),
            copied => copied.map_err(failed)?,
        }
        self.delete(&key).await?;
        Ok(true)
    }

    fn keeps_aside(&self) -> bool {
        true
    }

    async fn put_back(&self, tenant: TenantId, sha256: Sha256) -> Result<()> {
        let (key, aside) = (self.key(tenant, sha256), self.aside(tenant, sha256));
        if self.stored_at(&key).await?.is_none() {
            match self.store.copy(&aside, &key).await {
                Err(object_store::Error::NotFound { .. }) => return Ok(()),
                copied => copied.map_err(failed)?,
            }
        }
        self.delete(&aside).await
    }

    async fn discard(&self, tenant: TenantId, sha256: Sha256, since: Timestamp) -> Result<bool> {
        self.delete(&self.aside(tenant, sha256)).await?;
        let stored = self.stored_at(&self.key(tenant, sha256)).await?;
        Ok(stored.is_none_or(|at| at >= since.as_second()))
    }

    /// A bucket has no end; the staging folder has.
    async fn check_free(&self, bytes: u64) -> Result<()> {
        let folder = self.staging.clone();
        blocking(move || disk::check_free(&folder, bytes).map_err(disk::error)).await
    }
}

/// Passes pieces on and ends in an error if they were not what their name says.
fn checked(pieces: BoxStream<'static, Result<Bytes>>, expected: Sha256) -> BoxStream<'static, Result<Bytes>> {
    let start = Some((pieces, sha2::Sha256::new()));
    let passing = futures::stream::try_unfold(start, move |state| async move {
        let Some((mut pieces, mut hasher)) = state else { return Ok(None) };
        if let Some(piece) = pieces.try_next().await? {
            hasher.update(&piece);
            return Ok(Some((piece, Some((pieces, hasher)))));
        }
        if Sha256(hasher.finalize().into()) != expected {
            let what = format!("blob {expected} has changed in its bucket");
            return Err(Error::new(Kind::Bug, "blob.corrupt", what));
        }
        Ok(None)
    });
    passing.boxed()
}

struct Writer {
    store: Arc<AmazonS3>,
    folder: String,
    staging: PathBuf,
    hasher: sha2::Sha256,
    size_bytes: u64,
    /// Everything, or what was not yet appended to the file.
    memory: Vec<u8>,
    /// From the second part on.
    file: Option<TempFile>,
    broken: bool,
}

impl Writer {
    /// Moves what is in memory to the file.
    async fn spill(&mut self) -> Result<()> {
        let (staging, memory, file) =
            (self.staging.clone(), std::mem::take(&mut self.memory), self.file.take());
        self.broken = true;
        let written = blocking(move || {
            let mut file = file.map_or_else(|| TempFile::create(&staging), Ok).map_err(disk::error)?;
            file.write(&memory).map_err(disk::error)?;
            Ok(file)
        });
        self.file = Some(written.await?);
        self.broken = false;
        Ok(())
    }
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, piece: Bytes) -> Result<()> {
        if self.broken {
            return Err(Error::bug("a blob was written to after it had failed"));
        }
        self.hasher.update(&piece);
        self.size_bytes += piece.len() as u64;
        self.memory.extend_from_slice(&piece);
        if self.memory.len() > PART { self.spill().await } else { Ok(()) }
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobRef> {
        if self.broken {
            return Err(Error::bug("a blob was finished after it had failed"));
        }
        let sha256 = Sha256(std::mem::take(&mut self.hasher).finalize().into());
        let blob = BlobRef { sha256, size_bytes: self.size_bytes };
        let key = Path::from(format!("{}/{sha256}", self.folder));
        if self.file.is_none() {
            // Also where it is there: that makes it young, which whoever removes old ones heeds.
            self.store.put(&key, std::mem::take(&mut self.memory).into()).await.map_err(failed)?;
            return Ok(blob);
        }
        self.spill().await?;
        if let Some(file) = self.file.take() {
            let mut upload = self.store.put_multipart(&key).await.map_err(failed)?;
            if let Err(error) = send(&mut *upload, file).await {
                let _ = upload.abort().await;
                return Err(error);
            }
        }
        Ok(blob)
    }

    async fn abort(self: Box<Self>) {}
}

async fn send(upload: &mut dyn MultipartUpload, mut file: TempFile) -> Result<()> {
    file.rewind().map_err(disk::error)?;
    loop {
        let (same, part) = blocking(move || {
            let part = file.read(PART).map_err(disk::error)?;
            Ok((file, part))
        })
        .await?;
        file = same;
        if part.is_empty() {
            break;
        }
        upload.put_part(part.into()).await.map_err(failed)?;
    }
    upload.complete().await.map_err(failed)?;
    Ok(())
}

/// The bucket's answers name keys and hosts, never credentials.
#[track_caller]
fn failed(error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => Error::not_found("file"),
        other => {
            let why: String =
                other.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            let why: String = why.chars().take(400).collect();
            Error::new(Kind::Unavailable, "blobs.unreachable", format!("the bucket does not answer: {why}"))
        }
    }
}

#[track_caller]
fn refuse(field: &str, why: &str) -> Error {
    Error::field(format!("blobs.s3.{field}"), "blobs.s3", why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_not_travel_in_the_clear() {
        let with = |change: fn(&mut S3Config)| {
            let mut config: S3Config = serde_json::from_value(serde_json::json!({
                "bucket": "b", "access_key_id": "k", "secret_access_key": "s", "endpoint": "https://s3.example.org",
            }))
            .unwrap();
            change(&mut config);
            config.check().map_err(|error| error.field_errors()[0].field.clone())
        };
        assert_eq!(with(|_| {}), Ok(()));
        assert_eq!(with(|c| c.endpoint = None), Ok(()));
        assert_eq!(with(|c| c.endpoint = Some("http://127.0.0.1:9000".into())), Ok(()));
        assert_eq!(with(|c| c.prefix = "a/b-c_d.e/".into()), Ok(()));
        for endpoint in ["http://s3.example.org", "http://127.0.0.1.example.org", "ftp://localhost", "s3"] {
            assert!(!is_safe(endpoint), "{endpoint}");
        }
        for (change, field) in [
            ((|c| c.bucket = "a/b".into()) as fn(&mut S3Config), "blobs.s3.bucket"),
            (|c| c.prefix = "../".into(), "blobs.s3.prefix"),
            (|c| c.prefix = "a".into(), "blobs.s3.prefix"),
            (|c| c.secret_access_key = Secret::default(), "blobs.s3.access_key_id"),
        ] {
            assert_eq!(with(change), Err(field.into()));
        }
    }
}
