use std::{fmt, str::FromStr};

use async_trait::async_trait;
use base::{Error, Result, TenantId, Timestamp};
use bytes::Bytes;
use futures::stream::BoxStream;

/// Files by their content: attachments, raw mail, exports.
///
/// A blob belongs to one tenant. Two tenants that store the same bytes have two blobs: a shared one would tell the
/// second that the first has it. Blobs are never changed, so what was read once may be cached for ever.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// Starts a new blob. Nothing can be read until [`BlobWriter::finish`] returned.
    async fn begin(&self, tenant: TenantId) -> Result<Box<dyn BlobWriter>>;

    /// Opens a blob for reading; `Kind::NotFound` when this tenant has none of that content.
    ///
    /// The stream checks the content while it passes and ends in an error if it is not what was stored.
    async fn open(&self, tenant: TenantId, sha256: Sha256) -> Result<BlobReader>;

    async fn exists(&self, tenant: TenantId, sha256: Sha256) -> Result<bool>;

    /// Every blob of a tenant, ordered by hash. For backups, checks and cleaning.
    async fn list(&self, tenant: TenantId) -> Result<Vec<BlobRef>>;

    /// Removes a blob, unless somebody stored the same content at `since` or later: storing makes it young again, also where
    /// it is there already. True when it is gone, false when it stays.
    ///
    /// Where the look at its age and the removal cannot be one, somebody may store it in between, and find it gone. Such a store
    /// [keeps aside](Blobs::keeps_aside) what it removes; it can be opened there as before.
    async fn remove(&self, tenant: TenantId, sha256: Sha256, since: Timestamp) -> Result<bool>;

    /// Whether what was removed is kept aside until it is put back or discarded.
    fn keeps_aside(&self) -> bool {
        false
    }

    /// What was removed is wanted after all: it is where it was.
    async fn put_back(&self, _: TenantId, _: Sha256) -> Result<()> {
        Ok(())
    }

    /// What was removed is gone for good. False when it was never put aside, and is there as it was before `since`: it has to be
    /// removed first.
    async fn discard(&self, _: TenantId, _: Sha256, _since: Timestamp) -> Result<bool> {
        Ok(false)
    }

    /// Fails with `Kind::StorageFull` when fewer than `bytes` bytes are free, so that a large upload is refused
    /// before it is read rather than half-way.
    async fn check_free(&self, bytes: u64) -> Result<()>;
}

/// A blob that is being written. Dropping it is the same as [`BlobWriter::abort`].
#[async_trait]
pub trait BlobWriter: Send {
    /// Appends a piece. A full disk is `Kind::StorageFull`.
    async fn write(&mut self, piece: Bytes) -> Result<()>;

    /// Makes the blob durable and tells its address. When this returns, the content survives a power cut.
    /// Storing content that is already there changes nothing but its age.
    async fn finish(self: Box<Self>) -> Result<BlobRef>;

    /// Forgets what was written.
    async fn abort(self: Box<Self>);
}

pub struct BlobReader {
    pub size_bytes: u64,
    pub stream: BoxStream<'static, Result<Bytes>>,
}

impl BlobReader {
    /// The whole content in memory; refuses more than `max_bytes` with `Kind::TooLarge`.
    pub async fn collect(mut self, max_bytes: u64) -> Result<Vec<u8>> {
        use futures::StreamExt as _;
        if self.size_bytes > max_bytes {
            return Err(Error::new(
                base::Kind::TooLarge,
                "blob.too_large",
                format!("larger than {max_bytes} bytes"),
            ));
        }
        let mut content = Vec::with_capacity(usize::try_from(self.size_bytes).unwrap_or(0));
        while let Some(piece) = self.stream.next().await {
            content.extend_from_slice(&piece?);
        }
        Ok(content)
    }
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobReader").field("size_bytes", &self.size_bytes).finish_non_exhaustive()
    }
}

/// Where a blob is and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobRef {
    pub sha256: Sha256,
    pub size_bytes: u64,
}

/// The SHA-256 of a blob's content: its address. As text 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256(pub [u8; 32]);

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = || Error::invalid("sha256.malformed", "a SHA-256 is 64 lower-case hexadecimal digits");
        let digit = |c: u8| match c {
            b'0'..=b'9' => Ok(c - b'0'),
            b'a'..=b'f' => Ok(c - b'a' + 10),
            _ => Err(refuse()),
        };
        if text.len() != 64 {
            return Err(refuse());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_text() {
        let address = Sha256(std::array::from_fn(|i| (i * 37) as u8));
        assert_eq!(address.to_string().parse::<Sha256>().unwrap(), address);
        for bad in ["", "ab", &"A".repeat(64), &"ä".repeat(32)] {
            assert!(bad.parse::<Sha256>().is_err(), "{bad}");
        }
    }
}
