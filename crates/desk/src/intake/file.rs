//! Writing a letter into a ticket: as a reply, for staff alone, or as a ticket of its own.

use base::{Actor, ActorKind, Id, OrNotFound, Result};
use db::Tx;
use identity::{Staff, User};
use mail::inbound::Address;

use super::{
    model::{FoundBy, Mail, MessageMail, Outcome, Standing},
    settle::{Case, Proof},
    store,
    trace::Trace,
    work::ReadMail,
};
use crate::{
    Ticket,
    tickets::{
        self, BODY_MAX, Channel, Direction, For, Markdown, Message, NewMessage, NewTicket, Overheard,
        Requester, query,
    },
};

/// What a letter says, as the text it is. Nothing of it is Markdown, and nothing is cut off before the limit.
pub(super) fn said(read: &ReadMail) -> Markdown {
    let text = read.letter.text.trim_end();
    match (text.trim(), read.letter.subject.as_str()) {
        ("", "") => plain("…"),
        ("", subject) => plain(subject),
        _ => plain(text),
    }
}

fn plain(text: &str) -> Markdown {
    let mut source = text.to_owned();
    if source.len() > BODY_MAX {
        source.truncate(source.floor_char_boundary(BODY_MAX - 4));
        source.push('…');
    }
    let html = mail::plain_to_html(&source).as_str().to_owned();
    Markdown { source, html }
}

fn name_of(writer: &Address) -> String {
    if writer.name.trim().is_empty() { writer.email.as_str().to_owned() } else { writer.name.clone() }
}

fn stranger(writer: &Address) -> Actor {
    Actor { kind: ActorKind::Anonymous, id: None, name: name_of(writer) }
}

/// A letter in a ticket: its row, its references, and how it got there.
pub(super) struct Filed<'a> {
    pub ticket: Id<Ticket>,
    pub message: Id<Message>,
    pub found_by: FoundBy,
    pub reason: &'a str,
    pub standing: Standing,
    pub writer: Option<&'a Address>,
    pub is_authentic: bool,
    pub follows: Option<&'a Trace>,
}

pub(super) fn record(tx: &mut Tx<'_>, case: &Case<'_>, mail: &mut Mail, filed: &Filed<'_>) -> Result<()> {
    let letter = case.letter();
    mail.ticket_id = Some(filed.ticket);
    mail.message_id = Some(filed.message);
    let (from_email, from_name) = match filed.writer {
        Some(writer) => (writer.email.key(), writer.name.clone()),
        None => (mail.from_email.to_lowercase(), mail.from_name.clone()),
    };
    let row = MessageMail {
        message_id: filed.message,
        mail_id: mail.id,
        from_email,
        from_name,
        found_by: filed.found_by,
        reason: filed.reason.to_owned(),
        standing: filed.standing,
        automated: mail.automated.clone(),
        is_authentic: filed.is_authentic,
        has_html: letter.html.is_some(),
        copied: case.copied(filed.writer.map(|w| &w.email)),
        withheld: case.read.withheld.clone(),
        follows_id: filed.follows.map(|f| f.ticket.id.uuid()),
    };
    store::add_message(tx, filed.ticket, &row)?;
    refer(tx, case, filed.ticket)
}

/// From now on its Message-ID leads here, and so does every one it names: a part of the thread we never saw.
fn refer(tx: &mut Tx<'_>, case: &Case<'_>, ticket: Id<Ticket>) -> Result<()> {
    let letter = case.letter();
    if let Some(id) = &letter.message_id {
        store::refer(tx, id, ticket, true)?;
    }
    for id in letter.in_reply_to.iter().chain(&letter.references) {
        store::refer(tx, id, ticket, false)?;
    }
    Ok(())
}

