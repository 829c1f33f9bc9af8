//! Every difference between the two engines, by name. Only `search` asks too which engine it is on: its two halves have
//! little in common.

use base::Result;

use crate::{EngineKind, Tx, Value, params};

/// Tokens a statement may hold, and what they become.
///
/// | token | SQLite | PostgreSQL | for |
/// |---|---|---|---|
/// | `{lock}` | nothing: there is one writer | `for update` | reading a row that is about to be changed |
/// | `{skip_locked}` | nothing | `for update skip locked` | claiming work that others may be claiming |
/// | `{float}` | `real` | `double precision` | averages |
/// | `{words_type}` | `text` | `tsvector` | the index of words, see [`crate::search`] |
const RUNTIME_TOKENS: [(&str, &str, &str); 4] = [
    ("{lock}", "", "for update"),
    ("{skip_locked}", "", "for update skip locked"),
    ("{float}", "real", "double precision"),
    ("{words_type}", "text", "tsvector"),
];

/// Tokens of the migrations: native types on each engine.
pub(crate) const SCHEMA_TOKENS: [(&str, &str, &str); 14] = [
    ("{id}", "blob", "uuid"),
    ("{time}", "integer", "timestamptz"),
    ("{json}", "text", "jsonb"),
    ("{bool}", "integer", "boolean"),
    ("{money}", "integer", "bigint"),
    ("{int}", "integer", "bigint"),
    ("{float}", "real", "double precision"),
    ("{bytes}", "blob", "bytea"),
    // The id that is nobody's, and "no", as values.
    ("{nil}", "x'00000000000000000000000000000000'", "uuid '00000000-0000-0000-0000-000000000000'"),
    ("{false}", "0", "false"),
    // Not used on SQLite, whose full-text table stands beside.
    ("{words}", "text", "tsvector"),
    ("{strict}", "strict", ""),
    // Small rows live in the primary key's own tree: one write instead of two, and neighbours in time are neighbours on disk.
    ("{clustered}", "strict, without rowid", ""),
    // A view must see what its caller may see, not what its owner may.
    ("{invoker}", "", "with (security_invoker = true)"),
];

pub(crate) fn render(text: &str, kind: EngineKind) -> String {
    let mut out = text.to_owned();
    if out.contains('{') {
        for (token, sqlite, postgres) in RUNTIME_TOKENS {
            out = out.replace(token, if kind == EngineKind::Sqlite { sqlite } else { postgres });
        }
    }
    match kind {
        EngineKind::Sqlite => out,
        EngineKind::Postgres => dollar_parameters(&out),
    }
}

/// `?1` is `$1` on PostgreSQL. Texts in quotes are left alone.
fn dollar_parameters(text: &str) -> String {
    let mut quoted = false;
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        quoted ^= c == '\'';
        let parameter = c == '?' && !quoted && chars.peek().is_some_and(char::is_ascii_digit);
        out.push(if parameter { '$' } else { c });
    }
    out
}

crate::statements! {
    NEXT_NUMBER = "update number_series set next_value = next_value + 1 where tenant_id = ?1 and series = ?2 returning next_value - 1";
    START_SERIES = "insert into number_series (tenant_id, series, next_value) values (?1, ?2, 1) on conflict do nothing";
    SERIES_EXISTS = "select next_value from number_series where tenant_id = ?1 and series = ?2";
    SET_SERIES = "update number_series set next_value = ?3 where tenant_id = ?1 and series = ?2";
    installation CREATE_SEQUENCE = "select counterfoil_create_sequence(cast(?1 as text), cast(?2 as bigint))";
    installation NEXT_IN_SEQUENCE = "select nextval(cast(cast(?1 as text) as regclass))";
}

/// Statements that only one engine can prepare.
pub fn is_only_for(name: &str) -> Option<EngineKind> {
    match name {
        "CREATE_SEQUENCE" | "NEXT_IN_SEQUENCE" => Some(EngineKind::Postgres),
        _ if name.starts_with("SEARCH_POSTGRES_") => Some(EngineKind::Postgres),
        _ if name.starts_with("SEARCH_SQLITE_") => Some(EngineKind::Sqlite),
        _ => None,
    }
}

/// Makes a number series of the tenant, once. `first` is the first number handed out.
pub fn start_series(tx: &mut Tx, series: &str, first: i64) -> Result<()> {
    tx.execute(&START_SERIES, params![series])?;
    tx.execute(&SET_SERIES, params![series, first])?;
    if tx.engine() == EngineKind::Postgres {
        let name = sequence_name(tx, series)?;
        tx.query_one(&CREATE_SEQUENCE, params![name, first], |_| Ok(()))?;
    }
    Ok(())
}

