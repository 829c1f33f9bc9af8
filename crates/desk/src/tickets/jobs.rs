//! Telling people: each piece of news about a ticket becomes letters and in-app notices, in a job of its own, so that
//! filing a ticket waits for none of it.

use base::{Email, Id, OrNotFound, Result};
use crm::customers;
use db::{Read, Tx};
use engine::{Inside, Job};
use identity::{Links, TenantRecord, Token, User, teams, tenants, users};
use notices::{
    inbox,
    letters::{self, LetterFile, LetterKind, Named, NewLetter, Posted, Shown},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::intake::reply::{self, Replier};

use super::{
    model::*,
    ops::{get_forward, new_token},
    participants, query, store,
};

/// What happened to a ticket that somebody should hear of.
#[derive(Serialize, Deserialize)]
pub struct Announce {
    pub ticket: Id<Ticket>,
    pub news: News,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    Created {
        first: Uuid,
        spoke_first: bool,
        /// Its customer gets a letter that it has arrived.
        #[serde(default = "confirmed")]
        is_confirmed: bool,
        /// Its requester is who they say.
        #[serde(default = "confirmed")]
        is_proved: bool,
    },
    Answered {
        message: Uuid,
    },
    CustomerReplied {
        message: Uuid,
    },
    Assigned {
        to: Uuid,
        version: i64,
    },
    /// To somebody, urgently.
    Escalated {
        to: Uuid,
        version: i64,
    },
    Resolved {
        version: i64,
    },
    Mentioned {
        message: Uuid,
        to: Vec<Uuid>,
    },
    Forwarded {
        forward: Uuid,
    },
    ForwardAnswered {
        message: Uuid,
    },
}

const fn confirmed() -> bool {
    true
}

impl Job for Announce {
    const KIND: &'static str = "desk.announce";
    fn key(&self) -> String {
        match &self.news {
            News::Created { .. } => format!("{}:created", self.ticket),
            News::Answered { message } | News::CustomerReplied { message } => {
                format!("{}:message:{message}", self.ticket)
            }
            News::Assigned { to, version } => format!("{}:assigned:{to}:{version}", self.ticket),
            News::Escalated { to, version } => format!("{}:escalated:{to}:{version}", self.ticket),
            News::Resolved { version } => format!("{}:resolved:{version}", self.ticket),
            News::Mentioned { message, .. } => format!("{}:mentioned:{message}", self.ticket),
            News::Forwarded { forward } => format!("{}:forwarded:{forward}", self.ticket),
            News::ForwardAnswered { message } => format!("{}:forward_answered:{message}", self.ticket),
        }
    }
}

pub struct Announcer {
    pub links: Links,
}

/// Staff told about a new ticket at most; a business with more has teams.
const TOLD_MAX: usize = 50;

impl Inside for Announcer {
    type Job = Announce;

    fn run(&self, tx: &mut Tx<'_>, job: &Announce) -> Result<()> {
        let ticket = query::get(tx, job.ticket)?;
        // Spam gets no letter, not even one that was on its way.
        if ticket.close_reason == Some(CloseReason::Spam) || ticket.deleted_at.is_some() {
            return Ok(());
        }
        let tenant = tenants::get(tx, tx.tenant()?)?;
        let about = About { ticket: &ticket, tenant: &tenant, links: &self.links };
        match &job.news {
            News::Created { first, spoke_first, is_confirmed, is_proved } => {
                if *spoke_first {
                    about.answer(tx, *first)?;
                } else {
                    if *is_confirmed {
                        about.confirm(tx, *is_proved)?;
                    }
                    about.tell_the_team(tx)?;
                }
                if let Some(assignee) = ticket.assigned_to.filter(|a| ticket.created_by_id != Some(a.uuid()))
                {
                    about.tell_assignee(tx, assignee)?;
                }
                Ok(())
            }
            News::Answered { message } => about.answer(tx, *message),
            News::CustomerReplied { message } => about.tell_of_reply(tx, *message),
            News::Assigned { to, .. } => about.tell_assignee(tx, Id::from_uuid(*to)),
            News::Escalated { to, .. } => about.tell_escalated(tx, Id::from_uuid(*to)),
            News::Resolved { .. } => about.resolved(tx),
            News::Mentioned { message, to } => about.tell_mentioned(tx, *message, to),
            News::Forwarded { forward } => about.forward(tx, Id::from_uuid(*forward)),
            News::ForwardAnswered { message } => about.tell_of_reply(tx, *message),
        }
    }
}

/// A letter of this kind to a ticket's customer, with a link of its own.
pub(crate) fn write_to_customer(
    tx: &mut Tx<'_>,
    ticket: &Ticket,
    tenant: &TenantRecord,
    links: &Links,
    kind: LetterKind,
    link: &str,
) -> Result<()> {
    let about = About { ticket, tenant, links };
    let to = about.recipient(tx)?;
    let values = about.values(&to.name, link);
    // Nobody waits for a question. What stops them stands in the header, where mail programs show it.
    let unsubscribe = (kind == LetterKind::SatisfactionSurvey).then(|| format!("{link}/stop"));
    let along = Along { unsubscribe, ..Along::default() };
    about.post_for(tx, kind, &to, values, Replier::of(kind, &to), along).map(|_| ())
}

/// Files go along up to this many bytes in all; beyond that the letter names them. Base64 makes a third more of them, and
/// many servers take 10 MB.
const FILES_MAX_BYTES: u64 = 7_000_000;

/// The files that go along with a message: all of them, or none.
fn files_of(message: &Message) -> Vec<LetterFile> {
    let sum: u64 = message.attachments.iter().map(|a| a.size_bytes).sum();
    if sum > FILES_MAX_BYTES {
        return Vec::new();
    }
    let file = |a: &Attachment| LetterFile {
        filename: a.filename.clone(),
        content_type: a.content_type.clone(),
        size_bytes: a.size_bytes,
        sha256: a.sha256,
    };
    message.attachments.iter().map(file).collect()
}

/// What is said, and beneath it the files that are too large to go along, with where they are.
fn with_files(said: &str, message: &Message, files: &[LetterFile], link: Option<&str>) -> String {
    if message.attachments.len() == files.len() {
        return said.to_owned();
    }
    let mut out = format!("{said}\n");
    for a in &message.attachments {
        let name: String =
            a.filename.chars().filter(|c| !matches!(c, '[' | ']' | '(' | ')' | '\\' | '`')).collect();
        let megabytes = a.size_bytes as f64 / 1_000_000.0;
        let name = link.map_or(name.clone(), |link| format!("[{name}]({link})"));
        out.push_str(&format!("\n- {name} ({megabytes:.1} MB)"));
    }
    out
}

struct About<'a> {
    ticket: &'a Ticket,
    tenant: &'a TenantRecord,
    links: &'a Links,
}

