//! Configuration: command line over `COUNTERFOIL_…` variables over `counterfoil.toml` over defaults.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use base::{Error, IpNet, Result, Secret, text};
use db::Location;
use outside::{
    ClamAvConfig, DkimConfig, ImapConfig, OutgoingConfig, Protocol, S3Config, SmtpConfig, SmtpServerConfig,
    TlsFiles,
};

/// Everything an operator can say, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    /// How people reach it: scheme and port of every link, and whether cookies are for https alone.
    pub public_url: String,
    pub trusted_proxies: Vec<IpNet>,
    pub data_dir: PathBuf,
    /// PostgreSQL instead of the embedded database.
    pub database_url: Option<Secret>,
    /// Without it letters are kept as files.
    pub smtp: Option<SmtpConfig>,
    /// What may be called besides the public internet, for webhooks.
    pub outgoing: OutgoingConfig,
    /// Listeners for mail.
    pub mail_listeners: Vec<SmtpServerConfig>,
    /// Whether name servers are asked who sent a mail.
    pub mail_dns: bool,
    pub imap: ImapConfig,
    /// Looks into files that come by mail.
    pub clamav: Option<ClamAvConfig>,
    /// A bucket instead of the data folder for attachments and raw mail.
    pub s3: Option<S3Config>,
    pub limits: Limits,
    /// Log lines as JSON, for machines, instead of text.
    pub log_json: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub requests_per_minute: u32,
}

/// What the command line said.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub listen: Option<String>,
    pub data_dir: Option<PathBuf>,
    pub database_url: Option<String>,
    pub config: Option<PathBuf>,
}

/// Every key there is, as it is written in the file and, upper-case with underscores, in the environment.
pub const KEYS: [&str; 36] = [
    "listen",
    "public_url",
    "trusted_proxies",
    "data_dir",
    "database_url",
    "smtp.host",
    "smtp.port",
    "smtp.tls",
    "smtp.username",
    "smtp.password",
    "smtp.hello_name",
    "smtp.timeout_seconds",
    "smtp.ca_file",
    "limits.requests_per_minute",
    "log.format",
    "outgoing.allow_networks",
    "outgoing.ca_file",
    "smtp.dkim_domain",
    "smtp.dkim_selector",
    "smtp.dkim_key_file",
    "mail.smtp_listen",
    "mail.lmtp_listen",
    "mail.hostname",
    "mail.tls_certificate_file",
    "mail.tls_key_file",
    "mail.max_message_bytes",
    "mail.dns",
    "imap.poll_seconds",
    "imap.timeout_seconds",
    "clamav.address",
    "s3.bucket",
    "s3.region",
    "s3.endpoint",
    "s3.prefix",
    "s3.access_key_id",
    "s3.secret_access_key",
];

impl Config {
    pub fn location(&self) -> Location {
        match &self.database_url {
            Some(url) => Location::Postgres(url.clone()),
            None => Location::Sqlite(self.data_dir.join("counterfoil.sqlite3")),
        }
    }

    /// Reads all sources. `environment` is passed in so that a test can say what it is.
    pub fn load(overrides: &Overrides, environment: impl Iterator<Item = (String, String)>) -> Result<Self> {
        let mut values = Values::default();
        let environment: Vec<(String, String)> =
            environment.filter(|(k, _)| k.starts_with("COUNTERFOIL_")).collect();
        let named =
            overrides.config.clone().or_else(|| find(&environment, "COUNTERFOIL_CONFIG").map(PathBuf::from));
        let file = named.clone().unwrap_or_else(|| PathBuf::from("counterfoil.toml"));
        if named.is_some() || file.exists() {
            values.read_file(&file)?;
        }
        values.read_environment(&environment)?;
        let mut set = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                values.set(key, value);
            }
        };
        set("listen", overrides.listen.clone());
        set("data_dir", overrides.data_dir.as_ref().map(|p| p.display().to_string()));
        set("database_url", overrides.database_url.clone());
        values.into_config()
    }
}

fn find(environment: &[(String, String)], key: &str) -> Option<String> {
    environment.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone())
}

#[derive(Default)]
struct Values(std::collections::BTreeMap<String, String>);

