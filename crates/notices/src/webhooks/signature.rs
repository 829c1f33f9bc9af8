//! Secrets and signatures, as Standard Webhooks 1.0 has them.

use base::{Entropy, Error, Result, Secret, Timestamp};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PREFIX: &str = "whsec_";

/// A new secret: `whsec_` and 32 random bytes in base64.
pub fn new_secret(entropy: &dyn Entropy) -> Secret {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes)))
}

/// `v1,<base64>` of the HMAC-SHA256 over `{id}.{timestamp}.{body}`; the timestamp is in whole seconds.
pub fn sign(secret: &Secret, id: &str, at: Timestamp, body: &str) -> Result<String> {
    let key = secret
        .reveal()
        .strip_prefix(PREFIX)
        .and_then(|text| STANDARD.decode(text).ok())
        .ok_or_else(|| Error::bug("the stored secret of a webhook is not one of ours"))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(Error::from_source)?;
    mac.update(format!("{id}.{}.", at.as_second()).as_bytes());
    mac.update(body.as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of the Standard Webhooks reference libraries.
    #[test]
    fn the_signature_is_the_one_of_the_standard() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let body = r#"{"test": 2432232314}"#;
        assert_eq!(
            sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body).unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_new_secret_signs_and_does_not_print() {
        let secret = new_secret(&base::SeededEntropy::new(3));
        assert!(secret.reveal().starts_with("whsec_") && secret.reveal().len() == 50);
        assert!(!format!("{secret:?}").contains("whsec_"));
        assert!(sign(&secret, "msg_1", Timestamp::UNIX_EPOCH, "{}").unwrap().starts_with("v1,"));
        assert!(sign(&Secret::new("other"), "msg_1", Timestamp::UNIX_EPOCH, "{}").is_err());
    }
}
