//! Rows by the thousand, straight into either engine: columns that vary as vectors, the rest as constants in the text.

use std::fmt::Write as _;

use db::Location;
use rusqlite::types::Value;
use uuid::Uuid;

/// A column of a batch. Times are microseconds since 1970.
pub enum Column {
    Id(Vec<Option<Uuid>>),
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
    Bool(Vec<bool>),
    Time(Vec<Option<i64>>),
}

/// Rows of one table: what varies, and what is the same in all (as SQL).
pub struct Batch {
    pub table: &'static str,
    pub varies: Vec<(&'static str, Column)>,
    pub same: Vec<(&'static str, &'static str)>,
}

/// An engine that takes rows.
pub enum Sink {
    Sqlite(Box<rusqlite::Connection>),
    Postgres(Box<postgres::Client>),
}

impl Sink {
    pub fn open(location: &Location, tenant: Uuid) -> Self {
        match location {
            Location::Sqlite(path) => {
                let c = rusqlite::Connection::open(path).expect("the database opens");
                c.execute_batch("pragma journal_mode = wal; pragma synchronous = off; pragma cache_size = -400000; pragma foreign_keys = off")
                    .expect("settings of the connection");
                Self::Sqlite(Box::new(c))
            }
            Location::Postgres(url) => Self::Postgres(Box::new(client(url.reveal(), tenant))),
        }
    }

    /// Writes batches in one transaction.
    pub fn write(&mut self, batches: Vec<Batch>) {
        match self {
            Self::Sqlite(c) => {
                let tx = c.transaction().expect("a transaction");
                for batch in batches {
                    sqlite(&tx, batch);
                }
                tx.commit().expect("a commit");
            }
            Self::Postgres(c) => {
                let mut tx = c.transaction().expect("a transaction");
                for batch in batches {
                    send(&mut tx, batch);
                }
                tx.commit().expect("a commit");
            }
        }
    }

    /// One statement without values.
    pub fn execute(&mut self, sql: &str) {
        match self {
            Self::Sqlite(c) => c.execute_batch(sql).expect("a statement"),
            Self::Postgres(c) => c.batch_execute(sql).expect("a statement"),
        }
    }
}

/// A connection of a caller of its own, which sees the tenant's rows.
pub fn client(url: &str, tenant: Uuid) -> postgres::Client {
    let mut c = postgres::Client::connect(url, postgres::NoTls).expect("the server answers");
    c.batch_execute(&format!("set counterfoil.tenant = '{tenant}'; set synchronous_commit = on"))
        .expect("settings");
    c
}

fn names(batch: &Batch) -> String {
    let all: Vec<&str> =
        batch.varies.iter().map(|(n, _)| *n).chain(batch.same.iter().map(|(n, _)| *n)).collect();
    all.join(", ")
}

fn sqlite(tx: &rusqlite::Transaction<'_>, batch: Batch) {
    let mut values: Vec<String> = (1..=batch.varies.len()).map(|n| format!("?{n}")).collect();
    values.extend(batch.same.iter().map(|(_, sql)| (*sql).to_owned()));
    let sql = format!("insert into {} ({}) values ({})", batch.table, names(&batch), values.join(", "));
    let mut statement = tx.prepare_cached(&sql).expect(&sql);
    let count = batch.varies.first().map_or(0, |(_, c)| c.len());
    for row in 0..count {
        let values = batch.varies.iter().map(|(_, column)| column.value(row));
        statement.execute(rusqlite::params_from_iter(values)).expect("a row");
    }
}

fn send(tx: &mut postgres::Transaction<'_>, batch: Batch) {
    let (mut arrays, mut picks) = (String::new(), String::new());
    for (n, (_, column)) in batch.varies.iter().enumerate() {
        let comma = if n == 0 { "" } else { ", " };
        let (kind, pick) = match column {
            Column::Id(_) => ("uuid", format!("c{n}")),
            Column::Text(_) => ("text", format!("c{n}")),
            Column::Int(_) => ("bigint", format!("c{n}")),
            Column::Bool(_) => ("boolean", format!("c{n}")),
            Column::Time(_) => ("bigint", format!("timestamptz 'epoch' + c{n} * interval '1 microsecond'")),
        };
        write!(arrays, "{comma}${}::{kind}[]", n + 1).ok();
        write!(picks, "{comma}{pick}").ok();
    }
    for (_, sql) in &batch.same {
        write!(picks, ", {sql}").ok();
    }
    let labels: Vec<String> = (0..batch.varies.len()).map(|n| format!("c{n}")).collect();
    let sql = format!(
        "insert into {} ({}) select {picks} from unnest({arrays}) as u ({})",
        batch.table,
        names(&batch),
        labels.join(", ")
    );
    let values: Vec<&(dyn postgres::types::ToSql + Sync)> = batch
        .varies
        .iter()
        .map(|(_, column)| -> &(dyn postgres::types::ToSql + Sync) {
            match column {
                Column::Id(v) => v,
                Column::Text(v) => v,
                Column::Int(v) => v,
                Column::Bool(v) => v,
                Column::Time(v) => v,
            }
        })
        .collect();
    tx.execute(&sql, &values).unwrap_or_else(|e| panic!("{e:?}: {sql}"));
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Id(v) => v.len(),
            Self::Text(v) => v.len(),
            Self::Int(v) => v.len(),
            Self::Bool(v) => v.len(),
            Self::Time(v) => v.len(),
        }
    }

    fn value(&self, row: usize) -> Value {
        match self {
            Self::Id(v) => v[row].map_or(Value::Null, |id| Value::Blob(id.as_bytes().to_vec())),
            Self::Text(v) => v[row].clone().map_or(Value::Null, Value::Text),
            Self::Int(v) => v[row].map_or(Value::Null, Value::Integer),
            Self::Bool(v) => Value::Integer(v[row].into()),
            Self::Time(v) => v[row].map_or(Value::Null, Value::Integer),
        }
    }
}