/// A participant answers.
pub(super) fn reply(
    tx: &mut Tx<'_>,
    case: &Case<'_>,
    mail: &mut Mail,
    ticket: &Ticket,
    found: &Trace,
    writer: &Address,
    proof: Proof,
) -> Result<()> {
    let customer = crm::customers::get(tx, ticket.customer_id)?;
    // What nobody vouches for is said by somebody of that name.
    let is_proved = proof.is_authentic && customer.email.key() == writer.email.key();
    let author = if is_proved {
        Actor { kind: ActorKind::Customer, id: Some(customer.id.uuid()), name: customer.name }
    } else {
        stranger(writer)
    };
    let (body, files) = (said(case.read), case.read.files.clone());
    let (into, message) = tickets::join(tx, case.settings(), ticket.id, author, body, files)?;
    let reason = format!("{}, and its sender takes part in it", found.reason);
    let (found_by, standing) = (found.found_by, Standing::Joined);
    let at = message.ticket_id;
    let filed = Filed {
        ticket: at,
        message: message.id,
        found_by,
        reason: &reason,
        standing,
        writer: Some(writer),
        is_authentic: proof.is_authentic,
        follows: None,
    };
    record(tx, case, mail, &filed)?;
    // A settled ticket may have been followed by a new one.
    let outcome = if at == ticket.id || into.id == ticket.id { Outcome::Reply } else { Outcome::Ticket };
    mail.come_to(outcome, reason);
    Ok(())
}

/// For staff alone: the answer of somebody who was asked, or somebody new.
pub(super) fn note(
    tx: &mut Tx<'_>,
    case: &Case<'_>,
    mail: &mut Mail,
    found: &Trace,
    writer: &Address,
    standing: Standing,
) -> Result<()> {
    let author = stranger(writer);
    let heard =
        Overheard { author, body: said(case.read), files: case.read.files.clone(), is_automated: false };
    let (_, message) = tickets::overhear(tx, found.ticket.id, heard)?;
    let reason = match standing {
        Standing::Stranger => format!("{}, and its sender is somebody new", found.reason),
        _ => found.reason.clone(),
    };
    let filed = Filed {
        ticket: found.ticket.id,
        message: message.id,
        found_by: found.found_by,
        reason: &reason,
        standing,
        writer: Some(writer),
        is_authentic: false,
        follows: None,
    };
    record(tx, case, mail, &filed)?;
    mail.come_to(Outcome::Reply, reason);
    Ok(())
}

/// A ticket of its own. `follows`: the one it may go on with, though its sender takes no part there; told to staff alone.
pub(super) fn new(
    tx: &mut Tx<'_>,
    case: &Case<'_>,
    mail: &mut Mail,
    writer: &Address,
    follows: Option<&Trace>,
    proof: Proof,
    answers: bool,
) -> Result<()> {
    let home = case.home();
    // One that was archived since is no reason to keep a letter waiting.
    let category = match &home.category {
        Some(slug) => crate::categories::check(tx, slug).ok(),
        None => None,
    };
    let subject = match case.letter().subject.trim() {
        "" => base::text::line(
            "subject",
            &said(case.read).source.lines().next().unwrap_or("…").chars().take(80).collect::<String>(),
            200,
        )
        .unwrap_or_else(|_| "…".into()),
        given => given.chars().take(200).collect(),
    };
    let user_id = tickets::user_of(tx, &writer.email)?;
    let new = NewTicket {
        description: said(case.read),
        attachments: case.read.files.clone(),
        category,
        priority: home.priority,
        team_id: home.team_id,
        mail_channel_id: Some(home.id),
        is_confirmed: home.acknowledges && answers,
        is_proved: proof.is_authentic,
        ..NewTicket::new(&subject, "-", Channel::Email)?
    };
    // The address is a claim: a mail opens no portal.
    let requester = Requester { email: writer.email.clone(), name: writer.name.clone(), user_id };
    let filed = tickets::file(tx, case.settings(), None, For::Stranger(requester), new)?;
    let (outcome, reason) = match follows {
        Some(f) => (
            Outcome::PossibleFollowUp,
            format!("{}, but its sender takes no part in {}", f.reason, f.ticket.ticket_number),
        ),
        None => (Outcome::Ticket, "nothing in it leads to a ticket".into()),
    };
    let found_by = follows.map_or(FoundBy::New, |f| f.found_by);
    let (ticket, message) = (filed.ticket.id, filed.message.id);
    let filed = Filed {
        ticket,
        message,
        found_by,
        reason: &reason,
        standing: Standing::Joined,
        writer: Some(writer),
        is_authentic: proof.is_authentic,
        follows,
    };
    record(tx, case, mail, &filed)?;
    mail.come_to(outcome, reason);
    Ok(())
}

