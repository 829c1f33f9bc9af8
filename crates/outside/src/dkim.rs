use std::{fs, path::PathBuf};

use base::{Error, Result};
use mail_auth::{
    common::{
        crypto::{Ed25519Key, RsaKey, Sha256},
        headers::HeaderWriter as _,
    },
    dkim::{DkimSigner as Signing, Done},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};

/// How outgoing letters are signed. The `[smtp.dkim]` table of the configuration.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DkimConfig {
    /// The domain that vouches, such as `example.org`: that of the senders, or one above it.
    pub domain: String,
    /// The key is published at `<selector>._domainkey.<domain>`.
    pub selector: String,
    /// A private key in PEM: RSA of 2048 bits or more, or Ed25519.
    pub key_file: PathBuf,
}

/// Fields that are signed, those that are missing too: nobody may add one later. Those named twice may not be
/// repeated either, since a reader may show the second.
const FIELDS: [&str; 23] = [
    "From",
    "From",
    "Reply-To",
    "Reply-To",
    "To",
    "To",
    "Cc",
    "Cc",
    "Subject",
    "Subject",
    "Date",
    "Date",
    "Message-ID",
    "Message-ID",
    "Content-Type",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
];

/// Signs letters (RFC 6376, and 8463 for Ed25519).
pub struct DkimSigner(Key);

enum Key {
    Rsa(Signing<RsaKey<Sha256>, Done>),
    Ed25519(Signing<Ed25519Key, Done>),
}

impl DkimSigner {
    /// Reads the key file.
    pub fn open(config: &DkimConfig) -> Result<Self> {
        let pem = fs::read(&config.key_file).map_err(|error| {
            refuse("key_file", format!("{} cannot be read: {error}", config.key_file.display()))
        })?;
        Self::new(&config.domain, &config.selector, &pem)
    }

    pub fn new(domain: &str, selector: &str, key_pem: &[u8]) -> Result<Self> {
        let name = |text: &str| {
            !text.is_empty()
                && text.len() <= 253
                && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_'))
        };
        if !name(domain) {
            return Err(refuse("domain", "expected a domain in its ASCII form, such as example.org".into()));
        }
        if !name(selector) {
            return Err(refuse("selector", "expected a name such as desk2026".into()));
        }
        let key = PrivateKeyDer::from_pem_slice(key_pem)
            .map_err(|error| refuse("key_file", format!("holds no private key in PEM: {error}")))?;
        // An Ed25519 key is PKCS#8 like most RSA keys; which of the two it is shows when it is read.
        if let PrivateKeyDer::Pkcs8(der) = &key
            && let Ok(key) = Ed25519Key::from_pkcs8_maybe_unchecked_der(der.secret_pkcs8_der())
        {
            let signing = Signing::from_key(key).domain(domain).selector(selector).headers(FIELDS);
            return Ok(Self(Key::Ed25519(signing)));
        }
        let key = RsaKey::<Sha256>::from_key_der(key).map_err(|error| {
            refuse("key_file", format!("is no RSA (2048 bits or more) or Ed25519 key: {error}"))
        })?;
        Ok(Self(Key::Rsa(Signing::from_key(key).domain(domain).selector(selector).headers(FIELDS))))
    }

    /// The letter with a signature on top. The letter's lines end in CRLF.
    pub fn sign(&self, raw: &[u8]) -> Result<Vec<u8>> {
        let signature = match &self.0 {
            Key::Rsa(signing) => signing.sign(raw),
            Key::Ed25519(signing) => signing.sign(raw),
        };
        let mut signed = signature.map_err(Error::from_source)?.to_header().into_bytes();
        signed.extend_from_slice(raw);
        Ok(signed)
    }
}

#[track_caller]
fn refuse(field: &str, why: String) -> Error {
    Error::field(format!("smtp.dkim.{field}"), "smtp.dkim", why)
}
