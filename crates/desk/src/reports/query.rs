//! Reading cells and sums: the smaller table that can answer, and what is not folded yet.

use std::collections::BTreeMap;

use base::Result;
use db::{Read, Sql, Value};
use uuid::Uuid;

use super::{fill, model::*};
use crate::tickets::{Channel, Priority};

/// What a report is narrowed to; none means any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub channel: Option<Channel>,
    pub category: Option<String>,
    pub priority: Option<Priority>,
    /// Nil: no team.
    pub team: Option<Uuid>,
    /// Nil: nobody.
    pub agent: Option<Uuid>,
}

impl Filter {
    /// What has to hold, as columns of a cell.
    pub(super) fn conditions(&self) -> Vec<(Dimension, Value<'static>)> {
        let mut out = Vec::new();
        if let Some(channel) = self.channel {
            out.push((Dimension::Channel, Value::Text(channel.as_str())));
        }
        if let Some(category) = &self.category {
            out.push((Dimension::Category, Value::OwnedText(category.clone())));
        }
        if let Some(priority) = self.priority {
            out.push((Dimension::Priority, Value::Int(priority.rank())));
        }
        if let Some(team) = &self.team {
            out.push((Dimension::Team, Value::Uuid(*team)));
        }
        if let Some(agent) = &self.agent {
            out.push((Dimension::Agent, Value::Uuid(*agent)));
        }
        out
    }
}

/// Which rows, and what they are told apart by in the answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Want {
    pub by: Option<Dimension>,
    /// First and last day; none means all days.
    pub days: Option<(i64, i64)>,
    pub by_day: bool,
    pub by_slot: bool,
    /// Only what has no length of time: the flows.
    pub flows: bool,
    /// Only days that have live tickets.
    pub live: bool,
}

/// What a row of an answer is of; what was not asked for is 0 or empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub day: i64,
    pub value: String,
    pub slot: i64,
}

/// Figures, added up.
pub(super) fn figures(read: &Read<'_>, filter: &Filter, want: Want) -> Result<BTreeMap<Key, Figures>> {
    let mut out: BTreeMap<Key, Figures> = BTreeMap::new();
    let Some(state) = fill::state_of(read)? else { return Ok(out) };
    let conditions = filter.conditions();
    let sums = match (want.by, &conditions[..]) {
        (None, []) => Some(("all", String::new())),
        (Some(by), []) => Some((by.as_str(), String::new())),
        (None, [(dimension, value)]) => Some((dimension.as_str(), text(value))),
        _ => None,
    };
    match sums {
        Some((dimension, value)) => {
            let mut built = Built::new(want, "report_sums", want.by.map(|_| "value"), state.generation);
            built.and("dimension = ", Value::Text(dimension));
            if want.by.is_none() {
                built.and("value = ", Value::OwnedText(value));
            }
            built.read(read, None, &mut out)?;
        }
        None => {
            Built::cells(want, "report_cells", &conditions, state.generation).read(read, want.by, &mut out)?
        }
    }
    Built::cells(want, "report_deltas", &conditions, state.generation).read(read, want.by, &mut out)?;
    out.retain(|_, figures| !figures.is_zero());
    Ok(out)
}

/// A condition's value as a sum keeps it.
fn text(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => (*text).to_owned(),
        Value::OwnedText(text) => text.clone(),
        Value::Int(n) => n.to_string(),
        Value::Uuid(id) => id.to_string(),
        _ => String::new(),
    }
}

/// A statement in the making. Columns come from enums, values are bound.
struct Built {
    text: String,
    groups: Vec<&'static str>,
    values: Vec<Value<'static>>,
}

impl Built {
    fn new(want: Want, table: &'static str, value: Option<&'static str>, generation: i64) -> Self {
        let mut groups = Vec::new();
        let mut column = |is_wanted: bool, name: &'static str, none: &'static str| {
            if is_wanted {
                groups.push(name);
                name
            } else {
                none
            }
        };
        let day = column(want.by_day, "day", "0");
        let slot = column(want.by_slot, "slot", "0");
        let value = value.map_or("''", |name| column(true, name, ""));
        let sums: Vec<String> =
            Figures::NAMES.iter().map(|name| format!("cast(sum({name}) as bigint)")).collect();
        let mut text = format!(
            "select cast({day} as bigint), cast({slot} as bigint), {value}, {} from {table} where tenant_id = ?1 and generation = ?2",
            sums.join(", ")
        );
        let mut values = vec![Value::Int(generation)];
        if let Some((first, last)) = want.days {
            text.push_str(" and day >= ?3 and day <= ?4");
            values.extend([Value::Int(first), Value::Int(last)]);
        }
        if want.flows {
            text.push_str(" and slot = 0");
        }
        if want.live {
            text.push_str(" and live <> 0");
        }
        Self { text, groups, values }
    }

    fn cells(
        want: Want,
        table: &'static str,
        conditions: &[(Dimension, Value<'static>)],
        generation: i64,
    ) -> Self {
        let mut built = Self::new(want, table, want.by.map(Dimension::column), generation);
        for (dimension, value) in conditions {
            built.and(&format!("{} = ", dimension.column()), value.clone());
        }
        built
    }

    fn and(&mut self, condition: &str, value: Value<'static>) {
        self.text.push_str(&format!(" and {condition}?{}", self.values.len() + 2));
        self.values.push(value);
    }

    /// `by`: what the value column holds, where it is a cell's.
    fn read(
        mut self,
        read: &Read<'_>,
        by: Option<Dimension>,
        out: &mut BTreeMap<Key, Figures>,
    ) -> Result<()> {
        // Without a group there would be a row of nulls where there is nothing.
        self.text.push_str(if self.groups.is_empty() { " having count(*) > 0" } else { " group by " });
        self.text.push_str(&self.groups.join(", "));
        read.for_each(&Sql::built(self.text), &self.values, |row| {
            let value = match by {
                Some(dimension) => dimension.read(row, 2)?,
                None => row.get(2)?,
            };
            let key = Key { day: row.get(0)?, slot: row.get(1)?, value };
            *out.entry(key).or_default() += Figures::read(row, 3)?;
            Ok(true)
        })
    }
}
