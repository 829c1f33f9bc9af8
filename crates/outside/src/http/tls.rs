use std::{path::Path, sync::Arc};

use base::{Error, Result};
use rustls::{
    ClientConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The certificates of a PEM file, which the setting of this name points to.
pub fn read_certificates(file: &Path, setting: &'static str) -> Result<Vec<CertificateDer<'static>>> {
    let refuse = |why: String| Error::field(setting, setting, why);
    let list = CertificateDer::pem_file_iter(file)
        .and_then(|found| found.collect::<std::result::Result<Vec<_>, _>>())
        .map_err(|e| refuse(format!("{} cannot be read as certificates: {e}", file.display())))?;
    if list.is_empty() { Err(refuse(format!("{} holds no certificate", file.display()))) } else { Ok(list) }
}

/// TLS 1.2 and 1.3 on ring, with the system's certificates and those that were added.
pub fn client_config(
    extra: &[CertificateDer<'static>],
) -> std::result::Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(default_provider());
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra.to_vec(), provider.clone())?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}
