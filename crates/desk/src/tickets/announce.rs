//! Who is told what of a ticket, as letters and as notices in the product.

use base::{Email, Id, OrNotFound, Result};
use crm::customers;
use db::{Read, Tx};
use identity::{Links, TenantRecord, Token, User, users};
use notices::{
    inbox,
    letters::{self, LetterFile, LetterKind, Named, NewLetter, Posted, Shown},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    letter_files::{files_of, with_files},
    model::*,
    ops::{get_forward, new_token},
    participants, query, store, words,
};
use crate::intake::reply::{self, Replier};

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

pub(super) struct About<'a> {
    pub ticket: &'a Ticket,
    pub tenant: &'a TenantRecord,
    pub links: &'a Links,
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
struct Said<'a> {
    author: &'a str,
    /// Markdown.
    body: String,
    is_internal: bool,
}

impl<'a> Said<'a> {
    fn of(read: &Read<'_>, message: &'a Message) -> Result<Self> {
        let body = words::as_markdown(read, message)?;
        Ok(Self { author: &message.author.name, body, is_internal: message.is_internal })
    }
    /// Something was done, and nothing said.
    fn nothing(author: &'a str) -> Self {
        Self { author, body: String::new(), is_internal: false }
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
            "count": 1,
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
        let letter = self.letter(tx, kind, to, values, replier, along)?;
        letters::post(tx, letter)
    }

    fn letter(
        &self,
        tx: &mut Tx<'_>,
        kind: LetterKind,
        to: &Recipient,
        values: serde_json::Value,
        replier: Replier,
        along: Along,
    ) -> Result<NewLetter> {
        let thread = reply::headers(tx, self.ticket, &to.email, replier)?;
        Ok(NewLetter {
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
        })
    }

    pub fn confirm(&self, tx: &mut Tx<'_>, is_proved: bool) -> Result<()> {
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

    pub fn answer(&self, tx: &mut Tx<'_>, message: Uuid) -> Result<()> {
        let message = query::message(tx, Id::from_uuid(message))?.or_not_found("message")?;
        let to = self.recipient(tx)?;
        let link = self.link(tx, &to)?;
        let mut values = self.values(&to.name, &link);
        values["author"] = message.author.name.clone().into();
        // What a rule says is said to the customer alone, as what it is: a program that answered it would get no answer.
        let automatic = message.author.kind == base::ActorKind::System;
        let kind = if automatic { LetterKind::TicketAutoAnswer } else { LetterKind::SupportTicketUpdate };
        let words = words::as_markdown(tx, &message)?;
        let said = match reply::signature(tx, self.ticket)?.filter(|_| !automatic) {
            Some(signature) => format!("{words}\n\n{signature}"),
            None => words,
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
        values["link"] = "".into();
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
    pub fn forward(&self, tx: &mut Tx<'_>, id: Id<super::Forward>) -> Result<()> {
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

    pub fn tell_mentioned(&self, tx: &mut Tx<'_>, message: Uuid, to: &[Uuid]) -> Result<()> {
        let message = query::message(tx, Id::from_uuid(message))?.or_not_found("message")?;
        let title = format!("{} called you on {}", message.author.name, self.ticket.ticket_number);
        let said = Said::of(tx, &message)?;
        for id in to {
            let user = users::get(tx, Id::from_uuid(*id))?;
            if user.disabled_at.is_none() {
                self.tell(tx, &user, LetterKind::TicketMention, &title, &said)?;
            }
        }
        Ok(())
    }

    pub fn resolved(&self, tx: &mut Tx<'_>) -> Result<()> {
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
        said: &Said<'_>,
    ) -> Result<()> {
        // Also of a ticket they had once, or watched.
        if !query::get(tx, self.ticket.head())?.is_visible_to_user(user) {
            return Ok(());
        }
        let (to, values) = self.notice(tx, user, kind, title, said)?;
        self.post(tx, kind, &to, values).map(|_| ())
    }

    /// Some of the team, who may see it, hear of a new ticket. It stands in the queue: no letter has to tell it. Answers whether each
    /// got one.
    pub fn tell_of_new(&self, tx: &mut Tx<'_>, team: &[&User]) -> Result<bool> {
        if team.is_empty() {
            return Ok(true);
        }
        let mut all = true;
        let kind = LetterKind::TicketNew;
        let title = format!("{}: {}", self.ticket.ticket_number, self.ticket.subject);
        let first = query::message(tx, self.ticket.first_message_id)?.or_not_found("message")?;
        let said = Said { author: "", is_internal: false, ..Said::of(tx, &first)? };
        for user in team {
            let (to, values) = self.notice(tx, user, kind, &title, &said)?;
            let make = |tx: &mut Tx<'_>| {
                self.letter(tx, kind, &to, values, Replier::of(kind, &to), Along::default())
            };
            all &= letters::post_dispensable(tx, kind, &user.email, make)?.is_some();
        }
        Ok(all)
    }

    /// A notice in the product, and what a letter of it is to hold.
    fn notice(
        &self,
        tx: &mut Tx<'_>,
        user: &User,
        kind: LetterKind,
        title: &str,
        said: &Said<'_>,
    ) -> Result<(Recipient, serde_json::Value)> {
        inbox::notify(tx, user.id, kind.as_str(), title, Some(self.ticket.id.uuid()))?;
        let mut values = self.values(&user.name, "");
        values["author"] = said.author.into();
        values["body"] = said.body.as_str().into();
        let to = Recipient {
            email: user.email.clone(),
            name: user.name.clone(),
            locale: user.locale.clone(),
            verified: true,
            staff: Some(user.id),
            is_internal: said.is_internal,
        };
        Ok((to, values))
    }

    pub fn tell_assignee(&self, tx: &mut Tx<'_>, assignee: Id<User>) -> Result<()> {
        let user = users::get(tx, assignee)?;
        let title = format!("{} is yours: {}", self.ticket.ticket_number, self.ticket.subject);
        self.tell(tx, &user, LetterKind::TicketAssigned, &title, &Said::nothing(&self.ticket.updated_by))
    }

    pub fn tell_escalated(&self, tx: &mut Tx<'_>, to: Id<User>) -> Result<()> {
        let user = users::get(tx, to)?;
        if user.disabled_at.is_some() {
            return Ok(());
        }
        let title = format!("URGENT: {} needs attention: {}", self.ticket.ticket_number, self.ticket.subject);
        self.tell(tx, &user, LetterKind::SupportTicketUrgent, &title, &Said::nothing(&self.ticket.updated_by))
    }

    /// The assignee hears of an answer; nobody's ticket is everybody's news in the queue already. Watchers hear too.
    pub fn tell_of_reply(&self, tx: &mut Tx<'_>, message: Uuid) -> Result<()> {
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
        let said = Said::of(tx, &message)?;
        for id in told {
            let user = users::get(tx, id)?;
            if user.disabled_at.is_none() {
                self.tell(tx, &user, LetterKind::SupportCustomerReply, &title, &said)?;
            }
        }
        Ok(())
    }
}
