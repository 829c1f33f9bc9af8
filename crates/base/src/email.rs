use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// An address that is safe in a header, kept with a lower-case domain and compared without case.
///
/// Accepts what people really have (RFC 5321 dot-atom local part, at most 254 bytes); quoted local parts,
/// comments and address literals are refused. The local part keeps its case for sending; [`Email::key`] does not.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
#[schemars(transparent)]
pub struct Email(String);

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What addresses are looked up and made unique by.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, d)| d)
    }
}

impl FromStr for Email {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let s = s.trim();
        let refuse =
            || Error::field("email", "email.malformed", "expected an address such as ada@example.org");
        let (local, domain) = s.rsplit_once('@').ok_or_else(refuse)?;
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.chars().all(|c| {
                if c.is_ascii() {
                    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
                } else {
                    c.is_alphanumeric()
                }
            });
        let domain_ok = !domain.is_empty()
            && domain.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c == '-' || c.is_alphanumeric())
            });
        if s.len() > 254 || !local_ok || !domain_ok {
            return Err(refuse());
        }
        Ok(Self(format!("{local}@{}", domain.to_lowercase())))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for Email {
    /// Addresses are personal data: a log line that prints one by accident prints nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}
impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse()
            .map_err(|_| serde::de::Error::custom("expected an e-mail address such as ada@example.org"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_real_addresses() {
        for good in
            ["ada@example.org", "o'brien+tag@sub.example.co.uk", "a@b", "jörg@exämple.de", " pad@x.io "]
        {
            assert!(good.parse::<Email>().is_ok(), "{good}");
        }
        assert_eq!("Ada@EXAMPLE.org".parse::<Email>().unwrap().as_str(), "Ada@example.org");
        assert_eq!("Ada@EXAMPLE.org".parse::<Email>().unwrap().key(), "ada@example.org");
    }

    #[test]
    fn refuses_what_could_break_a_header() {
        for bad in [
            "",
            "ada",
            "@x",
            "a@",
            "a b@x.io",
            "a@x..io",
            "a@-x.io",
            "a\r\nbcc:b@x.io@x.io",
            "<a@x.io>",
            ".a@x.io",
            "a@[127.0.0.1]",
        ] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }
}
