use base::{Error, Id, Kind, OrNotFound, Result, Secret, text};
use db::Tx;
use engine::taps;
use identity::{audit, users};

use super::{
    fan_out::{Body, begin},
    model::{Delivery, FAILING_MAX, PREVIOUS_SECRET, Webhook},
    signature, store, topics,
};
use crate::inbox;

/// Webhooks of one tenant at most: each event is held against all of them.
const MOST: usize = 50;

/// What a new webhook is made of. Whether its address may be called at all is checked before, by the client that calls.
pub struct NewWebhook {
    pub name: String,
    pub url: String,
    pub topics: Vec<String>,
}

/// Fields to change; absent ones stay.
#[derive(Default)]
pub struct WebhookPatch {
    pub name: Option<String>,
    pub url: Option<String>,
    pub topics: Option<Vec<String>>,
    pub enabled: Option<bool>,
    pub expected_version: Option<i64>,
}

fn check_name(name: &str) -> Result<String> {
    text::line("name", name, 100)
}

/// Makes a webhook; the secret is answered this once.
pub fn create(tx: &mut Tx<'_>, new: NewWebhook) -> Result<(Secret, Webhook)> {
    taps::lock(tx)?;
    if store::all(tx)?.len() >= MOST {
        return Err(Error::conflict(
            "webhook.too_many",
            format!("there are {MOST} webhooks already; delete one"),
        ));
    }
    let now = tx.now();
    let webhook = Webhook {
        id: tx.new_id(),
        name: check_name(&new.name)?,
        url: new.url,
        topics: topics::check(&new.topics)?,
        disabled_at: None,
        disabled_reason: None,
        failing_since: None,
        previous_secret_until: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let secret = signature::new_secret(tx.entropy());
    store::insert(tx, &webhook, &secret)?;
    tap(tx)?;
    audit::record(
        tx,
        audit::Change::new("webhook.created", "webhook", Some(webhook.id.uuid())).to(&webhook),
    )?;
    Ok((secret, webhook))
}

/// Changes a webhook. Switching it on forgets that it failed.
pub fn change(tx: &mut Tx<'_>, id: Id<Webhook>, patch: WebhookPatch) -> Result<Webhook> {
    taps::lock(tx)?;
    let before = store::lock(tx, id)?.or_not_found("webhook")?;
    let mut webhook = before.clone();
    if let Some(name) = &patch.name {
        webhook.name = check_name(name)?;
    }
    if let Some(url) = patch.url {
        webhook.url = url;
    }
    if let Some(list) = &patch.topics {
        webhook.topics = topics::check(list)?;
    }
    if patch.expected_version.is_some_and(|v| v != before.version) {
        let message = "the webhook has changed since you read it; nothing was changed";
        return Err(Error::new(Kind::Stale, "webhook.stale", message));
    }
    match (patch.enabled, webhook.disabled_at) {
        (Some(true), Some(_)) => {
            webhook.disabled_at = None;
            webhook.disabled_reason = None;
            webhook.failing_since = None;
        }
        (Some(false), None) => {
            webhook.disabled_at = Some(tx.now());
            webhook.disabled_reason = Some("by_hand".into());
        }
        _ => {}
    }
    webhook.version += 1;
    webhook.updated_at = tx.now();
    store::save(tx, &webhook)?;
    tap(tx)?;
    let line = audit::Change::new("webhook.changed", "webhook", Some(id.uuid())).from(&before).to(&webhook);
    audit::record(tx, line)?;
    Ok(webhook)
}

/// Deletes a webhook. What was under way to it is not sent any more.
pub fn delete(tx: &mut Tx<'_>, id: Id<Webhook>) -> Result<()> {
    taps::lock(tx)?;
    let before = store::lock(tx, id)?.or_not_found("webhook")?;
    store::delete(tx, id)?;
    tap(tx)?;
    audit::record(tx, audit::Change::new("webhook.deleted", "webhook", Some(id.uuid())).from(&before))
}

/// A new secret, answered this once. For 24 hours the old one signs beside it.
pub fn rotate_secret(tx: &mut Tx<'_>, id: Id<Webhook>) -> Result<(Secret, Webhook)> {
    store::lock(tx, id)?.or_not_found("webhook")?;
    let secret = signature::new_secret(tx.entropy());
    let until = tx.now() + PREVIOUS_SECRET;
    store::rotate(tx, id, &secret, until)?;
    audit::record(tx, audit::Change::new("webhook.secret_rotated", "webhook", Some(id.uuid())))?;
    Ok((secret, store::find(tx, id)?.or_not_found("webhook")?))
}

/// Sends a message that says it is a test, whatever the webhook subscribes to.
pub fn send_test(tx: &mut Tx<'_>, id: Id<Webhook>) -> Result<Delivery> {
    let webhook = store::find(tx, id)?.or_not_found("webhook")?;
    if webhook.disabled_at.is_some() {
        return Err(Error::conflict("webhook.disabled", "the webhook is switched off; switch it on first"));
    }
    let data = serde_json::json!({ "webhook_id": id, "name": webhook.name, "sent_by": tx.actor().name });
    let body = Body { topic: topics::TEST, timestamp: tx.now(), object: None, data };
    let body = serde_json::to_string(&body).map_err(Error::from_source)?;
    let message = tx.new_id::<Delivery>().uuid();
    store::insert_message(tx, message, topics::TEST, &body)?;
    let delivery = begin(tx, id, message, topics::TEST)?.or_not_found("delivery")?;
    store::find_delivery(tx, delivery)?.or_not_found("delivery")
}

/// Taps what the webhooks that are on want, and no more.
fn tap(tx: &mut Tx<'_>) -> Result<()> {
    let on = store::all(tx)?.into_iter().filter(|w| w.disabled_at.is_none());
    let mut wanted: Vec<String> = on.flat_map(|w| w.topics).collect();
    wanted.sort();
    wanted.dedup();
    taps::set(tx, &wanted)
}

/// Notes how an attempt went. False when the webhook is off from now on: it is gone, or failed for too long.
pub fn note_health(tx: &mut Tx<'_>, id: Id<Webhook>, succeeded: bool, gone: bool) -> Result<bool> {
    let Some(webhook) = store::find(tx, id)? else { return Ok(false) };
    if succeeded {
        if webhook.failing_since.is_some() {
            store::set_failing(tx, id, None)?;
        }
        return Ok(true);
    }
    if webhook.disabled_at.is_some() {
        return Ok(false);
    }
    let now = tx.now();
    let too_long = webhook.failing_since.is_some_and(|since| now.duration_since(since) >= FAILING_MAX);
    if gone || too_long {
        switch_off(tx, id, if gone { "gone" } else { "failing" })?;
        return Ok(false);
    }
    if webhook.failing_since.is_none() {
        store::set_failing(tx, id, Some(now))?;
    }
    Ok(true)
}

/// Switches a webhook off by itself, and tells the administrators.
fn switch_off(tx: &mut Tx<'_>, id: Id<Webhook>, reason: &str) -> Result<()> {
    // In line first, then the row: the order in which everybody takes the two.
    taps::lock(tx)?;
    let Some(before) = store::lock(tx, id)?.filter(|w| w.disabled_at.is_none()) else { return Ok(()) };
    let now = tx.now();
    let mut webhook = before.clone();
    webhook.disabled_at = Some(now);
    webhook.disabled_reason = Some(reason.to_owned());
    webhook.version += 1;
    webhook.updated_at = now;
    store::save(tx, &webhook)?;
    tap(tx)?;
    let line =
        audit::Change::new("webhook.switched_off", "webhook", Some(id.uuid())).from(&before).to(&webhook);
    audit::record(tx, line)?;
    let why = match reason {
        "gone" => "its receiver answered 410 Gone",
        _ => "its receiver failed for five days",
    };
    let title = format!("The webhook {} was switched off: {why}", webhook.name);
    for admin in users::staff(tx)?.iter().filter(|u| u.role.is_admin() && u.disabled_at.is_none()) {
        inbox::notify(tx, admin.id, "webhook_off", &title, None)?;
    }
    Ok(())
}
