//! Statements, their registry, and the check that they bind the tenant.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock, Mutex},
};

use base::{Error, Result};

/// Which rows a statement may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// One tenant's. `?1` is the tenant and is bound by the room; the caller's parameters start at `?2`.
    Tenant,
    /// Installation tables (tenants, schema) and the engine's queue. The caller's parameters start at `?1`.
    Installation,
}

/// A statement in portable SQL: the intersection of SQLite ≥ 3.39 and PostgreSQL ≥ 15.
///
/// Parameters are `?1`, `?2` … Differences between the engines are tokens in braces, listed in [`crate::dialect`].
#[derive(Clone, Debug)]
pub struct Sql {
    pub(crate) text: Cow<'static, str>,
    pub(crate) reach: Reach,
}

impl Sql {
    pub const fn constant(text: &'static str, reach: Reach) -> Self {
        Self { text: Cow::Borrowed(text), reach }
    }

    /// A tenant's statement put together at run time, for lists with filters. Columns come from enums, values are bound.
    pub const fn built(text: String) -> Self {
        Self { text: Cow::Owned(text), reach: Reach::Tenant }
    }

    /// The same for what works across tenants: lists of ids, mostly.
    pub const fn built_for_all(text: String) -> Self {
        Self { text: Cow::Owned(text), reach: Reach::Installation }
    }

    pub fn text(&self) -> &str {
        &self.text
    }
    pub fn reach(&self) -> Reach {
        self.reach
    }
}

/// A statement known at compile time, for the test that prepares all of them on both engines.
pub struct Registered {
    pub name: &'static str,
    pub file: &'static str,
    pub sql: Sql,
}
inventory::collect!(Registered);

pub fn registered() -> impl Iterator<Item = &'static Registered> {
    inventory::iter::<Registered>.into_iter()
}

