//! What is decided about a letter that was read: duplicate, program, person; and which ticket takes it.

use base::{Actor, Email, Id, Result};
use db::Tx;
use engine::outside::Outcome as Check;
use identity::{Settings, TenantRecord, teams, tenants, users};
use mail::inbound::{Incoming, ReturnPath, sender};
use sha2::{Digest, Sha256};

use super::{
    bounce, file, gone,
    model::{Door, FoundBy, Mail, MailState, Outcome, Standing},
    receive::without_secret,
    sent, store,
    trace::{self, Trace},
    work::ReadMail,
};
use crate::{
    Ticket,
    channels::{self, MailChannel, UnknownSenders},
    leftovers, tickets,
};

/// Whether there is anything to read for: it waits, or it is done and is to be made again from its bytes.
pub(super) fn is_to_be_read(mail: &Mail) -> bool {
    matches!(mail.state, MailState::Waiting | MailState::Done)
}

/// Everything a decision looks at.
pub(super) struct Case<'a> {
    pub mail: &'a Mail,
    pub read: &'a ReadMail,
    pub tenant: &'a TenantRecord,
    /// Where it came in.
    pub channel: &'a MailChannel,
    /// Every address that takes mail here.
    pub channels: &'a [MailChannel],
}

impl Case<'_> {
    pub fn letter(&self) -> &Incoming {
        &self.read.letter
    }
    pub fn settings(&self) -> &Settings {
        &self.tenant.settings
    }
    pub fn is_ours(&self, address: &Email) -> bool {
        self.channel_of(address).is_some()
    }
    fn channel_of(&self, address: &Email) -> Option<&MailChannel> {
        let keys = [Some(address.key()), without_secret(address).map(|a| a.key())];
        self.channels.iter().find(|c| {
            let own = [Some(c.address.key()), c.reply_address.as_ref().map(Email::key)];
            keys.iter().flatten().any(|key| own.iter().flatten().any(|o| o == key))
        })
    }
    /// The first of our addresses that the letter names, in To and then Cc; else where it came in.
    pub fn home(&self) -> &MailChannel {
        let letter = self.letter();
        let named = letter.to.iter().chain(&letter.cc).find_map(|a| self.channel_of(&a.email));
        named.unwrap_or(self.channel)
    }
    /// Who gets a copy of it besides us and its writer: a suggestion for the agent.
    pub fn copied(&self, writer: Option<&Email>) -> Vec<String> {
        let letter = self.letter();
        let mut seen: Vec<String> = letter
            .to
            .iter()
            .chain(&letter.cc)
            .map(|a| &a.email)
            .filter(|e| !self.is_ours(e) && writer.is_none_or(|w| w.key() != e.key()))
            .map(Email::key)
            .collect();
        seen.sort();
        seen.dedup();
        seen.truncate(50);
        seen
    }
}

/// Files a letter, or says why it is not filed. One transaction: the letter's row, the message, whatever follows from it.
pub(super) fn settle(tx: &mut Tx<'_>, mut mail: Mail, read: ReadMail) -> Result<()> {
    if mail.state == MailState::Done && mail.message_id.is_some() {
        return file::make_again(tx, &mail, &read);
    }
    if !is_to_be_read(&mail) {
        return Ok(());
    }
    describe(&mut mail, &read);
    let tenant = tenants::get(tx, tx.tenant()?)?;
    let channel = channels::get(tx, mail.channel_id)?;
    let channels = channels::enabled(tx)?;
    let seen = mail.clone();
    let case = Case { mail: &seen, read: &read, tenant: &tenant, channel: &channel, channels: &channels };
    // Whoever wrote is who history names; nobody has proved to be anybody.
    let name = if mail.from_name.is_empty() { mail.from_email.clone() } else { mail.from_name.clone() };
    let writer = Actor { name: if name.is_empty() { "?".into() } else { name }, ..Actor::anonymous() };
    tx.caused_by(writer, format!("mail:{}", mail.id), |tx| decide(tx, &case, &mut mail))?;
    if mail.message_id.is_none() {
        // Kept for a message that there is not.
        leftovers::note_files(tx, &read.files)?;
    }
    store::settle(tx, &mail)?;
    if mail.state == MailState::Forgotten { gone::forget(tx, &mail) } else { Ok(()) }
}

