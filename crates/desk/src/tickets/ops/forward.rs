//! Forwarding: a ticket is shown to a supplier or colleague outside, and what they answer comes back as a note.
//!
//! They see what the agent chose to send and nothing else; the link in the letter is theirs alone and can be withdrawn.

use base::{Actor, ActorKind, Email, Error, Id, OrNotFound, Result, Timestamp};
use db::{Read, Row, Tx, params};
use engine::Enqueue;
use identity::{Settings, Staff, Token};
use serde::Serialize;

use super::{
    changeable, settle, staff_line,
    thread::{Said, Thread},
};
use crate::{
    channels,
    tickets::{
        jobs::{Announce, News, announce_reply},
        model::*,
        query, search,
        store::{self, NewAudit},
        words,
    },
};

db::statements! {
    INSERT = "insert into forwards (tenant_id, id, ticket_id, message_id, to_email, token_hash, created_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    SET_TOKEN = "update forwards set token_hash = ?3 where tenant_id = ?1 and id = ?2";
    REVOKE = "update forwards set revoked_at = ?3 where tenant_id = ?1 and id = ?2 and revoked_at is null";
    BY_ID = "select id, ticket_id, message_id, to_email, created_at, revoked_at from forwards where tenant_id = ?1 and id = ?2";
    BY_TOKEN = "select id, ticket_id, message_id, to_email, created_at, revoked_at from forwards where tenant_id = ?1 and token_hash = ?2 and revoked_at is null";
    OF_TICKET = "select id, ticket_id, message_id, to_email, created_at, revoked_at from forwards where tenant_id = ?1 and ticket_id = ?2 order by id";
}

/// What is sent, and to whom.
#[derive(Clone, Debug)]
pub struct NewForward {
    pub to: Email,
    /// What the agent says to them.
    pub body: Markdown,
    /// Whether the conversation so far goes with it; notes never do.
    pub with_conversation: bool,
    pub attachments: Vec<NewAttachment>,
    pub expected_version: Option<i64>,
}

/// A ticket in somebody else's hands.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Forward {
    pub id: Id<Forward>,
    pub ticket_id: Id<Ticket>,
    /// The note that says what was sent.
    pub message_id: Id<Message>,
    pub to_email: String,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

fn map(row: &Row<'_>) -> Result<Forward> {
    let mut c = row.columns();
    Ok(Forward {
        id: c.next()?,
        ticket_id: c.next()?,
        message_id: c.next()?,
        to_email: c.next()?,
        created_at: c.next()?,
        revoked_at: c.next()?,
    })
}

