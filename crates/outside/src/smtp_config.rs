use std::{net::IpAddr, path::PathBuf, time::Duration};

use base::{Error, Result, Secret};

use crate::DkimConfig;

/// How to reach the mail server. The `[smtp]` table of the configuration.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    pub host: String,
    /// Usually 587 with `starttls`, 465 with `tls`, 25 with `none`.
    #[serde(default = "default_port")]
    pub port: u16,
    #[serde(default)]
    pub tls: SmtpTls,
    /// Empty: no sign-in.
    #[serde(default)]
    pub username: String,
    #[serde(default)]
    pub password: Secret,
    /// The name we greet the server with; a public server wants our own host name.
    #[serde(default = "default_hello_name")]
    pub hello_name: String,
    /// For connecting and for each command; the answer to the letter itself may take five times as long.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u32,
    /// A certificate (PEM) to trust beside the system's, for a server with a certificate of one's own making.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Letters are signed here. Leave it out when the mail server signs.
    #[serde(default)]
    pub dkim: Option<DkimConfig>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// In the clear. Only without a password, or to this machine.
    None,
    /// Starts in the clear and refuses to go on unless the server upgrades.
    #[default]
    Starttls,
    /// Encrypted from the first byte.
    Tls,
}

fn default_port() -> u16 {
    587
}
fn default_hello_name() -> String {
    "localhost".into()
}
fn default_timeout() -> u32 {
    30
}

impl SmtpConfig {
    /// Refuses what cannot work, and a password in the clear.
    pub fn check(&self) -> Result<()> {
        let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
        if !word(&self.host) {
            return Err(Error::field("smtp.host", "smtp.host", "expected a host name or an IP address"));
        }
        if !word(&self.hello_name) {
            return Err(Error::field(
                "smtp.hello_name",
                "smtp.hello_name",
                "expected a host name without spaces",
            ));
        }
        if self.port == 0 {
            return Err(Error::field("smtp.port", "smtp.port", "expected a port from 1 to 65535"));
        }
        if !(1..=600).contains(&self.timeout_seconds) {
            return Err(Error::field("smtp.timeout_seconds", "smtp.timeout", "expected 1 to 600 seconds"));
        }
        if self.username.is_empty() != self.password.is_empty() {
            return Err(Error::field(
                "smtp.password",
                "smtp.password",
                "a username and a password go together",
            ));
        }
        if self.tls == SmtpTls::None && !self.username.is_empty() && !self.is_loopback() {
            return Err(Error::field(
                "smtp.tls",
                "smtp.password_in_the_clear",
                "a password is sent to another machine only with `starttls` or `tls`",
            ));
        }
        Ok(())
    }

    /// By what is written, never by asking a name server: its answer could change after the check.
    fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: serde_json::Value) -> SmtpConfig {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_password_never_travels_in_the_clear() {
        let mut config =
            config(serde_json::json!({"host": "mail.example.org", "username": "u", "password": "p"}));
        assert!(config.check().is_ok());
        config.tls = SmtpTls::None;
        assert_eq!(config.check().unwrap_err().code(), "smtp.password_in_the_clear");
        for host in ["localhost", "127.0.0.1", "::1"] {
            config.host = host.into();
            assert!(config.check().is_ok(), "{host}");
        }
        for host in ["localhost.example.org", "10.0.0.1", "127.0.0.1.example.org"] {
            config.host = host.into();
            assert!(config.check().is_err(), "{host}");
        }
        assert!(!format!("{config:?}").contains("\"p\""));
    }

    #[test]
    fn unknown_keys_are_refused() {
        let json = serde_json::json!({"host": "h", "user": "u"});
        assert!(serde_json::from_value::<SmtpConfig>(json).is_err());
        assert!(config(serde_json::json!({"host": "a\r\nb"})).check().is_err());
        assert!(config(serde_json::json!({"host": "h", "hello_name": "a b"})).check().is_err());
    }
}
