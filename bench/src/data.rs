//! The data set: made once for each size and engine, kept outside the repository.

use std::{path::Path, sync::Arc};

use base::{Actor, Email, Role, Secret, TenantId};
use db::{Db, Location, Scope, params};
use desk::tickets::{self, *};
use identity::{sessions, tenants, users};

/// Names of things in the data set that scenarios speak of.
#[derive(Clone)]
pub struct Sample {
    pub tenant: TenantId,
    pub customer: uuid::Uuid,
    pub with_20_messages: String,
    pub answered: String,
    /// Half-way through the queue.
    pub deep_cursor: String,
}

db::statements! {
    COUNT = "select count(*) from tickets where tenant_id = ?1";
    MIDDLE = "select id, last_message_at from tickets where tenant_id = ?1 order by last_message_at desc, id desc limit 1 offset ?2";
    LONG = "select id from tickets where tenant_id = ?1 and message_count = 20 limit 1";
    OTHER = "select id from tickets where tenant_id = ?1 and message_count = 9 limit 1";
    CUSTOMER = "select id from customers where tenant_id = ?1 order by id limit 1";
    FORGET_JOBS = "delete from jobs where tenant_id = ?1";
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

/// Tickets through the real verbs, several in a commit: ten messages each, one in fifty with twenty.
fn fill(location: &Location, size: usize) {
    let db = open(location);
    let known = db.read_blocking(operator(), tenants::all).expect("tenants");
    let tenant = match known.first() {
        Some(t) => t.id,
        None => {
            let id = db
                .write_blocking(operator(), |tx| tenants::create(tx, "bench", "Bench", None))
                .expect("a tenant");
            db.write_blocking(scope(id), desk::prepare_tenant).expect("categories");
            id
        }
    };
    let there: i64 = db
        .read_blocking(scope(tenant), |r| r.query_one(&COUNT, params![], |row| row.get(0)))
        .expect("a count")
        .unwrap_or(0);
    let mut made = there as usize;
    if made < size {
        eprintln!("making {size} tickets, once …");
    }
    while made < size {
        let (from, to) = (made, (made + 100).min(size));
        db.write_blocking(scope(tenant), move |tx| {
            for n in from..to {
                one(tx, n)?;
            }
            // What the past would have announced was announced then.
            tx.execute(&FORGET_JOBS, params![])
        })
        .expect("tickets");
        made = to;
    }
    db.close();
    db::statistics::refresh(location).expect("statistics");
}

fn scope(tenant: TenantId) -> Scope {
    Scope::tenant(tenant, Actor::system())
}

fn one(tx: &mut db::Tx<'_>, n: usize) -> base::Result<()> {
    let settings = identity::Settings::default();
    let staff =
        identity::Staff { user_id: None, role: Role::Admin, actor: Actor::system(), read_only: false };
    let email: Email = format!("customer{}@example.org", n % 5000).parse()?;
    let requester = Requester { email, name: format!("Customer {}", n % 5000), user_id: None };
    let body = "The light on the box has been red since Monday morning. I have switched it off and on twice, and pulled the plug for a minute.";
    let mut new = NewTicket::new(&format!("Internet down at number {n}"), body, Channel::Portal)?;
    new.priority = Priority::ALL[n % 4];
    new.tags = if n.is_multiple_of(7) { vec!["outage".into()] } else { Vec::new() };
    let ticket = tickets::create(tx, &settings, None, For::Stranger(requester), new)?;
    let messages = if n % 50 == 25 {
        19
    } else if n % 50 == 26 {
        8
    } else {
        9
    };
    for m in 0..messages {
        let message = NewMessage {
            body: Markdown::parse(
                "body",
                "We have looked at the line from here, and it looks well up to your house.",
            )?,
            is_internal: m % 3 == 1,
            attachments: Vec::new(),
            status: None,
            expected_version: None,
            addressed_to: None,
        };
        tickets::staff_message(tx, &settings, &staff, ticket.id, message)?;
    }
    Ok(())
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
            with_20_messages: find(&LONG)?.to_string(),
            answered: find(&OTHER)?.to_string(),
            deep_cursor: Sort::default().cursor_of(at.as_microsecond(), id).to_string(),
        })
    });
    db.close();
    sample.expect("a sample")
}

/// An agent's and a customer's session, beside the running server.
pub fn sessions(location: &Location) -> (String, String) {
    let db = open(location);
    let tenant = db.read_blocking(operator(), tenants::all).expect("tenants")[0].id;
    let of = |email: &'static str, role: Role| {
        db.write_blocking(scope(tenant), move |tx| {
            let address: Email = email.parse()?;
            let user = match users::find_by_email(tx, &address)? {
                Some(user) => user,
                None => {
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
                    users::get(tx, user.id)?
                }
            };
            Ok(sessions::begin(tx, &user, "bench", "127.0.0.1")?.0.reveal().to_owned())
        })
        .expect("a session")
    };
    let made = (of("agent@bench.example", Role::Admin), of("customer@bench.example", Role::Customer));
    db.close();
    made
}
