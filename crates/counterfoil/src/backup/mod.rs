//! `counterfoil backup` and `restore`: everything in one file that belongs to no engine.
//!
//! The file is a tar, compressed with gzip: `rows/<table>.jsonl` (see [`db::archive`]), `blobs/<tenant>/<sha256>`, and
//! last `manifest.json` with the counts and SHA-256 of every other part. So a file that ends early has no manifest.
//!
//! Rules this room protects:
//! - **A backup is one moment**, taken while the server writes. Blobs are named by their content and never changed, so
//!   copying them after the rows is safe.
//! - **A file that is there is whole**: written under another name, synced, then renamed.
//! - **Nothing is touched before everything was verified**: a restore reads the whole file first.
//!
//! Letters that were kept as files (`outbox/`) are not part of it: they have left the system.

mod read;
mod write;

pub use read::restore;
pub use write::backup;

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The format this program writes, and the only one it reads.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    schema_version: i64,
    schema_checksum: String,
    made_at: base::Timestamp,
    made_by: String,
    /// By table.
    tables: BTreeMap<String, Part>,
    /// By `<tenant>/<sha256>`.
    blobs: BTreeMap<String, u64>,
    /// Attachments whose content was lost before the backup was made.
    missing_blobs: Vec<String>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
struct Part {
    rows: u64,
    sha256: String,
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// Hashes and counts what passes.
struct Measured<T> {
    inner: T,
    hasher: Sha256,
    bytes: u64,
    lines: u64,
}

impl<T> Measured<T> {
    fn new(inner: T) -> Self {
        Self { inner, hasher: Sha256::new(), bytes: 0, lines: 0 }
    }
    fn saw(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        self.bytes += piece.len() as u64;
        self.lines += piece.iter().filter(|b| **b == b'\n').count() as u64;
    }
    fn sha256(self) -> String {
        hex(&self.hasher.finalize())
    }
}

impl<R: Read> Read for Measured<R> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(piece)?;
        let (seen, _) = piece.split_at(length);
        self.saw(seen);
        Ok(length)
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let length = self.inner.write(piece)?;
        let (seen, _) = piece.split_at(length);
        self.saw(seen);
        Ok(length)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
