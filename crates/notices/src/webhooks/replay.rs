use base::{Error, Id, OrNotFound, Result, Timestamp};
use db::Tx;
use engine::Enqueue;
use uuid::Uuid;

use super::{
    deliver::Deliver,
    model::{Delivery, DeliveryState, Webhook},
    store,
};

/// Deliveries that one call replays at most.
pub const REPLAY_MAX: u32 = 1000;

/// Deliveries that began from `after` on and before `before`, of these states.
pub struct Range {
    pub after: Timestamp,
    pub before: Timestamp,
    pub states: Vec<DeliveryState>,
}

fn is_on(tx: &Tx<'_>, webhook: Id<Webhook>) -> Result<()> {
    let found = store::find(tx, webhook)?.or_not_found("webhook")?;
    match found.disabled_at {
        None => Ok(()),
        Some(_) => {
            Err(Error::conflict("webhook.disabled", "the webhook is switched off; switch it on first"))
        }
    }
}

/// Delivers once more, under the same id and with the same body, with a new set of attempts. What waits for its next
/// attempt gets it now.
pub fn replay(tx: &mut Tx<'_>, webhook: Id<Webhook>, id: Id<Delivery>) -> Result<Delivery> {
    let delivery =
        store::lock_delivery(tx, id)?.filter(|d| d.webhook_id == webhook).or_not_found("delivery")?;
    is_on(tx, webhook)?;
    let now = tx.now();
    if delivery.state == DeliveryState::Pending && delivery.next_attempt_at.is_none_or(|at| at <= now) {
        return Err(Error::conflict("webhook.under_way", "an attempt is under way already"));
    }
    again(tx, delivery)
}

fn again(tx: &mut Tx<'_>, mut delivery: Delivery) -> Result<Delivery> {
    delivery.state = DeliveryState::Pending;
    delivery.round += 1;
    delivery.attempts_before = delivery.attempts;
    delivery.next_attempt_at = Some(tx.now());
    delivery.ended_at = None;
    store::save_delivery(tx, &delivery)?;
    let (round, attempt) = (delivery.round, delivery.attempts + 1);
    tx.enqueue(&Deliver { delivery: delivery.id, round, attempt })?;
    Ok(delivery)
}

/// The lowest id that could be made at an instant.
fn first_id(at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    Uuid::from_u128(u128::from(millis) << 80)
}

/// Replays a range, oldest first. Answers how many, and whether there are more than one call takes.
pub fn replay_range(tx: &mut Tx<'_>, webhook: Id<Webhook>, range: &Range) -> Result<(u32, bool)> {
    is_on(tx, webhook)?;
    if range.after >= range.before {
        return Err(Error::field("before", "webhook.range", "an instant later than after"));
    }
    if range.states.is_empty() || range.states.contains(&DeliveryState::Pending) {
        let message = "one or more of failed, cancelled, delivered; what is pending comes by itself";
        return Err(Error::field("states", "webhook.states", message));
    }
    let (from, to) = (first_id(range.after), first_id(range.before));
    let mut ids = Vec::new();
    for state in DeliveryState::ALL.into_iter().filter(|s| range.states.contains(s)) {
        ids.extend(store::in_range(tx, webhook, state, from, to, REPLAY_MAX + 1)?);
    }
    ids.sort();
    let more = ids.len() > REPLAY_MAX as usize;
    ids.truncate(REPLAY_MAX as usize);
    let mut replayed = 0;
    for id in ids {
        // Looked at again under the lock: its twin in another request may have been first.
        let found = store::lock_delivery(tx, id)?.filter(|d| range.states.contains(&d.state));
        if let Some(delivery) = found {
            again(tx, delivery)?;
            replayed += 1;
        }
    }
    Ok((replayed, more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_moment_lie_between_its_bounds() {
        let entropy = base::SeededEntropy::new(1);
        let at: Timestamp = "2026-03-02T12:00:00.5Z".parse().unwrap();
        let id = Id::<Delivery>::new(at, &entropy).uuid();
        assert!(first_id(at) <= id && id < first_id(at + jiff::SignedDuration::from_millis(1)));
    }
}
