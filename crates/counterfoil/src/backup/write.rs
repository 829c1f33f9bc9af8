use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Read, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base::{Clock as _, Error, Kind, Result, SystemClock};
use base64::Engine as _;
use db::archive::{ColumnKind, Dump};
use engine::outside::{BlobReader, Sha256};
use flate2::{Compression, write::GzEncoder};
use futures::StreamExt as _;
use tokio::runtime::Runtime;

use super::{FORMAT, MANIFEST, Manifest, Measured, Part};
use crate::config::Config;

/// What was written, for the person who asked.
pub struct Written {
    pub rows: u64,
    pub blobs: usize,
    pub missing_blobs: Vec<String>,
}

/// Writes everything into `file`; safe beside a running server.
pub fn backup(config: &Config, file: &Path) -> Result<Written> {
    let unusable =
        |e: io::Error| Error::field("file", "backup.unwritable", format!("{}: {e}", file.display()));
    let staging = Staging::beside(file).map_err(unusable)?;
    let out = private_file(&staging.archive).map_err(unusable)?;
    let mut archive = Archive(tar::Builder::new(GzEncoder::new(BufWriter::new(out), Compression::fast())));
    let mut dump = Dump::begin(&config.location())?;
    let (mut tables, mut blobs): (BTreeMap<_, _>, BTreeSet<_>) = Default::default();
    for table in db::migrate::archived_tables() {
        let mut rows = private_file(&staging.rows).map_err(unusable)?;
        let mut measured = Measured::new(BufWriter::new(&mut rows));
        let count = dump.table(&table, &mut measured)?;
        measured.flush().map_err(unusable)?;
        tables.insert(table.clone(), Part { rows: count, sha256: measured.sha256() });
        rows.rewind().map_err(unusable)?;
        // Attachments, raw mail, files of drafts and macros: whatever names a blob by its hash.
        if names_blobs(&table) {
            blobs.extend(referred(&table, &mut rows)?);
            rows.rewind().map_err(unusable)?;
        }
        let size = rows.metadata().map_err(unusable)?.len();
        archive.append(&format!("rows/{table}.jsonl"), size, &mut rows).map_err(unusable)?;
    }
    drop(dump);
    let (blobs, missing_blobs) = copy_blobs(config, &mut archive, blobs)?;
    let written = Written {
        rows: tables.values().map(|t| t.rows).sum(),
        blobs: blobs.len(),
        missing_blobs: missing_blobs.clone(),
    };
    let (schema_version, schema_checksum) = db::archive::schema();
    let manifest = Manifest {
        format: FORMAT,
        schema_version,
        schema_checksum,
        made_at: SystemClock.now(),
        made_by: concat!("counterfoil ", env!("CARGO_PKG_VERSION")).into(),
        tables,
        blobs,
        missing_blobs,
    };
    let manifest = serde_json::to_vec_pretty(&manifest).map_err(Error::from_source)?;
    archive.append(MANIFEST, manifest.len() as u64, &mut manifest.as_slice()).map_err(unusable)?;
    archive.finish().map_err(unusable)?;
    fs::rename(&staging.archive, file).map_err(unusable)?;
    File::open(&staging.folder).and_then(|folder| folder.sync_all()).map_err(unusable)?;
    Ok(written)
}

/// A backup holds everybody's data: nobody but its owner may read it.
fn private_file(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// The names in use until the file is whole; removed whatever happens.
struct Staging {
    folder: PathBuf,
    archive: PathBuf,
    rows: PathBuf,
}

impl Staging {
    fn beside(file: &Path) -> io::Result<Self> {
        let name = file.file_name().ok_or_else(|| io::Error::other("not the name of a file"))?;
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let part = |ending: &str| folder.join(format!(".{}.{ending}", name.to_string_lossy()));
        Ok(Self { archive: part("partial"), rows: part("rows"), folder })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        fs::remove_file(&self.archive).ok();
        fs::remove_file(&self.rows).ok();
    }
}

struct Archive(tar::Builder<GzEncoder<BufWriter<File>>>);

impl Archive {
    fn append(&mut self, name: &str, size: u64, content: &mut dyn Read) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(SystemClock.now().as_second()).unwrap_or(0));
        self.0.append_data(&mut header, name, content)
    }

    fn finish(self) -> io::Result<()> {
        let file = self.0.into_inner()?.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()
    }
}

/// Whether rows of a table may name blobs: by a column, or by files in JSON (those of drafts, of answers that wait, of macros).
fn names_blobs(table: &str) -> bool {
    let columns = db::archive::columns(table);
    columns.iter().any(|(column, kind)| column == "sha256" || *kind == ColumnKind::Json)
}

