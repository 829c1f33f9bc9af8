//! Adding to many rows of sums by few statements.

use base::Result;
use db::{Sql, Tx, Value};

/// Rows written by one statement: as many of these as there are. Few different texts, so that each is prepared once.
const TOGETHER: [usize; 4] = [64, 16, 4, 1];

/// A table of sums.
pub(super) struct Sums {
    pub table: &'static str,
    /// Which row: after `tenant_id` and `generation`.
    pub key: &'static str,
    /// What is added up.
    pub figures: &'static str,
}

impl Sums {
    /// Adds rows, each with the values of key and figures, and no two of one key.
    pub fn add(&self, tx: &mut Tx<'_>, generation: i64, rows: Vec<Vec<Value<'_>>>) -> Result<()> {
        let mut rest = rows;
        while !rest.is_empty() {
            let count = TOGETHER.into_iter().find(|many| *many <= rest.len()).unwrap_or(1);
            let mut values = vec![Value::Int(generation)];
            values.extend(rest.drain(..count).flatten());
            tx.execute(&self.statement(count), &values)?;
        }
        Ok(())
    }

    fn statement(&self, count: usize) -> Sql {
        let Self { table, key, figures } = self;
        let columns = key.split(", ").chain(figures.split(", ")).count();
        let rows: Vec<String> = (0..count)
            .map(|row| {
                let at: Vec<String> =
                    (0..columns).map(|column| format!("?{}", 3 + row * columns + column)).collect();
                format!("(?1, ?2, {})", at.join(", "))
            })
            .collect();
        let sums: Vec<String> =
            figures.split(", ").map(|f| format!("{f} = {table}.{f} + excluded.{f}")).collect();
        Sql::built(format!(
            "insert into {table} (tenant_id, generation, {key}, {figures}) values {}
            on conflict (tenant_id, generation, {key}) do update set {}",
            rows.join(", "),
            sums.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_each_parameter_of_each_row() {
        let sums = Sums { table: "t", key: "a, b", figures: "n, m" };
        let text = sums.statement(2).text().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            text,
            "insert into t (tenant_id, generation, a, b, n, m) values (?1, ?2, ?3, ?4, ?5, ?6), (?1, ?2, ?7, ?8, ?9, ?10) \
             on conflict (tenant_id, generation, a, b) do update set n = t.n + excluded.n, m = t.m + excluded.m"
        );
    }
}
