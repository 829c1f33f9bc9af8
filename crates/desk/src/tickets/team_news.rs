//! What the team hears of new tickets that nobody has: of each by itself, or of many that came at once in one notice and one
//! letter. Such a letter names no subject and no customer: it belongs to no ticket, so it does not go with one.

use std::collections::HashMap;

use base::{Id, Result};
use db::Tx;
use identity::{Links, TenantRecord, User, teams, users};
use notices::{
    inbox,
    letters::{self, LetterKind, NewLetter},
};

use super::{announce::About, model::Ticket, query};

/// Of more than so many at once, a member of staff hears in one letter and one notice.
const SINGLY_MAX: usize = 3;
/// Staff told about a new ticket at most; a business with more has teams.
const TOLD_MAX: usize = 50;
/// Tickets a letter links to.
const LINKED_MAX: usize = 20;

/// The team is told of tickets that were filed about the same time, the oldest first.
pub(super) fn tell_the_team(
    tx: &mut Tx<'_>,
    tenant: &TenantRecord,
    links: &Links,
    tickets: &[Ticket],
) -> Result<()> {
    if tickets.iter().all(|t| t.assigned_to.is_some()) {
        return Ok(());
    }
    let staff: Vec<User> = users::staff(tx)?.into_iter().filter(|u| u.disabled_at.is_none()).collect();
    let mut of: HashMap<Id<User>, Vec<&Ticket>> = HashMap::new();
    for ticket in tickets {
        for user in told(tx, &staff, ticket)? {
            of.entry(user).or_default().push(ticket);
        }
    }
    let mut all_got_letters = true;
    for ticket in tickets {
        let hears = |u: &&User| of.get(&u.id).is_some_and(|all| all.len() <= SINGLY_MAX && has(all, ticket));
        let users: Vec<&User> = staff.iter().filter(hears).collect();
        all_got_letters &= About { ticket, tenant, links }.tell_of_new(tx, &users)?;
    }
    for user in &staff {
        if let Some(tickets) = of.get(&user.id).filter(|all| all.len() > SINGLY_MAX) {
            all_got_letters &= tell_of_many(tx, tenant, links, user, tickets)?;
        }
    }
    if all_got_letters { Ok(()) } else { letters::tell_of_pause(tx) }
}

fn has(all: &[&Ticket], ticket: &Ticket) -> bool {
    all.iter().any(|t| t.id == ticket.id)
}

/// Who of the staff hears of a ticket: its team, else whoever sees all of them.
fn told(tx: &Tx<'_>, staff: &[User], ticket: &Ticket) -> Result<Vec<Id<User>>> {
    if ticket.assigned_to.is_some() {
        return Ok(Vec::new());
    }
    let members = match ticket.team_id {
        Some(team) => Some(teams::get(tx, team)?.members),
        None => None,
    };
    let of_team = |u: &&User| members.as_ref().map_or(u.role.sees_all_tickets(), |m| m.contains(&u.id));
    let told: Vec<&User> = staff.iter().filter(of_team).take(TOLD_MAX).collect();
    // It may have been merged already.
    let head = if ticket.head() == ticket.id { ticket.clone() } else { query::get(tx, ticket.head())? };
    Ok(told.into_iter().filter(|u| head.is_visible_to_user(u)).map(|u| u.id).collect())
}

/// Answers whether there was a letter too.
fn tell_of_many(
    tx: &mut Tx<'_>,
    tenant: &TenantRecord,
    links: &Links,
    user: &User,
    tickets: &[&Ticket],
) -> Result<bool> {
    let (kind, count, base) = (LetterKind::TicketsNew, tickets.len(), links.base(tenant));
    let first: Vec<&str> = tickets.iter().take(2).map(|t| t.ticket_number.as_str()).collect();
    let title = format!("{count} new tickets: {} and {} more", first.join(", "), count - first.len());
    inbox::notify(tx, user.id, kind.as_str(), &title, None)?;
    let line = |t: &&Ticket| format!("- [{}]({base}/desk/tickets/{})", t.ticket_number, t.head());
    let mut lines: Vec<String> = tickets.iter().take(LINKED_MAX).map(line).collect();
    if count > LINKED_MAX {
        lines.push("- …".into());
    }
    let values = serde_json::json!({
        "name": user.name, "business": tenant.name, "banner": tenant.settings.notice_banner, "count": count,
        "body": lines.join("\n"), "link": "", "desk_link": format!("{base}/desk?view=unassigned"),
        "ticket_number": first.join(", "), "subject": "", "author": "", "requester": "", "priority": "", "category": "",
    });
    let to = NewLetter::to(kind, user.email.clone(), &user.name, &user.locale, links.domain(tenant));
    letters::post_dispensable(tx, kind, &user.email, |_| Ok(NewLetter { values, ..to }))
        .map(|posted| posted.is_some())
}
