//! Events that somebody besides the live streams wants: each leaves a job, in the transaction of its cause.
//!
//! A follower that reads the table of events from a cursor would miss what commits late under an early id. So an event
//! of a tapped topic queues [`Tapped`], which holds the event itself: it outlives the row, which is kept for a day.
//! Who wants which topics is in `event_taps`. Where nothing is tapped, publishing costs one look-up and no write.

use base::{Id, Result};
use db::{Read, Tx, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Enqueue, Event, Job, StoredEvent, events::EventRow};

/// An event on its way to those who tap its topic.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tapped {
    pub event: StoredEvent,
    /// The place of the event among the tapped ones of its object, from one, without gaps. None when it has no object.
    pub sequence: Option<i64>,
}

impl Job for Tapped {
    const KIND: &'static str = "engine.tapped";
    fn key(&self) -> String {
        self.event.id.to_string()
    }
}

db::statements! {
    IS_TAPPED = "select 1 from event_taps where tenant_id = ?1 and pattern in (?2, ?3, '*') limit 1";
    // Held until the commit: of two events of one object the second waits for the first, and gets the next number.
    NEXT_SEQUENCE = "insert into event_sequences (tenant_id, object_id, last_value) values (?1, ?2, 1)
        on conflict (tenant_id, object_id) do update set last_value = event_sequences.last_value + 1 returning last_value";
    PATTERNS = "select pattern from event_taps where tenant_id = ?1 and pattern <> '' order by pattern";
    // A row that taps nothing, to stand in line at.
    LINE_UP = "insert into event_taps (tenant_id, pattern) values (?1, '') on conflict (tenant_id, pattern) do update set pattern = ''";
    ADD = "insert into event_taps (tenant_id, pattern) values (?1, ?2) on conflict (tenant_id, pattern) do nothing";
    REMOVE = "delete from event_taps where tenant_id = ?1 and pattern = ?2";
}

/// `ticket.*` of `ticket.created`.
fn group(topic: &str) -> String {
    format!("{}.*", topic.split('.').next().unwrap_or_default())
}

/// Whether a pattern (`ticket.created`, `ticket.*`, `*`) takes a topic.
pub fn takes(pattern: &str, topic: &str) -> bool {
    pattern == "*" || pattern == topic || pattern == group(topic)
}

/// The article an event is about, where it is about one.
pub fn article_of(payload: &serde_json::Value) -> Option<Uuid> {
    payload.get("article_id")?.as_str()?.parse().ok()
}

pub(crate) fn pass_on(tx: &mut Tx<'_>, id: Id<EventRow>, event: Event) -> Result<()> {
    if tx.recall(&IS_TAPPED, params![event.topic, group(event.topic)], |_| Ok(()))?.is_empty() {
        return Ok(());
    }
    let object: Option<Uuid> = event.ticket_id.or(event.customer_id).or_else(|| article_of(&event.payload));
    let sequence = match object {
        Some(object) => tx.query_one(&NEXT_SEQUENCE, params![object], |row| row.get(0))?,
        None => None,
    };
    let event = StoredEvent {
        id,
        topic: event.topic.to_owned(),
        ticket_id: event.ticket_id,
        customer_id: event.customer_id,
        is_public: event.is_public,
        payload: event.payload,
        created_at: tx.now(),
    };
    tx.enqueue(&Tapped { event, sequence })
}

/// The patterns that are tapped.
pub fn patterns(read: &Read<'_>) -> Result<Vec<String>> {
    read.query_all(&PATTERNS, params![], |row| row.get(0))
}

/// Stands in line with everybody who is about to change what is tapped, until the commit. Publishing does not wait.
pub fn lock(tx: &mut Tx<'_>) -> Result<()> {
    tx.execute(&LINE_UP, params![]).map(|_| ())
}

/// Taps exactly these patterns from this commit on. Call [`lock`] before reading what they are made of.
pub fn set(tx: &mut Tx<'_>, wanted: &[String]) -> Result<()> {
    let now = patterns(tx)?;
    for pattern in now.iter().filter(|p| !wanted.contains(p)) {
        tx.execute(&REMOVE, params![pattern])?;
    }
    for pattern in wanted.iter().filter(|p| !now.contains(p)) {
        tx.execute(&ADD, params![pattern])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::takes;

    #[test]
    fn patterns_take_a_name_a_group_or_everything() {
        for (pattern, topic, taken) in [
            ("*", "ticket.created", true),
            ("ticket.*", "ticket.created", true),
            ("ticket.created", "ticket.created", true),
            ("ticket.created", "ticket.changed", false),
            ("tick.*", "ticket.created", false),
            ("ticket.*", "tickets.created", false),
            ("", "ticket.created", false),
        ] {
            assert_eq!(takes(pattern, topic), taken, "{pattern} {topic}");
        }
    }
}
