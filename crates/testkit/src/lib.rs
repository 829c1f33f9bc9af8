//! A [`World`] on either engine: a migrated, empty database with two tenants and a clock that obeys.
//!
//! ```ignore
//! testkit::both_engines! {
//!     async fn a_ticket_is_found(world) { … }
//! }
//! ```
//! makes one test on SQLite and one on PostgreSQL. Every world has a second tenant whose rows must not change.

mod mailboxes;
mod outside;
pub mod peers;
pub mod postgres_server;
mod world;

pub use mailboxes::FakeMailboxes;
pub use outside::{
    DiesAt, FakeBlobs, FakeChecks, FakeHttp, FakeMailer, FakeRelays, FakeScanner, Fakes, fake_outside,
    fake_outside_with_http, fakes,
};
pub use world::{World, installation};

/// Makes `on_sqlite::name` and `on_postgres::name` of each test.
#[macro_export]
macro_rules! both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident) $body:block)*) => {
        mod on_sqlite {
            #[allow(unused_imports)]
            use super::*;
            $($(#[$meta])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::bodies::$name($crate::World::sqlite()).await; })*
        }
        mod on_postgres {
            #[allow(unused_imports)]
            use super::*;
            $($(#[$meta])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::bodies::$name($crate::World::postgres()).await; })*
        }
        mod bodies {
            #[allow(unused_imports)]
            use super::*;
            $(pub async fn $name($world: $crate::World) $body)*
        }
    };
}
