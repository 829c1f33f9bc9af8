//! The data set: made once for each size and engine, kept outside the repository.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use base::{Actor, Email, Role, Secret, TenantId};
use db::{Db, Location, Scope, params};
use desk::{reports, tickets::Sort};
use engine::Inside as _;
use identity::{sessions, tenants, users};

use crate::{
    corpus::{self, Cast},
    rows::Sink,
};

/// Names of things in the data set that scenarios speak of.
#[derive(Clone)]
pub struct Sample {
    pub tenant: TenantId,
    pub customer: uuid::Uuid,
    pub with_20_messages: String,
    pub answered: String,
    /// Half-way through the queue.
    pub deep_cursor: String,
    /// The same: when somebody wrote last (microseconds), and which ticket it is.
    pub middle: (i64, uuid::Uuid),
    /// The ticket with 20 messages.
    pub long: uuid::Uuid,
}

db::statements! {
    COUNT = "select count(*) from tickets where tenant_id = ?1";
    MIDDLE = "select id, last_message_at from tickets where tenant_id = ?1 order by last_message_at desc, id desc limit 1 offset ?2";
    LONG = "select id from tickets where tenant_id = ?1 and message_count = 20 limit 1";
    OTHER = "select id from tickets where tenant_id = ?1 and message_count = 9 limit 1";
    UNCOUNTED = "insert into report_state (tenant_id, generation, time_zone, low) values (?1, 0, '', ?2)";
    NO_JOBS = "delete from jobs where tenant_id = ?1 and kind = ?2";
    installation DUE = "select count(*) from jobs where state in ('queued', 'running') and run_at <= ?1";
    CUSTOMER = "select id from customers where tenant_id = ?1 order by id limit 1";
}

fn open(location: &Location) -> Db {
    let options = db::Options {
        clock: Arc::new(base::SystemClock),
        entropy: Arc::new(base::SystemEntropy),
        threads: 4,
        queue_max: 4096,
    };
    Db::open(location.clone(), options).expect("the database opens")
}

fn operator() -> Scope {
    Scope::installation(Actor::operator())
}

pub fn sqlite(folder: &Path, size: usize) -> Location {
    let folder = folder.join(format!("sqlite-{size}"));
    std::fs::create_dir_all(&folder).expect("a folder for the data set");
    let location = Location::Sqlite(folder.join("counterfoil.sqlite3"));
    fill(&location, size);
    location
}

/// A database of its own on the server whose URL is given.
pub fn postgres(server: &str, size: usize) -> Location {
    let (head, _) = server.rsplit_once('/').expect("a URL with a database");
    let name = format!("counterfoil_bench_{size}");
    // Made by hand beforehand, so that this program needs no rights of its own: createdb counterfoil_bench_1000
    let location = Location::Postgres(Secret::new(format!("{head}/{name}")));
    fill(&location, size);
    location
}

/// Rows straight into the tables, so that a million tickets are minutes and not hours; the search index is made of them
/// by the product. A data set that was begun and not finished is begun anew by hand: delete it.
fn fill(location: &Location, size: usize) {
    let db = open(location);
    let known = db.read_blocking(operator(), tenants::all).expect("tenants");
    if let Some(tenant) = known.first() {
        let count = |r: &db::Read<'_>| r.query_one(&COUNT, params![], |row| row.get::<i64>(0));
        let there = db.read_blocking(scope(tenant.id), count).expect("a count").unwrap_or(0);
        let behind = db.read_blocking(scope(tenant.id), desk::tickets::search::is_behind).expect("progress");
        assert!(
            there as usize >= size && !behind,
            "the data set was not finished: delete it and start again"
        );
        db.close();
        return;
    }
    eprintln!("making {size} tickets, once …");
    let tenant =
        db.write_blocking(operator(), |tx| tenants::create(tx, "bench", "Bench", None)).expect("a tenant");
    let cast = db.write_blocking(scope(tenant), move |tx| cast(tx, tenant)).expect("people");
    let mut sink = Sink::open(location, tenant.uuid());
    sink.write(vec![corpus::customers(&cast)]);
    for from in (0..size).step_by(2_000) {
        sink.write(corpus::tickets(&cast, from, (from + 2_000).min(size), size));
        if from % 100_000 == 0 {
            eprintln!("  {from}");
        }
    }
    sink.execute(&counters(location));
    sink.execute(&numbers(location, tenant, size));
    drop(sink);
    eprintln!("  the search index …");
    desk::tickets::search::rebuild(&|step| db.write_blocking(scope(tenant), step)).expect("the index");
    eprintln!("  the figures of reports …");
    figures(&db, tenant);
    db.close();
    db::statistics::refresh(location).expect("statistics");
}