/// What the lists show of a letter, whatever becomes of it.
fn describe(mail: &mut Mail, read: &ReadMail) {
    let letter = &read.letter;
    mail.header_id.clone_from(&letter.message_id);
    mail.subject.clone_from(&letter.subject);
    if let Some(from) = letter.from.as_ref().or(letter.sender.as_ref()) {
        mail.from_email = from.email.as_str().to_owned();
        mail.from_name.clone_from(&from.name);
    }
    let checks = &read.authentication;
    mail.authentication = serde_json::json!({
        "spf": checks.spf, "dkim": checks.dkim, "dmarc": checks.dmarc, "detail": checks.detail,
    });
}

/// Message-ID and body together: mail systems deliver one letter twice, and some give two letters one id.
pub(super) fn key_of(letter: &Incoming) -> Option<[u8; 32]> {
    let id = letter.message_id.as_ref()?;
    let mut hash = Sha256::new();
    hash.update(id.as_bytes());
    hash.update([0]);
    hash.update(letter.body_hash);
    Some(hash.finalize().into())
}

fn decide(tx: &mut Tx<'_>, case: &Case<'_>, mail: &mut Mail) -> Result<()> {
    if mail.door == Door::Sent && mail.released_by.is_none() {
        return sent::decide(tx, case, mail);
    }
    if let Some(key) = key_of(case.letter()) {
        if gone::returns(tx, mail, key)? {
            return Ok(());
        }
        if let Some(first) = taken_by(tx, mail, key)? {
            return duplicate(tx, case, mail, first);
        }
    }
    if let Some(id) = &case.letter().message_id {
        mail.reuses_id = store::is_seen(tx, id)?;
    }
    let program = automated(tx, case)?;
    // Somebody looked at it and says that it matters.
    if mail.released_by.is_none()
        && let Some((kind, reason)) = &program
    {
        return from_program(tx, case, mail, kind, reason);
    }
    let resolved = sender::resolve(case.letter(), &rules(tx, case)?);
    let Some(writer) = resolved.person else {
        let why = match resolved.via {
            sender::Via::List => resolved.reason,
            _ => "nobody is named as its sender".to_owned(),
        };
        mail.come_to(Outcome::Quarantined, why);
        return Ok(());
    };
    mail.from_email = writer.email.as_str().to_owned();
    mail.from_name.clone_from(&writer.name);
    // The checks are about the domain in From. Whoever is named elsewhere is vouched for by nobody.
    let is_own = resolved.via == sender::Via::From;
    let proof = Proof { is_own, is_authentic: is_own && case.read.authentication.dmarc == Check::Pass };
    let found = trace::trace(tx, case.letter(), &mail.envelope_to, Some(&writer.email))?;
    // Of two authors the checks may have looked at the other one.
    let is_refused = case.read.authentication.dmarc == Check::Fail || case.letter().from_is_ambiguous;
    let proof = Proof { is_authentic: proof.is_authentic && !is_refused, ..proof };
    // A forger's victim and a program get no letter.
    let answers = program.is_none() && !is_refused;
    match found {
        Some(found) => {
            if proof.is_authentic && from_staff(tx, case, mail, &found, &writer.email)? {
                return Ok(());
            }
            let joins = if is_refused || !proof.is_own { None } else { joined(tx, &found, &writer.email)? };
            match joins {
                Some(Joined::Customer(ticket)) => {
                    file::reply(tx, case, mail, &ticket, &found, &writer, proof)
                }
                Some(Joined::Forward) => file::note(tx, case, mail, &found, &writer, Standing::Joined),
                // What is settled for good is looked at by nobody: somebody new begins a ticket there.
                None if found.found_by.is_strong()
                    && !tickets::is_past(tx, case.settings(), &found.ticket)? =>
                {
                    file::note(tx, case, mail, &found, &writer, Standing::Stranger)
                }
                None => new_ticket(tx, case, mail, &writer, Some(&found), proof, answers),
            }
        }
        None => new_ticket(tx, case, mail, &writer, None, proof, answers),
    }
}

