//! Passwords: argon2id, always off the request threads and outside transactions.

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _, password_hash::phc::PasswordHash};
use base::{Entropy, Error, Result, Secret};

/// A password that may be used, checked before it is hashed.
pub fn check(password: &Secret) -> Result<()> {
    let length = password.reveal().chars().count();
    if length < 10 {
        return Err(Error::field(
            "password",
            "password.short",
            "at least 10 characters; a few words are a good password",
        ));
    }
    if password.reveal().len() > 256 {
        return Err(Error::field("password", "password.long", "at most 256 bytes"));
    }
    Ok(())
}

/// Hashes with a salt of its own. Takes tens of milliseconds: call it on a blocking thread.
pub fn hash(password: &Secret) -> Result<String> {
    let hashed = Argon2::default()
        .hash_password(password.reveal().as_bytes())
        .map_err(|e| Error::bug(e.to_string()))?;
    Ok(hashed.to_string())
}

/// Compares with a stored hash; without one it does the same work and answers false, so that the time tells nothing
/// about whether the account exists.
pub fn verify(password: &Secret, stored: Option<&str>) -> bool {
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2R5$c29tZXRoaW5nIHRoYXQgaXMgbm90IGEgaGFzaCBhdCBhbGw";
    let text = stored.unwrap_or(NOBODY);
    let Ok(parsed) = PasswordHash::new(text) else { return false };
    Argon2::default().verify_password(password.reveal().as_bytes(), &parsed).is_ok() && stored.is_some()
}

/// A password to hand over once: five groups of four characters that cannot be misread.
pub fn generate(entropy: &dyn Entropy) -> Secret {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 20];
    entropy.fill(&mut bytes);
    let text: Vec<String> = bytes
        .chunks(4)
        .map(|c| c.iter().map(|b| char::from(ALPHABET[usize::from(*b & 31)])).collect())
        .collect();
    Secret::new(text.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_wrong_and_nobody() {
        let password = Secret::new("correct horse battery");
        let stored = hash(&password).unwrap();
        assert!(verify(&password, Some(&stored)));
        assert!(!verify(&Secret::new("wrong horse battery"), Some(&stored)));
        assert!(!verify(&password, None));
        assert!(!verify(&password, Some("")));
    }
}
