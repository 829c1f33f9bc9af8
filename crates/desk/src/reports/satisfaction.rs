//! What customers said, narrowed as reports are. A survey belongs to who had the ticket when its customer was asked.

use std::collections::BTreeMap;

use base::{Id, Result, Timestamp};
use db::{Read, Sql, Value};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{model::Dimension, query::Filter};
use crate::{csat::SATISFIED, tickets::Ticket};

/// Answers, added up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answers {
    pub asked: i64,
    pub answered: i64,
    pub satisfied: i64,
    pub points: i64,
}

/// A remark of a customer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Remark {
    pub ticket_id: Id<Ticket>,
    pub ticket_number: String,
    pub subject: String,
    pub score: u8,
    pub comment: String,
    pub answered_at: Timestamp,
}

/// Surveys of shown tickets in a range of one of their instants, as `from … where …` with its values.
fn narrowed(
    column: &'static str,
    filter: &Filter,
    from: Timestamp,
    to: Timestamp,
) -> (String, Vec<Value<'static>>) {
    let mut text = format!(
        "from surveys s join tickets t on t.tenant_id = s.tenant_id and t.id = s.ticket_id
         where s.tenant_id = ?1 and s.{column} >= ?2 and s.{column} < ?3"
    );
    let mut values = vec![Value::Time(from), Value::Time(to)];
    for (dimension, value) in filter.conditions() {
        let column = match dimension {
            Dimension::Team => "s.team_id",
            Dimension::Agent => "s.agent_id",
            Dimension::Channel => "t.channel",
            Dimension::Category => "t.category",
            Dimension::Priority => "t.priority",
        };
        let is_nobody = value == Value::Uuid(Uuid::nil());
        if is_nobody {
            text.push_str(&format!(" and {column} is null"));
        } else {
            values.push(value);
            text.push_str(&format!(" and {column} = ?{}", values.len() + 1));
        }
    }
    (text, values)
}

/// Answers of a range.
pub(super) fn answers(read: &Read<'_>, filter: &Filter, from: Timestamp, to: Timestamp) -> Result<Answers> {
    let mut out = Answers::default();
    let (text, values) = narrowed("asked_at", filter, from, to);
    let asked = read.query_one(&Sql::built(format!("select count(*) {text}")), &values, |row| row.get(0))?;
    out.asked = asked.unwrap_or(0);
    let (text, values) = narrowed("answered_at", filter, from, to);
    let text = format!("select s.score, count(*) {text} group by s.score");
    read.for_each(&Sql::built(text), &values, |row| {
        let (score, count): (i64, i64) = (row.get(0)?, row.get(1)?);
        out.add(score, count);
        Ok(true)
    })?;
    Ok(out)
}

impl Answers {
    fn add(&mut self, score: i64, count: i64) {
        self.answered += count;
        self.points += score * count;
        if score >= i64::from(SATISFIED) {
            self.satisfied += count;
        }
    }
}

/// Answers by agent or team; nil is nobody.
pub(super) fn by(
    read: &Read<'_>,
    dimension: Dimension,
    filter: &Filter,
    from: Timestamp,
    to: Timestamp,
) -> Result<BTreeMap<String, Answers>> {
    let column = if dimension == Dimension::Team { "s.team_id" } else { "s.agent_id" };
    let (text, values) = narrowed("answered_at", filter, from, to);
    let text = format!("select {column}, s.score, count(*) {text} group by {column}, s.score");
    let mut out: BTreeMap<String, Answers> = BTreeMap::new();
    read.for_each(&Sql::built(text), &values, |row| {
        let id = row.get::<Option<Uuid>>(0)?.unwrap_or_default();
        out.entry(id.to_string()).or_default().add(row.get(1)?, row.get(2)?);
        Ok(true)
    })?;
    Ok(out)
}

/// What customers wrote, newest first.
pub fn remarks(
    read: &Read<'_>,
    filter: &Filter,
    from: Timestamp,
    to: Timestamp,
    limit: u32,
) -> Result<Vec<Remark>> {
    let (text, mut values) = narrowed("answered_at", filter, from, to);
    values.push(Value::Int(i64::from(limit)));
    let text = format!(
        "select s.ticket_id, t.ticket_number, t.subject, s.score, s.comment, s.answered_at {text} and s.comment <> ''
         and t.deleted_at is null order by s.answered_at desc, s.id desc limit ?{}",
        values.len() + 1
    );
    read.query_all(&Sql::built(text), &values, |row| {
        let mut c = row.columns();
        Ok(Remark {
            ticket_id: c.next()?,
            ticket_number: c.next()?,
            subject: c.next()?,
            score: c.next()?,
            comment: c.next()?,
            answered_at: c.next()?,
        })
    })
}