/// What the checks of the sender are worth for whoever is taken to have written.
#[derive(Clone, Copy)]
pub(super) struct Proof {
    /// They are named in From, which is what the checks are about.
    pub is_own: bool,
    /// Their domain says that the letter is theirs.
    pub is_authentic: bool,
}

enum Joined {
    /// They take part in this ticket.
    Customer(Box<Ticket>),
    /// They were asked for help, and this is their answer.
    Forward,
}

fn joined(tx: &Tx<'_>, found: &Trace, writer: &Email) -> Result<Option<Joined>> {
    if let Some(forward) = found.forward {
        let asked = tickets::forwarded(tx, found.ticket.id)?;
        let is_theirs = |f: &tickets::Forward| {
            f.id == forward && f.revoked_at.is_none() && f.to_email.to_lowercase() == writer.key()
        };
        return Ok(asked.iter().any(is_theirs).then_some(Joined::Forward));
    }
    if found.staff.is_some() {
        return Ok(None);
    }
    Ok(trace::joins(tx, &found.ticket, writer)?.map(|t| Joined::Customer(Box::new(t))))
}

/// An agent answers a notice: only with their own reply address, from their own address, proved by DMARC, and where the
/// business wants it.
fn from_staff(
    tx: &mut Tx<'_>,
    case: &Case<'_>,
    mail: &mut Mail,
    found: &Trace,
    writer: &Email,
) -> Result<bool> {
    let Some(staff) = found.staff else { return Ok(false) };
    let is_theirs =
        |u: &identity::User| u.role.is_staff() && u.disabled_at.is_none() && u.email.key() == writer.key();
    let user = users::find(tx, staff)?.filter(is_theirs);
    let Some(user) = user else { return Ok(false) };
    if !case.settings().agents_answer_by_mail {
        return Ok(false);
    }
    let head = tickets::query::get(tx, found.ticket.head())?;
    let hindrance = if head.status == tickets::Status::Archived {
        Some("the ticket it answers is archived")
    } else if !head.is_visible_to_user(&user) {
        Some("its writer may not see the ticket it answers any more")
    } else {
        None
    };
    let Some(hindrance) = hindrance else {
        return file::answer_of_staff(tx, case, mail, found, &user).map(|()| true);
    };
    if mail.released_by.is_some() {
        return Ok(false);
    }
    // They believe that they have answered.
    let title = format!("Your answer by mail to {} is kept back: {hindrance}", head.ticket_number);
    notices::inbox::notify(tx, user.id, "answer_kept_back", &title, None)?;
    mail.come_to(Outcome::Quarantined, hindrance);
    Ok(true)
}

fn new_ticket(
    tx: &mut Tx<'_>,
    case: &Case<'_>,
    mail: &mut Mail,
    writer: &mail::inbound::Address,
    follows: Option<&Trace>,
    proof: Proof,
    answers: bool,
) -> Result<()> {
    let is_known = crm::customers::find_by_email(tx, &writer.email)?.is_some();
    if !is_known && mail.released_by.is_none() {
        match case.home().unknown_senders {
            UnknownSenders::Accept => {}
            UnknownSenders::Quarantine => {
                mail.come_to(Outcome::Quarantined, "no customer has its sender's address");
                return Ok(());
            }
            UnknownSenders::Reject => {
                mail.come_to(Outcome::Rejected, "no customer has its sender's address");
                return Ok(());
            }
        }
    }
    file::new(tx, case, mail, writer, follows, proof, answers)
}

/// Takes a letter's key; answers who has it, where the letter is here already. What a letter of a deleted ticket had is taken
/// over by one that somebody sends again: that is new mail.
fn taken_by(tx: &mut Tx<'_>, mail: &Mail, key: [u8; 32]) -> Result<Option<Id<Mail>>> {
    let Some(first) = store::take_key(tx, key, mail.id)? else { return Ok(None) };
    if gone::is_handed_out(mail) {
        return Ok(Some(first));
    }
    let is_gone = store::find(tx, first)?.is_some_and(|first| first.state == MailState::Forgotten);
    if is_gone && store::take_over_key(tx, key, first, mail.id)? {
        return Ok(None);
    }
    // Of two that are sent again at once, one has taken it.
    Ok(store::holder(tx, key)?.filter(|holder| *holder != mail.id))
}