impl Values {
    fn set(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|v| !v.is_empty())
    }

    fn known(key: &str, place: &str) -> Result<()> {
        if KEYS.contains(&key) {
            return Ok(());
        }
        let hint = text::suggest(key, KEYS).map(|s| format!("; did you mean {s}?")).unwrap_or_default();
        Err(Error::field(key, "config.unknown_key", format!("is not a key of {place}{hint}")))
    }

    fn read_file(&mut self, file: &Path) -> Result<()> {
        let text = std::fs::read_to_string(file).map_err(|e| {
            Error::field("config", "config.unreadable", format!("{} cannot be read: {e}", file.display()))
        })?;
        let table: toml::Table = text
            .parse()
            .map_err(|e| Error::field("config", "config.malformed", format!("{}: {e}", file.display())))?;
        let place = file.display().to_string();
        for (key, value) in table {
            match value {
                toml::Value::Table(inner) => {
                    for (name, value) in inner {
                        self.take(&format!("{key}.{name}"), &value, &place)?;
                    }
                }
                value => self.take(&key, &value, &place)?,
            }
        }
        Ok(())
    }

    fn take(&mut self, key: &str, value: &toml::Value, place: &str) -> Result<()> {
        Self::known(key, place)?;
        let text = match value {
            toml::Value::String(s) => s.clone(),
            toml::Value::Integer(n) => n.to_string(),
            toml::Value::Boolean(b) => b.to_string(),
            toml::Value::Array(list) => list.iter().filter_map(|v| v.as_str()).collect::<Vec<_>>().join(","),
            _ => {
                return Err(Error::field(
                    key,
                    "config.type",
                    "expected a text, a number, or a list of texts",
                ));
            }
        };
        self.set(key, text);
        Ok(())
    }

    fn read_environment(&mut self, environment: &[(String, String)]) -> Result<()> {
        for (name, value) in environment {
            let Some(rest) = name.strip_prefix("COUNTERFOIL_") else { continue };
            if matches!(rest, "CONFIG" | "LOG" | "BIN")
                || rest.starts_with("TEST_")
                || rest.starts_with("BENCH_")
            {
                continue;
            }
            let lower = rest.to_lowercase();
            let key = KEYS.iter().find(|k| k.replace('.', "_") == lower);
            match key {
                Some(key) => self.set(key, value.clone()),
                None => {
                    let spelled: Vec<String> = KEYS
                        .iter()
                        .map(|k| format!("COUNTERFOIL_{}", k.replace('.', "_").to_uppercase()))
                        .collect();
                    let hint = text::suggest(name, spelled.iter().map(String::as_str))
                        .map(|s| format!("; did you mean {s}?"))
                        .unwrap_or_default();
                    return Err(Error::field(
                        name.clone(),
                        "config.unknown_key",
                        format!("is not a variable of Counterfoil{hint}"),
                    ));
                }
            }
        }
        Ok(())
    }

    fn number<T: std::str::FromStr>(&self, key: &str, otherwise: T) -> Result<T> {
        match self.get(key) {
            None => Ok(otherwise),
            Some(text) => text
                .parse()
                .map_err(|_| Error::field(key, "config.number", format!("expected a number, not {text:?}"))),
        }
    }

    fn into_config(self) -> Result<Config> {
        let listen: SocketAddr = self.get("listen").unwrap_or("127.0.0.1:8080").parse().map_err(|_| {
            Error::field(
                "listen",
                "config.listen",
                "expected an address and a port, such as 127.0.0.1:8080 or 0.0.0.0:80",
            )
        })?;
        let public_url = self.get("public_url").map_or_else(|| format!("http://{listen}"), str::to_owned);
        identity::Links::parse(&public_url)?;
        let trusted_proxies = self.networks("trusted_proxies")?;
        let outgoing = OutgoingConfig {
            allow_networks: self.networks("outgoing.allow_networks")?,
            ca_file: self.get("outgoing.ca_file").map(PathBuf::from),
        };
        let smtp = match self.get("smtp.host") {
            None => None,
            Some(host) => Some(self.smtp(host)?),
        };
        let log_json = match self.get("log.format").unwrap_or("text") {
            "json" => true,
            "text" => false,
            _ => return Err(Error::field("log.format", "config.log_format", "text or json")),
        };
        let mail_dns = match self.get("mail.dns").unwrap_or("system") {
            "system" => true,
            "off" => false,
            _ => return Err(Error::field("mail.dns", "config.mail_dns", "system or off")),
        };
        let defaults = ImapConfig::default();
        let imap = ImapConfig {
            allow_networks: outgoing.allow_networks.clone(),
            ca_file: outgoing.ca_file.clone(),
            poll_seconds: self.number("imap.poll_seconds", defaults.poll_seconds)?,
            timeout_seconds: self.number("imap.timeout_seconds", defaults.timeout_seconds)?,
            max_mail_bytes: web::intake::inbound::MAIL_MAX,
        };
        Ok(Config {
            mail_listeners: self.mail_listeners(&public_url)?,
            mail_dns,
            imap,
            clamav: self.clamav()?,
            s3: self.s3()?,
            log_json,
            listen,
            public_url,
            trusted_proxies,
            data_dir: self.get("data_dir").unwrap_or("data").into(),
            database_url: self.get("database_url").map(Secret::new),
            smtp,
            outgoing,
            limits: Limits { requests_per_minute: self.number("limits.requests_per_minute", 1200)? },
        })
    }
}

