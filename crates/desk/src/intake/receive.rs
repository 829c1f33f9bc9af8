//! Taking a letter at a door: its bytes are durable already; this is the row that says so.

use base::{Email, Id, Result, TenantId};
use db::{Read, Tx};
use engine::{Enqueue, outside::BlobRef};

use super::{
    gone,
    model::{Door, Mail},
    store,
    work::WorkMail,
};
use crate::{
    channels::{self, MailChannel},
    leftovers,
};

/// What a door knows about a letter besides its bytes.
#[derive(Clone, Debug)]
pub struct Received {
    pub channel: Id<MailChannel>,
    pub door: Door,
    /// None where the door does not know; empty for the null path.
    pub envelope_from: Option<String>,
    pub envelope_to: Vec<String>,
    pub client_ip: Option<String>,
    pub helo: Option<String>,
    pub blob: BlobRef,
}

/// Takes a letter whose bytes are in the blob store. When this is committed the door may say that it has it.
pub fn receive(tx: &mut Tx<'_>, letter: Received) -> Result<Id<Mail>> {
    channels::get(tx, letter.channel)?;
    let id: Id<Mail> = tx.new_id();
    store::insert(tx, id, &letter)?;
    tx.enqueue(&WorkMail { mail: id, run: 1 })?;
    Ok(id)
}

/// Takes what was collected from a folder, each with its UID, and answers how many that were. Where the folder's numbers began
/// anew, what was there up to `anew_until` may have come before, under another number: then the same bytes, with the lines
/// that every server on the way wrote above them, are the same letter. What was deleted for good is not taken again, whatever
/// its number.
pub(crate) fn receive_collected(
    tx: &mut Tx<'_>,
    letters: Vec<(u32, Received)>,
    anew_until: Option<u32>,
) -> Result<u64> {
    let mut taken = 0;
    for (uid, letter) in letters {
        if anew_until.is_some_and(|last| uid <= last) && store::is_here(tx, &letter)? {
            // Its row names what was stored again.
            continue;
        }
        if gone::are_its_bytes(tx, &letter)? {
            // They were stored again to be looked at, after the first copy was deleted.
            leftovers::note(tx, letter.blob.sha256.0)?;
            continue;
        }
        receive(tx, letter)?;
        taken += 1;
    }
    Ok(taken)
}

/// The longest path of an envelope that is kept, in bytes (RFC 5321, 4.5.3.1: 64 and 255, and the sign between them).
const PATH_MAX: usize = 320;

/// Where failures are to be told, as an envelope names it: without brackets, empty for the null path; `None` for what is
/// no line, or too long.
///
/// Forwarders and mass senders have addresses that [`Email`] refuses: `SRS0=…` of more than 64 characters, `_` in the
/// domain. They are kept as they are, since to refuse the letter for one loses it.
pub fn return_path(text: &str) -> Option<String> {
    let path = line(text)?;
    // What Postfix writes for the null path where a program could not take an empty word (pipe(8), null_sender).
    Some(if path.eq_ignore_ascii_case("MAILER-DAEMON") { String::new() } else { path })
}

/// Whom an envelope is to: an address, or what looks like one, as [`return_path`] has it.
pub fn recipient(text: &str) -> Option<String> {
    line(text).filter(|path| path.trim_matches('@').contains('@'))
}

fn line(text: &str) -> Option<String> {
    let text = text.trim();
    let path = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text).trim();
    let fits = path.len() <= PATH_MAX && !path.chars().any(|c| c.is_control() || matches!(c, '<' | '>'));
    fits.then(|| path.parse().map_or_else(|_| path.to_owned(), |email: Email| email.as_str().to_owned()))
}

/// Whose a channel is.
pub type Home = (TenantId, Id<MailChannel>);

/// The channels that mail to some addresses is for, each once: by the address, with or without a secret part. In a scope
/// of the installation.
pub fn envelope_channels(read: &Read<'_>, to: &[Email]) -> Result<Vec<Option<Home>>> {
    to.iter()
        .map(|address| match channels::by_address_anywhere(read, address)? {
            Some(found) => Ok(Some(found)),
            None => match without_secret(address) {
                Some(plain) => channels::by_address_anywhere(read, &plain),
                None => Ok(None),
            },
        })
        .collect()
}

/// `support+secret@example.org` without the secret; None where there is none.
pub(super) fn without_secret(address: &Email) -> Option<Email> {
    let (local, domain) = address.as_str().rsplit_once('@')?;
    let (local, _) = local.split_once('+')?;
    format!("{local}@{domain}").parse().ok()
}

/// The secret part of an address, in lower case: mail programs change case.
pub(super) fn secret_of(address: &Email) -> Option<String> {
    let (local, _) = address.as_str().rsplit_once('@')?;
    let (_, secret) = local.split_once('+')?;
    Some(secret.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_envelopes() {
        let long = format!("SRS0=HHH=TT=example.org={}@forwarder.example.net", "x".repeat(70));
        for (text, path) in [
            ("Ada@EXAMPLE.org", "Ada@example.org"),
            (" <ada@example.org> ", "ada@example.org"),
            ("", ""),
            ("<>", ""),
            ("MAILER-DAEMON", ""),
            (long.as_str(), long.as_str()),
            ("a@under_score.example.org", "a@under_score.example.org"),
            ("\"a b\"@example.org", "\"a b\"@example.org"),
            ("root", "root"),
        ] {
            assert_eq!(return_path(text).as_deref(), Some(path), "{text}");
        }
        for bad in ["a@b\r\nX: y", "a\0@b", "<a@b> <c@d>", &format!("a@{}", "x".repeat(320))] {
            assert!(return_path(bad).is_none() && recipient(bad).is_none(), "{bad}");
        }
        assert_eq!(recipient("<a@under_score.example.org>").as_deref(), Some("a@under_score.example.org"));
        for bad in ["", "<>", "nobody", "@example.org", "a@"] {
            assert!(recipient(bad).is_none(), "{bad}");
        }
    }
}
