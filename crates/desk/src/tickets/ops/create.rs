use base::{ActorKind, Entropy, Error, Id, Result};
use crm::{CustomerRecord, customers};
use db::{Tx, dialect};
use engine::Enqueue;
use identity::{NumberStyle, Settings, Staff, User, teams::Team, users};
use uuid::Uuid;

use super::publish;
use crate::{
    categories,
    channels::MailChannel,
    tickets::{
        jobs::{Announce, News},
        model::*,
        search,
        store::{self, NewAudit},
    },
};

/// A ticket about to be filed. Texts are checked, Markdown is rendered, files are stored.
#[derive(Clone, Debug)]
pub struct NewTicket {
    pub subject: String,
    pub description: Markdown,
    pub category: Option<String>,
    pub priority: Priority,
    pub ticket_type: TicketType,
    pub channel: Channel,
    pub order_id: Option<Uuid>,
    pub links: Vec<Link>,
    pub tags: Vec<String>,
    pub context: serde_json::Value,
    pub attachments: Vec<NewAttachment>,
    pub assigned_to: Option<Id<User>>,
    pub team_id: Option<Id<Team>>,
    pub origin_type: Party,
    pub target_type: Party,
    pub follow_up_of: Option<Id<Ticket>>,
    /// The address it was mailed to.
    pub mail_channel_id: Option<Id<MailChannel>>,
    /// Whether its customer gets a letter that it has arrived.
    pub is_confirmed: bool,
    /// Whether the requester is who they say, so that a letter may repeat their words.
    pub is_proved: bool,
    /// Who the first message is by, where it was said before and elsewhere.
    pub author: Option<base::Actor>,
    /// Nobody is told.
    pub is_quiet: bool,
}

impl NewTicket {
    pub fn new(subject: &str, description: &str, channel: Channel) -> Result<Self> {
        Ok(Self {
            subject: base::text::line("subject", subject, 200)?,
            description: Markdown::parse("description", description)?,
            category: None,
            priority: Priority::Normal,
            ticket_type: TicketType::GeneralInquiry,
            channel,
            order_id: None,
            links: Vec::new(),
            tags: Vec::new(),
            context: serde_json::Value::Object(serde_json::Map::new()),
            attachments: Vec::new(),
            assigned_to: None,
            team_id: None,
            origin_type: Party::Customer,
            target_type: Party::Tenant,
            follow_up_of: None,
            mail_channel_id: None,
            is_confirmed: true,
            is_proved: true,
            author: None,
            is_quiet: false,
        })
    }
}

/// Who a ticket is for, and who spoke first.
#[derive(Clone, Debug)]
pub enum For {
    /// Somebody signed in, for themselves.
    Themselves(Requester),
    /// Somebody without an account: the address is a claim.
    Stranger(Requester),
    /// Staff, for a customer. `spoke_first` when the first message is the business's own.
    Customer { customer: Id<CustomerRecord>, spoke_first: bool },
    /// Staff, for an address that may have no record yet.
    Address { requester: Requester, spoke_first: bool },
}

/// A ticket that was just filed, with its first message and the first line of its history, as they were written: an
/// answer made of them needs no look back.
pub struct Filed {
    pub ticket: Ticket,
    pub message: Message,
    pub links: Vec<Link>,
    pub created: Id<Audit>,
}

/// [`file`], for those who want the ticket alone.
pub fn create(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: Option<&Staff>,
    whom: For,
    new: NewTicket,
) -> Result<Ticket> {
    file(tx, settings, staff, whom, new).map(|filed| filed.ticket)
}

