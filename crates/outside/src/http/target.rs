use std::net::IpAddr;

use base::{Error, IpNet, Result};
use url::{Host, Url};

use super::refusal;

/// Longer ones are no address of a webhook, and every header of a call is made of them.
const URL_MAX: usize = 2000;

/// Where a call goes, taken apart.
#[derive(Debug)]
pub struct Target {
    pub tls: bool,
    pub host: Host<String>,
    pub port: u16,
    /// Path and query as they go on the wire.
    pub path: String,
    /// `Host` as it goes on the wire.
    pub authority: String,
}

impl Target {
    /// Takes an URL apart; the error says what would be accepted.
    pub fn parse(text: &str, allowed: &[IpNet]) -> Result<Self> {
        let refuse = |message: &str| Err(Error::field("url", "url.refused", message));
        if text.len() > URL_MAX {
            return refuse("at most 2,000 characters");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return refuse("has no spaces and no control characters");
        }
        let Ok(url) = Url::parse(text) else {
            return refuse("a whole address, such as https://example.org/path");
        };
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return refuse("begins with https:// or http://"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("holds no user name and no password; the signature proves who calls");
        }
        let Some(host) = url.host().map(|h| h.to_owned()) else {
            return refuse("names a host, such as https://example.org/path");
        };
        let port = url.port_or_known_default().unwrap_or(if tls { 443 } else { 80 });
        // Below 1024 live services that are not HTTP and that a crafted request could talk to.
        if !matches!(port, 80 | 443 | 1024..) {
            return refuse("uses port 80, 443 or one from 1024 on");
        }
        if let Some(reason) = literal(&host).and_then(|ip| refusal(ip, allowed)) {
            return refuse(&format!("leads to {reason}, which is not called"));
        }
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        };
        Ok(Self { tls, host, port, path, authority })
    }

    /// The address, when the URL names one rather than a host.
    pub fn literal(&self) -> Option<IpAddr> {
        literal(&self.host)
    }
}

fn literal(host: &Host<String>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(ip) => Some((*ip).into()),
        Host::Ipv6(ip) => Some((*ip).into()),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_url_is_taken_apart_or_refused_with_the_reason() {
        let t = Target::parse("https://hooks.example.org:8443/in/x?a=b#part", &[]).unwrap();
        assert!(t.tls && t.port == 8443 && t.path == "/in/x?a=b" && t.authority == "hooks.example.org:8443");
        assert_eq!(Target::parse("http://example.org", &[]).unwrap().path, "/");
        for (bad, why) in [
            ("", "whole address"),
            ("example.org/x", "whole address"),
            ("ftp://example.org/", "https://"),
            ("file:///etc/passwd", "https://"),
            ("https://ada:pw@example.org/", "no user name"),
            ("https://example.org:25/", "port 80"),
            ("https://example.org:22/", "port 80"),
            ("http://127.0.0.1/", "loopback"),
            ("http://2130706433/", "loopback"),
            ("http://0x7f.1/", "loopback"),
            ("http://[::1]:8080/", "loopback"),
            ("http://[::ffff:169.254.169.254]/latest", "link-local"),
            ("http://169.254.169.254/", "link-local"),
            ("https://example.org/\r\nX: y", "control"),
        ] {
            let error = Target::parse(bad, &[]).unwrap_err();
            assert!(error.message().contains(why), "{bad}: {error}");
            assert_eq!(error.field_errors()[0].field, "url");
        }
        assert!(Target::parse("http://127.0.0.1:8080/", &["127.0.0.0/8".parse().unwrap()]).is_ok());
        assert!(Target::parse(&format!("https://example.org/{}", "x".repeat(2000)), &[]).is_err());
    }
}
