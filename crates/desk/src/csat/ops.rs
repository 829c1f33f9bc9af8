use base::{Error, Id, OrNotFound, Result, Timestamp};
use db::{Row, Tx, params};
use identity::{Token, teams::Team};
use notices::inbox;

use super::model::*;
use crate::tickets::{self, Ticket, query};

db::statements! {
    INSERT = "insert into surveys (tenant_id, id, ticket_id, token_hash, agent_id, team_id, comment, asked_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, '', ?7) on conflict (tenant_id, ticket_id) do nothing";
    BY_TOKEN = "select id, ticket_id, ticket_number, subject, score, comment, answered_at from portal_surveys where tenant_id = ?1 and token_hash = ?2";
    ANSWER = "update surveys set score = ?3, comment = ?4, answered_at = coalesce(answered_at, ?5) where tenant_id = ?1 and id = ?2";
    FORGET = "delete from surveys where tenant_id = ?1 and ticket_id = ?2";
    OF_TEAM = "update surveys set team_id = null where tenant_id = ?1 and team_id = ?2";
}

fn map(row: &Row<'_>) -> Result<Survey> {
    let mut c = row.columns();
    let (id, ticket_id, ticket_number, subject) = (c.next()?, c.next()?, c.next()?, c.next()?);
    let (score, comment, answered_at): (Option<i64>, String, Option<Timestamp>) =
        (c.next()?, c.next()?, c.next()?);
    let answer = match (score, answered_at) {
        (Some(score), Some(answered_at)) => Some(Answer { score: check_score(score)?, comment, answered_at }),
        _ => None,
    };
    Ok(Survey { id, ticket_id, ticket_number, subject, answer })
}

/// Writes down that a ticket's customer is asked, and answers the key of the link; none when they were asked before.
pub fn ask(tx: &mut Tx<'_>, ticket: &Ticket) -> Result<Option<Token>> {
    let token = Token::random("cfs_", tx.entropy());
    let (id, now): (Id<Survey>, _) = (tx.new_id(), tx.now());
    let asked =
        tx.execute(&INSERT, params![id, ticket.id, token.hash(), ticket.assigned_to, ticket.team_id, now])?;
    Ok((asked == 1).then_some(token))
}

/// The question behind a link.
///
/// # Errors
/// Not found.
pub fn asked(read: &db::Read<'_>, token: &str) -> Result<Survey> {
    let token = Token::parse(token).or_not_found("survey")?;
    read.query_one(&BY_TOKEN, params![token.hash()], map)?.or_not_found("survey")
}

/// Takes an answer, or another one while it can be changed. The same again changes nothing.
///
/// # Errors
/// Not found; `score.range`, `text.too_long`; `survey.over` when it stands.
pub fn answer(tx: &mut Tx<'_>, token: &str, score: i64, comment: &str) -> Result<Survey> {
    let survey = asked(tx, token)?;
    let (score, comment) = (check_score(score)?, check_comment(comment)?);
    let now = tx.now();
    let first = survey.answer.is_none();
    if let Some(before) = &survey.answer {
        if (before.score, &before.comment) == (score, &comment) {
            return Ok(survey);
        }
        if before.answered_at + base::hours(24 * CHANGEABLE_DAYS) < now {
            return Err(Error::conflict(
                "survey.over",
                "this answer was given a while ago and stands as it is",
            ));
        }
    }
    tx.execute(&ANSWER, params![survey.id, i64::from(score), comment, now])?;
    let ticket = query::get(tx, survey.ticket_id)?;
    tickets::rated(tx, &ticket, survey.answer.as_ref().map(|a| a.score), score)?;
    // Once: somebody who corrects a word is not another unhappy customer.
    let unhappy = score < SATISFIED - 1;
    if let Some(assignee) = ticket.assigned_to.filter(|_| unhappy && first) {
        let title = format!("{}: the customer is not happy", ticket.ticket_number);
        inbox::notify(tx, assignee, "csat_answered", &title, Some(ticket.id.uuid()))?;
    }
    asked(tx, token)
}

/// Whether the customer behind a link is asked no more.
///
/// # Errors
/// Not found.
pub fn is_stopped(read: &db::Read<'_>, token: &str) -> Result<bool> {
    let ticket = query::get(read, asked(read, token)?.ticket_id)?;
    crm::customers::has_surveys_off(read, ticket.customer_id)
}

/// The customer behind a link is asked no more, about this ticket or another; or is asked again.
///
/// # Errors
/// Not found.
pub fn stop(tx: &mut Tx<'_>, token: &str, is_off: bool) -> Result<()> {
    let ticket = query::get(tx, asked(tx, token)?.ticket_id)?;
    crm::customers::set_surveys_off(tx, ticket.customer_id, is_off)
}

/// A team that is about to be deleted is no longer named.
pub fn leave_team(tx: &mut Tx<'_>, team: Id<Team>) -> Result<()> {
    tx.execute(&OF_TEAM, params![team]).map(|_| ())
}

/// What the customer of a ticket said, when what was said on it goes.
pub fn forget_ticket(tx: &mut Tx<'_>, ticket: Id<Ticket>) -> Result<()> {
    tx.execute(&FORGET, params![ticket]).map(|_| ())
}
