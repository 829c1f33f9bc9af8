//! A business's registrations: who we are at a provider.

use base::{Error, OrNotFound, Result, Secret, Timestamp};
use db::{Read, Row, Tx, Wake, params};
use identity::audit;
use serde::Serialize;

use super::provider::{Provider, check_url};
use crate::channels::outgoing;

/// A registration, without its secret.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct OauthClient {
    pub provider: Provider,
    pub client_id: String,
    #[serde(skip)]
    #[schemars(skip)]
    pub client_secret: Secret,
    /// Microsoft's directory: an id, a domain, or `common`; empty elsewhere.
    pub directory: String,
    /// These are entered for another provider and empty for those that are known.
    pub authorize_url: String,
    pub token_url: String,
    pub scopes: String,
    pub host: String,
    pub port: u16,
    pub tls: String,
    pub updated_at: Timestamp,
}

/// What is entered of a registration. Without a secret the one that is known stays.
#[derive(Clone, Debug)]
pub struct NewOauthClient {
    pub client_id: String,
    pub client_secret: Option<Secret>,
    pub directory: String,
    pub authorize_url: String,
    pub token_url: String,
    pub scopes: String,
    pub host: String,
    pub port: u16,
    pub tls: String,
}

macro_rules! columns {
    () => {
        "provider, client_id, client_secret, directory, authorize_url, token_url, scopes, host, port, tls, updated_at"
    };
}

db::statements! {
    ALL = concat!("select ", columns!(), " from oauth_clients where tenant_id = ?1 order by provider");
    OF = concat!("select ", columns!(), " from oauth_clients where tenant_id = ?1 and provider = ?2");
    SET = "insert into oauth_clients (tenant_id, provider, client_id, client_secret, directory, authorize_url, token_url, scopes, host, port, tls,
        created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)
        on conflict (tenant_id, provider) do update set client_id = excluded.client_id, client_secret = excluded.client_secret,
        directory = excluded.directory, authorize_url = excluded.authorize_url, token_url = excluded.token_url, scopes = excluded.scopes,
        host = excluded.host, port = excluded.port, tls = excluded.tls, updated_at = excluded.updated_at";
    DELETE = "delete from oauth_clients where tenant_id = ?1 and provider = ?2";
    // A mailbox that stopped because the registration was refused goes on with a new one.
    RESUME = "update channel_mailboxes set paused_at = null, error_code = null, error = null, version = version + 1
        where tenant_id = ?1 and error_code = 'oauth.client' and channel_id in
            (select channel_id from channel_grants where tenant_id = ?1 and provider = ?2)";
}

fn map(row: &Row<'_>) -> Result<OauthClient> {
    let mut c = row.columns();
    Ok(OauthClient {
        provider: c.next()?,
        client_id: c.next()?,
        client_secret: Secret::new(c.next::<String>()?),
        directory: c.next()?,
        authorize_url: c.next()?,
        token_url: c.next()?,
        scopes: c.next()?,
        host: c.next()?,
        port: u16::try_from(c.next::<u32>()?).unwrap_or(993),
        tls: c.next()?,
        updated_at: c.next()?,
    })
}

/// The registrations of a business.
pub fn clients(read: &Read<'_>) -> Result<Vec<OauthClient>> {
    read.query_all(&ALL, params![], map)
}

pub(super) fn client(read: &Read<'_>, provider: Provider) -> Result<Option<OauthClient>> {
    read.query_one(&OF, params![provider], map)
}