/// Files a ticket: row, first message, history, event, and the job that will tell people, in one commit.
pub fn file(
    tx: &mut Tx<'_>,
    settings: &Settings,
    staff: Option<&Staff>,
    whom: For,
    new: NewTicket,
) -> Result<Filed> {
    let (customer, user_id, spoke_first) = match whom {
        For::Themselves(who) | For::Stranger(who) => {
            (customers::find_or_create(tx, &who.email, &who.name)?, who.user_id, false)
        }
        For::Address { requester, spoke_first } => (
            customers::find_or_create(tx, &requester.email, &requester.name)?,
            requester.user_id,
            spoke_first,
        ),
        For::Customer { customer, spoke_first } => {
            let found = customers::find(tx, customer)?;
            let found = found.ok_or_else(|| {
                Error::field("customer_id", "customer.unknown", "there is no such customer")
            })?;
            (found, None, spoke_first)
        }
    };
    let category = match new.category {
        Some(category) => categories::check(tx, &category)?,
        None => categories::fallback(tx)?,
    };
    if let Some(assignee) = new.assigned_to {
        super::change::check_assignee(tx, assignee)?;
    }
    let blocked = staff.is_none() && super::spam::is_blocked(tx, &customer.email)?;
    let (id, first): (Id<Ticket>, Id<Message>) = (tx.new_id(), tx.new_id());
    let (now, actor) = (tx.now(), tx.actor().clone());
    let claimed = staff.is_some_and(|s| s.is_user(new.assigned_to));
    let status = match (claimed || (spoke_first && staff.is_some()), new.assigned_to) {
        (true, _) => Status::InProgress,
        (false, Some(_)) => Status::Open,
        (false, None) => Status::New,
    };
    let inbound = !spoke_first;
    let mut ticket = Ticket {
        id,
        ticket_number: number(tx, settings)?,
        subject: new.subject,
        description: new.description.source.clone(),
        status,
        public_status: status,
        priority: new.priority,
        category,
        ticket_type: new.ticket_type,
        channel: new.channel,
        customer_id: customer.id,
        user_id,
        user_email: customer.email.as_str().to_owned(),
        order_id: new.order_id,
        assigned_to: new.assigned_to,
        team_id: new.team_id,
        origin_type: if spoke_first { Party::Tenant } else { new.origin_type },
        target_type: if spoke_first { Party::Customer } else { new.target_type },
        unread_by_agent: u32::from(inbound && staff.is_none()),
        unread_by_customer: u32::from(spoke_first),
        message_count: 1,
        public_message_count: 1,
        last_message_at: now,
        due_at: now + new.priority.due_after(),
        first_response_at: None,
        resolution_time_minutes: None,
        last_reminder_at: None,
        reminder_count: 0,
        escalation_level: 0,
        escalated_at: None,
        escalated_to_user_id: None,
        resolved_at: None,
        closed_at: None,
        close_reason: None,
        resolution_notes: None,
        ai_summary: None,
        ai_confidence_score: None,
        ai_first_response_time: None,
        ai_auto_resolved: false,
        context: new.context,
        first_message_id: first,
        follow_up_of: new.follow_up_of,
        version: 1,
        public_version: 1,
        public_updated_at: now,
        created_by_kind: actor.kind,
        created_by_id: actor.id,
        created_by: actor.name.clone(),
        updated_by: actor.name.clone(),
        created_at: now,
        updated_at: now,
        survivor_id: None,
        merged_count: 0,
        public_last_message_at: None,
        snoozed_at: None,
        snoozed_until: None,
        deleted_at: None,
        minutes_spent: 0,
        mail_channel_id: new.mail_channel_id,
    };
    store::insert(tx, &ticket)?;
    // What a customer said on the phone is the customer's message, written down by staff.
    let author = if let Some(author) = new.author {
        author
    } else if inbound && staff.is_some() {
        base::Actor { kind: ActorKind::Customer, id: Some(customer.id.uuid()), name: customer.name.clone() }
    } else if actor.kind == ActorKind::Anonymous {
        base::Actor { kind: ActorKind::Anonymous, id: None, name: customer.name.clone() }
    } else {
        actor
    };
    let message = Message {
        id: first,
        ticket_id: id,
        direction: if inbound { Direction::Inbound } else { Direction::Outbound },
        is_internal: false,
        author,
        body: new.description.source,
        body_html: new.description.html,
        delivery: if spoke_first && !new.is_quiet { "queued" } else { "none" }.into(),
        attachments: super::reply::attachments(tx, id, first, new.attachments),
        created_at: now,
    };
    store::insert_message(tx, &message)?;
    store::set_tags_of_new(tx, id, &new.tags)?;
    store::set_links_of_new(tx, id, &new.links, staff.is_none())?;
    search::filed(tx, &ticket, &message, &customer, &new.tags)?;
    let created = store::insert_audit(
        tx,
        id,
        NewAudit {
            event_type: "created",
            from: None,
            to: Some(db::Value::Text(status.as_str())),
            metadata: serde_json::json!({}),
            is_public: true,
        },
    )?;
    publish(tx, "ticket.created", &ticket, true)?;
    if blocked {
        super::spam::put_aside(tx, &mut ticket)?;
    } else if !new.is_quiet {
        tx.enqueue(&Announce {
            ticket: id,
            news: News::Created {
                first: first.uuid(),
                spoke_first,
                is_confirmed: new.is_confirmed,
                is_proved: new.is_proved,
            },
        })?;
    }
    Ok(Filed { ticket, message, links: new.links, created })
}

fn number(tx: &mut Tx<'_>, settings: &Settings) -> Result<String> {
    match settings.ticket_number_style {
        NumberStyle::Sequential => Ok(format!("SUP-{:05}", dialect::next_number(tx, "ticket")?)),
        NumberStyle::Random => Ok(format!("TCK-{}", random_suffix(tx.entropy()))),
    }
}

/// Twelve characters of 32: 60 random bits; the unique index would catch the twin that never comes.
fn random_suffix(entropy: &dyn Entropy) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut bytes = [0; 12];
    entropy.fill(&mut bytes);
    bytes.iter().map(|b| char::from(ALPHABET[usize::from(*b & 31)])).collect()
}

/// The user of an address, when there is one, so that a ticket filed by staff is theirs too.
pub fn user_of(read: &db::Read<'_>, email: &base::Email) -> Result<Option<Id<User>>> {
    Ok(users::find_by_email(read, email)?.filter(|u| u.verified_at.is_some()).map(|u| u.id))
}
