//! Undo send: an answer from the composer waits some seconds before it becomes a message.

use base::{Error, Id, Kind, OrNotFound, Result, Timestamp};
use db::{Read, Row, Tx, params};
use engine::{Enqueue, Inside, Job};
use identity::{Settings, Staff, User, tenants, users};
use serde::{Deserialize, Serialize};

use super::{author, drafts, presence};
use crate::{
    bulk::Changes,
    tickets::{self, Markdown, Message, NewAttachment, NewMessage, Status, Ticket, query},
};

/// What a macro does once its answer has gone out, by its author: with the answer it is taken back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Afterwards {
    pub macro_name: String,
    pub changes: Changes,
}

/// An answer that its author can still take back.
#[derive(Clone, Debug)]
pub struct Held {
    pub id: Id<Held>,
    pub ticket_id: Id<Ticket>,
    pub addressed_to: Option<Id<Ticket>>,
    pub user_id: Id<User>,
    pub user_name: String,
    pub body: Markdown,
    pub attachments: Vec<NewAttachment>,
    pub status: Option<Status>,
    pub created_at: Timestamp,
    pub release_at: Timestamp,
    /// Messages of others in the thread when it was held.
    others: i64,
    afterwards: Option<Afterwards>,
}

impl Held {
    /// The status of its ticket when it has gone out, where that changes.
    pub fn status_then(&self) -> Option<Status> {
        self.afterwards.as_ref().and_then(|a| a.changes.status).or(self.status)
    }
}

db::statements! {
    INSERT = "insert into held_answers (tenant_id, id, ticket_id, addressed_to, user_id, user_name, body, body_html, attachments, status, created_at, release_at, others,
        afterwards) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    BY_ID = "select id, ticket_id, addressed_to, user_id, user_name, body, body_html, attachments, status, created_at, release_at, others, afterwards
        from held_answers where tenant_id = ?1 and id = ?2";
    OF_TICKET = "select id, ticket_id, addressed_to, user_id, user_name, body, body_html, attachments, status, created_at, release_at, others, afterwards
        from held_answers where tenant_id = ?1 and ticket_id = ?2 order by id";
    OF_OTHERS = "select user_name from held_answers where tenant_id = ?1 and ticket_id = ?2 and user_id <> ?3 order by id limit 1";
    DROP = "delete from held_answers where tenant_id = ?1 and id = ?2";
    FOLLOW = "update held_answers set ticket_id = ?3, addressed_to = coalesce(addressed_to, ?2)
        where tenant_id = ?1 and ticket_id = ?2";
    DROP_OF_TICKET = "delete from held_answers where tenant_id = ?1 and ticket_id = ?2";
}

fn map(row: &Row<'_>) -> Result<Held> {
    let mut c = row.columns();
    let (id, ticket_id, addressed_to, user_id, user_name) =
        (c.next()?, c.next()?, c.next()?, c.next()?, c.next()?);
    let body = Markdown { source: c.next()?, html: c.next()? };
    let attachments = serde_json::from_value(c.next()?).map_err(Error::from_source)?;
    let (status, created_at, release_at, others) = (c.next()?, c.next()?, c.next()?, c.next()?);
    let afterwards: Option<serde_json::Value> = c.next()?;
    let afterwards = afterwards.map(serde_json::from_value).transpose().map_err(Error::from_source)?;
    Ok(Held {
        id,
        ticket_id,
        addressed_to,
        user_id,
        user_name,
        body,
        attachments,
        status,
        created_at,
        release_at,
        others,
        afterwards,
    })
}