impl Replier {
    /// Whose an answer to a letter of this kind is. What was said among staff, or by somebody they asked, is answered at the
    /// desk: an answer by mail would go to the customer.
    fn of(kind: LetterKind, to: &Recipient) -> Self {
        match to.staff {
            None => Self::Customer,
            Some(user) if matches!(kind, LetterKind::TicketNew | LetterKind::TicketAssigned) => {
                Self::Staff(user)
            }
            Some(user) if kind == LetterKind::SupportCustomerReply && !to.is_internal => Self::Staff(user),
            Some(_) => Self::Nobody,
        }
    }
}

/// What a notice to staff tells of.
#[derive(Clone, Copy)]
struct Said<'a> {
    author: &'a str,
    body: &'a str,
    is_internal: bool,
}

impl<'a> Said<'a> {
    fn of(message: &'a Message) -> Self {
        Self { author: &message.author.name, body: &message.body, is_internal: message.is_internal }
    }
}

/// Whom everybody sees to get a copy.
fn shown_copies(copies: &[participants::Participant]) -> Result<Vec<Named>> {
    let visible = copies.iter().filter(|c| !c.hidden);
    visible.map(|c| Ok(Named { email: c.email.parse()?, name: c.name.clone() })).collect()
}

/// The account of an address, once its owner has proved it; it says which language they read.
fn account_of(read: &Read<'_>, email: &Email) -> Result<Option<User>> {
    let found = users::find_by_email(read, email)?;
    Ok(found.filter(|u| u.verified_at.is_some() && u.disabled_at.is_none()))
}

