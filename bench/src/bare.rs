//! The first limit of the writes: the same rows as plain statements, from as many threads as there are callers. They go
//! through the room that groups commits: one that did not would be a lower limit, not a higher one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base::{Actor, Id, Result};
use db::{Db, Location, Scope, Tx, params};

use crate::data::Sample;

db::statements! {
    // A row like the sample's under a new id: what an insert costs, with nothing decided.
    TICKET = "insert into tickets (tenant_id, id, ticket_number, subject, search_text, status, public_status, priority, category, ticket_type, channel,
        customer_id, user_id, user_email, order_id, assigned_to, team_id, origin_type, target_type, unread_by_agent, unread_by_customer, message_count,
        public_message_count, last_message_at, due_at, reminder_count, escalation_level, ai_auto_resolved, context, first_message_id, version,
        public_version, public_updated_at, created_by_kind, created_by_id, created_by, updated_by, created_at, updated_at)
        select tenant_id, ?2, ?3, subject, search_text, 'new', 'new', priority, category, ticket_type, channel,
        customer_id, user_id, user_email, order_id, null, team_id, origin_type, target_type, 1, 0, 1,
        1, ?5, due_at, 0, 0, ai_auto_resolved, context, ?4, 1, 1, ?5, created_by_kind, created_by_id, created_by, updated_by, ?5, ?5
        from tickets where tenant_id = ?1 and id = ?6";
    MESSAGE = "insert into messages (tenant_id, id, ticket_id, direction, is_internal, author_kind, author_id, author_name, body, body_html, delivery, created_at)
        values (?1, ?2, ?3, 'inbound', false, 'customer', ?4, 'Ada Byron', 'The light on the box is red.', '<p>The light on the box is red.</p>', 'none', ?5)";
    AUDIT = "insert into ticket_audits (tenant_id, id, ticket_id, event_type, from_value, to_value, metadata, is_public, actor_kind, actor_id, actor_name, created_at)
        values (?1, ?2, ?3, 'created', null, 'new', '{}', true, 'customer', ?4, 'Ada Byron', ?5)";
    EVENT = "insert into events (tenant_id, id, topic, ticket_id, customer_id, is_public, payload, created_at) values (?1, ?2, 'ticket.created', ?3, ?4, true, '{}', ?5)";
    JOB = "insert into jobs (tenant_id, id, kind, job_key, payload, state, run_at, attempts, fence, created_at)
        values (?1, ?2, 'bench.none', ?3, '{}', 'done', ?4, 0, 0, ?4) on conflict (tenant_id, kind, job_key) do nothing";
    TOUCH = "update tickets set message_count = message_count + 1, version = version + 1, updated_at = ?3 where tenant_id = ?1 and id = ?2";
}

fn open(location: &Location) -> Db {
    let options = db::Options {
        clock: Arc::new(base::SystemClock),
        entropy: Arc::new(base::SystemEntropy),
        threads: if matches!(location, Location::Sqlite(_)) { 4 } else { 16 },
        queue_max: 4096,
    };
    Db::open(location.clone(), options).expect("the data set opens")
}

/// Repeats `work` from `callers` threads and answers how often a second it was done.
fn repeat(location: &Location, callers: usize, time: Duration, work: impl Fn(&Db) + Send + Sync) -> f64 {
    let db = open(location);
    let (start, done) = (Instant::now() + time / 5, AtomicUsize::new(0));
    let end = start + time;
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                while Instant::now() < end {
                    let begun = Instant::now();
                    work(&db);
                    if begun >= start {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    db.close();
    done.load(Ordering::Relaxed) as f64 / time.as_secs_f64()
}

pub fn creates(location: &Location, sample: &Sample, callers: usize, time: Duration) -> f64 {
    let sample = sample.clone();
    repeat(location, callers, time, move |db| {
        let s = sample.clone();
        db.write_blocking(Scope::tenant(s.tenant, Actor::system()), move |tx| create(tx, &s))
            .expect("a bare create");
    })
}

fn create(tx: &mut Tx<'_>, s: &Sample) -> Result<()> {
    let (ticket, message, now): (Id<()>, Id<()>, _) = (tx.new_id(), tx.new_id(), tx.now());
    let number = db::dialect::next_number(tx, "ticket")?;
    let like: uuid::Uuid = s.with_20_messages.parse().map_err(base::Error::from_source)?;
    tx.execute(&TICKET, params![ticket, format!("BARE-{number}"), message, now, like])?;
    tx.execute(&MESSAGE, params![message, ticket, s.customer, now])?;
    let (audit, event, job): (Id<()>, Id<()>, Id<()>) = (tx.new_id(), tx.new_id(), tx.new_id());
    tx.execute(&AUDIT, params![audit, ticket, s.customer, now])?;
    tx.execute(&EVENT, params![event, ticket, s.customer, now])?;
    tx.execute(&JOB, params![job, ticket.to_string(), now])?;
    Ok(())
}

pub fn answers(location: &Location, sample: &Sample, callers: usize, time: Duration) -> f64 {
    let sample = sample.clone();
    repeat(location, callers, time, move |db| {
        let s = sample.clone();
        let work = move |tx: &mut Tx<'_>| {
            let (message, audit, event, now): (Id<()>, Id<()>, Id<()>, _) =
                (tx.new_id(), tx.new_id(), tx.new_id(), tx.now());
            let ticket: uuid::Uuid = s.answered.parse().map_err(base::Error::from_source)?;
            tx.execute(&MESSAGE, params![message, ticket, s.customer, now])?;
            tx.execute(&AUDIT, params![audit, ticket, s.customer, now])?;
            tx.execute(&TOUCH, params![ticket, now])?;
            tx.execute(&EVENT, params![event, ticket, s.customer, now])
        };
        db.write_blocking(Scope::tenant(sample.tenant, Actor::system()), work).expect("a bare answer");
    })
}
