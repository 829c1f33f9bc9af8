use std::{net::SocketAddr, path::PathBuf, time::Duration};

use base::{Error, Result};

/// A listener for mail. One table of the configuration for each port.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpServerConfig {
    /// Where to listen, such as `0.0.0.0:25`.
    pub listen: SocketAddr,
    #[serde(default)]
    pub protocol: Protocol,
    /// What we call ourselves: the name in the MX record.
    pub hostname: String,
    /// Without it STARTTLS is not offered.
    #[serde(default)]
    pub tls: Option<TlsFiles>,
    /// Refuses letters over a connection that was not upgraded. A public MX that does so loses mail.
    #[serde(default)]
    pub tls_required: bool,
    /// The largest letter, in bytes as they are stored.
    #[serde(default = "default_max_message_bytes")]
    pub max_message_bytes: usize,
    /// Bytes of letters that all connections together may hold in memory; a letter beyond is asked to come later.
    #[serde(default = "default_max_held_bytes")]
    pub max_held_bytes: usize,
    /// Recipients of one letter; those beyond are asked to come with another (`452`). RFC 5321 wants 100 at least.
    #[serde(default = "default_max_recipients")]
    pub max_recipients: usize,
    #[serde(default = "default_max_connections")]
    pub max_connections: usize,
    /// Of one address; of one /64 network with IPv6.
    #[serde(default = "default_max_connections_per_address")]
    pub max_connections_per_address: usize,
    /// Silence before a command after which we hang up. RFC 5321 wants 300 at least.
    #[serde(default = "default_command_seconds")]
    pub command_seconds: u32,
    /// For the whole text of one letter.
    #[serde(default = "default_letter_seconds")]
    pub letter_seconds: u32,
    /// How long letters at hand may take when the server stops.
    #[serde(default = "default_stop_seconds")]
    pub stop_seconds: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// From anybody: one answer for a letter.
    #[default]
    Smtp,
    /// From a mail server of our own: one answer for each recipient.
    Lmtp,
}

/// PEM files. They are read again when they change, so that a renewed certificate needs no restart.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Our certificate, then those that vouch for it.
    pub certificate_file: PathBuf,
    pub key_file: PathBuf,
}

fn default_max_message_bytes() -> usize {
    50 * 1024 * 1024
}
fn default_max_held_bytes() -> usize {
    512 * 1024 * 1024
}
fn default_max_recipients() -> usize {
    100
}
fn default_max_connections() -> usize {
    200
}
fn default_max_connections_per_address() -> usize {
    20
}
fn default_command_seconds() -> u32 {
    300
}
fn default_letter_seconds() -> u32 {
    600
}
fn default_stop_seconds() -> u32 {
    30
}

impl SmtpServerConfig {
    /// With everything else as it is by default.
    pub fn new(listen: SocketAddr, protocol: Protocol, hostname: impl Into<String>) -> Self {
        Self {
            listen,
            protocol,
            hostname: hostname.into(),
            tls: None,
            tls_required: false,
            max_message_bytes: default_max_message_bytes(),
            max_held_bytes: default_max_held_bytes(),
            max_recipients: default_max_recipients(),
            max_connections: default_max_connections(),
            max_connections_per_address: default_max_connections_per_address(),
            command_seconds: default_command_seconds(),
            letter_seconds: default_letter_seconds(),
            stop_seconds: default_stop_seconds(),
        }
    }

    /// Refuses what cannot work.
    pub fn check(&self) -> Result<()> {
        let refuse = |field: &str, why: &str| {
            Err(Error::field(format!("mail_server.{field}"), "mail_server.invalid", why))
        };
        let ordinary = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        if self.hostname.is_empty() || self.hostname.len() > 255 || !self.hostname.chars().all(ordinary) {
            return refuse("hostname", "expected a host name such as mx.example.org");
        }
        if self.tls_required && self.tls.is_none() {
            return refuse("tls_required", "needs a certificate and its key in `tls`");
        }
        if self.max_message_bytes < 64 * 1024 || self.max_message_bytes > 1024 * 1024 * 1024 {
            return refuse("max_message_bytes", "expected 64 KiB to 1 GiB");
        }
        // A letter that grows has up to twice its size in memory.
        if self.max_held_bytes / 2 < self.max_message_bytes {
            return refuse("max_held_bytes", "expected twice max_message_bytes at least");
        }
        let counts = [
            ("max_recipients", self.max_recipients),
            ("max_connections", self.max_connections),
            ("max_connections_per_address", self.max_connections_per_address),
            ("command_seconds", self.command_seconds as usize),
            ("letter_seconds", self.letter_seconds as usize),
        ];
        match counts.into_iter().find(|(_, count)| !(1..=100_000).contains(count)) {
            Some((field, _)) => refuse(field, "expected 1 to 100000"),
            None => Ok(()),
        }
    }

    pub(super) fn command_time(&self) -> Duration {
        Duration::from_secs(self.command_seconds.into())
    }
    pub(super) fn letter_time(&self) -> Duration {
        Duration::from_secs(self.letter_seconds.into())
    }
    pub(super) fn stop_time(&self) -> Duration {
        Duration::from_secs(self.stop_seconds.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_by_its_name() {
        let good: SmtpServerConfig =
            serde_json::from_str(r#"{"listen": "127.0.0.1:25", "hostname": "mx.example.org"}"#).unwrap();
        good.check().unwrap();
        assert_eq!(good.protocol, Protocol::Smtp);
        let bad: [fn(&mut SmtpServerConfig); 5] = [
            |c| c.hostname = "mx\r\n250".into(),
            |c| c.tls_required = true,
            |c| c.max_message_bytes = 1,
            |c| c.max_held_bytes = c.max_message_bytes * 2 - 1,
            |c| c.max_recipients = 0,
        ];
        for change in bad {
            let mut config = good.clone();
            change(&mut config);
            assert_eq!(config.check().unwrap_err().code(), "mail_server.invalid");
        }
    }
}