/// The next number of a series that may have gaps: on PostgreSQL a sequence, so that no row is hot; on SQLite, where
/// one writer takes turns anyway, a row.
pub fn next_number(tx: &mut Tx, series: &str) -> Result<i64> {
    match tx.engine() {
        EngineKind::Sqlite => {
            let next = tx.query_one(&NEXT_NUMBER, params![series], |row| row.get(0))?;
            next.ok_or_else(|| base::Error::bug(format!("the number series {series} was never started")))
        }
        EngineKind::Postgres => {
            let name = sequence_name(tx, series)?;
            let next = tx.query_one(&NEXT_IN_SEQUENCE, params![name], |row| row.get(0))?;
            next.ok_or_else(|| base::Error::bug("a sequence answered no row"))
        }
    }
}

/// Where a change adds to a sum that many changes add to: the standing row, which is nil, on SQLite, where one writer
/// takes turns anyway; on PostgreSQL a row of its own, to be folded later, so that no row is hot.
pub fn part_of_sum(tx: &Tx) -> uuid::Uuid {
    match tx.engine() {
        EngineKind::Sqlite => uuid::Uuid::nil(),
        EngineKind::Postgres => tx.new_id::<Value<'_>>().uuid(),
    }
}

/// Whether a write keeps every other writer waiting (SQLite), or only those who want its rows (PostgreSQL).
pub fn writers_take_turns(read: &crate::Read) -> bool {
    read.engine() == EngineKind::Sqlite
}

/// Whether the series was started.
pub fn has_series(read: &crate::Read, series: &str) -> Result<bool> {
    Ok(read.query_one(&SERIES_EXISTS, params![series], |_| Ok(()))?.is_some())
}

/// One sequence a tenant and series; both parts are ours, never a caller's text.
fn sequence_name(tx: &Tx, series: &str) -> Result<String> {
    Ok(format!("series_{}_{}", series, tx.tenant()?.uuid().simple()))
}

/// What follows the migrations on PostgreSQL only: the role that owns nothing, row-level security, sequences.
pub(crate) mod postgres_security {
    /// The role every request runs under. It owns nothing, so row-level security binds it.
    pub const ROLE: &str = "counterfoil_app";

    pub fn statements(
        tenant_tables: &[String],
        shared: &[&str],
        is_view: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let mut out = vec![
            format!("grant usage on schema public to {ROLE}"),
            format!("grant select, insert, update, delete on all tables in schema public to {ROLE}"),
            format!("grant usage, select on all sequences in schema public to {ROLE}"),
            // Making a sequence takes ownership rights, which the role does not have; this function lends exactly that.
            format!(
                "create or replace function counterfoil_create_sequence(name text, first bigint) returns bigint \
                 language plpgsql security definer set search_path = public as $$ begin \
                 if name !~ '^series_[a-z_]+_[0-9a-f]{{32}}$' then raise exception 'not a series'; end if; \
                 execute format('create sequence if not exists %I', name); \
                 perform setval(name::regclass, first, false); \
                 execute format('grant usage, select, update on sequence %I to {ROLE}', name); \
                 return first; end $$"
            ),
        ];
        for table in tenant_tables.iter().filter(|t| !is_view(t)) {
            let mut rule =
                "tenant_id = nullif(current_setting('counterfoil.tenant', true), '')::uuid".to_owned();
            if shared.contains(&table.as_str()) {
                rule.push_str(" or current_setting('counterfoil.reach', true) = 'installation'");
            }
            out.push(format!("alter table {table} enable row level security"));
            out.push(format!("alter table {table} force row level security"));
            out.push(format!("drop policy if exists tenant_only on {table}"));
            out.push(format!(
                "create policy tenant_only on {table} to {ROLE} using ({rule}) with check ({rule})"
            ));
            // Migrations, backup and restore run as the owner, and only they do.
            out.push(format!("drop policy if exists owner_all on {table}"));
            out.push(format!(
                "create policy owner_all on {table} to current_user using (true) with check (true)"
            ));
        }
        out
    }
}

/// A value list `(?4, ?5)` for `in`, starting at the given parameter.
pub fn placeholders(first: usize, count: usize) -> String {
    let list: Vec<String> = (first..first + count).map(|n| format!("?{n}")).collect();
    format!("({})", list.join(", "))
}

/// `%text%` with the wildcards of `like` escaped by a backslash; pair it with `like ?n escape '\'`.
pub fn contains_pattern(text: &str) -> Value<'static> {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    Value::OwnedText(format!("%{escaped}%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_tokens_are_translated_outside_quotes() {
        let text = "select '?1' from t where a = ?1 {lock}";
        assert_eq!(render(text, EngineKind::Postgres), "select '?1' from t where a = $1 for update");
        assert_eq!(render(text, EngineKind::Sqlite), "select '?1' from t where a = ?1 ");
    }
}
