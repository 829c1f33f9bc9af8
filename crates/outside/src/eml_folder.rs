use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use base::Result;
use engine::outside::{Envelope, Mailer, Receipt, SendError};
use sha2::{Digest as _, Sha256};

use crate::disk::{self, TempFile};

/// Keeps every letter as a file that a mail program opens, named by its Message-ID.
///
/// What an installation without a mail server sends with. The same Message-ID is the same file, so a letter that
/// is sent again after a crash is there once.
pub struct EmlFolder(PathBuf);

impl EmlFolder {
    /// Opens `folder` (usually `<data>/outbox`), makes it if need be, and removes what a crash left half-written.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        disk::make_dir(&folder).map_err(disk::error)?;
        disk::clean(&folder).map_err(disk::error)?;
        Ok(Self(folder))
    }

    /// Where the letter of this Message-ID is, or would be.
    pub fn path_of(&self, message_id: &str) -> PathBuf {
        self.0.join(file_name(message_id))
    }
}

#[async_trait]
impl Mailer for EmlFolder {
    async fn send(&self, envelope: Envelope) -> Result<Receipt, SendError> {
        let (folder, path) = (self.0.clone(), self.path_of(&envelope.message_id));
        tokio::task::spawn_blocking(move || keep(&folder, &path, &envelope.raw))
            .await
            .map_err(|_| SendError::temporary("the letter was not written"))?
            .map_err(|error| SendError::temporary(format!("the letter could not be written: {error}")))
    }

    fn knows_repeats(&self) -> bool {
        true
    }
}

fn keep(folder: &Path, path: &Path, raw: &[u8]) -> io::Result<Receipt> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if path.exists() {
        disk::sync_dir(folder)?;
        return Ok(Receipt { detail: format!("already kept as {name}") });
    }
    let mut file = TempFile::create(folder)?;
    file.write(raw)?;
    file.publish(path)?;
    Ok(Receipt { detail: format!("kept as {name}") })
}

/// A Message-ID of ordinary characters is its own name; any other is named by its hash, so that none can name
/// another folder, hide behind a dot, or be mistaken for another.
fn file_name(message_id: &str) -> String {
    let ordinary = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'@' | b'+' | b'-');
    if message_id.contains('@')
        && message_id.len() <= 200
        && !message_id.starts_with('.')
        && message_id.bytes().all(ordinary)
    {
        return format!("{message_id}.eml");
    }
    let mut name = String::from("id-");
    for byte in Sha256::digest(message_id.as_bytes()) {
        let _ = write!(name, "{byte:02x}");
    }
    name + ".eml"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(message_id: &str, raw: &'static str) -> Envelope {
        Envelope {
            from: None,
            to: "ada@example.org".parse().unwrap(),
            message_id: message_id.into(),
            raw: raw.into(),
        }
    }

    #[tokio::test]
    async fn keeps_each_letter_once() {
        let data = tempfile::tempdir().unwrap();
        let folder = EmlFolder::open(data.path().join("outbox")).unwrap();
        folder.send(envelope("1@x.io", "first")).await.unwrap();
        let second = folder.send(envelope("1@x.io", "second")).await.unwrap();
        assert_eq!(second.detail, "already kept as 1@x.io.eml");
        assert_eq!(std::fs::read_to_string(folder.path_of("1@x.io")).unwrap(), "first");
        assert_eq!(std::fs::read_dir(data.path().join("outbox")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn no_message_id_leaves_the_folder() {
        let data = tempfile::tempdir().unwrap();
        let folder = EmlFolder::open(data.path().join("outbox")).unwrap();
        for hostile in ["../../x@y", "/etc/x@y", "a/b@c", "", ".", "..", ".@x", "a\0@b", &"x@".repeat(300)] {
            folder.send(envelope(hostile, "text")).await.unwrap();
            assert_eq!(folder.path_of(hostile).parent().unwrap(), data.path().join("outbox"));
        }
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read_dir(data.path().join("outbox")).unwrap().count(), 9);
    }
}
