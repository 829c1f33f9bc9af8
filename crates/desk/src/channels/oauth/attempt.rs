//! A sign-in that was begun: the page it sends a person to, and who may end it.

use base::{Email, Entropy, Error, Id, OrNotFound, Result, Secret, minutes};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use db::{Tx, params};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    client::{self, OauthClient},
    provider::Provider,
    wire,
};
use crate::channels::{MailChannel, store};

/// How long somebody may take to sign in at the provider.
const MINUTES: i64 = 15;

/// What a sign-in is begun for.
#[derive(Clone, Debug)]
pub struct Begin {
    pub channel: Id<MailChannel>,
    pub provider: Provider,
    /// The session it is begun in.
    pub session: Uuid,
    /// Our page that the provider sends people back to.
    pub redirect_url: String,
    /// The mailbox's address.
    pub username: String,
    pub folder: String,
    pub from_beginning: bool,
}

/// A sign-in that came back.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub channel: Id<MailChannel>,
    pub client: OauthClient,
    pub username: String,
    pub folder: String,
    pub from_beginning: bool,
    pub redirect_url: String,
    pub(super) verifier: Secret,
}

db::statements! {
    INSERT = "insert into oauth_attempts (tenant_id, state_hash, session_id, channel_id, provider, verifier, redirect_url, username, folder,
        from_beginning, expires_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    TAKE = "delete from oauth_attempts where tenant_id = ?1 and state_hash = ?2 and session_id = ?3 and provider = ?4 and expires_at > ?5
        returning channel_id, verifier, redirect_url, username, folder, from_beginning";
    DROP_OLD = "delete from oauth_attempts where tenant_id = ?1 and expires_at <= ?2";
}

/// Begins a sign-in and answers the provider's page for it.
///
/// # Errors
/// `oauth.unset`: nobody has entered a registration at this provider.
pub fn begin(tx: &mut Tx<'_>, new: &Begin) -> Result<String> {
    store::get(tx, new.channel)?;
    let username = new.username.trim();
    if username.parse::<Email>().is_err() {
        let why = "expected the mailbox's address, such as support@example.org";
        return Err(Error::field("username", "email.malformed", why));
    }
    let folder = new.folder.trim();
    if folder.is_empty() || folder.len() > 500 || folder.chars().any(char::is_control) {
        return Err(Error::field("folder", "imap.access", "expected a folder such as INBOX"));
    }
    let unset = || Error::field("provider", "oauth.unset", "enter your registration at this provider first");
    let client = client::client(tx, new.provider)?.ok_or_else(unset)?;
    let (state, verifier) = (random_word(tx.entropy()), random_word(tx.entropy()));
    let now = tx.now();
    tx.execute(&DROP_OLD, params![now])?;
    let until = now + minutes(MINUTES);
    tx.execute(
        &INSERT,
        params![
            hash(&state),
            new.session,
            new.channel,
            new.provider,
            verifier,
            new.redirect_url,
            username,
            folder,
            new.from_beginning,
            until
        ],
    )?;
    Ok(wire::authorization(&client, &state, &verifier, &new.redirect_url, username))
}

/// Ends a sign-in, once: whatever comes of it, its state opens nothing any more.
///
/// # Errors
/// `oauth.state`: it was not begun in this session, too long ago, or is over.
pub fn take(tx: &mut Tx<'_>, provider: Provider, state: &str, session: Uuid) -> Result<Attempt> {
    let now = tx.now();
    let taken = tx.query_one(&TAKE, params![hash(state), session, provider, now], |row| {
        let mut c = row.columns();
        let (channel, verifier) = (c.next()?, Secret::new(c.next::<String>()?));
        let (redirect_url, username, folder) = (c.next()?, c.next()?, c.next()?);
        Ok((channel, verifier, redirect_url, username, folder, c.next()?))
    })?;
    let over = || {
        let hint =
            "this sign-in was begun elsewhere or too long ago, or is over already; nothing was changed";
        Error::conflict("oauth.state", hint)
    };
    let (channel, verifier, redirect_url, username, folder, from_beginning) = taken.ok_or_else(over)?;
    let client = client::client(tx, provider)?.or_not_found("registration")?;
    Ok(Attempt { channel, client, username, folder, from_beginning, redirect_url, verifier })
}

/// 256 random bits in 43 characters, as RFC 7636 wants a verifier.
fn random_word(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hash(state: &str) -> [u8; 32] {
    Sha256::digest(state.as_bytes()).into()
}
