use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Read, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use base::{Clock as _, Error, Kind, Result, SystemClock};
use base64::Engine as _;
use db::archive::Dump;
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
            blobs.extend(referred(&table, &rows)?);
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

fn names_blobs(table: &str) -> bool {
    db::archive::columns(table).iter().any(|(column, _)| column == "sha256")
}

/// `<tenant>/<sha256>` of every blob, from the rows that were just written.
fn referred(table: &str, rows: &File) -> Result<BTreeSet<(base::TenantId, [u8; 32])>> {
    let columns = db::archive::columns(table);
    let at = |name: &str| columns.iter().position(|(column, _)| column == name);
    let (Some(tenant), Some(sha256)) = (at("tenant_id"), at("sha256")) else {
        return Err(Error::bug(format!("rows of {table} have a tenant and a hash")));
    };
    let mut out = BTreeSet::new();
    for line in BufReader::new(rows).lines() {
        let cells: Vec<serde_json::Value> =
            serde_json::from_str(&line.map_err(Error::from_source)?).map_err(Error::from_source)?;
        let text = |index: usize| cells.get(index).and_then(|c| c.as_str()).unwrap_or_default();
        let hash = base64::engine::general_purpose::STANDARD
            .decode(text(sha256))
            .map_err(Error::from_source)?
            .try_into()
            .map_err(|_| Error::bug("a stored hash has 32 bytes"))?;
        out.insert((text(tenant).parse()?, hash));
    }
    Ok(out)
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
