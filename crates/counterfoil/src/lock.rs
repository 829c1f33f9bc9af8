use std::{
    fs::{File, TryLockError},
    path::Path,
};

use base::{Error, Result};

/// Held by whoever owns the data folder: a running server, a restore, a demo. Let go when the process ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Refuses at once when somebody else holds the folder.
    pub fn take(folder: &Path) -> Result<Self> {
        crate::wiring::ensure_folder(folder)?;
        let path = folder.join("lock");
        let unusable = |e: std::io::Error| {
            Error::field("data_dir", "data_dir.unusable", format!("{}: {e}", path.display()))
        };
        let file = File::options().create(true).append(true).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::conflict(
                "data_dir.locked",
                format!(
                    "{} is in use by a running server; stop it first, or name another folder with --data-dir",
                    folder.display()
                ),
            )),
            Err(TryLockError::Error(e)) => Err(unusable(e)),
        }
    }
}
