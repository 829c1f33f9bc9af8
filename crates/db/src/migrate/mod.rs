//! Versioned, forward-only migrations from one portable text (ADR-0003).
//!
//! Each file is checksummed and embedded. A database made by a newer program, or whose applied migrations read
//! differently from ours, is refused. SQLite is snapshotted beside the database before anything is changed.

mod postgres;
mod sqlite;

use base::{Error, Result, Timestamp};
use sha2::{Digest, Sha256};

use crate::{EngineKind, Location, dialect};

pub(crate) struct Migration {
    pub version: i64,
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        pub(crate) const ALL: &[Migration] = &[$(Migration {
            version: $version,
            name: $name,
            text: include_str!(concat!("../../../../migrations/", $name, ".sql")),
        }),*];
    };
}

migrations! {
    1 "0001_foundation",
    2 "0002_desk",
    3 "0003_webhooks",
    4 "0004_search",
    5 "0005_desk_work",
    6 "0006_views",
    7 "0007_composing",
    8 "0008_macros",
    9 "0009_rules",
    10 "0010_csat",
    11 "0011_reports",
    12 "0012_articles",
    13 "0013_long_threads",
    14 "0014_article_addresses",
    15 "0015_held_answers_seen",
    16 "0016_orders",
    17 "0017_job_lanes",
    18 "0018_mail",
    19 "0019_mailboxes",
    20 "0020_once",
    21 "0021_mailbox_sign_in",
    22 "0022_letters_lately",
    23 "0023_channel_outgoing",
    24 "0024_mail_people",
    25 "0025_channel_addresses",
    26 "0026_mailboxes_made_anew",
    27 "0027_rule_timers_taken",
    28 "0028_bulk_actors",
    29 "0029_cohorts",
    30 "0030_held_macros",
    31 "0031_mail_waiting",
    32 "0032_mail_gone",
    33 "0033_null_path",
    34 "0034_trusted_sealers",
    35 "0035_blobs_aside",
    36 "0036_long_words",
    37 "0037_letters_of_customer",
    38 "0038_drafts_aside",
}