fn described(before: Option<&OauthClient>, provider: Provider, new: NewOauthClient) -> Result<OauthClient> {
    let word = |field: &'static str, text: &str, what: &str| {
        let text = text.trim();
        let is_one = !text.is_empty() && text.len() <= 500 && text.chars().all(|c| c.is_ascii_graphic());
        if is_one { Ok(text.to_owned()) } else { Err(Error::field(field, "oauth.client", what)) }
    };
    let client_id = word("client_id", &new.client_id, "expected the id that the provider gave you")?;
    let is_other = provider == Provider::Other;
    let mut client = OauthClient {
        provider,
        client_id,
        client_secret: Secret::new(""),
        directory: String::new(),
        authorize_url: String::new(),
        token_url: String::new(),
        scopes: String::new(),
        host: String::new(),
        port: 993,
        tls: "tls".into(),
        updated_at: Timestamp::UNIX_EPOCH,
    };
    match provider {
        Provider::Microsoft => {
            let directory = new.directory.trim();
            let directory = if directory.is_empty() { "common" } else { directory };
            let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
            if directory.len() > 100
                || !directory.bytes().all(is_name)
                || !directory.as_bytes()[0].is_ascii_alphanumeric()
            {
                let why = "expected the directory's id or domain, or nothing for accounts of any";
                return Err(Error::field("directory", "oauth.directory", why));
            }
            client.directory = directory.to_owned();
        }
        Provider::Google => {}
        Provider::Other => {
            client.authorize_url = check_url("authorize_url", &new.authorize_url)?;
            client.token_url = check_url("token_url", &new.token_url)?;
            client.scopes = new.scopes.split_whitespace().collect::<Vec<_>>().join(" ");
            let is_scope = |c: char| c == ' ' || (c.is_ascii_graphic() && !matches!(c, '"' | '\\'));
            if client.scopes.len() > 500 || !client.scopes.chars().all(is_scope) {
                return Err(Error::field(
                    "scopes",
                    "oauth.scopes",
                    "expected words with spaces between them",
                ));
            }
            client.host = word("host", &new.host, "expected a host name or an IP address")?;
            client.port = new.port;
            client.tls = new.tls;
            if client.port == 0 {
                return Err(Error::field("port", "oauth.port", "expected a port from 1 to 65535"));
            }
            if !["tls", "starttls", "none"].contains(&client.tls.as_str()) {
                return Err(Error::field("tls", "mailbox.tls", "one of tls, starttls, none"));
            }
        }
    }
    let asks_there = |c: &OauthClient| (c.client_id.clone(), c.token_url());
    client.client_secret = match (new.client_secret, before) {
        (Some(given), _) if given.reveal().len() > 2_000 || given.reveal().chars().any(char::is_control) => {
            return Err(Error::field("client_secret", "oauth.secret", "expected the secret on one line"));
        }
        (Some(given), _) => given,
        // Somebody else's server is not given the secret of this one.
        (None, Some(known)) if asks_there(known) == asks_there(&client) => known.client_secret.clone(),
        _ => Secret::new(""),
    };
    // Some providers give no secret to programs that prove themselves otherwise.
    if client.client_secret.is_empty() && !is_other {
        return Err(Error::field(
            "client_secret",
            "oauth.secret",
            "expected the secret that the provider gave you",
        ));
    }
    Ok(client)
}

/// Enters who we are at a provider.
pub fn set_client(tx: &mut Tx<'_>, provider: Provider, new: NewOauthClient) -> Result<OauthClient> {
    let before = client(tx, provider)?;
    let c = described(before.as_ref(), provider, new)?;
    let now = tx.now();
    tx.execute(
        &SET,
        params![
            provider,
            c.client_id,
            c.client_secret.reveal(),
            c.directory,
            c.authorize_url,
            c.token_url,
            c.scopes,
            c.host,
            i64::from(c.port),
            c.tls,
            now
        ],
    )?;
    tx.execute(&RESUME, params![provider])?;
    outgoing::registered(tx, provider)?;
    tx.wake(Wake::Access);
    let after = client(tx, provider)?.or_not_found("registration")?;
    let mut line = audit::Change::new("oauth_client.set", "oauth_client", None);
    if let Some(before) = &before {
        line = line.from(before);
    }
    audit::record(tx, line.to(&after))?;
    Ok(after)
}

/// Forgets a registration. Mailboxes that are connected by it stop when their token ends.
pub fn remove_client(tx: &mut Tx<'_>, provider: Provider) -> Result<()> {
    let before = client(tx, provider)?.or_not_found("registration")?;
    tx.execute(&DELETE, params![provider])?;
    audit::record(tx, audit::Change::new("oauth_client.removed", "oauth_client", None).from(&before))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn new() -> NewOauthClient {
        NewOauthClient {
            client_id: "client".into(),
            client_secret: Some(Secret::new("s3cret")),
            directory: String::new(),
            authorize_url: "https://login.example.org/authorize".into(),
            token_url: "https://login.example.org/token".into(),
            scopes: "mail  offline_access".into(),
            host: "imap.example.org".into(),
            port: 993,
            tls: "tls".into(),
        }
    }

    pub fn client(provider: Provider) -> OauthClient {
        described(None, provider, new()).unwrap()
    }

    #[test]
    fn a_secret_stays_with_the_server_it_is_for() {
        let known = client(Provider::Other);
        let same = NewOauthClient { client_secret: None, ..new() };
        assert_eq!(
            described(Some(&known), Provider::Other, same.clone()).unwrap().client_secret.reveal(),
            "s3cret"
        );
        let elsewhere = NewOauthClient { token_url: "https://evil.example/token".into(), ..same };
        assert!(described(Some(&known), Provider::Other, elsewhere).unwrap().client_secret.is_empty());
        let without = NewOauthClient { client_secret: None, ..new() };
        assert!(described(None, Provider::Google, without).is_err());
        assert_eq!(client(Provider::Microsoft).directory, "common");
        for bad in ["../x", "a/b", "-", "a b"] {
            let new = NewOauthClient { directory: bad.into(), ..new() };
            assert!(described(None, Provider::Microsoft, new).is_err(), "{bad}");
        }
        assert!(!serde_json::to_string(&known).unwrap().contains("s3cret"));
        assert!(!format!("{known:?}").contains("s3cret"));
    }
}