/// Declares and registers a feature's statements.
///
/// ```ignore
/// db::statements! {
///     FIND = "select subject from tickets where tenant_id = ?1 and id = ?2";
///     installation HOSTS = "select id from tenants where host = ?1";
/// }
/// ```
#[macro_export]
macro_rules! statements {
    () => {};
    (installation $name:ident = $text:expr; $($rest:tt)*) => {
        $crate::statement!($name, $text, Installation);
        $crate::statements! { $($rest)* }
    };
    ($name:ident = $text:expr; $($rest:tt)*) => {
        $crate::statement!($name, $text, Tenant);
        $crate::statements! { $($rest)* }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! statement {
    ($name:ident, $text:expr, $reach:ident) => {
        static $name: $crate::Sql = $crate::Sql::constant($text, $crate::Reach::$reach);
        $crate::inventory::submit! {
            $crate::sql::Registered { name: stringify!($name), file: file!(), sql: $crate::Sql::constant($text, $crate::Reach::$reach) }
        }
    };
}

/// Tables and views that begin with `tenant_id`, read from the migrations themselves.
static TENANT_TABLES: LazyLock<HashSet<String>> =
    LazyLock::new(|| crate::migrate::tenant_tables().into_iter().collect());

/// Tables that carry a tenant and are also worked across tenants: those of the engine, and the addresses mail comes to.
pub const SHARED_TABLES: [&str; 4] = ["jobs", "events", "channels", "channel_addresses"];

/// What a statement has to do with which tables.
#[derive(Debug, Default)]
pub(crate) struct Mentions {
    /// Every table or view it names, wherever.
    tables: HashSet<String>,
    /// The one it writes.
    pub written: Option<String>,
    /// It reads a view or asks a function, which stand for other tables. A delete does not: none of ours cascades.
    pub reaches_further: bool,
}

impl Mentions {
    fn of(text: &str) -> Self {
        static CREATED: LazyLock<Vec<(String, bool)>> = LazyLock::new(crate::migrate::tables_and_views);
        let words = words(text);
        let mut out = Self::default();
        for (name, is_view) in CREATED.iter().filter(|(name, _)| words.contains(name)) {
            out.reaches_further |= *is_view;
            out.tables.insert(name.clone());
        }
        let after =
            |word: &str| words.iter().position(|w| w == word).and_then(|at| words.get(at + 1)).cloned();
        out.written = match words.first().map(String::as_str) {
            Some("insert") => after("into"),
            Some("update") => after("update"),
            Some("delete") => after("from"),
            _ => None,
        };
        // The database's own functions (of search) look where they like.
        out.reaches_further |= words.iter().any(|w| w.starts_with("counterfoil_"));
        out
    }

    /// Whether its answer or its effect may depend on this table.
    pub fn concerns(&self, table: &str) -> bool {
        self.reaches_further || self.tables.contains(table)
    }
}

/// Refuses a statement that touches a tenant's table without binding the tenant.
///
/// Every mention of such a table must come with one `tenant_id = ?1`, with one join on another table's `tenant_id`,
/// or be an insert whose first column and value are the tenant.
pub fn check(sql: &Sql) -> Result<()> {
    mentions(sql).map(|_| ())
}

/// [`check`], and what the statement has to do with which tables.
pub(crate) fn mentions(sql: &Sql) -> Result<Arc<Mentions>> {
    static SEEN: LazyLock<Mutex<HashMap<String, Arc<Mentions>>>> = LazyLock::new(Mutex::default);
    let mut seen = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(mentions) = seen.get(sql.text()) {
        return Ok(mentions.clone());
    }
    check_text(sql.text(), sql.reach, &TENANT_TABLES)?;
    let mentions = Arc::new(Mentions::of(sql.text()));
    seen.insert(sql.text().to_owned(), mentions.clone());
    Ok(mentions)
}

fn check_text(text: &str, reach: Reach, tenant_tables: &HashSet<String>) -> Result<()> {
    let words = words(text);
    let word = |i: usize| words.get(i).map_or("", String::as_str);
    let (mut mentions, mut bindings) = (0, 0);
    for i in 0..words.len() {
        if matches!(word(i), "from" | "join" | "into" | "update") && tenant_tables.contains(word(i + 1)) {
            let table = word(i + 1);
            match reach {
                Reach::Installation if SHARED_TABLES.contains(&table) => {}
                Reach::Installation => {
                    return Err(Error::bug(format!(
                        "an installation statement reaches the tenant table {table}: {text}"
                    )));
                }
                Reach::Tenant => mentions += 1,
            }
            if word(i) == "into" && word(i + 2) == "(" && word(i + 3) == "tenant_id" {
                let values = (i..words.len()).find(|j| matches!(word(*j), "values" | "select"));
                let first = values.map(|j| if word(j) == "values" { word(j + 2) } else { word(j + 1) });
                if first.is_some_and(|v| v == "?1" || v.ends_with("tenant_id")) {
                    bindings += 1;
                }
            }
        }
        if (word(i) == "tenant_id" || word(i).ends_with(".tenant_id")) && word(i + 1) == "=" {
            let right = word(i + 2);
            if right == "?1" || right.ends_with(".tenant_id") {
                bindings += 1;
            }
        }
    }
    if reach == Reach::Tenant && mentions == 0 {
        return Err(Error::bug(format!("a tenant's statement names no tenant table: {text}")));
    }
    if reach == Reach::Tenant && (bindings < mentions || !words.iter().any(|w| w == "?1")) {
        return Err(Error::bug(format!(
            "a statement does not bind tenant_id to ?1 for every table it names: {text}"
        )));
    }
    Ok(())
}

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars() {
        if c == '\'' {
            quoted = !quoted;
        }
        if !quoted && (c.is_alphanumeric() || matches!(c, '_' | '.' | '?' | '{' | '}')) {
            word.extend(c.to_lowercase());
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if !quoted && !c.is_whitespace() && c != '\'' {
            words.push(c.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str, reach: Reach) -> bool {
        let tables = ["tickets", "messages", "jobs"].map(String::from).into();
        check_text(text, reach, &tables).is_ok()
    }

    #[test]
    fn a_statement_must_bind_the_tenant() {
        for good in [
            "select id from tickets where tenant_id = ?1 and id = ?2",
            "select m.id from messages m join tickets t on t.tenant_id = m.tenant_id and t.id = m.ticket_id where m.tenant_id = ?1",
            "insert into tickets (tenant_id, id) values (?1, ?2)",
            "update tickets set subject = ?3 where tenant_id = ?1 and id = ?2",
            "delete from tickets where tenant_id = ?1",
        ] {
            assert!(verdict(good, Reach::Tenant), "{good}");
        }
        for bad in [
            "select id from tickets where id = ?2",
            "select id from tickets where id = ?2 and 'tenant_id = ?1' = ''",
            "select m.id from messages m join tickets t on t.id = m.ticket_id where m.tenant_id = ?1",
            "select 1 from tickets where tenant_id = ?1 and id in (select ticket_id from messages where id = ?2)",
            "insert into tickets (id, tenant_id) values (?2, ?1)",
            "insert into tickets (tenant_id, id) values (?2, ?1)",
            "update tickets set tenant_id = ?2 where id = ?1",
            "delete from tickets",
        ] {
            assert!(!verdict(bad, Reach::Tenant), "{bad}");
        }
        assert!(verdict("select id from jobs where run_at <= ?1", Reach::Installation));
        assert!(!verdict("select id from tickets where id = ?1", Reach::Installation));
    }
}
