use base::{Id, Result};
use db::Read;
use desk::tickets::query;
use engine::StoredEvent;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::tickets::wire::{MessageOut, TicketOut};

/// `data` of an event, as receivers get it: of an article's event the article; of others the ids, and of a ticket's event
/// the ticket as the staff API shows it, with the message when one was written, or the score a customer gave.
///
/// `version` is the ticket's after the event, `ticket_version` that of the ticket that is shown. It is read when the message
/// is made, so it may be newer than the event and is never older. A ticket that is gone by then leaves the ids.
pub fn describe(read: &Read<'_>, event: &StoredEvent) -> Result<Value> {
    if let Some(id) = engine::taps::article_of(&event.payload) {
        return article(read, id, &event.payload);
    }
    let mut data = json!({ "ticket_id": event.ticket_id, "customer_id": event.customer_id });
    if let Some(version) = event.payload.get("version") {
        data["version"] = version.clone();
    }
    if let Some(score) = event.payload.get("score") {
        data["score"] = score.clone();
    }
    let found = match event.ticket_id {
        Some(id) => query::get(read, Id::from_uuid(id)).map(Some).or_else(|e| match e.kind() {
            base::Kind::NotFound => Ok(None),
            _ => Err(e),
        })?,
        None => None,
    };
    if let Some(ticket) = found {
        let (id, version) = (ticket.id, ticket.version);
        let extras = query::extras(read, &[id])?.remove(&id).unwrap_or_default();
        data["ticket"] = json!(TicketOut::new(ticket, extras, read.now()));
        data["ticket_version"] = json!(version);
    }
    let message =
        event.payload.get("message_id").and_then(Value::as_str).and_then(|m| m.parse::<Uuid>().ok());
    if let Some(id) = message
        && let Some(message) = query::message(read, Id::from_uuid(id))?
    {
        data["message"] = json!(MessageOut::from(message));
    }
    Ok(data)
}

/// Of an article's event: which text, and the article as staff see it. What readers see may be newer than the event.
fn article(read: &Read<'_>, id: Uuid, payload: &Value) -> Result<Value> {
    let mut data = payload.clone();
    data["article"] = json!(desk::articles::query::get(read, Id::from_uuid(id))?);
    Ok(data)
}
