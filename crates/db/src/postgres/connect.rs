use base::{Error, Result, Secret};
use postgres::{Client, Config, NoTls};

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
pub fn maintenance(url: &Secret) -> Result<Client> {
    config(url)?
        .connect(NoTls)
        .map_err(|e| Error::unavailable("db.unreachable", format!("PostgreSQL cannot be reached: {e}")))
}

/// A connection for requests: under the role that owns nothing, so that row-level security binds it.
pub fn connect(url: &Secret) -> Result<Client> {
    let mut client = maintenance(url)?;
    client.batch_execute(&format!("set role {ROLE}")).map_err(errors::postgres)?;
    Ok(client)
}
