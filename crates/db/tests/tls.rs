//! `sslmode=require` means TLS to a server that proves who it is; a server that cannot is refused, not trusted.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

#[test]
fn a_server_without_tls_is_refused_when_tls_is_required() {
    let plain = testkit::postgres_server::server_url();
    let url = format!("{plain}?sslmode=require");
    let now = "2026-03-02T12:00:00Z".parse().unwrap();
    let error = db::migrate::run(&db::Location::Postgres(base::Secret::new(url)), now).unwrap_err();
    assert_eq!(error.code(), "db.unreachable");
    assert!(!error.message().contains("counterfoil@"), "the URL is a secret");
}
