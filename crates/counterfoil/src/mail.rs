//! Mail on the command line: channels, a pipe for mail servers, and reading letters again.

use std::io::Read as _;

use base::{Actor, Email, Error, Id, Kind, Result};
use db::{Db, Scope};
use desk::{
    channels::{self, ChannelPatch, NewChannel},
    intake::{self, Door, Received},
};
use engine::Outside;

use crate::wiring::find_tenant;

/// Exit codes mail servers know (sysexits): what they do with a letter that was not taken depends on them.
pub mod exit {
    /// The letter is wrong in itself: the sender is told.
    pub const DATA: u8 = 65;
    /// Nobody here has this address.
    pub const NO_USER: u8 = 67;
    /// Try again later.
    pub const TEMPORARY: u8 = 75;
    /// The command was called wrongly.
    pub const USAGE: u8 = 64;
}

/// The largest letter that is taken, as over HTTP.
const MAIL_MAX: u64 = web::intake::inbound::MAIL_MAX;

/// Makes a channel; answers its key, which is shown this once.
pub fn create_channel(db: &Db, tenant: &str, address: &str, name: Option<&str>) -> Result<String> {
    let tenant = find_tenant(db, tenant)?;
    let address: Email = address.parse().map_err(|_| {
        Error::field("address", "email.malformed", "expected an address such as support@example.org")
    })?;
    let fields = ChannelPatch { name: name.map(str::to_owned), ..ChannelPatch::default() };
    let new = NewChannel { address, fields };
    let scope = Scope::tenant(tenant.id, Actor::operator());
    let (key, _) = db.write_blocking(scope, move |tx| channels::create(tx, new))?;
    Ok(key.reveal().to_owned())
}

/// Address, state and id of each channel of a business.
pub fn list_channels(db: &Db, tenant: &str) -> Result<Vec<channels::MailChannel>> {
    let tenant = find_tenant(db, tenant)?;
    db.read_blocking(Scope::tenant(tenant.id, Actor::operator()), channels::all)
}

/// What a mail server says about the letter it pipes in.
pub struct Piped {
    pub recipient: String,
    pub sender: String,
    pub client_ip: Option<String>,
}

/// Takes a letter from standard input. When this succeeds it is durable, and a running server, or the next one, files it.
pub fn deliver(db: &Db, outside: &Outside, piped: Piped) -> std::result::Result<(), (u8, Error)> {
    let usage = |e: Error| (exit::USAGE, e);
    let recipient: Email = piped.recipient.trim_matches(['<', '>']).parse().map_err(|_| {
        usage(Error::field("recipient", "email.malformed", "expected an address such as support@example.org"))
    })?;
    // What is no path is not known. A mail server would send the letter back for it.
    let sender = intake::return_path(&piped.sender);
    if let Some(ip) = &piped.client_ip
        && ip.parse::<std::net::IpAddr>().is_err()
    {
        return Err(usage(Error::field("client_ip", "mail.client_ip", "expected an IP address")));
    }
    let asked = recipient.clone();
    let found = db
        .read_blocking(Scope::installation(Actor::operator()), move |read| {
            Ok(intake::envelope_channels(read, std::slice::from_ref(&asked))?.pop().flatten())
        })
        .map_err(later)?;
    let unknown = || Error::field("recipient", "channel.unknown", "nobody here takes mail at this address");
    let (tenant, channel) = found.ok_or_else(|| (exit::NO_USER, unknown()))?;
    let mut raw = Vec::new();
    std::io::stdin().take(MAIL_MAX + 1).read_to_end(&mut raw).map_err(|e| later(Error::from_source(e)))?;
    if raw.len() as u64 > MAIL_MAX {
        let message = format!("a mail of at most {} MiB", MAIL_MAX / 1024 / 1024);
        return Err((exit::DATA, Error::new(Kind::TooLarge, "mail.too_large", message)));
    }
    if raw.is_empty() {
        return Err((exit::DATA, Error::invalid("mail.empty", "standard input held no mail")));
    }
    let blob = block_on(async {
        let mut writer = outside.blobs.begin(tenant).await?;
        writer.write(raw.into()).await?;
        writer.finish().await
    })
    .map_err(later)?;
    let letter = Received {
        channel,
        door: Door::Pipe,
        envelope_from: sender,
        envelope_to: vec![recipient.as_str().to_owned()],
        client_ip: piped.client_ip,
        helo: None,
        blob,
    };
    let scope = Scope::tenant(tenant, Actor::operator());
    db.write_blocking(scope, move |tx| intake::receive(tx, letter)).map(drop).map_err(later)
}

fn later(e: Error) -> (u8, Error) {
    (exit::TEMPORARY, e)
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::from_source)?;
    runtime.block_on(work)
}

/// Letters read again in one go.
const BATCH: u32 = 200;

/// Queues letters to be read again from their bytes: one, or all of a business. Answers how many.
pub fn replay(db: &Db, tenant: &str, mail: Option<&str>) -> Result<usize> {
    let tenant = find_tenant(db, tenant)?;
    let scope = || Scope::tenant(tenant.id, Actor::operator());
    if let Some(id) = mail {
        let id = id.parse().map_err(|_| Error::field("mail", "mail.unknown", "expected the id of a mail"))?;
        db.write_blocking(scope(), move |tx| intake::read_again(tx, Id::from_uuid(id)))?;
        return Ok(1);
    }
    let (mut after, mut queued) = (uuid::Uuid::nil(), 0);
    loop {
        let ids = db.read_blocking(scope(), move |read| intake::query::after(read, after, BATCH))?;
        let Some(last) = ids.last() else { return Ok(queued) };
        after = last.uuid();
        queued += db.write_blocking(scope(), move |tx| {
            let mut again = 0;
            for id in ids {
                // What somebody keeps back stays there.
                match intake::read_again(tx, id) {
                    Ok(_) => again += 1,
                    Err(e) if e.kind() == Kind::Conflict => {}
                    Err(e) => return Err(e),
                }
            }
            Ok(again)
        })?;
    }
}