impl Values {
    fn networks(&self, key: &str) -> Result<Vec<IpNet>> {
        let list = self.get(key).unwrap_or_default().split(',').map(str::trim).filter(|p| !p.is_empty());
        list.map(|p| p.parse::<IpNet>().map_err(|e| e.on_field(key))).collect()
    }

    fn smtp(&self, host: &str) -> Result<SmtpConfig> {
        let tls = match self.get("smtp.tls").unwrap_or("starttls") {
            "none" => outside::SmtpTls::None,
            "starttls" => outside::SmtpTls::Starttls,
            "tls" => outside::SmtpTls::Tls,
            _ => return Err(Error::field("smtp.tls", "smtp.tls", "one of none, starttls, tls")),
        };
        let config = SmtpConfig {
            host: host.to_owned(),
            port: self.number("smtp.port", 587)?,
            tls,
            username: self.get("smtp.username").unwrap_or_default().to_owned(),
            password: Secret::new(self.get("smtp.password").unwrap_or_default()),
            hello_name: self.get("smtp.hello_name").unwrap_or("localhost").to_owned(),
            timeout_seconds: self.number("smtp.timeout_seconds", 30)?,
            ca_file: self.get("smtp.ca_file").map(PathBuf::from),
            dkim: self.dkim()?,
        };
        config.check()?;
        Ok(config)
    }

    fn dkim(&self) -> Result<Option<DkimConfig>> {
        let keys = ["smtp.dkim_domain", "smtp.dkim_selector", "smtp.dkim_key_file"];
        match keys.map(|key| self.get(key)) {
            [None, None, None] => Ok(None),
            [Some(domain), Some(selector), Some(file)] => Ok(Some(DkimConfig {
                domain: domain.to_owned(),
                selector: selector.to_owned(),
                key_file: file.into(),
            })),
            given => {
                let missing = keys.iter().zip(given).find(|(_, v)| v.is_none()).map_or("", |(k, _)| k);
                Err(Error::field(
                    missing,
                    "config.incomplete",
                    "is needed to sign letters, beside the others",
                ))
            }
        }
    }

    /// A listener for each address that is given.
    fn mail_listeners(&self, public_url: &str) -> Result<Vec<SmtpServerConfig>> {
        let host = public_url.split("://").nth(1).unwrap_or_default();
        let host = host.split(['/', ':']).next().unwrap_or_default();
        let hostname = self.get("mail.hostname").unwrap_or(host);
        let tls = match (self.get("mail.tls_certificate_file"), self.get("mail.tls_key_file")) {
            (Some(certificate), Some(key)) => {
                Some(TlsFiles { certificate_file: certificate.into(), key_file: key.into() })
            }
            (None, None) => None,
            _ => {
                let message = "certificate and key come together";
                return Err(Error::field("mail.tls_key_file", "config.incomplete", message));
            }
        };
        let mut out = Vec::new();
        for (key, protocol) in [("mail.smtp_listen", Protocol::Smtp), ("mail.lmtp_listen", Protocol::Lmtp)] {
            let Some(text) = self.get(key) else { continue };
            let listen = text.parse().map_err(|_| {
                Error::field(key, "config.listen", "expected an address and a port, such as 0.0.0.0:25")
            })?;
            let mut listener = SmtpServerConfig::new(listen, protocol, hostname);
            listener.tls.clone_from(&tls);
            listener.max_message_bytes =
                self.number("mail.max_message_bytes", web::intake::inbound::MAIL_MAX as usize)?;
            listener.check()?;
            out.push(listener);
        }
        Ok(out)
    }

    fn clamav(&self) -> Result<Option<ClamAvConfig>> {
        let Some(address) = self.get("clamav.address") else { return Ok(None) };
        let config = ClamAvConfig { address: address.to_owned(), timeout_seconds: 150, parallel: 4 };
        outside::ClamAv::new(&config)?;
        Ok(Some(config))
    }

    fn s3(&self) -> Result<Option<S3Config>> {
        let Some(bucket) = self.get("s3.bucket") else { return Ok(None) };
        let needed = |key: &str| {
            let missing = || Error::field(key, "config.incomplete", "is needed beside s3.bucket");
            self.get(key).map(str::to_owned).ok_or_else(missing)
        };
        let config = S3Config {
            bucket: bucket.to_owned(),
            region: self.get("s3.region").unwrap_or("us-east-1").to_owned(),
            endpoint: self.get("s3.endpoint").map(str::to_owned),
            prefix: self.get("s3.prefix").unwrap_or_default().to_owned(),
            access_key_id: needed("s3.access_key_id")?,
            secret_access_key: Secret::new(needed("s3.secret_access_key")?),
            virtual_hosts: false,
        };
        config.check()?;
        Ok(Some(config))
    }
}