/// Forwards of a ticket, oldest first.
pub fn forwarded(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<Forward>> {
    read.query_all(&OF_TICKET, params![ticket], map)
}

pub(in crate::tickets) fn get(read: &Read<'_>, id: Id<Forward>) -> Result<Forward> {
    read.query_one(&BY_ID, params![id], map)?.or_not_found("forward")
}

/// Gives the forward's link a new token, for a letter that is being written; an older link stops working.
pub(in crate::tickets) fn new_token(tx: &mut Tx<'_>, id: Id<Forward>) -> Result<Token> {
    let token = Token::random("cff_", tx.entropy());
    tx.execute(&SET_TOKEN, params![id, token.hash()])?;
    Ok(token)
}

/// Sends the ticket to somebody outside, and leaves a note of what was sent.
///
/// # Errors
/// `forward.to_customer`: the customer is answered, not forwarded to. `address.own_channel`.
pub fn forward(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    new: NewForward,
) -> Result<Forward> {
    let before = changeable(tx, settings, staff, id, new.expected_version)?;
    if new.to.key() == before.user_email.to_lowercase() {
        return Err(Error::field(
            "to",
            "forward.to_customer",
            "this is the customer's own address; answer instead",
        ));
    }
    channels::check_not_own(tx, "to", &new.to)?;
    if before.status == Status::Archived {
        return Err(Error::conflict("ticket.archived", "an archived ticket takes no messages"));
    }
    let conversation = if new.with_conversation { conversation(tx, &before)? } else { String::new() };
    let source = [new.body.source.as_str(), conversation.as_str()]
        .iter()
        .filter(|part| !part.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join("\n\n---\n\n");
    let body = Markdown::parse("body", &source)?;
    let (message_id, forward_id): (Id<Message>, Id<Forward>) = (tx.new_id(), tx.new_id());
    let now = tx.now();
    let message = Message {
        id: message_id,
        ticket_id: id,
        direction: Direction::Outbound,
        is_internal: true,
        author: tx.actor().clone(),
        body: body.source,
        body_html: body.html,
        delivery: "queued".into(),
        attachments: super::reply::attachments(tx, id, message_id, new.attachments),
        created_at: now,
    };
    store::insert_message(tx, &message)?;
    // Until the letter is written nobody holds the link: this token is thrown away.
    let unheld = Token::random("cff_", tx.entropy());
    tx.execute(&INSERT, params![forward_id, id, message_id, new.to.as_str(), unheld.hash(), now])?;
    let mut t = before.clone();
    t.message_count += 1;
    if t.status == Status::New {
        t.status = Status::Open;
    }
    search::changed(tx, id)?;
    settle(tx, &before, t, staff_line("forwarded", None, Some(new.to.as_str().to_owned())))?;
    tx.enqueue(&Announce { ticket: id, news: News::Forwarded { forward: forward_id.uuid() } })?;
    get(tx, forward_id)
}

/// Takes a forward back: its link and its reply address open nothing any more. What was sent cannot be called back. Doing it
/// twice is harmless.
pub fn withdraw(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    ticket: Id<Ticket>,
    id: Id<Forward>,
) -> Result<Forward> {
    let before = changeable(tx, settings, staff, ticket, None)?;
    let found = get(tx, id)?;
    if found.ticket_id != ticket {
        return Err(Error::not_found("forward"));
    }
    let now = tx.now();
    if tx.execute(&REVOKE, params![id, now])? == 1 {
        settle(tx, &before, before.clone(), staff_line("forward_withdrawn", None, Some(found.to_email)))?;
    }
    get(tx, id)
}

/// The public conversation as Markdown, oldest first.
fn conversation(read: &Read<'_>, t: &Ticket) -> Result<String> {
    let mut out = String::new();
    for m in query::thread(read, t)?.into_iter().filter(|m| !m.is_internal) {
        let words = words::as_markdown(read, &m)?;
        let quoted: Vec<String> = words.lines().map(|l| format!("> {l}")).collect();
        let part = format!(
            "**{}**, {}:\n\n{}\n\n",
            // Whoever wrote chose it.
            mail::plain_to_markdown(&m.author.name),
            m.created_at.strftime("%Y-%m-%d %H:%M UTC"),
            quoted.join("\n")
        );
        if out.len() + part.len() > BODY_MAX / 2 {
            out.push('…');
            break;
        }
        out.push_str(&part);
    }
    Ok(out.trim_end().to_owned())
}

/// What somebody outside sees through their link.
#[derive(Clone, Debug)]
pub struct ForwardSeen {
    pub ticket_number: String,
    pub subject: String,
    pub message: Message,
    pub to_email: String,
}

/// The forward a link belongs to.
pub fn seen(read: &Read<'_>, token: &str) -> Result<ForwardSeen> {
    let (found, t) = by_token(read, token)?;
    let message = query::message(read, found.message_id)?.or_not_found("message")?;
    Ok(ForwardSeen { ticket_number: t.ticket_number, subject: t.subject, message, to_email: found.to_email })
}

fn by_token(read: &Read<'_>, token: &str) -> Result<(Forward, Ticket)> {
    let token = Token::parse(token).or_not_found("request")?;
    let found = read.query_one(&BY_TOKEN, params![token.hash()], map)?.or_not_found("request")?;
    let t = store::find(read, found.ticket_id)?.filter(|t| t.deleted_at.is_none()).or_not_found("request")?;
    Ok((found, t))
}

/// What they answer becomes a note by them. It wakes the ticket and is unread; its customer sees nothing of it.
pub fn take_answer(tx: &mut Tx<'_>, token: &str, body: Markdown, files: Vec<NewAttachment>) -> Result<()> {
    let (found, _) = by_token(tx, token)?;
    let mut thread = Thread::lock(tx, found.ticket_id)?;
    if thread.head_before().status == Status::Archived {
        return Err(Error::conflict(
            "ticket.archived",
            "this request is in the archive and takes no more answers",
        ));
    }
    let id: Id<Message> = tx.new_id();
    let message = Message {
        id,
        ticket_id: found.ticket_id,
        direction: Direction::Inbound,
        is_internal: true,
        author: Actor { kind: ActorKind::Anonymous, id: None, name: found.to_email.clone() },
        body: body.source,
        body_html: body.html,
        delivery: "none".into(),
        attachments: super::reply::attachments(tx, found.ticket_id, id, files),
        created_at: tx.now(),
    };
    store::insert_message(tx, &message)?;
    let now = tx.now();
    thread.count(Said::AsNote, now);
    thread.heard();
    thread.wake(tx)?;
    let metadata = serde_json::json!({ "message_id": id, "forward_id": found.id });
    let line = NewAudit { event_type: "note", from: None, to: None, metadata, is_public: false };
    super::audit(tx, found.ticket_id, line)?;
    let head = thread.save(tx, "ticket.noted", id, false)?;
    announce_reply(tx, found.ticket_id, &head, News::ForwardAnswered { message: id.uuid() })
}
