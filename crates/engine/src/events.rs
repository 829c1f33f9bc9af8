//! Facts told to others: written with the change, followed by live streams in every replica.

use base::{Id, Result, Timestamp};
use db::{Read, Tx, Wake, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::taps;

/// Marker of an event's id.
pub enum EventRow {}

/// What happened, in the past tense, with a version in its topic when its shape changes (`ticket.resolved`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    pub topic: &'static str,
    pub ticket_id: Option<Uuid>,
    /// Whose it is, for the customer's own stream.
    pub customer_id: Option<Uuid>,
    /// Whether the customer may know that it happened. A note is not public, and neither is its trace.
    pub is_public: bool,
    pub payload: serde_json::Value,
}

/// An event as it was stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredEvent {
    pub id: Id<EventRow>,
    pub topic: String,
    pub ticket_id: Option<Uuid>,
    pub customer_id: Option<Uuid>,
    pub is_public: bool,
    pub payload: serde_json::Value,
    pub created_at: Timestamp,
}

/// `tx.publish(event)`, in the transaction of its cause.
pub trait Publish {
    fn publish(&mut self, event: Event) -> Result<()>;
}

db::statements! {
    INSERT = "insert into events (tenant_id, id, topic, ticket_id, customer_id, is_public, payload, created_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    SINCE = "select id, topic, ticket_id, customer_id, is_public, payload, created_at from events
        where tenant_id = ?1 and id > ?2 order by id limit ?3";
    installation FORGET = "delete from events where created_at < ?1";
}

impl Publish for Tx<'_> {
    fn publish(&mut self, event: Event) -> Result<()> {
        let (id, now): (Id<EventRow>, _) = (self.new_id(), self.now());
        self.execute_later(
            &INSERT,
            params![id, event.topic, event.ticket_id, event.customer_id, event.is_public, event.payload, now],
        )?;
        self.wake(Wake::Events(self.tenant()?));
        taps::pass_on(self, id, event)
    }
}

/// Events after an id, oldest first. Ids follow the clock of the replica that wrote them, not the order of commits: a
/// follower reads again from a few seconds back and leaves out what it has seen.
pub fn since(read: &Read<'_>, after: Uuid, limit: u32) -> Result<Vec<StoredEvent>> {
    read.query_all(&SINCE, params![after, limit], |row| {
        let mut c = row.columns();
        Ok(StoredEvent {
            id: c.next()?,
            topic: c.next()?,
            ticket_id: c.next()?,
            customer_id: c.next()?,
            is_public: c.next()?,
            payload: c.next()?,
            created_at: c.next()?,
        })
    })
}

pub(crate) fn forget(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute(&FORGET, params![before])
}
