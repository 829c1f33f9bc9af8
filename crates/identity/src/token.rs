use base::{Entropy, Secret};
use sha2::{Digest, Sha256};

/// A random credential of 192 bits, as URL-safe text. Only its hash is stored; it cannot be empty.
#[derive(Clone, Debug)]
pub struct Token(Secret);

const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

impl Token {
    pub fn random(prefix: &str, entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 40];
        entropy.fill(&mut bytes);
        let text: String = bytes.iter().map(|b| char::from(ALPHABET[usize::from(*b & 31)])).collect();
        Self(Secret::new(format!("{prefix}{text}")))
    }

    /// What a caller sent. Too short to be one of ours is refused before anything is looked up.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() >= 40 && text.len() <= 80 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
            .then(|| Self(Secret::new(text)))
    }

    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// SHA-256: the token has full entropy, so a slow hash would protect nothing more.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.reveal().as_bytes()).into()
    }
}
