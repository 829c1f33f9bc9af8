//! What a rule does: through the verbs that staff use, as the rule.

use base::{Actor, ActorKind, Id, Result, Role};
use db::{Read, Tx};
use identity::{Settings, Staff, TenantRecord, User, teams, teams::Team, users};
use notices::inbox;

use super::{
    assign::{self, By},
    log::Did,
    model::*,
};
use crate::{
    Ticket, macros,
    tickets::{self, Extras, Markdown, NewMessage, Status, TicketPatch},
};

/// Who a rule acts as, in histories.
pub fn actor(rule: &str) -> Actor {
    Actor { kind: ActorKind::System, id: None, name: format!("Rule: {rule}") }
}

fn staff(actor: Actor) -> Staff {
    Staff { user_id: None, role: Role::Admin, actor, read_only: false }
}

/// Members who get a notice at most.
const TOLD_MAX: usize = 50;

/// What a ticket's change by one rule is put together from, action by action.
struct Doing<'a> {
    rule: &'a Rule,
    tenant: &'a TenantRecord,
    ticket: Id<Ticket>,
    cause: String,
    patch: TicketPatch,
    /// The ticket as it will be, for the actions that follow.
    seen: Ticket,
    extras: Extras,
    did: Vec<Did>,
}

/// Does all of a rule's actions on a ticket, in order.
///
/// # Errors
/// What a verb refuses; nothing of the rule is to stay then.
pub fn perform(
    tx: &mut Tx<'_>,
    rule: &Rule,
    tenant: &TenantRecord,
    ticket: &Ticket,
    run: uuid::Uuid,
) -> Result<Vec<Did>> {
    let extras = tickets::query::extras(tx, &[ticket.id])?.remove(&ticket.id).unwrap_or_default();
    let mut doing = Doing {
        rule,
        tenant,
        ticket: ticket.id,
        cause: format!("rule:{run}"),
        patch: TicketPatch::default(),
        seen: ticket.clone(),
        extras,
        did: Vec::new(),
    };
    for action in &rule.definition.actions {
        doing.one(tx, action)?;
    }
    doing.save(tx)?;
    Ok(doing.did)
}

impl Doing<'_> {
    fn settings(&self) -> &Settings {
        &self.tenant.settings
    }

    fn note(&mut self, action: &Action, from: Option<String>, to: Option<String>) {
        let result = if from == to { "no_change" } else { "done" };
        self.did.push(Did { action: action.word().into(), result: result.into(), from, to });
    }

    fn one(&mut self, tx: &mut Tx<'_>, action: &Action) -> Result<()> {
        let (from, to) = plan(&self.seen, &self.extras, action);
        match action {
            Action::SetStatus(_) | Action::Close(_) => {
                let status = if let Action::SetStatus(s) = action { *s } else { Status::Closed };
                if status != self.seen.status {
                    self.patch.status = Some(status);
                    self.patch.close_reason = if let Action::Close(r) = action { Some(*r) } else { None };
                    self.seen.status = status;
                }
            }
            Action::SetPriority(p) => {
                self.patch.priority = Some(*p);
                self.seen.priority = *p;
            }
            Action::SetCategory(c) => {
                self.patch.category = Some(c.clone());
                self.seen.category.clone_from(c);
            }
            Action::SetTeam(team) => {
                self.patch.team_id = Some(*team);
                self.seen.team_id = *team;
            }
            Action::Assign(user) => self.give(*user),
            Action::AssignInTurn(team) | Action::AssignLeastBusy(team) => {
                return self.take_turn(tx, action, *team);
            }
            Action::AddTags(tags) => {
                self.extras.tags.extend(tags.iter().cloned());
                self.extras.tags.sort();
                self.extras.tags.dedup();
                self.patch.tags = Some(self.extras.tags.clone());
            }
            Action::RemoveTags(tags) => {
                self.extras.tags.retain(|t| !tags.contains(t));
                self.patch.tags = Some(self.extras.tags.clone());
            }
            Action::AddWatcher(user) => {
                if !self.extras.watchers.contains(user) {
                    self.extras.watchers.push(*user);
                }
                self.patch.watchers = Some(self.extras.watchers.clone());
            }
            Action::Escalate(user) => {
                self.seen.escalation_level = (self.seen.escalation_level + 1).min(9);
                self.patch.escalation_level = Some(self.seen.escalation_level);
                if user.is_some() {
                    self.patch.escalated_to_user_id = Some(*user);
                }
            }
            Action::AddNote(text) => self.say(tx, text, true)?,
            Action::Answer(text) => self.say(tx, text, false)?,
            Action::NotifyUser(user) => self.tell(tx, &[*user])?,
            Action::NotifyTeam(team) => {
                let members = teams::get(tx, *team)?.members;
                self.tell(tx, &members)?;
            }
            Action::Stop => {}
        }
        self.note(action, from, to);
        Ok(())
    }

    fn give(&mut self, user: Option<Id<User>>) {
        self.patch.assigned_to = Some(user);
        self.seen.assigned_to = user;
    }

    fn take_turn(&mut self, tx: &mut Tx<'_>, action: &Action, team: Option<Id<Team>>) -> Result<()> {
        let from = self.seen.assigned_to.map(|u| u.to_string());
        let by = by(action);
        let taken = match team.or(self.seen.team_id) {
            Some(team) => assign::take(tx, team, by)?,
            None => None,
        };
        let Some(user) = taken else {
            let did = Did { action: action.word().into(), result: "nobody_available".into(), from, to: None };
            self.did.push(did);
            return Ok(());
        };
        self.give(Some(user));
        self.note(action, from, Some(user.to_string()));
        Ok(())
    }

    /// Writes what was put together so far.
    fn save(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        let patch = std::mem::take(&mut self.patch);
        let actor = actor(&self.rule.name);
        let (settings, ticket) = (&self.tenant.settings, self.ticket);
        let after = tx.caused_by(actor.clone(), self.cause.clone(), |tx| {
            tickets::change(tx, settings, &staff(actor), ticket, patch)
        })?;
        self.seen = after;
        Ok(())
    }

    /// A text with its placeholders filled in. The agent is whoever has the ticket by now, or else the business.
    fn filled(&self, read: &Read<'_>, text: &str) -> Result<String> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        let name = match self.seen.assigned_to {
            Some(user) => users::get(read, user)?.name,
            None => self.tenant.name.clone(),
        };
        let agent = staff(Actor { kind: ActorKind::System, id: None, name });
        Ok(macros::fill_markdown(text, &macros::values(read, &agent, &self.seen)?))
    }

    /// A note is the rule's; an answer is the business's, whose customers know of no rules.
    fn say(&mut self, tx: &mut Tx<'_>, text: &str, is_internal: bool) -> Result<()> {
        self.save(tx)?;
        let actor = if is_internal {
            actor(&self.rule.name)
        } else {
            Actor { kind: ActorKind::System, id: None, name: self.tenant.name.clone() }
        };
        let text = self.filled(tx, text)?;
        let new = NewMessage {
            body: Markdown::parse("value", &text)?,
            is_internal,
            attachments: Vec::new(),
            status: None,
            expected_version: None,
            addressed_to: None,
        };
        let (settings, ticket) = (self.settings(), self.ticket);
        let (after, _) = tx.caused_by(actor.clone(), self.cause.clone(), |tx| {
            tickets::staff_message(tx, settings, &staff(actor), ticket, new)
        })?;
        self.seen = after;
        Ok(())
    }

    fn tell(&mut self, tx: &mut Tx<'_>, people: &[Id<User>]) -> Result<()> {
        let title = format!("{}: {} ({})", self.seen.ticket_number, self.seen.subject, self.rule.name);
        for id in people.iter().take(TOLD_MAX) {
            let user = users::find(tx, *id)?;
            if user.is_some_and(|u| u.disabled_at.is_none()) {
                inbox::notify(tx, *id, "rule", &title, Some(self.ticket.uuid()))?;
            }
        }
        Ok(())
    }
}

