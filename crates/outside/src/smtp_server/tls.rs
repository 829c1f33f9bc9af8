//! Our certificate, read again when its file changes.

use std::{
    fs,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use base::{Error, Result};
use rustls::{
    ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use super::TlsFiles;

pub(super) struct Certificate {
    files: TlsFiles,
    read: Mutex<(Stamp, Arc<ServerConfig>)>,
}

/// When the two files were written.
type Stamp = [Option<SystemTime>; 2];

impl Certificate {
    pub fn read(files: TlsFiles) -> Result<Self> {
        let now = (stamp(&files), read(&files)?);
        Ok(Self { files, read: Mutex::new(now) })
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        let mut held = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamp(&self.files);
        if held.0 != stamp {
            // Half a renewal is met now and then: certificate and key do not fit yet, and the old pair goes on.
            match read(&self.files) {
                Ok(config) => *held = (stamp, config),
                Err(error) => tracing::warn!(%error, "the mail server's new certificate cannot be used"),
            }
        }
        TlsAcceptor::from(held.1.clone())
    }
}

fn stamp(files: &TlsFiles) -> Stamp {
    [&files.certificate_file, &files.key_file]
        .map(|path| fs::metadata(path).and_then(|file| file.modified()).ok())
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>> {
    let refuse =
        |field: &str, why: String| Error::field(format!("mail_server.tls.{field}"), "mail_server.tls", why);
    let path = &files.certificate_file;
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(|found| found.collect::<std::result::Result<Vec<_>, _>>())
        .map_err(|e| refuse("certificate_file", format!("{} cannot be read: {e}", path.display())))?;
    let path = &files.key_file;
    let key = PrivateKeyDer::from_pem_file(path)
        .map_err(|e| refuse("key_file", format!("{} cannot be read: {e}", path.display())))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::from_source)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| refuse("certificate_file", format!("does not fit its key: {e}")))?;
    Ok(Arc::new(config))
}
