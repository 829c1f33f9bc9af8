//! Whose a ticket is: claims, assignment, escalation.

use base::{Error, Id, Result};
use db::Tx;
use identity::{Staff, User, teams, users};

use super::{TicketPatch, line};
use crate::tickets::model::*;

/// Of two who claim at once one wins; the other learns who.
pub(super) fn check_claim(tx: &Tx<'_>, staff: &Staff, ticket: &Ticket, patch: &TicketPatch) -> Result<()> {
    let claims = patch.assigned_to.is_some_and(|to| staff.is_user(to)) && !staff.is_admin();
    match ticket.assigned_to {
        Some(holder) if claims && !staff.is_user(Some(holder)) => {
            let name = users::find(tx, holder)?.map_or_else(|| "somebody else".into(), |u| u.name);
            Err(Error::conflict("ticket.already_assigned", format!("{name} took this ticket already")))
        }
        _ => Ok(()),
    }
}

/// True when it was a claim: nobody's ticket, taken by the one who asks.
pub(super) fn assignment(
    tx: &mut Tx<'_>,
    staff: &Staff,
    t: &mut Ticket,
    patch: &TicketPatch,
) -> Result<bool> {
    let mut claimed = false;
    if let Some(to) = patch.assigned_to.filter(|to| *to != t.assigned_to) {
        if let Some(user) = to {
            check_assignee(tx, user)?;
        }
        claimed = t.assigned_to.is_none() && staff.is_user(to);
        let event = if claimed {
            "claimed"
        } else if to.is_some() {
            "assigned"
        } else {
            "unassigned"
        };
        line(tx, t.id, event, t.assigned_to.map(|u| u.to_string()), to.map(|u| u.to_string()), true, false)?;
        t.assigned_to = to;
    }
    if let Some(team) = patch.team_id.filter(|team| *team != t.team_id) {
        if let Some(team) = team {
            teams::check_there(tx, team)
                .map_err(|_| Error::field("team_id", "team.unknown", "there is no such team"))?;
        }
        line(
            tx,
            t.id,
            "team_changed",
            t.team_id.map(|x| x.to_string()),
            team.map(|x| x.to_string()),
            true,
            false,
        )?;
        t.team_id = team;
    }
    Ok(claimed)
}

pub fn check_assignee(tx: &Tx<'_>, user: Id<User>) -> Result<()> {
    match users::find_once(tx, user)? {
        Some(u) if u.role.is_staff() && u.disabled_at.is_none() => Ok(()),
        _ => Err(Error::field(
            "assigned_to",
            "assignee.unknown",
            "expected the id of an active member of staff, or null",
        )),
    }
}

pub(super) fn escalation(tx: &mut Tx<'_>, t: &mut Ticket, patch: &TicketPatch) -> Result<()> {
    let level = patch.escalation_level.unwrap_or(t.escalation_level);
    let to = patch.escalated_to_user_id.unwrap_or(t.escalated_to_user_id);
    if level == t.escalation_level && to == t.escalated_to_user_id {
        return Ok(());
    }
    if level > 9 {
        return Err(Error::field("escalation_level", "escalation_level.range", "a level from 0 to 9"));
    }
    if let Some(user) = to {
        check_assignee(tx, user).map_err(|e| e.on_field("escalated_to_user_id"))?;
    }
    // Naming a person without a level is the next level up.
    let level = if patch.escalation_level.is_none() && to.is_some() && to != t.escalated_to_user_id {
        (level + 1).min(9)
    } else {
        level
    };
    line(tx, t.id, "escalated", Some(t.escalation_level.to_string()), Some(level.to_string()), true, false)?;
    t.escalation_level = level;
    t.escalated_to_user_id = to;
    t.escalated_at = (level > 0).then(|| tx.now());
    Ok(())
}