/// The customer's side of a ticket: the account that may read it, or the bare address.
struct Recipient {
    email: Email,
    name: String,
    locale: String,
    /// Their account, when the address is proved and theirs.
    verified: bool,
    /// The member of staff they are, where this is a notice.
    staff: Option<Id<User>>,
    /// What the letter is about is hidden from the customer.
    is_internal: bool,
}

/// What goes along with a letter, besides its words.
#[derive(Default)]
struct Along {
    files: Vec<LetterFile>,
    shown: Shown,
    unsubscribe: Option<String>,
}

impl About<'_> {
    fn recipient(&self, tx: &Tx<'_>) -> Result<Recipient> {
        let customer = customers::get(tx, self.ticket.customer_id)?;
        let user = account_of(tx, &customer.email)?;
        let locale = user.as_ref().map_or_else(|| self.tenant.settings.locale.clone(), |u| u.locale.clone());
        let may_read = user
            .as_ref()
            .is_some_and(|u| self.ticket.user_id == Some(u.id) || u.customer_id == Some(customer.id.uuid()));
        Ok(Recipient {
            email: customer.email,
            name: customer.name,
            locale,
            verified: may_read,
            staff: None,
            is_internal: false,
        })
    }

    /// A page for somebody who can sign in; for anybody else a link that only this letter holds.
    fn link(&self, tx: &mut Tx<'_>, to: &Recipient) -> Result<String> {
        let base = self.links.base(self.tenant);
        if to.verified {
            return Ok(format!("{base}/help/tickets/{}", self.ticket.id));
        }
        let token = Token::random("cft_", tx.entropy());
        store::insert_status_link(tx, token.hash(), self.ticket.id)?;
        Ok(format!("{base}/help/status/{}", token.reveal()))
    }

    fn values(&self, name: &str, link: &str) -> serde_json::Value {
        json!({
            "name": name,
            "ticket_number": self.ticket.ticket_number,
            "subject": self.ticket.subject,
            "business": self.tenant.name,
            "banner": self.tenant.settings.notice_banner,
            "link": link,
            "desk_link": format!("{}/desk/tickets/{}", self.links.base(self.tenant), self.ticket.head()),
            "priority": self.ticket.priority,
            "category": self.ticket.category,
            "requester": self.ticket.user_email,
            "author": "",
            "body": "",
        })
    }

    fn post(
        &self,
        tx: &mut Tx<'_>,
        kind: LetterKind,
        to: &Recipient,
        values: serde_json::Value,
    ) -> Result<Posted> {
        self.post_for(tx, kind, to, values, Replier::of(kind, to), Along::default())
    }

    fn post_for(
        &self,
        tx: &mut Tx<'_>,
        kind: LetterKind,
        to: &Recipient,
        values: serde_json::Value,
        replier: Replier,
        along: Along,
    ) -> Result<Posted> {
        let thread = reply::headers(tx, self.ticket, &to.email, replier)?;
        let letter = NewLetter {
            kind,
            to: to.email.clone(),
            to_name: to.name.clone(),
            locale: to.locale.clone(),
            ticket_id: Some(self.ticket.id.uuid()),
            domain: self.links.domain(self.tenant),
            from_email: thread.from,
            reply_to: thread.reply_to,
            shown: along.shown,
            customer_id: Some(self.ticket.customer_id.uuid()),
            unsubscribe: along.unsubscribe,
            in_reply_to: thread.in_reply_to,
            files: along.files,
            values,
        };
        letters::post(tx, letter)
    }

    fn confirm(&self, tx: &mut Tx<'_>, is_proved: bool) -> Result<()> {
        let to = self.recipient(tx)?;
        let link = self.link(tx, &to)?;
        // An account is proved; that this was its owner, only by a session or by the mail itself.
        let is_proved = is_proved && to.verified;
        let kind =
            if is_proved { LetterKind::TicketConfirmation } else { LetterKind::TicketConfirmationUnverified };
        let values = self.values(&to.name, &link);
        // The name a stranger gave is theirs to claim, not ours to repeat in the address line.
        let to = if is_proved { to } else { Recipient { name: String::new(), ..to } };
        self.post(tx, kind, &to, values).map(|_| ())
    }

    fn answer(&self, tx: &mut Tx<'_>, message: Uuid) -> Result<()> {
        let message = query::message(tx, Id::from_uuid(message))?.or_not_found("message")?;
        let to = self.recipient(tx)?;
        let link = self.link(tx, &to)?;
        let mut values = self.values(&to.name, &link);
        values["author"] = message.author.name.clone().into();
        // What a rule says is said to the customer alone, as what it is: a program that answered it would get no answer.
        let automatic = message.author.kind == base::ActorKind::System;
        let kind = if automatic { LetterKind::TicketAutoAnswer } else { LetterKind::SupportTicketUpdate };
        let said = match reply::signature(tx, self.ticket)?.filter(|_| !automatic) {
            Some(signature) => format!("{}\n\n{signature}", message.body),
            None => message.body.clone(),
        };
        let files = files_of(&message);
        values["body"] = with_files(&said, &message, &files, Some(&link)).into();
        let copies = if automatic { Vec::new() } else { participants::of(tx, self.ticket.id)? };
        let cc = shown_copies(&copies)?;
        let shown = Shown { to: None, cc: cc.clone() };
        let along = Along { files: files.clone(), shown, unsubscribe: None };
        let letter = self.post_for(tx, kind, &to, values.clone(), Replier::Customer, along)?;
        store::set_delivery(tx, message.id, letter.status(), letter.id.uuid())?;
        if automatic {
            return Ok(());
        }
        // A copy holds the answer and no link: whoever gets it was shown this, not the ticket. Who has no account reads the
        // language of the customer they wrote with.
        values["body"] = with_files(&said, &message, &files, None).into();
        // To is the customer in every copy, so that an answer to all goes to all who are not hidden.
        let name = if to.verified { to.name.clone() } else { String::new() };
        let shown = Shown { to: Some(Named { email: to.email.clone(), name }), cc };
        for copy in copies {
            values["name"] = copy.name.clone().into();
            let email: Email = copy.email.parse()?;
            let locale = account_of(tx, &email)?.map_or_else(|| to.locale.clone(), |u| u.locale);
            let to = Recipient {
                email,
                name: copy.name,
                locale,
                verified: false,
                staff: None,
                is_internal: false,
            };
            let along = Along { files: files.clone(), shown: shown.clone(), unsubscribe: None };
            self.post_for(tx, LetterKind::TicketCopy, &to, values.clone(), Replier::Customer, along)?;
        }
        Ok(())
    }

    /// To somebody outside: what the agent chose to show them, and a link to answer by.
    fn forward(&self, tx: &mut Tx<'_>, id: Id<super::Forward>) -> Result<()> {
        let forward = get_forward(tx, id)?;
        if forward.revoked_at.is_some() {
            return Ok(());
        }
        let message = query::message(tx, forward.message_id)?.or_not_found("message")?;
        let token = new_token(tx, id)?;
        let link = format!("{}/help/forward/{}", self.links.base(self.tenant), token.reveal());
        let mut values = self.values("", &link);
        values["body"] = message.body.clone().into();
        values["author"] = message.author.name.clone().into();
        let email: Email = forward.to_email.parse()?;
        let locale =
            account_of(tx, &email)?.map_or_else(|| self.tenant.settings.locale.clone(), |u| u.locale);
        let to = Recipient {
            email,
            name: String::new(),
            locale,
            verified: false,
            staff: None,
            is_internal: false,
        };
        let files = files_of(&message);
        values["body"] = with_files(&message.body, &message, &files, Some(&link)).into();
        let along = Along { files, ..Along::default() };
        let letter =
            self.post_for(tx, LetterKind::TicketForward, &to, values, Replier::Forward(id), along)?;
        store::set_delivery(tx, message.id, letter.status(), letter.id.uuid())
    }

    fn tell_mentioned(&self, tx: &mut Tx<'_>, message: Uuid, to: &[Uuid]) -> Result<()> {
        let message = query::message(tx, Id::from_uuid(message))?.or_not_found("message")?;
        let title = format!("{} called you on {}", message.author.name, self.ticket.ticket_number);
        for id in to {
            let user = users::get(tx, Id::from_uuid(*id))?;
            if user.disabled_at.is_none() {
                self.tell(tx, &user, LetterKind::TicketMention, &title, Said::of(&message))?;
            }
        }
        Ok(())
    }

    fn resolved(&self, tx: &mut Tx<'_>) -> Result<()> {
        let head = query::get(tx, self.ticket.head())?;
        // Reopened meanwhile: nothing to say.
        if head.status != Status::Resolved {
            return Ok(());
        }
        let to = self.recipient(tx)?;
        let link = self.link(tx, &to)?;
        let values = self.values(&to.name, &link);
        self.post(tx, LetterKind::TicketResolved, &to, values)?;
        crate::csat::jobs::ask_later(tx, &self.tenant.settings, &head)
    }

    fn tell(
        &self,
        tx: &mut Tx<'_>,
        user: &User,
        kind: LetterKind,
        title: &str,
        said: Said<'_>,
    ) -> Result<()> {
        // Also of a ticket they had once, or watched.
        if !query::get(tx, self.ticket.head())?.is_visible_to_user(user) {
            return Ok(());
        }
        inbox::notify(tx, user.id, kind.as_str(), title, Some(self.ticket.id.uuid()))?;
        let mut values = self.values(&user.name, "");
        values["author"] = said.author.into();
        values["body"] = said.body.into();
        let to = Recipient {
            email: user.email.clone(),
            name: user.name.clone(),
            locale: user.locale.clone(),
            verified: true,
            staff: Some(user.id),
            is_internal: said.is_internal,
        };
        self.post(tx, kind, &to, values).map(|_| ())
    }

    fn tell_the_team(&self, tx: &mut Tx<'_>) -> Result<()> {
        let members = match self.ticket.team_id {
            Some(team) => Some(teams::get(tx, team)?.members),
            None => None,
        };
        let title = format!("{}: {}", self.ticket.ticket_number, self.ticket.subject);
        let staff = users::staff(tx)?;
        let told = staff.iter().filter(|u| {
            let of_team = members.as_ref().map_or(u.role.sees_all_tickets(), |m| m.contains(&u.id));
            of_team && u.disabled_at.is_none() && self.ticket.assigned_to.is_none()
        });
        for user in told.take(TOLD_MAX) {
            let said = Said { author: "", body: &self.ticket.description, is_internal: false };
            self.tell(tx, user, LetterKind::TicketNew, &title, said)?;
        }
        Ok(())
    }

    fn tell_assignee(&self, tx: &mut Tx<'_>, assignee: Id<User>) -> Result<()> {
        let user = users::get(tx, assignee)?;
        let title = format!("{} is yours: {}", self.ticket.ticket_number, self.ticket.subject);
        let said = Said { author: &self.ticket.updated_by, body: "", is_internal: false };
        self.tell(tx, &user, LetterKind::TicketAssigned, &title, said)
    }

    fn tell_escalated(&self, tx: &mut Tx<'_>, to: Id<User>) -> Result<()> {
        let user = users::get(tx, to)?;
        if user.disabled_at.is_some() {
            return Ok(());
        }
        let title = format!("URGENT: {} needs attention: {}", self.ticket.ticket_number, self.ticket.subject);
        let said = Said { author: &self.ticket.updated_by, body: "", is_internal: false };
        self.tell(tx, &user, LetterKind::SupportTicketUrgent, &title, said)
    }

    /// The assignee hears of an answer; nobody's ticket is everybody's news in the queue already. Watchers hear too.
    fn tell_of_reply(&self, tx: &mut Tx<'_>, message: Uuid) -> Result<()> {
        let message = query::message(tx, Id::from_uuid(message))?.or_not_found("message")?;
        let head = query::get(tx, self.ticket.head())?;
        let mut told: Vec<Id<User>> = query::extras(tx, &[self.ticket.id, head.id])?
            .into_values()
            .flat_map(|extras| extras.watchers)
            .collect();
        told.extend(head.assigned_to);
        told.sort();
        told.dedup();
        let title = format!("{}: {} answered", self.ticket.ticket_number, message.author.name);
        for id in told {
            let user = users::get(tx, id)?;
            if user.disabled_at.is_none() {
                self.tell(tx, &user, LetterKind::SupportCustomerReply, &title, Said::of(&message))?;
            }
        }
        Ok(())
    }
}