/// What a program wrote about a ticket: kept with it, and nothing follows from it.
pub(super) fn from_program(
    tx: &mut Tx<'_>,
    case: &Case<'_>,
    mail: &mut Mail,
    ticket: &Ticket,
    found_by: FoundBy,
    kind: &str,
    reason: &str,
) -> Result<()> {
    let name = if mail.from_name.is_empty() { mail.from_email.clone() } else { mail.from_name.clone() };
    let author = Actor {
        kind: ActorKind::Anonymous,
        id: None,
        name: if name.is_empty() { kind.into() } else { name },
    };
    let heard =
        Overheard { author, body: said(case.read), files: case.read.files.clone(), is_automated: true };
    let (_, message) = tickets::overhear(tx, ticket.id, heard)?;
    let standing = Standing::Automated;
    let filed = Filed {
        ticket: ticket.id,
        message: message.id,
        found_by,
        reason,
        standing,
        writer: None,
        is_authentic: false,
        follows: None,
    };
    record(tx, case, mail, &filed)
}

/// An agent's answer to a notice, which proved to be theirs.
pub(super) fn answer_of_staff(
    tx: &mut Tx<'_>,
    case: &Case<'_>,
    mail: &mut Mail,
    found: &Trace,
    user: &User,
) -> Result<()> {
    let staff = Staff { user_id: Some(user.id), role: user.role, actor: user.actor(), read_only: false };
    // The notice they answer stands beneath; their customer has no business with it. Where their own words cannot be told
    // from it, nothing goes out, and the team sees what came.
    let own = own_words(&case.letter().text);
    let is_internal = own.is_none();
    let new = NewMessage {
        body: own.as_deref().map_or_else(|| said(case.read), plain),
        is_internal,
        attachments: case.read.files.clone(),
        status: None,
        expected_version: None,
        addressed_to: None,
    };
    let cause = format!("mail:{}", mail.id);
    let (_, message) = tx.caused_by(user.actor(), cause, |tx| {
        tickets::staff_message(tx, case.settings(), &staff, found.ticket.id, new)
    })?;
    let reason = format!("{}, it is an agent's own, and it proves to be theirs", found.reason);
    let writer = Address { name: user.name.clone(), email: user.email.clone() };
    let filed = Filed {
        ticket: message.ticket_id,
        message: message.id,
        found_by: found.found_by,
        reason: &reason,
        standing: Standing::Joined,
        writer: Some(&writer),
        is_authentic: true,
        follows: None,
    };
    record(tx, case, mail, &filed)?;
    mail.come_to(Outcome::Reply, reason);
    Ok(())
}

/// What an agent wrote around the notice they answer; none when there is nothing but the notice.
fn own_words(text: &str) -> Option<String> {
    let said: String = mail::inbound::fold(text)
        .into_iter()
        .filter(|piece| piece.kind == mail::inbound::PieceKind::Said)
        .map(|piece| piece.text)
        .collect();
    (!said.trim().is_empty()).then(|| said.trim().to_owned())
}

/// Makes the words of a letter again, where they are.
pub(super) fn make_again(tx: &mut Tx<'_>, mail: &Mail, read: &ReadMail) -> Result<()> {
    let Some(id) = mail.message_id else { return Ok(()) };
    let message = query::message(tx, id)?.or_not_found("message")?;
    let body = said(read);
    // What an agent answered by mail was taken out of it, and is theirs to have said.
    let is_theirs = message.direction == Direction::Inbound;
    if is_theirs && (message.body != body.source || message.body_html != body.html) {
        store::rewrite(tx, id, &body.source, &body.html)?;
    }
    tickets::search::changed(tx, message.ticket_id)
}
