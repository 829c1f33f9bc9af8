//! Mail that left from a channel's mailbox: an answer that somebody wrote in a mail program.
//!
//! It has left already, so no letter follows from it. It is public only when somebody who takes part in the ticket got it:
//! what went to a colleague alone is for the team. What belongs to no ticket is nobody's business here.

use base::{Actor, ActorKind, Email, Result, Role, TenantId};
use db::Tx;
use identity::{Staff, users};
use sha2::{Digest, Sha256};

use super::{
    file, gone,
    model::{FoundBy, Mail, Outcome, Standing},
    settle::{Case, key_of, loop_mark},
    store, trace,
};
use crate::{
    channels::sent,
    tickets::{self, NewMessage, Status},
};

/// Whether a letter is one of this business's own that its provider put into the folder, by the mark in its header. The
/// bytes of such are not stored again.
pub fn is_own(tenant: TenantId, raw: &[u8]) -> bool {
    let mark = tenant.uuid().simple().to_string();
    let lines = raw.split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l));
    lines.take_while(|l| !l.is_empty()).filter_map(|l| std::str::from_utf8(l).ok()).any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("x-counterfoil-loop") && value.trim() == mark
        })
    })
}

/// Files a letter of the folder, or leaves it alone and says why.
pub(super) fn decide(tx: &mut Tx<'_>, case: &Case<'_>, mail: &mut Mail) -> Result<()> {
    let letter = case.letter();
    let own_mark = loop_mark(tx)?;
    let secret = notices::letters::secret_of(tx, notices::letters::MESSAGE_IDS)?;
    let id = letter.message_id.as_deref();
    if letter.own_loop_mark.as_deref() == Some(&*own_mark)
        || id.is_some_and(|id| mail::signed_letter(id, &secret).is_some())
    {
        mail.come_to(Outcome::Duplicate, "it is a letter of ours, which its provider put there");
        return Ok(());
    }
    let key = key_of(letter).map(in_folder);
    if let Some(key) = key
        && gone::returns(tx, mail, key)?
    {
        return Ok(());
    }
    let mut leave = |why: &str| {
        mail.come_to(Outcome::Ignored, why);
        Ok(())
    };
    // A folder that was made anew is read from its start.
    let since = sent::find(tx, case.channel.id)?.map(|s| s.since);
    if since.zip(letter.date).is_some_and(|(since, date)| date < since) {
        return leave("it was written before this folder was read");
    }
    if letter.automated.is_some() {
        return leave("a program wrote it");
    }
    let from = match &letter.from {
        Some(from) if !letter.from_is_ambiguous => from.clone(),
        _ => return leave("it does not say who wrote it"),
    };
    let own = from.email.key();
    let is_channel = [Some(&case.channel.address), case.channel.reply_address.as_ref()]
        .into_iter()
        .flatten()
        .any(|ours| ours.key() == own);
    let user =
        users::find_by_email(tx, &from.email)?.filter(|u| u.role.is_staff() && u.disabled_at.is_none());
    if !is_channel && user.is_none() {
        return leave("it is neither from this channel's address nor from somebody of the business");
    }
    let Some(found) = trace::trace(tx, letter, &[], None)? else {
        return leave("nothing in it leads to a ticket");
    };
    // Of those who got it, who takes part.
    let got: Vec<&Email> =
        letter.to.iter().chain(&letter.cc).map(|a| &a.email).filter(|e| !case.is_ours(e)).collect();
    let mut addressed = None;
    for email in &got {
        addressed = trace::joins(tx, &found.ticket, email)?;
        if addressed.is_some() {
            break;
        }
    }
    if got.is_empty() || (addressed.is_none() && found.found_by == FoundBy::Number) {
        return leave("nobody who takes part in the ticket got it");
    }
    let ticket = addressed.clone().unwrap_or_else(|| found.ticket.clone());
    if tickets::query::get(tx, ticket.head())?.status == Status::Archived {
        return leave("its ticket is archived");
    }
    if let Some(key) = key
        && let Some(first) = store::take_key(tx, key, mail.id)?
    {
        mail.ticket_id = store::find(tx, first)?.and_then(|f| f.ticket_id);
        mail.come_to(Outcome::Duplicate, "the same letter is here already");
        return Ok(());
    }
    let staff = match &user {
        Some(user) => {
            Staff { user_id: Some(user.id), role: user.role, actor: user.actor(), read_only: false }
        }
        // A mailbox of several people does not say which of them wrote.
        None => {
            let actor = Actor { kind: ActorKind::Agent, id: None, name: case.channel.name.clone() };
            Staff { user_id: None, role: Role::Agent, actor, read_only: false }
        }
    };
    let new = NewMessage {
        body: file::said(case.read),
        is_internal: addressed.is_none(),
        attachments: case.read.files.clone(),
        status: None,
        expected_version: None,
        addressed_to: None,
    };
    let cause = format!("mail:{}", mail.id);
    let (_, message) = tx.caused_by(staff.actor.clone(), cause, |tx| {
        tickets::answered_elsewhere(tx, case.settings(), &staff, ticket.id, new)
    })?;
    let reason = match addressed {
        Some(_) => format!("{}, and somebody who takes part in it got it", found.reason),
        None => format!("{}, but nobody who takes part in it got it", found.reason),
    };
    let filed = file::Filed {
        ticket: message.ticket_id,
        message: message.id,
        found_by: found.found_by,
        reason: &reason,
        standing: Standing::Joined,
        writer: Some(&from),
        is_authentic: true,
        follows: None,
    };
    file::record(tx, case, mail, &filed)?;
    mail.come_to(Outcome::Reply, reason);
    Ok(())
}

/// What came to us and what left from us are two letters, though they be one: a copy to ourselves may have come first.
fn in_folder(key: [u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(b"sent").chain_update(key).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_ours_are_known_by_their_header() {
        let tenant = TenantId::from_uuid(uuid::Uuid::from_u128(7));
        let mark = tenant.uuid().simple();
        assert!(is_own(tenant, format!("Subject: x\r\nx-counterfoil-LOOP: {mark}\r\n\r\nHello").as_bytes()));
        assert!(!is_own(tenant, format!("Subject: x\r\n\r\nX-Counterfoil-Loop: {mark}\r\n").as_bytes()));
        assert!(!is_own(tenant, b"X-Counterfoil-Loop: 00000000000000000000000000000008\n\nx"));
    }
}
