//! `counterfoil demo`: a believable month of an internet provider, in a folder of its own, the same every time.
//!
//! The rule this room protects: **it never touches data that it did not make.** Its folder carries a mark; a folder
//! that holds a database without the mark is refused, and `--fresh` removes what we made there and nothing else.
//!
//! | file | what it holds |
//! |---|---|
//! | `stories` | what customers write about, and how it ends |
//! | `people` | staff, teams and customers |
//! | `script` | one ticket, act by act |
//! | `month` | plays the scripts through the product's verbs, in the order of time |
//! | `articles` | the help centre, with what readers said |
//! | `automatic` | rules, and what they looked at |
//! | `canned` | canned replies, macros, and a draft |
//! | `files` | attachments |
//! | `chance` | randomness that is the same every time |

mod articles;
mod automatic;
mod canned;
mod chance;
mod feedback;
mod files;
mod month;
mod people;
mod script;
mod stories;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use base::{
    Actor, Clock as _, Error, FakeClock, Result, Secret, SeededEntropy, SystemClock, TenantId, Timestamp,
    hours,
};
use chance::Chance;
use db::{Db, Options, Scope, Tx};
use desk::tickets::NewAttachment;
use identity::{Links, Settings, passwords, tenants};
use notices::webhooks;

use crate::{config::Config, lock::FolderLock, wiring};

pub const FOLDER: &str = "counterfoil-demo";
const MARK: &str = "made-by-counterfoil-demo";
const SEED: u64 = 1;

/// Seeds the folder when it is empty, says who to sign in as, and serves.
pub fn run(config: &Config, fresh: bool) -> Result<()> {
    let _lock = FolderLock::take(&config.data_dir)?;
    check_ours(&config.data_dir)?;
    let done = config.data_dir.join(MARK);
    // An empty mark is a demo whose making was interrupted.
    let finished = std::fs::read(&done).is_ok_and(|text| !text.is_empty());
    if fresh || !finished {
        empty(&config.data_dir)?;
        std::fs::write(&done, "").map_err(Error::from_source)?;
        println!("Making a month of Northwind Fiber …");
        seed(config, SystemClock.now())?;
        std::fs::write(&done, "Everything in this folder may be deleted.\n").map_err(Error::from_source)?;
    }
    println!("\nSign in at {}/login, password for all: {}\n", config.public_url, people::PASSWORD);
    for (name, email, role, _) in people::STAFF {
        println!("  {:<14} {email:<31} {name}", role.as_str());
    }
    println!("  {:<14} {:<31} a customer, who sees the portal\n", "customer", "customer@example.org");
    crate::serve_with(config, wiring::open_database(config)?)
}

