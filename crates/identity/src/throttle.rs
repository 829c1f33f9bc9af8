//! How often something may be tried: fixed windows by bucket, such as an account, an address or a client.

use base::{Error, Result, Timestamp};
use db::{Tx, params};

/// At most `most` in `window`.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub name: &'static str,
    pub most: i64,
    pub window_seconds: i64,
}

db::statements! {
    HIT = "insert into throttles (tenant_id, bucket, window_start, hits) values (?1, ?2, ?3, 1)
        on conflict (tenant_id, bucket) do update set
            hits = case when throttles.window_start = excluded.window_start then throttles.hits + 1 else 1 end,
            window_start = excluded.window_start
        returning hits";
    CLEAR = "delete from throttles where tenant_id = ?1 and bucket = ?2";
    FORGET = "delete from throttles where tenant_id = ?1 and window_start < ?2";
}

fn window_start(now: Timestamp, limit: &Limit) -> Timestamp {
    let second = now.as_second() - now.as_second().rem_euclid(limit.window_seconds);
    Timestamp::from_second(second).unwrap_or(now)
}

/// Counts one attempt. Past the limit it is refused with the time until the window ends.
///
/// Run it in a transaction of its own that commits: an attempt counts also when what follows fails.
pub fn hit(tx: &mut Tx<'_>, limit: &Limit, who: &str) -> Result<Result<()>> {
    let now = tx.now();
    let start = window_start(now, limit);
    let who: String = who.chars().take(200).collect();
    let hits: Option<i64> =
        tx.query_one(&HIT, params![format!("{}:{who}", limit.name), start], |row| row.get(0))?;
    if hits.unwrap_or(1) <= limit.most {
        return Ok(Ok(()));
    }
    let wait = limit.window_seconds - (now.as_second() - start.as_second());
    let wait = u32::try_from(wait.max(1)).unwrap_or(60);
    Ok(Err(Error::limited(
        "too_many_attempts",
        format!("too many attempts; try again in {wait} seconds"),
        wait,
    )))
}

/// Forgets the attempts, after one that succeeded.
pub fn clear(tx: &mut Tx<'_>, limit: &Limit, who: &str) -> Result<()> {
    let who: String = who.chars().take(200).collect();
    tx.execute(&CLEAR, params![format!("{}:{who}", limit.name)]).map(|_| ())
}

pub fn forget_old(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now() - base::hours(48);
    tx.execute(&FORGET, params![before]).map(|_| ())
}
