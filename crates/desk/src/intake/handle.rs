//! What people do with letters: let one out, throw one away, read one again, let its writer in.

use base::{Error, Id, OrNotFound, Result};
use db::Tx;
use engine::{Enqueue, Job as _};
use identity::{Settings, Staff, audit};

use super::{
    model::{Mail, MailState, Standing},
    store,
    work::WorkMail,
};
use crate::{
    Ticket,
    tickets::{self, Message, participants},
};

/// Letters that wait longer than this have lost their job.
const STUCK_MINUTES: i64 = 5;
/// Letters looked at in one go.
const BATCH: u32 = 100;

fn again(tx: &mut Tx<'_>, mail: &Mail, state: MailState, released_by: Option<&str>) -> Result<Mail> {
    store::drop_keys(tx, mail.id)?;
    let run = store::run_again(tx, mail.id, state, released_by)?;
    tx.enqueue(&WorkMail { mail: mail.id, run })?;
    store::find(tx, mail.id)?.or_not_found("mail")
}

fn gone() -> Error {
    Error::conflict("mail.forgotten", "this letter was deleted for good with its ticket")
}

/// Lets a letter out of quarantine: it is filed as if its sender were known.
///
/// # Errors
/// `mail.not_quarantined`.
pub fn release(tx: &mut Tx<'_>, id: Id<Mail>) -> Result<Mail> {
    let mail = store::lock(tx, id)?.or_not_found("mail")?;
    if !matches!(mail.state, MailState::Quarantined | MailState::Discarded) {
        return Err(Error::conflict("mail.not_quarantined", "this letter is not in quarantine any more"));
    }
    let by = tx.actor().name.clone();
    audit::record(tx, audit::Change::new("mail.released", "mail", Some(id.uuid())))?;
    again(tx, &mail, MailState::Waiting, Some(&by))
}

/// Throws away a letter that is in no ticket. Its bytes stay for the days that the business keeps such mail, and until then it
/// can be let out again.
///
/// # Errors
/// `mail.in_ticket`, `mail.waiting`, `mail.forgotten`.
pub fn discard(tx: &mut Tx<'_>, id: Id<Mail>) -> Result<Mail> {
    let mail = store::lock(tx, id)?.or_not_found("mail")?;
    if mail.state == MailState::Forgotten {
        return Err(gone());
    }
    if mail.message_id.is_some() {
        let hint = "this letter is part of a ticket; delete the ticket, or mark it as spam";
        return Err(Error::conflict("mail.in_ticket", hint));
    }
    if mail.state == MailState::Waiting {
        return Err(Error::conflict("mail.waiting", "this letter is being read; try again in a moment"));
    }
    store::set_state(tx, id, MailState::Discarded, &mail.reason)?;
    audit::record(tx, audit::Change::new("mail.discarded", "mail", Some(id.uuid())))?;
    store::find(tx, id)?.or_not_found("mail")
}

/// Reads a letter again from its bytes. One that failed is filed, if it can be read now; of one that is in a ticket what is
/// derived is made again where it is.
pub fn read_again(tx: &mut Tx<'_>, id: Id<Mail>) -> Result<Mail> {
    let mail = store::lock(tx, id)?.or_not_found("mail")?;
    let state = match mail.state {
        MailState::Waiting => {
            // Whoever asks knows that what it waits for is back.
            engine::store::hurry(tx, WorkMail::KIND, &WorkMail { mail: id, run: mail.run }.key())?;
            return Ok(mail);
        }
        MailState::Forgotten => return Err(gone()),
        // Whatever its state says, a letter that is in a ticket is not filed once more.
        _ if mail.message_id.is_some() => MailState::Done,
        MailState::Quarantined | MailState::Discarded => {
            let hint = "this letter is kept back; release it instead";
            return Err(Error::conflict("mail.quarantined", hint));
        }
        _ => MailState::Waiting,
    };
    if state == MailState::Done {
        let run = store::run_again(tx, id, state, None)?;
        tx.enqueue(&WorkMail { mail: id, run })?;
        return store::find(tx, id)?.or_not_found("mail");
    }
    again(tx, &mail, state, None)
}

/// Makes a ticket of a letter that a program wrote and that led nowhere: somebody says that it matters.
///
/// # Errors
/// `mail.in_ticket`.
pub fn assign(tx: &mut Tx<'_>, id: Id<Mail>) -> Result<Mail> {
    let mail = store::lock(tx, id)?.or_not_found("mail")?;
    if mail.state == MailState::Forgotten {
        return Err(gone());
    }
    if mail.message_id.is_some() {
        return Err(Error::conflict("mail.in_ticket", "this letter is part of a ticket already"));
    }
    let by = tx.actor().name.clone();
    audit::record(tx, audit::Change::new("mail.assigned", "mail", Some(id.uuid())))?;
    again(tx, &mail, MailState::Waiting, Some(&by))
}

/// Lets somebody new into the ticket they wrote to: their message becomes part of the conversation, and from now on they
/// get a copy of each answer.
///
/// # Errors
/// `message.not_waiting`.
pub fn admit(tx: &mut Tx<'_>, settings: &Settings, staff: &Staff, message: Id<Message>) -> Result<Ticket> {
    let mail = store::of_message(tx, message)?.or_not_found("message")?;
    if mail.standing != Standing::Stranger {
        return Err(Error::conflict("message.not_waiting", "its writer is part of the conversation already"));
    }
    // What staff and those they asked write is for the team, by whatever address it comes.
    let is_staff = match mail.from_email.parse() {
        Ok(email) => identity::users::find_by_email(tx, &email)?.is_some_and(|u| u.role.is_staff()),
        Err(_) => false,
    };
    if is_staff {
        let hint = "its writer is a member of staff; answer in their place, or let them write here";
        return Err(Error::conflict("message.of_staff", hint));
    }
    let ticket = tickets::admit(tx, settings, staff, message)?;
    store::set_standing(tx, message, Standing::Admitted)?;
    participants::admit(tx, &ticket, &mail.from_email, &mail.from_name)?;
    if ticket.head() != ticket.id {
        // Answers given in the survivor go to its own participants.
        let head = tickets::query::get(tx, ticket.head())?;
        participants::admit(tx, &head, &mail.from_email, &mail.from_name)?;
    }
    Ok(ticket)
}

/// A letter whose job is gone says so instead of waiting for ever.
pub fn sweep(tx: &mut Tx<'_>) -> Result<()> {
    let before = Id::<Mail>::first_of(tx.now() - base::minutes(STUCK_MINUTES));
    for mail in store::stuck(tx, before.uuid(), BATCH)? {
        let job = WorkMail { mail: mail.id, run: mail.run };
        if !engine::is_waiting(tx, &job)? {
            let reason =
                if mail.reason.is_empty() { "it could not be read; see the jobs" } else { &mail.reason };
            store::fail_waiting(tx, mail.id, mail.run, reason)?;
        }
    }
    Ok(())
}
