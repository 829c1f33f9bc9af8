use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use async_trait::async_trait;
use base::{Clock as _, Error, Kind, Result, SystemClock, TenantId, Timestamp};
use bytes::Bytes;
use engine::outside::{BlobReader, BlobRef, BlobWriter, Blobs, Sha256};
use futures::StreamExt as _;
use sha2::Digest as _;

use crate::disk::{self, TempFile};

/// Bytes handed to a file at once.
const PIECE: usize = 256 * 1024;

/// Blobs as files: `<data>/blobs/<tenant>/<first two digits>/<sha256>`, new ones in `<data>/blobs/tmp` beside them.
///
/// Plain files rather than `object_store`: a blob's name is known only when its last byte was hashed, and
/// `object_store` wants the name first, so everything would be written twice. It also has no word for a disk that
/// is full or filling up. The S3 adapter, which has to stage uploads anyway, is where it pays.
pub struct LocalBlobs(PathBuf);

impl LocalBlobs {
    /// Opens `folder` (usually `<data>/blobs`), makes it if need be, and removes what a crash left half-written.
    /// Safe beside a running server: files that are being written are left alone.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let temporary = folder.join("tmp");
        disk::make_dir(&temporary).map_err(disk::error)?;
        let removed = disk::clean(&temporary).map_err(disk::error)?;
        if removed > 0 {
            tracing::info!(removed, "removed unfinished uploads");
        }
        let this = Self(folder);
        this.put_back(&temporary).map_err(disk::error)?;
        Ok(this)
    }

    /// What a crash left aside, while it was being removed, is where it was: whoever removes it has to come again.
    fn put_back(&self, temporary: &Path) -> io::Result<()> {
        for entry in fs::read_dir(temporary)? {
            let entry = entry?;
            if let Some(aside) = entry.file_name().to_str().and_then(Aside::parse) {
                // Another process may be at it, in which case it is gone meanwhile.
                fs::rename(entry.path(), self.path_of(aside.tenant, aside.sha256)).or_else(unless_missing)?;
            }
        }
        Ok(())
    }

    fn path_of(&self, tenant: TenantId, sha256: Sha256) -> PathBuf {
        let name = sha256.to_string();
        self.0.join(tenant.to_string()).join(name.get(..2).unwrap_or_default()).join(name)
    }
}

#[async_trait]
impl Blobs for LocalBlobs {
    async fn begin(&self, tenant: TenantId) -> Result<Box<dyn BlobWriter>> {
        let writing =
            Writing { file: None, temporary: self.0.join("tmp"), hasher: sha2::Sha256::new(), size_bytes: 0 };
        Ok(Box::new(Writer {
            folder: self.0.join(tenant.to_string()),
            writing: Some(writing),
            buffer: Vec::new(),
        }))
    }

    async fn open(&self, tenant: TenantId, sha256: Sha256) -> Result<BlobReader> {
        let path = self.path_of(tenant, sha256);
        let (file, size_bytes) = blocking(move || {
            let file = File::open(path).map_err(not_found)?;
            let size_bytes = file.metadata().map_err(disk::error)?.len();
            Ok((file, size_bytes))
        })
        .await?;
        let reading = Reading { file, left: size_bytes, hasher: sha2::Sha256::new(), expected: sha256 };
        let stream = futures::stream::try_unfold(Some(reading), |reading| async move {
            match reading {
                Some(reading) => blocking(move || reading.next()).await,
                None => Ok(None),
            }
        });
        Ok(BlobReader { size_bytes, stream: stream.boxed() })
    }

    async fn exists(&self, tenant: TenantId, sha256: Sha256) -> Result<bool> {
        let path = self.path_of(tenant, sha256);
        blocking(move || path.try_exists().map_err(disk::error)).await
    }

    async fn list(&self, tenant: TenantId) -> Result<Vec<BlobRef>> {
        let folder = self.0.join(tenant.to_string());
        blocking(move || list(&folder).map_err(disk::error)).await
    }

    async fn remove(&self, tenant: TenantId, sha256: Sha256, since: Timestamp) -> Result<bool> {
        let (path, aside) =
            (self.path_of(tenant, sha256), self.0.join("tmp").join(Aside { tenant, sha256 }.name()));
        blocking(move || remove(&path, &aside, since.into()).map_err(disk::error)).await
    }

    async fn check_free(&self, bytes: u64) -> Result<()> {
        let folder = self.0.clone();
        blocking(move || disk::check_free(&folder, bytes).map_err(disk::error)).await
    }
}

struct Writer {
    /// The tenant's folder.
    folder: PathBuf,
    /// Away while a thread works on it, and after an error.
    writing: Option<Writing>,
    /// Small pieces gather here: a trip to another thread for each would cost more than the write.
    buffer: Vec<u8>,
}

struct Writing {
    /// None as long as everything fits into the buffer: then it is known before it is written whether it is there already.
    file: Option<TempFile>,
    temporary: PathBuf,
    hasher: sha2::Sha256,
    size_bytes: u64,
}

