//! Looking, deciding, doing: the rules that a change or the clock started, on one ticket.

use base::{ActorKind, Id, Kind, Result, Timestamp};
use db::{Tx, params};
use identity::{TenantRecord, tenants};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    actions,
    conditions::{Facts, Verdict, judge},
    log::{self, NewRun, Outcome, Run},
    model::*,
    store, watch,
};
use crate::{
    Ticket,
    tickets::{self, Direction, Message},
};

/// Changes made by rules, one starting the next, at most.
const DEPTH_MAX: usize = 10;
/// How often rules may fire on one ticket in an hour.
const BUDGET: u32 = 30;

db::statements! {
    LINES = "select event_type, metadata, created_at from ticket_audits where tenant_id = ?1 and ticket_id = ?2 and change_id = ?3 order by id";
}

/// Why rules look now.
struct Cause {
    id: Uuid,
    at: Timestamp,
    happenings: Vec<Happening>,
    message: Option<Message>,
}

/// Lets every rule that a change started look at its ticket, in order.
pub(super) fn change(tx: &mut Tx<'_>, ticket: Id<Ticket>, change: Uuid) -> Result<()> {
    let Some(cause) = cause_of(tx, ticket, change)? else { return Ok(()) };
    let Some(head) = lock(tx, ticket)? else { return Ok(()) };
    let tenant = tenants::get(tx, tx.tenant()?)?;
    let (before, depth) = log::chain(tx, change, DEPTH_MAX)?;
    let automatic = is_automatic(&head, &cause);
    for rule in store::on(tx)? {
        let Trigger::Event { events } = &rule.definition.trigger else { continue };
        let started: Vec<&'static str> =
            cause.happenings.iter().filter(|h| events.contains(h)).map(|h| h.as_str()).collect();
        let is_new = rule.active_since.is_some_and(|since| since <= cause.at);
        if started.is_empty() || !is_new || log::has_run(tx, rule.id, head.id, cause.id)? {
            continue;
        }
        let guard = if automatic {
            Some("automatic_sender")
        } else if before.contains(&rule.id) {
            Some("repeats")
        } else if depth >= DEPTH_MAX {
            Some("too_deep")
        } else {
            None
        };
        let look = Look { rule: &rule, cause: cause.id, started: &started, guard };
        if look.at(tx, &tenant, head.id, cause.message.as_ref())? {
            break;
        }
    }
    Ok(())
}

/// Lets a time-based rule look at a ticket whose timer ran out.
pub(super) fn timer(tx: &mut Tx<'_>, rule: Id<Rule>, ticket: Id<Ticket>, anchor_at: Timestamp) -> Result<()> {
    // The ticket first, as every change of it does, so that two of them cannot wait for each other.
    let held = tickets::lock(tx, ticket)?;
    // While a ticket is put aside its timers wait: they are due when it comes back.
    let Some(held) = held.filter(|t| !t.is_aside()) else { return Ok(()) };
    if !store::take_timer(tx, rule, ticket, anchor_at)? {
        return Ok(());
    }
    let rule = store::get(tx, rule)?;
    let (Trigger::Time { anchor, .. }, true) = (&rule.definition.trigger, rule.enabled) else {
        return Ok(());
    };
    let cause = match anchor {
        // A due time may move away and come back, as when a change of priority is undone.
        Anchor::Due => cause_of_due(&rule, anchor_at),
        _ => tx.new_id::<Run>().uuid(),
    };
    if log::has_run(tx, rule.id, held.id, cause)? {
        return Ok(());
    }
    let tenant = tenants::get(tx, tx.tenant()?)?;
    let look = Look { rule: &rule, cause, started: &[anchor.as_str()], guard: None };
    look.at(tx, &tenant, held.id, None).map(|_| ())
}

/// Names a due time as what a rule was started by: the same each time the ticket is due then, until the rule is given another
/// trigger or is switched on anew.
fn cause_of_due(rule: &Rule, due: Timestamp) -> Uuid {
    let since = rule.active_since.unwrap_or_default().as_microsecond();
    let named = Sha256::new()
        .chain_update(rule.id.uuid().as_bytes())
        .chain_update(since.to_be_bytes())
        .chain_update(due.as_microsecond().to_be_bytes())
        .finalize();
    let mut first = [0; 16];
    first.copy_from_slice(&named[..16]);
    uuid::Builder::from_custom_bytes(first).into_uuid()
}