fn by(action: &Action) -> By {
    if matches!(action, Action::AssignInTurn(_)) { By::Turn } else { By::LeastBusy }
}

/// What an action changes, from and to; equal where it changes nothing.
fn plan(t: &Ticket, extras: &Extras, action: &Action) -> (Option<String>, Option<String>) {
    fn or_none<T>(id: Option<Id<T>>) -> String {
        id.map_or_else(|| "none".into(), |i| i.to_string())
    }
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut tags = extras.tags.clone();
        change(&mut tags);
        tags.sort();
        tags.dedup();
        (Some(extras.tags.join(", ")), Some(tags.join(", ")))
    };
    match action {
        Action::SetStatus(s) => (Some(t.status.to_string()), Some(s.to_string())),
        Action::Close(_) => (Some(t.status.to_string()), Some(Status::Closed.to_string())),
        Action::SetPriority(p) => (Some(t.priority.to_string()), Some(p.to_string())),
        Action::SetCategory(c) => (Some(t.category.clone()), Some(c.clone())),
        Action::SetTeam(team) => (Some(or_none(t.team_id)), Some(or_none(*team))),
        Action::Assign(user) => (Some(or_none(t.assigned_to)), Some(or_none(*user))),
        Action::AddTags(tags) => with(&|all| all.extend(tags.iter().cloned())),
        Action::RemoveTags(tags) => with(&|all| all.retain(|tag| !tags.contains(tag))),
        Action::AddWatcher(user) => {
            let watched = extras.watchers.contains(user).then(|| user.to_string());
            (watched, Some(user.to_string()))
        }
        Action::Escalate(_) => {
            let level = t.escalation_level;
            (Some(level.to_string()), Some((level + 1).min(9).to_string()))
        }
        Action::AddNote(text) | Action::Answer(text) => (None, Some(text.chars().take(200).collect())),
        Action::NotifyUser(_) | Action::NotifyTeam(_) => (None, Some(action.value())),
        Action::AssignInTurn(_) | Action::AssignLeastBusy(_) | Action::Stop => (None, Some(action.value())),
    }
}

/// What the actions would do to a ticket as it stands, without doing any of it.
pub fn foresee(read: &Read<'_>, d: &Definition, t: &Ticket, extras: &Extras) -> Result<Vec<Did>> {
    let mut team = t.team_id;
    let mut out = Vec::with_capacity(d.actions.len());
    for action in &d.actions {
        if let Action::SetTeam(to) = action {
            team = *to;
        }
        let (from, to) = match action {
            Action::AssignInTurn(of) | Action::AssignLeastBusy(of) => {
                let next = match of.or(team) {
                    Some(team) => assign::peek(read, team, by(action))?,
                    None => None,
                };
                (t.assigned_to.map(|u| u.to_string()), next.map(|u| u.to_string()))
            }
            other => plan(t, extras, other),
        };
        let nobody = matches!(action, Action::AssignInTurn(_) | Action::AssignLeastBusy(_)) && to.is_none();
        let result = if nobody {
            "nobody_available"
        } else if from == to {
            "no_change"
        } else {
            "done"
        };
        out.push(Did { action: action.word().into(), result: result.into(), from, to });
    }
    Ok(out)
}
