use base::{Error, Result};

use crate::TenantRecord;

/// How absolute links are made: the tenant's own host with the scheme and port of the configured public URL. The
/// request's `Host` never takes part, so nobody can make us mail a link to a host of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Links {
    /// `https://help.example.org` or `http://127.0.0.1:8080`.
    pub fn parse(public_url: &str) -> Result<Self> {
        let refuse = || {
            Error::field(
                "public_url",
                "public_url.malformed",
                "expected http:// or https:// with a host and perhaps a port, such as https://help.example.org",
            )
        };
        let (scheme, rest) = public_url.trim().split_once("://").ok_or_else(refuse)?;
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port.parse().map_err(|_| refuse())?)),
            _ => (rest, None),
        };
        let host_ok =
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-[]:".contains(&b));
        if !matches!(scheme, "http" | "https") || !host_ok {
            return Err(refuse());
        }
        Ok(Self { scheme: scheme.into(), host: host.to_lowercase(), port })
    }

    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// Scheme, host and port, without a slash at the end.
    pub fn base(&self, tenant: &TenantRecord) -> String {
        let host = tenant.host.as_deref().unwrap_or(&self.host);
        match self.port {
            Some(port) => format!("{}://{host}:{port}", self.scheme),
            None => format!("{}://{host}", self.scheme),
        }
    }

    /// The domain of the tenant's letters.
    pub fn domain(&self, tenant: &TenantRecord) -> String {
        tenant.host.clone().unwrap_or_else(|| self.host.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_configure() {
        assert!(Links::parse("https://help.example.org/").unwrap().is_https());
        assert_eq!(Links::parse("http://127.0.0.1:8080").unwrap().port, Some(8080));
        for bad in ["", "help.example.org", "ftp://x", "https://", "https://a b", "https://x:port"] {
            assert!(Links::parse(bad).is_err(), "{bad}");
        }
    }
}
