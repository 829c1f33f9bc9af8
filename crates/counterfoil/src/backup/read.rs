use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use base::{Clock as _, Error, Result, SystemClock, TenantId};
use db::archive::Load;
use engine::outside::Sha256;
use flate2::read::GzDecoder;
use tokio::runtime::Runtime;

use super::{FORMAT, MANIFEST, Manifest, Measured, Part};
use crate::{config::Config, lock::FolderLock, wiring};

/// The manifest of a very large installation; more than that is no manifest.
const MANIFEST_MAX: u64 = 256 * 1024 * 1024;

/// What was restored, for the person who asked.
pub struct Restored {
    pub rows: u64,
    pub blobs: usize,
    pub made_at: base::Timestamp,
    pub missing_blobs: Vec<String>,
}

/// Loads a backup into the configured engine and folder. Refuses a folder in use, and existing data unless `replace`.
pub fn restore(config: &Config, file: &Path, replace: bool) -> Result<Restored> {
    let _lock = FolderLock::take(&config.data_dir)?;
    let manifest = verify(file)?;
    let location = config.location();
    if !replace && db::archive::has_data(&location)? {
        return Err(Error::conflict(
            "restore.not_empty",
            "there is data already; nothing was changed. With --replace it is thrown away for the backup's",
        ));
    }
    wiring::ensure_folder(&config.data_dir)?;
    db::migrate::run(&location, SystemClock.now())?;
    // Blobs first: without their rows they are nothing, but rows without them would be broken attachments.
    store_blobs(config, file)?;
    let mut load = Load::begin(&location)?;
    each(file, |part, content| {
        let Entry::Rows(table) = part else { return Ok(()) };
        let expected = manifest.tables.get(&table).map_or(0, |t| t.rows);
        let held = load.table(&table, content)?;
        if held == expected {
            return Ok(());
        }
        Err(Error::bug(format!("{table} holds {held} rows after loading {expected}")))
    })?;
    load.commit()?;
    db::statistics::refresh(&location)?;
    Ok(Restored {
        rows: manifest.tables.values().map(|t| t.rows).sum(),
        blobs: manifest.blobs.len(),
        made_at: manifest.made_at,
        missing_blobs: manifest.missing_blobs,
    })
}

/// What an entry of the file is, by its name.
enum Entry {
    Rows(String),
    Blob(TenantId, Sha256),
    Manifest,
}

fn part(name: &str) -> Option<Entry> {
    if name == MANIFEST {
        return Some(Entry::Manifest);
    }
    if let Some(table) = name.strip_prefix("rows/").and_then(|n| n.strip_suffix(".jsonl")) {
        return db::migrate::archived_tables()
            .iter()
            .any(|t| t == table)
            .then(|| Entry::Rows(table.to_owned()));
    }
    let (tenant, hash) = name.strip_prefix("blobs/")?.split_once('/')?;
    Some(Entry::Blob(tenant.parse().ok()?, hash.parse().ok()?))
}

fn broken(why: impl std::fmt::Display) -> Error {
    Error::field("file", "backup.broken", format!("this is not a whole backup: {why}; nothing was changed"))
}

/// Goes through the parts in the order they were written.
fn each(file: &Path, mut on: impl FnMut(Entry, &mut dyn Read) -> Result<()>) -> Result<()> {
    let opened = File::open(file)
        .map_err(|e| Error::field("file", "backup.unreadable", format!("{}: {e}", file.display())))?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(opened)));
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = entry.path().map_err(broken)?.to_string_lossy().into_owned();
        let part = part(&name).ok_or_else(|| broken(format!("it holds {name}, which no backup has")))?;
        on(part, &mut entry)?;
    }
    // The checksum of gzip stands at the end.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    Ok(())
}

/// Reads all of it and compares every part with the manifest; touches nothing.
fn verify(file: &Path) -> Result<Manifest> {
    let (mut tables, mut blobs, mut manifest) = (BTreeMap::new(), BTreeMap::new(), None);
    each(file, |part, content| {
        match part {
            Entry::Manifest => {
                let mut text = Vec::new();
                content.take(MANIFEST_MAX).read_to_end(&mut text).map_err(broken)?;
                manifest = Some(text);
            }
            Entry::Rows(table) => {
                let mut measured = Measured::new(content);
                io::copy(&mut measured, &mut io::sink()).map_err(broken)?;
                let rows = measured.lines;
                tables.insert(table, Part { rows, sha256: measured.sha256() });
            }
            Entry::Blob(tenant, hash) => {
                let mut measured = Measured::new(content);
                io::copy(&mut measured, &mut io::sink()).map_err(broken)?;
                let bytes = measured.bytes;
                if measured.sha256() != hash.to_string() {
                    return Err(broken(format!("attachment {hash} is damaged")));
                }
                blobs.insert(format!("{tenant}/{hash}"), bytes);
            }
        }
        Ok(())
    })?;
    let text = manifest.ok_or_else(|| broken("it has no manifest, so it ends too early"))?;
    let format = serde_json::from_slice::<serde_json::Value>(&text).map_err(broken)?["format"].as_u64();
    if format != Some(u64::from(FORMAT)) {
        return Err(broken(format!("its format is {format:?}, this program reads {FORMAT}")));
    }
    let manifest: Manifest = serde_json::from_slice(&text).map_err(broken)?;
    let (version, checksum) = db::archive::schema();
    if (manifest.schema_version, &manifest.schema_checksum) != (version, &checksum) {
        return Err(Error::field(
            "file",
            "backup.other_schema",
            format!(
                "the backup was made by {} with schema {}, this program has schema {version}: restore it with the \
                 program that made it, then start this one, which brings it up to date; nothing was changed",
                manifest.made_by, manifest.schema_version
            ),
        ));
    }
    for (table, expected) in &manifest.tables {
        if tables.get(table) != Some(expected) {
            return Err(broken(format!("the rows of {table} are damaged")));
        }
    }
    if tables.len() != manifest.tables.len() || blobs != manifest.blobs {
        return Err(broken("its parts are not those of its manifest"));
    }
    if db::migrate::archived_tables().iter().any(|table| !tables.contains_key(table)) {
        return Err(broken("a table is missing"));
    }
    Ok(manifest)
}

fn store_blobs(config: &Config, file: &Path) -> Result<()> {
    let runtime = runtime()?;
    let store = crate::wiring::open_blobs(config)?;
    each(file, |part, content| {
        let Entry::Blob(tenant, _) = part else { return Ok(()) };
        runtime.block_on(async {
            let mut writer = store.begin(tenant).await?;
            let mut piece = vec![0; 256 * 1024];
            loop {
                let length = content.read(&mut piece).map_err(broken)?;
                let (read, _) = piece.split_at(length);
                if read.is_empty() {
                    return writer.finish().await.map(|_| ());
                }
                writer.write(bytes::Bytes::copy_from_slice(read)).await?;
            }
        })
    })
}

pub(super) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::from_source)
}
