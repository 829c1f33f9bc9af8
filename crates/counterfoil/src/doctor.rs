//! `counterfoil doctor`: looks for what could go wrong, one line each: `OK`, `WARN` or `FAIL`. Changes nothing.

use std::{io::Write as _, path::Path};

use base::{Actor, Clock as _, Error, Result, TenantId};
use db::{Db, Location, Read, Scope, params};
use engine::outside::{Blobs as _, Sha256};

use crate::{config::Config, wiring};

/// Below this a data folder is nearly full.
const FREE_MIN_BYTES: u64 = 1024 * 1024 * 1024;

db::statements! {
    BLOBS = "select sha256 from attachments where tenant_id = ?1 union select sha256 from mails where tenant_id = ?1";
    FAILED_LETTERS = "select count(*) from letters where tenant_id = ?1 and status = 'failed'";
    OLDEST_JOB = "select min(run_at) from jobs where tenant_id = ?1 and state = 'queued'";
}

#[derive(Default)]
struct Report {
    failed: bool,
}

impl Report {
    fn line(&mut self, verdict: &str, what: &str, detail: impl std::fmt::Display) {
        self.failed |= verdict == "FAIL";
        println!("{verdict:<5} {what:<16} {detail}");
    }
    fn ok(&mut self, what: &str, detail: impl std::fmt::Display) {
        self.line("OK", what, detail);
    }
    fn warn(&mut self, what: &str, detail: impl std::fmt::Display) {
        self.line("WARN", what, detail);
    }
    fn fail(&mut self, what: &str, detail: impl std::fmt::Display) {
        self.line("FAIL", what, detail);
    }
}

/// Looks at everything; an error when a line says `FAIL`.
pub fn run(config: &Config) -> Result<()> {
    let mut report = Report::default();
    folder(&mut report, config);
    address(&mut report, config);
    if schema(&mut report, config) {
        integrity(&mut report, config);
        match wiring::open_database(config) {
            Ok(db) => {
                let looked = tenants(&mut report, config, &db);
                db.close();
                if let Err(error) = looked {
                    report.fail("database", error.message());
                }
            }
            Err(error) => report.fail("database", error.message()),
        }
    }
    mail(&mut report, config);
    if report.failed {
        return Err(Error::unavailable(
            "doctor.failed",
            "something is wrong; see the lines that begin with FAIL",
        ));
    }
    Ok(())
}

fn folder(report: &mut Report, config: &Config) {
    let folder = &config.data_dir;
    let probe = folder.join(".doctor");
    let wrote = wiring::ensure_folder(folder).and_then(|()| {
        std::fs::File::create(&probe)
            .and_then(|mut f| f.write_all(b"ok").and_then(|()| f.sync_all()))
            .map_err(Error::from_source)
    });
    std::fs::remove_file(&probe).ok();
    match wrote {
        Ok(()) => report.ok("data folder", format!("{} can be written", folder.display())),
        Err(error) => {
            return report.fail("data folder", format!("{}: {}", folder.display(), error.message()));
        }
    }
    match enough_room(folder) {
        Ok(true) => report.ok("disk", "at least 1 GiB is free"),
        Ok(false) => {
            report.warn("disk", "less than 1 GiB is free; writing stops with an error when it is full")
        }
        Err(error) => report.warn("disk", error.message()),
    }
}

fn enough_room(folder: &Path) -> Result<bool> {
    let store = outside::LocalBlobs::open(folder.join("blobs"))?;
    match runtime()?.block_on(store.check_free(FREE_MIN_BYTES)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == base::Kind::StorageFull => Ok(false),
        Err(error) => Err(error),
    }
}

fn address(report: &mut Report, config: &Config) {
    if config.public_url.starts_with("https://") {
        report.ok("public_url", &config.public_url);
    } else if config.listen.ip().is_loopback() && config.trusted_proxies.is_empty() {
        report.ok("public_url", format!("{} (this machine only)", config.public_url));
    } else {
        report.warn(
            "public_url",
            format!("{} is not https: passwords and cookies travel in the clear", config.public_url),
        );
    }
}

/// False when there is no database to look at further.
fn schema(report: &mut Report, config: &Config) -> bool {
    if let Location::Sqlite(path) = config.location()
        && !path.exists()
    {
        report.warn("database", format!("{} is not there yet; serve makes it", path.display()));
        return false;
    }
    match db::migrate::pending_names(&config.location()) {
        Ok(names) if names.is_empty() => {
            report.ok("schema", "up to date");
            true
        }
        Ok(names) => {
            report.warn("schema", format!("to be applied at the next start: {}", names.join(", ")));
            false
        }
        Err(error) => {
            report.fail("schema", error.message());
            false
        }
    }
}

