use base::{Error, Result, Secret};
use postgres::{Client, Config, NoTls, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{dialect::postgres_security::ROLE, errors};

fn config(url: &Secret) -> Result<Config> {
    let mut config: Config = url.reveal().parse().map_err(|e: postgres::Error| {
        Error::field(
            "database_url",
            "database_url.malformed",
            format!("expected postgres://user:password@host:5432/database ({e})"),
        )
    })?;
    config
        .application_name("counterfoil")
        .options("-c client_min_messages=warning")
        .connect_timeout(std::time::Duration::from_secs(10));
    Ok(config)
}

/// A connection as the owner: for migrations, backup and restore only.
///
/// `sslmode=require` in the URL means TLS with a certificate that the system's authorities vouch for, for the host that
/// was named: stricter than libpq's word, because TLS to nobody in particular protects nothing. Without it the
/// connection is in the clear, for a server on this machine or in a network of its own.
pub fn maintenance(url: &Secret) -> Result<Client> {
    let config = config(url)?;
    let connected = if config.get_ssl_mode() == SslMode::Require {
        let (tls, _unreadable) = MakeRustlsConnect::with_native_certs().map_err(|e| {
            let message = format!("sslmode=require needs the system's certificate authorities: {e:?}");
            Error::field("database_url", "database_url.tls", message)
        })?;
        config.connect(tls)
    } else {
        config.connect(NoTls)
    };
    connected.map_err(|e| {
        let detail = std::error::Error::source(&e).map_or_else(|| e.to_string(), |s| format!("{e}: {s}"));
        Error::unavailable("db.unreachable", format!("PostgreSQL cannot be reached: {detail}"))
    })
}

/// A connection for requests: under the role that owns nothing, so that row-level security binds it.
pub fn connect(url: &Secret) -> Result<Client> {
    let mut client = maintenance(url)?;
    // What a page asks is answered before its statement would be compiled.
    client.batch_execute(&format!("set role {ROLE}; set jit = off")).map_err(errors::postgres)?;
    Ok(client)
}