/// The demo's own configuration: its folder, the embedded database, no mail server.
pub fn configure(mut config: Config, data_dir: Option<PathBuf>) -> Config {
    config.data_dir = data_dir.unwrap_or_else(|| FOLDER.into());
    config.database_url = None;
    // What a demo writes to example addresses must never leave the machine.
    config.smtp = None;
    let mut shown = config.listen;
    if shown.ip().is_unspecified() {
        shown.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    config.public_url = format!("http://{shown}");
    config
}

/// Whether an entry of a data folder is one that a demo makes; its own mark and the lock are not asked about.
fn is_data(name: &str) -> bool {
    let database = ["counterfoil.sqlite3", "counterfoil.before-", "counterfoil.access"];
    matches!(name, "blobs" | "outbox") || database.iter().any(|start| name.starts_with(start))
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let read = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let named = |e: std::fs::DirEntry| (e.file_name().to_string_lossy().into_owned(), e.path());
    Ok(read.map_err(Error::from_source)?.into_iter().map(named).collect())
}

/// A folder with data and without the mark is somebody's, also when the database itself is on PostgreSQL.
fn check_ours(folder: &Path) -> Result<()> {
    if !folder.join(MARK).exists() && entries(folder)?.iter().any(|(name, _)| is_data(name)) {
        return Err(Error::conflict(
            "data_dir.not_a_demo",
            format!(
                "{} holds data that is not a demo's; name another folder with --data-dir",
                folder.display()
            ),
        ));
    }
    Ok(())
}

/// Removes what a demo makes, and nothing else. The lock stays: it is held.
fn empty(folder: &Path) -> Result<()> {
    for (_, path) in entries(folder)?.into_iter().filter(|(name, _)| is_data(name)) {
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.map_err(Error::from_source)?;
    }
    Ok(())
}

fn seed(config: &Config, now: Timestamp) -> Result<()> {
    let start = now - hours(24 * 31);
    let clock = Arc::new(FakeClock::at(start - hours(24 * 181)));
    let entropy = Arc::new(SeededEntropy::new(SEED));
    let options = Options { clock, entropy, threads: 1, queue_max: 64 };
    let db = Db::open(config.location(), options)?;
    let made = fill(config, &db, start, now);
    db.close();
    let tickets = made?;
    println!("{tickets} tickets are there.");
    Ok(())
}

fn fill(config: &Config, db: &Db, start: Timestamp, now: Timestamp) -> Result<usize> {
    let tenant = wiring::create_tenant(db, "northwind", "Northwind Fiber", None)?;
    let settings = Settings {
        from_name: "Northwind Fiber".into(),
        from_email: "support@northwind.example".into(),
        notice_banner: "Thursday 02:00 to 04:00: maintenance in Millbrook, with short interruptions.".into(),
        ..Settings::default()
    };
    let files = store_files(config, tenant)?;
    let hash = passwords::hash(&Secret::new(people::PASSWORD))?;
    let links = Links::parse(&config.public_url)?;
    // One commit: a demo that was interrupted is not half there.
    db.write_blocking(Scope::tenant(tenant, Actor::operator()), move |tx| {
        tenants::save_settings(tx, "Northwind Fiber", &settings)?;
        let chance = Chance::new(SEED);
        let cast = people::hire_and_sign_up(tx, &chance, &hash, start)?;
        let month = month::Month { cast, chance: &chance, settings, files, now };
        let tickets = month::play(tx, &month, &links)?;
        canned::keep(tx, &month)?;
        articles::publish(tx, &month)?;
        subscribe(tx, &month)?;
        Ok(tickets + automatic::rules(tx, &month)?)
    })
}

/// A webhook to look at. It is off: a demo calls nobody by itself.
fn subscribe(tx: &mut Tx<'_>, month: &month::Month<'_>) -> Result<()> {
    let admin = month.cast.staff.iter().find(|c| c.staff.is_admin()).map(|c| c.staff.actor.clone());
    tx.as_of(admin.unwrap_or_else(Actor::operator), month.now - hours(48), |tx| {
        let new = webhooks::NewWebhook {
            name: "Billing".into(),
            url: "https://billing.northwind.example/hooks/counterfoil".into(),
            topics: vec!["ticket.created".into(), "ticket.changed".into()],
        };
        let (_, made) = webhooks::create(tx, new)?;
        webhooks::send_test(tx, made.id)?;
        let off = webhooks::WebhookPatch { enabled: Some(false), ..Default::default() };
        webhooks::change(tx, made.id, off).map(|_| ())
    })
}

fn store_files(config: &Config, tenant: TenantId) -> Result<Vec<NewAttachment>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Error::from_source)?;
    let blobs = crate::wiring::open_blobs(config)?;
    runtime.block_on(async {
        let mut stored = Vec::new();
        for file in files::all()? {
            let mut writer = blobs.begin(tenant).await?;
            writer.write(file.content.into()).await?;
            let blob = writer.finish().await?;
            stored.push(NewAttachment {
                filename: file.filename.to_owned(),
                content_type: file.content_type.to_owned(),
                size_bytes: blob.size_bytes,
                sha256: blob.sha256.0,
            });
        }
        Ok(stored)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;

    db::statements! {
        ROWS = "select id, ticket_number, subject, status, created_at from tickets where tenant_id = ?1 order by ticket_number";
    }

    type Row = (uuid::Uuid, String, String, String, Timestamp);

    fn month(folder: &Path) -> Vec<Row> {
        let config = Config::load(&Overrides::default(), std::iter::empty()).unwrap();
        let config = configure(config, Some(folder.to_owned()));
        seed(&config, "2026-03-02T12:00:00Z".parse().unwrap()).unwrap();
        let db = wiring::open_database(&config).unwrap();
        let tenant = wiring::find_tenant(&db, "northwind").unwrap();
        let rows = db
            .read_blocking(Scope::tenant(tenant.id, Actor::operator()), |read| {
                read.query_all(&ROWS, db::params![], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                })
            })
            .unwrap();
        db.close();
        rows
    }

    #[test]
    fn the_month_is_the_same_every_time_and_has_tickets_in_every_state() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let rows = month(one.path());
        assert_eq!(rows, month(two.path()));
        assert!(rows.len() >= 600);
        for status in desk::tickets::Status::ALL {
            assert!(rows.iter().any(|r| r.3 == status.as_str()), "no ticket is {status}");
        }
    }

    #[test]
    fn a_folder_with_other_data_is_refused() {
        for name in ["counterfoil.sqlite3", "blobs", "outbox"] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(name), "x").unwrap();
            assert_eq!(check_ours(folder.path()).unwrap_err().code(), "data_dir.not_a_demo", "{name}");
        }
    }

    #[test]
    fn starting_over_takes_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["counterfoil.toml", "notes.txt", "counterfoil.sqlite3", "counterfoil.sqlite3-wal", "lock"]
        {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        empty(folder.path()).unwrap();
        let mut left: Vec<String> =
            entries(folder.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        left.sort();
        assert_eq!(left, ["counterfoil.toml", "lock", "notes.txt"]);
    }
}
