use std::sync::atomic::{AtomicI64, Ordering};

pub use jiff::Timestamp;

/// Where instants come from. Nothing outside this file reads the wall clock.
///
/// Instants are whole microseconds: PostgreSQL keeps no more, and a value must read back as it was written.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}

pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        truncate(Timestamp::now())
    }
}

/// A clock that stands still until it is told to move.
pub struct FakeClock(AtomicI64);

impl FakeClock {
    pub fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.as_microsecond()))
    }

    pub fn set(&self, to: Timestamp) {
        self.0.store(to.as_microsecond(), Ordering::SeqCst);
    }

    pub fn advance(&self, by: jiff::SignedDuration) {
        self.0.fetch_add(i64::try_from(by.as_micros()).unwrap_or(0), Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

fn truncate(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

pub const fn seconds(n: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_secs(n)
}
pub const fn minutes(n: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_secs(n * 60)
}
pub const fn hours(n: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_secs(n * 3600)
}
