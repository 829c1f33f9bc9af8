//! Plays every script in the order of time, through the product's own verbs, so that histories are right.

use base::{Actor, Id, OrNotFound as _, Result, Timestamp, hours, minutes};
use db::{Tx, params};
use desk::tickets::{
    self, Channel, CloseReason, For, Link, Markdown, NewAttachment, NewMessage, NewTicket, Requester, Status,
    Ticket, TicketPatch, jobs::Announcer, portal::Viewer,
};
use engine::Inside as _;
use identity::{Links, Settings};
use notices::inbox;

use super::{
    chance::Chance,
    feedback::Feedback,
    people::{Cast, Person, STAFF, TECHNICIAN},
    script::{self, Act, Script},
};

const TICKETS: usize = 600;
/// The latest announcements of each sort become letters, so that the outbox has something to show; the rest of the
/// month's are forgotten: nobody wants three thousand letters from a demo.
const LOOKED_AT: u32 = 120;
const OF_EACH_SORT: usize = 4;

db::statements! {
    LATEST_ANNOUNCEMENTS = "select payload, run_at from jobs where tenant_id = ?1 and kind = ?2 order by run_at desc, id desc limit ?3";
    DROP_ANNOUNCEMENTS = "delete from jobs where tenant_id = ?1 and kind = ?2";
    // Of a month's letters, those that were not kept count as delivered.
    DELIVERED = "update messages set delivery = 'sent' where tenant_id = ?1 and delivery = 'queued' and letter_id is null";
}

pub struct Month<'a> {
    pub cast: Cast,
    pub chance: &'a Chance,
    pub settings: Settings,
    /// What customers attach, already stored.
    pub files: Vec<NewAttachment>,
    pub now: Timestamp,
}

/// Plays the month. Answers how many tickets there are.
pub fn play(tx: &mut Tx<'_>, month: &Month<'_>, links: &Links) -> Result<usize> {
    let scripts: Vec<Script> = (0..TICKETS)
        .map(|n| script::write(month.chance, &month.cast.people, month.moment(n), month.now))
        .collect();
    let mut order: Vec<(Timestamp, usize, usize)> = Vec::new();
    for (ticket, script) in scripts.iter().enumerate() {
        order.extend(script.acts.iter().enumerate().map(|(act, (at, _))| (*at, ticket, act)));
    }
    order.sort_unstable();
    let mut made: Vec<Option<Id<Ticket>>> = vec![None; TICKETS];
    let mut swept = month.now - hours(24 * 31);
    let mut feedback = Feedback::new(31);
    for (at, ticket, act) in order {
        while swept + hours(6) < at {
            swept += hours(6);
            tx.as_of(Actor::system(), swept, tickets::close_resolved)?;
        }
        feedback.play(tx, at)?;
        let act = &scripts[ticket].acts[act].1;
        month.act(tx, &scripts[ticket], at, act, &mut made[ticket])?;
        if let (Act::Settle { .. }, Some(id)) = (act, made[ticket]) {
            feedback.may_ask(at, ticket, id);
        }
    }
    feedback.end(tx, month)?;
    for colleague in &month.cast.staff {
        let id = colleague.id;
        tx.as_of(colleague.staff.actor.clone(), month.now - hours(20), |tx| inbox::mark_all_read(tx, id))?;
    }
    month.read_by_customers(tx, &scripts, &made)?;
    announce(tx, links)?;
    Ok(made.iter().flatten().count())
}

fn announce(tx: &mut Tx<'_>, links: &Links) -> Result<()> {
    let kind = <tickets::jobs::Announce as engine::Job>::KIND;
    let latest = tx.query_all(&LATEST_ANNOUNCEMENTS, params![kind, LOOKED_AT], |row| {
        Ok((row.get::<serde_json::Value>(0)?, row.get::<Timestamp>(1)?))
    })?;
    let sort = |job: &serde_json::Value| {
        job["news"].as_object().and_then(|news| news.keys().next().cloned()).unwrap_or_default()
    };
    let mut seen = std::collections::HashMap::<String, usize>::new();
    let mut kept: Vec<_> = latest
        .into_iter()
        .filter(|(job, _)| {
            let count = seen.entry(sort(job)).or_default();
            *count += 1;
            *count <= OF_EACH_SORT
        })
        .collect();
    kept.reverse();
    let announcer = Announcer { links: links.clone() };
    for (payload, at) in kept {
        let job = serde_json::from_value(payload).map_err(base::Error::from_source)?;
        tx.as_of(Actor::system(), at, |tx| announcer.run(tx, &job))?;
    }
    tx.execute(&DROP_ANNOUNCEMENTS, params![kind])?;
    tx.execute(&DELIVERED, params![]).map(|_| ())
}