/// Counts what was brought in as an upgrade from a version without reports does.
fn figures(db: &Db, tenant: TenantId) {
    let unknown = |tx: &mut db::Tx<'_>| tx.execute(&UNCOUNTED, params![uuid::Uuid::nil()]).map(|_| ());
    db.write_blocking(scope(tenant), unknown).expect("nothing counted");
    db.write_blocking(scope(tenant), reports::catch_up).expect("a beginning");
    while db.read_blocking(scope(tenant), reports::is_behind).expect("progress") {
        let step = |tx: &mut db::Tx<'_>| {
            reports::Filler.run(tx, &reports::FillReports { generation: 0, low: uuid::Uuid::nil() })?;
            // The next step is taken here, not by a job.
            tx.execute(&NO_JOBS, params![<reports::FillReports as engine::Job>::KIND])?;
            Ok(())
        };
        let begun = std::time::Instant::now();
        db.write_blocking(scope(tenant), step).expect("a step");
        if begun.elapsed() < Duration::from_millis(3) {
            // It has just begun, and waits for what may be being written.
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

/// Twelve agents, three teams, and whoever the customers are.
fn cast(tx: &mut db::Tx<'_>, tenant: TenantId) -> base::Result<Cast> {
    desk::prepare_tenant(tx)?;
    let mut agents = Vec::new();
    for n in 0..12 {
        agents.push(person(tx, &format!("agent{n}@bench.example"), Role::Agent)?.id.uuid());
    }
    let teams =
        ["North", "South", "Billing"].map(|name| identity::teams::create(tx, name).map(|t| t.id.uuid()));
    let now_us = tx.now().as_microsecond();
    Ok(Cast {
        tenant: tenant.uuid(),
        customers: (0..corpus::CUSTOMERS)
            .map(|n| corpus::id(now_us - 800 * 86_400_000_000, 4, n as u64))
            .collect(),
        agents,
        teams: teams.into_iter().collect::<base::Result<Vec<_>>>()?,
        now_us,
    })
}

fn counters(location: &Location) -> String {
    let nil = match location {
        Location::Sqlite(_) => "zeroblob(16)",
        Location::Postgres(_) => "'00000000-0000-0000-0000-000000000000'::uuid",
    };
    format!(
        "insert into ticket_counts (tenant_id, status, is_snoozed, assigned_to, team_id, part, count)
            select tenant_id, status, false, coalesce(assigned_to, {nil}), coalesce(team_id, {nil}), {nil}, count(*)
            from tickets group by tenant_id, status, coalesce(assigned_to, {nil}), coalesce(team_id, {nil})"
    )
}

fn numbers(location: &Location, tenant: TenantId, size: usize) -> String {
    match location {
        Location::Sqlite(_) => {
            format!("update number_series set next_value = {} where series = 'ticket'", size + 1)
        }
        Location::Postgres(_) => {
            format!("select setval('series_ticket_{}', {})", tenant.uuid().simple(), size + 1)
        }
    }
}

fn person(tx: &mut db::Tx<'_>, email: &str, role: Role) -> base::Result<identity::User> {
    let address: Email = email.parse()?;
    if let Some(user) = users::find_by_email(tx, &address)? {
        return Ok(user);
    }
    let new = users::NewUser {
        email: address,
        name: email.into(),
        role,
        password_hash: None,
        verified: true,
        locale: "en".into(),
        time_zone: "UTC".into(),
    };
    let user = users::create(tx, new)?;
    if role == Role::Customer {
        crm::customers::tie_verified_user(tx, &user)?;
    }
    users::get(tx, user.id)
}

fn scope(tenant: TenantId) -> Scope {
    Scope::tenant(tenant, Actor::system())
}

pub fn sample(location: &Location) -> Sample {
    let db = open(location);
    let tenant = db.read_blocking(operator(), tenants::all).expect("tenants")[0].id;
    let sample = db.read_blocking(scope(tenant), move |read| {
        let size: i64 = read.query_one(&COUNT, params![], |row| row.get(0))?.unwrap_or(0);
        let middle = read.query_one(&MIDDLE, params![size / 2], |row| {
            Ok((row.get::<uuid::Uuid>(0)?, row.get::<base::Timestamp>(1)?))
        })?;
        let (id, at) = middle.expect("a ticket in the middle");
        let find = |sql| {
            read.query_one(sql, params![], |row| row.get::<uuid::Uuid>(0)).map(|id| id.expect("a sample"))
        };
        Ok(Sample {
            tenant,
            customer: find(&CUSTOMER)?,
            long: find(&LONG)?,
            middle: (at.as_microsecond(), id),
            with_20_messages: find(&LONG)?.to_string(),
            answered: find(&OTHER)?.to_string(),
            deep_cursor: Sort::default().cursor_of(at.as_microsecond(), id).to_string(),
        })
    });
    db.close();
    sample.expect("a sample")
}

/// Waits until the running server has done the jobs that are due, and answers how many they were at first.
pub fn let_it_finish(location: &Location) -> i64 {
    let (db, begun) = (open(location), Instant::now());
    let due = || {
        let now = db.now();
        let found =
            db.read_blocking(operator(), move |read| read.query_one(&DUE, params![now], |row| row.get(0)));
        found.expect("jobs").unwrap_or(0)
    };
    let first = due();
    while due() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(1_200), "the jobs come to no end");
        std::thread::sleep(Duration::from_millis(500));
    }
    db.close();
    first
}

/// An agent's and a customer's session, beside the running server.
pub fn sessions(location: &Location) -> (String, String) {
    let db = open(location);
    let tenant = db.read_blocking(operator(), tenants::all).expect("tenants")[0].id;
    let of = |email: &'static str, role: Role| {
        db.write_blocking(scope(tenant), move |tx| {
            let user = person(tx, email, role)?;
            Ok(sessions::begin(tx, &user, "bench", "127.0.0.1")?.0.reveal().to_owned())
        })
        .expect("a session")
    };
    let made = (of("agent@bench.example", Role::Admin), of("customer@bench.example", Role::Customer));
    db.close();
    made
}