fn integrity(report: &mut Report, config: &Config) {
    match config.location() {
        Location::Sqlite(path) => match db::archive::sqlite_problems(&path) {
            Ok(problems) if problems.is_empty() => report.ok("database file", "is whole"),
            Ok(problems) => report.fail("database file", problems.join("; ")),
            Err(error) => report.fail("database file", error.message()),
        },
        Location::Postgres(url) => match db::migrate::unprotected_tables(&url) {
            Ok(tables) if tables.is_empty() => {
                report.ok("row security", "forced on every tenant's table");
            }
            Ok(tables) => report.fail("row security", format!("is not forced on {}", tables.join(", "))),
            Err(error) => report.fail("row security", error.message()),
        },
    }
}

fn tenants(report: &mut Report, config: &Config, db: &Db) -> Result<()> {
    let all = db.read_blocking(Scope::installation(Actor::operator()), identity::tenants::all)?;
    match all.len() {
        0 => report.warn("tenants", "none yet; serve prints the link that makes the first"),
        count => report.ok("tenants", count),
    }
    for hidden in all.iter().filter(|t| all.len() > 1 && t.host.is_none()) {
        let hint = format!("run: counterfoil tenant set-host {} HOST", hidden.slug);
        report.warn("hosts", format!("{} has no host name, so nobody reaches it; {hint}", hidden.slug));
    }
    let now = base::SystemClock.now();
    for tenant in all {
        let scope = || Scope::tenant(tenant.id, Actor::operator());
        let jobs = db.read_blocking(scope(), engine::store::counts)?;
        let dead = jobs.iter().find(|(state, _)| state == "dead").map_or(0, |(_, count)| *count);
        let what = |name: &str| format!("{} {name}", tenant.slug);
        match dead {
            0 => report.ok(&what("jobs"), "none is dead"),
            count => report.warn(&what("jobs"), format!("{count} dead; see /admin/jobs")),
        }
        let oldest = db.read_blocking(scope(), |read: &Read<'_>| {
            read.query_one(&OLDEST_JOB, params![], |row| row.get::<Option<base::Timestamp>>(0))
        })?;
        if let Some(at) = oldest.flatten().filter(|at| *at + base::hours(1) < now) {
            report.warn(&what("jobs"), format!("one waits since {at}; is a server running?"));
        }
        let failed = db.read_blocking(scope(), |read: &Read<'_>| {
            read.query_one(&FAILED_LETTERS, params![], |row| row.get::<i64>(0))
        })?;
        match failed.unwrap_or(0) {
            0 => report.ok(&what("letters"), "none failed"),
            count => report.warn(&what("letters"), format!("{count} failed; see /admin/outbox")),
        }
        let (missing, behind) = db.read_blocking(scope(), |read| {
            Ok((desk::tickets::search::missing(read)?, desk::tickets::search::is_behind(read)?))
        })?;
        match (missing, behind) {
            (0, _) => report.ok(&what("search"), "every ticket can be found"),
            (count, true) => report.warn(
                &what("search"),
                format!("{count} tickets are not in the index yet; a running server brings them in"),
            ),
            (count, false) => report.fail(
                &what("search"),
                format!(
                    "{count} tickets are not in the index; run: counterfoil search rebuild --tenant {}",
                    tenant.slug
                ),
            ),
        }
        blobs(report, config, db, tenant.id, &what("attachments"))?;
    }
    Ok(())
}

fn blobs(report: &mut Report, config: &Config, db: &Db, tenant: TenantId, what: &str) -> Result<()> {
    let wanted = db.read_blocking(Scope::tenant(tenant, Actor::operator()), |read| {
        read.query_all(&BLOBS, params![], |row| row.get::<[u8; 32]>(0))
    })?;
    let store = crate::wiring::open_blobs(config)?;
    let missing = runtime()?.block_on(async {
        let mut missing = 0;
        for hash in &wanted {
            missing += usize::from(!store.exists(tenant, Sha256(*hash)).await?);
        }
        Ok::<_, Error>(missing)
    })?;
    match missing {
        0 => report.ok(what, format!("all {} files are there", wanted.len())),
        count => report.fail(what, format!("{count} of {} files are missing", wanted.len())),
    }
    Ok(())
}

fn mail(report: &mut Report, config: &Config) {
    let Some(smtp) = &config.smtp else {
        return report.warn("mail", "no server is configured: letters are kept in the outbox folder");
    };
    match runtime().and_then(|runtime| runtime.block_on(outside::smtp_check(smtp))) {
        Ok(detail) => report.ok("mail", detail),
        Err(error) => report.fail("mail", error.message()),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::from_source)
}