impl Writing {
    fn count(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.size_bytes += bytes.len() as u64;
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.count(bytes);
        self.write(bytes).map_err(disk::error)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            none => none.insert(TempFile::create(&self.temporary)?).write(bytes),
        }
    }

    /// Makes what was appended durable, with the rest behind it.
    fn finish(mut self, folder: &Path, rest: &[u8]) -> Result<BlobRef> {
        self.count(rest);
        let blob =
            BlobRef { sha256: Sha256(self.hasher.finalize_reset().into()), size_bytes: self.size_bytes };
        let name = blob.sha256.to_string();
        let folder = folder.join(name.get(..2).unwrap_or_default());
        let target = folder.join(name);
        let there = is_there(&target, blob.size_bytes).map_err(disk::error)?;
        let stored = if there {
            // Whoever stored it may not have come to syncing the folder yet; our caller is told it is durable.
            disk::sync_dir(&folder)
        } else {
            self.publish(&folder, &target, rest)
        };
        stored.map(|()| blob).map_err(disk::error)
    }

    fn publish(mut self, folder: &Path, target: &Path, rest: &[u8]) -> io::Result<()> {
        self.write(rest)?;
        disk::make_dir(folder)?;
        self.file.map_or(Ok(()), |file| file.publish(target))
    }
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, piece: Bytes) -> Result<()> {
        self.buffer.extend_from_slice(&piece);
        if self.buffer.len() < PIECE {
            return Ok(());
        }
        let mut writing = self.writing.take().ok_or_else(after_error)?;
        let buffer = std::mem::take(&mut self.buffer);
        // On an error `writing` is dropped there, and its file with it.
        self.writing = Some(blocking(move || writing.append(&buffer).map(|()| writing)).await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<BlobRef> {
        let writing = self.writing.take().ok_or_else(after_error)?;
        let (folder, buffer) = (std::mem::take(&mut self.folder), std::mem::take(&mut self.buffer));
        blocking(move || writing.finish(&folder, &buffer)).await
    }

    async fn abort(mut self: Box<Self>) {
        let writing = self.writing.take();
        let _ = blocking(move || {
            drop(writing);
            Ok(())
        })
        .await;
    }
}

/// Whether the content is there already. It is young again then; and it is looked for once more, since somebody who is about
/// to remove it either saw that or has put it aside by now.
fn is_there(target: &Path, size_bytes: u64) -> io::Result<bool> {
    match File::open(target) {
        Ok(file) if file.metadata()?.len() == size_bytes => {
            file.set_modified(SystemClock.now().into())?;
            target.try_exists()
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A blob that is looked at a last time before it goes, in the temporary folder.
struct Aside {
    tenant: TenantId,
    sha256: Sha256,
}

impl Aside {
    fn name(&self) -> String {
        format!("{}.{}.aside", self.tenant, self.sha256)
    }
    fn parse(name: &str) -> Option<Self> {
        let (tenant, sha256) = name.strip_suffix(".aside")?.split_once('.')?;
        Some(Self { tenant: tenant.parse().ok()?, sha256: sha256.parse().ok()? })
    }
}

/// First out of sight, then the look at its age: whoever stores the same content meanwhile writes it anew.
fn remove(path: &Path, aside: &Path, since: SystemTime) -> io::Result<bool> {
    match fs::rename(path, aside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    }
    let is_young = fs::metadata(aside)?.modified()? >= since;
    if is_young {
        // One that was stored meanwhile is the same.
        match fs::hard_link(aside, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    fs::remove_file(aside).or_else(unless_missing)?;
    disk::sync_dir(path.parent().unwrap_or(Path::new(".")))?;
    Ok(!is_young)
}

fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[track_caller]
fn after_error() -> Error {
    Error::bug("a blob was written to after it had failed")
}

struct Reading {
    file: File,
    /// Bytes that are still to come, going by its size.
    left: u64,
    hasher: sha2::Sha256,
    expected: Sha256,
}

impl Reading {
    /// The next piece, or the end if the content was what its name says.
    fn next(mut self) -> Result<Option<(Bytes, Option<Self>)>> {
        // One more than there should be: the end is seen, and so is whatever stands behind it.
        let room = usize::try_from(self.left).unwrap_or(PIECE).saturating_add(1).min(PIECE);
        let mut piece = vec![0; room];
        let length = self.file.read(&mut piece).map_err(disk::error)?;
        if length == 0 {
            let actual = Sha256(self.hasher.finalize().into());
            if actual != self.expected {
                return Err(Error::new(
                    Kind::Bug,
                    "blob.corrupt",
                    format!("blob {} has changed on disk", self.expected),
                ));
            }
            return Ok(None);
        }
        piece.truncate(length);
        self.left = self.left.saturating_sub(length as u64);
        self.hasher.update(&piece);
        Ok(Some((piece.into(), Some(self))))
    }
}

fn list(folder: &Path) -> io::Result<Vec<BlobRef>> {
    let entries = |path: &Path| match fs::read_dir(path) {
        Ok(entries) => entries.collect::<io::Result<Vec<_>>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let mut blobs = Vec::new();
    for group in entries(folder)? {
        for entry in entries(&group.path())? {
            if let Some(sha256) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                blobs.push(BlobRef { sha256, size_bytes: entry.metadata()?.len() });
            }
        }
    }
    blobs.sort_unstable();
    Ok(blobs)
}

#[track_caller]
fn not_found(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound { Error::not_found("file") } else { disk::error(error) }
}

/// File calls block; they run beside the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::from_source)?
}