/// Answers on their way, oldest first.
pub fn of(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Vec<Held>> {
    read.query_all(&OF_TICKET, params![ticket], map)
}

/// Refuses an answer while a colleague's is on its way: the writer has not seen it.
pub(crate) fn check_nobody_is_sending(
    read: &Read<'_>,
    ticket: Id<Ticket>,
    me: Option<Id<User>>,
) -> Result<()> {
    let me = me.map_or(uuid::Uuid::nil(), Id::uuid);
    match read.query_one(&OF_OTHERS, params![ticket, me], |row| row.get::<String>(0))? {
        None => Ok(()),
        Some(name) => Err(Error::new(
            Kind::Stale,
            "ticket.being_answered",
            format!("{name} has just sent an answer, which is about to go out; nothing was sent"),
        )),
    }
}

/// Holds an answer, after every check that sending it would make: what is refused is refused now.
pub fn hold(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    new: NewMessage,
) -> Result<Held> {
    hold_macro(tx, settings, staff, id, new, None)
}

/// The same with what is to be done once it has gone out: that is tried and taken back too.
pub(crate) fn hold_macro(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    new: NewMessage,
    afterwards: Option<Afterwards>,
) -> Result<Held> {
    // Held until the commit: what others write is in the thread before this, or comes after it.
    let thread = tickets::lock_head(tx, staff, id)?;
    let head = thread.id;
    let user = author(staff)?;
    let others = messages_of_others(tx, &thread, user)?.len();
    let others = i64::try_from(others).unwrap_or(i64::MAX);
    // Sent on trial and taken back: all checks of the verb itself, none of its effects.
    let tried = new.clone();
    let trial = tx.attempt(|tx| {
        tickets::staff_message(tx, settings, staff, id, tried)?;
        afterwards.as_ref().map_or(Ok(()), |then| finish(tx, settings, staff, id, then))?;
        Err::<(), Error>(Error::conflict(TRIAL, "this was only tried"))
    });
    if let Err(error) = trial
        && error.code() != TRIAL
    {
        return Err(error);
    }
    let (held, now): (Id<Held>, _) = (tx.new_id(), tx.now());
    let release_at = now + base::seconds(i64::from(settings.undo_send_seconds));
    let attachments = serde_json::to_value(&new.attachments).map_err(Error::from_source)?;
    // The ticket it was written on says to whom it goes, also when that ticket is merged into another.
    let addressed_to = new.addressed_to.or((id != head).then_some(id));
    let afterwards = afterwards.map(serde_json::to_value).transpose().map_err(Error::from_source)?;
    let (source, html, status, name) = (new.body.source, new.body.html, new.status, staff.actor.name.clone());
    tx.execute(
        &INSERT,
        params![
            held,
            head,
            addressed_to,
            user,
            name,
            source,
            html,
            attachments,
            status,
            now,
            release_at,
            others,
            afterwards
        ],
    )?;
    tx.enqueue_at(&Release { held }, release_at)?;
    presence::stir(tx, user, head)?;
    tx.query_one(&BY_ID, params![held], map)?.or_not_found("answer")
}

fn messages_of_others(read: &Read<'_>, thread: &Ticket, author: Id<User>) -> Result<Vec<Message>> {
    let mut said = query::thread(read, thread)?;
    said.retain(|m| m.author.id != Some(author.uuid()));
    Ok(said)
}

const TRIAL: &str = "message.only_tried";

/// Takes an answer back into its author's draft; answers its ticket.
///
/// # Errors
/// Not found when it has gone out, was taken back, or is on a ticket they may not see; `answer.others`.
pub fn take_back(tx: &mut Tx<'_>, staff: &Staff, ticket: Id<Ticket>, id: Id<Held>) -> Result<Id<Ticket>> {
    let head = query::get_for_staff(tx, staff, ticket)?.head();
    let held =
        tx.query_one(&BY_ID, params![id], map)?.filter(|h| h.ticket_id == head).or_not_found("answer")?;
    let user = author(staff)?;
    if held.user_id != user {
        return Err(Error::forbidden("answer.others", "only its author takes an answer back"));
    }
    // Of this and the release, whoever removes the row has it.
    if tx.execute(&DROP, params![id])? == 0 {
        return Err(Error::not_found("answer"));
    }
    draft_again(tx, &held)?;
    presence::stir(tx, user, held.ticket_id)?;
    Ok(held.ticket_id)
}

fn draft_again(tx: &mut Tx<'_>, held: &Held) -> Result<()> {
    let written =
        drafts::Written { kind: "reply".into(), body: held.body.source.clone(), status: held.status };
    drafts::put_back(tx, held.user_id, held.ticket_id, written, held.attachments.clone())
}

/// A ticket is merged: its answers on their way are the survivor's. With more messages of others in that thread than their
/// authors saw they become drafts there.
pub(super) fn follow(tx: &mut Tx<'_>, from: Id<Ticket>, to: Id<Ticket>) -> Result<()> {
    tx.execute(&FOLLOW, params![from, to]).map(|_| ())
}

pub(super) fn forget_ticket(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    tx.execute(&DROP_OF_TICKET, params![ticket]).map(|_| ())
}

/// Lets a held answer go when its time has come.
#[derive(Serialize, Deserialize)]
pub struct Release {
    pub held: Id<Held>,
}

impl Job for Release {
    const KIND: &'static str = "desk.release_answer";
    const LANE: engine::Lane = engine::Lane::Awaited;
    fn key(&self) -> String {
        self.held.to_string()
    }
}

/// Makes a held answer a message, by its author, now.
pub struct Releaser;

impl Inside for Releaser {
    type Job = Release;

    fn run(&self, tx: &mut Tx<'_>, job: &Release) -> Result<()> {
        // Taken back meanwhile: nothing to do.
        let Some(held) = tx.query_one(&BY_ID, params![job.held], map)? else { return Ok(()) };
        if tx.execute(&DROP, params![job.held])? == 0 {
            return Ok(());
        }
        let author = users::get(tx, held.user_id)?;
        let is_gone = author.disabled_at.is_some();
        let (actor, now) = (author.actor(), tx.now());
        let staff =
            Staff { user_id: Some(held.user_id), role: author.role, actor: actor.clone(), read_only: false };
        let sent = tx.attempt(|tx| {
            if is_gone {
                return Err(Error::forbidden("user.disabled", "its author was switched off"));
            }
            tx.as_of(actor, now, |tx| send(tx, &staff, &held))
        });
        let Err(error) = sent else { return Ok(()) };
        if !matches!(
            error.kind(),
            Kind::Conflict | Kind::NotFound | Kind::Forbidden | Kind::Invalid | Kind::Stale
        ) {
            return Err(error);
        }
        // What cannot go out is not lost: it is a draft again, and its author is told.
        draft_again(tx, &held)?;
        presence::stir(tx, held.user_id, held.ticket_id)?;
        let number = query::get(tx, held.ticket_id)?.ticket_number;
        let why = error.plain_message();
        let title = match &held.afterwards {
            None => format!("{number}: your answer did not go out and is a draft again: {why}"),
            Some(then) => format!(
                "{number}: your answer did not go out and is a draft again, and what \"{}\" changes was not changed: {why}",
                then.macro_name
            ),
        };
        notices::inbox::notify(tx, held.user_id, "answer_kept_back", &title, Some(held.ticket_id.uuid()))
    }
}

fn send(tx: &mut Tx<'_>, staff: &Staff, held: &Held) -> Result<()> {
    let head = tickets::lock_head(tx, staff, held.ticket_id)?;
    let said = messages_of_others(tx, &head, held.user_id)?;
    let seen = usize::try_from(held.others).unwrap_or(usize::MAX);
    if let Some(message) = said.last().filter(|_| said.len() > seen) {
        let name = &message.author.name;
        return Err(Error::new(Kind::Stale, "ticket.stale", format!("{name} wrote meanwhile")));
    }
    if let (Some(_), Some(at)) = (&held.afterwards, held.addressed_to) {
        // Nor is its survivor resolved or answered for it.
        query::check_not_merged(tx, &query::get(tx, at)?)?;
    }
    let settings = tenants::get(tx, tx.tenant()?)?.settings;
    // Whether its author may move the status was checked when it was sent; who has the ticket now does not undo that.
    let settings = Settings { agents_change_any_ticket: true, ..settings };
    let new = NewMessage {
        body: held.body.clone(),
        is_internal: false,
        attachments: held.attachments.clone(),
        status: held.status.filter(|s| *s != head.status),
        expected_version: None,
        addressed_to: held.addressed_to,
    };
    tickets::staff_message(tx, &settings, staff, held.ticket_id, new)?;
    match &held.afterwards {
        // On the ticket that the macro was applied to: if that was merged meanwhile its survivor is another matter.
        Some(then) => finish(tx, &settings, staff, held.addressed_to.unwrap_or(held.ticket_id), then),
        None => Ok(()),
    }
}

/// Changes what a macro changes, and says so in the history.
fn finish(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: &Staff,
    id: Id<Ticket>,
    then: &Afterwards,
) -> Result<()> {
    if then.changes != Changes::default() {
        let tags = query::extras(tx, &[id])?.remove(&id).unwrap_or_default().tags;
        tickets::change(tx, settings, staff, id, then.changes.patch(&tags))?;
    }
    tickets::note_macro(tx, id, &then.macro_name)
}
