//! Reads for API and pages.

use base::{Id, OrNotFound, Result};
use db::Read;
use uuid::Uuid;

use super::{
    model::{Attempt, Delivery, DeliveryState, Webhook},
    store,
};

/// Every webhook, oldest first.
pub fn all(read: &Read<'_>) -> Result<Vec<Webhook>> {
    store::all(read)
}

pub fn get(read: &Read<'_>, id: Id<Webhook>) -> Result<Webhook> {
    store::find(read, id)?.or_not_found("webhook")
}

/// The newest deliveries of a webhook before an id.
pub fn deliveries(
    read: &Read<'_>,
    of: Id<Webhook>,
    state: Option<DeliveryState>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Delivery>> {
    get(read, of)?;
    store::deliveries(read, of, state, before, limit)
}

/// A delivery with its body as it is sent, and every attempt.
pub fn delivery(
    read: &Read<'_>,
    of: Id<Webhook>,
    id: Id<Delivery>,
) -> Result<(Delivery, String, Vec<Attempt>)> {
    get(read, of)?;
    let delivery = store::find_delivery(read, id)?.filter(|d| d.webhook_id == of).or_not_found("delivery")?;
    let body = store::body(read, delivery.message)?.unwrap_or_default();
    let attempts = store::attempts(read, id)?;
    Ok((delivery, body, attempts))
}
