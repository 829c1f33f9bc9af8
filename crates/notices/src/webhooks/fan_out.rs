//! From an event to its deliveries.

use std::sync::Arc;

use base::{Id, Result, Timestamp};
use db::{Read, Tx};
use engine::{
    Enqueue, Inside, StoredEvent,
    taps::{self, Tapped},
};
use serde::Serialize;
use uuid::Uuid;

use super::{deliver::Deliver, model::Webhook, store};

/// What an event's `data` is, read when the message is made: at or after the event, never before it.
pub type Describe = Arc<dyn Fn(&Read<'_>, &StoredEvent) -> Result<serde_json::Value> + Send + Sync>;

pub struct FanOut {
    pub describe: Describe,
}

/// The body of a call. Its fields stand in this order.
#[derive(Serialize)]
pub struct Body<'a> {
    #[serde(rename = "type")]
    pub topic: &'a str,
    pub timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Object>,
    pub data: serde_json::Value,
}

/// What it happened to, and the event's place in the order of what happened to it.
#[derive(Serialize)]
pub struct Object {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub id: Uuid,
    pub sequence: i64,
}

fn object(tapped: &Tapped) -> Option<Object> {
    let (kind, id) = match (tapped.event.ticket_id, tapped.event.customer_id) {
        (Some(id), _) => ("ticket", id),
        (None, Some(id)) => ("customer", id),
        (None, None) => ("article", taps::article_of(&tapped.event.payload)?),
    };
    Some(Object { kind, id, sequence: tapped.sequence? })
}

impl Inside for FanOut {
    type Job = Tapped;
    const TOGETHER_MAX: usize = 16;

    fn run(&self, tx: &mut Tx<'_>, job: &Tapped) -> Result<()> {
        let event = &job.event;
        let wanting: Vec<Webhook> = store::all(tx)?
            .into_iter()
            .filter(|w| w.disabled_at.is_none() && w.wants(&event.topic))
            .collect();
        if wanting.is_empty() {
            return Ok(());
        }
        let body = Body {
            topic: &event.topic,
            timestamp: event.created_at,
            object: object(job),
            data: (self.describe)(tx, event)?,
        };
        let body = serde_json::to_string(&body).map_err(base::Error::from_source)?;
        // The event's own id: who is told twice by two webhooks can tell, and so can a second run of this job.
        let message = event.id.uuid();
        store::insert_message(tx, message, &event.topic, &body)?;
        for webhook in wanting {
            begin(tx, webhook.id, message, &event.topic)?;
        }
        Ok(())
    }
}

/// Starts telling a webhook a message, once.
pub fn begin(
    tx: &mut Tx<'_>,
    to: Id<Webhook>,
    message: Uuid,
    topic: &str,
) -> Result<Option<Id<super::Delivery>>> {
    let made = store::insert_delivery(tx, to, message, topic)?;
    if let Some(delivery) = made {
        tx.enqueue(&Deliver { delivery, round: 1, attempt: 1 })?;
    }
    Ok(made)
}
