//! Writes whose outcome nobody asks for. They are kept until something may see them, or the transaction ends, and then
//! written with their likes: on a connection what costs is the way there and back.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::many::{Kind, Shape, shape};
use crate::{Sql, Value, sql::Mentions};

/// A write that waits.
#[derive(Debug)]
pub struct Waiting {
    pub sql: Sql,
    pub shape: Arc<Shape>,
    pub tenant: Value<'static>,
    pub values: Vec<Value<'static>>,
}

impl Waiting {
    /// None for a statement of which many cannot be one: it is run at once.
    pub fn new(sql: &Sql, tenant: Option<Value<'static>>, params: &[Value<'_>]) -> Option<Self> {
        let values = params.iter().map(Value::to_owned_value).collect();
        Some(Self { sql: sql.clone(), shape: shape(sql.text())?, tenant: tenant?, values })
    }

    /// A parameter, counted from 1, the tenant being the first.
    fn value(&self, n: usize) -> Option<&Value<'static>> {
        n.checked_sub(2).and_then(|at| self.values.get(at))
    }

    /// The row an update is of.
    fn key(&self) -> Option<String> {
        let Kind::Update { key, .. } = &self.shape.kind else { return None };
        let values: Vec<_> =
            key.iter().map(|n| n.checked_sub(2).and_then(|at| self.values.get(at))).collect();
        Some(format!("{:?} {values:?}", self.tenant))
    }
}

/// What waits on one table.
#[derive(Default)]
struct OfTable {
    has_inserts: bool,
    has_deletes: bool,
    updates_by: Option<String>,
    rows: HashSet<String>,
}

/// The writes that wait, in the order they were asked for.
#[derive(Default)]
pub struct Later {
    writes: Vec<Waiting>,
    tables: HashMap<String, OfTable>,
}

impl Later {
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether a statement may see what waits, or change it.
    pub fn concerns(&self, mentions: &Mentions) -> bool {
        self.tables.keys().any(|table| mentions.concerns(table))
    }

    /// Whether this write can be done together with, and in any order among, those that wait.
    pub fn has_room_for(&self, write: &Waiting) -> bool {
        let Some(there) = self.tables.get(&write.shape.table) else { return true };
        match &write.shape.kind {
            Kind::Insert => !there.has_deletes || self.is_apart(write),
            Kind::Delete => there.updates_by.is_none() && (!there.has_inserts || self.is_apart(write)),
            Kind::Update { columns, .. } => {
                !(there.has_inserts || there.has_deletes)
                    && there.updates_by.as_ref().is_none_or(|by| by == columns)
                    && write.key().is_none_or(|key| !there.rows.contains(&key))
            }
        }
    }

    /// Whether what this deletes is none of what waits to be inserted, or the other way round: then their order is all one.
    fn is_apart(&self, write: &Waiting) -> bool {
        self.writes.iter().filter(|w| w.shape.table == write.shape.table).all(|w| {
            match (&w.shape.kind, &write.shape.kind) {
                (Kind::Insert, Kind::Delete) => apart(w, write),
                (Kind::Delete, Kind::Insert) => apart(write, w),
                _ => true,
            }
        })
    }

    pub fn push(&mut self, write: Waiting) {
        self.note(&write);
        self.writes.push(write);
    }

    fn note(&mut self, write: &Waiting) {
        let there = self.tables.entry(write.shape.table.clone()).or_default();
        match &write.shape.kind {
            Kind::Insert => there.has_inserts = true,
            Kind::Delete => there.has_deletes = true,
            Kind::Update { columns, .. } => {
                there.updates_by = Some(columns.clone());
                there.rows.extend(write.key());
            }
        }
    }

    /// The first so many, those of one statement together, in the order in which their statements came first.
    pub fn take(&mut self, count: usize) -> Vec<Vec<Waiting>> {
        let kept = self.writes.split_off(count.min(self.writes.len()));
        let mut groups: Vec<Vec<Waiting>> = Vec::new();
        for write in std::mem::replace(&mut self.writes, kept) {
            match groups.iter_mut().find(|g| g.first().is_some_and(|w| same(w, &write))) {
                Some(group) => group.push(write),
                None => groups.push(vec![write]),
            }
        }
        self.count_anew();
        groups
    }

    /// Forgets all but the first so many.
    pub fn truncate(&mut self, count: usize) {
        self.writes.truncate(count);
        self.count_anew();
    }

    fn count_anew(&mut self) {
        self.tables.clear();
        let writes = std::mem::take(&mut self.writes);
        writes.iter().for_each(|write| self.note(write));
        self.writes = writes;
    }
}

fn same(a: &Waiting, b: &Waiting) -> bool {
    a.sql.text() == b.sql.text() && a.tenant == b.tenant
}

/// Whether a row that is inserted is known not to be one of those that are deleted.
fn apart(insert: &Waiting, delete: &Waiting) -> bool {
    insert.tenant == delete.tenant
        && delete.shape.places.iter().any(|(column, wanted)| {
            let given = insert.shape.places.iter().find(|(c, _)| c == column).map(|(_, n)| *n);
            match (given.and_then(|n| insert.value(n)), delete.value(*wanted)) {
                (Some(Value::Uuid(a)), Some(Value::Uuid(b))) => a != b,
                (Some(Value::Int(a)), Some(Value::Int(b))) => a != b,
                (Some(a), Some(b)) => matches!((word(a), word(b)), (Some(a), Some(b)) if a != b),
                _ => false,
            }
        })
}

fn word<'v>(value: &'v Value<'static>) -> Option<&'v str> {
    match value {
        Value::Text(word) => Some(word),
        Value::OwnedText(word) => Some(word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reach;

    fn write(text: &'static str, values: &[Value<'static>]) -> Waiting {
        let sql = Sql { text: text.into(), reach: Reach::Tenant };
        Waiting::new(&sql, Some(Value::Uuid(uuid::Uuid::nil())), values).unwrap()
    }

    #[test]
    fn a_row_is_deleted_and_others_inserted_together_and_the_same_one_after_it() {
        let add = |ticket, tag| {
            let text = "insert into tags (tenant_id, ticket, tag) values (?1, ?2, ?3) on conflict do nothing";
            write(text, &[Value::Int(ticket), Value::Text(tag)])
        };
        let drop = |ticket, tag| {
            let text = "delete from tags where tenant_id = ?1 and ticket = ?2 and tag = ?3";
            write(text, &[Value::Int(ticket), Value::OwnedText(String::from(tag))])
        };
        let mut later = Later::default();
        later.push(drop(1, "old"));
        assert!(later.has_room_for(&add(1, "new")) && later.has_room_for(&add(2, "old")));
        assert!(!later.has_room_for(&add(1, "old")));
        later.push(add(1, "new"));
        assert!(later.has_room_for(&drop(2, "old")) && !later.has_room_for(&drop(1, "new")));
        let all = write("delete from tags where tenant_id = ?1 and ticket = ?2", &[Value::Int(1)]);
        assert!(!later.has_room_for(&all));
        let unknown = write("delete from tags where tenant_id = ?1 and colour = ?2", &[Value::Text("red")]);
        assert!(!later.has_room_for(&unknown), "what the row has there is not known");
    }
}