/// The ticket rules look at, held: the survivor of a merged one. None for what is deleted or spam.
fn lock(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<Option<Ticket>> {
    let Some(found) = tickets::lock(tx, ticket)? else { return Ok(None) };
    let head = if found.head() == found.id { Some(found) } else { tickets::lock(tx, found.head())? };
    Ok(head.filter(|t| !t.is_aside()))
}

/// What a change was, from the lines it wrote. Messages that a rule wrote start none.
fn cause_of(tx: &Tx<'_>, ticket: Id<Ticket>, change: Uuid) -> Result<Option<Cause>> {
    let lines = tx.query_all(&LINES, params![ticket, change], |row| {
        Ok((row.get::<String>(0)?, row.get::<serde_json::Value>(1)?, row.get::<Timestamp>(2)?))
    })?;
    let Some(at) = lines.first().map(|l| l.2) else { return Ok(None) };
    let mut cause = Cause { id: change, at, happenings: Vec::new(), message: None };
    for (event_type, metadata, _) in &lines {
        let id = metadata["message_id"].as_str().and_then(|m| m.parse::<Id<Message>>().ok());
        let message = match id {
            Some(id) => tickets::query::message(tx, id)?,
            None => None,
        };
        if message.as_ref().is_some_and(|m| m.author.kind == ActorKind::System) {
            continue;
        }
        for happening in watch::happenings(event_type) {
            let is = match (happening, &message) {
                (Happening::CustomerReplied, m) => {
                    m.as_ref().is_some_and(|m| m.direction == Direction::Inbound)
                }
                (Happening::StaffAnswered, m) => {
                    m.as_ref().is_some_and(|m| m.direction == Direction::Outbound)
                }
                _ => true,
            };
            if is && !cause.happenings.contains(happening) {
                cause.happenings.push(*happening);
            }
        }
        cause.message = message.or(cause.message);
    }
    Ok(Some(cause))
}

/// Whether a program's address wrote: answering it would be answered.
fn is_automatic(ticket: &Ticket, cause: &Cause) -> bool {
    let wrote = [Happening::TicketCreated, Happening::CustomerReplied];
    let name = ticket.user_email.split('@').next().unwrap_or_default().to_lowercase();
    let name = name.replace(['-', '_', '.'], "");
    cause.happenings.iter().any(|h| wrote.contains(h))
        && ["mailerdaemon", "postmaster", "noreply", "donotreply", "bounce", "bounces"]
            .contains(&name.as_str())
}

/// One look of one rule.
struct Look<'a> {
    rule: &'a Rule,
    cause: Uuid,
    started: &'a [&'static str],
    guard: Option<&'static str>,
}

impl Look<'_> {
    /// Looks, and does what the rule says where its conditions hold. True when no rule below shall look.
    fn at(
        &self,
        tx: &mut Tx<'_>,
        tenant: &TenantRecord,
        ticket: Id<Ticket>,
        message: Option<&Message>,
    ) -> Result<bool> {
        // Read anew: a rule before this one may have changed it.
        let ticket = tickets::query::get(tx, ticket)?;
        let tags = tickets::query::extras(tx, &[ticket.id])?.remove(&ticket.id).unwrap_or_default().tags;
        let body = message.map_or_else(|| ticket.description.clone(), |m| m.body.clone());
        let verdict =
            judge(&self.rule.definition, &Facts { ticket: ticket.clone(), tags, body, now: tx.now() });
        let run = tx.new_id::<Run>();
        if !verdict.holds {
            self.write(tx, run, &ticket, verdict, Outcome::NotFired, None, Vec::new())?;
            return Ok(false);
        }
        let guard = match self.guard {
            None if log::fired_lately(tx, ticket.id)? >= BUDGET => Some("budget"),
            guard => guard,
        };
        if let Some(reason) = guard {
            let reason = Some(reason.to_owned());
            self.write(tx, run, &ticket, verdict, Outcome::Stopped, reason, Vec::new())?;
            return Ok(false);
        }
        let did = tx.attempt(|tx| actions::perform(tx, self.rule, tenant, &ticket, run.uuid()));
        match did {
            Ok(did) => {
                self.write(tx, run, &ticket, verdict, Outcome::Fired, None, did)?;
                Ok(self.rule.definition.actions.contains(&Action::Stop))
            }
            Err(error) if is_refusal(error.kind()) => {
                let reason = Some(error.message().chars().take(500).collect());
                self.write(tx, run, &ticket, verdict, Outcome::Failed, reason, Vec::new())?;
                Ok(false)
            }
            // The whole look is tried again.
            Err(error) => Err(error),
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn write(
        &self,
        tx: &mut Tx<'_>,
        id: Id<Run>,
        ticket: &Ticket,
        verdict: Verdict,
        outcome: Outcome,
        reason: Option<String>,
        actions: Vec<log::Did>,
    ) -> Result<()> {
        let run = NewRun {
            id,
            rule: self.rule,
            ticket: ticket.id,
            cause: self.cause,
            started_by: self.started,
            outcome,
            reason,
            conditions: verdict.conditions,
            actions,
        };
        log::write(tx, run)
    }
}

/// What a verb says no to, however often it is asked.
fn is_refusal(kind: Kind) -> bool {
    matches!(kind, Kind::NotFound | Kind::Invalid | Kind::Conflict | Kind::Forbidden | Kind::Stale)
}
