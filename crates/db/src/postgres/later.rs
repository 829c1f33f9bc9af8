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
            Kind::Insert => !there.has_deletes,
            Kind::Delete => !there.has_inserts && there.updates_by.is_none(),
            Kind::Update { columns, .. } => {
                !(there.has_inserts || there.has_deletes)
                    && there.updates_by.as_ref().is_none_or(|by| by == columns)
                    && write.key().is_none_or(|key| !there.rows.contains(&key))
            }
        }
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
