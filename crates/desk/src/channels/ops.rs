use base::{Email, Error, Id, Kind, OrNotFound, Result, Timestamp, text};
use db::{Tx, Wake};
use identity::{Token, audit, teams};

use super::{
    model::{
        ChannelPatch, MailChannel, NewChannel, UnknownSenders, check_contact_forms, check_host,
        check_mailing_lists, check_sealers,
    },
    store,
};
use crate::{categories, tickets::Priority};

/// Channels of one business at most.
const MOST: usize = 200;

/// Makes a channel. The key is answered this once.
///
/// # Errors
/// `channel.address_taken`: mail to this address is taken here already, perhaps by another business.
pub fn create(tx: &mut Tx<'_>, new: NewChannel) -> Result<(Token, MailChannel)> {
    if new.address.as_str().contains('+') {
        let hint = "an address without +; what follows it is ours to give away";
        return Err(Error::field("address", "channel.plus_address", hint));
    }
    if store::all(tx)?.len() >= MOST {
        return Err(Error::conflict("channel.too_many", format!("there are {MOST} channels already")));
    }
    let token = Token::random("cfm_", tx.entropy());
    let now = tx.now();
    let channel = MailChannel {
        id: tx.new_id(),
        name: new.address.as_str().to_owned(),
        address: new.address,
        team_id: None,
        priority: Priority::Normal,
        category: None,
        signature: String::new(),
        reply_address: None,
        acknowledges: true,
        unknown_senders: UnknownSenders::Accept,
        contact_forms: Vec::new(),
        mailing_lists: Vec::new(),
        forwarding_staff: false,
        trusted_host: None,
        trusted_sealers: Vec::new(),
        key_prefix: prefix(&token),
        disabled_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let channel = patched(tx, channel, new.fields)?;
    if !store::insert(tx, &channel, token.hash())? || !store::take_address(tx, channel.id, &channel.address)?
    {
        return Err(taken("address"));
    }
    answer_from(tx, &channel)?;
    tx.wake(Wake::Access);
    let line = audit::Change::new("channel.created", "channel", Some(channel.id.uuid())).to(&channel);
    audit::record(tx, line)?;
    Ok((token, channel))
}

fn prefix(token: &Token) -> String {
    token.reveal()[..12].to_owned()
}

fn taken(field: &'static str) -> Error {
    Error::field(field, "channel.address_taken", "mail to this address is taken here already")
}

/// Makes the address that answers go to the channel's.
fn answer_from(tx: &mut Tx<'_>, channel: &MailChannel) -> Result<()> {
    match &channel.reply_address {
        Some(address) if !store::take_address(tx, channel.id, address)? => Err(taken("reply_address")),
        _ => Ok(()),
    }
}

/// Changes a channel. The address stays: a new address is a new channel.
///
/// # Errors
/// `channel.address_taken` of `reply_address`: mail to it comes in here already, perhaps for another business.
pub fn change(tx: &mut Tx<'_>, id: Id<MailChannel>, patch: ChannelPatch) -> Result<MailChannel> {
    let before = store::lock(tx, id)?.or_not_found("channel")?;
    if patch.expected_version.is_some_and(|v| v != before.version) {
        let message = "the channel has changed since you read it; nothing was changed";
        return Err(Error::new(Kind::Stale, "channel.stale", message));
    }
    let mut after = patched(tx, before.clone(), patch)?;
    if after == before {
        return Ok(after);
    }
    after.version += 1;
    after.updated_at = tx.now();
    store::save(tx, &after)?;
    if after.reply_address != before.reply_address {
        if let Some(address) = before.reply_address.as_ref().filter(|a| a.key() != before.address.key()) {
            store::let_address_go(tx, id, address)?;
        }
        answer_from(tx, &after)?;
    }
    tx.wake(Wake::Access);
    let line = audit::Change::new("channel.changed", "channel", Some(id.uuid())).from(&before).to(&after);
    audit::record(tx, line)?;
    Ok(after)
}

fn patched(tx: &Tx<'_>, mut c: MailChannel, patch: ChannelPatch) -> Result<MailChannel> {
    if let Some(name) = patch.name {
        c.name = text::line("name", &name, 100)?;
    }
    if let Some(team) = patch.team_id {
        if let Some(team) = team {
            let unknown = |_| Error::field("team_id", "team.unknown", "there is no such team");
            teams::get(tx, team).map_err(unknown)?;
        }
        c.team_id = team;
    }
    c.priority = patch.priority.unwrap_or(c.priority);
    if let Some(category) = patch.category {
        c.category = category.map(|slug| categories::check(tx, &slug)).transpose()?;
    }
    if let Some(signature) = patch.signature {
        c.signature = match signature.trim() {
            "" => String::new(),
            _ => text::body("signature", &signature, 4_000)?,
        };
    }
    if let Some(reply) = patch.reply_address {
        if reply.as_ref().is_some_and(|r: &Email| r.as_str().contains('+')) {
            let hint = "an address without +; the secret part is put behind it";
            return Err(Error::field("reply_address", "channel.plus_address", hint));
        }
        c.reply_address = reply.filter(|r| r.key() != c.address.key());
    }
    c.acknowledges = patch.acknowledges.unwrap_or(c.acknowledges);
    c.unknown_senders = patch.unknown_senders.unwrap_or(c.unknown_senders);
    if let Some(forms) = patch.contact_forms {
        c.contact_forms = check_contact_forms(&forms)?;
    }
    if let Some(lists) = patch.mailing_lists {
        c.mailing_lists = check_mailing_lists(&lists)?;
    }
    c.forwarding_staff = patch.forwarding_staff.unwrap_or(c.forwarding_staff);
    if let Some(host) = patch.trusted_host {
        c.trusted_host = host.filter(|h| !h.trim().is_empty()).map(|h| check_host(&h)).transpose()?;
    }
    if let Some(sealers) = patch.trusted_sealers {
        c.trusted_sealers = check_sealers(&sealers)?;
    }
    let now: Timestamp = tx.now();
    match patch.enabled {
        Some(true) => c.disabled_at = None,
        Some(false) => c.disabled_at = c.disabled_at.or(Some(now)),
        None => {}
    }
    Ok(c)
}

/// A new key, answered this once; the old one lets nothing in from now on.
pub fn rotate_key(tx: &mut Tx<'_>, id: Id<MailChannel>) -> Result<(Token, MailChannel)> {
    store::lock(tx, id)?.or_not_found("channel")?;
    let token = Token::random("cfm_", tx.entropy());
    store::set_key(tx, id, token.hash(), &prefix(&token))?;
    tx.wake(Wake::Access);
    audit::record(tx, audit::Change::new("channel.key_rotated", "channel", Some(id.uuid())))?;
    Ok((token, store::get(tx, id)?))
}

/// Forgets a channel that no mail came through. One that has mail is switched off instead.
///
/// # Errors
/// `channel.has_mail`.
pub fn delete(tx: &mut Tx<'_>, id: Id<MailChannel>) -> Result<()> {
    let before = store::lock(tx, id)?.or_not_found("channel")?;
    if store::has_mail(tx, id)? {
        let hint = "mail came through this channel and is kept with it; switch the channel off instead";
        return Err(Error::conflict("channel.has_mail", hint));
    }
    store::delete(tx, id)?;
    tx.wake(Wake::Access);
    audit::record(tx, audit::Change::new("channel.deleted", "channel", Some(id.uuid())).from(&before))
}