impl Migration {
    pub fn checksum(&self) -> String {
        Sha256::digest(self.text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The statements, in the engine's own types. One that begins with `{sqlite}` or `{postgres}` is for that engine.
    pub fn statements(&self, kind: EngineKind) -> Vec<String> {
        let mut text: String =
            self.text.lines().map(|l| l.split("--").next().unwrap_or(l)).collect::<Vec<_>>().join("\n");
        for (token, sqlite, postgres) in dialect::SCHEMA_TOKENS {
            text = text.replace(token, if kind == EngineKind::Sqlite { sqlite } else { postgres });
        }
        let (mine, other) = match kind {
            EngineKind::Sqlite => ("{sqlite} ", "{postgres} "),
            EngineKind::Postgres => ("{postgres} ", "{sqlite} "),
        };
        text.split(';')
            .map(|s| s.trim())
            .filter(|s| !s.is_empty() && !s.starts_with(other))
            .map(|s| s.strip_prefix(mine).unwrap_or(s).to_owned())
            .collect()
    }
}

/// Tables and views whose first column is `tenant_id`, in the order they are made.
pub fn tenant_tables() -> Vec<String> {
    created().into_iter().filter(|(_, _, tenant)| *tenant).map(|(name, _, _)| name).collect()
}

/// All tables (not views), in the order they are made.
pub fn tables() -> Vec<String> {
    created().into_iter().filter(|(_, view, _)| !view).map(|(name, _, _)| name).collect()
}

/// Everything that can be selected from, and whether it is a view.
pub(crate) fn tables_and_views() -> Vec<(String, bool)> {
    created().into_iter().map(|(name, view, _)| (name, view)).collect()
}

/// Tables whose rows are made of others' and are made again after a restore; no archive holds them.
pub const DERIVED: [&str; 2] = ["search_entries", "search_progress"];

/// The tables an archive holds, in an order rows can be restored in.
pub fn archived_tables() -> Vec<String> {
    tables().into_iter().filter(|t| !DERIVED.contains(&t.as_str())).collect()
}

fn is_view(name: &str) -> bool {
    created().iter().any(|(n, view, _)| n == name && *view)
}

/// `(name, is a view, has a tenant)` of everything the migrations create.
fn created() -> Vec<(String, bool, bool)> {
    let mut out: Vec<(String, bool, bool)> = Vec::new();
    for migration in ALL {
        for statement in migration.statements(EngineKind::Sqlite) {
            let lower = statement.to_lowercase();
            for (start, view) in [("create table ", false), ("create view ", true)] {
                if let Some(rest) = lower.strip_prefix(start) {
                    let name: String =
                        rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    // A later migration may make a view anew.
                    out.retain(|(known, _, _)| *known != name);
                    out.push((name, view, rest.contains("tenant_id")));
                }
            }
        }
    }
    out
}

/// What a start found and did.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub applied: Vec<&'static str>,
    /// The copy taken before, on SQLite, where there was something to copy.
    pub snapshot: Option<std::path::PathBuf>,
}

/// Brings the schema up to date, under a lock, or refuses with the reason.
pub fn run(location: &Location, now: Timestamp) -> Result<Outcome> {
    match location {
        Location::Sqlite(path) => sqlite::run(path, now),
        Location::Postgres(url) => crate::handle::off_the_runtime(|| postgres::run(url, now)),
    }
}

/// Names of the migrations that a start would apply; changes nothing. A database that is not there needs all of them.
pub fn pending_names(location: &Location) -> Result<Vec<&'static str>> {
    let applied = match location {
        Location::Sqlite(path) if !path.exists() => Vec::new(),
        Location::Sqlite(path) => sqlite::applied_at(path)?,
        Location::Postgres(url) => crate::handle::off_the_runtime(|| postgres::applied_at(url))?,
    };
    Ok(pending(&applied)?.iter().map(|m| m.name).collect())
}

/// Tenant tables whose row-level security is not on and forced. PostgreSQL only.
pub fn unprotected_tables(url: &base::Secret) -> Result<Vec<String>> {
    crate::handle::off_the_runtime(|| postgres::unprotected(url))
}

/// Versions that are not applied yet, after checking those that are.
fn pending(applied: &[(i64, String)]) -> Result<Vec<&'static Migration>> {
    for (version, checksum) in applied {
        match ALL.iter().find(|m| m.version == *version) {
            None => {
                return Err(Error::invalid(
                    "schema.newer",
                    format!(
                        "the database was made by a newer version (it has migration {version}); use that version or restore an older backup"
                    ),
                ));
            }
            Some(m) if m.checksum() != *checksum => {
                return Err(Error::invalid(
                    "schema.different",
                    format!("migration {} was applied with another text than this program holds", m.name),
                ));
            }
            Some(_) => {}
        }
    }
    Ok(ALL.iter().filter(|m| !applied.iter().any(|(v, _)| *v == m.version)).collect())
}

/// The whole schema as one engine sees it: what `schema/{sqlite,postgres}.sql` hold.
pub fn schema(kind: EngineKind) -> String {
    let mut out = String::from("-- Made from migrations/ by `cargo dev schema`; a test compares it.\n");
    for migration in ALL {
        out.push_str(&format!("\n-- {}\n", migration.name));
        for statement in migration.statements(kind) {
            out.push_str(&statement);
            out.push_str(";\n");
        }
    }
    if kind == EngineKind::Postgres {
        out.push_str("\n-- row-level security\n");
        for statement in
            dialect::postgres_security::statements(&tenant_tables(), &crate::sql::SHARED_TABLES, is_view)
        {
            out.push_str(&statement);
            out.push_str(";\n");
        }
    }
    out
}
