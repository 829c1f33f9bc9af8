//! Providers: where they are, and what we ask them for.

use std::{fmt, str::FromStr};

use base::{Error, Result};
use serde::{Deserialize, Serialize};

use super::client::OauthClient;
use crate::tickets::words;

words!(
    /// Who a mailbox's provider is. `other` is one whose addresses the business enters itself.
    Provider, "provider", { Microsoft = "microsoft", Google = "google", Other = "other" }
);
db::text_column!(Provider);

/// Where a mailbox is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub host: String,
    pub port: u16,
    pub tls: String,
}

const MICROSOFT: &str = "https://login.microsoftonline.com";
/// `openid email` names the account that signed in, for people; what lets us in decides the mailbox.
const GOOGLE_SCOPES: &str = "https://mail.google.com/ openid email";
const MICROSOFT_SCOPES: &str = "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send \
     offline_access openid email profile";
/// Scopes that say something of the token and are not named in what was granted.
const UNNAMED: [&str; 6] = ["openid", "email", "profile", "offline_access", "address", "phone"];

impl OauthClient {
    /// Where a person is sent to sign in.
    pub fn authorize_url(&self) -> String {
        match self.provider {
            Provider::Microsoft => format!("{MICROSOFT}/{}/oauth2/v2.0/authorize", self.directory),
            Provider::Google => "https://accounts.google.com/o/oauth2/v2/auth".into(),
            Provider::Other => self.authorize_url.clone(),
        }
    }

    /// Where we fetch tokens.
    pub fn token_url(&self) -> String {
        match self.provider {
            Provider::Microsoft => format!("{MICROSOFT}/{}/oauth2/v2.0/token", self.directory),
            Provider::Google => "https://oauth2.googleapis.com/token".into(),
            Provider::Other => self.token_url.clone(),
        }
    }

    pub fn scopes(&self) -> &str {
        match self.provider {
            Provider::Microsoft => MICROSOFT_SCOPES,
            Provider::Google => GOOGLE_SCOPES,
            Provider::Other => &self.scopes,
        }
    }

    /// Where the mailboxes are.
    pub fn place(&self) -> Place {
        let at = |host: &str| Place { host: host.into(), port: 993, tls: "tls".into() };
        match self.provider {
            Provider::Microsoft => at("outlook.office365.com"),
            Provider::Google => at("imap.gmail.com"),
            Provider::Other => Place { host: self.host.clone(), port: self.port, tls: self.tls.clone() },
        }
    }

    /// What was asked for and not granted. A provider that names nothing granted all of it (RFC 6749, 5.1).
    pub fn missing_scope(&self, granted: Option<&str>) -> Option<String> {
        let granted: Vec<String> = granted?.split_ascii_whitespace().map(str::to_lowercase).collect();
        let wanted = self.scopes().split_ascii_whitespace().filter(|s| !UNNAMED.contains(s));
        // Letters may go out another way; without the mailbox there is nothing to connect.
        let wanted = wanted.filter(|s| self.provider != Provider::Microsoft || s.contains("IMAP"));
        let is_missing = |scope: &&str| {
            let scope = scope.to_lowercase();
            // Microsoft leaves the resource away now and then.
            !granted
                .iter()
                .any(|g| *g == scope || scope.rsplit_once('/').is_some_and(|(_, s)| s == g && !s.is_empty()))
        };
        wanted.into_iter().find(is_missing).map(str::to_owned)
    }
}

/// An address that secrets are sent to: encrypted, or on this machine.
pub(super) fn check_url(field: &'static str, url: &str) -> Result<String> {
    let url = url.trim();
    let refuse = || {
        let why = "expected an address such as https://login.example.org/token, without a fragment";
        Err(Error::field(field, "oauth.url", why))
    };
    let is_plain =
        url.len() <= 500 && url.chars().all(|c| c.is_ascii_graphic()) && !url.contains(['#', '"', '\\', '@']);
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = if authority.starts_with('[') {
        authority.split_once(']').map_or("", |(h, _)| h.trim_start_matches('['))
    } else {
        authority.split(':').next().unwrap_or_default()
    };
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if !is_plain || host.is_empty() || !(scheme == "https" || (scheme == "http" && is_here)) {
        return refuse();
    }
    Ok(url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::oauth::client::tests::client;

    #[test]
    fn what_is_not_granted_is_named() {
        let google = client(Provider::Google);
        assert_eq!(google.missing_scope(None), None);
        assert_eq!(google.missing_scope(Some("openid https://mail.google.com/")), None);
        assert_eq!(google.missing_scope(Some("openid email")).as_deref(), Some("https://mail.google.com/"));
        let microsoft = client(Provider::Microsoft);
        assert_eq!(microsoft.missing_scope(Some("https://outlook.office.com/IMAP.AccessAsUser.All")), None);
        assert_eq!(microsoft.missing_scope(Some("IMAP.AccessAsUser.All SMTP.Send")), None);
        assert!(microsoft.missing_scope(Some("https://outlook.office.com/SMTP.Send")).is_some());
    }

    #[test]
    fn secrets_go_to_encrypted_addresses() {
        for good in [
            "https://login.example.org/token",
            "http://localhost:8080/t",
            "http://127.0.0.1/t?x=1",
            "http://[::1]:9/t",
        ] {
            assert_eq!(check_url("token_url", good).unwrap(), good);
        }
        for bad in [
            "http://login.example.org/token",
            "https://",
            "ftp://x/y",
            "",
            "https://a b",
            "https://x/#y",
            "http://127.0.0.1@evil.example/",
            "http://localhost.evil.example/",
            "javascript://x",
        ] {
            assert!(check_url("token_url", bad).is_err(), "{bad}");
        }
    }
}
