//! A fresh database per test on the private PostgreSQL that `cargo dev test` starts.

use base::Secret;
use postgres::{Client, NoTls};

/// Where the private server is. Without it a test fails; it does not skip.
pub fn server_url() -> String {
    std::env::var("COUNTERFOIL_TEST_POSTGRES")
        .expect("COUNTERFOIL_TEST_POSTGRES is not set: run the tests through `cargo dev test`, which starts a private PostgreSQL")
}

fn url_of(database: &str) -> String {
    let server = server_url();
    let (head, _) = server.rsplit_once('/').expect("a URL with a database");
    format!("{head}/{database}")
}

/// Copies the migrated template, which the first test makes while the others wait.
pub fn fresh_database() -> Secret {
    std::thread::spawn(|| {
        let mut client = Client::connect(&server_url(), NoTls).expect("the private PostgreSQL answers");
        // A migration is told by all of its text, also by what is for the other engine.
        let checksum = [db::EngineKind::Postgres, db::EngineKind::Sqlite]
            .map(db::migrate::schema)
            .concat()
            .bytes()
            .fold(0u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        let template = format!("template_{checksum:x}");
        client.batch_execute("select pg_advisory_lock(77)").unwrap();
        let there = client.query_opt("select 1 from pg_database where datname = $1", &[&template]).unwrap();
        if there.is_none() {
            let making = format!("{template}_making");
            client.batch_execute(&format!("drop database if exists {making}")).unwrap();
            client.batch_execute(&format!("create database {making}")).unwrap();
            db::migrate::run(
                &db::Location::Postgres(Secret::new(url_of(&making))),
                "2026-01-01T00:00:00Z".parse().unwrap(),
            )
            .expect("migrations run");
            client.batch_execute(&format!("alter database {making} rename to {template}")).unwrap();
        }
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        client.batch_execute(&format!("create database {name} template {template}")).unwrap();
        client.batch_execute("select pg_advisory_unlock(77)").unwrap();
        Secret::new(url_of(&name))
    })
    .join()
    .expect("a fresh database")
}

/// An empty database without a schema.
pub fn empty_database() -> Secret {
    std::thread::spawn(|| {
        let mut client = Client::connect(&server_url(), NoTls).expect("the private PostgreSQL answers");
        let name = format!("empty_{}", uuid::Uuid::new_v4().simple());
        client.batch_execute(&format!("create database {name}")).unwrap();
        Secret::new(url_of(&name))
    })
    .join()
    .expect("an empty database")
}

pub fn drop_database(url: &Secret) {
    let url = url.reveal().to_owned();
    std::thread::spawn(move || {
        let name = url.rsplit_once('/').map(|(_, n)| n.to_owned()).unwrap_or_default();
        if let Ok(mut client) = Client::connect(&server_url(), NoTls) {
            client.batch_execute(&format!("drop database if exists {name} with (force)")).ok();
        }
    })
    .join()
    .ok();
}
