//! Messages of Amazon SNS, believed when their signature holds: by a certificate of Amazon's own, fetched from Amazon's own
//! host, over the fields in the order that SNS gives them.
//!
//! Source: "Verifying the signatures of Amazon SNS messages" in the SNS developer guide; signature versions 1 (SHA-1) and
//! 2 (SHA-256).

use base::{Error, Result, Timestamp, hours};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use serde::Deserialize;
use x509_cert::{Certificate, der::DecodePem as _};

/// A message older than this is somebody's copy. SNS itself repeats for an hour at most by default.
const AGE_MAX_HOURS: i64 = 6;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SnsMessage {
    #[serde(rename = "Type")]
    pub kind: String,
    pub message_id: String,
    pub topic_arn: String,
    #[serde(default)]
    pub subject: Option<String>,
    pub message: String,
    pub timestamp: String,
    pub signature_version: String,
    pub signature: String,
    #[serde(rename = "SigningCertURL")]
    pub signing_cert_url: String,
    #[serde(default, rename = "SubscribeURL")]
    pub subscribe_url: Option<String>,
    #[serde(default)]
    pub token: Option<String>,
}

fn refused(why: &str) -> Error {
    Error::forbidden("sns.refused", format!("this is no message of SNS that can be believed: {why}"))
}

/// Only Amazon's own hosts are called, whatever a message says.
pub fn check_url(url: &str) -> Result<()> {
    let host = url.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let region = host
        .strip_prefix("sns.")
        .and_then(|h| h.strip_suffix(".amazonaws.com").or_else(|| h.strip_suffix(".amazonaws.com.cn")));
    // A region reads like eu-central-1; other names there are other services, and buckets of anybody.
    let word = |r: &str| {
        r.split('-').count() >= 3
            && r.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if region.is_some_and(word) { Ok(()) } else { Err(refused("it names another host")) }
}

impl SnsMessage {
    /// What is signed: names and values, each on a line of its own.
    fn signed(&self) -> Result<String> {
        let mut fields: Vec<(&str, &str)> = vec![("Message", &self.message), ("MessageId", &self.message_id)];
        match self.kind.as_str() {
            "Notification" => {
                if let Some(subject) = &self.subject {
                    fields.push(("Subject", subject));
                }
                fields.push(("Timestamp", &self.timestamp));
            }
            "SubscriptionConfirmation" | "UnsubscribeConfirmation" => {
                let missing = || refused("it is incomplete");
                fields.push(("SubscribeURL", self.subscribe_url.as_deref().ok_or_else(missing)?));
                fields.push(("Timestamp", &self.timestamp));
                fields.push(("Token", self.token.as_deref().ok_or_else(missing)?));
            }
            _ => return Err(refused("its type is not known")),
        }
        fields.push(("TopicArn", &self.topic_arn));
        fields.push(("Type", &self.kind));
        Ok(fields.iter().map(|(name, value)| format!("{name}\n{value}\n")).collect())
    }

    /// Holds the signature against a certificate (PEM).
    pub fn verify(&self, certificate_pem: &[u8], now: Timestamp) -> Result<()> {
        let said: Timestamp = self.timestamp.parse().map_err(|_| refused("its time is none"))?;
        if said + hours(AGE_MAX_HOURS) < now || said > now + hours(1) {
            return Err(refused("it is too old"));
        }
        let unreadable = |_| refused("its certificate cannot be read");
        let certificate = Certificate::from_pem(certificate_pem).map_err(unreadable)?.tbs_certificate;
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let valid = certificate.validity;
        let from = valid.not_before.to_unix_duration().as_secs();
        if seconds < from || seconds > valid.not_after.to_unix_duration().as_secs() {
            return Err(refused("its certificate is not valid now"));
        }
        let key = certificate.subject_public_key_info.subject_public_key.raw_bytes();
        let signature =
            STANDARD.decode(&self.signature).map_err(|_| refused("its signature cannot be read"))?;
        let algorithm = match self.signature_version.as_str() {
            "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "2" => &RSA_PKCS1_2048_8192_SHA256,
            _ => return Err(refused("its signature is of a kind we do not know")),
        };
        UnparsedPublicKey::new(algorithm, key)
            .verify(self.signed()?.as_bytes(), &signature)
            .map_err(|_| refused("its signature does not hold"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_amazons_own_hosts_are_called() {
        for good in [
            "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-abc.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/x.pem",
        ] {
            check_url(good).unwrap();
        }
        for bad in [
            "http://sns.eu-central-1.amazonaws.com/x.pem",
            "https://sns.eu-central-1.amazonaws.com.evil.example/x.pem",
            "https://sns.evil.example/sns.eu.amazonaws.com",
            "https://evil@sns.eu-central-1.amazonaws.com/x",
            "https://sns.eu-central-1.amazonaws.com:444/x",
            "https://sns..amazonaws.com/x",
            "https://sns.s3.amazonaws.com/c.pem",
            "",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
