//! Files that are there after a power cut.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use base::{Error, Kind};

/// A full disk has a kind of its own; everything else of the file system is for the log.
#[track_caller]
pub(crate) fn error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::new(Kind::StorageFull, "storage.full", "there is no space left to store this")
        }
        _ => Error::from_source(error),
    }
}

/// Makes a folder and those above it, readable by nobody else, and durable.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_dir(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    sync_dir(parent.unwrap_or(Path::new(".")))
}

/// A new name in a folder is durable only when the folder itself is on disk.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Fails as a full disk does when fewer bytes than these are free.
pub(crate) fn check_free(folder: &Path, bytes: u64) -> io::Result<()> {
    let disk = rustix::fs::statvfs(folder)?;
    if disk.f_bavail.saturating_mul(disk.f_frsize) < bytes {
        return Err(io::ErrorKind::StorageFull.into());
    }
    Ok(())
}

/// A file that becomes visible under its name whole, or not at all. Dropping it removes it.
pub(crate) struct TempFile {
    file: File,
    path: PathBuf,
}

impl TempFile {
    /// Locked as long as it lives, so that [`clean`] of another process can tell it from a leftover.
    pub(crate) fn create(folder: &Path) -> io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{}-{number}.tmp", std::process::id()));
            let file =
                match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
                    Ok(file) => file,
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                    Err(error) => return Err(error),
                };
            file.lock()?;
            // Somebody may have cleaned up between the creation and the lock.
            if file.metadata()?.nlink() > 0 {
                return Ok(Self { file, path });
            }
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Back to the beginning, for reading what was written.
    pub(crate) fn rewind(&mut self) -> io::Result<()> {
        self.file.rewind()
    }

    /// The next bytes; fewer than `max_bytes` at the end.
    pub(crate) fn read(&mut self, max_bytes: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(max_bytes);
        (&mut self.file).take(max_bytes as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Syncs the content, gives it its name and syncs the folder of that name.
    pub(crate) fn publish(self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, target)?;
        sync_dir(target.parent().unwrap_or(Path::new(".")))
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // After `publish` the name is gone and this does nothing.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes what a crash left behind: files that no living process holds locked.
pub(crate) fn clean(folder: &Path) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "tmp") {
            continue;
        }
        let Ok(file) = File::open(&path) else { continue };
        match file.try_lock() {
            Ok(()) => {
                fs::remove_file(&path)
                    .or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) })?;
                removed += 1;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_has_its_own_kind() {
        assert_eq!(error(io::ErrorKind::StorageFull.into()).kind(), Kind::StorageFull);
        assert_eq!(error(io::ErrorKind::QuotaExceeded.into()).kind(), Kind::StorageFull);
        // The kernel's own answer, not one we made up.
        let full = OpenOptions::new().write(true).open("/dev/full").and_then(|mut file| file.write_all(b"x"));
        assert_eq!(error(full.unwrap_err()).kind(), Kind::StorageFull);
        assert_eq!(error(io::ErrorKind::PermissionDenied.into()).kind(), Kind::Bug);
    }

    #[test]
    fn leftovers_go_and_living_files_stay() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("1-0.tmp"), "left by a crash").unwrap();
        let living = TempFile::create(folder.path()).unwrap();
        assert_eq!(clean(folder.path()).unwrap(), 1);
        assert!(living.path.exists());
        let path = living.path.clone();
        drop(living);
        assert!(!path.exists());
    }
}