fn networks(list: &[IpNet]) -> String {
    list.iter().map(IpNet::to_string).collect::<Vec<_>>().join(",")
}

impl Config {
    /// Every value as it is in force; secrets are shown as set or not.
    pub fn lines(&self) -> Vec<(String, String)> {
        let secret = |s: Option<&Secret>| {
            if s.is_some_and(|s| !s.is_empty()) { "(set, not shown)" } else { "(not set)" }.to_owned()
        };
        let mut lines = vec![
            ("listen".into(), self.listen.to_string()),
            ("public_url".into(), self.public_url.clone()),
            ("trusted_proxies".into(), networks(&self.trusted_proxies)),
            ("data_dir".into(), self.data_dir.display().to_string()),
            ("database_url".into(), secret(self.database_url.as_ref())),
            ("log.format".into(), if self.log_json { "json" } else { "text" }.into()),
            ("limits.requests_per_minute".into(), self.limits.requests_per_minute.to_string()),
            ("outgoing.allow_networks".into(), networks(&self.outgoing.allow_networks)),
        ];
        if let Some(file) = &self.outgoing.ca_file {
            lines.push(("outgoing.ca_file".into(), file.display().to_string()));
        }
        for listener in &self.mail_listeners {
            let key = match listener.protocol {
                Protocol::Smtp => "mail.smtp_listen",
                Protocol::Lmtp => "mail.lmtp_listen",
            };
            lines.push((key.into(), listener.listen.to_string()));
        }
        lines.push(("mail.dns".into(), if self.mail_dns { "system" } else { "off" }.into()));
        if let Some(clamav) = &self.clamav {
            lines.push(("clamav.address".into(), clamav.address.clone()));
        }
        if let Some(s3) = &self.s3 {
            lines.push(("s3.bucket".into(), s3.bucket.clone()));
            lines.push(("s3.secret_access_key".into(), secret(Some(&s3.secret_access_key))));
        }
        match &self.smtp {
            None => lines.push(("smtp.host".into(), "(not set: letters are kept as files)".into())),
            Some(smtp) => lines.extend([
                ("smtp.host".into(), smtp.host.clone()),
                ("smtp.port".into(), smtp.port.to_string()),
                ("smtp.tls".into(), format!("{:?}", smtp.tls).to_lowercase()),
                ("smtp.username".into(), smtp.username.clone()),
                ("smtp.password".into(), secret(Some(&smtp.password))),
            ]),
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)], overrides: Overrides) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counterfoil.toml");
        std::fs::write(&path, file).unwrap();
        let overrides = Overrides { config: Some(path), ..overrides };
        Config::load(&overrides, environment.iter().map(|(k, v)| ((*k).into(), (*v).into())))
    }

    #[test]
    fn the_command_line_wins_over_the_environment_over_the_file() {
        let file =
            "listen = \"127.0.0.1:1\"\ndata_dir = \"from-file\"\n[smtp]\nhost = \"mail.example.org\"\n";
        let overrides = Overrides { listen: Some("127.0.0.1:3".into()), ..Overrides::default() };
        let config = load(
            file,
            &[("COUNTERFOIL_LISTEN", "127.0.0.1:2"), ("COUNTERFOIL_SMTP_PORT", "25"), ("HOME", "/x")],
            overrides,
        )
        .unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.data_dir, PathBuf::from("from-file"));
        assert_eq!(config.smtp.unwrap().port, 25);
    }

    #[test]
    fn unknown_keys_are_refused_with_a_suggestion() {
        let error = load("lsiten = \"x\"", &[], Overrides::default()).unwrap_err();
        assert!(error.message().contains("did you mean listen?"), "{error}");
        let lone = load("[smtp]\nhost = \"m\"\ndkim_domain = \"example.org\"", &[], Overrides::default());
        assert!(lone.unwrap_err().message().contains("smtp.dkim_selector"));
        assert!(load("[mail]\nsmtp_listen = \"nowhere\"", &[], Overrides::default()).is_err());
        assert!(load("[s3]\nbucket = \"b\"", &[], Overrides::default()).is_err());
        let error = load("", &[("COUNTERFOIL_PUBLIC_ULR", "x")], Overrides::default()).unwrap_err();
        assert!(error.message().contains("COUNTERFOIL_PUBLIC_URL"), "{error}");
        assert!(load("public_url = \"ftp://x\"", &[], Overrides::default()).is_err());
        assert!(load("trusted_proxies = [\"10.0.0.0/99\"]", &[], Overrides::default()).is_err());
    }
}