/// `<tenant>/<sha256>` of every blob, from the rows that were just written.
fn referred(table: &str, rows: impl Read) -> Result<BTreeSet<(base::TenantId, [u8; 32])>> {
    let columns = db::archive::columns(table);
    let mut out = BTreeSet::new();
    // What belongs to no tenant has no files.
    let Some(tenant) = columns.iter().position(|(column, _)| column == "tenant_id") else { return Ok(out) };
    for line in BufReader::new(rows).lines() {
        let cells: Vec<serde_json::Value> =
            serde_json::from_str(&line.map_err(Error::from_source)?).map_err(Error::from_source)?;
        let tenant: base::TenantId =
            cells.get(tenant).and_then(|c| c.as_str()).unwrap_or_default().parse()?;
        for ((column, kind), cell) in columns.iter().zip(&cells) {
            if column == "sha256" {
                let hash = base64::engine::general_purpose::STANDARD
                    .decode(cell.as_str().unwrap_or_default())
                    .map_err(Error::from_source)?
                    .try_into()
                    .map_err(|_| Error::bug("a stored hash has 32 bytes"))?;
                out.insert((tenant, hash));
            } else if *kind == ColumnKind::Json {
                let mut hashes = Vec::new();
                named_within(cell, &mut hashes);
                out.extend(hashes.into_iter().map(|hash| (tenant, hash)));
            }
        }
    }
    Ok(out)
}

/// Every `"sha256": [32 numbers]` of a document.
fn named_within(value: &serde_json::Value, found: &mut Vec<[u8; 32]>) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| named_within(item, found)),
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                match serde_json::from_value::<[u8; 32]>(value.clone()) {
                    Ok(hash) if name == "sha256" => found.push(hash),
                    _ => named_within(value, found),
                }
            }
        }
        _ => {}
    }
}

type Copied = (BTreeMap<String, u64>, Vec<String>);

fn copy_blobs(
    config: &Config,
    archive: &mut Archive,
    wanted: BTreeSet<(base::TenantId, [u8; 32])>,
) -> Result<Copied> {
    let runtime = super::read::runtime()?;
    let store = crate::wiring::open_blobs(config)?;
    let (mut copied, mut missing) = (BTreeMap::new(), Vec::new());
    for (tenant, hash) in wanted {
        let name = format!("{tenant}/{}", Sha256(hash));
        let reader = match runtime.block_on(store.open(tenant, Sha256(hash))) {
            Ok(reader) => reader,
            // One lost file must not make backups of the rest impossible; the manifest says so.
            Err(error) if error.kind() == Kind::NotFound => {
                missing.push(name);
                continue;
            }
            Err(error) => return Err(error),
        };
        let size = reader.size_bytes;
        let mut content = Streamed { runtime: &runtime, reader, piece: bytes::Bytes::new() };
        archive
            .append(&format!("blobs/{name}"), size, &mut content)
            .map_err(|e| Error::unavailable("backup.blob", format!("attachment {name}: {e}")))?;
        // To the end of the stream, which is where it checks the content.
        io::copy(&mut content, &mut io::sink())
            .map_err(|e| Error::unavailable("backup.blob", format!("attachment {name}: {e}")))?;
        copied.insert(name, size);
    }
    Ok((copied, missing))
}

/// A blob as an ordinary reader.
struct Streamed<'a> {
    runtime: &'a Runtime,
    reader: BlobReader,
    piece: bytes::Bytes,
}

impl Read for Streamed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.reader.stream.next()) {
                None => return Ok(0),
                Some(piece) => self.piece = piece.map_err(|e| io::Error::other(e.message().to_owned()))?,
            }
        }
        let length = out.len().min(self.piece.len());
        let piece = self.piece.split_to(length);
        out.split_at_mut(length).0.copy_from_slice(&piece);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_wherever_a_row_names_them() {
        let tenant = "01a1fca0-39a0-7e9b-a5b5-c75b8ad924f5";
        let row = |table: &str, cells: &[(&str, serde_json::Value)]| {
            let cell = |name: &str| cells.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone());
            let row: Vec<_> = db::archive::columns(table)
                .iter()
                .map(
                    |(name, _)| {
                        if name == "tenant_id" { tenant.into() } else { cell(name).unwrap_or_default() }
                    },
                )
                .collect();
            serde_json::to_string(&row).unwrap() + "\n"
        };
        let file = |n: u8| serde_json::json!([{ "id": tenant, "filename": "a.png", "sha256": vec![n; 32] }]);
        let hash = |n: u8| base64::engine::general_purpose::STANDARD.encode([n; 32]);
        for (table, cells) in [
            ("attachments", [("sha256", hash(7).into())]),
            ("mails", [("sha256", hash(7).into())]),
            ("drafts", [("files", file(7))]),
            ("macros", [("files", file(7))]),
            ("held_answers", [("attachments", file(7))]),
        ] {
            assert!(names_blobs(table), "{table}");
            let found = referred(table, row(table, &cells).as_bytes()).unwrap();
            assert_eq!(
                found.into_iter().collect::<Vec<_>>(),
                [(tenant.parse().unwrap(), [7; 32])],
                "{table}"
            );
        }
        // Words that look like it are words.
        let words = serde_json::json!({ "sha256": "seven", "note": [1, 2] });
        assert!(referred("tickets", row("tickets", &[("context", words)]).as_bytes()).unwrap().is_empty());
    }
}
