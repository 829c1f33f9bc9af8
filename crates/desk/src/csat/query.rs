//! What customers said: of one ticket, and over a range.

use base::{Id, Result, Timestamp};
use db::{Read, params};
use serde::Serialize;

use super::model::*;
use crate::tickets::Ticket;

db::statements! {
    OF_TICKET = "select score, comment, answered_at from surveys where tenant_id = ?1 and ticket_id = ?2 and answered_at is not null";
    ASKED = "select count(*) from surveys where tenant_id = ?1 and asked_at >= ?2 and asked_at < ?3";
    SCORES = "select score, count(*) from surveys where tenant_id = ?1 and answered_at >= ?2 and answered_at < ?3 group by score";
    COMMENTS = "select s.ticket_id, t.ticket_number, t.subject, s.score, s.comment, s.answered_at from surveys s
        join tickets t on t.tenant_id = s.tenant_id and t.id = s.ticket_id
        where s.tenant_id = ?1 and s.answered_at >= ?2 and s.answered_at < ?3 and s.comment <> '' order by s.answered_at desc, s.id desc limit ?4";
    BY_AGENT = "select agent_id, count(*), sum(case when score >= 4 then 1 else 0 end) from surveys
        where tenant_id = ?1 and answered_at >= ?2 and answered_at < ?3 group by agent_id";
}

/// Answers over a range.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Figures {
    /// Customers who were asked.
    pub asked: u64,
    pub answered: u64,
    /// Answers of 4 or 5 among all, 0 to 1; null without answers.
    pub satisfied_share: Option<f64>,
    pub average_score: Option<f64>,
    /// Answers by score, from 1 to 5.
    pub by_score: [u64; 5],
}

/// A remark, newest first.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Remark {
    pub ticket_id: Id<Ticket>,
    pub ticket_number: String,
    pub subject: String,
    pub score: u8,
    pub comment: String,
    pub answered_at: Timestamp,
}

/// Answers of one agent's tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfAgent {
    pub agent_id: Option<Id<identity::User>>,
    pub answered: u64,
    pub satisfied: u64,
}

/// What the customer of a ticket said.
pub fn of_ticket(read: &Read<'_>, ticket: Id<Ticket>) -> Result<Option<Answer>> {
    read.query_one(&OF_TICKET, params![ticket], |row| {
        Ok(Answer { score: check_score(row.get(0)?)?, comment: row.get(1)?, answered_at: row.get(2)? })
    })
}

/// Figures from an instant to another (exclusive).
pub fn figures(read: &Read<'_>, from: Timestamp, to: Timestamp) -> Result<Figures> {
    let asked: i64 = read.query_one(&ASKED, params![from, to], |row| row.get(0))?.unwrap_or(0);
    let mut out = Figures { asked: u64::try_from(asked).unwrap_or(0), ..Figures::default() };
    let mut points = 0;
    read.for_each(&SCORES, params![from, to], |row| {
        let (score, count) = (check_score(row.get(0)?)?, u64::try_from(row.get::<i64>(1)?).unwrap_or(0));
        if let Some(slot) = out.by_score.get_mut(usize::from(score) - 1) {
            *slot = count;
        }
        out.answered += count;
        points += u64::from(score) * count;
        Ok(true)
    })?;
    if out.answered > 0 {
        let satisfied: u64 = out.by_score.iter().skip(usize::from(SATISFIED) - 1).sum();
        out.satisfied_share = Some(satisfied as f64 / out.answered as f64);
        out.average_score = Some(points as f64 / out.answered as f64);
    }
    Ok(out)
}

/// Remarks of a range, newest first.
pub fn remarks(read: &Read<'_>, from: Timestamp, to: Timestamp, limit: u32) -> Result<Vec<Remark>> {
    read.query_all(&COMMENTS, params![from, to, limit], |row| {
        let mut c = row.columns();
        Ok(Remark {
            ticket_id: c.next()?,
            ticket_number: c.next()?,
            subject: c.next()?,
            score: check_score(c.next()?)?,
            comment: c.next()?,
            answered_at: c.next()?,
        })
    })
}

/// Answers by who had the ticket when its customer was asked.
pub fn by_agent(read: &Read<'_>, from: Timestamp, to: Timestamp) -> Result<Vec<OfAgent>> {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    read.query_all(&BY_AGENT, params![from, to], |row| {
        Ok(OfAgent { agent_id: row.get(0)?, answered: count(row.get(1)?), satisfied: count(row.get(2)?) })
    })
}