/// A letter that is here already. Another of our addresses that got it listens in.
fn duplicate(tx: &mut Tx<'_>, case: &Case<'_>, mail: &mut Mail, first: Id<Mail>) -> Result<()> {
    let first = store::find(tx, first)?;
    if first.as_ref().is_some_and(|first| gone::is_gone_like(mail, first)) {
        return Ok(());
    }
    mail.ticket_id = first.as_ref().and_then(|f| f.ticket_id);
    mail.come_to(Outcome::Duplicate, "the same letter is here already");
    let (Some(ticket), Some(team)) = (mail.ticket_id, case.channel.team_id) else { return Ok(()) };
    let filed = tickets::by_ids(tx, &[ticket])?.pop();
    // The ticket's own channel has it in its queue.
    let is_home = filed.is_some_and(|t| t.mail_channel_id == Some(case.channel.id));
    if is_home || first.is_some_and(|f| f.channel_id == case.channel.id) {
        return Ok(());
    }
    tickets::watch_as_team(tx, ticket, &teams::get(tx, team)?)
}

/// Rules of the channel for who a letter is from.
fn rules(tx: &Tx<'_>, case: &Case<'_>) -> Result<sender::Rules> {
    let staff = if case.channel.forwarding_staff { users::staff(tx)? } else { Vec::new() };
    Ok(case.channel.sender_rules(staff))
}

/// Whether a program wrote it, and how that shows.
fn automated(tx: &mut Tx<'_>, case: &Case<'_>) -> Result<Option<(&'static str, String)>> {
    let letter = case.letter();
    let own_mark = loop_mark(tx)?;
    // Another desk's mark says that the letter is that desk's, not that a program wrote it.
    if letter.own_loop_mark.as_deref() == Some(own_mark.as_str()) {
        return Ok(Some(("loop", "it is a letter of ours that came back".into())));
    }
    let secret = notices::letters::secret_of(tx, notices::letters::MESSAGE_IDS)?;
    if letter.message_id.as_deref().is_some_and(|id| mail::signed_letter(id, &secret).is_some()) {
        return Ok(Some(("loop", "its Message-ID is one of ours".into())));
    }
    let is_form = |email: &Email| {
        let domain = format!("@{}", email.domain());
        case.channel.contact_forms.iter().any(|f| *f == email.key() || *f == domain)
    };
    let is_list = case.channel.is_through_list(letter);
    // A list of ours that stands in From has taken its author's place, also where its mail does not name them: somebody
    // looks at that one.
    let is_replaced = is_list && sender::resolve(letter, &rules(tx, case)?).via == sender::Via::List;
    let is_own = |from: &Email| case.is_ours(from) && !is_form(from) && !is_replaced;
    if letter.from.as_ref().is_some_and(|from| is_own(&from.email)) {
        return Ok(Some(("loop", "it is from an address of ours".into())));
    }
    let program = if is_list { &letter.automated_besides_list } else { &letter.automated };
    if let Some(found) = program {
        return Ok(Some((found.kind.as_str(), found.reason.clone())));
    }
    let null_path = case.mail.envelope_from.as_deref() == Some("") || letter.return_path == ReturnPath::Null;
    Ok(null_path.then(|| ("other", "its return path is empty".into())))
}

/// What our own letters are marked with, so that one that comes back is known.
pub(super) fn loop_mark(tx: &Tx<'_>) -> Result<String> {
    Ok(tx.tenant()?.uuid().simple().to_string())
}

/// Kept, shown collapsed, and answered by nobody.
fn from_program(
    tx: &mut Tx<'_>,
    case: &Case<'_>,
    mail: &mut Mail,
    kind: &'static str,
    reason: &str,
) -> Result<()> {
    mail.automated = Some(kind.to_owned());
    mail.come_to(Outcome::Automated, reason);
    if case.letter().bounce.is_some()
        && let Some(ticket) = bounce::take(tx, case)?
    {
        return file::from_program(tx, case, mail, &ticket, FoundBy::SignedId, kind, reason);
    }
    match trace::trace(tx, case.letter(), &mail.envelope_to, None)? {
        Some(found) if found.found_by != FoundBy::Number => {
            file::from_program(tx, case, mail, &found.ticket, found.found_by, kind, reason)
        }
        _ => Ok(()),
    }
}