impl Month<'_> {
    /// When the n-th ticket is filed: by day much, by night little, and some just now.
    fn moment(&self, n: usize) -> Timestamp {
        const BY_HOUR: [u64; 24] = [1, 1, 1, 1, 1, 1, 3, 6, 9, 10, 10, 8, 6, 6, 7, 7, 7, 7, 8, 8, 7, 5, 3, 2];
        if n < 14 {
            return self.now - minutes(self.chance.between(3, 200));
        }
        let hour = i64::try_from(self.chance.weighted(BY_HOUR.into_iter())).unwrap_or(12);
        let day = self.now.as_second().div_euclid(86_400) - self.chance.between(0, 29);
        let second = day * 86_400 + hour * 3600 + self.chance.between(0, 3599);
        let at = Timestamp::from_second(second).unwrap_or(self.now);
        if at < self.now { at } else { at - hours(24) }
    }

    fn act(
        &self,
        tx: &mut Tx<'_>,
        script: &Script,
        at: Timestamp,
        act: &Act,
        made: &mut Option<Id<Ticket>>,
    ) -> Result<()> {
        let person = &self.cast.people[script.person];
        if let Act::File = act {
            *made = Some(self.file(tx, script, person, at)?);
            return Ok(());
        }
        let id = (*made).or_not_found("ticket")?;
        let patch = |tx: &mut Tx<'_>, by: usize, patch: TicketPatch| {
            let staff = &self.cast.staff[by].staff;
            let done =
                tx.as_of(staff.actor.clone(), at, |tx| tickets::change(tx, &self.settings, staff, id, patch));
            done.map(|_| ())
        };
        match act {
            Act::File => Ok(()),
            Act::Claim { by } => {
                let to = Some(Some(self.cast.staff[*by].id));
                patch(
                    tx,
                    *by,
                    TicketPatch { assigned_to: to, tags: self.tags(script), ..TicketPatch::default() },
                )
            }
            Act::Assign { by, to } => {
                let (by, to) = (*by, &self.cast.staff[*to]);
                patch(tx, by, TicketPatch { assigned_to: Some(Some(to.id)), ..TicketPatch::default() })?;
                self.notify(tx, at, to.id, "ticket_assigned", "is yours", script, id)
            }
            Act::Note { by, text } => {
                self.read(tx, *by, id)?;
                self.say(tx, at, *by, id, text, true, None)
            }
            Act::Answer { by, text, status } => self.say(tx, at, *by, id, text, false, *status),
            Act::Settle { by, text, notes } => {
                self.say(tx, at, *by, id, text, false, None)?;
                let patch_to = TicketPatch {
                    status: Some(Status::Resolved),
                    resolution_notes: Some(Some(notes.clone())),
                    ..TicketPatch::default()
                };
                patch(tx, *by, patch_to)
            }
            Act::Close { by, reason } => {
                self.read(tx, *by, id)?;
                // An admin closes what is nobody's or somebody else's.
                let by = if *reason == CloseReason::Solved { *by } else { 0 };
                let to = TicketPatch {
                    status: Some(Status::Closed),
                    close_reason: Some(*reason),
                    ..TicketPatch::default()
                };
                patch(tx, by, to)
            }
            Act::Escalate { by } => {
                let to = Some(Some(self.cast.staff[0].id));
                patch(tx, *by, TicketPatch { escalated_to_user_id: to, ..TicketPatch::default() })
            }
            Act::Archive => {
                let closed = tickets::query::get(tx, id)?.status == Status::Closed;
                let to = TicketPatch { status: Some(Status::Archived), ..TicketPatch::default() };
                if closed { patch(tx, 0, to) } else { Ok(()) }
            }
            Act::Confirm => {
                let viewer = viewer(person, id);
                tx.as_of(person.actor(), at, |tx| tickets::confirm(tx, &viewer, id, None)).map(|_| ())
            }
            Act::Reply { text, with_file } => {
                let (viewer, body) = (viewer(person, id), Markdown::parse("body", text)?);
                let files = self.files_of(script, *with_file);
                let (ticket, _) = tx.as_of(person.actor(), at, |tx| {
                    tickets::customer_reply(tx, &self.settings, &viewer, id, body, files, None)
                })?;
                match ticket.assigned_to {
                    Some(agent) => {
                        self.notify(tx, at, agent, "support_customer_reply", "was answered", script, id)
                    }
                    None => Ok(()),
                }
            }
        }
    }

    fn file(&self, tx: &mut Tx<'_>, script: &Script, person: &Person, at: Timestamp) -> Result<Id<Ticket>> {
        let channel = if script.by_phone.is_some() { Channel::Phone } else { Channel::Portal };
        let links = if self.chance.percent(15) {
            let id = (4000 + script.person).to_string();
            vec![Link { kind: "contract".into(), id, label: person.plan.to_owned() }]
        } else {
            Vec::new()
        };
        let new = NewTicket {
            category: Some(script.story.category.to_owned()),
            priority: script.priority,
            ticket_type: script.story.ticket_type,
            attachments: self.files_of(script, script.with_file),
            team_id: self.cast.teams.get(script.story.team).copied(),
            context: serde_json::json!({ "plan": person.plan }),
            links,
            ..NewTicket::new(&script.subject, &script.opening, channel)?
        };
        let requester =
            Requester { email: person.email.clone(), name: person.name.clone(), user_id: person.user };
        let (actor, staff, whom) = match script.by_phone {
            Some(by) => {
                let staff = &self.cast.staff[by].staff;
                let whom = For::Customer { customer: person.customer, spoke_first: false };
                (staff.actor.clone(), Some(staff), whom)
            }
            None if person.user.is_some() => (person.actor(), None, For::Themselves(requester)),
            None => (Actor::anonymous(), None, For::Stranger(requester)),
        };
        let ticket = tx.as_of(actor, at, |tx| tickets::create(tx, &self.settings, staff, whom, new))?;
        for (colleague, (.., team)) in self.cast.staff.iter().zip(STAFF).take(TECHNICIAN) {
            if team == script.story.team {
                self.notify(tx, at, colleague.id, "ticket_new", "is new", script, ticket.id)?;
            }
        }
        Ok(ticket.id)
    }

    #[allow(clippy::too_many_arguments)]
    fn say(
        &self,
        tx: &mut Tx<'_>,
        at: Timestamp,
        by: usize,
        id: Id<Ticket>,
        text: &str,
        is_internal: bool,
        status: Option<Status>,
    ) -> Result<()> {
        let staff = &self.cast.staff[by].staff;
        let body = Markdown::parse("body", text)?;
        let new = NewMessage {
            body,
            is_internal,
            attachments: Vec::new(),
            status,
            expected_version: None,
            addressed_to: None,
        };
        let said = tx
            .as_of(staff.actor.clone(), at, |tx| tickets::staff_message(tx, &self.settings, staff, id, new));
        said.map(|_| ())
    }

    fn read(&self, tx: &mut Tx<'_>, by: usize, id: Id<Ticket>) -> Result<()> {
        tickets::mark_read_by_staff(tx, &self.cast.staff[by].staff, id)
    }

    /// People have read what is older than two days.
    fn read_by_customers(
        &self,
        tx: &mut Tx<'_>,
        scripts: &[Script],
        made: &[Option<Id<Ticket>>],
    ) -> Result<()> {
        for (script, id) in scripts.iter().zip(made) {
            let person = &self.cast.people[script.person];
            let Some(id) = id.filter(|_| person.user.is_some()) else { continue };
            let ticket = tickets::query::get(tx, id)?;
            let hidden = ticket.close_reason == Some(CloseReason::Spam);
            if !hidden && ticket.last_message_at + hours(48) < self.now {
                tickets::portal::mark_read(tx, &viewer(person, id), id)?;
            }
        }
        Ok(())
    }

    /// A notice inside the product, for what happened in the last days.
    #[allow(clippy::too_many_arguments)]
    fn notify(
        &self,
        tx: &mut Tx<'_>,
        at: Timestamp,
        to: Id<identity::User>,
        kind: &str,
        what: &str,
        script: &Script,
        id: Id<Ticket>,
    ) -> Result<()> {
        if at + hours(48) < self.now {
            return Ok(());
        }
        let number = tickets::query::get(tx, id)?.ticket_number;
        let title = format!("{number} {what}: {}", script.subject);
        tx.as_of(Actor::system(), at, |tx| inbox::notify(tx, to, kind, &title, Some(id.uuid())))
    }

    fn tags(&self, script: &Script) -> Option<Vec<String>> {
        let tags: Vec<String> = script.story.tags.iter().map(|t| (*t).to_owned()).collect();
        self.chance.percent(60).then_some(tags)
    }

    fn files_of(&self, script: &Script, wanted: bool) -> Vec<NewAttachment> {
        let file = script.story.file.filter(|_| wanted).and_then(|index| self.files.get(index));
        file.cloned().into_iter().collect()
    }
}

fn viewer(person: &Person, ticket: Id<Ticket>) -> Viewer {
    match person.user {
        Some(user) => Viewer::User { user, customer: Some(person.customer.uuid()) },
        None => Viewer::Link { ticket },
    }
}
